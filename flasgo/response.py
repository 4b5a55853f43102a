"""Response: what a handler answers, until the application writes it to the wire.

    Response             bytes in memory: text, html, json, redirect
    ├─ FileResponse        a file of this machine (file_response.py)
    └─ StreamingResponse   what an iterator gives, piece by piece (streaming_response.py)

`raw` is the list of header fields that will be sent. Flasgo's own code appends to it; the first touch of `headers`
says that user code may have written anything there, and then what is sent is merged instead of appended.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from copy import copy
from datetime import datetime
from os import PathLike
from types import MappingProxyType
from typing import ClassVar, Literal, Protocol, TypeAlias, runtime_checkable

from msgspec import Struct

from flasgo.http.asgi import Delivery, Send, length_field, response_body, response_start
from flasgo.http.cookie_lines import CookieLines
from flasgo.http.cookies import build_set_cookie, delete_cookie_header
from flasgo.http.headers import MutableHeaders, RawHeaders, add_vary, header_field
from flasgo.http.url import URL
from flasgo.redirects import checked_location
from flasgo.validation.codecs import NO_CODECS

encode_json = NO_CODECS.to_json

TEXT = (b"content-type", b"text/plain; charset=utf-8")
HTML = (b"content-type", b"text/html; charset=utf-8")
JSON = (b"content-type", b"application/json")
BYTES = (b"content-type", b"application/octet-stream")

VARY_COOKIE = (b"vary", b"Cookie")

BODILESS = frozenset({204, 304})
"""Final statuses that never carry a body (RFC 9110 §6.4.1)."""

WITH_BODY = {status: status for status in range(200, 600) if status not in {*BODILESS, 413}}
"""Final statuses, as plain numbers, whose body can be sent without a second thought: with 413, the client may be sending still."""

SameSite = Literal["Lax", "Strict", "None"]
NO_FIELDS: Mapping[bytes, bytes] = MappingProxyType({})


Plain: TypeAlias = tuple[int, RawHeaders, bytes]
"""An answer to which nothing is left to be done: the status, one of WITH_BODY; the fields but for Content-Length; and the body."""


@runtime_checkable
class SupportsHTML(Protocol):
    """Text that says of itself that it is safe HTML, as Markup does."""

    def __html__(self) -> str: ...


class Renderer(Protocol):
    """Renders templates by name."""

    def render(self, name: str, context: Mapping[str, object] | None = None, /) -> str: ...


class Response:
    """An answer held in memory.

    `status_code` is 200 to 599. `headers` may be written until the response is sent; Content-Length is computed then.
    `allow_public_cache` exempts the response from the no-store default.

    Raises ValueError for a status out of range and for a header or cookie that could not be sent safely.
    """

    # Five slots, set on every response; what few set stays in the class until somebody does.
    __slots__ = ("__dict__", "__weakref__", "allow_public_cache", "body", "raw", "status_code", "written")

    error_code: str | None = None
    renderer: "ClassVar[Callable[[str | PathLike[str] | Sequence[str | PathLike[str]]], Renderer] | None]" = None
    """How folders become templates: said by templating, which stands above."""
    delivery: Delivery = Delivery()
    """What the application offers to the kinds that are more than bytes in memory; set before `send`."""

    def __init__(  # noqa: PLR0917 - the positions of 0.5.1
        self,
        body: bytes | str = b"",
        status_code: int = 200,
        headers: Mapping[str, str] | None = None,
        cookies: Iterable[str] = (),
        content_type: str = "text/plain; charset=utf-8",
        allow_public_cache: bool = False,
    ) -> None:
        self.body: bytes = _as_bytes(body)
        self.written: MutableHeaders | None = None
        """The view that user code may have written header fields through; None while nobody asked for one."""
        self.status_code: int = checked_status(status_code)
        self.raw: RawHeaders = [header_field("content-type", content_type)]
        if headers:
            self.headers.update(headers)
        for cookie in cookies:
            self.headers.add("set-cookie", cookie)
        self.allow_public_cache: bool = allow_public_cache

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.status_code} {self.content_type}>"

    def __copy__(self) -> "Response":
        """A response that shares nothing with this one that sending writes to."""
        twin = object.__new__(type(self))
        twin.__dict__.update(self.__dict__)
        twin.body, twin.status_code, twin.allow_public_cache = self.body, self.status_code, self.allow_public_cache
        twin.raw = self.raw.copy()
        twin.written = None if self.written is None else MutableHeaders(twin.raw)
        return twin

    @property
    def headers(self) -> MutableHeaders:
        """The header fields, case-insensitive; every write is checked (ValueError)."""
        if self.written is None:
            self.written = MutableHeaders(self.raw)
        return self.written

    @property
    def content_type(self) -> str:
        return next((value.decode("latin-1") for name, value in self.raw if name == b"content-type"), "")

    @content_type.setter
    def content_type(self, value: str) -> None:
        self.headers["content-type"] = value

    @property
    def cookies(self) -> CookieLines:
        """The values of the Set-Cookie lines, complete; what is appended to it is sent."""
        return CookieLines(self.headers)

    @property
    def location(self) -> str | None:
        return next((value.decode("latin-1") for name, value in self.raw if name == b"location"), None)

    def set_cookie(
        self,
        name: str,
        value: str = "",
        *,
        max_age: int | None = None,
        expires: datetime | None = None,
        secure: bool = True,
        http_only: bool = True,
        same_site: SameSite | None = "Lax",
        path: str = "/",
        domain: str | None = None,
        partitioned: bool = False,
    ) -> None:
        """Add a Set-Cookie line (RFC 6265bis §4.1). `max_age` is in seconds; without it or `expires` it ends with the browser.

        Raises ValueError for a cookie that a browser would refuse or misread.
        """
        line = build_set_cookie(
            name,
            value,
            max_age=max_age,
            expires=expires,
            secure=secure,
            http_only=http_only,
            same_site=same_site,
            path=path,
            domain=domain,
            partitioned=partitioned,
        )
        self.headers.add("set-cookie", line)

    def delete_cookie(
        self,
        name: str,
        *,
        secure: bool = True,
        http_only: bool = True,
        same_site: SameSite | None = "Lax",
        path: str = "/",
        domain: str | None = None,
    ) -> None:
        """Have the browser forget a cookie; path and domain must be those it was set with."""
        line = delete_cookie_header(
            name, secure=secure, http_only=http_only, same_site=same_site, path=path, domain=domain
        )
        self.headers.add("set-cookie", line)

    def vary_by_cookie(self) -> None:
        """Say that the response is one visitor's own: it varies by cookie and belongs in no shared cache."""
        self.allow_public_cache = False
        if self.written is not None:
            add_vary(self.raw, "Cookie")
        elif VARY_COOKIE not in self.raw:
            self.raw += (VARY_COOKIE,)

    @classmethod
    def text(cls, value: str, *, status_code: int = 200, headers: Mapping[str, str] | None = None) -> "Response":
        return Response(value.encode(), status_code, headers)

    @classmethod
    def html(cls, value: str, *, status_code: int = 200, headers: Mapping[str, str] | None = None) -> "Response":
        return Response(value.encode(), status_code, headers, content_type="text/html; charset=utf-8")

    @classmethod
    def json(cls, value: object, *, status_code: int = 200, headers: Mapping[str, str] | None = None) -> "Response":
        """Compact JSON (RFC 8259) of anything that msgspec encodes."""
        return Response(encode_json(value), status_code, headers, content_type="application/json")

    @classmethod
    def template(
        cls,
        template_name: str,
        *,
        templates: "Renderer | None" = None,
        template_dirs: str | PathLike[str] | Sequence[str | PathLike[str]] | None = None,
        context: Mapping[str, object] | None = None,
        status_code: int = 200,
        headers: Mapping[str, str] | None = None,
    ) -> "Response":
        """A page of `templates` (as `app.templates`) or, for which an environment is made each time, of folders.

        Raises ValueError where neither is given, TemplateNotFound.
        """
        if templates is None:
            if template_dirs is None or cls.renderer is None:
                raise ValueError(
                    "Response.template needs templates=app.templates, after app.configure_templates(…), or template_dirs=…"
                )
            templates = cls.renderer(template_dirs)
        return Response.html(templates.render(template_name, context), status_code=status_code, headers=headers)

    @classmethod
    def redirect(
        cls,
        location: str | URL,
        status_code: int = 302,
        *,
        headers: Mapping[str, str] | None = None,
        allow_external: bool = False,
    ) -> "Response":
        """Send the client to `location`, within this site; characters that a URL may not hold are percent-encoded.

        This site is the request's own host. Others are those of ALLOWED_REDIRECT_HOSTS, and with `allow_external` any: say
        it only where no user has a say in `location`.

        Raises UnsafeRedirect, a ValueError that is answered with 400, for any other target (flasgo/redirects.py has the
        rules), and ValueError for a status that is no redirect.
        """
        if status_code not in {301, 302, 303, 307, 308}:
            raise ValueError(f"{status_code} is not a redirect: use 301, 302, 303, 307 or 308.")
        target = checked_location(str(location), allow_external=allow_external)
        return Response(b"", status_code, {"location": target, **(headers or {})})

    async def send(
        self,
        send: Send,
        *,
        fields: Mapping[bytes, bytes] = NO_FIELDS,  # noqa: ARG002 - for the kinds that answer by them
        head_only: bool = False,
    ) -> None:
        """Write the response to the wire; with `head_only`, all but the body (RFC 9110 §9.3.2).

        `fields` are the request's, for the kinds that answer by them (conditions, ranges).
        """
        status = checked_status(self.status_code)  # it may have been written since, and so may the body
        body = b"" if status in BODILESS else _as_bytes(self.body)
        raw = self.sent_fields()
        if status not in BODILESS:
            raw.append(length_field(len(body)))
        await send(response_start(status, raw))
        await send(response_body(b"" if head_only else body))

    def as_plain(self) -> "Plain | Response":
        """The response as a Plain answer; itself where it is more than that."""
        status, body = self.status_code, self.body
        if status in WITH_BODY and type(body) is bytes and type(self) is Response:
            return WITH_BODY[status], self.raw if self.written is None else self.sent_fields(), body
        return self

    def sent_fields(self) -> RawHeaders:
        """The fields to send but for the framing, which is the server's and `send`'s own."""
        return [field for field in self.raw if field[0] not in FRAMING]


