"""All words of the OpenAPI document are known, and no other."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from clinik_client._model import schema_of
from clinik_client._vocabulary import document_words
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


def test_they_are_gathered_once() -> None:
    assert document_words() is document_words()
