"""From a FHIR resource to the simplified record that it stands for, and back, losing nothing.

Each resource brings a table of its own (see `clinik_client._encounters.fhir`); what is here works for all.

A simplified field often says less than its element did (a class without its display name, the first of three
locations). Such an element is kept whole, as it came, in a dict under the key ``fhir``, exactly when it could not be
rebuilt from the simplified field. `FhirForm.restore` takes it from there for as long as it still means what the field
says, so a field that was changed afterwards is never overruled by an old detail.

An element of a JSON type that FHIR does not give it stays where it is, unchanged; one that says nothing a field could
hold (a subject without a reference) is only among the details.
"""

from collections.abc import Callable, Iterable, Mapping
from typing import Any, NamedTuple

from attrs import frozen

from ._fhir_types import Convert, first, for_text, id_of_a, reference

Items = dict[str, Any]


class Element(NamedTuple):
    """How some names of FHIR's correspond to some of the simplified form."""

    names: tuple[str, ...]
    read: Callable[[Items], Items]  # FHIR to simplified
    write: Callable[[Items, Items], Items]  # simplified to FHIR; the second argument: the element as it once was


def simplify(elements: Iterable[Element], source: Mapping[str, Any]) -> tuple[Items, Items]:
    """The simplified fields, and the items that cannot be rebuilt from them."""
    simple, kept = dict(source), {}
    for element in elements:
        items = {name: simple.pop(name) for name in element.names if name in simple}
        if items:
            fields = element.read(items)
            if element.write(fields, {}) != items:
                kept.update(items)
            simple.update(fields)
    return simple, kept


def restore(elements: Iterable[Element], record: Mapping[str, Any], kept: Items) -> Items:
    """The elements: the kept ones that still say what the fields say, and new ones for the other fields."""
    resource = dict(record)
    for element in elements:
        fields = {name: resource.pop(name) for name in element.names if name in resource}
        items = {name: kept[name] for name in element.names if name in kept}
        if items and element.read(items) == fields:
            resource.update(items)
        elif fields:
            resource.update(element.write(fields, items))
    return resource


JsonType = type[dict[str, Any]] | type[list[Any]]


def element(name: str, field: str, kind: JsonType, read_value: Convert, write_value: Convert) -> Element:
    """One FHIR element, of JSON type ``kind``, for one field."""

    def read(items: Items) -> Items:
        if not isinstance(items.get(name), kind):
            return items
        fields = dict(items)
        said = read_value(fields.pop(name))
        return fields if said is None else {**fields, field: said}

    def write(fields: Items, _kept: Items) -> Items:
        said = write_value(fields.get(field))
        if said is None:
            return fields
        items = dict(fields)
        del items[field]
        return {**items, name: said}

    return Element((name,) if name == field else (name, field), read, write)


def same_name(name: str, kind: JsonType, read_value: Convert, write_value: Convert) -> Element:
    return element(name, name, kind, read_value, write_value)


def link(name: str, field: str, target: str) -> Element:
    """A reference, for a field that holds the id. One to another type of resource gives none: a Group is no patient."""
    return element(name, field, dict, id_of_a(target), for_text(lambda record_id: reference(target, record_id)))


def links(name: str, field: str, target: str) -> Element:
    """The same for a list of references: the first that is one to this type."""
    write = for_text(lambda record_id: [reference(target, record_id)])
    return element(name, field, list, first(id_of_a(target)), write)


@frozen(eq=False, repr=False)
class FhirForm:
    """FHIR's form of one resource.

    Args:
        resource_type: its ``resourceType``.
        elements: its elements, those apart that are the same in both forms.
        marks: names that hold an object in FHIR's form and no object in the simplified one.
    """

    resource_type: str
    elements: tuple[Element, ...]
    marks: tuple[str, ...]

    def matches(self, record: Mapping[str, Any]) -> bool:
        """Whether a record is in FHIR's form: its ``resourceType`` says so or, that being absent, one of the marks."""
        told = record.get("resourceType")
        if told is not None:
            return bool(told == self.resource_type)
        for name in self.marks:  # noqa: SIM110 - a generator takes three times as long
            if isinstance(record.get(name), dict):
                return True
        return False

    def simplify(self, resource: Mapping[str, Any]) -> dict[str, Any]:
        """The simplified form; `matches` is false for it.

        Args:
            resource: decoded JSON for which `matches` is true. Anything in it may be missing, null, empty or of the
                wrong type: this never raises. It is not changed; the result shares its unmapped values.

        Returns:
            The fields by their wire names; elements without a simplified name under their own; and under ``fhir``, if
            needed, the elements of which the fields do not say everything. ``restore(simplify(x)) == x``.
        """
        simple, kept = simplify(self.elements, resource)
        if "resourceType" not in resource:
            kept["resourceType"] = None  # or else restore would add one
        elif resource["resourceType"] == self.resource_type:
            del simple["resourceType"]
        if "fhir" in simple:
            kept["fhir"] = simple.pop("fhir")
        if kept:
            simple["fhir"] = kept
        return simple

    def restore(self, record: Mapping[str, Any]) -> dict[str, Any]:
        """The FHIR resource that a simplified record stands for.

        Args:
            record: a record in wire names, with or without the ``fhir`` that `simplify` added. It is not changed; the
                result shares its values. A field of the wrong type stays under its own name.

        Returns:
            The resource. Where ``fhir`` holds an element that still simplifies to the present field, it is that
            element; otherwise the element is built from the field.
        """
        details = record.get("fhir")
        kept = details if isinstance(details, dict) else {}
        resource = restore(self.elements, record, kept)
        if details is kept:
            del resource["fhir"]
        if "fhir" in kept:
            resource["fhir"] = kept["fhir"]
        if "resourceType" not in resource and kept.get("resourceType", self.resource_type) is not None:
            resource["resourceType"] = self.resource_type
        return resource
