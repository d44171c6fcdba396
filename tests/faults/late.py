"""What takes long without a slow network: heavy texts, endless walks, waits, lookups, a proxy, heavy objects."""

from __future__ import annotations

import threading
import time
import tracemalloc
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime, timedelta
from functools import partial
from itertools import count
from typing import Any, Final
from unittest import mock

import orjson

from clinik_client import Clinik, ClinikApiError, ClinikConfigError, ClinikResponseError, ClinikTimeoutError
from clinik_client.testing._steps import hang
from clinik_client.testing._wire import Connection, Limits, TakeOver, WireRequest, WireResponse, WireServer
from tests.misbehaviour import ESTABLISHED, serve_bytes, tunnel
from tests.stopwatch import Stopwatch

from .calls import KEY, Call, Hang, bounded, client, make
from .catalogue import head, right
from .lab import Lab, Names
from .points import Sampling
from .report import Attack, CellReport
from .server import FaultServer, apply, drip, record, send

SECTION: Final = "late"
LIMIT: Final = 0.3
TOLERANCE: Final = 0.1
AT_ONCE: Final = 0.2
"""Seconds in which whoever waits ends when the client is closed."""
MOST_PAGES: Final = 3_000
"""A walk that has come through so many empty pages would come through any number."""
MOST_BYTES: Final = 10_000_000
MOST_MEMORY: Final = 16
"""How many times ``max_response_bytes`` the objects of a response may take."""
LOOKUPS, LOOKING, MORE_THREADS = 200, 20, 10
"""So many calls, from so many threads, whose lookups may take so many threads more."""

_JSON: Final = [("content-type", "application/json")]
Handler = Callable[[WireRequest], WireResponse | TakeOver]
Try = Callable[[Lab, CellReport], None]


def _timed(report: CellReport, call: Callable[[], object], limit: float = LIMIT) -> BaseException | None:
    """Make a call that has a limit; what it raises is returned, and has to be an error of the SDK."""
    problem: BaseException | None = None

    def work() -> float:
        nonlocal problem
        with Stopwatch() as watch:
            try:
                call()
            except Exception as error:  # noqa: BLE001 - looked at below
                problem = error
        return watch.seconds

    try:
        seconds = bounded(work, 15.0)
    except Hang as hanging:
        report.add("late", f"{hanging}")
        return None
    report.seconds_over = max(report.seconds_over, seconds - limit)
    if seconds > limit + TOLERANCE:
        report.add("late", f"{seconds:.2f} s, and the limit was {limit} s")
    if problem is not None and not isinstance(problem, ClinikApiError):
        report.add("wrong", f"{type(problem).__name__} escaped")
    return problem


@contextmanager
def _service(handler: Handler, **settings: Any) -> Iterator[Clinik]:
    """A service that responds so, and a client of it."""
    limits = Limits(body_bytes=20_000_000)
    with WireServer(handler, limits=limits) as server:
        options = {"retries": 0, "timeout": 10.0, "trust_env": False, **settings}
        with Clinik(KEY, base_url=server.url, **options) as clinik:
            yield clinik


# -- heavy texts ------------------------------------------------------------------------------------------------------

_BIG: Final = 10_000_000
_SHORT: Final = b'{"error":"x","code":"VALIDATION"}'
_PLACES: Final = [f"participants[{number}].role" for number in range(5_000)]
_ISSUES: Final = [{"severity": "error", "diagnostics": "x y " * 1_000} for _ in range(2_000)]


def _refusal(issues: list[dict[str, Any]]) -> bytes:
    return orjson.dumps({"error": "Validation Error", "code": "VALIDATION_ERROR", "issues": issues})


def _create(clinik: Clinik, text: str) -> object:
    return clinik.encounters.create(
        status="planned", class_="AMB", patient_id="pt_canary0", hospitalization={"admit_source": text}
    )


def _request(clinik: Clinik, text: str) -> object:
    return clinik.request(
        "POST", "/v1/encounters", json={"patientId": "pt_canary0", "words": [text[start::10] for start in range(10)]}
    )


def refused(response: bytes, call: Callable[[Clinik], object]) -> Try:
    """A 422 that costs more to read than to send."""

    def run(lab: Lab, report: CellReport) -> None:
        with _service(lambda request: WireResponse(422, _JSON, response), timeout=LIMIT, deadline=LIMIT) as clinik:
            error = _timed(report, lambda: call(clinik))
            if (
                not report.faults
                and not isinstance(error, ClinikTimeoutError)
                and getattr(error, "status", None) != 422
            ):
                report.add("wrong", f"{type(error).__name__} in place of a refusal")

    return run


# -- waits ------------------------------------------------------------------------------------------------------------


