"""Requests are built from what the document says: what it allows is sent exactly as given, anything else is refused."""

from __future__ import annotations

import importlib
import pkgutil
import re
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any
from urllib.parse import parse_qsl

import orjson
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from clinik_client import ClinikValidationError, EncounterCreateRequest
from clinik_client._generated import api
from clinik_client._generated.api.encounters import (
    create_encounter,
    read_encounter,
    search_encounters,
    update_encounter,
)
from clinik_client._model import Model, schema_of
from clinik_client._operation import Operation, Request
from tests.strategies import (
    CREATE,
    DOCUMENT,
    INPUTS,
    SEARCH,
    UPDATE,
    Broken,
    Input,
    allowed,
    anything,
    as_model,
    at_the_limits,
    branches,
    broken,
    in_python_names,
    is_valid,
    json_values,
)

ENDPOINTS = [
    importlib.import_module(found.name)
    for found in pkgutil.walk_packages(api.__path__, f"{api.__name__}.")
    if not found.ispkg
]
OPERATIONS: dict[str, tuple[Operation, Callable[..., Request]]] = {
    module.OPERATION.id: (module.OPERATION, module.request) for module in ENDPOINTS
}
ID = "enc_xyz789"

# What a type checker would refuse is given here on purpose; tests/test_typing.py has what it says to that.
create: Any = create_encounter.request
update: Any = update_encounter.request
read: Any = read_encounter.request
search: Any = search_encounters.request


def build(taken: Input, *given: Any, **keywords: Any) -> Request:
    operation, request = OPERATIONS[taken.operation_id]
    return request(*[ID for _ in operation.path_parameters], *given, **keywords)


def in_wire_names(taken: Input, value: Any) -> Request:
    return build(taken, value)


def as_keywords(taken: Input, value: Any) -> Request:
    return build(taken, **in_python_names(taken.model, value))


def as_one_model(taken: Input, value: Any) -> Request:
    return build(taken, as_model(taken.model, value))


FORMS = {"dict": in_wire_names, "keywords": as_keywords, "model": as_one_model}
Form = Callable[[Input, Any], Request]
forms = pytest.mark.parametrize("form", FORMS.values(), ids=FORMS)


def sent(taken: Input, request: Request) -> Any:
    """What goes over the wire, as the fields that were given."""
    if request.method != "GET":
        return orjson.loads(request.content)
    assert request.content == b""
    path, _, query = request.target.partition("?")
    assert path == request.path
    found: dict[str, list[Any]] = {}
    for name, text in parse_qsl(query, keep_blank_values=True, strict_parsing=bool(query)):
        may_be = branches(taken.schema["properties"][name])
        items = [item for branch in may_be if branch.get("type") == "array" for item in branches(branch["items"])]
        found.setdefault(name, []).append(read_text(text, items or may_be))
    lists = {name for name in found if not is_valid(taken.schema["properties"][name], found[name][0])}
    return {name: values if len(values) > 1 or name in lists else values[0] for name, values in found.items()}


def read_text(text: str, may_be: list[dict[str, Any]]) -> Any:
    """A value of a query as what it is described to be."""
    if {branch.get("type", "string") for branch in may_be} == {"string"}:
        return text
    try:
        value = orjson.loads(text)
    except orjson.JSONDecodeError:
        return text
    return value if any(is_valid(branch, value) for branch in may_be) else text


def wire_form(taken: Input, value: dict[str, Any]) -> Any:
    """Values to compare: in JSON true is not 1. A query has texts, and of an empty list nothing."""
    if OPERATIONS[taken.operation_id][0].method != "GET":
        return orjson.dumps(value, option=orjson.OPT_SORT_KEYS)
    return {
        name: [item if isinstance(item, str) else orjson.dumps(item).decode() for item in items]
        for name, given in value.items()
        if (items := given if isinstance(given, list) else [given])
    }


requests_of = {name: allowed(taken.schema) for name, taken in INPUTS.items()}
some_input = st.sampled_from(list(INPUTS.values()))
inputs_and_requests = some_input.flatmap(lambda taken: st.tuples(st.just(taken), requests_of[taken.operation_id]))

# -- what the document allows -----------------------------------------------------------------------------------------


@forms
@given(case=inputs_and_requests)
def test_what_the_document_allows_is_sent_exactly_as_given(form: Form, case: tuple[Input, dict[str, Any]]) -> None:
    taken, value = case
    assert taken.accepts(value)
    assert wire_form(taken, sent(taken, form(taken, value))) == wire_form(taken, value)


