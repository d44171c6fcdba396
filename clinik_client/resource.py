"""What every resource does the same way: send, read the answer, walk through pages."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from types import FunctionType
from typing import Any, ClassVar, Final, Self

import orjson
from attrs import frozen

from .calls import public
from .errors import ClinikResponseError
from .fhir import reference_id
from .fields import Array, check_depth
from .interruption import is_interruption
from .model import Model, schema_of
from .objects import Object
from .operation import Request
from .pagination import Pages
from .response import ApiResponse, read_meta
from .retry import Misread, Sender, WriteState
from .transport import Reply


class Resource:
    """The base of the facades. Holds nothing but where to send requests."""

    __slots__ = ("_sender", "_state")

    same: ClassVar[tuple[str, ...]] = ()
    """The ids that an answer has in common with what was asked for, in wire names: one with others is about something
    else. Only what nobody normalises, and what cannot change."""

    _state: WriteState | None

    def __init__(self, sender: Sender) -> None:
        self._sender = sender
        self._state = None

    def __init_subclass__(cls) -> None:
        super().__init_subclass__()
        for name, member in list(vars(cls).items()):
            if isinstance(member, FunctionType) and not name.startswith("_"):
                setattr(cls, name, public(member))

    def _during(self, state: WriteState) -> Self:
        """The facade for one call, which may be made by another one's method."""
        facade = object.__new__(type(self))
        facade._sender, facade._state = self._sender, self._state or state
        return facade

    def __repr__(self) -> str:
        return f"<{type(self).__name__}>"

    def _send(self, request: Request) -> ApiResponse[Any]:
        """Send a request that an endpoint module has built."""
        return send(self._sender, request, self.same, self._state)

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


def send(
    sender: Sender, request: Request, same: tuple[str, ...] = (), state: WriteState | None = None
) -> ApiResponse[Any]:
    """Send a request and put the answer's data and metadata together. For ``same`` see `Resource`."""
    return sender.send(request, partial(_read, same), state)


def _read(
    same: tuple[str, ...], request: Request, reply: Reply, attempts: int, already_deleted: bool
) -> ApiResponse[Any]:
    answer = Answer(None, {}) if already_deleted else read_answer(request, reply, same)
    meta = read_meta(answer.meta, reply.headers, reply.status, attempts, already_deleted=already_deleted)
    return ApiResponse(answer.data, meta)


def read_answer(request: Request, reply: Reply, same: tuple[str, ...] = ()) -> Answer:
    """Read a 2xx answer.

    Raises:
        Misread: it is not JSON, not what the operation answers with, or about something else. The text is safe to show.
    """
    try:
        return _read_answer(request, reply, same)
    except ClinikResponseError as error:
        problem = error.message
    except (MemoryError, RecursionError, SystemError) as error:
        # orjson and the interpreter tell in these ways that there is not enough memory.
        if is_interruption(error):
            raise
        problem = "The answer could not be read: there is not enough memory."
    raise Misread(problem)


def _read_answer(request: Request, reply: Reply, same: tuple[str, ...]) -> Answer:
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
    if request.answer is None:
        check_depth(data)
        return Answer(data, meta)
    return Answer(_read_model(request, request.answer, data, same), meta)


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
        raise Misread(_ANOTHER_RECORD, another=True)
    return body


def _meta_of(body: Any) -> Mapping[str, Any]:
    meta = body.get("meta") if isinstance(body, dict) else None
    return meta if isinstance(meta, dict) else {}


_ANOTHER_RECORD: Final = "The answer is about another record than the one that was asked for."


def _read_model(request: Request, model: type[Model], data: Any, same: tuple[str, ...]) -> Model:
    if not isinstance(data, dict):
        raise Misread("The answer has no record in it.")
    if (rows := _row_model(model)) is not None:
        page = _read_page(model, rows, data)
        for row in page["data"]:
            _check_same(request, row, same)
        return page
    if not _is_record(model, data):
        raise Misread(f"The answer is not a record of the kind that was asked for ({model.__name__}).")
    if request.record_id is not None and data["id"] != request.record_id:
        raise Misread(_ANOTHER_RECORD, another=True)
    record = model.from_dict(data)
    _check_same(request, record, same)
    return record


def _check_same(request: Request, record: Model, same: tuple[str, ...]) -> None:
    """What the record does not tell cannot speak against it."""
    for name in same:
        asked = request.asked_for(name)
        attribute = schema_of(type(record)).readers.get(name)
        told = None if attribute is None else getattr(record, attribute[0])
        if isinstance(asked, str) and isinstance(told, str) and reference_id(told) not in (None, reference_id(asked)):
            raise Misread(f"The answer names another {name} than was asked for.", another=True)


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
