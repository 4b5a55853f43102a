import asyncio
import gc
import threading
import warnings
from collections.abc import Mapping
from typing import assert_type

import msgspec
import pytest

from flasgo.testing.client import MAX_REDIRECTS, TestClient
from flasgo.testing.response import TestResponse


class Echo:
    """Answers with what it was asked; `/redirect/<status>?to=…` redirects, `/set?…` sets cookies, `/state` counts."""

    def __init__(self):
        self.log = []
        self.loops = []

    async def __call__(self, scope, receive, send):
        if scope["type"] == "lifespan":
            return await self.live(scope, receive, send)
        self.loops.append(asyncio.get_running_loop())
        body = b""
        while True:
            event = await receive()
            body += event["body"]
            if not event["more_body"]:
                break
        status, headers, told = self.answer(scope, body)
        await send({"type": "http.response.start", "status": status, "headers": headers})
        await send({"type": "http.response.body", "body": msgspec.json.encode(told)})

    def answer(self, scope, body):
        query = scope["query_string"].decode()
        action = scope["path"].removeprefix(scope["root_path"])
        if action.startswith("/redirect/"):
            return int(action[-3:]), [(b"location", query.removeprefix("to=").encode())], None
        if action == "/set":
            return 200, [(b"set-cookie", cookie.replace("_", "; ").encode()) for cookie in query.split("&")], None
        if action == "/fail":
            raise LookupError("mine")
        headers = [[name.decode("latin-1"), value.decode("latin-1")] for name, value in scope["headers"]]
        told = {
            "method": scope["method"],
            "scheme": scope["scheme"],
            "path": scope["path"],
            "query": query,
            "headers": headers,
            "client": scope["client"],
            "body": body.decode("latin-1"),
            "state": scope["state"],
        }
        return 200, [(b"content-type", b"application/json")], told

    async def live(self, scope, receive, send):
        self.loops.append(asyncio.get_running_loop())
        scope["state"]["db"] = "open"
        for phase in ("startup", "shutdown"):
            await receive()
            self.log.append(phase)
            await send({"type": f"lifespan.{phase}.complete"})


@pytest.fixture
def app():
    return Echo()


@pytest.fixture
def client(app):
    client = TestClient(app)
    yield client
    client.close()


def header(response, name):
    return dict(map(tuple, response.json()["headers"])).get(name)


@pytest.mark.parametrize("method", ["GET", "OPTIONS", "POST", "PUT", "PATCH", "DELETE"])
def test_every_method_has_its_short_cut(client: TestClient, method: str):
    response = getattr(client, method.lower())("/x", body=b"content")
    assert_type(client.get("/x"), TestResponse)
    assert (response.status_code, response.json()["method"], response.json()["body"]) == (200, method, "content")


def test_head_has_no_body(client):
    response = client.head("/x")
    assert (response.status_code, response.body) == (200, b"")


def test_a_request_has_the_defaults_of_a_local_browser(client):
    assert client.request("get", "/a%20b?c=d").json() == {
        "method": "GET",
        "scheme": "http",
        "path": "/a b",
        "query": "c=d",
        "headers": [["host", "localhost"]],
        "client": ["127.0.0.1", 50000],
        "body": "",
        "state": {},
    }


def test_the_client_says_where_it_comes_from_and_goes_to(app):
    client = TestClient(
        app,
        base_url="https://shop.example:8443/",
        root_path="/api",
        client=("10.0.0.1", 1),
        headers={"accept": "text/html"},
    )
    told = client.get("x", params={"q": "1"}).json()
    assert (told["scheme"], told["path"], told["query"], told["client"]) == ("https", "/api/x", "q=1", ["10.0.0.1", 1])
    assert told["headers"] == [["host", "shop.example:8443"], ["accept", "text/html"]]
    client.close()


def test_the_peer_may_be_unknown(app):
    client = TestClient(app, client=None)
    assert client.get("/").json()["client"] is None
    client.close()


@pytest.mark.parametrize("url", ["localhost", "http://localhost/api", "http://localhost?x"])
def test_a_base_url_is_scheme_and_host(app, url):
    with pytest.raises(ValueError):
        TestClient(app, base_url=url)


def test_scheme_and_a_whole_url_override_the_base(client):
    assert client.get("/", scheme="https").json()["scheme"] == "https"
    told = client.get("https://shop.example/x").json()
    assert (told["scheme"], told["headers"]) == ("https", [["host", "shop.example"]])


def test_json_data_and_files_are_encoded(client):
    assert client.post("/", json={"a": None}).json()["body"] == '{"a":null}'
    assert client.post("/", data={"a": ["1", "2"]}).json()["body"] == "a=1&a=2"
    response = client.post("/", data={"a": "1"}, files={"f": ("n.txt", "text")})
    assert header(response, "content-type").startswith("multipart/form-data; boundary=flasgo-")
    assert header(response, "content-length") == str(len(response.json()["body"]))


