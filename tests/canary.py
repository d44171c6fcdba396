"""A word that no error may show, and all that people may print of an error."""

from __future__ import annotations

import pickle
from collections.abc import Iterator

CANARY = "c4n4ry"


def everything(error: BaseException) -> str:
    """All that people may print of an error."""
    texts = [f"{part!s} {part!r} {part.args} {vars(part)}" for part in _chain(error)]
    return " ".join([*texts, str(pickle.dumps(error))])


def _chain(error: BaseException | None) -> Iterator[BaseException]:
    """An error and everything that it drags along."""
    while error is not None:
        yield error
        error = error.__cause__ or error.__context__