FRAMING = frozenset({b"content-length", b"transfer-encoding", b"keep-alive", b"upgrade", b"trailer"})
"""Fields about the size of one message or about one connection (RFC 9110 §7.6.1): never a handler's to say."""


def checked_status(status: int) -> int:
    """The status as a plain number. Raises ValueError for what is no final status (RFC 9110 §15)."""
    if not isinstance(status, int) or not 200 <= status <= 599:  # noqa: PLR2004 - see above
        raise ValueError(f"{status!r} is not a final HTTP status: use 200 to 599.")
    return int(status)


def _as_bytes(body: object) -> bytes:
    match body:
        case bytes():
            return body
        case str():
            return body.encode()
        case bytearray() | memoryview():
            return bytes(body)
        case _:
            raise TypeError(
                f"The body of a Response is bytes or str, not {type(body).__name__}; Response.json encodes objects."
            )


def quick(body: bytes, content_type: tuple[bytes, bytes], status: int = 200) -> Response:
    """A Response from parts that are known to be right: what the renderers of typed answers use."""
    response = object.__new__(Response)
    response.body = body
    response.raw = [content_type]
    response.status_code = status
    response.written = None
    response.allow_public_cache = False
    return response


ResponseValue: TypeAlias = object
"""What a handler may return: see `to_response`."""


