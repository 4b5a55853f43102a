import os
import threading

import pytest
from jinja2 import TemplateSyntaxError, UndefinedError
from jinja2.exceptions import SecurityError
from markupsafe import Markup

import flasgo
from flasgo import (
    Blueprint,
    Flasgo,
    FrozenError,
    JinjaTemplates,
    RegistrationError,
    Response,
    Settings,
    TemplateNotFound,
    User,
    current_app,
    flash,
    g,
    render_template,
    render_template_async,
    request,
    session,
    stream_template,
)

SECRET = "test-templates-0123456789abcdefghijkl"


@pytest.fixture
def pages(tmp_path):
    """Writes templates and gives their folder."""

    def write(folder="templates", **texts):
        place = tmp_path / folder
        place.mkdir(parents=True, exist_ok=True)
        for name, text in texts.items():
            (place / f"{name}.html").write_text(text)
        return place

    return write


def application(templates=None, **settings: object) -> Flasgo[Settings]:
    return Flasgo(
        settings={"SECRET_KEY": SECRET, "SESSION_COOKIE_SECURE": False, "CSRF_COOKIE_SECURE": False, **settings},
        templates=templates,
    )


# ── the forms ───────────────────────────────────────────────────────────────────────────────────────────────────────


def test_every_form_of_rendering_gives_an_escaped_page(pages):
    folder = pages(hello="<p>{{ name }}</p>")
    app = application()
    templates = app.configure_templates(folder)
    assert templates is app.templates
    values = {"name": "<b>"}
    app.get("/seed")(lambda: Response.template("hello.html", templates=app.templates, context=values))
    app.get("/folders")(lambda: Response.template("hello.html", template_dirs=folder, context=values, status_code=201))
    app.get("/app")(lambda: app.render_template("hello.html", values))
    app.get("/short")(lambda: render_template("hello.html", name="<b>"))
    app.get("/mapping")(lambda: render_template("hello.html", context=values))
    app.get("/own")(lambda: render_template("hello.html", template_dirs=folder, context=values))
    app.get("/wrapper")(lambda: current_app.render_template("hello.html", context=values))

    @app.get("/async")
    async def in_the_loop():
        return render_template("hello.html", **values)

    client = app.test_client()
    for path in ("/seed", "/folders", "/app", "/short", "/mapping", "/own", "/wrapper", "/async"):
        response = client.get(path)
        assert response.text == "<p>&lt;b&gt;</p>", path
        assert response.headers["content-type"] == "text/html; charset=utf-8"
    assert client.get("/folders").status_code == 201
    assert isinstance(app.render_template("hello.html", values), Markup)
    assert repr(templates) == f"<JinjaTemplates in {folder}>"


def test_an_application_is_made_with_templates(pages):
    folder = pages(hello="{{ word }}")
    assert application(folder).render_template("hello.html", word=1) == "1"
    assert application([folder]).render_template("hello.html", {"word": 1}, word=2) == "2"
    own = JinjaTemplates(folder, globals={"word": 3})
    app = application(own)
    assert app.templates is own
    assert app.render_template("hello.html") == "3"


def test_without_templates_an_error_says_what_to_do(pages):
    app = application()
    for call in (lambda: app.render_template("x.html"), lambda: app.stream_template("x.html")):
        with pytest.raises(RuntimeError, match=r"call app\.configure_templates"):
            call()
    with pytest.raises(RuntimeError, match="outside a request"):
        render_template("x.html")
    with pytest.raises(ValueError, match="template_dirs="):
        Response.template("x.html")


def test_variables_named_like_options_of_folders_are_variables(pages):
    app = application(pages(hello="{{ filters }} {{ tests }}"))
    app.get("/")(lambda: render_template("hello.html", filters=1, tests=2))
    assert app.test_client().get("/").text == "1 2"


