"""ASGI calls by hand, as a server makes them."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest


class Exchange:
    """What an application sent for one request."""

    def __init__(self):
        self.messages = []

    @property
    def status(self):
        return self.messages[0]["status"]

    @property
    def headers(self):
        """The last value of each name."""
        return {name.decode(): value.decode("latin-1") for name, value in self.messages[0]["headers"]}

    def getlist(self, name):
        return [value.decode("latin-1") for key, value in self.messages[0]["headers"] if key == name.encode()]

    @property
    def body(self):
        return b"".join(message.get("body", b"") for message in self.messages[1:])

    @property
    def complete(self):
        return bool(self.messages) and not self.messages[-1].get("more_body", False)


async def call(
    app,
    path="/",
    *,
    method="GET",
    headers=((b"host", b"localhost"),),
    body=b"",
    pieces=None,
    receive=None,
    send=None,
    without=(),
    **more,
):
    """Answer one request. `pieces` are body events to come one after the other: bytes, None for a disconnect, a number for a pause.

    After the body nothing comes until the response is complete, as from a server. `without` names keys to leave out of the scope.
    """
    exchange = Exchange()
    finished = asyncio.Event()
    scope = {
        "type": "http",
        "asgi": {"version": "3.0", "spec_version": "2.3"},
        "http_version": "1.1",
        "method": method,
        "scheme": "http",
        "path": path,
        "raw_path": path.encode(errors="replace"),
        "query_string": b"",
        "root_path": "",
        "headers": list(headers) if isinstance(headers, tuple) else headers,
        "client": ("127.0.0.1", 50000),
        "server": ("localhost", 80),
        **more,
    }
    for key in without:
        del scope[key]

    async def events() -> AsyncIterator[dict[str, Any]]:
        if pieces is None:
            yield {"type": "http.request", "body": body, "more_body": False}
        for index, piece in enumerate(pieces or ()):
            if piece is None:
                yield {"type": "http.disconnect"}
            elif isinstance(piece, bytes):
                yield {"type": "http.request", "body": piece, "more_body": index + 1 < len(pieces)}
            else:
                await asyncio.sleep(piece)
        await finished.wait()
        yield {"type": "http.disconnect"}

    stream = events()

    async def receive_event():
        return await anext(stream)

    async def record(message):
        exchange.messages.append(message)
        if message["type"] == "http.response.body" and not message.get("more_body", False):
            finished.set()

    await app(scope, receive or receive_event, send or record)
    return exchange


@pytest.fixture(name="call")
def asgi_call():
    return call
