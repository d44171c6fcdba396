"""A record of which nobody has looked at anything is the same as one that was read as a whole at once."""

from __future__ import annotations

import copy
import inspect
import linecache
import pickle
import pydoc
from collections.abc import Callable, Mapping
from datetime import date
from enum import Enum
from threading import Barrier, Thread
from types import FunctionType
from typing import Any, cast

import attrs
import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from clinik_client import (
    ClinikResponseError,
    Diagnosis,
    Encounter,
    EncounterPage,
    FhirDateTime,
    Hospitalization,
    Period,
)
from clinik_client import _model as model_room
from clinik_client import _objects as objects_room
from clinik_client._codecs import (
    DEEPEST,
    UNDECODABLE,
    Array,
    Codec,
    DateTime,
    OneOf,
    _writer_counts_levels,
    check_depth,
    is_deep,
)
from clinik_client._encounters.fhir import ENCOUNTER
from clinik_client._fhir_form import FhirForm
from clinik_client._model import Model, Wire, date_time, read_checked, reader_of, schema_of, unread
from clinik_client._objects import Object
from clinik_client._reader import compile_reader
from tests.strategies import MODELS, SCHEMAS, allowed, json_values, models_and_records

# -- the reference: every field in its turn, everything at once -------------------------------------------------------


def decode(codec: Codec, value: Any) -> Any:
    match codec:
        case Object():
            return read_at_once(codec.model, value) if type(value) is dict else UNDECODABLE
        case Array():
            if type(value) is not list:
                return UNDECODABLE
            return [checked(raw) if (item := decode(codec.item, raw)) is UNDECODABLE else item for raw in value]
        case OneOf():
            found = (decode(one, value) for one in codec.codecs)
            return next((item for item in found if item is not UNDECODABLE), UNDECODABLE)
    return codec.decode(value)


def checked(value: Any) -> Any:
    check_depth(value)
    return value


def read_at_once(model: type[Model], record: Mapping[str, Any]) -> Any:
    other = model._other_form
    if other is not None and other.matches(record):
        record = other.simplify(checked(record))
    schema = schema_of(model)
    values: dict[str, Any] = dict.fromkeys(entry.name for entry in schema.entries)
    rest = {}
    for name, value in record.items():
        entry = schema.by_wire.get(name)
        if entry is None or value is None or (item := decode(entry.codec, value)) is UNDECODABLE:
            rest[name] = checked(value)
        else:
            values[entry.name] = item
    return model(additional_properties=rest, **values)  # type: ignore[call-arg]  # attrs makes it in each subclass


def shape(value: Any) -> Any:
    """All that can be told of a value: `==` takes 1 for True, and a moment for another of the same time."""
    match value:
        case Model():
            names = [field.name for field in attrs.fields(type(value))]
            return type(value), {name: shape(getattr(value, name)) for name in names}
        case FhirDateTime():
            return FhirDateTime, value.text, value.isoformat()
        case Enum():
            return type(value), value.value
        case dict():
            return {name: shape(item) for name, item in value.items()}
        case list():
            return [shape(item) for item in value]
    return type(value), value


def both(model: type[Model], record: Mapping[str, Any]) -> list[Any]:
    """The record as a program reads it, and as the SDK reads what nobody else has."""
    return [model.from_dict(record), read_checked(model, copy.deepcopy(dict(record)), own=True)]


both_forms = allowed(SCHEMAS["Encounter"]).flatmap(lambda row: st.sampled_from([row, ENCOUNTER.restore(row)]))
pages = st.fixed_dictionaries(
    {"data": st.lists(both_forms | json_values, max_size=3), "hasMore": st.booleans()}, optional={"x": json_values}
)
cases = models_and_records | st.tuples(st.just(EncounterPage), pages) | st.tuples(st.just(Encounter), both_forms)


# -- the same ---------------------------------------------------------------------------------------------------------


@given(cases)
def test_a_record_is_what_it_would_be_if_all_of_it_was_read_at_once(case: tuple[type[Model], dict[str, Any]]) -> None:
    expected = read_at_once(*case)
    for found in both(*case):
        assert found.to_dict() == expected.to_dict()
        assert shape(found) == shape(expected)
        assert found == expected == found
        assert repr(found) == repr(expected)
        assert shape(found.to_dict()) == shape(expected.to_dict())


