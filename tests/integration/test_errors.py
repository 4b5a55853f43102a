import asyncio
import json
import logging
from typing import Any

import pytest
from msgspec import Struct

from flasgo import (
    BadRequest,
    Conflict,
    FileResponse,
    Flasgo,
    FlasgoError,
    HTTPException,
    InternalServerError,
    MethodNotAllowed,
    NotFound,
    RegistrationError,
    Response,
    ServiceUnavailable,
    Settings,
    Unauthorized,
    abort,
)

JSON = {"accept": "application/json"}
BROWSER = {"accept": "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"}


class Broken(Exception):
    pass


class MoreBroken(Broken):
    pass


def application(**settings: object) -> Flasgo[Settings]:
    return Flasgo(settings={"SECRET_KEY": "test-errors-0123456789abcdefghijklm", "CSRF_ENABLED": False, **settings})


def failing(error: BaseException) -> Flasgo[Settings]:
    """An application whose only route, `/`, raises."""
    app = application()

    @app.get("/")
    async def index():
        raise error

    return app


def says(text):
    return lambda error: text


def traces(caplog, name="flasgo.errors"):
    """The tracebacks that were logged there."""
    return [record for record in caplog.records if record.name == name and record.exc_info]


# ── the built-in answers ────────────────────────────────────────────────────────────────────────────────────────────


def test_everyone_gets_text_unless_they_ask_for_something_else():
    client = failing(NotFound("There is no such book.")).test_client()
    for headers in ({}, {"accept": "*/*"}, {"accept": "image/png"}, {"accept": ";;;"}):
        response = client.get("/", headers=headers)
        assert (response.status_code, response.text) == (404, "There is no such book.")
        assert response.headers["content-type"] == "text/plain; charset=utf-8"


def test_an_error_without_detail_says_its_phrase():
    assert failing(HTTPException(413)).test_client().get("/").text == "Content Too Large"
    assert failing(HTTPException(499)).test_client().get("/").text == "Error"


def test_clients_that_ask_for_json_get_a_problem_document():
    response = failing(Conflict("It is on the shelf.")).test_client().get("/?secret=1", headers=JSON)
    assert response.status_code == 409
    assert response.headers["content-type"] == "application/problem+json"
    assert response.json() == {
        "type": "about:blank",
        "title": "Conflict",
        "status": 409,
        "detail": "It is on the shelf.",
        "instance": "/",
        "code": "conflict",
    }


def test_a_problem_without_detail_says_the_title_and_has_a_code():
    problem = failing(HTTPException(418)).test_client().get("/", headers=JSON).json()
    assert (problem["title"], problem["detail"], problem["code"]) == ("I'm a Teapot", "I'm a Teapot", "im_a_teapot")


def test_the_instance_is_the_path_percent_encoded_and_bounded():
    client = application().test_client()
    assert client.get("/b%C3%BCcher/<b>/%00", headers=JSON).json()["instance"] == "/b%C3%BCcher/%3Cb%3E/%00"
    assert client.get("/" + "x" * 5000, headers=JSON).json()["instance"] == "/" + "x" * 511


@pytest.mark.parametrize(
    ("status", "title"),
    [
        (413, "Content Too Large"),
        (414, "URI Too Long"),
        (416, "Range Not Satisfiable"),
        (422, "Unprocessable Content"),
        (431, "Request Header Fields Too Large"),
    ],
)
def test_titles_are_those_of_rfc_9110_under_every_python(status, title):
    assert failing(HTTPException(status)).test_client().get("/", headers=JSON).json()["title"] == title


def test_browsers_get_a_small_page():
    response = failing(NotFound("No such book.")).test_client().get("/", headers=BROWSER)
    assert (response.status_code, response.headers["content-type"]) == (404, "text/html; charset=utf-8")
    assert "<h1>404 Not Found</h1><p>No such book.</p>" in response.text
    assert "<ul>" not in response.text


