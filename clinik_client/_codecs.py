"""Codecs: how the wire form of each kind of value is read tolerantly and written strictly.

Generated models name one codec for each field, with the limits that the OpenAPI document gives it. A codec can

* ``decode`` what a response holds. Nothing is ever rejected: a value of another type than the document's gives
  `UNDECODABLE`, and the model keeps it as it came. Limits are not looked at.
* ``encode`` what a caller wants to send. Everything is checked, and every problem becomes one of the `Issues`, with
  the location and the limit but never the value.
"""

from __future__ import annotations

import math
import re
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Mapping
from datetime import date, datetime
from enum import Enum
from functools import cache
from numbers import Integral, Rational, Real
from typing import Any, Final

import orjson
from attrs import field, frozen

from ._errors import ClinikResponseError, ClinikValidationError, ClinikWarning, Issue
from ._fhir_datetime import FhirDateTime
from ._frames import warn
from ._interruption import is_interruption
from ._privacy import is_name

UNDECODABLE: Final = object()
"""What `Codec.decode` gives for a value of another kind than its own."""

# JSON numbers are doubles to most readers: beyond this an integral one may not be the number that was meant.
_EXACT = 2**53


@frozen
class Location:
    """Where in a request a value stands. Shown in wire names, ``diagnosis[0].rank``, and in the caller's spelling.

    Args:
        inside: where the object or list stands that the value is in; ``None`` for the request itself.
        wire: the value's name in there on the wire, or its index.
        python: its name in the caller's own spelling (keyword arguments), if that differs.
    """

    inside: Location | None = None
    wire: str | int = ""
    python: str | int | None = None

    def key(self, name: object) -> Location:
        """The place below a name that the caller chose; ``*`` stands for one that may be a value."""
        return Location(self, name if isinstance(name, str) and is_name(name) else "*")

    @property
    def steps(self) -> list[str]:
        """The way to the value, in wire names."""
        return [] if self.inside is None else [*self.inside.steps, str(self.wire)]

    def __str__(self) -> str:
        wire, python = self._path("wire").removeprefix("."), self._path("python").removeprefix(".")
        return (wire if wire == python else f"{wire} ({python})") or "request"

    def _path(self, spelling: str) -> str:
        if self.inside is None:
            return ""
        given = getattr(self, spelling)
        step = self.wire if given is None else given
        return self.inside._path(spelling) + (f"[{step}]" if isinstance(step, int) else f".{step}")


class Issues(list[Issue]):
    """The issues found in one request, each in the form of the API's own validation issues."""

    def __init__(self) -> None:
        super().__init__()
        self._expected: dict[Location, str] = {}

    def add(self, location: Location, text: str) -> None:
        self.append(
            {
                "severity": "error",
                "code": "invalid",
                "diagnostics": f"{location}: {text}",
                "location": location.steps,
            }
        )

    def mistype(self, location: Location, expected: str) -> None:
        """A value is not of the type that it has to be of."""
        self.add(location, f"must be {expected}")
        self._expected[location] = expected

    def expected(self, location: Location) -> str | None:
        """The type that a value at this place has to be of; ``None`` if it is of that type."""
        return self._expected.get(location)

    def error(self, operation: str | None = None) -> ClinikValidationError:
        """The error that tells all of them."""
        return ClinikValidationError("The request is not valid; nothing was sent.", issues=self, operation=operation)


@frozen(eq=False, repr=False)
class InputOptions:
    """How a caller spelled a request, and what ``None`` means in it.

    Args:
        keywords: names are Python's (``patient_id``); otherwise the API's (``patientId``).
        refuse_none: ``None`` is a problem; otherwise it means "not given".
        quiet: nobody is warned of codes that are not documented.
        json: it came as JSON, whose words tell what is wrong.
    """

    keywords: bool = False
    refuse_none: bool = False
    quiet: bool = False
    json: bool = False

    def words(self, python: str, json: str) -> str:
        """What the caller knows a thing as."""
        return json if self.json else python


