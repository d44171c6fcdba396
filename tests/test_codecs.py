"""Each kind of value reads anything, writes only what is right, and never fails in any other way than by a problem."""

from __future__ import annotations

import math
import numbers
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal
from enum import IntEnum
from fractions import Fraction
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from clinik_client import ClinikWarning, EncounterStatus, FhirDateTime
from clinik_client._codecs import (
    UNDECODABLE,
    Array,
    Boolean,
    Codec,
    Constant,
    Date,
    DateTime,
    Enumeration,
    InputOptions,
    Integer,
    Issues,
    Json,
    Location,
    Map,
    Number,
    OneOf,
    Text,
)
from tests.strategies import anything, json_values


class Level(IntEnum):
    """An enumeration of numbers, which the document of the day has none of."""

    LOW = 1
    HIGH = 2


def bound(name: str, members: Any) -> Enumeration:
    kind = Enumeration(name)
    kind.bind({name: members}.__getitem__)
    return kind


STATUS = bound("EncounterStatus", EncounterStatus)
LEVEL = bound("Level", Level)

KINDS: list[Codec] = [
    Text(),
    Text(min_length=2, max_length=4, pattern="^[a-z]+$", prefix="x"),
    Boolean(),
    Number(),
    Number(minimum=0, maximum=10),
    Number(above=0, below=10, multiple_of=0.25),
    Integer(),
    Integer(minimum=1, multiple_of=5),
    Date(),
    DateTime(),
    Json(),
    Map(),
    Map(Text(max_length=3)),
    STATUS,
    LEVEL,
    Constant("Encounter"),
    Constant(1),
    Array(Text(max_length=3), min_items=1, max_items=3, unique=True),
    Array(Array(Integer())),
    OneOf((Text(max_length=5), Array(Text(max_length=5)))),
    OneOf((Integer(), Boolean(), DateTime())),
]


def write(kind: Codec, value: Any) -> tuple[Any, list[str]]:
    """What is sent, and the problems without the place."""
    problems = Issues()
    encoded = kind.encode(value, Location(Location(), "field"), InputOptions(), problems)
    assert all(issue["diagnostics"].startswith("field") for issue in problems)
    return encoded, [issue["diagnostics"].removeprefix("field").removeprefix(": ") for issue in problems]


def refused(kind: Codec, value: Any) -> str:
    """The one problem that a value has."""
    _, (problem,) = write(kind, value)
    return problem


# -- every kind -------------------------------------------------------------------------------------------------------


@given(st.sampled_from(KINDS), json_values)
def test_reading_never_fails(kind: Codec, value: Any) -> None:
    kind.decode(value)


@given(st.sampled_from(KINDS), anything)
def test_writing_never_fails_but_by_problems_and_what_it_writes_is_json(kind: Codec, value: Any) -> None:
    encoded, problems = write(kind, value)
    if not problems:
        assert orjson.loads(orjson.dumps(encoded)) == encoded


@given(st.sampled_from(KINDS), json_values)
def test_what_may_be_written_reads_as_its_kind_and_is_written_again_the_same(kind: Codec, value: Any) -> None:
    encoded, problems = write(kind, value)
    if not problems:
        decoded = kind.decode(encoded)
        assert decoded is not UNDECODABLE
        assert write(kind, decoded) == (encoded, [])


CANARY = "canary-7Q"


@given(st.sampled_from(KINDS), st.recursive(st.just(CANARY), st.lists, max_leaves=3))
def test_no_problem_repeats_a_value(kind: Codec, value: Any) -> None:
    _, problems = write(kind, value)
    assert CANARY not in str(problems)


def test_a_map_asks_for_a_dict_and_checks_each_of_its_values() -> None:
    kind = Map(Integer(minimum=1))
    assert write(kind, {"a": 1, "b": 2.0}) == ({"a": 1, "b": 2}, [])
    assert write(Map(), {"a": [None, {}]}) == ({"a": [None, {}]}, [])
    assert refused(kind, {"a": 0}) == ".a: must be at least 1"
    assert refused(kind, [1]) == refused(kind, {1: 1}) == refused(Map(), "text") == "must be a dict with string keys"
    assert Map().decode([1]) is UNDECODABLE


@pytest.mark.parametrize(
    ("kind", "python", "json"),
    [
        (Boolean(), "True or False", "true or false"),
        (Date(), "a datetime.date or a valid YYYY-MM-DD string", "a date, written YYYY-MM-DD"),
        (DateTime(), "an aware datetime, a date, or an ISO 8601 string", "an ISO 8601 string"),
        (Map(), "a dict with string keys", "an object"),
    ],
    ids=lambda kind: type(kind).__name__,
)
def test_what_came_as_json_is_told_of_in_its_words(kind: Codec, python: str, json: str) -> None:
    for options, words in ((InputOptions(), python), (InputOptions(json=True), json)):
        issues = Issues()
        kind.encode(5, Location(Location(), "field"), options, issues)
        assert [issue["diagnostics"] for issue in issues] == [f"field: must be {words}"]


