"""The keys that a sandbox knows, and what each may do (contract of the API: authentication)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from typing import Any, Final, Literal

from attrs import field, frozen

from .._answers import Refused
from .._har import KEY_FORMAT

__all__ = ["SandboxKey", "SandboxKeys"]

_SCOPES: Final = ("read", "write", "*")

HOME: Final = "org_sandbox"
"""The organization whose keys a sandbox gives out."""


def _scopes(value: Iterable[str]) -> tuple[str, ...]:
    if isinstance(value, str):
        raise ValueError(f"scopes is a list, with some of {', '.join(_SCOPES)}")
    scopes = tuple(value)
    if not scopes or not set(scopes) <= set(_SCOPES):
        raise ValueError(f"scopes are some of {', '.join(_SCOPES)}")
    return scopes


def _aware(instance: Any, attribute: Any, value: datetime | None) -> None:
    if value is not None and value.utcoffset() is None:
        raise ValueError("expires needs an offset from UTC, as in datetime(2025, 6, 1, tzinfo=UTC)")


@frozen
class SandboxKey:
    """One key.

    Args:
        text: the key itself, ``clk_test_...`` or ``clk_live_...``; made up, of course.
        scopes: ``read`` for GET, ``write`` for POST, PATCH and DELETE, ``*`` for all.
        organization: whose it is: records of another one are not found.
        revoked: it was taken back.
        expires: from this moment on it is expired; an aware `datetime`.

    Raises:
        ValueError: there is no such scope, or ``expires`` has no offset.
    """

    text: str = field(repr=False)
    scopes: tuple[str, ...] = field(default=("*",), converter=_scopes)
    organization: str = HOME
    revoked: bool = False
    expires: datetime | None = field(default=None, validator=_aware)

    @property
    def environment(self) -> Literal["test", "live"]:
        """Which data it works on."""
        return "test" if self.text.startswith("clk_test_") else "live"

    def may(self, method: str) -> bool:
        """Whether its scopes cover a method."""
        return "*" in self.scopes or ("read" if method == "GET" else "write") in self.scopes


class SandboxKeys:
    """All keys of a sandbox, by their texts. A new one has these:

    ``clk_test_sandbox`` and ``clk_live_sandbox`` may do everything, ``clk_test_readonly`` and ``clk_test_writeonly``
    one half of it, ``clk_test_revoked`` and ``clk_test_expired`` nothing, and ``clk_test_elsewhere`` is another
    organization's.
    """

    def __init__(self) -> None:
        self._keys: dict[str, SandboxKey] = {}
        for key in (
            SandboxKey("clk_test_sandbox"),
            SandboxKey("clk_live_sandbox"),
            SandboxKey("clk_test_readonly", ("read",)),
            SandboxKey("clk_test_writeonly", ("write",)),
            SandboxKey("clk_test_revoked", revoked=True),
            # However far back the clock is set.
            SandboxKey("clk_test_expired", expires=datetime.min.replace(tzinfo=UTC)),
            SandboxKey("clk_test_elsewhere", organization="org_elsewhere"),
        ):
            self.add(key)

    def add(self, key: SandboxKey) -> SandboxKey:
        """Make a key known, or replace the one with the same text. Returns the key.

        Raises:
            TypeError: it is no `SandboxKey`.
            ValueError: its text does not have the form of a key.
        """
        if not isinstance(key, SandboxKey):
            raise TypeError(f"a key is a SandboxKey, not {type(key).__name__}")
        if not isinstance(key.text, str) or not KEY_FORMAT.fullmatch(key.text):
            raise ValueError("a key is clk_test_ or clk_live_, then letters, digits, _ and -")
        self._keys[key.text] = key
        return key

    def __iter__(self) -> Iterator[SandboxKey]:
        return iter(list(self._keys.values()))

    def check(self, sent: list[str], now: datetime) -> SandboxKey:
        """The key of a request.

        Args:
            sent: the values of its header ``x-api-key``.
            now: what time it is.

        Raises:
            Refused: it is none that works.
        """
        if not sent or not sent[0]:
            raise Refused(401, "UNAUTHORIZED", "The x-api-key header is missing.")
        if len(sent) > 1 or not KEY_FORMAT.fullmatch(sent[0]):
            raise Refused(401, "INVALID_KEY_FORMAT", "The API key is not well formed.")
        key = self._keys.get(sent[0])
        if key is None:
            raise Refused(401, "INVALID_KEY", "The API key is not known.")
        if key.revoked:
            raise Refused(401, "KEY_REVOKED", "The API key was revoked.")
        if key.expires is not None and key.expires <= now:
            raise Refused(401, "KEY_EXPIRED", "The API key has expired.")
        return key
