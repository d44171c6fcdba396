"""How whole objects of a request are checked and written."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from difflib import get_close_matches
from typing import Any

from attrs import evolve, field, frozen

from ._codecs import UNDECODABLE, Codec, InputOptions, Issues, Json, Location
from ._model import Model, has_another_form, reader_of, schema_of
from ._privacy import is_name


@frozen(slots=False, eq=False, repr=False)
class Object(Codec):
    """A nested model."""

    name: str
    read_as: str | None = None
    """The model that responses hold in its place, if that is another one. It may be given, too."""
    model: type[Model] = field(init=False, repr=False, eq=False)
    """The class of that name."""
    other: type[Model] = field(init=False, repr=False, eq=False)
    """The class that it is read as."""

    def bind(self, find: Callable[[str], Any]) -> None:
        # Frozen but for this: what is named is known only now.
        object.__setattr__(self, "model", find(self.name))
        object.__setattr__(self, "other", find(self.read_as or self.name))

    @property
    def read_later(self) -> type[dict[str, Any]]:
        return dict

    def reader(self) -> Callable[[Any], Any]:
        return reader_of(self.model)

    def models(self) -> tuple[type[Model], ...]:
        return tuple(dict.fromkeys((self.model, self.other)))

    def decode(self, value: Any) -> Any:
        return reader_of(self.model)(value) if value.__class__ is dict else UNDECODABLE

    def rewrite(self, value: Any) -> Any:
        if value.__class__ is not dict or not has_another_form(self.model, value):
            return value
        written: dict[str, Any] = reader_of(self.model)(value).to_dict()
        return written

    def encode(self, value: Any, location: Location, options: InputOptions, issues: Issues) -> Any:
        if isinstance(value, self.other) and self.read_as is not None:
            value, options = _set_fields(self.other, value), evolve(options, keywords=False)
        return encode_object(self.model, value, location, options, issues)


def encode_object(
    model: type[Model], value: Any, location: Location, options: InputOptions, issues: Issues
) -> dict[str, Any]:
    """The wire form of one object of a request, given as a model or as a mapping in the caller's spelling.

    Args:
        model: the generated class that says which fields there are.
        value: an instance of it, or a mapping in Python names (``options.keywords``) or wire names.
        location: where it stands in the request.
        options: see `InputOptions`.
        issues: receives everything that is wrong.

    Returns:
        The object in wire names. Only to be sent when no problem was found.
    """
    schema = schema_of(model)
    if isinstance(value, model):
        names = schema.by_wire
        given: Mapping[Any, Any] = _set_fields(model, value)
        options = evolve(options, keywords=False)
    elif isinstance(value, Mapping):
        names = schema.by_name if options.keywords else schema.by_wire
        given = value
    else:
        issues.mistype(location, options.words(f"a dict or {model.__name__}", "an object"))
        return {}
    encoded: dict[str, Any] = {}
    for name, item in given.items():
        entry = names.get(name)
        if entry is None:
            if schema.open and isinstance(name, str):
                encoded[name] = Json().encode(item, location.key(name), options, issues)
            else:
                inside, text = _unknown(name, location, names, options)
                issues.add(inside, text)
        elif item is None and entry.nullable:
            encoded[entry.wire] = None
        elif item is None and not options.refuse_none:
            continue
        else:
            inside = Location(location, entry.wire, entry.name if options.keywords else None)
            if item is None:
                none = options.words("None", "null")
                issues.add(
                    inside, f"must not be {none}: the API has no way to clear a field; leave it out to keep its value"
                )
            else:
                encoded[entry.wire] = entry.codec.encode(item, inside, options, issues)
    for entry in schema.required:
        if entry.wire not in encoded:
            missing = Location(location, entry.wire, entry.name if options.keywords else None)
            if not any(issue["location"] == missing.steps for issue in issues):
                issues.add(missing, "Required")
    return encoded


def _set_fields(model: type[Model], value: Model) -> dict[str, Any]:
    # In a model an attribute that is None was never set; a null that came in with `from_dict` was.
    entries = schema_of(model).entries
    return {
        **value.additional_properties,
        **{entry.wire: item for entry in entries if (item := getattr(value, entry.name)) is not None},
    }


def _unknown(name: Any, location: Location, names: Iterable[str], options: InputOptions) -> tuple[Location, str]:
    what = "keyword" if options.keywords else "field"
    # Any other may be a value that slipped into the place of a name: it is not repeated.
    if not is_name(name):
        return location, f"unknown {what} (its name is not one that the API could have)"
    snake = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name).lower()
    camel = re.sub(r"_+([a-zA-Z])", lambda match: match[1].upper(), name)
    known = list(names)
    exact = [candidate for candidate in known if candidate.rstrip("_") in (snake, camel, name.rstrip("_"))]
    guess: Sequence[str] = exact or get_close_matches(name, known, n=1, cutoff=0.6)
    return Location(location, name), f"unknown {what}" + (f"; did you mean {guess[0]}?" if guess else "")
