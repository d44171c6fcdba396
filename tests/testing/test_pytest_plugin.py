"""The pytest plugin, in a pytest run of its own over a made-up project."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path
from textwrap import dedent

import pytest

from clinik_client.testing import RECORDINGS, Exchange, Recording, save_recording
from tests.testing.projects import EACH_WAY, ROOT, Reports, read_reports, run_pytest

TESTS = """
from http.client import HTTPConnection
from unittest import TestCase

import pytest

from clinik_client import ClinikApiError, ClinikConnectionError, ClinikNotFoundError
from clinik_client.testing import Exchange, FixtureServer, Recording


def ask(server, target):
    connection = HTTPConnection("127.0.0.1", server.port)
    connection.request("GET", target, headers={"x-api-key": "clk_test_fixture"})
    status = connection.getresponse().status
    connection.close()
    return status


@pytest.mark.clinik_recording("one")
def test_good(clinik_server):
    assert ask(clinik_server, "/one") == 200


@pytest.mark.clinik_recording("one")
def test_good_again_on_a_fresh_server(clinik_server):
    assert ask(clinik_server, "/one") == 200


@pytest.mark.clinik_recording("one", "two", use_all=True)
def test_all_used(clinik_server):
    assert [ask(clinik_server, target) for target in ("/one", "/uno", "/two")] == [200] * 3


@pytest.mark.clinik_recording("one", use_all=True)
def test_one_left_unused(clinik_server):
    assert ask(clinik_server, "/one") == 200


@pytest.mark.clinik_recording("one", "two")
def test_nothing_asked(clinik):
    pass


@pytest.mark.clinik_recording("one", "two")
def test_nothing_asked_of_one(clinik_server):
    assert ask(clinik_server, "/one") == 200


@pytest.mark.clinik_recording("one", "two", use_all=True)
def test_nothing_asked_of_one_where_all_is_wanted(clinik_server):
    assert [ask(clinik_server, target) for target in ("/one", "/uno")] == [200] * 2


@pytest.mark.clinik_recording("one", "two")
@pytest.mark.clinik_fault("reset", times=None)
def test_a_fault_was_in_the_way(clinik):
    for target in ("/one", "/two"):
        with pytest.raises(ClinikConnectionError):
            clinik.with_options(retries=0).request("GET", target)


@pytest.mark.clinik_recording("one", "two")
@pytest.mark.clinik_fault("reset")
def test_a_fault_was_in_the_way_of_one(clinik):
    with pytest.raises(ClinikConnectionError):
        clinik.with_options(retries=0).request("GET", "/two")


@pytest.mark.clinik_recording("one")
def test_recording_without_a_service():
    pass


@pytest.mark.clinik_recording("one")
def test_mismatch_swallowed(clinik_server):
    ask(clinik_server, "/three")


@pytest.mark.clinik_recording("one")
def test_mismatch_and_own_failure(clinik_server):
    assert ask(clinik_server, "/three") == 200


@pytest.mark.clinik_recording("one")
def test_mismatch_then_skip(clinik_server):
    ask(clinik_server, "/three")
    pytest.skip("for a reason")


@pytest.mark.clinik_recording("one", use_all=True)
def test_skip(clinik_server):
    pytest.skip("for a reason")


@pytest.mark.clinik_recording("one")
@pytest.mark.xfail(strict=True)
def test_expected_mismatch(clinik_server):
    ask(clinik_server, "/three")


@pytest.fixture
def untidy(clinik_server):
    yield
    ask(clinik_server, "/three")


@pytest.mark.clinik_recording("one")
def test_mismatch_in_teardown(untidy, clinik_server):
    ask(clinik_server, "/one")


@pytest.mark.clinik_recording("one")
class TestOfAClass:
    @pytest.mark.clinik_recording("two", use_all=True)
    def test_markers_add_up(self, clinik_server):
        assert [ask(clinik_server, target) for target in ("/one", "/uno", "/two")] == [200] * 3


def test_without_marker(clinik_server):
    pass


@pytest.mark.clinik_recording("three")
def test_unknown_story(clinik_server):
    pass


@pytest.mark.clinik_recording("empty-search")
def test_of_the_package(clinik):
    assert clinik.encounters.search().data.data == []


@pytest.mark.clinik_recording("one")
def test_client(clinik, clinik_server):
    data, meta = clinik.request("GET", "/uno")
    assert data == {"number": 2}
    assert clinik_server.requests[0].header_values("x-api-key") == ["clk_test_fixture"]


class TestOfAServerOfItsOwn:
    @pytest.fixture
    def clinik_server(self):
        with FixtureServer([Recording("own", [Exchange.of("GET", "/own")])]) as server:
            yield server

    def test_own_server(self, clinik_server, clinik):
        assert clinik.request("GET", "/own").meta.status == 200


