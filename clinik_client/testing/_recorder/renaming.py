"""Two sets of names for one story: those of a recording, and those of whoever asks for it or answers it now."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from copy import copy

from .._exchange import Exchange
from .pseudonyms import days_between, move_date
from .rewriting import Kind, Place, Rewriter, found_in

__all__ = ["Renaming"]


class Renaming:
    """What a value of the recording is called now, and the other way round.

    Args:
        now: names of now by those in the recording.
        open_names: names in the recording that may stand for another value, which the first request tells.
        moves_dates: whether the dates of the recording may stand for others, all as many days apart.
    """

    def __init__(
        self, now: Mapping[str, str] | None = None, *, open_names: Collection[str] = (), moves_dates: bool = False
    ) -> None:
        self._open_names = open_names
        self._moves_dates = moves_dates
        self.now = dict(now or {})
        self.recorded = {value: name for name, value in self.now.items()}
        self.days: int | None = None
        """How many days the dates of now are behind those of the recording, once that is known."""

    def fitted(self, recorded: Exchange, asked: Exchange) -> Renaming | None:
        """This with what a request adds to it, if it is the recorded one; ``None`` if its names contradict each other.

        What is no open name stands for itself.
        """
        fitted = copy(self)
        fitted.now, fitted.recorded = dict(self.now), dict(self.recorded)
        told = found_in(recorded, response=False)
        for place, (kind, value) in found_in(asked, response=False).items():
            if place not in told:
                continue
            name = told[place][1]
            if kind == "date":
                if self._moves_dates and fitted.days is None and told[place][0] == "date":
                    fitted.days = days_between(name, value)
            elif name in self._open_names and value != name and not fitted._learn(name, value):
                return None
        return fitted

    def _learn(self, name: str, value: str) -> bool:
        """Take a pair in; false if one of them has another partner already."""
        known = self.now.get(name, value) == value and self.recorded.get(value, name) == name
        if known:
            self.now[name], self.recorded[value] = value, name
        return known

    def learn_ids(self, recorded: Exchange, received: Exchange) -> None:
        """Take in the ids and cursors of an exchange: what a service made anew has another id each time.

        Each has the name that it was seen with first. Those of the request come before those of the response.
        """
        told = found_in(recorded)
        for place, (kind, value) in found_in(received).items():
            if kind in ("id", "cursor") and place in told and told[place][0] == kind:
                self._learn(told[place][1], value)

    def as_recorded(self, asked: Exchange) -> Exchange:
        """A request with the names that the recording has."""
        return Rewriter(self._to_recorded, strict=False).request(asked)

    def as_now(self, recorded: Exchange) -> Exchange:
        """An exchange of the recording with the names of now."""
        return Rewriter(self._to_now, strict=False).exchange(recorded)

    def _to_recorded(self, place: Place, kind: Kind, value: str) -> str:
        return _moved(value, -(self.days or 0)) if kind == "date" else self.recorded.get(value, value)

    def _to_now(self, place: Place, kind: Kind, name: str) -> str:
        return _moved(name, self.days or 0) if kind == "date" else self.now.get(name, name)


def _moved(text: str, days: int) -> str:
    try:
        return move_date(text, days) if days else text
    except ValueError:
        return text
