"""A key and health data, planted everywhere, come out nowhere but in the data that was asked for."""

from __future__ import annotations

import logging
import pickle
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import orjson
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from clinik_client import Clinik, ClinikApiError, EncounterCreateRequest
from clinik_client._privacy import REDACTED, Redactor, Words, is_name, texts_of
from clinik_client._vocabulary import document_words
from clinik_client.testing import Exchange, WireRequest, WireResponse, WireServer
from tests.inside import parts_of
from tests.strategies import json_values
from tests.test_encodings import FORMS, SENTENCES
from tests.test_vocabulary import WORDS

# -- redaction --------------------------------------------------------------------------------------------------------

words = st.text("abcdefXYZ019._-", min_size=2, max_size=12).filter(
    lambda word: word[0].isalnum() and word[-1].isalnum()
)


@given(
    st.lists(words, min_size=1, max_size=4),
    st.lists(st.sampled_from(["patient", ":", "not", "ok"]), max_size=6),
    st.data(),
)
def test_nothing_that_the_request_carried_is_left(carried: list[str], text: list[str], data: st.DataObject) -> None:
    for word in carried:
        text.insert(
            data.draw(st.integers(0, len(text))),
            data.draw(st.sampled_from([word, word.upper(), f"({word})", f'"{word}"'])),
        )
    clean = Redactor(carried).clean(" ".join(text)).replace(REDACTED, "")
    left = clean.lower().replace("(", " ").replace(")", " ").replace('"', " ").split()
    assert not {word.lower() for word in carried} & set(left)


@pytest.mark.parametrize(
    "secret",
    [
        "clk_live_abcDEF-123",
        "clk_test_x",
        "enc_xyz789",
        "pt_abc123",
        "prac_def-4.5",
        "Patient/pt_1",
        "Encounter/7",
        "appt_9",
    ],
)
def test_keys_and_ids_are_known_by_their_form(secret: str) -> None:
    for text in (secret, f"no {secret}!", f"x={secret}&y", f"'{secret}'", f"https://api/v1/encounters/{secret}?a=b"):
        assert secret not in Redactor([]).clean(text)


@pytest.mark.parametrize(
    "text", ["lengthMinutes: must be at most 10080", "see request req_k8f3a7x2", "NOT_FOUND", "I10 a_b"]
)
def test_what_is_needed_is_left(text: str) -> None:
    assert Redactor([]).clean(text) == text


@given(st.text(max_size=50), st.lists(st.text(max_size=8), max_size=3))
def test_a_cleaned_text_is_one_printable_line(text: str, carried: list[str]) -> None:
    clean = Redactor(carried).clean(text)
    assert clean.isprintable()
    assert Redactor([]).clean("x " * 1000).endswith("...")
    assert len(Redactor([]).clean("x" * 4000)) <= 503


@given(json_values)
def test_every_text_of_a_body_is_found(value: Any) -> None:
    texts = set(texts_of(value))
    dumped = orjson.dumps(value).decode()
    plain = set(map(orjson.dumps, filter(is_name, texts)))
    assert all(name.decode() in dumped for name in plain)
    assert set(texts_of({"a": [value, "canary", True, None, 12.0, 7], "Jane Doe": {}})) == texts | {
        *("canary", "12.0", "12", "7", "Jane Doe")
    }


# -- the service's sentence -------------------------------------------------------------------------------------------

known_words = st.sampled_from(WORDS).flatmap(lambda word: st.sampled_from([word, word.upper(), word.title()]))
# Letters that no word of the document has.
foreign_words = st.text("жшю", min_size=2, max_size=14)
parts_of_words = st.sampled_from(WORDS).flatmap(
    lambda word: st.tuples(st.integers(0, len(word)), st.integers(0, len(word))).map(lambda at: word[at[0] : at[1]])
)
longer_values = st.tuples(known_words, st.sampled_from([" ", "-", ": ", "/"]), foreign_words | st.just("ю")).flatmap(
    lambda parts: st.sampled_from(["".join(parts), "".join(reversed(parts)), f"{''.join(parts)} {parts[0]}"])
)
longest_values = st.tuples(longer_values, known_words).map(" ".join)


