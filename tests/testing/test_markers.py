"""What the markers of a test ask for: a sandbox as it is wanted, faults, one service for each test."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.testing.projects import EACH_WAY, Reports, read_reports

CONFTEST = """
import pytest


@pytest.fixture
def visit(clinik):
    return clinik.encounters.create(status="planned", class_="VR", patient_id="pt_1").data


@pytest.fixture
def service_by_another_way(request):
    return request.getfixturevalue("clinik_sandbox")
"""

PASSING = """
import unittest
from datetime import UTC, datetime

import pytest

from clinik_client import Clinik, ClinikConnectionError, ClinikServerError
from clinik_client.testing import Fault, SandboxClock

CLOCK = SandboxClock(datetime(2025, 6, 1, tzinfo=UTC), running=False)


# -- the sandbox

def test_alone(clinik):
    assert clinik.encounters.search().data.data == []


def test_both(clinik, clinik_sandbox):
    clinik.encounters.create(status="planned", class_="VR", patient_id="pt_1")
    assert clinik_sandbox.ledger.applied("create") == 1


def test_both_again_on_a_fresh_one(clinik, clinik_sandbox):
    assert clinik_sandbox.records == []
    assert clinik_sandbox.ledger.received() == 0


def test_of_a_fixture(visit, clinik):
    assert clinik.encounters.read(visit.id).data == visit


def test_a_client_of_its_own(clinik_sandbox, monkeypatch):
    monkeypatch.setenv("CLINIKAPI_BASE_URL", clinik_sandbox.url)
    monkeypatch.setenv("CLINIKAPI_SECRET_KEY", clinik_sandbox.key)
    with Clinik() as client:
        assert client.encounters.search().data.data == []


def test_the_environment_has_no_say(monkeypatch, request):
    monkeypatch.setenv("CLINIKAPI_BASE_URL", "http://127.0.0.1:9")
    monkeypatch.setenv("CLINIKAPI_SECRET_KEY", "nonsense")
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    for name in ("NO_PROXY", "no_proxy"):
        monkeypatch.setenv(name, "")
    assert request.getfixturevalue("clinik").encounters.search().data.data == []


@pytest.mark.clinik_sandbox(seed=3, lag=0, shape="fhir")
def test_seed_and_settings(clinik, clinik_sandbox):
    assert clinik_sandbox.settings.shape == "fhir"
    clinik.encounters.delete(clinik_sandbox.records[0]["id"])
    assert len(clinik.encounters.search().data.data) == 2


@pytest.mark.clinik_sandbox(seed="seeds/one.json")
def test_a_seed_is_found_from_the_root_directory(clinik):
    assert clinik.encounters.read("enc_mine").data.patient_id == "pt_mine"


@pytest.mark.clinik_sandbox(clock=datetime(2025, 6, 1, tzinfo=UTC))
def test_clock_by_its_moment(clinik_sandbox):
    assert clinik_sandbox.clock.now().isoformat() == "2025-06-01T00:00:00+00:00"
    assert not clinik_sandbox.clock.running


@pytest.mark.parametrize("number", [1, 2])
@pytest.mark.clinik_sandbox(clock=CLOCK)
def test_clock_of_several_tests(clinik_sandbox, number):
    assert clinik_sandbox.clock is CLOCK
    assert clinik_sandbox.clock.now().isoformat() == "2025-06-01T00:00:00+00:00"
    clinik_sandbox.clock.advance(3600)


@pytest.mark.clinik_sandbox(seed=3, lag=0)
class TestOfAClass:
    def test_class(self, clinik_sandbox):
        assert (len(clinik_sandbox.records), clinik_sandbox.settings.lag) == (3, 0)

    @pytest.mark.clinik_sandbox(seed=1)
    def test_nearest(self, clinik_sandbox):
        assert (len(clinik_sandbox.records), clinik_sandbox.settings.lag) == (1, 0)


@pytest.mark.clinik_sandbox(seed=2)
class TestOfUnittest(unittest.TestCase):
    @pytest.fixture(autouse=True)
    def clients(self, clinik, clinik_sandbox):
        self.clinik, self.sandbox = clinik, clinik_sandbox

    def test_unittest(self):
        self.assertEqual(len(self.clinik.encounters.search().data.data), 2)

    @pytest.mark.clinik_fault("status", status=503)
    def test_unittest_fault(self):
        self.assertEqual(len(self.clinik.encounters.search().data.data), 2)
        self.assertEqual(self.sandbox.ledger.received("search"), 2)


# -- faults

@pytest.mark.clinik_fault("reset", operation="create", after_apply=True)
def test_lost_create(clinik, clinik_sandbox):
    with pytest.raises(ClinikConnectionError) as raised:
        clinik.encounters.create(status="planned", class_="VR", patient_id="pt_1")
    assert raised.value.outcome == "unknown"
    assert clinik_sandbox.ledger.applied("create") == 1