def test_options_of_the_module_s_form_are_those_of_an_environment(pages):
    folder = pages(hello="{{ word|twice }}{% if word is odd_one %}!{% endif %}")
    text = render_template(
        "hello.html",
        template_dirs=[folder],
        globals={"word": "a"},
        filters={"twice": lambda value: value * 2},
        tests={"odd_one": lambda value: value == "a"},
        max_template_bytes=100,
    )
    assert text == "aa!"


def test_templates_are_configured_before_the_first_request(pages):
    app = application(pages(a="x"))
    app.test_client().get("/")
    for late in (
        lambda: app.configure_templates("x"),
        lambda: app.template_filter()(str),
        lambda: app.template_test()(str),
        lambda: app.template_global()(str),
        lambda: app.context_processor(dict),
    ):
        with pytest.raises(FrozenError):
            late()


def test_plain_handlers_render_in_their_thread(pages):
    app = application(pages(a="{{ where() }}"))
    app.add_template_global(threading.get_ident, "where")
    app.get("/plain")(lambda: render_template("a.html"))

    @app.get("/async")
    async def on_the_loop():
        return "same thread" if render_template("a.html") == str(threading.get_ident()) else "another"

    client = app.test_client()
    assert client.get("/plain").text != str(threading.get_ident())
    assert client.get("/async").text == "same thread"


# ── what templates see ──────────────────────────────────────────────────────────────────────────────────────────────


def test_every_template_knows_the_request(pages):
    folder = pages(
        page="{% from 'macros.html' import link %}"
        "{{ request.path }} {{ request.method }} {{ session.name }} {{ g.thing }} {{ current_user.is_authenticated }} "
        "{{ link('page') }} {{ get_flashed_messages() }} {{ csrf_token()|length > 20 }} {{ csp_nonce()|length }}",
        macros="{% macro link(name) %}{{ url_for(name, q=1) }} {{ request.endpoint }}{% endmacro %}",
    )
    app = application(folder)

    @app.get("/page")
    def page():
        session["name"] = "<ada>"
        g.thing = 5
        flash("<hi>")
        return render_template("page.html")

    text = app.test_client().get("/page").text
    assert text == "/page GET &lt;ada&gt; 5 False /page?q=1 page [&#39;&lt;hi&gt;&#39;] True 22"


def test_a_form_carries_its_token(pages):
    app = application(pages(form='<form method="post">{{ csrf_input() }}</form>'))
    app.get("/")(lambda: render_template("form.html"))
    app.post("/")(lambda: "done")
    client = app.test_client()
    html = client.get("/").text
    assert html.startswith('<form method="post"><input type="hidden" name="csrf_token" value="')
    token = html.split('value="')[1].split('"')[0]
    origin = {"origin": "http://localhost"}
    assert client.post("/", data={"csrf_token": token}, headers=origin).text == "done"
    assert client.post("/", data={"csrf_token": "no"}, headers=origin).status_code == 403


def test_outside_a_request_the_application_stands_in(pages):
    app = application(pages(mail="{{ url_for('index') }} {{ now }}", page="{{ request.path }}"))
    app.get("/here", name="index")(lambda: "")
    app.context_processor(lambda: {"now": "noon"})
    assert app.render_template("mail.html") == "/here noon"
    with pytest.raises(RuntimeError, match="outside a request"):
        app.render_template("page.html")


def test_filters_tests_and_globals_are_registered_in_three_ways(pages):
    app = application(
        pages(
            a="{{ 'x'|bare }} {{ 'x'|named }} {{ 'x'|called }} {{ 1 is small }} {{ 1 is tiny }} {{ one() }} {{ two }}"
        )
    )

    @app.template_filter
    def bare(value):
        return value + "1"

    @app.template_filter("named")
    def other(value):
        return value + "2"

    app.add_template_filter(lambda value: value + "3", "called")

    @app.template_test()
    def small(value):
        return value < 2

    app.add_template_test(small, "tiny")

    @app.template_global
    def one():
        return 1

    app.add_template_global(2, "two")
    assert app.render_template("a.html") == "x1 x2 x3 True True 1 2"
    with pytest.raises(TypeError, match="pass one"):
        app.add_template_global(2)


