"""Walking through all pages: nothing twice, nothing skipped, nothing asked too early, no end without a reason."""

from __future__ import annotations

import pickle
import threading
from collections.abc import Callable, Iterator
from contextlib import suppress
from copy import copy, deepcopy
from itertools import count, islice
from operator import length_hint
from typing import Any, NoReturn
from urllib.parse import parse_qs, urlsplit

import orjson
import pytest
from attrs import Factory, define, field
from hypothesis import example, given
from hypothesis import strategies as st

from clinik_client import (
    ApiResponse,
    ClinikConfigError,
    ClinikConnectionError,
    ClinikResponseError,
    ClinikServerError,
    ClinikValidationError,
    Encounter,
    EncounterPage,
    Pager,
)
from clinik_client import _pagination as pagination
from clinik_client._codecs import Array, Boolean, Json, Text
from clinik_client._generated.api.encounters import search_encounters
from clinik_client._model import Model, unread, wire
from clinik_client._operation import Request
from clinik_client._pagination import MOST_IDLE_PAGES, REMEMBERED
from clinik_client._reading import read_response
from clinik_client._response import read_meta
from clinik_client._transport import HttpResponse
from tests.faults import points
from tests.inside import on_virtual_time
from tests.servers import Connect, Serve, ok, page, record, refuse, respond

Row = dict[str, Any]

PHANTOM: Row = {"resourceType": "OperationOutcome", "issue": [{"severity": "warning", "code": "informational"}]}


@define
class Book:
    """The pages of a service; a page's cursor is its number. Keeps count of what was asked."""

    pages: list[list[Row]]
    total: int | None = None
    failures: set[int] = Factory(set)
    """Which of the requests fail."""
    asked: list[str | None] = Factory(list)

    def send(self, request: Request) -> ApiResponse[Any]:
        query = dict(request.query)
        cursor = query.get("cursor")
        self.asked.append(cursor)
        if len(self.asked) - 1 in self.failures:
            raise ClinikServerError("It is down.", status=503)
        number = 0 if cursor is None else int(cursor)
        more = number + 1 < len(self.pages)
        data: dict[str, Any] = {"data": self.pages[number], "hasMore": more}
        data |= {"cursor": str(number + 1)} if more else {}
        data |= {} if self.total is None else {"total": self.total}
        return read_response(request, HttpResponse(200, {}, orjson.dumps({"data": data, "meta": {}})), 1, False)

    def walk(self, limit: int | None = None, **filters: Any) -> Pager[Encounter, EncounterPage]:
        return Pager(self.send, search_encounters.request(**filters), limit)


def ids(rows: Iterator[Encounter]) -> list[str]:
    return [row.id for row in rows]


def is_record(row: Row) -> bool:
    return "resourceType" not in row


SIZES = st.lists(st.integers(0, 5), min_size=1, max_size=8)


@st.composite
def books(draw: st.DrawFn, *, shifting: bool = True) -> Book:
    """Pages of any sizes, empty ones too, with phantom rows; rows may be seen again on a later page."""
    number, pages = 0, []
    for size in draw(SIZES):
        rows = []
        for _ in range(size):
            again = shifting and number and draw(st.integers(0, 3)) == 0
            rows.append(record(f"enc_{draw(st.integers(0, number - 1)) if again else number}"))
            number += not again
        for place in draw(st.lists(st.integers(0, size), max_size=2)):
            rows.insert(place, PHANTOM)
        pages.append(rows)
    return Book(pages, total=draw(st.none() | st.just(number)))


def expected(book: Book, start: int = 0) -> list[str]:
    """Each record once, in the order in which it first comes."""
    return list(dict.fromkeys(row["id"] for rows in book.pages[start:] for row in rows if is_record(row)))


@given(book=books())
def test_every_record_comes_once_and_in_order(book: Book) -> None:
    assert ids(book.walk()) == expected(book)
    assert book.asked == [None, *map(str, range(1, len(book.pages)))]


def test_a_row_is_read_when_it_is_given_out() -> None:
    walk = Book([[record("enc_1"), record("enc_2")]]).walk()
    assert next(walk).id == "enc_1"
    assert walk._hand.response is not None
    assert unread(walk._hand.response.data, "data") is not None, "all of them were read"
    (page, _), *_ = walk.pages()
    assert [row.id for row in page.data] == ["enc_2"]


