"""What is sent again and what is not, after how long, and what is known of it; on a clock that needs no waiting."""

from __future__ import annotations

import json
import random
import threading
from collections.abc import Sequence
from contextlib import ExitStack
from email.utils import format_datetime
from typing import Any, get_args

import pytest
from attrs import evolve
from hypothesis import example, given
from hypothesis import strategies as st

from clinik_client import (
    ClinikApiError,
    ClinikAuthError,
    ClinikConflictError,
    ClinikConnectionError,
    ClinikNotFoundError,
    ClinikPermissionError,
    ClinikQuotaError,
    ClinikRateLimitError,
    ClinikResponseError,
    ClinikServerError,
    ClinikTimeoutError,
    ClinikValidationError,
)
from clinik_client._errors import Outcome
from clinik_client._operation import Request
from clinik_client._retry import BACKOFF_CAP, Clock, RetryBudget, may_be_sent_again
from clinik_client._session import Options, Session
from clinik_client._transport import Attempt, AttemptFailed, HttpResponse, Transport, parse_target
from tests.calls import CALLS, DELETES, GOOD, READS, SENT_ONCE
from tests.inside import VirtualClock, on_virtual_time
from tests.misbehaviour import HEAD, keep_open, raw, refusing_port
from tests.servers import (
    Connect,
    ScriptedService,
    Serve,
    Step,
    envelope,
    gzipped_envelope,
    limited,
    ok,
    refuse,
    respond,
    zipped,
)

# What leaves open whether the service did it: no status line of success has arrived.
LOST: dict[str, Step] = {
    "end without a response": raw(),
    "reset without a response": raw(reset=True),
    "garbage": raw(b"\x00\xff garbage\r\n\r\n"),
    "500": refuse(500, "INTERNAL_ERROR"),
    "502 page": respond(502, b"<html>Bad gateway</html>", {"content-type": "text/html"}),
    "503 without a body": respond(503),
    "529": refuse(529),
    "half a status line": raw(b"HTTP/1.1 20"),
}
# The status line told of success, and then something was wrong.
CONFIRMED: dict[str, Step] = {
    "end within the head": raw(b"HTTP/1.1 200 OK\r\nContent-"),
    "cut short": raw(HEAD + b"Content-Length: 500\r\n\r\n" + envelope()),
    "reset within the body": raw(HEAD + b"Content-Length: 500\r\n\r\n" + envelope(), reset=True),
    "bad chunk": raw(HEAD + b"Transfer-Encoding: chunked\r\n\r\nxyz\r\n"),
    "corrupt gzip": zipped(gzipped_envelope()[:-5] + b"\x00\x00\x00\x00\x00"),
    "html": respond(200, b"<html>Please log in</html>"),
    "not UTF-8": respond(200, b'{"data": {"id": "\xff\xfe"}}'),
    "an array": respond(200, [1, 2]),
}


# -- retried or not ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("fault", [*LOST, *CONFIRMED])
@pytest.mark.parametrize("name", [*READS, *DELETES])
def test_a_read_or_a_delete_is_sent_again_after_anything_ambiguous(
    serve: Serve, connect: Connect, name: str, fault: str
) -> None:
    step = (LOST | CONFIRMED)[fault]
    service = serve(step, step, GOOD[name])
    clinik = connect(service)
    on_virtual_time(clinik)
    if name in DELETES and fault == "an array":
        step = respond(200, ["deleted?"])
    assert CALLS[name](clinik).meta.attempts == 3
    assert len(service.ledger) == 3


@pytest.mark.parametrize("fault", [*LOST, *CONFIRMED])
@pytest.mark.parametrize("name", SENT_ONCE)
def test_a_create_or_an_update_is_sent_once_and_its_outcome_told(
    serve: Serve, connect: Connect, name: str, fault: str
) -> None:
    service = serve((LOST | CONFIRMED)[fault], GOOD[name])
    clinik = connect(service, retries=5)
    clock = on_virtual_time(clinik)
    with pytest.raises(ClinikApiError) as raised:
        CALLS[name](clinik)
    assert raised.value.outcome == ("unknown" if fault in LOST else "applied")
    assert raised.value.attempts == 1
    assert (len(service.ledger), clock.waits) == (1, [])
    assert CALLS["read"](clinik).meta.attempts == 1  # the client works as before


