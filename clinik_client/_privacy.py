"""Redaction: taking keys, ids, and whatever a request carried, out of texts that people may print.

The service's error messages may repeat what was sent to it (ids, codes, names), sometimes in another spelling or
encoding. So each text of a response goes through a `Redactor` before it becomes part of an error. Names of fields and
values of enumerations stay: they tell nothing of a record, and without them nobody can read the sentence.

No value is ever put into a regular expression: Python's `re` keeps patterns in a cache, which would outlive the client.
"""

from __future__ import annotations

import re
import unicodedata
from bisect import bisect_left
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final

from ._encodings import UNREADABLE, readings
from ._proof import REQUEST_ID

KEY_PREFIX: Final = "clk_(?:live|test)_"
"""How an API key begins, as a pattern."""

REDACTED: Final = "[redacted]"

_LONGEST_TEXT: Final = 500
LONGEST_READ: Final = 4_000
# Searching for more would take too long: if a request carries more, no text of the service is shown at all.
_MOST_CHARACTERS: Final = 100_000
_MOST_TEXTS: Final = 1_000

# Shorter values count only as whole words: they are part of many others.
_LONG: Final = 4
# A service may cut off what it repeats: this many characters from the beginning of a value count as the value.
_BEGINNING: Final = 12
# Values of this length are also found if their white space was changed.
_LONG_WITHOUT_SPACE: Final = 6
# What a sentence has around its words.
_PUNCTUATION: Final = frozenset(" .,:;/()[]'\"=-")
# This many characters in a row from the key are not there by chance.
_KEY_RUN: Final = 8

# How much all readings of a text may hold.
_MOST_READ: Final = 10 * LONGEST_READ

# Marks what was taken out while a text is worked on. It occurs in no value and in no encoding.
_MARK: Final = "\0"

# Keys, ids as the API makes them (enc_xyz789; but not req_..., which support asks for), FHIR references, and dates,
# which may be dates of birth. The limit of 128 characters keeps the time for a hostile text proportional to its length.
_RECOGNIZABLE: Final = (
    rf"(?i:{KEY_PREFIX})[A-Za-z0-9_-]*"
    r"|\b(?!req_)[a-z]{2,12}_(?=[A-Za-z0-9._-]{0,128}\d)[A-Za-z0-9._-]+"
    r"|\b[A-Z][A-Za-z]+/[A-Za-z0-9._-]{0,128}\d[A-Za-z0-9._-]*"
    r"|(?<!\d)\d{4}-\d\d-\d\d(?:[Tt ]\d\d:\d\d(?::\d\d(?:[.,]\d{1,9})?)?(?:[Zz]|[+-]\d\d:?\d\d)?)?(?!\d)"
)
_NAME: Final = r"_?(?:[a-z][A-Za-z]*|[a-z]+(?:_[a-z]+)*)_?"
_LONGEST_NAME: Final = 40


def is_name(value: object) -> bool:
    """Whether this is spelled like a name of the API, or like a keyword for one. Anything else may be a value.

    >>> is_name("lenghtMinutes"), is_name("class_"), is_name("_include"), is_name("Smith"), is_name("pt_1")
    (True, True, True, False, False)
    """
    return isinstance(value, str) and len(value) <= _LONGEST_NAME and re.fullmatch(_NAME, value) is not None


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


class Words:
    """Words that tell nothing of a record, and the ways to fields that are made of them: ``diagnosis[0].rank``.

    Args:
        words: names of fields, and values of enumerations, but nothing that a request carried.
    """

    def __init__(self, words: Iterable[str]) -> None:
        longest_first = sorted({word.lower() for word in words}, key=len, reverse=True)
        word = rf"(?<![^\W_])(?:{'|'.join(map(re.escape, longest_first)) or '(?!)'})(?![^\W_])"
        index = r"\[[0-9]{1,3}\]|\.[0-9]{1,3}(?![^\W_])"
        self._pattern = re.compile(rf"{word}(?:{index}|\.{word})*")

    def are(self, text: str) -> bool:
        """Whether a text is one of them."""
        return self._pattern.fullmatch(text.lower()) is not None

    def spared(self, folded: str, spans: Iterable[tuple[int, int]]) -> Iterator[tuple[int, int]]:
        """What is left of the places where values were found in a folded text, when these words stay.

        A value that holds one of them and more is taken whole. One that begins or ends inside of a word is there by
        chance, and so are fewer than four characters beside a word that are part of another.
        """
        found = list(spans)
        places = [match.span() for match in self._pattern.finditer(folded)] if found else []
        starts = [start for start, _ in places]
        for start, end in found:
            first, last = bisect_left(starts, start), bisect_left(starts, end)
            left = max(start, places[first - 1][1]) if first else start
            right = min(end, starts[last - 1]) if last and places[last - 1][1] > end else end
            whole = places[first] if first < last and places[first][1] <= right else (left, left)
            if (left, right) != (start, end) or whole[0] < whole[1]:
                rest = folded[left : whole[0]] + folded[whole[1] : right]
                more = _LONG if len(rest) > _BEGINNING else sum(character not in _PUNCTUATION for character in rest)
                if more == 0 or (more < _LONG and not _is_word(folded, left, right)):
                    continue
            yield left, right


NO_WORDS: Final = Words(())


