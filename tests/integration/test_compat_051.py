"""What an application written for release 0.5.1 by its documentation relies on; SPEC §7 lists what is different on purpose."""

import asyncio
import time
from collections.abc import Callable
from importlib import import_module
from inspect import Parameter, signature
from pathlib import Path
from typing import Any

import pytest

import flasgo
from flasgo import (
    AuthResult,
    Flasgo,
    HasScope,
    HTTPException,
    IsAuthenticated,
    RateLimitRule,
    Request,
    Response,
    TestClient,
    TestResponse,
    User,
    abort,
    bearer_token_backend,
    current_user,
    extract_bearer_token,
    jsonify,
    rate_limit,
    redirect,
    request,
    session,
)

OPEN = {"CSRF_ENABLED": False}

NAMES = """
Flasgo Request Response FormData UploadedFile HTTPException abort jsonify redirect request session current_user Session
Settings User AuthResult AllowAny IsAuthenticated HasScope bearer_token_backend extract_bearer_token RateLimitRule rate_limit
SSRFConfig SSRFGuard SSRFResolvedURL SSRFViolation BaseLoader Template TemplateNotFound SecureTemplateLoader JinjaTemplates
create_template_environment render_template TestClient TestResponse
""".split()  # noqa: SIM905 - a list of words reads better so


@pytest.mark.parametrize("name", NAMES)
def test_every_exported_name_is_exported(name: str) -> None:
    assert name in flasgo.__all__
    assert getattr(flasgo, name) is not None


@pytest.mark.parametrize(
    "path",
    [
        "app.Flasgo app.request app.session app.user",
        "auth.User auth.AuthResult auth.bearer_token_backend auth.extract_bearer_token auth.HasScope auth.IsAuthenticated",
        "cli.main cli.load_app",
        "openapi",
        "ratelimit.RateLimiter ratelimit.RateLimitDecision ratelimit.RateLimitRule ratelimit.rate_limit",
        "ratelimit.rate_limit_success_headers",
        "request.Request",
        "response.Response response.to_response response.ResponseValue",
        "routing.Route routing.Endpoint",
        "security.build_set_cookie security.host_is_allowed",
        "session.Session",
        "settings.Settings",
        "staticfiles",
        "templating.JinjaTemplates templating.create_template_environment templating.render_template",
        "testing.TestClient testing.TestResponse",
        "types.Scope types.Message types.Receive types.Send types.ASGIApp",
    ],
)
def test_names_are_imported_from_the_modules_of_the_codebase_guide(path: str) -> None:
    for each in path.split():
        module, _, name = each.partition(".")
        found = import_module(f"flasgo.{module}")
        assert not name or hasattr(found, name)


def parameters(function: Callable[..., object]) -> dict[str, object]:
    found = signature(function).parameters.values()
    return {one.name: one.default for one in found if one.kind is not Parameter.VAR_KEYWORD and one.name != "self"}


REQUIRED = Parameter.empty


@pytest.mark.parametrize(
    ("function", "expected"),
    [
        (
            Flasgo,
            {
                "settings": None,
                "templates": None,
                "static_folder": None,
                "static_url_path": "/static",
                "static_cache_max_age": 3600,
            },
        ),
        (Flasgo.route, {"path": REQUIRED, "methods": ("GET",)}),
        (Flasgo.add_route, {"path": REQUIRED, "endpoint": REQUIRED, "methods": ("GET",)}),
        (Flasgo.authorize, {"backend": "default"}),
        (Flasgo.ratelimit, {"requests": REQUIRED, "per": REQUIRED, "scope": None, "key_func": None}),
        (Flasgo.run, {"host": "127.0.0.1", "port": 8000, "reload": None, "reload_dirs": None}),
        (Flasgo.configure_static, {"directory": REQUIRED, "url_path": "/static", "cache_max_age": 3600}),
        (jsonify, {"status_code": 200, "headers": None}),
        (redirect, {"location": REQUIRED, "status_code": 302, "headers": None}),
        (abort, {"status_code": REQUIRED, "detail": "", "headers": None}),
        (bearer_token_backend, {"validate_token": REQUIRED, "scheme": "Bearer"}),
        (extract_bearer_token, {"authorization_header": REQUIRED, "scheme": "Bearer"}),
        (rate_limit, {"requests": REQUIRED, "per": REQUIRED, "scope": None, "key_func": None}),
    ],
)
def test_parameters_and_their_defaults_are_kept(function: Callable[..., object], expected: dict[str, object]) -> None:
    found = parameters(function)
    assert {name: found.get(name) for name in expected} == expected


