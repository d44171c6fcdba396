"""The whole life of an encounter: create, read, update, search, page through all, delete, and a 404 handled.

Runs against a sandbox on this machine. With a ``clk_test_`` key in ``CLINIKAPI_SECRET_KEY`` it runs against the
service's own sandbox instead, and touches only the encounter that it made.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from clinik_client import Clinik, ClinikApiError, ClinikNotFoundError, Encounter
from clinik_client.testing import Sandbox

PATIENT = os.environ.get("CLINIKAPI_QUICKSTART_PATIENT", "pt_abc123")
EARLIER = [
    {
        "id": f"enc_earlier{year}",
        "status": "finished",
        "class": "AMB",
        "patientId": PATIENT,
        "type": "Annual physical",
        "period": {"start": f"{year}-06-02T09:00:00Z"},
    }
    for year in (2022, 2023, 2024)
]


def main() -> int:
    key = os.environ.get("CLINIKAPI_SECRET_KEY")
    if key and not key.startswith("clk_test_"):
        print("The quickstart creates and deletes records: it wants a clk_test_ key, not this one.", file=sys.stderr)
        return 2
    try:
        with client(local=not key) as (clinik, wait):
            tell(clinik, wait)
    except ClinikApiError as error:
        print(f"\nIt did not work: {error}", file=sys.stderr)
        return 1
    return 0


@contextmanager
def client(*, local: bool) -> Iterator[tuple[Clinik, Callable[[], object]]]:
    """A client, and a way to let time pass until searches see what was written."""
    if not local:
        with Clinik() as clinik:
            print(f"Talking to the service with {clinik!r}.")
            yield clinik, lambda: print("  (searches follow about 10 seconds later)")
        return
    with Sandbox(EARLIER) as sandbox, sandbox.client() as clinik:
        print(f"Talking to a sandbox on this machine, at {sandbox.url}.")
        yield clinik, lambda: sandbox.clock.advance(sandbox.settings.lag)


def tell(clinik: Clinik, wait: Callable[[], object]) -> None:
    """Walk through the life of one encounter and print what happens."""
    step("Create an encounter: the visit begins")
    encounter, meta = clinik.encounters.create(
        status="in-progress",
        class_="AMB",
        patient_id=PATIENT,
        practitioner_id="prac_def456",
        type="Annual physical",
        period={"start": "2025-06-01T09:00:00Z"},
        diagnosis=[{"condition": "I10", "use": "AD", "rank": 1}],
    )
    show(encounter)
    print(
        f"  status {meta.status}, request {meta.request_id}, {meta.rate_limit_remaining} requests left in this window"
    )
    made = encounter.id
    gone = False
    try:
        step("Read it, with its patient")
        encounter, _ = clinik.encounters.read(made, include=["patient"])
        show(encounter)

        step("Update it: the visit is over")
        encounter, _ = clinik.encounters.update(
            made,
            status="finished",
            period={"start": "2025-06-01T09:00:00Z", "end": "2025-06-01T09:30:00Z"},
            length_minutes=30,
        )
        show(encounter)
        wait()

        step("Search the patient's finished encounters: one page")
        page, _ = clinik.encounters.search(patient_id=PATIENT, status="finished", sort="-date", count=25)
        print(f"  {len(page.data)} on this page, {page.total} in all; more: {page.has_more}")
        for encounter in page.data:
            show(encounter)

        step("Page through all of the patient's encounters, two at a time")
        walk = clinik.encounters.search_all(patient_id=PATIENT, count=2)
        for encounter in walk:
            show(encounter)
        print(f"  {walk.total} in all")

        step("Delete it")
        nothing, meta = clinik.encounters.delete(made)
        gone = True
        print(f"  status {meta.status}, data {nothing}")

        step("Read it once more: it is gone")
        try:
            clinik.encounters.read(made)
        except ClinikNotFoundError as error:
            print(f"  {type(error).__name__}: {error}")
    finally:
        if not gone:
            clinik.encounters.delete(made)


def step(title: str) -> None:
    print(f"\n{title}")


def show(encounter: Encounter) -> None:
    start = encounter.period.start if encounter.period else None
    print(f"  {encounter.id}: {encounter.status}, {encounter.class_}, {encounter.type or '-'}, from {start or '-'}")


if __name__ == "__main__":
    sys.exit(main())
