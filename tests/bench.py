"""What the SDK costs, as ratios against peers in one run: ``make bench``.

Each figure is client CPU time (both sides on loopback, the server in a process of its own), the median of interleaved
rounds, divided by that of the peer named. Times depend on the machine; ratios travel.
"""

from __future__ import annotations

import json
import multiprocessing
import statistics
import time
from collections.abc import Callable
from multiprocessing.connection import Connection

import httpx
import orjson

from clinik_client import Clinik, EncounterPage
from clinik_client.testing import WireRequest, WireResponse, WireServer
from tests.environment import silence

ENCOUNTER = {
    "id": "enc_xyz789",
    "status": "finished",
    "class": "AMB",
    "patientId": "pt_abc123",
    "practitionerId": "prac_def456",
    "participants": [{"practitionerId": "prac_ghi012", "role": "Interpreter"}],
    "type": "Annual physical",
    "serviceType": "General practice",
    "priority": "routine",
    "reasonCode": "Annual check-up",
    "period": {"start": "2025-06-01T09:00:00Z", "end": "2025-06-01T09:30:00Z"},
    "lengthMinutes": 30,
    "location": "Room 12",
    "serviceProvider": "Northside Practice",
    "diagnosis": [{"condition": "I10", "use": "AD", "rank": 1}],
    "appointmentId": "appt_mno345",
}
META = {"requestId": "req_k8f3a7x2", "timestamp": "2025-01-15T09:15:00.000Z", "status": 200}
ROWS = [{**ENCOUNTER, "id": f"enc_{number:06}"} for number in range(100)]
ONE = json.dumps({"data": ENCOUNTER, "meta": META}).encode()
PAGES = 20


def _page(cursor: int) -> bytes:
    rows = [{**row, "id": f"enc_{cursor:04}_{number:03}"} for number, row in enumerate(ROWS)]
    page = {"data": rows, "total": PAGES * 100, "hasMore": cursor + 1 < PAGES, "cursor": str(cursor + 1)}
    return json.dumps({"data": page, "meta": META}).encode()


def _serve(tell: Connection) -> None:
    pages = [_page(number) for number in range(PAGES)]
    headers = (("content-type", "application/json"),)

    def handle(request: WireRequest) -> WireResponse:
        _, _, cursor = request.target.partition("cursor=")
        search = request.target.startswith("/v1/encounters?")
        return WireResponse(200, headers, pages[int(cursor or 0)] if search else ONE)

    with WireServer(handle) as server:
        tell.send(server.url)
        tell.recv()


def _cpu(work: Callable[[], object], times: int) -> float:
    started = time.process_time()
    for _ in range(times):
        work()
    return (time.process_time() - started) / times


def compare(rounds: int, times: int, **contestants: Callable[[], object]) -> dict[str, float]:
    """Median CPU seconds of each contestant, rounds interleaved."""
    figures: dict[str, list[float]] = {name: [] for name in contestants}
    for _ in range(rounds):
        for name, work in contestants.items():
            figures[name].append(_cpu(work, times))
    return {name: statistics.median(values) for name, values in figures.items()}


def show(title: str, figures: dict[str, float], peer: str) -> None:
    print(f"\n{title} ({peer} = 1)")
    for name, seconds in figures.items():
        print(f"  {name:<32} {seconds / figures[peer]:6.2f}")


def main() -> None:
    ours, theirs = multiprocessing.Pipe()
    process = multiprocessing.get_context("spawn").Process(target=_serve, args=(theirs,), daemon=True)
    process.start()
    url = ours.recv()
    headers = {"x-api-key": "clk_test_bench"}
    with Clinik("clk_test_bench", base_url=url, trust_env=False) as clinik, httpx.Client(trust_env=False) as bare:

        def httpx_pages() -> None:
            cursor: str | None = None
            while True:
                query = {"count": "100"} if cursor is None else {"count": "100", "cursor": cursor}
                page = bare.get(f"{url}/v1/encounters", params=query, headers=headers).json()["data"]
                cursor = page["cursor"]
                if not page["hasMore"]:
                    break

        show(
            "Read one encounter",
            compare(
                7,
                200,
                **{
                    "httpx.Client.get, response.json": lambda: bare.get(
                        f"{url}/v1/encounters/enc_xyz789", headers=headers
                    ).json(),
                    "clinik.encounters.read": lambda: clinik.encounters.read("enc_xyz789"),
                },
            ),
            "httpx.Client.get, response.json",
        )
        show(
            f"Walk through {PAGES} pages of 100 encounters",
            compare(
                5,
                1,
                **{
                    "httpx, dicts": httpx_pages,
                    "clinik.encounters.search_all": lambda: sum(1 for _ in clinik.encounters.search_all()),
                },
            ),
            "httpx, dicts",
        )
    page = orjson.dumps({"data": ROWS, "hasMore": False})
    show(
        "From bytes to a page of 100 encounters",
        compare(
            9,
            50,
            **{
                "json.loads": lambda: json.loads(page),
                "orjson.loads": lambda: orjson.loads(page),
                "EncounterPage": lambda: EncounterPage.from_dict(orjson.loads(page)),
            },
        ),
        "json.loads",
    )
    ours.send(None)
    process.join(timeout=10)


if __name__ == "__main__":
    silence()
    main()
