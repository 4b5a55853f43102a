"""`headers=` and `cache=` of a route, and when no-store wins all the same."""

import pytest

from flasgo import (
    AllowAny,
    Cache,
    FileResponse,
    Flasgo,
    RegistrationError,
    Response,
    Settings,
    User,
    abort,
    api_key_backend,
    csp_nonce,
    redirect,
)  # fmt: skip
from flasgo.request import Request

NO_STORE = {"cache-control": "no-store, no-cache, must-revalidate, max-age=0", "pragma": "no-cache", "expires": "0"}
MINUTE = Cache(public=True, max_age=60)


def application(**settings: object) -> Flasgo[Settings]:
    return Flasgo(settings={"SECRET_KEY": "test-caching-0123456789abcdefghijk", **settings})


def caching(handler, cache=MINUTE, methods=("GET",), **settings):
    app = application(**settings)
    app.add_route("/", handler, methods=methods, cache=cache, csrf=False)

    @app.post("/form")  # with it, pages are given the CSRF cookie
    async def form():
        return ""

    return app.test_client()


def kept(response):
    return {name: response.headers.getlist(name) for name in NO_STORE}


FORBIDDEN = {name: [value] for name, value in NO_STORE.items()}
ALLOWED = {"cache-control": ["public, max-age=60"], "pragma": [], "expires": []}


# ── headers ─────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_route_replaces_joins_and_removes_default_headers_on_all_its_answers():
    app = application()

    @app.get("/embed", headers={"X-Frame-Options": None, "Referrer-Policy": "no-referrer", "X-Robots-Tag": "noindex"})
    async def embed(fail: bool = False):
        return abort(403) if fail else "x"

    client = app.test_client()
    for url, status in (("/embed", 200), ("/embed?fail=1", 403), ("/embed?fail=x", 422)):
        response = client.get(url)
        assert response.status_code == status
        assert "x-frame-options" not in response.headers
        assert response.headers.getlist("referrer-policy") == ["no-referrer"]
        assert response.headers["x-robots-tag"] == "noindex"
        assert response.headers["x-content-type-options"] == "nosniff"
        assert kept(response) == FORBIDDEN
    assert client.get("/nowhere").headers["x-frame-options"] == "DENY"


def test_the_answers_own_value_wins_over_that_of_its_route():
    app = application()

    @app.get("/", headers={"X-Frame-Options": "SAMEORIGIN"})
    async def index():
        return "x", 200, {"X-Frame-Options": "DENY"}

    assert app.test_client().get("/").headers.getlist("x-frame-options") == ["DENY"]


def test_hsts_of_a_route_is_for_https_too():
    app = application()

    @app.get("/", headers={"Strict-Transport-Security": "max-age=1"})
    async def index():
        return "x"

    client = app.test_client()
    assert client.get("/", scheme="https").headers.getlist("strict-transport-security") == ["max-age=1"]
    assert "strict-transport-security" not in client.get("/").headers


@pytest.mark.parametrize(
    ("options", "problem"),
    [
        ({"headers": {"Cache-Control": "public"}}, r"say it with cache=Cache\(…\)"),
        ({"headers": {"x-a": "1\n2"}}, "control character"),
        ({"headers": "x-a"}, "must be a mapping"),
        ({"cache": 60}, "is no Cache"),
        ({"cache": MINUTE, "methods": ["POST"]}, "GET and HEAD"),
    ],
)
def test_a_mistake_is_told_when_the_route_is_registered(options, problem):
    with pytest.raises(RegistrationError, match=rf"test_caching\.py:\d+: .*handler\(\): .*{problem}"):

        @application().route("/", **options)
        async def handler():
            return ""


# ── cache ───────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_route_may_let_its_answers_be_kept():
    client = caching(lambda: "x")
    for _ in range(2):
        for response in (client.get("/"), client.head("/")):
            assert kept(response) == ALLOWED
            assert "set-cookie" not in response.headers
            assert "vary" not in response.headers


def test_also_where_the_handler_wrote_headers_itself():
    assert kept(caching(lambda: ("x", 200, {"x-a": "1"})).get("/")) == ALLOWED


