import pytest

from flasgo import BuildError, Flasgo, FrozenError, RegistrationError, Request, Settings, url_for
from flasgo.routing.converters import IntConverter


def application(**settings: object) -> Flasgo[Settings]:
    return Flasgo(settings={"SECRET_KEY": "test-routing-0123456789abcdefghijkl", "CSRF_ENABLED": False, **settings})


def shop(**settings: object) -> Flasgo[Settings]:
    app = application(**settings)

    @app.get("/")
    async def index():
        return "index"

    @app.route("/books", methods=["GET", "POST"])
    async def books():
        return "books"

    @app.get("/books/<int:id>")
    async def book(id: int):
        return f"book {id}"

    @app.put("/books/<int:id>")
    async def change(id: int):
        return f"changed {id}"

    @app.get("/shelves/")
    async def shelves():
        return "shelves"

    @app.get("/files/<path:name>")
    async def file(name: str):
        return name

    return app


# ── methods ─────────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("method", ["get", "post", "put", "patch", "delete", "options"])
def test_each_method_has_its_decorator(method):
    app = application()

    async def handler(request: Request):
        return request.method

    getattr(app, method)("/")(handler)
    response = app.test_client().request(method.upper(), "/")
    assert (response.status_code, response.text) == (200, method.upper())


def test_a_handler_of_head_alone_answers_head_alone():
    app = application()

    @app.head("/")
    async def head(request: Request):
        return "", 200, {"x-method": request.method}

    client = app.test_client()
    assert client.head("/").headers["x-method"] == "HEAD"
    response = client.get("/")
    assert (response.status_code, response.headers["allow"]) == (405, "HEAD, OPTIONS")


def test_a_method_of_ones_own_is_a_method():
    app = application()
    app.add_route("/", lambda: "purged", methods=["purge"])
    client = app.test_client()
    assert client.request("PURGE", "/").text == "purged"
    assert client.get("/").headers["allow"] == "OPTIONS, PURGE"


@pytest.mark.parametrize("path", ["/", "/books/7"])
def test_get_answers_head_without_the_body_but_with_its_length(path):
    client = shop().test_client()
    whole, head = client.get(path), client.head(path)
    assert (head.status_code, head.body) == (200, b"")
    assert sorted(head.raw_headers) == sorted(whole.raw_headers)
    assert head.headers["content-length"] == str(len(whole.body))


def test_head_is_sent_on_where_get_would_be():
    app = application()
    app.get("/shelves/")(lambda: "")
    app.put("/shelf")(lambda: "")
    client = app.test_client()
    moved, missing, other = (client.head(path, follow_redirects=False) for path in ("/shelves", "/nowhere", "/shelf"))
    assert (moved.status_code, moved.headers["location"]) == (308, "/shelves/")
    assert missing.status_code == 404
    assert (other.status_code, other.headers["allow"]) == (405, "OPTIONS, PUT")


def test_options_is_answered_by_itself():
    response = shop().test_client().options("/books/7")
    assert (response.status_code, response.body) == (204, b"")
    assert response.headers["allow"] == "GET, HEAD, OPTIONS, PUT"
    assert "content-length" not in response.headers


def test_another_method_is_405_with_all_that_are_allowed():
    response = shop().test_client().delete("/books/7")
    assert response.status_code == 405
    assert response.headers["allow"] == "GET, HEAD, OPTIONS, PUT"
    assert response.text == "DELETE is not allowed here. Use one of: GET, HEAD, PUT."


@pytest.mark.parametrize("method", ["TRACE", "CONNECT", "get", "__class__", "handle"])
async def test_trace_and_unknown_methods_are_405(call, method):
    exchange = await call(shop(), "/books", method=method)
    assert exchange.status == 405
    assert exchange.headers["allow"] == "GET, HEAD, OPTIONS, POST"


def test_a_method_that_is_too_long_is_not_repeated_in_full():
    response = shop().test_client().request("X" * 200, "/")
    assert response.status_code == 405
    assert "X" * 20 in response.text
    assert "X" * 21 not in response.text


# ── paths ───────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_an_unknown_path_is_404_and_says_which():
    response = shop().test_client().get("/nowhere")
    assert (response.status_code, response.text) == (404, "No route matches this path. Check it.")


def test_a_segment_that_does_not_convert_is_404():
    client = shop().test_client()
    for path in ("/books/x", "/books/1.5", "/books/-1", "/books/99999999999999999999", "/books/%D9%A3"):
        assert client.get(path).status_code == 404