@given(book=books(), limit=st.integers(0, 40))
def test_a_limit_cuts_and_asks_for_no_page_too_many(book: Book, limit: int) -> None:
    walk = book.walk(limit)
    found = ids(walk)
    assert found == expected(book)[:limit]
    needed, seen = 0, set[str]()
    while len(seen) < limit and needed < len(book.pages):
        seen |= {row["id"] for row in book.pages[needed] if is_record(row)}
        needed += 1
    assert len(book.asked) == needed
    assert next(walk, None) is None
    assert len(book.asked) == needed


@given(book=books(), start=st.integers(0, 7))
def test_a_walk_can_start_anywhere(book: Book, start: int) -> None:
    start %= len(book.pages)
    assert ids(book.walk(cursor=str(start))) == expected(book, start)
    assert book.asked == list(map(str, range(start, len(book.pages))))


@given(book=books(shifting=False), taken=st.integers(0, 40))
def test_starting_again_at_the_cursor_skips_nothing_and_repeats_at_most_a_page(book: Book, taken: int) -> None:
    walk = book.walk()
    first = ids(islice(walk, taken))
    second = ids(book.walk(cursor=walk.cursor))
    everything = expected(book)
    assert list(dict.fromkeys(first + second)) == everything
    repeated = len(first) + len(second) - len(everything)
    most = max(sum(map(is_record, rows)) for rows in book.pages)
    assert 0 <= repeated <= most


@given(book=books(shifting=False), failing=st.integers(0, 7))
def test_a_page_that_could_not_be_fetched_is_where_the_walk_goes_on(book: Book, failing: int) -> None:
    failing %= len(book.pages)
    book.failures = {failing}
    walk = book.walk()
    found: list[str] = []
    with pytest.raises(ClinikServerError):
        found.extend(row.id for row in walk)
    found_before = expected(Book(book.pages[:failing])) if failing else []
    assert walk.cursor == (str(failing) if failing else None)
    again = ids(book.walk(cursor=walk.cursor))
    assert found_before + again == expected(book)
    assert ids(walk) == again  # and the walk itself can go on as well


@given(book=books(), limit=st.none() | st.integers(0, 40))
def test_pages_come_as_they_are_and_the_limit_cuts_the_last(book: Book, limit: int | None) -> None:
    walk = book.walk(limit)
    rows: list[str] = []
    for number, (found, meta) in enumerate(walk.pages()):
        assert meta.status == 200
        assert walk.cursor == (None if number == 0 else str(number))
        assert walk.total == book.total
        rows.extend(row.id for row in found.data)
    everything = [row["id"] for page_rows in book.pages for row in page_rows if is_record(row)]
    assert rows == everything[:limit]


@given(book=books(), steps=st.integers(0, 40))
def test_no_page_is_asked_for_before_its_first_record_is_wanted(book: Book, steps: int) -> None:
    walk = book.walk()
    assert (book.asked, walk.total, walk.cursor) == ([], None, None)
    taken = ids(islice(walk, steps))
    if len(taken) == steps:
        # The pages up to the one that the last record taken comes from, and no other.
        up_to = [expected(Book(book.pages[:number])) for number in range(len(book.pages) + 1)]
        assert len(book.asked) == next(number for number, found in enumerate(up_to) if len(found) >= steps)
    else:
        assert len(book.asked) == len(book.pages)


def test_requests_are_counted_one_page_at_a_time() -> None:
    book = Book([[record("a1"), record("a2")], [], [record("a3")]], total=3)
    walk = book.walk(count=2, patient_id="pt_1")
    assert book.asked == []
    assert next(walk).id == "a1"
    assert (book.asked, walk.cursor, walk.total) == ([None], None, 3)
    assert next(walk).id == "a2"
    assert (book.asked, walk.cursor) == ([None], "1")
    assert next(walk).id == "a3"
    assert (book.asked, walk.cursor) == ([None, "1", "2"], "2")
    assert next(walk, None) is None
    assert len(book.asked) == 3
    assert next(walk, None) is None