@pytest.mark.clinik_fault("status", status=500)
def test_met_before_a_reset(clinik, clinik_sandbox):
    clinik.encounters.search()
    clinik_sandbox.reset()
    clinik.encounters.search()


def test_a_fault_of_the_test_itself_may_be_cleared(clinik, clinik_sandbox):
    clinik_sandbox.faults.add(Fault("hang"))
    clinik_sandbox.faults.clear()
    clinik.encounters.search()


@pytest.mark.clinik_fault("status", status=500, operation="search")
@pytest.mark.clinik_fault("status", status=503, operation="search")
def test_several_in_the_order_in_which_they_stand(clinik):
    quick = clinik.with_options(retries=0)
    for status in (500, 503):
        with pytest.raises(ClinikServerError) as raised:
            quick.encounters.search()
        assert raised.value.status == status
    assert quick.encounters.search().data.data == []


@pytest.mark.clinik_fault(kind="status", status=500, times=None)
def test_without_end(clinik):
    with pytest.raises(ClinikServerError):
        clinik.with_options(retries=0).encounters.search()


@pytest.mark.clinik_fault("latency", seconds=(0, 0.001), nth=2)
def test_of_a_sandbox_that_comes_another_way(service_by_another_way):
    with service_by_another_way.client() as client:
        client.encounters.search()
        client.encounters.search()


@pytest.mark.parametrize("status", [pytest.param(500, marks=pytest.mark.clinik_fault("status", status=500)), None])
def test_of_a_parameter(clinik, status):
    quick = clinik.with_options(retries=0)
    if status:
        with pytest.raises(ClinikServerError):
            quick.encounters.search()
    else:
        quick.encounters.search()


@pytest.mark.clinik_recording("telehealth-visit")
@pytest.mark.clinik_fault("status", status=429, retry_after=0)
def test_of_a_recording(clinik, clinik_server):
    assert clinik.encounters.update("enc_tel100", status="in-progress").meta.attempts == 2
    assert [request.method for request in clinik_server.requests] == ["PATCH"]
    assert clinik_server.ledger.received() == 2


@pytest.mark.clinik_slow(3)
def test_a_marker_of_the_project():
    pass


@pytest.mark.clinik_fault("reset")
def test_skipped(clinik):
    pytest.skip("for a reason")
"""

FAILING = """
import unittest

import pytest

from clinik_client import ClinikConnectionError
from clinik_client.testing import Fault


@pytest.mark.clinik_fault("reset", operation="create", after_apply=True)
@pytest.mark.clinik_fault("latency", seconds=0, times=3)
def test_unmet(clinik):
    clinik.encounters.search()


def test_unmet_of_the_test_itself(clinik, clinik_sandbox):
    clinik_sandbox.faults.add(Fault("hang", nth=2))
    clinik.encounters.search()


@pytest.mark.clinik_fault("reset", operation="create", times=2)
@pytest.mark.clinik_fault("hang", nth=2)
def test_unmet_before_a_reset(clinik, clinik_sandbox):
    with pytest.raises(ClinikConnectionError):
        clinik.encounters.create(status="planned", class_="VR", patient_id="pt_1")
    clinik_sandbox.reset()
    clinik.encounters.search()


@pytest.mark.clinik_fault("reset")
def test_unmet_and_failed(clinik):
    assert 1 == 2


class TestOfUnittest(unittest.TestCase):
    @pytest.fixture(autouse=True)
    def clients(self, clinik):
        self.clinik = clinik

    @pytest.mark.clinik_fault("reset", operation="delete")
    def test_unmet_of_unittest(self):
        self.clinik.encounters.search()


@pytest.mark.clinik_recording("telehealth-visit", use_all=True)
@pytest.mark.clinik_fault("reset", operation="delete")
def test_unused_and_unmet(clinik):
    clinik.encounters.update("enc_tel100", status="in-progress")


@pytest.mark.clinik_fault("reset")
def test_nothing_to_happen_to():
    pass


@pytest.mark.clinik_fault("rset")
def test_kind(clinik):
    pass


@pytest.mark.clinik_fault
def test_no_kind(clinik):
    pass


@pytest.mark.clinik_fault("reset", "create")
def test_two_texts(clinik):
    pass


@pytest.mark.clinik_fault("reset", kind="hang")
def test_two_kinds(clinik):
    pass


@pytest.mark.clinik_fault("reset", oparation="create")
def test_argument_of_a_fault(clinik):
    pass


@pytest.mark.clinik_fault("reset", operation="crate")
def test_operation(clinik):
    pass


