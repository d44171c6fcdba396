"""What a test is told of its service: requests that nothing matched, and what was left unused."""

from __future__ import annotations

from ._fault import Fault
from ._sandbox.sandbox import Sandbox
from ._server import FixtureServer

__all__ = ["Account"]


class Account:
    """The account of one test's service.

    Args:
        service: the service.
    """

    def __init__(self, service: FixtureServer | Sandbox) -> None:
        self._service = service
        self._told = 0

    def mismatches(self) -> str:
        """The requests that matched nothing, if there are any that no report has told of yet."""
        server = self._service
        if isinstance(server, Sandbox) or len(server.mismatches) == self._told:
            return ""
        return server.account(with_unused=False)

    def told(self) -> None:
        """Note that a report tells of all of them."""
        if isinstance(self._service, FixtureServer):
            self._told = len(self._service.mismatches)

    def at_the_end(self) -> str:
        """All that speaks against a test that has passed; empty if nothing does."""
        parts = []
        if isinstance(self._service, FixtureServer):
            try:
                self._service.verify()
            except AssertionError as error:
                parts.append(str(error))
        faults = self._service.faults
        if pending := faults.pending():
            met = faults.met
            lines = [f"{_named(fault)}, met by {sum(fault is one for one in met)}" for fault in pending]
            parts.append("\n  - ".join([f"Faults that too few requests met ({len(lines)}):", *lines]))
        return "\n".join(parts)


def _named(fault: Fault) -> str:
    """A fault as its marker would name it."""
    usual = Fault(fault.kind).to_dict()
    given = [f"{name}={value!r}" for name, value in fault.to_dict().items() if value != usual[name]]
    return ", ".join([repr(fault.kind), *given])
