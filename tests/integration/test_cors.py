"""CORS as browsers meet it: what preflights are told, who may read an answer, and that nothing changes for who does not ask for it."""

from collections.abc import AsyncIterator
from typing import Any

import pytest
from msgspec import Struct

from flasgo import (
    CORS,
    Blueprint,
    Cache,
    FileResponse,
    Flasgo,
    IsAuthenticated,
    RegistrationError,
    Request,
    Response,
    Settings,
    bearer_token_backend,
    session,
)
from flasgo.security.cors import CrossOrigin

KEY = "of-the-tests-of-cors-0123456789abcdef"
APP = "https://app.example"
SHARED = CORS(origins=[APP])


class Note(Struct, frozen=True):
    pages: int


def made(**settings: object) -> Flasgo[Settings]:
    return Flasgo(settings={"SECRET_KEY": KEY, **settings})


def shown(answer):
    """What an answer says of CORS."""
    return {name: value for name, value in answer.headers.items() if name.startswith("access-control-")}


def preflight(client, path, method, *, origin: str = APP, **more):
    headers = {"origin": origin, "access-control-request-method": method}
    return client.options(path, headers={**headers, **{name.replace("_", "-"): value for name, value in more.items()}})


# ── who may read an answer ──────────────────────────────────────────────────────────────────────────────────────────


def test_without_it_nothing_is_said_whoever_asks():
    app = made()
    app.get("/")(lambda: "x")
    client = app.test_client()
    for answer in (client.get("/", headers={"origin": APP}), preflight(client, "/", "GET"), client.get("/nowhere")):
        assert shown(answer) == {}
        assert "vary" not in answer.headers or "Origin" not in answer.headers["vary"]


def test_a_listed_origin_may_read_and_only_that_route():
    app = made()
    app.get("/shared", cors=SHARED)(lambda: "x")
    app.get("/other")(lambda: "x")
    client = app.test_client()
    answer = client.get("/shared", headers={"origin": APP})
    assert shown(answer) == {"access-control-allow-origin": APP}
    assert answer.headers["vary"] == "Origin"
    assert shown(client.get("/other", headers={"origin": APP})) == {}
    assert "vary" not in client.get("/other", headers={"origin": APP}).headers


@pytest.mark.parametrize(
    "origin",
    [
        "null", "", "*", "https://evil.example", "http://app.example", "https://app.example:444", "https://app.example.evil.example",
        "https://evil-app.example", "https://sub.app.example", "https://app.example/", "https://app.example@evil.example",
        "https://evil.example#https://app.example", "app.example", "https://app.example, https://app.example", "https://app.example evil",
        "https://app.example\x7f", "https://ápp.example", "file://", "https://", "https://app.example:", "https://app.example:0443",
        "https://APP.example.evil", "chrome-extension://app.example", "https://[::1]", "x" * 3_000,
    ],
)  # fmt: skip
def test_nobody_else_may_and_caches_are_told_so(origin):
    app = made()
    app.get("/", cors=SHARED)(lambda: "x")
    client = app.test_client()
    for answer in (client.get("/", headers={"origin": origin}), preflight(client, "/", "GET", origin=origin)):
        if origin == "https://app.example:0443":  # the same port
            continue
        assert shown(answer) == {}
        assert answer.headers["vary"] == "Origin"


@pytest.mark.parametrize(
    "origin", [APP, "https://app.example:443", "https://APP.example", "HTTPS://app.example", "https://app.example."]
)
def test_one_origin_may_be_written_in_several_ways(origin):
    app = made()
    app.get("/", cors=SHARED)(lambda: "x")
    client = app.test_client()
    for _ in range(2):
        assert shown(client.get("/", headers={"origin": origin})) == {"access-control-allow-origin": origin}


def test_an_origin_that_comes_twice_is_nobodys():
    app = made()
    app.get("/", cors=SHARED)(lambda: "x")
    client = app.test_client()
    assert shown(client.get("/", headers=[("origin", APP), ("origin", APP)])) == {}
    assert shown(client.get("/", headers=[("origin", APP), ("x-a", "1"), ("x-a", "2")])) != {}


