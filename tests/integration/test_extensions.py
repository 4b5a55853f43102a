"""Packages that extend an application: `app.install(extension)`."""

import asyncio
from collections.abc import AsyncIterator, Callable
from typing import Annotated, Any

import pytest
from msgspec import Meta, Struct

from flasgo import (
    Blueprint,
    Flasgo,
    FrozenError,
    HasScope,
    NotFound,
    RegistrationError,
    Request,
    Response,
    ServiceUnavailable,
    Settings,
    SettingsError,
    User,
    render_template,
)
from flasgo.auth import AuthResult
from flasgo.errors import ConfigurationError, HTTPException
from flasgo.extensions import (
    AskStep,
    GateStep,
    Installation,
    Part,
    Place,
    Route,
    Secured,
    SecurityScheme,
    WorkStep,
    declare,
)

PLACES: tuple[Place, ...] = (
    "around",
    "before-session",
    "before-hooks",
    "before-auth",
    "after-auth",
    "before-handler",
)


class Made:
    """An extension whose registration is a function."""

    def __init__(self, name: str, register: Callable[[Installation], object] = lambda _: None) -> None:
        self.name = name
        self._register = register

    def register(self, installation: Installation, /) -> None:
        self._register(installation)


class Stepping:
    """A stage of one part on every route, or on those that `on` says."""

    def __init__(self, part: Part, on: Callable[[Route | None], bool] = lambda _: True) -> None:
        self.part = part
        self.on = on

    def compile(self, route: Route | None, /) -> Part | None:
        return self.part if self.on(route) else None

    def rejections(self, route: Route | None, /) -> tuple[type[HTTPException], ...]:
        return (ServiceUnavailable,) if self.on(route) else ()


def with_stage(place: Place, part: Part, on: Callable[[Route | None], bool] = lambda _: True) -> Made:
    return Made("stepping", lambda installation: installation.add_stage(place, Stepping(part, on)))


# ── stages ──────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_stages_stand_where_they_say() -> None:
    app = Flasgo(settings={"CSRF_ENABLED": True})
    seen: list[str] = []

    def note(place: str) -> GateStep:
        return GateStep(lambda request: seen.append(f"{place} {request.user.id}"))

    for place in reversed(PLACES):
        app.install(
            Made(place, lambda installation, place=place: installation.add_stage(place, Stepping(Part((note(place),)))))
        )

    @app.before_request
    async def hook() -> None:
        seen.append("hook")

    app.register_auth_backend("always", lambda _: User(id="ada", is_authenticated=True))

    @app.get("/")
    @app.authorize(backend="always")
    async def index() -> None:
        seen.append("handler")

    assert app.test_client().get("/").status_code == 204
    assert seen == [
        "around None",
        "before-session None",
        "before-hooks None",
        "hook",
        "before-auth None",
        "after-auth ada",
        "before-handler ada",
        "handler",
    ]


@pytest.mark.parametrize(
    ("place", "host", "method", "reached"),
    [
        ("around", "elsewhere.example", "GET", True),
        ("before-session", "elsewhere.example", "GET", False),
        ("before-session", "localhost", "POST", True),
        ("before-hooks", "localhost", "POST", False),
    ],
)
def test_what_is_refused_before_a_place_does_not_reach_it(
    place: Place, host: str, method: str, *, reached: bool
) -> None:
    app, seen = Flasgo(), []
    app.install(with_stage(place, Part((GateStep(lambda _: seen.append(place)),))))

    @app.route("/", methods=("GET", "POST"))
    async def index() -> str:
        return "ok"

    answer = app.test_client().request(method, "/", headers={"host": host})

    assert answer.status_code == (400 if host != "localhost" else 403)
    assert bool(seen) is reached


def test_of_two_at_one_place_the_first_installed_is_the_outer_one() -> None:
    app, seen = Flasgo(), []

    def install(name: str) -> None:
        part = Part((GateStep(lambda _: seen.append(name)),), finisher=lambda _, __: seen.append(f"after {name}"))
        app.install(Made(name, lambda installation: installation.add_stage("before-auth", Stepping(part))))

    install("first")
    install("second")
    app.test_client().get("/")

    assert seen == ["first", "second", "after second", "after first"]


