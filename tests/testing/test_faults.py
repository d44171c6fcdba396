"""Faults as data: what can be said, what cannot, and which requests meet them."""

from __future__ import annotations

import json
import re
import threading
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clinik_client.testing import Fault, Faults
from clinik_client.testing._fault import KINDS
from clinik_client.testing._routes import NAMES

# -- what can be said -------------------------------------------------------------------------------------------------

WHEN: dict[str, st.SearchStrategy[Any]] = {
    "operation": st.sampled_from([None, *NAMES]),
    "nth": st.integers(1, 10**6),
    "times": st.none() | st.integers(1, 10**6),
    "probability": st.none() | st.floats(0, 1, exclude_min=True) | st.just(1),
    "random_seed": st.integers(0, 2**64),
    "after_apply": st.booleans(),
}
SECONDS = st.floats(0, 86_400) | st.integers(0, 86_400)
WHAT: dict[str, st.SearchStrategy[Any]] = {
    "status": st.integers(200, 599),
    "form": st.sampled_from(["api", "fhir"]),
    "code": st.none() | st.text(min_size=1),
    "retry_after": st.none() | st.integers(0, 10**6),
    "at": st.none() | st.integers(0, 10**6),
    "end": st.sampled_from(["close", "reset"]),
    "seconds": SECONDS | st.tuples(SECONDS, SECONDS).map(lambda pair: tuple(sorted(pair))),
    "size": st.integers(1, 2**30),
}


@st.composite
def arguments(draw: st.DrawFn) -> dict[str, Any]:
    kind = draw(st.sampled_from(list(KINDS)))
    possible = {**WHEN, **{name: WHAT[name] for name in KINDS[kind]}}
    return {"kind": kind, **draw(st.fixed_dictionaries({}, optional=possible))}


@given(arguments())
def test_a_fault_goes_through_json_and_back(given: dict[str, Any]) -> None:
    fault = Fault(**given)
    assert {name: getattr(fault, name) for name in given} == given
    told = json.loads(json.dumps(fault.to_dict()))
    assert Fault.from_dict(told) == fault
    assert set(told) == {"kind", *WHEN, *KINDS[fault.kind]}


def test_it_happens_once_or_with_a_probability_for_ever() -> None:
    assert Fault("reset").times == 1
    assert Fault("reset", probability=0.5).times is None
    assert Fault("reset", probability=0.5, times=2).times == 2
    assert Fault("reset", times=None).times is None


@pytest.mark.parametrize(
    ("told", "problem"),
    [
        (
            {"kind": "rset"},
            "there is no kind of fault 'rset'; did you mean 'reset'? There are reset, close, hang, drip",
        ),
        ({"kind": None}, "there is no kind of fault None. There are reset"),
        ({"kind": ["reset"]}, "there is no kind of fault ['reset']. There are reset"),
        (
            {"kind": "reset", "operation": "crate"},
            "there is no operation 'crate'; did you mean 'create'? There are cre",
        ),
        ({"kind": "status", "form": "xml"}, "there is no form of an error 'xml'. There are api, fhir, html."),
        ({"kind": "cut", "end": "rst"}, "there is no end of a connection 'rst'; did you mean 'reset'? There are close"),
        ({"kind": "reset", "nth": 0}, "a fault's nth is a whole number from 1, not 0"),
        ({"kind": "reset", "nth": True}, "a fault's nth is a whole number from 1, not True"),
        ({"kind": "reset", "nth": 1.0}, "a fault's nth is a whole number from 1, not 1.0"),
        ({"kind": "reset", "times": 0}, "a fault's times is a whole number from 1, or None for no end, not 0"),
        ({"kind": "reset", "times": "2"}, "a fault's times is a whole number from 1, or None for no end, not '2'"),
        ({"kind": "reset", "probability": 0}, "a fault's probability is a number above 0 and up to 1, or None for alw"),
        ({"kind": "reset", "probability": 30}, "a fault's probability is a number above 0 and up to 1, or None for al"),
        ({"kind": "reset", "probability": True}, "a fault's probability is a number above 0 and up to 1, or None for "),
        ({"kind": "reset", "random_seed": -1}, "a fault's random_seed is a whole number from 0, not -1"),
        ({"kind": "reset", "after_apply": 1}, "a fault's after_apply is True or False, not 1"),
        ({"kind": "status", "status": 199}, "a fault's status is a whole number from 200 to 599, not 199"),
        ({"kind": "status", "status": 600}, "a fault's status is a whole number from 200 to 599, not 600"),
        ({"kind": "status", "code": ""}, "a fault's code is a text, or None for the usual one, not ''"),
        ({"kind": "status", "code": "X", "form": "html"}, "a gateway's page has no code"),
        ({"kind": "status", "retry_after": 1.5}, "a fault's retry_after is a whole number from 0, or None for no head"),
        (
            {"kind": "cut", "at": -1},
            "a fault's at is a whole number from 0, or None for the middle of the body, not -1",
        ),
        ({"kind": "bomb", "size": 0}, "a fault's size is a whole number from 1 to 1073741824, not 0"),
        ({"kind": "latency", "seconds": -1}, "a fault's seconds is a number from 0 to a day, or a range of two"),
        ({"kind": "latency", "seconds": float("nan")}, "a fault's seconds is a number from 0 to a day"),
        ({"kind": "latency", "seconds": [2, 1]}, "a fault's seconds is a number from 0 to a day, or a range of two"),
        ({"kind": "latency", "seconds": [1, 2, 3]}, "a fault's seconds is a number from 0 to a day, or a range of two"),
        ({"kind": "latency", "seconds": "1"}, "a fault's seconds is a number from 0 to a day, or a range of two"),
    ],
)
def test_what_makes_no_sense_is_told(told: dict[str, Any], problem: str) -> None:
    for make in (Fault.from_dict, lambda told: Fault(**told)):
        with pytest.raises(ValueError, match=f"^{re.escape(problem)}"):
            make(told)