def test_sub_domains_are_those_and_not_the_domain():
    app = made()
    app.get("/", cors=CORS(origins=["https://*.example.com", "https://*.example.org:8443"]))(lambda: "x")
    client = app.test_client()

    def may(origin):
        return "access-control-allow-origin" in client.get("/", headers={"origin": origin}).headers

    assert may("https://a.example.com")
    assert may("https://a.b.example.com")
    assert may("https://a.example.org:8443")
    for origin in (
        "https://example.com", "http://a.example.com", "https://a.example.com:8443", "https://evilexample.com", "https://.example.com",
        "https://a.example.org", "https://a.example.com.evil.example", "https://*.example.com", "https://evil.example/.example.com",
    ):  # fmt: skip
        assert not may(origin), origin


def test_what_is_for_everyone_is_the_same_for_everyone():
    app = made()
    app.get("/", cors=CORS(origins=["*"], expose=["ETag", "x-total"]), cache=Cache(public=True, max_age=60))(
        lambda: "x"
    )
    client = app.test_client()
    for headers in ({}, {"origin": "https://any.example"}, {"origin": "null"}):
        answer = client.get("/", headers=headers)
        assert shown(answer) == {"access-control-allow-origin": "*", "access-control-expose-headers": "etag, x-total"}
        assert answer.headers["cache-control"] == "public, max-age=60"
        assert "vary" not in answer.headers


def test_credentials_are_let_in_where_it_is_said():
    app = made()
    app.get("/", cors=CORS(origins=[APP], credentials=True))(lambda: str(session.get("n", 0)))
    answer = app.test_client().get("/", headers={"origin": APP})
    assert shown(answer) == {"access-control-allow-origin": APP, "access-control-allow-credentials": "true"}
    assert answer.headers["vary"] == "Cookie, Origin"
    assert shown(app.test_client().get("/", headers={"origin": "https://evil.example"})) == {}


def test_a_handlers_own_word_stays():
    app = made()
    own = {"access-control-allow-origin": "https://partner.example", "vary": "Accept"}
    app.get("/", cors=CORS(origins=[APP], credentials=True))(lambda: Response("x", headers=own))
    answer = app.test_client().get("/", headers={"origin": APP})
    assert shown(answer) == {"access-control-allow-origin": "https://partner.example"}
    assert answer.headers["vary"] == "Accept, Origin"


def test_errors_say_so_too():
    app = made(CORS_ORIGINS={APP}, MAX_REQUEST_BODY_BYTES=100)
    app.register_auth_backend("bearer", bearer_token_backend(lambda token: None))

    @app.post("/notes")
    async def add(body: Note) -> Note:
        raise ZeroDivisionError

    app.post("/mine", auth="bearer", permissions=[IsAuthenticated()])(lambda: "x")
    app.get("/notes/<int:id>")(lambda id: "x")

    @app.get("/stream")
    async def stream() -> AsyncIterator[str]:
        raise ZeroDivisionError
        yield "never"

    client = app.test_client(raise_server_exceptions=False)
    headers = {"origin": APP}
    answers = [
        client.post("/notes", json={"pages": 1}, headers=headers),
        client.post("/mine", headers=headers),
        client.get("/nowhere", headers=headers),
        client.get("/notes/x", headers=headers),
        client.delete("/notes/1", headers=headers),
        client.get("/notes/1/", headers=headers, follow_redirects=False),
        client.get("/stream", headers=headers),
    ]
    assert [answer.status_code for answer in answers] == [403, 401, 404, 404, 405, 308, 500]
    for answer in answers:
        assert answer.headers["access-control-allow-origin"] == APP
        assert "Origin" in answer.headers["vary"]
        assert answer.headers["x-content-type-options"] == "nosniff"


def test_files_say_so_too_also_where_they_have_not_changed(tmp_path):
    (tmp_path / "font.woff2").write_bytes(b"font")
    app = made(CORS_ORIGINS={APP})
    app.configure_static(tmp_path)
    app.get("/file")(lambda: FileResponse(tmp_path / "font.woff2"))
    client = app.test_client()
    for path in ("/static/font.woff2", "/file"):
        answer = client.get(path, headers={"origin": APP})
        assert (answer.status_code, answer.headers["access-control-allow-origin"]) == (200, APP)
        again = client.get(path, headers={"origin": APP, "if-none-match": answer.headers["etag"]})
        assert (again.status_code, again.headers["access-control-allow-origin"]) == (304, APP)
        assert "Origin" in again.headers["vary"]
        part = client.get(path, headers={"origin": APP, "range": "bytes=0-1"})
        assert (part.status_code, part.headers["access-control-allow-origin"]) == (206, APP)
    missing = client.get("/static/nowhere", headers={"origin": APP})
    assert (missing.status_code, missing.headers["access-control-allow-origin"]) == (404, APP)


