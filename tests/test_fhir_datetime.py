"""FhirDateTime reads what FHIR sends, writes only what FHIR takes, and forgets neither text nor exactness."""

import copy
import pickle
import subprocess
import sys
from datetime import UTC, date, datetime, time, timedelta, timezone
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from clinik_client._fhir_datetime import FhirDateTime

years = st.integers(1, 9999).map("{:04}".format)
days = st.dates().map(date.isoformat)
months = days.map(lambda day: day[:7])
partial_texts = years | months | days

clocks = st.builds("{:02}:{:02}".format, st.integers(0, 23), st.integers(0, 59))
seconds = st.integers(0, 59).map(":{:02}".format)
decimals = st.text("0123456789", min_size=1, max_size=15).map(".{}".format)
fractions = st.just("") | st.builds("{}{}".format, seconds, st.just("") | decimals)
offsets = st.just("Z") | st.builds("{}{}".format, st.sampled_from("+-"), clocks)
instant_texts = st.builds("{}T{}{}{}".format, days, clocks, fractions, offsets)
writable_texts = partial_texts | instant_texts

zones = (
    st.timedeltas(timedelta(hours=-23), timedelta(hours=23)).map(
        lambda offset: timezone(timedelta(minutes=offset // timedelta(minutes=1)))
    )
) | st.sampled_from([UTC, ZoneInfo("Europe/Zurich"), ZoneInfo("America/St_Johns")])
moments = st.datetimes(datetime(1950, 1, 2), datetime(9999, 12, 30), timezones=zones)


def refusal(value: Any) -> str:
    """The message of the refusal; fails where there is none, or where anything reachable from it shows the value."""
    with pytest.raises(ValueError, match=r".") as caught:
        FhirDateTime.of(value)
    assert caught.value.__context__ is None
    assert str(value) not in str(caught.value)
    return str(caught.value)


# Reading


@given(writable_texts)
@example("0001-01-01T00:00:00+14:00")
@example("9999-12-31T23:59:59.999999999-12:00")
def test_a_text_that_was_read_is_kept_and_always_gives_an_aware_value(text: str) -> None:
    value = FhirDateTime.parse(text)
    assert value.text == text
    assert value.utcoffset() is not None
    assert type(value) is FhirDateTime


@given(writable_texts)
def test_writing_and_reading_agree_on_what_may_be_written(text: str) -> None:
    read, written = FhirDateTime.parse(text), FhirDateTime.of(text)
    assert (read, read.text, read.precision, read.utcoffset()) == (
        (written, written.text, written.precision, written.utcoffset())
    )


@given(partial_texts)
def test_a_partial_date_is_its_first_instant_in_utc(text: str) -> None:
    year, month, day = (*map(int, text.split("-")), 1, 1)[:3]
    value = FhirDateTime.parse(text)
    assert value == datetime(year, month, day, tzinfo=UTC)
    assert value.utcoffset() == timedelta(0)
    assert value.precision == {4: "year", 7: "month", 10: "day"}[len(text)]


@given(days, clocks, seconds, decimals, offsets)
def test_a_fraction_of_any_length_is_cut_to_microseconds(
    day: str, clock: str, second: str, fraction: str, offset: str
) -> None:
    value = FhirDateTime.parse(f"{day}T{clock}{second}{fraction}{offset}")
    assert value.microsecond == int(f"{fraction[1:]:0<6}"[:6])
    assert value.precision == "fraction"


@given(days, clocks, st.just("") | seconds, offsets)
def test_a_full_date_time_keeps_its_offset_and_counts_as_exact_to_the_second(
    day: str, clock: str, second: str, offset: str
) -> None:
    value = FhirDateTime.parse(f"{day}T{clock}{second}{offset}")
    sign = -1 if offset[0] == "-" else 1
    hours, minutes = (0, 0) if offset == "Z" else map(int, offset[1:].split(":"))
    assert value.utcoffset() == sign * timedelta(hours=hours, minutes=minutes)
    assert value.replace(tzinfo=None) == datetime.strptime(f"{day}T{clock}{second or ':00'}", "%Y-%m-%dT%H:%M:%S")
    assert value.precision == "second"


@pytest.mark.parametrize(
    ("text", "means", "precision"),
    [
        ("2025-06-01T09:00:00", "2025-06-01T09:00:00+00:00", "second"),
        ("2025-06-01 09:00:00.5Z", "2025-06-01T09:00:00.500000+00:00", "fraction"),
        ("2025-06-01t09:00:00z", "2025-06-01T09:00:00+00:00", "second"),
        ("2025-06-01T09Z", "2025-06-01T09:00:00+00:00", "second"),
        ("2025-06-01T09:00:00,25+0200", "2025-06-01T09:00:00.250000+02:00", "fraction"),
        ("20250601", "2025-06-01T00:00:00+00:00", "day"),
        ("2025-152", "2025-06-01T00:00:00+00:00", "day"),
        ("2025152", "2025-06-01T00:00:00+00:00", "day"),
        ("2025-W22-7", "2025-06-01T00:00:00+00:00", "day"),
        ("2025-W22", "2025-05-26T00:00:00+00:00", "day"),
        ("2025W22", "2025-05-26T00:00:00+00:00", "day"),
        ("20250601T090000Z", "2025-06-01T09:00:00+00:00", "second"),
        ("20250601T090000.5Z", "2025-06-01T09:00:00.500000+00:00", "fraction"),
        ("20250601T09", "2025-06-01T09:00:00+00:00", "second"),
        ("2025152T09", "2025-06-01T09:00:00+00:00", "second"),
        ("2025-06-01T24:00:00Z", "2025-06-02T00:00:00+00:00", "second"),
        ("2016-12-31T23:59:60Z", "2017-01-01T00:00:00+00:00", "second"),
        ("2016-12-31T23:59:60.5+00:00", "2017-01-01T00:00:00.500000+00:00", "fraction"),
    ],
)
def test_other_iso_8601_is_read_too_with_the_right_precision(text: str, means: str, precision: str) -> None:
    value = FhirDateTime.parse(text)
    assert (value.isoformat(), value.text, value.precision) == (means, text, precision)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "yesterday",
        "20",
        "2025-",
        "2025-13",
        "2025-02-29",
        "0000",
        "2025-06-01T25:00:00Z",
        "2025-06-01T09:00:00+25:00",
        "2025-06-01T09.5Z",  # half past nine, which fromisoformat takes for half a second past
        "2025-06-01T09:00.5+02:00",
        "9999-12-31T24:00:00Z",
        "9999-12-31T23:59:60Z",
        "2025-06-01T09:00:00Z\n",
        "٢٠٢٥",
        "2025-06-01\ud800",
    ],
)
def test_what_cannot_be_read_is_a_value_error_that_does_not_show_the_text(text: str) -> None:
    with pytest.raises(ValueError, match=r"^not an ISO 8601 date or date-time$") as caught:
        FhirDateTime.parse(text)
    assert caught.value.__context__ is None


