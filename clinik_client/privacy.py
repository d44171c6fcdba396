"""Keeping keys and health data out of whatever people may print.

The service's messages are shown to users, and the service is not ours: what a caller sent (ids, codes, names) may come
back in them, and not always as it was spelled. So every text of an answer passes `Redactor` before it becomes part of
an error. And where an exception leaves the SDK, `leaves_nothing` empties the frames that it passed.

No regular expression is made of a value, and nothing here is kept: Python's `re` remembers its patterns, so the values
in them would outlive the client.
"""

from __future__ import annotations

import binascii
import html
import re
import sys
import unicodedata
from bisect import bisect_left
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import cached_property, wraps
from types import FrameType, FunctionType
from typing import Any, Final, TypeVar, cast
from urllib.parse import unquote, unquote_plus

from attrs import frozen

REDACTED: Final = "[redacted]"

_LONGEST_TEXT: Final = 500
LONGEST_READ: Final = 4_000
# A request that carries more is not looked for in a text: nothing of the service's words is shown then.
_MOST_CHARACTERS: Final = 100_000
_MOST_TEXTS: Final = 1_000

# Values with fewer characters are looked for as words of their own only: they are part of many words.
_LONG: Final = 4
# Services cut what they repeat: this much of the beginning of a value counts as the value.
_BEGINNING: Final = 12
# With this many characters a value is found without its white space, too.
_LONG_WITHOUT_SPACE: Final = 6
# So many characters in a row that are part of a key are not there by chance.
_KEY_RUN: Final = 8

# How often a text may be encoded, one way in another, and how much all its readings may hold.
_LAYERS: Final = 3
_MOST_READ: Final = 10 * LONGEST_READ

# Stands for what is taken out while a text is worked on: no value and no encoding has it.
_MARK: Final = "\0"

# Keys, ids as the API makes them (enc_xyz789; not req_..., which support asks for), FHIR references, dates (of birth,
# maybe). An id has at most 128 characters: looking no further for its digit keeps the time that a hostile text takes in
# proportion to its length.
_RECOGNIZABLE = re.compile(
    r"(?i:clk_(?:live|test)_)[A-Za-z0-9_-]*"
    r"|\b(?!req_)[a-z]{2,12}_(?=[A-Za-z0-9._-]{0,128}\d)[A-Za-z0-9._-]+"
    r"|\b[A-Z][A-Za-z]+/[A-Za-z0-9._-]{0,128}\d[A-Za-z0-9._-]*"
    r"|(?<!\d)\d{4}-\d\d-\d\d(?:[Tt ]\d\d:\d\d(?::\d\d(?:[.,]\d{1,9})?)?(?:[Zz]|[+-]\d\d:?\d\d)?)?(?!\d)",
    re.ASCII,
)
_KEY_FORM = re.compile(r"clk_(?:live|test)_")
_REQUEST_ID = re.compile(r"req_[A-Za-z0-9_-]{1,64}")
_NAME = re.compile(r"_?(?:[a-z][A-Za-z]*|[a-z]+(?:_[a-z]+)*)_?")
_LONGEST_NAME: Final = 40

F = TypeVar("F", bound=Callable[..., Any])


def is_name(value: object) -> bool:
    """Whether this is spelled like a name of the API, or like a keyword for one. Anything else may be a value.

    >>> is_name("lenghtMinutes"), is_name("class_"), is_name("_include"), is_name("Smith"), is_name("pt_1")
    (True, True, True, False, False)
    """
    return isinstance(value, str) and len(value) <= _LONGEST_NAME and _NAME.fullmatch(value) is not None


def texts_of(value: Any) -> Iterator[str]:
    """Every string and number inside a JSON value, as text; of the object keys those that may be values.

    >>> list(texts_of({"type": "Visit", "minutes": 30, "Jane Doe": [True, None]}))
    ['Visit', '30', 'Jane Doe']
    """
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        for key, item in value.items():
            if not is_name(key):
                yield from texts_of(key)
            yield from texts_of(item)
    elif isinstance(value, list | tuple):
        for item in value:
            yield from texts_of(item)
    elif isinstance(value, int | float) and not isinstance(value, bool):
        yield str(value)
        if isinstance(value, float) and value.is_integer():
            yield str(int(value))