def endless_walk(lab: Lab, report: CellReport) -> None:
    """Each page is empty, and each has another cursor."""
    numbers = count(1)

    def page(request: WireRequest) -> WireResponse:
        number = next(numbers)
        data = {"data": [], "hasMore": number < MOST_PAGES, "cursor": f"c{number}"}
        return WireResponse(200, _JSON, orjson.dumps({"data": data}))

    with _service(page) as clinik:
        try:
            bounded(lambda: list(clinik.encounters.search_all(patient_id="pt_canary0")), 30.0)
        except ClinikResponseError:
            pass
        except Hang as hanging:
            report.add("late", f"the walk does not end: {hanging}")
        else:
            report.add("late", f"the walk went on for {MOST_PAGES} empty pages")


def _find(clinik: Clinik, since: datetime) -> object:
    return clinik.encounters.find_created(status="planned", class_="AMB", patient_id="pt_canary0", since=since)


def find_waits(lab: Lab, report: CellReport) -> None:
    """`find_created` would have to wait longer than its deadline."""
    with FaultServer() as server, client(server, lab, deadline=LIMIT) as clinik:
        if _timed(report, lambda: _find(clinik, datetime.now(UTC))) is None and not report.faults:
            report.add("wrong", "it has found something before its time")


def find_walks(lab: Lab, report: CellReport) -> None:
    """`find_created` comes through many pages, each of them in time."""
    numbers = count(1)
    never = threading.Event()

    def page(request: WireRequest) -> WireResponse:
        never.wait(LIMIT / 2)
        number = next(numbers)
        row = record(f"enc_canary{number}", "pt_canary0")
        # There is an end, for a client that does not look at the time.
        data = {"data": [row], "hasMore": number < 20, "cursor": f"c{number}"}
        return WireResponse(200, _JSON, orjson.dumps({"data": data}))

    with _service(page, timeout=LIMIT, deadline=LIMIT) as clinik:
        if _timed(report, lambda: _find(clinik, datetime.now(UTC) - timedelta(hours=1))) is None and not report.faults:
            report.add("wrong", "it says what it has found in a part of the pages")


def closed_while(wait: Callable[[Clinik], object]) -> Try:
    """Another thread closes the client while a call waits for its time."""

    def run(lab: Lab, report: CellReport) -> None:
        asked = threading.Event()

        def busy(request: WireRequest) -> WireResponse:
            asked.set()
            return WireResponse(429, [*_JSON, ("retry-after", "20")], b'{"error":"x","code":"RATE_LIMITED"}')

        with _service(busy, retries=2) as clinik:
            ended: list[BaseException | None] = []

            def work() -> None:
                try:
                    wait(clinik)
                except BaseException as error:  # noqa: BLE001 - looked at below
                    ended.append(error)
                else:
                    ended.append(None)

            thread = threading.Thread(target=work, daemon=True)
            thread.start()
            # A retry is waited for when the first response has come; the other one asks nothing before its time.
            asked.wait(0.1)
            thread.join(0.1)
            with Stopwatch() as watch:
                clinik.close()
                thread.join(3.0)
            if watch.seconds > AT_ONCE:
                report.add("late", f"{watch.seconds:.2f} s after close()" if ended else "goes on waiting after close()")
            if ended and not isinstance(ended[0], ClinikApiError):
                report.add("wrong", f"ends with {type(ended[0]).__name__}")

    return run


# -- lookups ----------------------------------------------------------------------------------------------------------


