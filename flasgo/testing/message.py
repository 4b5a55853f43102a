"""From what a test asks to what goes over the wire: Host, headers, cookies, body; and the next request after a redirect.

- What a test says explicitly wins, and is sent as it stands: Host, Content-Type, Content-Length, and each cookie of a
  Cookie header. A header whose value is None is left out (`{"host": None}`, `{"cookie": None}`).
- Redirects as RFC 9110 §15.4 and browsers have them: 303 is asked for with GET, and so is what was POSTed before 301 and
  302; the body goes, and so do the Content-* headers. 307 and 308 repeat the request. Another origin never sees
  Authorization, explicit cookies or an explicit Host.
"""

import re
from collections.abc import Mapping, Sequence
from typing import TypeAlias

from msgspec import UNSET, Struct
from msgspec.structs import replace

from flasgo.http.headers import TOKEN, RawHeaders, field_name
from flasgo.testing.encode import Body, Fields, Files, Payload, encode_fields, encode_payload
from flasgo.testing.jar import Jar, split_pair
from flasgo.testing.target import Target, parse_target
from flasgo.testing.transport import Request

HeaderValue: TypeAlias = str | bytes | None
HeadersInput: TypeAlias = Mapping[str, HeaderValue] | Sequence[tuple[str, HeaderValue]]
"""Headers by name, or pairs where a name is repeated; bytes are sent as they are, a str as latin-1."""

REDIRECTS = frozenset({301, 302, 303, 307, 308})
_NOT_ELSEWHERE = frozenset({b"authorization", b"cookie", b"host", b"proxy-authorization"})


class Outgoing(Struct, frozen=True):
    """A request as the test means it: `headers` are those that were given, `omitted` those that must not be sent."""

    method: str
    target: Target
    headers: RawHeaders
    omitted: frozenset[bytes]
    payload: Payload | None
    cookies: dict[str, str]

    @property
    def name(self) -> str:
        """How messages call it."""
        return f"{self.method} {str(self.target)[:200]}"

    def on_wire(self, jar: Jar) -> Request:
        """With what the client adds by itself, unless it was given or omitted."""
        payload = self.payload
        added = {b"host": self.target.authority.encode("ascii")}
        if payload is not None and payload.content_type is not None:
            added[b"content-type"] = payload.content_type.encode("ascii")
        if payload is not None and isinstance(payload.body, bytes):
            added[b"content-length"] = str(len(payload.body)).encode("ascii")
        given = self.omitted.union(name for name, _ in self.headers)
        lines = [line for line in added.items() if line[0] not in given]
        lines += [line for line in self.headers if line[0] != b"cookie"]
        if b"cookie" not in self.omitted:
            lines += self._cookie_lines(jar)
        return Request(self.method, self.target, lines, payload)

    def _cookie_lines(self, jar: Jar) -> RawHeaders:
        """Those of the jar, then `cookies`, then a Cookie header, verbatim; the later overrides the earlier by name."""
        given = [value for name, value in self.headers if name == b"cookie"]
        named = {split_pair(pair)[0] for value in given for pair in value.decode("latin-1").split(";") if pair.strip()}
        chosen = [(cookie.name, cookie.value) for cookie in jar.sent_to(self.target) if cookie.name not in self.cookies]
        pairs = [(name, value) for name, value in (*chosen, *self.cookies.items()) if name not in named]
        own = "; ".join(f"{name}={value}" if name else value for name, value in pairs).encode("latin-1")
        first = b"; ".join(part for part in (own, *given[:1]) if part)
        return [(b"cookie", value) for value in (first, *given[1:]) if value]

    def redirected(self, status: int, location: str) -> "Outgoing":
        """The next request after this answer. RuntimeError where there is none that a client could send."""
        try:
            target = self.target.join(location)
        except ValueError as error:
            raise RuntimeError(f"{self.name} was redirected to {location[:200]!r}: {error}") from None
        following = replace(self, target=target)
        if not target.same_origin(self.target):
            headers = [line for line in self.headers if line[0] not in _NOT_ELSEWHERE]
            following = replace(following, headers=headers, cookies={})
        if status == 303 or (status in {301, 302} and self.method == "POST"):  # noqa: PLR2004 - See Other
            headers = [
                line for line in following.headers if not line[0].startswith((b"content-", b"transfer-encoding"))
            ]
            method = "HEAD" if self.method == "HEAD" else "GET"
            return replace(following, method=method, headers=headers, payload=None)
        if self.payload is not None and not isinstance(self.payload.body, bytes):
            raise RuntimeError(f"{status} asks for the same body again, and a streamed body is gone once it was sent.")
        return following


def compose(  # the public arguments of a request, in one place
    method: str,
    path: str,
    *,
    base: Target,
    root_path: str,
    defaults: HeadersInput,
    headers: HeadersInput | None = None,
    body: Body | None = None,
    json: object = UNSET,
    data: Fields | None = None,
    files: Files | None = None,
    params: Fields | None = None,
    cookies: Mapping[str, str] | None = None,
    scheme: str | None = None,
) -> Outgoing:
    """Raises ValueError for what cannot be sent, TypeError for what is of the wrong type."""
    method = method.upper()
    if TOKEN.fullmatch(method) is None:
        raise ValueError(f"{method[:64]!r} is not a request method.")
    target = parse_target(path, base=base, scheme=scheme, root_path=root_path)
    if params:
        target = replace(target, query="&".join(filter(None, (target.query, encode_fields(params)))))
    own = _encode_headers(headers or ())
    lines = [line for line in _encode_headers(defaults) if line[0] not in {name for name, _ in own}] + own
    return Outgoing(
        method,
        target,
        [(name, value) for name, value in lines if value is not None],
        frozenset(name for name, value in lines if value is None),
        encode_payload(body=body, json=json, data=data, files=files),
        dict(cookies or {}),
    )


def _encode_headers(headers: HeadersInput) -> list[tuple[bytes, bytes | None]]:
    pairs = headers.items() if isinstance(headers, Mapping) else headers
    return [(field_name(name), _encode_value(name, value)) for name, value in pairs]


def _encode_value(name: str, value: HeaderValue) -> bytes | None:
    try:
        encoded = value.encode("latin-1") if isinstance(value, str) else value
    except UnicodeEncodeError:
        raise ValueError(f"header {name!r}: a str is sent as latin-1; give bytes for any other encoding") from None
    if encoded is not None and re.search(rb"[\r\n\x00]", encoded):
        raise ValueError(f"header {name!r} holds CR, LF or NUL, which no server passes on")
    return encoded
