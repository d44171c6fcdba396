"""The sandbox as a process: what it prints, how a shell uses it, and how it ends."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import pytest

from clinik_client import Clinik
from clinik_client.testing._sandbox.command import main
from tests.testing.asking import ask
from tests.testing.processes import ServerProcess, server_process

ROOT = Path(__file__).parents[3]
# With buffers, as usual, whatever this machine's environment says.
ENVIRONMENT = {name: value for name, value in os.environ.items() if name != "PYTHONUNBUFFERED"}
ENVIRONMENT["PYTHONPATH"] = str(ROOT)
COMMAND = [sys.executable, "-m", "clinik_client.testing", "sandbox"]
SHELL = "/bin/sh"  # make needs it, too
KEY = "clk_test_sandbox"


@contextmanager
def running(*arguments: str | Path) -> Iterator[ServerProcess]:
    with server_process([*COMMAND, *arguments], ENVIRONMENT, lines=4) as process:
        yield process


def test_its_first_lines_give_url_and_key_and_what_a_shell_needs() -> None:
    with running("--port", "0", "--seed", "500") as sandbox:
        port = sandbox.port
        assert sandbox.lines == [
            f"listening on http://127.0.0.1:{port}; its journal is at http://127.0.0.1:{port}/_sandbox/",
            f"{KEY} is a key that works. For a shell:",
            f"export CLINIKAPI_BASE_URL=http://127.0.0.1:{port}",
            f"export CLINIKAPI_SECRET_KEY={KEY}",
        ]
        # It listens when it says so.
        assert ask(port, "GET", "/v1/encounters", key=KEY).json["data"]["total"] == 500
        assert sandbox.end(signal.SIGINT) == (0, "1 requests, 0 changes\n")


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGTERM], ids=lambda how: how.name)
def test_a_signal_ends_it_as_soon_as_it_has_said_that_it_listens(how: signal.Signals) -> None:
    with running() as sandbox:
        assert sandbox.end(how) == (0, "0 requests, 0 changes\n")


def test_a_signal_ends_it_while_connections_are_open() -> None:
    with running() as sandbox, socket.create_connection(("127.0.0.1", sandbox.port), timeout=10) as sock:
        sock.sendall(b"POST /v1/encounters HTTP/1.1\r\nHost: h\r\nContent-Length: 10\r\n\r\n{")
        assert sandbox.end(signal.SIGINT) == (0, "0 requests, 0 changes\n")


def test_it_ends_in_peace_when_nobody_reads_what_it_prints() -> None:
    with running() as sandbox:
        assert sandbox.process.stdout is not None
        assert sandbox.process.stderr is not None
        sandbox.process.stdout.close()
        sandbox.process.send_signal(signal.SIGINT)
        assert sandbox.process.stderr.read() == ""
        assert sandbox.process.wait(10) == 0


def test_it_can_stop_when_its_standard_input_closes() -> None:
    with running("--until-stdin-closes") as sandbox:
        with Clinik(KEY, base_url=sandbox.url, trust_env=False) as clinik:
            clinik.encounters.create(status="planned", class_="VR", patient_id="pt_abc123")
        assert sandbox.end(None) == (0, "1 requests, 1 changes\n")


def test_a_shell_takes_its_lines_and_the_sdk_works_with_what_it_then_knows() -> None:
    program = "from clinik_client import Clinik; print(Clinik().encounters.search().data.total)"
    with running("--seed", "7") as sandbox:
        exports = "\n".join(line for line in sandbox.lines if line.startswith("export "))
        script = f'{exports}\n"{sys.executable}" -c "{program}"'
        done = subprocess.run(
            [SHELL, "-eu"], input=script, env=ENVIRONMENT, capture_output=True, text=True, timeout=60, check=False
        )
        assert (done.stdout, done.stderr) == ("7\n", "")
        assert sandbox.end(signal.SIGINT)[0] == 0


def test_its_options_are_the_settings(tmp_path: Path) -> None:
    seed = tmp_path / "seed.ndjson"
    seed.write_text("".join(f'{{"id": "enc_{number}", "status": "planned", "class": "VR"}}\n' for number in (1, 2)))
    with running(
        *("--seed", seed, "--shape", "fhir", "--include", "bundle", "--lag", "0", "--no-total", "--phantom"),
        *(
            "--errors",
            "fhir",
            "--rate",
            "50",
            "--monthly",
            "40",
            "--sandbox",
            "30",
            "--overage",
            "--bulk",
            "7",
            "--job-seconds",
            "2",
        ),
        *("--clock", "2025-06-01T09:00:00Z", "--stopped"),
    ) as sandbox:
        steered = {name: ask(sandbox.port, "GET", f"/_sandbox/{name}", key=None).json for name in ("settings", "clock")}
        assert (
            steered["settings"].items()
            >= {
                "shape": "fhir",
                "include": "bundle",
                "lag": 0.0,
                "total": False,
                "phantom": True,
                "errors": "fhir",
                "plan": {"rate": 50, "monthly": 40, "sandbox": 30, "overage": True, "bulk": 7},
                "jobSeconds": 2.0,
            }.items()
        )
        assert steered["clock"] == {"now": "2025-06-01T09:00:00+00:00", "running": False}
        assert ask(sandbox.port, "GET", "/v1/encounters/enc_2", key=KEY).status == 200
        assert sandbox.end(signal.SIGINT)[0] == 0


def test_its_downloads_can_be_reached_where_it_is_told_to() -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    with running("--download-port", str(port), "--download-url", "http://clinikapi:8081", "--seed", "1") as sandbox:
        started = ask(sandbox.port, "POST", "/v1/bulk/export", json={"resourceTypes": ["Encounter"]}, key=KEY)
        ask(sandbox.port, "POST", "/_sandbox/clock", json={"advance": 10}, key=None)
        job = ask(sandbox.port, "GET", f"/v1/bulk/jobs/{started.json['data']['jobId']}", key=KEY).json["data"]
        target = job["downloadUrl"].removeprefix("http://clinikapi:8081")
        assert ask(port, "GET", target, key=None).json["id"] == "enc_seed0001"
        assert sandbox.end(signal.SIGINT)[0] == 0


def test_without_options_it_is_empty_and_its_clock_runs() -> None:
    with running() as sandbox:
        assert ask(sandbox.port, "GET", "/_sandbox/records", key=None).json == {"records": []}
        assert ask(sandbox.port, "GET", "/_sandbox/clock", key=None).json["running"] is True
        assert sandbox.end(signal.SIGINT)[0] == 0


def test_a_port_that_is_taken_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        assert main(["--port", str(port)]) == 2
    output, errors = capsys.readouterr()
    assert output == ""
    assert errors.startswith(f"error: 127.0.0.1:{port}: ")
    assert "in use" in errors
    assert errors.count("\n") == 1


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--seed", "none.json"], "none.json: No such file or directory; a seed is a whole number, 0 or more, or the"),
        (["--seed", "-4"], "-4: No such file or directory; a seed is a whole number, 0 or more, or the path of a file"),
        (["--seed", "1e3"], "1e3: No such file or directory; a seed is a whole number, 0 or more, or the path of a"),
        (["--seed", "\N{ARABIC-INDIC DIGIT THREE}"], "a seed is a whole number, 0 or more, or the path of a file"),
        (["--bulk", "0"], "bulk is a whole number, 1 or more"),
        (["--seed", "seed.json"], "seed.json: line 2: this is not JSON"),
        (["--seed", "."], ".: "),
        (["--seed", "999999999"], "a seed of made-up encounters is 0 to 100,000"),
        (["--port", "65536"], "port"),
        (["--host", "256.0.0.1"], "256.0.0.1:0: "),
        (["--download-port", "65536"], "port"),
        (["--download-url", "clinikapi"], "download_url is a URL such as http://clinikapi:8081"),
        (["--lag", "-1"], "lag is a number of seconds, 0 or more"),
        (["--lag", "nan"], "lag is a number of seconds, 0 or more"),
        (["--rate", "0"], "rate is a whole number, 1 or more"),
        (["--clock", "0001-01-01T00:00:00Z"], "a sandbox's time is in the years 2 to 9998"),
    ],
)
def test_what_keeps_it_from_starting_is_told_in_one_line(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    arguments: Sequence[str],
    message: str,
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "seed.json").write_text('{"status": "planned", "class": "VR"}\n{')
    handlers = [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)]
    assert main(arguments) == 2
    output, errors = capsys.readouterr()
    assert output == ""
    assert errors.startswith("error: ")
    assert message in errors
    assert errors.count("\n") == 1
    assert [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)] == handlers


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--prot", "1"], "unrecognized arguments: --prot 1"),
        (["--port", "x"], "argument --port: invalid int value: 'x'"),
        (["--sandbox", "-1"], "argument --sandbox: "),
        (["--sandbox", "many"], "argument --sandbox: this is a whole number, 0 or more"),
        (["--shape", "round"], "argument --shape: invalid choice: 'round'"),
        (["--clock", "now"], "argument --clock: a moment has an offset from UTC, such as 2025-06-01T09:00:00Z"),
        (["--clock", "2025-06-01"], "argument --clock: a moment has an offset from UTC, such as 2025-06-01T09:00:00Z"),
    ],
)
def test_a_wrong_option_is_told_in_one_line(
    capsys: pytest.CaptureFixture[str], arguments: Sequence[str], message: str
) -> None:
    with pytest.raises(SystemExit) as stopped:
        main(arguments)
    assert stopped.value.code == 2
    output, errors = capsys.readouterr()
    assert (output, errors.count("\n")) == ("", 1)
    assert errors.startswith(f"error: {message}")
    assert errors.endswith("; clinik-sandbox --help tells all options\n")


def test_help_tells_all_options(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as stopped:
        main(["--help"])
    assert stopped.value.code == 0
    told = capsys.readouterr().out
    assert told.startswith("usage: clinik-sandbox ")
    for option in ("--host", "--port", "--seed", "--shape", "--lag", "--clock", "--until-stdin-closes"):
        assert option in told
    words = " ".join(told.split())
    for default in ("127.0.0.1", "simple", "10.0", "4.0", "500", "600000", "5", "now"):
        assert f"(default: {default})" in words


def test_the_console_script_runs_it_until_the_standard_input_closes(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    reading, writing = os.pipe()
    with os.fdopen(reading) as standard_input:
        os.close(writing)
        monkeypatch.setattr(sys, "stdin", standard_input)
        assert main(["--until-stdin-closes"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 5
    assert lines[-1] == "0 requests, 0 changes"