def test_a_stage_that_does_not_apply_to_a_route_vanishes_there() -> None:
    def build(*, extended: bool) -> Flasgo[Settings]:
        app = Flasgo()
        if extended:
            part = Part((GateStep(lambda _: None),), finisher=lambda _, __: None)
            app.install(with_stage("around", part, lambda route: route is not None and route.path == "/mine"))

        @app.get("/mine")
        async def mine() -> str:
            return "mine"

        @app.get("/other")
        async def other() -> str:
            return "other"

        return app

    def code(app: Flasgo[Settings], path: str) -> object:
        handle: Any = app.freeze().static[path]["GET"].handle
        return handle.__code__

    plain, extended = build(extended=False), build(extended=True)

    assert code(extended, "/other") == code(plain, "/other")
    assert code(extended, "/mine") != code(plain, "/mine")


def test_steps_may_answer_and_wait_and_work_in_threads() -> None:
    app = Flasgo()

    async def ask(request: Request) -> Response | None:
        await asyncio.sleep(0)
        return Response.text("asked", status_code=202) if request.args.get("ask") else None

    def work(request: Request) -> Response | None:
        with pytest.raises(RuntimeError, match="no running event loop"):
            asyncio.get_running_loop()
        return Response.text("worked") if request.args.get("work") else None

    async def commit(_request: Request, response: Response) -> None:
        await asyncio.sleep(0)
        response.headers["x-commit"] = "done"

    app.install(with_stage("before-handler", Part((AskStep(ask), WorkStep(work)), commit=commit, commit_waits=True)))

    @app.get("/")
    def index() -> str:
        return "handled"

    client = app.test_client()
    assert [client.get(path).text for path in ("/", "/?ask=1", "/?work=1")] == ["handled", "asked", "worked"]
    assert client.get("/").headers["x-commit"] == "done"


def test_a_stage_that_fails_is_answered_with_the_security_headers() -> None:
    app = Flasgo()

    def fail(_request: Request) -> None:
        raise LookupError

    app.install(with_stage("around", Part((GateStep(fail),))))

    answer = app.test_client(raise_server_exceptions=False).get("/")
    assert answer.status_code == 500
    assert answer.headers["x-content-type-options"] == "nosniff"


def test_a_condition_in_source_skips_the_calls() -> None:
    app, seen = Flasgo(), []
    app.install(
        with_stage(
            "before-session",
            Part(
                (GateStep(lambda _: seen.append("gate"), when="wanted in fields"),),
                finisher=lambda _, __: seen.append("finisher"),
                when="wanted in fields",
                names={"wanted": b"x-trace"},
            ),
        )
    )
    client = app.test_client()

    client.get("/")
    assert seen == []
    client.get("/", headers={"x-trace": "1"})
    assert seen == ["gate", "finisher"]


class Wrong(Struct, frozen=True):
    """A part that is none."""


def nothing(_request: Request) -> None:
    """A gate."""


def nothing_of_it(_request: Request, _response: Response) -> None:
    """A finisher."""


@pytest.mark.parametrize(
    ("part", "problem"),
    [
        (Wrong(), "gave Wrong; give a Part"),
        (Part((Wrong(),)), "has Wrong among its steps"),  # type: ignore[arg-type] # ty: ignore[invalid-argument-type] # on purpose
        (Part(names={"request": 1}), "uses the name 'request'"),
        (Part(names={"step0": 1}), "uses the name 'step0'"),
        (Part(names={"then0": 1}), "uses the name 'then0'"),
        (Part(names={"values": 1}), "uses the name 'values'"),
        (Part(names={"d0": 1}), "uses the name 'd0'"),
        (Part(names={"made0": 1}), "uses the name 'made0'"),
        (Part(names={"n0": 1}), "uses the name 'n0'"),
        (Part(names={"query_raw": 1}), "uses the name 'query_raw'"),
        (Part(names={"encode": 1}), "uses the name 'encode'"),
        (Part(names={"not a name": 1}), "uses the name 'not a name'"),
        (Part(names={"class": 1}), "uses the name 'class'"),
        (Part(when="1 +"), "has source that is no Python, '1 \\+'"),
        (Part((GateStep(nothing, when="x = 1"),)), "has source that is no Python, 'x = 1'"),
        (Part(finisher=nothing_of_it, fields="if"), "has source that is no Python, 'if'"),
        (Part(finisher=nothing_of_it, when="response.body"), "asks for the response in 'response.body'"),
    ],
)
def test_a_part_that_could_not_work_is_told_at_freeze(part: Any, problem: str) -> None:
    app = Flasgo()
    app.install(with_stage("around", part))

    with pytest.raises(RegistrationError, match=f"Extension 'stepping': the part of Stepping .*{problem}"):
        app.freeze()


