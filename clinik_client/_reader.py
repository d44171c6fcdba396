"""The code that reads records into models, made for each class from its fields when the first record is read.

Fields are put into their slots in straight-line code. Nested objects, and lists of them, stay as they came until they
are touched: a program that walks through thousands of records looks at few of them.
"""

from __future__ import annotations

import linecache
import marshal
from collections.abc import Callable, Mapping
from types import MemberDescriptorType
from typing import Any, Final, Protocol

from ._codecs import (
    UNDECODABLE,
    Array,
    Boolean,
    Codec,
    DateTime,
    Enumeration,
    Integer,
    Number,
    OneOf,
    Text,
    check_depth,
)
from ._fhir_datetime import FhirDateTime
from ._frames import forget_variables

UNREAD: Final = object()
"""Stands in the slot of a nested field until it is touched. Its JSON is in the record's ``_raw`` so long. And in the
slot of ``additional_properties`` for an empty dict, which most records have and few programs look at."""


def freeze(value: Any) -> Any:
    """A copy of JSON that nobody can change: bytes, which are made faster than another dict."""
    try:
        return marshal.dumps(value)
    except ValueError:
        # Not all of it is JSON.
        return copied(value)


def copy_unread(raw: Any) -> Any:
    """A copy of JSON that is not read yet; ``None`` if not all of it is JSON."""
    frozen = raw if type(raw) is bytes else freeze(raw)
    return marshal.loads(frozen) if type(frozen) is bytes else None


def copied(value: Any) -> Any:
    """A copy of JSON. What is no JSON in it stays what it is."""
    if type(value) is dict:
        return {name: copied(item) for name, item in value.items()}
    return [copied(item) for item in value] if type(value) is list else value


# In front of a field's name: the name of its slot alone, below the property that lies over it.
_SLOT: Final = "_slot_of_"


def slot_of(model: type[Any], name: str) -> MemberDescriptorType:
    """The slot of a field, also below the property that lies over that of a nested one."""
    slot = getattr(model, _SLOT + name, None) or getattr(model, name)
    assert isinstance(slot, MemberDescriptorType)
    return slot


# Properties over slots that may be `UNREAD`. Not ``__getattr__``, which would make all slots of the model slow.
# Python turns to another thread, or to a signal, after calls and when a loop begins anew. So between seeing that nobody
# has put a value there and putting it nobody comes: all get what was put there first, and no assignment gets lost.
_TOUCH_NESTED: Final = """
def touch_{name}(record):
    found = record.{slot}
    if found is UNREAD:
        raw = record._raw[{number}]
        # Whoever takes it away has put the value there before.
        if raw is not None:
            try:
                value = read_{name}(loads(raw) if type(raw) is bytes else raw)
            except BaseException as error:
                # A signal handler's, perhaps: it takes no values along.
                raw = record = None
                forget_variables(error)
                raise
            if record.{slot} is UNREAD: {put}
            record._raw[{number}] = None
        found = record.{slot}
    return found
"""
_TOUCH_REST: Final = """
def touch_{name}(record):
    if record.{slot} is UNREAD: {put}
    return record.{slot}
"""
_REST: Final = "additional_properties"


def _read_when_called(codec: Codec, name: str, known: dict[str, Any]) -> Callable[[Any], Any]:
    """Reads with a codec whose models may not be there yet; it takes its own place in what the code knows."""

    def read(raw: Any) -> Any:
        known[name] = codec.reader()
        return known[name](raw)

    return read


class FieldOfModel(Protocol):
    """What a reader has to know of a field."""

    @property
    def wire(self) -> str: ...
    @property
    def name(self) -> str: ...
    @property
    def codec(self) -> Codec: ...


class OtherForm(Protocol):
    """Another form in which a response may hold a record."""

    @property
    def resource_type(self) -> str:
        """What such a record says that it is."""

    def matches(self, record: Mapping[str, Any]) -> bool:
        """Whether a record is in this form: then there is something in it that none of the model's fields takes."""

    def simplify(self, resource: Mapping[str, Any]) -> dict[str, Any]:
        """The same record in the form that the document describes."""


class Reader(Protocol):
    """Reads records of one model that are not nested too deep."""

    def __call__(self, record: Mapping[str, Any], own: bool = True, /) -> Any:
        """Read one.

        Args:
            record: the decoded JSON object.
            own: nobody else has it, so that it need not be copied.
        """


_BARE: Final = {"__slots__": (), "__init__": object.__init__, "__setattr__": object.__setattr__}

# The type of the values that are taken as they are. Of others, and of a codec that is not here, `decode` decides.
_AS_THEY_ARE: Final = {Text: "str", Boolean: "bool", Number: "int", Integer: "int"}