COPIES: dict[str, Callable[[Any], Any]] = {
    "copy": copy.copy,
    "deep copy": copy.deepcopy,
    "pickle": lambda found: pickle.loads(pickle.dumps(found)),
    "evolve": lambda found: attrs.evolve(found),
}


@pytest.mark.parametrize("way", COPIES)
@given(case=cases)
def test_a_copy_of_what_nobody_has_looked_at_is_the_same(way: str, case: tuple[type[Model], dict[str, Any]]) -> None:
    expected = read_at_once(*case)
    for found in both(*case):
        other = COPIES[way](found)
        assert shape(other) == shape(expected) == shape(found)
        assert other == found


@given(cases)
def test_equal_records_are_equal_whatever_was_looked_at(case: tuple[type[Model], dict[str, Any]]) -> None:
    one, other = both(*case)
    shape(one)
    assert one == other
    assert read_at_once(*case) == case[0].from_dict(case[1])


@given(cases, st.data())
def test_changes_are_the_same_before_and_after_the_first_touch(
    case: tuple[type[Model], dict[str, Any]], data: st.DataObject
) -> None:
    expected, names = read_at_once(*case), [field.name for field in attrs.fields(case[0])]
    found = data.draw(st.sampled_from(both(*case)))
    for name in data.draw(st.lists(st.sampled_from(names), max_size=3)):
        if data.draw(st.booleans()):
            getattr(found, name)
        value = {} if name == "additional_properties" else data.draw(json_values)
        setattr(found, name, value)
        setattr(expected, name, value)
        assert getattr(found, name) is getattr(expected, name) or name in ("start", "end")
        assert found.to_dict() == expected.to_dict()
    assert shape(found) == shape(expected)
    assert found == expected


def test_what_is_touched_stays_and_can_be_changed() -> None:
    record = {"id": "enc_1", "period": {"start": "2025", "x": [1]}, "diagnosis": [{"condition": "I10"}, None]}
    for encounter in both(Encounter, record):
        assert encounter.period is encounter.period
        assert encounter.diagnosis is encounter.diagnosis
        assert type(encounter.diagnosis) is list
        encounter.period.end = "2026"
        encounter.period.additional_properties["x"].append(2)
        encounter.diagnosis.append(Diagnosis(condition="I11"))
        assert encounter.to_dict() == {
            "id": "enc_1",
            "period": {"start": "2025", "end": "2026", "x": [1, 2]},
            "diagnosis": [{"condition": "I10"}, None, {"condition": "I11"}],
        }
        del encounter.period
        with pytest.raises(AttributeError):
            encounter.period  # noqa: B018 - reading it is what fails


def test_what_no_field_takes_is_one_dict_that_can_be_changed() -> None:
    for encounter in both(Encounter, {"id": "enc_1", "period": {}}):
        period = encounter.period
        assert encounter.additional_properties == period.additional_properties == {}
        assert encounter.additional_properties is not period.additional_properties
        encounter.additional_properties["x"] = period.additional_properties["y"] = 1
        assert encounter.to_dict() == {"id": "enc_1", "period": {"y": 1}, "x": 1}
        encounter.additional_properties = {"z": 2}
        assert encounter.to_dict() == {"id": "enc_1", "period": {"y": 1}, "z": 2}
        del encounter.additional_properties
        with pytest.raises(AttributeError):
            encounter.additional_properties  # noqa: B018 - reading it is what fails


@attrs.define(kw_only=True, repr=False)
class Visit(Model):
    """A model with both: a field that converts what is assigned, and nested ones."""

    at: FhirDateTime | None = attrs.field(default=None, converter=date_time)
    period: Period | None = None
    periods: list[Period] | None = None
    additional_properties: dict[str, Any] = attrs.field(factory=dict)


class Sealed(Visit):
    """One that takes no assignment at all."""

    __slots__ = ()

    def __setattr__(self, name: str, value: Any) -> None:
        raise AttributeError("sealed")