@pytest.mark.parametrize("name", SENT_ONCE)
def test_a_write_whose_time_is_up_is_sent_once(serve: Serve, connect: Connect, name: str) -> None:
    service = serve(keep_open(), keep_open(HEAD), GOOD[name])
    clinik = connect(service, timeout=0.1)
    for outcome in ("unknown", "applied"):
        with pytest.raises(ClinikTimeoutError) as raised:
            CALLS[name](clinik)
        assert (raised.value.outcome, raised.value.attempts, raised.value.code) == (outcome, 1, "timeout")
    assert len(service.ledger) == 2


def test_a_read_whose_time_is_up_is_sent_again(serve: Serve, connect: Connect) -> None:
    service = serve(keep_open(), ok())
    clinik = connect(service, timeout=0.1)
    on_virtual_time(clinik)
    assert CALLS["read"](clinik).meta.attempts == 2


@pytest.mark.parametrize("retries", [0, 1, 2, 5])
def test_retries_bounds_the_attempts_and_the_error_counts_them(serve: Serve, connect: Connect, retries: int) -> None:
    service = serve(refuse(503))
    clinik = connect(service, retries=retries)
    on_virtual_time(clinik)
    with pytest.raises(ClinikServerError) as raised:
        CALLS["read"](clinik)
    assert raised.value.attempts == len(service.ledger) == retries + 1
    assert (f"{retries + 1} attempts" in str(raised.value)) == (retries > 0)


@pytest.mark.parametrize("name", CALLS)
def test_a_refused_connection_proves_that_nothing_was_sent(connect: Connect, name: str) -> None:
    with refusing_port() as port:
        clinik = connect(f"http://127.0.0.1:{port}")
        clock = on_virtual_time(clinik)
        with pytest.raises(ClinikConnectionError) as raised:
            CALLS[name](clinik)
    assert (raised.value.outcome, raised.value.attempts, raised.value.status) == ("not_sent", 3, None)
    assert len(clock.waits) == 2


@pytest.mark.parametrize("name", CALLS)
def test_what_was_not_sent_is_sent_once_the_service_is_there(connect: Connect, name: str) -> None:
    with ExitStack() as started, ExitStack() as reserved:
        port = reserved.enter_context(refusing_port())
        clinik = connect(f"http://127.0.0.1:{port}")
        service = ScriptedService(GOOD[name], port=port)

        def start() -> None:
            reserved.close()
            started.enter_context(service)

        on_virtual_time(clinik).before_wait = start
        assert CALLS[name](clinik).meta.attempts == 2
    assert len(service.ledger) == 1


@pytest.mark.parametrize("name", CALLS)
@pytest.mark.parametrize(
    ("status", "code", "kind"),
    [
        (400, "INVALID_JSON", ClinikApiError),
        (401, "INVALID_KEY", ClinikAuthError),
        (403, None, ClinikPermissionError),
        (404, "NOT_FOUND", ClinikNotFoundError),
        (405, None, ClinikApiError),
        (408, None, ClinikApiError),
        (409, None, ClinikConflictError),
        (413, None, ClinikApiError),
        (422, "VALIDATION_ERROR", ClinikValidationError),
        (499, None, ClinikApiError),
    ],
)
def test_a_refusal_is_final(
    serve: Serve, connect: Connect, name: str, status: int, code: str | None, kind: type[ClinikApiError]
) -> None:
    service = serve(refuse(status, code), GOOD[name])
    with pytest.raises(ClinikApiError) as raised:
        CALLS[name](connect(service))
    error = raised.value
    assert type(error) is kind
    assert (error.status, error.outcome, error.attempts, error.request_id) == (status, "rejected", 1, "req_9")
    assert error.code == (code or kind.default_code)
    assert len(service.ledger) == 1


