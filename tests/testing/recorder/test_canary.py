"""The scan before a recording is written finds what came in, wherever it would stand, and tells the place alone."""

from __future__ import annotations

import base64
from typing import Any

import pytest
from attrs import evolve
from hypothesis import given
from hypothesis import strategies as st

from clinik_client.testing import Exchange, HarError, Recording, UnsafeRecordingError, dump_recording
from clinik_client.testing._recorder.canary import Canary
from clinik_client.testing._recorder.fields import is_told
from tests.canary import CANARY

WHERE = {
    "segment 3 of the path": lambda text: Exchange.of("GET", f"/v1/encounters/{text}"),
    "the query's patientId": lambda text: Exchange.of("GET", f"/v1/encounters?patientId={text}"),
    "the query's cursor": lambda text: Exchange.of("GET", f"/v1/encounters?cursor=20.{text}.x"),
    "a header of the response": lambda text: Exchange.of("GET", "/health", headers={"x-request-id": f"req-{text}"}),
    "request's body: type": lambda text: Exchange.of("POST", "/v1/encounters", json={"type": f"a {text.upper()}"}),
    "response's body: data: reference": lambda text: Exchange.of(
        "GET", "/v1/encounters", response={"data": [{"reference": f"Patient/{text}"}]}
    ),
    "the body of the response": lambda text: Exchange.of("GET", "/health", response=f"<p>{text}</p>".encode()),
}


def file_of(exchange: Exchange, comment: str = "") -> bytes:
    return dump_recording(Recording("story", [exchange], comment))


def complaint(canary: Canary, file: bytes) -> str:
    with pytest.raises(UnsafeRecordingError) as caught:
        canary.look(file)
    assert isinstance(caught.value, HarError)
    return str(caught.value)


@pytest.mark.parametrize("place", WHERE)
def test_a_value_that_came_in_is_found_and_its_place_is_told(place: str) -> None:
    text = complaint(Canary(frozenset([CANARY])), file_of(WHERE[place](CANARY)))
    assert text == f"entry 1: {place} would hold a value that came in; nothing was written"


names = st.text("abcdefghijklmnop0123456789_", min_size=6, max_size=12).filter(lambda text: not is_told(text))


@given(st.sampled_from(sorted(WHERE)), names)
def test_any_value_is_found_anywhere(place: str, text: str) -> None:
    assert place in complaint(Canary(frozenset([text])), file_of(WHERE[place](text)))


@pytest.mark.parametrize("altchars", [None, b"-_"])
def test_a_cursor_is_read_as_base64_too(altchars: bytes | None) -> None:
    cursor = base64.b64encode(b"after:" + CANARY.encode(), altchars).decode().rstrip("=")
    exchange = Exchange.of("GET", "/v1/encounters", response={"data": {"cursor": cursor}})
    assert "cursor" in complaint(Canary(frozenset([CANARY])), file_of(exchange))


def test_a_field_that_the_api_does_not_have_is_found_even_if_nothing_is_known_of_it() -> None:
    exchange = Exchange.of("GET", "/v1/encounters", response={"data": {"Jane": 1}})
    assert (
        complaint(Canary(frozenset()), file_of(exchange))
        == "response's body: data would hold a field that the API does not have"
    )


@pytest.mark.parametrize(
    "text",
    [
        "clk_live_9f8e7d",
        "clk_test_9f8e7d",
        "sk_live_9f8e7d",
        "Bearer 9f8e7d",
        "eyJhbGciOi.eyJzdWIi.sig",
        "another-key-of-mine",
    ],
)
def test_what_looks_like_a_key_is_found_anywhere(text: str) -> None:
    canary = Canary(frozenset(), frozenset(["another-key-of-mine"]))
    for file in (
        file_of(Exchange.of("GET", "/health", response={"data": {"type": text}})),
        file_of(Exchange.of("GET", "/"), text),
    ):
        assert complaint(canary, file) == "it would hold what looks like a key; nothing was written"


def test_a_made_up_key_is_none() -> None:
    Canary(frozenset()).look(file_of(Exchange.of("GET", "/health", api_key="clk_test_fixture_old")))


