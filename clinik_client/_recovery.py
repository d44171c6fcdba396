"""The way out of ``outcome="unknown"``: looking for what a lost create may have left behind."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import Any, Final, Generic, Literal, TypeVar

from attrs import evolve, field, frozen

from ._codecs import Issues, Location
from ._errors import ClinikTimeoutError
from ._fhir_datetime import FhirDateTime
from ._model import Model, schema_of
from ._operation import Request
from ._pagination import Pager
from ._resource import send
from ._response import ApiResponse
from ._retry import Session

T = TypeVar("T", bound=Model)

INDEX_LAG: Final = 10.0
"""Seconds after which a search typically shows what was written (API documentation, data consistency)."""

# Others may have changed these since, and the service may fill them in.
_CHANGING: Final = frozenset({"status", "lengthMinutes", "diagnosis", "hospitalization", "participants"})

Verdict = Literal["found", "several", "not_there"]


@frozen
class FindResult(Generic[T]):
    """What a search for a lost create found.

    Attributes:
        verdict: ``found``: one record fits, so the create was most likely carried out. ``several``: more than one fits;
            a person has to look. ``not_there``: none fits, ``after`` seconds after ``since``.
        matches: the records that fit.
        after: how many seconds after ``since`` the search was made.
    """

    verdict: Verdict
    matches: list[T] = field(repr=False)
    after: float

    @property
    def match(self) -> T | None:
        """The one record that fits, if it is one."""
        return self.matches[0] if self.verdict == "found" else None


def find_created(
    session: Session,
    created: Request,
    search: Callable[..., Request],
    since: datetime,
    lag: float,
    same: tuple[str, ...] = (),
) -> FindResult[Any]:
    """Search for the record that a create may have left. Never creates.

    Args:
        session: where to search.
        created: the create whose answer was lost.
        search: builds a search request from keywords in Python names.
        since: when the create was sent.
        lag: how many seconds the search index may be behind; the search is made no sooner after ``since``.
        same: see `clinik_client._resource.Resource`.

    Raises:
        ClinikTimeoutError: the deadline of the session does not allow to wait for the index, or to read all pages.
    """
    _check(since, lag)
    clock, deadline = session.clock, session.options.deadline
    end = float("inf") if deadline is None else clock.now() + deadline

    def left() -> float:
        if clock.now() >= end:
            raise ClinikTimeoutError("The deadline has passed before all pages were read.", operation=created.name)
        return end - clock.now()

    wait = lag - (clock.utc() - since).total_seconds()
    if wait >= end - clock.now():
        raise ClinikTimeoutError(
            f"A search may miss the record for {wait:.1f} s more, and the deadline ends before. Look again later.",
            operation=created.name,
        )
    if wait > 0:
        clock.sleep(wait)
    after = (clock.utc() - since).total_seconds()
    body: Mapping[str, Any] = created.body
    request = search(_filters(body, search()))

    def search_page(page: Request) -> ApiResponse[Any]:
        bounded = session if deadline is None else session.with_options(evolve(session.options, deadline=left()))
        return send(bounded, page, same)

    walk: Pager[Any] = Pager(search_page, request, None)
    matches = [record for record in walk if _fits(record, body, since)]
    verdict: Verdict = "not_there" if not matches else "found" if len(matches) == 1 else "several"
    return FindResult(verdict, matches, after)


def _check(since: Any, lag: Any) -> None:
    problems = Issues()
    if not isinstance(since, datetime) or since.tzinfo is None:
        problems.add(Location().child("since"), "must be an aware datetime: when the create was sent")
    if isinstance(lag, bool) or not isinstance(lag, int | float) or not 0 <= lag < float("inf"):
        problems.add(Location().child("lag"), "must be a number of seconds from 0")
    if problems:
        raise problems.error()


def _filters(body: Mapping[str, Any], search: Request) -> dict[str, Any]:
    """The narrowest search that cannot miss the record."""
    known = {entry.wire for entry in schema_of(search.params).entries} if search.params is not None else set()
    filters = {name: value for name, value in body.items() if name in known - _CHANGING}
    start = _start(body)
    if {"dateFrom", "dateTo"} <= known and start is not None and start.precision not in ("year", "month"):
        # A day on either side: the service's day may not be the one of the offset that was sent.
        filters["dateFrom"] = (start - timedelta(days=1)).date().isoformat()
        filters["dateTo"] = (start + timedelta(days=1)).date().isoformat()
    if "count" in known:
        filters["count"] = 100
    return filters


def _start(body: Mapping[str, Any]) -> FhirDateTime | None:
    period = body.get("period")
    start = period.get("start") if isinstance(period, Mapping) else None
    return FhirDateTime.parse(start) if isinstance(start, str) else None


def _fits(record: Model, body: Mapping[str, Any], since: datetime) -> bool:
    if (updated := _last_updated(record)) is not None and updated < since - timedelta(minutes=5):
        # Written before the create was sent, even if the clocks of the two sides differ a little.
        return False
    found = record.to_dict()
    period = found.get("period")
    start = _start(body)
    there = period.get("start") if isinstance(period, Mapping) else None
    if start is not None and isinstance(there, str) and FhirDateTime.read(there) != start:
        return False
    # What the record does not show cannot speak against it.
    names = body.keys() - _CHANGING - {"period"}
    return all(found.get(name) is None or _same(found[name], body[name]) for name in names)


def _same(first: Any, second: Any) -> bool:
    return (first if isinstance(first, list) else [first]) == (second if isinstance(second, list) else [second])


def _last_updated(record: Model) -> FhirDateTime | None:
    meta = record.additional_properties.get("meta")
    text = meta.get("lastUpdated") if isinstance(meta, Mapping) else None
    return FhirDateTime.read(text) if isinstance(text, str) else None
