"""The quickstart, run as a user runs it: without a key, with a sandbox key, and with one that it must refuse."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from clinik_client.testing import Fault, Sandbox

ROOT = Path(__file__).parents[1]
QUICKSTART = ROOT / "examples" / "quickstart.py"
KEY = "clk_test_sandbox"


def quickstart(folder: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run it in some folder, with nothing in the environment about the service but what is given."""
    inherited = {name: text for name, text in os.environ.items() if not name.startswith("CLINIKAPI_")}
    return subprocess.run(
        [sys.executable, str(QUICKSTART)],
        cwd=folder,
        env={**inherited, "NO_PROXY": "*", "no_proxy": "*", "PYTHONIOENCODING": "utf-8", **environment},
        capture_output=True,
        text=True,
        encoding="utf-8",
        timeout=30,
        check=False,
    )


def test_without_a_key_it_tells_the_whole_life_of_an_encounter(tmp_path: Path) -> None:
    done = quickstart(tmp_path)
    assert (done.returncode, done.stderr) == (0, "")
    steps = ["Create", "Read", "Update", "Search", "Page through all", "Delete", "Read it once more"]
    places = [done.stdout.index(f"\n{step}") for step in steps]
    assert places == sorted(places)
    assert "ClinikNotFoundError: 404 NOT_FOUND" in done.stdout


def test_a_base_url_alone_sends_nothing_there(tmp_path: Path) -> None:
    with Sandbox() as sandbox:
        done = quickstart(tmp_path, CLINIKAPI_BASE_URL=sandbox.url)
    assert done.returncode == 0
    assert sandbox.ledger.received() == 0


def test_with_a_test_key_it_asks_the_service(tmp_path: Path) -> None:
    with Sandbox() as sandbox:
        done = quickstart(tmp_path, CLINIKAPI_SECRET_KEY=KEY, CLINIKAPI_BASE_URL=sandbox.url)
    assert (done.returncode, done.stderr) == (0, "")
    assert KEY not in done.stdout
    assert [sandbox.ledger.applied(name) for name in ("create", "update", "delete")] == [1, 1, 1]
    assert sandbox.records == []


@pytest.mark.parametrize("key", ["clk_live_precious", "precious"])
def test_any_other_key_is_refused_and_not_repeated(tmp_path: Path, key: str) -> None:
    with Sandbox() as sandbox:
        done = quickstart(tmp_path, CLINIKAPI_SECRET_KEY=key, CLINIKAPI_BASE_URL=sandbox.url)
    assert done.returncode == 2
    assert "clk_test_" in done.stderr
    assert key not in done.stdout + done.stderr
    assert sandbox.ledger.received() == 0


def test_what_it_made_is_deleted_when_it_fails_on_the_way(tmp_path: Path) -> None:
    with Sandbox() as sandbox:
        sandbox.faults.add(Fault("status", operation="update", status=500))
        done = quickstart(tmp_path, CLINIKAPI_SECRET_KEY=KEY, CLINIKAPI_BASE_URL=sandbox.url)
    assert done.returncode == 1
    assert "500" in done.stderr
    assert [entry.operation for entry in sandbox.ledger.entries] == ["create", "read", "update", "delete"]
    assert sandbox.records == []
