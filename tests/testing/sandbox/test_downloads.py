"""Files of exports: on a port of their own, for an hour, with what the URL holds and without a key."""

from __future__ import annotations

import ssl
from contextlib import closing
from datetime import timedelta
from http.client import HTTPSConnection
from urllib.parse import urlsplit

import pytest
import trustme

from clinik_client.testing import Fault, Sandbox, SandboxSettings
from tests.testing.asking import ask
from tests.testing.bulk import BulkBackend, encounter, lines_of


def test_a_file_is_ndjson_with_a_record_a_line() -> None:
    with BulkBackend(encounter(1, type="\n\u2028"), encounter(2)) as there:
        answer = there.download(there.ended(there.export())["downloadUrl"])
    assert (answer.status, answer.headers["content-type"]) == (200, "application/x-ndjson")
    assert answer.body.decode() == lines_of(encounter(1, type="\n\u2028"), encounter(2))


def test_a_file_without_records_is_empty() -> None:
    with BulkBackend() as there:
        job = there.ended(there.export())
        answer = there.download(job["downloadUrl"])
    assert (job["totalRecords"], answer.status, answer.body) == (0, 200, b"")


def test_a_file_is_on_another_port_and_not_on_that_of_the_service() -> None:
    with BulkBackend() as there:
        url = there.ended(there.export())["downloadUrl"]
        assert there.service.port != there.files.port
        assert there.ask("GET", url.removeprefix(there.files.url)).status == 404
        assert there.download(f"{there.files.url}/v1/encounters").status == 403


def test_a_file_can_be_fetched_for_an_hour_and_more_than_once() -> None:
    with BulkBackend(encounter(1)) as there:
        started = there.export()
        url = there.ended(started)["downloadUrl"]
        there.clock.advance(timedelta(hours=1) - timedelta(microseconds=1))
        assert [there.download(url).status, there.download(url).status] == [200, 200]
        there.clock.advance(timedelta(microseconds=1))
        assert there.job(started)["downloadUrl"] == url
        refused = there.download(url)
    assert (refused.status, refused.headers["content-type"]) == (403, "text/plain; charset=utf-8")


def test_a_file_needs_its_own_token() -> None:
    with BulkBackend(encounter(1), encounter(2)) as there:
        first, second = there.export(), there.export()
        one, two = there.ended(first)["downloadUrl"], there.job(second)["downloadUrl"]
        path, _, query = one.partition("?")
        assert one != two
        for wrong in (path, f"{path}?", f"{path}?token=", f"{one}x", f"{path}?{two.partition('?')[2]}"):
            assert there.download(wrong).status == 403
        assert there.download(f"{path}?{query}").status == 200


def test_a_key_that_is_sent_here_is_refused_and_written_down() -> None:
    with BulkBackend(encounter(1)) as there:
        url = there.ended(there.export())["downloadUrl"]
        assert there.download(url).status == 200
        assert there.backend.keys_sent_to_downloads == 0
        for sent, target in enumerate((url, f"{there.files.url}/nothing"), start=1):
            refused = there.download(target, "clk_test_sandbox")
            assert refused.status == 400
            assert "clk_test" not in refused.body.decode()
            assert there.backend.keys_sent_to_downloads == sent


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE"])
def test_a_file_can_be_fetched_only(method: str) -> None:
    with BulkBackend(encounter(1)) as there:
        url = there.ended(there.export())["downloadUrl"]
        refused = there.download(url, method=method)
        assert (refused.status, refused.headers["allow"]) == (405, "GET")
        assert there.download(url).status == 200


# -- as a part of a sandbox --------------------------------------------------------------------------------------------


def test_a_sandbox_serves_files_on_another_port_as_long_as_it_runs() -> None:
    with Sandbox(seed=3) as sandbox, sandbox.client() as clinik:
        started, _ = clinik.request("POST", "/v1/bulk/export", json={"resourceTypes": ["Encounter"]})
        sandbox.clock.advance(sandbox.settings.job_seconds)
        job, _ = clinik.request("GET", f"/v1/bulk/jobs/{started['jobId']}")
        url = urlsplit(job["downloadUrl"])
        target = f"{url.path}?{url.query}"
        assert (url.hostname, url.port == sandbox.port) == ("127.0.0.1", False)
        port = url.port or 0
        assert ask(port, "GET", target, key=None).body.decode() == lines_of(*sandbox.records)
        assert ask(port, "GET", target, key=sandbox.key).status == 400
        assert sandbox.keys_sent_to_downloads == 1
        assert (sandbox.ledger.received("export"), sandbox.ledger.applied("export")) == (1, 1)
        sandbox.reset()
        assert sandbox.keys_sent_to_downloads == 0
        assert ask(port, "GET", target, key=None).status == 403
    for stopped in (port, sandbox.port):
        with pytest.raises(ConnectionRefusedError):
            ask(stopped, "GET", target, key=None)