async def test_a_path_that_is_not_utf8_is_400(call):
    for raw, path in ((b"/files/%ff", "/files/\ufffd"), (b"/\xff?q=%ff", "/\ufffd"), (b"/%ff", "/\udcff")):
        exchange = await call(shop(), path, raw_path=raw)
        assert (exchange.status, exchange.body) == (400, b"The path is not UTF-8.")


async def test_the_replacement_character_itself_is_a_character(call):
    exchange = await call(shop(), "/files/\ufffd", raw_path=b"/files/%EF%BF%BD?x=%ff")
    assert (exchange.status, exchange.body.decode()) == (200, "\ufffd")
    exchange = await call(shop(), "/files/\ufffd", without=["raw_path"])
    assert exchange.status == 200


def test_a_path_is_decoded_once():
    client = shop().test_client()
    assert client.get("/files/a%2520b").text == "a%20b"
    assert client.get("/files/%C3%BC").text == "ü"
    assert client.get("/files/a%2Fb").text == "a/b"
    assert client.get("/files/%00").text == "\0"


@pytest.mark.parametrize("path", ["//books", "/books/../books", "/%2e%2e/books", "/books%0a", "/books;x", "/books%00"])
async def test_what_only_looks_like_a_path_of_ours_never_reaches_its_handler(path):
    assert shop().test_client().get(path).status_code == 404


# ── slashes ─────────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("path", "location"),
    [
        ("/shelves", "/shelves/"),
        ("/books/", "/books"),
        ("/books/7/", "/books/7"),
        ("/books/?page=2&q=%C3%BC", "/books?page=2&q=%C3%BC"),
    ],
)
def test_the_other_form_of_the_slash_is_redirected_with_its_query(path, location):
    response = shop().test_client().get(path)
    assert (response.status_code, response.location, response.body) == (308, location, b"")
    assert response.headers["x-content-type-options"] == "nosniff"


def test_a_redirect_keeps_method_and_body():
    app = application()

    @app.post("/notes/")
    async def note(request: Request):
        return await request.body()

    response = app.test_client().post("/notes", body=b"text", follow_redirects=True)
    assert (response.status_code, response.body) == (200, b"text")


def test_a_method_that_the_other_form_does_not_answer_is_not_redirected():
    response = shop().test_client().post("/shelves")
    assert response.status_code == 404


@pytest.mark.parametrize("path", ["//", "///", "//evil.example/", "/shelves//", "//shelves"])
def test_a_redirect_never_leads_to_another_host(path):
    response = shop().test_client().get(path)
    assert response.status_code == 404
    assert response.location is None


async def test_a_query_that_no_header_may_hold_is_escaped(call):
    exchange = await call(shop(), "/shelves", query_string=b"a=\x85\xff\x01\r\nset-cookie:x")
    assert (exchange.status, exchange.headers["location"]) == (308, "/shelves/?a=%85%FF%01%0D%0Aset-cookie:x")


@pytest.mark.parametrize("path", ["/shelves", "/shelves/", "/books", "/books/"])
def test_without_strict_slashes_both_forms_are_answered(path):
    assert shop(STRICT_SLASHES=False).test_client().get(path).status_code == 200


def test_a_route_may_have_its_own_opinion_of_slashes():
    app = application()
    app.add_route("/a", lambda: "a", name="a", strict_slashes=False)
    app.add_route("/b", lambda: "b", name="b")
    app.add_route("/<path:rest>/c", lambda rest: rest, name="c", strict_slashes=False)
    app.add_route("/d/<path:rest>", lambda rest: rest, name="d", strict_slashes=False)
    client = app.test_client()
    assert client.get("/a/").text == "a"
    assert client.get("/b/").status_code == 308
    assert client.get("/x/y/c/").text == "x/y"
    assert client.get("/d/x/").text == "x/"


def test_the_root_has_no_other_form():
    app = application(STRICT_SLASHES=False)
    app.add_route("/", lambda: "root")
    assert app.test_client().get("/").text == "root"


# ── mounted below a path ────────────────────────────────────────────────────────────────────────────────────────────


def test_the_root_path_is_taken_off_before_routing_and_put_before_every_url():
    app = shop()

    @app.get("/where")
    async def where(request: Request):
        return [request.root_path, request.path, str(request.url), url_for("book", id=1), url_for("index")]

    client = app.test_client(root_path="/api")
    assert client.get("/where").json() == ["/api", "/where", "http://localhost/api/where", "/api/books/1", "/api/"]
    assert client.get("/books/").location == "/api/books"
    assert client.get("/").text == "index"


