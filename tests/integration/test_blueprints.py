import asyncio
import functools

import pytest
from msgspec import Struct

from flasgo import (
    Blueprint,
    BuildError,
    Converter,
    Flasgo,
    Forbidden,
    FrozenError,
    HTTPException,
    NotFound,
    RegistrationError,
    Response,
    Settings,
    request,
    url_for,
)
from flasgo.routing.policies import declare


class Mark(Struct, frozen=True):
    word: str


def application(**settings: object) -> Flasgo[Settings]:
    return Flasgo(settings={"SECRET_KEY": "test-blueprints-0123456789abcdefghij", "CSRF_ENABLED": False, **settings})


def index() -> str:
    return f"{request.endpoint} {request.path}"


# ── paths and names ─────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_blueprint_brings_its_routes_under_its_prefix_and_name():
    admin = Blueprint("admin", url_prefix="/admin")

    @admin.get("/users/<int:id>")
    async def user(id: int) -> dict[str, object]:
        return {"id": id, "blueprint": request.blueprint, "endpoint": request.endpoint}

    admin.add_route("", index)
    app = application()
    app.register_blueprint(admin)

    client = app.test_client()
    assert client.get("/admin/users/7").json() == {"id": 7, "blueprint": "admin", "endpoint": "admin.user"}
    assert client.get("/admin").text == "admin.index /admin"
    assert app.url_for("admin.user", id=7) == "/admin/users/7"
    assert {(route.name, route.blueprint, route.path) for route in app.routes} == {
        ("admin.user", "admin", "/admin/users/<int:id>"),
        ("admin.index", "admin", "/admin"),
    }
    assert repr(admin) == "<Blueprint 'admin' with 2 routes>"


def test_a_route_in_no_blueprint_has_none():
    app = application()
    app.get("/")(lambda: str(request.blueprint))
    assert app.test_client().get("/").text == "None"


def test_nested_blueprints_join_their_prefixes_and_names():
    inner, outer, app = Blueprint("users", url_prefix="/users"), Blueprint("admin", url_prefix="/admin/"), application()
    inner.get("/")(index)
    outer.register_blueprint(inner)
    outer.register_blueprint(inner, url_prefix="/people", name="people")
    app.register_blueprint(outer)

    client = app.test_client()
    assert client.get("/admin/users/").text == "admin.users.index /admin/users/"
    assert client.get("/admin/people/").text == "admin.people.index /admin/people/"
    assert app.url_for("admin.people.index") == "/admin/people/"


def test_one_blueprint_is_registered_under_several_names():
    pages, app = Blueprint("pages", url_prefix="/pages"), application()
    pages.get("/")(index)
    app.register_blueprint(pages)
    app.register_blueprint(pages, name="copies", url_prefix="/copies")
    app.register_blueprint(pages, name="root", url_prefix="")

    client = app.test_client()
    assert [client.get(path).text for path in ("/pages/", "/copies/", "/")] == [
        "pages.index /pages/",
        "copies.index /copies/",
        "root.index /",
    ]


def test_a_prefix_may_hold_placeholders():
    pages, app = Blueprint("pages", url_prefix="/<any(en,de):language>"), application()

    @pages.get("/<int:page>")
    async def show(language: str, page: int) -> str:
        return f"{language} {page}"

    app.register_blueprint(pages)
    client = app.test_client()
    assert client.get("/de/3").text == "de 3"
    assert client.get("/fr/3").status_code == 404
    assert app.url_for("pages.show", language="en", page=1) == "/en/1"


def test_a_relative_endpoint_is_of_the_blueprint_that_answers():
    app, blog = application(), Blueprint("blog", url_prefix="/blog")
    blog.get("/")(lambda: url_for(".about"))
    blog.get("/about", name="about")(lambda: "")
    app.get("/")(lambda: url_for(".about"))
    app.get("/about", name="about")(lambda: "")
    app.register_blueprint(blog)

    client = app.test_client()
    assert client.get("/blog/").text == "/blog/about"
    assert client.get("/").text == "/about"
    with pytest.raises(BuildError, match="relative to the blueprint"):
        app.url_for(".about")


