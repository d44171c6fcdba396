"""What a text says if it is, or parts of it are, encoded in one of the usual ways."""

from __future__ import annotations

import binascii
import re
import sys
from collections.abc import Iterator
from typing import Final
from urllib.parse import unquote, unquote_plus

# How often a text may be encoded, one way in another.
_LAYERS: Final = 3
# A few characters among bytes that mean nothing are chance.
_SHORTEST: Final = 4

UNREADABLE: Final = r"[\x00-\x08\x0e-\x1b\x7f-\x84\x86-\x9f\ufffd]+"
"""What no text has in it that people or programs wrote."""


def readings(text: str) -> Iterator[str]:
    """The text, and what it says if it is, or parts of it are, encoded in a usual way, or in one inside another."""
    yield text
    seen = {text, ""}
    level = [text]
    for _ in range(_LAYERS):
        found: list[str] = []
        for one in level:
            for decode in _DECODERS:
                reading = decode(one)
                if reading not in seen:
                    seen.add(reading)
                    found.append(reading)
                    yield reading
        level = found


def _percent(text: str) -> str:
    return unquote(text) if "%" in text else ""


def _percent_latin(text: str) -> str:
    return unquote(text, encoding="latin-1") if "%" in text else ""


def _form(text: str) -> str:
    return unquote_plus(text) if "+" in text else ""


def _entities(text: str) -> str:
    if "&" not in text:
        return ""
    import html  # few texts have one, and it takes its time to load

    return html.unescape(text)


_ESCAPE: Final = r"\\(?:u([0-9A-Fa-f]{4})|U([0-9A-Fa-f]{8})|x([0-9A-Fa-f]{2})|(.))"
_LETTERS: Final = {"n": "\n", "r": "\r", "t": "\t", "b": "\b", "f": "\f"}


def _escapes(text: str) -> str:
    """JSON's, and Python's."""
    if "\\" not in text:
        return ""
    decoded = re.sub(_ESCAPE, _character, text, flags=re.DOTALL)
    # Outside of the basic plane JSON writes two surrogates.
    return decoded.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")


def _character(escape: re.Match[str]) -> str:
    digits = escape[1] or escape[2] or escape[3]
    if digits is None:
        return _LETTERS.get(escape[4], escape[4])
    code = int(digits, 16)
    return chr(code) if code <= sys.maxunicode else "\ufffd"


def _misread(text: str) -> str:
    """UTF-8 that somebody took for Latin-1."""
    return "" if text.isascii() else text.encode("latin-1", "ignore").decode("utf-8", "ignore")


_BASE64_RUN: Final = r"[A-Za-z0-9+/_-]{3,}"
_BASE64_WORD: Final = r"[A-Za-z0-9]{3,}"
_URLSAFE: Final = str.maketrans("-_", "+/")


def _base64(text: str) -> str:
    runs = re.findall(_BASE64_RUN, text)
    # A value may begin anywhere in a run: only one of four beginnings is in step with it.
    found = [part for start in range(4) for run in runs for part in _readable(_from_base64(run[start:]), start == 0)]
    # Slashes and hyphens may belong to the run, or to the sentence around it.
    found += [part for word in re.findall(_BASE64_WORD, text) for part in _readable(_from_base64(word), True)]
    return "\n".join(found)


def _from_base64(run: str) -> bytes:
    whole = run[: len(run) - (len(run) % 4 == 1)].translate(_URLSAFE)
    return binascii.a2b_base64(whole + "=" * (-len(whole) % 4))


_HEX_RUN: Final = r"[0-9A-Fa-f]{4,}"
_HEX_PAIRS: Final = r"[0-9A-Fa-f]{2}(?:(?:\s+|[:-])[0-9A-Fa-f]{2})+"


def _hex(text: str) -> str:
    runs = [*re.findall(_HEX_RUN, text), *(re.sub(r"[\s:-]", "", pairs) for pairs in re.findall(_HEX_PAIRS, text))]
    found = []
    for start in range(2):
        for run in runs:
            digits = run[start:]
            found += _readable(bytes.fromhex(digits[: len(digits) // 2 * 2]), start == 0)
    return "\n".join(found)


_READABLE: Final = rf"[^\x00-\x08\x0e-\x1b\x7f-\x84\x86-\x9f\ufffd]{{{_SHORTEST},}}"


def _readable(data: bytes, whole: bool) -> list[str]:
    """What may be text in decoded bytes.

    Ordinary words are base64 too, of bytes that mean nothing. So a few characters count only if they are all there is.
    """
    text = data.decode("utf-8", "replace")
    if whole and not re.search(UNREADABLE, text):
        return [text]
    return re.findall(_READABLE, text)


_DECODERS: Final = (_percent, _percent_latin, _form, _entities, _escapes, _misread, _base64, _hex)
