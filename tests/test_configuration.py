"""How a client is set up: keys, URLs, proxies, certificates, limits. Real proxies and TLS servers on loopback."""

from __future__ import annotations

import copy
import os
import pickle
import platform
import sys
from decimal import Decimal
from fractions import Fraction
from typing import Any

import pytest

from clinik_client import Clinik, ClinikConfigError, ClinikRateLimitError, __version__
from clinik_client.testing import WireResponse
from tests.canary import CANARY, everything
from tests.inside import on_virtual_time, parts_of
from tests.servers import KEY, Connect, Serve, ok
from tests.strategies import Odd

# -- keys -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("key", ["clk_live_a", "clk_test_A-b_9"])
def test_a_key_is_taken_from_the_argument(key: str) -> None:
    with Clinik(key) as clinik:
        assert repr(clinik) == f"<Clinik https://api.clinikapi.com, {key[4:8]} key>"


def test_a_key_is_taken_from_the_environment_and_sent(bare_environment: pytest.MonkeyPatch, serve: Serve) -> None:
    bare_environment.setenv("CLINIKAPI_SECRET_KEY", "clk_test_from_environment")
    service = serve(ok())
    with Clinik(base_url=service.url) as clinik:
        clinik.encounters.read("enc_1")
    assert service.ledger[0].header("x-api-key") == "clk_test_from_environment"


def test_the_argument_wins_over_the_environment(bare_environment: pytest.MonkeyPatch, serve: Serve) -> None:
    bare_environment.setenv("CLINIKAPI_SECRET_KEY", "clk_test_from_environment")
    service = serve(ok())
    with Clinik(KEY, base_url=service.url) as clinik:
        clinik.encounters.read("enc_1")
    assert service.ledger[0].header("x-api-key") == KEY


def test_no_key_at_all_is_an_error_that_says_what_to_do() -> None:
    with pytest.raises(ClinikConfigError, match=r"api_key.*CLINIKAPI_SECRET_KEY") as raised:
        Clinik()
    assert (raised.value.code, raised.value.status, raised.value.outcome) == ("config", None, "not_sent")


BAD_KEYS = [
    "",
    " ",
    f"{CANARY}",
    f"sk_test_{CANARY}",
    f"clk_prod_{CANARY}",
    "clk_test_",
    f"CLK_TEST_{CANARY}",
    f"clk_test_{CANARY} ",
    f" clk_test_{CANARY}",
    f"clk_test_{CANARY}\n",
    f"clk_test_{CANARY}\r\nx-evil: 1",
    f"clk_test_{CANARY}é",
    f"clk_test_{CANARY}\N{ARABIC-INDIC DIGIT ONE}",
    f"clk_test_{CANARY}\x00",
]


@pytest.mark.parametrize("key", BAD_KEYS)
@pytest.mark.parametrize("source", ["argument", "environment"])
def test_a_malformed_key_is_refused_at_construction_and_not_repeated(
    bare_environment: pytest.MonkeyPatch, key: str, source: str
) -> None:
    if source == "environment" and "\x00" in key:
        key = key.replace("\x00", "\x01")
    if source == "environment":
        # As it comes in an environment whose encoding may not have these letters.
        bare_environment.setenv("CLINIKAPI_SECRET_KEY", os.fsdecode(key.encode()))
    with pytest.raises(ClinikConfigError) as raised:
        Clinik(key if source == "argument" else None)
    assert CANARY not in everything(raised.value)


@pytest.mark.parametrize("key", [f"clk_test_{CANARY}\n", f" clk_live_{CANARY}"])
def test_white_space_around_a_key_is_pointed_out(key: str) -> None:
    with pytest.raises(ClinikConfigError, match="white space"):
        Clinik(key)


@pytest.mark.parametrize("key", [7, b"clk_test_a", ["clk_test_a"]])
def test_a_key_that_is_no_text_is_refused(key: Any) -> None:
    with pytest.raises(ClinikConfigError, match="malformed") as raised:
        Clinik(key)
    assert raised.value.message.endswith(" and - only.")


@pytest.mark.parametrize("key", [" ", "clk_test_a b", " clk_test_a", "clk_test_a\n"])
def test_blanks_in_the_environments_key_are_refused(bare_environment: pytest.MonkeyPatch, key: str) -> None:
    bare_environment.setenv("CLINIKAPI_SECRET_KEY", key)
    with pytest.raises(ClinikConfigError, match="API key is malformed"):
        Clinik()


def test_a_client_that_was_never_set_up_has_a_repr() -> None:
    assert repr(object.__new__(Clinik)) == "<Clinik not set up>"


def test_the_key_is_in_no_repr() -> None:
    with Clinik(f"clk_live_{CANARY}") as clinik:
        parts = [*parts_of(clinik), *parts_of(clinik.with_options(retries=0))]
        assert CANARY not in " ".join(f"{part!r} {part!s}" for part in parts)
        assert CANARY not in repr(clinik.encounters.search_all(patient_id="pt_1"))