@pytest.mark.clinik_recording("one")
def test_client_mismatch(clinik, clinik_server):
    try:
        clinik.request("GET", "/three")  # the line
    finally:
        assert len(clinik_server.requests) == 1


@pytest.mark.clinik_recording("one")
def test_client_mismatch_wrapped(clinik):
    try:
        clinik.request("GET", "/three")
    except Exception as error:
        raise RuntimeError("mine") from error


@pytest.mark.clinik_recording("one")
def test_client_mismatch_caught(clinik):
    with pytest.raises(ClinikApiError):
        clinik.encounters.read("enc_1")


@pytest.mark.clinik_recording("one")
def test_client_mismatch_where_another_error_was_expected(clinik):
    with pytest.raises(ClinikNotFoundError):
        clinik.encounters.read("enc_1")


@pytest.fixture
def eager(clinik):
    clinik.request("GET", "/three")


@pytest.mark.clinik_recording("one")
def test_client_mismatch_in_setup(eager):
    pass


@pytest.fixture
def late(clinik):
    yield
    clinik.request("GET", "/three")


@pytest.mark.clinik_recording("one")
def test_client_mismatch_in_teardown(late, clinik):
    clinik.request("GET", "/one")


@pytest.mark.clinik_recording("one")
class TestOfUnittest(TestCase):
    @pytest.fixture(autouse=True)
    def client(self, clinik):
        self.clinik = clinik

    def test_unittest(self):
        self.assertEqual(self.clinik.request("GET", "/uno").data, {"number": 2})

    def test_unittest_mismatch(self):
        self.clinik.request("GET", "/three")

    def test_unittest_mismatch_caught(self):
        with self.assertRaises(ClinikApiError):
            self.clinik.request("GET", "/three")

    def test_unittest_mismatch_and_own_failure(self):
        with self.assertRaises(ClinikApiError):
            self.clinik.request("GET", "/three")
        self.assertEqual(1, 2)


    def test_unittest_mismatch_in_a_subtest(self):
        with self.subTest("mine"):
            self.clinik.request("GET", "/three")
        self.assertEqual(self.clinik.request("GET", "/uno").data, {"number": 2})

    def test_unittest_mismatch_in_each_subtest(self):
        for name in ("/three", "/three/four"):
            with self.subTest(name):
                self.clinik.request("GET", name)

    def test_unittest_mismatch_caught_in_a_subtest(self):
        with self.subTest("mine"), self.assertRaises(ClinikApiError):
            self.clinik.request("GET", "/three")

    def test_unittest_mismatch_after_a_subtest(self):
        with self.subTest("mine"):
            self.clinik.request("GET", "/three")
        with self.assertRaises(ClinikApiError):
            self.clinik.request("GET", "/three/four")


@pytest.mark.clinik_recording("one")
def test_mismatch_in_subtests(clinik, subtests):
    with subtests.test("mine"):
        clinik.request("GET", "/three")


@pytest.mark.clinik_recording("one", use_all=True)
def test_subtests(clinik, subtests):
    for target in ("/one", "/uno"):
        with subtests.test(target):
            clinik.request("GET", target)


@pytest.mark.clinik_recording("one", use_al=True)
def test_misspelt_argument(clinik_server):
    pass


@pytest.mark.clinik_recording("one", use_all="yes")
def test_wrong_argument(clinik_server):
    pass


@pytest.mark.clinik_recording(["one", "two"])
def test_wrong_name():
    pass


def test_recordings(clinik_recordings, pytestconfig):
    assert clinik_recordings == pytestconfig.rootpath / "elsewhere"