@pytest.mark.parametrize("name", CALLS)
@pytest.mark.parametrize("status", [300, 301, 302, 303, 304, 307, 308])
def test_a_redirect_is_never_followed(serve: Serve, connect: Connect, name: str, status: int) -> None:
    elsewhere = serve(GOOD[name])
    service = serve(respond(status, None, {"location": f"{elsewhere.url}/v1/encounters/enc_1"}))
    with pytest.raises(ClinikApiError) as raised:
        CALLS[name](connect(service))
    assert (raised.value.status, raised.value.outcome, raised.value.attempts) == (status, "unknown", 1)
    assert (len(service.ledger), elsewhere.connections) == (1, 0)
    assert elsewhere.url not in f"{raised.value} {vars(raised.value)}"


@pytest.mark.parametrize("code", ["MONTHLY_QUOTA_EXCEEDED", "SANDBOX_QUOTA_EXCEEDED"])
@pytest.mark.parametrize("name", CALLS)
def test_a_used_up_quota_is_asked_once(serve: Serve, connect: Connect, name: str, code: str) -> None:
    service = serve(refuse(429, code, {"retry-after": "1"}), GOOD[name])
    with pytest.raises(ClinikQuotaError) as raised:
        CALLS[name](connect(service))
    assert (raised.value.code, raised.value.outcome, raised.value.attempts) == (code, "rejected", 1)
    assert raised.value.retry_after == 1
    assert len(service.ledger) == 1


def test_a_used_up_quota_does_not_come_back_with_the_window_of_the_rate_limit(serve: Serve, connect: Connect) -> None:
    service = serve(refuse(429, "MONTHLY_QUOTA_EXCEEDED", {"x-ratelimit-reset": "40"}))
    with pytest.raises(ClinikQuotaError) as raised:
        CALLS["read"](connect(service))
    assert raised.value.retry_after is None


@pytest.mark.parametrize("tail", [b"{", b"x" * 2_000])
def test_a_status_counts_even_where_its_page_is_cut_or_too_large(serve: Serve, connect: Connect, tail: bytes) -> None:
    head = b"HTTP/1.1 422 No\r\nx-request-id: req_9\r\nContent-Length: 2000\r\n\r\n"
    with pytest.raises(ClinikValidationError) as raised:
        CALLS["create"](connect(serve(raw(head + tail)), max_response_bytes=1_000))
    assert (raised.value.outcome, raised.value.status) == ("rejected", 422)


# -- deletes ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("fault", [*LOST, *CONFIRMED])
def test_a_404_after_an_attempt_that_may_have_deleted_counts_as_deleted(
    serve: Serve, connect: Connect, fault: str
) -> None:
    service = serve((LOST | CONFIRMED)[fault], refuse(404, "NOT_FOUND"))
    clinik = connect(service)
    on_virtual_time(clinik)
    nothing, meta = clinik.encounters.delete("enc_1")
    assert nothing is None
    assert (meta.already_deleted, meta.attempts, meta.status) == (True, 2, 404)


NOT_THE_SERVICE = {
    "nothing": respond(404),
    "html": respond(404, b"<html>Not Found</html>", {"content-type": "text/html"}),
    "JSON of a framework": respond(404, {"error": "Not Found", "status": 404, "path": "/v1/encounters/enc_1"}),
    "a request id of a gateway": respond(404, None, {"x-request-id": "8f14e45fceea167a"}),
    "a route that is not there": respond(404, {"error": "Not Found", "code": "ROUTE_NOT_FOUND", "requestId": "req_9"}),
}


@pytest.mark.parametrize("page", NOT_THE_SERVICE)
@pytest.mark.parametrize("fault", LOST)
def test_a_404_that_says_nothing_of_the_record_does_not_count_as_deleted(
    serve: Serve, connect: Connect, fault: str, page: str
) -> None:
    service = serve(LOST[fault], NOT_THE_SERVICE[page])
    clinik = connect(service, timeout=0.2)
    on_virtual_time(clinik)
    with pytest.raises(ClinikApiError) as raised:
        clinik.encounters.delete("enc_1")
    assert (raised.value.outcome, raised.value.attempts) == ("unknown", 2)


@pytest.mark.parametrize("told", [refuse(404, "NOT_FOUND"), respond(404, None, {"x-request-id": "req_1"})])
def test_a_404_that_only_the_service_can_have_sent_counts_as_deleted(
    serve: Serve, connect: Connect, told: Step
) -> None:
    clinik = connect(serve(refuse(500), told))
    on_virtual_time(clinik)
    assert clinik.encounters.delete("enc_1").meta.already_deleted


