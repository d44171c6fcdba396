"""Names that a recording has in the place of the true ones: the same for the same, within one story."""

from __future__ import annotations

import re
import secrets
from calendar import monthrange
from collections.abc import Collection, Mapping
from datetime import date, timedelta
from typing import Final

from .fields import ID_PREFIXES
from .rewriting import DATE, Kind, Place

__all__ = ["Pseudonyms", "days_between", "is_far", "is_pseudonym", "move_date", "some_days"]

_PSEUDONYM: Final = re.compile(rf"(?:(?:{'|'.join(sorted(ID_PREFIXES))}|id)_\d{{8}}|text-\d+)", re.ASCII)
_FEWEST_WEEKS, _MOST_WEEKS = 60, 520


def is_pseudonym(text: str) -> bool:
    """Whether a text has the form of one.

    >>> is_pseudonym("pt_00000001"), is_pseudonym("text-12"), is_pseudonym("pt_abc123")
    (True, True, False)
    """
    return _PSEUDONYM.fullmatch(text) is not None


def some_days() -> int:
    """By how many days to move the dates of a story: into the past, by whole weeks, so that a Monday stays one."""
    return -7 * (_FEWEST_WEEKS + secrets.randbelow(_MOST_WEEKS - _FEWEST_WEEKS))


def is_far(days: int) -> bool:
    """Whether dates may have been moved by so many days."""
    return days % 7 == 0 and _FEWEST_WEEKS <= -days // 7 < _MOST_WEEKS


def move_date(text: str, days: int) -> str:
    """A FHIR date-time some days later. A month or a year alone is moved by as many whole ones as come nearest.

    Raises:
        ValueError: the text is no date, or there is none so early or so late.

    >>> move_date("2025-06-01T09:00:00+02:00", -7), move_date("2025-06", 365)
    ('2025-05-25T09:00:00+02:00', '2026-06')
    """
    parts = DATE.fullmatch(text)
    if parts is None:
        raise ValueError("this is not a date")
    try:
        if parts["day"]:
            moved = date.fromisoformat(text[:10]) + timedelta(days)
            return f"{moved.isoformat()}{parts['time'] or ''}"
        if parts["month"]:
            year, month = divmod(int(parts["year"]) * 12 + int(parts["month"]) - 1 + round(days / 30.4375), 12)
            monthrange(year, int(parts["month"]))  # there has to be such a month
            return f"{date(year, month + 1, 1):%Y-%m}".rjust(7, "0")
        return f"{date(int(parts['year']) + round(days / 365.25), 1, 1).year:04}"
    except OverflowError:
        raise ValueError("there is no such date") from None


def days_between(earlier: str, later: str) -> int | None:
    """How many days one date is behind the other; ``None`` where one of them has no day."""
    if len(earlier) < 10 or len(later) < 10:
        return None
    try:
        return (date.fromisoformat(later[:10]) - date.fromisoformat(earlier[:10])).days
    except ValueError:
        return None


class Pseudonyms:
    """Gives each value a name of its own, and the same value the same one.

    Args:
        taken: texts that no pseudonym may be: all true values, which a reader could take it for.
        known: pseudonyms that values have already.
        keep: values that are made up as it is, and stay.
        days: by how many days dates are moved.
    """

    def __init__(
        self,
        taken: Collection[str] = (),
        *,
        known: Mapping[str, str] | None = None,
        keep: Collection[str] = (),
        days: int | None = None,
    ) -> None:
        self._given = dict(known or {})
        self._taken = {*taken, *self._given.values()}
        self._keep = frozenset(keep)
        self._counts: dict[str, int] = {}
        self.days = some_days() if days is None else days

    def __call__(self, place: Place, kind: Kind, text: str) -> str:
        """The pseudonym of a value: an id of the same kind, a date that was moved, or a text that says nothing."""
        if text in self._keep:
            return text
        if kind == "date":
            try:
                return move_date(text, self.days)
            except ValueError:
                kind = "text"
        if text not in self._given:
            self._given[text] = self._new(kind, text)
        return self._given[text]

    def _new(self, kind: Kind, text: str) -> str:
        prefix = text.partition("_")[0]
        form = "text-{}" if kind != "id" else f"{prefix if prefix in ID_PREFIXES else 'id'}_{{:08}}"
        while True:
            self._counts[form] = number = self._counts.get(form, 0) + 1
            pseudonym = form.format(number)
            if pseudonym not in self._taken:
                return pseudonym