def test_a_stream_is_a_body(client):
    async def pieces():
        yield b"a"
        yield b"b"

    assert client.post("/", body=pieces()).json()["body"] == "ab"
    assert client.post("/", body=[b"a", b"b"]).json()["body"] == "ab"


def test_mistakes_in_the_call_are_told_at_once(client):
    with pytest.raises(ValueError, match="only one of"):
        client.post("/", json={}, data={})
    with pytest.raises(TypeError, match="jsn"):
        client.post("/", jsn={})


def test_cookies_are_kept_sent_and_deleted(client):
    response = client.get("/set?a=1_Path=/&b=2_Path=/_Secure_HttpOnly")
    assert response.headers["set-cookie"].split("\n") == ["a=1; Path=/", "b=2; Path=/; Secure; HttpOnly"]
    assert response.cookies == client.cookies == {"a": "1", "b": "2"}
    assert header(client.get("/deep/er"), "cookie") == "a=1; b=2"
    client.get("/set?a=_Path=/_Max-Age=0")
    assert client.cookies == {"b": "2"}
    client.clear_cookies()
    assert client.cookies == {}
    assert header(client.get("/"), "cookie") is None


def test_the_cookies_that_it_shows_are_a_copy(client):
    client.cookies["a"] = "1"
    assert client.cookies == {}


def test_cookies_are_set_by_hand(client):
    client.set_cookie("a", "x=y z")
    client.set_cookie("b", domain=".Example.com", path="/p", secure=True)
    assert header(client.get("/"), "cookie") == "a=x=y z"
    assert header(client.get("https://www.example.com/p/q"), "cookie") == "b="
    assert header(client.get("http://www.example.com/p/q"), "cookie") is None


@pytest.mark.parametrize(
    ("name", "value"), [("", "x"), ("a b", "x"), ("a=", "x"), ("a", "x;y"), ("a", "x\n"), ("a", "\x7f"), ("a", "→")]
)
def test_a_cookie_that_cannot_be_sent_is_refused(client, name, value):
    with pytest.raises(ValueError, match="the name must be a token"):
        client.set_cookie(name, value)


def test_redirects_are_followed_only_when_asked_for(client):
    response = client.get("/redirect/302?to=/x")
    assert (response.status_code, response.location, response.history) == (302, "/x", [])


def test_redirects_leave_their_history(client):
    response = client.post("/redirect/307?to=/redirect/303?to=/end", json={}, follow_redirects=True)
    assert [hop.status_code for hop in response.history] == [307, 303]
    assert [hop.history for hop in response.history] == [[], []]
    told = response.json()
    assert (told["method"], told["path"], told["body"], told["headers"]) == ("GET", "/end", "", [["host", "localhost"]])


def test_redirects_to_other_hosts_come_back_with_that_host(client):
    client.set_cookie("a", "1")
    response = client.get("/redirect/302?to=https://other.example/x", follow_redirects=True)
    assert response.json()["headers"] == [["host", "other.example"]]


def test_redirects_of_a_mounted_application_are_public_urls(app):
    client = TestClient(app, root_path="/api")
    assert client.get("/redirect/302?to=/api/x", follow_redirects=True).json()["path"] == "/api/x"
    assert client.get("/redirect/302?to=../x", follow_redirects=True).json()["path"] == "/api/x"
    client.get("/set?a=1_Path=/api")
    assert header(client.get("/y"), "cookie") == "a=1"
    client.close()


def test_cookies_set_on_the_way_are_sent_further_on():
    async def app(scope, receive, send):
        cookie = dict(scope["headers"]).get(b"cookie", b"")
        headers = [] if cookie else [(b"set-cookie", b"in=1"), (b"location", b"/")]
        await send({"type": "http.response.start", "status": 200 if cookie else 302, "headers": headers})
        await send({"type": "http.response.body", "body": cookie})

    client = TestClient(app)
    assert client.get("/login", follow_redirects=True).text == "in=1"
    client.close()


def test_ten_redirects_are_followed_and_not_eleven(client):
    path = "/end"
    for _ in range(MAX_REDIRECTS):
        path = f"/redirect/302?to={path}"
    assert len(client.get(path, follow_redirects=True).history) == MAX_REDIRECTS
    with pytest.raises(RuntimeError, match="More than 10 redirects: /redirect/302"):
        client.get(f"/redirect/302?to={path}", follow_redirects=True)


def test_a_redirect_without_location_is_a_response():
    async def app(scope, receive, send):
        await send({"type": "http.response.start", "status": 302, "headers": []})
        await send({"type": "http.response.body"})

    client = TestClient(app)
    assert client.get("/", follow_redirects=True).status_code == 302
    client.close()


def test_exceptions_are_raised_or_answered_as_asked(client, app):
    with pytest.raises(LookupError, match="mine"):
        client.get("/fail")
    quiet = TestClient(app, raise_server_exceptions=False)
    response = quiet.get("/fail")
    assert (response.status_code, response.text) == (500, "Internal Server Error")
    quiet.close()