@pytest.mark.parametrize("page", [page for page in NOT_THE_SERVICE if page != "a route that is not there"])
def test_a_gateways_404_is_not_that_of_a_record(serve: Serve, connect: Connect, page: str) -> None:
    for name in ("read", "update", "delete"):
        with pytest.raises(ClinikResponseError) as raised:
            CALLS[name](connect(serve(NOT_THE_SERVICE[page])))
        assert (raised.value.outcome, raised.value.status, raised.value.attempts) == ("unknown", 404, 1)


@pytest.mark.parametrize("status", [400, 401, 403, 404, 405, 409, 410, 422, 425, 429, 451])
@pytest.mark.parametrize("body", [b"", b"<html>No</html>", b'{"message": "No"}'])
def test_a_gateways_page_proves_nothing_about_a_create(
    serve: Serve, connect: Connect, status: int, body: bytes
) -> None:
    service = serve(respond(status, body))
    with pytest.raises(ClinikApiError) as raised:
        CALLS["create"](connect(service))
    assert (raised.value.outcome, raised.value.attempts, len(service.ledger)) == ("unknown", 1, 1)


@pytest.mark.parametrize("status", [407, 413, 414, 421, 431])
def test_what_the_head_of_a_request_was_refused_for_was_passed_on_by_nobody(
    serve: Serve, connect: Connect, status: int
) -> None:
    with pytest.raises(ClinikApiError) as raised:
        CALLS["create"](connect(serve(respond(status, b"<html>No</html>"))))
    assert (raised.value.outcome, raised.value.attempts) == ("rejected", 1)


def test_a_404_at_first_is_not_found(serve: Serve, connect: Connect) -> None:
    with pytest.raises(ClinikNotFoundError):
        connect(serve(refuse(404, "NOT_FOUND"))).encounters.delete("enc_1")


def test_a_404_after_what_cannot_have_deleted_is_not_found(serve: Serve, connect: Connect) -> None:
    clinik = connect(serve(refuse(429, "RATE_LIMITED"), refuse(404, "NOT_FOUND")))
    on_virtual_time(clinik)
    with pytest.raises(ClinikNotFoundError) as raised:
        clinik.encounters.delete("enc_1")
    assert (raised.value.outcome, raised.value.attempts) == ("rejected", 2)


def test_a_delete_that_worked_at_once_is_not_called_already_deleted(serve: Serve, connect: Connect) -> None:
    assert connect(serve(respond(204))).encounters.delete("enc_1").meta.already_deleted is False


@pytest.mark.parametrize("second", [403, 429, 500])
def test_a_later_refusal_does_not_undo_what_an_earlier_attempt_may_have_done(
    serve: Serve, connect: Connect, second: int
) -> None:
    clinik = connect(serve(refuse(500), refuse(second)), retries=1)
    on_virtual_time(clinik)
    with pytest.raises(ClinikApiError) as raised:
        clinik.encounters.delete("enc_1")
    assert (raised.value.status, raised.value.outcome) == (second, "unknown")


def test_a_404_for_an_update_or_a_read_after_a_lost_one_is_still_a_404(serve: Serve, connect: Connect) -> None:
    clinik = connect(serve(refuse(500), refuse(404, "NOT_FOUND")))
    on_virtual_time(clinik)
    with pytest.raises(ClinikNotFoundError) as raised:
        clinik.encounters.read("enc_1")
    assert (raised.value.outcome, raised.value.attempts) == ("rejected", 2)


# -- how long to wait -------------------------------------------------------------------------------------------------


DATE = format_datetime(VirtualClock().utc().replace(minute=0, second=12), usegmt=True)


