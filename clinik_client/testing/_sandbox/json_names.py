"""Names as JSON has them: ``afterApply`` where Python says ``after_apply``. The API itself names its fields so."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from attrs import fields_dict

__all__ = ["JsonNames"]

_WORDS = {"None": "null", "True": "true", "False": "false"}


class JsonNames:
    """The names of the fields of an attrs class, in both ways.

    >>> from clinik_client.testing import SandboxKey
    >>> names = JsonNames(SandboxKey)
    >>> names.to_python({"organization": "org_1"})
    {'organization': 'org_1'}
    >>> names.to_python({"organisation": "org_1"})
    Traceback (most recent call last):
    ...
    ValueError: there is no 'organisation' here; there are text, scopes, organization, revoked, expires
    """

    def __init__(self, cls: type[Any]) -> None:
        self._python = {_camel_case(name): name for name in fields_dict(cls)}
        self._json = {name: json for json, name in self._python.items()}

    def to_json(self, told: Mapping[str, Any]) -> dict[str, Any]:
        """Fields by their names in JSON."""
        return {self._json[name]: value for name, value in told.items()}

    def to_python(self, given: Mapping[str, Any]) -> dict[str, Any]:
        """Fields by their names in Python.

        Raises:
            ValueError: there is no such field.
        """
        check_names(given, self._python)
        return {self._python[name]: value for name, value in given.items()}

    def in_text(self, text: str) -> str:
        """A sentence about fields and values, with the words that JSON has for them."""
        for python, json in {**self._json, **_WORDS}.items():
            if python != json:
                text = text.replace(python, json)
        return text


def check_names(given: Mapping[str, Any], known: Mapping[str, Any] | tuple[str, ...]) -> None:
    """Raise `ValueError` for a name that there is not."""
    if unknown := [name for name in given if name not in known]:
        there = f"; there are {', '.join(known)}" if known else ""
        raise ValueError(f"there is no {unknown[0]!r} here{there}")


def _camel_case(name: str) -> str:
    first, *others = name.split("_")
    return first + "".join(map(str.capitalize, others))
