"""What a sandbox holds at the beginning: made-up encounters, or those of a file."""

from __future__ import annotations

import codecs
import random
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final

import orjson

from ..._codecs import Issues, Location
from ..._encounters.fhir import ENCOUNTER
from ..._errors import ClinikApiError
from ..._fhir_types import API_ID
from ..._generated.models import Encounter, EncounterStatus
from ..._model import schema_of
from ..._objects import encode_object
from .._exchange import NOT_JSON, parse_json
from .parameters import ON_THE_WIRE

__all__ = ["Seed", "SeedError", "records_of"]

Seed = int | str | Path | bytes | Iterable[Mapping[str, Any]]
"""How many encounters are made up; or the path of a JSON or NDJSON file with some, or its text as bytes; or some."""

_MOST_MADE_UP: Final = 100_000
_FIRST: Final = datetime(2024, 1, 1, 8, tzinfo=UTC)
_KINDS: Final = (
    ("AMB", "Annual physical", "Annual check-up", 30),
    ("AMB", "Follow-up", "Blood pressure", 15),
    ("VR", "Video consultation", "Medication review", 20),
    ("EMER", "Emergency visit", "Chest pain", 180),
    ("IMP", "Admission", "Abdominal pain", 2880),
    ("HH", "Home visit", "Wound care", 45),
)
_STATES: Final = ("finished", "finished", "finished", "cancelled", "planned", "arrived", "in-progress")
_CONDITIONS: Final = ("I10", "E11.9", "J06.9", "M54.5", "K35.80", "R07.4")

_KNOWN: Final = (*schema_of(Encounter).by_wire, "resourceType")
# What FHIR R4's Encounter has beyond the simple shape; `Sandbox.records` shows it below these names, too.
_OF_FHIR: Final = (
    *("account", "classHistory", "contained", "episodeOfCare", "extension", "identifier", "implicitRules", "language"),
    *("meta", "modifierExtension", "statusHistory", "text"),
)
_STATUSES: Final = (*EncounterStatus, "entered-in-error", "unknown")
_AROUND: Final = ("data", "records")


class SeedError(ValueError):
    """A seed cannot be used; the text says where and why, without any value of a record."""


def records_of(seed: Seed) -> list[dict[str, Any]]:
    """The records of a seed, in the simple shape; the same for the same seed.

    Raises:
        SeedError: the file cannot be read, or something in it is no encounter.
    """
    if isinstance(seed, bool | Mapping) or not isinstance(seed, int | str | Path | bytes | Iterable):
        raise SeedError("a seed is a number of encounters, the path of a file, its text as bytes, or a list of records")
    if isinstance(seed, int):
        if not 0 <= seed <= _MOST_MADE_UP:
            raise SeedError(f"a seed of made-up encounters is 0 to {_MOST_MADE_UP:,}")
        return _made_up(seed)
    if isinstance(seed, str | Path):
        records = _in_file(Path(seed))
    elif isinstance(seed, bytes):
        records = _in_text(seed)
    else:
        records = [(f"record {number}", record) for number, record in enumerate(seed, start=1)]
    found = [_simple(place, record, number) for number, (place, record) in enumerate(records, start=1)]
    ids: set[str] = set()
    for (place, _), record in zip(records, found, strict=True):
        if record["id"] in ids:
            raise SeedError(f"{place}: an encounter with this id was there before")
        ids.add(record["id"])
    return found


def _in_file(path: Path) -> list[tuple[str, Any]]:
    try:
        text = path.read_bytes()
    except OSError as error:
        raise SeedError(f"{path}: {error.strerror}") from None
    return [(f"{path}: {place}", record) for place, record in _in_text(text)]


