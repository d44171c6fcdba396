"""What a call returns: the data, and what the service said about the exchange."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, Final, Generic, NamedTuple, TypeVar

from attrs import Factory, field, frozen

from ._bundle import Included
from ._fhir_datetime import FhirDateTime
from ._model import Model

T = TypeVar("T")


@frozen
class Quota:
    """The monthly volume, from the ``X-Quota-*`` and ``X-Sandbox-*`` headers; ``None`` where the service sent none."""

    limit: int | None = None
    used: int | None = None
    remaining: int | None = None
    billable: bool | None = None
    """Whether this request counted."""
    overage: int | None = None
    reset: FhirDateTime | None = None
    """When the month's volume starts again."""
    sandbox_limit: int | None = None
    sandbox_used: int | None = None
    sandbox_remaining: int | None = None


class _Unread:
    """What metadata is read from, and that it is read when somebody looks at it."""

    __slots__ = ("_source",)

    if not TYPE_CHECKING:

        def __getattr__(self, name):
            # Python comes here for a field that has no value yet. Whoever comes twice finds the same values.
            source = None if name == "_source" else getattr(self, "_source", None)
            if source is not None:
                for field_name, value in _read_all(*source).items():
                    object.__setattr__(self, field_name, value)
                object.__setattr__(self, "_source", None)
            return object.__getattribute__(self, name)


@frozen
class ResponseMeta(_Unread):
    """What the service said about one exchange. The body's ``meta`` wins; a header fills what it lacks.

    Attributes:
        request_id: the service's id of the exchange.
        timestamp: when the service responded.
        status: the HTTP status.
        rate_limit_total: requests allowed in the rolling window of 60 seconds.
        rate_limit_remaining: requests left in it.
        rate_limit_reset: seconds until it is whole again.
        quota: the monthly volume.
        attempts: how many times the request was sent, 1 if it worked at once.
        already_deleted: a delete got a 404 after an earlier attempt that may have been processed.
        included: the records that came along with the one that was read, as they came: by type, then by id,
            ``included["Patient"]["pt_abc123"]``.
    """

    request_id: str | None = None
    timestamp: FhirDateTime | None = None
    status: int | None = None
    rate_limit_total: int | None = None
    rate_limit_remaining: int | None = None
    rate_limit_reset: float | None = None
    quota: Quota = Factory(Quota)
    attempts: int = 1
    already_deleted: bool = False
    included: Included = field(factory=dict, repr=False)


class _Response(NamedTuple, Generic[T]):
    data: T
    meta: ResponseMeta


class ApiResponse(_Response[T]):
    """``data`` and ``meta`` of a call; unpacks as ``data, meta``.

    >>> data, meta = ApiResponse({"ok": True}, ResponseMeta(status=200))
    >>> data, meta.status
    ({'ok': True}, 200)
    """

    __slots__ = ()

    @property
    def included(self) -> Included:
        """What ``meta`` has under this name: the records that came along with the one that was read."""
        return self.meta.included

    def __repr__(self) -> str:
        # Raw data may hold anything: only a model knows how to show itself safely.
        shown = (
            repr(self.data) if self.data is None or isinstance(self.data, Model) else f"<{type(self.data).__name__}>"
        )
        return f"ApiResponse(data={shown}, status={self.meta.status}, request_id={self.meta.request_id!r})"


def read_meta(
    body: Mapping[str, Any],
    headers: Mapping[str, str],
    status: int,
    attempts: int,
    already_deleted: bool = False,
    included: Included | None = None,
) -> ResponseMeta:
    """Put together the metadata of one exchange. Most calls need nothing of it: it is read when it is looked at.

    Args:
        body: the envelope's ``meta``, or an empty mapping.
        headers: the response's headers, names in lower case.
        status: the HTTP status that arrived.
        attempts: how many times the request was sent.
        already_deleted: see `ResponseMeta`.
        included: see `ResponseMeta`.
    """
    meta = object.__new__(ResponseMeta)
    # Nothing else of the response is kept.
    told = {name: body[name] for name in _IN_BODY if name in body}
    told_above = {name: headers[name] for name in _IN_HEADERS if name in headers}
    object.__setattr__(meta, "_source", (told, told_above, status, attempts, already_deleted, included or {}))
    return meta


def _read_all(
    body: Mapping[str, Any],
    headers: Mapping[str, str],
    status: int,
    attempts: int,
    already_deleted: bool,
    included: Included,
) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for attribute, name, header, read in _META:
        for source, key in ((body, name), (headers, header)):
            if attribute not in found and key in source and (value := read(source[key])) is not None:
                found[attribute] = value
    quota = {}
    for attribute, header, read in _QUOTA:
        if header in headers:
            quota[attribute] = read(headers[header])
    return {
        **dict.fromkeys(attribute for attribute, *_ in _META),
        "status": status,
        **found,
        "quota": Quota(**quota),
        "attempts": attempts,
        "already_deleted": already_deleted,
        "included": included,
    }


def read_request_id(value: Any) -> str | None:
    """A request id as the service sends it; ``None`` for anything that cannot be one."""
    fits = isinstance(value, str) and 0 < len(value) <= 128 and value.isascii() and value.isprintable()
    return value if fits else None


def read_seconds(value: Any) -> float | None:
    """A number of seconds, from JSON or a header; ``None`` for anything else, negative or endless.

    >>> read_seconds("3600"), read_seconds(0.5), read_seconds("nan"), read_seconds("-1"), read_seconds("soon")
    (3600, 0.5, None, None, None)
    """
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        return None
    try:
        seconds = float(value)
    except (OverflowError, ValueError):
        return None
    if not 0 <= seconds < float("inf"):
        return None
    return int(seconds) if seconds.is_integer() else seconds


def _count(value: Any) -> int | None:
    seconds = read_seconds(value)
    return seconds if isinstance(seconds, int) else None


def _truth(value: Any) -> bool | None:
    return {"true": True, "1": True, "false": False, "0": False}.get(str(value).strip().lower())


def _timestamp(value: Any) -> FhirDateTime | None:
    return FhirDateTime.read(value) if isinstance(value, str) else None


_META: Final[tuple[tuple[str, str, str, Callable[[Any], Any]], ...]] = (
    # The attribute, its name in the body, its header.
    ("request_id", "requestId", "x-request-id", read_request_id),
    ("timestamp", "timestamp", "x-timestamp", _timestamp),
    ("status", "status", "", _count),
    ("rate_limit_total", "rateLimitTotal", "x-ratelimit-limit", _count),
    ("rate_limit_remaining", "rateLimitRemaining", "x-ratelimit-remaining", _count),
    ("rate_limit_reset", "rateLimitReset", "x-ratelimit-reset", read_seconds),
)

_QUOTA: Final[tuple[tuple[str, str, Callable[[Any], Any]], ...]] = (
    ("limit", "x-quota-limit", _count),
    ("used", "x-quota-used", _count),
    ("remaining", "x-quota-remaining", _count),
    ("billable", "x-quota-billable", _truth),
    ("overage", "x-quota-overage", _count),
    ("reset", "x-quota-reset", _timestamp),
    ("sandbox_limit", "x-sandbox-limit", _count),
    ("sandbox_used", "x-sandbox-used", _count),
    ("sandbox_remaining", "x-sandbox-remaining", _count),
)

_IN_BODY: Final = tuple(name for _, name, _, _ in _META)
_IN_HEADERS: Final = (*(header for _, _, header, _ in _META if header), *(header for _, header, _ in _QUOTA))