# -- texts ------------------------------------------------------------------------------------------------------------


def test_a_text_is_counted_in_characters() -> None:
    kind = Text(min_length=2, max_length=3)
    assert write(kind, "😀é") == ("😀é", [])
    assert refused(kind, "😀") == "must have at least 2 characters"
    assert refused(kind, "😀😀😀😀") == "must have at most 3 characters"
    assert refused(Text(min_length=1), "") == "must have at least 1 character"


def test_a_pattern_ends_at_the_very_end_and_knows_ascii_digits_only() -> None:
    kind = Text(pattern=r"^\d+$")
    assert write(kind, "12") == ("12", [])
    for value in ("12\n", "٣", "1 2", ""):
        assert refused(kind, value) == r"must match ^\d+$"
    assert refused(Text(pattern="^a", pattern_text="a word with a"), "b") == "must be a word with a"
    assert write(Text(pattern=r"^costs \$"), "costs $5") == ("costs $5", [])


@given(st.text(max_size=5))
def test_a_prefix_is_put_in_front_once(text: str) -> None:
    kind = Text(prefix="Encounter:")
    assert write(kind, text)[0].startswith("Encounter:")
    assert write(kind, "Encounter:" + text) == ("Encounter:" + text, [])


@pytest.mark.parametrize("value", ["\ud800", "a\udfff", "\udbff\udbff"])
@pytest.mark.parametrize("kind", [Text(), Json()])
def test_half_a_character_is_refused(kind: Codec, value: str) -> None:
    assert refused(kind, value) == "must be valid Unicode text (it holds a lone surrogate)"


def test_half_a_character_in_a_name_is_refused() -> None:
    assert refused(Json(), {"\ud800": 1}) == "must be valid Unicode text (it holds a lone surrogate)"


@pytest.mark.parametrize("value", [b"text", 5, None, ["text"]])
def test_only_a_string_is_a_text(value: Any) -> None:
    assert refused(Text(), value) == "must be a string"
    assert Text().decode(value) is UNDECODABLE


def test_a_string_of_another_class_is_sent_as_a_plain_one() -> None:
    encoded, _ = write(Text(), EncounterStatus.FINISHED)
    assert type(encoded) is str
    assert encoded == "finished"


# -- numbers ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf, True, "1", None, 1j])
@pytest.mark.parametrize("kind", [Number(), Integer()])
def test_what_is_not_a_number_is_refused(kind: Codec, value: Any) -> None:
    assert refused(kind, value) == (
        "must be a whole number" if isinstance(kind, Integer) else "must be a finite number"
    )


@pytest.mark.parametrize("kind", [Number(), Integer(), Json(), Number(multiple_of=5)])
@pytest.mark.parametrize("value", [2**53 + 1, -(2**53) - 1, 10**400, -(10**400)])
def test_a_number_that_json_readers_would_change_is_refused(kind: Codec, value: int) -> None:
    assert refused(kind, value) == "is too large to be sent exactly as a JSON number"


@given(st.integers(-(2**53), 2**53))
def test_an_integral_float_is_a_whole_number(value: int) -> None:
    encoded, problems = write(Integer(), float(value))
    assert (encoded, type(encoded), problems) == (value, int, [])
    decoded = Integer().decode(float(value))
    assert (decoded, type(decoded)) == (value, int)


def test_a_fraction_is_no_whole_number() -> None:
    assert refused(Integer(), 12.5) == "must be a whole number"
    assert Integer().decode(12.5) is UNDECODABLE
    assert Integer().decode(1e300) is UNDECODABLE
    assert Integer().decode(True) is UNDECODABLE
    assert Number().decode(True) is UNDECODABLE


@pytest.mark.parametrize(
    ("kind", "value", "problem"),
    [
        (Number(minimum=0), -0.5, "must be at least 0"),
        (Number(maximum=5), 5.5, "must be at most 5"),
        (Number(above=0), 0, "must be above 0"),
        (Number(below=1), 1.0, "must be below 1"),
        (Number(multiple_of=0.1), 0.25, "must be a multiple of 0.1"),
        (Integer(minimum=1, maximum=9), 0, "must be at least 1"),
        (Integer(minimum=1, maximum=9), 10, "must be at most 9"),
        (Integer(maximum=9), 10**400, "must be at most 9"),
    ],
)
def test_a_number_out_of_range_is_told_its_limit(kind: Codec, value: float, problem: str) -> None:
    assert refused(kind, value) == problem