def test_every_page_is_asked_for_with_the_same_filters(serve: Serve, connect: Connect) -> None:
    service = serve(page(["enc_1"], "a b&c", True), page(["enc_2"], "20", True), page(["enc_3"]))
    walk = connect(service).encounters.search_all(patient_id="pt_1", count=1, sort="-date")
    assert ids(walk) == ["enc_1", "enc_2", "enc_3"]
    base = "/v1/encounters?patientId=pt_1&count=1&sort=-date"
    assert [seen.target for seen in service.ledger] == [base, f"{base}&cursor=a+b%26c", f"{base}&cursor=20"]


def test_total_is_what_the_latest_page_said(serve: Serve, connect: Connect) -> None:
    pages = page(["enc_1"], "1", True, total=9), page(["enc_2"], "2", True), page(["enc_3"], total=8)
    walk = connect(serve(*pages)).encounters.search_all()
    totals = [walk.total]
    for _ in walk:
        totals.append(walk.total)
    assert totals == [None, 9, 9, 8]


def test_a_failing_page_is_fetched_again_where_retries_allow(serve: Serve, connect: Connect) -> None:
    service = serve(page(["enc_1"], "1", True), refuse(503), page(["enc_2"]))
    clinik = connect(service)
    on_virtual_time(clinik)
    assert ids(clinik.encounters.search_all()) == ["enc_1", "enc_2"]


def test_a_failing_page_leaves_the_place_to_start_again_at(serve: Serve, connect: Connect) -> None:
    service = serve(page(["enc_1"], "1", True), refuse(503), page(["enc_2"]))
    clinik = connect(service, retries=0)
    walk = clinik.encounters.search_all()
    assert next(walk).id == "enc_1"
    with pytest.raises(ClinikServerError):
        next(walk)
    assert walk.cursor == "1"
    assert ids(clinik.encounters.search_all(cursor=walk.cursor)) == ["enc_2"]


# -- services that go in circles --------------------------------------------------------------------------------------


def circling(cursors: list[str | None], start: str | None = None) -> tuple[list[str], list[str | None]]:
    """What a walk yields and asks for when the n-th response names the n-th of these cursors, always with hasMore."""
    asked: list[str | None] = []

    def send(request: Request) -> ApiResponse[Any]:
        asked.append(dict(request.query).get("cursor"))
        number = len(asked) - 1
        data: dict[str, Any] = {"data": [record(f"enc_{number}")], "hasMore": True}
        if cursors[number] is not None:
            data["cursor"] = cursors[number]
        return read_response(request, HttpResponse(200, {}, orjson.dumps({"data": data})), 1, False)

    walk: Pager[Encounter, EncounterPage] = Pager(send, search_encounters.request(cursor=start), None)
    found: list[str] = []
    what = "a cursor that it gave before" if cursors[-1] else "no cursor"
    with pytest.raises(ClinikResponseError, match=f"gives {what}: the walk cannot go on") as raised:
        found.extend(row.id for row in walk)
    assert (raised.value.operation, raised.value.outcome) == ("GET /v1/encounters", "rejected")
    return found, asked


@given(
    cursors=st.lists(st.sampled_from(["1", "2", "3", "4", "5"]), min_size=6, max_size=6),
    start=st.none() | st.sampled_from(["1", "2"]),
)
@example(cursors=["1"] * 6, start="1")
def test_a_cursor_that_comes_again_ends_the_walk_with_an_error_after_what_came(
    cursors: list[str], start: str | None
) -> None:
    found, asked = circling(list(cursors), start)
    assert len(asked) == len(set(asked)) <= 6
    assert found == [f"enc_{number}" for number in range(len(asked))]
    assert cursors[len(asked) - 1] in asked


@pytest.mark.parametrize("start", [None, "7"])
@pytest.mark.parametrize("before", [[], ["1"], ["1", "2"]])
@pytest.mark.parametrize("missing", [None, ""])
def test_more_without_a_cursor_ends_the_walk_with_an_error_after_what_came(
    start: str | None, before: list[str | None], missing: str | None
) -> None:
    found, asked = circling([*before, missing], start)
    assert asked == [start, *before]
    assert found == [f"enc_{number}" for number in range(len(before) + 1)]


def test_a_walk_that_cannot_go_on_names_the_response_that_says_why(serve: Serve, connect: Connect) -> None:
    last = ok({"data": [record("enc_1")], "hasMore": True}, meta={"requestId": "req_page"})
    clinik = connect(serve(refuse(503), last))
    on_virtual_time(clinik)
    walk = clinik.encounters.search_all()
    next(walk)
    with pytest.raises(ClinikResponseError, match="gives no cursor") as raised:
        next(walk)
    error = raised.value
    assert (error.status, error.request_id, error.attempts) == (200, "req_page", 2)


