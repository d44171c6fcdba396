"""Try mutants of the SDK, name those that no test noticed, and write docs/mutants.md: ``make mutants``."""

from __future__ import annotations

import argparse
import os
import queue
import sys
import tempfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor, as_completed
from pathlib import Path

from tests.mutants.mutations import ROOT, Mutant, modules, sample
from tests.mutants.reach import measure
from tests.mutants.report import Tally, document, harmless, is_critical
from tests.mutants.trial import Verdict, copy_repository, judge


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.mutants", description=__doc__)
    parser.add_argument("modules", nargs="*", help="only these, such as clinik_client/_retry.py; writes nothing")
    parser.add_argument(
        "--count", type=int, default=8, help="mutants of each module of the critical rooms; half as many of the others"
    )
    parser.add_argument("--seed", type=int, default=1, help="draws other mutants")
    given = parser.parse_args()
    tally, known = Tally(), harmless()
    with tempfile.TemporaryDirectory() as folder:
        drawn = [
            mutant
            for module in given.modules or modules()
            for mutant in sample(module, given.count if is_critical(module) else given.count // 2, given.seed)
        ]
        for mutant, verdict in try_all(drawn, Path(folder)):
            if verdict in (Verdict.SURVIVED, Verdict.UNREACHED):
                if mutant in known:
                    verdict = Verdict.HARMLESS
                else:
                    print(f"{mutant.module}:{mutant.lines[0]}: {verdict}\n{mutant.diff}\n", flush=True)
            tally.count(mutant, verdict)
    text = document(tally, given.count, given.seed)
    print(text)
    if not given.modules:
        (ROOT / "docs" / "mutants.md").write_text(text, encoding="utf-8")
    return int(not tally.is_enough)


def try_all(mutants: list[Mutant], folder: Path) -> Iterator[tuple[Mutant, Verdict]]:
    """Try mutants, as many at once as there are processors."""
    copies: queue.SimpleQueue[Path] = queue.SimpleQueue()
    workers = os.cpu_count() or 1
    for number in range(workers):
        copies.put(copy_repository(folder / f"copy-{number}"))
    reach = measure(copy_repository(folder / "measured"))

    def attempt(mutant: Mutant) -> tuple[Mutant, Verdict]:
        copy = copies.get()
        try:
            return mutant, judge(mutant, copy, reach)
        finally:
            copies.put(copy)

    with ThreadPoolExecutor(workers) as pool:
        for done in as_completed([pool.submit(attempt, mutant) for mutant in mutants]):
            yield done.result()


if __name__ == "__main__":
    sys.exit(main())