@pytest.mark.parametrize(
    ("step", "wait"),
    [
        (limited({"retry-after": "7"}), 7.0),
        (limited({"retry-after": "0"}), 0.0),
        (limited({"retry-after": "1.5"}), 1.5),
        (limited({"retry-after": DATE}), 12.0),
        (limited({"retry-after": "Sun, 06 Nov 1994 08:49:37 GMT"}), 0.0),
        (limited({"retry-after": "7", "x-ratelimit-reset": "3"}), 7.0),
        (limited({"x-ratelimit-reset": "3"}), 3.0),
        (limited({"retry-after": "soon", "x-ratelimit-reset": "3"}), 3.0),
        (limited({}, reset=4), 4.0),
        (limited({"retry-after": "nan"}, reset=4), 4.0),
        (limited(), 0.25),
        (limited({"retry-after": "-5", "x-ratelimit-reset": "inf"}), 0.25),
    ],
)
@pytest.mark.parametrize("name", CALLS)
def test_a_rate_limited_call_waits_as_told_else_until_the_reset_else_backs_off(
    serve: Serve, connect: Connect, name: str, step: Step, wait: float
) -> None:
    service = serve(step, GOOD[name])
    clinik = connect(service)
    clock = on_virtual_time(clinik, VirtualClock(share=0.25))
    assert CALLS[name](clinik).meta.attempts == 2
    assert clock.waits == [pytest.approx(wait, abs=1e-6)]
    assert len(service.ledger) == 2


def test_a_503_may_say_how_long_to_wait_too(serve: Serve, connect: Connect) -> None:
    clinik = connect(serve(refuse(503, None, {"retry-after": "6", "x-ratelimit-reset": "1"}), ok()))
    clock = on_virtual_time(clinik)
    CALLS["read"](clinik)
    assert clock.waits == [6]


@pytest.mark.parametrize("retry_after", ["31", "1e300", "86400", "Thu, 31 Dec 2099 23:59:59 GMT"])
def test_a_wait_above_the_limit_is_raised_at_once(serve: Serve, connect: Connect, retry_after: str) -> None:
    service = serve(limited({"retry-after": retry_after}))
    clinik = connect(service, retries=5)
    clock = on_virtual_time(clinik)
    with pytest.raises(ClinikRateLimitError) as raised:
        CALLS["create"](clinik)
    assert raised.value.retry_after is not None
    assert raised.value.retry_after > 30
    assert (raised.value.outcome, raised.value.attempts, clock.waits) == ("rejected", 1, [])


def test_the_limit_of_waits_can_be_set(serve: Serve, connect: Connect) -> None:
    service = serve(limited({"retry-after": "100"}), ok())
    with pytest.raises(ClinikRateLimitError):
        CALLS["read"](connect(service, max_retry_wait=99))
    service = serve(limited({"retry-after": "100"}), ok())
    clinik = connect(service, max_retry_wait=100)
    clock = on_virtual_time(clinik)
    CALLS["read"](clinik)
    assert clock.waits == [100]


def test_no_wait_is_too_long_for_the_timer(serve: Serve, connect: Connect) -> None:
    with pytest.raises(ClinikRateLimitError) as raised:
        CALLS["read"](connect(serve(limited({"retry-after": "1e300"})), max_retry_wait=float("inf")))
    assert raised.value.retry_after == 1e300


def test_a_wait_past_the_deadline_is_raised_at_once(serve: Serve, connect: Connect) -> None:
    service = serve(limited({"retry-after": "20"}), ok())
    clinik = connect(service, deadline=19.0)
    clock = on_virtual_time(clinik)
    with pytest.raises(ClinikRateLimitError) as raised:
        CALLS["create"](clinik)
    assert (raised.value.retry_after, raised.value.attempts, clock.waits) == (20, 1, [])


def test_the_deadline_spans_all_attempts(serve: Serve, connect: Connect) -> None:
    service = serve(limited({"retry-after": "20"}))
    clinik = connect(service, deadline=50.0, retries=9)
    clock = on_virtual_time(clinik)
    with pytest.raises(ClinikRateLimitError) as raised:
        CALLS["read"](clinik)
    assert (raised.value.attempts, clock.waits) == (3, [20, 20])


HTTP_TEXT = st.text(st.characters(min_codepoint=0x20, max_codepoint=0xFF, exclude_characters="\x7f"), max_size=40)
NEAR_DATES = st.builds(
    "{}, {:02} {} {} {}:{}:{} {}".format,
    st.sampled_from(["Sun", "Mon", ""]),
    st.integers(-1, 40),
    st.sampled_from(["Jan", "Feb", "Dec", "Xyz"]),
    st.integers(-1, 100_000),
    st.integers(-1, 30),
    st.integers(-1, 70),
    st.integers(-1, 70),
    st.sampled_from(["GMT", "-0000", "+9999", "-99999999", "+235959", "EST", ""]),
)