def hanging_lookups(lab: Lab, report: CellReport) -> None:
    """The resolver hangs, and many calls from many threads ask it."""
    limit = 0.05
    names = Names()
    host = names.add(float("inf"), slow=True)
    most = before = threading.active_count()
    late: list[float] = []
    wrong: list[str] = []
    with FaultServer() as server, ExitStack() as stack:
        stack.callback(names.released.set)
        stack.enter_context(mock.patch("socket.getaddrinfo", names.getaddrinfo))
        url = f"http://{host}:{server.port}"
        with Clinik(KEY, base_url=url, timeout=limit, retries=0, trust_env=False) as clinik:

            def work() -> None:
                for _ in range(LOOKUPS // LOOKING):
                    with Stopwatch() as watch:
                        try:
                            clinik.encounters.read("enc_canary1")
                        except ClinikApiError:
                            pass
                        except Exception as error:  # noqa: BLE001 - told of in the report
                            wrong.append(type(error).__name__)
                    late.append(watch.seconds - watch.others - limit)

            threads = [threading.Thread(target=work, daemon=True) for _ in range(LOOKING)]
            for thread in threads:
                thread.start()
            end = time.monotonic() + 15
            while any(thread.is_alive() for thread in threads) and time.monotonic() < end:
                most = max(most, threading.active_count())
                threads[0].join(0.01)
                time.sleep(0.002)
            if len(late) < LOOKUPS:
                report.add("late", f"{LOOKUPS - len(late)} calls have not ended")
            report.seconds_over = max(late, default=0.0)
            if report.seconds_over > TOLERANCE:
                report.add("late", f"the latest ended {report.seconds_over:.2f} s after its limit")
            if wrong:
                report.add("wrong", f"{wrong[0]} escaped")
            if most - before - LOOKING > MORE_THREADS:
                report.add("leaks", f"{most - before - LOOKING} threads more than before")
            names.heal(host)
            names.released.set()
            patient = clinik.with_options(timeout=1.5)
            for _ in range(3):
                make(Call("read").prepare(server), patient, report).judge(server.ledger)


# -- a proxy that speaks TLS ------------------------------------------------------------------------------------------


def tls_proxy(stalls: bool) -> Try:
    """A proxy that speaks TLS makes a tunnel in which TLS is spoken: it stalls there, or the response drips from it."""

    def run(lab: Lab, report: CellReport) -> None:
        script = (apply, send(lambda x: head(x.status, "Content-Length: 500")), drip(right))

        def proxy(connection: Connection) -> None:
            connection.start_tls(lab.context)
            connection.receive(5.0)
            if stalls:
                connection.send(ESTABLISHED)
                hang(connection)
            else:
                tunnel(connection, server.port)

        with FaultServer(script, context=lab.context) as server, serve_bytes(proxy) as relay:
            try:
                clinik = client(server, lab, timeout=LIMIT, proxy=f"https://127.0.0.1:{relay.port}")
            except ClinikConfigError:
                # Whoever refuses what cannot be held to a limit is right, too.
                return
            with clinik:
                call = Call("create").prepare(server)
                if _timed(report, lambda: call.make(clinik)) is None and not report.faults:
                    report.add("wrong", "success without a response")

    return run


# -- heavy objects ----------------------------------------------------------------------------------------------------


def _heavy(piece: bytes, begin: bytes, end: bytes) -> bytes:
    return b'{"data":%s%s%s}' % (begin, b",".join([piece] * (8_000_000 // (len(piece) + 1))), end)


def _heavy_names() -> bytes:
    return b'{"data":{%s}}' % b",".join(b'"%x":{}' % number for number in range(800_000))


HEAVY: Final[dict[str, Callable[[], bytes]]] = {
    "[[],[],...]": partial(_heavy, b"[]", b"[", b"]"),
    "[{},{},...]": partial(_heavy, b"{}", b"[", b"]"),
    '{"a":{},...}': _heavy_names,
}


def heavy_objects(build: Callable[[], bytes], call: Callable[[Clinik], object]) -> Try:
    """A response that is within the limit of its bytes, and far beyond any limit as objects."""

    def run(lab: Lab, report: CellReport) -> None:
        body = build()
        with _service(lambda request: WireResponse(200, _JSON, body), max_response_bytes=MOST_BYTES) as clinik:
            tracemalloc.start()
            try:
                bounded(lambda: call(clinik), 20.0)
            except ClinikResponseError:
                pass
            except Hang as hanging:
                report.add("late", str(hanging))
            except Exception as error:  # noqa: BLE001 - told of in the report
                report.add("wrong", f"{type(error).__name__} in place of ClinikResponseError")
            else:
                report.add("wrong", "it is taken for a response")
            finally:
                peak = tracemalloc.get_traced_memory()[1]
                tracemalloc.stop()
            if peak > MOST_MEMORY * MOST_BYTES:
                report.add("leaks", f"{peak / MOST_BYTES:.0f} times max_response_bytes of memory")

    return run


# -- all of it --------------------------------------------------------------------------------------------------------


def _read(clinik: Clinik) -> object:
    return clinik.encounters.read("enc_canary1")


def _get(clinik: Clinik) -> object:
    return clinik.request("GET", "/v1/metadata")


TEXT: Final = "canary and more " * (_BIG // 16)

TRIES: Final[dict[str, Try]] = {
    "a short 422 to a create of 10 MB": refused(_SHORT, lambda clinik: _create(clinik, TEXT)),
    "a short 422 to a request of 10 MB": refused(_SHORT, lambda clinik: _request(clinik, TEXT)),
    "5,000 locations in an issue": refused(
        _refusal([{"severity": "error", "diagnostics": "x", "location": _PLACES}]), lambda clinik: _create(clinik, "p")
    ),
    "2,000 issues of 4,000 characters": refused(_refusal(_ISSUES), lambda clinik: _create(clinik, "p")),
    "empty pages without end": endless_walk,
    "find_created before its time": find_waits,
    "find_created through slow pages": find_walks,
    "close() while a call waits to try again": closed_while(_read),
    "close() while find_created waits": closed_while(lambda clinik: _find(clinik, datetime.now(UTC))),
    "lookups that hang": hanging_lookups,
    "TLS in TLS that stalls": tls_proxy(stalls=True),
    "TLS in TLS that drips": tls_proxy(stalls=False),
    **{
        f"{shape} to {name}": heavy_objects(build, call)
        for shape, build in HEAVY.items()
        for name, call in (("read", _read), ("request", _get))
    },
}


def cells(sampling: Sampling) -> dict[str, int]:
    """How many cells each row has."""
    return {SECTION: len(TRIES)}


def run_one(name: str, lab: Lab) -> CellReport:
    report = CellReport(Attack(SECTION, name))
    lab.logs.leaks().clear()
    TRIES[name](lab, report)
    return report


def run(lab: Lab, sampling: Sampling) -> Iterator[CellReport]:
    for name in TRIES:
        yield run_one(name, lab)
