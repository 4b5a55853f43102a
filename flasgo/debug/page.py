"""The debug page: what a developer wants to know of an unhandled exception, and nobody else may.

It is shown only with DEBUG, only to a client on this machine, and only where nobody stands between: a request that a proxy
forwarded, that another site's script sent, or that names a host which nobody vouched for (DNS rebinding) is answered as in
production. It has no console and no script, holds no secret (redaction.py), is never stored, and its own
Content-Security-Policy lets nothing run.

A browser gets the page; a program gets its usual answer, whose detail names the exception and its place.
"""

import secrets
from collections.abc import Iterable, Iterator
from functools import cache
from html import escape
from ipaddress import IPv6Address, ip_address
from pathlib import Path
from string import Template

from flasgo.debug.frames import Failure, Frame, Line, failures_of, kind_of, place_of, secret_texts
from flasgo.debug.redaction import REDACTED, Redactor, is_secret_name
from flasgo.errors import InternalServerError
from flasgo.http.hosts import host_name
from flasgo.http.media import preferred_format
from flasgo.request import Request
from flasgo.response import Response
from flasgo.settings import Settings
from flasgo.settings_sources import looks_secret

FORWARDED = frozenset(
    {
        b"cf-connecting-ip",
        b"client-ip",
        b"forwarded",
        b"forwarded-for",
        b"true-client-ip",
        b"via",
        b"x-client-ip",
        b"x-real-ip",
    }
)
FORWARDED_PREFIX = b"x-forwarded-"
"""What proxies and tunnels add. The right to see a page is never gained by a header, but it is lost by one of these."""

POLICY = "default-src 'none'; style-src 'nonce-{nonce}'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
MAX_DETAIL = 500


