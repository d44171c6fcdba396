"""Names of fields in JSON and in Python: each has one, and a sentence has those of the reader."""

from __future__ import annotations

from typing import Any

import pytest
from attrs import define, fields_dict
from hypothesis import given
from hypothesis import strategies as st

from clinik_client.testing import Fault, JournalEntry, Plan, SandboxKey, SandboxSettings
from clinik_client.testing._sandbox.json_names import JsonNames, check_names


@define
class NamedFields:
    one: Any = None
    two_words: Any = None
    three_long_words: Any = None


NAMES = JsonNames(NamedFields)


def test_words_after_the_first_have_a_capital() -> None:
    told = {"one": 1, "two_words": 2, "three_long_words": {"not_a_field": 3}}
    assert NAMES.to_json(told) == {"one": 1, "twoWords": 2, "threeLongWords": {"not_a_field": 3}}


@given(st.dictionaries(st.sampled_from(["one", "two_words", "three_long_words"]), st.integers()))
def test_there_and_back_is_the_same(fields: dict[str, int]) -> None:
    assert NAMES.to_python(NAMES.to_json(fields)) == fields


@pytest.mark.parametrize("cls", [Fault, JournalEntry, Plan, SandboxKey, SandboxSettings])
def test_no_two_fields_have_one_name(cls: type[Any]) -> None:
    names = dict.fromkeys(fields_dict(cls), 1)
    assert JsonNames(cls).to_python(JsonNames(cls).to_json(names)) == names


@pytest.mark.parametrize("name", ["two_words", "TwoWords", "tow", ""])
def test_there_is_one_name_for_each(name: str) -> None:
    with pytest.raises(ValueError, match=f"^there is no '{name}' here; there are one, twoWords, threeLongWords$"):
        NAMES.to_python({"one": 1, name: 2})


def test_a_sentence_has_the_words_of_json() -> None:
    told = NAMES.in_text("two_words is True or False, three_long_words a number, or None for one")
    assert told == "twoWords is true or false, threeLongWords a number, or null for one"


def test_where_there_are_no_names_none_are_told() -> None:
    with pytest.raises(ValueError, match=r"^there is no 'x' here$"):
        check_names({"x": 1}, ())
    check_names({}, ())
