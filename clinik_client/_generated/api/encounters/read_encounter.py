# Generated from openapi/clinik.yaml by `make generate`; do not edit.
"""Read one encounter."""

from collections.abc import Mapping
from typing import Any, Unpack

from ...._operation import Operation, Request
from ...models.encounter import Encounter
from ...models.encounter_read_params import EncounterReadParams, EncounterReadParamsFields
from ...types import RECORD_ID

OPERATION = Operation(
    id="readEncounter",
    method="GET",
    path="/v1/encounters/{id}",
    path_parameters=(("id", RECORD_ID),),
    params=EncounterReadParams,
    response=Encounter,
)


def request(
    id: str,
    given: EncounterReadParams | Mapping[str, Any] | None = None,
    /,
    **fields: Unpack[EncounterReadParamsFields],
) -> Request:
    """Build the request.

    Responds with the encounter as it is now. What was created or updated is visible here at once, and an
    encounter that was deleted is not found from that moment on.

    With _include the service may respond with a FHIR Bundle, which holds the encounter and the records asked
    for with it. It comes from a search then, so it follows writes with a delay of typically about ten seconds.

    Args:
        id: The id of the encounter, as it came with a create, a read or a search. (a RecordId)
        given: all fields as one dict in the API's names, or as one model; instead of keywords.
        fields: see `EncounterReadParams`.

    Raises:
        ClinikValidationError: what is given is not valid; every problem is in its ``issues``.
    """
    return OPERATION.request(id, given=given, keywords=fields)
