"""Recordings as HAR 1.2 files: reading, with errors that say where, and writing, without keys.

HAR is the format in which browsers and HTTP tools exchange recorded traffic. Two conventions are added, both within
the format:

* each entry's ``comment`` says where the exchange comes from, and ``log.comment`` what story the file tells;
* keys are not recorded. A request without an ``x-api-key`` header stands for a request with any valid key. Where the
  response depends on a bad key, the header holds a made-up one, which starts with ``clk_test_fixture`` or does not
  have the form of a key; with an empty value it stands for a request without a key.
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Iterable, Sequence
from http import HTTPStatus
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import quote, urlencode, urlsplit

import orjson

from ._exchange import Exchange, Pairs, Recording, split_target

__all__ = ["HarError", "dump_recording", "har_entry", "load_recording", "load_recordings", "save_recording"]

KEY_FORMAT = re.compile(r"clk_(live|test)_[A-Za-z0-9_-]+")
"""What a key looks like; use ``fullmatch`` to check one."""

# An allow-list: whatever else a client sends may be a secret, and does not decide the response.
_KEPT_REQUEST_HEADERS = ("accept", "content-type", "user-agent", "x-http-method-override")
_DROPPED_RESPONSE_HEADERS = ("set-cookie", "set-cookie2")

_T = TypeVar("_T")


class HarError(ValueError):
    """A recording cannot be used; the text names the file, the entry (counted from 1) and what is wrong."""


# -- reading ----------------------------------------------------------------------------------------------------------

_KINDS: dict[type, str] = {
    dict: "an object",
    list: "a list",
    str: "a string",
    bool: "true or false",
    int: "an integer",
    float: "a number",
    type(None): "null",
}


def _get(parent: dict[str, Any], path: str, kind: type[_T]) -> _T:
    """The member of ``parent`` that ``path`` ends with; ``path`` itself is for the message."""
    name = path.rpartition(".")[2]
    if name not in parent:
        raise HarError(f"{path} is missing")
    value = parent[name]
    if not isinstance(value, kind) or (kind is int and isinstance(value, bool)):
        raise HarError(f"{path} must be {_KINDS[kind]}, not {_KINDS[type(value)]}")
    return value


def _text(parent: dict[str, Any], path: str) -> str:
    return _get(parent, path, str) if path.rpartition(".")[2] in parent else ""


def _name_value_pairs(parent: dict[str, Any], path: str) -> Pairs:
    pairs = []
    for number, item in enumerate(_get(parent, path, list), start=1):
        where = f"{path}[{number}]"
        if not isinstance(item, dict):
            raise HarError(f"{where} must be an object, not {_KINDS[type(item)]}")
        pairs.append((_get(item, f"{where}.name", str), _get(item, f"{where}.value", str)))
    return tuple(pairs)


def _recorded_key(headers: Pairs) -> str | None:
    keys = [value for name, value in headers if name.lower() == "x-api-key"]
    if not keys:
        return None
    if len(keys) > 1:
        raise HarError("request.headers holds x-api-key more than once")
    if KEY_FORMAT.fullmatch(keys[0]) and not keys[0].startswith("clk_test_fixture"):
        raise HarError(
            "request.headers holds what looks like a genuine key in x-api-key; remove the header "
            "(a made-up key starts with clk_test_fixture)"
        )
    return keys[0]


def _body(content: dict[str, Any], path: str) -> bytes:
    text = _text(content, f"{path}.text")
    encoding = _text(content, f"{path}.encoding")
    if not encoding:
        return text.encode()
    if encoding != "base64":
        raise HarError(f"{path}.encoding must be base64 or left out")
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError) as error:
        raise HarError(f"{path}.text is not base64: {error}") from None


def _exchange(entry: object) -> Exchange:
    if not isinstance(entry, dict):
        raise HarError(f"must be an object, not {_KINDS[type(entry)]}")
    source = _text(entry, "comment").strip()
    if not source:
        raise HarError("comment is missing; it says where the exchange comes from")
    started = _get(entry, "startedDateTime", str)

    request = _get(entry, "request", dict)
    url = urlsplit(_get(request, "request.url", str))
    if not url.scheme or not url.netloc:
        raise HarError("request.url must be absolute")
    path, query = split_target(f"{url.path or '/'}?{url.query}")
    if sorted(_name_value_pairs(request, "request.queryString")) != sorted(query):
        raise HarError("request.queryString and the query of request.url differ")
    headers = tuple((name.lower(), value) for name, value in _name_value_pairs(request, "request.headers"))
    body = b""
    if request.get("postData") is not None:
        post = _get(request, "request.postData", dict)
        media_type, body = _get(post, "request.postData.mimeType", str), _body(post, "request.postData")
        if media_type and not any(name == "content-type" for name, _ in headers):
            headers += (("content-type", media_type),)

    response = _get(entry, "response", dict)
    status = _get(response, "response.status", int)
    if not 200 <= status <= 599:
        raise HarError("response.status must be from 200 to 599: a request without a response cannot be replayed")
    milliseconds = entry.get("time", 0.0)
    return Exchange(
        method=_get(request, "request.method", str),
        path=path,
        query=query,
        api_key=_recorded_key(headers),
        request_headers=tuple(pair for pair in headers if pair[0] in _KEPT_REQUEST_HEADERS),
        request_body=body,
        status=status,
        response_headers=_name_value_pairs(response, "response.headers"),
        response_body=_body(_get(response, "response.content", dict), "response.content"),
        source=source,
        base_url=f"{url.scheme}://{url.netloc}",
        started=started,
        milliseconds=float(milliseconds) if isinstance(milliseconds, int | float) else 0.0,
    )


def load_recording(path: str | Path) -> Recording:
    """Read one HAR file.

    Raises:
        HarError: it cannot be read or is not a usable recording.
    """
    path = Path(path)
    where = str(path)
    try:
        document = orjson.loads(path.read_bytes())
        if not isinstance(document, dict):
            raise HarError(f"the file must hold an object, not {_KINDS[type(document)]}")
        log = _get(document, "log", dict)
        if _get(log, "log.version", str) != "1.2":
            raise HarError("log.version must be 1.2")
        _get(_get(log, "log.creator", dict), "log.creator.name", str)
        exchanges = []
        for number, entry in enumerate(_get(log, "log.entries", list), start=1):
            where = f"{path}: entry {number}"
            exchanges.append(_exchange(entry))
        where = str(path)
        if not exchanges:
            raise HarError("log.entries is empty")
        return Recording(path.stem, exchanges, comment=_text(log, "log.comment"), path=path)
    except HarError as error:
        raise HarError(f"{where}: {error}") from None
    except OSError as error:
        raise HarError(f"{where}: cannot be read: {error.strerror}") from error
    except ValueError as error:  # orjson's, of which the position is worth knowing; or urlsplit's
        raise HarError(f"{where}: {error}") from None


def load_recordings(*paths: str | Path, stories: Iterable[str] | None = None) -> list[Recording]:
    """Read HAR files, and every ``*.har`` file of directories, in alphabetical order.

    Args:
        paths: files and directories.
        stories: names of the recordings wanted, in the order wanted; ``None`` for all of them.

    Raises:
        HarError: a file is not a usable recording, a directory has none, two have the same name, or a story is not
            there.
    """
    files: dict[str, Path] = {}
    for path in map(Path, paths):
        found = sorted(path.glob("*.har")) if path.is_dir() else [path]
        if not found:
            raise HarError(f"{path}: there is no .har file here")
        for file in found:
            if file.stem in files:
                raise HarError(f"{file}: there is another recording of this name: {files[file.stem]}")
            files[file.stem] = file
    wanted = list(files) if stories is None else list(stories)
    for name in wanted:
        if name not in files:
            raise HarError(f"there is no recording {name!r}; there are: {', '.join(files) or 'none'}")
    return [load_recording(files[name]) for name in wanted]


# -- writing ----------------------------------------------------------------------------------------------------------


def _without_keys(text: str) -> str:
    return KEY_FORMAT.sub(r"clk_\1_REDACTED", text)


def _har_pairs(pairs: Iterable[tuple[str, str]]) -> list[dict[str, str]]:
    return [{"name": name, "value": _without_keys(value)} for name, value in pairs]


def _har_text(body: bytes) -> dict[str, str]:
    try:
        return {"text": _without_keys(body.decode())}
    except UnicodeDecodeError:
        redacted = _without_keys(body.decode("latin-1")).encode("latin-1")
        return {"text": base64.b64encode(redacted).decode(), "encoding": "base64"}


def har_entry(exchange: Exchange) -> dict[str, Any]:
    """An exchange as a HAR entry, complete for any HAR reader.

    Keys are left out: the ``x-api-key`` header is never written (but for an empty one, which records that no key
    was sent), of the other request headers only harmless ones are, and what looks like a key anywhere else, bodies
    included, is replaced.
    """
    no_key = [("x-api-key", "")] if exchange.api_key == "" else []
    request_headers = [*no_key, *(pair for pair in exchange.request_headers if pair[0] in _KEPT_REQUEST_HEADERS)]
    origin = urlsplit(exchange.base_url)
    query = f"?{urlencode(exchange.query, quote_via=quote, safe=':')}" if exchange.query else ""
    request: dict[str, Any] = {
        "method": exchange.method,
        # After the last @: a user name and a password may stand before it.
        "url": _without_keys(f"{origin.scheme}://{origin.netloc.rpartition('@')[2]}{exchange.path}{query}"),
        "httpVersion": "HTTP/1.1",
        "cookies": [],
        "headers": _har_pairs(request_headers),
        "queryString": _har_pairs(exchange.query),
        "headersSize": -1,
        "bodySize": len(exchange.request_body),
    }
    if exchange.request_body:
        media_type = exchange.request_header("content-type") or ""
        request["postData"] = {"mimeType": media_type, **_har_text(exchange.request_body)}
    response_headers = [p for p in exchange.response_headers if p[0].lower() not in _DROPPED_RESPONSE_HEADERS]
    known = exchange.status in HTTPStatus._value2member_map_
    return {
        "startedDateTime": exchange.started,
        "time": exchange.milliseconds,
        "request": request,
        "response": {
            "status": exchange.status,
            "statusText": HTTPStatus(exchange.status).phrase if known else "",
            "httpVersion": "HTTP/1.1",
            "cookies": [],
            "headers": _har_pairs(response_headers),
            "content": {
                "size": len(exchange.response_body),
                "mimeType": exchange.response_header("content-type") or "",
                **_har_text(exchange.response_body),
            },
            "redirectURL": exchange.response_header("location") or "",
            "headersSize": -1,
            "bodySize": len(exchange.response_body),
        },
        "cache": {},
        "timings": {"send": 0, "wait": exchange.milliseconds, "receive": 0},
        "comment": exchange.source,
    }


def dump_recording(recording: Recording, *, creator: str = "clinik-client", creator_version: str = "1") -> bytes:
    """A recording as the bytes of a HAR file: UTF-8, indented, the same bytes for the same recording."""
    entries: Sequence[dict[str, Any]] = [har_entry(exchange) for exchange in recording.exchanges]
    log = {
        "version": "1.2",
        "creator": {"name": creator, "version": creator_version},
        "comment": recording.comment,
        "entries": entries,
    }
    return orjson.dumps({"log": log}, option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE)


def save_recording(recording: Recording, path: str | Path) -> None:
    """Write a recording as a HAR file, and make its folder where there is none; see `dump_recording`."""
    Path(path).parent.mkdir(parents=True, exist_ok=True)
    Path(path).write_bytes(dump_recording(recording))
