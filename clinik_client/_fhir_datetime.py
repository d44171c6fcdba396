"""A moment as FHIR writes it: a `datetime.datetime` that remembers its text and how exact it was.

A FHIR ``dateTime`` may be no more than a year, a month or a day. A plain ``datetime`` has to invent the rest,
and writing it back would then claim an exactness that nobody recorded.

Source: FHIR R4, data types ``date``, ``dateTime`` and ``instant`` (https://hl7.org/fhir/R4/datatypes.html).
"""

import re
from datetime import UTC, date, datetime, time, timedelta, timezone
from typing import Any, Final, Literal, Self, SupportsIndex

from ._interruption import is_interruption

__all__ = ["FhirDateTime", "Precision"]

Precision = Literal["year", "month", "day", "second", "fraction"]
"""The smallest unit that a text gives. A time without seconds counts as ``second``: its seconds are zero."""

# What may be written. ASCII digits only, and no ``$``: it would let a final line break through.
_WRITABLE: Final = (
    r"[0-9]{4}(-[0-9]{2}(-[0-9]{2}"
    r"(?P<time>T([01][0-9]|2[0-3]):[0-5][0-9](:[0-5][0-9](\.[0-9]+)?)?"
    r"(?P<offset>Z|[+-]([01][0-9]|2[0-3]):[0-5][0-9])?)?)?)?"
)
# What may be read besides: basic format, week dates and ordinal dates are days.
_DAY: Final = r"[0-9]{4}(-?[0-9]{2}-?[0-9]{2}|-?[0-9]{3}|-?W[0-9]{2}(-?[0-9])?)"
_FRACTION: Final = r"[Tt ][0-9]{2}:?[0-9]{2}:?[0-9]{2}[.,][0-9]"
_LEAP_SECOND: Final = r"(?P<before>.+[Tt ][0-9]{2}:?[0-9]{2}:?)60(?P<after>.*)"

# To look it up takes as long as to call it.
_from_iso = datetime.fromisoformat

_YEAR_LENGTH = len("YYYY")
_MONTH_LENGTH = len("YYYY-MM")
_FRACTION_DOT = len("YYYY-MM-DDThh:mm:ss")

_FORMS = "YYYY, YYYY-MM, YYYY-MM-DD, or a date-time with an offset such as YYYY-MM-DDThh:mm:ssZ"


