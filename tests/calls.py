"""A call of every operation of the document, what its service responds, and how long it may take."""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from attrs import fields_dict, frozen

from clinik_client import ApiResponse, Clinik, Encounter
from clinik_client._generated import api
from clinik_client._operation import Operation, Request
from tests.servers import Step, ok, respond
from tests.stopwatch import Stopwatch
from tests.strategies import DOCUMENT, INPUTS, least

TIMEOUT = 0.2
OVERRUN = 0.1


def create(clinik: Clinik) -> ApiResponse[Encounter]:
    return clinik.encounters.create(status="planned", class_="AMB", patient_id="pt_1")


@frozen
class OperationCall:
    """A call of one operation: about ``enc_1``, with the first example that the document has of what it takes."""

    resource: str
    operation: Operation
    build: Callable[..., Request]

    @property
    def method(self) -> str:
        """The facade's: ``create`` is the first word of ``createEncounter``."""
        return "".join(letter if letter.islower() else " " for letter in self.operation.id).partition(" ")[0]

    @property
    def name(self) -> str:
        # The tests ask for those of encounters by the method alone.
        return self.method if self.resource == "encounters" else f"{self.resource}.{self.method}"

    @property
    def described(self) -> dict[str, Any]:
        found: dict[str, Any] = DOCUMENT["paths"][self.operation.path][self.operation.method.lower()]
        return found

    @property
    def body(self) -> dict[str, Any]:
        return {} if self.operation.body is None else INPUTS[self.operation.id].schema["examples"][0]

    @property
    def query(self) -> dict[str, Any]:
        """One parameter, for what is not about one record."""
        if self.operation.params is None or self.operation.path_parameters:
            return {}
        name, schema = next(iter(INPUTS[self.operation.id].schema["properties"].items()))
        return {name: least(schema)}

    @property
    def arguments(self) -> list[Any]:
        given = self.body or self.query
        return [*("enc_1" for _ in self.operation.path_parameters), *([given] if given else [])]

    @property
    def request(self) -> Request:
        return self.build(*self.arguments)

    def __call__(self, clinik: Clinik) -> ApiResponse[Any]:
        response: ApiResponse[Any] = getattr(getattr(clinik, self.resource), self.method)(*self.arguments)
        return response

    @property
    def good(self) -> Step:
        """What the service responds when it did it."""
        [status] = [int(status) for status in self.described["responses"] if status.startswith("2")]
        if self.operation.response is None:
            return respond(status)
        if "has_more" in fields_dict(self.operation.response):
            return ok({"data": [{**self.query, "id": "enc_1"}], "hasMore": False}, status)
        return ok({**self.body, "id": "enc_1"}, status)


def _calls() -> Iterator[OperationCall]:
    for found in pkgutil.walk_packages(api.__path__, f"{api.__name__}."):
        if not found.ispkg:
            module = importlib.import_module(found.name)
            yield OperationCall(found.name.split(".")[-2], module.OPERATION, module.request)


CALLS: dict[str, OperationCall] = {call.name: call for call in _calls()}
GOOD: dict[str, Step] = {name: call.good for name, call in CALLS.items()}
READS = [name for name, call in CALLS.items() if call.operation.method == "GET"]
DELETES = [name for name, call in CALLS.items() if call.operation.method == "DELETE"]
SENT_ONCE = [name for name in CALLS if name not in [*READS, *DELETES]]


@contextmanager
def in_time(limit: float = TIMEOUT) -> Iterator[None]:
    """What is inside takes no longer than its limit and the overrun that is promised."""
    with Stopwatch() as watch:
        yield
    assert watch.seconds <= limit + OVERRUN, f"took {watch.seconds:.3f} s"
