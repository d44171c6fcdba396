"""Keeping keys and health data out of whatever people may print.

The service's messages are shown to users, and the service is not ours: what a caller sent (ids, codes, names) may come
back in them. So every text of an answer passes `Redactor` before it becomes part of an error.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final

REDACTED: Final = "[redacted]"

_LONGEST_TEXT = 500

# Keys, ids as the API makes them (enc_xyz789; not req_..., which support asks for), FHIR references.
_RECOGNIZABLE = re.compile(
    r"clk_(?:live|test)_[A-Za-z0-9_-]*"
    r"|\b(?!req_)[a-z]{2,12}_(?=[A-Za-z0-9._-]*\d)[A-Za-z0-9._-]+"
    r"|\b[A-Z][A-Za-z]+/[A-Za-z0-9._-]*\d[A-Za-z0-9._-]*"
)


class Redactor:
    """Takes what one request carried, and anything that looks like a key or an id, out of a text.

    >>> Redactor(["pt_abc123", "I10"]).clean("Patient pt_abc123 has I10 already; enc_9 too")
    'Patient [redacted] has [redacted] already; [redacted] too'
    """

    def __init__(self, values: Iterable[str]) -> None:
        # Longest first, so that a value which holds another is taken out whole.
        found = sorted({value.strip() for value in values if len(value.strip()) > 1}, key=len, reverse=True)
        self._carried = (
            re.compile(rf"(?<![^\W_])(?:{'|'.join(map(re.escape, found))})(?![^\W_])", re.IGNORECASE) if found else None
        )

    def clean(self, text: str) -> str:
        """The text without them, in one line and at most 500 characters."""
        if self._carried is not None:
            text = self._carried.sub(REDACTED, text)
        text = " ".join(_RECOGNIZABLE.sub(REDACTED, text).split())
        text = "".join(character if character.isprintable() else "?" for character in text)
        return text if len(text) <= _LONGEST_TEXT else text[:_LONGEST_TEXT] + "..."


def texts_of(value: Any) -> Iterator[str]:
    """Every string inside a JSON value, object keys left out."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        for item in value.values():
            yield from texts_of(item)
    elif isinstance(value, list | tuple):
        for item in value:
            yield from texts_of(item)