@given(
    st.lists(known_words | parts_of_words | foreign_words | longer_values | longest_values, max_size=8),
    st.lists(known_words, min_size=1, max_size=12),
    st.sampled_from([" ", ", ", "; ", ": ", " / ", " (", "'"]),
)
@example(["INTERNAL_ERROR/ю"], ["INTERNAL_ERROR", "AMB"], " / ")
def test_no_word_of_the_document_is_taken_out(carried: list[str], names: list[str], between: str) -> None:
    sentence = between.join(names)
    redactor = Redactor(carried, "clk_test_9f3cAbCdEfGhKEY", document_words())
    assert redactor.clean(sentence) == (sentence if len(sentence) <= 500 else sentence[:500] + "...")
    assert not any(map(redactor.touches, names))


def test_a_word_that_begins_with_another_one_is_known_whole() -> None:
    redactor = Redactor(["in-progress"], "", Words(["in", "in-progress"]))
    assert redactor.clean("status in-progress is final") == "status in-progress is final"


@given(st.data(), st.lists(foreign_words | longer_values | longest_values, min_size=1, max_size=4))
def test_values_beside_words_of_the_document_are_taken_out_whole(data: st.DataObject, carried: list[str]) -> None:
    tokens = data.draw(st.lists(known_words | st.sampled_from(carried), max_size=12))
    clean = Redactor([*carried, *tokens], "", document_words()).clean("; ".join(tokens))
    assert clean == "; ".join(REDACTED if token in carried else token for token in tokens)[:500]


@pytest.mark.parametrize(
    ("carried", "sentence", "shown"),
    [
        (["finished", "AMB"], "status: FINISHED cannot follow planned; class amb is not allowed", None),
        (["status", "Period"], "status: Required; period.start is missing; no status", None),
        (["In-Progress"], "in-progress, or In-Progress", None),
        (["planned", "status:", "-period.start"], "status: unplanned, (planned) by -period.start", None),
        (["planned \U0001f600", "type+"], "planned \U0001f600 type+ planned", f"{REDACTED} {REDACTED} planned"),
        (["plan", "ed surg", "tate"], "planned or status", None),
        (["reason_code"], "reason_code.0: too long; reason_code.10.", None),
        (["in-progress at the ward"], "in-progress after it", None),
        (["10"], "diagnosis[10].rank: at most 10", f"diagnosis[10].rank: at most {REDACTED}"),
        (["planned surgery in March"], "no planned surgery in March planned", f"no {REDACTED} planned"),
        (["planned surgery in March"], "type: planned surg...", f"type: {REDACTED}..."),
        (["type 2 diabetes", "Bo Use"], "type: Type 2 diabetes, Bo Use", f"type: {REDACTED}, {REDACTED}"),
        (["location: Ward 4B"], "location: Ward 4B", REDACTED),
        (["status finished"], "status: status finished", f"status: {REDACTED}"),
        (["planned surgery"], "type: planned%20surgery", REDACTED),
        (["Encounter"], "Encounter/7 of 2025-01-31", f"{REDACTED} of {REDACTED}"),
    ],
)
def test_a_sentence_stays_readable(carried: list[str], sentence: str, shown: str | None) -> None:
    assert Redactor(carried, "", document_words()).clean(sentence) == (shown or sentence)


def test_the_key_is_taken_out_even_if_it_is_a_word_of_the_document() -> None:
    assert Redactor([], "clk_test_status", document_words()).clean("no ****status") == f"no ****{REDACTED}"


# -- the key ----------------------------------------------------------------------------------------------------------

SECRET = "9f3cAbCd-EfGh_iJkLKEY"
SENT_KEY = f"clk_live_{SECRET}"


@given(
    st.sampled_from([SENT_KEY, SECRET, SECRET[5:], SECRET[:-5], SECRET[3:12]]), st.sampled_from(list(FORMS)), SENTENCES
)
def test_the_key_is_left_in_no_form(part: str, form: str, sentence: tuple[str, str]) -> None:
    told = FORMS[form](part)
    clean = Redactor([], SENT_KEY).clean(told.join(sentence))
    assert REDACTED in clean
    assert told.lower() not in clean.lower()


