"""The last look at a recording before it is written: nothing that came in may stand in what goes out.

It reads the finished file and knows nothing of how the pseudonyms were made, so a mistake there is found here.
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Collection, Iterable, Iterator
from typing import Any, Final
from urllib.parse import parse_qsl, unquote, urlsplit

import orjson
from attrs import field, frozen

from ..._privacy import texts_of
from .._exchange import NOT_JSON, Exchange
from .._har import HarError
from .fields import DATE_FIELDS, FIELDS, NUMBER_FIELDS, PARAMETERS, is_told
from .pseudonyms import is_pseudonym
from .rewriting import DATE, FHIR_BASE, body_value

__all__ = ["Canary", "UnsafeRecordingError"]

# Shorter ones are found as a whole only: they are part of many other texts.
_LONG: Final = 4
# The time of an exchange stays as it was.
_DATED: Final = DATE_FIELDS | {"timestamp"}
# In what a person writes about a story, words such as "visit" may stand in a record, too.
_LONG_IN_PROSE: Final = 8

_KEYS: Final = re.compile(
    r"clk_(?:live|test)_(?!fixture)[A-Za-z0-9_-]+|\bsk_(?:live|test)_\w+|\beyJ[\w-]+\.[\w-]+\.|\bBearer\s+\S"
)


class UnsafeRecordingError(HarError):
    """A recording would hold what it must not: a key, or a value that came in. The text names the place alone."""


def _all_texts(exchange: Exchange) -> Iterator[str]:
    yield from (unquote(step) for step in exchange.path.split("/"))
    yield from (text for pair in exchange.query for text in pair)
    # What is no API's header, as a cookie, may be anybody's; the values of the others come apart as words.
    yield from (value for name, value in (*exchange.request_headers, *exchange.response_headers))
    for body in (exchange.request_body, exchange.response_body):
        value = body_value(body)
        if value is NOT_JSON:
            yield body.decode("utf-8", "replace")
        else:
            yield from texts_of(_without_numbers(value))


def _without_numbers(value: Any, name: str = "") -> Any:
    """A JSON value without the numbers that stand where numbers belong."""
    if isinstance(value, dict):
        return {key: _without_numbers(item, key) for key, item in value.items()}
    if isinstance(value, list):
        return [_without_numbers(item, name) for item in value]
    if isinstance(value, int | float) and (name in NUMBER_FIELDS or abs(value) < 10_000):
        return None
    return value


def _plain(text: str) -> str:
    return " ".join(text.casefold().split())


@frozen
class Canary:
    """What may not be found in a file.

    Args:
        values: texts that tell of somebody.
        keys: the keys that were used.
        keep: texts that may stand anywhere.
    """

    values: frozenset[str] = field(repr=False)
    keys: frozenset[str] = field(default=frozenset(), repr=False)
    keep: frozenset[str] = field(default=frozenset(), repr=False)

    @classmethod
    def of(
        cls,
        exchanges: Iterable[Exchange],
        replaced: Collection[str],
        kept: Collection[str] = (),
        keys: Collection[str] = (),
        keep: Collection[str] = (),
    ) -> Canary:
        """One for what was seen.

        Args:
            exchanges: as they came.
            replaced: the texts in them that have a pseudonym.
            kept: those that stay by design.
            keys: the keys that were used.
            keep: texts that are made up as they are.
        """
        every = {text for exchange in exchanges for text in _all_texts(exchange)}
        suspect = {*replaced, *(every - set(kept))} - set(keep)
        values = {_plain(text) for text in suspect if not is_told(text) and not text.isspace()}
        return cls(frozenset(values - {"", *map(_plain, PARAMETERS)}), frozenset(keys), frozenset(keep))

    def look(self, file: bytes) -> None:
        """Read a HAR file as it would be written.

        Raises:
            UnsafeRecordingError: it holds one of the values, or what looks like a key.
        """
        text = file.decode()
        if _KEYS.search(text) or any(key in text for key in self.keys):
            raise UnsafeRecordingError("it would hold what looks like a key; nothing was written")
        log = orjson.loads(file)["log"]
        told = _plain(log["comment"])
        if any(len(value) >= _LONG_IN_PROSE and value in told for value in self.values):
            raise UnsafeRecordingError("log.comment: it would hold a value that came in; nothing was written")
        lengths = {len(value) for value in self.values if len(value) >= _LONG}
        clean: set[tuple[str, bool]] = set()
        for number, entry in enumerate(log["entries"], start=1):
            for place, leaf, may_be_date in _leaves(entry):
                if (leaf, may_be_date) in clean:
                    continue
                clean.add((leaf, may_be_date))
                # Four digits are a year in one place, and the number of a file in another.
                is_date = may_be_date and DATE.fullmatch(leaf)
                if not is_date and self._is_in(leaf, lengths):
                    raise UnsafeRecordingError(
                        f"entry {number}: {place} would hold a value that came in; nothing was written"
                    )

    def _is_in(self, leaf: str, lengths: Collection[int]) -> bool:
        plain = _plain(leaf)
        if not plain or leaf in self.keep or is_told(leaf):
            return False
        if plain in self.values:
            # Short ones are everywhere, and a number is a cursor as well as somebody's text.
            return not plain.isdecimal() or len(plain) >= _LONG
        if is_pseudonym(leaf):
            return False
        readings = [plain, *_decoded(leaf)]
        # Of a long story there are many values, and hardly any lengths: so pieces are looked up.
        return any(
            reading[start : start + length] in self.values
            for reading in readings
            for length in lengths
            for start in range(len(reading) - length + 1)
        )


def _decoded(leaf: str) -> Iterator[str]:
    """What a text says if it is Base64, as cursors are."""
    try:
        yield _plain(base64.b64decode(leaf + "=" * (-len(leaf) % 4), altchars=b"-_", validate=True).decode())
    except (binascii.Error, ValueError):
        return


def _leaves(entry: Any) -> Iterator[tuple[str, str, bool]]:
    """Each text of an entry that came with the traffic: its place, the text, and whether a date may stand there."""
    request, response = entry["request"], entry["response"]
    url = urlsplit(request["url"])
    for number, step in enumerate(url.path.split("/")):
        yield f"segment {number} of the path", unquote(step), False
    for name, value in [*parse_qsl(url.query), *((pair["name"], pair["value"]) for pair in request["queryString"])]:
        yield "the query", name, False
        yield f"the query's {name if name in PARAMETERS else 'parameter'}", value, name in _DATED
    for side, message in (("request", request), ("response", response)):
        yield from ((f"a header of the {side}", header["value"], True) for header in message["headers"])
    for side, content in (("request", request.get("postData", {})), ("response", response["content"])):
        text = content.get("text", "")
        body = base64.b64decode(text) if content.get("encoding") else text.encode()
        value = body_value(body)
        if value is NOT_JSON:
            yield f"the body of the {side}", body.decode("utf-8", "replace"), False
        else:
            yield from _leaves_of(value, f"{side}'s body")


def _leaves_of(value: Any, place: str, name: str = "") -> Iterator[tuple[str, str, bool]]:
    if isinstance(value, str):
        # Of a reference, the type tells nothing.
        parts = [value] if is_told(value) else value.removeprefix(FHIR_BASE).rsplit("/", 1)
        yield from ((place, part, name in _DATED) for part in parts)
    elif isinstance(value, dict):
        for member, item in value.items():
            if member not in FIELDS:
                raise UnsafeRecordingError(f"{place} would hold a field that the API does not have")
            yield from _leaves_of(item, f"{place}: {member}", member)
    elif isinstance(value, list):
        for item in value:
            yield from _leaves_of(item, place, name)
    elif isinstance(value, int | float) and not isinstance(value, bool):
        yield place, str(value), False
