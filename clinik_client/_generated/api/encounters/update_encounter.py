# Generated from openapi/clinik.yaml by `make generate`; do not edit.
"""Change fields of an encounter."""

from collections.abc import Mapping
from typing import Any, Unpack

from ...._operation import Operation, Request
from ...models.encounter import Encounter
from ...models.encounter_update_request import EncounterUpdateRequest, EncounterUpdateRequestFields
from ...types import RECORD_ID

OPERATION = Operation(
    id="updateEncounter",
    method="PATCH",
    path="/v1/encounters/{id}",
    path_parameters=(("id", RECORD_ID),),
    media_types=("application/json", "application/json-patch+json", "application/fhir+json"),
    body=EncounterUpdateRequest,
    response=Encounter,
)


def request(
    id: str,
    given: EncounterUpdateRequest | Mapping[str, Any] | None = None,
    /,
    **fields: Unpack[EncounterUpdateRequestFields],
) -> Request:
    """Build the request.

    Changes the fields that are sent, leaves every other field as it is, and responds with the complete
    encounter after the change. A list of diagnoses replaces the whole list that was there before, so send all
    that should remain. There is no documented way to clear a field.

    The patient, the practitioner and other participants, and the links to an appointment, a request or a parent
    encounter are given when the encounter is created and cannot be changed here.

    Args:
        id: The id of the encounter, as it came with a create, a read or a search. (a RecordId)
        given: all fields as one dict in the API's names, or as one model; instead of keywords.
        fields: see `EncounterUpdateRequest`.

    Raises:
        ClinikValidationError: what is given is not valid; every problem is in its ``issues``.
    """
    return OPERATION.request(id, given=given, keywords=fields)
