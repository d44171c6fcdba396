"""Under pytest nothing reaches the public service, unless a test says so. A port of this machine stands for the way."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.testing.projects import ROOT, Reports, read_reports, run_pytest

# Nothing listens at the proxy's port: an attempt to reach the public service ends there.
CONFTEST = """
import pytest

from clinik_client import Clinik, ClinikApiError

AT_IMPORT = Clinik("clk_test_x", proxy="http://127.0.0.1:9", retries=0)


def code_of(client):
    try:
        client.encounters.search()
    except ClinikApiError as error:
        return error.code


CODE_AT_IMPORT = code_of(AT_IMPORT)


@pytest.fixture(scope="session")
def of_the_session():
    with Clinik("clk_test_x", proxy="http://127.0.0.1:9", retries=0) as client:
        yield client


@pytest.fixture
def untidy():
    yield
    code_of(AT_IMPORT)


@pytest.fixture
def careful():
    code_of(AT_IMPORT)


@pytest.fixture
def hasty(of_the_session):
    of_the_session.encounters.search()
"""

TESTS = """
import os
import subprocess
import sys
from threading import Thread
from unittest import TestCase, mock

import pytest
from conftest import AT_IMPORT, CODE_AT_IMPORT, code_of

from clinik_client import Clinik, ClinikApiError
from clinik_client.testing import RECORDINGS, Recorder

PROGRAM = '''
import sys
from clinik_client import Clinik, ClinikApiError
try:
    Clinik("clk_test_x", proxy="http://127.0.0.1:9", retries=0).encounters.search()
except ClinikApiError as error:
    print(error.code)
'''


def in_another_process():
    done = subprocess.run([sys.executable, "-c", PROGRAM], capture_output=True, text=True)
    return done.stdout.strip()


def test_made_and_used_at_import():
    assert CODE_AT_IMPORT == "public_service"


def test_of_another_process():
    assert in_another_process() == "public_service"


@pytest.mark.clinik_public
def test_allowed():
    assert code_of(AT_IMPORT) == "proxy_refused"
    assert in_another_process() == "proxy_refused"


def test_not_allowed_after_that():
    assert in_another_process() == "public_service"


@pytest.mark.clinik_public
class TestOfAClass:
    def test_allowed_by_its_class(self, of_the_session):
        assert code_of(of_the_session) == "proxy_refused"


def test_another_service():
    client = Clinik("clk_test_x", base_url="http://127.0.0.1:9", retries=0)
    assert code_of(client) == "refused"


def diff():
    command = [sys.executable, "-m", "clinik_client.testing", "diff", str(RECORDINGS), "--story", "empty-search"]
    names = {"CLINIKAPI_SECRET_KEY": "clk_test_x", "HTTPS_PROXY": "http://127.0.0.1:9"}
    return subprocess.run(command, env={**os.environ, **names}, capture_output=True, text=True)


def test_told_again_to_it():
    done = diff()
    assert done.returncode == 2
    assert "Nothing was sent: this is a test" in done.stderr


@pytest.mark.clinik_public
def test_allowed_to_be_told_again():
    assert "Nothing was sent" not in diff().stderr


# -- these fail


def ask_recorder(folder):
    with Recorder(folder / "visit.har", proxy="http://127.0.0.1:9") as recorder:
        Clinik("clk_live_x", base_url=recorder.url, retries=0).encounters.search()


def test_recorded(tmp_path):
    ask_recorder(tmp_path)


def test_caught_behind_a_recorder(tmp_path):
    with pytest.raises(ClinikApiError) as raised:
        ask_recorder(tmp_path)
    assert (raised.value.code, raised.value.outcome) == ("PUBLIC_SERVICE", "rejected")


def test_made_at_import():
    assert code_of(AT_IMPORT) == "public_service"


def test_made_by_a_fixture_of_the_session(of_the_session):
    assert code_of(of_the_session) == "public_service"


def test_named():
    with pytest.warns(match="plain HTTP"):
        client = Clinik("clk_test_x", base_url="http://api.clinikapi.com", proxy="http://127.0.0.1:9", retries=0)
    assert code_of(client) == "public_service"


def test_without_an_environment():
    with mock.patch.dict(os.environ, clear=True):
        assert code_of(AT_IMPORT) == "public_service"


def test_caught_again_and_again():
    for _ in range(3):
        code_of(AT_IMPORT)


def test_caught_in_another_thread():
    thread = Thread(target=code_of, args=[AT_IMPORT])
    thread.start()
    thread.join()


def test_caught_where_it_is_expected():
    with pytest.raises(ClinikApiError):
        AT_IMPORT.encounters.search()  # the line of test_caught_where_it_is_expected


def test_caught_in_setup(careful):
    pass


def test_caught_in_teardown(untidy):
    pass


def test_caught_and_failed():
    code_of(AT_IMPORT)
    assert 1 == 2


def test_caught_and_skipped():
    code_of(AT_IMPORT)
    pytest.skip("for a reason")


@pytest.mark.clinik_recording("empty-search")
def test_caught_with_a_recording_left_unused(clinik):
    code_of(AT_IMPORT)


def test_untold():
    AT_IMPORT.encounters.search()  # the line of test_untold


def test_wrapped():
    try:
        AT_IMPORT.encounters.search()
    except ClinikApiError as error:
        raise RuntimeError("mine") from error


def test_in_a_fixture(hasty):
    pass


class TestOfUnittest(TestCase):
    def test_unittest(self):
        AT_IMPORT.encounters.search()

    def test_unittest_caught(self):
        with self.assertRaises(ClinikApiError):
            AT_IMPORT.encounters.search()

    def test_unittest_in_a_subtest(self):
        with self.subTest("mine"):
            AT_IMPORT.encounters.search()
