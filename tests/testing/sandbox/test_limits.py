"""What an organization may ask: the rolling window of a minute, the volumes of a month, the headers about both."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clinik_client.testing._answers import Refused
from clinik_client.testing._sandbox.keys import SandboxKey
from clinik_client.testing._sandbox.limits import Limiter, Plan, Usage

TEST, LIVE, OTHER = SandboxKey("clk_test_one"), SandboxKey("clk_live_one"), SandboxKey("clk_test_two")
NOW = datetime(2025, 6, 1, 9, tzinfo=UTC)


def after(seconds: float) -> datetime:
    return NOW + timedelta(seconds=seconds)


def taken(limiter: Limiter, key: SandboxKey = TEST, at: datetime = NOW) -> dict[str, str]:
    """The headers of a request that is served."""
    return dict(limiter.take(key, at))


def refused(limiter: Limiter, key: SandboxKey = TEST, at: datetime = NOW) -> tuple[str | None, dict[str, str]]:
    """Code and headers of a request that is one too many."""
    with pytest.raises(Refused) as caught:
        limiter.take(key, at)
    assert caught.value.status == 429
    return caught.value.code, dict(caught.value.headers)


# -- the window -------------------------------------------------------------------------------------------------------


def test_a_request_leaves_the_window_exactly_60_seconds_later() -> None:
    limiter = Limiter(Plan(rate=1))
    taken(limiter)
    assert refused(limiter, at=after(59.999999))[0] == "RATE_LIMITED"
    taken(limiter, at=after(60))


def test_the_window_is_shared_by_test_and_live_keys() -> None:
    limiter = Limiter(Plan(rate=3))
    for key in (TEST, LIVE, OTHER):
        taken(limiter, key)
    assert {refused(limiter, key)[0] for key in (TEST, LIVE, OTHER)} == {"RATE_LIMITED"}


def test_what_is_left_of_the_window_is_told() -> None:
    limiter = Limiter(Plan(rate=3))
    names = ("X-RateLimit-Limit", "X-RateLimit-Remaining", "X-RateLimit-Reset")
    told = [taken(limiter, at=after(seconds)) for seconds in (0, 10, 20.5)]
    assert [[headers[name] for name in names] for headers in told] == [
        ["3", "2", "60"],
        ["3", "1", "50"],
        ["3", "0", "40"],
    ]
    _, headers = refused(limiter, at=after(20.5))
    assert [headers[name] for name in names] == ["3", "0", "40"]
    assert "Retry-After" not in told[-1]


@given(
    st.integers(1, 5),
    st.lists(st.floats(0, 30), min_size=1, max_size=25),
)
def test_as_many_are_served_as_60_seconds_allow_and_retry_after_tells_the_truth(rate: int, gaps: list[float]) -> None:
    limiter, now, served = Limiter(Plan(rate=rate)), NOW, list[datetime]()
    for gap in gaps:
        now += timedelta(seconds=gap)
        within = sum(moment > now - timedelta(seconds=60) for moment in served)
        if within < rate:
            assert taken(limiter, at=now)["X-RateLimit-Remaining"] == str(rate - within - 1)
        else:
            wait = int(refused(limiter, at=now)[1]["Retry-After"])
            # A second earlier would have been too early, and then it is not.
            refused(limiter, at=now + timedelta(seconds=wait - 1))
            now += timedelta(seconds=wait)
            taken(limiter, at=now)
        served.append(now)


def test_refused_requests_do_not_make_the_wait_longer() -> None:
    limiter = Limiter(Plan(rate=1, sandbox=2))
    taken(limiter)
    for seconds in range(60):
        assert refused(limiter, at=after(seconds))[1]["Retry-After"] == str(60 - seconds)
    assert taken(limiter, at=after(60))["X-Sandbox-Used"] == "2"


def test_a_smaller_plan_waits_for_as_many_requests_as_are_too_many() -> None:
    limiter = Limiter(Plan(rate=3))
    for seconds in (0, 10, 20):
        taken(limiter, at=after(seconds))
    limiter.plan = Plan(rate=1)
    _, headers = refused(limiter, at=after(30))
    assert (headers["Retry-After"], headers["X-RateLimit-Remaining"]) == ("50", "0")
    refused(limiter, at=after(79))
    taken(limiter, at=after(80))


def test_requests_of_the_future_are_forgotten_when_the_clock_is_set_back() -> None:
    limiter = Limiter(Plan(rate=2))
    taken(limiter)
    taken(limiter, at=after(30))
    # The first one is in the window still, the second one is not yet made.
    assert taken(limiter, at=after(10))["X-RateLimit-Remaining"] == "0"
    assert refused(limiter, at=after(10))[1]["Retry-After"] == "50"
    assert taken(limiter, at=after(-3600))["X-RateLimit-Remaining"] == "1"


# -- the volumes ------------------------------------------------------------------------------------------------------


def volumes(headers: dict[str, str]) -> dict[str, str]:
    return {name: value for name, value in headers.items() if not name.startswith("X-RateLimit-")}


def test_a_request_with_a_live_key_moves_the_monthly_volume_alone() -> None:
    limiter = Limiter(Plan(monthly=3, sandbox=7))
    assert volumes(taken(limiter, LIVE)) == {
        "X-Quota-Limit": "3",
        "X-Quota-Used": "1",
        "X-Quota-Remaining": "2",
        "X-Quota-Billable": "true",
        "X-Quota-Reset": "2025-07-01T00:00:00.000Z",
    }
    assert (limiter.usage.used, limiter.usage.sandbox_used) == (1, 0)


def test_a_request_with_a_test_key_moves_the_sandbox_volume_alone_and_tells_both() -> None:
    limiter = Limiter(Plan(monthly=3, sandbox=7), Usage(used=2))
    assert volumes(taken(limiter, TEST)) == {
        "X-Quota-Limit": "3",
        "X-Quota-Used": "2",
        "X-Quota-Remaining": "1",
        "X-Quota-Billable": "false",
        "X-Quota-Reset": "2025-07-01T00:00:00.000Z",
        "X-Sandbox-Limit": "7",
        "X-Sandbox-Used": "1",
        "X-Sandbox-Remaining": "6",
    }
    assert (limiter.usage.used, limiter.usage.sandbox_used) == (2, 1)


@pytest.mark.parametrize(
    ("key", "other", "code"),
    [(LIVE, TEST, "MONTHLY_QUOTA_EXCEEDED"), (TEST, LIVE, "SANDBOX_QUOTA_EXCEEDED")],
    ids=["live", "test"],
)
def test_a_volume_that_is_used_up_refuses_its_own_keys_and_no_others(
    key: SandboxKey, other: SandboxKey, code: str
) -> None:
    limiter = Limiter(Plan(monthly=2, sandbox=2))
    taken(limiter, key)
    taken(limiter, key)
    told, headers = refused(limiter, key)
    assert told == code
    assert "Retry-After" not in headers
    assert headers["X-Quota-Billable"] == "false"
    assert refused(limiter, key, after(3600))[0] == code
    assert (limiter.usage.used, limiter.usage.sandbox_used) == ((2, 0) if key is LIVE else (0, 2))
    taken(limiter, other, after(3600))


def test_a_volume_begins_anew_with_the_month() -> None:
    limiter = Limiter(Plan(monthly=1, sandbox=1))
    last = datetime(2025, 12, 31, 23, 59, 59, 999999, tzinfo=UTC)
    for key in (LIVE, TEST):
        assert taken(limiter, key, last)["X-Quota-Reset"] == "2026-01-01T00:00:00.000Z"
        refused(limiter, key, last)
    first = datetime(2026, 1, 1, tzinfo=UTC)
    assert taken(limiter, LIVE, first)["X-Quota-Used"] == "1"
    assert taken(limiter, TEST, first)["X-Sandbox-Used"] == "1"


@given(st.datetimes(datetime(2000, 1, 1), datetime(2100, 1, 1), timezones=st.just(UTC)))
def test_the_month_ends_when_it_is_told_to(now: datetime) -> None:
    limiter = Limiter(Plan(monthly=1))
    ends = datetime.fromisoformat(taken(limiter, LIVE, now)["X-Quota-Reset"])
    assert now < ends <= now + timedelta(days=31)
    assert refused(limiter, LIVE, ends - timedelta(microseconds=1))[0] == "MONTHLY_QUOTA_EXCEEDED"
    taken(limiter, LIVE, ends)


def test_a_volume_that_a_test_sets_is_not_forgotten_with_the_first_request() -> None:
    limiter = Limiter(Plan(monthly=5), Usage(used=5))
    assert refused(limiter, LIVE)[0] == "MONTHLY_QUOTA_EXCEEDED"


def test_a_request_that_is_too_fast_is_told_so_before_the_volume_is_looked_at() -> None:
    limiter = Limiter(Plan(rate=1, monthly=1))
    taken(limiter, LIVE)
    assert refused(limiter, LIVE)[0] == "RATE_LIMITED"


def test_overage_serves_and_bills_what_goes_beyond_and_tells_how_much() -> None:
    limiter = Limiter(Plan(monthly=2, overage=True))
    told = [taken(limiter, LIVE) for _ in range(4)]
    assert [headers.get("X-Quota-Overage") for headers in told] == [None, None, "1", "2"]
    assert [headers["X-Quota-Remaining"] for headers in told] == ["1", "0", "0", "0"]
    assert {headers["X-Quota-Billable"] for headers in told} == {"true"}
    # What a test key gets tells it, too, and does not add to it.
    assert taken(limiter, TEST)["X-Quota-Overage"] == "2"


def test_overage_does_not_go_beyond_the_sandbox_volume() -> None:
    assert refused(Limiter(Plan(sandbox=0, overage=True)))[0] == "SANDBOX_QUOTA_EXCEEDED"


def test_several_requests_can_be_counted_at_once() -> None:
    limiter = Limiter(Plan())
    limiter.count(LIVE, 10)
    limiter.count(TEST, 3)
    assert (limiter.usage.used, limiter.usage.sandbox_used) == (10, 3)
    assert taken(limiter)["X-RateLimit-Remaining"] == "499"


def test_what_was_asked_before_the_month_turned_is_forgotten_when_it_has() -> None:
    limiter = Limiter(Plan(), Usage(used=5, sandbox_used=5))
    limiter.move_on(NOW)
    assert limiter.usage == Usage(used=5, sandbox_used=5)
    limiter.move_on(after(40 * 86400))
    assert limiter.usage == Usage()


@pytest.mark.parametrize("name", ["used", "sandbox_used"])
@pytest.mark.parametrize("wrong", [-1, 1.5, "5", True, None])
def test_a_usage_is_a_whole_number(name: str, wrong: Any) -> None:
    with pytest.raises(ValueError, match=f"^{name} is a whole number, 0 or more$"):
        Usage(**{name: wrong})
    usage = Usage()
    with pytest.raises(ValueError, match=f"^{name} is a whole number, 0 or more$"):
        setattr(usage, name, wrong)
    assert repr(usage) == "Usage(used=0, sandbox_used=0)"


@pytest.mark.parametrize(
    "wrong", [{"rate": 0}, {"rate": "500"}, {"monthly": -1}, {"sandbox": 1.5}, {"overage": "yes"}], ids=str
)
def test_a_plan_that_cannot_be_is_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=next(iter(wrong))):
        Plan(**wrong)
