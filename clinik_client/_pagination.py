"""Walking through all pages of a search, lazily."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any, Final, Generic, NoReturn, Protocol, TypeVar

from attrs import Factory, evolve, frozen

from ._codecs import Issues, Location, Number
from ._errors import ClinikConfigError, ClinikResponseError
from ._frames import forget_variables
from ._model import Model, reader_of, schema_of, unread
from ._operation import Request
from ._response import ApiResponse, ResponseMeta

T = TypeVar("T")
P = TypeVar("P", bound="Page[Any]")

LARGEST_PAGE: Final = 100
"""How many records the service puts on a page at most (API documentation, pagination)."""

REMEMBERED: Final = 1000
"""How many of the ids yielded last are not yielded again."""

MOST_IDLE_PAGES: Final = 100
"""How many pages in a row may bring nothing new before a walk gives up."""


class Page(Protocol[T]):
    """What a page of any resource has; some have a ``total``, too. That of the encounters is an
    `clinik_client.EncounterPage`."""

    data: list[T]
    has_more: bool
    cursor: str | None
    additional_properties: dict[str, Any]

    def to_dict(self) -> dict[str, Any]: ...
    def __getitem__(self, name: str) -> Any: ...
    def __contains__(self, name: object) -> bool: ...


@frozen(eq=False, repr=False)
class _Rows:
    """The rows of a page that are to be given out one by one: those that were not given out before.

    They are kept as they came. Each is read when it is given out: all at once would be work for nothing where a walk
    ends early, and for the garbage collector.
    """

    raw: list[Any] = Factory(list)
    ids: list[Any] = Factory(list)
    read: Callable[[Any], Any] = lambda row: row
    places: Sequence[int] = ()
    """Where on the page each of them is."""
    size: int = 0
    """How many rows the page has."""

    @classmethod
    def of(cls, page: Any) -> _Rows:
        """All of a page; if somebody has looked at them, as they are."""
        kind: type[Model] = type(page)
        schema = schema_of(kind)
        if type(raw := unread(page, "data")) is list:
            (model,) = schema.by_name["data"].codec.models()
            wire = named.wire if (named := schema_of(model).by_name.get("id")) else None
            return cls(raw, [row.get(wire) for row in raw], reader_of(model), range(len(raw)), len(raw))
        raw = page.data
        return cls(raw, [getattr(row, "id", None) for row in raw], places=range(len(raw)), size=len(raw))

    def at(self, places: list[int]) -> _Rows:
        """Those at these places alone."""
        raw, ids = ([rows[place] for place in places] for rows in (self.raw, self.ids))
        return _Rows(raw, ids, self.read, places, self.size)


@frozen(eq=False, repr=False)
class _InHand(Generic[P]):
    """What the next rows come from."""

    cursor: str | None
    """Where its page is."""
    response: ApiResponse[P] | None = None
    """Its page; ``None`` before it is there."""
    rows: _Rows = Factory(_Rows)
    """What is to be given out one by one; none of it after it was given out as a whole, by `Pager.pages`."""
    end: int = 0
    """So many of them are within the walk's limit."""


@frozen(eq=False, repr=False)
class _Told:
    """What the latest page says of what follows it."""

    next: str | None
    """Where the next page is."""
    more: bool = True
    """Whether there is one."""
    total: int | None = None
    idle: int = 0
    """How many pages in a row, this one the last, brought nothing new."""
    meta: ResponseMeta | None = None


def in_largest_pages(request: Request) -> Request:
    """The same search with the fewest pages, unless it says itself how large they are to be."""
    entry = None if request.params is None else schema_of(request.params).by_wire.get("count")
    if entry is None or "count" in dict(request.query):
        return request
    most = entry.codec.maximum if isinstance(entry.codec, Number) else None
    size = LARGEST_PAGE if most is None else min(LARGEST_PAGE, int(most))
    return evolve(request, query=(*request.query, ("count", str(size))))