class DebugPage:
    """Answers unhandled exceptions for developers; made only with DEBUG."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.any_host = not settings.ENFORCE_ALLOWED_HOSTS or "*" in settings.ALLOWED_HOSTS

    def answer(self, request: Request, error: BaseException) -> Response | InternalServerError | None:
        """The page for a browser, a telling error for a program, None for whoever may not know."""
        if not self.may_see(request):
            return None
        redactor = Redactor((*self._secrets(request), *secret_texts(error)))
        if preferred_format(request.headers.get("accept")) != "html":
            place = place_of(error)
            said = redactor.text(f"{kind_of(error)}: {error}", MAX_DETAIL)
            return InternalServerError(f"{said} ({place})" if place else said)
        return self._page(request, failures_of(error, redactor), redactor)

    def may_see(self, request: Request) -> bool:
        """Is this a developer at this machine?"""
        fields = request.fields
        if not is_loopback(request.client_ip) or any(map(is_of_proxies, fields)):
            return False
        if (
            fields.get(b"sec-fetch-site") in {b"cross-site", b"same-site"}
            and fields.get(b"sec-fetch-mode") != b"navigate"
        ):
            return False
        return not self.any_host or is_local_name(host_name(fields.get(b"host", b"")))

    def _secrets(self, request: Request) -> Iterator[str]:
        """What must not be shown wherever it stands: keys, secret settings, and what proves who the visitor is."""
        settings = self.settings
        yield settings.SECRET_KEY
        yield from settings.SECRET_KEY_FALLBACKS
        named = {**{name: getattr(settings, name) for name in settings.__struct_fields__}, **settings.EXTRA}
        yield from (value for name, value in named.items() if isinstance(value, str) and looks_secret(name))
        yield from (value for name, value in request.headers.items() if is_secret_name(name))
        yield from (value for values in request.cookie_lists.values() for value in values)

    def _page(self, request: Request, failures: list[Failure], redactor: Redactor) -> Response:
        nonce = secrets.token_urlsafe(16)
        request.nonce = None  # of a page that was not finished
        first = failures[0]
        page = _read("page.html").substitute(
            nonce=nonce,
            style=_read("page.css").template,
            kind=escape(first.kind),
            message=escape(first.message),
            method=escape(request.method),
            path=escape(redactor.text(request.path)),
            place=_place(first),
            failures="\n".join(_failure(failure) for failure in failures),
            plain=escape("\n\n".join(_plain(failure) for failure in reversed(failures))),
            request=_table(_of_request(request, redactor)),
            headers=_table((name, _of_header(name, value, redactor)) for name, value in request.headers.items()),
            settings=_table((name, redactor.value("", value)) for name, value in self.settings.redacted().items()),
        )
        response = Response.html(page.encode("utf-8", "replace").decode(), status_code=500)
        response.headers["content-security-policy"] = POLICY.format(nonce=nonce)
        response.headers["cache-control"] = "no-store"
        response.error_code = InternalServerError.default_code
        return response


def is_of_proxies(field: bytes) -> bool:
    """Is it a header that proxies add, by whichever of its names?"""
    name = field.replace(b"_", b"-")
    return name in FORWARDED or name.startswith(FORWARDED_PREFIX)


def is_loopback(client: str | None) -> bool:
    """Is it an address of this machine alone (RFC 1122 §3.2.1.3, RFC 4291 §2.5.3)?"""
    try:
        address = ip_address(client or "")
    except ValueError:
        return False
    mapped = address.ipv4_mapped if isinstance(address, IPv6Address) else None
    return (mapped or address).is_loopback


def is_local_name(name: str | None) -> bool:
    """Is it a name that leads nowhere but here (RFC 6761 §6.3)?"""
    return name is not None and (name == "localhost" or name.endswith(".localhost") or is_loopback(name))


@cache
def _read(name: str) -> Template:
    return Template(Path(__file__).with_name(name).read_text(encoding="utf-8"))


def _of_request(request: Request, redactor: Redactor) -> Iterator[tuple[str, str]]:
    yield "method", request.method
    yield "path", redactor.text(request.path)
    yield "query", redactor.text(request.query_string) or "-"
    yield "route", "-" if request.endpoint is None else f"{request.terms.pattern} → {request.endpoint}"
    for name, value in request.path_params.items() if request.endpoint is not None else ():
        yield f"<{name}>", redactor.value(name, value)
    yield "client", request.client_ip or "-"
    yield "scheme", request.scheme


def _of_header(name: str, value: str, redactor: Redactor) -> str:
    return REDACTED if is_secret_name(name) else redactor.text(value)


# ── HTML ────────────────────────────────────────────────────────────────────────────────────────────────────────────


def _place(failure: Failure) -> str:
    last = _last_of_yours(failure.frames)
    return (
        ""
        if last is None
        else f'<p class="place">{escape(last.file)}<b>:{last.line}</b> in {escape(last.function)}</p>'
    )


def _last_of_yours(frames: Iterable[Frame]) -> Frame | None:
    every = list(frames)
    yours = [frame for frame in every if frame.yours] or every
    return yours[-1] if yours else None


def _failure(failure: Failure) -> str:
    opened = _last_of_yours(failure.frames)
    head = f'<p class="link">{escape(failure.link)}</p><h2>{escape(failure.kind)}</h2>' if failure.link else ""
    said = f'<p class="message">{escape(failure.message)}</p>' if failure.link else ""
    notes = "".join(f'<p class="note">{escape(note)}</p>' for note in failure.notes)
    frames = "".join(_frame(frame, opened=frame is opened) for frame in failure.frames)
    return f'<section>{head}{said}{notes}<div class="frames">{frames}</div></section>'


def _frame(frame: Frame, *, opened: bool) -> str:
    kind = "template" if frame.template else "yours" if frame.yours else "library"
    label = '<span class="label">template</span>' if frame.template else ""
    lines = "".join(_line(line) for line in frame.lines) or '<span class="line">The source cannot be read.</span>'
    variables = f"<h3>Variables</h3>{_table(frame.variables)}" if frame.variables else ""
    return (
        f'<details class="{kind}"{" open" if opened else ""}><summary><code class="file">{escape(frame.file)}<b>:{frame.line}</b></code>'
        f'<code class="function">{escape(frame.function)}</code>{label}</summary>'
        f'<pre class="source" tabindex="0">{lines}</pre>{variables}</details>'
    )


def _line(line: Line) -> str:
    text = (
        f"{escape(line.before)}<mark>{escape(line.marked)}</mark>{escape(line.after)}"
        if line.marked
        else escape(line.before)
    )
    return f'<span class="line{" current" if line.current else ""}"><i>{line.number}</i>{text}\n</span>'


def _table(rows: Iterable[tuple[str, str]]) -> str:
    body = "".join(f"<tr><th>{escape(name)}</th><td>{_value(value)}</td></tr>" for name, value in rows)
    return f"<table>{body}</table>"


def _value(value: str) -> str:
    return escape(value).replace(REDACTED, f'<span class="redacted">{REDACTED}</span>')


def _plain(failure: Failure) -> str:
    """A traceback to be copied, without what may not be shown."""
    lines = ["Traceback (most recent call last):"]
    for frame in failure.frames:
        lines.append(f'  File "{frame.file}", line {frame.line}, in {frame.function}')
        lines += [f"    {(line.before + line.marked + line.after).strip()}" for line in frame.lines if line.current]
    return "\n".join([*lines, f"{failure.kind}: {failure.message}", *failure.notes])
