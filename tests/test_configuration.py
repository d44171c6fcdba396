"""How a client is set up: keys, URLs, proxies, certificates, limits. Real proxies and TLS servers on loopback."""

from __future__ import annotations

import contextlib
import copy
import hashlib
import io
import ipaddress
import logging
import os
import pickle
import platform
import ssl
import subprocess
import sys
import warnings
from base64 import b64decode
from collections.abc import Callable, Iterator
from decimal import Decimal
from fractions import Fraction
from pathlib import Path
from typing import Any, NamedTuple
from unittest import mock
from urllib.parse import unquote
from urllib.request import proxy_bypass_environment  # type: ignore[attr-defined] # typeshed leaves it out

import pytest
import trustme
from cryptography import x509
from hypothesis import given
from hypothesis import strategies as st

from clinik_client import (
    Clinik,
    ClinikApiError,
    ClinikConfigError,
    ClinikConnectionError,
    ClinikRateLimitError,
    ClinikWarning,
    __version__,
)
from clinik_client._transport import parse_target, proxies, tls
from clinik_client.testing import Connection, WireResponse, WireServer
from tests.inside import on_virtual_time, parts_of
from tests.servers import KEY, Service, ok, serve_bytes, tunnel

pytestmark = pytest.mark.usefixtures("nothing_left", "bare_environment")

Connect = Callable[..., Clinik]
Serve = Callable[..., Service]

CANARY = "c4n4ry"


def chain(error: BaseException | None) -> Iterator[BaseException]:
    """An error and everything that it drags along."""
    while error is not None:
        yield error
        error = error.__cause__ or error.__context__


def everything(error: BaseException) -> str:
    """All that people may print of an error."""
    texts = [f"{part!s} {part!r} {part.args} {vars(part)}" for part in chain(error)]
    return " ".join([*texts, str(pickle.dumps(error))])


# -- keys -------------------------------------------------------------------------------------------------------------


@pytest.mark.usefixtures("bare_environment")
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


@pytest.mark.usefixtures("bare_environment")
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


@pytest.mark.usefixtures("bare_environment")
@pytest.mark.parametrize("key", BAD_KEYS)
@pytest.mark.parametrize("source", ["argument", "environment"])
def test_a_malformed_key_is_refused_at_construction_and_not_repeated(
    bare_environment: pytest.MonkeyPatch, key: str, source: str
) -> None:
    if source == "environment" and "\x00" in key:
        key = key.replace("\x00", "\x01")
    if source == "environment":
        bare_environment.setenv("CLINIKAPI_SECRET_KEY", key)
    with pytest.raises(ClinikConfigError) as raised:
        Clinik(key if source == "argument" else None)
    assert CANARY not in everything(raised.value)


@pytest.mark.parametrize("key", [f"clk_test_{CANARY}\n", f" clk_live_{CANARY}"])
def test_white_space_around_a_key_is_pointed_out(key: str) -> None:
    with pytest.raises(ClinikConfigError, match="white space"):
        Clinik(key)


@pytest.mark.parametrize("key", [7, b"clk_test_a", ["clk_test_a"]])
def test_a_key_that_is_no_text_is_refused(key: Any) -> None:
    with pytest.raises(ClinikConfigError, match="malformed"):
        Clinik(key)


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


# -- limits, the log and the User-Agent -------------------------------------------------------------------------------


class Odd:
    """Compares like an array of numpy: with a result of which nobody can say whether it is true."""

    def __eq__(self, other: object) -> Any:
        return self

    __hash__ = None  # type: ignore[assignment] # as for everything that can be changed

    def __bool__(self) -> bool:
        raise ValueError("ambiguous")

    __lt__ = __le__ = __gt__ = __ge__ = __eq__


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


@pytest.mark.parametrize("level", ["verbose", "1", "true", "debug,info", "10"])
def test_a_level_of_the_log_that_there_is_not_is_refused(bare_environment: pytest.MonkeyPatch, level: str) -> None:
    bare_environment.setenv("CLINIKAPI_LOG", level)
    with pytest.raises(ClinikConfigError, match="CLINIKAPI_LOG"):
        Clinik(KEY)


