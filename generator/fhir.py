"""Which FHIR resources the SDK can read: those whose room in ``clinik_client`` has a `FhirForm` in its ``fhir.py``."""

from __future__ import annotations

import ast
from pathlib import Path

from attrs import frozen

SDK = Path(__file__).parents[1] / "clinik_client"


@frozen
class FhirName:
    """Where the form of a resource is."""

    room: str
    """The module, below the package."""
    name: str
    """The name in it."""


def known_forms(sdk: Path) -> dict[str, FhirName]:
    """The forms there are, by ``resourceType``. Read from the source: the SDK need not be importable for this."""
    found = {}
    for file in sorted(sdk.glob("*/fhir.py")):
        for node in ast.parse(file.read_text(encoding="utf-8")).body:
            match node:
                case ast.AnnAssign(
                    target=ast.Name(id=name),
                    value=ast.Call(func=ast.Name(id="FhirForm"), args=[ast.Constant(value=str(resource_type)), *_]),
                ):
                    found[resource_type] = FhirName(f"{file.parent.name}.fhir", name)
    return found
