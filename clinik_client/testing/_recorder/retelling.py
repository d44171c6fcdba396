"""A recorded story, told to a service once more: with its requests, and the ids that the service gives now."""

from __future__ import annotations

import os
import ssl
from collections.abc import Iterator, Mapping
from pathlib import Path
from urllib.parse import quote, urlencode

from attrs import evolve, frozen

from ..._errors import ClinikConfigError, ClinikConnectionError
from .._exchange import Exchange, Recording
from .._har import KEY_FORMAT
from .forwarding import Upstream
from .recorder import Recorder
from .renaming import Renaming
from .rewriting import found_in

__all__ = ["Told", "check_test_key", "record_again", "retell"]


@frozen
class Told:
    """One exchange of a story: its number from 1, as it was recorded, and with the response of now."""

    number: int
    recorded: Exchange
    received: Exchange


def retell(
    recording: Recording, upstream: Upstream, api_key: str, ids: Mapping[str, str] | None = None
) -> Iterator[Told]:
    """Send each request of a story, one after the other.

    Args:
        recording: the story.
        upstream: the service.
        api_key: the key for the requests that were recorded with a valid one.
        ids: ids of the service by those in the recording.

    Raises:
        AttemptFailed: a request got no response.
    """
    renaming = Renaming(ids)
    for number, recorded in enumerate(recording.exchanges, start=1):
        asked = renaming.as_now(recorded)
        key = api_key if recorded.api_key is None else recorded.api_key
        headers = (*asked.request_headers, *([("x-api-key", key)] if key else []))
        query = f"?{urlencode(asked.query, quote_via=quote)}" if asked.query else ""
        response = upstream.ask(asked.method, asked.path + query, headers, asked.request_body)
        received = evolve(
            asked,
            status=response.status,
            response_headers=response.headers.items(),
            response_body=response.body,
        )
        renaming.learn_ids(recorded, received)
        yield Told(number, recorded, received)


def record_again(
    recording: Recording,
    path: str | Path,
    *,
    api_key: str,
    base_url: str | None = None,
    ids: Mapping[str, str] | None = None,
    verify: bool | str | os.PathLike[str] | ssl.SSLContext = True,
) -> list[Told]:
    """Tell a story to a service, and record it anew. What the story has made up stays as it is.

    Args:
        recording: the story.
        path: the file to write.
        api_key: a ``clk_test_`` key.
        base_url: where the service is.
        ids: ids of the service by those in the recording.
        verify: see `clinik_client.Clinik`.

    Returns:
        What was recorded, as it came.

    Raises:
        ClinikConfigError: the key is not one for tests, or the way to the service is malformed.
        ClinikConnectionError: a request got no response. Nothing was written then.
        UnsafeRecordingError: the file would hold what it must not.
    """
    check_test_key(api_key)
    made_up = {value for one in recording.exchanges for _, value in found_in(one, response=False).values()}
    with (
        Recorder(path, "all", base_url=base_url, comment=recording.comment, keep=made_up, verify=verify) as recorder,
        Upstream(recorder.url, trust_env=False) as upstream,
    ):
        told = []
        for one in retell(recording, upstream, api_key, ids):
            told.append(one)
            if recorder.failures:
                code, _, text = recorder.failures[0].partition(": ")
                raise ClinikConnectionError(text, code=code)
    return told


def check_test_key(key: str) -> None:
    """Raise `ClinikConfigError` unless a key is one for tests: a story that is told again writes and deletes."""
    if not KEY_FORMAT.fullmatch(key) or not key.startswith("clk_test_"):
        raise ClinikConfigError("A story is told again with a clk_test_ key only: it creates and deletes records.")