def test_a_sandbox_that_cannot_serve_files_does_not_start() -> None:
    sandbox = Sandbox()
    sandbox._downloads.start()  # a server starts once
    with pytest.raises(RuntimeError, match="started once"):
        sandbox.start()
    with pytest.raises(ConnectionRefusedError):
        ask(sandbox.port, "GET", "/health")


def test_a_download_is_in_the_journal_and_meets_faults() -> None:
    with Sandbox(seed=3, job_seconds=0) as sandbox:
        sandbox.faults.add(Fault("status", operation="download", status=503))
        url = urlsplit(download_url(sandbox))
        asked = [ask(url.port or 0, "GET", f"{url.path}?{url.query}", key=None).status for _ in range(2)]
        assert asked == [503, 200]
        assert (sandbox.ledger.received("download"), sandbox.ledger.applied("download")) == (2, 0)
        told = [(entry.operation, entry.status, entry.fault) for entry in sandbox.journal.entries[-2:]]
        assert told == [("download", 503, "status"), ("download", 200, None)]
        assert "download" in sandbox.ledger.counts(applied=False)


def download_url(sandbox: Sandbox) -> str:
    with sandbox.client() as clinik:
        started, _ = clinik.request("POST", "/v1/bulk/export", json={"resourceTypes": ["Encounter"]})
        job, _ = clinik.request("GET", f"/v1/bulk/jobs/{started['jobId']}")
    return str(job["downloadUrl"])


@pytest.mark.parametrize("url", ["http://clinikapi:8081", "http://clinikapi:8081/", "https://files.example/clinik/"])
def test_files_are_told_of_under_the_url_by_which_others_reach_them(url: str) -> None:
    with Sandbox() as before:
        port = before.port
    with Sandbox(seed=3, job_seconds=0, download_port=port, download_url=url) as sandbox:
        told = download_url(sandbox)
        assert told.startswith(f"{url.rstrip('/')}/job_")
        target = told.removeprefix(url.rstrip("/"))
        assert ask(port, "GET", target, key=None).body.decode() == lines_of(*sandbox.records)


@pytest.mark.parametrize("url", ["", "clinikapi:8081", "ftp://clinikapi", "http://", "http://x?token=1", "http://a b"])
def test_the_url_of_files_is_a_url(url: str) -> None:
    with pytest.raises(ValueError, match=r"^download_url is a URL such as http://clinikapi:8081$"):
        Sandbox(download_url=url)


def test_a_port_of_files_that_is_taken_is_told() -> None:
    with Sandbox() as other:
        sandbox = Sandbox(download_port=other.port)
        with pytest.raises(OSError, match=f"port of downloads {other.port}: .* in use"):
            sandbox.start()
    with pytest.raises(ConnectionRefusedError):
        ask(sandbox.port, "GET", "/health")


def test_a_sandbox_over_tls_serves_files_over_tls() -> None:
    authority = trustme.CA()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1").configure_cert(context)
    trusting = ssl.create_default_context()
    authority.configure_trust(trusting)
    settings = SandboxSettings(job_seconds=0)
    with Sandbox(seed=1, settings=settings, ssl_context=context) as sandbox:
        with sandbox.client(verify=trusting) as clinik:
            started, _ = clinik.request("POST", "/v1/bulk/export", json={"resourceTypes": ["Encounter"]})
            job, _ = clinik.request("GET", f"/v1/bulk/jobs/{started['jobId']}")
        url = urlsplit(job["downloadUrl"])
        with closing(HTTPSConnection("127.0.0.1", url.port, timeout=10, context=trusting)) as connection:
            connection.request("GET", f"{url.path}?{url.query}")
            assert connection.getresponse().read().decode() == lines_of(*sandbox.records)
    assert url.scheme == "https"
