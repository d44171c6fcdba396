"""Name what gets lost: `python -m generator.lint FILE [--losses-only] [--for clinik|stock]`."""

from __future__ import annotations

import argparse
import sys
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from ..document import DocumentError, load
from ..parse import parse
from ..prepare import prepare
from .check import lint
from .guide import guide
from .rules import Finding


def main(arguments: list[str] | None = None) -> int:
    """Print the findings, one a line, and a count.

    Returns:
        0 if there are none, else 1.
    """
    parser = argparse.ArgumentParser(prog="python -m generator.lint", description=__doc__)
    parser.add_argument("file", type=Path, nargs="?", metavar="FILE", help="an OpenAPI 3 document, YAML or JSON")
    parser.add_argument("--losses-only", action="store_true", help="leave the house rules out")
    parser.add_argument(
        "--for",
        dest="for_",
        choices=("stock", "clinik"),
        default="stock",
        help="stock: whatever openapi-python-client alone loses; clinik: what this project's generator does not make "
        "up for, and the house rules",
    )
    parser.add_argument("--rules", action="store_true", help="print the rules as Markdown and stop")
    options = parser.parse_args(arguments)
    if options.rules:
        print(guide())
        return 0
    if options.file is None:
        parser.error("the following arguments are required: FILE")
    try:
        prepared = prepare(load(options.file)) if options.for_ == "clinik" else None
        report = lint(options.file, for_=options.for_)
        if prepared is not None and not report.stops:
            parse(prepared, options.file.as_posix(), Path())
    except DocumentError as error:
        print(error, file=sys.stderr)
        return 1
    findings = (
        report.losses
        if options.losses_only
        else sorted((*report.losses, *report.house), key=lambda finding: finding.line)
    )
    for finding in findings:
        print(finding)
    print(f"{options.file.as_posix()}: {_counted(findings)}")
    return 1 if findings else 0


def _counted(findings: Sequence[Finding]) -> str:
    if not findings:
        return "no findings"
    grades = Counter(finding.rule.grade for finding in findings)
    parts = [f"{number} {_GRADES[grade][number > 1]}" for grade, number in grades.most_common()]
    return f"{len(findings)} finding{'s' if len(findings) > 1 else ''} ({', '.join(parts)})"


# For one of them, and for more.
_GRADES = {
    "breaks": ("that breaks code", "that break code"),
    "drops": ("that drops something", "that drop something"),
    "house": ("of a house rule", "of house rules"),
    "note": ("about annotations", "about annotations"),
}


if __name__ == "__main__":
    sys.exit(main())
