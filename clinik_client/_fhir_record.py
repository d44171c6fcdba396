"""A record that is a FHIR resource as well: its FHIR form, and a record from one."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar, Self

from ._fhir_form import FhirForm
from ._model import Model


class FhirRecord(Model):
    """The base of the generated models that FHIR R4 has a form for."""

    __slots__ = ()

    _other_form: ClassVar[FhirForm]

    @classmethod
    def from_fhir(cls, resource: Mapping[str, Any]) -> Self:
        """Read a FHIR R4 resource of this type. Elements without a field stay in ``additional_properties``.

        Args:
            resource: the decoded JSON object. It is copied.

        Returns:
            The record; its `to_fhir` gives the same resource.

        Raises:
            ValueError: its ``resourceType`` is another one, or missing.
            ClinikResponseError: something in it is nested deeper than 100 levels.

        Example:
            >>> from clinik_client import Encounter
            >>> visit = {"resourceType": "Encounter", "id": "enc_1", "status": "planned", "class": {"code": "AMB"}}
            >>> encounter = Encounter.from_fhir(visit)
            >>> encounter.class_, encounter.to_fhir() == visit
            (<EncounterClass.AMB: 'AMB'>, True)
        """
        expected = cls._other_form.resource_type
        if not isinstance(resource, Mapping) or resource.get("resourceType") != expected:
            raise ValueError(f"must be a dict with the resourceType {expected}")
        return cls.from_dict(resource)

    def to_fhir(self) -> dict[str, Any]:
        """The record as a FHIR R4 resource, in decoded JSON.

        Elements that came in a FHIR response, or with `from_fhir`, are as they came unless their field was changed. The
        others are built from the fields. What neither form has a name for stays as it is. ``class`` and ``status`` are
        obligatory in FHIR: a record without them gives a resource without them.

        Returns:
            A dict of its own.

        Example:
            >>> from clinik_client import Encounter
            >>> encounter = Encounter.from_dict({"id": "enc_1", "status": "finished", "lengthMinutes": 30})
            >>> encounter.to_fhir()["length"]
            {'value': 30, 'unit': 'min', 'system': 'http://unitsofmeasure.org', 'code': 'min'}
        """
        return self._other_form.restore(self.to_dict())
