"""As what a body may be sent, and as what an answer comes."""

from __future__ import annotations

import json

import pytest

from tests.conformance.service import ServiceUnderTest


@pytest.mark.parametrize("media_type", ["application/json", "application/json; charset=utf-8", "application/fhir+json"])
def test_a_create_may_be_sent_as(service: ServiceUnderTest, media_type: str) -> None:
    """A create is JSON; the vendor's own SDK sends it as application/fhir+json. (API reference, encounters)"""
    content = json.dumps(service.body()).encode()
    answer = service.ask("POST", "/v1/encounters", content=content, headers={"content-type": media_type})
    assert answer.status_code == 201


@pytest.mark.parametrize("media_type", ["application/json", "application/json-patch+json"])
def test_an_update_may_be_sent_as(service: ServiceUnderTest, media_type: str) -> None:
    """An update is a JSON object with some fields, also where its media type is application/json-patch+json.
    (API reference, encounters)
    """
    id = service.create()
    headers = {"content-type": media_type}
    answer = service.ask("PATCH", f"/v1/encounters/{id}", content=b'{"status": "arrived"}', headers=headers)
    assert answer.status_code == 200
    assert service.read(id)["status"] == "arrived"


def test_an_answer_is_json(service: ServiceUnderTest) -> None:
    """An answer that has a body is JSON. (API reference, encounters)"""
    id = service.create()
    for target in (f"/v1/encounters/{id}", "/v1/encounters", "/v1/encounters/enc_conformance_missing"):
        media_type = service.ask("GET", target).headers["content-type"].partition(";")[0]
        assert media_type in ("application/json", "application/fhir+json")


@pytest.mark.usefixtures("steering")
@pytest.mark.parametrize("headers", [{}, {"content-type": "text/plain"}, {"content-type": "application/xml"}])
def test_any_other_media_type_is_refused(service: ServiceUnderTest, headers: dict[str, str]) -> None:
    """A body in a media type that is not described is refused with 415. (openapi/clinik.yaml)"""
    for method, target in (("POST", "/v1/encounters"), ("PATCH", f"/v1/encounters/{service.create()}")):
        answer = service.ask(method, target, content=json.dumps(service.body()).encode(), headers=headers)
        assert answer.status_code == 415