def left_out(text: str) -> str:
    """What stands in the place of a text that is not shown."""
    return f"(a text of {len(text):,} characters)"


class Redactor:
    """Takes what one request carried, its key, and anything that looks like a key or an id, out of a text.

    Args:
        carried: the texts that the request carried.
        key: the API key that it was sent with.

    >>> Redactor(["pt_abc123", "I10"]).clean("Patient pt_abc123 has I10 already; enc_9 too")
    'Patient [redacted] has [redacted] already; [redacted] too'
    """

    def __init__(self, carried: Iterable[str], key: str = "") -> None:
        self._values: list[str] = [key]
        self._secret = _fold(_KEY_FORM.sub("", key.lower()))[0]
        self.too_much = False
        """The request carried too much to look for it in a text: `clean` shows nothing, `touches` is always true."""
        size = 0
        for value in carried:
            size += len(value)
            if size > _MOST_CHARACTERS or len(self._values) > _MOST_TEXTS:
                self.too_much = True
                self._values = []
                break
            self._values.append(value)

    def touches(self, text: str) -> bool:
        """Whether a short text, such as a code, repeats something that the request carried, or a part of the key."""
        return self.too_much or "clk_" in text.lower() or self._is_told_in(text)

    def clean(self, text: str) -> str:
        """The text without them, in one line and at most 500 characters; nothing of one with more than 4,000.

        What stands there plainly is taken out in its place. If it is there in another form as well (percent encoding,
        base64 and so on), nothing of the text is left.
        """
        # Cutting it first could leave half an id.
        if self.too_much or len(text) > LONGEST_READ:
            return left_out(text)
        text = self._without_carried(text.replace(_MARK, "?"))
        if self._is_told_in(text):
            return REDACTED
        text = " ".join(_RECOGNIZABLE.sub(_MARK, text).split())
        text = "".join(character if character.isprintable() or character == _MARK else "?" for character in text)
        text = text.replace(_MARK, REDACTED)
        return text if len(text) <= _LONGEST_TEXT else text[:_LONGEST_TEXT] + "..."

    def request_id(self, value: Any) -> str | None:
        """A request id that errors and logs may name; ``None`` for anything that may be something else."""
        fits = isinstance(value, str) and _REQUEST_ID.fullmatch(value) is not None
        return value if fits and not self.touches(value) else None

    @cached_property
    def _index(self) -> _Index:
        return _Index.of([*self._values, self._secret])

    @cached_property
    def _index_without_space(self) -> _Index:
        return _Index.of(
            squeezed
            for value in [*self._values, self._secret]
            if len(squeezed := "".join(value.split())) >= _LONG_WITHOUT_SPACE
        )

    @cached_property
    def _key_runs(self) -> frozenset[str]:
        secret = self._secret
        return frozenset(secret[start : start + _KEY_RUN] for start in range(len(secret) - _KEY_RUN + 1))

    def _spans(self, folded: str) -> Iterator[tuple[int, int]]:
        """Where a value, or a part of the key, stands."""
        yield from self._index.spans(folded)
        if len(self._secret) < _LONG:
            return
        # A masked key shows its end: ****9f3c.
        for pattern in _WORDS:
            for word in pattern.finditer(folded):
                if word[0] in self._secret:
                    yield word.span()
        for start in range(len(folded) - _KEY_RUN + 1):
            if folded[start : start + _KEY_RUN] in self._key_runs:
                yield start, start + _KEY_RUN

    def _without_carried(self, text: str) -> str:
        folded, places = _fold(text)
        parts: list[str] = []
        done = 0
        for start, end in sorted(self._spans(folded)):
            first, behind = places[start], max(places[end], places[end - 1] + 1)
            if first > done or not parts:
                parts += [text[done:first], _MARK]
            done = max(done, behind)
        return "".join([*parts, text[done:]])

    def _is_told_in(self, text: str) -> bool:
        """Whether any reading of a text has one of the values, or a part of the key."""
        room = _MOST_READ
        for reading in _readings(text):
            room -= len(reading)
            folded, _ = _fold(reading)
            # A text with that many readings was made to be hard to read.
            if room < 0 or any(True for _ in self._spans(folded)):
                return True
            # Where it stands plainly, it can be taken out in its place.
            if reading is not text and _KEY_FORM.search(folded):
                return True
            if any(True for _ in self._index_without_space.spans(folded.replace(" ", ""))):
                return True
        return False


