"""The rules as they stand in docs/linting.md."""

from __future__ import annotations

import textwrap

from . import check as check  # imports the modules of all rules
from .rules import HOUSE, LOSSES, STOCK, Rule

GRADES = {
    "breaks": "Losses that break code",
    "drops": "Losses that drop something",
    "note": "Losses of annotations",
    "house": "House rules",
}


def guide() -> str:
    """All rules in Markdown: a section for each grade, and one for the losses of the stock generator alone."""
    ours = [*LOSSES.rules.values(), *HOUSE.rules.values()]
    sections = {title: [rule for rule in ours if rule.grade == grade] for grade, title in GRADES.items()}
    sections["Losses of the stock generator alone"] = list(STOCK.rules.values())
    return "\n\n".join(f"## {title}\n\n" + "\n".join(map(_entry, rules)) for title, rules in sections.items())


def _entry(rule: Rule) -> str:
    lost = rule.lost[0].upper() + rule.lost[1:]
    text = f"- **{rule.id}**: {lost}. Write instead: {rule.instead}."
    if rule.ours:
        text += f" In our own generator: {rule.ours}."
    return textwrap.fill(text, 120, subsequent_indent="  ", break_long_words=False, break_on_hyphens=False)
