import pytest

from flasgo import FileResponse, Flasgo, Response, Settings, redirect

DEFAULTS = {
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    "referrer-policy": "strict-origin-when-cross-origin",
    "permissions-policy": "camera=(), microphone=(), geolocation=()",
    "x-xss-protection": "0",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "content-security-policy": "default-src 'self'; base-uri 'none'; object-src 'none'; form-action 'self'; frame-ancestors 'none'",
}
NO_STORE = {"cache-control": "no-store, no-cache, must-revalidate, max-age=0", "pragma": "no-cache", "expires": "0"}
HSTS = "strict-transport-security"


def application(**settings: object) -> Flasgo[Settings]:
    return Flasgo(settings={"SECRET_KEY": "test-headers-0123456789abcdefghijkl", "CSRF_ENABLED": False, **settings})


def with_headers(headers: dict[str, str], *, public: bool = False, **settings: object) -> Flasgo[Settings]:
    app = application(**settings)
    app.add_route("/", lambda: Response("x", headers=headers, allow_public_cache=public))
    return app


@pytest.mark.parametrize(
    ("method", "path", "options"),
    [
        ("GET", "/", {}),
        ("HEAD", "/", {}),
        ("OPTIONS", "/", {}),
        ("POST", "/", {}),
        ("TRACE", "/", {}),
        ("GET", "/?limit=x", {}),
        ("GET", "/nowhere", {}),
        ("GET", "/slash", {}),
        ("GET", "/broken", {}),
        ("GET", "/file", {}),
        ("GET", "/missing-file", {}),
        ("GET", "/redirect", {}),
        ("GET", "/headers", {}),
        ("GET", "/own", {}),
        ("GET", "/%ff", {}),
        ("GET", "/", {"headers": {"host": "evil.example"}}),
        ("GET", "/", {"headers": {"x-long": "x" * 20_000}}),
        ("POST", "/body", {"body": b"x" * 100}),
        ("POST", "/body", {"body": iter([b"x" * 100])}),
    ],
)
def test_every_answer_has_every_header_once(tmp_path, method, path, options):
    app = application(MAX_REQUEST_BODY_BYTES=10)
    (tmp_path / "a.txt").write_text("a")

    @app.get("/")
    async def index(limit: int = 1):
        return "x"

    @app.get("/own")
    async def own():
        return Response("x", headers={"X-Frame-Options": "DENY", "Cache-Control": "no-cache"})

    @app.get("/slash/")
    async def slash():
        return "x"

    @app.get("/broken")
    async def broken():
        raise ZeroDivisionError

    @app.post("/body")
    async def body(request):
        return await request.body()

    app.add_route("/file", lambda: FileResponse(tmp_path / "a.txt"), name="file")
    app.add_route("/missing-file", lambda: FileResponse(tmp_path / "b.txt"), name="missing")
    app.add_route("/redirect", lambda: redirect("/"), name="redirect")
    app.add_route("/headers", lambda: ("x", 200, {"x-a": "b"}), name="headers")
    response = app.test_client().request(method, path, **options)
    for name, value in {**DEFAULTS, **NO_STORE}.items():
        assert response.headers.getlist(name) == [value], name
    assert HSTS not in response.headers


@pytest.mark.parametrize("scheme", ["http", "https"])
@pytest.mark.parametrize("touched", [True, False])
def test_hsts_is_sent_over_https_alone(scheme, touched):
    app = with_headers({"x-a": "b"}) if touched else application()
    headers = app.test_client().get("/", scheme=scheme).headers
    assert headers.getlist(HSTS) == (["max-age=63072000; includeSubDomains"] if scheme == "https" else [])


async def test_a_server_that_does_not_say_the_scheme_gets_no_hsts(call):
    exchange = await call(with_headers({}), without=["scheme"])
    assert HSTS not in exchange.headers


def test_a_handlers_own_value_wins_in_any_case_of_letters():
    own = {
        "X-Frame-Options": "SAMEORIGIN",
        "content-security-policy": "default-src *",
        "Strict-Transport-Security": "max-age=0",
    }
    headers = with_headers(own).test_client().get("/", scheme="https").headers
    for name, value in own.items():
        assert headers.getlist(name) == [value]
    assert headers.getlist("x-content-type-options") == ["nosniff"]


def test_a_hooks_own_value_wins_too():
    app = application()

    @app.get("/")
    async def index():
        return "x"

    @app.after_request
    async def frame(response):
        response.headers["x-frame-options"] = "SAMEORIGIN"

    assert app.test_client().get("/").headers.getlist("x-frame-options") == ["SAMEORIGIN"]


def test_no_store_is_forced_on_what_is_not_said_to_be_public():
    weaker = {"Cache-Control": "public, max-age=3600", "Pragma": "cache", "Expires": "Thu, 01 Jan 2037 00:00:00 GMT"}
    headers = with_headers(weaker).test_client().get("/").headers
    for name, value in NO_STORE.items():
        assert headers.getlist(name) == [value]