# ── preflights ──────────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_preflight_is_answered_by_the_route_of_the_method_that_is_asked_about():
    app = made()
    app.get("/notes/<int:id>", cors=SHARED)(lambda id: "x")
    app.route(
        "/notes/<int:id>",
        methods=["PUT", "PATCH"],
        cors=CORS(origins=["https://admin.example"], headers=["X-Tenant"], max_age=5),
    )(lambda id: "x")
    app.delete("/notes/<int:id>")(lambda id: "x")
    client = app.test_client()

    answer = preflight(client, "/notes/7", "GET")
    assert (answer.status_code, answer.text) == (204, "")
    assert shown(answer) == {
        "access-control-allow-origin": APP,
        "access-control-allow-methods": "GET, HEAD",
        "access-control-allow-headers": "content-type",
        "access-control-max-age": "600",
    }
    assert "content-type" not in answer.headers
    assert answer.headers["vary"] == "Origin"
    assert shown(preflight(client, "/notes/7", "PUT", origin="https://admin.example")) == {
        "access-control-allow-origin": "https://admin.example",
        "access-control-allow-methods": "PATCH, PUT",
        "access-control-allow-headers": "x-tenant",
        "access-control-max-age": "5",
    }
    assert shown(preflight(client, "/notes/7", "PUT")) == {}
    assert shown(preflight(client, "/notes/7", "HEAD"))["access-control-allow-methods"] == "GET, HEAD"
    assert shown(preflight(client, "/notes/7", "DELETE")) == {}
    assert client.delete("/notes/7", headers={"origin": APP}).headers.get("access-control-allow-origin") is None


def test_a_method_that_is_not_there_is_not_among_those_that_are_allowed():
    app = made()
    app.get("/", cors=SHARED)(lambda: "x")
    app.put("/", cors=None)(lambda: "x")
    client = app.test_client()
    for method in ("DELETE", "get", "PATCH, GET", "*", "OPTIONS", "G\u00c4T"):
        answer = preflight(client, "/", method)
        assert answer.status_code == 204
        assert answer.headers["access-control-allow-methods"] == "GET, HEAD"
    assert shown(preflight(client, "/", "PUT")) == {}


def test_fewer_methods_than_the_routes_may_be_shared():
    app = made()
    app.route("/", methods=["GET", "POST"], csrf=False, cors=CORS(origins=[APP], methods=["post"]))(lambda: "x")
    client = app.test_client()
    assert preflight(client, "/", "POST").headers["access-control-allow-methods"] == "POST"
    assert shown(client.post("/", headers={"origin": APP})) == {"access-control-allow-origin": APP}
    assert shown(client.get("/", headers={"origin": APP})) == {}
    assert shown(client.head("/", headers={"origin": APP})) == {}


def test_a_preflight_asks_for_no_credentials_token_or_hook_and_sets_no_cookie():
    app = made(CORS_ORIGINS={APP}, DEFAULT_PERMISSIONS=(IsAuthenticated(),), RATE_LIMIT_DEFAULT=("1/60",))
    app.register_auth_backend("bearer", bearer_token_backend(lambda token: None))
    asked = []
    app.before_request(lambda request: asked.append(request.path))
    app.post("/mine", auth="bearer")(lambda: "x")
    app.post("/form")(lambda: "x")
    client = app.test_client()
    for path in ("/mine", "/form", "/nowhere", "/mine/"):
        for _ in range(3):
            answer = preflight(client, path, "POST")
            assert answer.status_code == 204
            assert answer.headers["access-control-allow-origin"] == APP
            assert "set-cookie" not in answer.headers
            assert answer.headers["cache-control"].startswith("no-store")
    assert asked == []


def test_an_options_that_is_no_preflight_is_what_it_was():
    app = made(CORS_ORIGINS={APP})
    app.get("/")(lambda: "x")
    client = app.test_client()
    answer = client.options("/", headers={"origin": APP})
    assert (answer.status_code, answer.headers["allow"]) == (204, "GET, HEAD, OPTIONS")
    assert shown(answer) == {"access-control-allow-origin": APP}
    answer = client.options("/", headers={"access-control-request-method": "GET"})
    assert (answer.status_code, answer.headers["allow"]) == (204, "GET, HEAD, OPTIONS")
    assert shown(answer) == {}