@pytest.mark.parametrize("masked", ["****kLKEY", "clk_live_****LKEY", "ending in lkey", "9f3c...LKEY", "...J-iJkL"])
def test_of_a_masked_key_nothing_is_left(masked: str) -> None:
    clean = Redactor([], SENT_KEY).clean(f"The key {masked} was revoked")
    assert REDACTED in clean
    for part in ("lkey", "9f3c", "ijkl"):
        assert part not in clean.lower()


@pytest.mark.parametrize(("times", "is_shown"), [(50, True), (100, False)])
def test_nothing_is_shown_of_a_text_that_is_made_to_be_read_in_too_many_ways(times: int, is_shown: bool) -> None:
    text = " ".join(["%2525252541\\u0041&#65;&amp;amp;%41"] * times)[:4_000]
    assert (Redactor(["zzz"]).clean(text) != REDACTED) is is_shown


def test_what_kind_of_key_is_needed_may_be_said() -> None:
    said = "A key of the kind clk_live is needed for the live environment"
    assert Redactor([], SENT_KEY).clean(said) == said


@pytest.mark.parametrize("part", [SENT_KEY, SECRET, SECRET[3:12], SECRET[8:17]])
def test_a_part_of_the_key_is_found_inside_a_word(part: str) -> None:
    assert Redactor([], SENT_KEY).clean(f"key:zz{part}zz") == f"key:zz{REDACTED}zz"


def test_another_key_is_left_in_no_form_either() -> None:
    for form in ("plain", "upper case", "percent, all", "base64", "hex", "JSON, all"):
        assert "xyzzy" not in Redactor([], SENT_KEY).clean(FORMS[form]("clk_test_xyzzy")).lower()
        assert FORMS[form]("clk_test_xyzzy") not in Redactor([], SENT_KEY).clean(FORMS[form]("clk_test_xyzzy"))


@pytest.mark.parametrize(
    "text", ["1970-01-31", "1970-01-31T09:00:00Z", "1970-01-31T09:00:00.123+02:00", "1970-01-31 09:00"]
)
def test_dates_are_known_by_their_form(text: str) -> None:
    assert Redactor([]).clean(f"born {text}, or so") == f"born {REDACTED}, or so"


# -- the planted key and data -----------------------------------------------------------------------------------------

KEY = "clk_test_canaryKEY"
ID = "enc_canary1"
OTHER_ID = "enc_canary9"
PATIENT = "pt_canary2"
SECRETS = ("canary", "Canary", "CANARY")

BODY = {
    "status": "planned",
    "class": "AMB",
    "patientId": PATIENT,
    "type": "Canary visit",
    "reasonCode": ["canary disease"],
    "diagnosis": [{"condition": "canary"}],
}
RECORD = {"id": ID, **BODY, "note": "canary"}
# What the service may tell back: ids and keys are known by their form, everything else by having been sent.
BY_FORM = f"{ID} {PATIENT} {KEY} Encounter/{ID}"
SENT = "Canary visit canary disease canary"
CARRYING = ("create", "update", "request")

CALLS: dict[str, Callable[[Clinik], Any]] = {
    "create": lambda clinik: clinik.encounters.create(BODY),
    "read": lambda clinik: clinik.encounters.read(ID, include=["canary"]),
    "update": lambda clinik: clinik.encounters.update(
        ID, {"type": "Canary visit", "reasonCode": ["canary disease"], "diagnosis": [{"condition": "canary"}]}
    ),
    "delete": lambda clinik: clinik.encounters.delete(ID),
    "search": lambda clinik: clinik.encounters.search(patient_id=PATIENT, cursor="canary", sort="canary"),
    "search_all": lambda clinik: list(clinik.encounters.search_all(patient_id=PATIENT, cursor="canary", sort="canary")),
    "request": lambda clinik: clinik.request("POST", f"/v1/{ID}", params={"q": "canary"}, json=BODY),
}


def envelope(data: Any) -> bytes:
    return orjson.dumps({"data": data, "meta": {"requestId": "req_1"}})


