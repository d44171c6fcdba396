# Generated from openapi/clinik.yaml by `make generate`; do not edit.
"""Read one encounter."""

from collections.abc import Mapping
from typing import Any, Unpack

from ...._codecs import Text
from ...._operation import Operation, Request
from ...models.encounter import Encounter
from ...models.encounter_read_params import EncounterReadParams, EncounterReadParamsFields

OPERATION = Operation(
    id="readEncounter",
    method="GET",
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

    Args:
        id: The id of the encounter, as it came with a create, a read or a search. (1 to 128 letters, digits,
            hyphens, underscores and dots, and neither . nor ..)
        given: all fields as one dict in the API's names, or as one model; instead of keywords.
        include: Records that the encounter refers to and that should be sent with it. Each value is Encounter, a
            colon and the name of the reference, for example Encounter:patient. Every value is sent as a
            parameter of its own. (each the name of a reference, such as patient)

    Raises:
        ClinikValidationError: what is given is not valid; every problem is in its ``issues``.
    """
    return OPERATION.request(id, given=given, keywords=fields)
