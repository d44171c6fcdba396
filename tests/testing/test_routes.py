"""Which operation a request asks for."""

from __future__ import annotations

import pytest

from clinik_client.testing._bulk_requests import BULK_OPERATIONS
from clinik_client.testing._routes import NAMES, OPERATIONS, check_operation, operation_at
from tests.strategies import DOCUMENT


def test_the_operations_on_encounters_are_those_of_the_document() -> None:
    operations = [one for item in DOCUMENT["paths"].values() for one in item.values()]
    documented = {one["operationId"] for one in operations if one["tags"] == ["encounters"]}
    assert {operation.id for name, operation in OPERATIONS.items() if name not in BULK_OPERATIONS} == documented


@pytest.mark.parametrize(
    ("method", "target", "operation"),
    [
        ("POST", "/v1/encounters", "create"),
        ("GET", "/v1/encounters/enc_1", "read"),
        ("GET", "/v1/encounters/enc_1?_include=Encounter:patient", "read"),
        ("PATCH", "/v1/encounters/enc_1", "update"),
        ("DELETE", "/v1/encounters/enc_1", "delete"),
        ("GET", "/v1/encounters", "search"),
        ("GET", "/v1/encounters?patientId=pt_1", "search"),
        ("GET", "http://api.clinikapi.com/v1/encounters?patientId=pt_1", "search"),
        ("POST", "HTTPS://api.clinikapi.com/v1/encounters", "create"),
        ("POST", "/v1/bulk/export", "export"),
        ("POST", "/v1/bulk/import", "import"),
        ("GET", "/v1/bulk/jobs/job_1", "job"),
        ("GET", "/v1/metadata", "metadata"),
        ("GET", "/health", "health"),
        ("PUT", "/v1/encounters/enc_1", None),
        ("GET", "/v1/encounters/", None),
        ("GET", "/v1/encounters/enc_1/notes", None),
        ("GET", "/v1/patients/pt_1", None),
        ("POST", "/v1/encounters/enc_1", None),
        ("GET", "/", None),
        ("GET", "http://api.clinikapi.com", None),
    ],
)
def test_method_and_target_say_which_operation_it_is(method: str, target: str, operation: str | None) -> None:
    assert operation_at(method, target) == operation


@pytest.mark.parametrize("operation", [None, *NAMES])
def test_an_operation_that_there_is_passes(operation: str | None) -> None:
    check_operation(operation)


def test_a_misspelt_operation_is_told_what_there_is() -> None:
    with pytest.raises(ValueError, match=r"'crate'; did you mean 'create'\? There are create, read, update, delete, s"):
        check_operation("crate")
    with pytest.raises(ValueError, match=r"there is no operation 'xyz'\. There are create"):
        check_operation("xyz")
