"""What a test server got, and what it did: a journal of all requests, and the ledger that counts them."""

from __future__ import annotations

import re
import threading
from collections import Counter
from collections.abc import Callable
from datetime import datetime
from typing import Any, NamedTuple

from attrs import asdict, evolve, field, frozen

from ._exchange import Pairs
from ._routes import check_operation
from ._wire import WireRequest, WireResponse

__all__ = ["Journal", "JournalEntry", "Ledger"]

_MOST_ENTRIES = 10_000
_MOST_BODY_BYTES = 64 * 1024 * 1024
_KEY_HEADERS = frozenset(["x-api-key", "authorization", "proxy-authorization", "cookie"])
_KEY = re.compile(r"clk_(live|test)_[A-Za-z0-9_-]+")


@frozen(kw_only=True)
class JournalEntry:
    """One request, and what came of it.

    ``number`` is its place in the order of arrival, from 1. ``request_headers`` do not hold the key: ``has_key`` says
    whether there was one. ``status``, ``response_headers`` and ``response_body`` are those of the response that was
    sent, or begun, ``None`` if there was none. ``applied`` says whether something was created, changed or deleted,
    ``fault`` which kind of fault it met. ``refusal`` says what was wrong with a request that could not be read; it has
    no method and no target.
    """

    number: int
    received: datetime
    method: str = ""
    target: str = field(default="", repr=False)
    operation: str | None = None
    has_key: bool = False
    request_headers: Pairs = field(default=(), repr=False)
    request_body: bytes = field(default=b"", repr=False)
    status: int | None = None
    response_headers: Pairs | None = field(default=None, repr=False)
    response_body: bytes | None = field(default=None, repr=False)
    applied: bool = False
    fault: str | None = None
    refusal: str | None = None

    @property
    def body_bytes(self) -> int:
        """How much of it are bodies."""
        return len(self.request_body) + len(self.response_body or b"")

    def to_dict(self) -> dict[str, Any]:
        """The entry as JSON has it: bodies as text, headers as pairs, the moment in ISO 8601.

        >>> from datetime import UTC, datetime
        >>> entry = JournalEntry(number=1, received=datetime(2025, 6, 1, tzinfo=UTC), method="GET", target="/health")
        >>> told = entry.to_dict()
        >>> told["received"], told["target"], told["status"]
        ('2025-06-01T00:00:00+00:00', '/health', None)
        """
        told = asdict(self)
        for name in ("request_body", "response_body"):
            if told[name] is not None:
                told[name] = told[name].decode("utf-8", "backslashreplace")
        for name in ("request_headers", "response_headers"):
            if told[name] is not None:
                told[name] = [list(pair) for pair in told[name]]
        told["received"] = self.received.isoformat()
        return told


class Ticket(NamedTuple):
    """Which request a response belongs to."""

    place: int
    operation: str | None