def test_what_a_person_wrote_about_the_story_is_looked_at() -> None:
    canary = Canary.of([Exchange.of("GET", "/health", response={"data": {"type": "Wilhelmina Quackenbush"}})], [])
    assert complaint(canary, file_of(Exchange.of("GET", "/health"), "A visit of wilhelmina\nQUACKENBUSH.")) == (
        "log.comment: it would hold a value that came in; nothing was written"
    )
    canary.look(file_of(Exchange.of("GET", "/health"), "A visit."))


SEEN = evolve(
    Exchange.of(
        "GET",
        "/v1/encounters/enc_7?patientId=pt_1&Jane=Doe&cursor=20",
        json={"type": "Fever", "Mrs Smith": 1},
        response={"data": {"status": "planned", "name": "Adam", "rank": 123456, "type": 5550199}},
        headers={"set-cookie": "a=b"},
    ),
    request_headers=[("x-ward", "Ward 7")],
)


def test_every_text_counts_that_is_not_kept_and_no_word_of_the_api() -> None:
    canary = Canary.of([SEEN], ["enc_7"], kept=["20", "enc_7"], keep=["pt_1"])
    assert canary.values == {"enc_7", "jane", "doe", "fever", "mrs smith", "adam", "5550199", "a=b", "ward 7"}
    assert "Adam" not in repr(canary)


@pytest.mark.parametrize(
    "exchange",
    [
        Exchange.of("GET", "/v1/encounters/enc_00000001?patientId=pt_00000001&sort=-date&count=20"),
        Exchange.of("POST", "/v1/encounters", json={"type": "text-1", "status": "planned", "rank": 20}),
        Exchange.of(
            "GET", "/v1/encounters", response={"data": {"start": "2020-02-02", "cursor": "20", "hasMore": True}}
        ),
        Exchange.of("GET", "/", response={"fullUrl": "https://api.clinikapi.com/v1/fhir/Patient/pt_00000001"}),
        Exchange.of("GET", "/", response={"data": {"reference": "Patient/kept_7", "code": "AMB"}}),
    ],
)
def test_pseudonyms_codes_dates_and_numbers_are_no_finding(exchange: Exchange) -> None:
    values = ["0000", "text", "planned", "20", "2020", "clinikapi", "api.", "kept", "pt_0"]
    canary: Any = Canary.of([], values, keep=["kept_7"])
    canary.look(file_of(exchange))


@pytest.mark.parametrize(
    ("place", "exchange"),
    [
        ("request's body: lengthMinutes", Exchange.of("POST", "/v1/encounters", json={"lengthMinutes": 4711})),
        ("request's body: type", Exchange.of("POST", "/v1/encounters", json={"type": "4711"})),
        ("the query's cursor", Exchange.of("GET", "/v1/encounters?cursor=4711")),
        ("segment 3 of the path", Exchange.of("GET", "/v1/encounters/4711")),
    ],
)
def test_a_value_that_could_be_a_year_is_found_where_no_date_stands(place: str, exchange: Exchange) -> None:
    text = complaint(Canary(frozenset(["4711"])), file_of(exchange))
    assert text == f"entry 1: {place} would hold a value that came in; nothing was written"


def test_a_year_is_no_finding_where_a_date_stands() -> None:
    canary = Canary(frozenset(["2024"]))
    dated = Exchange.of("POST", "/v1/encounters", json={"period": {"start": "2024"}}, headers={"x-quota-limit": "2024"})
    canary.look(file_of(dated))


def test_a_pseudonym_that_is_a_value_is_a_finding() -> None:
    exchange = Exchange.of("GET", "/v1/encounters/enc_00000001")
    assert "path" in complaint(Canary(frozenset(["enc_00000001"])), file_of(exchange))


def test_a_short_value_is_found_only_as_a_whole() -> None:
    canary = Canary(frozenset(["li"]))
    canary.look(file_of(Exchange.of("GET", "/", response={"data": {"type": "Olive"}})))
    assert "type" in complaint(canary, file_of(Exchange.of("GET", "/", response={"data": {"type": "Li"}})))
