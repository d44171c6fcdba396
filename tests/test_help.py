"""What a user sees who asks Python instead of the documents: completion, signatures and `help`."""

from __future__ import annotations

import functools
import inspect
import pydoc
import re
from collections.abc import Callable
from enum import Enum
from pathlib import Path
from types import ModuleType
from typing import Any
from unittest.mock import create_autospec

import pytest
from attrs import fields
from IPython.core.completer import IPCompleter, provisionalcompleter

import clinik_client
from clinik_client import (
    Clinik,
    Encounter,
    EncounterCreateRequest,
    EncounterCreateRequestFields,
    Encounters,
    EncounterSearchParamsFields,
    EncounterUpdateRequestFields,
    testing,
)
from clinik_client._generated import models
from clinik_client._model import Model
from clinik_client._resource import Resource
from tests.servers import KEY

# Each method that takes fields: the keywords that a type checker sees, those of its own, and what it cannot do without.
METHODS: dict[str, tuple[Any, set[str], set[str]]] = {
    "create": (EncounterCreateRequestFields, set(), {"status", "class_", "patient_id"}),
    "update": (EncounterUpdateRequestFields, set(), set()),
    "search": (EncounterSearchParamsFields, set(), set()),
    "search_all": (EncounterSearchParamsFields, {"limit"}, set()),
    "find_created": (
        EncounterCreateRequestFields,
        {"since", "lag", "before"},
        {"since", "status", "class_", "patient_id"},
    ),
}
GENERATED = [thing for name in models.__all__ if isinstance(thing := getattr(models, name), type)]


@pytest.fixture
def clinik() -> Clinik:
    return Clinik(KEY)


# -- signatures -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", METHODS)
def test_a_signature_shows_each_field_and_which_are_required(clinik: Clinik, name: str) -> None:
    described, own, required = METHODS[name]
    parameters = inspect.signature(getattr(clinik.encounters, name)).parameters.values()
    keywords = [parameter for parameter in parameters if parameter.kind is parameter.KEYWORD_ONLY]
    assert {parameter.name for parameter in keywords} == described.__annotations__.keys() | own
    assert {parameter.name for parameter in keywords if parameter.default is parameter.empty} == required
    assert not any(parameter.kind is parameter.VAR_KEYWORD for parameter in parameters)


def test_a_signature_reads_like_a_stub(clinik: Clinik) -> None:
    shown = str(inspect.signature(clinik.encounters.create))
    assert shown.startswith(
        "(given: 'EncounterCreateRequest | Mapping[str, Any] | None' = None, /, *, "
        "status: 'EncounterStatus | EncounterStatusLiteral', class_: 'EncounterClass | EncounterClassLiteral | str', "
        "patient_id: 'str', practitioner_id: 'str | None' = ..., "
    )
    assert shown.endswith(" -> 'ApiResponse[Encounter]'")
    assert str(inspect.signature(clinik.encounters.read)).endswith(" -> 'ApiResponse[Encounter]'")
    assert "date_from: 'date | str | None' = ..." in str(inspect.signature(clinik.encounters.search))


def test_the_signature_is_that_of_the_method_within_and_of_what_wraps_it(clinik: Clinik) -> None:
    @functools.wraps(Encounters.create)
    def logged(*args: Any, **kwargs: Any) -> Any:
        return Encounters.create(*args, **kwargs)

    shown = inspect.signature(Encounters.create)
    assert inspect.signature(logged) == inspect.signature(inspect.unwrap(Encounters.create)) == shown
    # Newer Pythons leave the quotes out.
    assert re.search(r"patient_id: '?str\b", pydoc.render_doc(clinik.encounters.create))


RIGHT: list[Callable[[Any], object]] = [
    lambda encounters: encounters.create(status="planned", class_="VR", patient_id="pt_1", type=None),
    lambda encounters: encounters.create({"status": "planned", "class": "VR", "patientId": "pt_1"}),
    lambda encounters: encounters.update("enc_1", status="finished"),
    lambda encounters: encounters.update("enc_1", {"status": "finished"}),
    lambda encounters: encounters.search(),
    lambda encounters: encounters.search_all({"patientId": "pt_1"}, limit=3),
    lambda encounters: encounters.find_created({"status": "planned"}, since=None),
]
WRONG: list[Callable[[Any], object]] = [
    lambda encounters: encounters.create(),
    lambda encounters: encounters.create(status="planned", class_="VR"),
    lambda encounters: encounters.create(status="planned", class_="VR", patient_id="pt_1", pririty="high"),
    lambda encounters: encounters.create({"status": "planned"}, class_="VR"),
    lambda encounters: encounters.update(status="finished"),
    lambda encounters: encounters.search({}, {}),
    lambda encounters: encounters.find_created({"status": "planned"}),
    lambda encounters: encounters.search_all({}, patient_id="pt_1"),
]


