"""The lines of an import: each is a record in either shape, or has something wrong with it."""

from __future__ import annotations

from typing import Any, Final

from attrs import field, frozen

from ..._codecs import Issues, Location
from ..._encounters.fhir import ENCOUNTER
from ..._errors import ClinikApiError
from ..._generated.models import Encounter, EncounterCreateRequest
from ..._generated.types import RECORD_ID
from ..._model import Model, schema_of
from ..._objects import encode_object
from .._answers import Refused
from .._exchange import NOT_JSON, parse_json
from .parameters import ON_THE_WIRE

__all__ = ["ImportedLines", "read_lines"]

_MOST_LINES: Final = 10_000
_KNOWN: Final = schema_of(EncounterCreateRequest).by_wire


@frozen
class ImportedLines:
    """What the lines of an import hold."""

    total: int
    """How many there are; empty ones do not count."""
    records: list[dict[str, Any]] = field(factory=list, repr=False)
    """The good ones, in the simple shape. Not all have an ``id``."""
    errors: list[tuple[int, str]] = field(factory=list)
    """What is wrong with the others, each after the count of lines before it."""


def read_lines(text: str) -> ImportedLines:
    """Read NDJSON.

    Raises:
        Refused: there are too many lines.

    >>> lines = read_lines('{"status":"planned","class":"VR","patientId":"pt_abc123"}\\n\\n{"status":"planned"}\\n')
    >>> lines.total, len(lines.records), lines.errors
    (2, 1, [(1, 'line 3: class: Required; patientId: Required')])
    """
    # Not splitlines(): it takes characters for the end of a line that may stand in a JSON text.
    lines = [(number, line) for number, line in enumerate(text.split("\n"), start=1) if line.strip(" \t\r")]
    if len(lines) > _MOST_LINES:
        raise Refused(413, None, f"No more than {_MOST_LINES:,} records can be imported at once.")
    found = ImportedLines(len(lines))
    for count, (number, line) in enumerate(lines):
        record, wrong = _read(line)
        if wrong:
            found.errors.append((count, f"line {number}: {'; '.join(wrong)}"))
        else:
            found.records.append(record)
    return found


def _read(line: str) -> tuple[dict[str, Any], list[str]]:
    """The record of a line in the simple shape, and all that is wrong with it."""
    record = parse_json(line.encode())
    if record is NOT_JSON:
        return {}, ["must be JSON"]
    if not isinstance(record, dict):
        return {}, ["must be an object"]
    if record.get("resourceType", "Encounter") != "Encounter":
        return {}, ["resourceType: must be 'Encounter'"]
    checked = record
    if ENCOUNTER.matches(record):
        try:
            read = Encounter.from_dict(record)
        except ClinikApiError:
            return {}, ["must not be nested so deep"]
        record = read.to_dict()
        checked = {name: value for name, value in _named(record, read).items() if name in _KNOWN or name == "id"}
    issues, here = Issues(), Location()
    if "id" in checked:
        RECORD_ID.encode(checked["id"], Location(here, "id"), ON_THE_WIRE, issues)
    fields = {name: value for name, value in checked.items() if name != "id"}
    encode_object(EncounterCreateRequest, fields, here, ON_THE_WIRE, issues)
    return record, [issue["diagnostics"].removeprefix(f"{here}: ") for issue in issues]


def _named(value: Any, read: Any) -> Any:
    """A value without what has no name in the simple shape: a resource may have more elements, at any depth.

    Args:
        value: the value in wire names.
        read: the same, as the models read it.
    """
    if isinstance(read, Model):
        entries = schema_of(type(read)).by_wire
        # What has another type than the document's is not read, and stays to be complained of.
        return {
            name: _named(item, getattr(read, entries[name].name)) for name, item in value.items() if name in entries
        }
    if isinstance(read, list):
        return [_named(item, one) for item, one in zip(value, read, strict=True)]
    return value
