"""From what was seen to what is written: pseudonyms, one recording, and the last look at it."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from typing import Final

from attrs import evolve, field, frozen

from .._exchange import Exchange, Recording
from .._har import HarError, dump_recording
from .canary import Canary
from .pseudonyms import Pseudonyms, is_far, is_pseudonym
from .renaming import Renaming
from .replay import is_pseudonymous
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
        HarError: a request would ask for something else than it did, or dates would be moved by another number of weeks
            than those before.
    """
    raw = [one.exchange for one in seen]
    days = _days(recording, raw, renaming, keep)
    replaced = {value for one in raw for kind, value in found_in(one).values() if kind != "date"}
    # What is in the file already is made up, or a pseudonym.
    keep = {*keep, *_made_up(recording)}
    pseudonyms = Pseudonyms(
        replaced | keep,
        known={value: name for value, name in renaming.recorded.items() if is_pseudonym(name)},
        keep=keep,
        days=days,
    )
    rewriter = Rewriter(pseudonyms)
    written = []
    for number, one in enumerate(raw, start=len(recording.exchanges) + 1):
        written.append(rewriter.exchange(one))
        if rewriter.asks_otherwise:
            raise HarError(
                f"entry {number}: its request has a parameter or a field that the API does not document. That is not "
                "written, and without it the request would ask for something else; nothing was written"
            )
    file = dump_recording(evolve(recording, exchanges=[*recording.exchanges, *written]))
    # One that is malformed may be a key to something else.
    keys = {one.key for one in seen if len(one.key) >= _SHORTEST_KEY}
    Canary.of(raw, replaced, rewriter.kept, keys, keep).look(file)
    return file


def _made_up(recording: Recording) -> Iterator[str]:
    """What a file has in the place of true values. A moved date may be the true one of something else."""
    for exchange in recording.exchanges:
        moved = is_pseudonymous(exchange)
        yield from (name for kind, name in found_in(exchange).values() if not (moved and kind == "date"))


def _days(recording: Recording, raw: Sequence[Exchange], renaming: Renaming, keep: Collection[str]) -> int | None:
    """By how many days to move the dates of what was seen; ``None`` if that is free to choose.

    A file does not tell by how many its own were moved: whoever has it could move them back. Only a request of the
    recorded ones that was asked again with its true date does.
    """
    if not _has_date(filter(is_pseudonymous, recording.exchanges), keep):
        return None
    days = -(renaming.days or 0)
    if is_far(days):
        return days
    if _has_date(raw, keep):
        raise HarError(
            "its dates were moved by a number of weeks that it does not tell, and those to be added have to be moved "
            "by the same. Ask in the same block for something that was recorded with a date in its request, with the "
            'date of then, or record everything anew (mode="all"); nothing was written'
        )
    return None


def _has_date(exchanges: Iterable[Exchange], keep: Collection[str]) -> bool:
    return any(kind == "date" and text not in keep for one in exchanges for kind, text in found_in(one).values())
