"""Looking for the record of a create whose response was lost (``outcome="unknown"``)."""

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
from ._response import ApiResponse
from ._session import Session

T = TypeVar("T", bound=Model)

INDEX_LAG: Final = 10.0
"""Seconds after which a search typically shows what was written (API documentation, data consistency)."""

Verdict = Literal["found", "several", "not_there"]


@frozen
class Comparison:
    """What a resource's records are compared by. Fields are in wire names.

    Args:
        changing: fields that others may have changed since, or that the service fills in: they do not count.
        moment: the path of the timestamp that says when a record takes place.
        days: the filters for the first and the last day of that.
    """

    changing: frozenset[str]
    moment: tuple[str, str]
    days: tuple[str, str]


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
    comparison: Comparison,
    same: tuple[str, ...] = (),
) -> FindResult[Any]:
    """Search for the record that a create may have left. Never creates.

    Args:
        session: where to search.
        created: the create whose response was lost.
        search: builds a search request from keywords in Python names.
        since: when the create was sent.
        lag: how many seconds the search index may be behind; the search is made no sooner after ``since``.
        comparison: how to recognise it.
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
    request = search(_filters(comparison, body, search()))

    def search_page(page: Request) -> ApiResponse[Any]:
        bounded = session if deadline is None else session.with_options(evolve(session.options, deadline=left()))
        return bounded.send(page, same)

    walk: Pager[Any, Any] = Pager(search_page, request, None)
    matches = [record for record in walk if _fits(comparison, record, body, since)]
    verdict: Verdict = "not_there" if not matches else "found" if len(matches) == 1 else "several"
    return FindResult(verdict, matches, after)


def _check(since: Any, lag: Any) -> None:
    issues = Issues()
    if not isinstance(since, datetime) or since.tzinfo is None:
        issues.add(Location(Location(), "since"), "must be an aware datetime: when the create was sent")
    if isinstance(lag, bool) or not isinstance(lag, int | float) or not 0 <= lag < float("inf"):
        issues.add(Location(Location(), "lag"), "must be a number of seconds from 0")
    if issues:
        raise issues.error()


def _filters(comparison: Comparison, body: Mapping[str, Any], search: Request) -> dict[str, Any]:
    """The narrowest search that cannot miss the record."""
    known = {entry.wire for entry in schema_of(search.params).entries} if search.params is not None else set()
    filters = {name: value for name, value in body.items() if name in known - comparison.changing}
    moment = _moment(comparison, body)
    start = None if moment is None else FhirDateTime.read(moment)
    if set(comparison.days) <= known and start is not None and start.precision not in ("year", "month"):
        # A day on either side: the service's day may not be the one of the offset that was sent.
        for name, day in zip(comparison.days, (start - timedelta(days=1), start + timedelta(days=1)), strict=True):
            filters[name] = day.date().isoformat()
    if "count" in known:
        filters["count"] = 100
    return filters


def _moment(comparison: Comparison, record: Mapping[str, Any]) -> str | None:
    field, part = comparison.moment
    holder = record.get(field)
    text = holder.get(part) if isinstance(holder, Mapping) else None
    return text if isinstance(text, str) else None


def _fits(comparison: Comparison, record: Model, body: Mapping[str, Any], since: datetime) -> bool:
    if (updated := _last_updated(record)) is not None and updated < since - timedelta(minutes=5):
        # Written before the create was sent, even if the clocks of the two sides differ a little.
        return False
    found = record.to_dict()
    sent, there = _moment(comparison, body), _moment(comparison, found)
    if sent is not None and there is not None and FhirDateTime.read(there) != FhirDateTime.read(sent):
        return False
    # What the record does not show cannot speak against it.
    names = body.keys() - comparison.changing - {comparison.moment[0]}
    return all(found.get(name) is None or _same(found[name], body[name]) for name in names)


def _same(first: Any, second: Any) -> bool:
    return (first if isinstance(first, list) else [first]) == (second if isinstance(second, list) else [second])


def _last_updated(record: Model) -> FhirDateTime | None:
    meta = record.additional_properties.get("meta")
    text = meta.get("lastUpdated") if isinstance(meta, Mapping) else None
    return FhirDateTime.read(text) if isinstance(text, str) else None