LIMITS = {
    f"{taken.operation_id}-{where}": (taken, value)
    for taken in INPUTS.values()
    for where, value in at_the_limits(taken.schema)
}


@forms
@pytest.mark.parametrize(("taken", "value"), LIMITS.values(), ids=LIMITS)
def test_a_value_that_just_keeps_to_its_limit_is_sent(form: Form, taken: Input, value: Any) -> None:
    assert wire_form(taken, sent(taken, form(taken, value))) == wire_form(taken, value)


@pytest.mark.parametrize("operation_id", OPERATIONS)
def test_method_and_path_are_those_of_the_document(operation_id: str) -> None:
    operation, _ = OPERATIONS[operation_id]
    described = DOCUMENT["paths"][operation.path][operation.method.lower()]
    assert described["operationId"] == operation_id
    assert [name for name, _ in operation.path_parameters] == re.findall(r"{(\w+)}", operation.path)


def test_every_operation_of_the_document_can_be_built() -> None:
    assert OPERATIONS.keys() == {
        operation["operationId"] for item in DOCUMENT["paths"].values() for operation in item.values()
    }


def test_every_example_of_the_document_is_accepted() -> None:
    for taken in (CREATE, UPDATE):
        operation, _ = OPERATIONS[taken.operation_id]
        content = DOCUMENT["paths"][operation.path][operation.method.lower()]["requestBody"]["content"]
        for example in content["application/json"]["examples"].values():
            assert sent(taken, in_wire_names(taken, example["value"])) == example["value"]
        for value in taken.schema["examples"]:
            assert sent(taken, as_keywords(taken, value)) == value


def test_a_bare_search_has_no_query() -> None:
    assert search().target == "/v1/encounters"
    assert read(ID, include=[]).target == f"/v1/encounters/{ID}"


def test_each_include_is_a_parameter_of_its_own() -> None:
    request = read(ID, include=["patient", "Encounter:practitioner"])
    assert request.query == (("_include", "Encounter:patient"), ("_include", "Encounter:practitioner"))
    assert request.target.count("_include=") == 2


@given(st.text(st.characters(exclude_categories=["Cs"]), max_size=20))
def test_a_query_is_encoded_so_that_it_cannot_break_out(text: str) -> None:
    request = search(sort=text, cursor=text)
    assert request.target.isascii()
    assert not set(request.target) & set(' \r\n#\\"<>')
    assert dict(parse_qsl(request.target.partition("?")[2], keep_blank_values=True)) == {"sort": text, "cursor": text}


def test_numbers_in_a_query_are_json() -> None:
    assert search(count=25.0).target == "/v1/encounters?count=25"


# -- what it rules out ------------------------------------------------------------------------------------------------

BROKEN = {
    f"{taken.operation_id}-{wrong}-{name}": (form, taken, wrong)
    for taken in INPUTS.values()
    for wrong in broken(taken.schema)
    for name, form in FORMS.items()
    if wrong.path or form is in_wire_names  # keywords and a model are always an object
}


@pytest.mark.parametrize(("form", "taken", "wrong"), BROKEN.values(), ids=BROKEN)
def test_one_broken_rule_is_one_issue_that_names_field_and_limit_and_not_the_value(
    form: Form, taken: Input, wrong: Broken
) -> None:
    with pytest.raises(ClinikValidationError) as caught:
        form(taken, wrong.value)
    error = caught.value
    (issue,) = error.issues
    assert (issue["severity"], issue["code"], issue["location"]) == ("error", "invalid", wrong.location)
    path, _, text = issue["diagnostics"].partition(": ")
    steps = "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in wrong.path).removeprefix(".")
    assert path.split(" (")[0] == (steps or "request")
    assert all(told in text for told in wrong.told)
    if wrong.culprit is not None and len(str(wrong.culprit)) > 2:
        assert str(wrong.culprit) not in str(error)
    assert (error.status, error.attempts, error.outcome, error.code) == (None, 0, "not_sent", "VALIDATION_ERROR")
    operation, _ = OPERATIONS[taken.operation_id]
    assert error.operation == f"{operation.method} {operation.path}"


def top_level(taken: Input) -> dict[str, list[Broken]]:
    """The broken rules by the field that they are in, those that need a required field to be missing left out."""
    found: dict[str, list[Broken]] = {}
    for wrong in broken(taken.schema):
        if wrong.path and not (wrong.rule == "required" and len(wrong.path) == 1):
            found.setdefault(str(wrong.path[0]), []).append(wrong)
    return found


