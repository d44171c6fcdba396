"""Which requests meet which fault."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from random import Random
from typing import NamedTuple

from attrs import define

from ._fault import Fault

__all__ = ["Faults", "Meeting", "Scheduled", "named"]


class Meeting(NamedTuple):
    """A fault that a request meets: the how manieth it is of all, and the seconds that were drawn for it."""

    fault: Fault
    number: int
    seconds: float


@define(eq=False)
class Scheduled:
    """A fault that was added, how many requests it has counted since, and how many of them met it."""

    fault: Fault
    random: Random
    arrived: int = 0
    met: int = 0

    def counts(self, operation: str | None) -> bool:
        """Whether it is due for a request that arrives."""
        if self.fault.operation not in (None, operation):
            return False
        self.arrived += 1
        # Drawn whoever else is due: the course depends on nothing but the seed and the requests.
        unlucky = self.fault.probability is None or self.random.random() < self.fault.probability
        return unlucky and self.arrived >= self.fault.nth and not self.is_over

    @property
    def is_over(self) -> bool:
        return self.fault.times is not None and self.met >= self.fault.times

    @property
    def is_pending(self) -> bool:
        return self.met < (1 if self.fault.times is None else self.fault.times)

    def seconds(self) -> float:
        ends = self.fault.seconds
        return self.random.uniform(*ends) if isinstance(ends, tuple) else ends


class Faults:
    """The faults of a server, in the order in which they were added; each request meets the first that is due.

    A fault that is due when another one was first waits for the next request. Many threads may use it.

    >>> faults = Faults()
    >>> faults.add(Fault("hang", operation="create"))
    >>> faults.meet("read"), [fault.kind for fault in faults.pending()]
    (None, ['hang'])
    >>> faults.meet("create").fault.kind, faults.pending(), [fault.kind for fault in faults.met]
    ('hang', [], ['hang'])
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._scheduled: list[Scheduled] = []
        self._met: list[Fault] = []

    def add(self, fault: Fault) -> None:
        """Let requests that arrive from now on meet it."""
        self.schedule(fault)

    def schedule(self, fault: Fault) -> Scheduled:
        """Add it; what is returned goes on telling of it after `clear`. For the pytest plugin."""
        if not isinstance(fault, Fault):
            raise TypeError(f"a fault is a Fault, not {type(fault).__name__}")
        scheduled = Scheduled(fault, Random(fault.random_seed))
        with self._lock:
            self._scheduled.append(scheduled)
        return scheduled

    def clear(self) -> None:
        """Forget all of them, and which were met."""
        with self._lock:
            self._scheduled.clear()
            self._met.clear()

    def pending(self) -> list[Fault]:
        """Those that fewer requests have met than they say; with no end, those that none has met."""
        with self._lock:
            return [scheduled.fault for scheduled in self._scheduled if scheduled.is_pending]

    def account(self) -> str:
        """What too few requests have met, readable; empty if there is no such fault.

        >>> faults = Faults()
        >>> faults.add(Fault("reset", times=2))
        >>> print(faults.account())
        Faults that too few requests met (1):
          - 'reset', times=2, met by 0
        """
        met = self.met
        lines = [f"{named(fault)}, met by {sum(fault is one for one in met)}" for fault in self.pending()]
        return "\n  - ".join([f"Faults that too few requests met ({len(lines)}):", *lines]) if lines else ""

    @property
    def met(self) -> list[Fault]:
        """Those that were met, in order, each as often as it was."""
        with self._lock:
            return list(self._met)

    def __iter__(self) -> Iterator[Fault]:
        """Those that requests may still meet."""
        with self._lock:
            return iter([scheduled.fault for scheduled in self._scheduled if not scheduled.is_over])

    def meet(self, operation: str | None) -> Meeting | None:
        """A request has arrived: the fault that it meets, if any. For the server."""
        with self._lock:
            # All of them count the request, also those behind the first that is due.
            due = [scheduled for scheduled in self._scheduled if scheduled.counts(operation)]
            if not due:
                return None
            first = due[0]
            first.met += 1
            self._met.append(first.fault)
            return Meeting(first.fault, len(self._met), first.seconds())


def named(fault: Fault) -> str:
    """A fault as it would be written."""
    usual = Fault(fault.kind).to_dict()
    given = [f"{name}={value!r}" for name, value in fault.to_dict().items() if value != usual[name]]
    return ", ".join([repr(fault.kind), *given])