def test_a_part_that_could_not_work_on_a_route_names_it() -> None:
    app = Flasgo()
    app.install(with_stage("around", Part(when="("), lambda route: route is not None))
    app.add_route("/books/<int:id>", nothing_of)

    with pytest.raises(RegistrationError, match="on /books/<int:id> has source"):
        app.freeze()


def nothing_of(id: int) -> None:
    """A handler."""


@pytest.mark.parametrize(
    ("place", "stage", "problem"),
    [
        ("outside", Stepping(Part()), "'outside' is no place for a stage; there are around, before-session"),
        ("around", Stepping, "is no stage; give an instance"),
        ("around", object(), "is no stage; give an instance"),
    ],
)
def test_a_stage_that_is_none_is_refused(place: Any, stage: Any, problem: str) -> None:
    with pytest.raises(RegistrationError, match=problem):
        Flasgo().install(Made("wrong", lambda installation: installation.add_stage(place, stage)))


def test_options_of_an_extension_reach_its_stage_through_other_decorators() -> None:
    class Slow(Struct, frozen=True):
        seconds: int

    app = Flasgo()

    class Marking(Stepping):
        def compile(self, route: Route | None, /) -> Part | None:
            slow = None if route is None else route.option(Slow)
            if slow is None:
                return None
            return Part(finisher=lambda _, response: response.headers.update({"x-slow": str(slow.seconds)}))

    app.install(Made("slow", lambda installation: installation.add_stage("around", Marking(Part()))))

    def slow(seconds: int) -> Callable[[Callable[..., object]], Callable[..., object]]:
        return lambda function: declare(function, Slow(seconds), "@slow")

    @app.get("/")
    @app.ratelimit(5, per=60)
    @slow(3)
    async def index() -> str:
        return "ok"

    @app.get("/fast")
    async def fast() -> str:
        return "ok"

    client = app.test_client()
    assert client.get("/").headers["x-slow"] == "3"
    assert "x-slow" not in client.get("/fast").headers


# ── settings ────────────────────────────────────────────────────────────────────────────────────────────────────────


class Own(Struct, frozen=True):
    SITEMAP_LIMIT: Annotated[int, Meta(ge=1, le=50_000)]
    SITEMAP_PATH: str = "/sitemap.xml"
    SITEMAP_HOSTS: frozenset[str] = frozenset()

    def __post_init__(self) -> None:
        if not self.SITEMAP_PATH.startswith("/"):
            raise ValueError("SITEMAP_PATH begins with a slash")


def settings_of(app: Flasgo[Any], kind: Any = Own) -> Any:
    found = []
    app.install(Made("sitemap", lambda installation: found.append(installation.settings(kind))))
    return found[0]


def test_settings_of_an_extension_are_read_from_those_of_the_application() -> None:
    app = Flasgo(settings={"SITEMAP_LIMIT": 10, "SITEMAP_HOSTS": ["a", "b"], "OTHER": 1})

    assert settings_of(app) == Own(SITEMAP_LIMIT=10, SITEMAP_HOSTS=frozenset({"a", "b"}))


class ShopSettings(Settings, frozen=True):
    SITEMAP_LIMIT: int = 7


def test_settings_of_an_extension_may_be_fields_of_the_applications_own_class() -> None:
    app = Flasgo(settings=ShopSettings.from_env({"FLASGO_SITEMAP_LIMIT": "9"}))

    assert settings_of(app).SITEMAP_LIMIT == 9
    assert settings_of(Flasgo(settings=ShopSettings())).SITEMAP_LIMIT == 7


def test_all_problems_of_an_extensions_settings_are_told_at_once() -> None:
    with pytest.raises(SettingsError) as caught:
        settings_of(Flasgo(settings={"SITEMAP_PATH": 1, "SITEMAP_HOSTS": "ab"}))

    assert [problem.partition(",")[0] for problem in caught.value.problems] == [
        "SITEMAP_LIMIT",
        "SITEMAP_PATH",
        "SITEMAP_HOSTS",
    ]
    assert "of extension 'sitemap', is required; give it a whole number from 1 to 50000" in caught.value.problems[0]


def test_what_a_struct_of_settings_refuses_itself_is_told_too() -> None:
    with pytest.raises(SettingsError, match="Own, of extension 'sitemap': SITEMAP_PATH begins with a slash"):
        settings_of(Flasgo(settings={"SITEMAP_LIMIT": 1, "SITEMAP_PATH": "x"}))