def test_context_processors_give_variables_which_the_call_replaces(pages):
    app = application(pages(a="{{ title }} {{ user }} {{ path }}"))

    @app.context_processor
    def base():
        return {"title": "base", "user": "ada", "path": request.path}

    app.get("/")(lambda: render_template("a.html", title="own"))
    assert app.test_client().get("/").text == "own ada /"


async def give_later():
    return {}


@pytest.mark.parametrize(
    ("processor", "problem"), [(give_later, "plain function"), (lambda x: {}, "called with 0 positional arguments")]
)
def test_a_context_processor_that_could_not_be_called_is_refused(processor, problem):
    with pytest.raises(RegistrationError, match=problem):
        application().context_processor(processor)


# ── blueprints ──────────────────────────────────────────────────────────────────────────────────────────────────────


def test_the_application_s_folder_comes_before_those_of_blueprints(pages):
    outer = Blueprint("outer", url_prefix="/outer", template_folder=pages("outer", base="outer", own="outer"))
    inner = Blueprint(
        "inner", url_prefix="/inner", template_folder=str(pages("inner", base="inner", own="inner", deep="deep"))
    )
    outer.register_blueprint(inner)
    app = application(pages("app", base="app"))
    app.register_blueprint(outer)
    app.register_blueprint(outer, name="again", url_prefix="/again")
    texts = [app.render_template(f"{name}.html") for name in ("base", "own", "deep")]
    assert texts == ["app", "outer", "deep"]


def test_a_blueprint_s_folder_is_enough(pages):
    blueprint = Blueprint("blog", template_folder=pages(post="{{ 'x'|shout }}"))
    blueprint.template_filter("shout")(str.upper)
    app = application()
    app.register_blueprint(Blueprint("plain"))
    assert app.templates is None
    app.register_blueprint(blueprint)
    assert app.render_template("post.html") == "X"
    with pytest.raises(RegistrationError, match=r"template_folder='nowhere' is no folder"):
        Blueprint("x", template_folder="nowhere")


def test_what_blueprints_give_never_replaces_what_the_application_has(pages):
    one, two = Blueprint("one"), Blueprint("two")
    for blueprint in (one, two):
        blueprint.add_template_global(blueprint.name, "who")
        blueprint.add_template_global(blueprint.name, "mine")
        blueprint.add_template_filter(lambda value: "taken over", "upper")
    app = application(pages(a="{{ who }} {{ mine }} {{ 'x'|upper }}"))
    app.register_blueprint(one)
    app.register_blueprint(two)
    app.add_template_global("app", "mine")
    assert app.render_template("a.html") == "one app X"


def test_context_processors_of_a_blueprint_are_for_its_own_pages(pages):
    outer, inner = Blueprint("outer", url_prefix="/outer"), Blueprint("inner", url_prefix="/inner")
    app = application(pages(a="{{ where }}"))
    for registrar in (app, outer, inner):
        registrar.get("/", name="index")(lambda: render_template("a.html"))
    app.context_processor(lambda: {"where": "app"})
    outer.context_processor(lambda: {"where": "outer"})
    inner.context_processor(lambda: {"where": "inner"})
    outer.register_blueprint(inner)
    outer.errorhandler(404)(lambda error: render_template("a.html"))
    app.register_blueprint(outer)
    client = app.test_client()
    texts = [client.get(path).text for path in ("/", "/outer/", "/outer/inner/", "/outer/nowhere")]
    assert texts == ["app", "outer", "inner", "outer"]


# ── async, streams, reload ──────────────────────────────────────────────────────────────────────────────────────────


