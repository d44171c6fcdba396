"""Bodies: decoded whole and within their limit, or a typed error that repeats nothing."""

from __future__ import annotations

import gzip
import json
import os
import ssl
import time
import tracemalloc
import zlib
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from clinik_client import (
    ClinikApiError,
    ClinikConnectionError,
    ClinikResponseError,
    ClinikServerError,
)
from clinik_client._transport import AttemptFailed
from clinik_client._transport.body import has_too_many_values, read_body
from tests.canary import CANARY, everything
from tests.inside import on_virtual_time
from tests.misbehaviour import HEAD, raw
from tests.servers import Connect, Serve, Step, envelope, gzipped_envelope, ok, record, respond, zipped

# -- size and form ----------------------------------------------------------------------------------------------------


def gzip_members(*texts: bytes) -> bytes:
    return b"".join(gzip.compress(text, mtime=0) for text in texts)


@pytest.mark.parametrize("encoding", ["gzip", "GZIP", "x-gzip", " gzip "])
def test_gzip_is_decoded(encoding: str) -> None:
    assert read_body([gzipped_envelope()], encoding, 1000) == envelope()


def test_an_empty_body_is_whole_in_any_encoding(serve: Serve, connect: Connect) -> None:
    assert read_body([], "gzip", 1000) == read_body([b""], "gzip", 1000) == b""
    clinik = connect(serve(raw(b"HTTP/1.1 204 No Content\r\nContent-Encoding: gzip\r\n\r\n")))
    assert clinik.encounters.delete("enc_1").meta.attempts == 1


def test_gzip_is_decoded_off_the_wire(serve: Serve, connect: Connect) -> None:
    assert connect(serve(zipped(gzipped_envelope()))).encounters.read("enc_1").data.id == "enc_1"


@given(
    texts=st.lists(st.binary(max_size=300), min_size=1, max_size=4),
    cuts=st.lists(st.integers(0, 400), max_size=6),
    level=st.integers(0, 9),
)
def test_any_members_in_any_pieces_decode(texts: list[bytes], cuts: list[int], level: int) -> None:
    whole = b"".join(gzip.compress(text, level, mtime=0) for text in texts)
    edges = [0, *sorted(min(cut, len(whole)) for cut in cuts), len(whole)]
    pieces = [whole[start:end] for start, end in pairwise(edges)]
    assert read_body(pieces, "gzip", 10_000) == b"".join(texts)


@given(text=st.binary(min_size=1, max_size=300), cut=st.integers(1))
def test_a_gzip_body_cut_anywhere_is_an_error(text: bytes, cut: int) -> None:
    whole = gzip.compress(text, mtime=0)
    with pytest.raises(AttemptFailed, match="damaged or cut short"):
        read_body([whole[: 1 + cut % (len(whole) - 1)]], "gzip", 10_000)


@given(body=st.binary(min_size=1, max_size=200))
@example(b"\x1f\x8b")
@example(gzip_members(b"a", b"b") + b"garbage")
@example(gzip_members(b"a")[:-4] + b"\xff\xff\xff\xff")
@example(zlib.compress(b"a"))
def test_what_is_not_gzip_is_an_error_and_not_repeated(body: bytes) -> None:
    with pytest.raises(AttemptFailed) as raised:
        read_body([body], "gzip", 10_000)
    assert raised.value.malformed


@given(size=st.integers(0, 5_000), limit=st.integers(1, 5_000), zipped_up=st.booleans(), piece=st.integers(1, 500))
def test_the_limit_is_on_decoded_bytes_exactly(size: int, limit: int, zipped_up: bool, piece: int) -> None:
    text = os.urandom(size)
    body = gzip.compress(text, 0, mtime=0) if zipped_up else text
    pieces = [body[start : start + piece] for start in range(0, len(body), piece)]
    if size <= limit and len(body) <= limit:
        assert read_body(pieces, "gzip" if zipped_up else "", limit) == text
    else:
        with pytest.raises(AttemptFailed, match="max_response_bytes"):
            read_body(pieces, "gzip" if zipped_up else "", limit)