# ── authentication ──────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_backend_answers_with_a_user_a_result_or_nobody() -> None:
    app = Flasgo()
    answers: dict[str, Any] = {
        "user": User(id="a", is_authenticated=True),
        "result": AuthResult(user=User(id="b", is_authenticated=True)),
        "challenge": AuthResult(challenge="Own"),
        "nobody": None,
    }
    app.register_auth_backend(" mine ", lambda request: answers[request.args["as"]])

    @app.authorize(backend="mine")
    @app.get("/")
    def who() -> dict[str, object]:
        return {"id": request.user.id, "current": current_user.id}

    client = app.test_client()
    assert client.get("/?as=user").json() == {"id": "a", "current": "a"}
    assert client.get("/?as=result").json() == {"id": "b", "current": "b"}
    for kind, challenge in (("challenge", "Own"), ("nobody", None)):
        denied = client.get(f"/?as={kind}")
        assert (denied.status_code, denied.headers.get("www-authenticate")) == (401, challenge)
        assert "Provide valid credentials" in denied.text


def test_permissions_are_objects_or_functions_and_all_must_hold() -> None:
    app = Flasgo()
    app.register_auth_backend("default", lambda _: User(id="a", is_authenticated=True, scopes=frozenset({"x"})))

    async def later(_request: Request, user: User) -> bool:
        return user.id == "a"

    @app.get("/all")
    @app.authorize(IsAuthenticated(), HasScope("x"), later, lambda _request, _user: True)
    def everything() -> str:
        return "in"

    @app.get("/one-less")
    @app.authorize(HasScope("x"), HasScope("X"))
    def one_less() -> str:
        return "in"

    @app.get("/broken")
    @app.authorize(lambda request, _user: request.headers["nothing-like-it"] == "")
    def broken() -> str:
        return "in"

    client = app.test_client()
    assert client.get("/all").text == "in"
    assert client.get("/one-less").status_code == 403
    assert "does not have permission" in client.get("/one-less").text
    assert client.get("/broken").status_code == 403


def test_the_backend_runs_on_authorized_routes_alone() -> None:
    app = Flasgo()
    app.register_auth_backend("default", lambda _: User(id="a", is_authenticated=True))

    @app.get("/")
    def index() -> dict[str, object]:
        return {"known": current_user.is_authenticated, "id": current_user.id}

    assert app.test_client().get("/").json() == {"known": False, "id": None}


def test_a_blank_backend_is_an_error_where_it_is_written() -> None:
    with pytest.raises(Exception, match="blank"):
        Flasgo().authorize(backend="  ")


@pytest.mark.parametrize(
    ("header", "token"),
    [
        ("Bearer abc", "abc"),
        ("Bearer  abc ", "abc"),
        ("Bearer ", None),
        ("Bearer", None),
        ("Basic abc", None),
        ("", None),
        (None, None),
        ("Bearer a\0b", None),
        ("Bearer a\r\nx: y", None),
        ("Bearer é", None),
    ],
)
def test_tokens_are_extracted(header: str | None, token: str | None) -> None:
    assert extract_bearer_token(header) == token


def test_a_bearer_backend_called_by_hand_gives_its_challenge() -> None:
    backend = bearer_token_backend(lambda _: None, scheme=" ")
    app = Flasgo()
    found: list[object] = []

    @app.get("/")
    def index(request: Request) -> None:
        found.append(backend(request))

    app.test_client().get("/", headers={"authorization": "Bearer x"})
    app.test_client().get("/")
    assert found == [AuthResult(challenge="Bearer")] * 2


# ── rate limits ─────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("order", ["above", "below"])
def test_limits_stand_above_or_below_the_route(order: str) -> None:
    app = Flasgo()

    def handler() -> str:
        return "ok"

    app.get("/")(rate_limit(1, per=60)(handler)) if order == "below" else rate_limit(1, per=60)(app.get("/")(handler))

    client = app.test_client()
    allowed, denied = client.get("/"), client.get("/")
    assert (allowed.headers["ratelimit-limit"], allowed.headers["x-ratelimit-remaining"]) == ("1", "0")
    assert (denied.status_code, int(denied.headers["retry-after"]) >= 1) == (429, True)


@pytest.mark.parametrize(("requests", "per", "scope"), [(0, 1, None), (-1, 1, None), (1, 0, None), (1, 1, "  ")])
def test_limits_that_count_nothing_are_value_errors(requests: int, per: float, scope: str | None) -> None:
    with pytest.raises(ValueError, match=r"."):
        rate_limit(requests, per=per, scope=scope)


