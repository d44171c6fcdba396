"""`Clinik`: how the SDK is set up, and the way to everything it does."""

from __future__ import annotations

import os
import re
import ssl
import sys
from collections.abc import Mapping
from types import TracebackType
from typing import Any, Final, NoReturn, Self

from attrs import evolve

from ._calls import public
from ._encounters.facade import Encounters
from ._errors import ClinikConfigError, ClinikWarning
from ._frames import leaves_nothing, warn
from ._log import show_log_if_asked
from ._operation import KEY_HEADER, raw_request
from ._privacy import KEY_PREFIX
from ._resource import Resource
from ._response import ApiResponse
from ._retry import WriteState
from ._session import Options, Session
from ._transport import Transport, find_proxy, parse_target, tls_context
from ._version import __version__

BASE_URL: Final = "https://api.clinikapi.com"

_KEY = re.compile(KEY_PREFIX + r"[A-Za-z0-9_-]+", re.ASCII)


class Clinik:
    """A client for the ClinikAPI. Blocking; safe to share between threads; safe to use after a fork.

    Args:
        api_key: ``clk_live_...`` or ``clk_test_...``; taken from ``CLINIKAPI_SECRET_KEY`` if not given.
        base_url: where the service is; taken from ``CLINIKAPI_BASE_URL`` if not given, else the public service.
        timeout: the limit of one attempt in seconds, by the clock on the wall: name lookup, connecting, TLS, sending,
            waiting and reading the response together.
        retries: how many times a request is sent again at most, where that is safe (see ``docs/reliability.md``).
        deadline: the limit of a whole call with its retries and waits, in seconds; ``None`` for as long as these take.
        proxy: the URL of an HTTP proxy, ``http://user:password@proxy.example:3128``, or ``""`` for none; taken from
            ``HTTPS_PROXY`` and ``NO_PROXY`` if not given.
        verify: ``True`` for the usual certificate authorities, the path of a PEM file (or of a folder) with your own,
            or an `ssl.SSLContext`. ``False``, or a context that checks nothing, warns.
        trust_env: whether the environment may name proxies, certificates and a file for the keys of TLS
            (``HTTPS_PROXY``, ``SSL_CERT_FILE``, ``SSLKEYLOGFILE``...).
        user_agent: put behind the SDK's own ``User-Agent``, for example ``"ward-report/2.1"``.
        max_retry_wait: the longest wait in seconds that the service may ask for before a retry; above it the error is
            raised at once, with ``retry_after``.
        max_response_bytes: the most that a response may hold, decoded.

    Raises:
        ClinikConfigError: something of this is missing or malformed. No value is repeated in its text.

    Example:
        >>> with Clinik("clk_test_example", timeout=10) as clinik:
        ...     clinik
        <Clinik https://api.clinikapi.com, test key>
    """

    encounters: Encounters = Encounters.__new__(Encounters)
    """Each client has its own. What is made in the form of this class, as mocks are, finds the methods here."""
    _shown = "not set up"
    _state: WriteState | None = None

    @leaves_nothing
    def __init__(
        self,
        api_key: str | None = None,
        *,
        base_url: str | None = None,
        timeout: float = 30.0,
        retries: int = 2,
        deadline: float | None = None,
        proxy: str | None = None,
        verify: bool | str | os.PathLike[str] | ssl.SSLContext = True,
        trust_env: bool = True,
        user_agent: str | None = None,
        max_retry_wait: float = 30.0,
        max_response_bytes: int = 64 * 1024 * 1024,
    ) -> None:
        key = _check_key(os.environ.get("CLINIKAPI_SECRET_KEY") if api_key is None else api_key)
        options = Options(timeout, retries, deadline, max_retry_wait)
        if not isinstance(max_response_bytes, int) or isinstance(max_response_bytes, bool) or max_response_bytes < 1:
            raise ClinikConfigError("max_response_bytes must be a whole number above 0.")
        if not isinstance(trust_env, bool):
            raise ClinikConfigError("trust_env must be True or False.")
        target = parse_target((os.environ.get("CLINIKAPI_BASE_URL") or BASE_URL) if base_url is None else base_url)
        found_proxy = find_proxy(target, proxy, trust_env)
        speaks_tls = target.scheme == b"https" or (found_proxy is not None and found_proxy.url.scheme == "https")
        # Loading the usual authorities takes time; anything else is looked at in any case.
        context = tls_context(verify, trust_env) if speaks_tls or verify is not True else None
        if target.scheme == b"http" and not target.loopback:
            warn("base_url is plain HTTP: the key and health data can be read on the way. Use https://.", ClinikWarning)
        if context is not None and context.verify_mode == ssl.CERT_NONE:
            warn(
                "verify=False (or an ssl.SSLContext with CERT_NONE): anybody on the way can pose as the service. "
                "Give your CA file instead.",
                ClinikWarning,
            )
        show_log_if_asked()
        self._shown = f"{target.shown}, {key.split('_')[1]} key"
        self._owns_connections = True
        self._set_up(
            Session(
                transport=Transport(target, context, found_proxy, max_response_bytes),
                headers=(
                    (KEY_HEADER.encode("ascii"), key.encode("ascii")),
                    (b"Accept", b"application/json"),
                    (b"Accept-Encoding", b"gzip"),
                    (b"User-Agent", _user_agent(user_agent)),
                ),
                options=options,
            )
        )

    def _set_up(self, session: Session) -> None:
        self._session = session
        self.encounters = Encounters(session)

    def __setattr__(self, name: str, value: Any) -> None:
        # Anything else would be kept and change nothing. A class of the user's own may have more to keep.
        known = name.startswith("_") or hasattr(self, name) or isinstance(value, Resource)
        if type(self) is Clinik and not known:
            raise AttributeError(
                f"Clinik has no attribute {name!r} to set. with_options(timeout=..., retries=..., deadline=...) gives "
                "a view of a client with other limits; all else is set when a client is made."
            )
        super().__setattr__(name, value)

    def __repr__(self) -> str:
        return f"<Clinik {self._shown}>"

    def __reduce__(self) -> NoReturn:
        raise TypeError("A Clinik client holds a key and connections: it cannot be pickled or copied.")

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()

    @leaves_nothing
    def close(self) -> None:
        """Close all connections. Closing a view made by `with_options` closes nothing.

        Example:
            >>> clinik = Clinik("clk_test_example")
            >>> try:
            ...     print(clinik)
            ... finally:
            ...     clinik.close()
            <Clinik https://api.clinikapi.com, test key>
        """
        if self._owns_connections:
            self._session.close()

    @leaves_nothing
    def with_options(
        self, *, timeout: float | None = None, retries: int | None = None, deadline: float | None = None
    ) -> Clinik:
        """A view of this client with other limits, on the same connections. What is not given stays as it is.

        Args:
            timeout: the limit of one attempt, in seconds.
            retries: how many times a request is sent again at most.
            deadline: the limit of a whole call, in seconds; ``float("inf")`` takes a limit away.

        Returns:
            Another `Clinik`, which works for as long as this one is open.

        Example:
            >>> quick = clinik.with_options(timeout=5.0, retries=0)
            >>> quick.encounters.read("enc_xyz789", include=["patient"]).data
            <Encounter id='enc_xyz789' status='in-progress'>
        """
        given: dict[str, Any] = {"timeout": timeout, "retries": retries, "deadline": deadline}
        changes = {name: value for name, value in given.items() if value is not None}
        view = object.__new__(type(self))
        view._shown = self._shown
        view._owns_connections = False
        view._set_up(self._session.with_options(evolve(self._session.options, **changes)))
        return view

    @public
    def request(
        self,
        method: str,
        path: str,
        *,
        params: Mapping[str, Any] | None = None,
        json: Any = None,
        headers: Mapping[str, str] | None = None,
        timeout: float | None = None,
    ) -> ApiResponse[Any]:
        """Send a request that the SDK has no method for. A GET is treated like a read, anything else like a create.

        Args:
            method: the HTTP method.
            path: the path below the base URL, ``/v1/metadata``; percent-encode what is not an ordinary character.
            params: query parameters; a list gives one parameter for each of its values, ``None`` none.
            json: the body, any JSON value.
            headers: further headers, ASCII text. They take the place of the client's own, such as ``Content-Type`` and
                ``Accept``; the key's and those that frame the request are refused.
            timeout: the limit of one attempt of this call, in seconds.

        Returns:
            The envelope's ``data``, or the whole body where there is no envelope. A body with a ``resourceType`` is a
            FHIR resource and no envelope.

        Example:
            >>> page, meta = clinik.request("GET", "/v1/encounters", params={"patientId": "pt_abc123", "count": 2})
            >>> [encounter["id"] for encounter in page["data"]], meta.status
            (['enc_lmn567', 'enc_xyz789'], 200)
        """
        session = self._session
        if timeout is not None:
            session = session.with_options(evolve(session.options, timeout=timeout))
        return session.send(raw_request(method, path, params, json, headers), state=self._state)

    def _during(self, state: WriteState) -> Self:
        """The client for one call."""
        client = object.__new__(type(self))
        vars(client).update(vars(self), _state=state)
        return client


def _check_key(key: str | None) -> str:
    if key is None or (isinstance(key, str) and not key):
        raise ClinikConfigError("There is no API key: give api_key, or set CLINIKAPI_SECRET_KEY.")
    if not isinstance(key, str) or not _KEY.fullmatch(key):
        hint = " It has white space around it." if isinstance(key, str) and _KEY.fullmatch(key.strip()) else ""
        raise ClinikConfigError(
            "The API key is malformed: it is clk_live_ or clk_test_, then letters, digits, _ and - only." + hint
        )
    return key


def _user_agent(extra: str | None) -> bytes:
    text = f"clinik-client/{__version__} python/{sys.version.partition(' ')[0]}"
    if extra is not None:
        if not isinstance(extra, str) or not extra.isascii() or not extra.isprintable() or not extra.strip():
            raise ClinikConfigError("user_agent must be printable ASCII text in one line.")
        text = f"{text} {extra.strip()}"
    return text.encode("ascii")