def _in_text(text: bytes) -> list[tuple[str, Any]]:
    """The values of a JSON array, or of a JSON text a line, each with its place."""
    text = text.removeprefix(codecs.BOM_UTF8)
    whole = parse_json(text)
    # A response of the API, or of the sandbox's control: its rows. No encounter has fields of these names.
    is_response = False
    while isinstance(whole, dict) and (around := [name for name in _AROUND if name in whole]):
        whole, is_response = whole[around[0]], True
    if isinstance(whole, list):
        rows = [(f"record {number}", record) for number, record in enumerate(whole, start=1)]
        return [row for row in rows if not (is_response and _is_warning(row[1]))]
    if whole is not NOT_JSON:
        return [("record 1", whole)]
    lines = [(number, line) for number, line in enumerate(text.splitlines(), start=1) if line.strip()]
    return [(f"line {number}", parse_json(line)) for number, line in lines]


def _is_warning(row: Any) -> bool:
    """Whether a row of a page is what the service appends to some searches."""
    return isinstance(row, dict) and row.get("resourceType") == "OperationOutcome"


def _simple(place: str, record: Any, number: int) -> dict[str, Any]:
    if record is NOT_JSON:
        raise SeedError(f"{place}: this is not JSON; a seed is a JSON array, or has one record a line")
    if not isinstance(record, Mapping):
        raise SeedError(f"{place}: an encounter is an object")
    if record.get("resourceType", "Encounter") != "Encounter":
        raise SeedError(f"{place}: this is another resource than an Encounter")
    try:
        # Through JSON, so that it is nobody else's.
        simple: dict[str, Any] = orjson.loads(orjson.dumps(Encounter.from_dict(record).to_dict()))
    except (ClinikApiError, orjson.JSONEncodeError):
        raise SeedError(f"{place}: something in it is not JSON, or nested too deep") from None
    given = simple.setdefault("id", _made_up_id(number))
    if not isinstance(given, str) or not API_ID.fullmatch(given) or given in (".", ".."):
        raise SeedError(f"{place}: its id is none that the API could have given")
    if wrong := _wrong(record):
        raise SeedError(f"{place}: {'; '.join(wrong)}")
    return simple


def _wrong(record: Mapping[str, Any]) -> list[str]:
    """What of a record's fields cannot be, without any value."""
    issues, here = Issues(), Location()
    # A resource may have any elements, and what was one says so.
    if not ENCOUNTER.matches(dict(record)) and "fhir" not in record:
        unknown = {name: None for name in record if name not in _KNOWN and name not in _OF_FHIR}
        # Of what is known, the id alone: it need not be there, and values are not the point.
        encode_object(Encounter, {"id": "enc_1", **unknown}, here, ON_THE_WIRE, issues)
    for name in ("status", "class"):
        if record.get(name) is None:
            issues.add(here.key(name), "Required")
        elif name == "status" and record[name] not in _STATUSES:
            issues.add(here.key(name), f"must be one of {', '.join(_STATUSES)}")
    return [issue["diagnostics"].removeprefix(f"{here}: ") for issue in issues]


def _made_up_id(number: int) -> str:
    return f"enc_seed{number:04}"


def _made_up(count: int) -> list[dict[str, Any]]:
    chance = random.Random(1)
    records = []
    for number in range(1, count + 1):
        kind, told, reason, minutes = chance.choice(_KINDS)
        state = chance.choice(_STATES)
        start = _FIRST + timedelta(minutes=15 * chance.randrange(50_000))
        record: dict[str, Any] = {
            "id": _made_up_id(number),
            "status": state,
            "class": kind,
            "patientId": f"pt_seed{chance.randrange(max(1, count // 5)) + 1:03}",
            "practitionerId": f"prac_seed{chance.randrange(9) + 1}",
            "type": told,
            "reasonCode": reason,
            "period": {"start": _text(start)},
        }
        if state == "finished":
            record["period"]["end"] = _text(start + timedelta(minutes=minutes))
            record["lengthMinutes"] = minutes
            record["diagnosis"] = [{"condition": chance.choice(_CONDITIONS), "use": "AD", "rank": 1}]
        if kind == "IMP":
            record["hospitalization"] = {"admitSource": "Emergency department"}
        records.append(record)
    return records


def _text(moment: datetime) -> str:
    return moment.isoformat().replace("+00:00", "Z")