def test_a_rule_names_its_window_and_key() -> None:
    rule = RateLimitRule(5, 60.0)

    assert (rule.requests, rule.window_seconds, rule.scope, rule.key_func) == (5, 60.0, None, None)


# ── globals ─────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_proxies_are_read_indexed_and_called() -> None:
    app = Flasgo()
    getters: Any = vars(import_module("flasgo.app"))
    proxies: Any = vars(flasgo)

    @app.get("/")
    def index(request: Request) -> list[object]:
        session["seen"] = 1
        same = [
            getters["request"]() is request,
            getters["session"]() is request.session,
            getters["user"]() is request.user,
        ]
        return [session["seen"], proxies["session"]() is request.session, proxies["request"]().path, *same]

    assert app.test_client().get("/").json() == [1, True, "/", True, True, True]


@pytest.mark.parametrize("name", ["request", "session", "user"])
def test_getters_outside_a_request_say_so(name: str) -> None:
    with pytest.raises(RuntimeError):
        getattr(import_module("flasgo.app"), name)()


# ── responses and errors ────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("value", "status", "text", "kind"),
    [
        (None, 204, "", None),
        ("a", 200, "a", "text/plain; charset=utf-8"),
        ({"a": [1]}, 200, '{"a":[1]}', "application/json"),
        ([1], 200, "[1]", "application/json"),
        (("a", 201), 201, "a", "text/plain; charset=utf-8"),
        (("a", 201, {"X-One": "1"}), 201, "a", "text/plain; charset=utf-8"),
        (Response.html("<p>"), 200, "<p>", "text/html; charset=utf-8"),
        (Response.json({"é": 1}), 200, '{"é":1}', "application/json"),
    ],
)
def test_values_are_coerced(value: Any, status: int, text: str, kind: str | None) -> None:
    app = Flasgo()

    @app.get("/")
    def index():
        return value

    answer = app.test_client().get("/")
    assert (answer.status_code, answer.text) == (status, text)
    assert kind is None or answer.headers["content-type"] == kind


def test_an_abort_is_an_http_exception_with_its_text_and_headers() -> None:
    app = Flasgo()

    @app.get("/")
    def index() -> str:
        abort(418, "short", headers={"X-Pot": "1"})

    answer = app.test_client().get("/")
    assert (answer.status_code, answer.text, answer.headers["x-pot"]) == (418, "short", "1")
    assert HTTPException(404, "a") == HTTPException(status_code=404, detail="a", headers={})


@pytest.mark.parametrize(
    ("method", "path", "status", "fragment"),
    [
        ("GET", "/nowhere", 404, "No route matches"),
        ("POST", "/", 405, "Use one of: GET, HEAD."),
        ("POST", "/json", 400, "Malformed JSON request body"),
    ],
)
def test_errors_name_what_is_wrong(method: str, path: str, status: int, fragment: str) -> None:
    app = Flasgo(settings=OPEN)

    @app.get("/")
    def index() -> str:
        return "ok"

    @app.post("/json")
    async def read(request: Request) -> dict[str, object]:
        return {"got": await request.json()}

    body = b"{" if method == "POST" else b""
    answer = app.test_client().request(method, path, body=body, headers={"content-type": "application/json"})
    assert answer.status_code == status
    assert fragment in answer.text


@pytest.mark.parametrize(
    ("path", "headers", "fragment"),
    [("/", {"host": "elsewhere"}, "ALLOWED_HOSTS"), ("/csrf", {}, "matching CSRF cookie and header values")],
)
def test_refusals_name_their_setting(path: str, headers: dict[str, str], fragment: str) -> None:
    app = Flasgo(settings={"CSRF_REQUIRE_ORIGIN": False, "CSRF_CHECK_ORIGIN": False})
    app.add_route("/csrf", lambda: "ok", methods=("POST",))

    answer = app.test_client().request("GET" if path == "/" else "POST", path, headers=headers)
    assert fragment in answer.text


# ── static files and documents ──────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    "path", ["/static/../secret", "/static/.hidden", "/static/", "/static/a%00b", "/static/none.txt"]
)
def test_static_files_that_are_none_are_404(tmp_path: Path, path: str) -> None:
    (tmp_path / ".hidden").write_text("x")

    assert Flasgo(static_folder=tmp_path).test_client().get(path).status_code == 404


