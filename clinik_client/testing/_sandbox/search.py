"""Searches of a sandbox: filters, sorting, and pages whose cursor is an offset (contract: search parameters)."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime, time
from typing import Any, Final

from attrs import frozen

from .._answers import Refused
from .._exchange import Pairs
from .parameters import check_parameters
from .store import Store, StoredRecord

__all__ = ["FoundPage", "Searches"]

_USUAL: Final = 20
_MOST: Final = 100
_NUMBER: Final = re.compile(r"[+-]?[0-9]+(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?")
# How many different searches are kept.
_KEPT: Final = 100

_BEGINNING: Final = datetime.min.replace(tzinfo=UTC)


def _minutes(stored: StoredRecord) -> float:
    value = stored.record.get("lengthMinutes")
    return value if isinstance(value, int | float) else -1


# What a record does not say comes before all that others say.
_SORTED_BY: Final[Mapping[str, Callable[[StoredRecord], Any]]] = {
    "date": lambda stored: stored.start or _BEGINNING,
    "period.start": lambda stored: stored.start or _BEGINNING,
    "period.end": lambda stored: stored.end or _BEGINNING,
    "status": lambda stored: str(stored.record.get("status") or ""),
    "class": lambda stored: str(stored.record.get("class") or ""),
    "lengthMinutes": _minutes,
    "id": lambda stored: stored.id,
}


@frozen
class FoundPage:
    """One page of what a search found."""

    rows: list[StoredRecord]
    total: int
    cursor: str | None
    """Where the next page begins; ``None`` if this is the last one."""


class Searches:
    """Searches one store. What was found last is kept until the index changes: pages of one walk ask for the same."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._found: dict[tuple[str, ...], list[StoredRecord]] = {}
        self._version = 0

    def page(self, query: Pairs, now: datetime) -> FoundPage:
        """Answer a search.

        Args:
            query: the decoded query.
            now: what time it is.

        Raises:
            Refused: a parameter is unknown, or malformed.
        """
        given = check_parameters("search", query)
        count, cursor = _count(given.pop("count", "")), given.pop("cursor", "")
        found = self._find(given, now)
        start = int(cursor) if cursor.isascii() and cursor.isdigit() and len(cursor) <= 9 else 0
        rows = found[start : start + count]
        more = start + count < len(found)
        return FoundPage(rows, len(found), str(start + count) if more else None)

    def _find(self, given: dict[str, str], now: datetime) -> list[StoredRecord]:
        index = self._store.index(now)
        if self._version != self._store.version:
            self._found.clear()
            self._version = self._store.version
        names = ("patientId", "status", "dateFrom", "dateTo", "sort")
        asked = tuple(given.get(name, "") for name in names)
        if asked not in self._found:
            matches = _filter(given)
            found = _sorted([stored for stored in index.values() if matches(stored)], given.get("sort", ""))
            if len(self._found) >= _KEPT:
                self._found.clear()
            self._found[asked] = found
        return self._found[asked]


def _count(text: str) -> int:
    """How many rows a page has: clamped, never refused."""
    # Python takes more for a number: inf, 1_0, and the digits of any script.
    number = float(text) if _NUMBER.fullmatch(text) else 0
    return int(min(number, _MOST)) if number >= 1 else _USUAL


def _filter(given: Mapping[str, str]) -> Callable[[StoredRecord], bool]:
    """What tells whether a record is searched for. Days are those of UTC."""
    same = [(name, given[name]) for name in ("patientId", "status") if name in given]
    first, last = (_instant(given.get(name), at) for name, at in (("dateFrom", time.min), ("dateTo", time.max)))

    def matches(stored: StoredRecord) -> bool:
        if any(stored.record.get(name) != value for name, value in same):
            return False
        if first is None and last is None:
            return True
        start = stored.start
        return start is not None and (first is None or start >= first) and (last is None or start <= last)

    return matches


def _instant(day: str | None, at: time) -> datetime | None:
    return None if day is None else datetime.combine(date.fromisoformat(day), at, UTC)


def _sorted(rows: list[StoredRecord], sort: str) -> list[StoredRecord]:
    if not sort:
        return rows
    by = _SORTED_BY.get(sort.removeprefix("-"))
    if by is None:
        names = ", ".join(_SORTED_BY)
        raise Refused(400, None, f"sort: this service sorts by {names}, each with or without a hyphen.")
    return sorted(rows, key=by, reverse=sort.startswith("-"))