@pytest.mark.clinik_sandbox(sede=3)
def test_argument_of_a_sandbox(clinik):
    pass


@pytest.mark.clinik_sandbox(sede=3)
def test_argument_of_a_sandbox_that_is_not_used():
    pass


@pytest.mark.clinik_fault("rset")
def test_kind_of_a_fault_that_is_not_used():
    pass


@pytest.mark.clinik_sandbox(shape="fihr")
def test_shape_of_a_sandbox_that_is_not_used():
    pass


@pytest.mark.clinik_sandbox(clock="2025-06-01")
def test_clock_of_a_sandbox_that_is_not_used():
    pass


@pytest.mark.clinik_sandbox(seed=3)
class TestOfAClass:
    def test_sandbox_that_is_not_used(self):
        pass


@pytest.mark.clinik_sandbox(3)
def test_seed_without_its_name(clinik):
    pass


@pytest.mark.clinik_sandbox(shape="fihr")
def test_shape(clinik):
    pass


@pytest.mark.clinik_sandbox(total=1)
def test_total(clinik):
    pass


@pytest.mark.clinik_sandbox(seed="none.json")
def test_seed(clinik):
    pass


@pytest.mark.clinik_sandbox(clock="2025-06-01")
def test_clock(clinik):
    pass


@pytest.mark.clinik_public("yes")
def test_public():
    pass


@pytest.mark.clinik_public(host="api.clinikapi.com")
def test_public_by_name():
    pass


@pytest.mark.clinik_recording("telehealth-visit")
def test_recording_and_sandbox(clinik_sandbox):
    pass


@pytest.mark.clinik_recording("telehealth-visit")
def test_recording_and_sandbox_by_another_way(service_by_another_way):
    pass


def test_server_and_sandbox(clinik_server, clinik_sandbox):
    pass


@pytest.mark.clinik_recording("telehealth-visit")
@pytest.mark.clinik_sandbox(seed=3)
def test_both_markers(clinik):
    pass
"""


MISSPELT = """
import pytest


@pytest.mark.clinik_recordng("telehealth-visit")
def test_recording(clinik):
    pass


@pytest.mark.clinik_sandbx(seed=3)
class TestOfAClass:
    def test_sandbox(self):
        pass


@pytest.mark.clinik_for_nights_alone
def test_else():
    pass


@pytest.mark.clinik
@pytest.mark.clinic_recording("telehealth-visit")
def test_of_others():
    pass