@given(value=HTTP_TEXT | NEAR_DATES | st.floats().map(str) | st.integers().map(str))
@example("nan")
@example("inf")
@example("-inf")
@example("-1")
@example("1_0")
@example("9" * 5_000)
@example("0x10")
@example("Mon, 01 Jan 0001 00:00:00 +2359")
@example("Fri, 31 Dec 9999 23:59:59 -2359")
@example("Fri, 31 Dec 99999 23:59:59 GMT")
@example("Fri, 31 Dec 99999999999999999999 23:59:59 GMT")
def test_any_retry_after_is_survived(value: str) -> None:
    session, clock = in_memory([HttpResponse(429, {"retry-after": value}, b""), HttpResponse(200, {}, b"")])
    try:
        session.send(READ)
        told = clock.waits
    except ClinikRateLimitError as error:
        told = [float("nan") if error.retry_after is None else error.retry_after]
    survived(clock, told)


def survived(clock: VirtualClock, told: list[float]) -> None:
    """One wait was asked for: it was a short one and was kept, or a long one and is in the error."""
    (seconds,) = told
    assert 0 <= seconds < float("inf")
    assert clock.waits == ([seconds] if seconds <= 30 else [])


@given(value=st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.lists(st.integers()))
def test_any_rate_limit_reset_is_survived(value: Any) -> None:
    # The standard library's json writes NaN and integers of any length, which a broken service may do as well.
    body = json.dumps({"code": "RATE_LIMITED", "meta": {"rateLimitReset": value}}).encode()
    session, clock = in_memory([HttpResponse(429, {}, body), HttpResponse(200, {}, b"")])
    try:
        session.send(READ)
        told = clock.waits
    except ClinikRateLimitError as error:
        told = [float("nan") if error.retry_after is None else error.retry_after]
    survived(clock, told)


# -- the policy without sockets ---------------------------------------------------------------------------------------

READ = Request(method="GET", route="/v1/encounters/{id}", path="/v1/encounters/enc_1", record_id="enc_1")
CREATE = Request(method="POST", route="/v1/encounters", path="/v1/encounters", body={})


class ScriptedTransport(Transport):
    """Responds with the next of its responses, or fails with the next of its failures."""

    def __init__(self, script: Sequence[HttpResponse | AttemptFailed]) -> None:
        super().__init__(parse_target("http://127.0.0.1:9"), None, None, 1000)
        self.script = list(script)
        self.sent = 0

    def exchange(self, method: str, target: str, headers: Any, content: bytes, attempt: Attempt) -> HttpResponse:
        self.sent += 1
        step = self.script.pop(0) if len(self.script) > 1 else self.script[0]
        if isinstance(step, AttemptFailed):
            raise step
        attempt.sent = True
        attempt.status, attempt.headers = step.status, step.headers
        return step


def in_memory(
    script: Sequence[HttpResponse | AttemptFailed], share: float = 1.0, retries: int = 2, deadline: float | None = None
) -> tuple[Session, VirtualClock]:
    """A session without a network."""
    clock = VirtualClock(share)
    return Session(ScriptedTransport(script), (), Options(retries=retries, deadline=deadline), clock=clock), clock


@given(share=st.floats(0, 1), retries=st.integers(0, RetryBudget.SIZE))
def test_the_backoff_has_full_jitter_and_a_cap(share: float, retries: int) -> None:
    session, clock = in_memory([HttpResponse(500, {}, b"")], share, retries)
    with pytest.raises(ClinikServerError):
        session.send(READ)
    assert clock.ranges[:retries] == [min(BACKOFF_CAP, 2.0**n) for n in range(retries)]
    assert clock.waits == [most * share for most in clock.ranges[:retries]]
    assert all(0 <= wait <= 10 for wait in clock.waits)


def test_chance_itself_stays_within_its_range() -> None:
    drawn = [Clock().jitter(4.0) for _ in range(500)]
    assert 0 <= min(drawn) < 1 < 3 < max(drawn) <= 4


