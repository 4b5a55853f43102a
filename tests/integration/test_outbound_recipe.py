"""The recipes of docs/guides/outbound-requests.md connect to the address that was checked, and speak to the name.

Names are answered by a DNS that rebinds: the first answer for a name is the good server, every later one is a trap on
another loopback address that must never see a connection.
"""

import asyncio
import re
import socket
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import quote

import pytest

from flasgo import Flasgo
from flasgo.outbound import SSRFConfig, SSRFGuard, SSRFViolation

GUIDE = Path(__file__).parents[2] / "docs/guides/outbound-requests.md"
GOOD, TRAP = "127.0.0.1", "127.0.0.2"

Fetch = Callable[..., Awaitable[bytes]]


class Seen(NamedTuple):
    """What a server saw of one request."""

    sni: str | None
    target: str
    host: str


class Site:
    """A server that answers every request with what it is told to, and remembers what it was asked."""

    def __init__(self, tls: ssl.SSLContext | None) -> None:
        self.tls = tls
        self.seen: list[Seen] = []
        self.connections = 0
        self.names: list[str | None] = []
        self.answers: dict[str, str] = {}
        self.port = 0
        if tls is not None:
            tls.sni_callback = lambda _socket, name, _context: self.names.append(name)

    async def start(self, address: str, port: int = 0) -> asyncio.Server:
        server = await asyncio.start_server(self._serve, address, port, ssl=self.tls)
        self.port = server.sockets[0].getsockname()[1]
        return server

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        try:
            head = (await reader.readuntil(b"\r\n\r\n")).decode()
            target = head.split(" ", 2)[1]
            host = re.search(r"(?im)^host: (.*)\r$", head)
            assert host is not None
            self.seen.append(Seen(self.names[-1] if self.names else None, target, host[1]))
            location = self.answers.get(target)
            lines = ["HTTP/1.1 302 Found", f"Location: {location}"] if location else ["HTTP/1.1 200 OK"]
            lines += ["Content-Length: 5", "Connection: close", "", "hello"]
            writer.write("\r\n".join(lines).encode())
            await writer.drain()
        finally:
            writer.close()


class Rebinding:
    """`getaddrinfo` of a DNS that answers a name once with the good address, and with the trap ever after."""

    def __init__(self, ask: Callable[..., Sequence[tuple[Any, ...]]]) -> None:
        self.asked: list[str] = []
        self._ask = ask

    def __call__(self, host: object, port: object, *args: object, **kwargs: object) -> Sequence[tuple[Any, ...]]:
        if not isinstance(host, str) or not host.endswith(".test"):
            return self._ask(host, port, *args, **kwargs)
        address = TRAP if host in self.asked else GOOD
        self.asked.append(host)
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, port))]


def recipe(title: str) -> dict[str, Any]:
    block = re.search(rf'^```python title="{title}"\n(.*?)^```$', GUIDE.read_text(), re.M | re.S)
    assert block is not None, f"the guide has no {title}"
    namespace: dict[str, Any] = {}
    exec(compile(block[1], title, "exec"), namespace)
    return namespace


@pytest.fixture(params=["httpx", "aiohttp"], scope="module")
def recipe_of(request: pytest.FixtureRequest) -> dict[str, Any]:
    pytest.importorskip(request.param)
    return recipe(f"fetch_{request.param}.py")


class Place(NamedTuple):
    """A good server and a trap on the same port, the DNS that leads from one to the other, and a recipe that trusts them."""

    site: Site
    trap: Site
    dns: Rebinding
    fetch: Fetch

    def guard(self, **rules: Any) -> SSRFGuard:
        return SSRFGuard(SSRFConfig(allow_private_networks=True, allowed_ports=frozenset({self.site.port}), **rules))


@pytest.fixture
def dns(monkeypatch: pytest.MonkeyPatch) -> Rebinding:
    rebinding = Rebinding(socket.getaddrinfo)
    monkeypatch.setattr(socket, "getaddrinfo", rebinding)
    return rebinding


