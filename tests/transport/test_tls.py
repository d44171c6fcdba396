"""Whom the client trusts: CA files and folders, contexts, and what the environment says."""

from __future__ import annotations

import hashlib
import os
import ssl
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import trustme
from cryptography import x509

from clinik_client import Clinik, ClinikConfigError, ClinikConnectionError, ClinikWarning
from clinik_client._transport import tls
from tests.misbehaviour import tls_as
from tests.servers import KEY, Connect, Serve, ok
from tests.strategies import Odd

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


@pytest.mark.parametrize("name", ["hospital.pem", "abcdef01.pem", "abcdef0.0", None])
def test_a_folder_in_which_openssl_finds_nothing_is_told_at_construction(
    bare_environment: pytest.MonkeyPatch, ca_file: Path, tmp_path: Path, name: str | None
) -> None:
    if name is not None:
        (tmp_path / name).write_bytes(ca_file.read_bytes())
    for verify in (tmp_path, str(tmp_path), os.fsencode(tmp_path)):
        with pytest.raises(ClinikConfigError, match=r"verify is a folder .* `openssl rehash`"):
            Clinik(KEY, verify=verify)  # type: ignore[arg-type]  # bytes are a path, too
    bare_environment.setenv("SSL_CERT_DIR", str(tmp_path))
    with pytest.raises(ClinikConfigError, match=r"SSL_CERT_DIR names no certificates .* `openssl rehash`"):
        Clinik(KEY)


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
    service = serve(ok(), ssl_context=tls_as(authority, "other.example"))
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
