"""What requests to a sandbox may hold, as the OpenAPI document has it. Anything else fails loudly."""

from __future__ import annotations

from collections import Counter
from typing import Any, Final

from ..._codecs import InputOptions, Issues, Location
from ..._model import schema_of
from ..._objects import encode_object
from .._answers import Refused
from .._exchange import NOT_JSON, Pairs, parse_json
from .._routes import OPERATIONS

__all__ = ["ON_THE_WIRE", "check_body", "check_parameters"]

# The service adjusts it: no text is wrong.
_FREE: Final = ("count",)
ON_THE_WIRE: Final = InputOptions(refuse_none=True, quiet=True, json=True)
"""A request on the wire leaves out what it does not give."""


def check_parameters(operation: str, query: Pairs) -> dict[str, str]:
    """The query of an operation in which no parameter may be given twice.

    Args:
        operation: its name.
        query: the decoded query.

    Raises:
        Refused: one is unknown, malformed, or there twice.
    """
    params = OPERATIONS[operation].params
    known = {} if params is None else schema_of(params).by_wire
    issues, here = Issues(), Location()
    given = dict(query)
    for name, times in Counter(name for name, _ in query).items():
        if name not in known:
            issues.add(here.key(name), f"unknown parameter; there are {', '.join(known) or 'none'}")
        elif times > 1:
            issues.add(here.key(name), "may be given once")
    if params is not None and not issues:
        checked = {name: value for name, value in given.items() if name not in _FREE}
        encode_object(params, checked, here, ON_THE_WIRE, issues)
    if issues:
        raise Refused(400, None, "The query is not valid.", issues=issues)
    return given


def check_body(operation: str, body: bytes) -> dict[str, Any]:
    """The JSON object of a request.

    Raises:
        Refused: it is not JSON, or something in it is not as the document has it.
    """
    value = parse_json(body)
    if value is NOT_JSON:
        raise Refused(400, "INVALID_JSON", "The request body could not be parsed.")
    model = OPERATIONS[operation].body
    assert model is not None
    issues = Issues()
    if not isinstance(value, dict):
        issues.add(Location(), "must be an object")
    else:
        encode_object(model, value, Location(), ON_THE_WIRE, issues)
    if issues:
        raise Refused(422, "VALIDATION_ERROR", "The request body is not valid.", issues=issues)
    checked: dict[str, Any] = value
    return checked