@pytest.fixture(scope="module")
def certificates() -> tuple[ssl.SSLContext, Callable[[], ssl.SSLContext]]:
    """What a client trusts, and the contexts of servers for shop.test and cdn.test."""
    trustme = pytest.importorskip("trustme")
    authority = trustme.CA()
    client = ssl.create_default_context()
    authority.configure_trust(client)
    certificate = authority.issue_cert("shop.test", "cdn.test")

    def server() -> ssl.SSLContext:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        certificate.configure_cert(context)
        return context

    return client, server


@pytest.fixture
async def https(
    recipe_of: dict[str, Any],
    dns: Rebinding,
    certificates: tuple[ssl.SSLContext, Callable[[], ssl.SSLContext]],
) -> AsyncIterator[Place]:
    client, server = certificates
    recipe_of["TLS"] = client
    async with AsyncExitStack() as stack:
        yield await _place(stack, Site(server()), Site(server()), dns, recipe_of)


@pytest.fixture
async def http(recipe_of: dict[str, Any], dns: Rebinding) -> AsyncIterator[Place]:
    async with AsyncExitStack() as stack:
        yield await _place(stack, Site(None), Site(None), dns, recipe_of)


async def _place(stack: AsyncExitStack, site: Site, trap: Site, dns: Rebinding, recipe: dict[str, Any]) -> Place:
    await stack.enter_async_context(await site.start(GOOD))
    try:
        await stack.enter_async_context(await trap.start(TRAP, site.port))
    except OSError:  # a system whose loopback is one address
        pytest.skip(f"{TRAP} cannot be listened on here")
    return Place(site, trap, dns, recipe["fetch"])


async def test_tls_and_host_are_for_the_name_and_the_connection_is_to_the_checked_address(https: Place):
    body = await https.fetch(https.guard(), f"https://shop.test:{https.site.port}/a%20b?c=d")

    assert body == b"hello"
    assert https.site.seen == [Seen("shop.test", "/a%20b?c=d", f"shop.test:{https.site.port}")]
    assert https.dns.asked == ["shop.test"]
    assert https.trap.connections == 0


async def test_a_certificate_for_another_name_is_refused(https: Place):
    with pytest.raises(Exception, match=r"(?i)certificate"):
        await https.fetch(https.guard(), f"https://other.test:{https.site.port}/")

    assert https.site.seen == []
    assert https.trap.connections == 0


async def test_a_redirect_is_checked_and_leads_to_another_name_at_the_same_address(https: Place):
    https.site.answers["/a"] = f"//cdn.test:{https.site.port}/b"

    assert await https.fetch(https.guard(max_redirects=1), f"https://shop.test:{https.site.port}/a") == b"hello"

    port = https.site.port
    assert https.site.seen == [Seen("shop.test", "/a", f"shop.test:{port}"), Seen("cdn.test", "/b", f"cdn.test:{port}")]
    assert https.dns.asked == ["shop.test", "cdn.test"]


@pytest.mark.parametrize(
    ("location", "code"),
    [
        ("http://shop.test/", "redirect_not_allowed"),
        ("https://169.254.169.254/latest/meta-data/", "port_not_allowed"),
        ("https://169.254.169.254:{port}/latest/meta-data/", "address_not_allowed"),
        ("file:///etc/passwd", "redirect_not_allowed"),
        ("/next", "redirect_not_allowed"),
    ],
)
async def test_a_redirect_that_may_not_be_followed_ends_the_fetch(https: Place, location: str, code: str):
    https.site.answers["/a"] = location.format(port=https.site.port)
    https.trap.answers["/next"] = "/next"  # the name is looked up again, and this DNS then answers the trap

    with pytest.raises(SSRFViolation) as refused:
        await https.fetch(https.guard(max_redirects=1), f"https://shop.test:{https.site.port}/a")

    assert refused.value.code == code


