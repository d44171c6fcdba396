"""The body of a response: decoded, and never more of it than is allowed."""

from __future__ import annotations

import zlib
from collections.abc import Callable, Iterable, Iterator
from typing import Final

from .failures import AttemptFailed

_DECODED_STEP: Final = 1_048_576

# A value in JSON takes so many bytes at least, on average; a hundred or more as an object of Python. A record of
# the API has about 25 for each.
_BYTES_PER_VALUE: Final = 32
_VALUES_ALWAYS: Final = 10_000


def has_too_many_values(body: bytes, limit: int) -> bool:
    """Whether a body of JSON would be out of all proportion to its limit of bytes when made into objects.

    Args:
        body: the decoded body.
        limit: the most bytes that it may have.
    """
    most = max(limit // _BYTES_PER_VALUE, _VALUES_ALWAYS)
    # Each value stands behind a comma or an opening bracket; what strings hold of these counts too.
    return len(body) > most and body.count(b",") + body.count(b"[") + body.count(b"{") > most


def read_body(
    stream: Iterable[bytes], encoding: str, limit: int, check_time: Callable[[], object] = lambda: None
) -> bytes:
    """Read and decode a body.

    Args:
        stream: its chunks.
        encoding: the ``Content-Encoding``; only gzip is asked for and understood (RFC 9110, section 8.4.1.3).
        limit: the most bytes that are accepted, decoded or not.
        check_time: called after each step, since a few bytes can hold very many; raises when the time is up.

    Raises:
        AttemptFailed: it is larger than that, cut short, or not in that encoding.
    """
    encoding = encoding.strip().lower()
    if encoding in ("", "identity"):
        return b"".join(_limited(stream, limit, check_time))
    if encoding not in ("gzip", "x-gzip"):
        raise AttemptFailed("bad_encoding", "The response came in an encoding that was not asked for.", malformed=True)
    parts: list[bytes] = []
    room = limit
    decoder = zlib.decompressobj(wbits=zlib.MAX_WBITS | 16)
    empty, broken = True, False
    for chunk in _limited(stream, limit, check_time):
        empty = empty and not chunk
        more = bool(chunk)
        while more and not broken:
            check_time()
            if decoder.eof:
                # A gzip file may have several members (RFC 1952, section 2.2).
                decoder = zlib.decompressobj(wbits=zlib.MAX_WBITS | 16)
            try:
                part = decoder.decompress(chunk, min(room + 1, _DECODED_STEP))
            except zlib.error:
                broken = True
                break
            parts.append(part)
            room -= len(part)
            if room < 0:
                raise _too_large(limit)
            # Output that a step has left behind comes with the next piece: at the latest the end of the member.
            chunk = decoder.unconsumed_tail or decoder.unused_data
            more = bool(chunk)
    # A 204 that names an encoding is whole without a byte.
    if broken or not (decoder.eof or empty):
        raise AttemptFailed("bad_encoding", "The response's compressed body is damaged or cut short.", malformed=True)
    return b"".join(parts)


def _limited(stream: Iterable[bytes], limit: int, check_time: Callable[[], object]) -> Iterator[bytes]:
    room = limit
    for chunk in stream:
        check_time()
        room -= len(chunk)
        if room < 0:
            raise _too_large(limit)
        yield chunk


def _too_large(limit: int) -> AttemptFailed:
    return AttemptFailed(
        "too_large", f"The response is larger than max_response_bytes ({limit:,} bytes).", malformed=True
    )
