"""What surrounds every call of a facade's method: what is said, and what is left, when an exception leaves it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

from ._errors import ClinikApiError
from ._frames import forget_variables, stand_in
from ._retry import WriteState

F = TypeVar("F", bound=Callable[..., Any])


def leave(error: BaseException, state: WriteState | None) -> None:
    """An exception is about to leave the SDK.

    If a signal handler raised it, it passes as it is, with a note where a write may have been carried out. The frames
    of the SDK that it takes along are emptied: what they hold may be printed.
    """
    note = None if state is None or isinstance(error, ClinikApiError) else state.note
    if note is not None and note not in getattr(error, "__notes__", ()):
        error.add_note(note)
    forget_variables(error)


def public(method: F) -> F:
    """Decorates a facade's method. It runs on a facade made for this one call, which has the state of its write.

    So the state is at hand here, outside of the method, up to the moment in which the result is given back.
    """

    # Names of this module: the function moves into another one below.
    begin, end = WriteState, leave

    def call(self: Any, *args: Any, **kwargs: Any) -> Any:
        state: WriteState | None = None
        try:
            try:
                state = begin()
                return method(self._during(state), *args, **kwargs)
            except BaseException as error:
                end(error, state)
                raise
        except BaseException as error:
            # Once more: a signal handler may have raised while the frames were being emptied.
            end(error, state)
            raise
        finally:
            del args, kwargs

    return stand_in(call, method)