@pytest.mark.parametrize("size", [1, 1_000, 1_048_575, 1_048_576, 1_048_577, 3 * 1_048_576])
@pytest.mark.parametrize("pieces", [1, 2, 5])
def test_a_body_as_large_as_the_limit_is_taken_and_one_byte_more_is_not(size: int, pieces: int) -> None:
    body = gzip.compress(b"a" * size, mtime=0)
    step = -(-len(body) // pieces)
    cut = [body[start : start + step] for start in range(0, len(body), step)]
    limit = max(size, len(body))
    assert read_body(cut, "gzip", limit) == b"a" * size
    with pytest.raises(AttemptFailed, match="max_response_bytes"):
        read_body(cut, "gzip", limit - 1)


@pytest.mark.parametrize("encoding", ["", "identity", " Identity"])
def test_a_body_that_is_not_encoded_is_taken_as_it_is(encoding: str) -> None:
    assert read_body([b"1", b"", b"2"], encoding, 2) == b"12"


def test_a_bomb_is_stopped_where_the_limit_is(serve: Serve, connect: Connect) -> None:
    bomb = gzip.compress(b" " * 50_000_000, mtime=0)
    assert len(bomb) < 100_000
    clinik = connect(serve(zipped(bomb)), max_response_bytes=1_000_000)
    clock = on_virtual_time(clinik)
    tracemalloc.start()
    try:
        with pytest.raises(ClinikResponseError, match="max_response_bytes") as raised:
            clinik.encounters.read("enc_1")
        most = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert (raised.value.attempts, clock.waits) == (1, [])  # the next response would be as large
    assert most < 8_000_000


def test_a_response_that_tls_did_not_end_is_cut_short(
    serve: Serve, connect: Connect, server_tls: ssl.SSLContext, ca_file: Path
) -> None:
    # 123 could be the beginning of 1234, and only TLS's own ending would tell.
    service = serve(raw(HEAD + b"Connection: close\r\n\r\n123"), ssl_context=server_tls)
    lenient = ssl.create_default_context(cafile=ca_file)
    # What Python below 3.11.4 sets by itself with OpenSSL 3; older ones do not know it.
    lenient.options |= getattr(ssl, "OP_IGNORE_UNEXPECTED_EOF", 0)
    for verify in (ca_file, lenient):
        with pytest.raises(ClinikResponseError) as raised:
            connect(service, verify=verify, retries=0).request("GET", "/v1/number")
        assert raised.value.outcome == "applied"


OBJECTS = {
    "lists": b"[" + b"[]," * 300_000 + b"[]]",
    "dicts": b"[" + b"{}," * 300_000 + b"{}]",
    "records": b'{"data": {"data": [' + b'{"id":"e"},' * 90_000 + b'{"id":"e"}]}}',
    "keys": b'{"data": [' + b'{"a":{}},' * 110_000 + b"{}]}",
}


@pytest.mark.parametrize("form", OBJECTS)
@pytest.mark.parametrize("status", [200, 422])
def test_json_that_is_small_as_bytes_and_huge_as_objects_is_refused(
    serve: Serve, connect: Connect, form: str, status: int
) -> None:
    limit = 1_000_000
    clinik = connect(serve(respond(status, OBJECTS[form])), max_response_bytes=limit)
    tracemalloc.start()
    try:
        with pytest.raises(ClinikApiError) as raised:
            clinik.encounters.search()
        most = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert (raised.value.status, raised.value.attempts) == (status, 1)
    assert most < 8 * limit


@pytest.mark.parametrize("value", [b"{}", b"[]", b"[{}]", b"1"])
def test_each_value_counts(value: bytes) -> None:
    """Ten thousand are always taken."""
    in_each = 1 + value.count(b"{") + value.count(b"[")
    fits, too_many = (b"[" + b",".join([value] * (count // in_each)) + b"]" for count in (9_990, 10_020))
    assert not has_too_many_values(fits, 1)
    assert has_too_many_values(too_many, 1)


def test_json_of_ordinary_density_is_not_refused(serve: Serve, connect: Connect) -> None:
    rows = [record(f"enc_{number}", reasonCode=["Cough", "Fever"], lengthMinutes=30) for number in range(500)]
    body = json.dumps({"data": {"data": rows, "hasMore": False}}).encode()
    clinik = connect(serve(respond(200, body)), max_response_bytes=len(body))
    assert len(clinik.encounters.search().data.data) == 500


def test_a_nested_bomb_is_stopped_too() -> None:
    with pytest.raises(AttemptFailed, match="max_response_bytes"):
        read_body([gzip_members(*[b" " * 100_000] * 20)], "gzip", 1_000_000)


FORMS: dict[str, Step] = {
    "truncated gzip": zipped(gzipped_envelope()[:-9]),
    "gzip without its check": zipped(gzipped_envelope()[:-8]),
    "wrong check": zipped(gzipped_envelope()[:-8] + b"\x00" * 8),
    "not gzip at all": zipped(envelope()),
    "gzip with a tail": zipped(gzipped_envelope() + CANARY.encode()),
    "unknown encoding": respond(200, envelope(), {"content-encoding": "br"}),
    "two encodings": respond(200, gzipped_envelope(), {"content-encoding": "gzip, gzip"}),
    "short body": raw(HEAD + b"Content-Length: 500\r\n\r\n" + envelope()),
    "length is no number": raw(HEAD + b"Content-Length: many\r\n\r\n" + envelope()),
    "negative length": raw(HEAD + b"Content-Length: -1\r\n\r\n" + envelope()),
    "two lengths": raw(HEAD + b"Content-Length: 3\r\nContent-Length: 4\r\n\r\n" + envelope()),
    "length in front of the end": raw(HEAD + b"Content-Length: 7\r\n\r\n" + envelope()),
    "chunk size is no number": raw(HEAD + b"Transfer-Encoding: chunked\r\n\r\nzz\r\n" + envelope()),
    "chunks cut": raw(HEAD + b"Transfer-Encoding: chunked\r\n\r\nff\r\n" + envelope()),
    "cut where the end of the connection ends it": raw(HEAD + b"\r\n" + envelope()[:-3]),
    "head without an end": raw(HEAD + b"x: y\r\n"),
    "head of 200 KB": raw(HEAD + b"x: " + b"y" * 200_000 + b"\r\n\r\n" + envelope()),
    "deep nesting": respond(200, b"[" * 200_000 + b"]" * 200_000),
    "deep nesting in a record": respond(200, b'{"data": {"id": "enc_1", "x": ' + b"[" * 5_000 + b"]" * 5_000 + b"}}"),
    "not UTF-8": respond(200, b'{"data": {"id": "enc_1", "type": "\xff' + CANARY.encode() + b'"}}'),
    "lone surrogate": respond(200, b'{"data": {"id": "enc_1", "type": "\\ud800' + CANARY.encode() + b'"}}'),
    "NaN": respond(200, b'{"data": {"id": "enc_1", "lengthMinutes": NaN}}'),
    "Infinity": respond(200, b'{"data": {"id": "enc_1", "lengthMinutes": -Infinity}}'),
    "two responses in one": respond(200, envelope() + envelope()),
    "two ids": respond(200, b'{"data": {"id": "enc_1", "id": "enc_' + CANARY.encode() + b'"}}'),
    "empty": respond(200, b""),
    "white space": respond(200, b" \r\n"),
    "null": respond(200, b"null"),
    "no record": respond(200, b'{"data": null, "meta": {}}'),
    "a text": respond(200, json.dumps(CANARY).encode()),
    "a record without an id": respond(200, {"data": {"type": CANARY}, "meta": {}}),
    "an id that is a number": respond(200, {"data": {"id": 1, "type": CANARY}, "meta": {}}),
    "an OperationOutcome": ok({"resourceType": "OperationOutcome", "id": "enc_1", "issue": [{"diagnostics": CANARY}]}),
    "html": respond(200, f"<html>{CANARY}</html>".encode(), {"content-type": "text/html"}),
    "garbage": raw(f"\x00{CANARY}\r\n\r\n".encode()),
    "a status that is no number": raw(f"HTTP/1.1 2OO {CANARY}\r\n\r\n".encode()),
    "HTTP/0.9": raw(CANARY.encode()),
    "101": raw(b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\n\r\n" + CANARY.encode()),
    "status 999": raw(b"HTTP/1.1 999 No\r\nContent-Length: 6\r\n\r\n" + CANARY.encode()),
}


@pytest.mark.parametrize("form", FORMS)
def test_a_response_that_is_not_one_is_a_typed_error_that_repeats_nothing(
    serve: Serve, connect: Connect, form: str
) -> None:
    clinik = connect(serve(FORMS[form], ok()), retries=0)
    with pytest.raises((ClinikResponseError, ClinikConnectionError)) as raised:
        clinik.encounters.read("enc_1")
    error = raised.value
    assert error.__cause__ is error.__context__ is None
    assert CANARY not in everything(error)
    on_virtual_time(clinik)
    # Some of these servers are just hanging up: a read may meet that, and is then sent again.
    assert clinik.with_options(retries=1).encounters.read("enc_1").data.id == "enc_1"


PAGES: dict[str, bytes] = {
    "html": f"<html><body>{CANARY}</body></html>".encode(),
    "nothing": b"",
    "text": CANARY.encode(),
    "cut JSON": b'{"message": "' + CANARY.encode(),
    "an array": b"[1, 2]",
    "null": b"null",
    "other types": b'{"message": 7, "code": ["x"], "issues": 3, "requestId": {}, "meta": [1]}',
    "other types within": b'{"issues": [null, 7, {"diagnostics": {"x": 1}, "location": [{}], "code": 1}]}',
    "deep nesting": b'{"message": ' * 100_000,
}


@pytest.mark.parametrize("status", [400, 404, 429, 500, 502, 503])
@pytest.mark.parametrize("form", PAGES)
def test_an_error_page_of_any_form_is_typed_by_its_status(
    serve: Serve, connect: Connect, status: int, form: str
) -> None:
    kinds = {404: ClinikResponseError, 500: ClinikServerError, 502: ClinikServerError, 503: ClinikServerError}
    clinik = connect(serve(respond(status, PAGES[form])), retries=0)
    with pytest.raises(kinds.get(status, ClinikApiError)) as raised:
        clinik.encounters.read("enc_1")
    assert raised.value.status == status
    assert CANARY not in f"{raised.value} {vars(raised.value)}"
    assert str(status) in str(raised.value)


def test_an_error_page_with_a_very_long_message_is_dealt_with_at_once(serve: Serve, connect: Connect) -> None:
    body = {"message": "ab_-" * 5_000_000, "issues": [{"diagnostics": "ab_-" * 990}] * 2_000}
    clinik = connect(serve(respond(422, body)), retries=0)
    started = time.process_time()
    with pytest.raises(ClinikApiError) as raised:
        clinik.encounters.read("enc_1")
    assert time.process_time() - started < 3  # with a search that looks back and forth it is minutes
    assert len(str(raised.value)) < 20_000