@pytest.mark.parametrize("model", [Visit, Sealed])
def test_a_model_that_looks_at_assignments_reads_what_is_nested_once(model: type[Visit]) -> None:
    period = Object("Period")
    period.bind({"Period": Period}.__getitem__)
    codecs: dict[str, Codec] = {"at": DateTime(), "period": period, "periods": Array(period)}
    read = compile_reader(model, tuple(Wire(name, codec, name=name) for name, codec in codecs.items()), None)
    visit = read({"at": "2025", "period": {"start": "2024"}, "periods": [{"end": "2026"}, "x"]})
    assert visit.at == FhirDateTime.parse("2025")
    assert visit.period is visit.period
    assert visit.period.start == FhirDateTime.parse("2024")
    assert visit.periods is visit.periods
    assert [visit.periods[0].end.text, visit.periods[1]] == ["2026", "x"]
    assert visit.additional_properties is visit.additional_properties
    if model is Visit:
        visit.at = "2023"
        assert visit.at.text == "2023"


def test_a_programs_own_subclass_is_read_like_the_model() -> None:
    # As in a script, whose module is in no package.
    mine: Any = type("Mine", (Encounter,), {"__module__": "__main__"})
    for found in both(mine, ROW):
        assert type(found) is mine
        assert type(found.period) is Period
        assert found.to_dict() == ROW
        found.period.end = FhirDateTime.parse("2026")
        assert found.to_dict()["period"]["end"] == "2026"


def test_what_is_read_is_not_kept_as_it_came_too() -> None:
    for encounter in both(Encounter, {"id": "enc_1", "period": {}, "diagnosis": []}):
        assert (encounter.period, encounter.diagnosis) == (Period(), [])
        assert not any(encounter._raw)


class ReadMeanwhile(list[Any]):
    """The JSON of a record whose period another thread reads, just when this one wants to."""

    meanwhile: Callable[[], object] | None = None

    def __getitem__(self, number: Any) -> Any:
        meanwhile, self.meanwhile = self.meanwhile, None
        if meanwhile is not None:
            meanwhile()
        return super().__getitem__(number)


def test_what_another_thread_has_just_read_is_not_read_again() -> None:
    for encounter in both(Encounter, ROW):
        found: list[Any] = []
        encounter._raw = raw = ReadMeanwhile(encounter._raw)
        raw.meanwhile = lambda: found.append(encounter.period)  # noqa: B023 - called in this turn
        assert encounter.period is not None
        assert encounter.period is found[0]


# -- whose it is ------------------------------------------------------------------------------------------------------


def spoil(value: Any) -> None:
    """Change everything in a JSON value that can be changed."""
    if isinstance(value, dict | list):
        for item in list(value.values() if isinstance(value, dict) else value):
            spoil(item)
        value.clear()


@given(cases)
def test_the_record_that_was_given_is_the_callers(case: tuple[type[Model], dict[str, Any]]) -> None:
    model, record = case
    given, untouched, expected = copy.deepcopy(record), copy.deepcopy(record), read_at_once(*case)
    found = model.from_dict(given)
    shape(found)
    for field in attrs.fields(model):
        spoil(getattr(found, field.name))
    assert given == untouched
    found = model.from_dict(given)
    spoil(given)
    assert found.to_dict() == expected.to_dict()
    assert shape(found) == shape(expected)


@given(cases)
def test_what_was_written_is_the_callers(case: tuple[type[Model], dict[str, Any]]) -> None:
    expected = read_at_once(*case)
    for found in both(*case):
        spoil(found.to_dict())
        assert found.to_dict() == expected.to_dict()
        assert shape(found) == shape(expected)
        spoil(found.to_dict())
        assert shape(found) == shape(expected)


def test_a_misfit_in_a_list_is_copied() -> None:
    record = {"id": "enc_1", "reasonCode": ["Fever", {"text": ["Cough"]}]}
    encounter = Encounter.from_dict(record)
    spoil(record)
    assert encounter.reason_code == ["Fever", {"text": ["Cough"]}]


def test_a_list_of_texts_is_copied() -> None:
    record: dict[str, Any] = {"dietPreference": ["Vegetarian", ["Halal"]]}
    hospitalization = Hospitalization.from_dict(record)
    spoil(record)
    assert hospitalization.diet_preference == ["Vegetarian", ["Halal"]]