def test_the_document_is_the_same_object_until_a_route_is_added() -> None:
    app = Flasgo(settings={"API_TITLE": "Shop"})

    @app.get("/users/<int:id>", name="show-user")
    def show(id: int, verbose: bool = False) -> dict[str, int]:
        """Show a user.

        All of it.
        """
        return {"id": id}

    spec = app.openapi_spec()
    assert app.openapi_spec() is spec
    operation = spec["paths"]["/users/{id}"]["get"]
    assert spec["openapi"].startswith("3.1.")
    assert (spec["info"]["title"], spec["info"]["version"]) == ("Shop", "0.3.0")
    assert (operation["operationId"], operation["summary"], operation["description"]) == (
        "show-user_get",
        "Show a user.",
        "All of it.",
    )
    assert [(one["name"], one["in"], one["required"]) for one in operation["parameters"]] == [
        ("id", "path", True),
        ("verbose", "query", False),
    ]
    app.get("/more")(lambda: "more")
    assert app.openapi_spec() is not spec


def test_documents_are_off_until_they_are_asked_for() -> None:
    assert Flasgo().test_client().get("/docs").status_code == 404
    docs = Flasgo(settings={"ENABLE_DOCS": True}).test_client()
    assert docs.get("/docs").headers["content-type"].startswith("text/html")
    assert docs.get("/openapi.json").json()["openapi"].startswith("3.1.")


# ── the test client ─────────────────────────────────────────────────────────────────────────────────────────────────


def echo() -> Flasgo[Any]:
    app = Flasgo(settings=OPEN)

    @app.route("/", methods=("GET", "POST", "PUT", "PATCH", "DELETE"))
    async def index(request: Request) -> dict[str, object]:
        form = await request.form()
        file = form.file("file")
        return {
            "method": request.method,
            "type": request.content_type,
            "body": None if file else await request.text(),
            "form": {name: form.getlist(name) for name in form},
            "file": file and [file.filename, file.text(), file.size],
            "host": request.headers["host"],
            "client": request.client_ip,
        }

    @app.get("/away")
    def away() -> Response:
        return redirect("/")

    @app.get("/cookie")
    def cookie() -> Response:
        return Response.text("ok", headers={"x-one": "1"})

    return app


def test_the_client_sends_json_data_files_and_bodies() -> None:
    client = TestClient(echo())

    sent = client.post("/", json={"a": "é"}).json()
    assert (sent["type"], sent["body"]) == ("application/json", '{"a":"é"}')
    assert client.put("/", data={"a": ["1", "2"]}).json()["form"] == {"a": ["1", "2"]}
    upload = client.patch("/", data={"a": "1"}, files={"file": ("a.txt", "text", "text/plain")}).json()
    assert (upload["form"], upload["file"]) == ({"a": ["1"]}, ["a.txt", "text", 4])
    assert client.delete("/", body=b"raw").json()["body"] == "raw"
    assert (sent["host"], sent["client"]) == ("localhost", "127.0.0.1")
    with pytest.raises(ValueError, match=r"."):
        client.post("/", json={}, body=b"x")


def test_the_client_follows_redirects_when_asked() -> None:
    client = TestClient(echo())

    assert client.get("/away").location == "/"
    followed = client.get("/away", follow_redirects=True)
    assert isinstance(followed, TestResponse)
    assert (followed.status_code, [one.status_code for one in followed.history]) == (200, [302])


def test_the_client_works_in_async_code() -> None:
    answer = asyncio.run(TestClient(echo()).arequest("POST", "/", json=[1]))

    assert answer.json()["body"] == "[1]"


def test_the_client_keeps_and_forgets_cookies() -> None:
    app = Flasgo()

    @app.get("/")
    def index() -> dict[str, object]:
        session["n"] = session.get("n", 0) + 1
        return {"n": session["n"]}

    client = app.test_client()
    base = "https://localhost"
    assert [client.get(f"{base}/").json()["n"] for _ in range(2)] == [1, 2]
    assert client.cookies
    client.clear_cookies()
    assert client.get(f"{base}/").json()["n"] == 1


def test_handlers_of_plain_functions_do_not_stop_the_others() -> None:
    app = Flasgo()

    @app.get("/")
    def index() -> str:
        time.sleep(0.01)
        return "ok"

    async def both() -> list[str]:
        client = app.test_client()
        return [
            answer.text for answer in await asyncio.gather(client.arequest("GET", "/"), client.arequest("GET", "/"))
        ]

    assert asyncio.run(both()) == ["ok", "ok"]
