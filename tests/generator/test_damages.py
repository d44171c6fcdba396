"""A damaged document gets one message with the line of the damage, whatever it is, and never a traceback."""

from __future__ import annotations

import random
import re
from collections.abc import Callable, Iterator, Mapping
from copy import copy
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from attrs import frozen

from generator.__main__ import DOCUMENT, generate
from generator.codecs import python_name
from generator.document import Document, DocumentError, Pointer, check, read, walk
from generator.lint.__main__ import main as lint_main
from generator.prepare import prepare

from .edited import edited_document, write_document


@frozen
class Damage:
    """A document with one place spoilt."""

    path: Pointer
    what: str
    document: Document

    @property
    def lines(self) -> set[int]:
        """Those of the damaged place; where something is gone, those of what it was in."""
        gone = self.what == "gone"
        return {self.document.line(self.path), self.document.line(self.path[:-1] if gone else self.path)}


@cache
def _ours() -> Document:
    return read(DOCUMENT, "spoilt.yaml")


def _spoilt(root: Any, path: Pointer, spoil: Callable[[Any, Any], object]) -> Any:
    """A copy that shares what is not on the path."""
    made = copy(root)
    if len(path) == 1:
        spoil(made, path[0])
    else:
        made[path[0]] = _spoilt(made[path[0]], path[1:], spoil)
    return made


def _put(value: Any) -> Callable[[Any, Any], object]:
    return lambda parent, key: parent.__setitem__(key, value)


def _places() -> list[tuple[Pointer, Any]]:
    places = [(path, value) for path, value in walk(_ours().root) if path and path != ("openapi",)]
    return [(path, value) for path, value in places if not {"example", "examples"} & {*path}]


# What can stand for anything in a document, and for nothing in another place.
OTHERS: tuple[Any, ...] = (None, True, 7, -1.5, "maybe", [], [None], [[1]], {"zzz": {"a": 1}})


def damages() -> Iterator[Damage]:
    ours = _ours()
    for path, value in _places():
        for other in OTHERS:
            if type(other) is not type(value):
                yield Damage(
                    path, repr(other), Document(ours.file, _spoilt(ours.root, path, _put(other)), None, ours.node)
                )
        root = _spoilt(ours.root, path, lambda parent, key: parent.pop(key))
        yield Damage(path, "gone", Document(ours.file, root, None, ours.node))


def told(document: Document) -> str | None:
    """What the generator says against a document; ``None`` if it takes it."""
    try:
        check(document)
        prepare(document)
    except DocumentError as error:
        return str(error)
    return None


def sample(number: int, seed: int) -> list[Damage]:
    return random.Random(seed).sample(list(damages()), number)


def _holds(damage: Damage) -> None:
    message = told(damage.document)
    if message is None:
        return
    place = f"{damage.what} at {'/'.join(map(str, damage.path))}: {message}"
    found = re.match(r"spoilt\.yaml:(\d+): .", message)
    assert found, place
    assert "\n" not in message, place
    named = [int(line) for line in re.findall(r"in line (\d+)", message)]
    referred = damage.what == "gone" or "$ref to something that is not there" in message
    assert referred or {int(found[1]), *named} & damage.lines or _below(damage, int(found[1])), place


def _below(damage: Damage, line: int) -> bool:
    """Whether a line is inside of the damaged part, as that of the element of a list is."""
    inner = [damage.document.line(path) for path, _ in walk(_ours().at(damage.path), damage.path)]
    return min(inner) <= line <= max(inner)


def test_a_damage_gets_one_message_with_its_line() -> None:
    for damage in sample(8, 20):
        _holds(damage)


@pytest.mark.long
@pytest.mark.parametrize("seed", range(8))
def test_any_damage_gets_one_message_with_its_line(seed: int) -> None:
    for damage in sample(40, seed):
        _holds(damage)