def test_a_key_that_is_nearly_a_setting_of_an_extension_is_refused_at_freeze() -> None:
    app = Flasgo(settings={"SITEMAP_LIMIT": 1, "SITEMAP_PAHT": "/map.xml", "STRIPE_KEY": "x"})
    settings_of(app)

    with pytest.raises(SettingsError, match="'SITEMAP_PAHT' is no setting of an extension; did you mean SITEMAP_PATH"):
        app.freeze()


class Lower(Struct, frozen=True):
    limit: int = 1


@pytest.mark.parametrize(
    ("kind", "problem"),
    [
        (Lower, "Lower.limit is a setting; write LIMIT"),
        (dict, "is no msgspec.Struct"),
        (Own(1), "is no msgspec.Struct"),
    ],
)
def test_settings_that_are_no_struct_of_uppercase_names_are_refused(kind: object, problem: str) -> None:
    with pytest.raises(RegistrationError, match=problem):
        settings_of(Flasgo(), kind)


# ── everything else that may be added ───────────────────────────────────────────────────────────────────────────────


def test_an_extension_adds_routes_hooks_handlers_commands_and_names_for_templates(tmp_path: Any) -> None:
    (tmp_path / "page.html").write_text("{{ 'a'|shout }} {{ 4 is quiet }} {{ sign }} {{ said }}")
    app = Flasgo(templates=tmp_path)
    seen: list[str] = []
    pages = Blueprint("pages")

    @pages.get("/page")
    def page() -> str:
        return render_template("page.html")

    async def missing(name: str) -> str:
        raise NotFound(name)

    def register(installation: Installation) -> None:
        assert installation.name == "all"
        assert installation.app_settings is app.settings
        installation.add_route("/missing/<name>", missing, methods=("GET",), name="missing")
        installation.register_blueprint(pages, url_prefix="/ext", name="ext")
        installation.add_template_filter(str.upper, "shout")
        installation.add_template_test(lambda value: value > 3, "quiet")
        installation.add_template_global("~", "sign")
        installation.context_processor(lambda: {"said": "hello"})
        installation.register_auth_backend("ext", lambda _: AuthResult(challenge="Ext"), challenge="Ext", ambient=False)

        @installation.cli.command("greet")
        def greet() -> None:
            """A command."""

        @installation.before_request
        async def before() -> None:
            seen.append("before")

        @installation.after_request
        async def after(response: Response) -> None:
            seen.append(f"after {response.status_code}")

        @installation.teardown_request
        async def teardown() -> None:
            seen.append("teardown")

        @installation.errorhandler(NotFound)
        async def not_found(error: NotFound) -> str:
            return f"no {error.detail}"

        @installation.lifespan
        async def life(_app: object) -> AsyncIterator[None]:
            seen.append("up")
            yield
            seen.append("down")

    app.install(Made("all", register))

    @app.get("/guarded")
    @app.authorize(backend="ext")
    async def guarded() -> str:
        return "never"

    with app.test_client() as client:
        assert client.get("/ext/page").text == "A True ~ hello"
        assert client.get("/missing/book").text == "no book"
        assert client.get("/guarded").headers["www-authenticate"] == "Ext"
    assert list(app.cli) == ["greet"]
    assert seen[0] == "up"
    assert seen[-1] == "down"
    assert seen[1:-1] == [
        "before",
        "after 200",
        "teardown",
        "before",
        "after 404",
        "teardown",
        "before",
        "after 401",
        "teardown",
    ]


def documented(app: Flasgo[Settings]) -> dict[str, Any]:
    return app.openapi_spec()


KEY = SecurityScheme(id="partner", type="apiKey", location="header", name="x-partner")


def test_an_extension_adds_to_the_openapi_document() -> None:
    app = Flasgo(settings={"API_TAGS": {"books": "The application's own words."}})

    class Partners(Stepping):
        def secured(self, _route: Route, /) -> Secured | None:
            return Secured((KEY,), optional=True)

    def register(installation: Installation) -> None:
        installation.add_stage("before-auth", Partners(Part((GateStep(nothing),))))
        installation.openapi.add_security_scheme(KEY)
        installation.openapi.add_security_scheme(KEY)
        installation.openapi.add_security_scheme(SecurityScheme(id="unused", type="mutualTLS"))
        installation.openapi.add_tag("books", "The extension's words.")
        installation.openapi.add_tag("more", "More.")
        installation.openapi.add_hook(lambda document: document["info"].update({"x-logo": "/logo.png"}))

    @app.get("/", tags=["books"])
    async def index() -> str:
        return "ok"

    before = documented(app)
    app.install(Made("documenting", register))
    spec = documented(app)

    assert "x-logo" not in before["info"]
    assert spec["info"]["x-logo"] == "/logo.png"
    assert spec["components"]["securitySchemes"] == {
        "partner": {"type": "apiKey", "in": "header", "name": "x-partner"},
        "unused": {"type": "mutualTLS"},
    }
    assert spec["paths"]["/"]["get"]["security"] == [{"partner": []}, {}]
    assert "503" in spec["paths"]["/"]["get"]["responses"]
    assert spec["tags"] == [
        {"name": "books", "description": "The application's own words."},
        {"name": "more", "description": "More."},
    ]