class Redactor:
    """Takes what one request carried, its key, and anything that looks like a key or an id, out of a text.

    Args:
        carried: the texts that the request carried.
        key: the API key that it was sent with.
        words: those that stay, although the request may have carried the same.

    >>> Redactor(["pt_abc123", "I10"]).clean("Patient pt_abc123 has I10 already; enc_9 too")
    'Patient [redacted] has [redacted] already; [redacted] too'
    >>> Redactor(["planned", "planned surgery"], words=Words(["status", "planned"])).clean(
    ...     "status: planned; type: planned surgery"
    ... )
    'status: planned; type: [redacted]'
    """

    def __init__(self, carried: Iterable[str], key: str = "", words: Words = NO_WORDS) -> None:
        self._words = words
        values: list[str] = []
        self._secret = _fold(re.sub(KEY_PREFIX, "", key.lower()))[0]
        self.too_much = False
        """The request carried too much to look for it in a text: `clean` shows nothing, `touches` is always true."""
        size = 0
        for value in carried:
            size += len(value)
            if size > _MOST_CHARACTERS or len(values) >= _MOST_TEXTS:
                self.too_much = True
                values = []
                break
            values.append(value)
        squeezed = ["".join(value.split()) for value in (*values, key, self._secret)]
        self._index = _Index(values, words)
        self._index_of_key = _Index([key, self._secret])
        self._index_without_space = _Index((value for value in squeezed if len(value) >= _LONG_WITHOUT_SPACE), words)
        starts = range(len(self._secret) - _KEY_RUN + 1)
        self._key_runs = frozenset(self._secret[start : start + _KEY_RUN] for start in starts)

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
        # reason_code.0 is built like an id.
        text = re.sub(
            _RECOGNIZABLE,
            lambda found: found[0] if self._words.are(found[0].rstrip(".")) else _MARK,
            text,
            flags=re.ASCII,
        )
        text = " ".join(text.split())
        text = "".join(character if character.isprintable() or character == _MARK else "?" for character in text)
        text = text.replace(_MARK, REDACTED)
        return text if len(text) <= _LONGEST_TEXT else text[:_LONGEST_TEXT] + "..."

    def request_id(self, value: Any) -> str | None:
        """A request id that errors and logs may name; ``None`` for anything that may be something else."""
        fits = isinstance(value, str) and REQUEST_ID.fullmatch(value) is not None
        return value if fits and not self.touches(value) else None

    def _spans(self, folded: str) -> Iterator[tuple[int, int]]:
        """Where a value, or a part of the key, stands."""
        yield from self._words.spared(folded, self._index.spans(folded))
        yield from self._index_of_key.spans(folded)
        if len(self._secret) < _LONG:
            return
        # A masked key shows its end: ****9f3c.
        for pattern in _WORDS:
            for word in re.finditer(pattern, folded):
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
        for reading in readings(text):
            room -= len(reading)
            folded, _ = _fold(reading)
            # Only a text that was made for it can be read in so many ways.
            if room < 0 or any(True for _ in self._spans(folded)):
                return True
            # Where it stands plainly, it can be taken out in its place.
            if reading is not text and re.search(KEY_PREFIX, folded):
                return True
            places = [place for place, character in enumerate(folded) if character != " "]
            close = self._index_without_space.spans(folded.replace(" ", ""))
            if any(True for _ in self._words.spared(folded, ((places[a], places[b - 1] + 1) for a, b in close))):
                return True
        return False


# -- finding values in a text -----------------------------------------------------------------------------------------

_WORDS: Final = (rf"[a-z0-9_-]{{{_LONG},}}", rf"[a-z0-9]{{{_LONG},}}")


class _Index:
    """Values, so arranged that looking for all of them is one pass over a text, however many they are."""

    def __init__(self, values: Iterable[str], known: Words = NO_WORDS) -> None:
        # A service cannot repeat unreadable characters as they were: the parts between them count.
        parts = {_fold(part)[0].strip() for value in values for part in re.split(UNREADABLE, value)}
        parts = {part for part in parts if not known.are(part)}
        # Those that count only as a whole, and how long they are.
        self._words = frozenset(part for part in parts if 1 < len(part) < _BEGINNING)
        self._sizes = tuple({len(word) for word in self._words})
        # The others, in their order, and how they begin.
        self._long = tuple(sorted(part for part in parts if len(part) >= _BEGINNING))
        self._beginnings = frozenset(part[:_BEGINNING] for part in self._long)

    def spans(self, folded: str) -> Iterator[tuple[int, int]]:
        """Where in a folded text a value stands, or the beginning of one that is cut off."""
        reach = 0
        for start in range(len(folded)):
            for size in self._sizes:
                end = start + size
                found = end <= len(folded) and folded[start:end] in self._words
                if found and (size >= _LONG or _is_word(folded, start, end)):
                    yield start, end
            if folded[start : start + _BEGINNING] in self._beginnings:
                # What an earlier match covers is not looked at again: "aaaa..." would take quadratic time.
                end = max(reach, start + _BEGINNING)
                while end < len(folded) and self._has_beginning(folded[start : end + 1]):
                    end += 1
                if end > reach:
                    yield start, end
                    reach = end

    def _has_beginning(self, text: str) -> bool:
        place = bisect_left(self._long, text)
        return place < len(self._long) and self._long[place].startswith(text)


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