TOP_LEVEL = {name: top_level(taken) for name, taken in INPUTS.items()}


@forms
@given(data=st.data())
def test_all_broken_rules_are_told_at_once(form: Form, data: st.DataObject) -> None:
    taken = data.draw(some_input)
    by_field = TOP_LEVEL[taken.operation_id]
    names = data.draw(st.sets(st.sampled_from(sorted(by_field)), min_size=1))
    chosen = {name: data.draw(st.sampled_from(by_field[name])) for name in sorted(names)}
    value = data.draw(requests_of[taken.operation_id]) | {name: wrong.value[name] for name, wrong in chosen.items()}
    with pytest.raises(ClinikValidationError) as caught:
        form(taken, value)
    told = sorted(issue["location"] for issue in caught.value.issues)
    assert told == sorted(wrong.location for wrong in chosen.values())


# A code that is not listed is sent with a warning, where the document allows others.
unlisted_codes_pass = pytest.mark.filterwarnings("ignore:.* sent, although:clinik_client.ClinikWarning")


@forms
@unlisted_codes_pass
@given(data=st.data())
@settings(suppress_health_check=[HealthCheck.too_slow])
def test_whatever_is_given_the_sdk_accepts_nothing_that_the_document_rules_out(form: Form, data: st.DataObject) -> None:
    taken = data.draw(some_input)
    names = [entry.wire for entry in schema_of(taken.model).entries]
    fields = data.draw(st.dictionaries(st.sampled_from(names), anything, max_size=3))
    value = {**data.draw(requests_of[taken.operation_id]), **fields}
    try:
        request = form(taken, value)
    except ClinikValidationError:
        return
    # The prefix that the caller may leave out is there, None is gone, and all else is as the document says.
    assert taken.accepts(sent(taken, request))


@unlisted_codes_pass
@given(st.data())
def test_a_record_with_any_json_in_its_fields_is_refused_or_sent_as_it_is(data: st.DataObject) -> None:
    taken = data.draw(st.sampled_from([CREATE, SEARCH]))
    names = [entry.wire for entry in schema_of(taken.model).entries]
    value = {
        **data.draw(requests_of[taken.operation_id]),
        **data.draw(st.dictionaries(st.sampled_from(names), json_values)),
    }
    try:
        request = in_wire_names(taken, value)
    except ClinikValidationError:
        return
    assert wire_form(taken, without_none(sent(taken, request))) == wire_form(taken, without_none(value))


