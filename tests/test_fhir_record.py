"""A record as a FHIR R4 resource: what a validator of FHIR takes, and what reads back as it was."""

from __future__ import annotations

import json
import re
import subprocess
import tarfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import fhir_core.constraints
import pydantic
import pytest
from hypothesis import given

from clinik_client import Clinik, ClinikResponseError, Encounter
from clinik_client._encounters.fhir import ENCOUNTER
from clinik_client._privacy import texts_of
from clinik_client.testing import RECORDINGS, load_recordings
from tests.servers import Connect, Serve, ok
from tests.strategies import CREATE, allowed

# The ids of the service have underscores, those of FHIR none. The library reads its pattern once, when it is loaded.
fhir_core.constraints.TYPES_ID_PATTERN = r"^[A-Za-z0-9_.\-]+$"

from fhir.resources.R4B.encounter import Encounter as ValidEncounter  # noqa: E402 # see above

MAPPED = {*ValidEncounter.elements_sequence(), *(name for element in ENCOUNTER.elements for name in element.names)}
"""FHIR's elements, and the fields that become some."""


def unknown_to_fhir(resource: Mapping[str, Any]) -> set[Any]:
    """The fields that a validator does not know. It has to know all that is in the others, and take it."""
    try:
        check(resource)
    except pydantic.ValidationError as error:
        found = [(problem["type"], *problem["loc"]) for problem in error.errors()]
        assert [problem for problem in found if problem[0] != "extra_forbidden" or len(problem) != 2] == []
        return {name for _, name in found}
    return set()


def check(resource: Mapping[str, Any]) -> None:
    """Refuse what is not a FHIR R4 Encounter. (R4B is R4 with other resources than this one changed.)"""
    ValidEncounter.model_validate_json(json.dumps(resource))


def encounters_in(value: Any) -> Iterator[dict[str, Any]]:
    """Every record of an encounter, of either form, at whatever place of a response or of a Bundle."""
    if isinstance(value, dict):
        if value.get("resourceType", "Encounter") == "Encounter" and value.keys() >= {"status", "class"}:
            yield value
        for item in value.values():
            yield from encounters_in(item)
    elif isinstance(value, list):
        for item in value:
            yield from encounters_in(item)


def recorded() -> Iterator[dict[str, Any]]:
    for recording in load_recordings(RECORDINGS):
        for exchange in recording.exchanges:
            if exchange.response_body[:1] == b"{" and exchange.status in (200, 201):
                yield from encounters_in(json.loads(exchange.response_body))


def in_simplified_form(encounter: Encounter) -> Encounter:
    """The same encounter as the service would give it in its own form: only what the fields say."""
    record = encounter.to_dict()
    return Encounter.from_dict({name: value for name, value in record.items() if name != "fhir"})


RECORDED = list(recorded())


@pytest.mark.parametrize("record", RECORDED)
def test_every_recorded_encounter_is_valid_fhir_and_reads_back_the_same(record: dict[str, Any]) -> None:
    encounter = Encounter.from_dict(record)
    resource = encounter.to_fhir()
    check(resource)
    assert Encounter.from_fhir(resource) == encounter
    if record.get("resourceType") == "Encounter":
        assert resource == record


def test_encounters_of_both_forms_are_recorded() -> None:
    assert {"resourceType" in record for record in RECORDED} == {True, False}


def is_told_by_fhir(record: Mapping[str, Any]) -> bool:
    """Whether FHIR can say all of a record: its texts, 32 bits for whole numbers, the first practitioner."""
    ranks = [diagnosis.get("rank", 1) for diagnosis in record.get("diagnosis", ())]
    # Of white space, FHIR's strings may hold blanks, tabs and the ends of lines.
    told = all(re.fullmatch(r"[ \r\n\t\S]+", text) for text in texts_of(dict(record)))
    return told and all(rank < 2**31 for rank in ranks) and ("participants" not in record or "practitionerId" in record)


@given(allowed(CREATE.schema, plain=True).filter(is_told_by_fhir))
def test_whatever_can_be_created_is_valid_fhir_and_reads_back_the_same(record: dict[str, Any]) -> None:
    encounter = Encounter.from_dict({"id": "enc_1", **record})
    resource = encounter.to_fhir()
    # A field that FHIR has no element for stays what it is, and a validator knows nothing of it.
    assert unknown_to_fhir(resource) <= record.keys() - MAPPED
    assert Encounter.from_fhir(resource) == encounter


def test_a_changed_field_is_told_and_everything_else_is_as_it_came() -> None:
    came = next(record for record in RECORDED if record.get("id") == "enc_fhir01" and "resourceType" in record)
    encounter = Encounter.from_fhir(came)
    encounter.priority = "routine"
    changed = encounter.to_fhir()
    assert changed == {**came, "priority": {"text": "routine"}}
    check(changed)


def test_what_is_given_and_what_is_returned_are_apart() -> None:
    came = {"resourceType": "Encounter", "id": "enc_1", "subject": {"reference": "Patient/pt_1", "display": "Alex"}}
    encounter = Encounter.from_fhir(came)
    for _ in range(2):
        told = encounter.to_fhir()
        assert told == came
        told["subject"]["display"] = "another"


@pytest.mark.parametrize(
    "given_value",
    [{}, {"resourceType": "Patient", "id": "pt_1"}, {"id": "enc_1", "class": {"code": "AMB"}}, None, [], "Encounter"],
)
def test_what_is_no_resource_of_the_type_is_refused_without_being_repeated(given_value: Any) -> None:
    with pytest.raises(ValueError, match=r"^must be a dict with the resourceType Encounter$"):
        Encounter.from_fhir(given_value)


def test_a_resource_that_is_nested_too_deep_is_refused() -> None:
    nested: Any = "end"
    for _ in range(150):
        nested = [nested]
    with pytest.raises(ClinikResponseError, match="deeper than 100 levels"):
        Encounter.from_fhir({"resourceType": "Encounter", "id": "enc_1", "extension": nested})


def test_a_resource_that_a_raw_request_gives_is_read(serve: Serve, connect: Connect) -> None:
    clinik: Clinik = connect(serve(ok({"resourceType": "Encounter", "id": "enc_1", "class": {"code": "AMB"}})))
    resource, _ = clinik.request("GET", "/v1/fhir/Encounter/enc_1")
    assert Encounter.from_fhir(resource).class_ == "AMB"


# The standard's own examples, as they are published.
PUBLISHED = ("hl7.fhir.r4.examples@4.0.1", "hl7.fhir.r4b.examples@4.3.0")


def published(folder: Path) -> Iterator[dict[str, Any]]:
    for package in PUBLISHED:
        packed = subprocess.run(
            ["npm", "pack", "--silent", package], cwd=folder, check=True, capture_output=True, text=True
        )
        with tarfile.open(folder / packed.stdout.split()[-1]) as archive:
            for member in archive:
                if member.name.endswith(".json") and (file := archive.extractfile(member)) is not None:
                    text = file.read()
                    if b'"Encounter"' in text:
                        found = encounters_in(json.loads(text))
                        yield from (record for record in found if "resourceType" in record)


@pytest.mark.network
def test_every_published_example_comes_back_whole_and_its_simplified_form_is_valid(tmp_path: Path) -> None:
    examples = list(published(tmp_path))
    assert len(examples) >= 25
    for example in examples:
        check(example)
        encounter = Encounter.from_fhir(example)
        assert encounter.to_fhir() == example
        simplified = in_simplified_form(encounter)
        check(simplified.to_fhir())
        assert Encounter.from_fhir(simplified.to_fhir()) == simplified