def test_nothing_of_the_request_becomes_markup():
    """A page is served from the application's own origin: what a stranger put into the link must stay text."""
    app = application()

    @app.get("/quote/<text>")
    async def quote(text: str):
        abort(400, f"I do not like {text}")

    client = app.test_client()
    for path in ("/%3Cscript%3Ealert(1)%3C/script%3E", "/quote/%3Cscript%3E", "/quote/%22%27%26%3Cb%3E"):
        page = client.get(path, headers=BROWSER).text
        assert "<script" not in page
        assert "<b>" not in page
    assert "I do not like &quot;&#x27;&amp;&lt;b&gt;" in client.get("/quote/%22%27%26%3Cb%3E", headers=BROWSER).text


class Point(Struct):
    x: int
    y: int


def test_every_form_says_all_that_is_not_valid():
    app = application()

    @app.get("/")
    async def index(limit: int, offset: int):
        return ""

    client = app.test_client()
    problem = client.get("/?limit=a&offset=b", headers=JSON).json()
    assert (problem["status"], problem["code"]) == (422, "validation_failed")
    assert [issue["pointer"] for issue in problem["errors"]] == ["/limit", "/offset"]
    assert {issue["location"] for issue in problem["errors"]} == {"query"}
    lines = client.get("/?limit=a&offset=b").text.splitlines()
    assert lines[0] == "The request is not valid; see errors."
    assert [line.partition(":")[0] for line in lines[1:]] == ["query /limit", "query /offset"]
    page = client.get("/?limit=a&offset=b", headers=BROWSER).text
    assert "<ul><li>query /limit: " in page


def test_routes_that_speak_typed_json_answer_errors_in_json_always():
    app = application()

    @app.get("/out")
    async def out() -> Point:
        raise NotFound("no point")

    @app.post("/in")
    async def into(point: Point) -> str:
        return "taken"

    client = app.test_client()
    for headers in ({}, BROWSER):
        assert client.get("/out", headers=headers).json()["code"] == "not_found"
        response = client.post("/in", json={"x": 1}, headers=headers)
        assert (response.status_code, response.json()["errors"][0]["pointer"]) == (422, "/y")


def test_headers_of_the_exception_are_sent():
    client = failing(Unauthorized(headers={"WWW-Authenticate": "Bearer"})).test_client()
    for accept in (None, "application/json", "text/html"):
        response = client.get("/", headers={"accept": accept} if accept else {})
        assert response.headers["www-authenticate"] == "Bearer"


def test_headers_of_the_exception_replace_what_is_there_already():
    """Two lines of one name would leave the choice to the client; two lengths would be request smuggling in reverse."""
    headers = {
        "Content-Type": "text/markdown",
        "Content-Length": "3",
        "X-Frame-Options": "SAMEORIGIN",
        "Cache-Control": "public",
    }
    response = failing(HTTPException(400, "*no*", headers)).test_client().get("/")
    assert response.text == "*no*"
    assert response.headers.getlist("content-type") == ["text/markdown"]
    assert response.headers.getlist("content-length") == ["4"]
    assert response.headers.getlist("x-frame-options") == ["SAMEORIGIN"]
    assert response.headers.getlist("cache-control") == ["no-store, no-cache, must-revalidate, max-age=0"]


def test_an_exception_with_the_status_of_a_redirect_is_one():
    response = failing(HTTPException(303, headers={"location": "/next"})).test_client().get("/")
    assert (response.status_code, response.location) == (303, "/next")


@pytest.mark.parametrize("status", [204, 304])
def test_statuses_without_a_body_have_none_even_as_exceptions(status):
    response = failing(HTTPException(status, "nobody may see this")).test_client().get("/")
    assert (response.status_code, response.body) == (status, b"")
    assert "content-length" not in response.headers


def test_a_detail_that_utf8_cannot_say_is_sent_with_question_marks():
    app = failing(BadRequest("lone \ud800 surrogate"))
    client = app.test_client()
    assert client.get("/").text == "lone ? surrogate"
    assert "lone ? surrogate" in client.get("/", headers=BROWSER).text
    assert client.get("/", headers=JSON).json()["detail"] == "lone ? surrogate"


