# Generated from openapi/clinik.yaml by `make generate`; do not edit.
"""Search encounters, one page at a time."""

from collections.abc import Mapping
from typing import Any, Unpack

from ...._operation import Operation, Request
from ...models.encounter_page import EncounterPage
from ...models.encounter_search_params import EncounterSearchParams, EncounterSearchParamsFields

OPERATION = Operation(
    id="searchEncounters", method="GET", path="/v1/encounters", params=EncounterSearchParams, response=EncounterPage
)


def request(
    given: EncounterSearchParams | Mapping[str, Any] | None = None, /, **fields: Unpack[EncounterSearchParamsFields]
) -> Request:
    """Build the request.

    Responds with one page of the encounters that match every filter given; without a filter, all encounters
    that the key may see. Filters are combined with and.

    To walk through all matches, ask again with the same filters and the cursor of the page before, as long as
    hasMore is true. A page may hold fewer encounters than were asked for, or none, without being the last one.
    The cursor behaves like an offset: when encounters are added or removed meanwhile, one may be listed twice
    or be passed over.

    The search index follows writes with a delay of typically about ten seconds.

    Args:
        given: all fields as one dict in the API's names, or as one model; instead of keywords.
        fields: see `EncounterSearchParams`.

    Raises:
        ClinikValidationError: what is given is not valid; every problem is in its ``issues``.
    """
    return OPERATION.request(given=given, keywords=fields)