def test_a_walk_cannot_be_copied() -> None:
    walk = Book([[record("enc_1")]]).walk()
    for copy_of in (copy, deepcopy, pickle.dumps):
        with pytest.raises(TypeError, match="A walk can be walked once: it cannot be pickled or copied"):
            copy_of(walk)


@pytest.mark.parametrize(
    ("filters", "sent"),
    [
        ({}, {"count": ["100"]}),
        ({"patient_id": "pt_1", "limit": 3}, {"patientId": ["pt_1"], "count": ["100"]}),
        ({"count": 7}, {"count": ["7"]}),
        ({"count": None}, {"count": ["100"]}),
        ({"cursor": "4"}, {"count": ["100"], "cursor": ["4"]}),
    ],
)
def test_a_walk_asks_for_the_largest_pages_unless_it_is_told_otherwise(
    serve: Serve, connect: Connect, filters: Any, sent: dict[str, list[str]]
) -> None:
    service = serve(page(["enc_1"]))
    list(connect(service).encounters.search_all(**filters))
    assert [parse_qs(urlsplit(seen.target).query) for seen in service.ledger] == [sent]


def test_pages_end_with_that_error_too(serve: Serve, connect: Connect) -> None:
    walk = connect(serve(page(["enc_1"], "1", True))).encounters.search_all()
    seen: list[str] = []
    with pytest.raises(ClinikResponseError):
        seen.extend(row.id for found, _ in walk.pages() for row in found.data)
    assert seen == ["enc_1", "enc_1"]


@pytest.mark.parametrize(
    ("data", "wanted"),
    [
        ({"data": [record("enc_1")], "hasMore": False, "cursor": "1"}, 1),
        ({"data": [record("enc_1")], "hasMore": None}, 1),
        ({"data": [record("enc_1")]}, 1),
        ({"data": []}, 0),
        ({"data": [PHANTOM], "hasMore": False}, 0),
    ],
)
def test_has_more_decides_where_the_end_is(serve: Serve, connect: Connect, data: Any, wanted: int) -> None:
    service = serve(ok(data))
    assert len(list(connect(service).encounters.search_all())) == wanted
    assert len(service.ledger) == 1


def test_a_cursor_stands_for_has_more_where_that_is_missing(serve: Serve, connect: Connect) -> None:
    service = serve(ok({"data": [record("enc_1")], "cursor": "1"}), ok({"data": [record("enc_2")]}))
    assert ids(connect(service).encounters.search_all()) == ["enc_1", "enc_2"]


@pytest.mark.parametrize("rows", [[], [PHANTOM], [record("enc_1")]], ids=["empty", "phantom", "the same again"])
def test_a_walk_ends_where_nothing_new_comes_any_more(serve: Serve, connect: Connect, rows: list[Row]) -> None:
    numbers = count(1)
    service = serve(lambda request: ok({"data": rows, "hasMore": True, "cursor": str(next(numbers))}))
    walk = connect(service).encounters.search_all()
    found: list[str] = []
    with pytest.raises(ClinikResponseError, match="100 pages in a row") as raised:
        found.extend(row.id for row in walk)
    new = [row["id"] for row in rows if is_record(row)]
    assert (found, raised.value.outcome) == (new, "rejected")
    assert len(service.ledger) == MOST_IDLE_PAGES + len(new) == 100 + len(new)


def test_pages_end_where_nothing_comes_any_more(serve: Serve, connect: Connect) -> None:
    numbers = count(1)
    service = serve(lambda request: ok({"data": [], "hasMore": True, "cursor": str(next(numbers))}))
    seen: list[int] = []
    with pytest.raises(ClinikResponseError, match="100 pages in a row"):
        seen.extend(len(found.data) for found, _ in connect(service).encounters.search_all().pages())
    assert seen == [0] * 100


@pytest.mark.parametrize("empty", [1, MOST_IDLE_PAGES - 1])
def test_pages_with_nothing_in_them_are_counted_from_the_last_that_had_something(empty: int) -> None:
    pages = [rows for number in range(3) for rows in ([record(f"enc_{number}")], *[[]] * empty)]
    assert ids(Book([*pages, [record("enc_last")]]).walk()) == ["enc_0", "enc_1", "enc_2", "enc_last"]


