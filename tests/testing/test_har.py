"""Reading and writing recordings: complete HAR 1.2, errors that say where, and no keys."""

from __future__ import annotations

import copy
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from clinik_client.testing import (
    Exchange,
    HarError,
    Recording,
    dump_recording,
    har_entry,
    load_recording,
    load_recordings,
    save_recording,
)
from clinik_client.testing._exchange import split_target

STORY = Recording(
    "story",
    [
        Exchange.of(
            "POST", "/v1/encounters", json={"status": "planned"}, status=201, response={"data": {"id": "enc_1"}}
        ),
        Exchange.of("GET", "/v1/encounters?status=planned&_include=a%3Ab&q=%26+%C3%A9", response={"data": []}),
        Exchange.of("DELETE", "/v1/encounters/enc_1", status=204, headers={"x-request-id": "req_1"}),
        Exchange.of("GET", "/v1/encounters/enc_1", api_key="", status=401, response=b"\xff\xfe not text"),
    ],
    "A made-up story.",
)


def write(folder: Path, document: Any, name: str = "story.har") -> Path:
    path = folder / name
    path.write_bytes(document if isinstance(document, bytes) else orjson.dumps(document))
    return path


def test_a_recording_survives_writing_and_reading(tmp_path: Path) -> None:
    save_recording(STORY, tmp_path / "story.har")
    read = load_recording(tmp_path / "story.har")
    assert read.exchanges == STORY.exchanges
    assert (read.name, read.comment, read.path) == ("story", STORY.comment, tmp_path / "story.har")


@pytest.mark.parametrize(
    ("target", "path", "query"),
    [
        ("/v1/encounters", "/v1/encounters", ()),
        ("/a%20b?q=%26+%C3%A9&q=&r", "/a%20b", (("q", "& é"), ("q", ""), ("r", ""))),
        ("/a?b=http://c/d?e", "/a", (("b", "http://c/d?e"),)),
        ("http://h.example:80/a/b?c=d", "/a/b", (("c", "d"),)),
        ("HTTPS://h.example/", "/", ()),
        ("https://h.example", "/", ()),
        ("https://h.example?c=d", "/", (("c", "d"),)),
        ("http://[bad/a", "/a", ()),
        ("*", "*", ()),
        ("", "", ()),
    ],
)
def test_a_target_has_a_path_and_a_query_and_perhaps_an_address_in_front(
    target: str, path: str, query: tuple[tuple[str, str], ...]
) -> None:
    assert split_target(target) == (path, query)


TOKENS = st.text(alphabet="abcdefghijklmnopqrstuvwxyz-", min_size=1)


def _stays(text: str) -> bool:
    """Whether it can be written, and is no key, which would not be."""
    return "clk_" not in text and not any("\ud800" <= character <= "\udfff" for character in text)


VALUES = st.text(alphabet=st.characters(min_codepoint=33, max_codepoint=126)).filter(_stays)
QUERIES = st.lists(st.tuples(st.text(min_size=1), st.text()).filter(lambda pair: all(map(_stays, pair))))
BODIES = st.binary().filter(lambda body: b"clk_" not in body)


@settings(deadline=None)  # a slow machine is no counter-example
@given(
    query=QUERIES,
    status=st.integers(200, 599),
    response_headers=st.lists(st.tuples(TOKENS.map("x-".__add__), VALUES)),
    bodies=st.tuples(BODIES, BODIES),
    milliseconds=st.floats(0, 1e6),
    api_key=st.sampled_from([None, ""]),
)
def test_any_exchange_without_a_key_survives_writing_and_reading(
    tmp_path_factory: pytest.TempPathFactory,
    query: list[tuple[str, str]],
    status: int,
    response_headers: list[tuple[str, str]],
    bodies: tuple[bytes, bytes],
    milliseconds: float,
    api_key: str | None,
) -> None:
    exchange = Exchange(
        method="PATCH",
        path="/v1/encounters/enc_1",
        query=query,
        api_key=api_key,
        request_headers=[("content-type", "application/octet-stream")],
        request_body=bodies[0],
        status=status,
        response_headers=response_headers,
        response_body=bodies[1],
        source="Made up for a test.",
        milliseconds=milliseconds,
    )
    path = tmp_path_factory.mktemp("har") / "any.har"
    save_recording(Recording("any", [exchange]), path)
    assert load_recording(path).exchanges == (exchange,)


