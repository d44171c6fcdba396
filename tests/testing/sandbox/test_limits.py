"""What an organization may ask: the rolling window of a minute, the volumes of a month, the headers about both."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clinik_client.testing._answers import Refused
from clinik_client.testing._sandbox.keys import SandboxKey
from clinik_client.testing._sandbox.limits import Plan, Usage

TEST, LIVE, OTHER = SandboxKey("clk_test_one"), SandboxKey("clk_live_one"), SandboxKey("clk_test_two")
NOW = datetime(2025, 6, 1, 9, tzinfo=UTC)


def after(seconds: float) -> datetime:
    return NOW + timedelta(seconds=seconds)


def taken(usage: Usage, key: SandboxKey = TEST, at: datetime = NOW) -> dict[str, str]:
    """The headers of a request that is served."""
    return dict(usage.take(key, at))


def refused(usage: Usage, key: SandboxKey = TEST, at: datetime = NOW) -> tuple[str | None, dict[str, str]]:
    """Code and headers of a request that is one too many."""
    with pytest.raises(Refused) as caught:
        usage.take(key, at)
    assert caught.value.status == 429
    return caught.value.code, dict(caught.value.headers)


# -- the window -------------------------------------------------------------------------------------------------------


def test_a_request_leaves_the_window_exactly_60_seconds_later() -> None:
    usage = Usage(Plan(rate=1))
    taken(usage)
    assert refused(usage, at=after(59.999999))[0] == "RATE_LIMITED"
    taken(usage, at=after(60))


def test_the_window_is_shared_by_test_and_live_keys() -> None:
    usage = Usage(Plan(rate=3))
    for key in (TEST, LIVE, OTHER):
        taken(usage, key)
    assert {refused(usage, key)[0] for key in (TEST, LIVE, OTHER)} == {"RATE_LIMITED"}


def test_what_is_left_of_the_window_is_told() -> None:
    usage = Usage(Plan(rate=3))
    names = ("X-RateLimit-Limit", "X-RateLimit-Remaining", "X-RateLimit-Reset")
    told = [taken(usage, at=after(seconds)) for seconds in (0, 10, 20.5)]
    assert [[headers[name] for name in names] for headers in told] == [
        ["3", "2", "60"],
        ["3", "1", "50"],
        ["3", "0", "40"],
    ]
    _, headers = refused(usage, at=after(20.5))
    assert [headers[name] for name in names] == ["3", "0", "40"]
    assert "Retry-After" not in told[-1]


@given(
    st.integers(1, 5),
    st.lists(st.floats(0, 30), min_size=1, max_size=25),
)
def test_as_many_are_served_as_60_seconds_allow_and_retry_after_tells_the_truth(rate: int, gaps: list[float]) -> None:
    usage, now, served = Usage(Plan(rate=rate)), NOW, list[datetime]()
    for gap in gaps:
        now += timedelta(seconds=gap)
        within = sum(moment > now - timedelta(seconds=60) for moment in served)
        if within < rate:
            assert taken(usage, at=now)["X-RateLimit-Remaining"] == str(rate - within - 1)
        else:
            wait = int(refused(usage, at=now)[1]["Retry-After"])
            # A second earlier would have been too early, and then it is not.
            refused(usage, at=now + timedelta(seconds=wait - 1))
            now += timedelta(seconds=wait)
            taken(usage, at=now)
        served.append(now)


def test_refused_requests_do_not_make_the_wait_longer() -> None:
    usage = Usage(Plan(rate=1, sandbox=2))
    taken(usage)
    for seconds in range(60):
        assert refused(usage, at=after(seconds))[1]["Retry-After"] == str(60 - seconds)
    assert taken(usage, at=after(60))["X-Sandbox-Used"] == "2"


def test_a_smaller_plan_waits_for_as_many_requests_as_are_too_many() -> None:
    usage = Usage(Plan(rate=3))
    for seconds in (0, 10, 20):
        taken(usage, at=after(seconds))
    usage.plan = Plan(rate=1)
    _, headers = refused(usage, at=after(30))
    assert (headers["Retry-After"], headers["X-RateLimit-Remaining"]) == ("50", "0")
    refused(usage, at=after(79))
    taken(usage, at=after(80))


def test_requests_of_the_future_are_forgotten_when_the_clock_is_set_back() -> None:
    usage = Usage(Plan(rate=2))
    taken(usage)
    taken(usage, at=after(30))
    # The first one is in the window still, the second one is not yet made.
    assert taken(usage, at=after(10))["X-RateLimit-Remaining"] == "0"
    assert refused(usage, at=after(10))[1]["Retry-After"] == "50"
    assert taken(usage, at=after(-3600))["X-RateLimit-Remaining"] == "1"


# -- the volumes ------------------------------------------------------------------------------------------------------


def volumes(headers: dict[str, str]) -> dict[str, str]:
    return {name: value for name, value in headers.items() if not name.startswith("X-RateLimit-")}


def test_a_request_with_a_live_key_moves_the_monthly_volume_alone() -> None:
    usage = Usage(Plan(monthly=3, sandbox=7))
    assert volumes(taken(usage, LIVE)) == {
        "X-Quota-Limit": "3",
        "X-Quota-Used": "1",
        "X-Quota-Remaining": "2",
        "X-Quota-Billable": "true",
        "X-Quota-Reset": "2025-07-01T00:00:00.000Z",
    }
    assert (usage.used, usage.sandbox_used) == (1, 0)


def test_a_request_with_a_test_key_moves_the_sandbox_volume_alone_and_tells_both() -> None:
    usage = Usage(Plan(monthly=3, sandbox=7), used=2)
    assert volumes(taken(usage, TEST)) == {
        "X-Quota-Limit": "3",
        "X-Quota-Used": "2",
        "X-Quota-Remaining": "1",
        "X-Quota-Billable": "false",
        "X-Quota-Reset": "2025-07-01T00:00:00.000Z",
        "X-Sandbox-Limit": "7",
        "X-Sandbox-Used": "1",
        "X-Sandbox-Remaining": "6",
    }
    assert (usage.used, usage.sandbox_used) == (2, 1)


@pytest.mark.parametrize(
    ("key", "other", "code"),
    [(LIVE, TEST, "MONTHLY_QUOTA_EXCEEDED"), (TEST, LIVE, "SANDBOX_QUOTA_EXCEEDED")],
    ids=["live", "test"],
)
def test_a_volume_that_is_used_up_refuses_its_own_keys_and_no_others(
    key: SandboxKey, other: SandboxKey, code: str
) -> None:
    usage = Usage(Plan(monthly=2, sandbox=2))
    taken(usage, key)
    taken(usage, key)
    told, headers = refused(usage, key)
    assert told == code
    assert "Retry-After" not in headers
    assert headers["X-Quota-Billable"] == "false"
    assert refused(usage, key, after(3600))[0] == code
    assert (usage.used, usage.sandbox_used) == ((2, 0) if key is LIVE else (0, 2))
    taken(usage, other, after(3600))


def test_a_volume_begins_anew_with_the_month() -> None:
    usage = Usage(Plan(monthly=1, sandbox=1))
    last = datetime(2025, 12, 31, 23, 59, 59, 999999, tzinfo=UTC)
    for key in (LIVE, TEST):
        assert taken(usage, key, last)["X-Quota-Reset"] == "2026-01-01T00:00:00.000Z"
        refused(usage, key, last)
    first = datetime(2026, 1, 1, tzinfo=UTC)
    assert taken(usage, LIVE, first)["X-Quota-Used"] == "1"
    assert taken(usage, TEST, first)["X-Sandbox-Used"] == "1"


@given(st.datetimes(datetime(2000, 1, 1), datetime(2100, 1, 1), timezones=st.just(UTC)))
def test_the_month_ends_when_it_is_told_to(now: datetime) -> None:
    usage = Usage(Plan(monthly=1))
    ends = datetime.fromisoformat(taken(usage, LIVE, now)["X-Quota-Reset"])
    assert now < ends <= now + timedelta(days=31)
    assert refused(usage, LIVE, ends - timedelta(microseconds=1))[0] == "MONTHLY_QUOTA_EXCEEDED"
    taken(usage, LIVE, ends)


def test_a_volume_that_a_test_sets_is_not_forgotten_with_the_first_request() -> None:
    usage = Usage(Plan(monthly=5), used=5)
    assert refused(usage, LIVE)[0] == "MONTHLY_QUOTA_EXCEEDED"


def test_a_request_that_is_too_fast_is_told_so_before_the_volume_is_looked_at() -> None:
    usage = Usage(Plan(rate=1, monthly=1))
    taken(usage, LIVE)
    assert refused(usage, LIVE)[0] == "RATE_LIMITED"


def test_overage_serves_and_bills_what_goes_beyond_and_tells_how_much() -> None:
    usage = Usage(Plan(monthly=2, overage=True))
    told = [taken(usage, LIVE) for _ in range(4)]
    assert [headers.get("X-Quota-Overage") for headers in told] == [None, None, "1", "2"]
    assert [headers["X-Quota-Remaining"] for headers in told] == ["1", "0", "0", "0"]
    assert {headers["X-Quota-Billable"] for headers in told} == {"true"}
    # What a test key gets tells it, too, and does not add to it.
    assert taken(usage, TEST)["X-Quota-Overage"] == "2"


def test_overage_does_not_go_beyond_the_sandbox_volume() -> None:
    assert refused(Usage(Plan(sandbox=0, overage=True)))[0] == "SANDBOX_QUOTA_EXCEEDED"


def test_several_requests_can_be_counted_at_once() -> None:
    usage = Usage(Plan())
    usage.count(LIVE, 10)
    usage.count(TEST, 3)
    assert (usage.used, usage.sandbox_used) == (10, 3)
    assert taken(usage)["X-RateLimit-Remaining"] == "499"


@pytest.mark.parametrize(
    "wrong", [{"rate": 0}, {"rate": "500"}, {"monthly": -1}, {"sandbox": 1.5}, {"overage": "yes"}], ids=str
)
def test_a_plan_that_cannot_be_is_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=next(iter(wrong))):
        Plan(**wrong)
