# Generated from openapi/clinik.yaml by `make generate`; do not edit.
"""Change fields of an encounter."""

from collections.abc import Mapping
from typing import Any, Unpack

from ...._codecs import Text
from ...._operation import Operation, Request
from ...models.encounter import Encounter
from ...models.encounter_update_request import EncounterUpdateRequest, EncounterUpdateRequestFields

OPERATION = Operation(
    id="updateEncounter",
    method="PATCH",
    path="/v1/encounters/{id}",
    path_parameters=(
        (
            "id",
            Text(
                min_length=1,
                max_length=128,
                pattern="^(?!\\.{1,2}$)[A-Za-z0-9._-]{1,128}$",
                pattern_text="1 to 128 letters, digits, hyphens, underscores and dots, and neither . nor ..",
            ),
        ),
    ),
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
        id: The id of the encounter, as it came with a create, a read or a search. (1 to 128 letters, digits,
            hyphens, underscores and dots, and neither . nor ..)
        given: all fields as one dict in the API's names, or as one model; instead of keywords.
        status: The state that the encounter has now reached.
        class_: The setting in which the encounter takes place.
        type: What kind of encounter it is, in words. (at most 200 characters)
        service_type: The medical service that it belongs to. (at most 200 characters)
        priority: How urgent it is. (at most 50 characters)
        reason_code: Why the encounter takes place, as one text or as several. (at most 500 characters; or each at most
            500 characters)
        period: When the encounter takes place. Send both ends, where both are known.
        length_minutes: How long the encounter took, in whole minutes. (0 to 10080)
        location: Where it takes place, as a name or an identifier. (at most 200 characters)
        service_provider: The name of the organization that provides the care. (at most 200 characters)
        diagnosis: All diagnoses that the encounter should have from now on. The list replaces the one before. (at most
            20 items)
        hospitalization: What changes about the stay in hospital.

    Raises:
        ClinikValidationError: what is given is not valid; every problem is in its ``issues``.
    """
    return OPERATION.request(id, given=given, keywords=fields)
