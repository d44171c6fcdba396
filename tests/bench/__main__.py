"""Measure, print the table, and write docs/performance.md or check it against what is wanted.

Run by ``make bench`` and ``make bench-check``, in an environment that has the peers.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from importlib import import_module
from pathlib import Path
from typing import Any

import httpx
import trustme

from clinik_client import Clinik
from tests.bench.chart import chart
from tests.bench.contenders import HEADERS, KEY, OURS, id_of, ids_of_page, openai_walk, pages, reads, walks
from tests.bench.layers import layers
from tests.bench.measure import Figures, Ratio, cpu, in_turns, ratios
from tests.bench.processes import IMPORTS, NOTHING, cpu_of, first_answers, output_of, walk
from tests.bench.report import document
from tests.bench.service import service
from tests.bench.targets import Row
from tests.bench.threads import bare_reads, shortfall

ROOT = Path(__file__).parents[2]
WALK = 300
"""Pages of 100."""
LAYERS = "Where the time of one read goes"


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.bench", description=__doc__)
    parser.add_argument("--stock", type=Path, required=True, help="the package that the stock generator made")
    parser.add_argument("--check", action="store_true", help="fail where a ratio is worse than wanted; write nothing")
    parser.add_argument("--rounds", type=int, default=7)
    given = parser.parse_args()
    rows = list(measure(given.rounds, given.stock))
    for row in rows:
        print(f"{'  ' if row.is_met else '! '}{row.title}: {row.ratio}  [{row.peer} = 1] {row.wanted}", flush=True)
    if given.check:
        return int(not all(row.is_met for row in rows))
    (ROOT / "docs" / "performance.svg").write_text(chart([row for row in rows if row.wanted]), encoding="utf-8")
    (ROOT / "docs" / "performance.md").write_text(document(rows, LAYERS), encoding="utf-8")
    return 0


def measure(rounds: int, stock: Path) -> Iterator[Row]:
    with tempfile.TemporaryDirectory() as folder, ExitStack() as stack:
        authority = trustme.CA()
        certificate, ca = Path(folder, "server.pem"), Path(folder, "ca.pem")
        authority.issue_cert("127.0.0.1").private_key_and_cert_chain_pem.write_to_path(str(certificate))
        authority.cert_pem.write_to_path(str(ca))
        url, secure = stack.enter_context(service()), stack.enter_context(service(certificate))
        yield from _one(rounds, url)
        yield from _many(rounds, url)
        yield from _page(rounds, _stock_page(stock))
        yield from _start(rounds, url, secure, str(ca))
        yield from _threads(rounds, url)
        yield from _memory(url)
        yield from _layers(rounds, url)


def _compare(figures: Figures, peer: str, title: str, **wanted: dict[str, float]) -> Iterator[Row]:
    """A row for each contender but the peer; ``wanted`` is by the contender's name."""
    for name, ratio in ratios(figures, peer).items():
        if name != peer:
            yield Row(f"{title}: {name}" if name != OURS else title, peer, ratio, **wanted.get(name, {}))


def _one(rounds: int, url: str) -> Iterator[Row]:
    with ExitStack() as stack:
        contenders = reads(url, stack)
        results = {name: id_of(work()) for name, work in contenders.items()}
        assert len(set(results.values())) == 1, results
        figures = in_turns(rounds, {name: cpu(work, 200) for name, work in contenders.items()})
    yield from _compare(figures, "httpx", "Read one encounter", **{OURS: {"most": 0.65}})


def _many(rounds: int, url: str) -> Iterator[Row]:
    with ExitStack() as stack:
        contenders = walks(url, WALK, stack)
        results = {name: work() for name, work in contenders.items()}
        for kind, least in (("plain", 1.15), ("nested", 0.8)):
            peer, ours = f"httpx, {kind}", f"{OURS}, {kind}"
            assert results[peer] == results[ours], results
            figures = in_turns(rounds, {name: cpu(contenders[name]) for name in (peer, ours)})
            speed = Ratio.of(figures[peer], figures[ours])
            yield Row(f"Walk 30,000, {kind} fields: speed", "httpx, json, dicts", speed, least=least)
        few = {"httpx": walks(url, 20, stack)["httpx, plain"], "openai": openai_walk(url, 20, stack)}
        assert few["httpx"]() == few["openai"]()
        figures = in_turns(3, {name: cpu(work) for name, work in few.items()})
        yield Row(
            "Walk, plain fields: speed of openai", "httpx, json, dicts", Ratio.of(figures["httpx"], figures["openai"])
        )


