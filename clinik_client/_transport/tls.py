"""Whom to trust: TLS settings from what a caller gives and, where that is allowed, from the environment."""

from __future__ import annotations

import os
import re
import ssl
import sys
from functools import lru_cache
from typing import Final

import certifi

from .._errors import ClinikConfigError

_HASHED: Final = r"[0-9a-f]{8}\.[0-9]+"


def tls_context(verify: bool | str | os.PathLike[str] | ssl.SSLContext, trust_env: bool) -> ssl.SSLContext:
    """The TLS settings for what a caller gives as ``verify``.

    Raises:
        ClinikConfigError: it is nothing that can be verified with, or a file that is needed cannot be used.
    """
    if isinstance(verify, ssl.SSLContext):
        if verify.protocol == ssl.PROTOCOL_TLS_SERVER:
            raise ClinikConfigError("verify is an ssl.SSLContext for servers: make it with PROTOCOL_TLS_CLIENT.")
        return verify
    environment = os.environ if trust_env else {}
    keylog = None if sys.flags.ignore_environment else environment.get("SSLKEYLOGFILE")
    if verify is True:
        return _usual_context(environment.get("SSL_CERT_FILE"), environment.get("SSL_CERT_DIR"), keylog)
    context = _new_context(keylog)
    if verify is False:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
        return context
    try:
        path = os.fspath(verify)
    except TypeError:
        path = ""
    folder = os.path.isdir(path)
    if folder and not _has_names_of_openssl(os.fsdecode(path)):
        raise ClinikConfigError(
            "verify is a folder in which no certificate has the name by which OpenSSL looks for it. "
            "Run `openssl rehash` on it, or give one PEM file with all of them."
        )
    if not path or not _trust(context, None if folder else path, path if folder else None):
        raise ClinikConfigError(
            "verify is no CA file that can be read and holds PEM certificates. "
            "Give True, False, the path of a PEM file or of a folder of them, or an ssl.SSLContext."
        )
    return context


@lru_cache(maxsize=4)
def _usual_context(cert_file: str | None, cert_dir: str | None, keylog: str | None) -> ssl.SSLContext:
    # Loading the certificates takes most of the time that a client needs to start, so clients share them.
    context = _new_context(keylog)
    hint = ""
    if cert_file:
        source, found = "SSL_CERT_FILE", _trust(context, cert_file, None)
    elif cert_dir:
        # OpenSSL takes several folders in one text, and does not say that one is missing.
        there = any(_has_names_of_openssl(folder) for folder in cert_dir.split(os.pathsep))
        hint = " In a folder they have the names that `openssl rehash` gives them."
        source, found = "SSL_CERT_DIR", there and _trust(context, None, cert_dir)
    else:
        source, found = "The package certifi", _trust(context, certifi.where(), None)
    if not found:
        raise ClinikConfigError(f"{source} names no certificates that can be read.{hint}")
    return context


def _new_context(keylog: str | None) -> ssl.SSLContext:
    """What `ssl.create_default_context` makes, but that reads ``SSLKEYLOGFILE`` whether it may or not."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    if sys.version_info >= (3, 13):
        context.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN | ssl.VERIFY_X509_STRICT
    written = True
    if keylog:
        try:
            context.keylog_filename = keylog
        except (OSError, ValueError):
            written = False
    if not written:
        raise ClinikConfigError("SSLKEYLOGFILE names a file that cannot be written.")
    return context


def _has_names_of_openssl(folder: str) -> bool:
    """Whether OpenSSL may find anything in a folder. It looks there for a hash of the subject, and at no other file."""
    try:
        return any(re.fullmatch(_HASHED, name) for name in os.listdir(folder))
    except OSError:
        return False


def _trust(context: ssl.SSLContext, file: str | None, folder: str | None) -> bool:
    """Load authorities; says whether that was possible."""
    try:
        context.load_verify_locations(file, folder)
    except (OSError, ValueError):
        return False
    return True
