"""Walking through all pages of a search, lazily."""

from __future__ import annotations

from collections import OrderedDict, deque
from collections.abc import Callable, Iterator
from typing import Any, Generic, Protocol, TypeVar

from attrs import evolve

from .errors import ClinikResponseError
from .fields import Place, Problems
from .operation import Request
from .privacy import leaves_nothing
from .response import ApiResponse

T = TypeVar("T")

REMEMBERED = 1000
"""How many of the ids yielded last are not yielded again."""


class Page(Protocol[T]):
    """What a page of any resource has."""

    data: list[T]
    total: int | None
    has_more: bool
    cursor: str | None
    additional_properties: dict[str, Any]

    def to_dict(self) -> dict[str, Any]: ...
    def __getitem__(self, name: str) -> Any: ...
    def __contains__(self, name: object) -> bool: ...


class Pages(Iterator[T], Generic[T]):
    """All records of a search, page after page; each page is fetched when its first record is wanted.

    Iterate over it for records, or over `pages` for pages with their metadata. It can be walked through once.

    Pages follow ``hasMore`` and ``cursor`` alone: a short or empty page is not the last one. Since the cursor is an
    offset, records may move between pages while others are added or removed: an id among the last 1,000 yielded is not
    yielded again.

    Raises, while iterating:
        ClinikResponseError: the service repeats a cursor or says that there is more but not where.
        ClinikApiError: a page could not be fetched. `cursor` tells where to start again.
    """

    def __init__(self, send: Callable[[Request], ApiResponse[Any]], request: Request, limit: int | None) -> None:
        if limit is not None and (isinstance(limit, bool) or not isinstance(limit, int) or limit < 0):
            problems = Problems()
            problems.add(Place().child("limit"), "must be a whole number from 0")
            raise problems.error(request.name)
        self._send = send
        self._request = request
        self._left = limit
        self._next = self._cursor = dict(request.query).get("cursor")
        self._asked: set[str | None] = set()
        self._more = True
        self._total: int | None = None
        self._rows: deque[T] = deque()
        self._latest: OrderedDict[str, None] = OrderedDict()

    def __repr__(self) -> str:
        return f"<{type(self).__name__} of {self._request.name}>"

    @property
    def total(self) -> int | None:
        """How many records match, as the latest page said; ``None`` before the first page, or if none said so.

        Example:
            >>> walk = clinik.encounters.search_all(patient_id="pt_abc123", count=2)
            >>> walk.total, next(walk).id, walk.total
            (None, 'enc_lmn567', 5)
        """
        return self._total

    @property
    def cursor(self) -> str | None:
        """The cursor of the page that the next record comes from; ``None`` for the first page.

        A walk that starts at it (``search_all(..., cursor=...)``) repeats at most one page and skips nothing.

        Example:
            >>> walk = clinik.encounters.search_all(patient_id="pt_abc123", count=2)
            >>> next(walk).id, walk.cursor, next(walk).id, walk.cursor
            ('enc_lmn567', None, 'enc_xyz789', '2')
        """
        return self._cursor

    def __iter__(self) -> Pages[T]:
        return self

    @leaves_nothing
    def __next__(self) -> T:
        if self._left == 0:
            raise StopIteration
        while not self._rows:
            page = self._fetch()
            if page is None:
                raise StopIteration
            self._rows.extend(row for row in page.data.data if self._is_new(row))
        row = self._rows.popleft()
        if self._left is not None:
            self._left -= 1
        if not self._rows and self._more:
            self._cursor = self._next
        return row

    def pages(self) -> Iterator[ApiResponse[Page[T]]]:
        """The pages from here on, as they come, each with its metadata. ``limit`` ends the last one early.

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
        # No generator: it would hold the page that its caller is working on.
        return iter(self._next_page, None)

    @leaves_nothing
    def _next_page(self) -> ApiResponse[Page[T]] | None:
        response = self._fetch() if self._left != 0 else None
        if response is not None and self._left is not None:
            del response.data.data[self._left :]
            self._left -= len(response.data.data)
        return response

    def _fetch(self) -> ApiResponse[Page[T]] | None:
        """Fetch the next page; ``None`` after the last one. A page that could not be fetched is next again."""
        if not self._more:
            return None
        self._cursor = self._next
        if self._next in self._asked or (self._next is None and self._asked):
            problem = "a cursor that it gave before" if self._next is not None else "no cursor"
            raise ClinikResponseError(
                f"The service says that there are more pages, but gives {problem}: the walk cannot go on.",
                outcome="rejected",
                operation=self._request.name,
            )
        query = [pair for pair in self._request.query if pair[0] != "cursor"]
        if self._next is not None:
            query.append(("cursor", self._next))
        response = self._send(evolve(self._request, query=tuple(query)))
        page = response.data
        self._asked.add(self._next)
        self._next = page.cursor or None
        # hasMore decides; only where it is missing does a cursor stand for it.
        self._more = self._next is not None if page.has_more is None else page.has_more
        if page.total is not None:
            self._total = page.total
        return response

    def _is_new(self, row: Any) -> bool:
        name = getattr(row, "id", None)
        if name is None:
            return True
        if name in self._latest:
            return False
        self._latest[name] = None
        if len(self._latest) > REMEMBERED:
            self._latest.popitem(last=False)
        return True
