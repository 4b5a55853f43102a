"""Request: one HTTP exchange as the application sees it; parsed when asked, once."""

import secrets
from collections.abc import AsyncIterator, Callable, Generator, Mapping
from types import CoroutineType, MappingProxyType, coroutine
from typing import Any, Final, Literal, Protocol, TypeVar, cast, overload

from msgspec import Struct

from flasgo.background import BackgroundTasks
from flasgo.errors import BadRequest, HTTPException, UnsupportedMediaType
from flasgo.habits import FlaskHabits
from flasgo.http.asgi import (
    BODY_EVENT,
    Incoming,
    Message,
    Pending,
    Receive,
    Scope,
    check_announced,
    gone,
    routed_path,
    too_large,
)
from flasgo.http.codings import refuse_encoded
from flasgo.http.cookies import find_cookie, parse_cookies
from flasgo.http.formlimits import FormLimits
from flasgo.http.forms import LARGE, MULTIPART, FormData, parse_form, read_form
from flasgo.http.headers import Headers
from flasgo.http.media import essence, is_json
from flasgo.http.query import grouped, parse_query
from flasgo.http.url import URL
from flasgo.identity import User, Visited, Visitors
from flasgo.notes import Notes
from flasgo.pageform import PageForm
from flasgo.session import Session, Stored, unopened
from flasgo.settings import Settings
from flasgo.state import State
from flasgo.validation.codecs import NO_CODECS, Codecs
from flasgo.validation.decode import decoder_for

T = TypeVar("T")

FINISHED: Final = object()
"""What `next` gives in the place of a step, where there is none left."""


class Application(Protocol):
    """What a request knows of the application that answers it."""

    @property
    def settings(self) -> Settings: ...
    @property
    def state(self) -> State: ...
    def url_for(
        self, endpoint: str, /, **values: Any
    ) -> str: ...  # as Flasgo.url_for, whose keywords have types of their own


class TokenSource(Protocol):
    """Gives CSRF tokens for the pages of a request."""

    def token(self, request: "Request", /) -> str: ...


class Logins(Visitors, Protocol):
    """Remembers in the session who somebody is."""

    def login(self, request: "Request", user: User, /, *, remember: bool) -> None: ...
    def logout(self, request: "Request", /) -> None: ...


class PageReader(Protocol):
    """Reads a form as a record, or says what is wrong with it."""

    def __call__(self, record: type[T], form: FormData, /) -> PageForm[T]: ...


class FailureGuard(Protocol):
    """Refuses credentials after too many wrong ones."""

    def begin(
        self, request: "Request", account: str | None, /, *, typed: bool = ...
    ) -> Any: ...  # whatever `end` takes
    def end(self, begun: Any, /, *, failed: bool) -> None: ...  # see begin
    def succeeded(self, begun: Any, /) -> None: ...  # see begin


class Terms(Struct, frozen=True):
    """What was decided at freeze for every request of one route.

    `endpoint` and `pattern` name the route (None where no route matched), `blueprint` what it belongs to, `parameters` are the names in its path,
    `max_body_bytes` and `read_timeout` (seconds) bound its body, `speaks_json` says that it takes or gives typed JSON, `processors`
    give variables to its templates.
    """

    endpoint: str | None = None
    pattern: str | None = None
    blueprint: str | None = None
    parameters: tuple[str, ...] = ()
    max_body_bytes: int = 1_048_576
    read_timeout: float = 10.0
    speaks_json: bool = False
    app: Application | None = None
    read_session: "Callable[[Request], Stored | None] | None" = None
    csrf: TokenSource | None = None
    logins: Logins | None = None
    failures: FailureGuard | None = None
    form_limits: FormLimits = FormLimits()
    processors: tuple[Callable[[], Mapping[str, object]], ...] = ()
    page_reader: PageReader | None = None
    codecs: Codecs = NO_CODECS


STANDALONE = Terms()


