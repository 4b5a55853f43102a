"""TestClient: a browser without a screen that talks to an ASGI application in the same process.

    client = app.test_client()
    response = client.post("/books", json={"title": "Emma"})
    assert response.status_code == 201

It keeps cookies (`jar`), follows redirects where it is asked to (`message`), is a strict server to the application
(`transport`), and runs its lifespan (`lifespan`); all that in one event loop (`loop`).
"""

import re
from collections.abc import Mapping
from types import TracebackType
from typing import ClassVar, Self, TypedDict, Unpack

from flasgo.http.asgi import ASGIApp
from flasgo.http.headers import TOKEN
from flasgo.testing.encode import Body, Fields, Files
from flasgo.testing.jar import Cookie, Jar
from flasgo.testing.lifespan import Lifespan
from flasgo.testing.loop import Home
from flasgo.testing.message import REDIRECTS, HeadersInput, Outgoing, compose
from flasgo.testing.response import ResponseHeaders, TestResponse
from flasgo.testing.target import parse_url
from flasgo.testing.transport import Connection, exchange

MAX_REDIRECTS = 10


class MessageOptions(TypedDict, total=False):
    """What a request may be made of; give one of `body`, `json` and `data`/`files`."""

    headers: HeadersInput | None
    body: Body | None
    """str (as UTF-8) and bytes with a Content-Length, an iterable or async iterable of bytes without: it is streamed."""
    json: object
    """Anything that msgspec encodes; None is sent as `null`."""
    data: Fields | None
    """Form fields: urlencoded, or multipart beside `files`."""
    files: Files | None
    params: Fields | None
    """Put behind the query that the path has."""
    cookies: Mapping[str, str] | None
    """For this request alone."""
    scheme: str | None


class RequestOptions(MessageOptions, total=False):
    follow_redirects: bool


class ClientOptions(TypedDict, total=False):
    """What `Flasgo.test_client` takes: see TestClient."""

    base_url: str
    raise_server_exceptions: bool | None
    root_path: str
    client: tuple[str, int] | None
    headers: Mapping[str, str] | None
    timeout: float | None


