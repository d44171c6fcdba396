"""Walking through all pages of a search, lazily."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, Final, Generic, NoReturn, Protocol, TypeVar

from attrs import Factory, evolve, frozen

from ._codecs import Issues, Location, Number
from ._errors import ClinikConfigError, ClinikResponseError
from ._frames import forget_variables
from ._model import Model, reader_of, schema_of
from ._operation import Request
from ._reader import is_unread
from ._response import ApiResponse

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


@frozen(repr=False)
class _Rows:
    """The rows of a page, as they came. Each is read when it is given out: all at once would be work for nothing where
    a walk ends early, and for the garbage collector."""

    raw: list[Any] = Factory(list)
    ids: list[Any] = Factory(list)
    read: Callable[[Any], Any] = lambda row: row

    @classmethod
    def of(cls, page: Any) -> _Rows:
        """Those of a page; if somebody has looked at them, as they are."""
        kind: type[Model] = type(page)
        schema = schema_of(kind)
        held = next(held(page) for entry, held in schema.slots if entry.name == "data")
        if is_unread(held) and type(held[1]) is list:
            (model,) = schema.by_name["data"].codec.models()
            wire = named.wire if (named := schema_of(model).by_name.get("id")) else None
            return cls(held[1], [row.get(wire) for row in held[1]], reader_of(model))
        return cls(page.data, [getattr(row, "id", None) for row in page.data])


@frozen
class _Fetched(Generic[P]):
    """One page. A walk replaces it as a whole: an interruption leaves it with the old one or with the new one."""

    response: ApiResponse[P] | None
    cursor: str | None
    """Where it is."""
    next: str | None
    """Where the next one is."""
    more: bool
    """Whether there is a next one."""
    total: int | None
    idle: int
    """How many pages in a row, this one the last, brought nothing new."""
    rows: _Rows
    """What is to be given out one by one; none of it after it was given out as a whole, by `Pager.pages`."""


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
        self._left = limit
        start = dict(request.query).get("cursor")
        self._page: _Fetched[P] = _Fetched(None, start, start, True, None, 0, _Rows())
        self._index = 0
        self._asked: set[str | None] = set()
        # The ids that were yielded, each with how many rows were yielded before it.
        self._latest: dict[str, int] = {}
        # Who is taking from it: `setdefault` is one step, so that of two threads one is the first.
        self._user: dict[str, object] = {}
        self._yielded = 0
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
        return self._page.total

    @property
    def cursor(self) -> str | None:
        """The cursor of the page that the next record comes from; ``None`` for the first page.

        A walk that starts at it (``search_all(..., cursor=...)``) repeats at most one page and skips nothing.

        Example:
            >>> walk = clinik.encounters.search_all(patient_id="pt_abc123", count=2)
            >>> next(walk).id, walk.cursor, next(walk).id, walk.cursor
            ('enc_lmn567', None, 'enc_xyz789', '2')
        """
        page = self._page
        done = self._index > 0 and not any(map(self._is_new, page.rows.ids[self._index :]))
        return page.next if done and page.more else page.cursor

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
        left = max(0, total - self._yielded)
        return left if self._left is None else min(left, self._left)

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
        user, users, ended = object(), self._user, False
        try:
            if users.setdefault("user", user) is not user:
                self._refuse()
            if self._left == 0:
                raise StopIteration
            rows, index = self._page.rows, self._index
            while index >= len(rows.ids) or (rows.ids[index] in self._latest and not self._is_new(rows.ids[index])):
                self._pass_over()
                rows, index = self._page.rows, self._index
            row: T = rows.read(rows.raw[index])
            name = rows.ids[index]
            # From here on nothing is called: Python looks for signals after calls, and this row must not get lost.
            if name is not None:
                self._latest[name] = self._yielded
            self._index = index + 1
            self._yielded += 1
            if self._left is not None:
                self._left -= 1
            return row
        except BaseException as error:
            forget_variables(error)
            ended = isinstance(error, StopIteration)
            raise
        finally:
            if "user" in users and users["user"] is user:
                del users["user"]
            # The last step: whoever is interrupted before has not been told that it is over.
            if ended:
                self._ended = True

    def _pass_over(self) -> None:
        """Go on from a row that was yielded before, or from the end of a page to the next one."""
        if self._index < len(self._page.rows.ids):
            self._index += 1
        elif not self._fetch():
            raise StopIteration

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
        user, ended = object(), False
        try:
            if self._user.setdefault("user", user) is not user:
                self._refuse()
            if self._left == 0 or (self._index >= len(self._page.rows.ids) and not self._fetch()):
                ended = True
                return None
            response = self._page.response
            assert response is not None
            rows = response.data.data
            given = evolve(self._page, rows=_Rows())
            left = None if self._left is None else max(0, self._left - (len(rows) - self._index))
            yielded = self._yielded + len(rows) - self._index
            # As in __next__: from here on nothing is called.
            if self._left is not None:
                del rows[self._index + self._left :]
            del rows[: self._index]
            self._page, self._index, self._left, self._yielded = given, 0, left, yielded
            return response
        except BaseException as error:
            forget_variables(error)
            raise
        finally:
            if "user" in self._user and self._user["user"] is user:
                del self._user["user"]
            self._ended = self._ended or ended

    def _refuse(self) -> NoReturn:
        raise ClinikConfigError(
            "This walk is in use: another thread is taking from it, or a signal handler has interrupted that. "
            "Make a walk for each.",
            operation=self._request.name,
        )

    def _fetch(self) -> bool:
        """Fetch the next page, if there is one. A page that could not be fetched is next again."""
        before = self._page
        if not before.more:
            return False
        if before.next in self._asked or (before.next is None and self._asked):
            self._give_up(
                "says that there are more pages, but gives "
                + ("a cursor that it gave before" if before.next is not None else "no cursor")
            )
        if before.idle >= MOST_IDLE_PAGES:
            self._give_up(
                f"has sent {MOST_IDLE_PAGES} pages in a row with nothing new in them, and says that there are more"
            )
        query = [pair for pair in self._request.query if pair[0] != "cursor"]
        if before.next is not None:
            query.append(("cursor", before.next))
        if len(self._latest) > 3 * REMEMBERED:
            # To forget one with each row would take longer.
            self._latest = {name: place for name, place in self._latest.items() if self._yielded - place <= REMEMBERED}
        # Until it is there, the next row comes from that page.
        self._page, self._index = evolve(before, response=None, rows=_Rows(), cursor=before.next), 0
        response: ApiResponse[P] = self._send(evolve(self._request, query=tuple(query)))
        page, rows = response.data, _Rows.of(response.data)
        next_cursor = page.cursor or None
        total = getattr(page, "total", None)
        fetched = _Fetched(
            response,
            cursor=before.next,
            next=next_cursor,
            # hasMore decides; only where it is missing does a cursor stand for it.
            more=next_cursor is not None if page.has_more is None else page.has_more,
            total=before.total if total is None else total,
            idle=0 if any(map(self._is_new, rows.ids)) else before.idle + 1,
            rows=rows,
        )
        self._page, self._index = fetched, 0
        self._asked.add(before.next)
        return True

    def _give_up(self, reason: str) -> NoReturn:
        error = ClinikResponseError(
            f"The service {reason}: the walk cannot go on.", outcome="rejected", operation=self._request.name
        )
        # It was the latest page that said so.
        if (response := self._page.response) is not None:
            meta = response.meta
            error.status, error.request_id, error.attempts = meta.status, meta.request_id, meta.attempts
        raise error

    def _is_new(self, name: Any) -> bool:
        return name not in self._latest or self._yielded - self._latest[name] > REMEMBERED
