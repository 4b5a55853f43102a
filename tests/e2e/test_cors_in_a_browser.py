"""What a real browser makes of CORS: two servers, two origins of two sites, and scripts that try to read."""

from pathlib import Path

import pytest

CHROMIUM = "/usr/bin/chromium"
sync_api = pytest.importorskip("playwright.sync_api")

PAGES = """
    from flasgo import Flasgo, Response

    app = Flasgo()

    @app.get("/")
    async def page() -> Response:
        return Response.html("<title>page</title>", headers={"content-security-policy": "connect-src *"})
"""

API = """
    import os
    from msgspec import Struct
    from flasgo import CORS, Flasgo, IsAuthenticated, Response, User, bearer_token_backend, session

    class Note(Struct, frozen=True):
        pages: int

    app = Flasgo(settings={"SECRET_KEY": "test-browser-0123456789abcdefghijkl", "SESSION_COOKIE_SECURE": False})
    app.register_auth_backend("bearer", bearer_token_backend(lambda token: User(id=token, is_authenticated=True)))
    page = CORS(origins=[os.environ["PAGE"]], headers=["authorization", "content-type"], expose=["x-total"])

    @app.put("/notes", auth="bearer", permissions=[IsAuthenticated()], cors=page)
    async def put(note: Note) -> Note:
        return note

    @app.get("/total", cors=page)
    async def total() -> Response:
        return Response("7", headers={"x-total": "7", "x-secret": "8"})

    @app.get("/closed")
    async def closed() -> str:
        return "closed"

    @app.get("/elsewhere", cors=CORS(origins=["https://elsewhere.example"]))
    async def elsewhere() -> str:
        return "elsewhere"

    @app.get("/public", cors=CORS(origins=["*"]))
    async def public() -> str:
        return "public"

    @app.get("/mine", cors=CORS(origins=[os.environ["PAGE"]], credentials=True))
    async def mine() -> str:
        return "mine"

    @app.get("/slash/", cors=page)
    async def slash() -> str:
        return "slash"
"""

SCRIPT = """async ([url, options]) => {
    try {
        const answer = await fetch(url, options);
        return [answer.status, await answer.text(), answer.headers.get("x-total"), answer.headers.get("x-secret")];
    } catch (error) { return [error.name]; }
}"""


@pytest.mark.slow
@pytest.mark.skipif(not Path(CHROMIUM).exists(), reason="there is no browser")
def test_scripts_read_what_is_shared_with_their_page_and_nothing_else(workshop):
    workshop.write("pages.py", PAGES)
    workshop.write("api.py", API)
    pages = workshop.serve("pages.py")
    workshop.environment["PAGE"] = pages.url
    api = workshop.serve("api.py").url.replace("127.0.0.1", "localhost")
    refused = ["TypeError"]
    with sync_api.sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        page = browser.new_page()
        page.goto(pages.url)

        def fetch(path, **options):
            return page.evaluate(SCRIPT, [api + path, options])

        json = {"content-type": "application/json"}
        token = {**json, "authorization": "Bearer ada"}
        assert fetch("/notes", method="PUT", headers=token, body='{"pages":7}') == [200, '{"pages":7}', None, None]
        invalid = fetch("/notes", method="PUT", headers=token, body='{"pages":"x"}')
        assert (invalid[0], '"pointer":"/pages"' in invalid[1]) == (422, True)
        assert fetch("/notes", method="PUT", headers=json, body="{}")[0] == 401
        assert fetch("/notes", method="PUT", headers={**token, "x-other": "1"}, body="{}") == refused
        assert fetch("/notes", method="DELETE", headers=token) == refused
        assert fetch("/total") == [200, "7", "7", None]
        assert fetch("/slash") == [200, "slash", None, None]
        assert fetch("/closed") == refused
        assert fetch("/elsewhere") == refused
        assert fetch("/public") == [200, "public", None, None]
        assert fetch("/public", credentials="include") == refused
        assert fetch("/mine", credentials="include") == [200, "mine", None, None]
        assert fetch("/total", credentials="include") == refused
        assert fetch("/nowhere") == refused

        sandboxed = f"<script>fetch({api + '/mine'!r}).then(a => parent.postMessage('read', '*'), () => parent.postMessage('refused', '*'))</script>"
        told = page.evaluate(
            """html => new Promise(resolve => {
                addEventListener("message", event => resolve(event.origin + " " + event.data));
                const frame = document.createElement("iframe");
                frame.sandbox = "allow-scripts"; frame.srcdoc = html; document.body.append(frame);
            })""",
            sandboxed,
        )
        assert told == "null refused"
        browser.close()
