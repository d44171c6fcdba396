"""What comes back, read: the data and metadata of a success, and what an error says.

Nothing that a request carried, and no other exception, gets out of here in a text.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import cache
from typing import Any, Final

import orjson

from ._bundle import Included, is_bundle, open_bundle
from ._codecs import DEEPEST, Array, check_depth
from ._errors import DOCUMENTED_CODES, ISSUE_TYPES, SEVERITIES, ClinikResponseError, Issue
from ._fhir_types import reference_id
from ._interruption import is_interruption
from ._model import Model, read_checked, reader_of, schema_of
from ._objects import Object
from ._operation import Request
from ._privacy import LONGEST_READ, Redactor, left_out
from ._proof import CODE, is_own_error, is_own_head
from ._response import ApiResponse, read_meta, read_seconds
from ._transport import HttpResponse


class InvalidResponse(Exception):
    """A response that arrived whole but is not what was asked for. Never leaves the SDK.

    Attributes:
        another: it is about something else, so it proves nothing about what was asked.
    """

    def __init__(self, text: str, *, another: bool = False) -> None:
        super().__init__(text)
        self.another = another


# -- successes --------------------------------------------------------------------------------------------------------


def read_response(
    request: Request, response: HttpResponse, attempts: int, already_deleted: bool, same: tuple[str, ...] = ()
) -> ApiResponse[Any]:
    """Read a response of success.

    Args:
        request: what was asked.
        response: what came, with a status of 2xx; or the 404 that says that a record is deleted already.
        attempts: how many times the request was sent.
        already_deleted: see `clinik_client.ResponseMeta`.
        same: see `clinik_client._resource.Resource`.

    Raises:
        InvalidResponse: it is not JSON, not what the operation responds with, or about something else. The text is
            safe to show.
    """
    body, data, included = (None, None, {}) if already_deleted else _read(request, response, same)
    meta = read_meta(_meta_of(body), response.headers, response.status, attempts, already_deleted, included)
    return ApiResponse(data, meta)


def _read(request: Request, response: HttpResponse, same: tuple[str, ...]) -> tuple[Any, Any, Included]:
    """The body, the data in it, and what came along."""
    try:
        if request.deletes:
            return _read_deletion(request, response), None, {}
        if not response.body.strip() and request.response is None:
            return None, None, {}
        body = _json(response.body)
        data = body["data"] if _is_envelope(request, body) else body
        included: Included = {}
        if request.response is None:
            check_depth(data)
            return body, data, included
        if request.method == "GET" and request.record_id is not None and is_bundle(data):
            data, included = _open_bundle(request, request.response, data)
        return body, _read_model(request, request.response, data, same, response.body), included
    except ClinikResponseError as error:
        problem = error.message
    except (MemoryError, RecursionError, SystemError) as error:
        # orjson and the interpreter tell in these ways that there is not enough memory.
        if is_interruption(error):
            raise
        problem = "The response could not be read: there is not enough memory."
    raise InvalidResponse(problem)


def _json(body: bytes) -> Any:
    """A body that holds JSON. orjson's error would carry the text along: it ends here."""
    try:
        return orjson.loads(body)
    except orjson.JSONDecodeError:
        problem = "The response is not JSON." if body.strip() else "The response is empty."
    raise InvalidResponse(problem)


def _is_envelope(request: Request, body: Any) -> bool:
    if not isinstance(body, dict) or "data" not in body:
        return False
    if request.response is not None:
        # A page that came without an envelope has data of its own, but that is a list.
        return isinstance(body["data"], dict)
    # A FHIR resource may have a meta of its own.
    return "resourceType" not in body and (bool(_meta_of(body)) or body.keys() <= {"data", "meta"})


def _read_deletion(request: Request, response: HttpResponse) -> Any:
    """The response to a delete is empty or tells of the deletion. A page of something else does not confirm it."""
    body = _json(response.body) if response.body.strip() else None
    if body is not None and (not isinstance(body, dict) or "error" in body):
        raise InvalidResponse("The response does not say that the record was deleted.")
    data = body.get("data") if body else None
    is_outcome = isinstance(data, dict) and data.get("resourceType") == "OperationOutcome"
    if isinstance(data, dict) and not is_outcome and data.get("id", request.record_id) != request.record_id:
        raise InvalidResponse(_ANOTHER_RECORD, another=True)
    return body


def _meta_of(body: Any) -> Mapping[str, Any]:
    meta = body.get("meta") if isinstance(body, dict) else None
    return meta if isinstance(meta, dict) else {}


_ANOTHER_RECORD: Final = "The response is about another record than the one that was asked for."


