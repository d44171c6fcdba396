"""What every generated model does the same way: read, write, copy, show itself."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from datetime import date
from enum import Enum
from functools import cache
from typing import TYPE_CHECKING, Any, ClassVar, Final, Self, TypeVar

from attrs import AttrsInstance, fields, frozen

from ._codecs import Codec, check_depth, is_deep
from ._fhir_datetime import FhirDateTime
from ._interruption import is_interruption
from ._reader import UNREAD, OtherForm, Reader, compile_reader, copy_unread, slot_of

T = TypeVar("T", bound="Model")

_PLAIN: Final = frozenset({str, int, float, bool})

_METADATA = "clinik_client"


@frozen(eq=False, repr=False)
class Wire:
    """What the document says of one field.

    Args:
        wire: its name in JSON.
        codec: how its values are read and written.
        required: a request without it is refused.
        nullable: the document allows ``null`` for it.
    """

    wire: str
    codec: Codec
    required: bool = False
    nullable: bool = False
    name: str = ""


def wire(name: str, codec: Codec, *, required: bool = False, nullable: bool = False) -> dict[str, Wire]:
    """The ``metadata=`` of a generated attrs field."""
    return {_METADATA: Wire(name, codec, required, nullable)}


@frozen(eq=False, repr=False)
class Schema:
    """The fields of one model, in the document's order."""

    entries: tuple[Wire, ...]
    by_wire: dict[Any, Wire]
    by_name: dict[Any, Wire]
    """By the name in Python."""
    open: bool
    required: tuple[Wire, ...]
    slots: tuple[tuple[Wire, Callable[[Any], Any], int], ...]
    """Each field with what gives its slot, and where its JSON is in ``_raw`` while that is `UNREAD`."""


if TYPE_CHECKING:
    _Base = AttrsInstance
else:
    # A protocol has no __slots__: each model would have a __dict__ behind its own, and take misspelt attributes.
    _Base = object


class Model(_Base):
    """The base of every generated model.

    Reading is tolerant and loses nothing: what the document does not know, a ``null``, and a value of another type
    than the document's stay in ``additional_properties`` under their wire names. A field that a response lacks reads
    as ``None``. ``model["wireName"]`` gives a value by its name in the API, whether or not this version knows it.
    """

    __slots__ = ("_raw",)

    additional_properties: dict[str, Any]

    _raw: list[Any]
    """The JSON of the nested fields that are not read yet."""

    _open: ClassVar[bool] = False
    """The document allows any further field in a request."""
    _other_form: ClassVar[OtherForm | None] = None
    """Another form in which a response may hold this record."""

    @classmethod
    def from_dict(cls, record: Mapping[str, Any]) -> Self:
        """Read a record in wire names, as the API sends it. Never rejects a value; see the class.

        Args:
            record: the decoded JSON object. It is copied.

        Raises:
            ClinikResponseError: something in it is nested deeper than 100 levels.
            TypeError: it is no dict.
        """
        if not isinstance(record, Mapping):
            raise TypeError(f"from_dict takes one dict in the API's names, and was given {type(record).__name__}")
        return read_checked(cls, record, own=False)

    def to_dict(self) -> dict[str, Any]:
        """The record in wire names: exactly what was read, with the changes made since."""
        record = {}
        for entry, held, number in schema_of(type(self)).slots:
            value = held(self)
            if type(value) in _PLAIN:
                record[entry.wire] = value
            elif value is UNREAD and (copy := copy_unread(self._raw[number])) is not None:
                record[entry.wire] = entry.codec.rewrite(copy)
            elif value is not None:
                record[entry.wire] = _dump(getattr(self, entry.name))
        for name, value in self.additional_properties.items():
            if name not in record:
                record[name] = _dump(value)
        return record

    @classmethod
    def __get_pydantic_core_schema__(cls, source: Any, handler: Any) -> Any:
        """For pydantic and FastAPI: a model is read from its wire form, and written in it."""
        from pydantic_core import core_schema  # only pydantic calls this

        return core_schema.no_info_plain_validator_function(
            cls._validate,
            serialization=core_schema.plain_serializer_function_ser_schema(to_json, when_used="always"),
        )

    @classmethod
    def __get_pydantic_json_schema__(cls, core_schema: Any, handler: Any) -> dict[str, Any]:
        return {"type": "object", "title": cls.__name__}

    @classmethod
    def _validate(cls, value: Any) -> Self:
        if isinstance(value, cls):
            return value
        if isinstance(value, Mapping):
            return cls.from_dict(value)
        raise ValueError(f"must be {cls.__name__} or its dict in the API's names")

    def __getitem__(self, name: str) -> Any:
        entry = schema_of(type(self)).by_wire.get(name)
        if entry is not None and (value := getattr(self, entry.name)) is not None:
            return value
        return self.additional_properties[name]

    def __contains__(self, name: object) -> bool:
        return name in self.to_dict()

    def __repr__(self) -> str:
        shown = "".join(
            f" {name}={str(value)!r}"
            for name in ("id", "status")
            if isinstance(value := getattr(self, name, None), str)
        )
        rows = getattr(self, "data", None)
        if isinstance(rows, list):
            told = [("total", getattr(self, "total", None)), ("has_more", getattr(self, "has_more", None))]
            shown += f" of {len(rows)}" + "".join(f" {name}={value}" for name, value in told if value is not None)
        return f"<{type(self).__name__}{shown}>"


