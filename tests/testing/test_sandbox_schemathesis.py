"""schemathesis asks a sandbox whatever the document allows, and what it does not, and finds nothing that disagrees."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import orjson
import pytest
from attrs import frozen

from clinik_client.testing import Plan, Sandbox, SandboxSettings
from clinik_client.testing._sandbox.encounter_routes import _REFERENCES
from clinik_client.testing._sandbox.search import _SORTED_BY
from tests.document import closed
from tests.strategies import DOCUMENT

LIFTED = Plan(rate=10**9, monthly=10**9, sandbox=10**9)

# schemathesis knows neither our format of dates nor our extension for codes that are not listed.
_TIME = r"T([01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9](\.[0-9]{1,6})?(Z|[+-](0[0-9]|1[0-3]):[0-5][0-9])"
DATE_TIME = {
    "type": "string",
    "pattern": rf"^(19|20)[0-9][0-9](-(0[1-9]|1[0-2])(-(0[1-9]|1[0-9]|2[0-8])({_TIME})?)?)?$",
}
OTHER_CODE = {"type": "string", "pattern": "^[A-Za-z0-9-]{1,64}$"}
# What the document leaves to the service, as the sandbox has it.
LEFT_OPEN = {
    "_include": {"type": "array", "items": {"enum": list(_REFERENCES)}},
    "sort": {"enum": [sign + name for name in _SORTED_BY for sign in ("", "-")]},
    "count": {"type": "string"},
}
# The record that the document's examples name.
KNOWN = {"id": "enc_xyz789", "status": "planned", "class": "AMB", "patientId": "pt_abc123"}
LINKS = {
    operation: {"operationId": operation, "parameters": {"id": "$response.body#/data/id"}}
    for operation in ("readEncounter", "updateEncounter", "deleteEncounter")
}


def view(node: Any, *, least: int) -> Any:
    """A part of the document in words that schemathesis knows.

    Args:
        node: the part.
        least: how many characters a free text has, at least.
    """
    if isinstance(node, list):
        return [view(item, least=least) for item in node]
    if not isinstance(node, Mapping):
        return node
    if node.get("format") == "fhir-date-time":
        return DATE_TIME
    if node.get("x-other-codes"):
        return OTHER_CODE
    if node.get("in") == "query" and node["name"] in LEFT_OPEN:
        return {**node, "schema": LEFT_OPEN[node["name"]]}
    seen = {key: value if key == "examples" else view(value, least=least) for key, value in node.items()}
    if node.get("type") == "integer":
        seen.setdefault("maximum", 2**53)  # beyond this no two programs agree about a JSON number
    if least and node.get("type") == "string" and not node.keys() & {"pattern", "format", "enum", "const"}:
        seen["minLength"] = least
    return seen


def document(*, least: int) -> dict[str, Any]:
    """The whole document, in which a field has to be described wherever it stands."""
    seen: dict[str, Any] = view(closed(DOCUMENT), least=least)
    stored = seen["components"]["schemas"]["Encounter"]["properties"]
    # What was stored may have other codes; see there.
    stored["status"] = stored["class"] = OTHER_CODE
    seen["paths"]["/v1/encounters"]["post"]["responses"]["201"]["links"] = LINKS
    return seen


@frozen
class Exploration:
    """One run of schemathesis: its seed, what it tries, and how the sandbox answers meanwhile."""

    seed: int
    mode: str
    settings: SandboxSettings


RUNS = [
    Exploration(1, "all", SandboxSettings(plan=LIFTED)),
    Exploration(2, "all", SandboxSettings(plan=LIFTED, errors="fhir", total=False)),
    Exploration(3, "all", SandboxSettings(plan=LIFTED, lag=0)),
    # FHIR has no empty texts, and the document has no rule against them.
    Exploration(4, "positive", SandboxSettings(plan=LIFTED, shape="fhir", include="bundle", phantom=True)),
    Exploration(5, "positive", SandboxSettings(plan=LIFTED, shape="mixed", include="bundle")),
]


@pytest.mark.long
@pytest.mark.parametrize("run", RUNS, ids=lambda run: f"{run.seed}-{run.mode}-{run.settings.shape}")
def test_schemathesis_finds_no_disagreement(run: Exploration, tmp_path: Path) -> None:
    described = tmp_path / "clinik.json"
    described.write_bytes(orjson.dumps(document(least=int(run.settings.shape != "simple"))))
    with Sandbox([KNOWN], settings=run.settings) as sandbox:
        options = {
            "--url": sandbox.url,
            "--header": f"x-api-key: {sandbox.key}",
            "--seed": str(run.seed),
            "--mode": run.mode,
            "--max-examples": "30",
            "--checks": "all",
            "--phases": "examples,coverage,fuzzing,stateful",
        }
        command = [sys.executable, "-m", "schemathesis.cli", "run", str(described), "--continue-on-failure"]
        command += [word for option in options.items() for word in option]
        done = subprocess.run(command, capture_output=True, text=True, timeout=600, cwd=tmp_path)
        received = {entry.operation for entry in sandbox.journal.entries}
        statuses = {entry.status for entry in sandbox.journal.entries}
        applied = sandbox.ledger.applied("create"), sandbox.ledger.applied("update"), sandbox.ledger.applied("delete")
    assert done.returncode == 0, done.stdout[-20_000:] + done.stderr
    assert {"create", "read", "update", "delete", "search"} <= received
    assert statuses >= {200, 201, 204, 404} | ({400, 401, 405, 415, 422} if run.mode == "all" else set())
    assert min(applied) > 5