class Journal:
    """Every request that a server got, in the order of arrival. It keeps the latest 10,000, and counts all.

    Of large ones it keeps fewer: what it holds of bodies is at most 64 MiB.

    Args:
        now: tells the time.
    """

    def __init__(self, now: Callable[[], datetime]) -> None:
        self._now = now
        self._lock = threading.Lock()
        self._last = 0
        self.clear()

    @property
    def entries(self) -> list[JournalEntry]:
        """The latest entries."""
        with self._lock:
            return list(self._entries.values())

    def clear(self) -> None:
        """Forget all entries and counts. The next request has the number 1."""
        with self._lock:
            # Places go on: what is under way now belongs to what is forgotten.
            self._forgotten = self._last
            self._entries: dict[int, JournalEntry] = {}
            self._body_bytes = 0
            self._received: Counter[str | None] = Counter()
            self._applied: Counter[str | None] = Counter()

    def to_dict(self, *, after: int = 0) -> dict[str, Any]:
        """The counts and the latest entries, as JSON has them; ``forgotten`` is how many came before the last `clear`.

        Args:
            after: the number of an entry; those with higher ones are told.

        >>> from datetime import UTC, datetime
        >>> Journal(lambda: datetime.now(UTC)).to_dict()
        {'received': 0, 'applied': 0, 'forgotten': 0, 'entries': []}
        """
        with self._lock:
            entries = [entry for entry in self._entries.values() if entry.number > after]
            counts = {"received": self._received.total(), "applied": self._applied.total()}
            forgotten = self._forgotten
        return {**counts, "forgotten": forgotten, "entries": [entry.to_dict() for entry in entries]}

    def count(self, operation: str | None, *, applied: bool) -> int:
        """How many requests of an operation, or of all, were received, or applied; see `Ledger`."""
        with self._lock:
            counts = self._applied if applied else self._received
            return counts.total() if operation is None else counts[operation]

    def counts(self, *, applied: bool) -> dict[str, int]:
        """The same for each operation that there was; see `Ledger`."""
        with self._lock:
            counts = self._applied if applied else self._received
            return {operation or "other": count for operation, count in counts.items() if count}

    # -- for the server -----------------------------------------------------------------------------------------------

    def arrived(self, request: WireRequest, operation: str | None, fault: str | None = None) -> Ticket:
        """A request was read. `applied` and `responded` tell what came of it."""
        headers = tuple((name, _without_key(value)) for name, value in request.headers if name not in _KEY_HEADERS)
        has_key = any(name == "x-api-key" for name, _ in request.headers)
        with self._lock:
            self._last += 1
            entry = JournalEntry(
                number=self._last - self._forgotten,
                received=self._now(),
                method=request.method,
                target=_without_key(request.target),
                operation=operation,
                has_key=has_key,
                request_headers=headers,
                request_body=_body_without_key(request.body),
                fault=fault,
            )
            self._received[operation] += 1
            self._keep(self._last, entry)
            return Ticket(self._last, operation)

    def refused(self, status: int, reason: str) -> None:
        """A request was so bad that it could not be read."""
        with self._lock:
            self._last += 1
            number = self._last - self._forgotten
            self._received[None] += 1
            self._keep(self._last, JournalEntry(number=number, received=self._now(), status=status, refusal=reason))

    def applied(self, ticket: Ticket) -> None:
        """A request has created, changed or deleted something."""
        with self._lock:
            if ticket.place > self._forgotten:
                self._applied[ticket.operation] += 1
                self._change(ticket, applied=True)

    def responded(self, ticket: Ticket, response: WireResponse) -> None:
        """A request gets this response."""
        with self._lock:
            headers = tuple((name, _without_key(value)) for name, value in response.headers)
            body = _body_without_key(response.body)
            self._change(ticket, status=response.status, response_headers=headers, response_body=body)

    def _change(self, ticket: Ticket, **changes: Any) -> None:
        if (entry := self._entries.get(ticket.place)) is not None:
            self._keep(ticket.place, evolve(entry, **changes))

    def _keep(self, place: int, entry: JournalEntry) -> None:
        """Put an entry in its place, and let go of the oldest if there are too many. The lock is held."""
        if (before := self._entries.get(place)) is not None:
            self._body_bytes -= before.body_bytes
        self._entries[place] = entry
        self._body_bytes += entry.body_bytes
        while len(self._entries) > _MOST_ENTRIES or (self._body_bytes > _MOST_BODY_BYTES and len(self._entries) > 1):
            oldest = next(iter(self._entries))
            self._body_bytes -= self._entries.pop(oldest).body_bytes


def _without_key(text: str) -> str:
    return _KEY.sub("[redacted]", text) if "clk_" in text else text


def _body_without_key(body: bytes) -> bytes:
    # Most have none, and are not copied.
    return _without_key(body.decode("latin-1")).encode("latin-1") if b"clk_" in body else body


class Ledger:
    """Counts what a server received and what it applied; attempts are counted when they arrive.

    >>> from datetime import UTC, datetime
    >>> ledger = Ledger(Journal(lambda: datetime.now(UTC)))
    >>> ledger.received(), ledger.applied("create")
    (0, 0)
    """

    def __init__(self, journal: Journal) -> None:
        self._journal = journal

    @property
    def entries(self) -> list[JournalEntry]:
        """The latest requests, in the order of arrival."""
        return self._journal.entries

    def received(self, operation: str | None = None) -> int:
        """How many requests came, of an operation or of all; those that met a fault, too.

        Raises:
            ValueError: there is no such operation.
        """
        check_operation(operation)
        return self._journal.count(operation, applied=False)

    def counts(self, *, applied: bool) -> dict[str, int]:
        """How many requests of each operation were applied, or received; those of none are ``other``."""
        return self._journal.counts(applied=applied)

    def applied(self, operation: str | None = None) -> int:
        """How many requests created, changed or deleted something.

        Raises:
            ValueError: there is no such operation.
        """
        check_operation(operation)
        return self._journal.count(operation, applied=True)