@given(st.text() | st.text("0123456789-+:.,TWZtz ", max_size=30))
def test_any_text_is_read_or_refused_with_a_value_error(text: str) -> None:
    try:
        value = FhirDateTime.parse(text)
    except ValueError:
        return
    assert value.text == text
    assert value.utcoffset() is not None
    assert value.precision in {"year", "month", "day", "second", "fraction"}


@pytest.mark.parametrize("value", [None, 2025, b"2025", date(2025, 6, 1), ["2025"]])
def test_only_a_text_can_be_read(value: Any) -> None:
    with pytest.raises(TypeError):
        FhirDateTime.parse(value)


def test_dateutil_is_imported_only_for_what_the_standard_library_cannot_read() -> None:
    script = """
import sys
from clinik_client import FhirDateTime
for text in ("2025-06-01", "2025-06-01T09:00:00Z", "2025-06-01T09:00:00.123456789+02:00"):
    FhirDateTime.parse(text)
assert "dateutil" not in sys.modules
FhirDateTime.parse("2025-06")
assert "dateutil" in sys.modules
"""
    subprocess.run([sys.executable, "-c", script], check=True, timeout=30)


# Writing


@given(moments)
def test_an_aware_datetime_is_written_as_its_isoformat(moment: datetime) -> None:
    value = FhirDateTime.of(moment)
    assert (value.text, value.isoformat(), value.tzinfo, value.fold) == (
        (moment.isoformat(), moment.isoformat(), moment.tzinfo, moment.fold)
    )
    assert FhirDateTime.of(value.text).text == value.text


@given(st.dates())
def test_a_date_is_written_as_a_date(day: date) -> None:
    value = FhirDateTime.of(day)
    assert (value.text, value.precision, value.date()) == (day.isoformat(), "day", day)
    assert value.utcoffset() == timedelta(0)


@given(writable_texts)
def test_a_fhir_date_time_is_written_as_it_is(text: str) -> None:
    value = FhirDateTime.parse(text)
    assert FhirDateTime.of(value) is value


@given(st.datetimes())
def test_a_naive_datetime_is_refused(moment: datetime) -> None:
    assert refusal(moment).startswith("datetime without a time zone")


def test_a_naive_fhir_date_time_is_refused() -> None:
    assert refusal(FhirDateTime(2025, 6, 1)).startswith("datetime without a time zone")
    assert refusal(FhirDateTime.parse("2025").replace(tzinfo=None)).startswith("datetime without a time zone")


@given(st.sampled_from([0, 1]))
def test_the_repeated_hour_in_autumn_stays_the_one_it_was(fold: int) -> None:
    moment = datetime(2025, 10, 26, 2, 30, tzinfo=ZoneInfo("Europe/Zurich"), fold=fold)
    value = FhirDateTime.of(moment)
    again = [pickle.loads(pickle.dumps(value, protocol)) for protocol in range(pickle.HIGHEST_PROTOCOL + 1)]
    assert {other.isoformat() for other in [value, *again]} == {f"2025-10-26T02:30:00+0{2 - fold}:00"}


