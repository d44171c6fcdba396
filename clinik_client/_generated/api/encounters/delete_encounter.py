# Generated from openapi/clinik.yaml by `make generate`; do not edit.
"""Delete an encounter."""

from ...._operation import Operation, Request
from ...types import RECORD_ID

OPERATION = Operation(
    id="deleteEncounter", method="DELETE", path="/v1/encounters/{id}", path_parameters=(("id", RECORD_ID),)
)


def request(id: str, /) -> Request:
    """Build the request.

    Removes the encounter. Reading it afterwards gives 404 at once, while searches may list it for some seconds
    more. Records that refer to the encounter are left as they are and go on naming its id.

    Args:
        id: The id of the encounter, as it came with a create, a read or a search. (a RecordId)

    Raises:
        ClinikValidationError: what is given is not valid; every problem is in its ``issues``.
    """
    return OPERATION.request(id)