def test_writing_is_stable_indented_utf_8() -> None:
    written = dump_recording(STORY)
    assert written == dump_recording(STORY)
    assert written.startswith(b'{\n  "log": {\n    "version": "1.2",\n')
    assert written.endswith(b"}\n")


def test_an_entry_has_every_field_that_har_1_2_requires() -> None:
    """The required fields of http://www.softwareishard.com/blog/har-12-spec/."""
    log = orjson.loads(dump_recording(STORY))["log"]
    assert log.keys() >= {"version", "creator", "entries"}
    assert log["creator"].keys() >= {"name", "version"}
    for entry in log["entries"]:
        assert entry.keys() >= {"startedDateTime", "time", "request", "response", "cache", "timings"}
        both = {"httpVersion", "cookies", "headers", "headersSize", "bodySize"}
        assert entry["request"].keys() >= both | {"method", "url", "queryString"}
        assert entry["response"].keys() >= both | {"status", "statusText", "content", "redirectURL"}
        assert entry["response"]["content"].keys() >= {"size", "mimeType"}
        assert entry["timings"].keys() >= {"send", "wait", "receive"}
        assert entry["time"] == sum(entry["timings"].values())
    assert log["entries"][0]["request"]["postData"] == {"mimeType": "application/json", "text": '{"status":"planned"}'}


@pytest.mark.parametrize("key", ["clk_live_SeCrEt", "clk_test_SeCrEt", "SeCrEt"])
def test_a_key_is_never_written_wherever_it_stands(key: str) -> None:
    exchange = Exchange(
        method="GET",
        path="/v1/clk_live_SeCrEt",
        query=[("key", "clk_test_SeCrEt")],
        api_key=key,
        base_url="https://user:SeCrEt@api.clinikapi.com",
        request_headers=[("X-Api-Key", key), ("Authorization", f"Bearer {key}"), ("Cookie", key), ("Accept", "*/*")],
        request_body=b'{"echo": "clk_live_SeCrEt"}',
        status=200,
        response_headers=[("Set-Cookie", "SeCrEt"), ("x-echo", "clk_test_SeCrEt")],
        response_body=b"\xff clk_live_SeCrEt",
        source="Recorded for a test.",
    )
    entry = har_entry(exchange)
    assert b"SeCrEt" not in orjson.dumps(entry)
    assert entry["request"]["url"] == "https://api.clinikapi.com/v1/clk_live_REDACTED?key=clk_test_REDACTED"
    assert [header["name"] for header in entry["request"]["headers"]] == ["accept"]


def test_the_repr_of_an_exchange_shows_neither_key_nor_body() -> None:
    exchange = Exchange.of("GET", "/", api_key="clk_test_fixture_x", json={"a": "SeCrEt"}, response={"b": "SeCrEt"})
    assert "SeCrEt" not in repr(exchange)
    assert "clk_test" not in repr(exchange)