def test_a_route_of_options_keeps_what_is_no_preflight_and_those_of_routes_that_are_not_shared():
    app = made()
    app.options("/")(lambda: "mine")
    app.post("/", cors=SHARED)(lambda: "x")
    app.put("/")(lambda: "x")
    app.route("/both", methods=["OPTIONS", "GET"], cors=SHARED)(lambda: "both")
    client = app.test_client()
    assert preflight(client, "/", "POST").headers["access-control-allow-origin"] == APP
    assert preflight(client, "/", "POST").text == ""
    assert preflight(client, "/", "PUT").text == "mine"
    assert shown(preflight(client, "/", "PUT")) == {}
    assert client.options("/", headers={"origin": APP}).text == "mine"
    assert shown(client.get("/both", headers={"origin": APP})) == {"access-control-allow-origin": APP}
    assert client.options("/both", headers={"origin": APP}).text == "both"
    assert shown(client.options("/both", headers={"origin": APP})) == {"access-control-allow-origin": APP}
    assert preflight(client, "/both", "GET").headers["access-control-allow-methods"] == "GET, HEAD, OPTIONS"


def test_a_private_network_is_opened_where_it_is_said():
    app = made()
    app.get("/open", cors=CORS(origins=[APP], private_network=True))(lambda: "x")
    app.get("/closed", cors=SHARED)(lambda: "x")
    client = app.test_client()
    name = "access-control-allow-private-network"
    asks = {"access_control_request_private_network": "true"}
    assert preflight(client, "/open", "GET", **asks).headers[name] == "true"
    assert name not in preflight(client, "/open", "GET").headers
    assert name not in preflight(client, "/open", "GET", access_control_request_private_network="false").headers
    assert name not in preflight(client, "/open", "GET", origin="https://evil.example", **asks).headers
    assert name not in preflight(client, "/closed", "GET", **asks).headers


def test_without_headers_none_is_allowed():
    app = made()
    app.get("/", cors=CORS(origins=[APP], headers=()))(lambda: "x")
    app.get("/all", cors=CORS(origins=["*"], headers=["*"]))(lambda: "x")
    client = app.test_client()
    assert "access-control-allow-headers" not in preflight(client, "/", "GET").headers
    assert preflight(client, "/all", "GET").headers["access-control-allow-headers"] == "*"


# ── blueprints and settings ─────────────────────────────────────────────────────────────────────────────────────────


def test_a_blueprint_shares_its_routes_and_what_none_of_them_matches():
    inner = Blueprint("inner", url_prefix="/inner")
    inner.get("/a")(lambda: "x")
    closed = Blueprint("closed", url_prefix="/closed", cors=None)
    closed.get("/a")(lambda: "x")
    api = Blueprint("api", url_prefix="/api", cors=SHARED)
    api.get("/a")(lambda: "x")
    api.get("/b", cors=CORS(origins=["https://b.example"]))(lambda: "x")
    api.get("/c", cors=None)(lambda: "x")
    api.register_blueprint(inner)
    api.register_blueprint(closed)
    app = made()
    app.register_blueprint(api)
    app.get("/")(lambda: "x")
    client = app.test_client()

    def may(path):
        return "access-control-allow-origin" in client.get(path, headers={"origin": APP}).headers

    assert {path: may(path) for path in ("/api/a", "/api/inner/a", "/api/nowhere", "/api/inner/nowhere")} == {
        "/api/a": True, "/api/inner/a": True, "/api/nowhere": True, "/api/inner/nowhere": True,
    }  # fmt: skip
    assert {path: may(path) for path in ("/api/b", "/api/c", "/api/closed/a", "/api/closed/nowhere", "/", "/nowhere")} == {
        "/api/b": False, "/api/c": False, "/api/closed/a": False, "/api/closed/nowhere": False, "/": False, "/nowhere": False,
    }  # fmt: skip
    assert (
        preflight(client, "/api/nowhere", "PUT").headers["access-control-allow-methods"]
        == "DELETE, GET, HEAD, PATCH, POST, PUT"
    )
    assert shown(preflight(client, "/api/c", "GET")) == {}
    assert shown(preflight(client, "/nowhere", "GET")) == {}


