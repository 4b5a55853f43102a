"""Most answers are sent without a Response being made. Nobody can tell: each is what it is where a hook is shown a Response.

A test client has the answers verified, which makes a Response of each; so the application is called here as a server calls it.
"""

import re
from collections.abc import Callable
from typing import Any, cast

import pytest
from msgspec import Struct

from flasgo import (
    Cache,
    FileResponse,
    Flasgo,
    Request,
    Response,
    Session,
    Settings,
    UploadedFile,
    after_this_request,
    csp_nonce,
    csrf_token,
    flash,
    rate_limit,
)
from flasgo.types import Scope


class Named(Struct):
    name: str


class More(Named):
    secret: str = "kept"


async def text() -> str:
    return "näme"


async def record() -> Named:
    return Named("näme")


async def mapping() -> dict[str, int]:
    return {"a": 1}


async def records() -> list[Named]:
    return [Named("a"), Named("b")]


async def subclass() -> Named:
    return More("a")


async def with_status() -> Named:
    return cast("Named", (Named("a"), 202, {"x-a": "1"}))


async def reads_session(session: Session) -> str:
    return str(session.get("a"))


async def writes_session(session: Session) -> str:
    session["a"] = 1
    return "written"


async def asks_token() -> str:
    return str(len(csrf_token()))


async def asks_nonce() -> str:
    return str(len(csp_nonce()))


async def flashes() -> str:
    flash("hello")
    return "flashed"


async def leaves_a_hook() -> str:
    after_this_request(lambda response: Response(response.body + b" and more", 201))
    return "hook"


async def writes_headers() -> Response:
    response = Response("own")
    response.headers["x-own"] = "1"
    return response


async def works_later(request: Request) -> str:
    request.background.add(lambda: None)
    return "later"


async def fails() -> str:
    raise ValueError("on purpose")


async def file() -> Response:
    return FileResponse(__file__)


async def upload(file: UploadedFile | None = None) -> str:
    return "none" if file is None else file.filename


HANDLERS: list[Callable[..., Any]] = [
    text,
    record,
    mapping,
    records,
    subclass,
    with_status,
    reads_session,
    writes_session,
    asks_token,
    asks_nonce,
    flashes,
    leaves_a_hook,
    writes_headers,
    works_later,
    fails,
    file,
    upload,
]


def application(*, shown: bool, **settings: Any) -> Flasgo[Settings]:
    app = Flasgo(settings={"SECRET_KEY": "test-plain-0123456789abcdefghijkl", **settings})
    if shown:
        app.after_request(lambda response: response)
    return app


async def asked(app: Flasgo[Settings], method: str, **more: Any) -> tuple[int, list[tuple[bytes, bytes]], bytes]:
    """What is sent; tokens, ids and the moment are made alike."""
    scope: Scope = {
        "type": "http",
        "http_version": "1.1",
        "method": method,
        "scheme": "http",
        "path": "/",
        "raw_path": b"/",
        "query_string": b"",
        "headers": [(b"host", b"localhost")],
        **more,
    }
    events: list[Any] = []

    async def receive() -> Any:
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(event: Any) -> None:
        events.append(event)

    await app(scope, receive, send)
    start = events[0]
    fields = [(name, re.sub(rb"=[^;]{20,}|'nonce-[^']*'", b"=...", value)) for name, value in start["headers"]]
    return int(start["status"]), sorted(fields), b"".join(event.get("body", b"") for event in events[1:])


@pytest.mark.parametrize("handler", HANDLERS)
@pytest.mark.parametrize("method", ["GET", "HEAD", "POST"])
async def test_what_a_handler_does_is_answered_alike(handler, method):
    answers = []
    for shown in (False, True):
        app = application(shown=shown)
        app.route("/", methods=["GET", "POST"], csrf=False)(handler)
        answers.append(await asked(app, method))
    assert answers[0] == answers[1]
    status, fields, body = answers[0]
    assert bool(body) is (method != "HEAD")
    assert int(dict(fields)[b"content-length"]) >= len(body)
    assert dict(fields)[b"x-content-type-options"] == b"nosniff"
    assert status == {fails: 500, leaves_a_hook: 201, with_status: 202}.get(handler, 200)


@pytest.mark.parametrize("handler", [text, record, mapping])
@pytest.mark.parametrize("status", [200, 201, 203, 413, 422, 500, 204, 304])
async def test_every_status_is_answered_alike(handler, status):
    answers = []
    for shown in (False, True):
        app = application(shown=shown)
        try:
            app.get("/", status_code=status)(handler)
            answers.append(await asked(app, "GET"))
        except Exception as error:
            answers.append(type(error))
    assert answers[0] == answers[1]


@pytest.mark.parametrize(
    "options",
    [{"etag": True}, {"headers": {"x-route": "1"}}, {"cache": Cache(public=True, max_age=60)}, {"limited": True}, {}],
)
@pytest.mark.parametrize("scheme", ["http", "https", "HTTPS"])
@pytest.mark.parametrize("cookie", [b"", b"a=b", b"flasgo-csrf=x", b"flasgo-csrf=x; a=b"])
async def test_what_a_route_asks_for_is_answered_alike(options, scheme, cookie):
    answers = []
    for shown in (False, True):
        app = application(shown=shown)
        limited = rate_limit(2, per=60)(app.get("/")(text)) if options == {"limited": True} else None
        if limited is None:
            app.get("/", **options)(text)
        headers = [(b"host", b"localhost"), *([(b"cookie", cookie)] if cookie else [])]
        answers.append(await asked(app, "GET", scheme=scheme, headers=headers))
    assert answers[0] == answers[1]
