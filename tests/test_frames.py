"""An exception takes nothing along in the frames of the SDK, and a client that is gone leaves nothing behind."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import traceback
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from types import FrameType, FunctionType
from typing import Any, cast

import pytest

from clinik_client import Clinik, ClinikApiError, ClinikConfigError, ClinikValidationError, Encounter, Period
from clinik_client._frames import leaves_nothing
from clinik_client._model import reader_of
from tests.faults.watch import SILENT, leaks_of, shows, variables_of
from tests.inside import session_of
from tests.misbehaviour import raw, refusing_port, send_signal
from tests.servers import ok, page, record, refuse

KEY = "clk_test_canaryKEY"
ID = "enc_canary1"
BODY = {"status": "planned", "class": "AMB", "patientId": "pt_canary2", "type": "Canary visit"}
KEYWORDS = {"status": "planned", "class_": "AMB", "patient_id": "pt_canary2", "type": "Canary visit"}

CALLS: dict[str, Callable[[Clinik], Any]] = {
    "create": lambda clinik: clinik.encounters.create(**KEYWORDS),  # type: ignore[call-overload]  # made up of one dict
    "create from a dict": lambda clinik: clinik.encounters.create(BODY),
    "read": lambda clinik: clinik.encounters.read(ID, include=["canary"]),
    "update": lambda clinik: clinik.encounters.update(ID, type="Canary visit"),
    "delete": lambda clinik: clinik.encounters.delete(ID),
    "search": lambda clinik: clinik.encounters.search(patient_id="pt_canary2", cursor="canary"),
    "walk": lambda clinik: list(clinik.encounters.search_all(patient_id="pt_canary2", cursor="canary")),
    "walk by page": lambda clinik: list(clinik.encounters.search_all(patient_id="pt_canary2", cursor="canary").pages()),
    "request": lambda clinik: clinik.request("POST", f"/v1/{ID}", params={"q": "canary"}, json=BODY),
}
INVALID: dict[str, Callable[[Clinik], Any]] = {
    "create": lambda clinik: clinik.encounters.create(status="canary", class_=5, patient_id="canary\n"),  # type: ignore[call-overload]  # what is wrong with it is the point
    "create from a dict": lambda clinik: clinik.encounters.create({**BODY, "Canary": 1, "period": {"canary_1": 1}}),
    "read": lambda clinik: clinik.encounters.read("a canary"),
    "update": lambda clinik: clinik.encounters.update(ID, status="a canary"),
    "delete": lambda clinik: clinik.encounters.delete("a canary"),
    "search": lambda clinik: clinik.encounters.search({"Canary": "canary"}),
    "walk": lambda clinik: list(clinik.encounters.search_all({"Canary": "canary"})),
    "walk, limit": lambda clinik: clinik.encounters.search_all(patient_id="pt_canary2", limit=-1),
    "request, path": lambda clinik: clinik.request("GET", "/a canary"),
    "request, params": lambda clinik: clinik.request("GET", "/v1", params={"Canary": {"canary"}, "canary1": [[1]]}),
    "request, JSON": lambda clinik: clinik.request("POST", "/v1", json={"Canary": {"canary1": {"canary"}}}),
}


@pytest.fixture
def connected() -> Iterator[Callable[[str], Clinik]]:
    """Makes clients whose key is a canary, too."""
    made: list[Clinik] = []

    def make(url: str) -> Clinik:
        made.append(Clinik(KEY, base_url=url, trust_env=False, retries=0, timeout=5))
        return made[-1]

    yield make
    for clinik in made:
        clinik.close()


def raised_by(call: Callable[[], Any]) -> BaseException:
    try:
        call()
    except BaseException as error:  # noqa: BLE001 - an interruption is caught, too
        return error
    raise AssertionError("nothing was raised")


def assert_nothing_is_seen(error: BaseException) -> None:
    assert leaks_of(error) == []
    # The same by the standard library's own printer of variables.
    shown: traceback.TracebackException | None
    shown = traceback.TracebackException.from_exception(error, capture_locals=True, compact=False)
    while shown is not None:
        for step in shown.stack:
            if any(f"{os.sep}{package}{os.sep}" in step.filename for package in SILENT):
                assert not shows(repr(step.locals)), step
        shown = shown.__context__ or shown.__cause__


@pytest.mark.parametrize("name", INVALID)
def test_nothing_is_seen_of_a_request_that_is_refused(connected: Callable[[str], Clinik], name: str) -> None:
    clinik = connected("http://127.0.0.1:9")
    error = raised_by(lambda: INVALID[name](clinik))
    assert isinstance(error, ClinikValidationError)
    assert_nothing_is_seen(error)
    assert not shows(f"{error} {error.issues}")
    assert "\n" not in str(error)


@pytest.mark.parametrize("name", CALLS)
@pytest.mark.parametrize("response", [refuse(422, "VALIDATION_ERROR"), refuse(500), raw(b"HTTP/1.1 2"), raw(b"canary")])
def test_nothing_is_seen_of_a_request_that_failed(
    serve: Any, connected: Callable[[str], Clinik], name: str, response: Any
) -> None:
    clinik = connected(serve(response).url)
    error = raised_by(lambda: CALLS[name](clinik))
    assert isinstance(error, ClinikApiError)
    assert_nothing_is_seen(error)
    # The way that it took can still be read.
    assert len(list(traceback.walk_tb(error.__traceback__))) > 4
    assert "_session.py" in "".join(traceback.format_exception(error))


@pytest.mark.parametrize("name", CALLS)
def test_nothing_is_seen_of_a_request_that_found_no_service(connected: Callable[[str], Clinik], name: str) -> None:
    with refusing_port() as port:
        clinik = connected(f"http://127.0.0.1:{port}")
        error = raised_by(lambda: CALLS[name](clinik))
    assert isinstance(error, ClinikApiError)
    assert_nothing_is_seen(error)


def test_nothing_is_seen_of_a_walk_that_breaks_off(serve: Any, connected: Callable[[str], Clinik]) -> None:
    rows = {"data": [record("enc_canary3", patientId="pt_canary2")], "cursor": "canary", "hasMore": True}
    clinik = connected(serve(ok(rows), refuse(500)).url)
    walk = clinik.encounters.search_all(patient_id="pt_canary2")
    pages = clinik.encounters.search_all(patient_id="pt_canary2", cursor="canary").pages()
    assert next(walk).id == "enc_canary3"
    for failing in (walk, pages):
        assert_nothing_is_seen(raised_by(lambda failing=failing: next(failing)))  # type: ignore[misc]  # bound at once


def test_nothing_is_seen_of_a_first_touch_that_is_interrupted(monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupt(text: str) -> None:
        raise KeyboardInterrupt

    encounter = Encounter.from_dict({"id": "enc_1", "period": {"start": "2025", "note": "canary"}})
    monkeypatch.setitem(cast(FunctionType, reader_of(Period)).__globals__, "moment_of", interrupt)
    assert_nothing_is_seen(raised_by(lambda: encounter.period))
    monkeypatch.undo()
    assert encounter.to_dict()["period"] == {"start": "2025", "note": "canary"}
    assert encounter.period == Period.from_dict({"start": "2025", "note": "canary"})


WRONG_SETTINGS: dict[str, Callable[[], Clinik]] = {
    "key": lambda: Clinik("clk_test_canary KEY"),
    "URL": lambda: Clinik(KEY, base_url="canary://canary"),
    "option": lambda: Clinik(KEY, timeout="canary"),  # type: ignore[arg-type]  # what is wrong with it is the point
    "proxy": lambda: Clinik(KEY, base_url="https://127.0.0.1", proxy="socks5://canary:canary@127.0.0.1"),
    "CA": lambda: Clinik(KEY, base_url="https://127.0.0.1", verify="/canary.pem"),
    "agent": lambda: Clinik(KEY, base_url="http://127.0.0.1", trust_env=False, user_agent="canary\n"),
}


@pytest.mark.parametrize("name", WRONG_SETTINGS)
def test_nothing_is_seen_of_wrong_settings(name: str) -> None:
    error = raised_by(WRONG_SETTINGS[name])
    assert isinstance(error, ClinikConfigError)
    assert_nothing_is_seen(error)


def test_a_client_that_was_not_set_up_can_be_shown() -> None:
    class Own(Clinik):
        def __init__(self) -> None:
            try:
                super().__init__("canary")
            finally:
                self.shown = repr(self)
                shown.append(self.shown)

    shown: list[str] = []
    with pytest.raises(ClinikConfigError):
        Own()
    assert shown == ["<Clinik not set up>"]


def test_nothing_is_seen_of_other_limits(connected: Callable[[str], Clinik]) -> None:
    clinik = connected("http://127.0.0.1:9")
    error = raised_by(lambda: clinik.with_options(timeout="canary"))  # type: ignore[arg-type]  # see its name
    assert isinstance(error, ClinikConfigError)
    assert_nothing_is_seen(error)


# -- interruptions ----------------------------------------------------------------------------------------------------


class Interruption(BaseException):
    """What a program's own signal handler may raise."""


