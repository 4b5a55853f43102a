import pytest

from flasgo import Cache, Flasgo, RegistrationError, Request, Response, Session, Settings


def application(**settings: object) -> Flasgo[Settings]:
    return Flasgo(settings={"SECRET_KEY": "test-etags-0123456789abcdefghijklmn", **settings})


@pytest.fixture
def app() -> Flasgo[Settings]:
    app = application()

    @app.get("/books", etag=True)
    async def books() -> dict[str, str]:
        return {"title": "Emma"}

    return app


def test_an_answer_has_a_tag_and_is_not_sent_twice(app):
    client = app.test_client()
    first = client.get("/books")
    assert (first.status_code, first.json()) == (200, {"title": "Emma"})
    assert first.headers["cache-control"] == "private, max-age=0"
    assert "pragma" not in first.headers
    tag = first.headers["etag"]
    for condition in (tag, f"W/{tag}", f'"other", {tag}', "*"):
        again = client.get("/books", headers={"if-none-match": condition})
        assert (again.status_code, again.body, again.headers["etag"]) == (304, b"", tag)
        assert again.headers["cache-control"] == "private, max-age=0"
        assert "content-type" not in again.headers
        assert again.headers["x-content-type-options"] == "nosniff"
    assert client.get("/books", headers={"if-none-match": '"other"'}).status_code == 200
    assert client.head("/books", headers={"if-none-match": tag}).status_code == 304
    assert client.head("/books").headers["etag"] == tag


def test_a_condition_that_fails_is_412(app):
    client = app.test_client()
    tag = client.get("/books").headers["etag"]
    assert client.get("/books", headers={"if-match": tag}).status_code == 200
    refused = client.get("/books", headers={"if-match": '"other"', "accept": "application/json"})
    assert (refused.status_code, refused.json()["status"]) == (412, 412)
    assert "no-store" in refused.headers["cache-control"]


def test_the_tag_is_of_what_the_hooks_have_made_of_the_answer(app: Flasgo[Settings]):
    @app.after_request
    async def change(response):
        response.body += b" "

    client = app.test_client()
    tag = client.get("/books").headers["etag"]
    assert client.get("/books", headers={"if-none-match": tag}).status_code == 304


def test_the_handlers_own_tag_is_kept():
    app = application()
    app.add_route("/own", lambda: Response("x", headers={"etag": '"v1"'}), name="own", etag=True)
    app.add_route("/bad", lambda: Response("x", headers={"etag": "v1"}), name="bad", etag=True)
    client = app.test_client()
    assert client.get("/own").headers["etag"] == '"v1"'
    assert client.get("/own", headers={"if-none-match": '"v1"'}).status_code == 304
    assert client.get("/bad").headers.getlist("etag") == [client.get("/bad").headers["etag"]]
    assert client.get("/bad").headers["etag"].startswith('"')


def test_what_is_one_visitors_own_or_says_no_store_is_never_304():
    app = application()

    @app.get("/mine", etag=True)
    async def mine(session: Session) -> str:
        return f"user {session.get('user')}"

    @app.get("/form", etag=True)
    async def form(request: Request) -> str:
        request.csrf_token()
        return "form"

    @app.get("/never", etag=True)
    async def never() -> Response:
        return Response("x", headers={"cache-control": "no-store"})

    @app.get("/cookie", etag=True)
    async def cookie() -> Response:
        response = Response("x")
        response.set_cookie("a", "b")
        return response

    @app.get("/missing", etag=True)
    async def missing() -> Response:
        return Response("x", 404)

    client = app.test_client()
    for path in ("/mine", "/form", "/never", "/cookie", "/missing"):
        response = client.get(path, headers={"if-none-match": "*"})
        assert response.status_code in {200, 404}
        assert "etag" not in response.headers
        assert "no-store" in response.headers["cache-control"], path


def test_cache_says_how_long_and_writing_has_no_tag():
    app = application(CSRF_ENABLED=False)

    @app.route("/x", methods=["GET", "POST"], etag=True, cache=Cache(public=True, max_age=60))
    async def index() -> str:
        return "x"

    client = app.test_client()
    assert client.get("/x").headers["cache-control"] == "public, max-age=60"
    assert "etag" not in client.post("/x").headers
    with pytest.raises(RegistrationError, match="etag is for answers to GET"):
        application().add_route("/y", index, methods=["POST"], etag=True)


def test_a_route_without_it_has_no_part_of_it(app: Flasgo[Settings]):
    @app.get("/plain")
    async def plain() -> str:
        return "x"

    assert "etag" not in app.test_client().get("/plain").headers
