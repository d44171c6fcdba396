"""Where it is refused, nothing leaves for the public service, whatever names it; everything else goes on."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from clinik_client import Clinik, ClinikConfigError, ClinikWarning, _public_service
from clinik_client._client import BASE_URL
from tests.servers import KEY, Connect, ScriptedService, Serve, created, ok

# Over plain HTTP a proxy gets the whole request, so it can stand for the public service.
NAMES = [
    "http://api.clinikapi.com",
    "http://API.ClinikAPI.com:80/v2/",
    "http://api.clinikapi.com:8080",
    "http://api.clinikapi.com.",
]


@pytest.fixture
def refused(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Lets nothing leave for the public service, and tells what of it was heard, in the place of this very run."""
    heard: list[str] = []
    monkeypatch.setattr(_public_service, "refused", True)
    monkeypatch.setattr(_public_service, "on_refusal", lambda: heard.append("refused"))
    return heard


@pytest.fixture
def allowed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_public_service, "refused", False)


@pytest.fixture
def proxy(serve: Serve) -> ScriptedService:
    return serve(created())


@pytest.mark.parametrize("url", NAMES)
def test_nothing_leaves_for_the_public_service_where_it_is_refused(
    connect: Connect, proxy: ScriptedService, refused: list[str], url: str
) -> None:
    with pytest.warns(ClinikWarning):
        clinik = connect(url, proxy=proxy.url)
    with pytest.raises(ClinikConfigError) as raised:
        clinik.encounters.create(status="planned", class_="VR", patient_id="pt_1")
    error = raised.value
    assert (error.code, error.outcome, error.attempts) == ("public_service", "not_sent", 1)
    assert error.message == _public_service.REASON
    assert refused == ["refused"]
    assert proxy.connections == 0


@pytest.mark.usefixtures("refused")
def test_it_is_what_a_client_talks_to_if_nobody_says_otherwise(proxy: ScriptedService) -> None:
    with Clinik(KEY, proxy=proxy.url) as clinik, pytest.raises(ClinikConfigError) as raised:
        clinik.request("GET", "/health")
    assert raised.value.code == "public_service"
    assert proxy.connections == 0


@pytest.mark.parametrize("url", NAMES)
@pytest.mark.usefixtures("allowed")
def test_a_request_leaves_where_it_is_not_refused(connect: Connect, proxy: ScriptedService, url: str) -> None:
    with pytest.warns(ClinikWarning):
        clinik = connect(url, proxy=proxy.url)
    assert clinik.encounters.read("enc_1").meta.status == 201
    assert proxy.connections == 1


@pytest.mark.parametrize(
    "url",
    [
        "http://localhost:{port}",
        "http://api.clinikapi.com.example",
        "http://clinikapi.com",
        "http://xapi.clinikapi.com",
    ],
)
@pytest.mark.filterwarnings("ignore::clinik_client.ClinikWarning")
@pytest.mark.usefixtures("refused")
def test_no_other_service_is_refused(connect: Connect, serve: Serve, url: str) -> None:
    service = serve(ok())
    clinik = connect(url.format(port=service.port), proxy=service.url)
    assert clinik.encounters.read("enc_1").meta.status == 200


def test_a_client_may_be_made_before_and_used_after(
    connect: Connect, proxy: ScriptedService, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(_public_service, "refused", False)
    with pytest.warns(ClinikWarning):
        clinik = connect("http://api.clinikapi.com", proxy=proxy.url)
    clinik.encounters.read("enc_1")
    monkeypatch.setattr(_public_service, "refused", True)
    monkeypatch.setattr(_public_service, "on_refusal", lambda: None)
    with pytest.raises(ClinikConfigError, match="the request was for the public service"):
        clinik.with_options(retries=1).encounters.read("enc_1")


def told_in_another_process() -> str:
    program = "from clinik_client import _public_service; print(_public_service.refused)"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=60, check=True)
    return done.stdout.strip()


def test_processes_that_are_started_are_told_as_well(monkeypatch: pytest.MonkeyPatch, allowed: None) -> None:
    monkeypatch.delenv(_public_service.VARIABLE, raising=False)
    assert told_in_another_process() == "False"
    _public_service.refuse(True)
    assert _public_service.refused
    assert told_in_another_process() == "True"
    _public_service.refuse(False)
    assert not _public_service.refused
    assert told_in_another_process() == "False"
    _public_service.refuse(False)
    assert _public_service.VARIABLE not in os.environ


def test_the_public_service_is_the_one_of_the_document() -> None:
    assert BASE_URL == f"https://{_public_service.HOST}" == "https://api.clinikapi.com"
