"""The base URL: what is taken, where routes go, what is refused and what warns."""

from __future__ import annotations

import warnings
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clinik_client import Clinik, ClinikConfigError, ClinikWarning
from clinik_client._transport import parse_target, target
from tests.canary import CANARY, everything
from tests.servers import KEY, Serve, ok

# -- where the service is ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("suffix", ["", "/", "/clinik", "/clinik/", "/a/b"])
@pytest.mark.parametrize("source", ["argument", "environment"])
def test_routes_are_below_the_base_url(
    bare_environment: pytest.MonkeyPatch, serve: Serve, suffix: str, source: str
) -> None:
    service = serve(ok())
    url = service.url + suffix
    bare_environment.setenv("CLINIKAPI_BASE_URL", url if source == "environment" else "http://127.0.0.1:9")
    with Clinik(KEY, base_url=url if source == "argument" else None) as clinik:
        clinik.encounters.read("enc_1")
    seen = service.ledger[0]
    assert seen.target == f"{suffix.rstrip('/')}/v1/encounters/enc_1"
    assert seen.header("host") == f"127.0.0.1:{service.port}"


@pytest.mark.parametrize(
    ("url", "host", "prefix"),
    [
        ("https://h", b"h", ""),
        ("https://h:443/", b"h", ""),
        ("http://h:80", b"h", ""),
        ("https://h:8443/p/", b"h:8443", "/p"),
        ("http://[::1]:8080/p", b"[::1]:8080", "/p"),
        ("https://[2001:db8::1]", b"[2001:db8::1]", ""),
        ("HTTPS://H.example/", b"h.example", ""),
    ],
)
def test_a_base_url_is_taken_apart(url: str, host: bytes, prefix: str) -> None:
    target = parse_target(url)
    assert (target.host_header, target.prefix) == (host, prefix)


@given(st.from_regex(target._PLAIN, fullmatch=True))
def test_a_plain_url_is_taken_apart_as_any_other_is(url: str) -> None:
    # A scheme in capitals is not plain any more.
    scheme, rest = url.split("://")
    ways: list[object] = []
    for way in (url, f"{scheme.upper()}://{rest}"):
        try:
            ways.append(vars(parse_target(way)))
        except ClinikConfigError as error:
            ways.append(str(error))
    assert ways[0] == ways[1]


@pytest.mark.parametrize(
    "url",
    [
        "",
        "api.example",
        "/v1",
        "//api.example",
        " https://api.example",
        "https://",
        "https:///v1",
        "ftp://api.example",
        "file:///etc/passwd",
        f"https://user:{CANARY}@api.example",
        f"https://api.example?x={CANARY}",
        "https://api.example/v1?",
        "https://api.example/#top",
        "https://api.example\r\nx: y",
        "https://api.example:0",
        "https://api.example:65536",
        "https://api.example:port",
        "https://[::1",
        "https://api example",
        "https://a*b",
    ],
)
def test_a_base_url_that_is_none_is_refused_at_construction(url: str) -> None:
    with pytest.raises(ClinikConfigError, match="base_url") as raised:
        Clinik(KEY, base_url=url)
    assert CANARY not in everything(raised.value)


@pytest.mark.parametrize("url", [" ", " https://api.example", "api.example", "https://api.example:0"])
def test_a_base_url_of_the_environment_that_is_none_is_refused_by_its_name(
    bare_environment: pytest.MonkeyPatch, url: str
) -> None:
    bare_environment.setenv("CLINIKAPI_BASE_URL", url)
    with pytest.raises(ClinikConfigError, match="CLINIKAPI_BASE_URL"):
        Clinik(KEY)


def test_an_empty_base_url_of_the_environment_is_none(bare_environment: pytest.MonkeyPatch) -> None:
    bare_environment.setenv("CLINIKAPI_BASE_URL", "")
    with Clinik(KEY) as clinik:
        assert "https://api.clinikapi.com" in repr(clinik)


@pytest.mark.parametrize("url", ["https://xn--a", "https://xn--zz--.example/v"])
def test_a_host_that_no_name_can_be_made_of_is_taken_as_it_is(url: str) -> None:
    assert parse_target(url).shown == url


def test_what_a_path_encodes_stays_encoded_in_the_repr() -> None:
    assert parse_target("https://h/a%0Ab").shown == "https://h/a%0Ab"


@pytest.mark.parametrize(
    ("url", "problem"),
    [
        ("ftp://api.example", "must begin with https:// (or http:// for a server on this machine) and name a host"),
        ("https://ward@api.example", "must have no user name, no query and no fragment"),
        ("https://api.example?a=b", "must have no user name, no query and no fragment"),
        ("https://[::1", "is not a URL"),
        ("https://api%2eexample", "names no host that can exist"),
        ("https://api.example:70000", "names a port that does not exist"),
    ],
)
def test_what_is_wrong_with_a_base_url_is_told(url: str, problem: str) -> None:
    with pytest.raises(ClinikConfigError) as raised:
        Clinik(KEY, base_url=url)
    assert raised.value.message == f"base_url (or CLINIKAPI_BASE_URL) {problem}."


@pytest.mark.parametrize("url", [7, b"https://api.example", ["https://api.example"]])
def test_a_base_url_that_is_no_text_is_refused(url: Any) -> None:
    with pytest.raises(ClinikConfigError, match="base_url"):
        Clinik(KEY, base_url=url)


@given(
    st.text(max_size=40)
    | st.text(max_size=30).map("https://".__add__)
    | st.text(max_size=20).map("http://xn--{}".format)
)
def test_any_text_as_base_url_is_either_taken_or_a_config_error(text: str) -> None:
    try:
        target = parse_target(text)
    except ClinikConfigError:
        return
    assert target.scheme in (b"http", b"https")
    assert target.host
    assert "?" not in target.prefix


@pytest.mark.parametrize(
    "url", ["http://api.example", "http://192.0.2.1", "http://[2001:db8::1]", "http://127.evil.org"]
)
def test_plain_http_beyond_this_machine_warns(url: str) -> None:
    with pytest.warns(ClinikWarning, match="plain HTTP") as caught:
        Clinik(KEY, base_url=url, trust_env=False).close()
    assert caught[0].filename == __file__  # the caller's line, not ours


@pytest.mark.parametrize(
    "url",
    ["http://localhost:1", "http://a.localhost", "http://127.0.0.1", "http://127.9.9.9", "http://[::1]", "https://h"],
)
def test_https_and_this_machine_do_not_warn(url: str) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        Clinik(KEY, base_url=url, trust_env=False).close()