"""


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("project")
    (folder / "elsewhere").mkdir()
    exchanges = [Exchange.of("GET", "/one"), Exchange.of("GET", "/uno", response={"number": 2})]
    save_recording(Recording("one", exchanges), folder / "elsewhere" / "one.har")
    save_recording(Recording("two", [Exchange.of("GET", "/two")]), folder / "elsewhere" / "two.har")
    (folder / "pytest.ini").write_text("[pytest]\nclinik_recordings = elsewhere\n")
    (folder / "test_project.py").write_text(TESTS)
    return folder


@pytest.fixture(scope="module")
def reports(project: Path) -> Reports:
    return read_reports(project)


@pytest.mark.parametrize(
    "name",
    [
        "test_good",
        "test_good_again_on_a_fresh_server",
        "test_all_used",
        "test_a_fault_was_in_the_way",
        "test_markers_add_up",
        "test_of_the_package",
        "test_own_server",
        "test_client",
        "test_unittest",
        "test_subtests",
        "test_recordings",
    ],
)
def test_a_test_that_asks_what_was_recorded_passes(reports: Reports, name: str) -> None:
    assert reports[name] == []


def test_a_mismatch_fails_the_very_test_though_it_ignored_the_response(
    reports: Reports,
) -> None:
    ((kind, text),) = reports["test_mismatch_swallowed"]
    assert kind == "failure"
    assert "Requests that match no recording (1):\n  - request 1: GET /three" in text


@pytest.mark.parametrize(
    ("name", "failed"),
    [("test_mismatch_and_own_failure", "assert 400 == 200"), ("test_unittest_mismatch_and_own_failure", "1 != 2")],
)
def test_a_mismatch_is_noted_on_the_failure_it_led_to(reports: Reports, name: str, failed: str) -> None:
    ((kind, text),) = reports[name]
    assert kind == "failure"
    assert failed in text
    # Once in the message of the report, and once in its text.
    assert text.count("clinik_server: Requests that match no recording (1):") == 2
    assert text.count("Requests that match no recording") == 2


@EACH_WAY
def test_however_the_tests_are_run_the_same_is_reported(
    project: Path, reports: Reports, arguments: tuple[str, ...]
) -> None:
    assert read_reports(project, *arguments) == reports


def test_a_mismatch_of_the_client_is_told_once_where_it_was_asked_and_without_a_traceback(
    reports: Reports, project: Path
) -> None:
    ((kind, text),) = reports["test_client_mismatch"]
    line = (
        (project / "test_project.py")
        .read_text()
        .splitlines()
        .index('        clinik.request("GET", "/three")  # the line')
    )
    account = (
        f"test_project.py:{line + 1}: Requests that match no recording (1):\n  - request 1: GET /three\n"
        "      nearest recording: one.har entry 1: GET /one\n      path: segment 1 of 1 differs"
    )
    assert kind == "failure"
    assert text == f"Failed: {account}\n{account}"


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("test_client_mismatch_wrapped", "failure"),
        ("test_client_mismatch_caught", "failure"),
        ("test_client_mismatch_where_another_error_was_expected", "failure"),
        ("test_unittest_mismatch", "failure"),
        ("test_unittest_mismatch_caught", "failure"),
        ("test_unittest_mismatch_in_a_subtest", "failure"),
        ("test_unittest_mismatch_caught_in_a_subtest", "failure"),
        ("test_client_mismatch_in_setup", "error"),
        ("test_client_mismatch_in_teardown", "error"),
        ("test_mismatch_swallowed", "failure"),
        ("test_mismatch_in_teardown", "error"),
    ],
)
def test_whatever_became_of_the_error_a_mismatch_is_told_once_and_without_a_traceback(
    reports: Reports, name: str, kind: str
) -> None:
    ((told, text),) = reports[name]
    assert told == kind
    assert re.search(r"Requests that match no recording \(1\):\n  - request [12]: GET ", text)
    assert "Traceback" not in text
    assert "Error" not in text


@pytest.mark.parametrize(
    "name",
    ["test_unittest_mismatch_in_each_subtest", "test_unittest_mismatch_after_a_subtest"],
)
def test_of_several_subtests_each_tells_its_own_mismatch(reports: Reports, name: str) -> None:
    told = [text for kind, text in reports[name] if kind == "failure"]
    assert [set(re.findall("  - (request .*)", text)) for text in told] == [
        {"request 1: GET /three"},
        {"request 2: GET /three/four"},
    ]


def test_pytest_itself_says_of_a_test_that_its_subtest_has_failed(reports: Reports) -> None:
    (_, mismatch), (_, rest) = reports["test_mismatch_in_subtests"]
    assert "Requests that match no recording (1):\n  - request 1: GET /three" in mismatch
    assert rest == "contains 1 failed subtest\ncontains 1 failed subtest"


def test_an_argument_of_the_marker_that_makes_no_sense_is_an_error_of_one_line(
    reports: Reports,
) -> None:
    said = {
        "test_misspelt_argument": "clinik_recording: it has no argument 'use_al'; it takes names and use_all",
        "test_wrong_argument": "clinik_recording: use_all is True or False, not 'yes'",
        "test_wrong_name": "clinik_recording: the name of a recording is a string, not ['one', 'two']",
        "test_recording_without_a_service": "clinik_recording needs a service: the test uses none of clinik and "
        "clinik_server",
        "test_unknown_story": "clinik_recording: there is no recording 'three' in elsewhere below the root directory; "
        "there are: one, two; with the package come "
        f"{', '.join(sorted(path.stem for path in RECORDINGS.glob('*.har')))}",
    }
    for name, text in said.items():
        ((kind, told),) = reports[name]
        assert kind == "error"
        assert told.endswith(f'"\n{text}'), told


def test_an_exchange_left_unused_fails_the_very_test_that_asked_for_all(
    reports: Reports,
) -> None:
    ((kind, text),) = reports["test_one_left_unused"]
    assert kind == "failure"
    assert "Recorded exchanges never asked for (1):\n  - one.har entry 2: GET /uno" in text


@pytest.mark.parametrize(
    ("name", "unasked"),
    [
        ("test_nothing_asked", ["one", "two"]),
        ("test_nothing_asked_of_one", ["two"]),
        ("test_a_fault_was_in_the_way_of_one", ["one"]),
    ],
)
def test_a_recording_of_which_nothing_was_asked_fails_the_very_test(
    reports: Reports, name: str, unasked: list[str]
) -> None:
    ((kind, told),) = reports[name]
    text = "\n  - ".join([f"Recordings of which nothing was asked ({len(unasked)}):", *unasked])
    assert kind == "failure"
    assert told == f"Failed: {text}\n{text}"


def test_where_all_of_them_are_wanted_each_exchange_is_told_once(reports: Reports) -> None:
    ((kind, told),) = reports["test_nothing_asked_of_one_where_all_is_wanted"]
    text = "Recorded exchanges never asked for (1):\n  - two.har entry 1: GET /two"
    assert kind == "failure"
    assert told == f"Failed: {text}\n{text}"


def test_a_mismatch_is_not_hidden_by_a_skip_but_a_skip_uses_nothing(
    reports: Reports,
) -> None:
    assert [kind for kind, _ in reports["test_skip"]] == ["skipped"]
    kinds = dict(reports["test_mismatch_then_skip"])
    assert kinds.keys() == {"skipped", "error"}
    assert "Requests that match no recording (1):" in kinds["error"]


def test_a_mismatch_can_be_expected(reports: Reports) -> None:
    assert [kind for kind, _ in reports["test_expected_mismatch"]] == ["skipped"]  # so the report calls an xfail


def test_a_mismatch_after_the_test_is_an_error_of_the_test(reports: Reports) -> None:
    ((kind, text),) = reports["test_mismatch_in_teardown"]
    assert kind == "error"
    assert "Requests that match no recording (1):" in text


def test_a_server_without_a_story_or_with_an_unknown_one_is_an_error(
    reports: Reports,
) -> None:
    ((kind, text),) = reports["test_without_marker"]
    assert kind == "error"
    assert "@pytest.mark.clinik_recording" in text
    ((kind, text),) = reports["test_unknown_story"]
    assert kind == "error"
    assert "there is no recording 'three' in elsewhere below the root directory; there are: one, two" in text


def test_the_marker_and_the_ini_option_are_declared(project: Path) -> None:
    assert "@pytest.mark.clinik_recording(*names, use_all=False): " in run_pytest(project, "--markers").stdout
    assert "clinik_recordings (string)" in run_pytest(project, "--help").stdout


def test_the_recordings_are_in_tests_recordings_by_default(tmp_path: Path) -> None:
    (tmp_path / "pytest.ini").write_text("[pytest]\n")
    (tmp_path / "test_it.py").write_text(
        dedent("""
        def test_recordings(clinik_recordings, pytestconfig):
            assert clinik_recordings == pytestconfig.rootpath / "tests" / "recordings"
        """)
    )
    assert run_pytest(tmp_path).returncode == 0


UNUSED = """
import sys, pytest

