"""What every resource does the same way: send, read the answer, walk through pages."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import FunctionType
from typing import Any

import orjson
from attrs import frozen

from .fields import Array
from .model import Model, schema_of
from .objects import Object
from .operation import Request
from .pagination import Pages
from .privacy import leaves_nothing
from .response import ApiResponse, read_meta
from .retry import Misread, Sender
from .transport import Reply


class Resource:
    """The base of the facades. Holds nothing but where to send requests."""

    __slots__ = ("_sender",)

    def __init__(self, sender: Sender) -> None:
        self._sender = sender

    def __init_subclass__(cls) -> None:
        super().__init_subclass__()
        for name, member in list(vars(cls).items()):
            if isinstance(member, FunctionType) and not name.startswith("_"):
                setattr(cls, name, leaves_nothing(member))

    def __repr__(self) -> str:
        return f"<{type(self).__name__}>"

    def _send(self, request: Request) -> ApiResponse[Any]:
        """Send a request that an endpoint module has built."""
        return send(self._sender, request)

    def _walk(
        self,
        build: Callable[..., Request],
        given: Model | Mapping[str, Any] | None,
        fields: Mapping[str, Any],
        limit: int | None,
    ) -> Pages[Any]:
        """Walk through all pages of a search."""
        request = build(given, **fields)
        return Pages(self._send, request, limit)


@frozen
class Answer:
    """A 2xx answer, read."""

    data: Any
    meta: Mapping[str, Any]


def send(sender: Sender, request: Request) -> ApiResponse[Any]:
    """Send a request and put the answer's data and metadata together."""
    sent = sender.send(request, read_answer)
    meta = read_meta(
        sent.value.meta, sent.reply.headers, sent.reply.status, sent.attempts, already_deleted=sent.already_deleted
    )
    return ApiResponse(sent.value.data, meta)


def read_answer(request: Request, reply: Reply) -> Answer:
    """Read a 2xx answer.

    Raises:
        Misread: it is not JSON, not what the operation answers with, or about another record. The text is safe to show.
    """
    if request.deletes:
        return Answer(None, _meta_of(_read_deletion(request, reply)))
    if not reply.body.strip():
        if request.answer is not None:
            raise Misread("The answer is empty.")
        return Answer(None, {})
    body = _json(reply.body)
    if body is _NOT_JSON:
        raise Misread("The answer is not JSON.")
    meta = _meta_of(body)
    data = body["data"] if _is_envelope(request, body, meta) else body
    return Answer(data if request.answer is None else _read_model(request, request.answer, data), meta)


def _is_envelope(request: Request, body: Any, meta: Mapping[str, Any]) -> bool:
    if not isinstance(body, dict) or "data" not in body:
        return False
    if request.answer is not None:
        # A page that came without an envelope has data of its own, but that is a list.
        return isinstance(body["data"], dict)
    return bool(meta) or body.keys() <= {"data", "meta"}


_NOT_JSON = object()


def _json(body: bytes) -> Any:
    # orjson's error would carry the text along: it ends here.
    try:
        return orjson.loads(body)
    except orjson.JSONDecodeError:
        return _NOT_JSON


def _read_deletion(request: Request, reply: Reply) -> Any:
    """The answer to a delete is empty, or it may tell of the deletion. A page of something else does not confirm it."""
    body = _json(reply.body) if reply.body.strip() else None
    if body is not None and (not isinstance(body, dict) or "error" in body):
        raise Misread("The answer does not say that the record was deleted.")
    data = body.get("data") if body else None
    is_outcome = isinstance(data, dict) and data.get("resourceType") == "OperationOutcome"
    if isinstance(data, dict) and not is_outcome and data.get("id", request.record_id) != request.record_id:
        raise Misread("The answer is about another record than the one that was asked for.")
    return body


def _meta_of(body: Any) -> Mapping[str, Any]:
    meta = body.get("meta") if isinstance(body, dict) else None
    return meta if isinstance(meta, dict) else {}


def _read_model(request: Request, model: type[Model], data: Any) -> Model:
    if not isinstance(data, dict):
        raise Misread("The answer has no record in it.")
    if (rows := _row_model(model)) is not None:
        return _read_page(model, rows, data)
    if not _is_record(model, data):
        raise Misread(f"The answer is not a record of the kind that was asked for ({model.__name__}).")
    if request.record_id is not None and data["id"] != request.record_id:
        raise Misread("The answer is about another record than the one that was asked for.")
    return model.from_dict(data)


def _row_model(model: type[Model]) -> type[Model] | None:
    """The model of the rows, if this is the model of a page."""
    schema = schema_of(model)
    if "hasMore" not in schema.readers:
        return None
    for entry in schema.entries:
        if entry.wire == "data" and isinstance(entry.kind, Array) and isinstance(entry.kind.item, Object):
            return entry.kind.item.model
    return None


def _read_page(model: type[Model], rows: type[Model], data: dict[str, Any]) -> Model:
    if not isinstance(data.get("data"), list):
        raise Misread("The answer has no page of records in it.")
    # The data store appends rows that tell of warnings; they are not records (API documentation, search).
    records = [row for row in data["data"] if _is_record(rows, row)]
    others = [row for row in data["data"] if not _is_record(rows, row)]
    page = {**data, "data": records}
    return model.from_dict({**page, "otherRows": others} if others else page)


def _is_record(model: type[Model], data: Any) -> bool:
    if not isinstance(data, dict):
        return False
    resource = model._fhir_resource or model.__name__
    has_id = "id" not in schema_of(model).readers or (isinstance(data.get("id"), str) and data["id"] != "")
    return has_id and data.get("resourceType", resource) == resource