def error_body(message: str) -> bytes:
    issue = {"severity": "error", "code": "invalid", "diagnostics": f"type: {message}", "location": ["type", ID]}
    return orjson.dumps({"error": message, "message": message, "code": "X", "requestId": "req_1", "issues": [issue]})


RESPONSES: dict[str, tuple[int, bytes]] = {
    "right": (200, envelope(RECORD)),
    "a page": (
        200,
        envelope({"data": [RECORD, {"resourceType": "OperationOutcome", "note": "canary"}], "hasMore": False}),
    ),
    "another record": (200, envelope({**RECORD, "id": OTHER_ID})),
    "no JSON": (200, b"canary " + BY_FORM.encode()),
    "cut JSON": (200, envelope(RECORD)[:-5]),
    "not UTF-8": (200, b'{"data": {"id": "canary\xff"}}'),
    "nothing": (200, b""),
    "a list": (200, b'["canary"]'),
    "no content": (204, b""),
    "told back": (422, error_body(BY_FORM)),
    "told back by a server error": (500, error_body(BY_FORM)),
    "HTML": (502, f"<html>canary {BY_FORM}</html>".encode()),
    "FHIR": (
        404,
        orjson.dumps({"resourceType": "OperationOutcome", "issue": [{"code": "not-found", "diagnostics": BY_FORM}]}),
    ),
    "a redirect": (302, b"canary"),
    "too fast": (429, error_body(BY_FORM)),
}
HEADERS = [
    ("content-type", "application/json"),
    ("location", f"https://elsewhere.example/{ID}?key={KEY}"),
    ("set-cookie", "canary=canary"),
    ("x-request-id", "req_1"),
    ("x-canary", "canary"),
]