def test_a_blueprint_has_converters_of_its_own():
    class Even(Converter):
        rank = 5

        def to_python(self, text: str) -> object:
            if int(text) % 2:
                raise ValueError("odd")
            return int(text)

        def to_url(self, value: object) -> str:
            return str(value)

    class Upper(Even):
        def to_python(self, text: str) -> object:
            return text.upper()

    app, outer, inner = application(), Blueprint("outer", url_prefix="/o"), Blueprint("inner", url_prefix="/<even:x>")
    app.register_converter("upper", Upper())
    outer.register_converter("even", Even())
    inner.get("/<upper:word>", name="at")(lambda x, word: f"{x} {word}")
    outer.register_blueprint(inner)
    app.register_blueprint(outer)

    client = app.test_client()
    assert client.get("/o/4/abc").text == "4 ABC"
    assert client.get("/o/5/abc").status_code == 404
    with pytest.raises(RegistrationError, match="no converter 'even'"):
        application().get("/<even:x>")(lambda x: "")


# ── what is refused ─────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("name", ["", "a.b", "a\n"])
def test_a_name_that_url_for_could_not_read_is_refused(name):
    with pytest.raises(RegistrationError, match="cannot name a blueprint"):
        Blueprint(name)
    with pytest.raises(RegistrationError, match="cannot name a blueprint"):
        application().register_blueprint(Blueprint("x"), name=name)
    with pytest.raises(RegistrationError, match="cannot name a blueprint"):
        Blueprint("y").register_blueprint(Blueprint("x"), name=name)


def test_a_prefix_without_a_slash_is_refused():
    with pytest.raises(RegistrationError, match="write '/admin'"):
        Blueprint("admin", url_prefix="admin")
    with pytest.raises(RegistrationError, match="write '/admin'"):
        application().register_blueprint(Blueprint("admin"), url_prefix="admin")
    with pytest.raises(RegistrationError, match="write '/admin'"):
        Blueprint("y").register_blueprint(Blueprint("admin"), url_prefix="admin")
    with pytest.raises(RegistrationError, match="The prefix of blueprint 'admin'"):
        application().register_blueprint(Blueprint("admin", url_prefix="/<nosuch:x>"))


def test_the_routes_of_a_blueprint_are_checked():
    blueprint = Blueprint("admin")
    with pytest.raises(RegistrationError, match=r"test_blueprints.*the name 'a.b' has a dot"):
        blueprint.get("/", name="a.b")(index)
    with pytest.raises(RegistrationError, match=r"write '/users'"):
        blueprint.get("users")(index)
    blueprint.add_route("/one", index, methods="GET")
    with pytest.raises(RegistrationError, match="is one string"):
        application().register_blueprint(blueprint)


def test_two_blueprints_of_one_name_are_refused():
    app = application()
    app.register_blueprint(Blueprint("admin"))
    with pytest.raises(RegistrationError, match=r"already\. Register this one under another name"):
        app.register_blueprint(Blueprint("admin"))


def test_a_blueprint_is_not_nested_in_itself():
    outer, middle, inner = Blueprint("outer"), Blueprint("middle"), Blueprint("inner")
    outer.register_blueprint(middle)
    middle.register_blueprint(inner)
    for blueprint, inside in ((outer, outer), (inner, outer), (inner, middle)):
        with pytest.raises(RegistrationError, match="nested in itself"):
            blueprint.register_blueprint(inside)


def test_a_blueprint_that_fails_leaves_nothing_behind():
    app, blueprint = application(), Blueprint("pages", url_prefix="/pages")
    app.get("/pages/taken")(index)
    blueprint.get("/free")(index)
    blueprint.get("/taken")(index)
    with pytest.raises(RegistrationError, match="already answers GET"):
        app.register_blueprint(blueprint)

    assert [route.path for route in app.routes] == ["/pages/taken"]
    blueprint.get("/still-open")(index)
    app.register_blueprint(blueprint, url_prefix="/other")
    app.get("/pages/free")(index)
    client = app.test_client()
    assert client.get("/other/taken").text == "pages.index /other/taken"
    assert client.get("/pages/free").text == "index /pages/free"


def test_a_blueprint_that_is_registered_takes_nothing_more():
    app, outer, inner = application(), Blueprint("outer"), Blueprint("inner")
    outer.register_blueprint(inner)
    app.register_blueprint(outer)
    for late in (
        lambda: inner.get("/")(index),
        lambda: outer.before_request(lambda: None),
        lambda: outer.after_request(lambda response: None),
        lambda: outer.teardown_request(lambda: None),
        lambda: outer.errorhandler(404),
        lambda: outer.register_blueprint(Blueprint("late")),
        lambda: outer.add_default(Mark("late")),
        lambda: outer.register_converter("x", Converter),  # type: ignore[type-abstract] # too late anyhow
    ):
        with pytest.raises(FrozenError, match="after that was registered"):
            late()