def test_a_har_as_browsers_write_it_is_read(tmp_path: Path) -> None:
    entry = {
        "_initiator": {"type": "script"},
        "comment": "Recorded 2025-06-01 from https://api.clinikapi.com, with a browser.",
        "startedDateTime": "2025-06-01T09:00:00.000+02:00",
        "time": 12.5,
        "request": {
            "method": "POST",
            "url": "https://api.clinikapi.com/v1/encounters",
            "httpVersion": "http/2.0",
            "headers": [{"name": ":authority", "value": "api.clinikapi.com"}, {"name": "Cookie", "value": "a=b"}],
            "queryString": [],
            "cookies": [],
            "headersSize": -1,
            "bodySize": 2,
            "postData": {"mimeType": "application/json", "text": "{}"},
        },
        "response": {
            "status": 204,
            "statusText": "",
            "httpVersion": "http/2.0",
            "headers": [],
            "cookies": [],
            "content": {"size": 0, "mimeType": "x-unknown"},
            "redirectURL": "",
            "headersSize": -1,
            "bodySize": 0,
            "_transferSize": 99,
        },
        "cache": {},
        "timings": {"send": 0, "wait": 12.5, "receive": 0},
    }
    log = {"version": "1.2", "creator": {"name": "WebInspector", "version": "537.36"}, "pages": [], "entries": [entry]}
    (exchange,) = load_recording(write(tmp_path, {"log": log})).exchanges
    assert exchange.request_headers == (("content-type", "application/json"),)
    assert (exchange.request_body, exchange.response_body, exchange.milliseconds) == (b"{}", b"", 12.5)


Change = Callable[[dict[str, Any]], object]


def _set(*path: Any, to: Any) -> Change:
    def change(document: dict[str, Any]) -> None:
        parent: Any = document["log"]
        for name in path[:-1]:
            parent = parent[name]
        parent[path[-1]] = to

    return change


def _remove(*path: Any) -> Change:
    def change(document: dict[str, Any]) -> None:
        parent: Any = document["log"]
        for name in path[:-1]:
            parent = parent[name]
        del parent[path[-1]]

    return change


ENTRY = ("entries", 1)
KEYS = [{"name": "X-API-Key", "value": "clk_live_SeCrEt"}]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda d: d.pop("log"), "log is missing"),
        (_set("version", to="1.1"), "log.version must be 1.2"),
        (_set("creator", to="me"), "log.creator must be an object, not a string"),
        (_remove("entries"), "log.entries is missing"),
        (_set("entries", to=[]), "log.entries is empty"),
        (_set("entries", 1, to=7), "entry 2: must be an object, not an integer"),
        (_remove(*ENTRY, "comment"), "entry 2: comment is missing; it says where the exchange comes from"),
        (_set(*ENTRY, "comment", to="  "), "entry 2: comment is missing"),
        (_remove(*ENTRY, "startedDateTime"), "entry 2: startedDateTime is missing"),
        (_remove(*ENTRY, "request"), "entry 2: request is missing"),
        (_set(*ENTRY, "request", "method", to=None), "entry 2: request.method must be a string, not null"),
        (_set(*ENTRY, "request", "url", to="/v1/encounters"), "entry 2: request.url must be absolute"),
        (_set(*ENTRY, "request", "url", to="https://[x"), "entry 2: Invalid IPv6 URL"),
        (
            _set(*ENTRY, "request", "queryString", to=[]),
            "entry 2: request.queryString and the query of",
        ),
        (_set(*ENTRY, "request", "headers", to=[{"name": "a"}]), r"entry 2: request.headers\[1\].value is missing"),
        (_set(*ENTRY, "request", "headers", to=["a"]), r"entry 2: request.headers\[1\] must be an object"),
        (_set(*ENTRY, "request", "headers", to=KEYS), "entry 2: request.headers holds what looks like a genuine key"),
        (_set(*ENTRY, "request", "headers", to=KEYS * 2), "entry 2: request.headers holds x-api-key more than once"),
        (_set(*ENTRY, "response", "status", to="200"), "entry 2: response.status must be an integer, not a string"),
        (_set(*ENTRY, "response", "status", to=True), "entry 2: response.status must be an integer, not true or false"),
        (_set(*ENTRY, "response", "status", to=0), "entry 2: response.status must be from 200 to 599"),
        (_remove(*ENTRY, "response", "content"), "entry 2: response.content is missing"),
        (
            _set(*ENTRY, "response", "content", "encoding", to="gzip"),
            "entry 2: response.content.encoding must be",
        ),
        (
            _set(*ENTRY, "response", "content", to={"encoding": "base64", "text": "!"}),
            "entry 2: response.content.text is not base64",
        ),
    ],
)
def test_what_is_wrong_is_told_with_file_and_entry(tmp_path: Path, change: Change, message: str) -> None:
    document = orjson.loads(dump_recording(STORY))
    change(document)
    path = write(tmp_path, document)
    with pytest.raises(HarError, match=message) as caught:
        load_recording(path)
    assert str(caught.value).startswith(f"{path}: ")
    assert "SeCrEt" not in str(caught.value)