@pytest.mark.parametrize(("level", "shown"), [("info", True), (" INFO ", True), ("", False), (" ", False)])
def test_the_log_is_shown_where_it_is_asked_for(bare_environment: pytest.MonkeyPatch, level: str, shown: bool) -> None:
    logger = logging.getLogger("clinik_client")
    bare_environment.setattr(logger, "handlers", [])
    bare_environment.setattr(logger, "level", logger.level)
    bare_environment.setattr(sys, "stderr", io.StringIO())
    bare_environment.setenv("CLINIKAPI_LOG", level)
    Clinik(KEY).close()
    Clinik(KEY).close()
    assert len(logger.handlers) == shown


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


# -- TLS --------------------------------------------------------------------------------------------------------------


def subject_hash(certificate: bytes) -> str:
    """The name by which OpenSSL looks for a certificate in a folder: what ``openssl x509 -hash`` prints."""

    def der(tag: int, content: bytes) -> bytes:
        assert len(content) < 128
        return bytes([tag, len(content)]) + content

    parts = x509.load_pem_x509_certificate(certificate).subject.rdns
    canonical = b""
    for (attribute,) in parts:
        oid = x509.Name([x509.NameAttribute(attribute.oid, "x")]).public_bytes()[6:-3]
        text = " ".join(str(attribute.value).lower().split()).encode()
        canonical += der(0x31, der(0x30, oid + der(0x0C, text)))
    # Their format, not ours: nothing depends on this hash being strong.
    digest = hashlib.sha1(canonical, usedforsecurity=False).digest()
    return f"{int.from_bytes(digest[:4], 'little'):08x}"


def test_a_ca_file_makes_its_servers_trusted(
    serve: Serve, connect: Connect, server_tls: ssl.SSLContext, ca_file: Path
) -> None:
    service = serve(ok(), ssl_context=server_tls)
    for verify in (ca_file, str(ca_file)):
        assert connect(service, verify=verify).encounters.read("enc_1").data.id == "enc_1"
    assert connect(f"https://localhost:{service.port}", verify=ca_file).encounters.read("enc_1").data.id == "enc_1"


def test_a_folder_of_cas_makes_their_servers_trusted(
    serve: Serve, connect: Connect, server_tls: ssl.SSLContext, ca_file: Path, tmp_path: Path
) -> None:
    pem = ca_file.read_bytes()
    (tmp_path / f"{subject_hash(pem)}.0").write_bytes(pem)
    service = serve(ok(), ssl_context=server_tls)
    assert connect(service, verify=tmp_path).encounters.read("enc_1").data.id == "enc_1"


def test_an_ssl_context_is_used_as_it_is(
    serve: Serve, connect: Connect, authority: trustme.CA, server_tls: ssl.SSLContext
) -> None:
    context = ssl.create_default_context()
    authority.configure_trust(context)
    service = serve(ok(), ssl_context=server_tls)
    assert connect(service, verify=context).encounters.read("enc_1").data.id == "enc_1"


def test_ssl_cert_file_is_used_where_the_environment_is_trusted(
    bare_environment: pytest.MonkeyPatch, serve: Serve, connect: Connect, server_tls: ssl.SSLContext, ca_file: Path
) -> None:
    bare_environment.setenv("SSL_CERT_FILE", str(ca_file))
    service = serve(ok(), ssl_context=server_tls)
    assert connect(service, trust_env=True).encounters.read("enc_1").data.id == "enc_1"
    with pytest.raises(ClinikConnectionError, match="certificate"):
        connect(service, trust_env=False).encounters.read("enc_1")


@pytest.mark.parametrize("name", ["127.0.0.1", "localhost"])
def test_an_unknown_ca_is_refused_once_and_nothing_is_sent(
    serve: Serve, connect: Connect, server_tls: ssl.SSLContext, name: str
) -> None:
    service = serve(ok(), ssl_context=server_tls)
    clinik = connect(f"https://{name}:{service.port}")
    calls: list[Callable[[], Any]] = [
        lambda: clinik.encounters.read("enc_1"),
        lambda: clinik.encounters.create(status="planned", class_="AMB", patient_id="pt_1"),
    ]
    for call in calls:
        with pytest.raises(ClinikConnectionError, match="certificate") as raised:
            call()
        assert (raised.value.outcome, raised.value.attempts, raised.value.status) == ("not_sent", 1, None)
    assert service.ledger == []