@pytest.mark.parametrize("name", CALLS)
def test_nothing_is_seen_of_a_call_that_a_signal_ends(
    serve: Any, connected: Callable[[str], Clinik], name: str
) -> None:
    def raise_interruption(number: int, frame: FrameType | None) -> None:
        mine = "a canary of the program's own"  # noqa: F841 - looked for in its frame
        raise Interruption

    clinik = connected(serve(send_signal(signal.SIGUSR1)).url)
    before = signal.signal(signal.SIGUSR1, raise_interruption)
    try:
        error = raised_by(lambda: CALLS[name](clinik))
    finally:
        signal.signal(signal.SIGUSR1, before)
    assert type(error) is Interruption
    assert leaks_of(error) == []
    # The handler's frame is the program's: nothing is taken from it.
    *_, (last, _) = traceback.walk_tb(error.__traceback__)
    assert last.f_code.co_name == "raise_interruption"
    assert "mine" in last.f_locals


@pytest.mark.long
@pytest.mark.parametrize("name", ["create", "read", "walk", "request"])
def test_nothing_is_seen_wherever_a_call_is_interrupted(
    serve: Any, connected: Callable[[str], Clinik], name: str
) -> None:
    clinik = connected(serve(page([])).url)
    left = 0

    def trace(frame: FrameType, event: str, argument: Any) -> Any:
        nonlocal left
        # What an interruption does to connections and their locks is not looked at here.
        module = str(frame.f_globals.get("__name__"))
        ours = module.startswith("clinik_client.") and "._transport" not in module
        # In the first step of an entry nothing of the SDK has begun, and its arguments are still the caller's.
        if ours and event == "line" and frame.f_code.co_name not in ("entry", "call"):
            left -= 1
            if left == 0:
                raise Interruption
        return trace

    def work() -> BaseException | None:
        sys.settrace(trace)
        try:
            CALLS[name](clinik)
        except ClinikApiError:
            return None
        except Interruption as error:
            return error
        finally:
            sys.settrace(None)
        return None

    def call(steps: int) -> BaseException | None:
        nonlocal left
        left = steps
        # In a thread of its own: one that a trace function has raised in may never forget what it was handling.
        with ThreadPoolExecutor(1) as thread:
            return thread.submit(work).result()

    # The connections are there already.
    call(-1)
    call(-1)
    steps = -1 - left
    assert steps > 100
    for step in range(1, steps, 7):
        error = call(step)
        if error is not None:
            assert [place for place, text in variables_of(error) if shows(text)] == [], step


