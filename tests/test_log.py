"""The log: what each level tells, and that it is shown where it is asked for, whatever else is set up."""

from __future__ import annotations

import io
import logging
import re
import sys
from collections.abc import Iterator
from contextlib import suppress

import pytest

from clinik_client import ClinikApiError, ClinikConfigError
from clinik_client._retry import RetryBudget
from clinik_client.testing._wire import WireResponse
from tests.calls import CALLS, create
from tests.inside import on_virtual_time
from tests.misbehaviour import refusing_port
from tests.servers import KEY, Connect, Serve, limited, ok, refuse, respond

LOGGER = logging.getLogger("clinik_client")
LEVELS = ("debug", "info", "warning", "error")


@pytest.fixture(autouse=True)
def usual_logging(bare_environment: pytest.MonkeyPatch, connect: Connect) -> Iterator[None]:
    """Logging as a program finds it, before and after each test."""
    before = [(logger, logger.level, logger.handlers[:]) for logger in (LOGGER, logging.root)]
    yield
    for logger, level, handlers in before:
        logger.setLevel(level)
        logger.handlers[:] = handlers
    bare_environment.delenv("CLINIKAPI_LOG", raising=False)
    connect("http://127.0.0.1:9")


def levels_in(text: str) -> list[str]:
    return re.findall("^.* (DEBUG|INFO|WARNING|ERROR) clinik_client: ", text, flags=re.MULTILINE)


def lines_of(caplog: pytest.LogCaptureFixture) -> list[tuple[str, str]]:
    return [(record.levelname, record.getMessage()) for record in caplog.records if record.name == LOGGER.name]


# -- what is told -----------------------------------------------------------------------------------------------------


def test_a_call_that_is_tried_again_tells_of_each_step(
    serve: Serve, connect: Connect, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG, LOGGER.name)
    clinik = connect(serve(refuse(503, "INTERNAL_ERROR"), ok()))
    on_virtual_time(clinik)
    clinik.encounters.read("enc_1")
    route = "GET /v1/encounters/{id}"
    told = [(level, re.sub(r"in \d+ ms", "in N ms", text)) for level, text in lines_of(caplog)]
    assert told == [
        ("DEBUG", f"{route}: attempt 1 begins"),
        (
            "WARNING",
            f"{route} -> 503 in N ms, attempt 1, request req_9, outcome unknown, ClinikServerError INTERNAL_ERROR",
        ),
        ("INFO", f"{route}: retry 1 of 2 in 1.0 s after ClinikServerError 503"),
        ("DEBUG", f"{route}: attempt 2 begins"),
        ("INFO", f"{route} -> 200 in N ms, attempt 2, request req_1"),
    ]
    # Each names the module that has something to tell.
    assert {record.module for record in caplog.records if record.name == LOGGER.name} == {"_session"}


@pytest.mark.parametrize(
    ("status", "code", "level"),
    [
        (404, "NOT_FOUND", "WARNING"),
        (409, None, "WARNING"),
        (422, "VALIDATION_ERROR", "WARNING"),
        (401, "INVALID_KEY", "ERROR"),
        (403, None, "ERROR"),
        (429, "MONTHLY_QUOTA_EXCEEDED", "ERROR"),
        (500, "INTERNAL_ERROR", "ERROR"),
    ],
)
def test_a_refusal_that_a_program_may_expect_is_no_error_of_the_log(
    serve: Serve, connect: Connect, caplog: pytest.LogCaptureFixture, status: int, code: str | None, level: str
) -> None:
    with pytest.raises(ClinikApiError):
        connect(serve(refuse(status, code)), retries=0).encounters.read("enc_1")
    ((told, text),) = lines_of(caplog)
    assert told == level
    assert str(code or status) in text


def test_what_has_no_response_is_told_with_its_code_and_host(
    connect: Connect, caplog: pytest.LogCaptureFixture
) -> None:
    with refusing_port() as port, pytest.raises(ClinikApiError) as raised:
        create(connect(f"http://127.0.0.1:{port}", retries=0))
    ((level, text),) = lines_of(caplog)
    assert level == "ERROR"
    assert text.endswith(f"outcome not_sent, ClinikConnectionError refused: {raised.value.message}")
    assert f"127.0.0.1:{port}" in text


def test_another_media_type_is_told_as_a_retry(
    serve: Serve, connect: Connect, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, LOGGER.name)
    create(connect(serve(refuse(415), ok(status=201)), retries=0))
    assert [level for level, _ in lines_of(caplog)] == ["WARNING", "INFO", "INFO"]
    assert lines_of(caplog)[1][1].endswith("again at once, as application/fhir+json, after ClinikApiError 415")


