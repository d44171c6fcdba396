"""What a sandbox can be told: each setting is checked, whichever way it is given, and a wrong one changes nothing."""

from __future__ import annotations

import math
from typing import Any

import pytest
from attrs import fields

from clinik_client.testing._routes import OPERATIONS
from clinik_client.testing._sandbox.limits import Plan
from clinik_client.testing._sandbox.settings import SandboxSettings, SandboxSettingsFields, settings_of

GOOD: dict[str, list[Any]] = {
    "shape": ["simple", "fhir", "mixed"],
    "include": ["record", "bundle"],
    "lag": [0, 2.5, math.inf],
    "total": [True, False],
    "phantom": [True, False],
    "errors": ["api", "fhir"],
    "merge_hospitalization": [True, False],
    "media_types": [{}, {"create": ("application/fhir+json",)}, {"update": ["text/plain"], "create": []}],
    "job_seconds": [0, 2.5, 86_400, math.inf],
    "plan": [Plan(rate=1)],
}
WRONG: dict[str, list[Any]] = {
    "shape": ["FHIR", None, ["simple"]],
    "include": ["Bundle", True],
    "lag": [-1, -0.1, math.nan, "10", None],
    "total": [1, "yes", None],
    "phantom": [0],
    "errors": ["html", None],
    "merge_hospitalization": ["no"],
    "media_types": [{"creat": ["application/json"]}, {"create": "application/json"}, {"create": None}, None, []],
    "job_seconds": [-1, math.nan, "4", None],
    "plan": [{"rate": 1}, None],
}


def pairs(values: dict[str, list[Any]]) -> list[tuple[str, Any]]:
    return [(name, value) for name, found in values.items() for value in found]


def test_each_setting_has_good_and_wrong_values_here() -> None:
    names = [name for name in dir(SandboxSettings()) if not name.startswith("_") and name not in ("accepted", "change")]
    assert sorted(names) == sorted(GOOD) == sorted(WRONG)


def test_without_any_a_sandbox_does_what_the_documentation_says() -> None:
    settings = SandboxSettings()
    assert (settings.shape, settings.include, settings.lag, settings.total) == ("simple", "record", 10.0, True)
    assert (settings.phantom, settings.errors, settings.merge_hospitalization) == (False, "api", False)
    assert settings.plan == Plan(rate=500, monthly=600_000, sandbox=600_000, overage=False)


@pytest.mark.parametrize(("name", "value"), pairs(GOOD), ids=str)
def test_a_setting_is_given_at_first_or_changed_later(name: str, value: Any) -> None:
    changed, assigned = SandboxSettings(), SandboxSettings()
    changed.change(**{name: value})
    setattr(assigned, name, value)
    assert SandboxSettings(**{name: value}) == changed == assigned
    assert getattr(changed, name) == value


@pytest.mark.parametrize(("name", "value"), pairs(WRONG), ids=str)
def test_a_value_that_a_setting_cannot_have_is_refused_by_its_name(name: str, value: Any) -> None:
    settings = SandboxSettings()
    with pytest.raises(ValueError, match=name):
        SandboxSettings(**{name: value})
    with pytest.raises(ValueError, match=name):
        setattr(settings, name, value)
    with pytest.raises(ValueError, match=name):
        settings.change(**{"phantom": True, "total": False, name: value})
    assert settings == SandboxSettings()


def test_a_misspelt_setting_is_refused_with_those_that_there_are() -> None:
    settings = SandboxSettings()
    with pytest.raises(
        ValueError, match=r"no setting 'shap'; did you mean 'shape'.* There are shape, include, lag, "
    ) as caught:
        settings.change(shap="fhir", lag=0)
    assert all(name in str(caught.value) for name in GOOD)
    assert settings == SandboxSettings()


def test_the_media_types_of_a_body_are_those_of_the_document_unless_others_are_set() -> None:
    settings = SandboxSettings(media_types={"create": ["application/fhir+json"]})
    assert settings.accepted("create") == ("application/fhir+json",)
    assert settings.accepted("update") == OPERATIONS["update"].media_types
    assert "application/json-patch+json" in settings.accepted("update")


def test_their_keywords_are_these() -> None:
    told = {field.name: str(field.type) for field in fields(SandboxSettings)}
    assert {name: kind.__forward_arg__ for name, kind in SandboxSettingsFields.__annotations__.items()} == told


def test_settings_that_are_given_are_copied() -> None:
    given = SandboxSettings(lag=3, media_types={"create": ("text/plain",)})
    made = settings_of(given, {})
    assert made == given
    made.change(lag=5, media_types={})
    assert given == SandboxSettings(lag=3, media_types={"create": ("text/plain",)})


def test_settings_may_be_made_of_keywords() -> None:
    assert settings_of(None, {"lag": 0, "total": False}) == SandboxSettings(lag=0, total=False)
    assert settings_of(None, {}) == SandboxSettings()


@pytest.mark.parametrize(
    ("settings", "changes", "why"),
    [
        (None, {"lga": 0}, "there is no setting 'lga'; did you mean 'lag'\\? There are shape, include, lag, "),
        (None, {"lag": -1}, "lag is a number of seconds, 0 or more"),
        ({"lag": 0}, {}, "settings is a SandboxSettings; each setting may be a keyword in its place, such as lag=0"),
        (SandboxSettings(), {"lag": 0}, "settings and lag are not given together"),
    ],
)
def test_wrong_settings_are_told(settings: Any, changes: dict[str, Any], why: str) -> None:
    with pytest.raises(ValueError, match=f"^{why}"):
        settings_of(settings, changes)