@contextmanager
def records_of_all_loggers() -> Iterator[list[logging.LogRecord]]:
    """Every log record of every logger, at every level."""
    found: list[logging.LogRecord] = []

    class Keeper(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            found.append(record)

    root, keeper = logging.getLogger(), Keeper()
    names = [
        "clinik_client",
        *(name for name in logging.root.manager.loggerDict if name.partition(".")[0] in ("httpx", "httpcore")),
    ]
    levels = {logger: logger.level for logger in (root, *map(logging.getLogger, names))}
    root.addHandler(keeper)
    for logger in levels:
        logger.setLevel(1)
    try:
        yield found
    finally:
        root.removeHandler(keeper)
        for logger, level in levels.items():
            logger.setLevel(level)


def everything_about(error: BaseException) -> Iterator[str]:
    """All that Python can print of an error without its frames' variables."""
    seen: set[int] = set()
    todo: list[BaseException | None] = [error]
    while todo:
        one = todo.pop()
        if one is None or id(one) in seen:
            continue
        seen.add(id(one))
        yield from (str(one), repr(one), repr(one.args), repr(vars(one)))
        todo += [one.__cause__, one.__context__]
    yield repr(pickle.dumps(error))
    yield "".join(line for line in traceback.format_exception_only(error))


def told_of(record: logging.LogRecord) -> str:
    return f"{record.getMessage()} {record.args!r} {record.msg!r} {vars(record)!r}"


@contextmanager
def responding(status: int, body: bytes) -> Iterator[Clinik]:
    def handler(request: WireRequest) -> WireResponse:
        return WireResponse(status, HEADERS if body else HEADERS[1:], body)

    with (
        WireServer(handler) as server,
        Clinik(KEY, base_url=server.url, trust_env=False, retries=0) as clinik,
    ):
        yield clinik


@pytest.mark.parametrize("response", RESPONSES)
@pytest.mark.parametrize("call", CALLS)
def test_no_key_and_no_health_data_comes_out(call: str, response: str) -> None:
    status, body = RESPONSES[response]
    if call in CARRYING:
        body = body.replace(BY_FORM.encode(), f"{BY_FORM} {SENT}".encode())
    shown: list[str] = []
    with records_of_all_loggers() as records, responding(status, body) as clinik:
        try:
            response = CALLS[call](clinik)
        except ClinikApiError as error:
            shown += everything_about(error)
        else:
            # A record's repr names the record itself; that of raw data and of lists of records is not the SDK's.
            if not isinstance(response, list):
                shown.append(repr(response).replace(ID, "").replace(OTHER_ID, ""))
        shown += map(repr, [*parts_of(clinik), vars(clinik)])
    assert any(record.name == "clinik_client" for record in records)
    assert any(record.name.startswith("httpcore") for record in records)
    for text in (*shown, *map(told_of, records)):
        assert not any(secret in text for secret in SECRETS), text


@pytest.mark.parametrize("call", CALLS.values(), ids=CALLS)
def test_nothing_comes_out_when_there_is_no_response(call: Callable[[Clinik], Any]) -> None:
    with WireServer(lambda request: WireResponse(200)) as server:
        port = server.port
    with (
        records_of_all_loggers() as records,
        Clinik(KEY, base_url=f"http://127.0.0.1:{port}", trust_env=False, retries=0) as clinik,
        pytest.raises(ClinikApiError) as caught,
    ):
        call(clinik)
    assert caught.value.outcome == "not_sent"
    for text in (*everything_about(caught.value), *map(told_of, records)):
        assert not any(secret in text for secret in SECRETS), text


def test_what_is_not_carried_is_taken_out_of_what_the_service_says_by_its_form() -> None:
    with (
        responding(422, error_body("pt_other7 is enc_other8, see Patient/pt_other7")) as clinik,
        pytest.raises(ClinikApiError) as caught,
    ):
        clinik.encounters.read(ID)
    assert caught.value.message == f"{REDACTED} is {REDACTED}, see {REDACTED}"


def test_a_refusal_is_readable_whatever_the_request_carried() -> None:
    issue: dict[str, Any] = {
        "severity": "error",
        "code": "invalid",
        "diagnostics": "diagnosis[12].rank: 12 is canary; status finished cannot follow planned, class AMB",
        "location": ["diagnosis", "12", "rank", "canary"],
    }
    message = "status: finished cannot follow planned; class AMB is not allowed; serviceType canary visit"
    body = {
        "error": "Refused",
        "message": message,
        "code": "CLASS_NOT_ALLOWED",
        "requestId": "req_1",
        "issues": [issue],
    }
    with responding(422, orjson.dumps(body)) as clinik, pytest.raises(ClinikApiError) as caught:
        clinik.encounters.create(
            status="finished",
            class_="AMB",
            patient_id="planned",
            type="status",
            service_type="canary visit",
            reason_code=["class", "diagnosis", "error", "canary"],
            diagnosis=[{"condition": "rank", "rank": 12}],
        )
    error = caught.value
    assert error.message == message.replace("canary visit", REDACTED)
    assert (error.code, error.request_id) == ("CLASS_NOT_ALLOWED", "req_1")
    assert error.issues == [
        {
            **issue,
            "diagnostics": issue["diagnostics"].replace("12 is canary", f"{REDACTED} is {REDACTED}"),
            "location": ["diagnosis", "12", "rank", REDACTED],
        }
    ]


def test_an_operator_learns_what_happened() -> None:
    with records_of_all_loggers() as records, responding(*RESPONSES["told back by a server error"]) as clinik:
        with pytest.raises(ClinikApiError):
            clinik.encounters.update(ID, status="finished")
        _, line = [record for record in records if record.name == "clinik_client"]
    assert line.levelno == logging.ERROR
    assert line.getMessage().startswith("PATCH /v1/encounters/{id} -> 500 in ")
    assert line.getMessage().endswith(" ms, attempt 1, request req_1, outcome unknown, ClinikServerError X")


def test_the_log_of_the_sdk_is_silent_and_unset_until_asked() -> None:
    logger = logging.getLogger("clinik_client")
    assert logger.level == logging.NOTSET
    assert [type(handler) for handler in logger.handlers] == [logging.NullHandler]
    assert logger.propagate


def test_requests_and_recordings_made_of_them_show_no_values() -> None:
    request = EncounterCreateRequest.from_dict(BODY)
    exchange = Exchange.of("POST", "/v1/encounters", json=BODY, response=envelope(RECORD), api_key=KEY)
    for thing in (request, [request], exchange):
        assert not any(secret in repr(thing) for secret in SECRETS)
