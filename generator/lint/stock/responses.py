"""Responses: their status and their headers."""

from __future__ import annotations

import re
from collections.abc import Iterator
from http import HTTPStatus

from ...document import is_status, mapping
from ..context import LintContext, and_more
from ..rules import STOCK, Finding

STATUS_FORM = STOCK.breaks(
    "status-pattern",
    "a response is left out, or never comes, whose status is neither 100 to 599, nor 1XX to 5XX, nor default",
    "three digits, `4XX` in capitals, or `default`",
    ours="refused with its line",
    says=r"Invalid response status code pattern",
)
STATUS = STOCK.breaks(
    "status-unknown",
    "for a status that Python's HTTPStatus does not know, reading the response raises ValueError",
    "a registered status",
    ours="any status is read",
)
HEADERS = STOCK.drops(
    "response-headers",
    "the headers of responses are dropped: they have no type and no name in the generated code",
    "nothing else: they are in `.headers` as text",
    ours="request ids, limits and quotas are read by handwritten code into `meta`",
)


@STOCK.check
def statuses(context: LintContext) -> Iterator[Finding]:
    for operation in context.operations:
        for status, path, _, _ in context.responses(operation):
            what = f"every response {status} of {operation.name}"
            # What has another form is left out with a warning, which is told with the others.
            if not is_status(status) and re.fullmatch("[0-9]+|[0-9]XX", status):
                yield STATUS_FORM.found(context, path, what)
            elif status.isdecimal() and int(status) not in set(HTTPStatus):
                yield STATUS.found(context, path, what)


@STOCK.check
def headers(context: LintContext) -> Iterator[Finding]:
    places = [
        path
        for operation in context.operations
        for _, path, response, _ in context.responses(operation)
        if mapping(response.get("headers"))
    ]
    if places:
        yield HEADERS.found(context, (*places[0], "headers"), f"the headers of {and_more(places)}")