def test_in_debug_a_line_says_that_caching_was_forbidden(caplog):
    with_headers({"cache-control": "public"}, DEBUG=True).test_client().get("/")
    with_headers({"x-a": "b"}, DEBUG=True).test_client().get("/")
    with_headers({"cache-control": "public"}, DEBUG=True, public=True).test_client().get("/")
    with_headers({"cache-control": "public"}).test_client().get("/")
    lines = [record.getMessage() for record in caplog.records if record.name == "flasgo.security"]
    assert lines == [
        'cache-headers-replaced method=GET path=/ client=127.0.0.1 cure="cache= on the route, or allow_public_cache"'
    ]


def test_a_default_for_caching_never_doubles_no_store():
    for scheme in ("http", "https"):
        for app in (
            with_headers({"x-a": "b"}, SECURITY_HEADERS={"cache-control": "private"}),
            application(SECURITY_HEADERS={"cache-control": "private"}),
        ):
            headers = app.test_client().get("/", scheme=scheme).headers
            assert headers.getlist("cache-control") == [NO_STORE["cache-control"]]
    public = with_headers({}, SECURITY_HEADERS={"cache-control": "private"}, public=True)
    assert public.test_client().get("/").headers["cache-control"] == "private"


def test_a_response_that_allows_public_caches_says_what_it_likes():
    client = with_headers({"cache-control": "public, max-age=60"}, public=True).test_client()
    headers = client.get("/").headers
    assert headers.getlist("cache-control") == ["public, max-age=60"]
    assert "pragma" not in headers
    assert "expires" not in headers
    assert "cache-control" not in with_headers({}, public=True).test_client().get("/").headers


def test_no_store_may_be_turned_off():
    headers = with_headers({"cache-control": "private"}, ENFORCE_NO_STORE_CACHE=False).test_client().get("/").headers
    assert headers.getlist("cache-control") == ["private"]
    assert "pragma" not in headers
    headers = application(ENFORCE_NO_STORE_CACHE=False).test_client().get("/").headers
    assert "cache-control" not in headers
    assert headers["x-frame-options"] == "DENY"


def test_the_set_of_headers_is_replaced_as_a_whole():
    app = application(SECURITY_HEADERS={"X-Own": "1", "Cross-Origin-Opener-Policy": "unsafe-none"})
    headers = app.test_client().get("/").headers
    assert (headers["x-own"], headers["cross-origin-opener-policy"]) == ("1", "unsafe-none")
    assert "x-frame-options" not in headers


# ── the head of a request ───────────────────────────────────────────────────────────────────────────────────────────


@pytest.fixture
def size_of(call):
    """The status of a request whose head has so many bytes, made of this part."""

    async def status(part, size, route="/<path:rest>"):
        app = application(MAX_REQUEST_HEAD_BYTES=1000)
        app.add_route(route, lambda rest="": rest[:0])
        rest = size - len(b"/") - len(b"host" + b"localhost")
        headers = [(b"host", b"localhost")]
        if part == "header":
            exchange = await call(app, headers=[*headers, (b"x", b"y" * (rest - 1))])
        elif part == "path":
            exchange = await call(app, "/" + "x" * rest, headers=headers)
        elif part == "query":
            exchange = await call(app, query_string=b"x" * rest, headers=headers)
        elif part == "path alone":
            exchange = await call(app, "/" + "x" * rest, headers=headers, without=["raw_path", "query_string"])
        else:
            exchange = await call(app, "/" + "x" * rest, headers=headers, raw_path=None)
        return exchange.status

    return status


@pytest.mark.parametrize("part", ["header", "path", "query", "path alone", "path without raw_path"])
async def test_a_head_of_more_bytes_than_allowed_is_431(size_of, part):
    assert await size_of(part, 1000) in {200, 404}
    assert await size_of(part, 1001) == 431


@pytest.mark.parametrize("part", ["header", "query"])
async def test_a_head_of_a_route_without_placeholders_may_be_no_larger(size_of, part):
    for size in (1, 500, 800, 1000):
        assert await size_of(part, 100 + 9 * size // 10, "/") in {200, 404}
    assert await size_of(part, 1001, "/") == 431


async def test_a_head_of_more_than_a_hundred_fields_is_431(call):
    app = application()
    fields = [(b"host", b"localhost"), *((b"x%d" % number, b"") for number in range(99))]
    assert (await call(app, headers=fields)).status == 404
    exchange = await call(app, headers=[*fields, (b"one-more", b"")])
    assert (exchange.status, exchange.headers["connection"]) == (431, "close")
    assert b"MAX_REQUEST_HEAD_BYTES" in exchange.body
