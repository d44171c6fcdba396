"""What tells the SDK something from outside is kept from all tests."""

from __future__ import annotations

import ast
import os
from pathlib import Path

import pytest

import clinik_client
from tests.environment import SPEAKING, silence

PROXIES = {f"{scheme}_PROXY" for scheme in ("HTTP", "HTTPS", "ALL", "NO")}


def read_by_the_sdk() -> set[str]:
    """The names of variables that stand in the SDK as texts."""
    found = set()
    for path in Path(clinik_client.__file__).parent.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and ast.unparse(node.func).endswith(("environ.get", "environment.get")):
                found.add(ast.literal_eval(node.args[0]))
    return found


def test_each_variable_that_the_sdk_reads_is_known() -> None:
    names = read_by_the_sdk()
    assert {"CLINIKAPI_LOG", "SSL_CERT_FILE"} <= names
    assert {name for name in names if not SPEAKING.fullmatch(name)} == set()


@pytest.mark.parametrize("name", sorted({*PROXIES, *map(str.lower, PROXIES), *read_by_the_sdk(), "PYTHONWARNINGS"}))
def test_it_is_taken_out(name: str, bare_environment: pytest.MonkeyPatch) -> None:
    bare_environment.setenv(name, "anything")
    silence()
    assert name not in os.environ
