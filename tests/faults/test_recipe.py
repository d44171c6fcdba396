"""The recipe of docs/reliability.md records a visit once, whatever happens to the create, however often it is run."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from clinik_client import Clinik, ClinikApiError
from clinik_client.testing import WireRequest
from tests.inside import VirtualClock, on_virtual_time

from .calls import KEY
from .catalogue import FAULTS, Trouble
from .server import FaultServer

DOCUMENT = Path(__file__).parents[2] / "docs" / "reliability.md"
VISIT = {"status": "planned", "class": "AMB", "patientId": "pt_recipe1", "period": {"start": "2025-06-01T09:00:00Z"}}

# What happens to the one create: before it was carried out, after it, and with a response that cannot be used.
MET = [fault for fault in FAULTS if fault.script is not None and not fault.slow and not fault.kept]


class RememberingServer(FaultServer):
    """Searches show what was created."""

    def __init__(self, fault: Trouble) -> None:
        super().__init__(fault.script, faults=1, when=lambda request: request.method == "POST")
        self.written: list[dict[str, Any]] = []

    def apply(self, request: WireRequest) -> int:
        status = super().apply(request)
        if status == 201:
            name = f"enc_recipe{len(self.written)}"
            self.written.append({**VISIT, "id": name})
        return status

    def payload(self, request: WireRequest) -> dict[str, Any]:
        asked = urlsplit(request.target)
        if request.method == "POST":
            return {"data": {**VISIT, "id": "enc_recipe0", **(self.written[-1] if self.written else {})}, "meta": {}}
        if parse_qs(asked.query).get("patientId") == [VISIT["patientId"]]:
            return {"data": {"data": self.written, "hasMore": False}, "meta": {}}
        return super().payload(request)


@pytest.fixture(scope="module")
def record_once() -> Callable[[Clinik, dict[str, Any]], Any]:
    blocks = re.findall(r"^```python\n(.*?)^```$", DOCUMENT.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL)
    [block] = [block for block in blocks if "def record_once" in block]
    names: dict[str, Any] = {}
    exec(block.partition("\nwith Clinik()")[0], names)
    found: Callable[[Clinik, dict[str, Any]], Any] = names["record_once"]
    return found


@pytest.mark.parametrize("fault", MET, ids=lambda fault: fault.name)
def test_a_visit_is_recorded_once_whatever_the_create_meets(
    fault: Trouble, record_once: Callable[[Clinik, dict[str, Any]], Any]
) -> None:
    with (
        RememberingServer(fault) as server,
        Clinik(KEY, base_url=f"http://127.0.0.1:{server.port}", trust_env=False, timeout=0.3) as clinik,
    ):
        on_virtual_time(clinik, VirtualClock(share=0.0, start=datetime.now(UTC)))
        recorded = None
        for _ in range(3):
            # As a job that is started again: whatever it was told, it begins anew.
            try:
                recorded = record_once(clinik, VISIT) or recorded
            except ClinikApiError:
                continue
        assert recorded is not None
        assert recorded.id == "enc_recipe0"
        assert server.ledger.created == {"pt_recipe1": 1}
