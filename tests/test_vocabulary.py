"""All words of the OpenAPI document are known, and no other."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from typing import Any

import orjson
import pytest

from clinik_client._codecs import Map
from clinik_client._model import schema_of
from clinik_client._vocabulary import document_words
from clinik_client.testing import RECORDINGS, load_recording
from tests.strategies import DOCUMENT, MODELS


def words_of(node: Any) -> Iterator[str]:
    """Names of fields and of query parameters, and values of enumerations, as the document has them."""
    if isinstance(node, dict):
        if isinstance(node.get("properties"), dict):
            yield from node["properties"]
        if isinstance(node.get("enum"), list):
            yield from map(str, node["enum"])
        if node.get("in") == "query":
            yield node["name"]
    for item in node.values() if isinstance(node, dict) else node if isinstance(node, list) else ():
        yield from words_of(item)


DOCUMENTED = {"paths": DOCUMENT["paths"], "components": DOCUMENT["components"]}
PYTHON_NAMES = {entry.name for model in MODELS.values() for entry in schema_of(model).entries}
WORDS = sorted({*words_of(DOCUMENTED), *PYTHON_NAMES})


def test_the_words_of_the_document_are_known() -> None:
    assert {"in-progress", "AMB", "NOT_FOUND", "practitionerId", "practitioner_id", "reAdmission", "_include"} < set(
        WORDS
    )
    assert [word for word in WORDS if not document_words().are(word)] == []


@pytest.mark.parametrize("way", ["Encounter.diagnosis[0].rank", "diagnosis.12.rank", "Encounter.subject", "period.end"])
def test_ways_to_fields_are_known(way: str) -> None:
    assert document_words().are(way)


@pytest.mark.parametrize("text", ["", "Smith", "type 2", "planned surgery", "diagnosis[1000]", "Encounter/1", "12"])
def test_anything_else_is_not_known(text: str) -> None:
    assert not document_words().are(text)


# Under these, names are data.
MAPS = {e.wire for model in MODELS.values() for e in schema_of(model).entries if isinstance(e.codec, Map)}


def names_in(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        yield from value
        for name in value.keys() - MAPS:
            yield from names_in(value[name])
    elif isinstance(value, list):
        for item in value:
            yield from names_in(item)


# Names that only records of other types have, or that no field is made of.
OTHER_NAMES = {"name", "family", "given", "birthDate", "prefix", "versionId", "lastUpdated", "div", "statusHistory"}


def test_the_names_in_recorded_bodies_are_known_in_both_forms() -> None:
    found: set[str] = set()
    for path in RECORDINGS.glob("*.har"):
        for exchange in load_recording(path).exchanges:
            for body in filter(None, (exchange.request_body, exchange.response_body)):
                with suppress(orjson.JSONDecodeError):
                    found.update(names_in(orjson.loads(body)))
    assert len(found) > 60
    assert {name for name in found if not document_words().are(name)} <= OTHER_NAMES


def test_they_are_gathered_once() -> None:
    assert document_words() is document_words()
