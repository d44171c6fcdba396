"""How much may be asked: the window of a minute, and the two volumes of a month."""

from __future__ import annotations

from tests.conformance.service import ServiceUnderTest, Steering, check_refused

HERE = "/v1/encounters"


def test_too_many_requests_are_refused(service: ServiceUnderTest, steering: Steering) -> None:
    """Requests beyond the plan's number within 60 seconds are refused with 429 RATE_LIMITED and Retry-After.
    (Rate limits)
    """
    steering.plan(rate=3)
    assert [service.ask("GET", HERE).status_code for _ in range(3)] == [200, 200, 200]
    answer = service.ask("GET", HERE)
    check_refused(answer, 429, "RATE_LIMITED")
    assert 0 < int(answer.headers["Retry-After"]) <= 60
    assert answer.headers["X-RateLimit-Remaining"] == "0"


def test_the_window_recovers(service: ServiceUnderTest, steering: Steering) -> None:
    """After Retry-After seconds there is room for a request again. (Rate limits)"""
    steering.plan(rate=2)
    service.ask("GET", HERE)
    steering.advance(20)
    service.ask("GET", HERE)
    refused = service.ask("GET", HERE)
    assert refused.status_code == 429
    steering.advance(int(refused.headers["Retry-After"]) - 1)
    assert service.ask("GET", HERE).status_code == 429
    steering.advance(1)
    assert service.ask("GET", HERE).status_code == 200
    # The window rolls: the second of the first two still counts.
    assert service.ask("GET", HERE).status_code == 429


def test_the_keys_of_an_organization_share_the_window(service: ServiceUnderTest, steering: Steering) -> None:
    """All keys of an organization share one window, and no other organization does. (Rate limits)"""
    steering.plan(rate=2)
    assert service.ask("GET", HERE).status_code == 200
    assert service.ask("GET", HERE, key=steering.LIVE).status_code == 200
    assert service.ask("GET", HERE, key=steering.READ_ONLY).status_code == 429
    assert service.ask("GET", HERE, key=steering.ELSEWHERE).status_code == 200


def test_what_is_refused_is_not_done(service: ServiceUnderTest, steering: Steering) -> None:
    """A request that is refused with 429 changes nothing. (Rate limits)"""
    id = service.create()
    steering.plan(rate=1)
    assert service.ask("DELETE", f"{HERE}/{id}").status_code == 429
    assert service.ask("POST", HERE, json=service.body()).status_code == 429
    steering.advance(60)
    assert service.ask("GET", f"{HERE}/{id}").status_code == 200


def test_a_used_up_month_does_not_recover(service: ServiceUnderTest, steering: Steering) -> None:
    """A used-up monthly volume is 429 MONTHLY_QUOTA_EXCEEDED, and waiting does not help. (Rate limits)"""
    steering.plan(monthly=2)
    assert [service.ask("GET", HERE, key=steering.LIVE).status_code for _ in range(2)] == [200, 200]
    for _ in range(2):
        answer = service.ask("GET", HERE, key=steering.LIVE)
        check_refused(answer, 429, "MONTHLY_QUOTA_EXCEEDED")
        assert "Retry-After" not in answer.headers
        steering.advance(61)


def test_a_used_up_volume_of_the_sandbox_does_not_recover(service: ServiceUnderTest, steering: Steering) -> None:
    """A used-up volume of the test keys is 429 SANDBOX_QUOTA_EXCEEDED, and waiting does not help. (Rate limits)"""
    steering.plan(sandbox=2)
    assert [service.ask("GET", HERE).status_code for _ in range(2)] == [200, 200]
    for _ in range(2):
        answer = service.ask("GET", HERE)
        check_refused(answer, 429, "SANDBOX_QUOTA_EXCEEDED")
        assert "Retry-After" not in answer.headers
        steering.advance(61)


def test_one_request_never_moves_both_volumes(service: ServiceUnderTest, steering: Steering) -> None:
    """Requests of test keys count against the sandbox's volume alone, those of live keys against the month's alone.
    (Rate limits)
    """
    for used, sandbox_used, key in ((0, 1, ""), (1, 1, steering.LIVE), (1, 2, "")):
        answer = service.ask("GET", HERE, key=key)
        assert answer.headers["X-Quota-Used"] == str(used)
        assert answer.headers["X-Quota-Billable"] == ("true" if key else "false")
        assert answer.headers.get("X-Sandbox-Used") == (None if key else str(sandbox_used))


def test_what_goes_beyond_a_month_is_told(service: ServiceUnderTest, steering: Steering) -> None:
    """With a plan that bills overage, requests beyond the volume are served; X-Quota-Overage counts them.
    (Rate limits)
    """
    steering.plan(monthly=1, overage=True)
    told = [service.ask("GET", HERE, key=steering.LIVE).headers.get("X-Quota-Overage") for _ in range(3)]
    assert told == [None, "1", "2"]