@pytest.mark.parametrize("headers", [{"x-name": "a\r\nset-cookie: b=c"}, {"bad name": "x"}, {"x-name": 5}])
def test_headers_that_cannot_be_sent_are_a_logged_500(caplog, headers):
    response = failing(HTTPException(400, "no", headers)).test_client().get("/")
    assert (response.status_code, response.text) == (500, "Internal Server Error")
    assert "set-cookie" not in response.headers
    assert len(traces(caplog)) == 1


def test_a_detail_that_became_no_text_is_a_logged_500(caplog):
    error: Any = HTTPException(400)
    error.detail = {"not": "text"}
    response = failing(error).test_client().get("/")
    assert response.status_code == 500
    assert len(traces(caplog)) == 1


# ── what nobody expected ────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("sync", [False, True])
def test_an_unhandled_exception_is_answered_with_500_and_logged_once_with_its_traceback(caplog, sync):
    app = application()

    def fail():
        raise Broken("the password is 12345")

    if sync:

        @app.get("/")
        def index():
            fail()
    else:

        @app.get("/")
        async def index():
            fail()

    response = app.test_client().get("/", headers=JSON)
    assert response.status_code == 500
    assert response.json()["code"] == "internal_server_error"
    assert "12345" not in response.text
    (record,) = traces(caplog)
    assert record.levelno == logging.ERROR
    assert record.getMessage() == "unhandled-exception method=GET path=/ client=127.0.0.1"
    assert "the password is 12345" in caplog.text
    assert "in fail" in caplog.text


def test_errors_that_are_answers_are_not_logged(caplog):
    failing(NotFound()).test_client().get("/")
    failing(ServiceUnavailable()).test_client().get("/")
    assert not traces(caplog)


def test_the_test_client_can_ask_for_the_exception_itself():
    client = failing(Broken("here")).test_client(raise_server_exceptions=True)
    with pytest.raises(Broken, match="here"):
        client.get("/")


async def test_a_server_without_extensions_gets_its_500_too(call):
    for extensions in (None, {}, {"flasgo.exceptions": "not a list"}):
        exchange = await call(failing(Broken()), extensions=extensions)
        assert exchange.status == 500


def test_log_lines_cannot_be_forged_by_a_path(caplog):
    app = application()

    @app.get("/<path:rest>")
    async def index(rest: str):
        raise Broken

    app.test_client().get("/a%0aunhandled-exception%1b[31m")
    (record,) = traces(caplog)
    assert "\n" not in record.getMessage()
    assert "\x1b" not in record.getMessage()


@pytest.mark.parametrize("kind", [SystemExit, KeyboardInterrupt, asyncio.CancelledError])
async def test_what_ends_the_program_or_the_task_is_not_answered(call, kind):
    ended = []
    app = application()

    @app.get("/")
    async def index():
        raise kind

    app.teardown_request(ended.append)
    with pytest.raises(kind):
        await call(app)
    assert [type(error) for error in ended] == [kind]


# ── the user's handlers ─────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("takes", [1, 2])
@pytest.mark.parametrize("sync", [False, True])
def test_a_handler_answers_exceptions_of_its_class_and_of_subclasses(caplog, takes, sync):
    app = failing(MoreBroken("oh"))

    def one(error):
        return f"{error} handled"

    def two(request, error):
        return f"{error} handled at {request.path}"

    async def one_async(error):
        return one(error)

    async def two_async(request, error):
        return two(request, error)

    app.errorhandler(Broken)(
        {(1, True): one, (2, True): two, (1, False): one_async, (2, False): two_async}[takes, sync]
    )
    response = app.test_client().get("/")
    assert (response.status_code, response.text) == (500, "oh handled" if takes == 1 else "oh handled at /")
    assert not caplog.records


