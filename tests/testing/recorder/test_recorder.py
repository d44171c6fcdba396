"""The recorder: what it passes on, what it writes, when it replays, and what it refuses to write."""

from __future__ import annotations

import base64
import gzip
import ssl
import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from typing import Any
from urllib.parse import quote

import orjson
import pytest

from clinik_client import (
    Clinik,
    ClinikApiError,
    ClinikConfigError,
    ClinikNotFoundError,
    ClinikServerError,
    ClinikWarning,
    EncounterCreateRequestFields,
)
from clinik_client.testing import (
    Connection,
    Exchange,
    FixtureServer,
    HarError,
    Recorder,
    Recording,
    UnsafeRecordingError,
    WireRequest,
    WireResponse,
    WireServer,
    diff_recording,
    load_recording,
    save_recording,
)
from clinik_client.testing.__main__ import main
from clinik_client.testing._exchange import split_target
from clinik_client.testing._recorder.fields import FIELDS
from clinik_client.testing._recorder.forwarding import Upstream, base_url_or_default
from clinik_client.testing._recorder.pseudonyms import days_between
from tests.testing.asking import ask
from tests.testing.clinic import BIRTH_DATE, COOKIE, PATIENT_NAME, Clinic

KEY = "clk_test_0secret0"
VISIT: EncounterCreateRequestFields = {
    "status": "in-progress",
    "class_": "AMB",
    "patient_id": "pt_quackenbush",
    "practitioner_id": "prac_dr7",
    "type": "Sprained left ankle",
    "period": {"start": "2025-06-01T09:00:00Z"},
    "diagnosis": [{"condition": "S93.4", "use": "AD", "rank": 1}],
}
PLANNED: EncounterCreateRequestFields = {**VISIT, "status": "planned"}
ORIGINALS = [
    *("quackenbush", "prac_dr7", "ankle", "S93.4", "2025-06-01", "ward", "Wilhelmina", "MRN", "req_00000731"),
    *(PATIENT_NAME, BIRTH_DATE, COOKIE, KEY),
]


def client(recorder: Recorder, key: str = KEY) -> Clinik:
    return Clinik(key, base_url=recorder.url, trust_env=False, retries=0)


def tour(recorder: Recorder) -> list[Any]:
    """The whole life of an encounter, and what a program sees of it."""
    with client(recorder) as clinik:
        made = clinik.encounters.create(**VISIT).data
        read = clinik.encounters.read(made.id, include=["patient"]).data
        done = clinik.encounters.update(made.id, status="finished", length_minutes=30).data
        found = clinik.encounters.search_all(patient_id=VISIT["patient_id"]).to_list()
        clinik.encounters.delete(made.id)
        with pytest.raises(ClinikNotFoundError):
            clinik.encounters.read(made.id)
    assert {read.id, done.id, *(one.id for one in found)} == {made.id}
    fields = [
        (one.patient_id, one.period.start.text if one.period and one.period.start else "") for one in (made, read)
    ]
    return [*fields, made.type, done.status, len(found)]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "stories" / "visit.har"


# -- what is written --------------------------------------------------------------------------------------------------