FAILURES = st.sampled_from(
    [
        AttemptFailed("refused", "The connection was refused."),
        AttemptFailed("timeout", "The time was up while connecting.", phase="connect"),
        *(HttpResponse(status, {"x-request-id": "req_9"}, b"") for status in (500, 503, 529, 429)),
    ]
)


@given(script=st.lists(FAILURES, min_size=1, max_size=8), retries=st.integers(0, 6), deadline=st.floats(0.5, 60))
def test_a_create_is_sent_again_only_after_proof(
    script: list[HttpResponse | AttemptFailed], retries: int, deadline: float
) -> None:
    session, clock = in_memory(script, retries=retries, deadline=deadline)
    transport = session.transport
    assert isinstance(transport, ScriptedTransport)
    with pytest.raises(ClinikApiError) as raised:
        session.send(CREATE)
    ambiguous = [isinstance(step, HttpResponse) and step.status != 429 for step in script]
    most = ambiguous.index(True) + 1 if True in ambiguous else retries + 1
    assert transport.sent == raised.value.attempts <= min(most, retries + 1)
    assert clock.passed < deadline
    last = script[min(transport.sent, len(script)) - 1]
    expected: Outcome = "not_sent"
    if isinstance(last, HttpResponse):
        expected = "rejected" if last.status == 429 else "unknown"
    assert raised.value.outcome == expected


@pytest.mark.parametrize("calls", [1, 30, 300, 3000])
@pytest.mark.parametrize("method", ["GET", "POST"])
def test_a_ten_minute_outage_costs_at_most_a_tenth_more_or_the_retries_of_one_call(calls: int, method: str) -> None:
    session, clock = in_memory([AttemptFailed("refused", "The connection was refused.")])
    transport = session.transport
    assert isinstance(transport, ScriptedTransport)
    for number in range(calls):
        clock.passed = number * 600 / calls
        with pytest.raises(ClinikConnectionError):
            session.send(evolve(CREATE, method=method))
    assert calls < transport.sent <= max(calls + 2, calls * 1.1)


def test_success_brings_the_retries_back() -> None:
    session, _ = in_memory(
        [HttpResponse(500, {}, b"")] * 60 + [HttpResponse(200, {}, b"")] + [HttpResponse(500, {}, b"")]
    )
    transport = session.transport
    assert isinstance(transport, ScriptedTransport)
    attempts = []
    while len(transport.script) > 2:
        with pytest.raises(ClinikServerError) as raised:
            session.send(READ)
        attempts.append(raised.value.attempts)
    assert attempts[:3] == [3, 3, 3]
    assert attempts[-1] == 1
    session.send(READ)
    with pytest.raises(ClinikServerError) as raised:
        session.send(READ)
    assert raised.value.attempts == 3


def test_a_client_that_is_seldom_used_has_its_retries_too() -> None:
    session, clock = in_memory([HttpResponse(500, {}, b"")])
    for _ in range(20):
        clock.passed += RetryBudget.FORGOTTEN + 1
        with pytest.raises(ClinikServerError) as raised:
            session.send(READ)
        assert raised.value.attempts == 3


@pytest.mark.parametrize("again", [limited({"retry-after": "1"}), refuse(503, None, {"retry-after": "1"})])
def test_a_wait_that_the_service_asks_for_takes_nothing_of_the_budget(
    serve: Serve, connect: Connect, again: Step
) -> None:
    clinik = connect(serve(*[again] * 3 * RetryBudget.SIZE, ok()), retries=100)
    on_virtual_time(clinik)
    assert CALLS["read"](clinik).meta.attempts == 3 * RetryBudget.SIZE + 1


def test_a_wait_that_the_service_asks_for_is_begun_even_when_the_budget_is_spent() -> None:
    session, clock = in_memory([HttpResponse(500, {}, b"")])
    transport = session.transport
    assert isinstance(transport, ScriptedTransport)
    attempts = 0
    while attempts != 1:
        with pytest.raises(ClinikServerError) as raised:
            session.send(READ)
        attempts = raised.value.attempts
    transport.script = [HttpResponse(429, {"retry-after": "1"}, b""), HttpResponse(200, {}, b"")]
    clock.waits.clear()
    assert session.send(READ).meta.status == 200
    assert clock.waits == [1]


