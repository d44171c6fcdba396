# Generated from openapi/clinik.yaml by `make generate`; do not edit.
"""The named scalars of the document: how their values are read, and checked before they are sent."""

from typing import Final

from .._codecs import Array, OneOf, Text

RECORD_ID: Final = Text(
    min_length=1,
    max_length=128,
    pattern="^(?!\\.{1,2}$)[A-Za-z0-9._-]{1,128}$",
    pattern_text="1 to 128 letters, digits, hyphens, underscores and dots, and neither . nor ..",
)
"""The id of a record, given by the service. (1 to 128 letters, digits, hyphens, underscores and dots, and neither
. nor ..)"""

REASON_CODE: Final = OneOf((Text(max_length=500), Array(Text(max_length=500))))
"""Why an encounter takes place, as one text or as a list of texts. (at most 500 characters each)"""
