"""The sandbox as a process: ``clinik-sandbox``, or ``python -m clinik_client.testing sandbox``."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import Any, get_args

from .._answers import ErrorForm
from .._foreground import CommandParser, Foreground
from .clock import SandboxClock
from .limits import Plan
from .sandbox import Sandbox
from .settings import IncludedAs, SandboxSettings
from .store import Shape

__all__ = ["add_arguments", "main", "run"]


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    usual, plan, default = SandboxSettings(), Plan(), " (default: %(default)s)"

    def add(name: str, told: str, **options: Any) -> None:
        parser.add_argument(name, help=told + default, **options)

    def switch(name: str, told: str) -> None:
        parser.add_argument(name, action="store_true", help=told)

    add("--host", "address to listen on", default="127.0.0.1")
    add("--port", "port; 0 lets the system choose", type=int, default=0)
    add("--download-port", "port for the files of exports, likewise", type=int, default=0, metavar="PORT")
    parser.add_argument("--download-url", metavar="URL", help="URL under which others reach that port")
    add("--seed", "so many made-up encounters, or a JSON or NDJSON file with some", default="0", metavar="N|FILE")
    add("--shape", "shape of the records", choices=get_args(Shape), default=usual.shape)
    add("--include", "answer of a read with include", choices=get_args(IncludedAs), default=usual.include)
    add("--lag", "seconds until searches see a write", type=float, default=usual.lag)
    switch("--no-total", "pages do not tell how many records there are")
    switch("--phantom", "each page ends with a row that is no encounter")
    add("--errors", "form of the errors", choices=get_args(ErrorForm), default=usual.errors)
    add("--job-seconds", "how long an export or an import takes", type=float, default=usual.job_seconds, metavar="S")
    add("--rate", "requests in 60 seconds", type=_count, default=plan.rate, metavar="N")
    add("--monthly", "requests of live keys in a month", type=_count, default=plan.monthly, metavar="N")
    add("--sandbox", "requests of test keys in a month", type=_count, default=plan.sandbox, metavar="N")
    switch("--overage", "requests of live keys beyond --monthly are served and billed")
    add("--bulk", "exports and imports in an hour", type=_count, default=plan.bulk, metavar="N")
    parser.add_argument("--clock", type=_moment, metavar="MOMENT", help="let it begin at this moment (default: now)")
    switch("--stopped", "let the clock stand still until it is moved")
    switch("--until-stdin-closes", "stop, too, when the standard input ends")


def _count(text: str) -> int:
    if not (text.isascii() and text.isdigit()):
        raise argparse.ArgumentTypeError("this is a whole number, 0 or more")
    return int(text)


def _seed(text: str) -> int | Path:
    if text.isascii() and text.isdigit():
        return int(text)
    path = Path(text)
    if not path.exists():
        raise ValueError(
            f"{text}: No such file or directory; a seed is a whole number, 0 or more, or the path of a file"
        )
    return path


def _moment(text: str) -> datetime:
    told = "a moment has an offset from UTC, such as 2025-06-01T09:00:00Z"
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise argparse.ArgumentTypeError(told) from None
    if moment.utcoffset() is None:
        raise argparse.ArgumentTypeError(told)
    return moment


def run(options: argparse.Namespace) -> int:
    """Run a sandbox until it is stopped; returns the exit code: 0, or 2 if it could not start."""
    with Foreground(until_stdin_closes=options.until_stdin_closes) as foreground:
        try:
            sandbox = _sandbox(options)
            sandbox.start()
        except OSError as error:
            return _failed(f"{options.host}:{options.port}: {error.strerror}")
        except (ValueError, OverflowError) as error:
            return _failed(error)
        foreground.tell(
            f"listening on {sandbox.url}; its journal is at {sandbox.url}/_sandbox/",
            f"{sandbox.key} is a key that works. For a shell:",
            f"export CLINIKAPI_BASE_URL={sandbox.url}",
            f"export CLINIKAPI_SECRET_KEY={sandbox.key}",
        )
        foreground.wait()
        sandbox.stop()
        foreground.tell(f"{sandbox.ledger.received()} requests, {sandbox.ledger.applied()} changes")
    return 0


def _failed(problem: object) -> int:
    print(f"error: {problem}", file=sys.stderr)
    return 2


def _sandbox(options: argparse.Namespace) -> Sandbox:
    return Sandbox(
        _seed(options.seed),
        shape=options.shape,
        include=options.include,
        lag=options.lag,
        total=not options.no_total,
        phantom=options.phantom,
        errors=options.errors,
        job_seconds=options.job_seconds,
        plan=Plan(options.rate, options.monthly, options.sandbox, options.overage, options.bulk),
        clock=SandboxClock(options.clock, running=not options.stopped),
        host=options.host,
        port=options.port,
        download_port=options.download_port,
        download_url=options.download_url,
    )


def main(arguments: Sequence[str] | None = None) -> int:
    """The console script ``clinik-sandbox``."""
    parser = CommandParser(prog="clinik-sandbox", description="A ClinikAPI in memory, on this machine.")
    add_arguments(parser)
    return run(parser.parse_args(arguments))
