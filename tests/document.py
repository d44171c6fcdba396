"""Whether an exchange is what ``openapi/clinik.yaml`` describes. A field has to be described wherever it stands."""

from __future__ import annotations

import re
from collections.abc import Mapping
from copy import copy
from typing import Any, NamedTuple

import orjson
from openapi_schema_validator import OAS31Validator, oas31_format_checker
from referencing import Registry
from referencing.jsonschema import DRAFT202012

from clinik_client import FhirDateTime
from clinik_client.testing import Exchange
from clinik_client.testing._exchange import NOT_JSON, parse_json
from tests.strategies import DOCUMENT, resolve

# What holds values, not schemas.
_TEXTS = ("example", "examples", "required", "enum", "const")


def media_type(content_type: str | None) -> str:
    return (content_type or "").partition(";")[0].strip()


def closed(node: Any) -> Any:
    """A schema that takes no fields but those it describes, where it does not say that there may be others."""
    if isinstance(node, Mapping):
        ends = {"additionalProperties": False} if "properties" in node else {}
        return ends | {key: value if key in _TEXTS else closed(value) for key, value in node.items()}
    return [closed(item) for item in node] if isinstance(node, list) else node


_ROOT_URI = "urn:clinik"
_REGISTRY: Registry[Any] = Registry().with_resource(_ROOT_URI, DRAFT202012.create_resource(closed(DOCUMENT)))


_FORMATS = copy(oas31_format_checker)
_FORMATS.checkers = {**_FORMATS.checkers}


@_FORMATS.checks("fhir-date-time", raises=ValueError)
def _is_fhir_date_time(value: object) -> bool:
    return isinstance(value, str) and bool(FhirDateTime.of(value))


def _absolute(node: Any) -> Any:
    """A schema whose references work outside of the document."""
    if isinstance(node, Mapping):
        return {key: _ROOT_URI + value if key == "$ref" else _absolute(value) for key, value in node.items()}
    return [_absolute(item) for item in node] if isinstance(node, list) else node


def check(schema: Any, value: Any) -> None:
    """Raise `ValidationError` if the value is not as described, or has a field that is not described."""
    schema = _absolute(closed(schema))
    OAS31Validator(schema, registry=_REGISTRY, format_checker=_FORMATS).validate(value)


class Endpoint(NamedTuple):
    """A described operation, and the values of its path parameters in the path of an exchange."""

    described: Mapping[str, Any]
    path_values: Mapping[str, str]

    def parameters(self, place: str) -> dict[str, Any]:
        found = [resolve(parameter) for parameter in self.described.get("parameters", [])]
        return {parameter["name"]: parameter for parameter in found if parameter["in"] == place}


def operation_of(exchange: Exchange) -> Endpoint:
    for template, item in DOCUMENT["paths"].items():
        pattern = re.sub(r"\\{(\w+)\\}", r"(?P<\1>[^/]+)", re.escape(template))
        match = re.fullmatch(pattern, exchange.path)
        if match and exchange.method.lower() in item:
            return Endpoint(item[exchange.method.lower()], match.groupdict())
    raise AssertionError(f"{exchange.method} {exchange.path} is not described")


def response_of(exchange: Exchange) -> Any:
    responses = operation_of(exchange).described["responses"]
    assert str(exchange.status) in responses, f"the status {exchange.status} is not described"
    return resolve(responses[str(exchange.status)])


def check_parameters(exchange: Exchange) -> None:
    """Fail if the request has a parameter that is not as described, or not described."""
    operation = operation_of(exchange)
    described = operation.parameters("path")
    assert described.keys() == operation.path_values.keys()
    for name, value in operation.path_values.items():
        check(described[name]["schema"], value)

    described = operation.parameters("query")
    names = [name for name, _ in exchange.query]
    for name in set(names):
        assert name in described, f"the parameter {name} is not described"
        values = [value for key, value in exchange.query if key == name]
        schema = resolve(described[name]["schema"])
        if schema["type"] == "array":
            check(schema, values)
        else:
            assert len(values) == 1
            check(schema, _typed(schema, values[0]))


def check_request_body(exchange: Exchange) -> None:
    """Fail if the body of the request is not as described."""
    content = body_content(exchange)
    if content is None:
        assert exchange.request_body == b""
        return
    check(content[media_type(exchange.request_header("content-type"))]["schema"], orjson.loads(exchange.request_body))


def body_content(exchange: Exchange) -> Mapping[str, Any] | None:
    """What the body of the request may be, by media type; ``None`` if there is to be none."""
    described = operation_of(exchange).described.get("requestBody")
    return None if described is None else resolve(described)["content"]


def check_response(exchange: Exchange) -> None:
    """Fail if the response has a body that is not as described."""
    if "content" in response_of(exchange):
        check_response_body(exchange, orjson.loads(exchange.response_body))
    else:
        assert (exchange.response_body, exchange.response_header("content-type")) == (b"", None)


def check_response_body(exchange: Exchange, body: Any) -> None:
    """Fail if this is not the described body of the response."""
    content = response_of(exchange)["content"]
    check(content[media_type(exchange.response_header("content-type"))]["schema"], body)


def check_response_headers(exchange: Exchange) -> None:
    """Fail if the response has a header that is not as described. Those of HTTP itself need no description."""
    described = {name.lower(): resolve(header) for name, header in response_of(exchange).get("headers", {}).items()}
    for name, value in exchange.response_headers:
        if name.lower() not in ("content-type", "content-length"):
            assert name.lower() in described, f"{name} is not described"
            schema = resolve(described[name.lower()]["schema"])
            check(schema, _typed(schema, value))


def _typed(schema: Mapping[str, Any], text: str) -> Any:
    if schema["type"] not in ("integer", "number", "boolean"):
        return text
    value = parse_json(text.encode())
    return text if value is NOT_JSON else value