class Pager(Iterator[T], Generic[T, P]):
    """All records of a search, page after page; each page is fetched when its first record is wanted.

    Iterate over it for records, or over `pages` for pages with their metadata. It can be walked through once, by one
    thread at a time.

    Pages follow ``hasMore`` and ``cursor`` alone: a short or empty page is not the last one. A cursor is an offset. So
    while others add records, some may come twice: an id among the last 1,000 yielded is not yielded again. While others
    remove records, some may be passed over. For a cursor that is not valid the service starts at the beginning; a walk
    notices that when it is given a cursor for the second time, but not at its own first page.

    Raises, while iterating:
        ClinikResponseError: the service repeats a cursor, says that there is more but not where, or has sent 100 pages
            in a row with nothing new in them.
        ClinikConfigError: another thread is using the walk at this moment, a signal handler has interrupted its use, or
            the walk is at its end: make another one.
        ClinikApiError: a page could not be fetched. `cursor` tells where to start again.
    """

    def __init__(self, send: Callable[[Request], ApiResponse[Any]], request: Request, limit: int | None) -> None:
        if limit is not None and (isinstance(limit, bool) or not isinstance(limit, int) or limit < 0):
            issues = Issues()
            issues.add(Location(Location(), "limit"), "must be a whole number from 0")
            raise issues.error(request.name)
        self._send = send
        self._request = request
        self._limit = limit
        start = dict(request.query).get("cursor")
        # Each of these is replaced as a whole: an interruption leaves the walk with the old one or with the new one.
        self._told = _Told(start)
        self._hand: _InHand[P] = _InHand(start)
        # How many rows were given out before those in hand, and how many of these.
        self._before = 0
        self._index = 0
        self._asked: set[str | None] = set()
        # The ids that were given out one by one, each with how many rows were given out before it; those of the rows
        # in hand come here with the next page.
        self._latest: dict[str, int] = {}
        self._in_use = False
        self._ended = False

    def __repr__(self) -> str:
        return f"<{type(self).__name__} of {self._request.name}>"

    def __reduce__(self) -> NoReturn:
        # A copy would share what the walk remembers, and take its own pages for repeated ones.
        raise TypeError("A walk can be walked once: it cannot be pickled or copied. Make another one.")

    @property
    def total(self) -> int | None:
        """How many records match, as the latest page said; ``None`` before the first page, or if none said so.

        Example:
            >>> walk = clinik.encounters.search_all(patient_id="pt_abc123", count=2)
            >>> walk.total, next(walk).id, walk.total
            (None, 'enc_lmn567', 5)
        """
        return self._told.total

    @property
    def cursor(self) -> str | None:
        """The cursor of the page that the next record comes from; ``None`` for the first page.

        A walk that starts at it (``search_all(..., cursor=...)``) repeats at most one page and skips nothing.

        Example:
            >>> walk = clinik.encounters.search_all(patient_id="pt_abc123", count=2)
            >>> next(walk).id, walk.cursor, next(walk).id, walk.cursor
            ('enc_lmn567', None, 'enc_xyz789', '2')
        """
        hand, told = self._hand, self._told
        done = 0 < self._index == len(hand.rows.raw)
        return told.next if done and told.more else hand.cursor

    def first(self) -> T | None:
        """Take one record.

        Returns:
            The next record, or ``None`` if there is none.

        Example:
            >>> clinik.encounters.search_all(patient_id="pt_abc123", count=2).first()
            <Encounter id='enc_lmn567' status='planned'>
        """
        return next(self, None)

    def to_list(self) -> list[T]:
        """Take all records that are left.

        Returns:
            A list of them; each page is fetched, so give a ``limit`` where there may be very many.

        Example:
            >>> len(clinik.encounters.search_all(patient_id="pt_abc123", count=2, limit=3).to_list())
            3
        """
        return list(self)

    def __length_hint__(self) -> Any:
        """How many records are to come, where the service has told: `list` makes room for them."""
        total = self.total
        if total is None:
            return NotImplemented
        given = self._before + self._index
        return max(0, (total if self._limit is None else min(total, self._limit)) - given)

    def __iter__(self) -> Pager[T, P]:
        self._check_not_ended()
        return self

    def _check_not_ended(self) -> None:
        if self._ended:
            raise ClinikConfigError(
                "This walk is at its end, and nothing more comes of it. Make another one to walk again.",
                operation=self._request.name,
            )

    def __next__(self) -> T:
        mine = ended = False
        try:
            if self._in_use:
                self._refuse()
            # Python turns to another thread or to a signal after calls and when a loop begins anew. Neither is between
            # the look and this, nor behind a row that was read: so none gets lost.
            self._in_use = mine = True
            while (index := self._index) == self._hand.end:
                if self._is_at_limit() or not self._fetch():
                    raise StopIteration
            rows = self._hand.rows
            row: T = rows.read(rows.raw[index])
            self._index = index + 1
            return row
        except BaseException as error:
            forget_variables(error)
            ended = isinstance(error, StopIteration)
            raise
        finally:
            if mine:
                self._in_use = False
            # The last step: whoever is interrupted before has not been told that it is over.
            if ended:
                self._ended = True

    def _is_at_limit(self) -> bool:
        return self._limit is not None and self._before + self._index >= self._limit

    def pages(self) -> Iterator[ApiResponse[P]]:
        """The pages from here on, as they come, each with its metadata. ``limit`` ends the last one early.

        After `next` they begin with the rest of the page in hand.

        While a page is being worked on, `cursor` is that page's: a walk that starts there repeats it.

        Returns:
            An iterator over ``page, meta``, as `search` gives them.

        Example:
            >>> for page, meta in clinik.encounters.search_all(patient_id="pt_abc123", count=2).pages():
            ...     print(len(page.data), page.has_more, meta.rate_limit_remaining)
            2 True 495
            2 True 494
            1 False 493
        """
        self._check_not_ended()
        # No generator: it would hold the page that its caller is working on.
        return iter(self._next_page, None)

    def _next_page(self) -> ApiResponse[P] | None:
        mine = ended = False
        try:
            if self._in_use:
                self._refuse()
            self._in_use = mine = True
            if self._is_at_limit() or (self._passed == self._hand.rows.size and not self._fetch()):
                ended = True
                return None
            hand, passed = self._hand, self._passed
            assert hand.response is not None
            rows = hand.response.data.data
            self._remember()
            empty: _InHand[P] = _InHand(hand.cursor)
            given = self._before + self._index
            end = len(rows) if self._limit is None else min(len(rows), passed + self._limit - given)
            given += len(rows) - passed
            # As in __next__: from here on nothing is called.
            del rows[end:], rows[:passed]
            self._hand, self._before, self._index = empty, given, 0
            return hand.response
        except BaseException as error:
            forget_variables(error)
            raise
        finally:
            if mine:
                self._in_use = False
            self._ended = self._ended or ended

    @property
    def _passed(self) -> int:
        """How many rows of the page in hand are behind."""
        return self._hand.rows.places[self._index - 1] + 1 if self._index else 0

    def _refuse(self) -> NoReturn:
        raise ClinikConfigError(
            "This walk is in use: another thread is taking from it, or a signal handler has interrupted that. "
            "Make a walk for each.",
            operation=self._request.name,
        )

    def _fetch(self) -> bool:
        """Fetch the next page, if there is one. A page that could not be fetched is next again."""
        told = self._told
        if not told.more:
            self._leave(self._hand.cursor)
            return False
        if told.next in self._asked or (told.next is None and self._asked):
            self._give_up(
                "says that there are more pages, but gives "
                + ("a cursor that it gave before" if told.next is not None else "no cursor")
            )
        if told.idle >= MOST_IDLE_PAGES:
            self._give_up(
                f"has sent {MOST_IDLE_PAGES} pages in a row with nothing new in them, and says that there are more"
            )
        query = [pair for pair in self._request.query if pair[0] != "cursor"]
        if told.next is not None:
            query.append(("cursor", told.next))
        # Until it is there, the next row comes from that page.
        self._leave(told.next)
        response: ApiResponse[P] = self._send(evolve(self._request, query=tuple(query)))
        page, rows = response.data, self._new(_Rows.of(response.data))
        next_cursor = page.cursor or None
        total = getattr(page, "total", None)
        end = len(rows.raw) if self._limit is None else min(len(rows.raw), self._limit - self._before)
        hand = _InHand(told.next, response, rows, end)
        told = _Told(
            next_cursor,
            # hasMore decides; only where it is missing does a cursor stand for it.
            more=next_cursor is not None if page.has_more is None else page.has_more,
            total=told.total if total is None else total,
            idle=0 if rows.raw else told.idle + 1,
            meta=response.meta,
        )
        self._told, self._hand = told, hand
        self._asked.add(hand.cursor)
        return True

    def _leave(self, cursor: str | None) -> None:
        """Have done with the page in hand: what is left of it was given out before. The next row comes from another."""
        self._remember()
        self._hand, self._before, self._index = _InHand(cursor), self._before + self._index, 0

    def _give_up(self, reason: str) -> NoReturn:
        self._leave(self.cursor)
        error = ClinikResponseError(
            f"The service {reason}: the walk cannot go on.", outcome="rejected", operation=self._request.name
        )
        # It was the latest page that said so.
        if (meta := self._told.meta) is not None:
            error.status, error.request_id, error.attempts = meta.status, meta.request_id, meta.attempts
        raise error

    def _remember(self) -> None:
        """Remember the ids of the rows in hand that were given out, and no more than has to be."""
        ids, before = self._hand.rows.ids[: self._index], self._before
        self._latest.update(zip(ids, range(before, before + len(ids)), strict=True))
        if len(self._latest) > 3 * REMEMBERED:
            # To forget one with each row would take longer.
            latest = self._latest.items()
            self._latest = {name: place for name, place in latest if before + len(ids) - place <= REMEMBERED}

    def _new(self, rows: _Rows) -> _Rows:
        """Those that were not given out before."""
        latest, ids = self._latest, rows.ids
        if latest.keys().isdisjoint(ids) and len(set(ids)) == len(ids):
            return rows
        given, seen, places = self._before, dict[Any, int](), []
        for place, name in enumerate(ids):
            last = seen.get(name, latest.get(name))
            if name is None or last is None or given - last > REMEMBERED:
                places.append(place)
                seen[name] = given
                given += 1
        return rows.at(places)
