"""The hardened HTTP/1.1 protocol of `flasgo run` and `app.run()`: uvicorn's, with httptools, and with limits of bytes, time and number.

A head is collected here until it is whole, within its limit, and given to the parser in one piece; then exactly its body; then
the next head. So the server knows where each request begins, and what it did not look at never becomes one.
What the parser or a limit refuses is answered in full, after the answers that are still owed, and the connection closed:

    400  framing that two parties could read differently (`framing`)       431  head, fields or trailers too large
    408  head or body that comes too slowly                                503  too many connections of one peer

Every request has a context of its own: it never sees the ContextVars of the one before it on the connection.
Under plain uvicorn: `uvicorn module:app --http flasgo.server.protocol:HardenedProtocol`.
"""

import asyncio
from contextvars import Context
from functools import partial
from typing import ClassVar
from weakref import WeakKeyDictionary

from httptools import HttpParserError, HttpParserUpgrade, HttpRequestParser
from uvicorn._types import ASGI3Application
from uvicorn.config import Config
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle
from uvicorn.server import ServerState

from flasgo.events import SecurityEvent, SecurityLog
from flasgo.server.answers import answered
from flasgo.server.connections import ConnectionLimits, Watch, limits_of, peer_of, settings_of
from flasgo.server.deadlines import Patience, Wait
from flasgo.server.framing import (
    CHUNKED,
    HEAD_END,
    HEAD_END_BYTES,
    HTTP_1_0,
    REQUEST_LINE,
    body_length,
    is_no_head,
    origin_form,
)
from flasgo.server.refusals import Refused, fields_by_scheme, refusal

CHUNK_BYTES = 20
"""What the size line and the line breaks of an ordinary chunk take."""

LAST_CALL = 0.5
"""Seconds that a new connection gets for its first request when the server ends."""

_watches: WeakKeyDictionary[ServerState, Watch] = WeakKeyDictionary()


class _Unexpected(Exception):
    """A request began where none was looked for."""


