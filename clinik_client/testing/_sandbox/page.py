"""The page on which a person sees the journal of a sandbox."""

from __future__ import annotations

from importlib.resources import files
from typing import Final

from .._wire import WireRequest, WireResponse

__all__ = ["page", "script"]

# Nothing but the page's own script runs, it asks nobody but the sandbox, and no other page shows it in a frame.
_POLICY: Final = "; ".join(
    [
        "default-src 'none'",
        "connect-src 'self'",
        "script-src 'self'",
        "style-src 'unsafe-inline'",
        "img-src data:",
        "base-uri 'none'",
        "form-action 'none'",
        "frame-ancestors 'none'",
    ]
)


def page(_: WireRequest) -> WireResponse:
    """The page."""
    return _file("page.html", "text/html")


def script(_: WireRequest) -> WireResponse:
    """Its script."""
    return _file("page.js", "text/javascript")


def _file(name: str, media_type: str) -> WireResponse:
    headers = [
        ("content-type", f"{media_type}; charset=utf-8"),
        ("content-security-policy", _POLICY),
        ("x-content-type-options", "nosniff"),
        ("cache-control", "no-store"),
    ]
    return WireResponse(200, headers, (files(__package__) / name).read_bytes())