def _read_model(request: Request, model: type[Model], data: Any, same: tuple[str, ...], body: bytes) -> Model:
    if not isinstance(data, dict):
        raise InvalidResponse("The response has no record in it.")
    if (rows := _row_model(model)) is not None:
        page = _read_page(model, rows, data)
        if asked := _asked_for(request, same):
            for row in page["data"]:
                _check_same(asked, row)
        return page
    if not _is_record(model, data):
        raise InvalidResponse(f"The response is not a record of the kind that was asked for ({model.__name__}).")
    if request.record_id is not None and data["id"] != request.record_id:
        raise InvalidResponse(_ANOTHER_RECORD, another=True)
    # Nothing is nested deeper than it has brackets, and most records have few.
    may_be_deep = body.count(b"[") + body.count(b"{") > DEEPEST
    record: Model = read_checked(model, data, own=True) if may_be_deep else reader_of(model)(data)
    _check_same(_asked_for(request, same), record)
    return record


def _asked_for(request: Request, same: tuple[str, ...]) -> dict[str, str]:
    """The ids of ``same`` that the request names."""
    return {name: asked for name in same if isinstance(asked := request.asked_for(name), str)}


def _check_same(ids: dict[str, str], record: Model) -> None:
    """What the record does not tell cannot speak against it."""
    fields = schema_of(type(record)).by_wire
    for name, asked in ids.items():
        told = getattr(record, fields[name].name) if name in fields else None
        if told == asked or not isinstance(told, str):
            continue
        if reference_id(told) not in (None, reference_id(asked)):
            raise InvalidResponse(f"The response names another {name} than was asked for.", another=True)


def _open_bundle(request: Request, model: type[Model], bundle: Any) -> tuple[Any, Included]:
    check_depth(bundle)
    record, included = open_bundle(
        bundle, lambda found: _is_record(model, found) and found.get("id") == request.record_id
    )
    if record is None:
        # A search has made it, and searches are behind writes: this does not say that there is no such record.
        raise InvalidResponse(
            "The response is a Bundle without the record that was asked for. With include the service may search, "
            "and searches see a write about 10 seconds later: read it without include, or again later."
        )
    return record, included


@cache
def _row_model(model: type[Model]) -> type[Model] | None:
    """The model of the rows, if this is the model of a page."""
    schema = schema_of(model)
    if "hasMore" not in schema.by_wire:
        return None
    for entry in schema.entries:
        if entry.wire == "data" and isinstance(entry.codec, Array) and isinstance(entry.codec.item, Object):
            return entry.codec.item.model
    return None


def _read_page(model: type[Model], rows: type[Model], data: dict[str, Any]) -> Model:
    if not isinstance(data.get("data"), list):
        raise InvalidResponse("The response has no page of records in it.")
    # The data store appends rows that tell of warnings; they are not records (API documentation, search).
    others = _other_than(rows, data["data"])
    if others:
        records = [row for row in data["data"] if _is_record(rows, row)]
        data = {**data, "data": records, "otherRows": others}
    return read_checked(model, data, own=True)


def _other_than(model: type[Model], found: list[Any]) -> list[Any]:
    """Those that are no records of this model."""
    other, has_id = model._other_form, "id" in schema_of(model).by_wire
    kind = model.__name__ if other is None else other.resource_type
    return [
        data
        for data in found
        if not isinstance(data, dict)
        or ("resourceType" in data and data["resourceType"] != kind)
        or (has_id and not (isinstance(name := data.get("id"), str) and name))
    ]


def _is_record(model: type[Model], data: Any) -> bool:
    return not _other_than(model, [data])


# -- errors -----------------------------------------------------------------------------------------------------------

_REDIRECTS: Final = frozenset({301, 302, 303, 307, 308})
_MOST_ISSUES: Final = 200
_MOST_PLACES: Final = 20
_INDEX: Final = r"[0-9]{1,3}"
# Characters of all texts of one response together: nobody reads more of them.
_MOST_TEXT: Final = 20_000


class ErrorReport:
    """What an error response says.

    Args:
        own: the service gave it, and nothing in between.
        message: what it says to people.
        code: the service's code.
        request_id: the service's id of the exchange.
        issues: what was wrong with which field.
        rate_limit_reset: seconds until the window is whole again.
    """

    def __init__(
        self,
        own: bool,
        message: str,
        code: str | None,
        request_id: str | None,
        issues: list[Issue],
        rate_limit_reset: float | None,
    ) -> None:
        self.own = own
        self.message = message
        self.code = code
        self.request_id = request_id
        self.issues = issues
        self.rate_limit_reset = rate_limit_reset


class _Texts:
    """Cleans the texts of one response, as far as they are worth reading."""

    def __init__(self, redactor: Redactor) -> None:
        self._redactor = redactor
        self._left = _MOST_TEXT

    def clean(self, text: str) -> str:
        if len(text) > min(self._left, LONGEST_READ):
            return left_out(text)
        self._left -= len(text)
        return self._redactor.clean(text)