class TestClient:
    """A client of one application, with its own cookies.

    `base_url` gives scheme and host, `root_path` where the application is mounted (it is put before every path, as
    servers do), `client` the peer's address, `headers` what every request sends. An exception that escapes the
    application is raised in the test, unless `raise_server_exceptions` is False: then it is the 500 that a server would
    answer. `timeout`, in seconds, ends a request (with its redirects), a startup or a shutdown with TimeoutError.

    Without `with`, requests work and no lifespan runs. `with client:` or `async with client:` runs it, and closes the
    client; a client that was never entered is closed by `close()`, or when nobody holds it any more.
    """

    __test__: ClassVar[bool] = False

    def __init__(
        self,
        app: ASGIApp,
        *,
        base_url: str = "http://localhost",
        raise_server_exceptions: bool | None = None,
        root_path: str = "",
        client: tuple[str, int] | None = ("127.0.0.1", 50000),
        headers: HeadersInput | None = None,
        timeout: float | None = 30.0,
    ) -> None:
        self.app = app
        self._base = parse_url(base_url)
        if (self._base.raw_path, self._base.query) != ("/", ""):
            raise ValueError(f"base_url is {base_url[:200]!r}: scheme and host alone; a mount point is root_path=.")
        self._connection = Connection(root_path, client, raise_server_exceptions)
        self._headers = headers or {}
        self._jar = Jar()
        self._home = Home(timeout)
        self._lifespan: Lifespan | None = None

    def request(
        self, method: str, path: str, *, follow_redirects: bool = False, **options: Unpack[MessageOptions]
    ) -> TestResponse:
        """Send one request and return the complete response.

        `path` may hold a query, or be a whole URL, whose scheme and host are used then. With `follow_redirects`, the
        response is that of the last of at most 10 redirects, which all go to this application, whatever their host.
        Raises ValueError for what cannot be sent, TimeoutError, RuntimeError where the application breaks ASGI, and
        what the application raises. `MessageOptions` describes the options.
        """
        outgoing = self._compose(method, path, options)
        return self._home.run(lambda: self._send(outgoing, follow_redirects=follow_redirects), outgoing.name)

    async def arequest(
        self, method: str, path: str, *, follow_redirects: bool = False, **options: Unpack[MessageOptions]
    ) -> TestResponse:
        """As `request`, inside a running loop."""
        outgoing = self._compose(method, path, options)
        return await self._home.arun(lambda: self._send(outgoing, follow_redirects=follow_redirects), outgoing.name)

    def get(self, path: str, **options: Unpack[RequestOptions]) -> TestResponse:
        return self.request("GET", path, **options)

    def head(self, path: str, **options: Unpack[RequestOptions]) -> TestResponse:
        return self.request("HEAD", path, **options)

    def options(self, path: str, **options: Unpack[RequestOptions]) -> TestResponse:
        return self.request("OPTIONS", path, **options)

    def post(self, path: str, **options: Unpack[RequestOptions]) -> TestResponse:
        return self.request("POST", path, **options)

    def put(self, path: str, **options: Unpack[RequestOptions]) -> TestResponse:
        return self.request("PUT", path, **options)

    def patch(self, path: str, **options: Unpack[RequestOptions]) -> TestResponse:
        return self.request("PATCH", path, **options)

    def delete(self, path: str, **options: Unpack[RequestOptions]) -> TestResponse:
        return self.request("DELETE", path, **options)

    @property
    def cookies(self) -> dict[str, str]:
        """Name and value of every cookie that the client holds: a copy. Of cookies of one name, the newest."""
        return {cookie.name: cookie.value for cookie in self._jar.cookies()}

    def set_cookie(
        self, name: str, value: str = "", *, domain: str | None = None, path: str = "/", secure: bool = False
    ) -> None:
        """Hold a cookie as if the application had set it. Without `domain` it belongs to the host of `base_url`, with it to
        that domain and all below.

        Raises ValueError where name or value cannot stand in a Cookie header.
        """
        if not TOKEN.fullmatch(name) or not re.fullmatch(r"[\x20-\x3a\x3c-\x7e\x80-\xff]*", value):
            raise ValueError(
                f"cookie {name[:64]!r}: the name must be a token, the value latin-1 without ';' and controls."
            )
        owner = self._base.host if domain is None else domain.removeprefix(".").lower()
        self._jar.put(Cookie(name, value, owner, path, domain is None, secure))

    def clear_cookies(self) -> None:
        self._jar.clear()

    def close(self) -> None:
        """End the lifespan, if it runs, and the client's own thread, if there is one."""
        lifespan, self._lifespan = self._lifespan, None
        try:
            if lifespan is not None:
                self._home.run(lifespan.shutdown, "The application's shutdown")
        finally:
            self._home.close()

    async def aclose(self) -> None:
        """As `close`, inside a running loop."""
        lifespan, self._lifespan = self._lifespan, None
        try:
            if lifespan is not None:
                await self._home.arun(lifespan.shutdown, "The application's shutdown")
        finally:
            self._home.close()

    def __enter__(self) -> Self:
        self._check_not_entered()
        try:
            self._home.run(self._startup, "The application's startup")
        except BaseException:
            self._home.close()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()

    async def __aenter__(self) -> Self:
        self._check_not_entered()
        await self._home.arun(self._startup, "The application's startup")
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        await self.aclose()

    def _check_not_entered(self) -> None:
        if self._lifespan is not None:
            raise RuntimeError("The lifespan of this client runs already: enter a client once.")

    async def _startup(self) -> None:
        lifespan = Lifespan(self.app)
        await lifespan.startup()
        self._lifespan = lifespan
        self._home.pinned = True

    def _compose(self, method: str, path: str, options: MessageOptions) -> Outgoing:
        root_path = self._connection.root_path
        return compose(method, path, base=self._base, root_path=root_path, defaults=self._headers, **options)

    async def _send(self, outgoing: Outgoing, *, follow_redirects: bool) -> TestResponse:
        history: list[TestResponse] = []
        while True:
            state = {} if self._lifespan is None else self._lifespan.state
            answer = await exchange(self.app, outgoing.on_wire(self._jar), self._connection, state)
            response = TestResponse(answer.status, ResponseHeaders(answer.headers), answer.body, history)
            self._jar.store(outgoing.target, response.headers.getlist("set-cookie"))
            locations = response.headers.getlist("location")
            if not follow_redirects or answer.status not in REDIRECTS or not locations:
                return response
            response.history = []
            history.append(response)
            if len(history) > MAX_REDIRECTS:
                way = " → ".join(str(hop.location) for hop in history)
                raise RuntimeError(f"More than {MAX_REDIRECTS} redirects: {way}")
            outgoing = outgoing.redirected(answer.status, locations[0])
