"""The log of what went wrong: one line for each event, in a form that nobody can forge (OWASP Logging, CWE-117).

    event key=value key="value with \\"quotes\\" and \\x1b escapes"

The line is ASCII: whatever else a client sends, control characters, line separators, terminal escapes and letters that
look like others, is escaped (Django CVE-2025-48432). It has at most MAX_LINE characters. The record also has the parts, for
handlers that write JSON: `record.event`, and `record.fields`, a dict. A request writes no more than one line of a kind.

    flasgo.security    refused and suspicious requests; LOG_SECURITY_EVENTS turns it off
    flasgo.errors      unhandled exceptions with their traceback, always; each of its lines is indented, so that what an
                       exception says cannot pass for an event
"""

import logging
import traceback
from collections.abc import Mapping
from types import MappingProxyType
from typing import Literal, Protocol, TypeAlias

security = logging.getLogger("flasgo.security")
errors = logging.getLogger("flasgo.errors")

SecurityEvent: TypeAlias = Literal[
    "auth-backend-error",
    "auth-backend-missing",
    "auth-failed",
    "cache-headers-replaced",
    "credentials-throttled",
    "csrf-check-failed",
    "csrf-token-void",
    "host-check-failed",
    "permission-check-error",
    "permission-denied",
    "proxy-headers-malformed",
    "rate-limit-client-unknown",
    "rate-limit-exceeded",
    "rate-limit-store-unavailable",
    "redirect-refused",
    "request-aborted",
    "request-refused",
    "response-aborted",
    "security-failures-throttled",
    "session-cookie-repeated",
]
"""The codes of flasgo.security. They are stable: rules of log monitors match them (docs/guides/security-log.md)."""

ERRORS: frozenset[SecurityEvent] = frozenset(
    {"auth-backend-error", "auth-backend-missing", "permission-check-error", "rate-limit-store-unavailable"}
)
"""The events that are the application's fault, logged as errors; the others are warnings."""

MAX_LINE = 8_192
MAX_VALUE = 512
"""Characters that are kept of a value, before they are escaped."""

MAX_TRACE_LINES = 200
MAX_TRACE_LINE = 1_000


class Occasion(Protocol):
    """The request that an event happened in."""

    told: frozenset[object]
    """The kinds of lines that were written for it."""

    @property
    def method(self) -> str: ...
    @property
    def path(self) -> str: ...
    @property
    def client_ip(self) -> str | None: ...


NOTHING_MORE: Mapping[str, object] = MappingProxyType({})


class SecurityLog:
    """The logger `flasgo.security`, or silence where LOG_SECURITY_EVENTS is off."""

    def __init__(self, *, enabled: bool) -> None:
        self.enabled = enabled

    def write(self, event: SecurityEvent, request: Occasion | None = None, /, **fields: object) -> None:
        """Write one line, unless this request has one of the event already.

        Method, path and client of the request come first, then `fields`. A field that is None is left out.
        """
        if not self.enabled:
            return
        if request is not None:
            if event in request.told:
                return
            request.told |= {event}
            fields = fields_of(request) | fields
        kept = _kept(fields)
        level = logging.ERROR if event in ERRORS else logging.WARNING
        security.log(level, line_of(event, kept), extra={"event": event, "fields": kept}, stacklevel=2)


def log_failure(event: str, error: BaseException, request: Occasion | None = None, /, **fields: object) -> None:
    """Write an exception with its traceback to `flasgo.errors`: once for each class of exception in one request."""
    if request is not None:
        kind = (event, type(error))
        if kind in request.told:
            return
        request.told |= {kind}
        fields = fields_of(request) | fields
    if not errors.isEnabledFor(logging.ERROR):
        return
    kept = _kept(fields)
    file, number, function, _ = errors.findCaller(stacklevel=2)
    record = errors.makeRecord(
        errors.name,
        logging.ERROR,
        file,
        number,
        line_of(event, kept),
        (),
        (type(error), error, error.__traceback__),
        function,
        {"event": event, "fields": kept},
    )
    record.exc_text = trace_of(error)  # what a Formatter writes instead of its own text, which it would not escape
    errors.handle(record)


def fields_of(request: Occasion) -> dict[str, object]:
    return {"method": request.method, "path": request.path, "client": request.client_ip or "-"}


def _kept(fields: Mapping[str, object]) -> dict[str, str]:
    return {name: _text(value)[:MAX_VALUE] for name, value in fields.items() if value is not None}


def _text(value: object) -> str:
    return value.decode("latin-1") if isinstance(value, bytes) else str(value)


def line_of(event: str, fields: Mapping[str, str]) -> str:
    """The line of an event whose fields are cut already."""
    line = " ".join([event, *(f"{name}={_shown(value)}" for name, value in fields.items())])
    return line if len(line) <= MAX_LINE else f"{line[: MAX_LINE - 3]}..."


def _shown(value: str) -> str:
    """As it is, if nobody could take it for something else; else in quotes."""
    text = escaped(value)
    if text == value and value and not any(mark in value for mark in ' "=\\'):
        return value
    return '"' + text.replace('"', '\\"') + '"'


def escaped(text: str) -> str:
    """ASCII without control characters that stands for `text` as in a Python string: \\n, \\x1b, \\u2028."""
    return text.encode("unicode_escape").decode("ascii")


def trace_of(error: BaseException) -> str:
    """The traceback: every line indented and cut, with control characters escaped; the middle of a long one left out."""
    lines = "".join(traceback.format_exception(error)).rstrip("\n").split("\n")
    if len(lines) > MAX_TRACE_LINES:
        half = MAX_TRACE_LINES // 2
        lines = [*lines[:half], f"... {len(lines) - 2 * half} more lines ...", *lines[-half:]]
    return "\n".join(f"    {_printable(line[:MAX_TRACE_LINE])}" for line in lines)


def _printable(line: str) -> str:
    return line if line.isprintable() else "".join(c if c.isprintable() else escaped(c) for c in line)
