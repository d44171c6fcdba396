"""Where the time of one read goes: the same request, sent by one layer more each time."""

from __future__ import annotations

import socket
from collections.abc import Callable
from contextlib import ExitStack, closing
from typing import Any

import h11
import httpcore
import orjson

from clinik_client import Clinik, Encounter
from tests.bench.contenders import HEADERS, KEY, READ_PATH

HEAD: dict[str, str] = {
    "accept": "application/json",
    "accept-encoding": "gzip",
    "user-agent": "bench",
    **HEADERS,
}


def layers(url: str, stack: ExitStack) -> dict[str, Callable[[], Any]]:
    """From the socket alone to the whole SDK."""
    host, port = url.removeprefix("http://").split(":")
    bare, spoken = (stack.enter_context(closing(socket.create_connection((host, int(port))))) for _ in range(2))
    request = f"GET {READ_PATH} HTTP/1.1\r\nhost: {host}:{port}\r\n".encode()
    request += b"".join(f"{name}: {value}\r\n".encode() for name, value in HEAD.items()) + b"\r\n"
    pooled = stack.enter_context(httpcore.HTTPConnection(httpcore.Origin(b"http", host.encode(), int(port))))
    clinik = stack.enter_context(Clinik(KEY, base_url=url, trust_env=False))
    connection = h11.Connection(h11.CLIENT)
    fields: list[tuple[str, str]] = [("host", f"{host}:{port}"), *HEAD.items()]

    def over_socket() -> bytes:
        bare.sendall(request)
        return bare.recv(65536).partition(b"\r\n\r\n")[2]

    def over_h11() -> bytes:
        spoken.sendall(connection.send(h11.Request(method="GET", target=READ_PATH, headers=fields)) or b"")
        spoken.sendall(connection.send(h11.EndOfMessage()) or b"")
        body = b""
        while True:
            event = connection.next_event()
            if event is h11.NEED_DATA:
                connection.receive_data(spoken.recv(65536))
            elif isinstance(event, h11.Data):
                body += bytes(event.data)
            elif isinstance(event, h11.EndOfMessage):
                connection.start_next_cycle()
                return body

    def over_httpcore() -> bytes:
        return pooled.request("GET", url + READ_PATH, headers=list(HEAD.items())).content

    def read(body: bytes) -> Encounter:
        return Encounter.from_dict(orjson.loads(body)["data"])

    return {
        "the socket": over_socket,
        "h11": over_h11,
        "httpcore's connection": over_httpcore,
        "JSON and the model": lambda: read(over_httpcore()),
        "clinik_client": lambda: clinik.encounters.read("enc_xyz789"),
    }