class Codec(ABC):
    """Reads and writes one kind of value."""

    @abstractmethod
    def decode(self, value: Any) -> Any:
        """The Python value of what a response holds, or `UNDECODABLE`."""

    @abstractmethod
    def encode(self, value: Any, location: Location, options: InputOptions, issues: Issues) -> Any:
        """The wire value of what a caller gives; what is wrong with it goes to ``issues``."""

    def bind(self, find: Callable[[str], Any]) -> None:  # noqa: B027 - most codecs have no name to look up
        """Look up the models and enumerations that this codec names (they may refer to each other)."""

    @property
    def read_later(self) -> type[dict[str, Any]] | type[list[Any]] | None:
        """The type of the JSON that a model keeps as it came until it is touched; ``None`` if it is read at once."""
        return None

    def reader(self) -> Callable[[Any], Any]:
        """What then reads such a value: `decode`, or something faster."""
        return self.decode

    def models(self) -> tuple[Any, ...]:
        """The models that values are read as, or written from."""
        return ()

    def rewrite(self, value: Any) -> Any:
        """What would be written of a value after it was read. The value is nobody else's."""
        return value


def _plural(count: int, noun: str) -> str:
    return f"{count} {noun}" if count == 1 else f"{count} {noun}s"


@frozen(slots=False, eq=False, repr=False)
class Text(Codec):
    """A string, with limits in characters."""

    min_length: int | None = None
    max_length: int | None = None
    pattern: str | None = None
    pattern_text: str | None = None
    """What the pattern asks for, in words."""
    prefix: str = ""
    """Put in front of a value that does not begin with it."""

    def decode(self, value: Any) -> Any:
        return value if value.__class__ is str else UNDECODABLE

    def encode(self, value: Any, location: Location, options: InputOptions, issues: Issues) -> Any:
        if not isinstance(value, str):
            issues.mistype(location, "a string")
            return None
        value = value if value.startswith(self.prefix) else self.prefix + value
        if self.min_length is not None and len(value) < self.min_length:
            issues.add(location, f"must have at least {_plural(self.min_length, 'character')}")
        elif self.max_length is not None and len(value) > self.max_length:
            issues.add(location, f"must have at most {_plural(self.max_length, 'character')}")
        elif self.pattern is not None and not _compiled(self.pattern).search(value):
            issues.add(location, f"must be {self.pattern_text}" if self.pattern_text else f"must match {self.pattern}")
        elif not value.isascii() and any("\ud800" <= character <= "\udfff" for character in value):
            issues.add(location, "must be valid Unicode text (it holds a lone surrogate)")
        return str(value)


# Not functools.cached_property: its lock is one for all instances, and a fork in another thread could leave it locked.
@cache
def _compiled(pattern: str) -> re.Pattern[str]:
    # JSON Schema's patterns are ECMAScript's: `$` there is the very end, and `\d` is ASCII.
    return re.compile(re.sub(r"(?<!\\)\$$", r"\\Z", pattern), re.ASCII)


@frozen(eq=False, repr=False)
class Boolean(Codec):
    """``true`` or ``false``."""

    def decode(self, value: Any) -> Any:
        return value if value.__class__ is bool else UNDECODABLE

    def encode(self, value: Any, location: Location, options: InputOptions, issues: Issues) -> Any:
        if value.__class__ is not bool:
            issues.mistype(location, options.words("True or False", "true or false"))
        return value


@frozen(eq=False, repr=False)
class Number(Codec):
    """A number, with its range."""

    minimum: float | None = None
    maximum: float | None = None
    above: float | None = None
    """Exclusive minimum."""
    below: float | None = None
    """Exclusive maximum."""
    multiple_of: float | None = None

    def decode(self, value: Any) -> Any:
        return value if value.__class__ is int or value.__class__ is float else UNDECODABLE

    def encode(self, value: Any, location: Location, options: InputOptions, issues: Issues) -> Any:
        number = _as_number(value)
        # Only a float can be endless, and asking an int fails for one that no float can hold.
        if number is None or (isinstance(number, float) and not math.isfinite(number)):
            issues.mistype(location, "a finite number")
            return None
        return self._in_range(number, location, issues)

    def _in_range(self, value: float, location: Location, issues: Issues) -> float:
        if self.minimum is not None and value < self.minimum:
            issues.add(location, f"must be at least {self.minimum}")
        elif self.above is not None and value <= self.above:
            issues.add(location, f"must be above {self.above}")
        elif self.maximum is not None and value > self.maximum:
            issues.add(location, f"must be at most {self.maximum}")
        elif self.below is not None and value >= self.below:
            issues.add(location, f"must be below {self.below}")
        elif abs(value) > _EXACT:
            issues.add(location, "is too large to be sent exactly as a JSON number")
        elif self.multiple_of is not None and not _is_multiple(value, self.multiple_of):
            issues.add(location, f"must be a multiple of {self.multiple_of}")
        return value