def test_an_application_that_hangs_fails_the_test():
    async def app(scope, receive, send):
        await asyncio.Event().wait()

    client = TestClient(app, timeout=0.01)
    with pytest.raises(TimeoutError, match=r"GET http://localhost/slow did not finish within 0\.01 s"):
        client.get("/slow")
    with pytest.raises(TimeoutError, match="The application's startup did not finish"):
        with client:
            pass


def test_sync_requests_share_one_loop(client, app):
    client.get("/")
    client.get("/")
    assert app.loops[0] is app.loops[1]


async def test_arequest_runs_in_the_running_loop(client, app):
    response = await client.arequest("POST", "/redirect/307?to=/x", json=[], follow_redirects=True)
    assert response.json()["body"] == "[]"
    assert set(app.loops) == {asyncio.get_running_loop()}


async def test_requests_may_run_at_once():
    together = asyncio.Barrier(3)

    async def app(scope, receive, send):
        await together.wait()
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": scope["path"].encode()})

    client = TestClient(app)
    responses = await asyncio.gather(*(client.arequest("GET", f"/{n}") for n in range(3)))
    assert [response.text for response in responses] == ["/0", "/1", "/2"]


async def test_sync_requests_work_inside_a_running_loop(client, app):
    assert client.get("/").status_code == 200
    assert (await client.arequest("GET", "/")).status_code == 200
    assert len(set(app.loops)) == 1


def test_with_runs_the_lifespan_in_the_loop_of_the_requests(app):
    with TestClient(app) as client:
        assert app.log == ["startup"]
        assert client.get("/").json()["state"] == {"db": "open"}
    assert app.log == ["startup", "shutdown"]
    assert len(set(app.loops)) == 1
    assert app.loops[0].is_closed()


async def test_async_with_does_it_in_the_running_loop(app):
    async with TestClient(app) as client:
        assert app.log == ["startup"]
        assert (await client.arequest("GET", "/")).json()["state"] == {"db": "open"}
    assert app.log == ["startup", "shutdown"]
    assert set(app.loops) == {asyncio.get_running_loop()}


async def test_plain_with_works_inside_a_running_loop(app):
    with TestClient(app) as client:
        assert (await client.arequest("GET", "/")).json()["state"] == {"db": "open"}
    assert app.log == ["startup", "shutdown"]


def test_without_with_no_lifespan_runs(client, app):
    client.get("/")
    assert app.log == []


def test_a_client_may_be_used_again_after_it_was_closed(client, app):
    with client:
        client.set_cookie("a", "1")
    with client:
        assert header(client.get("/"), "cookie") == "a=1"
    assert client.get("/").json()["state"] == {}
    assert app.log == ["startup", "shutdown"] * 2


async def test_a_client_is_entered_once_at_a_time(client):
    with client:
        with pytest.raises(RuntimeError, match="enter a client once"):
            client.__enter__()
        with pytest.raises(RuntimeError, match="enter a client once"):
            await client.__aenter__()
        assert client.get("/").status_code == 200


def failing(phase):
    async def app(scope, receive, send):
        if phase == "shutdown":
            await receive()
            await send({"type": "lifespan.startup.complete"})
        await receive()
        await send({"type": f"lifespan.{phase}.failed", "message": "no database"})

    return app


@pytest.mark.parametrize("phase", ["startup", "shutdown"])
async def test_a_lifespan_that_fails_raises_its_message_and_leaves_no_thread(phase):
    before = set(threading.enumerate())
    with pytest.raises(RuntimeError, match=f"Application {phase} failed: no database"):
        with TestClient(failing(phase)):
            pass
    assert set(threading.enumerate()) <= before  # a thread of an earlier test may end meanwhile
    with pytest.raises(RuntimeError, match=f"Application {phase} failed: no database"):
        async with TestClient(failing(phase)):
            pass


def test_a_failing_test_still_shuts_down(app):
    with pytest.raises(LookupError):
        with TestClient(app):
            raise LookupError
    assert app.log == ["startup", "shutdown"]


async def test_aclose_is_close_for_a_running_loop(client, app):
    await client.arequest("GET", "/")
    await client.aclose()
    await client.aclose()
    await client.__aenter__()
    await client.aclose()
    assert app.log == ["startup", "shutdown"]


def test_a_forgotten_client_leaves_neither_thread_nor_warning(app):
    before = set(threading.enumerate())
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        client = TestClient(app)
        client.get("/")
        assert len(set(threading.enumerate()) - before) == 1
        del client
        app.loops.clear()
        gc.collect()
    assert set(threading.enumerate()) <= before  # a thread of an earlier test may end meanwhile
    assert caught == []


def test_pytest_does_not_collect_it():
    assert TestClient.__test__ is False


def test_headers_of_a_response_are_a_mapping(client):
    assert isinstance(client.get("/").headers, Mapping)