@pytest.mark.parametrize("value", [0.3, 7, 0.1 * 3, 1e15 + 0.5])
def test_a_multiple_is_one_in_decimal(value: float) -> None:
    assert write(Number(multiple_of=0.1), value)[1] == []


# -- days and moments -------------------------------------------------------------------------------------------------


@given(st.dates())
def test_a_day_is_given_as_a_date_or_as_its_text(day: date) -> None:
    assert write(Date(), day) == (day.isoformat(), [])
    assert write(Date(), day.isoformat()) == (day.isoformat(), [])
    assert Date().decode(day.isoformat()) == day


@pytest.mark.parametrize(
    "value",
    [
        datetime(2025, 6, 1, tzinfo=UTC),
        "20250601",
        "2025-06-31",
        "2025-W23-1",
        "\uff12025-06-01",
        20250601,
        b"2025-06-01",
    ],
)
def test_anything_else_is_no_day(value: Any) -> None:
    assert refused(Date(), value) == "must be a datetime.date or a valid YYYY-MM-DD string"


@given(st.datetimes(timezones=st.just(UTC) | st.just(timezone(timedelta(hours=5, minutes=30)))))
def test_a_moment_is_given_as_an_aware_datetime(moment: datetime) -> None:
    assert write(DateTime(), moment) == (moment.isoformat(), [])


@pytest.mark.parametrize(
    "text", ["2025", "2025-06", "2025-06-01", "2025-06-01T09:00:00.250Z", "2025-06-01T09:00+02:00"]
)
def test_the_text_of_a_moment_is_sent_as_it_is(text: str) -> None:
    assert write(DateTime(), text) == (text, [])
    decoded = DateTime().decode(text)
    assert isinstance(decoded, FhirDateTime)
    assert decoded.text == text


@pytest.mark.parametrize("value", [datetime(2025, 6, 1, 9), "2025-06-01T09:00:00"])
def test_a_time_without_an_offset_is_refused_with_advice(value: Any) -> None:
    problem = refused(DateTime(), value)
    assert "without" in problem
    assert "09" not in problem


@pytest.mark.parametrize("value", [1748768400, None, b"2025", ["2025"]])
def test_a_moment_is_never_a_number(value: Any) -> None:
    assert refused(DateTime(), value) == "must be an aware datetime, a date, or an ISO 8601 string"


# -- enumerations and constants ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("member", EncounterStatus)
def test_a_member_or_its_literal_is_sent_as_the_literal(member: EncounterStatus) -> None:
    for given_value in (member, member.value):
        encoded, problems = write(STATUS, given_value)
        assert (encoded, type(encoded), problems) == (member.value, str, [])
    assert STATUS.decode(member.value) is member


@pytest.mark.parametrize("value", ["Finished", "FINISHED", "entered-in-error", "", None, 1, ["finished"]])
def test_anything_else_is_refused_with_the_list_of_members(value: Any) -> None:
    assert refused(STATUS, value) == "must be one of " + ", ".join(member.value for member in EncounterStatus)


def test_an_unknown_member_is_read_as_the_text_that_it_is() -> None:
    decoded = STATUS.decode("entered-in-error")
    assert (decoded, type(decoded)) == ("entered-in-error", str)


def test_an_enumeration_of_numbers_does_not_take_a_bool_for_one() -> None:
    assert write(LEVEL, 1) == (1, [])
    assert LEVEL.decode(2) is Level.HIGH
    assert LEVEL.decode(3) == 3
    assert LEVEL.decode(True) is LEVEL.decode("1") is STATUS.decode(1) is UNDECODABLE
    assert refused(LEVEL, True) == "must be one of 1, 2"


def test_a_constant_is_not_mistaken() -> None:
    assert write(Constant(1), 1) == (1, [])
    assert refused(Constant(1), True) == "must be 1"
    assert refused(Constant("a"), "b") == "must be 'a'"


# -- lists and alternatives -------------------------------------------------------------------------------------------


@given(st.lists(st.text("ab", max_size=2), max_size=4))
def test_any_iterable_is_a_list(items: list[str]) -> None:
    def generator() -> Iterator[str]:
        yield from items

    for iterable in (
        items,
        tuple(items),
        generator(),
        dict.fromkeys(items).keys() if len(set(items)) == len(items) else items,
    ):
        assert write(Array(Text()), iterable) == (items, [])


@pytest.mark.parametrize("value", ["text", b"text", bytearray(b"text"), {"a": 1}, 5, None])
def test_a_text_or_a_mapping_is_no_list(value: Any) -> None:
    assert refused(Array(Json()), value) == "must be a list"


def test_every_problem_of_a_list_is_told_with_its_place() -> None:
    kind = Array(Text(max_length=2), max_items=2, unique=True)
    _, problems = write(kind, ["abc", "ab", 5, "ab"])
    assert problems == [
        "must have at most 2 items",
        "[0]: must have at most 2 characters",
        "[2]: must be a string",
        "must not hold the same item twice",
    ]
    assert refused(Array(Text(), min_items=1), []) == "must have at least 1 item"


