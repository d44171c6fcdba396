"""Names that are chosen from a few: what is misspelt is told what there is."""

from __future__ import annotations

from collections.abc import Collection
from difflib import get_close_matches


def require_known(what: str, given: object, known: Collection[str]) -> None:
    """Raise `ValueError` if there is no such name.

    >>> require_known("colour", "gren", ["red", "green"])
    Traceback (most recent call last):
    ...
    ValueError: there is no colour 'gren'; did you mean 'green'? There are red, green.
    """
    if isinstance(given, str) and given in known:
        return
    near = get_close_matches(given, known, 1) if isinstance(given, str) else []
    guess = f"; did you mean {near[0]!r}?" if near else "."
    raise ValueError(f"there is no {what} {given!r}{guess} There are {', '.join(known)}.")
