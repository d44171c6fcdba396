"""A ClinikAPI on your desk: it keeps what is written to it, over real HTTP on a loopback socket."""

from __future__ import annotations

import re
import ssl
from datetime import datetime
from typing import TYPE_CHECKING, Any, Self, Unpack

from .._service import Service
from .._wire import Limits
from .backend import SandboxBackend
from .clock import SandboxClock, clock_of
from .control import SandboxControl
from .keys import HOME, SandboxKeys
from .limits import Usage
from .seed import Seed, records_of
from .settings import SandboxSettings, SandboxSettingsFields, settings_of

if TYPE_CHECKING:
    from ... import Clinik

__all__ = ["Sandbox"]

_BASE_URL = re.compile(r"https?://[^\s/?#]+(?:/[^\s?#]*)?")
# A bulk import may have 100 MiB, and what it says around them.
_LIMITS = Limits(body_bytes=101 * 1024 * 1024)


class Sandbox(Service):
    """A service with state that answers as the documentation says; a context manager that starts and stops it.

    Args:
        seed: what it holds at the beginning: so many made-up encounters, the path of a JSON or NDJSON file with some in
            either shape, or its text as bytes, or some as dicts. The same seed gives the same records and the same new
            ids.
        settings: how it answers where the documentation leaves it open; a `SandboxSettings`, which is copied.
        clock: its time, which a test can move: a `SandboxClock`, or a moment at which it stands; one that runs, from
            now on, if not given.
        host: the address to listen on.
        port: the port; 0 lets the system choose.
        download_port: the port on which the files of exports are; 0 lets the system choose.
        download_url: under which URL others reach that port, if it is another than it seems from here.
        ssl_context: a server-side context; the sandbox then speaks TLS.
        fields: the settings one by one, such as ``lag=0``, in the place of ``settings``.

    Raises:
        SeedError: the seed cannot be used.
        ValueError: a setting, the clock or the URL is none.

    Example:
        >>> with Sandbox(seed=3) as sandbox, sandbox.client() as clinik:
        ...     encounter, _ = clinik.encounters.create(status="planned", class_="VR", patient_id="pt_abc123")
        ...     before = len(clinik.encounters.search().data.data)
        ...     sandbox.clock.advance(sandbox.settings.lag)
        ...     before, len(clinik.encounters.search().data.data), sandbox.ledger.applied("create")
        (3, 4, 1)
    """

    __slots__ = ("_download_port", "_download_url", "_downloads", "_sandbox", "clock")

    def __init__(
        self,
        seed: Seed = 0,
        *,
        settings: SandboxSettings | None = None,
        clock: SandboxClock | datetime | None = None,
        host: str = "127.0.0.1",
        port: int = 0,
        download_port: int = 0,
        download_url: str | None = None,
        ssl_context: ssl.SSLContext | None = None,
        **fields: Unpack[SandboxSettingsFields],
    ) -> None:
        self.clock = clock_of(clock)
        """Its time: `SandboxClock.advance` moves it."""
        self._sandbox = SandboxBackend(records_of(seed), settings_of(settings, fields), self.clock)
        super().__init__(
            self._sandbox,
            host=host,
            port=port,
            ssl_context=ssl_context,
            limits=_LIMITS,
            now=self.clock.now,
            control=SandboxControl(self, is_local=host.startswith("127.") or host == "localhost"),
        )
        # On a port of its own, as the service has another host for them: a key that follows the URL is found out.
        self._downloads = Service(
            self._sandbox.downloads, host=host, port=download_port, ssl_context=ssl_context, beside=self
        )
        self._download_port = download_port
        self._download_url = None if download_url is None else _base_url(download_url)

    def start(self) -> Self:
        """Start listening, in threads of its own; the sandbox is ready when this returns. Returns the sandbox."""
        super().start()
        try:
            self._downloads.start()
        except BaseException as error:
            self.stop()
            if isinstance(error, OSError):
                raise OSError(error.errno, f"port of downloads {self._download_port}: {error.strerror}") from None
            raise
        self._sandbox.downloads.url = self._download_url or self._downloads.url
        return self

    def stop(self) -> None:
        """Close every connection and end every thread. What was collected stays readable."""
        try:
            self._downloads.stop()
        finally:
            super().stop()

    @property
    def key(self) -> str:
        """A test key that may do everything."""
        return "clk_test_sandbox"

    @property
    def keys(self) -> SandboxKeys:
        """All keys that it knows; more can be added."""
        return self._sandbox.keys

    @property
    def settings(self) -> SandboxSettings:
        """How it answers. What is changed here holds from the next request on."""
        return self._sandbox.settings

    @property
    def records(self) -> list[dict[str, Any]]:
        """The encounters that there are now for the test keys, in the simple shape: copies."""
        return [stored.copy() for stored in self._sandbox.store()]

    @property
    def usage(self) -> Usage:
        """What its keys have asked this month: set ``used`` or ``sandbox_used`` to come near a limit."""
        return self._sandbox.usage(HOME)

    @property
    def keys_sent_to_downloads(self) -> int:
        """How many requests for the file of an export carried a key: it is not the service that gets it there."""
        return self._sandbox.keys_sent_to_downloads

    def seed(self, seed: Seed) -> None:
        """Put other records in the place of all that are there; `reset` goes back to these.

        Args:
            seed: as for the class.

        Raises:
            SeedError: the seed cannot be used; then nothing is changed.
        """
        self._sandbox.seed(records_of(seed))

    def reset(self) -> None:
        """Go back to the seed: records, keys, limits, settings, clock, faults, journal and ledger."""
        self.clock.reset()
        self._sandbox.reset()
        self.faults.clear()
        self.journal.clear()

    def client(self, **options: Any) -> Clinik:
        """A client of this sandbox, which environment and proxies have no say in.

        Args:
            options: further arguments of `clinik_client.Clinik`, or others than ``key``, such as ``retries=0``.
        """
        from ... import Clinik

        return Clinik(**{"api_key": self.key, "base_url": self.url, "trust_env": False, **options})


def _base_url(text: str) -> str:
    """A URL that paths can be put behind."""
    if not _BASE_URL.fullmatch(text):
        raise ValueError("download_url is a URL such as http://clinikapi:8081")
    return text.rstrip("/")
