"""What people who come from Flask type without thinking."""

import asyncio
from pathlib import Path

import click
import pytest

import flasgo
from flasgo import (
    Blueprint,
    Flasgo,
    FrozenError,
    RegistrationError,
    Request,
    Response,
    Session,
    UploadedFile,
    abort,
    advice,
    current_app,
    g,
    has_app_context,
    has_request_context,
    jsonify,
    redirect,
    render_template,
    request,
    url_for,
)
from flasgo.cli.testing import invoke


def test_args_are_the_query_with_first_values_and_lists() -> None:
    app = Flasgo()

    @app.get("/")
    async def index() -> list[object]:
        args = request.args
        return [args["q"], args.get("page"), args.get("page", "1"), args.getlist("tag"), "q" in args]

    assert app.test_client().get("/?q=a%20b&q=c&tag=x&tag=y").json() == ["a b", None, "1", ["x", "y"], True]


def test_there_is_a_request_in_handlers_and_nowhere_else() -> None:
    app = Flasgo()

    @app.get("/")
    def index() -> bool:
        return has_request_context()

    assert app.test_client().get("/").json() is True
    assert not has_request_context()


def test_an_application_context_is_for_where_there_is_no_request() -> None:
    app, other = Flasgo(), Flasgo()

    @app.get("/here", name="page")
    async def page() -> str:
        return url_for("page")

    @other.get("/there", name="page")
    async def other_page() -> str:
        return "there"

    with pytest.raises(RuntimeError, match="outside a request"):
        url_for("page")
    with other.app_context():
        assert url_for("page") == "/there"
        with app.app_context():
            assert current_app == app
        assert current_app == other
        assert app.test_client().get("/here").text == "/here"  # a request comes first
    with pytest.raises(RuntimeError):
        url_for("page")


def test_a_value_of_the_query_is_made_by_a_type_or_is_the_default() -> None:
    app = Flasgo()

    @app.get("/")
    def index() -> list[object]:
        args = request.args
        return [
            args.get("page", 1, type=int),
            args.get("bad", 1, type=int),
            args.get("no", 1, type=int),
            args.get("no", type=int),
        ]

    assert app.test_client().get("/?page=7&bad=x").json() == [7, 1, 1, None]


def test_a_field_that_is_missing_is_a_bad_request_and_a_key_error() -> None:
    app = Flasgo(settings={"CSRF_ENABLED": False})

    @app.get("/args")
    async def args() -> str:
        return request.args["q"]

    @app.post("/form")
    def form() -> str:
        return request.form["q"]

    @app.post("/caught")
    def caught() -> str:
        with pytest.raises(KeyError):
            request.form["q"]
        with pytest.raises(KeyError):
            request.files["q"]
        return "caught"

    client = app.test_client()
    assert (client.get("/args").status_code, client.get("/args").text) == (400, "The field 'q' is missing.")
    assert client.post("/form").status_code == 400
    assert client.post("/caught", data={"a": "b"}).text == "caught"


@pytest.mark.parametrize("streamed", [False, True])
def test_a_plain_handler_has_the_form_without_awaiting_it(*, streamed: bool) -> None:
    app = Flasgo(settings={"CSRF_ENABLED": False})

    @app.route("/", methods=["GET", "POST"])
    def index() -> list[object]:
        form = request.form
        return [
            request.method,
            form.get("a"),
            form.get("n", 0, type=int),
            form.getlist("a"),
            "a" in form,
            dict(form),
            len(form),
            sorted(request.files),
            len(request.files),
            [file.filename for file in request.files.getlist("f")],
            None if form.file("f") is None else request.files["f"].filename,
            len(form.filelist("f")),
            repr(form),
        ]

    client = app.test_client()
    assert client.get("/").json() == ["GET", None, 0, [], False, {}, 0, [], 0, [], None, 0, "<request.form>"]
    sent = ["POST", "1", 7, ["1", "2"], True, {"a": "1", "n": "7"}, 2]
    if streamed:
        headers = {"content-type": "application/x-www-form-urlencoded"}
        body = iter([b"a=1&", b"a=2&n=7"])
        answer = client.post("/", body=body, headers=headers).json()
        assert answer == [*sent, [], 0, [], None, 0, "<request.form>"]
    else:
        answer = client.post("/", data={"a": ["1", "2"], "n": "7"}, files={"f": ("x.txt", b"x")}).json()
        assert answer == [*sent, ["f"], 1, ["x.txt"], "x.txt", 1, "<request.form>"]


