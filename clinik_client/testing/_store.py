"""The records of a sandbox, and the index that its searches see some seconds later (contract: consistency)."""

from __future__ import annotations

import zlib
from collections import deque
from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta
from typing import Any, Literal

import orjson
from attrs import define, field

from .._fhir_datetime import FhirDateTime
from .._generated.models import Encounter

__all__ = ["Shape", "Store", "StoredRecord"]

Shape = Literal["simple", "fhir", "mixed"]
"""In which of the two shapes records are shown; ``mixed``: half of them, chosen by their ids, in FHIR's."""


@define(eq=False)
class StoredRecord:
    """One version of one record, in the simple shape. Nobody changes it: a change makes another one."""

    record: dict[str, Any]
    start: datetime | None = field(init=False)
    """When its period starts."""
    _simple: orjson.Fragment | None = field(default=None, init=False)
    _fhir: orjson.Fragment | None = field(default=None, init=False)

    def __attrs_post_init__(self) -> None:
        start = (self.record.get("period") or {}).get("start")
        self.start = FhirDateTime.read(start) if isinstance(start, str) else None

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
        self._simple = self._simple or orjson.Fragment(orjson.dumps(self.record))
        return self._simple

    def fhir(self) -> dict[str, Any]:
        """The same record as a FHIR R4 resource."""
        return Encounter.from_dict(self.record).to_fhir()


class Store:
    """The records of one organization in one environment.

    Reading by id sees each write at once. Searches see an index that follows by ``lag`` seconds.
    """

    def __init__(self, records: Iterable[dict[str, Any]] = ()) -> None:
        self._records = {stored.id: stored for stored in map(StoredRecord, records)}
        self._index = dict(self._records)
        self._coming: deque[tuple[datetime, str, StoredRecord | None]] = deque()
        self.version = 0
        """Counts the changes of the index."""

    def __len__(self) -> int:
        return len(self._records)

    def __iter__(self) -> Iterator[StoredRecord]:
        return iter(list(self._records.values()))

    def get(self, record_id: str) -> StoredRecord | None:
        """What there is now by this id."""
        return self._records.get(record_id)

    def put(self, record: dict[str, Any], visible: datetime) -> StoredRecord:
        """Create a record, or replace the one with its id.

        Args:
            record: in the simple shape, with an ``id``.
            visible: when searches see it.
        """
        stored = StoredRecord(record)
        self._records[stored.id] = stored
        self._coming.append((visible, stored.id, stored))
        return stored

    def delete(self, record_id: str, visible: datetime) -> bool:
        """Delete a record. Returns whether there was one.

        Args:
            record_id: its id.
            visible: when searches no longer find it.
        """
        if self._records.pop(record_id, None) is None:
            return False
        self._coming.append((visible, record_id, None))
        return True

    def index(self, now: datetime) -> dict[str, StoredRecord]:
        """What searches see at this moment, in the order in which it came."""
        while self._coming and self._coming[0][0] <= now:
            _, record_id, stored = self._coming.popleft()
            if stored is None:
                self._index.pop(record_id, None)
            else:
                self._index[record_id] = stored
            self.version += 1
        return self._index


def visible_at(now: datetime, lag: float) -> datetime:
    """When searches see what is written now."""
    return now + timedelta(seconds=lag)