class FhirDateTime(datetime):
    """An aware ``datetime`` with the text it came from (`text`) and its exactness (`precision`).

    Make one with `parse` (what a service sent) or `of` (what a program wants to write); these
    always give an aware value, which the constructor inherited from ``datetime`` does not. A year, a month
    or a day stands for its first instant in UTC. Comparing, hashing and formatting are those of ``datetime``,
    so a year equals its first instant. What arithmetic, ``replace`` and ``astimezone`` derive is a new moment:
    its text is its own ``isoformat()``.

    >>> admitted = FhirDateTime.parse("2025-06")
    >>> admitted
    FhirDateTime('2025-06')
    >>> admitted.isoformat(), admitted.text, admitted.precision
    ('2025-06-01T00:00:00+00:00', '2025-06', 'month')
    >>> (admitted + timedelta(hours=9)).text
    '2025-06-01T09:00:00+00:00'
    """

    __slots__ = ("_text",)
    _text: str

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read what a service sent, tolerantly.

        Beyond FHIR's own forms this takes whatever ``datetime.fromisoformat`` or dateutil's ``isoparse`` can
        read of ISO 8601: a space for the ``T``, basic format, week dates, ``24:00``. A leap second (FHIR
        allows ``:60``) becomes the second after it.

        Args:
            text: any of these. A time without an offset is taken as UTC. Digits of a fraction beyond microseconds are
                cut off from the value and kept in `text`.

        Raises:
            ValueError: nothing of the kind; the message does not repeat the text.
            TypeError: not a ``str``.

        >>> FhirDateTime.parse("2025-06-01T09:00:00.123456789+02:00").isoformat()
        '2025-06-01T09:00:00.123456+02:00'
        """
        value = cls.read(text)
        if value is None:
            raise ValueError("not an ISO 8601 date or date-time")
        return value

    @classmethod
    def read(cls, text: str) -> Self | None:
        """As `parse`, but ``None`` for what cannot be read.

        >>> FhirDateTime.read("2025-06"), FhirDateTime.read("soon")
        (FhirDateTime('2025-06'), None)
        """
        value: Self | None
        try:
            # As a copy is made: this takes half as long as fromisoformat does for a subclass.
            value = cls(*_from_iso(text).__reduce__()[1])
        except ValueError:
            value = None
        # fromisoformat takes the fraction of an hour or a minute for one of a second; away from the usual
        # place of a fraction, dateutil has the word.
        if value is None or (value.microsecond and text[_FRACTION_DOT : _FRACTION_DOT + 1] != "."):
            value = cls._parse_rare(text)
            if value is None:
                return None
        elif value.tzinfo is None:
            value = value.replace(tzinfo=UTC)
        value._text = text
        return value

    @classmethod
    def _parse_rare(cls, text: str) -> Self | None:
        """What ``fromisoformat`` cannot read, or ``None`` if dateutil cannot either."""
        # Imported here because most programs never meet such a text.
        from dateutil.parser import isoparse

        extra = timedelta(0)
        if leap := re.fullmatch(_LEAP_SECOND, text):
            text = f"{leap['before']}59{leap['after']}"
            extra = timedelta(seconds=1)
        try:
            moment = isoparse(text) + extra
        except (ValueError, OverflowError) as error:  # OverflowError: past the year 9999
            if is_interruption(error):
                raise
            return None
        # The standard library's own time zones, so that a pickle does not need dateutil.
        offset = moment.utcoffset()
        return cls.combine(moment, moment.time(), timezone(offset) if offset else UTC)

    @classmethod
    def of(cls, value: datetime | date | str) -> Self:
        """Take what a program wants to write, strictly.

        Args:
            value: an aware ``datetime`` (a ``FhirDateTime`` comes back as it is); a ``date``; or an ISO 8601 string in
                extended format: ``YYYY``, ``YYYY-MM``, ``YYYY-MM-DD``, or a date, ``T`` and a time ``hh:mm``,
                ``hh:mm:ss`` or ``hh:mm:ss.fff`` with any number of decimals, followed by ``Z`` or an offset
                ``+hh:mm``. A string is kept exactly as it is.

        Raises:
            ValueError: anything else, of any type. The message says what to write and never the value.

        >>> FhirDateTime.of(date(2025, 6, 1)), FhirDateTime.of("2025-06-01T09:00+02:00")
        (FhirDateTime('2025-06-01'), FhirDateTime('2025-06-01T09:00+02:00'))
        >>> FhirDateTime.of("2025-06-01T09:00:00")
        Traceback (most recent call last):
        ValueError: time without an offset: add Z for UTC, or an offset such as +02:00
        """
        if isinstance(value, str):
            return cls._of_text(value)
        if isinstance(value, datetime):
            return cls._of_datetime(value)
        if isinstance(value, date):
            result = cls.combine(value, time.min, UTC)
            result._text = value.isoformat()
            return result
        raise ValueError(f"not a date or time: give an aware datetime, a date, or a string: {_FORMS}")

    @classmethod
    def _of_text(cls, text: str) -> Self:
        form = re.fullmatch(_WRITABLE, text)
        if form is None:
            raise ValueError(f"not a date or date-time in the ISO 8601 extended format: write {_FORMS}")
        if form["time"] and not form["offset"]:
            raise ValueError("time without an offset: add Z for UTC, or an offset such as +02:00")
        value = cls.read(text)
        if value is None:
            raise ValueError("no such date: the year must be 0001 or later, and the month and its day must exist")
        return value

    @classmethod
    def _of_datetime(cls, value: datetime) -> Self:
        offset = value.utcoffset()
        if offset is None:
            raise ValueError("datetime without a time zone: pass tzinfo, for example datetime.UTC")
        if isinstance(value, cls):
            return value
        if offset % timedelta(minutes=1):
            raise ValueError("datetime whose offset is not in whole minutes: convert it with astimezone(datetime.UTC)")
        # Not combine(), which loses fold in a subclass.
        result = cls(
            value.year,
            value.month,
            value.day,
            value.hour,
            value.minute,
            value.second,
            value.microsecond,
            value.tzinfo,
            fold=value.fold,
        )
        result._text = value.isoformat()
        return result

    @property
    def text(self) -> str:
        """The text that this value was read from or will be written as; for a derived value its ``isoformat()``."""
        try:
            return self._text
        except AttributeError:  # made by datetime's own methods, which know nothing of the text
            return self.isoformat()

    @property
    def precision(self) -> Precision:
        """The smallest unit that `text` gives: ``year``, ``month``, ``day``, ``second`` or ``fraction``."""
        text = self.text
        if len(text) == _YEAR_LENGTH:
            return "year"
        if len(text) == _MONTH_LENGTH and text[4] == "-":
            return "month"
        if re.fullmatch(_DAY, text):
            return "day"
        return "fraction" if re.search(_FRACTION, text) else "second"

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.text!r})"

    # Immutable, so a copy is the thing itself.
    def __copy__(self) -> Self:
        return self

    def __deepcopy__(self, memo: dict[int, Any]) -> Self:
        return self

    def __reduce_ex__(self, protocol: SupportsIndex) -> tuple[Any, ...]:
        # datetime's reduction for protocol 4 can be unpickled from every protocol, and it is the one that keeps fold.
        return type(self), super().__reduce_ex__(4)[1], getattr(self, "_text", None)

    def __setstate__(self, text: str) -> None:
        self._text = text