def test_a_retry_that_the_budget_does_not_allow_ends_with_a_line_at_error(
    connect: Connect, caplog: pytest.LogCaptureFixture
) -> None:
    with refusing_port() as port:
        clinik = connect(f"http://127.0.0.1:{port}")
        on_virtual_time(clinik)
        for _ in range(RetryBudget.SIZE):
            caplog.clear()
            with pytest.raises(ClinikApiError):
                create(clinik)
    assert [level for level, _ in lines_of(caplog)] == ["WARNING", "ERROR"]


@pytest.mark.parametrize("name", CALLS)
def test_no_line_has_a_value_of_the_request(
    serve: Serve, connect: Connect, caplog: pytest.LogCaptureFixture, name: str
) -> None:
    caplog.set_level(logging.DEBUG, LOGGER.name)
    clinik = connect(serve(limited({"retry-after": "1"}), refuse(500)), retries=2)
    on_virtual_time(clinik)
    with pytest.raises(ClinikApiError):
        CALLS[name](clinik)
    # A shorter one may be part of a figure.
    texts = [text for text in CALLS[name].request.texts() if len(text) > 3]
    assert [text for text in texts if text in caplog.text] == []
    assert KEY not in caplog.text


@pytest.mark.parametrize(
    "response",
    [
        ok({"data": [], "hasMore": False}, meta={"requestId": "req_pt_1"}),
        respond(200, {"data": [], "hasMore": False}, headers={"x-request-id": "req_pt_1"}),
        refuse(500, headers={"x-request-id": "req_pt_1"}),
    ],
)
def test_a_request_id_that_repeats_a_value_of_the_request_is_in_no_line(
    serve: Serve, connect: Connect, caplog: pytest.LogCaptureFixture, response: WireResponse
) -> None:
    caplog.set_level(logging.DEBUG, LOGGER.name)
    clinik = connect(serve(response), retries=0)
    with suppress(ClinikApiError):
        clinik.encounters.search(patient_id="pt_1")
    assert "GET /v1/encounters -> " in caplog.text
    assert "pt_1" not in caplog.text


# -- where it is shown ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("level", ["verbose", "1", "true", "debug,info", "10"])
def test_a_level_that_there_is_not_is_refused(
    bare_environment: pytest.MonkeyPatch, connect: Connect, level: str
) -> None:
    bare_environment.setenv("CLINIKAPI_LOG", level)
    with pytest.raises(ClinikConfigError, match="CLINIKAPI_LOG"):
        connect("http://127.0.0.1:9")


def call_at(level: str, bare_environment: pytest.MonkeyPatch, serve: Serve, connect: Connect) -> None:
    """A call that succeeds at the second attempt, and one that fails, with this level asked for."""
    bare_environment.setenv("CLINIKAPI_LOG", level)
    connect("http://127.0.0.1:9")
    clinik = connect(serve(refuse(503), ok(), respond(401)))
    on_virtual_time(clinik)
    clinik.encounters.read("enc_1")
    with pytest.raises(ClinikApiError):
        clinik.encounters.read("enc_1")


ALL = ["DEBUG", "WARNING", "INFO", "DEBUG", "INFO", "DEBUG", "ERROR"]


def at_least(level: str) -> list[str]:
    return [one for one in ALL if LEVELS.index(one.lower()) >= LEVELS.index(level.strip().lower())]


@pytest.mark.parametrize("level", [*LEVELS, " Info "])
def test_each_level_shows_its_lines_and_those_above(
    bare_environment: pytest.MonkeyPatch, serve: Serve, connect: Connect, capsys: pytest.CaptureFixture[str], level: str
) -> None:
    call_at(level, bare_environment, serve, connect)
    shown = levels_in(capsys.readouterr().err)
    assert shown == at_least(level)
    assert {one.lower() for one in shown} == {*LEVELS[LEVELS.index(level.strip().lower()) :]}


@pytest.mark.parametrize("level", ["", " "])
def test_nothing_is_shown_where_nothing_is_asked_for(
    bare_environment: pytest.MonkeyPatch, serve: Serve, connect: Connect, capsys: pytest.CaptureFixture[str], level: str
) -> None:
    call_at("debug", bare_environment, serve, connect)
    capsys.readouterr()
    call_at(level, bare_environment, serve, connect)
    assert capsys.readouterr().err == ""
    assert LOGGER.level == logging.NOTSET