"""


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("project")
    (folder / "pytest.ini").write_text("[pytest]\nfilterwarnings = error\nmarkers = clinik_slow(seconds): takes long\n")
    (folder / "conftest.py").write_text(CONFTEST)
    (folder / "seeds").mkdir()
    record = '[{"id": "enc_mine", "status": "planned", "class": "VR", "patientId": "pt_mine"}]'
    (folder / "seeds" / "one.json").write_text(record)
    (folder / "inner").mkdir()
    (folder / "inner" / "test_passing.py").write_text(PASSING)
    (folder / "test_failing.py").write_text(FAILING)
    return folder


@pytest.fixture(scope="module")
def failures(project: Path) -> Reports:
    return read_reports(project, "test_failing.py")


def kinds(reports: Reports) -> dict[str, list[str]]:
    """What was reported of each test that did not pass."""
    return {name: [kind for kind, _ in told] for name, told in reports.items() if told}


@EACH_WAY
def test_a_test_gets_the_service_that_its_markers_ask_for(project: Path, arguments: tuple[str, ...]) -> None:
    reports = read_reports(project, "inner", *arguments, code=0)
    assert len(reports) == PASSING.count("def test_") + 2
    assert kinds(reports) == {"test_skipped": ["skipped"]}


UNMET = "Faults that too few requests met"


@pytest.mark.parametrize(
    ("name", "text"),
    [
        (
            "test_unmet",
            f"{UNMET} (2):\n  - 'reset', operation='create', after_apply=True, met by 0\n"
            "  - 'latency', times=3, seconds=0, met by 1",
        ),
        ("test_unmet_of_the_test_itself", f"{UNMET} (1):\n  - 'hang', nth=2, met by 0"),
        (
            "test_unmet_before_a_reset",
            f"{UNMET} (2):\n  - 'reset', operation='create', times=2, met by 1 before it was cleared\n"
            "  - 'hang', nth=2, met by 0 before it was cleared",
        ),
        ("test_unmet_of_unittest", f"{UNMET} (1):\n  - 'reset', operation='delete', met by 0"),
    ],
)
def test_a_fault_that_is_left_over_fails_the_very_test(failures: Reports, name: str, text: str) -> None:
    ((kind, told),) = failures[name]
    assert kind == "failure"
    assert told == f"Failed: {text}\n{text}"


def test_what_is_left_over_says_nothing_of_a_test_that_failed(failures: Reports) -> None:
    ((kind, told),) = failures["test_unmet_and_failed"]
    assert kind == "failure"
    assert "assert 1 == 2" in told
    assert UNMET not in told


def test_unused_exchanges_and_faults_are_told_together(failures: Reports) -> None:
    ((kind, told),) = failures["test_unused_and_unmet"]
    assert kind == "failure"
    assert told.startswith("Failed: Recorded exchanges never asked for (")
    assert told.endswith(f"\n{UNMET} (1):\n  - 'reset', operation='delete', met by 0")


ONE_SERVICE = "A test has one service: recordings (clinik_recording, clinik_server), or a sandbox (clinik_sandbox)."


@pytest.mark.parametrize(
    ("name", "text"),
    {
        "test_nothing_to_happen_to": "clinik_fault needs a service: the test uses none of clinik, clinik_sandbox and "
        "clinik_server",
        "test_kind": "clinik_fault: there is no kind of fault 'rset'; did you mean 'reset'? There are reset, close, ",
        "test_no_kind": "clinik_fault: a fault needs a kind. There are reset,",
        "test_two_texts": "clinik_fault: it takes one kind, and everything else by name",
        "test_two_kinds": "clinik_fault: it takes one kind, and everything else by name",
        "test_argument_of_a_fault": "clinik_fault: there is no argument of a fault 'oparation'; did you mean 'operati",
        "test_operation": "clinik_fault: there is no operation 'crate'; did you mean 'create'?",
        "test_argument_of_a_sandbox": "clinik_sandbox: there is no argument 'sede'; did you mean 'seed'? There are "
        "seed, clock, shape, include, ",
        "test_argument_of_a_sandbox_that_is_not_used": "clinik_sandbox: there is no argument 'sede'; ",
        "test_kind_of_a_fault_that_is_not_used": "clinik_fault: there is no kind of fault 'rset'; ",
        "test_shape_of_a_sandbox_that_is_not_used": "clinik_sandbox: shape is one of simple, fhir, mixed",
        "test_clock_of_a_sandbox_that_is_not_used": "clinik_sandbox: clock is a moment with an offset from UTC, or ",
        "test_sandbox_that_is_not_used": "clinik_sandbox needs a service: the test uses none of clinik and "
        "clinik_sandbox",
        "test_seed_without_its_name": "clinik_sandbox: it takes arguments by name, such as seed=3, not 3",
        "test_shape": "clinik_sandbox: shape is one of simple, fhir, mixed",
        "test_total": "clinik_sandbox: total is True or False",
        "test_clock": "clinik_sandbox: clock is a moment with an offset from UTC, or a SandboxClock",
        "test_public": "clinik_public: it takes no arguments",
        "test_public_by_name": "clinik_public: it takes no arguments",
        "test_recording_and_sandbox": ONE_SERVICE,
        "test_recording_and_sandbox_by_another_way": ONE_SERVICE,
        "test_server_and_sandbox": ONE_SERVICE,
        "test_both_markers": ONE_SERVICE,
    }.items(),
)
def test_what_makes_no_sense_is_an_error_of_one_line(failures: Reports, name: str, text: str) -> None:
    ((kind, told),) = failures[name]
    assert kind == "error"
    assert told.splitlines()[1].startswith(text)
    assert len(told.splitlines()) == 2


def test_a_seed_that_is_not_there_is_named(failures: Reports, project: Path) -> None:
    ((kind, told),) = failures["test_seed"]
    assert kind == "error"
    assert told.splitlines()[1].startswith(f"clinik_sandbox: {project / 'none.json'}: ")


def test_a_marker_that_is_misspelt_is_an_error_and_those_of_others_are_not_looked_at(tmp_path: Path) -> None:
    (tmp_path / "test_misspelt.py").write_text(MISSPELT)
    # Without pytest's own check, which many projects do not ask for.
    reports = read_reports(tmp_path, strict=False)
    there = "There are clinik_recording, clinik_sandbox, clinik_fault, clinik_public."
    said = {
        "test_recording": f"there is no marker 'clinik_recordng'; did you mean 'clinik_recording'? {there}",
        "test_sandbox": f"there is no marker 'clinik_sandbx'; did you mean 'clinik_sandbox'? {there}",
        "test_else": f"there is no marker 'clinik_for_nights_alone'. {there}",
    }
    assert kinds(reports) == {name: ["error"] for name in said}
    assert reports["test_of_others"] == []
    for name, text in said.items():
        assert reports[name][0][1].splitlines()[1:] == [f"pytest.mark: {text}"]
