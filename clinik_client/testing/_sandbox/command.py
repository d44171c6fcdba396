"""The sandbox as a process: ``clinik-sandbox``, or ``python -m clinik_client.testing sandbox``."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import get_args

from .._answers import ErrorForm
from .._foreground import CommandParser, Foreground
from .clock import SandboxClock
from .limits import Plan
from .sandbox import Sandbox
from .settings import IncludedAs, SandboxSettings
from .store import Shape

__all__ = ["add_arguments", "main", "run"]

_USUAL = SandboxSettings()


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    parser.add_argument("--host", default="127.0.0.1", help="address to listen on (default: %(default)s)")
    parser.add_argument("--port", type=int, default=0, help="port; 0, the default, lets the system choose")
    parser.add_argument(
        "--download-port",
        type=int,
        default=0,
        metavar="PORT",
        help="port for the files of exports; 0, the default, too",
    )
    parser.add_argument(
        "--download-url", metavar="URL", help="under which others reach that port, such as http://clinikapi:8081"
    )
    parser.add_argument("--seed", default="0", metavar="N|FILE", help="so many made-up encounters, or a file with some")
    parser.add_argument("--shape", choices=get_args(Shape), default=_USUAL.shape, help="shape of the records")
    parser.add_argument(
        "--include", choices=get_args(IncludedAs), default=_USUAL.include, help="answer of a read with include"
    )
    parser.add_argument("--lag", type=float, default=_USUAL.lag, help="seconds until searches see a write")
    parser.add_argument("--no-total", action="store_true", help="pages do not tell how many records there are")
    parser.add_argument("--phantom", action="store_true", help="each page ends with a row that is no encounter")
    parser.add_argument("--errors", choices=get_args(ErrorForm), default=_USUAL.errors, help="form of the errors")
    parser.add_argument("--rate", type=_count, default=_USUAL.plan.rate, help="requests in 60 seconds")
    parser.add_argument("--monthly", type=_count, default=_USUAL.plan.monthly, help="requests of live keys in a month")
    parser.add_argument("--volume", type=_count, default=_USUAL.plan.sandbox, help="requests of test keys in a month")
    parser.add_argument("--clock", type=_moment, metavar="MOMENT", help="let it begin at this moment")
    parser.add_argument("--stopped", action="store_true", help="let the clock stand still until it is moved")
    parser.add_argument("--until-stdin-closes", action="store_true", help="stop, too, when the standard input ends")


def _count(text: str) -> int:
    if not (text.isascii() and text.isdigit()):
        raise argparse.ArgumentTypeError("this is a whole number, 0 or more")
    return int(text)


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
        int(options.seed) if options.seed.isdecimal() else Path(options.seed),
        shape=options.shape,
        include=options.include,
        lag=options.lag,
        total=not options.no_total,
        phantom=options.phantom,
        errors=options.errors,
        plan=Plan(options.rate, options.monthly, options.volume),
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