async def test_redirects_are_not_followed_unless_asked_for(http: Place):
    http.site.answers["/a"] = "/b"

    with pytest.raises(SSRFViolation, match="Redirects are not followed"):
        await http.fetch(http.guard(), f"http://shop.test:{http.site.port}/a")

    assert [seen.target for seen in http.site.seen] == ["/a"]


async def test_a_name_that_rebinds_between_two_fetches_is_checked_again(http: Place):
    guard = http.guard()
    url = f"http://shop.test:{http.site.port}/"
    await http.fetch(guard, url)
    assert http.trap.connections == 0

    await http.fetch(guard, url)

    assert (
        http.trap.connections == 1
    )  # private networks are allowed here, so the second answer is one that may be fetched
    assert http.dns.asked == ["shop.test", "shop.test"]


async def test_a_proxy_of_the_environment_is_not_used(http: Place, monkeypatch: pytest.MonkeyPatch):
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, f"http://{TRAP}:{http.site.port}")

    assert await http.fetch(http.guard(), f"http://shop.test:{http.site.port}/") == b"hello"
    assert http.trap.connections == 0


async def test_an_answer_over_the_limit_ends_the_fetch(http: Place):
    with pytest.raises(ValueError, match="more than 4 bytes"):
        await http.fetch(http.guard(), f"http://shop.test:{http.site.port}/", limit=4)


async def test_a_name_that_leads_to_this_machine_is_never_connected_to(http: Place):
    guard = SSRFGuard(SSRFConfig(allowed_ports=frozenset({http.site.port})))

    with pytest.raises(SSRFViolation) as refused:
        await http.fetch(guard, f"http://shop.test:{http.site.port}/")

    assert refused.value.code == "address_not_allowed"
    assert http.site.connections == http.trap.connections == 0


@pytest.mark.parametrize("path", ["/preview", "/preview-async"])
def test_the_application_of_the_guide_answers_where_a_url_leads(monkeypatch: pytest.MonkeyPatch, path: str):
    namespace: dict[str, Any] = {}
    block = re.search(r"^```python\n(.*?)^```$", GUIDE.read_text(), re.M | re.S)
    assert block is not None
    exec(block[1], namespace)
    app = namespace["app"]
    assert isinstance(app, Flasgo)
    answer = [(socket.AF_INET, socket.SOCK_STREAM, 6, "", ("93.184.216.34", 443))]
    monkeypatch.setattr(socket, "getaddrinfo", lambda *args, **kwargs: answer)
    client = app.test_client()

    found = client.get(f"{path}?url=https://api.example.com/data")
    refused = client.get(f"{path}?url=http://api.example.com/data")

    assert found.json() == {"connect_to": "https://93.184.216.34/data", "host": "api.example.com"}
    assert refused.status_code == 422
    assert refused.json()["error"] == "scheme_not_allowed"


@pytest.mark.parametrize("url", ["http://127.0.0.1/", "file:///etc/passwd", "http://[::1]/", "http://a b/", "//x", ""])
@pytest.mark.parametrize("path", ["/plain", "/async"])
def test_a_url_that_must_not_be_fetched_is_the_request_s_mistake(path, url):
    app = Flasgo(settings={"SECRET_KEY": "test-outbound-0123456789abcdefghij"})

    @app.get("/plain")
    def plain(url: str) -> dict[str, str]:
        return {"url": app.resolve_outbound_url(url).url}

    @app.get("/async")
    async def later(url: str) -> dict[str, str]:
        return {"url": (await app.ssrf.aresolve_url(url)).url}

    answer = app.test_client().get(f"{path}?url={quote(url, safe='')}")
    assert (answer.status_code, answer.headers["content-type"]) == (400, "application/problem+json")
    assert answer.json()["code"] in {"malformed_url", "scheme_not_allowed", "address_not_allowed"}