"""

FAILING = {
    "test_made_at_import": "failure",
    "test_made_by_a_fixture_of_the_session": "failure",
    "test_named": "failure",
    "test_without_an_environment": "failure",
    "test_caught_again_and_again": "failure",
    "test_caught_in_another_thread": "failure",
    "test_caught_where_it_is_expected": "failure",
    "test_caught_in_setup": "failure",
    "test_caught_in_teardown": "error",
    "test_recorded": "failure",
    "test_untold": "failure",
    "test_wrapped": "failure",
    "test_in_a_fixture": "error",
    "test_unittest": "failure",
    "test_unittest_caught": "failure",
    "test_unittest_in_a_subtest": "failure",
}
MORE = {
    *("test_caught_and_failed", "test_caught_and_skipped", "test_caught_with_a_recording_left_unused"),
    "test_caught_behind_a_recorder",
}
REASON = (
    "Nothing was sent: this is a test, and the request was for the public service. Use the fixture clinik, or give "
    "base_url or CLINIKAPI_BASE_URL. A test with @pytest.mark.clinik_public may reach it."
)


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("project")
    (folder / "pytest.ini").write_text("[pytest]\n")
    (folder / "conftest.py").write_text(CONFTEST)
    (folder / "test_project.py").write_text(TESTS)
    return folder


@pytest.fixture(scope="module")
def reports(project: Path) -> Reports:
    return read_reports(project)


def test_what_is_made_anywhere_is_refused_unless_a_test_says_so(reports: Reports) -> None:
    assert {name for name, told in reports.items() if told} == FAILING.keys() | MORE
    assert len(reports) == TESTS.count("def test_")


@pytest.mark.parametrize(("name", "kind"), FAILING.items())
def test_what_to_do_is_told_once_and_without_a_traceback(reports: Reports, name: str, kind: str) -> None:
    ((told, text),) = reports[name]
    assert told == kind
    place, _, reason = text.splitlines()[1].partition(": ")
    assert re.fullmatch(r"(test_project|conftest)\.py:[0-9]+", place)
    assert reason == REASON
    assert len(text.splitlines()) == 2


def test_what_was_caught_is_noted_on_another_failure(reports: Reports) -> None:
    ((kind, text),) = reports["test_caught_and_failed"]
    assert kind == "failure"
    assert "assert 1 == 2" in text
    assert text.count(REASON) == 2  # in the message of the report, and in its text


def test_what_a_recorder_was_refused_is_told_without_a_line_since_it_asks_in_a_thread_of_its_own(
    reports: Reports,
) -> None:
    ((kind, text),) = reports["test_caught_behind_a_recorder"]
    assert kind == "failure"
    assert text.splitlines()[1:] == [REASON]


def test_a_skip_does_not_hide_what_was_caught(reports: Reports) -> None:
    assert [kind for kind, _ in reports["test_caught_and_skipped"]] == ["skipped", "error"]
    assert REASON in reports["test_caught_and_skipped"][1][1]


def test_it_is_told_with_what_else_speaks_against_the_test(reports: Reports) -> None:
    ((kind, text),) = reports["test_caught_with_a_recording_left_unused"]
    assert kind == "failure"
    refused, *rest = text.partition("\n")[2].splitlines()[-3:]
    assert refused.endswith(REASON)
    assert rest == ["Recordings of which nothing was asked (1):", "  - empty-search"]


@pytest.mark.parametrize("name", ["test_untold", "test_caught_where_it_is_expected"])
def test_the_line_that_asked_is_named(reports: Reports, name: str) -> None:
    lines = TESTS.splitlines()
    [line] = [number for number, text in enumerate(lines, start=1) if text.endswith(f"# the line of {name}")]
    assert reports[name][0][1].splitlines()[1].startswith(f"test_project.py:{line}: ")


def test_a_plugin_that_a_conftest_names_refuses_as_well(tmp_path: Path) -> None:
    (tmp_path / "conftest.py").write_text('pytest_plugins = ["clinik_client.testing._plugin"]\n')
    (tmp_path / "test_it.py").write_text(
        "from clinik_client import _public_service\n\ndef test_it():\n    assert _public_service.refused\n"
    )
    command = [sys.executable, "-m", "pytest", "-q"]
    environment = {"PYTHONPATH": str(ROOT), "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}
    done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, timeout=60, check=False)
    assert done.returncode == 0, done.stdout


def test_after_a_run_everything_is_as_it_was(tmp_path: Path) -> None:
    (tmp_path / "test_it.py").write_text(
        "import os, pytest\nfrom clinik_client import _public_service\n\n"
        "def test_it(pytester):\n"
        "    pytester.makepyfile(test_inner='def test_it(): pass')\n"
        "    pytester.runpytest_inprocess('-p', 'clinik_client.testing._plugin').assert_outcomes(passed=1)\n"
        "    assert _public_service.refused and os.environ[_public_service.VARIABLE] == 'refused'\n"
    )
    assert run_pytest(tmp_path, "-p", "pytester").returncode == 0
    program = (
        "import pytest, sys; from clinik_client import _public_service\n"
        "assert pytest.main(['-p', 'clinik_client.testing._plugin', '-p', 'pytester']) == 0\n"
        "import os; assert not _public_service.refused and _public_service.VARIABLE not in os.environ"
    )
    environment = {"PYTHONPATH": str(ROOT), "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}
    command = [sys.executable, "-c", program]
    done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, timeout=60, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
