"""The models of the peers, equal to ours because they are made from them.

They have the same names in Python and on the wire and the same types, and keep what they do not know where a library
can. A moment is a ``datetime``: our `FhirDateTime` is one, too.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from enum import Enum
from functools import cache, reduce
from importlib import import_module
from operator import or_
from typing import Any, get_args, get_origin, get_type_hints

from attrs import frozen

from clinik_client import EncounterPage, FhirDateTime
from clinik_client._generated import models
from clinik_client._model import Model, schema_of


@frozen
class _Library:
    """What models are made with.

    Args:
        base: what they inherit from.
        field: makes a field, from its name on the wire, its type and, if it has one, its default.
        members: what else each class says.
        enumerations: a field may be one of ours or any other text; where not, it is a text.
    """

    base: Any
    field: Callable[..., Any]
    members: dict[str, Any]
    enumerations: bool = True


@cache
def pydantic_page() -> Any:
    pydantic = import_module("pydantic")
    return _page(_Library(pydantic.BaseModel, _by_alias, {"model_config": {"extra": "allow"}}))


@cache
def openai_page() -> Any:
    """openai's models keep what they do not know by themselves."""
    return _page(_Library(import_module("openai").BaseModel, _by_alias, {}))


@cache
def msgspec_page() -> Any:
    """msgspec keeps nothing that a model does not have, and knows no choice between an enumeration and other texts."""
    msgspec = import_module("msgspec")

    def field(wire: str, kind: Any, **default: Any) -> Any:
        return msgspec.field(name=wire, **default)

    return _page(_Library(msgspec.Struct, field, {}, enumerations=False))


def row_of(page: Any) -> Any:
    """The model of a page's rows."""
    return get_args(page.__annotations__["data"])[0]


def _by_alias(wire: str, kind: Any, **default: Any) -> Any:
    # Where several types would do, the first that does: a status that we know is our enumeration's, as it is with us.
    # pydantic's own way to choose takes longer, and gives the text.
    mode = {"union_mode": "left_to_right"} if len(get_args(kind)) > 2 else {}
    return import_module("pydantic").Field(alias=wire, **mode, **default)


def _page(library: _Library) -> Any:
    return _made_from(EncounterPage, library)


def _made_from(model: type[Model], library: _Library) -> Any:
    hints = get_type_hints(model, localns={name: getattr(models, name) for name in models.__all__})
    kinds, members = {}, dict(library.members)
    # Those without a default come first, as msgspec wants them.
    for entry in sorted(schema_of(model).entries, key=lambda entry: not entry.required):
        kinds[entry.name] = kind = _kind(hints[entry.name], library)
        members[entry.name] = library.field(entry.wire, kind, **({} if entry.required else {"default": None}))
    members |= {"__annotations__": kinds, "__module__": __name__}
    return type(f"Peers{model.__name__}", (library.base,), members)


def _kind(hint: Any, library: _Library) -> Any:
    """The peer's type for one of ours."""
    if hint is FhirDateTime:
        return datetime
    if isinstance(hint, type) and issubclass(hint, Model):
        return _made_from(hint, library)
    if isinstance(hint, type) and issubclass(hint, Enum) and not library.enumerations:
        return str
    if get_origin(hint) is list:
        return list.__class_getitem__(_kind(get_args(hint)[0], library))
    return reduce(or_, (_kind(one, library) for one in get_args(hint))) if get_args(hint) else hint