def test_a_blueprint_after_the_first_request_is_refused():
    app = application()
    app.test_client().get("/")
    with pytest.raises(FrozenError, match="blueprint 'late' was registered after"):
        app.register_blueprint(Blueprint("late"))


# ── options ─────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_options_of_a_blueprint_are_those_of_its_routes_unless_they_say_otherwise():
    app = application()
    outer = Blueprint("outer", csrf=False, max_body_bytes=10)
    inner = Blueprint("inner", url_prefix="/inner", max_body_bytes=20)
    outer.get("/a", name="a")(index)
    inner.get("/b", name="b")(index)
    inner.get("/c", name="c", csrf=True, max_body_bytes=30)(index)
    outer.register_blueprint(inner)
    app.register_blueprint(outer)
    assert {route.name: (route.csrf, route.max_body_bytes) for route in app.routes} == {
        "outer.a": (False, 10),
        "outer.inner.b": (False, 20),
        "outer.inner.c": (True, 30),
    }


def test_defaults_come_after_a_route_s_own_options_and_the_inner_before_the_outer():
    app, outer, inner = application(), Blueprint("outer", defaults=[Mark("outer")]), Blueprint("inner")
    inner.add_default(Mark("inner"))

    def view() -> str:
        return ""

    declare(view, Mark("own"), "@mark", into=inner._declared)
    inner.get("/")(view)
    inner.get("/bare")(index)
    outer.register_blueprint(inner)
    app.register_blueprint(outer)
    app.register_blueprint(outer, name="again", url_prefix="/again")
    words = {route.path: [one.word for one in route.every(Mark)] for route in app.routes}
    assert words == {
        "/": ["own", "inner", "outer"],
        "/bare": ["inner", "outer"],
        "/again/": ["own", "inner", "outer"],
        "/again/bare": ["inner", "outer"],
    }


def test_a_policy_of_a_blueprint_that_finds_no_route_is_an_error():
    app, blueprint = application(), Blueprint("pages")
    declare(lambda: "", Mark("lost"), "@pages.mark", into=blueprint._declared)
    app.register_blueprint(blueprint)
    with pytest.raises(RegistrationError, match=r"@pages\.mark stands on no route"):
        app.freeze()


# ── hooks ───────────────────────────────────────────────────────────────────────────────────────────────────────────


def hook(registrar: Flasgo[Settings] | Blueprint, word: str, seen: list[str]) -> None:
    registrar.before_request(lambda: seen.append(f"before {word}"))
    registrar.after_request(lambda response: seen.append(f"after {word}"))
    registrar.teardown_request(lambda error: seen.append(f"teardown {word}"))
    registrar.get("/", name="index")(lambda: "done")


def hooked(seen: list[str]) -> Flasgo[Settings]:
    app = application()
    outer, inner = Blueprint("outer", url_prefix="/outer"), Blueprint("inner", url_prefix="/inner")
    for word, registrar in (("app", app), ("outer", outer), ("inner", inner)):
        hook(registrar, word, seen)
    outer.register_blueprint(inner)
    app.register_blueprint(outer)
    return app


@pytest.mark.parametrize("path", ["/outer/inner/", "/outer/inner/nowhere"])
def test_hooks_run_from_the_application_inwards_and_back(path):
    seen: list[str] = []
    hooked(seen).test_client().get(path)
    assert seen == [
        "before app",
        "before outer",
        "before inner",
        "after inner",
        "after outer",
        "after app",
        "teardown inner",
        "teardown outer",
        "teardown app",
    ]


@pytest.mark.parametrize("path", ["/", "/nowhere", "/outers/"])
def test_hooks_of_a_blueprint_are_for_its_own_routes_alone(path):
    seen: list[str] = []
    hooked(seen).test_client().get(path)
    assert seen == ["before app", "after app", "teardown app"]


def test_routes_of_one_blueprint_share_what_stands_around_them():
    app, blueprint = application(), Blueprint("pages")
    blueprint.before_request(lambda: None)
    blueprint.get("/a", name="a")(index)
    blueprint.get("/b", name="b")(index)
    app.register_blueprint(blueprint)
    static = app.freeze().static
    assert static["/a"]["GET"].net is static["/b"]["GET"].net