# -- one user at a time -----------------------------------------------------------------------------------------------


def test_a_walk_that_another_thread_is_using_says_so(serve: Serve, connect: Connect) -> None:
    asked, go_on = threading.Event(), threading.Event()

    def response(request: Any) -> Any:
        asked.set()
        assert go_on.wait(5)
        return respond(200, {"data": {"data": [record("enc_1")], "hasMore": False}})

    walk = connect(serve(response)).encounters.search_all()
    found: list[str] = []
    thread = threading.Thread(target=lambda: found.extend(ids(walk)))
    thread.start()
    assert asked.wait(5)
    with pytest.raises(ClinikConfigError, match="This walk is in use: another thread"):
        next(walk)
    pages = walk.pages()
    with pytest.raises(ClinikConfigError, match="another thread"):
        next(pages)
    go_on.set()
    thread.join(5)
    assert found == ["enc_1"]


def test_threads_may_use_a_walk_one_after_the_other() -> None:
    book = Book([[record(f"enc_{number}_{row}") for row in range(3)] for number in range(4)])
    walk = book.walk()
    found: list[str] = []
    for _ in range(12):
        thread = threading.Thread(target=lambda: found.append(next(walk).id))
        thread.start()
        thread.join(5)
    assert found == expected(book)


@pytest.mark.parametrize("take", [ids, lambda walk: [row.id for page, _ in walk.pages() for row in page.data]])
def test_a_walk_that_is_used_inside_of_its_own_use_says_so(take: Callable[[Any], list[str]]) -> None:
    book = Book([[record("enc_1")], [record("enc_2")]])
    walk = book.walk()
    raised: list[ClinikConfigError] = []

    def inside(request: Request) -> ApiResponse[Any]:
        for used in (walk, walk.pages()):
            try:
                next(used)
            except ClinikConfigError as error:
                raised.append(error)
        return book.send(request)

    walk._send = inside
    assert take(walk) == ["enc_1", "enc_2"]
    assert len(raised) == 4


# -- interruptions ----------------------------------------------------------------------------------------------------


class HandlerError(Exception):
    """What a signal handler raises."""


def interrupt() -> NoReturn:
    raise HandlerError


BOOK = [[record("a1"), record("a2"), PHANTOM], [], [record("a2"), record("a3")], [record("a4")]]


def walked(interrupted_at: int) -> tuple[list[str], bool]:
    """What a walk gives that is interrupted once and then goes on; and whether it was."""
    walk = Book(BOOK).walk()
    found: list[str] = []
    with suppress(HandlerError), points.at(interrupted_at, interrupt):
        while (row := next(walk, None)) is not None:
            found += [row.id]
        return found, False
    return found + ids(walk), True


def test_a_walk_that_was_interrupted_anywhere_goes_on_with_nothing_lost_or_repeated() -> None:
    number, going_on = 0, True
    while going_on:
        number += 1
        found, going_on = walked(number)
        assert found == ["a1", "a2", "a3", "a4"], number
    assert number > 100


def paged(interrupted_at: int) -> tuple[list[str], bool]:
    """The same for pages."""
    walk = Book(BOOK).walk()
    found: list[Any] = []
    pages, going_on = walk.pages(), True
    with suppress(HandlerError), points.at(interrupted_at, interrupt):
        while (response := next(pages, None)) is not None:
            found.append(response)
        going_on = False
    found += walk.pages() if going_on else []
    return [row.id for response in found for row in response.data.data], going_on


def test_pages_that_were_interrupted_anywhere_go_on_with_nothing_lost_or_repeated() -> None:
    number, going_on = 0, True
    while going_on:
        number += 1
        found, going_on = paged(number)
        assert found == ["a1", "a2", "a2", "a3", "a4"], number
    assert number > 100


@given(book=books(shifting=False), turns=st.lists(st.booleans(), max_size=30), limit=st.none() | st.integers(0, 40))
def test_records_and_pages_may_be_taken_in_turn(book: Book, turns: list[bool], limit: int | None) -> None:
    walk = book.walk(limit)
    pages = walk.pages()
    found: list[str] = []
    for by_page in [*turns, *[False] * 100]:
        if by_page:
            response = next(pages, None)
            found += [] if response is None else [row.id for row in response.data.data]
        else:
            row = next(walk, None)
            found += [] if row is None else [row.id]
    assert found == expected(book)[:limit]