def test_a_client_is_neither_pickled_nor_copied(connect: Connect) -> None:
    clinik = connect("http://127.0.0.1:9")
    for attempt in (pickle.dumps, copy.copy, copy.deepcopy):
        with pytest.raises(TypeError, match="cannot be pickled or copied"):
            attempt(clinik)
    with pytest.raises(TypeError):
        pickle.dumps(clinik.encounters)


# -- limits, the log and the User-Agent -------------------------------------------------------------------------------


TIMES = ("timeout", "deadline", "max_retry_wait")
ODD: list[Any] = [Fraction(5), Decimal(5), 5j, "5", b"5", [5], Odd()]


@pytest.mark.parametrize(
    "options",
    [
        {"timeout": 0},
        {"timeout": -1},
        {"timeout": float("nan")},
        {"timeout": "5"},
        {"timeout": True},
        {"timeout": None},
        {"retries": -1},
        {"retries": 1.5},
        {"retries": True},
        {"retries": None},
        {"deadline": 0},
        {"deadline": float("nan")},
        {"deadline": "1"},
        {"max_retry_wait": -1},
        {"max_retry_wait": float("nan")},
        {"max_retry_wait": False},
        {"max_retry_wait": Decimal(0)},
        {"max_response_bytes": 0},
        {"max_response_bytes": 1.5},
        {"max_response_bytes": True},
        {"max_response_bytes": None},
        {"trust_env": "false"},
        {"trust_env": None},
        {"trust_env": 0},
        *({name: 10**400} for name in TIMES),
        *({name: value} for name in (*TIMES, "retries", "max_response_bytes", "trust_env") for value in ODD),
    ],
)
def test_a_limit_that_makes_no_sense_is_refused_at_construction(options: dict[str, Any]) -> None:
    with pytest.raises(ClinikConfigError, match=next(iter(options))):
        Clinik(KEY, **options)


def test_what_a_limit_may_be_is_told_for_each_that_is_wrong() -> None:
    with pytest.raises(ClinikConfigError) as raised:
        Clinik(KEY, retries=-1)
    assert raised.value.message == "retries: give a whole number from 0."
    with pytest.raises(ClinikConfigError) as raised:
        Clinik(KEY, timeout=0, retries=-1, max_retry_wait=-1)
    seconds = "give a number of seconds above 0, float('inf') for no limit"
    assert raised.value.message == (
        f"timeout: {seconds}; retries: give a whole number from 0; max_retry_wait: {seconds}, 0 for no wait."
    )


@pytest.mark.parametrize("options", [{"timeout": 0}, {"retries": -1}, {"deadline": -2.0}])
def test_a_limit_that_makes_no_sense_is_refused_for_a_view(connect: Connect, options: dict[str, Any]) -> None:
    with pytest.raises(ClinikConfigError, match=next(iter(options))):
        connect("http://127.0.0.1:9").with_options(**options)


@pytest.mark.parametrize("name", ["timeout", "deadline", "retries"])
def test_a_limit_that_is_no_number_is_refused_for_a_view(connect: Connect, name: str) -> None:
    for value in (*ODD, *([] if name == "retries" else [10**400])):
        with pytest.raises(ClinikConfigError, match=name):
            connect("http://127.0.0.1:9").with_options(**{name: value})


@pytest.mark.parametrize("timeout", [1e-3 * 2**40, 1e12, 10**300, sys.float_info.max, float("inf")])
def test_a_very_long_timeout_is_a_timeout(serve: Serve, connect: Connect, timeout: float) -> None:
    service = serve(ok())
    limits: dict[str, Any] = {"timeout": timeout, "deadline": timeout}
    assert connect(service, max_retry_wait=timeout, **limits).encounters.read("enc_1").meta.status == 200
    assert connect(service).with_options(**limits).encounters.read("enc_1").meta.status == 200


def test_no_wait_at_all_may_be_allowed(serve: Serve, connect: Connect) -> None:
    service = serve(WireResponse(429, [("retry-after", "1")]))
    with pytest.raises(ClinikRateLimitError):
        connect(service, max_retry_wait=0).encounters.read("enc_1")
    assert len(service.ledger) == 1


def test_a_count_may_be_as_large_as_it_likes(serve: Serve, connect: Connect) -> None:
    clinik = connect(serve(WireResponse(500), ok()), retries=10**400, max_response_bytes=10**400)
    on_virtual_time(clinik)
    assert clinik.with_options(retries=10**401).encounters.read("enc_1").meta.attempts == 2


def test_the_user_agent_names_the_sdk_and_python(serve: Serve, connect: Connect) -> None:
    service = serve(ok())
    connect(service).encounters.read("enc_1")
    connect(service, user_agent="ward-report/2.1 (night)").encounters.read("enc_1")
    own = f"clinik-client/{__version__} python/{platform.python_version()}"
    assert [seen.header("user-agent") for seen in service.ledger] == [own, f"{own} ward-report/2.1 (night)"]


@pytest.mark.parametrize("agent", ["", " ", "a\nb", "a\r\nx-evil: 1", "é", "\x00", 7])
def test_a_user_agent_that_cannot_be_a_header_is_refused(agent: Any) -> None:
    with pytest.raises(ClinikConfigError, match="user_agent"):
        Clinik(KEY, user_agent=agent)
