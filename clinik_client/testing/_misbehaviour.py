"""What a server does with a request that meets a fault."""

from __future__ import annotations

from collections.abc import Callable
from http import HTTPStatus
from typing import Final

from attrs import evolve

from ._connection import Connection
from ._error_response import error_response
from ._fault import Fault
from ._faults import Meeting
from ._routes import SAFE_METHODS
from ._steps import GARBAGE, gzip_bomb, hang, send_slowly
from ._wire import WireRequest, WireResponse, encode_response

__all__ = ["misbehave"]

_SENDING_THE_RESPONSE: Final = ("drip", "cut", "bomb")

Apply = Callable[[], WireResponse]
"""Does what was asked; the right response."""
Tell = Callable[[WireResponse], None]
"""Writes down the response that is sent, or begun."""


def misbehave(
    meeting: Meeting, request: WireRequest, connection: Connection, apply: Apply, tell: Tell
) -> WireResponse | None:
    """Do what the fault says.

    Returns:
        A response to be sent, after which the connection goes on; ``None`` to end it.
    """
    fault = meeting.fault
    if fault.kind == "latency":
        return _respond_late(meeting, connection, apply, tell)
    right = apply() if _is_applied(fault, request) else None
    match fault.kind:
        case "reset":
            connection.close(reset=True)
        case "close":
            connection.finish()
        case "hang":
            hang(connection)
        case "garbage":
            connection.send(GARBAGE)
            connection.finish()
        case "status":
            response = _error(meeting)
            tell(response)
            return response
        case "bomb":
            response = _bomb(right or _error(meeting), fault.size)
            tell(response)
            return response
        case "drip":
            response = right or _error(meeting)
            tell(response)
            whole = encode_response(response, request.method)
            send_slowly(connection, (whole[at : at + 1] for at in range(len(whole))), every=meeting.seconds)
            connection.finish()
        case "cut":
            response = right or _error(meeting)
            tell(response)
            _cut(fault, encode_response(response, request.method), connection)
    return None


def _is_applied(fault: Fault, request: WireRequest) -> bool:
    return fault.after_apply or (fault.kind in _SENDING_THE_RESPONSE and request.method in SAFE_METHODS)


def _respond_late(meeting: Meeting, connection: Connection, apply: Apply, tell: Tell) -> WireResponse | None:
    response = apply() if meeting.fault.after_apply else None
    if not connection.wait(meeting.seconds):
        return None
    response = response or apply()
    tell(response)
    return response


def _error(meeting: Meeting) -> WireResponse:
    fault = meeting.fault
    return error_response(
        fault.status,
        "A fault that was asked for.",
        request_id=f"req_fault_{meeting.number}",
        form=fault.form,
        code=fault.code,
        retry_after=fault.retry_after,
    )


def _bomb(response: WireResponse, size: int) -> WireResponse:
    # A response that has no body has room for none.
    status = HTTPStatus.OK if response.status == HTTPStatus.NO_CONTENT else response.status
    return evolve(
        response,
        status=int(status),
        headers=[*response.headers, ("content-encoding", "gzip")],
        body=gzip_bomb(size),
    )


def _cut(fault: Fault, whole: bytes, connection: Connection) -> None:
    head = whole.index(b"\r\n\r\n") + 4
    at = head + (len(whole) - head) // 2 if fault.at is None else fault.at
    # At least a byte is missing, or it would be no cut.
    connection.send(whole[: min(at, len(whole) - 1)])
    if fault.end == "reset":
        connection.close(reset=True)
    else:
        connection.finish()