@given(st.lists(json_values, max_size=4))
def test_an_item_of_another_type_stays_in_its_place(items: list[Any]) -> None:
    decoded = Array(STATUS).decode([*items, "finished"])
    assert decoded == [*items, EncounterStatus.FINISHED]


TEXTS = OneOf((Text(max_length=3), Array(Text(max_length=3), max_items=2)))


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (5, ["must be a string or a list"]),
        ("long", ["must have at most 3 characters"]),
        (["long"], ["[0]: must have at most 3 characters"]),
        ([5], ["[0]: must be a string"]),
        (
            [5, "long", ""],
            ["must have at most 2 items", "[0]: must be a string", "[1]: must have at most 3 characters"],
        ),
    ],
)
def test_of_several_kinds_the_one_that_was_meant_tells_all_its_problems(value: Any, expected: list[str]) -> None:
    assert write(TEXTS, value)[1] == expected


def test_of_several_kinds_the_first_that_fits_is_taken() -> None:
    assert write(TEXTS, ("ab",)) == (["ab"], [])
    assert TEXTS.decode("four") == "four"
    assert TEXTS.decode(5) is UNDECODABLE


# -- any JSON ---------------------------------------------------------------------------------------------------------


def test_what_is_no_json_is_refused_at_its_place() -> None:
    _, problems = write(Json(), {"a": [1, {2}, b"x"], "b": {1: 2}})
    assert problems == [".a[1]: must be a JSON value", ".a[2]: must be a JSON value", ".b: must be a JSON value"]


def test_what_is_nested_in_a_circle_is_refused_at_once() -> None:
    circle: list[Any] = []
    circle += [circle, circle]
    family: dict[str, Any] = {}
    family["children"] = [{"parent": family}, {"parent": family}]
    for value in (circle, family):
        assert refused(Json(), value) == "must not be nested deeper than 100 levels"


def nested(levels: int) -> Any:
    value: Any = 1
    for _ in range(levels):
        value = [value]
    return value


def test_nesting_is_possible_to_a_depth_that_can_be_written() -> None:
    encoded, problems = write(Json(), nested(100))
    assert not problems
    assert orjson.loads(orjson.dumps(encoded)) == nested(100)
    assert refused(Json(), nested(101)) == "must not be nested deeper than 100 levels"


# -- places -----------------------------------------------------------------------------------------------------------


def test_a_place_names_the_wire_path_and_the_callers_own_where_they_differ() -> None:
    location = Location(Location(Location(), "diagnosis"), 0)
    assert str(Location(location, "rank")) == "diagnosis[0].rank"
    assert str(Location(Location(), "class", "class_")) == "class (class_)"
    assert str(Location()) == "request"


# -- numbers of other libraries ---------------------------------------------------------------------------------------


class WholeNumber:
    """A number as numpy makes them: no int, but one of the `numbers` that Python knows."""

    def __init__(self, value: int) -> None:
        self.value = value

    def __int__(self) -> int:
        return self.value


class RealNumber:
    def __float__(self) -> float:
        return 2.5


numbers.Integral.register(WholeNumber)
numbers.Real.register(RealNumber)


def test_numbers_that_python_knows_as_such_are_numbers() -> None:
    assert write(Integer(minimum=1), WholeNumber(5)) == (5, [])
    assert write(Number(), WholeNumber(5)) == (5, [])
    assert type(write(Json(), WholeNumber(5))[0]) is int
    assert write(Number(), RealNumber()) == write(Json(), RealNumber()) == (2.5, [])
    assert refused(Integer(), RealNumber()) == "must be a whole number"


@pytest.mark.parametrize("value", [Fraction(5), Fraction(1, 3), Decimal(5), 5j, True, "5", None])
def test_what_is_no_int_and_no_float_is_no_number(value: Any) -> None:
    assert refused(Integer(), value) == "must be a whole number"
    assert refused(Number(), value) == "must be a finite number"


def test_a_code_that_is_not_documented_is_taken_with_a_warning_unless_nobody_is_to_be_warned() -> None:
    kind = Enumeration("EncounterStatus", is_open=True)
    kind.bind({"EncounterStatus": EncounterStatus}.__getitem__)
    issues = Issues()
    with pytest.warns(ClinikWarning, match=r"^request: sent, "):
        assert kind.encode("unknown", Location(), InputOptions(), issues) == "unknown"
    # Here a warning is an error.
    assert kind.encode("unknown", Location(), InputOptions(quiet=True), issues) == "unknown"
    assert not issues
    assert kind.encode("not a code", Location(), InputOptions(quiet=True), issues) is None
    assert len(issues) == 1