def test_the_rest_of_a_page_begins_behind_the_last_record_wherever_that_was() -> None:
    walk = Book([[record("a1")], [record("a1"), record("a2"), record("a1"), record("a3")]]).walk()
    assert [next(walk).id, next(walk).id] == ["a1", "a2"]
    (page, _), *more = walk.pages()
    assert [row.id for row in page.data] == ["a1", "a3"]
    assert more == []


def test_records_that_were_taken_before_pages_are_remembered_after_them() -> None:
    walk = Book([[record("a1"), record("a2")], [record("a1"), record("a3")]]).walk()
    assert next(walk).id == "a1"
    (page, _) = next(walk.pages())
    assert [row.id for row in page.data] == ["a2"]
    assert ids(walk) == ["a3"]


def test_a_walk_that_gets_nowhere_gives_no_page_that_it_has_passed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pagination, "MOST_IDLE_PAGES", 1)
    walk = Book([[record("a1")], [record("a1")], [record("a2")]]).walk()
    assert next(walk).id == "a1"
    for take in (walk, walk.pages()):
        with pytest.raises(ClinikResponseError, match="nothing new"):
            next(take)


def test_a_page_that_was_looked_at_before_is_given_as_it_is() -> None:
    book = Book([[record("a1"), record("a2")], [record("a2"), record("a3")]])

    def looked_at(request: Request) -> ApiResponse[Any]:
        response = book.send(request)
        assert response.data.data
        return response

    by_record, by_page = (Pager[Any, Any](looked_at, search_encounters.request(), None) for _ in range(2))
    assert ids(by_record) == ["a1", "a2", "a3"]
    assert [[row.id for row in page.data] for page, _ in by_page.pages()] == [["a1", "a2"], ["a2", "a3"]]


@define(kw_only=True, repr=False)
class Plain(Model):
    """A page whose rows have no ids, and that tells no total."""

    data: list[Any] | None = field(default=None, metadata=wire("data", Array(Json())))
    has_more: bool | None = field(default=None, metadata=wire("hasMore", Boolean()))
    cursor: str | None = field(default=None, metadata=wire("cursor", Text()))
    additional_properties: dict[str, Any] = field(factory=dict)


def test_pages_may_lack_a_total_and_their_rows_ids() -> None:
    pages: list[dict[str, Any]] = [{"data": [1, 1], "hasMore": True, "cursor": "2"}, {"data": [1]}]
    meta = read_meta({}, {}, 200, 1)
    walk = Pager[Any, Any](
        lambda _: ApiResponse(Plain.from_dict(pages.pop(0)), meta), search_encounters.request(), None
    )
    assert list(walk) == [1, 1, 1]
    assert walk.total is None


def test_a_page_of_which_all_came_before_is_behind_when_the_records_are_at_their_end() -> None:
    walk = Book([[record("enc_1")], [record("enc_1")]]).walk()
    pages = walk.pages()
    assert ids(walk) == ["enc_1"]
    assert next(pages, None) is None


# -- the window -------------------------------------------------------------------------------------------------------


def test_an_id_is_remembered_for_a_thousand_rows_and_no_longer() -> None:
    names = [f"enc_{number}" for number in range(REMEMBERED)]
    near = Book([[record(name) for name in names], [record(names[0])]])
    assert ids(near.walk()) == names
    far = Book([[record(name) for name in [*names, "enc_more"]], [record(names[0])]])
    assert ids(far.walk()) == [*names, "enc_more", names[0]]
    assert REMEMBERED == 1000


def test_a_long_walk_remembers_few_ids() -> None:
    walk = Book([[record(f"enc_{number}_{row}") for row in range(100)] for number in range(100)]).walk()
    assert all(len(walk._latest) <= 3 * REMEMBERED + 100 for _ in walk)