def _as_number(value: Any) -> float | None:
    """An int or a float for a number of either kind, numpy's among them; ``None`` for anything else."""
    if isinstance(value, bool):
        return None
    if isinstance(value, Integral):
        return int(value)
    # A fraction is exact, and a float may not be.
    return float(value) if isinstance(value, Real) and not isinstance(value, Rational) else None


def _is_multiple(value: float, step: float) -> bool:
    ratio = value / step
    return math.isclose(ratio, round(ratio), rel_tol=1e-12, abs_tol=1e-12)


@frozen(eq=False, repr=False)
class Integer(Number):
    """A whole number, with its range. An integral ``12.0`` is one too (JSON Schema, section 6.1.1)."""

    def decode(self, value: Any) -> Any:
        if value.__class__ is int:
            return value
        if value.__class__ is float and value.is_integer() and abs(value) <= _EXACT:
            return int(value)
        return UNDECODABLE

    def encode(self, value: Any, location: Location, options: InputOptions, issues: Issues) -> Any:
        number = _as_number(value)
        if isinstance(number, float) and number.is_integer():
            number = int(number)
        if not isinstance(number, int):
            issues.mistype(location, "a whole number")
            return None
        return self._in_range(number, location, issues)


@frozen(eq=False, repr=False)
class Date(Codec):
    """A calendar day, ``YYYY-MM-DD`` (RFC 3339, full-date)."""

    def decode(self, value: Any) -> Any:
        if value.__class__ is str and len(value) == len("YYYY-MM-DD") and value[4] == value[7] == "-":
            try:
                return date.fromisoformat(value)
            except ValueError:
                return UNDECODABLE
        return UNDECODABLE

    def encode(self, value: Any, location: Location, options: InputOptions, issues: Issues) -> Any:
        if isinstance(value, date) and not isinstance(value, datetime):
            return value.isoformat()
        if isinstance(value, str) and value.isascii() and self.decode(str(value)) is not UNDECODABLE:
            return str(value)
        python, json = "a datetime.date or a valid YYYY-MM-DD string", "a date, written YYYY-MM-DD"
        issues.add(location, f"must be {options.words(python, json)}")
        return None


@frozen(eq=False, repr=False)
class DateTime(Codec):
    """A FHIR dateTime: an instant with its offset, or a day, a month, a year."""

    def decode(self, value: Any) -> Any:
        moment = FhirDateTime.read(value) if value.__class__ is str else None
        return UNDECODABLE if moment is None else moment

    def encode(self, value: Any, location: Location, options: InputOptions, issues: Issues) -> Any:
        if isinstance(value, date | str):
            try:
                return FhirDateTime.of(value).text
            except ValueError as error:
                if is_interruption(error):
                    raise
                issues.add(location, str(error))
                return None
        python, json = "an aware datetime, a date, or an ISO 8601 string", "an ISO 8601 string"
        issues.mistype(location, options.words(python, json))
        return None


@frozen(eq=False, repr=False)
class Json(Codec):
    """Any JSON value."""

    def decode(self, value: Any) -> Any:
        check_depth(value)
        return value

    def encode(self, value: Any, location: Location, options: InputOptions, issues: Issues) -> Any:
        if _is_deeper(value, DEEPEST):
            issues.add(location, f"must not be nested deeper than {DEEPEST} levels")
            return None
        return self._encode(value, location, options, issues)

    def _encode(self, value: Any, location: Location, options: InputOptions, issues: Issues) -> Any:
        if value is None or isinstance(value, bool):
            return value
        if isinstance(value, str):
            return Text().encode(value, location, options, issues)
        if isinstance(value, Real):
            return Number().encode(value, location, options, issues)
        if isinstance(value, list | tuple):
            return [self._encode(item, Location(location, index), options, issues) for index, item in enumerate(value)]
        if isinstance(value, Mapping) and all(isinstance(key, str) for key in value):
            for key in value:
                Text().encode(key, location, options, issues)
            return {str(key): self._encode(item, location.key(key), options, issues) for key, item in value.items()}
        issues.mistype(location, "a JSON value")
        return None