def test_async_templates_await_in_async_handlers(pages):
    app = application()
    app.configure_templates(pages(a="{{ later() }} {% for n in numbers() %}{{ n }}{% endfor %}"), enable_async=True)

    @app.template_global
    async def later():
        return "<later>"

    async def numbers():
        yield 1
        yield 2

    @app.get("/")
    async def index():
        return await render_template_async("a.html", numbers=numbers)

    @app.get("/wrong")
    async def wrong():
        return render_template("a.html", numbers=numbers)

    @app.get("/thread")
    def in_a_thread():
        return render_template("a.html", {"numbers": numbers})

    @app.get("/stream")
    async def stream():
        return stream_template("a.html", numbers=numbers)

    client = app.test_client(raise_server_exceptions=True)
    assert client.get("/").text == "&lt;later&gt; 12"
    assert client.get("/thread").text == "&lt;later&gt; 12"
    assert client.get("/stream").text == "&lt;later&gt; 12"
    with pytest.raises(RuntimeError, match="await render_template_async"):
        client.get("/wrong")


async def test_rendering_asynchronously_needs_an_environment_for_it(pages):
    with pytest.raises(RuntimeError, match="enable_async=True"):
        await application(pages(a="x")).render_template_async("a.html")


@pytest.mark.parametrize("enable_async", [False, True])
async def test_a_large_template_is_sent_in_pieces(pages, call, enable_async):
    app = application(
        JinjaTemplates(pages(a="{% for n in range(10000) %}{{ n }},{% endfor %}{{ name }}"), enable_async=enable_async)
    )

    @app.get("/")
    async def index():
        return stream_template("a.html", name="<end>")

    exchange = await call(app, "/")
    assert exchange.headers["content-type"] == "text/html; charset=utf-8"
    assert exchange.body.decode() == "".join(f"{n}," for n in range(10000)) + "&lt;end&gt;"
    assert "content-length" not in exchange.headers
    assert len(exchange.messages) > 4
    assert exchange.complete
    head = await call(app, "/", method="HEAD")
    assert (head.status, head.body) == (200, b"")


@pytest.mark.parametrize("enable_async", [False, True])
async def test_a_stream_that_fails_breaks_off_or_is_an_error(pages, call, enable_async):
    folder = pages(early="{{ nothing }}", late="{% for n in range(10000) %}{{ n }},{% endfor %}{{ nothing }}")
    app = application(JinjaTemplates(folder, enable_async=enable_async))

    @app.get("/<name>")
    async def page(name: str):
        return stream_template(f"{name}.html")

    if not enable_async:
        assert (await call(app, "/early")).status == 500
    with pytest.raises(UndefinedError):
        await call(app, "/late")


def test_a_stream_s_first_piece_may_look_at_the_session(pages):
    app = application(pages(a="{{ csrf_input() }}{{ get_flashed_messages() }}"))

    @app.get("/")
    def index():
        flash("hello")
        return stream_template("a.html")

    client = app.test_client()
    response = client.get("/")
    assert "hello" in response.text.replace("&#39;", "")
    assert "flasgo-csrf" in client.cookies
    assert "hello" in client.get("/").text


@pytest.mark.parametrize(("debug", "seen"), [(True, "after"), (False, "before")])
def test_edited_templates_are_seen_in_debug(pages, debug, seen):
    folder = pages(a="before")
    app = application(folder, DEBUG=debug)
    assert app.render_template("a.html") == "before"
    (folder / "a.html").write_text("after")
    os.utime(folder / "a.html", ns=(1, 1))
    assert app.render_template("a.html") == seen
    (folder / "a.html").unlink()
    if debug:
        with pytest.raises(TemplateNotFound):
            app.render_template("a.html")


