"""What the bulk operations are sent (contract: bulk). They are the sandbox's own: the OpenAPI document lacks them."""

from __future__ import annotations

from typing import Any, Final

from attrs import define, field, frozen

from .._codecs import Array, Constant, DateTime, InputOptions, Issues, Location, Text
from .._generated.types import RECORD_ID
from .._model import Model, wire
from .._operation import Operation

__all__ = ["BULK_OPERATIONS"]


@frozen
class Instant(DateTime):
    """A date with a time and an offset; a FHIR dateTime may be less."""

    def encode(self, value: Any, location: Location, options: InputOptions, issues: Issues) -> Any:
        text = super().encode(value, location, options, issues)
        if text is not None and "T" not in text:
            issues.add(location, "must be a date-time with an offset, such as YYYY-MM-DDThh:mm:ssZ")
        return text


@define(kw_only=True, repr=False)
class BulkExportRequest(Model):
    """Which records an export is to hold."""

    resource_types: list[str] | None = field(
        default=None,
        metadata=wire("resourceTypes", Array(Constant("Encounter"), min_items=1, unique=True), required=True),
    )
    since: str | None = field(default=None, metadata=wire("since", Instant()))
    additional_properties: dict[str, Any] = field(factory=dict)


@define(kw_only=True, repr=False)
class BulkImportRequest(Model):
    """Records to be imported, one a line."""

    resource_type: str | None = field(default=None, metadata=wire("resourceType", Constant("Encounter"), required=True))
    data: str | None = field(default=None, metadata=wire("data", Text(), required=True))
    additional_properties: dict[str, Any] = field(factory=dict)


BULK_OPERATIONS: Final[dict[str, Operation]] = {
    "export": Operation(id="startExport", method="POST", path="/v1/bulk/export", body=BulkExportRequest),
    "import": Operation(id="startImport", method="POST", path="/v1/bulk/import", body=BulkImportRequest),
    "job": Operation(id="readJob", method="GET", path="/v1/bulk/jobs/{jobId}", path_parameters=(("jobId", RECORD_ID),)),
}
"""The operations on many encounters."""