def test_the_settings_share_all_that_does_not_say_otherwise():
    app = made(
        CORS_ORIGINS={APP},
        CORS_HEADERS={"authorization"},
        CORS_EXPOSE_HEADERS={"x-total"},
        CORS_METHODS={"GET"},
        CORS_MAX_AGE=0,
    )
    app.get("/a")(lambda: "x")
    app.get("/b", cors=None)(lambda: "x")
    app.put("/c")(lambda: "x")
    client = app.test_client()
    assert shown(preflight(client, "/a", "GET")) == {
        "access-control-allow-origin": APP,
        "access-control-allow-headers": "authorization",
        "access-control-allow-methods": "GET",
        "access-control-expose-headers": "x-total",
        "access-control-max-age": "0",
    }
    assert shown(client.get("/b", headers={"origin": APP})) == {}
    assert preflight(client, "/c", "PUT").headers["access-control-allow-methods"] == ""
    assert shown(client.get("/nowhere", headers={"origin": APP})) != {}


def test_an_application_of_nothing_but_closed_routes_has_no_part_of_it():
    app = made(CORS_ORIGINS={APP})
    app.get("/", cors=None)(lambda: "x")
    assert not any(isinstance(stage, CrossOrigin) for stage in app.freeze().stages)
    assert shown(app.test_client().get("/", headers={"origin": APP})) == {}


def test_a_route_without_it_has_nothing_of_it_in_its_code():
    app = made()
    app.get("/plain")(lambda: "x")
    alone = made()
    alone.get("/plain")(lambda: "x")
    app.get("/shared", cors=SHARED)(lambda: "x")
    (stage,) = (stage for stage in app.freeze().stages if isinstance(stage, CrossOrigin))
    routes = {route.path: route for route in app.routes}
    assert stage.compile(routes["/plain"]) is None
    assert stage.compile(routes["/shared"]) is not None
    assert stage.rejections(routes["/shared"]) == ()

    def code_of(one: Flasgo[Settings]) -> bytes:
        handle: Any = one.freeze().static["/plain"]["GET"].handle
        assert isinstance(handle.__code__.co_code, bytes)
        return handle.__code__.co_code

    assert code_of(app) == code_of(alone)


@pytest.mark.parametrize(
    ("cors", "what"),
    [("*", "is no CORS"), (CORS(origins=["*"], methods=["PUT"]), "holds PUT, which this route does not answer")],
)
def test_a_mistake_is_told_where_it_is_registered(cors: Any, what):
    app = made()
    with pytest.raises(RegistrationError, match=what) as error:
        app.get("/", cors=cors)(lambda: "x")
    assert "test_cors.py" in str(error.value)


def test_a_mistake_of_a_blueprint_names_it():
    not_cors: Any = "*"
    with pytest.raises(RegistrationError, match=r"Blueprint 'api': cors='\*' is no CORS"):
        Blueprint("api", cors=not_cors)


def test_no_more_origins_are_remembered_than_have_an_end():
    app = made()
    app.get("/", cors=CORS(origins=["https://*.example.com"]))(lambda: "x")
    client = app.test_client()
    for number in range(1_030):
        origin = f"https://a{number}.example.com"
        assert client.get("/", headers={"origin": origin}).headers["access-control-allow-origin"] == origin
    (stage,) = (stage for stage in app.freeze().stages if isinstance(stage, CrossOrigin))
    sharing = stage.sharings.of(app.routes[0])
    assert sharing is not None
    assert len(sharing._known) == 1_024


def test_a_shared_route_is_found_below_a_root_path():
    app = made()
    app.post("/notes", cors=SHARED)(lambda: "x")
    client = app.test_client(root_path="/v1")
    assert preflight(client, "/notes", "POST").headers["access-control-allow-methods"] == "POST"


def test_the_token_is_needed_all_the_same():
    app = made(CSRF_TRUSTED_ORIGINS={APP})
    app.post("/", cors=CORS(origins=[APP], credentials=True, headers=["x-csrf-token"]))(lambda: "done")
    answer = app.test_client().post("/", headers={"origin": APP, "sec-fetch-site": "same-site"})
    assert (answer.status_code, answer.headers["access-control-allow-origin"]) == (403, APP)


def test_the_handler_sees_the_request_as_ever():
    app = made()

    @app.get("/", cors=SHARED)
    async def seen(request: Request) -> str:
        return request.headers["origin"]

    assert app.test_client().get("/", headers={"origin": "https://evil.example"}).text == "https://evil.example"
