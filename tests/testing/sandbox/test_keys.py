"""The keys of a sandbox: which work, what each may do, and how a request without one that works is told."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clinik_client.testing._answers import Refused
from clinik_client.testing._sandbox.keys import HOME, SandboxKey, SandboxKeys

NOW = datetime(2025, 6, 1, 9, tzinfo=UTC)


def told(sent: list[str], now: datetime = NOW, *, among: SandboxKeys | None = None) -> tuple[int, str | None]:
    """Status and code of the refusal that these values of the header get."""
    with pytest.raises(Refused) as caught:
        (among or SandboxKeys()).check(sent, now)
    assert not any(value and value in caught.value.message for value in sent)
    return caught.value.status, caught.value.code


@pytest.mark.parametrize("text", ["clk_test_sandbox", "clk_live_sandbox", "clk_test_readonly", "clk_test_writeonly"])
def test_a_good_key_is_found(text: str) -> None:
    key = SandboxKeys().check([text], NOW)
    assert (key.text, key.organization, key.environment) == (text, HOME, text[4:8])


def test_another_organization_has_a_key() -> None:
    assert HOME == "org_sandbox"
    assert SandboxKeys().check(["clk_test_elsewhere"], NOW).organization == "org_elsewhere"


@pytest.mark.parametrize(
    ("sent", "code"),
    [
        ([], "UNAUTHORIZED"),
        ([""], "UNAUTHORIZED"),
        (["", "clk_test_sandbox"], "UNAUTHORIZED"),
        (["clk_test_sandbox", "clk_test_sandbox"], "INVALID_KEY_FORMAT"),
        (["clk_test_sandbox", ""], "INVALID_KEY_FORMAT"),
        (["clk_test_"], "INVALID_KEY_FORMAT"),
        (["clk_prod_sandbox"], "INVALID_KEY_FORMAT"),
        (["CLK_TEST_sandbox"], "INVALID_KEY_FORMAT"),
        (["clk_test_sandbox\n"], "INVALID_KEY_FORMAT"),
        (["clk_test_sänd"], "INVALID_KEY_FORMAT"),
        (["Bearer clk_test_sandbox"], "INVALID_KEY_FORMAT"),
        (["clk_test_Sandbox"], "INVALID_KEY"),
        (["clk_test_nobody"], "INVALID_KEY"),
        (["clk_live_readonly"], "INVALID_KEY"),
        (["clk_test_revoked"], "KEY_REVOKED"),
        (["clk_test_expired"], "KEY_EXPIRED"),
    ],
)
def test_any_other_is_refused_with_the_code_that_says_why(sent: list[str], code: str) -> None:
    assert told(sent) == (401, code)


@given(st.lists(st.text(), max_size=2))
def test_whatever_is_sent_a_refusal_is_a_401_that_does_not_repeat_it(sent: list[str]) -> None:
    canary = [f"{text} c4n4ry" for text in sent]
    assert told(canary)[0] == 401


def test_a_key_works_until_the_very_moment_of_its_expiry() -> None:
    keys = SandboxKeys()
    keys.add(SandboxKey("clk_test_brief", expires=NOW))
    assert keys.check(["clk_test_brief"], NOW - timedelta(microseconds=1)).text == "clk_test_brief"
    assert told(["clk_test_brief"], NOW, among=keys) == (401, "KEY_EXPIRED")
    assert told(["clk_test_brief"], NOW + timedelta(days=1), among=keys) == (401, "KEY_EXPIRED")


def test_a_revoked_key_is_told_as_revoked_though_it_has_expired_too() -> None:
    keys = SandboxKeys()
    keys.add(SandboxKey("clk_test_gone", revoked=True, expires=NOW))
    assert told(["clk_test_gone"], among=keys) == (401, "KEY_REVOKED")


def test_the_expired_key_is_expired_at_any_time() -> None:
    assert told(["clk_test_expired"], datetime(2, 1, 1, tzinfo=UTC)) == (401, "KEY_EXPIRED")


@pytest.mark.parametrize(
    ("scopes", "read", "write"),
    [(["read"], True, False), (["write"], False, True), (["*"], True, True), (["read", "write"], True, True)],
)
def test_a_scope_covers_reading_or_writing(scopes: list[str], read: bool, write: bool) -> None:
    key = SandboxKey("clk_test_scoped", scopes)
    assert key.may("GET") is read
    assert [key.may(method) for method in ("POST", "PATCH", "DELETE")] == [write] * 3


@pytest.mark.parametrize("scopes", [[], ["all"], ["read", "admin"], "read"])
def test_a_scope_that_there_is_not_is_refused(scopes: list[str]) -> None:
    with pytest.raises(ValueError, match=r"read, write, \*"):
        SandboxKey("clk_test_scoped", scopes)


@pytest.mark.parametrize("text", ["", "clk_test_", "sk_test_x", "clk_test_x ", "clk_test_x\n"])
def test_a_key_that_could_never_be_sent_is_not_taken(text: str) -> None:
    with pytest.raises(ValueError, match="clk_test_ or clk_live_"):
        SandboxKeys().add(SandboxKey(text))


def test_one_scope_is_a_list_too() -> None:
    with pytest.raises(ValueError, match=r"^scopes is a list, with some of read, write, \*$"):
        SandboxKey("clk_test_y", "read")


def test_a_key_that_is_added_is_a_key() -> None:
    with pytest.raises(TypeError, match=r"^a key is a SandboxKey, not str$"):
        SandboxKeys().add("clk_test_y")  # type: ignore[arg-type]  # what is wrong with it is the point
    with pytest.raises(ValueError, match="clk_test_ or clk_live_"):
        SandboxKeys().add(SandboxKey(5))  # type: ignore[arg-type]  # what is wrong with it is the point


def test_an_expiry_without_an_offset_is_refused() -> None:
    with pytest.raises(ValueError, match="offset from UTC"):
        SandboxKey("clk_test_brief", expires=datetime(2025, 6, 1))


def test_adding_a_key_with_a_known_text_replaces_the_one_that_was_there() -> None:
    keys = SandboxKeys()
    before = len(list(keys))
    assert keys.add(SandboxKey("clk_test_sandbox", revoked=True)).revoked
    assert len(list(keys)) == before
    assert told(["clk_test_sandbox"], among=keys) == (401, "KEY_REVOKED")


def test_a_printed_key_does_not_show_its_text() -> None:
    assert "clk_test_sandbox" not in repr(SandboxKey("clk_test_sandbox"))
