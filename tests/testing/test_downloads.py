"""Files of exports: on a port of their own, for an hour, with what the URL holds and without a key."""

from __future__ import annotations

from datetime import timedelta

import pytest

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