# -- finding values in a text ----------------------------------------------------------------------------------------

_WORDS = (re.compile(rf"[a-z0-9_-]{{{_LONG},}}"), re.compile(rf"[a-z0-9]{{{_LONG},}}"))
_UNREADABLE = re.compile(r"[\x00-\x08\x0e-\x1b\x7f-\x84\x86-\x9f\ufffd]+")


@frozen
class _Index:
    """Values, so arranged that looking for all of them is one pass over a text, however many they are."""

    words: frozenset[str]
    """Those that count only as a whole."""
    sizes: tuple[int, ...]
    """How long these are."""
    beginnings: frozenset[str]
    """How the others begin."""
    long: tuple[str, ...]
    """The others, in their order."""

    @classmethod
    def of(cls, values: Iterable[str]) -> _Index:
        # What cannot be read does not come back as it was.
        parts = {_fold(part)[0].strip() for value in values for part in _UNREADABLE.split(value)}
        words = frozenset(part for part in parts if 1 < len(part) < _BEGINNING)
        long = tuple(sorted(part for part in parts if len(part) >= _BEGINNING))
        return cls(words, tuple({len(word) for word in words}), frozenset(part[:_BEGINNING] for part in long), long)

    def spans(self, folded: str) -> Iterator[tuple[int, int]]:
        """Where in a folded text a value stands, or the beginning of one that is cut off."""
        reach = 0
        for start in range(len(folded)):
            for size in self.sizes:
                end = start + size
                found = end <= len(folded) and folded[start:end] in self.words
                if found and (size >= _LONG or _is_word(folded, start, end)):
                    yield start, end
            if folded[start : start + _BEGINNING] in self.beginnings:
                # Only what goes beyond the one before is looked at: otherwise "aaaa..." would take quadratic time.
                end = max(reach, start + _BEGINNING)
                while end < len(folded) and self._has_beginning(folded[start : end + 1]):
                    end += 1
                if end > reach:
                    yield start, end
                    reach = end

    def _has_beginning(self, text: str) -> bool:
        place = bisect_left(self.long, text)
        return place < len(self.long) and self.long[place].startswith(text)


def _is_word(text: str, start: int, end: int) -> bool:
    return not (start > 0 and text[start - 1].isalnum()) and not text[end : end + 1].isalnum()


def _fold(text: str) -> tuple[str, list[int]]:
    """A text without what does not matter (case, accents, kinds of white space), and where each character comes from.

    >>> _fold("Zoë\\u00a0 Ko")
    ('zoe ko', [0, 1, 2, 3, 5, 6, 7])
    """
    folded: list[str] = []
    places: list[int] = []
    for place, character in enumerate(text):
        for plain in character.lower() if character.isascii() else _plain(character):
            if plain.isspace():
                if folded and folded[-1] == " ":
                    continue
                plain = " "
            folded.append(plain)
            places.append(place)
    places.append(len(text))
    return "".join(folded), places


def _plain(character: str) -> str:
    folded = unicodedata.normalize("NFKD", unicodedata.normalize("NFKD", character).casefold())
    # Neither marks (accents) nor what nobody sees (soft hyphens, joiners).
    return "".join(plain for plain in folded if (kind := unicodedata.category(plain))[0] != "M" and kind != "Cf")


# -- reading a text in all usual ways --------------------------------------------------------------------------------


def _readings(text: str) -> Iterator[str]:
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
    return html.unescape(text) if "&" in text else ""


_ESCAPE = re.compile(r"\\(?:u([0-9A-Fa-f]{4})|U([0-9A-Fa-f]{8})|x([0-9A-Fa-f]{2})|(.))", re.DOTALL)
_LETTERS: Final = {"n": "\n", "r": "\r", "t": "\t", "b": "\b", "f": "\f"}


def _escapes(text: str) -> str:
    """JSON's, and Python's."""
    if "\\" not in text:
        return ""
    decoded = _ESCAPE.sub(_character, text)
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


