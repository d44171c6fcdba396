"""What openapi-python-client drops or breaks without failing, and what this house asks of its own document.

`python -m generator.lint FILE` names every loss with file and line; docs/linting.md lists the rules.
"""

from .check import Report, lint
from .rules import HOUSE, LOSSES, Finding, Rule

__all__ = ["HOUSE", "LOSSES", "Finding", "Report", "Rule", "lint"]