async def test_servers_that_leave_the_root_path_out_of_the_path_are_understood_too(call):
    """Only one prefix is taken off: what a proxy does not strip is a part of the path (nginx without a URI in proxy_pass)."""
    app = shop()
    for path, status in (
        ("/api/books", 200),
        ("/books", 200),
        ("/api", 200),
        ("/api/", 200),
        ("/apibooks", 404),
        ("/api/api/books", 404),
    ):
        for root in ("/api", "/api/"):
            assert (await call(app, path, root_path=root)).status == status, path


# ── registration ────────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_handler_is_returned_unchanged_and_may_have_several_routes():
    app = application()

    @app.get("/one")
    @app.get("/two")
    async def handler():
        return "both"

    assert handler.__name__ == "handler"
    client = app.test_client()
    assert client.get("/one").text == client.get("/two").text == "both"
    assert [route.path for route in app.routes] == ["/two", "/one"]
    assert repr(app) == "<Flasgo with 2 routes>"


def test_two_handlers_of_one_path_and_method_are_refused_where_the_second_stands():
    app = shop()

    def late():
        return ""

    with pytest.raises(RegistrationError, match=r"test_routing\.py:\d+: .*late\(\): '/books' already answers POST"):
        app.add_route("/books", late, methods=["POST", "DELETE"])
    app.add_route("/books", late, methods=["DELETE"])


def test_ambiguous_paths_are_refused_where_the_second_stands():
    app = application()
    app.add_route("/<int:id>/edit", lambda id: "", name="a")
    with pytest.raises(RegistrationError, match="neither is more specific"):
        app.add_route("/<int:number>/edit", lambda number: "", name="b")
    app.add_route("/<name>/edit", lambda name: "", name="c")


def test_without_strict_slashes_the_other_form_is_taken_too():
    app = application()
    app.add_route("/a", lambda: "", strict_slashes=False)
    with pytest.raises(RegistrationError, match="'/a/' already answers GET"):
        app.add_route("/a/", lambda: "")


def test_a_refused_route_leaves_nothing_behind():
    app = application()
    app.add_route("/a", lambda: "first")
    with pytest.raises(RegistrationError):
        app.add_route("/a", lambda: "second", name="second")
    assert len(app.routes) == 1
    with pytest.raises(BuildError, match="no endpoint 'second'"):
        app.url_for("second")


@pytest.mark.parametrize("path", ["books", "/a//b", "/<x", "/<int: x>", "/<x>/<x>", "/a?b", "/<nope:x>", "", "/%41"])
def test_a_malformed_path_is_refused_and_the_handler_named(path):
    with pytest.raises(RegistrationError, match=r"test_routing\.py:\d+: .*<lambda>\(\)"):
        application().add_route(path, lambda **values: "")


@pytest.mark.parametrize(
    ("methods", "problem"),
    [
        ("POST", r"write methods=\['POST'\]"),
        ([], "name at least one"),
        (["TRACE"], "'TRACE' is not a method that a route can answer"),
        (["CONNECT"], "'CONNECT' is not a method"),
        (["GET POST"], "'GET POST' is not a method"),
        ([""], "'' is not a method"),
        (["GÉT"], "is not a method"),
    ],
)
def test_methods_that_cannot_be_are_refused(methods, problem):
    with pytest.raises(RegistrationError, match=problem):
        application().add_route("/", lambda: "", methods=methods)


def test_options_that_cannot_be_are_refused():
    app = application()
    with pytest.raises(RegistrationError, match="status_code: 99 is not a final HTTP status"):
        app.get("/", status_code=99)(lambda: "")
    with pytest.raises(RegistrationError, match="max_body_bytes=-1 is negative"):
        app.get("/", max_body_bytes=-1)(lambda: "")


def test_what_comes_after_the_first_request_is_refused_with_advice():
    app = shop()
    app.test_client().get("/")
    for register in (
        lambda: app.get("/late")(lambda: ""),
        lambda: app.add_route("/late", lambda: ""),
        lambda: app.before_request(lambda: None),
        lambda: app.after_request(lambda response: None),
        lambda: app.teardown_request(lambda: None),
        lambda: app.errorhandler(404)(lambda error: ""),
        lambda: app.lifespan(lambda app: None),
        lambda: app.register_converter("late", IntConverter),
    ):
        with pytest.raises(FrozenError, match="Register everything while your modules are imported"):
            register()


def test_a_new_test_client_does_not_open_a_frozen_application():
    app = shop()
    app.freeze()
    app.test_client()
    with pytest.raises(FrozenError):
        app.get("/late")(lambda: "")