def test_a_recording_holds_nothing_of_what_came_and_is_one_that_the_tools_read(
    path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with Clinic() as clinic, Recorder(path, base_url=clinic.url, comment="A visit.") as recorder:
        tour(recorder)
        assert not path.exists()
    file = path.read_text()
    assert [text for text in ORIGINALS if text.lower() in file.lower()] == []
    assert main(["check", str(path)]) == 0
    assert capsys.readouterr().out == f"{path}: 6 exchanges\n"
    story = load_recording(path)
    assert story.comment == "A visit. Ids, texts and dates are made up."
    assert [(one.method, one.status) for one in story.exchanges] == [
        ("POST", 201),
        ("GET", 200),
        ("PATCH", 200),
        ("GET", 200),
        ("DELETE", 204),
        ("GET", 404),
    ]
    assert story.exchanges[1].path == "/v1/encounters/enc_00000001"
    assert story.exchanges[3].query == (("patientId", "pt_00000001"), ("count", "100"))
    included = orjson.loads(story.exchanges[1].response_body)["data"]["entry"][1]
    assert included["fullUrl"] == "https://api.clinikapi.com/v1/fhir/Patient/pt_00000001"
    assert included["search"] == {"mode": "include"}
    assert included["resource"]["id"] == "pt_00000001"
    # What the document does not describe is left out: all that tells who it is.
    assert {"resourceType", "id"} <= included["resource"].keys() <= FIELDS


def test_a_recording_knows_its_age_and_its_source(path: Path) -> None:
    with Clinic() as clinic, Recorder(path, base_url=clinic.url) as recorder:
        ask_port(recorder, "GET", "/v1/encounters", key="clk_live_0secret0")
        ask_port(recorder, "GET", "/v1/encounters", key=None)
        ask_port(recorder, "GET", "/v1/encounters", key="jane")
    story = load_recording(path)
    assert story.started == story.exchanges[0].started
    assert all(one.started.endswith("Z") and one.milliseconds >= 0 for one in story.exchanges)
    assert [one.source for one in story.exchanges] == [
        f"Recorded {one.started[:10]} from a service on this machine {how}; ids, texts and dates are pseudonyms."
        for one, how in zip(story.exchanges, ["with a live key", "without a key", "with a malformed key"], strict=True)
    ]
    assert [one.api_key for one in story.exchanges] == [None, "", None]
    assert {one.base_url for one in story.exchanges} == {"http://localhost"}


def test_of_a_service_that_is_not_the_public_one_the_name_is_not_written(path: Path) -> None:
    def answer(_request: WireRequest) -> WireResponse:
        return WireResponse(200, [("content-type", "application/json")], b"{}")

    with WireServer(answer) as proxy:
        # A proxy is asked for whatever name there is.
        with pytest.warns(ClinikWarning, match="plain HTTP") as warned:
            recorder = Recorder(path, base_url="http://gateway.hospital.example/v2", proxy=proxy.url)
        assert warned[0].filename == __file__
        with recorder:
            assert ask_port(recorder, "GET", "/v1/encounters").status == 200
    assert b"hospital" not in path.read_bytes()
    [exchange] = load_recording(path).exchanges
    assert exchange.base_url == "https://service.invalid"
    assert " from another service with a test key; " in exchange.source


@pytest.mark.parametrize(
    ("url", "public"),
    [
        ("https://api.clinikapi.com/", True),
        ("https://api.clinikapi.com.", True),
        ("https://API.clinikapi.com/x", True),
        ("https://api.clinikapi.com.example", False),
        (None, True),
    ],
)
def test_the_public_service_is_known_by_its_address(url: str | None, public: bool) -> None:
    with Upstream(base_url_or_default(url), trust_env=False) as upstream:
        assert upstream.is_public is public


def ask_port(recorder: Recorder, method: str, target: str, **sent: Any) -> Any:
    return ask(int(recorder.url.rpartition(":")[2]), method, target, **sent)


def test_what_is_made_up_already_is_written_as_it_is(path: Path) -> None:
    keep = ["pt_quackenbush", "Sprained left ankle", "2025-06-01T09:00:00Z"]
    with Clinic() as clinic, Recorder(path, base_url=clinic.url, keep=keep) as recorder:
        tour(recorder)
    body = orjson.loads(load_recording(path).exchanges[0].request_body)
    assert (body["patientId"], body["type"], body["period"]["start"]) == tuple(keep)
    assert body["practitionerId"] == "prac_00000001"


def test_a_value_that_hides_where_nothing_is_replaced_keeps_the_file_from_being_written(path: Path) -> None:
    def with_number(request: WireRequest, response: WireResponse) -> WireResponse:
        body = {"data": {"data": [{"id": "enc_1", "type": "5550199"}], "total": 15550199, "hasMore": False}}
        return WireResponse(200, [("content-type", "application/json")], orjson.dumps(body))

    with Clinic(alter=with_number) as clinic:
        recorder = Recorder(path, base_url=clinic.url).start()
        with client(recorder) as clinik:
            clinik.encounters.search()
        with pytest.raises(UnsafeRecordingError) as caught:
            recorder.stop()
    assert str(caught.value) == (
        f"{path}: entry 1: response's body: data: total would hold a value that came in; nothing was written"
    )
    assert not path.exists()


def paging(cursor: str) -> WireServer:
    """A service with two pages, and this between them."""

    def answer(request: WireRequest) -> WireResponse:
        _, query = split_target(request.target)
        pages = {
            (): {"data": [{"id": "enc_1"}], "cursor": cursor, "hasMore": True},
            (("cursor", cursor),): {"data": [{"id": "enc_2"}], "hasMore": False},
        }
        return WireResponse(200, [("content-type", "application/json")], orjson.dumps({"data": pages[query]}))

    return WireServer(answer)


def rows(url: str) -> list[str]:
    """The ids on both pages."""
    with Clinik(KEY, base_url=url, trust_env=False, retries=0) as clinik:
        pages = [clinik.encounters.search().data]
        pages.append(clinik.encounters.search(cursor=pages[0].cursor).data)
    return [one.id for page in pages for one in page.data]


@pytest.mark.parametrize(
    "cursor",
    ["2031-03-04|enc_next77|pt_mueller", b"pt_secret99".hex(), "v2:" + base64.b64encode(b"pt_secret99").decode()],
)
def test_a_cursor_tells_nothing_whatever_its_form_and_leads_on(path: Path, cursor: str) -> None:
    with paging(cursor) as service, Recorder(path, base_url=service.url) as recorder:
        assert rows(recorder.url) == ["enc_1", "enc_2"]
    assert cursor not in path.read_text()
    with Recorder(path, "none") as recorder:
        assert rows(recorder.url) == ["enc_00000001", "enc_00000002"]
        recorder.verify()
    with paging("another cursor") as service:
        assert diff_recording(load_recording(path), base_url=service.url, api_key=KEY) == []


def test_a_program_that_begins_with_a_cursor_says_by_that_what_it_stands_for(path: Path) -> None:
    target = f"/v1/encounters?cursor={quote('2031-03-04|enc_next77')}"
    with paging("2031-03-04|enc_next77") as service, Recorder(path, base_url=service.url) as recorder:
        assert ask_port(recorder, "GET", target).json["data"]["data"] == [{"id": "enc_2"}]
        assert ask_port(recorder, "GET", "/v1/encounters").json["data"]["cursor"] == "2031-03-04|enc_next77"
    with Recorder(path, "none") as recorder:
        assert ask_port(recorder, "GET", target).status == 200
        assert ask_port(recorder, "GET", "/v1/encounters").json["data"]["cursor"] == "2031-03-04|enc_next77"


def test_a_block_that_fails_leaves_the_file_as_it_was(path: Path) -> None:
    with Clinic() as clinic:
        recorder = Recorder(path, base_url=clinic.url)
        with suppress(ZeroDivisionError), recorder:
            ask_port(recorder, "GET", "/v1/encounters")
            raise ZeroDivisionError
        assert recorder.recorded == 1
    assert not path.exists()


def test_nothing_is_written_when_nothing_was_asked(path: Path) -> None:
    with Clinic() as clinic, Recorder(path, base_url=clinic.url):
        pass
    assert not path.exists()


# -- what is passed on ------------------------------------------------------------------------------------------------


def test_the_service_gets_what_was_sent_and_the_program_what_came(path: Path) -> None:
    seen: list[WireRequest] = []

    def answer(request: WireRequest) -> WireResponse:
        seen.append(request)
        headers = [("content-type", "text/plain"), ("content-encoding", "gzip"), ("x-extra", "1")]
        return WireResponse(418, headers, gzip.compress(b"short and stout"))

    with WireServer(answer) as service, Recorder(path, base_url=f"{service.url}/gateway") as recorder:
        response = ask_port(
            recorder,
            "PUT",
            "/tea%2Fpot?sort=1&cursor=%26",
            body=b"leaves",
            key=KEY,
            headers={"X-Cup": "2", "TE": "trailers"},
        )
    assert (response.status, response.body, response.headers["x-extra"]) == (418, b"short and stout", "1")
    assert "content-encoding" not in response.headers
    [request] = seen
    assert (request.method, request.target, request.body) == ("PUT", "/gateway/tea%2Fpot?sort=1&cursor=%26", b"leaves")
    assert request.header_values("x-api-key") == [KEY]
    assert request.header_values("x-cup") == ["2"]
    assert request.header_values("host") == [service.url.removeprefix("http://")]
    assert request.header_values("accept-encoding") == ["gzip"]
    assert request.header_values("te") == []


def test_a_service_with_a_certificate_is_asked_over_tls(path: Path, server_tls: ssl.SSLContext, ca_file: Path) -> None:
    with Clinic(ssl_context=server_tls) as clinic:
        with Recorder(path, base_url=clinic.url, verify=str(ca_file)) as recorder:
            tour(recorder)
        assert set(clinic.keys) == {KEY}
        with Recorder(path, "all", base_url=clinic.url) as recorder, client(recorder) as clinik:
            with pytest.raises(ClinikServerError, match="authority that is not trusted"):
                clinik.encounters.read("enc_1")
            assert recorder.failures[0].startswith("certificate_untrusted: ")
    assert len(load_recording(path).exchanges) == 6


def test_of_a_request_without_a_response_nobody_knows_what_became(path: Path) -> None:
    def hang_up(_request: WireRequest) -> Any:
        return lambda connection: Connection.close(connection)

    with WireServer(hang_up) as service, Recorder(path, base_url=service.url) as recorder, client(recorder) as clinik:
        with pytest.raises(ClinikServerError) as caught:
            clinik.encounters.create(**VISIT)
        assert (caught.value.code, caught.value.outcome) == ("NO_RESPONSE", "unknown")
        assert recorder.recorded == 0
        with pytest.raises(AssertionError, match="Requests without a response of the service:\n  - closed: "):
            recorder.verify()
    assert not path.exists()


def test_many_threads_are_recorded_each_exchange_once(path: Path) -> None:
    with Clinic() as clinic, Recorder(path, base_url=clinic.url) as recorder, client(recorder) as clinik:
        with ThreadPoolExecutor(8) as threads:
            made = list(threads.map(lambda _: clinik.encounters.create(**VISIT).data.id, range(40)))
        assert recorder.recorded == 40
    story = load_recording(path)
    assert len({orjson.loads(one.response_body)["data"]["id"] for one in story.exchanges}) == len(set(made)) == 40
    assert [one.started for one in story.exchanges] == sorted(one.started for one in story.exchanges)


def test_it_leaves_no_thread_behind(path: Path) -> None:
    before = set(threading.enumerate())
    with Clinic() as clinic, Recorder(path, base_url=clinic.url) as recorder:
        tour(recorder)
    assert set(threading.enumerate()) <= before


# -- modes ------------------------------------------------------------------------------------------------------------


@pytest.fixture
def recorded(path: Path) -> Path:
    with Clinic() as clinic, Recorder(path, base_url=clinic.url) as recorder:
        tour(recorder)
    return path


@pytest.mark.parametrize("mode", ["none", "once", "new"])
def test_a_program_gets_from_the_file_what_it_got_from_the_service(path: Path, mode: Any) -> None:
    with Clinic() as clinic:
        with Recorder(path, base_url=clinic.url) as recorder:
            first = tour(recorder)
        asked, file = clinic.requests, path.read_bytes()
        with Recorder(path, mode, base_url=clinic.url) as recorder:
            assert tour(recorder) == first
            recorder.verify()
            assert recorder.recorded == 0
        assert clinic.requests == asked
        assert path.read_bytes() == file


def test_none_needs_a_recording(path: Path) -> None:
    with pytest.raises(HarError, match="cannot be read"):
        Recorder(path, "none")


@pytest.mark.parametrize("mode", ["none", "once"])
def test_what_is_not_recorded_is_not_asked_of_the_service(recorded: Path, mode: Any) -> None:
    with Clinic() as clinic:
        with Recorder(recorded, mode, base_url=clinic.url) as recorder, client(recorder) as clinik:
            with pytest.raises(ClinikApiError) as caught:
                clinik.encounters.create(**PLANNED)
            assert caught.value.code == "NO_RECORDING"
            with pytest.raises(AssertionError, match=r"body: status differs"):
                recorder.verify()
        assert clinic.requests == 0


def test_new_asks_only_for_what_is_not_recorded_and_keeps_the_names(recorded: Path) -> None:
    before = load_recording(recorded).exchanges
    with (
        Clinic(first_id=900) as clinic,
        Recorder(recorded, "new", base_url=clinic.url) as recorder,
        client(recorder) as clinik,
    ):
        clinik.encounters.create(**VISIT)
        assert clinic.requests == 0
        again = clinik.encounters.create(**PLANNED).data
        clinik.encounters.read(again.id)
        assert clinic.requests == 2
        assert again.id == "enc_ward900x"
    after = load_recording(recorded).exchanges
    assert after[: len(before)] == before
    create, read = after[len(before) :]
    sent, first = orjson.loads(create.request_body), orjson.loads(before[0].request_body)
    assert {name: sent[name] for name in sent if name != "status"} == {n: first[n] for n in first if n != "status"}
    assert orjson.loads(create.response_body)["data"]["id"] == "enc_00000002"
    assert read.path == "/v1/encounters/enc_00000002"


def dated(*starts: str) -> WireServer:
    """A service whose encounters begin on these days, whatever is asked for."""
    body = {"data": {"data": [{"id": "enc_1", "period": {"start": start}} for start in starts], "hasMore": False}}
    return WireServer(lambda _request: WireResponse(200, [("content-type", "application/json")], orjson.dumps(body)))


def starts_in(path: Path) -> list[str]:
    bodies = [orjson.loads(one.response_body) for one in load_recording(path).exchanges]
    return [row["period"]["start"] for body in bodies for row in body["data"]["data"]]


ASKED, UNASKED = "/v1/encounters?dateFrom=2025-06-02", "/v1/encounters?count=5"


def test_all_sessions_of_a_story_move_dates_by_the_same(path: Path) -> None:
    with dated("2025-06-02", "2025-07-01T09:00:00Z") as service:
        with Recorder(path, base_url=service.url) as recorder:
            ask_port(recorder, "GET", ASKED)
        with Recorder(path, "new", base_url=service.url) as recorder:
            ask_port(recorder, "GET", ASKED)
            ask_port(recorder, "GET", UNASKED)
            assert recorder.recorded == 1
    first, second, *again = starts_in(path)
    assert again == [first, second]
    assert first != "2025-06-02"


@pytest.mark.parametrize("asked", [[], [ASKED.replace("02", "03")], ["as in the file"]])
def test_dates_are_not_added_where_nothing_says_by_how_much_the_others_were_moved(path: Path, asked: list[str]) -> None:
    with dated("2025-06-02") as service:
        with Recorder(path, base_url=service.url) as recorder:
            ask_port(recorder, "GET", ASKED)
        file = path.read_bytes()
        recorder = Recorder(path, "new", base_url=service.url).start()
        for target in asked:
            as_written = f"/v1/encounters?dateFrom={starts_in(path)[0]}"
            assert ask_port(recorder, "GET", as_written if target == "as in the file" else target).status == 200
        ask_port(recorder, "GET", UNASKED)
        assert recorder.recorded == 1
        with pytest.raises(HarError) as caught:
            recorder.stop()
    assert str(caught.value).startswith(f"{path}: its dates were moved by a number of weeks that it does not tell")
    assert path.read_bytes() == file


def test_without_dates_on_one_of_both_sides_or_with_dates_to_keep_a_story_goes_on(path: Path) -> None:
    for service, target in [(dated(), UNASKED), (dated("2025-06-02"), UNASKED + "&sort=-date"), (dated(), ASKED[:14])]:
        with service, Recorder(path, "new", base_url=service.url) as recorder:
            ask_port(recorder, "GET", target)
    keep = ["2025-06-04"]
    with dated(*keep) as service, Recorder(path, "new", base_url=service.url, keep=keep) as recorder:
        ask_port(recorder, "GET", "/v1/encounters?dateTo=2025-06-04")
    assert len(load_recording(path).exchanges) == 4
    assert starts_in(path)[1] == "2025-06-04"


def test_a_date_that_is_by_chance_in_the_file_is_moved_as_well(path: Path) -> None:
    with dated("2025-06-02") as service, Recorder(path, base_url=service.url) as recorder:
        ask_port(recorder, "GET", ASKED)
    [moved] = starts_in(path)
    with dated(moved) as service, Recorder(path, "new", base_url=service.url) as recorder:
        ask_port(recorder, "GET", ASKED)
        ask_port(recorder, "GET", UNASKED)
    assert days_between("2025-06-02", moved) == days_between(*starts_in(path))


def test_new_does_not_ask_the_service_for_what_only_the_recording_knows(recorded: Path) -> None:
    with Clinic() as clinic:
        with Recorder(recorded, "new", base_url=clinic.url) as recorder, client(recorder) as clinik:
            made = clinik.encounters.create(**VISIT).data
            with pytest.raises(ClinikApiError) as caught:
                clinik.encounters.update(made.id, status="cancelled")
            assert caught.value.code == "NO_RECORDING"
        assert clinic.requests == 0


def test_all_records_everything_anew(recorded: Path) -> None:
    with Clinic() as clinic, Recorder(recorded, "all", base_url=clinic.url) as recorder, client(recorder) as clinik:
        clinik.encounters.search()
    assert [one.path for one in load_recording(recorded).exchanges] == ["/v1/encounters"]


def test_a_mode_that_there_is_not_and_a_text_to_keep_are_refused(path: Path) -> None:
    with pytest.raises(ValueError, match="mode is one of none, once, new, all"):
        Recorder(path, "record")  # type: ignore[arg-type]  # the mistake that is meant
    with pytest.raises(TypeError, match="keep is a list"):
        Recorder(path, keep="pt_1")
    with pytest.raises(ClinikConfigError, match="base_url"):
        Recorder(path, base_url="nowhere")


def test_the_service_is_the_one_that_the_environment_names(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with Clinic() as clinic:
        monkeypatch.setenv("CLINIKAPI_BASE_URL", clinic.url)
        with Recorder(path) as recorder:
            tour(recorder)
        assert clinic.requests == 6


# -- names on replay --------------------------------------------------------------------------------------------------


def test_other_values_do_for_a_replay_as_long_as_they_are_used_alike(recorded: Path) -> None:
    other: EncounterCreateRequestFields = {
        **VISIT,
        "patient_id": "pt_other",
        "type": "Cough",
        "period": {"start": "2026-02-03T09:00:00Z"},
    }
    with Recorder(recorded, "none") as recorder, client(recorder) as clinik:
        made = clinik.encounters.create(**other).data
        assert (made.patient_id, made.type) == ("pt_other", "Cough")
        assert made.period is not None
        assert made.period.start is not None
        assert made.period.start.text == "2026-02-03T09:00:00Z"
        with pytest.raises(ClinikApiError) as caught:
            clinik.encounters.search_all(patient_id="pt_quackenbush").to_list()
        assert caught.value.code == "NO_RECORDING"
        assert len(clinik.encounters.search_all(patient_id="pt_other").to_list()) == 1


def test_pseudonyms_are_understood_as_what_they_are(recorded: Path) -> None:
    """So a story works in a fixture server, too, and after a person has looked into the file."""
    body = orjson.loads(load_recording(recorded).exchanges[0].request_body)
    with Recorder(recorded, "none") as recorder:
        assert ask_port(recorder, "POST", "/v1/encounters", json=body).json["data"]["patientId"] == "pt_00000001"
        assert ask_port(recorder, "GET", "/v1/encounters?patientId=pt_00000001&count=100").status == 200
    with FixtureServer([load_recording(recorded)]) as server:
        assert ask(server.port, "POST", "/v1/encounters", json=body).status == 201


def test_a_recording_that_was_made_up_is_replayed_strictly(path: Path) -> None:
    target = "/v1/encounters/enc_1?dateFrom=2025-06-01"
    path.parent.mkdir()
    save_recording(Recording("visit", [Exchange.of("GET", target, response={"data": {"id": "enc_1"}})]), path)
    with Recorder(path, "none") as recorder:
        assert ask_port(recorder, "GET", target.replace("enc_1", "enc_2")).status == 400
        assert ask_port(recorder, "GET", target.replace("01", "02")).status == 400
        assert ask_port(recorder, "GET", f"{target}&extra=1").status == 400
        assert ask_port(recorder, "GET", target).status == 200


def test_what_the_recorder_leaves_out_makes_no_difference_on_replay(path: Path) -> None:
    with Clinic() as clinic, Recorder(path, base_url=clinic.url) as recorder:
        ask_port(recorder, "GET", "/v1/encounters?patientId=pt_1", headers={"cookie": COOKIE})
        ask_port(recorder, "POST", "/v1/encounters", json={"patientId": "pt_1"})
        ask_port(recorder, "POST", "/v1/encounters", json={"patientId": "pt_1"}, key=None)
    with Recorder(path, "none") as recorder:
        assert ask_port(recorder, "POST", "/v1/encounters", json={"patientId": "pt_1"}, key=None).status == 401
        assert ask_port(recorder, "POST", "/v1/encounters", json={"patientId": "pt_1"}).status == 201
        assert ask_port(recorder, "GET", "/v1/encounters?patientId=pt_1", headers={"cookie": "a=b"}).status == 200
        recorder.verify()


UNDOCUMENTED: list[tuple[str, str, Any]] = [
    ("GET", "/v1/encounters?untold=Quackenbush&patientId=pt_1", None),
    ("POST", "/v1/encounters", {"patientId": "pt_1", "nickname": "Willy"}),
    ("POST", "/v1/encounters", {"patientId": "pt_1", "headers": {"a": 1}}),
    ("POST", "/v1/encounters", {"patientId": "pt_1", "diagnosis": [{"condition": "Flu", "Quackenbush": 1}]}),
]


@pytest.mark.parametrize(("method", "target", "body"), UNDOCUMENTED)
def test_a_request_that_would_ask_for_something_else_is_not_written(
    path: Path, method: str, target: str, body: Any
) -> None:
    with Clinic() as clinic:
        recorder = Recorder(path, base_url=clinic.url).start()
        ask_port(recorder, "POST", "/v1/encounters", json={"patientId": "pt_1"})
        ask_port(recorder, method, target, json=body)
        with pytest.raises(HarError) as caught:
            recorder.stop()
    assert str(caught.value).startswith(
        f"{path}: entry 2: its request has a parameter or a field that the API does not"
    )
    assert not path.exists()


@pytest.mark.parametrize(("method", "target", "body"), UNDOCUMENTED)
def test_a_request_with_more_than_was_recorded_is_another_one(path: Path, method: str, target: str, body: Any) -> None:
    with Clinic() as clinic, Recorder(path, base_url=clinic.url) as recorder:
        ask_port(recorder, "GET", "/v1/encounters?patientId=pt_1")
        ask_port(recorder, "POST", "/v1/encounters", json={"patientId": "pt_1"})
        ask_port(recorder, "POST", "/v1/encounters", json={"patientId": "pt_1", "diagnosis": [{"condition": "Flu"}]})
    with Recorder(path, "none") as recorder:
        assert ask_port(recorder, method, target, json=body).json["code"] == "NO_RECORDING"


def test_a_response_is_given_once(recorded: Path) -> None:
    with Recorder(recorded, "none") as recorder:
        for status in (200, 400):
            assert ask_port(recorder, "GET", "/v1/encounters?patientId=pt_1&count=100").status == status
        with pytest.raises(AssertionError, match="asked more often than it was recorded"):
            recorder.verify()
