"""The records of a sandbox: by id each write is seen at once, in the index each at its own moment and not before."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import orjson
import pytest
from attrs import define, field
from hypothesis import given
from hypothesis import strategies as st

from clinik_client import Encounter
from clinik_client.testing._sandbox.store import Store, StoredRecord, visible_at
from tests.strategies import CREATE, allowed, json_values, records

NOW = datetime(2025, 6, 1, 9, tzinfo=UTC)
INSTANT = timedelta(microseconds=1)


def after(seconds: float) -> datetime:
    return NOW + timedelta(seconds=seconds)


def seen(store: Store, at: datetime) -> dict[str, Any]:
    """By id, in order, the status with which the index has each record."""
    return {record_id: stored.record.get("status") for record_id, stored in store.index(at).items()}


# -- the lag ----------------------------------------------------------------------------------------------------------


def test_what_is_there_from_the_beginning_is_seen_at_once() -> None:
    store = Store([{"id": "enc_1", "status": "planned"}, {"id": "enc_2"}])
    assert seen(store, datetime(1, 1, 1, tzinfo=UTC)) == {"enc_1": "planned", "enc_2": None}
    assert len(store) == 2


@pytest.mark.parametrize("lag", [0, 0.5, 10, 3600])
def test_a_create_a_change_and_a_delete_are_seen_after_the_lag_and_not_a_moment_before(lag: float) -> None:
    store = Store()
    store.put({"id": "enc_1", "status": "planned"}, visible_at(NOW, lag))
    store.put({"id": "enc_1", "status": "arrived"}, visible_at(after(1), lag))
    store.delete("enc_1", visible_at(after(2), lag))
    moments = [after(lag + step) for step in range(3)]
    expected: list[dict[str, str]] = [{"enc_1": "planned"}, {"enc_1": "arrived"}, {}]
    before: dict[str, str] = {}
    for moment, state in zip(moments, expected, strict=True):
        assert seen(store, moment - INSTANT) == before
        assert seen(store, moment) == state
        before = state


def test_by_its_id_a_write_is_seen_at_once() -> None:
    store = Store()
    store.put({"id": "enc_1", "status": "planned"}, datetime.max.replace(tzinfo=UTC))
    stored = store.put({"id": "enc_1", "status": "arrived"}, datetime.max.replace(tzinfo=UTC))
    assert store.get("enc_1") is stored
    assert [found.id for found in store] == ["enc_1"]
    assert store.delete("enc_1", NOW)
    assert store.get("enc_1") is None
    assert len(store) == 0


def test_what_is_not_there_cannot_be_deleted() -> None:
    store = Store([{"id": "enc_1"}])
    assert not store.delete("enc_2", NOW)
    assert store.delete("enc_1", NOW)
    assert not store.delete("enc_1", NOW)


def test_writes_of_one_moment_are_seen_in_their_order() -> None:
    store = Store()
    for status in ("planned", "arrived", "finished"):
        store.put({"id": "enc_1", "status": status}, NOW)
    assert seen(store, NOW) == {"enc_1": "finished"}


def test_a_later_write_that_is_seen_first_is_not_undone_by_an_earlier_one() -> None:
    store = Store([{"id": "enc_2", "status": "planned"}])
    store.put({"id": "enc_1", "status": "planned"}, after(100))
    store.put({"id": "enc_1", "status": "finished"}, after(10))
    store.put({"id": "enc_2", "status": "arrived"}, after(100))
    store.delete("enc_2", after(10))
    assert seen(store, after(10)) == {"enc_1": "finished"}
    assert seen(store, after(100)) == {"enc_1": "finished"}


def test_a_write_does_not_wait_for_an_earlier_one_of_another_record() -> None:
    store = Store()
    store.put({"id": "enc_slow"}, after(3600))
    store.put({"id": "enc_fast"}, after(1))
    assert list(seen(store, after(1))) == ["enc_fast"]
    assert list(seen(store, after(3600))) == ["enc_fast", "enc_slow"]


def test_what_was_seen_stays_seen_when_the_clock_is_set_back() -> None:
    store = Store()
    store.put({"id": "enc_1"}, after(10))
    assert list(seen(store, after(10))) == ["enc_1"]
    assert list(seen(store, after(-3600))) == ["enc_1"]


def test_records_stand_in_the_order_in_which_they_came_and_keep_their_places() -> None:
    store = Store([{"id": "enc_2"}, {"id": "enc_1"}])
    for record_id in ("enc_0", "enc_2"):
        store.put({"id": record_id}, NOW)
    assert list(seen(store, NOW)) == ["enc_2", "enc_1", "enc_0"]


def test_the_version_moves_when_the_index_does_and_at_no_other_time() -> None:
    store = Store([{"id": "enc_1"}])
    store.put({"id": "enc_1"}, after(10))
    versions = []
    for seconds in (0, 9, 10, 11):
        store.index(after(seconds))
        versions.append(store.version)
    assert versions[0] == versions[1] < versions[2] == versions[3]


def test_an_endless_lag_is_for_ever() -> None:
    assert visible_at(NOW, 10) == after(10)
    assert visible_at(NOW, float("inf")) == visible_at(NOW, 1e300) == datetime.max.replace(tzinfo=UTC)


@define
class PlainIndex:
    """The same in a few plain words: each record as the last of its writes that was ever due left it."""

    writes: list[tuple[datetime, str, Any]] = field(factory=list)
    due: set[int] = field(factory=set)

    def state(self, now: datetime) -> dict[str, Any]:
        self.due |= {number for number, write in enumerate(self.writes) if write[0] <= now}
        last = {self.writes[number][1]: self.writes[number][2] for number in sorted(self.due)}
        return {record_id: status for record_id, status in last.items() if status is not None}


STEPS = st.tuples(
    st.sampled_from(["enc_1", "enc_2", "enc_3"]),
    st.sampled_from(["planned", "finished", None]),  # None deletes
    st.sampled_from([0, 0, 5, 10]),  # the lag
    st.integers(-15, 15),  # how far the clock moves
)


@given(st.lists(STEPS, max_size=12))
def test_the_index_follows_a_plain_model_whatever_the_lags_and_the_clock_do(
    steps: list[tuple[str, str | None, int, int]],
) -> None:
    store, plain, now = Store(), PlainIndex(), NOW
    for record_id, status, lag, moved in steps:
        visible = visible_at(now, lag)
        if status is not None:
            store.put({"id": record_id, "status": status}, visible)
            plain.writes.append((visible, record_id, status))
        elif store.delete(record_id, visible):
            plain.writes.append((visible, record_id, None))
        assert seen(store, now) == plain.state(now)
        now += timedelta(seconds=moved)
        assert seen(store, now) == plain.state(now)


# -- one record -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("2025", datetime(2025, 1, 1, tzinfo=UTC)),
        ("2025-06", datetime(2025, 6, 1, tzinfo=UTC)),
        ("2025-06-01", datetime(2025, 6, 1, tzinfo=UTC)),
        ("2025-06-01T11:00:00+02:00", NOW),
        ("2025-06-01T09:00:00.250Z", NOW + timedelta(milliseconds=250)),
        ("soon", None),
        (None, None),
        (2025, None),
    ],
)
def test_a_period_is_read_as_exactly_as_it_is_known(text: Any, moment: datetime | None) -> None:
    stored = StoredRecord({"id": "enc_1", "period": {"start": text, "end": text}})
    assert (stored.start, stored.end) == (moment, moment)


@given(records(Encounter), json_values)
def test_a_record_may_hold_anything(record: dict[str, Any], period: Any) -> None:
    stored = StoredRecord({**record, "id": "enc_1", "period": period})
    assert orjson.loads(orjson.dumps(stored.shown("simple")))["id"] == "enc_1"


def shown(stored: StoredRecord, shape: Any) -> Any:
    return orjson.loads(orjson.dumps(stored.shown(shape)))


@given(allowed(CREATE.schema, plain=True))
def test_both_shapes_say_the_same(fields: dict[str, Any]) -> None:
    # In FHIR's form the first practitioner is the responsible one.
    stored = StoredRecord({"id": "enc_1", "practitionerId": "prac_1", **fields})
    assert shown(stored, "simple") == stored.record
    resource = shown(stored, "fhir")
    assert resource["resourceType"] == "Encounter"
    assert resource["subject"] == {"reference": f"Patient/{fields['patientId']}"}
    read = Encounter.from_dict(resource)
    assert {name: value for name, value in read.to_dict().items() if name != "fhir"} == stored.record
    assert read.to_fhir() == resource


def test_the_simple_shape_does_not_hold_what_only_fhir_can_say() -> None:
    resource = {
        "resourceType": "Encounter",
        "id": "enc_1",
        "class": {"code": "AMB", "display": "ambulatory"},
        "subject": {"reference": "Patient/pt_1", "display": "A name"},
    }
    stored = StoredRecord(Encounter.from_dict(resource).to_dict())
    assert shown(stored, "simple") == {"id": "enc_1", "class": "AMB", "patientId": "pt_1"}
    assert shown(stored, "fhir") == resource


def test_mixed_gives_some_records_in_one_shape_and_some_in_the_other_always_the_same() -> None:
    def shapes() -> list[bool]:
        stored = [StoredRecord({"id": f"enc_{number}", "class": "AMB"}) for number in range(40)]
        return ["resourceType" in shown(one, "mixed") for one in stored]

    found = shapes()
    assert 10 < sum(found) < 30
    assert shapes() == found


def test_the_json_of_a_record_is_written_once() -> None:
    stored = StoredRecord({"id": "enc_1"})
    assert stored.shown("simple") is stored.shown("simple")
    assert stored.shown("fhir") is stored.shown("fhir")