def test_what_is_wrong_with_a_form_is_answered_in_plain_handlers_too() -> None:
    app = Flasgo(settings={"CSRF_ENABLED": False})

    @app.post("/", max_body_bytes=10)
    def index() -> str:
        return request.form["a"]

    client = app.test_client()
    assert client.post("/", data={"a": "x" * 20}).status_code == 413
    assert client.post("/", body=b"x", headers={"content-type": "multipart/form-data"}).status_code == 400


def test_on_the_event_loop_the_form_is_there_once_it_was_awaited() -> None:
    app = Flasgo(settings={"CSRF_ENABLED": False})

    @app.post("/late")
    async def late() -> str:
        with pytest.raises(RuntimeError, match=r"await request\.form\(\)"):
            request.form["a"]
        return (await request.form())["a"] + request.form["a"]

    @app.post("/inline", threaded=False)
    def inline() -> str:
        with pytest.raises(RuntimeError, match="this is the event loop"):
            request.get_json()
        return "inline"

    client = app.test_client()
    assert client.post("/late", data={"a": "x"}).text == "xx"
    assert client.post("/inline", json={}).text == "inline"


def test_a_plain_handler_has_json_and_the_raw_body() -> None:
    app = Flasgo(settings={"CSRF_ENABLED": False})

    @app.post("/json")
    def read() -> list[object]:
        return [request.get_json(), request.get_data().decode()]

    @app.post("/silent")
    def silent() -> list[object]:
        return [request.get_json(silent=True)]

    client = app.test_client()
    assert client.post("/json", json={"a": 1}).json() == [{"a": 1}, '{"a":1}']
    assert client.post("/json", body=b"{").status_code == 415
    assert client.post("/silent", body=b"{").json() == [None]
    assert client.post("/silent", json=[1]).json() == [[1]]


def test_the_referrer_may_be_gone_back_to_on_this_site_alone() -> None:
    app = Flasgo()

    @app.get("/")
    def index() -> Response:
        return redirect(request.referrer or "/home")

    client = app.test_client()
    assert client.get("/").location == "/home"
    assert client.get("/", headers={"referer": "http://localhost/list?page=2"}).status_code == 302
    assert client.get("/", headers={"referer": "https://elsewhere.example/"}).status_code == 400


def test_a_template_sees_the_form(tmp_path: Path) -> None:
    (tmp_path / "page.html").write_text("<input value=\"{{ request.form.get('title', 'none') }}\">")
    app = Flasgo(templates=tmp_path, settings={"CSRF_ENABLED": False})

    @app.route("/", methods=["GET", "POST"])
    def index() -> object:
        return render_template("page.html")

    client = app.test_client()
    assert client.get("/").text == '<input value="none">'
    assert client.post("/", data={"title": "<b>"}).text == '<input value="&lt;b&gt;">'
    assert client.post("/", data={"title": "x"}).data == b'<input value="x">'


def test_a_name_of_flask_is_answered_with_where_it_went() -> None:
    with pytest.raises(ImportError, match="write `from flasgo import Flasgo`"):
        from flasgo import Flask  # ty: ignore[missing-module-member] # noqa: F401
    with pytest.raises(ImportError, match="cannot import name 'Nothing'"):
        from flasgo import Nothing  # ty: ignore[missing-module-member] # noqa: F401
    with pytest.raises(AttributeError, match="write `from markupsafe import Markup`"):
        flasgo.Markup  # ty: ignore[missing-attribute] # noqa: B018
    assert not hasattr(flasgo, "Flask")
    assert set(advice.IMPORTED).isdisjoint(flasgo.__all__)


@pytest.mark.parametrize(
    ("thing", "name", "cure"),
    [
        (Flasgo(), "config", r"app\.settings\.get\('NAME'\)"),
        (Flasgo(), "add_url_rule", "write app.add_route"),
        (Blueprint("b"), "add_url_rule", "write blueprint.add_route"),
        (Request.of({"type": "http", "headers": []}, None), "remote_addr", "write request.client_ip"),  # ty: ignore[invalid-argument-type]
        (Flasgo(), "nothing", "has no attribute 'nothing'$"),
    ],
)
def test_an_attribute_of_flask_is_answered_with_where_it_went(thing: object, name: str, cure: str) -> None:
    assert not hasattr(thing, name)
    with pytest.raises(AttributeError, match=cure):
        getattr(thing, name)