def test_closing_ends_the_wait_for_a_retry_at_once(serve: Serve, connect: Connect) -> None:
    responded = threading.Event()

    def response(request: Any) -> Any:
        responded.set()
        return limited({"retry-after": "20"})

    clinik = connect(serve(response))
    raised: list[ClinikApiError] = []

    def work() -> None:
        try:
            CALLS["create"](clinik)
        except ClinikApiError as error:
            raised.append(error)

    thread = threading.Thread(target=work)
    thread.start()
    assert responded.wait(5)
    clinik.close()
    thread.join(5)
    assert not thread.is_alive()
    # The response may have been on its way when the connection was closed: then the call ends with that.
    assert [error.attempts for error in raised] == [1]


def test_a_clock_waits_as_long_as_it_is_told() -> None:
    clock = Clock()
    before = clock.now()
    clock.sleep(0.01)
    assert clock.now() - before >= 0.01


def test_once_a_clock_is_stopped_nothing_waits_on_it() -> None:
    clock = Clock()
    thread = threading.Thread(target=clock.sleep, args=(30,))
    thread.start()
    clock.stop()
    thread.join(5)
    assert not thread.is_alive()
    clock.sleep(30)


def test_closing_a_session_stops_its_clock() -> None:
    session, clock = in_memory([HttpResponse(200, {}, b"")])
    session.close()
    Clock.sleep(clock, 30)


def lost_in_an_outage(threads: int, seconds: float, seed: int) -> int:
    """How many of the reads that as many threads begin with an outage of so many seconds get no retry any more.

    Each waits as `Clock.jitter` would have it, and all share one budget; their waits end in the order of time.
    """
    budget, chance = RetryBudget(), random.Random(seed)
    waits = []
    for _ in range(threads):
        budget.failed(0.0)
        waits.append((chance.uniform(0, 1), 1))
    lost = 0
    while waits:
        waits.sort(reverse=True)
        now, retry = waits.pop()
        if not budget.take(0.0):
            lost += 1
        elif now >= seconds:
            budget.succeeded()
        elif retry == 1:
            waits.append((now + chance.uniform(0, 2), 2))
    return lost


@pytest.mark.parametrize("threads", [1, 60, 300])
def test_a_short_outage_loses_no_read_of_many_threads(threads: int) -> None:
    assert [lost_in_an_outage(threads, 0.05, seed) for seed in range(20)] == [0] * 20


def test_views_share_the_budget() -> None:
    session, _ = in_memory([HttpResponse(500, {}, b"")])
    assert session.with_options(Options(retries=9)).budget is session.budget


BUDGET_STEPS = st.lists(st.tuples(st.sampled_from(["failed", "take", "succeeded"]), st.floats(0, 30)), max_size=200)


@given(BUDGET_STEPS)
def test_an_outage_never_costs_more_than_ten_retries_or_a_tenth_of_its_calls(steps: list[tuple[str, float]]) -> None:
    budget, now, failed, taken = RetryBudget(), 0.0, 0, 0
    for step, seconds in steps:
        now += seconds
        if step == "succeeded":
            budget.succeeded()
            failed = taken = 0
        elif step == "failed":
            budget.failed(now)
            failed += 1
        elif failed:
            taken += budget.take(now)
            assert taken <= max(RetryBudget.SIZE, failed * RetryBudget.SHARE)


def test_a_budget_counts_right_between_threads() -> None:
    budget = RetryBudget()
    budget.failed(0.0)
    taken: list[bool] = []

    def take() -> None:
        taken.extend(budget.take(1.0) for _ in range(50))

    threads = [threading.Thread(target=take) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sum(taken) == RetryBudget.SIZE


@pytest.mark.parametrize(
    ("method", "outcome", "again"),
    [
        *[("GET", outcome, outcome != "rejected") for outcome in get_args(Outcome)],
        *[("POST", outcome, outcome == "not_sent") for outcome in get_args(Outcome)],
    ],
)
def test_the_rule_is_by_what_is_known_and_by_what_may_be_repeated(method: str, outcome: Outcome, again: bool) -> None:
    request = Request(method=method, route="/v1/things", path="/v1/things")
    assert may_be_sent_again(request, outcome) is again
    assert may_be_sent_again(request, outcome, limited=True)
    assert not may_be_sent_again(request, outcome, limited=True, final=True)
