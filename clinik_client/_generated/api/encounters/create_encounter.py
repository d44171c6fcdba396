# Generated from openapi/clinik.yaml by `make generate`; do not edit.
"""Create an encounter."""

from collections.abc import Mapping
from typing import Any, Unpack

from ...._operation import Operation, Request
from ...models.encounter import Encounter
from ...models.encounter_create_request import EncounterCreateRequest, EncounterCreateRequestFields

OPERATION = Operation(
    id="createEncounter",
    method="POST",
    path="/v1/encounters",
    media_types=("application/json", "application/fhir+json"),
    body=EncounterCreateRequest,
    response=Encounter,
)


def request(
    given: EncounterCreateRequest | Mapping[str, Any] | None = None, /, **fields: Unpack[EncounterCreateRequestFields]
) -> Request:
    """Build the request.

    Records a new encounter and responds with it as it was stored, including the id that the service gave it.
    Status, class and patient are required. The new encounter can be read by its id at once; searches find it
    some seconds later.

    A create is not safe to repeat: if no response arrived, the encounter may or may not exist, and a second
    request may record it twice.

    Args:
        given: all fields as one dict in the API's names, or as one model; instead of keywords.
        fields: see `EncounterCreateRequest`.

    Raises:
        ClinikValidationError: what is given is not valid; every problem is in its ``issues``.
    """
    return OPERATION.request(given=given, keywords=fields)