def compile_reader(model: type[Any], entries: tuple[FieldOfModel, ...], other: OtherForm | None) -> Reader:
    """Make the reader of a model, and the properties of its nested fields. Tracebacks and debuggers show their text.

    Args:
        model: a class that attrs has made.
        entries: its fields, those that the document describes.
        other: the other form in which a record may come.
    """
    # The slots alone, without the properties over them and the converters: after the last it becomes the model.
    slots = {name: slot_of(model, name) for name in (*(entry.name for entry in entries), _REST)}
    blank = type(model.__name__, (model,), {**_BARE, **slots})
    names = {entry.wire: entry.name for entry in entries}

    def rest(row: Any, record: Mapping[str, Any], own: bool) -> dict[str, Any]:
        left = (item for item in record.items() if item[0] not in names or getattr(row, names[item[0]]) is None)
        return dict(left) if own else {name: copied(value) for name, value in left}

    known: dict[str, Any] = {"__name__": __name__, "UNDECODABLE": UNDECODABLE, "UNREAD": UNREAD, "freeze": freeze}
    known |= {"loads": marshal.loads, "forget_variables": forget_variables}
    known |= {f"put_{name}": slot.__set__ for name, slot in slots.items()}
    known |= {"copied": copied, "rest": rest, "blank": blank, "model": model, "check_depth": check_depth}
    lines = ["def read(record, own=True):", "    row, get, missing = blank(), record.get, 0"]
    nested = {entry.name: entry.codec for entry in entries if entry.codec.read_later is not None}
    raw = [f"raw_{name}" for name in nested]
    if nested:
        lines.append(f"    {' = '.join(raw)} = None")
    for number, entry in enumerate(entries):
        lines.append(f"    value = get({entry.wire!r})")
        if (kind := entry.codec.read_later) is not None:
            lines += [f"    if type(value) is {kind.__name__}:", f"        row.{entry.name} = UNREAD"]
            lines.append(f"        raw_{entry.name} = value if own else freeze(value)")
        else:
            for word, (fits, taken) in zip(("if", "elif"), _branches(entry.codec, number, known), strict=False):
                lines += [f"    {word} {fits}:", f"        row.{entry.name} = {taken}"]
        lines += ["    else:", f"        row.{entry.name} = None", "        missing += 1"]
    if nested:
        lines.append(f"    row._raw = [{', '.join(raw)}]")
    lines += [f"    if len(record) + missing == {len(entries)}:", "        row.additional_properties = UNREAD"]
    if other is not None:
        known |= {"matches": other.matches, "simplify": other.simplify}
        lines += [
            "    elif matches(record):",
            "        check_depth(record)",
            "        return read(simplify(record), own)",
        ]
    lines += ["    else:", "        row.additional_properties = rest(row, record, own)"]
    lines += ["    row.__class__ = model", "    return row"]
    source, file = "\n".join(lines) + "\n", f"<reader of {model.__module__}.{model.__qualname__}>"
    source += _touching(model, nested, known)
    linecache.cache[file] = len(source), None, source.splitlines(keepends=True), file
    exec(compile(source, file, "exec"), known)
    for name in (*nested, _REST):
        setattr(model, _SLOT + name, slots[name])
        setattr(model, name, property(known[f"touch_{name}"], slots[name].__set__, slots[name].__delete__))
    reader: Reader = known["read"]
    return reader


def _touching(model: type[Any], nested: Mapping[str, Codec], known: dict[str, Any]) -> str:
    """The functions that the properties call; ``known`` receives what they need."""
    # Past a model's own way to take assignments, which would be a call. Without one, nothing is faster than to say it.
    converts = any("__setattr__" in vars(one) for one in model.__mro__[:-1])
    put = "put_{0}(record, {1})" if converts else "record." + _SLOT + "{0} = {1}"
    source = _TOUCH_REST.format(name=_REST, slot=_SLOT + _REST, put=put.format(_REST, "{}"))
    for number, (name, codec) in enumerate(nested.items()):
        source += _TOUCH_NESTED.format(name=name, slot=_SLOT + name, number=number, put=put.format(name, "value"))
        known[f"read_{name}"] = _read_when_called(codec, f"read_{name}", known)
    return source


def _branches(codec: Codec, number: int, known: dict[str, Any]) -> list[tuple[str, str]]:
    """When the value of a field is taken, and what for; ``known`` receives what the code needs for it."""
    known[f"decode_{number}"] = codec.decode
    decoded = f"(value := decode_{number}(value if own else copied(value)))"
    branches = [(f"value is not None and {decoded} is not UNDECODABLE", "value")]
    first = codec.codecs[0] if type(codec) is OneOf else codec
    if type(first) is Enumeration:
        known[f"members_{number}"] = first.members
        branches.insert(0, (f"type(value) is {first.base.__name__}", f"members_{number}.get(value, value)"))
    elif type(first) in _AS_THEY_ARE:
        branches.insert(0, (f"type(value) is {_AS_THEY_ARE[type(first)]}", "value"))
    elif type(first) is Array and type(first.item) in (Text, Boolean, Number):
        # What does not fit stays in its place as it came, as the others do.
        branches.insert(0, ("type(value) is list", "value if own else copied(value)"))
    elif type(first) is DateTime:
        known["moment_of"] = FhirDateTime.read
        branches.insert(0, ("type(value) is str and (moment := moment_of(value)) is not None", "moment"))
    return branches