def test_an_offset_that_fhir_cannot_write_is_refused() -> None:
    odd = timezone(timedelta(hours=1, seconds=30))
    assert refusal(datetime(2025, 6, 1, tzinfo=odd)).startswith("datetime whose offset is not in whole minutes")


@given(days, clocks, fractions)
def test_a_time_without_an_offset_is_refused(day: str, clock: str, fraction: str) -> None:
    assert refusal(f"{day}T{clock}{fraction}").startswith("time without an offset: add Z")


@pytest.mark.parametrize(
    "text", ["0000", "2025-00", "2025-13", "2025-06-31", "2025-02-29", "2025-02-29T09:00:00Z", "0000-01-01"]
)
def test_a_date_that_does_not_exist_is_refused(text: str) -> None:
    assert refusal(text).startswith("no such date")


@pytest.mark.parametrize(
    "text",
    [
        "tomorrow",
        "25",
        "2025-6-1",
        "20250601",
        "2025-W22-7",
        "2025-152",
        "2025-06T09:00:00Z",
        "2025-06-01T",
        "2025-06-01T09Z",
        "2025-06-01 09:00:00Z",
        "2025-06-01t09:00:00Z",
        "2025-06-01T09:00:00z",
        "2025-06-01T09:00:00,5Z",
        "2025-06-01T09:00:00.Z",
        "2025-06-01T09:00.5Z",
        "2025-06-01T24:00:00Z",
        "2025-06-01T09:60:00Z",
        "2025-06-01T23:59:60Z",
        "2025-06-01T09:00:00+0200",
        "2025-06-01T09:00:00+24:00",
        "2025-06-01T09:00:00+02:00:00",
        "2025-06-01\n",
        " 2025-06-01",
        "2025-06-01T09:00:00Z\n",
        "٢٠٢٥-06-01",
        "2025-06-01T09:00:00Z\r\nx: y",
    ],
)
def test_a_text_in_another_form_is_refused(text: str) -> None:
    assert refusal(text).startswith("not a date or date-time in the ISO 8601 extended format: write YYYY")


def test_no_text_at_all_is_refused() -> None:
    with pytest.raises(ValueError, match="not a date or date-time"):
        FhirDateTime.of("")


@pytest.mark.parametrize("value", [None, 20250601, 1.5e9, b"2025-06-01", time(9), ["2025"], {"start": "2025"}])
def test_anything_but_a_date_a_datetime_or_a_text_is_refused(value: Any) -> None:
    assert refusal(value).startswith("not a date or time: give an aware datetime")


# Being a datetime


@given(writable_texts | moments)
def test_copies_and_pickles_of_every_protocol_keep_everything(source: str | datetime) -> None:
    value = FhirDateTime.of(source)
    copies = [copy.copy(value), copy.deepcopy([value])[0]]
    copies += [pickle.loads(pickle.dumps(value, protocol)) for protocol in range(pickle.HIGHEST_PROTOCOL + 1)]
    for other in copies:
        assert type(other) is FhirDateTime
        assert (other, other.text, other.precision) == (value, value.text, value.precision)
        assert (other.isoformat(), other.fold) == (value.isoformat(), value.fold)


def test_a_derived_value_pickles_without_a_text() -> None:
    value = FhirDateTime.parse("2025-06") + timedelta(days=1)
    assert pickle.loads(pickle.dumps(value)).text == "2025-06-02T00:00:00+00:00"


@given(writable_texts, writable_texts)
def test_equality_hash_and_order_are_those_of_datetime(one: str, two: str) -> None:
    a, b = FhirDateTime.parse(one), FhirDateTime.parse(two)
    plain_a, plain_b = (datetime.combine(x.date(), x.timetz()) for x in (a, b))
    assert (a == b, a < b, a == plain_a, hash(a)) == (plain_a == plain_b, plain_a < plain_b, True, hash(plain_a))


@given(moments, st.timedeltas(timedelta(days=-300), timedelta(days=300)))
def test_what_arithmetic_derives_is_a_new_moment_with_a_text_of_its_own(moment: datetime, step: timedelta) -> None:
    try:
        expected = moment + step
    except OverflowError:
        return
    value = FhirDateTime.of(moment) + step
    assert type(value) is FhirDateTime
    assert (value, value.text) == (expected, expected.isoformat())
    assert value - step == moment


@given(moments)
def test_replace_and_astimezone_do_not_keep_the_old_text(moment: datetime) -> None:
    value = FhirDateTime.of(moment)
    elsewhere = timezone(timedelta(hours=-3, minutes=-30))
    moved = value.astimezone(elsewhere)
    assert (moved, moved.text) == (moment.astimezone(elsewhere), moved.isoformat())
    # A partial text would be the most wrong one to keep.
    year = FhirDateTime.parse("2025").replace(month=6)
    assert (year.text, year.precision) == ("2025-06-01T00:00:00+00:00", "second")


@given(writable_texts)
def test_the_repr_shows_the_text_and_evaluates_back_through_of(text: str) -> None:
    assert repr(FhirDateTime.parse(text)) == f"FhirDateTime({text!r})"


def test_values_have_no_dict_of_their_own() -> None:
    assert not hasattr(FhirDateTime.parse("2025"), "__dict__")