@pytest.mark.parametrize(
    ("content", "message"),
    [(b"", "empty"), (b"{", "unexpected"), (b"[]", "must hold an object, not a list"), (b"\xff", "UTF-8")],
)
def test_a_file_that_is_no_json_object_is_told(tmp_path: Path, content: bytes, message: str) -> None:
    with pytest.raises(HarError, match=message):
        load_recording(write(tmp_path, content))


def test_a_file_that_is_not_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(HarError, match=r"none\.har: cannot be read: No such file"):
        load_recording(tmp_path / "none.har")


NAMES = st.sampled_from(["method", "url", "headers", "queryString", "postData", "status", "content", "text"])
ANY_JSON = st.recursive(
    st.none() | st.booleans() | st.integers(0, 999) | st.text().filter(_stays),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(NAMES, inner),
)


@settings(deadline=None)  # a slow machine is no counter-example
@given(value=ANY_JSON)
def test_any_json_gives_a_recording_or_a_har_error(tmp_path_factory: pytest.TempPathFactory, value: Any) -> None:
    document = orjson.loads(dump_recording(STORY))
    entry = document["log"]["entries"][0]
    for name in list(entry):
        damaged = copy.deepcopy(document)
        damaged["log"]["entries"][0][name] = value
        path = write(tmp_path_factory.getbasetemp(), damaged, "damaged.har")
        with suppress(HarError):
            load_recording(path)


def test_directories_are_read_in_order_and_stories_chosen_by_name(tmp_path: Path) -> None:
    for name in ("beta", "alpha", "gamma"):
        save_recording(STORY, tmp_path / f"{name}.har")
    (tmp_path / "README.md").write_text("not a recording")
    assert [r.name for r in load_recordings(tmp_path)] == ["alpha", "beta", "gamma"]
    assert [r.name for r in load_recordings(tmp_path, stories=["gamma", "alpha"])] == ["gamma", "alpha"]
    assert [r.name for r in load_recordings(tmp_path / "beta.har")] == ["beta"]
    with pytest.raises(HarError, match="there is no recording 'delta'; there are: alpha, beta, gamma"):
        load_recordings(tmp_path, stories=["delta"])
    with pytest.raises(HarError, match="another recording of this name"):
        load_recordings(tmp_path, tmp_path / "beta.har")
    (tmp_path / "empty").mkdir()
    with pytest.raises(HarError, match=r"there is no \.har file here"):
        load_recordings(tmp_path / "empty")


def test_the_folder_of_a_recording_is_made_where_there_is_none(tmp_path: Path) -> None:
    save_recording(STORY, tmp_path / "tests" / "recordings" / "story.har")
    assert [r.name for r in load_recordings(tmp_path / "tests" / "recordings")] == ["story"]


def test_a_story_that_is_not_wanted_is_not_read(tmp_path: Path) -> None:
    save_recording(STORY, tmp_path / "good.har")
    write(tmp_path, b"broken", "bad.har")
    assert [r.name for r in load_recordings(tmp_path, stories=["good"])] == ["good"]


def test_an_exchange_without_bodies_has_empty_ones_and_says_nothing_of_json() -> None:
    exchange = Exchange.of("DELETE", "/v1/encounters/enc_1", status=204)
    assert (exchange.request_body, exchange.response_body) == (b"", b"")
    assert "content-type" not in {name.lower() for name, _ in exchange.response_headers}
    answered = Exchange.of("GET", "/v1/encounters/enc_1", response={"data": {}})
    assert ("content-type", "application/json") in answered.response_headers