def test_what_flask_lets_one_set_is_not_set_and_forgotten() -> None:
    app = Flasgo()

    with pytest.raises(AttributeError, match="FLASGO_SECRET_KEY"):
        app.secret_key = "a secret that nobody would use"  # ty: ignore[missing-attribute]
    app.mine = 1  # ty: ignore[missing-attribute]
    assert vars(app)["mine"] == 1


@pytest.mark.parametrize(
    ("kind", "table"),
    [(Flasgo(), advice.APPLICATION), (Blueprint("b"), advice.BLUEPRINT), (Request, advice.REQUEST)],
)
def test_what_is_said_to_be_gone_is_not_there(kind: object, table: dict[str, str]) -> None:
    assert [name for name in table if hasattr(kind, name)] == []
    assert all(cure.endswith(".") for cure in table.values())


def test_an_endpoint_has_another_word() -> None:
    with pytest.raises(RegistrationError, match="endpoint= is name= here"):
        Flasgo().get("/", endpoint="x")


def test_a_blueprint_reaches_the_whole_application() -> None:
    accounts, nested = Blueprint("accounts", url_prefix="/accounts"), Blueprint("nested")
    seen: list[str] = []

    @accounts.before_app_request
    def load() -> None:
        seen.append(f"before {request.path}")
        g.user = "ada"

    @accounts.after_app_request
    async def after(response: Response) -> None:
        seen.append(f"after {response.status_code}")

    @accounts.teardown_app_request
    def teardown() -> None:
        seen.append("teardown")

    @nested.app_errorhandler(418)
    def teapot(error: Exception) -> tuple[str, int]:
        return f"tea, {error}", 418

    @accounts.app_errorhandler(ZeroDivisionError)
    def divided(error: ZeroDivisionError) -> tuple[str, int]:
        return str(error), 400

    @accounts.app_context_processor
    def everywhere() -> dict[str, object]:
        return {"site": "here"}

    app = Flasgo()
    accounts.register_blueprint(nested)
    app.register_blueprint(accounts)
    app.register_blueprint(accounts, name="again", url_prefix="/again")

    @app.get("/")
    def index() -> str:
        return str(g.user)

    @app.get("/zero")
    def zero() -> float:
        return 1 / int(request.args.get("by", "0"))

    @app.get("/tea")
    def tea() -> str:
        abort(418, "now")

    assert app.test_client().get("/tea").text == "tea, 418 now"
    seen.clear()
    assert app.test_client().get("/").text == "ada"
    assert seen == ["before /", "after 200", "teardown"]
    assert app.test_client().get("/zero").text == "division by zero"
    assert app.test_client().get("/nowhere").status_code == 404
    assert seen[-3:] == ["before /nowhere", "after 404", "teardown"]


def test_what_a_blueprint_gives_to_the_whole_is_taken_once_and_as_a_whole(tmp_path: Path) -> None:
    (tmp_path / "x.html").write_text("{{ site }}")
    app = Flasgo(templates=tmp_path)
    app.errorhandler(404)(lambda error: ("app", 404))
    late = Blueprint("late")
    late.app_errorhandler(404)(lambda error: ("late", 404))
    late.app_context_processor(lambda: {"site": "never"})
    late.get("/late")(lambda: "late")

    with pytest.raises(RegistrationError, match="404 has an error handler already"):
        app.register_blueprint(late)
    assert app.routes == ()
    other = Blueprint("other")
    other.app_context_processor(lambda: {"site": "here"})
    app.register_blueprint(other)
    app.get("/")(lambda: render_template("x.html"))
    assert app.test_client().get("/").text == "here"
    with pytest.raises(FrozenError):
        other.before_app_request(lambda: None)
    with pytest.raises(RegistrationError, match="give an exception class"):
        Blueprint("x").app_errorhandler(200)
    with pytest.raises(RegistrationError, match="give an exception class"):
        Blueprint("x").app_errorhandler(str)  # ty: ignore[invalid-argument-type]