def _stock_page(folder: Path) -> Any:
    sys.path.insert(0, str(folder.parent))
    return import_module(f"{folder.name}.models").EncounterPage


def _page(rounds: int, stock: Any) -> Iterator[Row]:
    contenders = pages(stock)
    results = {name: work() for name, work in contenders.items()}
    sums = {name: results.pop(name) for name in list(results) if name.endswith(", touched")}
    assert len(set(sums.values())) == 1, sums
    records = {name: ids_of_page(result) for name, result in results.items()}
    assert all(ids == records["json"] != [] for ids in records.values()), records
    figures = in_turns(rounds, {name: cpu(work, 20) for name, work in contenders.items()})
    title, peer = "Bytes to a page of 100 models", "pydantic"
    touched = {name: figures.pop(name) for name in sums}
    yield from _compare(figures, peer, title, **{OURS: {"most": 0.5}})
    wanted = {f"{OURS}, touched": {"most": 1.1}}
    yield from _compare(touched, f"{peer}, touched", title, **wanted)
    # Both copy: the one what it keeps, the other what it gives.
    reading = f"{OURS}, from_dict"
    writing = Ratio.of(figures[f"{reading}, to_dict"], figures[reading])
    yield Row("to_dict of a page that was not touched", reading, writing, most=1.0)


def _start(rounds: int, url: str, secure: str, ca: str) -> Iterator[Row]:
    programs = {"nothing": NOTHING, **IMPORTS}
    figures = in_turns(2 * rounds, {name: cpu_of(program) for name, program in programs.items()})
    nothing = figures.pop("nothing")
    more = {
        name: [figure - least for figure, least in zip(values, nothing, strict=True)]
        for name, values in figures.items()
    }
    yield from _compare(more, "httpx", "Import", **{OURS: {"most": 0.25}})
    for title, address, file, most in (("plain", url, None, 1.15), ("TLS", secure, ca, 1.35)):
        programs = first_answers(address, file)
        figures = in_turns(2 * rounds, {name: cpu_of(program) for name, program in programs.items()})
        yield from _compare(figures, "httpx", f"First answer of a fresh process, {title}", **{OURS: {"most": most}})


def _threads(rounds: int, url: str) -> Iterator[Row]:
    with _late_reads(url) as contenders:
        figures = in_turns(min(rounds, 3), {name: shortfall(read) for name, read in contenders.items()})
    ideal = [1.0] * min(rounds, 3)
    for name, values in figures.items():
        least = 0.8 if name == OURS else None
        yield Row(
            f"64 threads at 20 ms: rate of {name}", "64 times one thread's ideal", Ratio.of(ideal, values), least=least
        )


@contextmanager
def _late_reads(url: str) -> Iterator[dict[str, Callable[[], Any]]]:
    limits = httpx.Limits(max_connections=None, max_keepalive_connections=None)
    with (
        ExitStack() as stack,
        httpx.Client(headers=HEADERS, trust_env=False, limits=limits) as bare,
        Clinik(KEY, base_url=url, trust_env=False) as clinik,
    ):
        yield {
            "httpx": lambda: bare.get(f"{url}/v1/encounters/enc_late").json(),
            OURS: lambda: clinik.encounters.read("enc_late"),
            "bare sockets": bare_reads(url, stack),
        }


def _memory(url: str) -> Iterator[Row]:
    few, many = (int(output_of(walk(url, pages))) for pages in (100, 10_000))
    more = (many - few) / 1024
    yield Row("Memory of a walk of 1,000,000 above one of 10,000, in MiB", "", Ratio(more, more, more), most=8)


def _layers(rounds: int, url: str) -> Iterator[Row]:
    with ExitStack() as stack:
        contenders = {"httpx": reads(url, stack)["httpx"], **layers(url, stack)}
        figures = in_turns(rounds, {name: cpu(work, 200) for name, work in contenders.items()})
    yield from _compare(figures, "httpx", LAYERS)


if __name__ == "__main__":
    sys.exit(main())