def to_response(value: object, status: int = 200) -> Response:
    """The response that a handler's value stands for.

    Response: itself (a copy, so that one object may be returned for many requests). None: 204. `__html__`: HTML.
    str: text. bytes: application/octet-stream. Mapping, list, named tuple, Struct, dataclass, attrs: JSON. A generator: a stream of text.
    `(body, status)` and `(body, status, headers)`: the body's response with these.

    Raises TypeError for anything else.
    """
    convert = _CONVERSIONS.get(type(value)) or _conversion(value)
    return convert(value, status)


def _from_str(value: str, status: int) -> Response:
    return quick(value.encode(), TEXT, status)


def _from_bytes(value: bytes, status: int) -> Response:
    return quick(bytes(value), BYTES, status)


def _from_none(_: None, status: int) -> Response:
    return quick(b"", TEXT, 204 if status == 200 else status)  # noqa: PLR2004 - 200: the route says nothing else


def from_json(value: object, status: int) -> Response:
    return quick(encode_json(value), JSON, status)


def _from_html(value: SupportsHTML, status: int) -> Response:
    return quick(value.__html__().encode(), HTML, status)


def _from_response(value: Response, _: int) -> Response:
    return copy(value)


def _from_tuple(value: tuple[object, ...], _: int) -> Response:
    match value:
        case (body, int() as code) if not isinstance(code, bool):
            headers = None
        case (body, int() as code, Mapping() as headers) if not isinstance(code, bool):
            pass
        case _:
            raise TypeError(
                "A handler returned a tuple that is not (body, status) or (body, status, headers), headers a mapping. Return one of "
                "these or a list; or declare the return type, and the tuple is JSON."
            )
    code = checked_status(code)
    response = to_response(b"" if body is None else body, code)
    if body is None:
        response.raw[0] = TEXT
    response.status_code = code
    if headers:
        response.headers.update(headers)
    return response