def test_an_application_context_has_what_is_kept_in_g_and_closes_it(caplog: pytest.LogCaptureFixture) -> None:
    app = Flasgo()
    closed: list[object] = []

    def opened() -> str:
        if "db" not in g:
            g.db = "a connection"
        return str(g.db)

    @app.teardown_appcontext
    def close(error: BaseException | None) -> None:
        closed.append((g.pop("db", None), error))

    @app.teardown_appcontext
    def last() -> None:
        closed.append("last")

    app.get("/")(opened)
    assert not has_app_context()
    with app.app_context():
        assert has_app_context()
        assert opened() is opened()
        with app.app_context():
            assert "db" not in g
        assert app.test_client().get("/").text == "a connection"  # a request has its own
    assert closed == ["last", (None, None), "last", ("a connection", None), "last", ("a connection", None)]
    closed.clear()
    with pytest.raises(KeyError), app.app_context():
        raise KeyError("x")
    assert closed[0] == "last"
    assert isinstance(closed[1][1], KeyError)  # type: ignore[index] # ty: ignore[not-subscriptable]
    assert not caplog.records
    with pytest.raises(RuntimeError, match="outside a request"):
        g.get("db")


def test_all_is_closed_whatever_fails() -> None:
    app = Flasgo()
    closed: list[str] = []
    app.teardown_appcontext(lambda: closed.append("first"))

    @app.teardown_appcontext
    def fails() -> None:
        raise ValueError("closing")

    with pytest.raises(ValueError, match="closing"), app.app_context():
        pass
    assert closed == ["first"]
    assert not has_app_context()


def test_what_is_closed_without_a_loop_is_a_plain_function() -> None:
    async def close() -> None: ...

    with pytest.raises(RegistrationError, match="take teardown_request"):
        Flasgo().teardown_appcontext(close)


def test_commands_are_tested_without_a_process() -> None:
    app = Flasgo()

    @app.cli.command("init-db")
    def init_db() -> None:
        g.db = 1
        click.echo(f"made {g.db} of {len(current_app.routes)}")

    result = invoke(app, ["init-db"])
    assert (result.output, result.exit_code) == ("made 1 of 0\n", 0)
    assert invoke(app, ["nothing"]).exit_code == 2


def test_jsonify_takes_a_value_several_or_keywords() -> None:
    assert jsonify(a=1, b=[2]).body == b'{"a":1,"b":[2]}'
    assert jsonify(1, "x").body == b'[1,"x"]'
    assert jsonify([1]).body == b"[1]"
    assert jsonify().body == b"null"
    assert jsonify({"a": 1}, status_code=201, headers={"x-a": "b"}).status_code == 201
    with pytest.raises(TypeError, match="not both"):
        jsonify(1, a=1)


def test_a_page_redirects_to_itself() -> None:
    app = Flasgo()
    app.get("/self")(lambda: redirect(request.url))

    assert app.test_client().get("/self?a=b%20c").location == "http://localhost/self?a=b%20c"


def test_every_session_is_permanent() -> None:
    session = Session()
    session.permanent = True
    assert session.permanent
    with pytest.raises(ValueError, match="SESSION_COOKIE_MAX_AGE"):
        session.permanent = False


def test_a_plain_handler_saves_a_file_without_awaiting_it(tmp_path: Path) -> None:
    app = Flasgo(settings={"CSRF_ENABLED": False})

    @app.post("/plain")
    def plain() -> bytes:
        file = request.files["file"]
        file.save(tmp_path / file.filename)
        return (tmp_path / "a.txt").read_bytes()

    @app.post("/both")
    async def both() -> bytes:
        file = (await request.form()).file("file")
        assert file is not None
        await file.save(tmp_path / "b.txt")
        return (tmp_path / "b.txt").read_bytes()

    client = app.test_client()
    assert client.post("/plain", files={"file": ("../a.txt", b"one")}).body == b"one"
    assert client.post("/both", files={"file": ("b.txt", b"two")}).body == b"two"


async def test_what_was_saved_at_once_may_be_awaited_all_the_same(tmp_path: Path) -> None:
    file = UploadedFile("f", "a.txt", b"x")
    done = await asyncio.to_thread(lambda: file.save(tmp_path / "a.txt"))

    assert (tmp_path / "a.txt").read_bytes() == b"x"
    assert await done is None