def read_error(response: HttpResponse, redactor: Redactor) -> ErrorReport:
    """Read an error response of either form: the API's own, or a FHIR ``OperationOutcome``.

    A page of a proxy, an empty response and anything else give a report by status alone; no part of it is repeated.
    """
    body: Any = None
    if response.body[:1] in (b"{", b" ", b"\n", b"\r", b"\t"):
        try:
            body = orjson.loads(response.body)
        except (orjson.JSONDecodeError, MemoryError, SystemError):
            body = None
    if not isinstance(body, Mapping):
        body = {}
    meta = body.get("meta") if isinstance(body.get("meta"), Mapping) else {}
    assert isinstance(meta, Mapping)
    own = is_own_head(response.headers) or is_own_error(body)
    texts = _Texts(redactor)
    message = _message(response.status, body, redactor, texts)
    issues = _issues(body.get("issues"), redactor, texts) or _issues(body.get("issue"), redactor, texts)
    if message is None:
        message = issues[0].get("diagnostics") if issues else None
    if message is None:
        message = _by_status(response.status) if own else _not_own(response.status)
    code = _code(body.get("code"), redactor)
    if code is None and body.get("resourceType") == "OperationOutcome" and issues:
        code = issues[0].get("code")
    request_id = next(
        (
            found
            for value in (body.get("requestId"), meta.get("requestId"), response.headers.get("x-request-id"))
            if (found := redactor.request_id(value)) is not None
        ),
        None,
    )
    return ErrorReport(own, message, code, request_id, issues, read_seconds(meta.get("rateLimitReset")))


def says_gone(response: HttpResponse, told: ErrorReport) -> bool:
    """Whether an error response says that there is no such record: the service's own, and about nothing else."""
    return response.status == 404 and told.own and told.code in (None, "NOT_FOUND", "not-found", "deleted")


def _not_own(status: int) -> str:
    if status in _REDIRECTS:
        # Most often from http:// to https://, or to the page where one logs in to the network.
        return (
            f"Status {status} is a redirect: from a gateway on the way, perhaps. "
            "Redirects are not followed. Check base_url."
        )
    return f"Status {status} came in a form that is not the service's: from a gateway on the way, perhaps."


def _by_status(status: int) -> str:
    return f"The service responded with status {status}."


def _message(status: int, body: Mapping[str, Any], redactor: Redactor, texts: _Texts) -> str | None:
    found = next(
        (text for text in (body.get("message"), body.get("error")) if isinstance(text, str) and text.strip()), None
    )
    if redactor.too_much:
        return (
            f"{_by_status(status)} What it said is left out, because the request was large and may be repeated in it."
        )
    return None if found is None else texts.clean(found)


def _code(value: Any, redactor: Redactor) -> str | None:
    if not isinstance(value, str):
        return None
    # Which of these it is tells nothing of a value.
    if value in DOCUMENTED_CODES or value in ISSUE_TYPES:
        return value
    return value if CODE.fullmatch(value) and not redactor.touches(value) else None


def _issues(value: Any, redactor: Redactor, texts: _Texts) -> list[Issue]:
    found = [item for item in value if isinstance(item, Mapping)] if isinstance(value, list) else []
    issues = [_issue(item, redactor, texts) for item in found[:_MOST_ISSUES]]
    if len(found) > _MOST_ISSUES:
        issues.append({"diagnostics": f"({len(found) - _MOST_ISSUES:,} more issues)"})
    return issues


def _issue(item: Mapping[str, Any], redactor: Redactor, texts: _Texts) -> Issue:
    issue: Issue = {}
    severity = item.get("severity")
    if isinstance(severity, str) and severity in SEVERITIES:
        issue["severity"] = severity
    if (code := _code(item.get("code"), redactor)) is not None:
        issue["code"] = code
    if redactor.too_much:
        return issue
    details = item.get("details")
    text = item.get("diagnostics") or (details.get("text") if isinstance(details, Mapping) else None)
    if isinstance(text, str):
        issue["diagnostics"] = texts.clean(text)
    places = item.get("location") or item.get("expression")
    if isinstance(places, list):
        named = [str(place) for place in places[:_MOST_PLACES] if isinstance(place, str | int)]
        # An index is no value, even if the request carried the same number.
        issue["location"] = [
            place if number and re.fullmatch(_INDEX, place) else texts.clean(place)
            for number, place in enumerate(named)
        ]
        if len(places) > _MOST_PLACES:
            issue["location"].append(f"({len(places) - _MOST_PLACES:,} more)")
    return issue