def test_a_certificate_for_another_host_is_refused(
    serve: Serve, connect: Connect, authority: trustme.CA, ca_file: Path
) -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("other.example").configure_cert(context)
    service = serve(ok(), ssl_context=context)
    with pytest.raises(ClinikConnectionError, match="certificate") as raised:
        connect(service, verify=ca_file).encounters.read("enc_1")
    assert (raised.value.outcome, raised.value.attempts) == ("not_sent", 1)
    assert service.ledger == []


def test_verify_false_warns_and_works(serve: Serve, server_tls: ssl.SSLContext) -> None:
    service = serve(ok(), ssl_context=server_tls)
    with (
        pytest.warns(ClinikWarning, match="verify=False"),
        Clinik(KEY, base_url=service.url, verify=False, trust_env=False) as clinik,
    ):
        assert clinik.encounters.read("enc_1").data.id == "enc_1"


def test_a_context_that_checks_nothing_warns_like_verify_false(serve: Serve, server_tls: ssl.SSLContext) -> None:
    service = serve(ok(), ssl_context=server_tls)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    for verify in (False, context):
        with pytest.warns(ClinikWarning, match="anybody on the way") as caught:
            clinik = Clinik(KEY, base_url=service.url, verify=verify)
        assert [warning.filename for warning in caught] == [__file__]
        with clinik:
            assert clinik.encounters.read("enc_1").data.id == "enc_1"


def test_a_context_for_servers_is_refused(server_tls: ssl.SSLContext) -> None:
    with pytest.raises(ClinikConfigError, match="PROTOCOL_TLS_CLIENT"):
        Clinik(KEY, verify=server_tls)


@pytest.mark.parametrize("base_url", ["https://h", "http://127.0.0.1:9"])
def test_a_ca_file_that_is_none_is_found_at_construction(tmp_path: Path, base_url: str) -> None:
    empty = tmp_path / "empty.pem"
    empty.write_text("nothing here")
    for verify in (tmp_path / "missing.pem", empty, "\0", "x" * 5000, "\ud800"):
        with pytest.raises(ClinikConfigError, match="CA file") as raised:
            Clinik(KEY, base_url=base_url, verify=verify)
        assert raised.value.__cause__ is raised.value.__context__ is None


@pytest.mark.parametrize("verify", [None, 0, 1, 7, 2.5, "", b"", [], ["ca.pem"], {}, object(), ssl.CERT_NONE, Odd()])
@pytest.mark.parametrize("base_url", ["https://h", "http://127.0.0.1:9"])
def test_what_nothing_can_be_verified_with_is_refused(verify: Any, base_url: str) -> None:
    with pytest.raises(ClinikConfigError, match=r"Give True, False, the path of a PEM file .*SSLContext") as raised:
        Clinik(KEY, base_url=base_url, verify=verify)
    assert raised.value.__cause__ is raised.value.__context__ is None


@pytest.mark.parametrize("name", ["SSL_CERT_FILE", "SSL_CERT_DIR"])
def test_certificates_of_the_environment_that_are_not_there_are_found_at_construction(
    bare_environment: pytest.MonkeyPatch, tmp_path: Path, name: str
) -> None:
    bare_environment.setenv(name, str(tmp_path / "missing"))
    with pytest.raises(ClinikConfigError, match=name) as raised:
        Clinik(KEY)
    assert raised.value.__cause__ is raised.value.__context__ is None
    Clinik(KEY, trust_env=False).close()


def test_ssl_cert_dir_may_name_several_folders(
    bare_environment: pytest.MonkeyPatch,
    serve: Serve,
    connect: Connect,
    server_tls: ssl.SSLContext,
    ca_file: Path,
    tmp_path: Path,
) -> None:
    pem = ca_file.read_bytes()
    (tmp_path / f"{subject_hash(pem)}.0").write_bytes(pem)
    bare_environment.setenv("SSL_CERT_DIR", os.pathsep.join([str(tmp_path / "missing"), str(tmp_path)]))
    service = serve(ok(), ssl_context=server_tls)
    assert connect(service, trust_env=True).encounters.read("enc_1").data.id == "enc_1"
    with pytest.raises(ClinikConnectionError, match="certificate"):
        connect(service, trust_env=False).encounters.read("enc_1")