@pytest.mark.parametrize(("kind", "name"), [(kind, name) for kind in KINDS for name in WHAT if name not in KINDS[kind]])
def test_what_a_kind_does_not_have_is_refused(kind: str, name: str) -> None:
    other: dict[str, Any] = {"status": 503, "form": "fhir", "code": "X", "retry_after": 1, "at": 1, "end": "reset"}
    other |= {"seconds": 1, "size": 1}
    with pytest.raises(ValueError, match=f"a fault of the kind '{kind}' has no {name}. It has operation, nth, times, "):
        Fault(kind, **{name: other[name]})
    with pytest.raises(ValueError, match=f"there is no argument of a fault '{name}'"):
        Fault.from_dict({"kind": kind, name: other[name]})


@pytest.mark.parametrize(
    ("told", "problem"),
    [
        ({}, "a fault needs a kind. There are reset, close"),
        ([], "a fault is an object with a kind, not list"),
        ("reset", "a fault is an object with a kind, not str"),
        (
            {"kind": "status", "satus": 503},
            "there is no argument of a fault 'satus'; did you mean 'status'? There are k",
        ),
        ({"kind": "reset", 5: 1}, "there is no argument of a fault 5. There are kind, operation"),
    ],
)
def test_what_is_not_told_as_a_fault_is_refused(told: Any, problem: str) -> None:
    with pytest.raises(ValueError, match=f"^{re.escape(problem)}"):
        Fault.from_dict(told)


def test_a_misspelt_argument_is_the_error_of_python() -> None:
    with pytest.raises(TypeError, match="oparation"):
        Fault("reset", oparation="create")  # type: ignore[call-arg]  # that is the point


def test_only_faults_are_added() -> None:
    with pytest.raises(TypeError, match="a fault is a Fault, not dict"):
        Faults().add({"kind": "reset"})  # type: ignore[arg-type]  # that is the point


# -- which requests meet it -------------------------------------------------------------------------------------------


def met_by(faults: Faults, operations: Sequence[str | None]) -> list[str | None]:
    """The kind of fault that each of these requests meets."""
    meetings = [faults.meet(operation) for operation in operations]
    return [meeting and meeting.fault.kind for meeting in meetings]


def those(*added: Fault) -> Faults:
    faults = Faults()
    for fault in added:
        faults.add(fault)
    return faults


def test_without_faults_no_request_meets_one() -> None:
    assert met_by(Faults(), [None, "create"]) == [None, None]


@pytest.mark.parametrize(
    ("fault", "meeting"),
    [
        (Fault("reset"), [1]),
        (Fault("reset", nth=3), [3]),
        (Fault("reset", times=2), [1, 2]),
        (Fault("reset", nth=2, times=3), [2, 3, 4]),
        (Fault("reset", times=None), [1, 2, 3, 4, 5, 6]),
        (Fault("reset", nth=5, times=None), [5, 6]),
        (Fault("reset", probability=1), [1, 2, 3, 4, 5, 6]),
        (Fault("reset", probability=1, times=2), [1, 2]),
    ],
)
def test_it_is_met_when_it_was_to_be(fault: Fault, meeting: list[int]) -> None:
    met = met_by(those(fault), [None] * 6)
    assert [number for number, kind in enumerate(met, 1) if kind] == meeting


def test_requests_of_other_operations_neither_meet_it_nor_count() -> None:
    faults = those(Fault("reset", operation="create", nth=2))
    assert met_by(faults, ["create", "read", None, "update", "create", "create"]) == [*[None] * 4, "reset", None]


def test_it_counts_from_when_it_was_added() -> None:
    faults = Faults()
    met_by(faults, ["create"] * 5)
    faults.add(Fault("reset", nth=2))
    assert met_by(faults, ["create"] * 3) == [None, "reset", None]


