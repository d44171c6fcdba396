"""Searches of a sandbox: filters, sorting, and pages whose cursor is an offset (contract: search parameters)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime
from typing import Any, Final

from attrs import frozen

from ._answers import Refused
from ._exchange import Pairs
from ._parameters import check_parameters
from ._store import Store, StoredRecord

__all__ = ["FoundPage", "Searches"]

_USUAL: Final = 20
_MOST: Final = 100

_BEGINNING: Final = datetime.min.replace(tzinfo=UTC)


def _end(stored: StoredRecord) -> str:
    return str((stored.record.get("period") or {}).get("end", ""))


_SORTED_BY: Final[Mapping[str, Callable[[StoredRecord], Any]]] = {
    "date": lambda stored: stored.start or _BEGINNING,
    "period.start": lambda stored: stored.start or _BEGINNING,
    "period.end": _end,
    "status": lambda stored: str(stored.record.get("status", "")),
    "class": lambda stored: str(stored.record.get("class", "")),
    "lengthMinutes": lambda stored: stored.record.get("lengthMinutes") or 0,
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
            self._found[asked] = _sorted([s for s in index.values() if _matches(s, given)], given.get("sort", ""))
        return self._found[asked]


def _count(text: str) -> int:
    """How many rows a page has: clamped, never refused."""
    digits = text.removeprefix("+")
    number = int(digits) if digits.isascii() and digits.isdigit() and len(digits) <= 9 else 0
    return min(number, _MOST) or _USUAL


def _matches(stored: StoredRecord, given: Mapping[str, str]) -> bool:
    record = stored.record
    if any(name in given and record.get(name) != given[name] for name in ("patientId", "status")):
        return False
    if "dateFrom" not in given and "dateTo" not in given:
        return True
    if stored.start is None:
        return False
    day = stored.start.astimezone(UTC).date()
    first, last = given.get("dateFrom"), given.get("dateTo")
    return (first is None or day >= date.fromisoformat(first)) and (last is None or day <= date.fromisoformat(last))


def _sorted(rows: list[StoredRecord], sort: str) -> list[StoredRecord]:
    if not sort:
        return rows
    by = _SORTED_BY.get(sort.removeprefix("-"))
    if by is None:
        names = ", ".join(_SORTED_BY)
        raise Refused(400, "INVALID_PARAMETER", f"sort: this sandbox sorts by {names}, each with or without a hyphen.")
    return sorted(rows, key=by, reverse=sort.startswith("-"))
