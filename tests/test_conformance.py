"""The conformance suite: each of its tests holds a sentence, and any service can be tried without harm to it."""

from __future__ import annotations

import ast
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from clinik_client.testing import Plan, Sandbox, SandboxSettings
from tests.conformance.__main__ import PUBLIC, address_of
from tests.conformance.report import PAGES, page_of
from tests.conformance.service import ServiceAddress, ServiceUnderTest

FOLDER = Path(__file__).parent / "conformance"


def sentences() -> Iterator[tuple[str, str]]:
    """Each test of the suite, and its docstring."""
    for path in sorted(FOLDER.glob("test_*.py")):
        for node in ast.parse(path.read_text(encoding="utf-8")).body:
            if isinstance(node, ast.FunctionDef) and node.name.startswith("test"):
                yield f"{path.stem}.{node.name}", " ".join((ast.get_docstring(node) or "").split())


@pytest.mark.parametrize("name", dict(sentences()))
def test_each_test_names_a_sentence_and_its_page(name: str) -> None:
    assert page_of(dict(sentences())[name]), f"end it with one of {', '.join(PAGES)}, in parentheses"


def test_no_two_tests_hold_one_sentence() -> None:
    assert len(dict(sentences())) == len(set(dict(sentences()).values()))


def test_the_suite_speaks_http_alone() -> None:
    for path in FOLDER.glob("*.py"):
        if path.name != "conftest.py":
            assert "clinik_client" not in path.read_text(encoding="utf-8")


# -- which service is tried -------------------------------------------------------------------------------------------


def test_without_a_key_the_sandbox_is_tried() -> None:
    assert address_of({}) is None


def test_a_test_key_leads_to_the_real_service_or_to_the_one_that_is_named() -> None:
    key = {"CLINIKAPI_SECRET_KEY": "clk_test_x"}
    assert address_of(key) == ServiceAddress(PUBLIC, "clk_test_x", "pt_abc123")
    named = {"CLINIKAPI_CONFORMANCE_URL": "http://127.0.0.1:1", "CLINIKAPI_CONFORMANCE_PATIENT": "pt_9"}
    assert address_of(key | named) == ServiceAddress("http://127.0.0.1:1", "clk_test_x", "pt_9")


@pytest.mark.parametrize("key", ["", "clk_live_x", "nothing"])
def test_nothing_but_a_test_key_is_used(key: str) -> None:
    with pytest.raises(ValueError, match="clk_test_") as raised:
        address_of({"CLINIKAPI_SECRET_KEY": key, "CLINIKAPI_CONFORMANCE_URL": "http://127.0.0.1:1"})
    assert "clk_live_x" not in str(raised.value)


def run(environment: dict[str, str], *options: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "tests.conformance", "-p", "no:cacheprovider", *options]
    return subprocess.run(
        command, capture_output=True, text=True, timeout=120, cwd=FOLDER.parents[1], env={**os.environ, **environment}
    )


def test_a_live_key_ends_it_in_one_line() -> None:
    done = run({"CLINIKAPI_SECRET_KEY": "clk_live_quince"})
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == "error: the tests need a key that begins with clk_test_, in CLINIKAPI_SECRET_KEY\n"


# -- a service that cannot be steered ---------------------------------------------------------------------------------


def test_another_service_is_tried_and_left_as_it_was() -> None:
    settings = SandboxSettings(
        shape="mixed", include="bundle", errors="fhir", phantom=True, total=False, plan=Plan(rate=100_000)
    )
    with Sandbox(seed=40, settings=settings) as sandbox:
        before = sandbox.records
        done = run({"CLINIKAPI_SECRET_KEY": sandbox.key, "CLINIKAPI_CONFORMANCE_URL": sandbox.url})
        assert done.returncode == 0, done.stdout
        assert sandbox.records == before
        assert sandbox.ledger.applied("create") == sandbox.ledger.applied("delete") > 0
        changed = {entry.target for entry in sandbox.journal.entries if entry.applied and entry.operation != "create"}
    assert not changed & {f"/v1/encounters/{record['id']}" for record in before}
    assert " deselected" in done.stdout
    assert " tests were left out: they need a service whose clock and limits can be set.\n" in done.stdout
    assert "drift" not in done.stdout
    assert sandbox.key not in done.stdout + done.stderr


def test_a_sentence_that_does_not_hold_is_told() -> None:
    settings = SandboxSettings(media_types={"create": ("application/json",)})
    with Sandbox(settings=settings) as sandbox:
        environment = {"CLINIKAPI_SECRET_KEY": sandbox.key, "CLINIKAPI_CONFORMANCE_URL": sandbox.url}
        done = run(environment, "-k", "may_be_sent_as")
        assert sandbox.records == []
    sentence = "A create is JSON; the vendor's own SDK sends it as application/fhir+json. (API reference, encounters)"
    assert done.returncode == 1
    assert f"the documentation says, in our words -------------------\n{sentence}\n" in done.stdout
    assert done.stdout.endswith(
        f"1 of 2 sentences of the documentation hold.\n{left_out(done.stdout)}\ndrift: {sentence}\n"
    )
    assert sandbox.key not in done.stdout + done.stderr


def left_out(text: str) -> str:
    return next(line for line in text.splitlines() if "were left out" in line)


def test_where_the_service_asks_for_patience_it_is_given() -> None:
    waited: list[float] = []
    with Sandbox(settings=SandboxSettings(plan=Plan(rate=2))) as sandbox:
        sandbox.clock.stop()

        def wait(seconds: float) -> None:
            waited.append(seconds)
            sandbox.clock.advance(seconds)

        service = ServiceUnderTest(ServiceAddress(sandbox.url, sandbox.key, "pt_1"), wait)
        ids = [service.create() for _ in range(3)]
        service.leave(delete=True)
        assert sandbox.records == []
    assert len(ids) == 3
    assert waited == [60.0, 60.0]