def without_none(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {name: without_none(item) for name, item in value.items() if item is not None}
    return [without_none(item) for item in value] if isinstance(value, list) else value


# -- None -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("spell", [in_wire_names, as_keywords], ids=["dict", "keywords"])
@given(data=st.data())
def test_none_means_not_given_but_for_an_update_which_refuses_it(spell: Form, data: st.DataObject) -> None:
    taken = data.draw(some_input)
    value = data.draw(requests_of[taken.operation_id])
    optional = [entry.wire for entry in schema_of(taken.model).entries if not entry.required and not entry.nullable]
    nones = data.draw(st.sets(st.sampled_from(optional), min_size=1))
    rest = {name: item for name, item in value.items() if name not in nones}
    request_of = partial(spell, taken, {**rest, **dict.fromkeys(nones)})
    if not taken.refuses_none:
        assert wire_form(taken, sent(taken, request_of())) == wire_form(taken, rest)
        return
    with pytest.raises(ClinikValidationError) as caught:
        request_of()
    assert {tuple(issue["location"]) for issue in caught.value.issues} == {(name,) for name in nones}
    assert all("must not be None" in issue["diagnostics"] for issue in caught.value.issues)


def test_none_in_a_nested_object_counts_as_in_the_request() -> None:
    assert create(
        status="planned",
        class_="VR",
        patient_id="pt_1",
        period={"start": None},
        diagnosis=[{"condition": "I10", "use": None}],
    ).body == {
        "status": "planned",
        "class": "VR",
        "patientId": "pt_1",
        "period": {},
        "diagnosis": [{"condition": "I10"}],
    }
    with pytest.raises(ClinikValidationError) as caught:
        update(ID, period={"end": None}, diagnosis=[{"condition": None}])
    assert [issue["location"] for issue in caught.value.issues] == [["period", "end"], ["diagnosis", "0", "condition"]]


def test_a_model_that_leaves_fields_unset_changes_nothing_by_them() -> None:
    assert update(ID, UPDATE.model.from_dict({"status": "finished"})).body == {"status": "finished"}
    with pytest.raises(ClinikValidationError) as caught:
        update(ID, UPDATE.model.from_dict({"status": None}))
    assert caught.value.issues[0]["location"] == ["status"]


def test_a_required_field_that_is_none_is_told_as_missing() -> None:
    with pytest.raises(ClinikValidationError) as caught:
        create({"status": None, "class": "AMB"})
    assert [issue["diagnostics"] for issue in caught.value.issues] == ["status: Required", "patientId: Required"]


# -- ids --------------------------------------------------------------------------------------------------------------

BAD_IDS = [
    *("", ".", "..", "../patients/pt_1", "a/b", "a\\b", "%2e%2e", "a%2Fb", "enc 1", " enc_1", "enc_1\n", "\r\nx: y"),
    *("enc_1?x=1", "enc_1#x", "enc_1;x", "énc", "enc_٣", "e\u200bnc", "\ud800", "\x00", "a" * 129, "{id}"),
    *(None, 5, b"enc_1", ["enc_1"], True),
]


@pytest.mark.parametrize("bad", BAD_IDS, ids=ascii)
@pytest.mark.parametrize("operation_id", [name for name, (one, _) in OPERATIONS.items() if one.path_parameters])
def test_a_bad_id_is_refused_and_not_repeated(operation_id: str, bad: Any) -> None:
    operation, request = OPERATIONS[operation_id]
    with pytest.raises(ClinikValidationError) as caught:
        request(*[bad for _ in operation.path_parameters])
    steps = [issue["location"] for issue in caught.value.issues]
    assert steps[: len(operation.path_parameters)] == [[name] for name, _ in operation.path_parameters]
    if isinstance(bad, str) and len(bad) > 2 and bad != "{id}":
        assert bad not in str(caught.value)


@given(allowed({"$ref": "#/components/schemas/RecordId"}))
def test_a_good_id_is_in_the_path_as_it_is(good: str) -> None:
    for operation_id in ("readEncounter", "updateEncounter", "deleteEncounter"):
        request = OPERATIONS[operation_id][1](good)
        assert request.target == f"/v1/encounters/{good}"
        assert request.record_id == good
        assert request.route == "/v1/encounters/{id}"


def test_a_bad_id_is_told_together_with_bad_fields() -> None:
    with pytest.raises(ClinikValidationError) as caught:
        update("..", status="not done", length_minutes=-1)
    assert [issue["location"] for issue in caught.value.issues] == [["id"], ["status"], ["lengthMinutes"]]


# -- forms ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "given_form", [{}, {"status": "planned"}, EncounterCreateRequest(status="planned", class_="VR", patient_id="p")]
)
def test_forms_are_not_mixed(given_form: Any) -> None:
    with pytest.raises(ClinikValidationError, match="not a mix of them"):
        create(given_form, status="planned", class_="VR", patient_id="pt_1")


@pytest.mark.parametrize("given_form", ["planned", 5, ["status"], EncounterCreateRequest.from_dict, UPDATE.model()])
def test_anything_but_a_dict_or_the_model_is_refused(given_form: Any) -> None:
    with pytest.raises(ClinikValidationError, match="must be a dict or EncounterCreateRequest"):
        create(given_form)


def test_a_request_shows_its_route_only() -> None:
    request = create(status="planned", class_="VR", patient_id="pt_canary", type="canary")
    assert "canary" not in repr(request)
    assert "canary" not in repr(search(patient_id="pt_canary"))
    assert "canary" not in repr(read("enc_canary"))
    assert read("enc_1").name == "GET /v1/encounters/{id}"


def test_a_given_model_is_not_changed_by_being_sent() -> None:
    value: Model = CREATE.model.from_dict({"status": "planned", "class": "VR", "patientId": "pt_1", "type": "x"})
    before = value.to_dict()
    create(value)
    assert value.to_dict() == before


def test_what_a_request_carries_is_all_but_its_route_and_the_names_of_the_api() -> None:
    request = Request(
        method="POST",
        route="/v1/encounters/{id}/notes",
        path="/v1/encounters/enc%20canary/notes",
        query=(("patientId", "pt_1"), ("Jane Doe", "true")),
        body={"type": ["visit", 30, None], "note 1": {}},
        record_id="enc canary",
    )
    assert sorted(request.texts()) == sorted(
        ["enc canary", "enc canary", "pt_1", "Jane Doe", "true", "visit", "30", "note 1"]
    )
