"""What the server itself says to a client, before or instead of the application."""

from collections.abc import Iterable, Mapping

from flasgo.errors import phrase_of
from flasgo.http.headers import RawHeaders, header_field
from flasgo.security.headers import Completion
from flasgo.settings import Settings

ADVICE = {
    400: "The request is not well-formed HTTP/1.1, or could be read in more than one way.",
    408: "The request came too slowly. Send it without pauses.",
    431: "The head or the trailers of the request are too large. Send fewer or smaller fields, or a shorter URL.",
    503: "There are too many connections from this address. Close some, or try again later.",
}


CAUTIOUS: RawHeaders = [(b"cache-control", b"no-store"), (b"x-content-type-options", b"nosniff")]
"""What is said of a refusal where the application is none of flasgo's."""


def fields_by_scheme(settings: Settings | None) -> Mapping[str, RawHeaders]:
    """What is said of a refusal beside itself: what the application says of its own errors (SECURITY_HEADERS, no-store)."""
    if settings is None:
        return {"http": CAUTIOUS, "https": CAUTIOUS}
    own = Completion([header_field(*one) for one in settings.SECURITY_HEADERS.items()], no_store=True)
    return {"http": own.http_fields, "https": own.https_fields}


class Refused(Exception):
    """A request that the application never answers; `reason` is a stable name for the log."""

    def __init__(self, status: int, reason: str) -> None:
        super().__init__(status, reason)
        self.status = status
        self.reason = reason


def refusal(status: int, headers: Iterable[tuple[bytes, bytes]]) -> bytes:
    """A complete answer with this status, one of ADVICE, after which the connection is closed; `headers` are said beside its own."""
    body = f"{ADVICE[status]}\n".encode()
    fields = (
        *headers,
        (b"content-type", b"text/plain; charset=utf-8"),
        (b"content-length", b"%d" % len(body)),
        (b"connection", b"close"),
    )
    line = f"HTTP/1.1 {status} {phrase_of(status)}".encode()
    return b"\r\n".join((line, *map(b": ".join, fields), b"", body))
