# Generated from openapi/clinik.yaml by `make generate`; do not edit.
"""Delete an encounter."""

from ...._codecs import Text
from ...._operation import Operation, Request

OPERATION = Operation(
    id="deleteEncounter",
    method="DELETE",
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
)


def request(
    id: str,
    /,
) -> Request:
    """Build the request.

    Removes the encounter. Reading it afterwards gives 404 at once, while searches may list it for some seconds
    more. Records that refer to the encounter are left as they are and go on naming its id.

    Args:
        id: The id of the encounter, as it came with a create, a read or a search. (1 to 128 letters, digits,
            hyphens, underscores and dots, and neither . nor ..)

    Raises:
        ClinikValidationError: what is given is not valid; every problem is in its ``issues``.
    """
    return OPERATION.request(
        id,
    )