class HardenedProtocol(HttpToolsProtocol):
    """One connection. The limits come from the application's settings, unless a subclass has its own."""

    # uvicorn's own attributes are nearly as many as Python 3.11 keeps without a dictionary.
    __slots__ = (
        "bounds", "chunks", "deaf", "dropped", "form", "framing", "heads", "held", "is_expected", "last_words", "left", "lingering",
        "patience", "peer", "received", "resumed", "upgraded", "watch",
    )  # fmt: skip

    limits: ClassVar[ConnectionLimits | None] = None
    parser: HttpRequestParser

    def __init__(
        self,
        config: Config,
        server_state: ServerState,
        app_state: dict[str, object],
        _loop: asyncio.AbstractEventLoop | None = None,
    ) -> None:
        super().__init__(config, server_state, app_state, _loop)
        self.watch = _watches.get(server_state) or self._new_watch()
        self.peer: str | None = None
        self.bounds = self.watch.limits
        self.patience = Patience(self.bounds)
        self.resumed = 0  # how often all that was written was taken

        # Reading
        self.held = b""  # the beginning of a head
        self.heads = 0
        self.is_expected = False  # the parser is given a head
        self.form: int | None = None  # of the request line, see REQUEST_LINE
        self.left = 0  # bytes of body to come, or CHUNKED
        self.received = 0  # bytes of all bodies
        self.chunks = 0
        self.framing = 0  # bytes of chunk extensions and trailers

        # Ending
        self.deaf = False  # what comes is dropped
        self.dropped = 0
        self.last_words = b""  # to be sent when the answers that are owed are
        self.lingering = False
        self.upgraded = False

    def _new_watch(self) -> Watch:
        settings = settings_of(self.config.loaded_app)
        log = SecurityLog(enabled=settings is None or settings.LOG_SECURITY_EVENTS)
        limits, said = self.limits or limits_of(settings), fields_by_scheme(settings)
        watch = _watches[self.server_state] = Watch(limits, self.loop, log=log, said=said)
        return watch

    # --- connection --------------------------------------------------------------------------------------------------

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as uvicorn has it
        super().connection_made(transport)
        self.peer = peer_of(self.client)
        count = self.watch.enter(self)
        most = self.bounds.connections_per_peer
        if not most or count <= most or self.watch.make_way(self):
            return
        if count > 2 * most:  # who is being told so counts as well
            transport.abort()
        else:
            self._refuse(503, "connections-per-peer")

    def connection_lost(self, exc: Exception | None) -> None:
        self.watch.leave(self)
        super().connection_lost(exc)

    def resume_writing(self) -> None:
        self.resumed += 1
        super().resume_writing()

    def shutdown(self) -> None:
        if self.lingering:
            self.transport.close()
        elif self.heads or self.upgraded:
            super().shutdown()
        else:  # its first request may be on the way already: closing now would reset it
            self.loop.call_later(LAST_CALL, super().shutdown)

    # --- reading -----------------------------------------------------------------------------------------------------

    def data_received(self, data: bytes) -> None:
        if self.held:
            data = self.held + data
        start, size = 0, len(data)
        while start < size and not self.deaf:
            if not self.left:
                end = data.find(HEAD_END, start)
                if end < 0:
                    self._hold(data[start:])
                    break
                end += HEAD_END_BYTES
                self._feed_head(data if end - start == size else data[start:end])
            elif self.left > 0:
                end = min(size, start + self.left)
                self.left -= end - start
                self._feed(data[start:end])
            else:
                end = size
                self._feed_chunks(data[start:])
            start = end
        if self.deaf and not self.upgraded:
            self.dropped += size - start
            if self.dropped > self.bounds.linger_bytes:
                self.flow.pause_reading()

    def _hold(self, start: bytes) -> None:
        if start == b"\r\n":  # some clients send it after a body
            return
        if len(start) >= self.bounds.head_bytes:
            self._refuse(431, "head-bytes")
        elif is_no_head(start):
            self._refuse(400, "malformed")
        else:
            self.held = start

    def _feed_head(self, head: bytes) -> None:
        self.held = b""
        bounds = self.bounds
        line = REQUEST_LINE.match(head)
        if len(head) > bounds.head_bytes:
            self._refuse(431, "head-bytes")
        elif line is None:
            self._refuse(400, "request-line")
        elif len(self.pipeline) + 1 >= bounds.pipeline_depth and self._is_owed():
            self._end_after_answers()
        else:
            self.heads += 1
            self.is_expected = True
            self.form = line.lastindex
            self._feed(head)

    def _feed_chunks(self, data: bytes) -> None:
        """Only the parser knows where the body ends. With a request after it in the same read, the connection ends: the peer asks again."""
        received, scope = self.received, self.scope
        self.chunks = 0
        self._feed(data)
        if self.deaf:
            return
        if self.scope is not scope:
            self._end_after_answers()
        elif self.left:
            excess = len(data) - (self.received - received) - CHUNK_BYTES * self.chunks
            self.framing = max(0, self.framing + excess)
            if self.framing > self.bounds.framing_bytes:
                self._refuse(431, "chunk-framing")

    def _feed(self, data: bytes) -> None:
        try:
            self.parser.feed_data(data)
        except HttpParserUpgrade:
            self._after_upgrade()
        except HttpParserError as error:
            cause = error.__context__
            if isinstance(cause, _Unexpected):
                self._end_after_answers()
            elif isinstance(cause, Refused):
                self._refuse(cause.status, cause.reason)
            else:
                self._refuse(400, "malformed")

    def _after_upgrade(self) -> None:
        """For the parser HTTP ends here; so it does for a WebSocket. Any other request is an ordinary one, with its body."""
        if self._should_upgrade():
            self.deaf = self.upgraded = True
            self.handle_websocket_upgrade()
        elif self.left:
            self.cycle.keep_alive = False
            length = "Transfer-Encoding: chunked" if self.left == CHUNKED else f"Content-Length: {self.left}"
            self.parser = HttpRequestParser(_BodyEvents(self))
            self.parser.feed_data(f"POST / HTTP/1.1\r\nConnection: close\r\n{length}\r\n\r\n".encode())

    # --- what the parser finds ---------------------------------------------------------------------------------------

    def on_headers_complete(self) -> None:
        if not self.is_expected:
            raise _Unexpected
        self.is_expected = False
        headers = self.headers
        if len(headers) > self.bounds.head_fields:
            raise Refused(431, "head-fields")
        fields = dict(headers)
        left = 0
        if (
            self.form is not None
            or len(fields) != len(headers)
            or b"content-length" in fields
            or b"transfer-encoding" in fields
            or b"upgrade" in fields
        ):
            left = self._framing_of(fields)
        super().on_headers_complete()
        self.left = left
        if left == CHUNKED:
            self.headers = []  # what follows are trailers
            self.framing = 0

    def _start_asgi_task(self, cycle: RequestResponseCycle, app: ASGI3Application) -> None:
        task = self.loop.create_task(cycle.run_asgi(partial(answered, app, cycle)), context=Context())
        task.add_done_callback(self.tasks.discard)
        self.tasks.add(task)

    def _framing_of(self, fields: dict[bytes, bytes]) -> int:
        left = body_length(self.headers, fields, http_1_0=self.form == HTTP_1_0)
        if not self.url.startswith((b"/", b"*")):
            self.url = origin_form(self.url, fields.get(b"host"))
        if (left or self._is_owed()) and self.parser.should_upgrade() and self._should_upgrade():
            raise Refused(400, "upgrade")  # a WebSocket begins after the answers, and its handshake has no body
        return left

    def on_chunk_header(self) -> None:
        self.chunks += 1

    def on_body(self, body: bytes) -> None:
        self.received += len(body)
        super().on_body(body)

    def on_message_complete(self) -> None:
        if self.left:
            if self.parser.should_upgrade():  # the body is still to come, see `_after_upgrade`
                return
            if sum(len(name) + len(value) + 4 for name, value in self.headers) > self.bounds.framing_bytes:
                raise Refused(431, "trailers")
            self.left = 0
        if not self.parser.should_keep_alive():
            self.deaf = True
        super().on_message_complete()

    # --- answering ---------------------------------------------------------------------------------------------------

    def _is_owed(self) -> bool:
        return self.cycle is not None and not self.cycle.response_complete

    def on_response_complete(self) -> None:
        if self.pipeline:
            super().on_response_complete()
            return
        self.server_state.total_requests += 1
        if self.transport.is_closing():
            return
        unsure = self.left and self.expect_100_continue  # the peer may send the body or not: nobody can tell
        if self.deaf or unsure:
            self._say_and_linger(self.last_words)
        else:
            self.flow.resume_reading()

    def _end_after_answers(self) -> None:
        self.deaf = True
        if self._is_owed():
            self.cycle.keep_alive = False
        else:
            self._say_and_linger(b"")

    def _refuse(self, status: int, reason: str) -> None:
        """Answer instead of the application, as soon as it is this request's turn, and close."""
        self._log("request-refused", reason)
        self.deaf = True
        answer = refusal(status, (*self.server_state.default_headers, *self.watch.said[self.scheme or "http"]))
        cycle = self.cycle
        if not self.left:
            if self._is_owed():
                self.last_words = answer
            else:
                self._say_and_linger(answer)
        elif self.pipeline:
            self.pipeline.popleft()
            self.last_words = answer
        elif cycle.response_complete:
            self._say_and_linger(b"")
        elif cycle.response_started:
            self.transport.abort()
        else:
            cycle.disconnected = True
            cycle.message_event.set()
            self._say_and_linger(answer)

    def _log(self, event: SecurityEvent, reason: str) -> None:
        self.watch.log.write(event, reason=reason, client=self.client[0] if self.client else "-")

    def _say_and_linger(self, words: bytes) -> None:
        """End our side, and let the peer read before the connection goes: closing over unread input resets it."""
        self.deaf = self.lingering = True
        self.transport.write(words)
        if self.transport.can_write_eof():
            self.transport.write_eof()
        self.flow.resume_reading()

    # --- deadlines ---------------------------------------------------------------------------------------------------

    def look(self, now: float) -> None:
        """What the sweep asks of every connection; `now` is the time of the loop."""
        if self.upgraded:
            if self.transport.is_closing():
                self.watch.leave(self)
            return
        if self.patience.is_stalled(self.transport, self.resumed, now):
            self._log("response-aborted", "write-stall")
            self.transport.abort()
            return
        waiting = self._waits_for()
        if self.patience.is_over(waiting, self.heads, self.received, now):
            if waiting in {"head", "body"}:
                self._refuse(408, f"slow-{waiting}")
            else:
                self.transport.close()

    def make_way(self, now: float) -> bool:
        if self.upgraded or not self.patience.is_thin(self._waits_for(), self.heads, self.received, now):
            return False
        self._log("request-aborted", "connections-per-peer")
        self.transport.abort()
        return True

    def _waits_for(self) -> Wait | None:
        """What the peer is to do next; None while it is our turn."""
        if self.lingering:
            return "end"
        if self.deaf or self.flow.read_paused or self.transport.is_closing():
            return None
        if self.left:
            return None if self.cycle.waiting_for_100_continue else "body"
        if self.held:
            return "head"
        return None if self._is_owed() else "request"


class _BodyEvents:
    """Passes on what a parser finds in a body, and nothing of the head that it was given before."""

    def __init__(self, connection: HardenedProtocol) -> None:
        self.on_chunk_header = connection.on_chunk_header
        self.on_body = connection.on_body
        self.on_message_complete = connection.on_message_complete


def protocol_class(limits: ConnectionLimits) -> type[HardenedProtocol]:
    """The protocol with these limits, whatever the application's settings are."""
    return type("HardenedProtocol", (HardenedProtocol,), {"limits": limits})