def test_the_nearest_class_wins_whatever_the_order_of_registration():
    app = failing(MoreBroken())
    for kind in (Exception, MoreBroken, Broken):
        app.errorhandler(kind)(says(kind.__name__))
    assert app.test_client().get("/").text == "MoreBroken"


def test_own_class_comes_before_status_and_status_before_base_classes():
    class Missing(NotFound):
        pass

    def app_with(*kinds):
        app = failing(Missing())
        for kind in kinds:
            app.errorhandler(kind)(says(str(kind)))
        return app.test_client().get("/").text

    assert app_with(404, Missing, NotFound) == str(Missing)
    assert app_with(HTTPException, NotFound, 404) == "404"
    assert app_with(HTTPException, NotFound, FlasgoError, Exception) == str(NotFound)
    assert app_with(Exception, 405) == str(Exception)


def test_handlers_see_the_frameworks_own_answers():
    app = application()

    @app.get("/page")
    async def page(limit: int = 1):
        return "page"

    @app.errorhandler(HTTPException)
    async def everything(error):
        return {"error": error.code}, error.status_code

    client = app.test_client()
    assert client.get("/nowhere").json() == {"error": "not_found"}
    assert client.delete("/page").json() == {"error": "method_not_allowed"}
    assert client.get("/page?limit=x").json() == {"error": "validation_failed"}
    assert client.get("/page", headers={"host": "evil.example"}).json() == {"error": "host_not_allowed"}


@pytest.mark.parametrize(
    ("value", "status", "text"),
    [
        ("plain", 404, "plain"),
        (None, 404, ""),
        ({"a": 1}, 404, '{"a":1}'),
        (("gone", 410), 410, "gone"),
        (("gone", 410, {"x-why": "sold"}), 410, "gone"),
        (Response("own", 503), 503, "own"),
        (Response("own"), 200, "own"),
    ],
)
def test_the_errors_status_stays_unless_the_handler_names_one(value, status, text):
    app = failing(NotFound())
    app.errorhandler(404)(lambda error: value)
    response = app.test_client().get("/")
    assert (response.status_code, response.text) == (status, text)


def test_what_belongs_to_the_status_is_kept_when_the_handler_does_not_say_it():
    """A page of one's own for 405 must not cost the Allow header that RFC 9110 §15.5.6 demands."""
    app = application()

    @app.get("/")
    async def index():
        return ""

    @app.get("/private")
    async def private():
        raise Unauthorized(headers={"www-authenticate": "Bearer"})

    app.errorhandler(MethodNotAllowed)(lambda error: "use another method")
    app.errorhandler(401)(lambda error: ("who are you?", 401, {"WWW-Authenticate": "Basic"}))
    client = app.test_client()
    assert client.post("/").headers["allow"] == "GET, HEAD, OPTIONS"
    assert client.get("/private").headers.getlist("www-authenticate") == ["Basic"]


def test_a_handler_for_500_answers_what_was_not_expected_which_is_logged_all_the_same(caplog):
    app = failing(Broken("why"))
    seen = []

    @app.errorhandler(500)
    async def sorry(error):
        seen.append(error)
        return "sorry"

    response = app.test_client().get("/")
    assert (response.status_code, response.text) == (500, "sorry")
    assert len(traces(caplog)) == 1
    assert isinstance(seen[0], InternalServerError)
    assert isinstance(seen[0].__cause__, Broken)


def test_a_handler_for_the_class_of_500_does_likewise():
    app = failing(Broken())
    app.errorhandler(InternalServerError)(lambda error: "by class")
    assert app.test_client().get("/").text == "by class"


@pytest.mark.parametrize("sync", [False, True])
def test_a_failing_handler_falls_back_to_the_built_in_answer_and_is_logged(caplog, sync):
    app = failing(NotFound("no book"))

    def fail(error):
        raise Broken("in the handler")

    async def fail_async(error):
        fail(error)

    app.errorhandler(404)(fail if sync else fail_async)
    response = app.test_client().get("/", headers=JSON)
    assert (response.status_code, response.json()["code"]) == (500, "internal_server_error")
    assert "in the handler" in caplog.text
    assert len(traces(caplog)) == 1


