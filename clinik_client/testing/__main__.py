"""The test kit on the command line: ``python -m clinik_client.testing serve|sandbox|check|record|diff``."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence
from pathlib import Path

from .._errors import ClinikApiError
from ._foreground import CommandParser, Foreground
from ._har import HarError, load_recording, load_recordings
from ._recorder.drift import diff_recording, drifts_of
from ._recorder.retelling import record_again
from ._sandbox.command import add_arguments, run
from ._server import FixtureServer
from ._stories import RECORDINGS, load_stories

_DEFAULT = Path("tests", "recordings")


def _parser() -> argparse.ArgumentParser:
    parser = CommandParser(prog="python -m clinik_client.testing", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)

    serve = commands.add_parser("serve", help="replay recordings on a port of 127.0.0.1 until stopped")
    serve.add_argument(
        "paths",
        nargs="*",
        metavar="PATH",
        type=Path,
        help=f"HAR file or directory; default {_DEFAULT}, or if there is none, what comes with the package",
    )
    serve.add_argument("--port", type=int, default=0, help="port; 0, the default, lets the system choose")
    serve.add_argument("--story", action="append", metavar="NAME", help="only this recording; may be given repeatedly")
    serve.add_argument("--use-all", action="store_true", help="fail, too, if a recorded exchange was never asked for")
    serve.add_argument(
        "--loop", action="store_true", help="begin a story again when all it has for a request was given"
    )
    serve.add_argument("--api-key-file", type=Path, metavar="FILE", help="accept only the keys in FILE, one a line")
    serve.add_argument("--until-stdin-closes", action="store_true", help="stop, too, when the standard input ends")

    sandbox = commands.add_parser("sandbox", help="a ClinikAPI in memory, on a port of this machine until stopped")
    add_arguments(sandbox)

    check = commands.add_parser("check", help="say whether HAR files are usable recordings")
    check.add_argument("paths", nargs="+", metavar="PATH", type=Path, help="HAR file or directory")

    record = commands.add_parser("record", help="tell recorded stories to a service, and record them anew")
    record.add_argument("--to", type=Path, required=True, metavar="FOLDER", help="where the new files go")
    diff = commands.add_parser("diff", help="tell recorded stories to a service, and say what it answers otherwise")
    for command in (record, diff):
        command.description = (
            "The key is taken from CLINIKAPI_SECRET_KEY. It has to be a clk_test_ key: what a story creates is created."
        )
        command.add_argument("paths", nargs="+", metavar="PATH", type=Path, help="HAR file or directory")
        command.add_argument("--story", action="append", metavar="NAME", help="only this recording; may be repeated")
        command.add_argument(
            "--base-url", metavar="URL", help="the service; default CLINIKAPI_BASE_URL, or the public one"
        )
        command.add_argument(
            "--id",
            action="append",
            default=[],
            type=_pair,
            metavar="RECORDED=ID",
            help="the service's id for a recorded one; may be repeated",
        )
    return parser


def _pair(text: str) -> tuple[str, str]:
    recorded, equals, now = text.partition("=")
    if not (recorded and equals and now):
        raise argparse.ArgumentTypeError("give a recorded id, =, and the service's id")
    return recorded, now


def _complain(problem: object) -> None:
    print(f"error: {problem}", file=sys.stderr)


def _check(paths: Sequence[Path]) -> int:
    failed = False
    for path in paths:
        files = sorted(path.glob("*.har")) if path.is_dir() else [path]
        if not files:
            _complain(f"{path}: there is no .har file here")
            failed = True
        for file in files:
            try:
                recording = load_recording(file)
            except HarError as error:
                _complain(error)
                failed = True
            else:
                print(f"{file}: {len(recording.exchanges)} exchanges")
    return 1 if failed else 0


def _serve(options: argparse.Namespace) -> int:
    try:
        if options.story and not options.paths:
            recordings = load_stories(_DEFAULT, options.story)
        else:
            paths = options.paths or [_DEFAULT if _DEFAULT.is_dir() else RECORDINGS]
            recordings = load_recordings(*paths, stories=options.story)
        keys = options.api_key_file.read_text(encoding="utf-8").split() if options.api_key_file else None
        server = FixtureServer(
            recordings, api_keys=keys, must_use_all=options.use_all, loop=options.loop, port=options.port
        )
    except (HarError, OSError) as error:
        _complain(error)
        return 2

    with Foreground(until_stdin_closes=options.until_stdin_closes) as foreground:
        try:
            server.start()
        except (OSError, OverflowError) as error:
            _complain(error)
            return 2
        foreground.tell(f"listening on {server.url}")
        foreground.wait()
        server.stop()
        if account := server.account():
            foreground.tell(account)
        asked, unmatched, unused = len(server.requests), len(server.mismatches), len(server.unused())
        told = f"{asked} requests, {unmatched} without a recording; {unused} recorded exchanges never asked for"
        foreground.tell(told)
    return 1 if unmatched or (options.use_all and unused) else 0


def _retell(options: argparse.Namespace) -> int:
    key = os.environ.get("CLINIKAPI_SECRET_KEY", "")
    if not key.startswith("clk_test_"):
        _complain("set CLINIKAPI_SECRET_KEY to a clk_test_ key: stories are told to the sandbox of the service")
        return 2
    ids, found = dict(options.id), 0
    try:
        for story in load_recordings(*options.paths, stories=options.story):
            if options.command == "record":
                path = options.to / f"{story.name}.har"
                told = record_again(story, path, api_key=key, base_url=options.base_url, ids=ids)
                # That a record has other fields is why it is recorded; that there is none is a failure.
                drifts = [drift for one in told for drift in drifts_of(one) if drift.aspect == "status"]
                print(f"{path}: {len(told)} exchanges")
            else:
                drifts = diff_recording(story, api_key=key, base_url=options.base_url, ids=ids)
                print(f"{story.path}: recorded {story.started[:10]}, {len(drifts)} differences")
            for drift in drifts:
                print(f"  {drift}")
            found += len(drifts)
    except (HarError, OSError, ClinikApiError) as error:
        _complain(error)
        return 2
    return 1 if found else 0


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; returns the exit code: 0, 1 if something did not match, 2 if it could not be done."""
    options = _parser().parse_args(arguments)
    match options.command:
        case "serve":
            return _serve(options)
        case "sandbox":
            return run(options)
        case "check":
            return _check(options.paths)
        case _:
            return _retell(options)


if __name__ == "__main__":
    sys.exit(main())
