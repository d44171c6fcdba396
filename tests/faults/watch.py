"""Looking for what must not be seen, in everything that Python can print."""

from __future__ import annotations

import logging
import pickle
import threading
import traceback
import warnings
from collections.abc import Iterator
from contextlib import contextmanager

from clinik_client import ClinikApiError

MARK = "canary"
"""Part of every key, id, field and text that the matrix plants."""


def shows(text: str | bytes) -> bool:
    """Whether a text has something planted in it."""
    plain = text if isinstance(text, str) else text.decode("latin-1")
    return MARK in plain.lower()


def leaks_of(error: BaseException) -> list[str]:
    """Where an error, or one in its chain, shows something planted."""
    found = []
    for link in _chain(error):
        texts: dict[str, str | bytes] = {
            "str": str(link),
            "repr": repr(link),
            "args": repr(link.args),
            "attributes": repr(vars(link)),
            "notes": repr(getattr(link, "__notes__", ())),
            "traceback": "".join(traceback.format_exception_only(link)),
        }
        for protocol in range(pickle.HIGHEST_PROTOCOL + 1):
            texts[f"pickle {protocol}"] = pickle.dumps(link, protocol)
        found += [f"{type(link).__name__}: {place}" for place, text in texts.items() if shows(text)]
    return [*found, *(f"locals of {place}" for place, text in variables_of(error) if shows(text))]


SILENT = ("clinik_client", "httpcore", "h11", "httpx")
"""Packages whose frames may show nothing."""


def variables_of(error: BaseException) -> Iterator[tuple[str, str]]:
    """What a crash reporter sees in the frames of the SDK and its libraries. Those of the caller are the caller's."""
    for link in _chain(error):
        for frame, _ in traceback.walk_tb(link.__traceback__):
            if str(frame.f_globals.get("__name__")).partition(".")[0] in SILENT:
                for name, value in frame.f_locals.items():
                    yield f"{frame.f_code.co_qualname}, {name}", repr(value)


def _chain(error: BaseException | None) -> Iterator[BaseException]:
    waiting, seen = [error], set()
    while waiting:
        link = waiting.pop()
        if link is not None and id(link) not in seen:
            seen.add(id(link))
            yield link
            # Suppressed contexts too: they are kept, and pickled or printed by some.
            waiting += [link.__cause__, link.__context__]


class LogWatch(logging.Handler):
    """Listens to every logger, at every level."""

    def __init__(self) -> None:
        super().__init__(logging.NOTSET)
        self._found = threading.local()
        self.records = 0

    def emit(self, record: logging.LogRecord) -> None:
        self.records += 1
        if shows(record.getMessage()) or shows(repr(vars(record))):
            self.leaks().append(f"log of {record.name}")

    def leaks(self) -> list[str]:
        """What was found in the calling thread's records since it last cleared this list."""
        if not hasattr(self._found, "leaks"):
            self._found.leaks = []
        leaks: list[str] = self._found.leaks
        return leaks

    @contextmanager
    def listening(self) -> Iterator[LogWatch]:
        """Attach to the root logger, with all levels open."""
        root = logging.getLogger()
        # Loggers that somebody has quietened would hide what they say.
        loggers = [root, *(logging.getLogger(name) for name in ("clinik_client", "httpx", "httpcore"))]
        levels = [logger.level for logger in loggers]
        try:
            root.addHandler(self)
            for logger in loggers:
                logger.setLevel(logging.DEBUG)
            yield self
        finally:
            root.removeHandler(self)
            for logger, level in zip(loggers, levels, strict=True):
                logger.setLevel(level)


@contextmanager
def unclosed() -> Iterator[list[str]]:
    """Collects the warnings of sockets that were dropped without being closed."""
    found: list[str] = []
    with warnings.catch_warnings():
        warnings.simplefilter("always", ResourceWarning)
        show = warnings.showwarning

        def keep(message: Warning | str, category: type[Warning], *rest: object, **named: object) -> None:
            if issubclass(category, ResourceWarning):
                found.append(str(message))
            else:
                show(message, category, *rest, **named)  # type: ignore[arg-type]  # handed on as it came

        warnings.showwarning = keep
        yield found


def survives_pickle(error: ClinikApiError) -> bool:
    """Whether an error means the same on the other side of a process pool."""
    copy = pickle.loads(pickle.dumps(error))
    return type(copy) is type(error) and str(copy) == str(error) and copy.outcome == error.outcome
