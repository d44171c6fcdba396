"""Validators of what a sandbox is told: what is wrong is one sentence, which names the field and not the value."""

from __future__ import annotations

from collections.abc import Callable, Collection
from typing import Any

from attrs import Attribute

__all__ = ["check_choice", "check_seconds", "check_truth", "check_whole_number"]

Check = Callable[[Any, "Attribute[Any]", Any], None]

_MOST = 2**53 - 1  # beyond it, JavaScript rounds


def check_whole_number(least: int) -> Check:
    """A whole number, at least so large."""

    def check(_: Any, attribute: Attribute[Any], value: Any) -> None:
        if type(value) is not int or not least <= value <= _MOST:
            raise ValueError(f"{attribute.name} is a whole number, {least} or more")

    return check


def check_truth(_: Any, attribute: Attribute[Any], value: Any) -> None:
    """``True`` or ``False``."""
    if not isinstance(value, bool):
        raise ValueError(f"{attribute.name} is True or False")


def check_choice(known: Collection[str]) -> Check:
    """One of a few texts."""

    def check(_: Any, attribute: Attribute[Any], value: Any) -> None:
        if not isinstance(value, str) or value not in known:
            raise ValueError(f"{attribute.name} is one of {', '.join(known)}")

    return check


def check_seconds(_: Any, attribute: Attribute[Any], value: Any) -> None:
    """A number of seconds, without an end if need be."""
    if type(value) not in (int, float) or not value >= 0:
        raise ValueError(f"{attribute.name} is a number of seconds, 0 or more")
