"""What a change of the document means: in the API's terms, and for those who use the SDK."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Literal

from attrs import frozen

from .sources import FieldSource, ModelSource, Prepared

_LOOSER_WHEN_LARGER = ("maxLength", "maximum", "exclusiveMaximum", "maxItems")
_LOOSER_WHEN_SMALLER = ("minLength", "minimum", "exclusiveMinimum", "minItems")


@frozen
class Change:
    """One difference between two versions of the document.

    Args:
        text: what changed.
        breaks: how it breaks programs that were right before; empty if it does not.
    """

    text: str
    breaks: str = ""

    def __str__(self) -> str:
        return f"  BREAKING  {self.text} ({self.breaks})" if self.breaks else f"            {self.text}"


def changes(old: Prepared, new: Prepared) -> list[Change]:
    """Everything that changed; first what is to be changed by hand, then the operations."""
    return [*_handwritten(old, new), *_operations(old, new), *_models(old, new), *_enums(old, new)]


def report(found: list[Change]) -> str:
    """The changes as people read them."""
    if not found:
        return "No change of the API since the committed version."
    breaking = sum(bool(change.breaks) for change in found)
    head = f"{len(found)} changes of the API since the committed version, {breaking} of them breaking:"
    return "\n".join([head, *map(str, found)])


def _handwritten(old: Prepared, new: Prepared) -> Iterator[Change]:
    for place in {**old.handwritten, **new.handwritten}:
        constant, was = old.handwritten.get(place, ("", "not there"))
        constant, now = new.handwritten.get(place, (constant, "not there"))
        if was != now:
            yield Change(f"{place} is now {now}, was {was}; it is written by hand: see {constant} in clinik_client")


def _operations(old: Prepared, new: Prepared) -> Iterator[Change]:
    for name, operation in old.operations.items():
        if name not in new.operations:
            yield Change(
                f"operation {operation.id} removed", "its endpoint module and facade method have nothing to call"
            )
    for name, operation in new.operations.items():
        before = old.operations.get(name)
        if before is None:
            yield Change(f"operation {operation.id} added: {operation.method} {operation.path}")
            continue
        if (before.method, before.path) != (operation.method, operation.path):
            was = f"{before.method} {before.path}"
            yield Change(f"operation {operation.id} moved from {was} to {operation.method} {operation.path}")
        if before.media_types != operation.media_types:
            now, was = (", ".join(one.media_types) or "none" for one in (operation, before))
            yield Change(f"operation {operation.id}: its media types are now {now}, were {was}")
        for role in ("body", "params", "response"):
            first, second = getattr(before, role), getattr(operation, role)
            if first != second:
                text = f"operation {operation.id}: its {role} is now {second or 'nothing'}, was {first or 'nothing'}"
                yield Change(text, "another class" if first is not None else "")


def _models(old: Prepared, new: Prepared) -> Iterator[Change]:
    parameters = {operation.params for prepared in (old, new) for operation in prepared.operations.values()}
    for name in old.models:
        if name not in new.models:
            yield Change(f"{name} removed", "the class is gone")
    for name, model in new.models.items():
        if name not in old.models:
            yield Change(f"{name} added")
        else:
            yield from _fields(old.models[name], model, "parameter" if name in parameters else "field")


def _fields(old: ModelSource, new: ModelSource, noun: str) -> Iterator[Change]:
    before = {field.wire: field for field in old.fields}
    after = {field.wire: field for field in new.fields}
    for wire, field in before.items():
        if wire not in after:
            yield Change(f"{noun} {wire} removed from {new.name}", f"{field.python} is gone")
    for wire, field in after.items():
        if wire in before:
            yield from _field(before[wire], field, f"{noun} {wire} of {new.name}", new.is_input)
        elif field.required and new.is_input:
            yield Change(f"{noun} {wire} added to {new.name}, required", "requests without it are refused")
        else:
            yield Change(f"{noun} {wire} added to {new.name}: {field.codec.type}")


def _field(old: FieldSource, new: FieldSource, where: str, is_input: bool) -> Iterator[Change]:
    if old.required != new.required:
        if new.required:
            yield Change(f"{where} became required", "requests without it are refused" if is_input else "")
        else:
            yield Change(f"{where} became optional", "" if is_input else "it may now be None")
    if old.codec.type != new.codec.type or old.codec.nullable != new.codec.nullable:
        yield Change(f"{where} is now {_type(new)}, was {_type(old)}", "another type")
    first, second = dict(old.codec.bounds), dict(new.codec.bounds)
    for name in sorted(first.keys() | second.keys()):
        if first.get(name) != second.get(name):
            text = f"{where}: {name} is now {_shown(second, name)}, was {_shown(first, name)}"
            tighter = is_input and _direction(name, first.get(name), second.get(name)) == "tighter"
            yield Change(text, "requests that passed are refused" if tighter else "")
    if old.description != new.description:
        yield Change(f"{where}: description changed")


def _type(field: FieldSource) -> str:
    return f"{field.codec.type} or null" if field.codec.nullable else field.codec.type


def _shown(bounds: Mapping[str, Any], name: str) -> str:
    return str(bounds[name]) if name in bounds else "without limit"


def _direction(name: str, old: Any, new: Any) -> Literal["tighter", "looser"]:
    name = name.rpartition(".")[2]
    # A prefix is put in front of what has none: nothing is refused for it.
    if new is None or name == "x-prefix":
        return "looser"
    if old is not None and (
        (name in _LOOSER_WHEN_LARGER and new > old) or (name in _LOOSER_WHEN_SMALLER and new < old)
    ):
        return "looser"
    return "tighter"


def _enums(old: Prepared, new: Prepared) -> Iterator[Change]:
    for name in old.enums:
        if name not in new.enums:
            yield Change(f"{name} removed", "the enumeration is gone")
    for name, enum in new.enums.items():
        if name not in old.enums:
            yield Change(f"{name} added")
            continue
        before = old.enums[name].members
        for value in before:
            if value not in enum.members:
                yield Change(f"value {value} removed from {name}", "requests with it are refused")
        for value in enum.members:
            if value not in before:
                yield Change(f"value {value} added to {name}")
