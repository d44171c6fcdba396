"""What surrounds a call of a public method leaves the method as it was written."""

from __future__ import annotations

import inspect
import traceback
from collections.abc import Callable
from typing import Any
from unittest import mock

import pytest

from clinik_client import Clinik, Encounters
from clinik_client._frames import leaves_nothing
from clinik_client._resource import Resource
from clinik_client._transport import Transport
from tests.servers import Connect


@pytest.mark.parametrize("function", [Clinik.__init__, Clinik.request, Encounters.create, Encounters.read])
def test_what_is_decorated_looks_as_it_was_written(function: Any) -> None:
    inner = inspect.unwrap(function)
    assert inner is not function
    assert inspect.signature(function) == inspect.signature(inner)
    assert function.__globals__ is inner.__globals__
    for name in ("__name__", "__qualname__", "__module__", "__doc__"):
        assert getattr(function, name) == getattr(inner, name)


def test_every_public_method_of_a_facade_is_decorated() -> None:
    for facade in Resource.__subclasses__():
        for name, member in vars(facade).items():
            if inspect.isfunction(member) and not name.startswith("_"):
                assert hasattr(member, "__wrapped__"), name


@pytest.mark.parametrize(
    ("call", "noted"),
    [
        (lambda clinik: clinik.encounters.create(status="planned", class_="VR", patient_id="pt_1"), "/v1/encounters"),
        (lambda clinik: clinik.encounters.delete("enc_1"), "/v1/encounters/{id}"),
        (lambda clinik: clinik.request("POST", "/v1/patients", json={}), "(request)"),
        (lambda clinik: clinik.encounters.read("enc_1"), None),
        (lambda clinik: clinik.request("GET", "/v1/patients"), None),
    ],
)
def test_an_interruption_of_a_write_that_has_left_says_so(
    connect: Connect, call: Callable[[Clinik], object], noted: str | None
) -> None:
    def exchange(*arguments: Any) -> Any:
        arguments[-1].leaves()
        raise KeyboardInterrupt

    with mock.patch.object(Transport, "exchange", exchange), pytest.raises(KeyboardInterrupt) as raised:
        call(connect("http://127.0.0.1:9"))
    notes = getattr(raised.value, "__notes__", [])
    assert [noted in note and "whether it was carried out is unknown" in note for note in notes] == [True] * bool(noted)


def test_the_same_exception_leaves_with_its_way_behind_it() -> None:
    problem = ValueError("as it was")

    @leaves_nothing
    def fail(value: str) -> None:
        raise problem

    with pytest.raises(ValueError, match="as it was") as raised:
        fail("canary")
    assert raised.value is problem
    assert problem.__context__ is None
    names = [step.name for step in traceback.extract_tb(problem.__traceback__)]
    assert names[-2:] == ["entry", "fail"]