_BASE64_RUN = re.compile(r"[A-Za-z0-9+/_-]{3,}")
_BASE64_WORD = re.compile(r"[A-Za-z0-9]{3,}")
_URLSAFE: Final = str.maketrans("-_", "+/")


def _base64(text: str) -> str:
    runs = _BASE64_RUN.findall(text)
    # A value may begin anywhere in a run: only one of four beginnings is in step with it.
    found = [part for start in range(4) for run in runs for part in _readable(_from_base64(run[start:]), start == 0)]
    # Slashes and hyphens may belong to the run, or to the sentence around it.
    found += [part for word in _BASE64_WORD.findall(text) for part in _readable(_from_base64(word), True)]
    return "\n".join(found)


def _from_base64(run: str) -> bytes:
    whole = run[: len(run) - (len(run) % 4 == 1)].translate(_URLSAFE)
    return binascii.a2b_base64(whole + "=" * (-len(whole) % 4))


_HEX_RUN = re.compile(r"[0-9A-Fa-f]{4,}")
_HEX_PAIRS = re.compile(r"[0-9A-Fa-f]{2}(?:(?:\s+|[:-])[0-9A-Fa-f]{2})+")


def _hex(text: str) -> str:
    runs = [*_HEX_RUN.findall(text), *(re.sub(r"[\s:-]", "", pairs) for pairs in _HEX_PAIRS.findall(text))]
    found = []
    for start in range(2):
        for run in runs:
            digits = run[start:]
            found += _readable(bytes.fromhex(digits[: len(digits) // 2 * 2]), start == 0)
    return "\n".join(found)


_READABLE = re.compile(rf"[^\x00-\x08\x0e-\x1b\x7f-\x84\x86-\x9f\ufffd]{{{_LONG},}}")


def _readable(data: bytes, whole: bool) -> list[str]:
    """What may be text in decoded bytes.

    Ordinary words are base64 too, of bytes that mean nothing. So a few characters count only if they are all there is.
    """
    text = data.decode("utf-8", "replace")
    if whole and not _UNREADABLE.search(text):
        return [text]
    return _READABLE.findall(text)


_DECODERS: Final = (_percent, _percent_latin, _form, _entities, _escapes, _misread, _base64, _hex)


# -- frames ----------------------------------------------------------------------------------------------------------

_OURS: Final = frozenset({"clinik_client", "httpcore", "h11", "httpx", "attr", "dateutil"})


def leaves_nothing(function: F) -> F:
    """Decorates what users call: an exception that leaves it takes no values along in the SDK's frames.

    Crash reporters, ``rich`` and ``pytest --showlocals`` print the variables of each frame that an exception passed.
    The frames of the SDK and of its libraries are emptied; their lines stay. Those of the caller, of a signal handler
    for example, are left alone.
    """
    forget = forget_variables

    def entry(*args: Any, **kwargs: Any) -> Any:
        try:
            try:
                return function(*args, **kwargs)
            except BaseException as error:
                forget(error)
                raise
        except BaseException as error:
            # Once more: a signal handler may have raised while the frames were being emptied.
            forget(error)
            raise
        finally:
            del args, kwargs

    target = cast(FunctionType, function)
    # In the module of what it stands for: there doctest looks for examples, and a traceback for the module's name.
    moved = FunctionType(entry.__code__, target.__globals__, target.__name__, None, entry.__closure__)
    return cast(F, wraps(target)(moved))


def forget_variables(error: BaseException) -> None:
    waiting: list[BaseException | None] = [error]
    seen: set[int] = set()
    while waiting:
        link = waiting.pop()
        if link is None or id(link) in seen:
            continue
        seen.add(id(link))
        waiting += [link.__cause__, link.__context__]
        ours = False
        step = link.__traceback__
        while step is not None:
            package = str(step.tb_frame.f_globals.get("__name__")).partition(".")[0]
            # The standard library's frames are ours where we called it: ssl has the request in its hands, too.
            ours = package in _OURS or (ours and package in sys.stdlib_module_names)
            if ours:
                _clear(step.tb_frame)
            step = step.tb_next


def _clear(frame: FrameType) -> None:
    try:
        frame.clear()
    except RuntimeError as problem:
        # It is still running. What was raised in a frame below is of a signal handler, and none of our business.
        if problem.__traceback__ is not None and problem.__traceback__.tb_next is not None:
            raise
