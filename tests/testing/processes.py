"""A server of the test kit as a process."""

from __future__ import annotations

import signal
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path


class ServerProcess:
    """The process, and the lines that it has printed until it was ready."""

    def __init__(self, process: subprocess.Popen[str], lines: int) -> None:
        assert process.stdout is not None
        self.process = process
        self.lines = [process.stdout.readline().rstrip("\n") for _ in range(lines)]
        self.url = self.lines[0].removeprefix("listening on ").partition(";")[0]
        self.port = int(self.url.rpartition(":")[2])

    def end(self, how: signal.Signals | None) -> tuple[int, str]:
        """Stop it, by a signal or (``None``) by closing its standard input; exit code and the rest of its output."""
        if how is not None:
            self.process.send_signal(how)
        output, errors = self.process.communicate(timeout=10)
        assert errors == ""
        return self.process.returncode, output


@contextmanager
def server_process(
    command: Sequence[str | Path], environment: Mapping[str, str], *, lines: int, cwd: Path | None = None
) -> Iterator[ServerProcess]:
    """Start one, and end it.

    Args:
        command: what to run.
        environment: of the process.
        lines: how many it prints when it is ready.
        cwd: its working directory.
    """
    pipe = subprocess.PIPE
    with subprocess.Popen(
        list(map(str, command)), cwd=cwd, env=dict(environment), stdin=pipe, stdout=pipe, stderr=pipe, text=True
    ) as process:
        try:
            yield ServerProcess(process, lines)
        finally:
            process.kill()
