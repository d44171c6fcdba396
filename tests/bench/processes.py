"""Fresh processes: what an import costs, how soon the first answer is there, how much memory a walk takes."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable

NOTHING = "pass"

IMPORTS = {
    "httpx": "import httpx",
    "clinik_client": "import clinik_client",
    "openai": "import openai",
    "stripe": "import stripe",
}


def first_answers(url: str, ca: str | None) -> dict[str, str]:
    """Programs that read one encounter and end."""
    path = f"{url}/v1/encounters/enc_xyz789"
    verify = "" if ca is None else f", verify=ssl.create_default_context(cafile={ca!r})"
    imports = "" if ca is None else "import ssl; "
    ours = "" if ca is None else f", verify={ca!r}"
    return {
        "httpx": f"{imports}import httpx\n"
        f"with httpx.Client(headers={{'x-api-key': 'clk_test_bench'}}, trust_env=False{verify}) as client:\n"
        f"    assert client.get({path!r}).json()['data']['id'] == 'enc_xyz789'",
        "clinik_client": "from clinik_client import Clinik\n"
        f"with Clinik('clk_test_bench', base_url={url!r}, trust_env=False{ours}) as clinik:\n"
        "    assert clinik.encounters.read('enc_xyz789').data.id == 'enc_xyz789'",
    }


def walk(url: str, pages: int) -> str:
    """A program that walks through so many pages, and tells the most memory that it had, in KiB."""
    return (
        "import resource\nfrom clinik_client import Clinik\n"
        f"with Clinik('clk_test_bench', base_url={url!r}, trust_env=False) as clinik:\n"
        f"    count = sum(1 for _ in clinik.encounters.search_all(cursor='{pages}_0', count=100))\n"
        f"assert count == {pages} * 100, count\n"
        "print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)"
    )


def cpu_of(program: str) -> Callable[[], float]:
    """Measures the processor time of a fresh process with this program, in seconds."""

    def measure() -> float:
        process = subprocess.Popen([sys.executable, "-c", program], env=environment())
        _, status, used = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        assert process.returncode == 0, program
        return used.ru_utime + used.ru_stime

    return measure


def output_of(program: str) -> str:
    done = subprocess.run([sys.executable, "-c", program], env=environment(), check=True, capture_output=True)
    return done.stdout.decode()


def environment() -> dict[str, str]:
    """As this process has it; but packages are compiled once, as they are where they are installed."""
    kept = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    return {**kept, "PYTHONPATH": os.pathsep.join(path for path in sys.path if path)}