def test_of_several_the_first_that_is_due_is_met_and_the_next_waits() -> None:
    faults = those(Fault("reset", nth=2), Fault("hang", times=2), Fault("close", operation="read"))
    assert met_by(faults, ["create", "create", "create", "read", "read"]) == ["hang", "reset", "hang", "close", None]


def test_all_count_a_request_though_another_is_met() -> None:
    faults = those(Fault("reset", times=2), Fault("hang", nth=3))
    assert met_by(faults, [None] * 4) == ["reset", "reset", "hang", None]


@given(st.integers(0, 2**32), st.floats(0.01, 0.99), st.integers(1, 200))
def test_a_seed_decides_who_meets_what_has_a_probability(seed: int, probability: float, requests: int) -> None:
    fault = Fault("reset", probability=probability, random_seed=seed)
    course = met_by(those(fault), [None] * requests)
    assert met_by(those(fault), [None] * requests) == course
    # Whatever else is due, or asked of other operations.
    beside = met_by(those(Fault("hang", nth=2), fault), [None] * requests)
    assert [kind for number, kind in enumerate(beside) if number != 1] == [
        kind for number, kind in enumerate(course) if number != 1
    ]


def test_another_seed_is_another_course_and_about_as_many_meet_it_as_it_says() -> None:
    courses = [met_by(those(Fault("reset", probability=0.3, random_seed=seed)), [None] * 1000) for seed in (7, 8)]
    assert courses[0] != courses[1]
    assert all(250 < course.count("reset") < 350 for course in courses)


@given(st.floats(0, 100), st.floats(0, 100), st.integers(0, 2**32))
def test_seconds_are_drawn_from_their_range_by_the_seed(one: float, other: float, seed: int) -> None:
    least, most = sorted((one, other))
    fault = Fault("latency", seconds=(least, most), times=None, random_seed=seed)

    def drawn() -> list[float]:
        faults = those(fault)
        return [meeting.seconds for meeting in (faults.meet(None) for _ in range(5)) if meeting]

    assert drawn() == drawn()
    assert len(drawn()) == 5
    assert all(least <= seconds <= most for seconds in drawn())


def test_fixed_seconds_are_what_they_are_and_drawn_ones_differ() -> None:
    faults = those(Fault("latency", seconds=2, times=2), Fault("latency", seconds=(0, 1), times=20))
    seconds = [meeting.seconds for meeting in (faults.meet(None) for _ in range(22)) if meeting]
    assert seconds[:2] == [2, 2]
    assert len(set(seconds[2:])) == 20


def test_meetings_are_numbered() -> None:
    faults = those(Fault("reset", times=2), Fault("hang", nth=4))
    meetings = [faults.meet(None) for _ in range(4)]
    assert [meeting and meeting.number for meeting in meetings] == [1, 2, None, 3]


def test_pending_are_those_that_were_not_met_as_often_as_they_say() -> None:
    once, twice, late, endless, elsewhere = added = [
        Fault("reset"),
        Fault("close", times=2),
        Fault("hang", nth=5),
        Fault("garbage", times=None, nth=4),
        Fault("status", operation="delete", probability=1),
    ]
    faults = those(*added)
    assert (faults.pending(), list(faults), faults.met) == (added, added, [])
    met_by(faults, [None] * 2)
    assert (faults.pending(), faults.met) == ([twice, late, endless, elsewhere], [once, twice])
    met_by(faults, [None] * 2)
    assert (faults.pending(), faults.met) == ([late, elsewhere], [once, twice, twice, endless])
    met_by(faults, [None])
    assert (faults.pending(), list(faults)) == ([elsewhere], [endless, elsewhere])
    assert faults.met == [once, twice, twice, endless, late]


def test_one_fault_may_be_added_twice() -> None:
    fault = Fault("reset")
    faults = those(fault, fault)
    assert faults.pending() == [fault, fault]
    assert met_by(faults, [None] * 3) == ["reset", "reset", None]


def test_cleared_faults_are_forgotten() -> None:
    faults = those(Fault("reset"), Fault("hang", times=None))
    met_by(faults, [None] * 2)
    faults.clear()
    assert (faults.pending(), list(faults), faults.met, met_by(faults, [None])) == ([], [], [], [None])
    faults.add(Fault("reset"))
    meeting = faults.meet(None)
    assert meeting is not None
    assert meeting.number == 1


def test_many_threads_meet_each_as_often_as_it_says() -> None:
    faults = those(Fault("reset", times=300), Fault("hang", nth=500))
    together = threading.Barrier(8)

    def work(_: int) -> list[str | None]:
        together.wait(10)
        return met_by(faults, ["create"] * 100)

    with ThreadPoolExecutor(8) as pool:
        met = [kind for kinds in pool.map(work, range(8)) for kind in kinds]
    assert {kind: met.count(kind) for kind in set(met)} == {"reset": 300, "hang": 1, None: 499}
    assert faults.pending() == []
