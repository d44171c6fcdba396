"""What is wrong with a setting is one sentence, which names the field and not the value."""

from __future__ import annotations

import math
from typing import Any

import pytest
from attrs import field, frozen
from hypothesis import given
from hypothesis import strategies as st

from clinik_client.testing._sandbox.checks import check_choice, check_seconds, check_truth, check_whole_number


@frozen(kw_only=True)
class CheckedFields:
    count: Any = field(default=2, validator=check_whole_number(2))
    truth: Any = field(default=True, validator=check_truth)
    choice: Any = field(default="a", validator=check_choice(("a", "b")))
    seconds: Any = field(default=0, validator=check_seconds)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        *(("count", value) for value in (2, 3, 2**53 - 1)),
        *(("truth", value) for value in (True, False)),
        *(("choice", value) for value in ("a", "b")),
        *(("seconds", value) for value in (0, 0.5, 10**12, math.inf)),
    ],
)
def test_what_is_right_is_kept(name: str, value: Any) -> None:
    assert getattr(CheckedFields(**{name: value}), name) == value


@pytest.mark.parametrize(
    ("name", "value", "sentence"),
    [
        *(("count", value, "count is a whole number, 2 or more") for value in (1, -5, 2.0, "3", True, None, 2**53)),
        *(("truth", value, "truth is True or False") for value in (0, 1, "true", None)),
        *(("choice", value, "choice is one of a, b") for value in ("c", "", None, ["a"], 1)),
        *(("seconds", value, "seconds is a number of seconds, 0 or more") for value in (-0.1, math.nan, "1", True)),
    ],
)
def test_what_is_wrong_is_told_by_its_name(name: str, value: Any, sentence: str) -> None:
    with pytest.raises(ValueError, match=f"^{sentence}$") as caught:
        CheckedFields(**{name: value})
    assert caught.value.args == (sentence,)


@given(name=st.sampled_from(["count", "truth", "choice", "seconds"]), value=st.text(min_size=1).map("c4n4ry".__add__))
def test_no_sentence_holds_a_value(name: str, value: str) -> None:
    with pytest.raises(ValueError, match=name) as caught:
        CheckedFields(**{name: value})
    assert "c4n4ry" not in str(caught.value)