def test_also_redirects_and_files(tmp_path):
    (tmp_path / "a.txt").write_text("a")
    assert kept(caching(lambda: redirect("/elsewhere")).get("/", follow_redirects=False)) == ALLOWED
    client = caching(lambda: FileResponse(tmp_path / "a.txt"))
    etag = client.get("/").headers["etag"]
    assert kept(client.get("/", headers={"If-None-Match": etag})) == ALLOWED


def test_the_answers_own_cache_control_wins():
    response = caching(lambda: ("x", 200, {"Cache-Control": "private, max-age=5"})).get("/")
    assert response.headers.getlist("cache-control") == ["private, max-age=5"]


def looks_at_the_session(request: Request):
    return str("key" in request.session)


def sets_a_cookie():
    response = Response("x")
    response.set_cookie("theme", "dark")
    return response


def allows_it_and_sets_a_cookie():
    response = Response("x", headers={"Cache-Control": "public"}, allow_public_cache=True)
    response.set_cookie("theme", "dark")
    return response


def uses_a_nonce():
    return csp_nonce()


def fails():
    raise ZeroDivisionError


PERSONAL = {
    "session": looks_at_the_session,
    "cookie": sets_a_cookie,
    "cookie, allowed": allows_it_and_sets_a_cookie,
    "nonce": uses_a_nonce,
    "404": lambda: ("", 404),
    "500": lambda: ("", 500, {"Cache-Control": "public"}),
    "abort": lambda: abort(410),
    "failure": fails,
}


@pytest.mark.parametrize("name", PERSONAL)
@pytest.mark.parametrize("enforce", [True, False])
@pytest.mark.parametrize("cache", [MINUTE, Cache(max_age=60)], ids=["public", "private"])
def test_errors_and_what_is_one_visitors_own_are_never_kept(name, enforce, cache):
    assert kept(caching(PERSONAL[name], cache, ENFORCE_NO_STORE_CACHE=enforce).get("/")) == FORBIDDEN


def test_nor_where_the_answer_itself_allows_it():
    app = application()
    app.add_route("/", allows_it_and_sets_a_cookie)
    assert kept(app.test_client().get("/")) == FORBIDDEN


def test_the_first_visit_to_a_private_route_brings_the_csrf_cookie_and_the_second_is_kept():
    client = caching(lambda: "x", Cache(max_age=60), CSRF_COOKIE_SECURE=False)
    assert kept(client.get("/")) == FORBIDDEN
    assert kept(client.get("/"))["cache-control"] == ["private, max-age=60"]


def test_an_answer_to_somebody_known_is_in_no_shared_cache():
    signed_in = {"Authorization": "Bearer x"}
    assert kept(caching(lambda: "x").get("/", headers=signed_in)) == FORBIDDEN
    client = caching(lambda: "x", Cache(max_age=60), CSRF_ENABLED=False)
    assert kept(client.get("/", headers=signed_in))["cache-control"] == ["private, max-age=60"]


def test_nor_where_another_header_says_who_it_is():
    """A cache looks for Authorization (RFC 9111 §3.5), and knows nothing of keys."""
    app = application()
    app.register_auth_backend("keys", api_key_backend({"k": User("alice", is_authenticated=True)}.get, header="X-Key"))
    app.add_route("/", lambda: "x", cache=MINUTE, auth="keys", permissions=[AllowAny()])
    client = app.test_client()
    assert kept(client.get("/")) == ALLOWED
    assert kept(client.get("/", headers={"X-Key": "k"})) == FORBIDDEN


def test_only_answers_to_get_and_head_are_kept():
    client = caching(lambda: "x", methods=["GET", "POST"])
    assert kept(client.post("/")) == FORBIDDEN
    assert kept(client.get("/")) == ALLOWED


def test_requests_that_are_refused_before_the_handler_are_not_kept():
    client = caching(lambda: "x")
    assert kept(client.get("/", headers={"host": "evil.example"})) == FORBIDDEN


def test_a_default_for_caching_does_not_weaken_a_routes_word():
    headers = {"cache-control": "public, max-age=9999", "x-a": "1"}
    for handler, expected in ((lambda: "x", ALLOWED), (sets_a_cookie, FORBIDDEN)):
        response = caching(handler, SECURITY_HEADERS=headers, ENFORCE_NO_STORE_CACHE=False).get("/")
        assert kept(response) == expected
        assert response.headers["x-a"] == "1"
