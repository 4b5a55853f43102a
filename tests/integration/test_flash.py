import pytest

from flasgo import (
    Flasgo,
    Response,
    Settings,
    after_this_request,
    flash,
    get_flashed_messages,
    make_response,
    redirect,
    session,
)


def application() -> Flasgo[Settings]:
    return Flasgo(
        settings={
            "SECRET_KEY": "test-flash-0123456789abcdefghijklmno",
            "CSRF_ENABLED": False,
            "SESSION_COOKIE_SECURE": False,
        }
    )


def test_a_message_is_shown_once_on_the_next_page():
    app = application()

    @app.post("/save")
    def save():
        flash("Saved.", "success")
        flash("Mind the gap.")
        return redirect("/")

    @app.get("/")
    def index() -> dict[str, object]:
        return {
            "all": get_flashed_messages(),
            "again": get_flashed_messages(with_categories=True),
            "some": get_flashed_messages(category_filter=["success"]),
        }

    client = app.test_client()
    assert client.post("/save", follow_redirects=True).json() == {
        "all": ["Saved.", "Mind the gap."],
        "again": [["success", "Saved."], ["message", "Mind the gap."]],
        "some": ["Saved."],
    }
    assert client.get("/").json() == {"all": [], "again": [], "some": []}


def test_a_page_that_shows_messages_is_the_visitor_s_own():
    app = application()
    app.get("/")(lambda: get_flashed_messages())
    response = app.test_client().get("/")
    assert response.headers["vary"] == "Cookie"
    assert "set-cookie" not in response.headers


def test_messages_that_nobody_reads_do_not_pile_up():
    app = application()

    @app.get("/")
    def index() -> list[str]:
        for number in range(30):
            flash(str(number))
        return get_flashed_messages()

    assert app.test_client().get("/").json() == [str(number) for number in range(10, 30)]


def test_what_is_flashed_after_messages_were_read_waits_for_the_next_page():
    app = application()

    @app.get("/")
    def index() -> list[str]:
        read = get_flashed_messages()
        flash(f"after {len(read)}")
        return read

    client = app.test_client()
    assert client.get("/").json() == []
    assert client.get("/").json() == ["after 0"]


def test_messages_need_a_request():
    for call in (lambda: flash("x"), get_flashed_messages, lambda: after_this_request(print)):
        with pytest.raises(RuntimeError, match="outside a request"):
            call()


def test_functions_for_this_request_see_its_response_before_the_hooks():
    app = application()
    seen = []

    @app.get("/")
    def index():
        @after_this_request
        def first(response):
            response.headers["x-first"] = "1"

        @after_this_request
        async def second(response):
            return Response.text(response.headers["x-first"], headers={"x-second": "2"})

        return "index"

    app.get("/other")(lambda: "other")
    app.after_request(lambda response: seen.append(response.headers.get("x-second")))
    client = app.test_client()
    assert client.get("/").text == "1"
    assert client.get("/other").text == "other"
    assert seen == ["2", None]


def test_a_function_for_this_request_that_fails_is_answered():
    app = application()

    @app.get("/")
    def index():
        after_this_request(lambda response: [].pop())
        after_this_request(lambda response: response.headers.update({"x-status": str(response.status_code)}))
        return "index"

    app.errorhandler(IndexError)(lambda error: ("sorry", 503))
    response = app.test_client().get("/")
    assert (response.text, response.headers["x-status"]) == ("sorry", "503")


def test_a_value_becomes_a_response_to_change():
    app = application()

    @app.get("/")
    def index():
        session["seen"] = True
        response = make_response({"a": 1}, 201, {"x-a": "1"})
        response.headers["x-b"] = "2"
        return response

    response = app.test_client().get("/")
    assert (response.status_code, response.json(), response.headers["x-a"], response.headers["x-b"]) == (
        201,
        {"a": 1},
        "1",
        "2",
    )
    assert make_response().body == b""
    assert make_response("text").body == b"text"
    assert make_response(None).status_code == 204
    with pytest.raises(TypeError):
        make_response(1, 2, 3, 4)