def test_two_security_schemes_of_one_id_are_refused() -> None:
    def register(installation: Installation) -> None:
        installation.openapi.add_security_scheme(KEY)
        installation.openapi.add_security_scheme(SecurityScheme(id="partner", type="mutualTLS"))

    with pytest.raises(RegistrationError, match="there is another security scheme 'partner'"):
        Flasgo().install(Made("two", register))


def test_a_security_scheme_that_is_not_the_backends_of_its_name_is_refused() -> None:
    app = Flasgo()
    app.register_auth_backend("partner", lambda _: None, scheme=SecurityScheme(id="x", type="mutualTLS"))
    app.install(Made("key", lambda installation: installation.openapi.add_security_scheme(KEY)))

    @app.get("/")
    @app.authorize(HasScope("read"), backend="partner")
    async def index() -> str:
        return "ok"

    with pytest.raises(ConfigurationError, match="different security schemes 'partner'"):
        app.openapi_spec()


# ── installing ──────────────────────────────────────────────────────────────────────────────────────────────────────


def test_installed_extensions_are_found_by_name() -> None:
    app = Flasgo()
    one = app.install(Made("one"))

    assert app.extensions == {"one": one}
    with pytest.raises(TypeError):
        app.extensions["two"] = one  # type: ignore[index] # ty: ignore[invalid-assignment] # a view


def test_an_extension_is_installed_once() -> None:
    app = Flasgo()
    one = app.install(Made("one"))

    with pytest.raises(RegistrationError, match=r"Extension 'one' is installed twice\. It is installed already"):
        app.install(one)
    with pytest.raises(RegistrationError, match=r"Extension 'one' is installed twice\. Another, Made, is installed"):
        app.install(Made("one"))


def test_an_extension_may_be_installed_in_several_applications() -> None:
    one, first, second = Made("one"), Flasgo(), Flasgo()

    assert first.install(one) is second.install(one)


def late(app: Flasgo[Settings]) -> list[Callable[[], object]]:
    kept: list[Installation] = []
    app.install(Made("early", kept.append))
    (installation,) = kept
    return [
        lambda: app.install(Made("late")),
        lambda: installation.add_stage("around", Stepping(Part())),
        lambda: installation.openapi.add_tag("a", "b"),
        lambda: installation.openapi.add_hook(print),
        lambda: installation.openapi.add_security_scheme(KEY),
        lambda: installation.add_template_global(1, "one"),
    ]


def test_nothing_is_installed_after_the_first_request() -> None:
    app = Flasgo()
    attempts = late(app)
    app.test_client().get("/")

    for attempt in attempts:
        with pytest.raises(FrozenError):
            attempt()


def test_a_late_extension_is_named() -> None:
    app = Flasgo()
    app.freeze()

    with pytest.raises(FrozenError, match="extension 'late' was registered after"):
        app.install(Made("late"))
    with pytest.raises(FrozenError, match="extension 7 was registered after"):
        app.install(7)  # type: ignore[type-var] # ty: ignore[invalid-argument-type] # on purpose


@pytest.mark.parametrize(
    ("extension", "problem"),
    [
        (Made, "is no extension; install an instance"),
        (object(), "is no extension; install an instance"),
        (Made(""), "Made has no name that can be shown"),
        (Made("a\nb"), "Made has no name that can be shown"),
        (Made(7), "Made has no name that can be shown"),  # type: ignore[arg-type] # ty: ignore[invalid-argument-type]
    ],
)
def test_what_is_no_extension_is_refused(extension: Any, problem: str) -> None:
    app = Flasgo()
    with pytest.raises(RegistrationError, match=problem):
        app.install(extension)
    assert app.extensions == {}


def test_an_extension_that_fails_is_named() -> None:
    def fail(_installation: Installation) -> None:
        raise KeyError("x")

    with pytest.raises(KeyError) as caught:
        Flasgo().install(Made("broken", fail))

    assert caught.value.__notes__ == ["This happened while extension 'broken' was installed."]
