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
    body=EncounterCreateRequest,
    response=Encounter,
)


def request(
    given: EncounterCreateRequest | Mapping[str, Any] | None = None,
    /,
    **fields: Unpack[EncounterCreateRequestFields],
) -> Request:
    """Build the request.

    Records a new encounter and responds with it as it was stored, including the id that the service gave it.
    Status, class and patient are required. The new encounter can be read by its id at once; searches find it
    some seconds later.

    A create is not safe to repeat: if no response arrived, the encounter may or may not exist, and a second
    request may record it twice.

    Args:
        given: all fields as one dict in the API's names, or as one model; instead of keywords.
        status: The state in which the encounter begins.
        class_: The setting in which the encounter takes place.
        patient_id: The patient. Cannot be changed later. (1 to 128 letters, digits, hyphens, underscores and dots, and
            neither . nor ..)
        practitioner_id: The practitioner who is responsible. (1 to 128 letters, digits, hyphens, underscores and dots, and
            neither . nor ..)
        participants: Practitioners who take part besides the responsible one.
        type: What kind of encounter it is, in words. (at most 200 characters)
        service_type: The medical service that it belongs to. (at most 200 characters)
        priority: How urgent it is. (at most 50 characters)
        reason_code: Why the encounter takes place, as one text or as several. (at most 500 characters; or each at most
            500 characters)
        period: When the encounter takes place.
        length_minutes: How long the encounter takes, in whole minutes. (0 to 10080)
        location: Where it takes place, as a name or an identifier. (at most 200 characters)
        service_provider: The name of the organization that provides the care. (at most 200 characters)
        diagnosis: The diagnoses that matter to the encounter. (at most 20 items)
        appointment_id: The appointment that led to the encounter. Cannot be changed later. (1 to 128 letters, digits,
            hyphens, underscores and dots, and neither . nor ..)
        based_on_id: The service request that the encounter fulfils. Cannot be changed later. (1 to 128 letters, digits,
            hyphens, underscores and dots, and neither . nor ..)
        part_of_id: The encounter that this one is a part of. Cannot be changed later. (1 to 128 letters, digits,
            hyphens, underscores and dots, and neither . nor ..)
        hospitalization: The circumstances of a stay in hospital, for inpatient encounters.

    Raises:
        ClinikValidationError: what is given is not valid; every problem is in its ``issues``.
    """
    return OPERATION.request(given=given, keywords=fields)