def test_what_is_no_json_stays_what_it_is() -> None:
    day, thing = date(2025, 6, 1), object()
    record = {"id": "enc_1", "x": (1, [day]), "period": {"start": "2025", "y": [day, thing]}, "diagnosis": (1,)}
    encounter = Encounter.from_dict(record)
    record["period"]["y"].clear()  # type: ignore[index]  # it is a dict
    assert encounter.additional_properties == {"x": (1, [day]), "diagnosis": (1,)}
    assert encounter.period is not None
    assert encounter.period.additional_properties["y"] == [day, thing]
    untouched = Encounter.from_dict({"period": {"y": [day], "z": Period(start="2025")}})
    assert untouched.to_dict() == {"period": {"y": ["2025-06-01"], "z": {"start": "2025"}}}


# -- when it is read --------------------------------------------------------------------------------------------------

ROW = {"id": "enc_1", "period": {"start": "2025-06", "x": {}}, "diagnosis": [{"condition": "I10", "rank": 1}]}


def test_writing_a_page_reads_none_of_its_rows() -> None:
    for page in both(EncounterPage, {"data": [ROW, ROW], "hasMore": False}):
        assert page.to_dict() == {"data": [ROW, ROW], "hasMore": False}
        assert unread(page, "data") is not None


def test_a_nested_value_of_another_type_is_told_at_once() -> None:
    encounter = Encounter.from_dict({"id": "enc_1", "period": "all summer", "diagnosis": {}, "participants": None})
    assert encounter.additional_properties == {"period": "all summer", "diagnosis": {}, "participants": None}
    assert (encounter.period, encounter.diagnosis, encounter.participants) == (None, None, None)


def test_in_a_record_of_another_form_there_is_something_that_no_field_takes() -> None:
    for model in MODELS.values():
        if isinstance(model._other_form, FhirForm):
            fields = schema_of(model).by_wire
            assert "resourceType" not in fields
            marks = [fields[mark] for mark in model._other_form.marks if mark in fields]
            assert all(entry.codec.decode({}) is UNDECODABLE for entry in marks)


class OldPeriod:
    """A form that periods once had."""

    resource_type = "Period"

    def matches(self, record: Mapping[str, Any]) -> bool:
        return isinstance(record.get("span"), dict)

    def simplify(self, resource: Mapping[str, Any]) -> dict[str, Any]:
        return {"start": resource["span"].get("from")}


def test_another_form_of_something_nested_is_written_as_it_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    # What was made of the class as it is, is kept for ever: it is passed by.
    monkeypatch.setattr(Period, "_other_form", OldPeriod())
    monkeypatch.setattr(model_room, "_holds_other_forms", model_room._holds_other_forms.__wrapped__)
    monkeypatch.setattr(objects_room, "reader_of", reader_of.__wrapped__)
    row = {"id": "enc_1", "period": {"span": {"from": "2025"}}}
    codec = schema_of(EncounterPage).by_wire["data"].codec
    assert codec.rewrite([row, None]) == [{"id": "enc_1", "period": {"start": "2025"}}, None]


# -- two threads ------------------------------------------------------------------------------------------------------


def test_two_threads_that_touch_something_first_get_one_and_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    together, reader = Barrier(2), cast(FunctionType, reader_of(Period))

    def read_together(text: str) -> FhirDateTime | None:
        together.wait(5)
        return FhirDateTime.read(text)

    monkeypatch.setitem(reader.__globals__, "moment_of", read_together)
    for encounter in both(Encounter, ROW):
        found: list[Any] = []
        threads = [Thread(target=lambda: found.append(encounter.period)) for _ in range(2)]  # noqa: B023 - joined here
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(5)
        assert found[0] is found[1] is encounter.period
        assert encounter.to_dict() == ROW


def test_what_is_assigned_while_another_thread_touches_is_not_lost(monkeypatch: pytest.MonkeyPatch) -> None:
    reader, mine = cast(FunctionType, reader_of(Period)), Period(start="2026")

    def assign(text: str) -> FhirDateTime | None:
        encounter.period = mine
        return FhirDateTime.read(text)

    monkeypatch.setitem(reader.__globals__, "moment_of", assign)
    encounter = Encounter.from_dict(ROW)
    assert encounter.period is mine
    assert encounter.period is mine


# -- how deep ---------------------------------------------------------------------------------------------------------


