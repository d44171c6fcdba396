"""The SDK's log: lines for the program's own handlers, and on standard error where ``CLINIKAPI_LOG`` asks for them."""

from __future__ import annotations

import logging
import os
import sys
from collections.abc import Iterator
from contextvars import ContextVar
from typing import Final

from ._errors import ClinikConfigError

logger = logging.getLogger("clinik_client")
logger.addHandler(logging.NullHandler())

_LEVELS: Final = {
    "": sys.maxsize,
    "DEBUG": logging.DEBUG,
    "INFO": logging.INFO,
    "WARNING": logging.WARNING,
    "ERROR": logging.ERROR,
}

# A handler that makes calls itself would otherwise be told of these, and make calls for ever.
_logging: ContextVar[bool] = ContextVar("_logging", default=False)


class _StandardErrorHandler(logging.StreamHandler):  # type: ignore[type-arg]  # not generic when it runs
    """Writes to standard error, wherever that leads at the moment: notebooks and pytest put another one there.

    It is not one of the logger's handlers. What a program does with those, and with levels, is about its own logging.
    """

    def emit(self, record: logging.LogRecord) -> None:
        self.stream = sys.stderr
        super().emit(record)


_standard_error = _StandardErrorHandler()
_standard_error.setLevel(_LEVELS[""])
_standard_error.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(name)s: %(message)s"))
_lowered_to: int | None = None


def show_log_if_asked() -> None:
    """Set what is shown on standard error to what ``CLINIKAPI_LOG`` says now.

    A logger whose level nobody has set also passes these lines to the program's handlers.

    Raises:
        ClinikConfigError: it asks for a level that there is not.
    """
    global _lowered_to
    level = _LEVELS.get(os.environ.get("CLINIKAPI_LOG", "").strip().upper())
    if level is None:
        raise ClinikConfigError("CLINIKAPI_LOG must be debug, info, warning or error.")
    _standard_error.setLevel(level)
    if logger.level == _lowered_to:
        logger.setLevel(logging.NOTSET)
    _lowered_to = None
    if logger.level == logging.NOTSET and level < logger.getEffectiveLevel():
        logger.setLevel(level)
        _lowered_to = level


def is_logged(level: int) -> bool:
    """Whether somebody would see a line of this level."""
    return (level >= _standard_error.level or logger.isEnabledFor(level)) and not _logging.get()


def log(level: int, template: str, *values: object) -> None:
    """Write a line, if `is_logged` says that somebody would see it."""
    try:
        _logging.set(True)
        seen = logger.isEnabledFor(level)
        if seen:
            logger.log(level, template, *values, stacklevel=2)
        if level >= _standard_error.level and not (seen and any(map(_writes_there, _handlers_for(level)))):
            _standard_error.handle(logger.makeRecord(logger.name, level, "", 0, template, values, None))
    finally:
        _logging.set(False)


def _handlers_for(level: int) -> Iterator[logging.Handler]:
    """The program's handlers that get a line of the logger's."""
    one: logging.Logger | None = logger
    while one is not None:
        # One with filters may not write it.
        yield from (handler for handler in one.handlers if level >= handler.level and not handler.filters)
        one = one.parent if one.propagate else None


def _writes_there(handler: logging.Handler) -> bool:
    return isinstance(handler, logging.StreamHandler) and handler.stream is sys.stderr
