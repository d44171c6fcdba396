"""Keeping keys and health data out of whatever people may print.

The service's messages are shown to users, and the service is not ours: what a caller sent (ids, codes, names) may come
back in them. So every text of an answer passes `Redactor` before it becomes part of an error.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final
from urllib.parse import quote, quote_plus

REDACTED: Final = "[redacted]"

_LONGEST_TEXT = 500
_LONGEST_READ = 4_000

# Keys, ids as the API makes them (enc_xyz789; not req_..., which support asks for), FHIR references. An id has at most
# 128 characters: looking no further for its digit keeps the time that a hostile text takes in proportion to its length.
_RECOGNIZABLE = re.compile(
    r"clk_(?:live|test)_[A-Za-z0-9_-]*"
    r"|\b(?!req_)[a-z]{2,12}_(?=[A-Za-z0-9._-]{0,128}\d)[A-Za-z0-9._-]+"
    r"|\b[A-Z][A-Za-z]+/[A-Za-z0-9._-]{0,128}\d[A-Za-z0-9._-]*"
)


class Redactor:
    """Takes what one request carried, and anything that looks like a key or an id, out of a text.

    >>> Redactor(["pt_abc123", "I10"]).clean("Patient pt_abc123 has I10 already; enc_9 too")
    'Patient [redacted] has [redacted] already; [redacted] too'
    """

    def __init__(self, values: Iterable[str]) -> None:
        plain = {value.strip() for value in values if len(value.strip()) > 1}
        # Who repeats a URL repeats its values as they stand there.
        encoded = {encode(value, safe="") for value in plain for encode in (quote, quote_plus)}
        # Longest first, so that a value which holds another is taken out whole.
        found = sorted(plain | encoded, key=len, reverse=True)
        self._carried = (
            re.compile(rf"(?<![^\W_])(?:{'|'.join(map(re.escape, found))})(?![^\W_])", re.IGNORECASE) if found else None
        )

    def touches(self, text: str) -> bool:
        """Whether a short text, such as an id of the exchange, repeats something that the request carried, or a key."""
        return "clk_" in text.lower() or (self._carried is not None and self._carried.search(text) is not None)

    def clean(self, text: str) -> str:
        """The text without them, in one line and at most 500 characters; nothing of one with more than 4,000."""
        # Cutting it first could leave half an id.
        if len(text) > _LONGEST_READ:
            return f"(a text of {len(text):,} characters)"
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