def test_a_handler_that_raises_an_answer_gives_that(caplog):
    app = failing(Broken())

    @app.errorhandler(Broken)
    async def translate(error):
        raise Conflict("try again")

    @app.errorhandler(409)
    async def never(error):
        raise AssertionError

    response = app.test_client().get("/")
    assert (response.status_code, response.text) == (409, "try again")
    assert not traces(caplog)


def test_a_handler_that_answers_with_nonsense_falls_back(caplog):
    app = failing(NotFound())
    app.errorhandler(404)(lambda error: object())
    assert app.test_client().get("/").status_code == 500
    assert "no form as a response" in caplog.text


def test_a_handler_may_answer_with_the_same_response_each_time():
    app = failing(NotFound())
    page = Response("gone", 404)
    app.errorhandler(404)(lambda error: page)
    client = app.test_client()
    first, second = client.get("/"), client.get("/")
    assert first.raw_headers == second.raw_headers
    assert [name for name, _ in page.raw] == [b"content-type"]


def test_a_file_that_cannot_be_sent_is_answered_like_any_error(caplog, tmp_path):
    app = failing(NotFound())
    app.errorhandler(404)(lambda error: FileResponse(tmp_path / "404.html", status_code=404))
    response = app.test_client().get("/")
    assert (response.status_code, response.text) == (500, "Internal Server Error")
    assert response.headers["x-content-type-options"] == "nosniff"
    assert len(traces(caplog)) == 1


def test_a_handler_for_500_whose_own_file_is_missing_ends_in_the_built_in_answer(caplog, tmp_path):
    app = failing(Broken())
    app.errorhandler(500)(lambda error: FileResponse(tmp_path / "500.html", status_code=500))
    response = app.test_client().get("/")
    assert (response.status_code, response.text) == (500, "Internal Server Error")
    assert response.headers["x-content-type-options"] == "nosniff"
    assert len(traces(caplog)) == 2  # what failed, and its page, once


def test_handlers_are_refused_for_what_is_no_error():
    app = application()
    kinds: list[Any] = [200, 399, 600, True, "404", KeyboardInterrupt, Broken()]
    for kind in kinds:
        with pytest.raises(RegistrationError, match="give an exception class or a status from 400 to 599"):
            app.errorhandler(kind)(says(""))


def test_one_kind_has_one_handler():
    app = application()
    for kind in (404, Broken):
        app.errorhandler(kind)(says(""))
        with pytest.raises(RegistrationError, match="has an error handler already"):
            app.errorhandler(kind)(says(""))


def test_error_handlers_take_one_or_two_arguments():
    app = application()
    for function in (lambda: "", lambda a, b, c: "", lambda *, error: ""):
        with pytest.raises(RegistrationError, match="1 or 2 positional arguments"):
            app.errorhandler(404)(function)


def test_the_handler_is_returned_unchanged():
    def handler(error):
        return ""

    assert application().errorhandler(404)(handler) is handler


async def test_a_handler_never_answers_for_somebody_who_left(call, caplog):
    app = application()

    @app.post("/")
    async def index(request):
        return await request.body()

    @app.errorhandler(Exception)
    async def everything(error):
        raise AssertionError

    exchange = await call(app, method="POST", pieces=[b"half", None])
    assert exchange.messages == []
    assert not traces(caplog)


async def test_a_handler_that_finds_the_client_gone_ends_quietly(call, caplog):
    app = application()

    @app.post("/")
    async def index():
        raise Broken

    @app.errorhandler(Broken)
    async def look(request, error):
        return await request.body()

    exchange = await call(app, method="POST", pieces=[b"half", None])
    assert exchange.messages == []
    assert not traces(caplog)


def test_problem_documents_are_valid_json_whatever_the_path():
    client = application().test_client()
    for path in ("/%22%5C%0a", "/%E2%80%A8", "/\U0001f4da"):
        json.loads(client.get(path, headers=JSON).body)