DEEPEST: Final = 100
"""How many levels deep a JSON value may be nested, in a request and in a response.

Far below what the writer can nest (254) and what Python can copy, pickle and compare; what is nested in a circle gets
there too.
"""


def check_depth(value: Any) -> None:
    """Refuse a value of a response that is nested too deep to be worked with.

    Raises:
        ClinikResponseError: it is.
    """
    if (value.__class__ is dict or value.__class__ is list) and is_deep(value):
        raise ClinikResponseError(f"The response is nested deeper than {DEEPEST} levels.")


def is_deep(value: Any) -> bool:
    """Whether a value is nested deeper than can be worked with."""
    return not (_writer_counts_levels() and _is_written(value)) and _is_deeper(value, DEEPEST)


# The JSON writer refuses what is nested deeper than 254 levels, and is far faster than Python: so much is put around a
# value that it refuses too deep ones. It may refuse others as well, so then Python looks.
_AROUND: Final = 254 + 1 - DEEPEST


def _is_written(value: Any) -> bool:
    for _ in range(_AROUND // 5):
        value = (((((value,),),),),)  # all at once, and tuples: much faster
    try:
        orjson.dumps(value)
    except orjson.JSONEncodeError as problem:
        # What was raised in a frame below is of a signal handler.
        if problem.__traceback__ is not None and problem.__traceback__.tb_next is not None:
            raise
        return False
    return True


@cache
def _writer_counts_levels() -> bool:
    value: Any = 0
    for _ in range(DEEPEST):
        value = [value]
    return not _is_written(value)


def _is_deeper(value: Any, levels: int) -> bool:
    items = value.values() if isinstance(value, Mapping) else value if isinstance(value, list | tuple) else None
    return items is not None and (levels == 0 or any(_is_deeper(item, levels - 1) for item in items))


@frozen(eq=False, repr=False)
class Map(Codec):
    """A JSON object with names of its own choice. What the document says of its values holds in requests."""

    item: Codec = Json()

    def bind(self, find: Callable[[str], Any]) -> None:
        self.item.bind(find)

    def models(self) -> tuple[Any, ...]:
        return self.item.models()

    def decode(self, value: Any) -> Any:
        check_depth(value)
        return value if value.__class__ is dict else UNDECODABLE

    def encode(self, value: Any, location: Location, options: InputOptions, issues: Issues) -> Any:
        if not isinstance(value, Mapping) or not all(isinstance(name, str) for name in value):
            issues.mistype(location, options.words("a dict with string keys", "an object"))
            return None
        for name in value:
            Text().encode(name, location, options, issues)
        return {str(name): self.item.encode(item, location.key(name), options, issues) for name, item in value.items()}


_CODE: Final = re.compile(r"[A-Za-z0-9-]{1,64}")


@frozen(slots=False, eq=False, repr=False)
class Enumeration(Codec):
    """One of the values that the document lists; responses may hold others."""

    name: str
    is_open: bool = False
    """Other codes may be sent as well."""
    members: dict[Any, Enum] = field(init=False, factory=dict, repr=False, eq=False)
    base: type[str] | type[int] = field(init=False, default=str, repr=False, eq=False)
    """The type of all its values, those that this version does not know included."""

    def bind(self, find: Callable[[str], Any]) -> None:
        self.members.update({member.value: member for member in find(self.name)})
        if all(isinstance(value, int) for value in self.members):
            # Frozen but for this: what is named is known only now.
            object.__setattr__(self, "base", int)

    def decode(self, value: Any) -> Any:
        return self.members.get(value, value) if value.__class__ is self.base else UNDECODABLE

    def encode(self, value: Any, location: Location, options: InputOptions, issues: Issues) -> Any:
        if isinstance(value, str | int) and not isinstance(value, bool) and value in self.members:
            return self.members[value].value
        if self.is_open and isinstance(value, str) and _CODE.fullmatch(value):
            if not options.quiet:
                text = f"{location}: sent, although it is none of the codes that the API's documentation lists"
                warn(text, ClinikWarning)
            return str(value)
        issues.add(location, f"must be one of {', '.join(map(str, self.members))}")
        return None


@frozen(eq=False, repr=False)
class Constant(Codec):
    """The one value that the document allows."""

    value: Any

    def decode(self, value: Any) -> Any:
        return value

    def encode(self, value: Any, location: Location, options: InputOptions, issues: Issues) -> Any:
        if value != self.value or isinstance(value, bool) != isinstance(self.value, bool):
            issues.add(location, f"must be {self.value!r}")
        return self.value


@frozen(eq=False, repr=False)
class Array(Codec):
    """A list of values of one kind."""

    item: Codec
    min_items: int | None = None
    max_items: int | None = None
    unique: bool = False

    def bind(self, find: Callable[[str], Any]) -> None:
        self.item.bind(find)

    @property
    def read_later(self) -> type[list[Any]] | None:
        return None if self.item.read_later is None else list

    def reader(self) -> Callable[[list[Any]], list[Any]]:
        kind, read = self.item.read_later, self.item.reader()

        def read_all(values: list[Any]) -> list[Any]:
            found = []
            for raw in values:
                found.append(read(raw) if type(raw) is kind else _as_it_came(raw))
            return found

        return read_all

    def models(self) -> tuple[Any, ...]:
        return self.item.models()

    def rewrite(self, value: Any) -> Any:
        return [self.item.rewrite(item) for item in value] if value.__class__ is list else value

    def decode(self, value: Any) -> Any:
        if value.__class__ is not list:
            return UNDECODABLE
        decode = self.item.decode
        # An item of another type (FHIR pads arrays with null) stays in its place, as it came.
        return [_as_it_came(raw) if (item := decode(raw)) is UNDECODABLE else item for raw in value]

    def encode(self, value: Any, location: Location, options: InputOptions, issues: Issues) -> Any:
        if isinstance(value, str | bytes | bytearray | Mapping) or not isinstance(value, Iterable):
            issues.mistype(location, "a list")
            return None
        items = list(value)
        if self.min_items is not None and len(items) < self.min_items:
            issues.add(location, f"must have at least {_plural(self.min_items, 'item')}")
        if self.max_items is not None and len(items) > self.max_items:
            issues.add(location, f"must have at most {_plural(self.max_items, 'item')}")
        encoded = [
            self.item.encode(item, Location(location, index), options, issues) for index, item in enumerate(items)
        ]
        if self.unique and any(item in encoded[:index] for index, item in enumerate(encoded)):
            issues.add(location, "must not hold the same item twice")
        return encoded


def _as_it_came(value: Any) -> Any:
    check_depth(value)
    return value


@frozen(eq=False, repr=False)
class OneOf(Codec):
    """A value that any of several codecs takes; the first that fits does."""

    codecs: tuple[Codec, ...]

    def bind(self, find: Callable[[str], Any]) -> None:
        for codec in self.codecs:
            codec.bind(find)

    def models(self) -> tuple[Any, ...]:
        return tuple(model for codec in self.codecs for model in codec.models())

    def decode(self, value: Any) -> Any:
        for codec in self.codecs:
            if (decoded := codec.decode(value)) is not UNDECODABLE:
                return decoded
        return UNDECODABLE

    def encode(self, value: Any, location: Location, options: InputOptions, issues: Issues) -> Any:
        attempts = []
        for codec in self.codecs:
            found = Issues()
            encoded = codec.encode(value, location, options, found)
            if not found:
                return encoded
            attempts.append(found)
        types = [found.expected(location) for found in attempts]
        if None in types:
            # Its type is right for this one: the limits that it breaks are told.
            issues.extend(attempts[types.index(None)])
        else:
            issues.mistype(location, " or ".join(dict.fromkeys(filter(None, types))))
        return None