_CONVERSIONS: dict[type, Callable[..., Response]] = {
    str: _from_str,
    bytes: _from_bytes,
    bytearray: _from_bytes,
    memoryview: _from_bytes,
    type(None): _from_none,
    dict: from_json,
    list: from_json,
    tuple: _from_tuple,
    Response: _from_response,
}


def register_conversion(kind: type, convert: Callable[..., Response]) -> None:
    """Let `convert(value, status)` make the response of every value of exactly this type: for kinds that live above this module."""
    _CONVERSIONS[kind] = convert


def _conversion(value: object) -> Callable[..., Response]:
    """The conversion of a type that is not in the table: subclasses and shapes."""
    kind = type(value)
    if isinstance(value, Response):
        return _from_response
    if isinstance(value, SupportsHTML):
        return _from_html
    if isinstance(value, str):
        return _from_str
    if (
        isinstance(value, (Mapping, list, Struct))
        or hasattr(kind, "__dataclass_fields__")
        or hasattr(kind, "__attrs_attrs__")
        or hasattr(kind, "_fields")
    ):
        return from_json
    raise TypeError(
        f"A handler returned {kind.__module__}.{kind.__qualname__}, which has no form as a response. Return a Response, str, "
        f"bytes, None, a mapping, a list, a Struct, a dataclass, a generator, or (body, status[, headers]); or declare the return type."
    )


def make_response(*value: object) -> Response:
    """The response that a handler's value stands for, to change it before it is returned: `make_response(render_template(…), 404)`.

    Nothing is an empty response. Raises TypeError for what a handler could not return.
    """
    if not value:
        return Response()
    return to_response(value[0] if len(value) == 1 else value)


def jsonify(
    *values: object, status_code: int = 200, headers: Mapping[str, str] | None = None, **members: object
) -> Response:
    """A JSON response of a value, of several as an array, or of keywords as an object: `jsonify(id=7)`.

    Raises TypeError for values and keywords together.
    """
    if values and members:
        raise TypeError("jsonify() takes values or keywords, not both: put the keywords into a dict.")
    value = members or (values[0] if len(values) == 1 else list(values) or None)
    return Response.json(value, status_code=status_code, headers=headers)


redirect = Response.redirect