def to_json(value: Any) -> Any:
    """The wire form of a model, for ``json.dumps(..., default=to_json)`` and ``orjson.dumps(..., default=to_json)``.

    Args:
        value: a model, or a timestamp of one.

    Raises:
        TypeError: anything else, as these functions expect it.

    Example:
        >>> import json
        >>> from clinik_client import Encounter
        >>> json.dumps({"visit": Encounter.from_dict({"id": "enc_1", "class": "AMB"})}, default=to_json)
        '{"visit": {"id": "enc_1", "class": "AMB"}}'
    """
    if isinstance(value, Model):
        return value.to_dict()
    if isinstance(value, FhirDateTime):
        return value.text
    raise TypeError(f"{type(value).__name__} has no wire form")


def _dump(value: Any) -> Any:
    """The JSON value of a field. Not recursive: a response may be nested deeper than Python's calls."""
    result = [value]
    places: list[tuple[Any, Any]] = [(result, 0)]
    while places:
        holder, key = places.pop()
        match holder[key]:
            case Enum() as member:
                holder[key] = member.value
            case FhirDateTime() as moment:
                holder[key] = moment.text
            case date() as day:
                holder[key] = day.isoformat()
            case Model() as model:
                holder[key] = model.to_dict()
            case Mapping() as found:
                holder[key] = items = dict(found)
                places.extend((items, name) for name in items)
            case list() | tuple() as found:
                holder[key] = entries = list(found)
                places.extend((entries, index) for index in range(len(entries)))
    return result[0]


@cache
def schema_of(model: type[Model]) -> Schema:
    """The fields of a generated model, with their codecs."""
    # Models name each other by string, since they may refer to each other in circles: the package of the class knows. A
    # program's own subclass is elsewhere.
    packages = [sys.modules.get(one.__module__.rpartition(".")[0]) for one in model.__mro__]

    def find(name: str) -> Any:
        return next(getattr(package, name) for package in packages if hasattr(package, name))

    entries = []
    for attribute in fields(model):
        described: Wire | None = attribute.metadata.get(_METADATA)
        if described is not None:
            described.codec.bind(find)
            entries.append(
                Wire(described.wire, described.codec, described.required, described.nullable, attribute.name)
            )
    later = [entry for entry in entries if entry.codec.read_later is not None]
    return Schema(
        entries=tuple(entries),
        by_wire={entry.wire: entry for entry in entries},
        by_name={entry.name: entry for entry in entries},
        open=model._open,
        required=tuple(entry for entry in entries if entry.required),
        slots=tuple(
            (entry, slot_of(model, entry.name).__get__, later.index(entry) if entry in later else -1)
            for entry in entries
        ),
    )


def unread(record: Model, name: str) -> Any:
    """The JSON of a nested field that nobody has touched; ``None`` if it is read already."""
    _, held, number = next(slot for slot in schema_of(type(record)).slots if slot[0].name == name)
    return record._raw[number] if held(record) is UNREAD else None


@cache
def reader_of(model: type[Model]) -> Reader:
    """What reads the records of a model that are not nested too deep. It is made when it is asked for first."""
    return compile_reader(model, schema_of(model).entries, model._other_form)


def read_checked(model: type[T], record: Mapping[str, Any], *, own: bool) -> T:
    """Read any record.

    Args:
        model: what it is.
        record: the decoded JSON object.
        own: nobody else has it, so that it need not be copied.

    Raises:
        ClinikResponseError: something in it is nested deeper than 100 levels.
    """
    if is_deep(record):
        _check_depths(reader_of(model)(record))
    found: T = reader_of(model)(record, own)
    return found


def _check_depths(value: Any) -> None:
    """Look at all that is in a record, each on its own: as a whole it is nested deeper than they are."""
    if isinstance(value, Model):
        for item in value.additional_properties.values():
            check_depth(item)
        for entry in schema_of(type(value)).entries:
            _check_depths(getattr(value, entry.name))
    elif isinstance(value, list):
        for item in value:
            _check_depths(item)
    else:
        check_depth(value)


def has_another_form(model: type[Model], record: dict[str, Any]) -> bool:
    """Whether a record, or anything in it, may be in another form than it is written in."""
    other = model._other_form
    return (other is not None and other.matches(record)) or _holds_other_forms(model)


def models_in(model: type[Model]) -> list[type[Model]]:
    """A model, and all that it is made of. This loads them."""
    found = [model]
    for one in found:
        inside = (inner for entry in schema_of(one).entries for inner in entry.codec.models())
        found += dict.fromkeys(inner for inner in inside if inner not in found)
    return found


@cache
def _holds_other_forms(model: type[Model]) -> bool:
    return any(inner._other_form is not None for inner in models_in(model)[1:])


def date_time(value: FhirDateTime | date | str | None) -> FhirDateTime | None:
    """The converter of generated timestamp fields: what a caller may give becomes what is read.

    What cannot be converted stays as it is: sending it is refused with all other problems of the request.
    """
    if value is None or isinstance(value, FhirDateTime):
        return value
    try:
        return FhirDateTime.of(value)
    except (TypeError, ValueError) as error:
        if is_interruption(error):
            raise
        return value  # type: ignore[return-value]  # see the docstring
