"""The text of docs/performance.md."""

from __future__ import annotations

import platform
from collections.abc import Iterator

from tests.bench.targets import Row

HEAD = """\
# Performance

<!-- Written by `make bench`; do not edit. -->

What the SDK costs, beside what a caller would use in its place. All figures are ratios: two contenders are measured
in turn, round after round, and each figure is divided by the peer's of the same round. The table has the median, and
the lowest and the highest of the rounds in parentheses. Times depend on the machine, ratios travel: `make bench` writes
this page anew, and `make bench-check` fails where a ratio is worse than wanted.

![The ratios and what is wanted](performance.svg)

"""

METHOD = """
## How it is measured

- The service is a process of its own with prepared responses. Except for the rows about threads and memory, what is
  measured is the client's processor time, so that it does not matter how fast the service is. A row for bare sockets
  shows that the service holds nobody up in the row about threads.
- Before anything is measured, the contenders' results are compared: they read the same records.
- What a contender returns is dropped at once, and the garbage collector runs for all of them as Python sets it, after
  a collection before each figure.
- Each first round warms up and does not count.
- The record has every field that the document describes, and so have the models of pydantic, msgspec and openai: they
  are made from ours, with the same names in Python and on the wire and the same types. A status is a member of our
  enumeration or any other text, and what a model does not know is kept. msgspec can do neither. The stock generator's
  models are made from `openapi/clinik.yaml`.
- Bytes to a page is what a call does with the bytes of a response, and has to itself what is decoded of them.
  `from_dict`, which programs call, copies what it keeps, since it is not its own: that is a row by itself. Where
  records are touched, every nested field of each is, with pydantic's too: their row says `pydantic, touched`.
- `httpx` means `httpx.Client.get(...).json()` with one client that is kept, `httpx, json, dicts` a loop over pages
  with it that gives out dicts.
"""

LIMIT = """
## Where the time of one read goes

The same request, sent by one layer more each time, with `httpx.Client.get(...).json()` as 1.

"""

AFTER = """
The socket and h11 are what any client has to pay that speaks HTTP in Python; httpcore's connection adds its states
and timeouts. What lies between them and the last line is what this SDK adds to a call: the deadline of the attempt,
the look at the connection before it is used, the bounded body, the outcome of a write, the metadata, the log lines and
the checks that the response is the one that was asked for. A parser or a socket layer of our own would be faster and is
refused: HTTP and TLS are left to libraries that many people look after.
"""


def document(rows: list[Row], layers: str) -> str:
    """The whole page. ``layers`` is the title of the rows for the last chapter."""
    table = [row for row in rows if not row.title.startswith(layers)]
    inside = [row for row in rows if row.title.startswith(layers)]
    return "".join([HEAD, *_table(table), METHOD, _machine(), LIMIT, *_layers(inside, layers), AFTER])


def _table(rows: list[Row]) -> Iterator[str]:
    yield "| what | 1 is | ratio | wanted |\n|---|---|---|---|\n"
    for row in rows:
        yield f"| {row.title} | {row.peer} | {row.ratio} | {row.wanted} |\n"


def _layers(rows: list[Row], layers: str) -> Iterator[str]:
    yield "| up to | ratio |\n|---|---|\n"
    for row in rows:
        yield f"| {row.title.removeprefix(layers).removeprefix(': ') or 'clinik_client'} | {row.ratio} |\n"


def _machine() -> str:
    return f"\nThis page was written with Python {platform.python_version()} on {platform.machine()}.\n"
