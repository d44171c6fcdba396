"""From what was seen to what is written: pseudonyms, one recording, and the last look at it."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Final

from attrs import evolve, field, frozen

from .._exchange import Exchange, Recording
from .._har import dump_recording
from .canary import Canary
from .pseudonyms import Pseudonyms, is_pseudonym
from .renaming import Renaming
from .rewriting import Rewriter, found_in

__all__ = ["SeenExchange", "finished_file"]

_SHORTEST_KEY: Final = 8


@frozen
class SeenExchange:
    """An exchange as it came, and the key that it came with."""

    exchange: Exchange = field(repr=False)
    key: str = field(repr=False)


def finished_file(
    recording: Recording, seen: Sequence[SeenExchange], renaming: Renaming, keep: Collection[str] = ()
) -> bytes:
    """A recording with what was seen at its end, as a HAR file.

    Args:
        recording: what was written before; nothing of it changes.
        seen: what is new.
        renaming: what the pseudonyms in the recording stand for, as far as that is known.
        keep: values that are made up already.

    Raises:
        UnsafeRecordingError: it would hold a key, or a value that came in.
    """
    raw = [one.exchange for one in seen]
    replaced = {value for one in raw for kind, value in found_in(one).values() if kind != "date"}
    # What is in the file already is made up, or a pseudonym.
    keep = {*keep, *(name for one in recording.exchanges for _, name in found_in(one).values())}
    pseudonyms = Pseudonyms(
        replaced | keep,
        known={value: name for value, name in renaming.recorded.items() if is_pseudonym(name)},
        keep=keep,
        days=None if renaming.days is None else -renaming.days,
    )
    rewriter = Rewriter(pseudonyms)
    written = [rewriter.exchange(one) for one in raw]
    file = dump_recording(evolve(recording, exchanges=[*recording.exchanges, *written]))
    # One that is malformed may be a key to something else.
    keys = {one.key for one in seen if len(one.key) >= _SHORTEST_KEY}
    Canary.of(raw, replaced, rewriter.kept, keys, keep).look(file)
    return file