def nested(levels: int, inmost: Any, wrap: Callable[[Any], Any]) -> Any:
    for _ in range(levels):
        inmost = wrap(inmost)
    return inmost


WRAPS: dict[str, Callable[[Any], Any]] = {
    "list": lambda it: [it],
    "dict": lambda it: {"a": it},
    "mixed": lambda it: [1, it],
}
PLACES: dict[str, tuple[type[Model], Callable[[Any], Any]]] = {
    "unknown": (Encounter, lambda it: {"x": it}),
    "in an object": (Encounter, lambda it: {"period": {"x": it}}),
    "in a list": (Encounter, lambda it: {"diagnosis": [{"condition": "I10", "x": it}]}),
    "misfit in a list": (Encounter, lambda it: {"diagnosis": [it, "x"]}),
    "one of two kinds": (Encounter, lambda it: {"reasonCode": it}),
    "in a row": (EncounterPage, lambda it: {"data": [{"period": {"x": it}}]}),
    "in FHIR": (EncounterPage, lambda it: {"data": [{"resourceType": "Encounter", "type": it}]}),
}


@pytest.mark.parametrize("wrap", WRAPS)
@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("levels", range(DEEPEST - 5, DEEPEST + 3))
def test_what_is_too_deep_is_told_at_once(place: str, wrap: str, levels: int) -> None:
    model, put = PLACES[place]
    record = put(nested(levels, 1, WRAPS[wrap]))
    try:
        expected = read_at_once(model, record)
    except ClinikResponseError:
        for own in (True, False):
            with pytest.raises(ClinikResponseError, match="deeper than 100 levels"):
                read_checked(model, record, own=own)
    else:
        for found in both(model, record):
            assert shape(found) == shape(expected)


@pytest.mark.parametrize("inmost", [1, [], {}, "", "\ud800", 2**70, 1j, (), (1,)], ids=ascii)
@pytest.mark.parametrize("wrap", WRAPS)
def test_the_depth_is_counted_whatever_the_writer_of_json_thinks_of_a_value(wrap: str, inmost: Any) -> None:
    own_levels = isinstance(inmost, list | dict | tuple)
    for levels in range(DEEPEST - 3, DEEPEST + 3):
        value = nested(levels, inmost, WRAPS[wrap])
        assert is_deep(value) == (levels + own_levels > DEEPEST)


def test_the_writer_of_json_counts_the_levels() -> None:
    # Otherwise Python does, which takes thirty times as long.
    assert _writer_counts_levels()


def test_what_a_signal_handler_raises_while_levels_are_counted_is_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(value: Any) -> bytes:
        raise TypeError("the handler's")

    monkeypatch.setattr(orjson, "dumps", interrupted)
    with pytest.raises(TypeError, match="the handler's"):
        is_deep([])


def test_a_record_in_a_circle_is_too_deep() -> None:
    record: dict[str, Any] = {"id": "enc_1"}
    record["period"] = record
    with pytest.raises(ClinikResponseError, match="deeper than 100 levels"):
        Encounter.from_dict(record)


# -- what others see of it --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("model", MODELS.values(), ids=MODELS)
def test_a_class_looks_as_attrs_has_made_it(model: type[Model]) -> None:
    names = [field.name for field in attrs.fields(model)]
    plain: Any = attrs.make_class("Plain", names, bases=model.__bases__, kw_only=True, slots=True, repr=False)
    reader_of(model)
    # with what the template adds, and what reads the nested fields
    added = {"__annotations__", "_other_form", "_open", *(f"_slot_of_{name}" for name in names)}
    assert {name for name in dir(model) if name not in dir(plain)} <= added
    assert list(inspect.signature(model).parameters) == list(inspect.signature(plain).parameters)
    kinds = {name: kind for name, kind, home, _ in pydoc.classify_class_attrs(model) if home is model}
    assert {kinds[name] for name in names} == {"data descriptor"}
    assert all(inspect.getdoc(getattr(model, name)) is None for name in names)


def test_the_code_of_a_reader_can_be_seen() -> None:
    reader = cast(FunctionType, reader_of(Encounter))
    assert "get('patientId')" in inspect.getsource(reader)
    assert linecache.getline(reader.__code__.co_filename, 1) == "def read(record, own=True):\n"