def test_mocks_in_the_form_of_a_client_take_right_calls_and_refuse_wrong_ones(clinik: Clinik) -> None:
    mocks = [create_autospec(clinik), create_autospec(Clinik)(), create_autospec(Clinik, instance=True)]
    for encounters in [create_autospec(clinik.encounters), *(mock.encounters for mock in mocks)]:
        for call in RIGHT:
            call(encounters)
        for call in WRONG:
            with pytest.raises(TypeError):
                call(encounters)
        encounters.create.assert_any_call({"status": "planned", "class": "VR", "patientId": "pt_1"})


# -- completion -------------------------------------------------------------------------------------------------------


@pytest.fixture
def complete(clinik: Clinik, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Callable[[str, bool], set[str]]:
    """What IPython, and with it Jupyter, offers behind a text."""
    # It is below the home, which need not be there.
    monkeypatch.setattr("jedi.settings.cache_directory", str(tmp_path))
    names = {"clinik": clinik, "encounter": Encounter(id="enc_1")}
    completer = IPCompleter(namespace=names)  # type: ignore[no-untyped-call]  # IPython does not type it

    def offered(text: str, jedi: bool) -> set[str]:
        completer.use_jedi = jedi
        with provisionalcompleter():
            return {found.text.lstrip(".") for found in completer.completions(text, len(text))}

    return offered


@pytest.mark.parametrize("jedi", [True, False])
def test_ipython_completes_fields(complete: Callable[[str, bool], set[str]], jedi: bool) -> None:
    assert complete("clinik.encounters.create(pat", jedi) == {"patient_id="}
    assert complete("clinik.encounters.update('enc_1', length", jedi) == {"length_minutes="}
    assert complete("clinik.encounters.search_all(lim", jedi) == {"limit="}


@pytest.mark.parametrize("jedi", [True, False])
def test_ipython_completes_what_is_public_and_no_more(complete: Callable[[str, bool], set[str]], jedi: bool) -> None:
    resources = {name for name, thing in vars(Clinik).items() if isinstance(thing, Resource)}
    assert complete("clinik.", jedi) == {"close", "request", "with_options", *resources}
    assert complete("clinik.encounters.", jedi) == {"read", "delete", *METHODS}
    names = {field.name for field in fields(Encounter)}
    assert complete("encounter.", jedi) == names | {"from_dict", "from_fhir", "to_dict", "to_fhir"}


# -- help -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("model", [thing for thing in GENERATED if issubclass(thing, Model)])
def test_help_of_a_model_tells_each_field_its_type_and_what_it_means(model: type[Any]) -> None:
    text = pydoc.plain(pydoc.render_doc(model)).replace("\n |          ", " ")
    for field in fields(model):
        assert re.search(rf"^ \|      {field.name} \(.+?\): \S.+\S$", text, re.MULTILINE), field.name
    assert all(len(line) <= 80 for line in (model.__doc__ or "").partition("Attributes:")[2].splitlines())


def test_help_of_a_model_says_what_the_document_says() -> None:
    shown = " ".join((EncounterCreateRequest.__doc__ or "").split())
    assert shown.startswith(
        "A new encounter, as it is sent to be recorded. Attributes: status (EncounterStatus | str): "
    )
    assert "length_minutes (float | None): How long the encounter takes, in whole minutes. (0 to 10080)" in shown


@pytest.mark.parametrize("enumeration", [thing for thing in GENERATED if issubclass(thing, Enum)])
def test_help_of_an_enumeration_tells_what_each_value_means(enumeration: type[Enum]) -> None:
    text = pydoc.plain(pydoc.render_doc(enumeration))
    for name in enumeration.__members__:
        assert re.search(rf"^ \|      {name}: \S", text, re.MULTILINE), name


def test_a_model_without_its_source_still_says_what_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(module: object) -> str:
        raise OSError("there is no source")

    monkeypatch.setattr(inspect, "getsource", fail)
    assert (EncounterCreateRequest.__doc__ or "").splitlines() == ["A new encounter, as it is sent to be recorded."]


def test_help_of_the_package_fits_a_few_screens_and_names_what_is_written_by_hand() -> None:
    text = pydoc.plain(pydoc.render_doc(clinik_client))
    assert len(text.splitlines()) < 100
    for name in {*vars(clinik_client)["__all__"]} - {*models.__all__}:
        assert re.search(rf"\b{name.strip('_')}", text, re.IGNORECASE), name


def test_help_of_the_test_kit_fits_a_few_screens_and_names_all_that_there_is() -> None:
    text = pydoc.plain(pydoc.render_doc(testing))
    assert len(text.splitlines()) < 100
    for name in testing.__all__:
        assert re.search(rf"\b{name}\b", text), name


@pytest.mark.parametrize("module", [clinik_client, testing], ids=lambda module: module.__name__)
def test_dir_of_a_package_has_all_names(module: ModuleType) -> None:
    assert {*vars(module)["__all__"]} <= {*dir(module)}


def test_dir_of_the_test_kit_has_nothing_else_that_is_public() -> None:
    assert {name for name in dir(testing) if not name.startswith("_")} == {*testing.__all__}
