"""``python -m clinik_client.testing``: serving as a process, and checking recordings."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import pytest

from clinik_client.testing import Exchange, Recording, save_recording
from clinik_client.testing.__main__ import main
from tests.testing.asking import ask
from tests.testing.processes import ServerProcess, server_process

ROOT = Path(__file__).parents[2]
ENVIRONMENT = os.environ | {"PYTHONPATH": str(ROOT)}  # the working directory may be elsewhere
COMMAND = [sys.executable, "-m", "clinik_client.testing"]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    save_recording(Recording("one", [Exchange.of("GET", "/one"), Exchange.of("GET", "/uno")]), tmp_path / "one.har")
    save_recording(Recording("two", [Exchange.of("GET", "/two")]), tmp_path / "two.har")
    return tmp_path


@contextmanager
def serving(*arguments: str | Path, cwd: Path = ROOT) -> Iterator[ServerProcess]:
    with server_process([*COMMAND, "serve", *arguments], ENVIRONMENT, lines=1, cwd=cwd) as process:
        yield process


def run(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    command = [*COMMAND, *map(str, arguments)]
    return subprocess.run(command, env=ENVIRONMENT, capture_output=True, text=True, timeout=30, check=False)


@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGINT], ids=["SIGTERM", "SIGINT"])
def test_it_serves_until_a_signal_and_sums_up(folder: Path, how: signal.Signals) -> None:
    with serving(folder) as server:
        assert ask(server.port, "GET", "/one").status == 200
        assert ask(server.port, "GET", "/two").status == 200
        code, output = server.end(how)
    assert code == 0
    assert output == (
        "Recorded exchanges never asked for (1):\n  - one.har entry 2: GET /uno\n"
        "2 requests, 0 without a recording; 1 recorded exchanges never asked for\n"
    )


def test_it_stops_when_its_standard_input_closes(folder: Path) -> None:
    with serving(folder, "--until-stdin-closes") as server:
        assert ask(server.port, "GET", "/one").status == 200
        code, output = server.end(None)
    assert code == 0
    assert "1 requests, 0 without a recording" in output


def test_a_request_without_a_recording_makes_it_fail_in_the_end(folder: Path) -> None:
    with serving(folder, "--until-stdin-closes") as server:
        assert ask(server.port, "GET", "/three").status == 400
        code, output = server.end(None)
    assert code == 1
    assert "request 1: GET /three\n      nearest recording: " in output


def test_only_the_chosen_stories_are_served_and_all_of_them_may_have_to_be_used(folder: Path) -> None:
    with serving(folder, "--story", "two", "--use-all", "--until-stdin-closes") as server:
        assert ask(server.port, "GET", "/two").status == 200
        assert server.end(None) == (0, "1 requests, 0 without a recording; 0 recorded exchanges never asked for\n")
    with serving(folder, "--story", "two", "--use-all", "--until-stdin-closes") as server:
        code, _ = server.end(None)
    assert code == 1


def test_a_story_can_be_told_again(folder: Path) -> None:
    with serving(folder, "--loop", "--story", "one", "--use-all", "--until-stdin-closes") as server:
        for target in ("/one", "/uno") * 2 + ("/one",):
            assert ask(server.port, "GET", target).status == 200
        assert server.end(None) == (0, "5 requests, 0 without a recording; 0 recorded exchanges never asked for\n")


def test_keys_can_be_limited_to_those_in_a_file(folder: Path) -> None:
    (folder / "keys").write_text("clk_test_a\nclk_test_b\n")
    with serving(folder, "--api-key-file", folder / "keys", "--until-stdin-closes") as server:
        assert ask(server.port, "GET", "/one", key="clk_test_b").status == 200
        assert ask(server.port, "GET", "/two", key="clk_test_c").status == 400
        code, output = server.end(None)
    assert code == 1
    assert "clk_test" not in output


def test_without_a_path_the_recordings_of_the_working_directory_are_served(tmp_path: Path) -> None:
    save_recording(Recording("one", [Exchange.of("GET", "/one")]), tmp_path / "tests" / "recordings" / "one.har")
    with serving("--until-stdin-closes", cwd=tmp_path) as server:
        assert ask(server.port, "GET", "/one").status == 200
        assert ask(server.port, "GET", "/v1/encounters").status == 400
        assert server.end(None)[0] == 1
    with serving("--story", "one", "--story", "empty-search", "--until-stdin-closes", cwd=tmp_path) as server:
        assert ask(server.port, "GET", "/one").status == 200
        assert ask(server.port, "GET", "/v1/encounters").status == 200
        assert server.end(None)[0] == 0


def test_without_a_path_where_there_are_no_recordings_those_of_the_package_are_served(tmp_path: Path) -> None:
    with serving("--until-stdin-closes", cwd=tmp_path) as server:
        assert ask(server.port, "GET", "/v1/encounters").status == 200
        assert server.end(None)[0] == 0


def test_a_given_port_is_used_and_one_in_use_is_an_error(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with serving(folder, "--until-stdin-closes") as server:
        assert main(["serve", str(folder), "--port", str(server.port)]) == 2
        assert "in use" in capsys.readouterr().err
        port = server.port
        server.end(None)
    with serving(folder, "--port", str(port), "--until-stdin-closes") as server:
        assert server.port == port


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["none.har"], "none.har: cannot be read"),
        ([".", "--story", "three"], "there is no recording 'three'; there are: one, two"),
        ([".", "--api-key-file", "none"], "none"),
        ([".", "--port", "65536"], "port"),
    ],
)
def test_what_keeps_it_from_starting_is_told(
    folder: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    arguments: Sequence[str],
    message: str,
) -> None:
    monkeypatch.chdir(folder)
    assert main(["serve", *arguments]) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err.startswith("error: ")
    assert message in captured.err


def test_check_says_what_is_usable_and_what_is_not(folder: Path) -> None:
    good = run("check", folder)
    assert (good.returncode, good.stderr) == (0, "")
    assert good.stdout == f"{folder / 'one.har'}: 2 exchanges\n{folder / 'two.har'}: 1 exchanges\n"

    (folder / "bad.har").write_text("{}")
    (folder / "empty").mkdir()
    bad = run("check", folder, folder / "empty")
    assert bad.returncode == 1
    assert bad.stdout == good.stdout
    assert bad.stderr == (
        f"error: {folder / 'bad.har'}: log is missing\nerror: {folder / 'empty'}: there is no .har file here\n"
    )


def test_help_names_both_commands() -> None:
    shown = run("--help")
    assert shown.returncode == 0
    assert "serve" in shown.stdout
    assert "check" in shown.stdout