# ── attacks ─────────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    "attack",
    [
        "{{ ''.__class__.__mro__[1].__subclasses__() }}",
        "{{ url_for.__globals__ }}",
        "{{ csrf_input.__globals__.__builtins__ }}",
        "{{ request.__class__ }}",
        "{{ request.__init__.__globals__ }}",
        "{{ request.app.settings.SECRET_KEY }}",
        "{{ request.terms.app }}",
        "{{ request.scope }}",
        "{{ request.receive }}",
        "{{ request()  }}",
        "{{ session.hold }}",
        "{{ session.rotate() }}",
        "{{ session.clear() }}",
        "{{ session.update({'a': 1}) }}",
        "{{ session.sid }}",
        "{{ request.session.peek() }}",
        "{{ request|attr('app') }}",
        "{{ request|attr('__class__') }}",
        "{{ '{0.app}'.format(request) }}",
        "{{ '{0.__class__}'.format(request) }}",
        "{{ ('{0.ap' ~ 'p.settings.SECRET_KEY}').format(request) }}",
        "{{ '%s'|format(request.app) }}",
        "{{ [request]|map(attribute='app')|first }}",
        "{{ [request]|map(attribute='app.settings.SECRET_KEY')|list }}",
        "{{ lipsum.__globals__.os.popen('id') }}",
        "{{ cycler.__init__.__globals__ }}",
        "{{ self._TemplateReference__context }}",
        "{{ numbers.append(4) }}",
        "{{ mapping.update({'a': 1}) }}",
        "{% set x = mapping.pop('k') %}",
        "{{ settings.SECRET_KEY }}",
        "{{ settings['SECRET_KEY'] }}",
        "{{ range(10000000) }}",
        "{% include '../secret.txt' %}",
        "{% include '/etc/passwd' %}",
        "{% import 'file:///etc/passwd' as x %}",
        "{% extends '..\\\\secret.txt' %}",
    ],
)
def test_a_template_reaches_nothing_that_it_was_not_given(pages, attack):
    folder = pages(a=attack)
    (folder.parent / "secret.txt").write_text(SECRET)
    app = application(folder)
    numbers, mapping = [1], {"k": 1}

    @app.get("/")
    def index():
        session["k"] = "v"
        return render_template("a.html", numbers=numbers, mapping=mapping, settings=app.settings)

    client = app.test_client(raise_server_exceptions=True)
    try:
        shown = client.get("/").text
    except (SecurityError, UndefinedError, TemplateNotFound, OverflowError, TypeError) as refused:
        shown = str(refused)
    else:
        assert shown.strip() in {"[]", "[Undefined]"} or "Undefined" in shown, shown
    assert SECRET not in shown
    assert "root:" not in shown
    assert (numbers, mapping) == ([1], {"k": 1})


def test_a_template_reads_what_is_open_to_it(pages):
    app = application(
        pages(
            a="{{ request.url }} {{ request.headers['host'] }} {{ session.get('k') }} {{ session.items()|list }} {{ settings.DEBUG }}"
        )
    )

    @app.get("/")
    def index():
        session["k"] = "v"
        return render_template("a.html", settings=app.settings)

    assert app.test_client().get("/").text == "http://localhost/ localhost v [(&#39;k&#39;, &#39;v&#39;)] False"


def test_names_that_end_in_anything_are_escaped(pages):
    folder = pages()
    for name in ("a.txt", "a.js", "a", ".a", "a.xml"):
        (folder / name).write_text("{{ value }}")
        assert application(folder).render_template(name, value="<") == "&lt;"


def test_mistakes_of_templates_are_errors(pages):
    app = application(pages(undefined="{{ nothing }}", syntax="{% if %}"))
    with pytest.raises(UndefinedError, match="'nothing' is undefined"):
        app.render_template("undefined.html")
    with pytest.raises(TemplateSyntaxError):
        app.render_template("syntax.html")
    with pytest.raises(TemplateNotFound, match=r"There is no template 'none\.html': it is in none of"):
        app.render_template("none.html")


def test_current_user_is_who_asks(pages):
    app = application(pages(a="{{ current_user.id }}"))

    @app.before_request
    def known(request):
        request.user = User(id="ada", is_authenticated=True)

    app.get("/")(lambda: render_template("a.html"))
    assert app.test_client().get("/").text == "ada"


def test_importing_flasgo_does_not_load_jinja():
    assert "SecureTemplateLoader" not in vars(flasgo)
