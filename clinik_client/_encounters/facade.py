"""``clinik.encounters``: clinical interactions between a patient and those who care for them."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Any, Unpack, overload

from .._generated import models
from .._generated.api import encounters as endpoints
from .._pagination import Pager
from .._recovery import INDEX_LAG, FindResult, find_created
from .._resource import Resource
from .._response import ApiResponse
from .lost_create import ENCOUNTER


class Encounters(Resource):
    """Create, read, update, delete and search encounters (API documentation, ``clinik.encounters``).

    ``create``, ``update`` and ``search`` take their fields in one of three ways: as keywords in Python names
    (``patient_id``; nested dicts in Python names too), as one dict in the API's names (``patientId``; nested ones
    too), or as one model. All problems of a request are found before it is sent and raised together as
    `ClinikValidationError`. Every method may raise any other `ClinikApiError`; its ``outcome`` says what is known.
    """

    __slots__ = ()

    _same = ("patientId", "partOfId")

    @overload
    def create(self, /, **fields: Unpack[models.EncounterCreateRequestFields]) -> ApiResponse[models.Encounter]: ...
    @overload
    def create(self, given: models.EncounterCreateRequest | Mapping[str, Any], /) -> ApiResponse[models.Encounter]: ...
    def create(
        self, given: models.EncounterCreateRequest | Mapping[str, Any] | None = None, /, **fields: Any
    ) -> ApiResponse[models.Encounter]:
        """Record a new encounter. ``status``, ``class_`` and ``patient_id`` are required.

        A create is never sent twice, unless the first one provably did not arrive or was turned away: if its response
        is lost, the error's ``outcome`` is ``unknown``.

        Args:
            given: all fields as one dict in the API's names or one `EncounterCreateRequest`, instead of keywords.
            fields: see `EncounterCreateRequest`; ``None`` means "not given".

        Returns:
            The encounter as the service stored it, with its id.

        Example:
            >>> encounter, meta = clinik.encounters.create(
            ...     status="in-progress", class_="AMB", patient_id="pt_abc123", practitioner_id="prac_def456",
            ...     type="Annual physical", period={"start": "2025-06-01T09:00:00Z"},
            ...     diagnosis=[{"condition": "I10", "use": "AD", "rank": 1}],
            ... )
            >>> encounter.id
            'enc_xyz789'
        """
        return self._call(endpoints.create_encounter.request(given, **fields))

    def read(self, id: str, *, include: Sequence[str] | None = None) -> ApiResponse[models.Encounter]:
        """Read one encounter. What was written by id can be read at once.

        Args:
            id: the encounter's id.
            include: names of references whose records should come along, such as ``["patient"]``. If the service sends
                a FHIR Bundle, they are in ``included`` of the response and of its ``meta``, by type and id, as they
                came; what it adds to the encounter itself is in ``additional_properties``.

        Returns:
            The encounter as it is now.

        Raises:
            ClinikNotFoundError: there is none, or it belongs to another organization.
            ClinikResponseError: with ``include``, also a Bundle without the encounter: it comes from a search, which
                sees a write about 10 seconds later.

        Example:
            >>> encounter, meta = clinik.encounters.read("enc_xyz789", include=["patient"])
            >>> encounter.status
            <EncounterStatus.IN_PROGRESS: 'in-progress'>
            >>> encounter, meta = clinik.encounters.read("enc_inc001", include=["patient", "practitioner"])
            >>> meta.included["Patient"][encounter.patient_id]["birthDate"]
            '1980-01-01'
        """
        return self._call(endpoints.read_encounter.request(id, include=include))

    @overload
    def update(
        self, id: str, /, **fields: Unpack[models.EncounterUpdateRequestFields]
    ) -> ApiResponse[models.Encounter]: ...
    @overload
    def update(
        self, id: str, given: models.EncounterUpdateRequest | Mapping[str, Any], /
    ) -> ApiResponse[models.Encounter]: ...
    def update(
        self, id: str, given: models.EncounterUpdateRequest | Mapping[str, Any] | None = None, /, **fields: Any
    ) -> ApiResponse[models.Encounter]:
        """Change fields of an encounter; those not given stay as they are.

        ``diagnosis`` replaces the whole list. There is no way to clear a field, so ``None`` is refused.

        Args:
            id: the encounter's id.
            given: the fields as one dict in the API's names or one `EncounterUpdateRequest`, instead of keywords.
            fields: see `EncounterUpdateRequest`.

        Returns:
            The complete encounter after the change.

        Example:
            >>> encounter, meta = clinik.encounters.update(
            ...     "enc_xyz789", status="finished", length_minutes=30,
            ...     period={"start": "2025-06-01T09:00:00Z", "end": "2025-06-01T09:30:00Z"},
            ... )
            >>> encounter.status
            <EncounterStatus.FINISHED: 'finished'>
        """
        return self._call(endpoints.update_encounter.request(id, given, **fields))

    def delete(self, id: str) -> ApiResponse[None]:
        """Delete an encounter. Records that refer to it keep their reference; searches may list it for some seconds.

        A delete whose response was lost is sent again; a 404 then counts as deleted (``meta.already_deleted``).

        Args:
            id: the encounter's id.

        Returns:
            ``None`` as data.

        Example:
            >>> nothing, meta = clinik.encounters.delete("enc_xyz789")
            >>> nothing is None, meta.status
            (True, 204)
        """
        return self._call(endpoints.delete_encounter.request(id))

    @overload
    def search(self, /, **filters: Unpack[models.EncounterSearchParamsFields]) -> ApiResponse[models.EncounterPage]: ...
    @overload
    def search(
        self, given: models.EncounterSearchParams | Mapping[str, Any], /
    ) -> ApiResponse[models.EncounterPage]: ...
    def search(
        self, given: models.EncounterSearchParams | Mapping[str, Any] | None = None, /, **filters: Any
    ) -> ApiResponse[models.EncounterPage]:
        """Search encounters: one page. Searches see a write after about 10 seconds, so they cannot confirm one.

        Args:
            given: all filters as one dict in the API's names or one `EncounterSearchParams`, instead of keywords.
            filters: see `EncounterSearchParams`; ``None`` means "not given".

        Returns:
            A page with ``data``, ``total``, ``has_more`` and ``cursor``.

        Example:
            >>> page, meta = clinik.encounters.search(patient_id="pt_abc123", status="finished", sort="-date", count=25)
            >>> [encounter.id for encounter in page.data], page.total, page.has_more
            (['enc_xyz789', 'enc_uvw456', 'enc_opq890'], 3, False)
        """
        return self._call(endpoints.search_encounters.request(given, **filters))

    @overload
    def search_all(
        self, /, *, limit: int | None = None, **filters: Unpack[models.EncounterSearchParamsFields]
    ) -> Pager[models.Encounter, models.EncounterPage]: ...
    @overload
    def search_all(
        self, given: models.EncounterSearchParams | Mapping[str, Any], /, *, limit: int | None = None
    ) -> Pager[models.Encounter, models.EncounterPage]: ...
    def search_all(
        self,
        given: models.EncounterSearchParams | Mapping[str, Any] | None = None,
        /,
        *,
        limit: int | None = None,
        **filters: Any,
    ) -> Pager[models.Encounter, models.EncounterPage]:
        """Walk through all encounters that match, lazily: each page is fetched when its first encounter is wanted.

        Args:
            given: all filters as one dict in the API's names or one `EncounterSearchParams`, instead of keywords.
            limit: the most encounters to yield.
            filters: as in `search`. ``count`` is the size of a page (100 if not given, which needs the fewest
                requests), ``cursor`` the page to start from.

        Returns:
            An iterator over encounters, with ``pages()``, ``total`` and ``cursor``.

        Example:
            >>> [encounter.id for encounter in clinik.encounters.search_all(patient_id="pt_abc123", count=2, limit=2)]
            ['enc_lmn567', 'enc_xyz789']
        """
        return self._walk(endpoints.search_encounters.request, given, filters, limit)

    @overload
    def find_created(
        self,
        /,
        *,
        since: datetime,
        lag: float = INDEX_LAG,
        before: Collection[str] | None = None,
        **fields: Unpack[models.EncounterCreateRequestFields],
    ) -> FindResult[models.Encounter]: ...
    @overload
    def find_created(
        self,
        given: models.EncounterCreateRequest | Mapping[str, Any],
        /,
        *,
        since: datetime,
        lag: float = INDEX_LAG,
        before: Collection[str] | None = None,
    ) -> FindResult[models.Encounter]: ...
    def find_created(
        self,
        given: models.EncounterCreateRequest | Mapping[str, Any] | None = None,
        /,
        *,
        since: datetime,
        lag: float = INDEX_LAG,
        before: Collection[str] | None = None,
        **fields: Any,
    ) -> FindResult[models.Encounter]:
        """Look for the encounter that a create with outcome ``unknown`` may have left. Never creates one.

        Searches for encounters that agree with what was sent: patient, class, start of the period, type, practitioner
        and so on; status and diagnoses may have changed since and do not count.

        Args:
            given: what the create was given, instead of keywords.
            since: when the create was sent; an aware datetime, which may not lie in the future.
            lag: how many seconds searches may be behind writes. The call waits until that long after ``since``.
            before: the ids of the patient's encounters that were there before the create, as a search gave them.
                Without them a record that does not tell when it was written is ``uncertain`` at best: it may be older.
            fields: what the create was given as keywords.

        Returns:
            The verdict ``found``, ``uncertain``, ``several`` or ``not_there``, and what was found; see `Verdict`.

        Example:
            >>> from datetime import UTC, datetime
            >>> sent = datetime(2025, 6, 1, 9, 0, tzinfo=UTC)
            >>> result = clinik.encounters.find_created(
            ...     since=sent, before=["enc_lmn567"], status="in-progress", class_="AMB", patient_id="pt_abc123",
            ...     period={"start": "2025-06-01T09:00:00Z"},
            ... )
            >>> result.verdict, result.match.id
            ('found', 'enc_xyz789')
        """
        created = endpoints.create_encounter.request(given, **fields)
        search = endpoints.search_encounters.OPERATION
        return find_created(self._session, created, search, since, lag, ENCOUNTER, self._same, before)