def test_the_variables_of_a_callers_frames_are_the_callers(connected: Callable[[str], Clinik]) -> None:
    clinik = connected("http://127.0.0.1:9")

    def texts() -> Iterator[str]:
        mine = "canary"
        yield mine
        raise Interruption

    error = raised_by(lambda: clinik.encounters.create({**BODY, "reasonCode": texts()}))
    assert type(error) is Interruption
    assert leaks_of(error) == []
    *_, (last, _) = traceback.walk_tb(error.__traceback__)
    assert last.f_locals == {"mine": "canary"}


def test_an_exception_that_was_being_handled_is_searched_too(connected: Callable[[str], Clinik]) -> None:
    clinik = connected("http://127.0.0.1:9")

    @leaves_nothing
    def again() -> None:
        try:
            session_of(clinik).send(None)  # type: ignore[arg-type]  # fails somewhere below
        except AttributeError as problem:
            raise Interruption from problem

    error = raised_by(again)
    assert error.__cause__ is not None
    frames = [frame for frame, _ in traceback.walk_tb(error.__cause__.__traceback__)]
    inside = [frame.f_locals for frame in frames if frame.f_globals["__name__"] == "clinik_client._session"]
    assert inside
    assert inside == [{}] * len(inside)


# -- what is left in the process --------------------------------------------------------------------------------------

SCAN = """
import gc, json, re, sys
from clinik_client import Clinik, ClinikApiError

port, seed = json.loads(sys.stdin.read())
sys.stdin = None

def calls():
    key = f"clk_test_{seed}KEY"
    with Clinik(key, base_url=f"http://127.0.0.1:{port}", trust_env=False, retries=1) as clinik:
        fields = dict(status="planned", class_="AMB", patient_id=f"pt_{seed}", type=f"Visit {seed}")
        failed = 0
        for call in (
            lambda: clinik.encounters.create(**fields),
            lambda: clinik.encounters.create(**fields, **{seed: 1}),
            lambda: clinik.encounters.read(f"enc_{seed}"),
            lambda: clinik.encounters.update(f"enc_{seed}", type=f"Visit {seed}"),
            lambda: list(clinik.encounters.search_all(patient_id=f"pt_{seed}")),
            lambda: clinik.request("POST", f"/v1/{seed}", params={"q": seed}, json={"note": [seed], seed: seed}),
        ):
            try:
                call()
            except ClinikApiError as error:
                failed += 1
    return failed

failed = calls()
word = seed[:8].lower()
own = globals()
del seed
gc.collect()
found = []
seen = set()
waiting = [thing for thing in gc.get_objects() if thing is not own]
for thing in waiting:
    for inner in gc.get_referents(thing):
        text = inner.decode("latin-1") if isinstance(inner, (bytes, bytearray)) else inner
        if isinstance(text, str) and text is not word and word in text.lower() and id(inner) not in seen:
            seen.add(id(inner))
            found.append(type(thing).__name__)
patterns = [key for key in re._cache if word in str(key).lower()] if hasattr(re, "_cache") else []
print(json.dumps([failed, found, len(patterns)]))
"""


def test_nothing_is_left_of_a_client_that_is_gone(serve: Any) -> None:
    service = serve(refuse(422, "VALIDATION_ERROR"))
    seed = "canary" + os.urandom(6).hex()
    done = subprocess.run(
        [sys.executable, "-c", SCAN],
        input=json.dumps([service.port, seed]),
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    assert json.loads(done.stdout) == [6, [], 0]