class Request(Visited, Notes, FlaskHabits, Struct, eq=False, dict=True, weakref=True):
    """One HTTP request.

    Attributes that need parsing are parsed on first use. `fields` are the header fields as sent, the last of each
    name; `repeats` says that a name was sent more than once; `headers` is the full, case-insensitive view. `path` is what was routed: decoded, without `root_path`.

    It is a Struct for its speed alone, and no record: it has no form as JSON and is compared by identity.
    """

    scope: Scope
    receive: Receive
    terms: Terms
    path_values: tuple[object, ...]
    """The converted values of the path's placeholders, in their order."""
    fields: dict[bytes, bytes]
    repeats: bool

    # What has not been asked for yet.
    _headers: Headers | None = None
    _query: dict[str, list[str]] | None = None
    _cookies: dict[str, list[str]] | None = None
    _body: bytes | None = None
    _g: State | None = None

    opened_session: Session | None = None
    """The session, if anybody asked for it."""

    opened_form: FormData | None = None
    """The form, if anybody asked for it; its files are removed when the request is over."""

    closing: bool = False
    """Is there more to be done once the response is sent than the teardown hooks do?"""

    csrf_raw: bytes | None = None
    """The CSRF token, unmasked, that this request's response stands for."""

    csrf_due: Literal["asked", "refused", "rebound"] | None = None
    """Why the response must carry the CSRF cookie: a token was asked for, or refused, or the session has another binding id."""

    incoming: Incoming | None = None
    """The body, while it is not here as a whole."""

    nonce: str | None = None
    """The nonce of the answer's Content-Security-Policy, if anybody asked for one."""

    afterwards: list[Callable[..., object]] | None = None
    """What `after_this_request` was given."""

    @classmethod
    def of(
        cls, scope: Scope, receive: Receive, terms: Terms = STANDALONE, values: tuple[object, ...] = ()
    ) -> "Request":
        """The request of an ASGI call, made by hand; the application makes its own in `__call__`."""
        fields = dict(scope["headers"])
        return cls(scope, receive, terms, values, fields, len(fields) != len(scope["headers"]))

    def __repr__(self) -> str:
        return f"<Request {self.method} {self.path!r}>"

    @property
    def app(self) -> Application:
        """The application that answers this request; RuntimeError on a Request made by hand."""
        if self.terms.app is None:
            raise RuntimeError("This Request was not made by an application, so it has no `app`.")
        return self.terms.app

    @property
    def endpoint(self) -> str | None:
        """The name of the route that matched, as `url_for` takes it."""
        return self.terms.endpoint

    @property
    def blueprint(self) -> str | None:
        """The full name of the blueprint that answers: the route's own or, where none matched, the one of the nearest prefix."""
        return self.terms.blueprint

    @property
    def path_params(self) -> dict[str, object]:
        """The converted values of the path's placeholders."""
        # Where no route matched there are no names, and `values` are something else.
        return dict(zip(self.terms.parameters, self.path_values, strict=False))

    @property
    def g(self) -> State:
        """A namespace that lives as long as this request; the proxy `g` shows it."""
        if self._g is None:
            self._g = State()
        return self._g

    @property
    def session(self) -> Session:
        """What is remembered of this visitor; opened at the first look."""
        session = self.opened_session
        if session is None:
            read = self.terms.read_session
            session = self.opened_session = Session() if read is None else unopened(read, self)
        return session

    @property
    def background(self) -> BackgroundTasks:
        """What is to be done once the response is sent: `request.background.add(send_mail, user)`."""
        if self.tasks is None:
            self.tasks = BackgroundTasks()
            self.closing = True
        return self.tasks

    def fail(self, error: BaseException) -> None:
        """Note what ended the request, if it was not an answer: teardown is told, and then it is forgotten."""
        self.failure, self.closing = error, True

    def csrf_token(self) -> str:
        """A CSRF token for a form's field `csrf_token` or the header; another one at each call, all of them valid.

        It belongs to the visitor's session, which it begins where there is none. Empty where CSRF_ENABLED is False.
        Raises RuntimeError on a Request made by hand.
        """
        if self.terms.csrf is not None:
            return self.terms.csrf.token(self)
        if self.terms.app is None:
            raise RuntimeError("This Request was not made by an application, so there are no CSRF tokens.")
        return ""

    @property
    def csp_nonce(self) -> str:
        """The nonce of this request, 128 random bits, for `<script nonce="…">` and `<style nonce="…">`.

        The Content-Security-Policy of the answer lets it run, and the answer is not stored by any cache.
        """
        if self.nonce is None:
            self.nonce = secrets.token_urlsafe(16)
        return self.nonce

    @property
    def method(self) -> str:
        method: str = self.scope["method"]
        return method.upper()

    @property
    def root_path(self) -> str:
        """Where the application is mounted: the part of the URL's path that stands before every route."""
        root: str = self.scope.get("root_path", "")
        return root.rstrip("/")

    @property
    def path(self) -> str:
        return routed_path(self.scope)

    @property
    def query_string(self) -> str:
        """The query as sent, without the question mark; latin-1, so that nothing is lost."""
        raw: bytes = self.scope.get("query_string", b"")
        return raw.decode("latin-1")

    @property
    def query_params(self) -> dict[str, list[str]]:
        """Every value of every query parameter. Raises MalformedRequest where it is not UTF-8 or has too many fields."""
        if self._query is None:
            self._query = grouped(parse_query(self.scope.get("query_string", b"")))
        return self._query

    @property
    def headers(self) -> Headers:
        if self._headers is None:
            self._headers = Headers(self.scope["headers"])
        return self._headers

    @property
    def cookies(self) -> dict[str, str]:
        """The cookies by name; where a name was sent twice, the first, which is the one of the most specific path."""
        return {name: values[0] for name, values in self.cookie_lists.items()}

    @property
    def cookie_lists(self) -> Mapping[str, list[str]]:
        """Every value that was sent for each cookie name."""
        if self._cookies is None:
            self._cookies = parse_cookies(b"; ".join(v for k, v in self.scope["headers"] if k == b"cookie"))
        return MappingProxyType(self._cookies)

    def cookie(self, name: bytes) -> bytes | None:
        """The raw value of one cookie, without parsing the others. Raises DuplicateCookie where its name was sent twice."""
        fields = self.fields
        if b"cookie" not in fields:
            return None
        if self.repeats:
            return find_cookie(b"; ".join(value for key, value in self.scope["headers"] if key == b"cookie"), name)
        return find_cookie(fields[b"cookie"], name)

    @property
    def content_type(self) -> str:
        """The media type of the body, lower-case and without parameters; empty when none was sent."""
        return essence(self.fields.get(b"content-type", b"")).decode("latin-1")

    @property
    def scheme(self) -> str:
        scheme: str = self.scope.get("scheme", "http")
        return scheme.lower()

    @property
    def host(self) -> str:
        """The Host header: name and, unless it is the scheme's own, port."""
        return self.fields.get(b"host", b"").decode("latin-1")

    @property
    def url(self) -> URL:
        return URL(self.scheme, self.host, self.root_path, self.path, self.query_string)

    @property
    def client_ip(self) -> str | None:
        """The address of the peer; None where the server knows none. No forwarding header is believed."""
        client = self.scope.get("client")
        return client[0] if client else None

    async def body(self, *, encoded: bool = False) -> bytes:
        """The whole body, read once and kept.

        Raises UnsupportedMediaType where it was sent with Content-Encoding, unless `encoded`: then it is the bytes as sent.
        Raises ContentTooLarge beyond the route's limit, RequestTimeout when it comes too slowly, ClientDisconnected.
        """
        body = self.body_ready(encoded=encoded)
        if body is None:
            body = self._body = await cast("Incoming", self.incoming).whole()
        return body

    def body_ready(self, limit: int | None = None, *, encoded: bool = False) -> bytes | None:
        """The whole body if it is here already, None if it must be awaited; `limit` (bytes) replaces the route's own."""
        fields = self.fields
        if b"content-encoding" in fields and not encoded:
            refuse_encoded(fields[b"content-encoding"])
        if self._body is not None or self.incoming is not None:
            return self._body
        if limit is None:
            limit = self.terms.max_body_bytes
        # Mostly the event is there: then nothing is awaited, no timer set and no StopIteration caught, each of which costs more
        # than many a handler.
        steps: Any = self._first_step(limit)  # a generator, of which no type says that it may await, too
        yielded = next(steps, FINISHED)
        if yielded is not FINISHED:
            self._come_in(Pending(steps, yielded), limit)
        return self._body

    @coroutine
    def _first_step(self, limit: int) -> Generator[object, Any, Message | None]:
        """Receive the first event, and take the body from it if it is there at once, and whole; else give the event."""
        if b"expect" in self.fields:
            check_announced(self.fields, limit)  # a server says 100 Continue when it is asked for the body
        # A coroutine takes its steps itself: asking for its iterator costs an object.
        waited: Any = self.receive()  # no type says that a coroutine can
        if type(waited) is not CoroutineType:
            waited = waited.__await__()
        event = yield from waited
        if self.incoming is not None:
            return cast("Message", event)  # what comes of a step is Any
        if "more_body" in event and event["more_body"]:  # noqa: RUF019 - a call less
            self._come_in(event, limit)
        elif event["type"] != BODY_EVENT:
            raise gone()
        else:
            body = event["body"] if "body" in event else b""  # noqa: SIM401 - the same
            if len(body) > limit:
                self._come_in(event, limit)
                raise too_large(limit)
            self._body = body
        return None

    def _come_in(self, first: Message | Pending, limit: int) -> None:
        self.incoming = Incoming(self.receive, first, limit=limit, idle_seconds=self.terms.read_timeout)
        check_announced(self.fields, limit)

    def is_received(self) -> bool:
        """Is the whole body here, or read, so that nothing but the client's leaving can still be heard of?

        Raises ClientDisconnected where it has left already.
        """
        try:
            body = self.body_ready(encoded=True)  # nobody reads it here
        except HTTPException:
            return False
        return body is not None or (self.incoming is not None and not self.incoming.more)

    async def stream(self, *, encoded: bool = False) -> AsyncIterator[bytes]:
        """The body in pieces as they come, on the same terms as `body()`; it is not kept."""
        body = self.body_ready(encoded=encoded)
        if body is None:
            async for piece in cast("Incoming", self.incoming).pieces():
                yield piece
        elif body:
            yield body

    async def form_as(self, record: type[T]) -> PageForm[T]:
        """The body as a form of `record` (a Struct, dataclass or TypedDict, whose files are UploadedFile), for a page that shows it again with
        what is wrong: a form that is not valid is no error here.

        Raises what `form` raises, and TypeError for a record that no form can carry.
        """
        if self.terms.page_reader is None:
            raise RuntimeError("This Request was not made by an application, so it reads no typed forms.")
        return self.terms.page_reader(record, await self.read_form())

    async def read_form(self) -> FormData:
        """What `await request.form()` gives."""
        form = self.form_ready()
        if form is None and essence(self.fields.get(b"content-type", b"")) != MULTIPART:
            await self.body()
            form = self.form_ready()
        if form is None:
            kind, limits = self.fields.get(b"content-type"), self.terms.form_limits
            form = self.opened_form = await read_form(kind, self.stream(), limits)
            self.closing = True
        return form

    def form_ready(self, kind: bytes | None = None) -> FormData | None:
        """`read_form()` without awaiting: None while the body is not here as a whole, or is too large to be read at once.

        `kind` is the body's bare media type, for who has it already.
        """
        if self.opened_form is None:
            declared, limits = self.fields.get(b"content-type", b""), self.terms.form_limits
            kind = essence(declared) if kind is None else kind
            body = self.body_ready(limits.max_multipart_bytes if kind == MULTIPART else None)
            if body is None or len(body) > LARGE:
                return None
            self.opened_form = parse_form(declared, body, limits, kind)  # in memory: nothing has to be removed
        return self.opened_form

    async def text(self, encoding: str = "utf-8") -> str:
        """The body as text. Raises BadRequest for an unknown encoding or bytes that are not of it."""
        body = await self.body()
        try:
            return body.decode(encoding)
        except (LookupError, ValueError):
            raise BadRequest(
                f"The request body is not valid {encoding[:40]!r} text. Send it in that encoding."
            ) from None

    @overload
    async def json(self) -> Any: ...  # JSON of no declared type is whatever came

    @overload
    async def json(self, *, type: type[T]) -> T: ...

    async def json(self, *, type: object = Any) -> object:  # noqa: A002 - the name that reads best: json(type=Order)
        """The body as JSON (RFC 8259), checked against `type` where one is given.

        Raises UnsupportedMediaType unless it was sent as application/json or +json, MalformedBody where it is not JSON,
        ValidationFailed with every problem where it is not of `type`.
        """
        self.require_json()
        return decoder_for(type, self.terms.codecs)(await self.body())

    def require_json(self) -> None:
        """Raise UnsupportedMediaType unless the body was sent as JSON.

        A browser sends text/plain across origins without asking; reading that as JSON undoes CSRF protection
        (CVE-2021-32677).
        """
        kind = self.fields.get(b"content-type")
        if kind != b"application/json" and not is_json(essence(kind or b"")):
            raise UnsupportedMediaType("Send the body as JSON, with Content-Type: application/json.")
