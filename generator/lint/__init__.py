"""A linter of OpenAPI documents: `python -m generator.lint FILE`. docs/linting.md lists its rules.

A rule is in the module that is named after what the rule looks at. The modules of this folder hold what can get lost
of a document that our own generator accepts; `house.py` says how our document is written. The folder `stock/` holds
what gets lost with the stock openapi-python-client alone, in modules of the same names.

Both folders ask what the stock generator makes of a document: `stock_run.py` runs it, `stock_files.py` looks through
the files that it writes, and `stock_warnings.py` sorts what it says under the rules.
"""

from .check import Report, lint
from .rules import HOUSE, LOSSES, STOCK, Finding, Room, Rule

__all__ = ["HOUSE", "LOSSES", "STOCK", "Finding", "Report", "Room", "Rule", "lint"]
