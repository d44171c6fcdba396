"""What is seen of a write, and when."""

from __future__ import annotations

from tests.conformance.service import LAG, ServiceUnderTest, Steering


def ids(service: ServiceUnderTest) -> list[str]:
    return [row["id"] for row in service.found("count=100")]


def test_what_was_created_can_be_read_at_once(service: ServiceUnderTest) -> None:
    """A read by id sees a create at once. (Data consistency)"""
    id = service.create(type="Annual physical")
    assert service.read(id)["type"] == "Annual physical"


def test_what_was_changed_can_be_read_at_once(service: ServiceUnderTest) -> None:
    """A read by id sees an update at once. (Data consistency)"""
    id = service.create()
    for status in ("arrived", "in-progress", "finished"):
        service.ask("PATCH", f"/v1/encounters/{id}", json={"status": status})
        assert service.read(id)["status"] == status


def test_what_was_deleted_is_gone_at_once(service: ServiceUnderTest) -> None:
    """A deleted encounter is 404 at once, for every operation by id. (Data consistency)"""
    path = f"/v1/encounters/{service.create()}"
    assert service.ask("DELETE", path).status_code == 204
    assert service.ask("GET", path).status_code == 404
    assert service.ask("PATCH", path, json={"status": "finished"}).status_code == 404
    assert service.ask("DELETE", path).status_code == 404


def test_a_search_sees_a_create_later(service: ServiceUnderTest, steering: Steering) -> None:
    """A search shows a new encounter about 10 seconds after it was created. (Data consistency)"""
    id = service.create()
    assert id not in ids(service)
    steering.advance(LAG)
    assert ids(service) == [id]


def test_a_search_sees_a_change_later(service: ServiceUnderTest, steering: Steering) -> None:
    """A search shows, and filters by, what an encounter was about 10 seconds ago. (Data consistency)"""
    id = service.create()
    steering.advance(LAG)
    service.ask("PATCH", f"/v1/encounters/{id}", json={"status": "finished"})
    assert service.found("status=finished") == []
    assert [row["status"] for row in service.found("status=planned")] == ["planned"]
    steering.advance(LAG)
    assert [row["status"] for row in service.found("status=finished")] == ["finished"]
    assert service.found("status=planned") == []


def test_a_search_sees_a_delete_later(service: ServiceUnderTest, steering: Steering) -> None:
    """A search may go on listing a deleted encounter for about 10 seconds. (Data consistency)"""
    id = service.create()
    steering.advance(LAG)
    service.ask("DELETE", f"/v1/encounters/{id}")
    assert ids(service) == [id]
    assert service.ask("GET", f"/v1/encounters/{id}").status_code == 404
    steering.advance(LAG)
    assert ids(service) == []
