"""What needs no key."""

from __future__ import annotations

from tests.conformance.service import ServiceUnderTest


def test_the_health_of_the_service_needs_no_key(service: ServiceUnderTest) -> None:
    """GET /health needs no key. (API reference, system)"""
    assert service.ask("GET", "/health", key=None).status_code == 200


def test_what_the_service_can_do_needs_no_key(service: ServiceUnderTest) -> None:
    """GET /v1/metadata responds with a FHIR CapabilityStatement, and needs no key. (API reference, system)"""
    answer = service.ask("GET", "/v1/metadata", key=None)
    assert answer.status_code == 200
    assert answer.json()["resourceType"] == "CapabilityStatement"