with_plugin, *arguments = sys.argv[1:]
plugin = ["-p", "clinik_client.testing._plugin"] if with_plugin == "yes" else []
code = pytest.main(["-q", *plugin, *arguments])
print("\\n" + " ".join(sorted(sys.modules)))
sys.exit(code)
"""


def loaded_in_a_run(folder: Path, with_plugin: str, *arguments: str) -> set[str]:
    """The modules that are loaded at the end of a run of pytest."""
    command = [sys.executable, "-c", UNUSED, with_plugin, *arguments]
    environment = os.environ | {"PYTHONPATH": str(ROOT), "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stdout
    return set(done.stdout.splitlines()[-1].split())


@pytest.mark.parametrize("arguments", [("--collect-only",), ()], ids=["collecting", "running"])
def test_in_a_project_that_does_not_use_it_the_plugin_loads_nothing_but_itself(
    tmp_path: Path, arguments: tuple[str, ...]
) -> None:
    (tmp_path / "test_it.py").write_text("def test_it(): pass\n")
    more = loaded_in_a_run(tmp_path, "yes", *arguments) - loaded_in_a_run(tmp_path, "no", *arguments)
    assert more == {
        "clinik_client",
        "clinik_client._generated",
        "clinik_client._generated.models",
        "clinik_client._public_service",
        "clinik_client._version",
        "clinik_client.testing",
        "clinik_client.testing._hooks",
        "clinik_client.testing._plugin",
    }