# ── errors ──────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_the_nearest_error_handler_answers():
    app = application()
    outer, inner = Blueprint("outer", url_prefix="/outer"), Blueprint("inner", url_prefix="/inner")
    for registrar in (app, outer, inner):
        registrar.get("/forbidden", name="forbidden")(lambda: (_ for _ in ()).throw(Forbidden("no")))
        registrar.get("/broken", name="broken")(lambda: [].pop())
    app.errorhandler(403)(lambda error: "app 403")
    app.errorhandler(IndexError)(lambda error: "app zero")
    outer.errorhandler(HTTPException)(lambda error: f"outer {error.status_code}")
    inner.errorhandler(IndexError)(lambda error: "inner zero")
    outer.register_blueprint(inner)
    app.register_blueprint(outer)

    client = app.test_client()
    paths = [
        "/forbidden",
        "/broken",
        "/outer/forbidden",
        "/outer/broken",
        "/outer/inner/forbidden",
        "/outer/inner/broken",
    ]
    assert [client.get(path).text for path in paths] == [
        "app 403",
        "app zero",
        "outer 403",
        "app zero",
        "outer 403",
        "inner zero",
    ]


def test_a_blueprint_answers_what_no_route_matches_under_its_prefix():
    app = application()
    admin = Blueprint("admin", url_prefix="/<any(en,de):language>/admin")
    inner = Blueprint("inner", url_prefix="/inner")
    admin.get("/users", name="users")(lambda language: language)
    admin.errorhandler(404)(lambda error: f"not here, {request.blueprint}")
    admin.errorhandler(405)(lambda error: "not so")
    inner.errorhandler(404)(lambda error: "inner")
    admin.register_blueprint(inner)
    app.register_blueprint(admin)
    app.errorhandler(NotFound)(lambda error: "nowhere")

    client = app.test_client()
    assert client.get("/de/admin/x/y").text == "not here, admin"
    assert client.get("/de/admin").text == "not here, admin"
    assert client.get("/de/admin/").text == "not here, admin"
    assert client.post("/en/admin/users").text == "not so"
    assert client.post("/en/admin/users").headers["allow"] == "GET, HEAD, OPTIONS"
    assert client.get("/en/admin/inner/x").text == "inner"
    assert client.get("/en/admins").text == "nowhere"
    assert client.get("/fr/admin/x").text == "nowhere"
    assert client.options("/en/admin/users").status_code == 204


def test_ground_that_cannot_be_told_apart_belongs_to_what_is_around():
    app, outer = application(), Blueprint("outer", url_prefix="/outer")
    one, two, flat = Blueprint("one", url_prefix="/x"), Blueprint("two", url_prefix="/x"), Blueprint("flat")
    anywhere = Blueprint("anywhere", url_prefix="/anywhere/<path:rest>")
    for blueprint in (outer, one, two, flat, anywhere):
        blueprint.errorhandler(404)(functools.partial(lambda name, error: name, blueprint.name))
    anywhere.get("/end")(lambda rest: rest)
    for blueprint in (one, two, flat):
        outer.register_blueprint(blueprint)
    app.register_blueprint(outer)
    app.register_blueprint(Blueprint("top"))
    app.register_blueprint(anywhere)

    client = app.test_client()
    assert client.get("/outer/x/y").text == "outer"
    assert client.get("/outer/y").text == "outer"
    assert client.get("/y").status_code == 404
    assert client.get("/anywhere/a/end").text == "a"
    assert "anywhere" not in client.get("/anywhere/a/b").text[:9]


async def test_a_failure_while_sending_is_answered_by_the_blueprint(call):
    class Failing(Response):
        async def send(self, send, **more):
            raise ZeroDivisionError

    app, blueprint = application(), Blueprint("pages")
    blueprint.get("/")(lambda: Failing(b""))
    blueprint.errorhandler(ZeroDivisionError)(lambda error: ("mended", 200))
    app.register_blueprint(blueprint)
    await asyncio.sleep(0)
    assert (await call(app, "/")).body == b"mended"


def test_a_mounted_application_finds_the_blueprint_by_the_routed_path():
    app, blueprint = application(), Blueprint("pages", url_prefix="/pages")
    blueprint.errorhandler(404)(lambda error: "own")
    app.register_blueprint(blueprint)
    client = app.test_client(root_path="/mounted")
    assert client.get("/pages/x").text == "own"