def test_the_status_of_a_route_is_that_of_answers_that_name_none():
    app = application()

    @app.post("/", status_code=201)
    async def create(own: bool = False):
        return ("own", 202) if own else "made"

    client = app.test_client()
    assert client.post("/").status_code == 201
    assert client.post("/?own=1").status_code == 202


def test_hundreds_of_routes_are_found():
    app = application()

    async def handler(id: int):
        return str(id)

    for number in range(250):
        app.add_route(f"/r{number}/<int:id>", handler, name=f"r{number}")
        app.add_route(f"/r{number}", lambda: "static", name=f"s{number}")
    client = app.test_client()
    assert client.get("/r249/7").text == "7"
    assert client.get("/r0").text == "static"
    assert client.get("/r250").status_code == 404
    assert app.url_for("r125", id=3) == "/r125/3"


# ── url_for ─────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_url_is_built_from_the_name_and_the_values():
    app = shop()
    assert app.url_for("index") == "/"
    assert app.url_for("book", id=7) == "/books/7"
    assert app.url_for("book", id=7, page=2, tag=["a", "b"]) == "/books/7?page=2&tag=a&tag=b"
    assert app.url_for("file", name="a b/ü", _anchor="top of page") == "/files/a%20b/%C3%BC#top%20of%20page"


def test_a_value_may_be_called_endpoint_or_self():
    app = application()
    app.add_route("/<endpoint>/<self>", lambda endpoint, self: "", name="odd")
    assert app.url_for("odd", endpoint="a", self="b") == "/a/b"


def test_a_route_is_named_by_name_or_by_its_handler():
    app = application()

    @app.get("/one", name="first")
    async def handler():
        return ""

    app.get("/two")(handler)
    assert (app.url_for("first"), app.url_for("handler")) == ("/one", "/two")


def test_of_several_routes_of_one_handler_the_one_that_uses_most_values_is_built():
    app = application()

    @app.get("/posts")
    @app.get("/posts/<int:page>")
    async def posts(page: int = 1):
        return ""

    assert app.url_for("posts") == "/posts"
    assert app.url_for("posts", page=2) == "/posts/2"


def test_the_whole_url_is_that_of_the_request():
    app = shop()

    @app.get("/whole")
    async def whole():
        return [
            url_for("book", id=1, _external=True),
            url_for("book", id=1, _external=True, _scheme="https"),
            url_for("book", id=1, _scheme="wss"),
            app.url_for("book", id=1),
        ]

    client = app.test_client(base_url="http://localhost:8000")
    assert client.get("/whole").json() == [
        "http://localhost:8000/books/1",
        "https://localhost:8000/books/1",
        "wss://localhost:8000/books/1",
        "/books/1",
    ]
    assert client.get("/whole", scheme="https").json()[0].startswith("https://")


def test_what_cannot_be_built_is_a_build_error_that_says_why():
    app = shop()
    for call, message in (
        (lambda: app.url_for("boook", id=1), "There is no endpoint 'boook'. Did you mean 'book'?"),
        (lambda: app.url_for("xyz"), "There is no endpoint 'xyz'."),
        (lambda: app.url_for("book"), "'book' needs <id>"),
        (lambda: app.url_for("index", _external=True), "The whole URL of 'index' needs a request"),
        (lambda: app.url_for("index", _scheme="https"), "The whole URL of 'index' needs a request"),
    ):
        with pytest.raises(BuildError) as caught:
            call()
        assert str(caught.value).startswith(message)
    with pytest.raises(BuildError, match="does not fit <id>"):
        app.url_for("book", id="seven")


def test_two_handlers_of_one_name_cannot_be_told_apart():
    app = application()
    app.add_route("/a", lambda: "", name="same")
    app.add_route("/b", lambda: "", name="same")
    with pytest.raises(BuildError, match="Give their routes different names"):
        app.url_for("same")


def test_the_function_needs_a_request():
    with pytest.raises(RuntimeError, match="was used outside a request"):
        url_for("index")


@pytest.mark.parametrize(
    "method", ["__init__", "__class__", "app", "headers", "get", "Get", "NONSENSE", "", "GET POST"]
)
@pytest.mark.parametrize("path", ["/books", "/books/1"])
async def test_a_method_is_never_more_than_a_word(call, method, path):
    """CVE-2026-48818 (Starlette): where a server takes any word, none of them is the name of anything."""
    exchange = await call(shop(), path, method=method)
    assert exchange.status == 405
    assert exchange.headers["allow"].startswith("GET, HEAD, OPTIONS")
