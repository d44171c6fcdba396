"""The rules as they stand in docs/linting.md."""

from __future__ import annotations

import textwrap

from . import check as check  # the rules are written when their modules are imported
from .rules import HOUSE, LOSSES, Rule

GRADES = {
    "breaks": "Losses that break code",
    "drops": "Losses that drop something",
    "note": "Losses of annotations",
}


def guide() -> str:
    """All rules in Markdown, a section for each grade."""
    parts = []
    for grade, title in GRADES.items():
        rules = [rule for rule in LOSSES.values() if rule.grade == grade]
        parts.append(f"## {title}\n\n" + "\n".join(_entry(rule) for rule in rules))
    parts.append("## House rules\n\n" + "\n".join(_entry(rule) for rule in HOUSE.values()))
    return "\n\n".join(parts)


def _entry(rule: Rule) -> str:
    lost = rule.lost[0].upper() + rule.lost[1:] if rule.lost[0] != "`" else rule.lost
    text = f"- **{rule.id}**: {lost}. Write instead: {rule.instead}."
    if rule.ours:
        text += f" In our own generator: {rule.ours}."
    return textwrap.fill(text, 120, subsequent_indent="  ", break_long_words=False, break_on_hyphens=False)
