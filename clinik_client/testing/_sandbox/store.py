"""The records of a sandbox, and the index that its searches see some seconds later (contract: consistency)."""

from __future__ import annotations

import zlib
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from heapq import heappop, heappush
from typing import Any, Final, Literal

import orjson
from attrs import define, field

from ..._fhir_datetime import FhirDateTime
from ..._generated.models import Encounter
from .clock import moment_after

__all__ = ["Shape", "Store", "StoredRecord"]

Shape = Literal["simple", "fhir", "mixed"]
"""In which of the two shapes records are shown; ``mixed``: half of them, chosen by their ids, in FHIR's."""

_BEGINNING: Final = datetime.min.replace(tzinfo=UTC)


@define(eq=False)
class StoredRecord:
    """One version of one record, in the simple shape. Nobody changes it: a change makes another one."""

    record: dict[str, Any]
    changed: datetime = _BEGINNING
    """When it was created, or changed last."""
    start: datetime | None = field(init=False)
    """When its period starts; a year, a month or a day stands for its first instant."""
    end: datetime | None = field(init=False)
    _simple: orjson.Fragment | None = field(default=None, init=False)
    _fhir: orjson.Fragment | None = field(default=None, init=False)

    def __attrs_post_init__(self) -> None:
        period = self.record.get("period")
        self.start, self.end = _moment(period, "start"), _moment(period, "end")

    @property
    def id(self) -> str:
        return str(self.record["id"])

    def copy(self) -> dict[str, Any]:
        """The record, for somebody who may change it."""
        copied: dict[str, Any] = orjson.loads(orjson.dumps(self.record))
        return copied

    def shown(self, shape: Shape) -> orjson.Fragment:
        """Its JSON, which is written once."""
        if shape == "fhir" or (shape == "mixed" and zlib.crc32(self.id.encode()) % 2):
            self._fhir = self._fhir or orjson.Fragment(orjson.dumps(self.fhir()))
            return self._fhir
        if self._simple is None:
            # What only FHIR's form can say is not in the simple one.
            told = {name: value for name, value in self.record.items() if name != "fhir"}
            self._simple = orjson.Fragment(orjson.dumps(told))
        return self._simple

    def fhir(self) -> dict[str, Any]:
        """The same record as a FHIR R4 resource."""
        return Encounter.from_dict(self.record).to_fhir()


def _moment(period: Any, name: str) -> datetime | None:
    # A seed may hold anything.
    text = period.get(name) if isinstance(period, dict) else None
    return FhirDateTime.read(text) if isinstance(text, str) else None


class Store:
    """The records of one organization in one environment.

    Reading by id sees each write at once. Searches see an index that follows later, write by write. What it has once
    seen stays seen, also when the clock is set back.

    Args:
        records: what is there at the beginning.
        start: since when they are there.
    """

    def __init__(self, records: Iterable[dict[str, Any]] = (), start: datetime = _BEGINNING) -> None:
        self._records = {stored.id: stored for stored in (StoredRecord(record, start) for record in records)}
        self._index = dict(self._records)
        self._coming: list[tuple[datetime, int, str, StoredRecord | None]] = []
        self._writes = 0
        # By id, the number of the last write that the index has seen.
        self._seen: dict[str, int] = {}
        self.version = 0
        """Counts the changes of the index."""

    def __len__(self) -> int:
        return len(self._records)

    def __iter__(self) -> Iterator[StoredRecord]:
        return iter(list(self._records.values()))

    def get(self, record_id: str) -> StoredRecord | None:
        """What there is now by this id."""
        return self._records.get(record_id)

    def put(self, record: dict[str, Any], visible: datetime, changed: datetime = _BEGINNING) -> StoredRecord:
        """Create a record, or replace the one with its id.

        Args:
            record: in the simple shape, with an ``id``.
            visible: when searches see it.
            changed: what time it is.
        """
        stored = StoredRecord(record, changed)
        self._records[stored.id] = stored
        self._announce(visible, stored.id, stored)
        return stored

    def delete(self, record_id: str, visible: datetime) -> bool:
        """Delete a record. Returns whether there was one.

        Args:
            record_id: its id.
            visible: when searches no longer find it.
        """
        if self._records.pop(record_id, None) is None:
            return False
        self._announce(visible, record_id, None)
        return True

    def _announce(self, visible: datetime, record_id: str, stored: StoredRecord | None) -> None:
        self._writes += 1
        heappush(self._coming, (visible, self._writes, record_id, stored))

    def index(self, now: datetime) -> dict[str, StoredRecord]:
        """What searches see at this moment, in the order in which it came."""
        while self._coming and self._coming[0][0] <= now:
            _, number, record_id, stored = heappop(self._coming)
            # When the lag was made shorter, or the clock set back, a later write may have been seen before.
            if number < self._seen.get(record_id, 0):
                continue
            self._seen[record_id] = number
            if stored is None:
                self._index.pop(record_id, None)
            else:
                self._index[record_id] = stored
            self.version += 1
        return self._index


def visible_at(now: datetime, lag: float) -> datetime:
    """When searches see what is written now; a lag beyond all times is for ever."""
    return moment_after(now, lag)
