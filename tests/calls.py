"""A call of every operation, what its service responds, and how long it may take."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from clinik_client import ApiResponse, Clinik, Encounter
from tests.servers import Step, created, ok, page, respond
from tests.stopwatch import Stopwatch

TIMEOUT = 0.2
OVERRUN = 0.1


def create(clinik: Clinik) -> ApiResponse[Encounter]:
    return clinik.encounters.create(status="planned", class_="AMB", patient_id="pt_1")


CALLS: dict[str, Callable[[Clinik], ApiResponse[Any]]] = {
    "create": create,
    "read": lambda clinik: clinik.encounters.read("enc_1"),
    "update": lambda clinik: clinik.encounters.update("enc_1", status="finished"),
    "delete": lambda clinik: clinik.encounters.delete("enc_1"),
    "search": lambda clinik: clinik.encounters.search(patient_id="pt_1"),
}
GOOD: dict[str, Step] = {
    "create": created(),
    "read": ok(),
    "update": ok(),
    "delete": respond(204),
    "search": page(["enc_1"]),
}


@contextmanager
def in_time(limit: float = TIMEOUT) -> Iterator[None]:
    """What is inside takes no longer than its limit and the overrun that is promised."""
    with Stopwatch() as watch:
        yield
    assert watch.seconds <= limit + OVERRUN, f"took {watch.seconds:.3f} s"
