"""What every resource does the same way: send, and walk through pages."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import FunctionType
from typing import Any, ClassVar, Self

from ._calls import public
from ._help import show_fields
from ._model import Model
from ._operation import Request
from ._pagination import Pager, in_largest_pages
from ._response import ApiResponse
from ._retry import WriteState
from ._session import Session


class Resource:
    """The base of the facades. Holds nothing but where to send requests."""

    __slots__ = ("_session", "_state")

    _same: ClassVar[tuple[str, ...]] = ()
    """The ids that a response has in common with what was asked for, in wire names: one with others is about something
    else. Only what nobody normalises, and what cannot change."""

    _state: WriteState | None

    def __init__(self, session: Session) -> None:
        self._session = session
        self._state = None

    def __init_subclass__(cls) -> None:
        super().__init_subclass__()
        for name, member in list(vars(cls).items()):
            if isinstance(member, FunctionType) and not name.startswith("_"):
                show_fields(member)
                setattr(cls, name, public(member))

    def _during(self, state: WriteState) -> Self:
        """The facade for one call, which may be made by another one's method."""
        facade = object.__new__(type(self))
        facade._session, facade._state = self._session, self._state or state
        return facade

    def __setattr__(self, name: str, value: Any) -> None:
        try:
            super().__setattr__(name, value)
        except AttributeError as error:
            raise AttributeError(
                f"{error}. Limits are set with Clinik.with_options. A test can replace a client's facade as a whole."
            ) from None

    def __repr__(self) -> str:
        return f"<{type(self).__name__}>"

    def _call(self, request: Request) -> ApiResponse[Any]:
        """Send a request that an endpoint module has built, and read what comes back."""
        return self._session.send(request, self._same, self._state)

    def _walk(
        self,
        build: Callable[..., Request],
        given: Model | Mapping[str, Any] | None,
        fields: Mapping[str, Any],
        limit: int | None,
    ) -> Pager[Any, Any]:
        """Walk through all pages of a search."""
        return Pager(self._call, in_largest_pages(build(given, **fields)), limit)