@given(st.lists(st.lists(st.integers(0, 12), max_size=6), min_size=1, max_size=20), st.integers(1, 10))
def test_ids_are_remembered_and_forgotten_exactly(pages: list[list[int]], remembered: int) -> None:
    expected: list[str] = []
    for name in [f"enc_{number}" for numbers in pages for number in numbers]:
        if name not in expected[-remembered:]:
            expected += [name]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(pagination, "REMEMBERED", remembered)
        walk = Book([[record(f"enc_{number}") for number in numbers] for numbers in pages]).walk()
        assert ids(walk) == expected
        assert len(walk._latest) <= 3 * remembered + 6


# -- how it is given --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("limit", [-1, 1.5, "3", True])
def test_a_limit_that_makes_no_sense_is_refused_before_anything_is_asked(
    serve: Serve, connect: Connect, limit: Any
) -> None:
    service = serve(page([]))
    with pytest.raises(ClinikValidationError, match="limit"):
        connect(service).encounters.search_all(limit=limit)
    assert service.connections == 0


def test_bad_filters_are_refused_before_anything_is_asked(serve: Serve, connect: Connect) -> None:
    service = serve(page([]))
    with pytest.raises(ClinikValidationError, match="count"):
        connect(service).encounters.search_all(count="many")  # type: ignore[call-overload]  # that is the point
    assert service.connections == 0


def test_a_walk_is_its_own_iterator_and_its_repr_shows_no_filter(connect: Connect) -> None:
    walk = connect("http://127.0.0.1:9").encounters.search_all(patient_id="pt_c4n4ry")
    assert iter(walk) is walk
    assert repr(walk) == "<Pager of GET /v1/encounters>"


def test_a_walk_over_a_client_that_was_closed_ends_with_an_error(serve: Serve, connect: Connect) -> None:
    clinik = connect(serve(page(["enc_1"], "1", True)))
    walk = clinik.encounters.search_all()
    next(walk)
    clinik.close()
    with pytest.raises(Exception, match="closed") as raised:
        next(walk)
    assert not isinstance(raised.value, ClinikConnectionError)


# -- a walk as a whole ------------------------------------------------------------------------------------------------


def test_a_walk_has_a_first_record_and_gives_a_list(serve: Serve, connect: Connect) -> None:
    clinik = connect(serve(page(["a1", "a2"], "2", more=True, total=3), page(["a3"], total=3)))
    walk = clinik.encounters.search_all()
    first = walk.first()
    assert first is not None
    assert (first.id, [found.id for found in walk.to_list()], walk.first()) == ("a1", ["a2", "a3"], None)


@pytest.mark.parametrize("again", [iter, list, lambda walk: walk.pages(), lambda walk: walk.to_list()])
@pytest.mark.parametrize("limit", [None, 1, 0])
def test_walking_again_is_an_error_and_not_nothing(
    serve: Serve, connect: Connect, again: Callable[[Any], Any], limit: int | None
) -> None:
    walk = connect(serve(page(["a1"]))).encounters.search_all(limit=limit)
    list(walk)
    with pytest.raises(ClinikConfigError, match="at its end"):
        again(walk)
    assert next(walk, None) is None


def test_walking_again_by_page_is_an_error_too(serve: Serve, connect: Connect) -> None:
    walk = connect(serve(page(["a1"]))).encounters.search_all()
    assert len(list(walk.pages())) == 1
    with pytest.raises(ClinikConfigError, match="at its end"):
        walk.pages()


def test_a_walk_tells_how_much_is_to_come_once_the_service_has(serve: Serve, connect: Connect) -> None:
    pages = page(["a1", "a2"], "2", more=True, total=4), page(["a3", "a4"], total=4)
    walk = connect(serve(*pages)).encounters.search_all()
    assert length_hint(walk, -1) == -1
    hints = [length_hint(walk) for _ in walk]
    assert hints == [3, 2, 1, 0]
    walk = connect(serve(*pages)).encounters.search_all(limit=3)
    next(walk)
    assert length_hint(walk) == 2
    for _ in walk.pages():
        pass
    assert length_hint(walk) == 0
    walk = connect(serve(*pages)).encounters.search_all()
    by_page = walk.pages()
    hints = [length_hint(walk) for _ in by_page]
    assert hints == [2, 0]
    walk = connect(serve(*pages)).encounters.search_all()
    next(walk)
    next(walk.pages())
    assert length_hint(walk) == 2
    walk = connect(serve(page(["a1", "a2"]))).encounters.search_all()
    next(walk)
    assert length_hint(walk, -1) == -1
