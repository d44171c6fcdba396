"""A FHIR R4 Bundle that a read responds with: the record that was asked for, and those that came along.

Source: FHIR R4, Bundle, https://hl7.org/fhir/R4/bundle.html.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from ._fhir_types import get, get_list, target_of, text_of

Included = Mapping[str, Mapping[str, dict[str, Any]]]
"""Records as they came, by type, then by id."""


def is_bundle(data: Any) -> bool:
    """Whether this is a Bundle."""
    return bool(get(data, "resourceType") == "Bundle")


def open_bundle(
    bundle: Any, is_asked_for: Callable[[dict[str, Any]], bool]
) -> tuple[dict[str, Any] | None, dict[str, dict[str, dict[str, Any]]]]:
    """Take the record that was asked for out of a Bundle.

    Args:
        bundle: decoded JSON. What is not as FHIR says is passed over.
        is_asked_for: whether a record is the one.

    Returns:
        The record, or ``None`` if it is not there; and the others that tell their type and id.

    >>> patient = {"resourceType": "Patient", "id": "pt_1"}
    >>> open_bundle({"entry": [{"resource": {"id": "enc_1"}}, {"resource": patient}]}, lambda it: it["id"] == "enc_1")
    ({'id': 'enc_1'}, {'Patient': {'pt_1': {'resourceType': 'Patient', 'id': 'pt_1'}}})
    """
    record = None
    others: dict[str, dict[str, dict[str, Any]]] = {}
    for entry in get_list(bundle, "entry"):
        resource = get(entry, "resource")
        if not isinstance(resource, dict):
            continue
        if record is None and is_asked_for(resource):
            record = resource
            continue
        # The address of an entry ends with type and id.
        kind, record_id = target_of({"reference": get(entry, "fullUrl")})
        kind, record_id = text_of(resource.get("resourceType")) or kind, text_of(resource.get("id")) or record_id
        if kind and record_id:
            others.setdefault(kind, {}).setdefault(record_id, resource)
    return record, others
