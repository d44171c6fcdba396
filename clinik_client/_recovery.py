"""Looking for the record of a create whose response was lost (``outcome="unknown"``)."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from datetime import datetime, timedelta
from typing import Any, Final, Generic, Literal, TypeVar

from attrs import evolve, field, frozen

from ._codecs import Issues, Location
from ._errors import ClinikTimeoutError
from ._fhir_datetime import FhirDateTime
from ._model import Model, schema_of
from ._operation import Operation, Request
from ._pagination import Pager, in_largest_pages
from ._response import ApiResponse
from ._session import Session

T = TypeVar("T", bound=Model)

_LIKE_A_TIME: Final = r"\d{4}-\d\d"

INDEX_LAG: Final = 10.0
"""Seconds after which a search typically shows what was written (API documentation, data consistency)."""

CLOCKS_APART: Final = timedelta(minutes=5)
"""How much the clocks of the two sides may differ."""

Verdict = Literal["found", "uncertain", "several", "not_there"]
"""What a search for a lost create proves.

* ``found``: one record fits, and it was not there before the create.
* ``uncertain``: one record fits, but it may have been there before.
* ``several``: more than one fits.
* ``not_there``: none fits, so long after the create. Strong evidence, not proof: an index can be later than usual.
"""


@frozen(eq=False, repr=False)
class Comparison:
    """What a resource's records are compared by. Fields are in wire names.

    Args:
        changing: fields that others may have changed since, or that the service fills in: they do not count.
        moment: the path of the timestamp that says when a record takes place.
        end: the path of the one that says when it was over; others may have set it since.
        days: the filters for the first and the last day of that.
    """

    changing: frozenset[str]
    moment: tuple[str, str]
    end: tuple[str, str]
    days: tuple[str, str]


@frozen
class FindResult(Generic[T]):
    """What a search for a lost create found.

    Attributes:
        verdict: what it proves, see `Verdict`. In case of ``uncertain`` and ``several`` a person has to look.
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
    search: Operation,
    since: datetime,
    lag: float,
    comparison: Comparison,
    same: tuple[str, ...] = (),
    before: Collection[str] | None = None,
) -> FindResult[Any]:
    """Search for the record that a create may have left. Never creates.

    Args:
        session: where to search.
        created: the create whose response was lost.
        search: the operation to search with.
        since: when the create was sent.
        lag: how many seconds the search index may be behind; the search is made no sooner after ``since``.
        comparison: how to recognise it.
        same: see `clinik_client._resource.Resource`.
        before: the ids of the records that were there before the create; ``None`` if nobody has looked.

    Raises:
        ClinikTimeoutError: the deadline of the session does not allow to wait for the index, or to read all pages.
    """
    clock, deadline = session.clock, session.options.deadline
    _check(since, lag, before, clock.utc())
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
    request = in_largest_pages(search.request(given=_filters(comparison, body, search.params)))

    def search_page(page: Request) -> ApiResponse[Any]:
        bounded = session if deadline is None else session.with_options(evolve(session.options, deadline=left()))
        return bounded.send(page, same)

    walk: Pager[Any, Any] = Pager(search_page, request, None)
    known = frozenset(before or ())
    matches = [record for record in walk if _fits(comparison, record, body, since, known)]
    if len(matches) == 1:
        verdict: Verdict = "found" if before is not None or _is_new(matches[0], since) else "uncertain"
    else:
        verdict = "several" if matches else "not_there"
    return FindResult(verdict, matches, after)