@pytest.mark.filterwarnings("ignore::clinik_client.ClinikWarning")
@pytest.mark.parametrize("trust_env", [True, False])
@pytest.mark.parametrize("verify", ["True", "False", "file", "folder"])
def test_keys_of_tls_are_written_only_where_the_environment_is_trusted(
    bare_environment: pytest.MonkeyPatch,
    serve: Serve,
    connect: Connect,
    server_tls: ssl.SSLContext,
    ca_file: Path,
    tmp_path: Path,
    trust_env: bool,
    verify: str,
) -> None:
    keylog = tmp_path / "keys"
    pem = ca_file.read_bytes()
    (tmp_path / f"{subject_hash(pem)}.0").write_bytes(pem)
    bare_environment.setenv("SSLKEYLOGFILE", str(keylog))
    given: dict[str, Any] = {"True": True, "False": False, "file": ca_file, "folder": tmp_path}
    service = serve(ok(), ssl_context=server_tls)
    clinik = connect(service, verify=given[verify], trust_env=trust_env)
    if verify == "True":
        with pytest.raises(ClinikConnectionError, match="certificate"):
            clinik.encounters.read("enc_1")
    else:
        assert clinik.encounters.read("enc_1").data.id == "enc_1"
    assert keylog.exists() == trust_env
    if trust_env:
        assert "TRAFFIC_SECRET" in keylog.read_text()


