"""A story told again: with the ids that the service gives now, and written anew."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import orjson
import pytest

from clinik_client import ClinikConfigError, ClinikConnectionError
from clinik_client.testing import RECORDINGS, Exchange, Recording, WireRequest, WireResponse, WireServer, load_recording
from clinik_client.testing.__main__ import main
from clinik_client.testing._recorder.forwarding import Upstream
from clinik_client.testing._recorder.retelling import record_again, retell
from tests.testing.clinic import Clinic

ROOT = Path(__file__).parents[3]
KEY = "clk_test_0secret0"
LIFE = load_recording(RECORDINGS / "life-of-an-encounter.har")


def test_a_new_id_takes_the_place_of_the_recorded_one_in_all_that_follows() -> None:
    visit = {"status": "planned", "class": "VR", "patientId": "pt_1"}
    story = Recording(
        "story",
        [
            Exchange.of("POST", "/v1/encounters", json=visit, status=201, response={"data": {"id": "enc_a"}}),
            Exchange.of(
                "POST",
                "/v1/encounters",
                json={**visit, "partOfId": "enc_a"},
                status=201,
                response={"data": {"id": "enc_b", "partOfId": "enc_a"}},
            ),
            Exchange.of("GET", "/v1/encounters/enc_b", response={"data": {"id": "enc_b"}}),
            Exchange.of("DELETE", "/v1/encounters/enc_a", status=204),
        ],
    )
    with Clinic(first_id=41) as clinic, Upstream(clinic.url) as upstream:
        told = list(retell(story, upstream, KEY, {"pt_1": "pt_77"}))
        assert [one.received.status for one in told] == [201, 201, 200, 204]
        assert list(clinic.records) == ["enc_ward042x"]
        assert clinic.records["enc_ward042x"]["partOfId"] == "enc_ward041x"
        assert clinic.records["enc_ward042x"]["patientId"] == "pt_77"
        assert set(clinic.keys) == {KEY}


def test_an_id_that_the_story_has_asked_with_stays_what_it_is() -> None:
    target = "/v1/encounters?patientId=pt_1"
    page = {"data": {"data": [{"id": "enc_a", "patientId": "pt_1"}], "hasMore": False}}
    story = Recording("story", [Exchange.of("GET", target, response=page), Exchange.of("GET", target, response=page)])
    asked: list[str] = []

    def answer(request: WireRequest) -> WireResponse:
        asked.append(request.target)
        return WireResponse(200, [("content-type", "application/json")], orjson.dumps(page).replace(b"pt_1", b"pt_2"))

    with WireServer(answer) as service, Upstream(service.url) as upstream:
        assert len(list(retell(story, upstream, KEY))) == 2
    assert asked == [target, target]


def test_a_bad_key_or_none_is_sent_as_it_was_recorded() -> None:
    targets = ["/v1/encounters"] * 3
    story = Recording(
        "story",
        [
            Exchange.of("GET", target, api_key=key)
            for target, key in zip(targets, ["", "clk_test_fixture_old", None], strict=True)
        ],
    )
    with Clinic() as clinic, Upstream(clinic.url) as upstream:
        assert [one.received.status for one in retell(story, upstream, KEY)] == [401, 200, 200]
        assert clinic.keys == ["clk_test_fixture_old", KEY]


def test_a_story_is_recorded_anew_with_its_own_made_up_values(tmp_path: Path) -> None:
    path = tmp_path / "new" / "life.har"
    with Clinic(first_id=300) as clinic:
        assert len(record_again(LIFE, path, api_key=KEY, base_url=clinic.url)) == 9
    story = load_recording(path)
    assert story.comment == LIFE.comment
    assert [one.request_body for one in story.exchanges] == [one.request_body for one in LIFE.exchanges]
    created = orjson.loads(story.exchanges[0].response_body)["data"]
    assert (created["id"], created["patientId"], created["type"]) == ("enc_00000001", "pt_abc123", "Annual physical")
    assert story.exchanges[-1].path == "/v1/encounters/enc_00000001"
    assert b"ward" not in path.read_bytes()
    # And the new one can be told again, just so.
    with Clinic(first_id=900) as clinic:
        assert len(record_again(story, tmp_path / "again.har", api_key=KEY, base_url=clinic.url)) == 9
        assert clinic.records == {}


def test_an_id_that_was_given_for_a_recorded_one_is_not_written(tmp_path: Path) -> None:
    with Clinic() as clinic:
        record_again(LIFE, tmp_path / "life.har", api_key=KEY, base_url=clinic.url, ids={"pt_abc123": "pt_sandbox9"})
    assert b"pt_sandbox9" not in (tmp_path / "life.har").read_bytes()
    assert orjson.loads(load_recording(tmp_path / "life.har").exchanges[0].request_body)["patientId"] == "pt_00000001"


def test_without_a_response_nothing_is_written(tmp_path: Path) -> None:
    with WireServer(lambda _request: lambda connection: connection.close()) as service:
        with pytest.raises(ClinikConnectionError) as caught:
            record_again(LIFE, tmp_path / "life.har", api_key=KEY, base_url=service.url)
        assert caught.value.code == "closed"
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("key", ["clk_live_0secret0", "clk_test_", "", "jane"])
def test_only_a_key_for_tests_is_used(tmp_path: Path, key: str) -> None:
    with Clinic() as clinic:
        with pytest.raises(ClinikConfigError) as caught:
            record_again(LIFE, tmp_path / "life.har", api_key=key, base_url=clinic.url)
        assert clinic.requests == 0
    assert not key or key not in str(caught.value).replace("clk_test_ key", "")


# -- as a command -----------------------------------------------------------------------------------------------------


def test_record_writes_a_file_for_each_story(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("CLINIKAPI_SECRET_KEY", KEY)
    stories = ["--story", "telehealth-visit", "--story", "life-of-an-encounter"]
    with Clinic() as clinic:
        arguments = [
            "record",
            str(RECORDINGS),
            *stories,
            "--to",
            str(tmp_path),
            "--base-url",
            clinic.url,
        ]
        assert main([*arguments, "--id", "pt_abc123=pt_9"]) == 0
        assert clinic.requests == 13
    assert capsys.readouterr().out == (
        f"{tmp_path / 'telehealth-visit.har'}: 4 exchanges\n{tmp_path / 'life-of-an-encounter.har'}: 9 exchanges\n"
    )
    assert main(["check", str(tmp_path)]) == 0


@pytest.mark.parametrize("key", [None, "", "clk_live_0secret0"])
@pytest.mark.parametrize("verb", [["record", "--to", "new"], ["diff"]])
def test_without_a_key_for_tests_it_says_what_to_set(
    verb: list[str], key: str | None, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    if key is not None:
        monkeypatch.setenv("CLINIKAPI_SECRET_KEY", key)
    assert main([*verb, str(RECORDINGS)]) == 2
    assert capsys.readouterr().err == (
        "error: set CLINIKAPI_SECRET_KEY to a clk_test_ key: stories are told to the sandbox of the service\n"
    )


@pytest.mark.parametrize(
    ("arguments", "problem"),
    [
        (["none.har"], "none.har: cannot be read"),
        ([str(RECORDINGS), "--story", "none"], "there is no recording 'none'"),
        ([str(LIFE.path), "--base-url", "nowhere"], "base_url"),
    ],
)
def test_what_keeps_a_story_from_being_told_is_said(
    arguments: list[str],
    problem: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setenv("CLINIKAPI_SECRET_KEY", KEY)
    monkeypatch.chdir(tmp_path)
    assert main(["record", *arguments, "--to", str(tmp_path)]) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    assert problem in captured.err


@pytest.mark.parametrize("pair", ["pt_1", "=pt_1", "pt_1=", ""])
def test_an_id_without_the_other_one_is_a_mistake(pair: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["diff", str(LIFE.path), "--id", pair])
    assert "argument --id: give a recorded id, =, and the service's id" in capsys.readouterr().err


def test_make_record_tells_the_stories_to_the_service_that_the_environment_names(tmp_path: Path) -> None:
    paths: list[str] = []

    def refuse(request: WireRequest) -> WireResponse:
        paths.append(request.target)
        return WireResponse(503, [("content-type", "text/html")], b"<p>closed</p>")

    with WireServer(refuse) as service:
        environment = os.environ | {
            "CLINIKAPI_SECRET_KEY": KEY,
            "CLINIKAPI_BASE_URL": service.url,
            "PYTHONPATH": str(ROOT),
        }
        done = run_make(tmp_path, environment)
    assert done.returncode == 2  # make's own, for any failure of a command
    written = sorted(path.name for path in tmp_path.iterdir())
    assert written == ["inpatient-admission.har", "life-of-an-encounter.har", "telehealth-visit.har"]
    assert len(paths) == 20
    assert done.stdout.splitlines()[:2] == [
        f"{tmp_path / 'life-of-an-encounter.har'}: 9 exchanges",
        "  entry 1: POST /v1/encounters: status: 503 Service Unavailable, recorded was 201 Created",
    ]
    assert len(done.stdout.splitlines()) == 3 + 20


def test_make_record_says_what_it_needs(tmp_path: Path) -> None:
    done = run_make(tmp_path, os.environ | {"PYTHONPATH": str(ROOT)})
    assert done.returncode == 2
    assert done.stderr.startswith("error: set CLINIKAPI_SECRET_KEY to a clk_test_ key")
    assert list(tmp_path.iterdir()) == []


def run_make(folder: Path, environment: dict[str, str]) -> subprocess.CompletedProcess[str]:
    options = ["--no-print-directory", "--assume-old=.venv/.installed", f"BIN={Path(sys.executable).parent}"]
    command = ["make", *options, "record", f"RECORDED={folder}"]
    return subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=60, check=False)