@pytest.mark.parametrize("place", [LOGGER, logging.root])
def test_it_is_shown_beside_other_handlers(
    bare_environment: pytest.MonkeyPatch,
    serve: Serve,
    connect: Connect,
    capsys: pytest.CaptureFixture[str],
    place: logging.Logger,
) -> None:
    own = io.StringIO()
    place.addHandler(logging.StreamHandler(own))
    handlers = LOGGER.handlers[:]
    call_at("debug", bare_environment, serve, connect)
    assert levels_in(capsys.readouterr().err) == ALL
    assert len(own.getvalue().splitlines()) == len(ALL)
    assert LOGGER.handlers == handlers


@pytest.mark.parametrize(
    ("place", "level"), [(LOGGER, logging.DEBUG), (LOGGER, logging.ERROR), (logging.root, logging.WARNING)]
)
def test_a_handler_of_the_program_that_writes_to_standard_error_too_doubles_no_line(
    bare_environment: pytest.MonkeyPatch,
    serve: Serve,
    connect: Connect,
    capsys: pytest.CaptureFixture[str],
    place: logging.Logger,
    level: int,
) -> None:
    place.addHandler(logging.StreamHandler())
    place.setLevel(level)
    call_at("debug", bare_environment, serve, connect)
    assert len(capsys.readouterr().err.splitlines()) == len(ALL)


def test_what_a_programs_handler_leaves_out_is_shown(
    bare_environment: pytest.MonkeyPatch, serve: Serve, connect: Connect, capsys: pytest.CaptureFixture[str]
) -> None:
    above = logging.StreamHandler()
    above.setLevel(logging.ERROR)
    silent = logging.StreamHandler()
    silent.addFilter(lambda record: False)
    for handler in (above, silent):
        logging.root.addHandler(handler)
    call_at("debug", bare_environment, serve, connect)
    shown = capsys.readouterr().err
    assert (levels_in(shown), len(shown.splitlines())) == (ALL[:-1], len(ALL))


def test_a_level_that_the_program_set_holds_for_its_own_handlers(
    bare_environment: pytest.MonkeyPatch, serve: Serve, connect: Connect, capsys: pytest.CaptureFixture[str]
) -> None:
    own = io.StringIO()
    LOGGER.addHandler(logging.StreamHandler(own))
    LOGGER.setLevel(logging.ERROR)
    call_at("debug", bare_environment, serve, connect)
    assert levels_in(capsys.readouterr().err) == ALL
    assert len(own.getvalue().splitlines()) == 1
    assert LOGGER.level == logging.ERROR


def test_asking_for_less_takes_nothing_from_the_programs_handlers(
    bare_environment: pytest.MonkeyPatch,
    serve: Serve,
    connect: Connect,
    capsys: pytest.CaptureFixture[str],
    caplog: pytest.LogCaptureFixture,
) -> None:
    logging.root.setLevel(logging.INFO)
    call_at("error", bare_environment, serve, connect)
    assert levels_in(capsys.readouterr().err) == ["ERROR"]
    assert [level for level, _ in lines_of(caplog)] == at_least("info")


def test_a_later_client_follows_the_variable(
    bare_environment: pytest.MonkeyPatch,
    serve: Serve,
    connect: Connect,
    capsys: pytest.CaptureFixture[str],
    caplog: pytest.LogCaptureFixture,
) -> None:
    for level in ("error", "debug", "info", "warning", "debug"):
        caplog.clear()
        call_at(level, bare_environment, serve, connect)
        assert levels_in(capsys.readouterr().err) == at_least(level)
        # What nobody has set follows too, down from the usual WARNING.
        usual = at_least(level if level in ("debug", "info") else "warning")
        assert [told for told, _ in lines_of(caplog)] == usual


def test_standard_error_may_be_replaced_or_missing(
    bare_environment: pytest.MonkeyPatch, serve: Serve, connect: Connect, capsys: pytest.CaptureFixture[str]
) -> None:
    call_at("error", bare_environment, serve, connect)
    assert levels_in(capsys.readouterr().err) == ["ERROR"]
    clinik = connect(serve(respond(401)))
    for other in (io.StringIO(), None):
        # Not until the test is torn down: capsys closes first what would be put back then.
        with bare_environment.context() as during:
            during.setattr(sys, "stderr", other)
            with pytest.raises(ClinikApiError):
                clinik.encounters.read("enc_1")
        assert other is None or levels_in(other.getvalue()) == ["ERROR"]