def _check(since: Any, lag: Any, before: Any, now: datetime) -> None:
    issues = Issues()
    if not isinstance(since, datetime) or since.tzinfo is None:
        issues.add(Location(Location(), "since"), "must be an aware datetime: when the create was sent")
    elif (ahead := since - now) > CLOCKS_APART:
        # Most often a local time with the offset of UTC. Waiting for it would take hours.
        issues.add(
            Location(Location(), "since"),
            f"lies {ahead // timedelta(minutes=1)} minutes in the future: give the time when the create was sent, "
            "with its right offset",
        )
    if isinstance(lag, bool) or not isinstance(lag, int | float) or not 0 <= lag < float("inf"):
        issues.add(Location(Location(), "lag"), "must be a number of seconds from 0")
    ids = isinstance(before, Collection) and not isinstance(before, str | bytes)
    if before is not None and not (ids and all(isinstance(item, str) for item in before)):
        issues.add(Location(Location(), "before"), "must be a collection of ids")
    if issues:
        raise issues.error()


def _filters(comparison: Comparison, body: Mapping[str, Any], params: type[Model] | None) -> dict[str, Any]:
    """The narrowest search that cannot miss the record."""
    known = set() if params is None else {entry.wire for entry in schema_of(params).entries}
    filters = {name: value for name, value in body.items() if name in known - comparison.changing}
    moment = _at(comparison.moment, body)
    start = FhirDateTime.read(moment) if isinstance(moment, str) else None
    if set(comparison.days) <= known and start is not None and start.precision not in ("year", "month"):
        # A day on either side: the service's day may not be the one of the offset that was sent.
        for name, day in zip(comparison.days, (start - timedelta(days=1), start + timedelta(days=1)), strict=True):
            filters[name] = day.date().isoformat()
    return filters


def _at(path: tuple[str, str], record: Mapping[str, Any]) -> Any:
    holder = record.get(path[0])
    return holder.get(path[1]) if isinstance(holder, Mapping) else None


def _fits(
    comparison: Comparison, record: Model, body: Mapping[str, Any], since: datetime, before: frozenset[str]
) -> bool:
    found = record.to_dict()
    updated = _last_updated(record)
    if found.get("id") in before or (updated is not None and updated < since - CLOCKS_APART):
        return False
    start = _at(comparison.moment, found)
    if _at(comparison.moment, body) is None and _is_of_another_time(start, _at(comparison.end, found), since):
        return False
    if not _same_or_silent(start, _at(comparison.moment, body)):
        return False
    # What the record does not show cannot speak against it.
    names = body.keys() - comparison.changing - {comparison.moment[0]}
    return all(_same_or_silent(found.get(name), body[name]) for name in names)


def _is_of_another_time(start: Any, end: Any, since: datetime) -> bool:
    """Whether a record was begun or over a day or more before the create: one without a time has not left that."""
    day_before = since - timedelta(days=1)
    for text in (start, end):
        moment = FhirDateTime.read(text) if isinstance(text, str) else None
        if moment is None:
            continue
        if moment.precision in ("year", "month"):
            # It stands for its first instant, and means all of it.
            if not any(day.isoformat().startswith(text) for day in (day_before, since)):
                return True
        elif moment < day_before:
            return True
    return False


def _is_new(record: Model, since: datetime) -> bool:
    """Whether a record shows itself that it was first written after the create was sent."""
    meta = record.additional_properties.get("meta")
    version = meta.get("versionId") if isinstance(meta, Mapping) else None
    updated = _last_updated(record)
    # A later version may be of an old record.
    return updated is not None and updated >= since and version in (None, "1")


def _same_or_silent(found: Any, sent: Any) -> bool:
    return found is None or sent is None or _comparable(found) == _comparable(sent)


def _comparable(value: Any) -> Any:
    """A value for comparing: times are moments, and one text is a list of one."""
    if isinstance(value, Mapping):
        return {name: _comparable(item) for name, item in value.items()}
    if isinstance(value, list):
        return [_comparable(item) for item in value] if len(value) != 1 else _comparable(value[0])
    moment = FhirDateTime.read(value) if isinstance(value, str) and re.match(_LIKE_A_TIME, value) else None
    return value if moment is None else moment


def _last_updated(record: Model) -> FhirDateTime | None:
    meta = record.additional_properties.get("meta")
    text = meta.get("lastUpdated") if isinstance(meta, Mapping) else None
    return FhirDateTime.read(text) if isinstance(text, str) else None