def test_a_file_for_the_keys_of_tls_that_cannot_be_written_is_found_at_construction(
    bare_environment: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    bare_environment.setenv("SSLKEYLOGFILE", str(tmp_path / "missing" / "keys"))
    with pytest.raises(ClinikConfigError, match="SSLKEYLOGFILE") as raised:
        Clinik(KEY)
    assert raised.value.__cause__ is raised.value.__context__ is None
    Clinik(KEY, trust_env=False).close()


def test_tls_is_set_up_as_the_standard_library_does(ca_file: Path) -> None:
    theirs = ssl.create_default_context(cafile=ca_file)
    for ours in (tls.tls_context(ca_file, False), tls.tls_context(True, False), tls.tls_context(True, True)):
        for name in ("protocol", "verify_mode", "verify_flags", "check_hostname", "options", "minimum_version"):
            assert getattr(ours, name) == getattr(theirs, name), name
        assert ours.get_ciphers() == theirs.get_ciphers()
    assert tls.tls_context(ca_file, False).get_ca_certs() == theirs.get_ca_certs()


# -- proxies ----------------------------------------------------------------------------------------------------------


class RunningProxy(NamedTuple):
    port: int
    log: Path

    @property
    def url(self) -> str:
        # The password holds what a URL has to escape.
        return f"http://ward:p%40ss%3Aword@127.0.0.1:{self.port}"


_PROXY = """
import sys
import proxy

if __name__ == "__main__":
    options = ["--hostname", "127.0.0.1", "--port", "0", "--num-acceptors", "1", "--num-workers", "1"]
    with proxy.Proxy([*options, "--basic-auth", "ward:p@ss:word", "--log-file", sys.argv[1]]) as running:
        print(running.flags.port, flush=True)
        sys.stdin.read()
"""


@pytest.fixture(scope="module")
def proxy(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningProxy]:
    """A real forward proxy that wants a user name and a password; it ends when its standard input does."""
    log = tmp_path_factory.mktemp("proxy") / "log"
    with subprocess.Popen(
        [sys.executable, "-c", _PROXY, str(log)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        yield RunningProxy(int(process.stdout.readline()), log)
        process.stdin.close()


def test_a_proxy_forwards_plain_http(serve: Serve, connect: Connect, proxy: RunningProxy) -> None:
    service = serve(ok())
    clinik = connect(service, proxy=proxy.url)
    assert clinik.encounters.read("enc_1").data.id == "enc_1"
    assert clinik.encounters.create(status="planned", class_="AMB", patient_id="pt_1").data.id == "enc_1"
    assert all("proxy.py" in (seen.header("via") or "") for seen in service.ledger)
    assert [seen.header("proxy-authorization") for seen in service.ledger] == [None, None]
    assert [seen.target for seen in service.ledger] == ["/v1/encounters/enc_1", "/v1/encounters"]


def test_a_proxy_makes_a_tunnel_for_tls(
    serve: Serve, connect: Connect, proxy: RunningProxy, server_tls: ssl.SSLContext, ca_file: Path
) -> None:
    service = serve(ok(), ssl_context=server_tls)
    clinik = connect(service, proxy=proxy.url, verify=ca_file)
    assert clinik.encounters.read("enc_1").data.id == "enc_1"
    assert clinik.encounters.create(status="planned", class_="AMB", patient_id="pt_1").data.id == "enc_1"
    assert [seen.header("via") for seen in service.ledger] == [None, None]
    clinik.close()
    with pytest.raises(ClinikConnectionError, match="certificate"):
        connect(service, proxy=proxy.url).encounters.read("enc_1")
    assert len(service.ledger) == 2


def test_https_proxy_of_the_environment_is_used(
    bare_environment: pytest.MonkeyPatch,
    serve: Serve,
    proxy: RunningProxy,
    server_tls: ssl.SSLContext,
    ca_file: Path,
) -> None:
    service = serve(ok(), ssl_context=server_tls)
    bare_environment.setenv("HTTPS_PROXY", proxy.url)
    with Clinik(KEY, base_url=f"https://localhost:{service.port}", verify=ca_file) as clinik:
        assert clinik.encounters.read("enc_1").data.id == "enc_1"
    # Only through the proxy: the tunnel's other end is the proxy's.
    assert f"CONNECT localhost:{service.port}" in until_written(proxy.log, f"CONNECT localhost:{service.port}")


def until_written(log: Path, text: str) -> str:
    """The log, once it holds the text: the proxy writes it when the tunnel has ended."""
    with log.open() as lines:
        found = ""
        while text not in found:
            found += lines.read()
    return found


def test_no_password_means_that_the_proxy_refuses(
    serve: Serve, connect: Connect, proxy: RunningProxy, server_tls: ssl.SSLContext, ca_file: Path
) -> None:
    service = serve(ok(), ssl_context=server_tls)
    plain = serve(ok())
    for url in (f"http://127.0.0.1:{proxy.port}", f"http://ward:{CANARY}@127.0.0.1:{proxy.port}"):
        with pytest.raises(ClinikConnectionError, match="proxy") as raised:
            connect(service, proxy=url, verify=ca_file).encounters.create(
                status="planned", class_="AMB", patient_id="pt_1"
            )
        # Wrong credentials do not become right by asking again.
        assert (raised.value.outcome, raised.value.status, raised.value.attempts) == ("not_sent", None, 1)
        assert CANARY not in everything(raised.value)
        with pytest.raises(ClinikApiError) as forwarded:
            connect(plain, proxy=url).encounters.create(status="planned", class_="AMB", patient_id="pt_1")
        assert (forwarded.value.outcome, forwarded.value.status) == ("rejected", 407)
        assert CANARY not in everything(forwarded.value)
    assert service.ledger == plain.ledger == []


def test_a_proxy_that_cannot_make_a_tunnel_is_asked_again(connect: Connect) -> None:
    with Service(WireResponse(502, [("connection", "close")], CANARY.encode())) as broken:
        clinik = connect("https://127.0.0.1:9", proxy=broken.url, retries=1)
        on_virtual_time(clinik)
        with pytest.raises(ClinikConnectionError, match="proxy") as raised:
            clinik.encounters.create(status="planned", class_="AMB", patient_id="pt_1")
    assert (raised.value.outcome, raised.value.status, raised.value.attempts) == ("not_sent", None, 2)
    assert [seen.method for seen in broken.ledger] == ["CONNECT", "CONNECT"]
    assert [seen.header("x-api-key") for seen in broken.ledger] == [None, None]
    assert CANARY not in everything(raised.value)


def test_a_proxy_behind_tls_is_checked_like_a_server(
    serve: Serve, connect: Connect, server_tls: ssl.SSLContext, ca_file: Path
) -> None:
    service = serve(ok(), ssl_context=server_tls)
    through: list[str] = []

    def forward(connection: Connection) -> None:
        connection.start_tls(server_tls)
        through.append(connection.receive(5).decode().split("\r\n")[0])
        connection.send(
            b"HTTP/1.1 200 OK\r\nContent-Length: 40\r\n\r\n" + b'{"data": {"id": "enc_1"}, "meta": {}}'.ljust(40)
        )

    with serve_bytes(forward) as proxy:
        url = proxy.url.replace("http:", "https:")
        clinik = connect("http://127.0.0.1:9", proxy=url, verify=ca_file)
        assert clinik.encounters.read("enc_1").data.id == "enc_1"
        with pytest.raises(ClinikConnectionError, match="certificate"):
            connect("http://127.0.0.1:9", proxy=url).encounters.read("enc_1")
    assert through == ["GET http://127.0.0.1:9/v1/encounters/enc_1 HTTP/1.1"]
    assert service.ledger == []


@pytest.mark.parametrize(
    ("environment", "trusted", "used"),
    [
        ({"HTTP_PROXY": ""}, True, False),
        ({"http_proxy": "URL"}, True, True),
        ({"ALL_PROXY": "URL"}, True, True),
        ({"http_proxy": "WITHOUT_SCHEME"}, True, True),
        ({"http_proxy": "URL"}, False, False),
        ({"http_proxy": "URL", "NO_PROXY": "127.0.0.1"}, True, False),
        ({"http_proxy": "URL", "NO_PROXY": "*"}, True, False),
        ({"http_proxy": "URL", "NO_PROXY": "other.example"}, True, True),
        ({"http_proxy": "URL", "NO_PROXY": "127.0.0.1:PORT"}, True, False),
        ({"http_proxy": "URL", "NO_PROXY": "127.0.0.1:1"}, True, True),
        ({"https_proxy": "URL"}, True, False),
    ],
)
def test_the_environments_proxy_is_used_where_it_says_so(
    bare_environment: pytest.MonkeyPatch,
    serve: Serve,
    connect: Connect,
    environment: dict[str, str],
    trusted: bool,
    used: bool,
) -> None:
    service, proxy = serve(ok()), serve(ok())
    for name, value in environment.items():
        values = {"URL": proxy.url, "WITHOUT_SCHEME": proxy.url.removeprefix("http://")}
        bare_environment.setenv(name, values.get(value, value.replace("PORT", str(service.port))))
    connect(service, trust_env=trusted).encounters.read("enc_1")
    assert (len(service.ledger), len(proxy.ledger)) == ((0, 1) if used else (1, 0))
    if used:
        assert proxy.ledger[0].target == f"{service.url}/v1/encounters/enc_1"


def test_a_given_proxy_wins_over_the_environment(
    bare_environment: pytest.MonkeyPatch, serve: Serve, connect: Connect
) -> None:
    service, given_proxy = serve(ok()), serve(ok())
    bare_environment.setenv("http_proxy", "http://127.0.0.1:9")
    bare_environment.setenv("NO_PROXY", "*")
    connect(service, proxy=given_proxy.url, trust_env=True).encounters.read("enc_1")
    connect(service, proxy="", trust_env=True).encounters.read("enc_1")
    assert (len(service.ledger), len(given_proxy.ledger)) == (1, 1)


BAD_PROXIES = [
    "socks5://h:1",
    f"socks5h://user:{CANARY}@h:1",
    "ftp://h",
    "http://",
    f"http://user:{CANARY}@",
    f"http://{CANARY}:port",
    *(f"http://user:{CANARY}@h:{port}" for port in ("0", "-1", "65536", "99999999999999999999", "x")),
    # Not the password that was meant: it ends the host.
    *(f"http://user:12{mark}{CANARY}@h:1" for mark in "/?#"),
    f"http://user:x/{CANARY}@h:1",
    f"http://user:{CANARY}\x7f@h:1",
    f"http://h:1/{CANARY}",
    "http://h h:1",
    "http://[::1",
]


@pytest.mark.parametrize("proxy", ["h:3128", " ", "\n", " http://h:1", 7, 0, False, True, b"", b"http://h", [], Odd()])
def test_a_proxy_that_is_no_url_is_refused_at_construction(proxy: Any) -> None:
    with pytest.raises(ClinikConfigError, match="proxy"):
        Clinik(KEY, proxy=proxy)


@pytest.mark.parametrize("proxy", BAD_PROXIES)
@pytest.mark.parametrize("source", ["argument", "HTTPS_PROXY", "all_proxy"])
def test_a_proxy_that_is_none_is_refused_at_construction(
    bare_environment: pytest.MonkeyPatch, proxy: str, source: str
) -> None:
    if source != "argument":
        bare_environment.setenv(source, proxy)
    with pytest.raises(ClinikConfigError, match="proxy" if source == "argument" else "environment") as raised:
        Clinik(KEY, proxy=proxy if source == "argument" else None)
    assert CANARY not in everything(raised.value)
    Clinik(KEY, trust_env=False).close()


def test_a_blank_proxy_of_the_environment_is_none(bare_environment: pytest.MonkeyPatch, serve: Serve) -> None:
    service = serve(ok())
    bare_environment.setenv("HTTP_PROXY", " ")
    with Clinik(KEY, base_url=service.url) as clinik:
        assert clinik.encounters.read("enc_1").data.id == "enc_1"


@pytest.mark.parametrize("password", ["p@ss", "p%40ss", "[", "ü", "a b", "100%", "%zz", "a:b", "<>\\^`{|}"])
def test_odd_characters_of_a_password_reach_the_proxy(serve: Serve, connect: Connect, password: str) -> None:
    proxy = serve(ok())
    with connect("http://127.0.0.1:9", proxy=f"http://ward:{password}@127.0.0.1:{proxy.port}") as clinik:
        clinik.encounters.read("enc_1")
    kind, _, credentials = (proxy.ledger[0].header("proxy-authorization") or "").partition(" ")
    assert (kind, b64decode(credentials).decode()) == ("Basic", f"ward:{unquote(password)}")


@given(st.text(max_size=20), st.text(max_size=20), st.text(max_size=6))
def test_any_text_as_proxy_is_either_taken_or_a_config_error(user: str, host: str, port: str) -> None:
    for url in (user, f"http://{user}@{host}:{port}", f"http://xn--{host}"):
        with contextlib.suppress(ClinikConfigError):
            Clinik(KEY, base_url="http://127.0.0.1:9", proxy=url).close()


# -- NO_PROXY ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("no_proxy", "host", "listed"),
    [
        ("", "h.example", False),
        (" , ,,", "h.example", False),
        ("*", "h.example", True),
        ("other, *", "h.example", True),
        ("*", "10.1.2.3", True),
        ("*:443", "h.example", True),
        ("*:444", "h.example", False),
        ("h.example", "h.example", True),
        ("H.Example", "h.example", True),
        ("h.example", "H.EXAMPLE.", True),
        ("h.example.", "h.example", True),
        ("example", "h.example", True),
        (".example", "h.example", True),
        (".h.example", "h.example", True),
        ("ample", "h.example", False),
        ("g.h.example", "h.example", False),
        ("*.example", "h.example", True),
        ("*.Example:443", "h.example", True),
        ("*.example:80", "h.example", False),
        ("*.h.example", "h.example", False),
        ("*ample", "h.example", False),
        ("a.example, h.example ,b.example", "h.example", True),
        ("a.example h.example\tb.example", "h.example", True),
        ("h.example:443", "h.example", True),
        ("example:443", "h.example", True),
        ("h.example:80", "h.example", False),
        ("h.example:", "h.example", False),
        ("h.example:x", "h.example", False),
        (".", "h.example", False),
        ("*.", "h.example", False),
        ("10.0.0.0/8", "10.1.2.3", True),
        ("10.0.0.0/255.0.0.0", "10.1.2.3", True),
        ("10.1.2.3/8", "10.9.9.9", True),
        ("10.0.0.0/8", "11.1.2.3", False),
        ("10.0.0.0/8", "h.example", False),
        ("10.0.0.0/33", "10.1.2.3", False),
        ("10.0.0.0/8", "fd00::1", False),
        ("10.1.2.3", "10.1.2.3", True),
        ("10.1.2.3:443", "10.1.2.3", True),
        ("10.1.2.3:80", "10.1.2.3", False),
        ("2.3", "10.1.2.3", False),
        ("fd00::/8", "fd12::1", True),
        ("fd00::/8", "fe00::1", False),
        ("fd00::/8", "10.1.2.3", False),
        ("FD00:0:0::1", "fd00::1", True),
        ("::1", "::1", True),
        ("[::1]", "::1", True),
        ("[::1]:443", "::1", True),
        ("[::1]:80", "::1", False),
        ("[::1", "::1", False),
        ("::1]", "::1", False),
        ("[]", "::1", False),
        ("[fd00::/8]", "fd00::1", True),
        ("::ffff:0:0/96 [fd00::]/8", "fd00::1", False),
    ],
)
def test_no_proxy_names_hosts(no_proxy: str, host: str, listed: bool) -> None:
    assert proxies.is_listed(no_proxy, host, 443) is listed


LABELS = st.from_regex(r"[a-z][a-z0-9-]{0,4}", fullmatch=True)
NAMES = st.lists(LABELS, min_size=1, max_size=3).map(".".join)
ADDRESSES = st.ip_addresses().map(str)
MARKS = st.text(alphabet="[]*:./,% 0123456789af\tX", max_size=12)


@given(st.lists(MARKS | st.text(max_size=8) | ADDRESSES).map(",".join), NAMES | ADDRESSES | st.text(max_size=8))
def test_no_list_is_an_error(no_proxy: str, host: str) -> None:
    assert proxies.is_listed(no_proxy, host, 443) in (True, False)


@given(st.lists(st.tuples(st.sampled_from(["", ".", " "]), NAMES, st.sampled_from(["", ":443", ":80", " "]))), NAMES)
def test_names_are_listed_as_for_the_standard_library(entries: list[tuple[str, str, str]], host: str) -> None:
    no_proxy = ",".join("".join(entry) for entry in entries)
    # Made-up names seldom meet: the endings have some that do.
    for end in ("", f",{host.partition('.')[2]}", f", .{host}:443", f",{host.upper()}"):
        theirs = any(proxy_bypass_environment(name, {"no": no_proxy + end}) for name in (host, f"{host}:443"))
        assert proxies.is_listed(no_proxy + end, host, 443) == theirs


@given(st.data(), st.ip_addresses())
def test_a_network_lists_its_addresses_and_no_others(
    data: st.DataObject, address: ipaddress.IPv4Address | ipaddress.IPv6Address
) -> None:
    size = address.max_prefixlen
    length = data.draw(st.integers(1, size))
    network = ipaddress.ip_network((address, length), strict=False)
    written = data.draw(st.sampled_from([str(network), network.exploded.upper(), f"{address}/{length}"]))
    inside = network[data.draw(st.integers(0, network.num_addresses - 1))]
    outside = type(address)(int(inside) ^ (1 << data.draw(st.integers(size - length, size - 1))))
    assert proxies.is_listed(f"h.example, {written},", str(inside), 443)
    assert not proxies.is_listed(f"h.example, {written},", str(outside), 443)


@pytest.mark.parametrize(
    ("no_proxy", "used"), [("127.0.0.0/8", False), ("10.0.0.0/8", True), ("[::1], 127.0.0.1 ", False), (None, True)]
)
def test_the_environments_list_is_obeyed(
    bare_environment: pytest.MonkeyPatch, serve: Serve, connect: Connect, no_proxy: str | None, used: bool
) -> None:
    service, proxy = serve(ok()), serve(ok())
    bare_environment.setenv("http_proxy", proxy.url)
    if no_proxy is not None:
        bare_environment.setenv("NO_PROXY", no_proxy)
    connect(service, trust_env=True).encounters.read("enc_1")
    assert (len(service.ledger), len(proxy.ledger)) == ((0, 1) if used else (1, 0))


@pytest.mark.parametrize("url", ["https://h.example", "https://[fd00::1]"])
def test_the_systems_own_list_counts_where_the_environment_has_none(
    bare_environment: pytest.MonkeyPatch, url: str
) -> None:
    asked: list[str] = []

    def bypass(host: str) -> bool:
        asked.append(host)
        return True

    # As on Windows and macOS.
    bare_environment.setattr(proxies, "getproxies", lambda: {"https": "http://proxy.example"})
    bare_environment.setattr(proxies, "proxy_bypass", bypass)
    assert proxies.find_proxy(parse_target(url), None, True) is None
    assert asked == [url.removeprefix("https://")]


def test_a_small_proxy_of_our_own_tunnels_too(
    serve: Serve, connect: Connect, server_tls: ssl.SSLContext, ca_file: Path
) -> None:
    service = serve(ok(), ssl_context=server_tls)
    with WireServer(lambda request: lambda connection: tunnel(connection, service.port)) as proxy:
        clinik = connect("https://localhost:9", proxy=proxy.url, verify=ca_file)
        assert clinik.encounters.read("enc_1").data.id == "enc_1"
        assert clinik.encounters.read("enc_1").meta.attempts == 1
        clinik.close()
    assert [seen.connection for seen in service.ledger] == [1, 1]


def test_construction_leaves_the_environment_as_it_is() -> None:
    with mock.patch.dict(os.environ):
        before = dict(os.environ)
        Clinik(KEY).close()
        assert dict(os.environ) == before
