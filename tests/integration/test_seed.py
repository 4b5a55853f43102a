"""The README of release 0.5.1 is a promise: every Python block of it runs here, word for word."""

import re
import secrets
import socket
from pathlib import Path
from typing import Any

import pytest

from flasgo import Flasgo, SettingsError

README = (Path(__file__).parent / "seed_readme.txt").read_text()
BLOCKS = [str(match[1]) for match in re.finditer(r"^```python\n(.*?)^```$", README, re.S | re.M)]


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A working directory with what the README takes for granted."""
    for name, text in {
        "static/app.css": "body { margin: 0 }",
        "assets/logo.txt": "logo",
        "templates/home.html": "<h1>{{ title }}</h1>",
    }.items():
        path = tmp_path / name
        path.parent.mkdir()
        path.write_text(text)
    monkeypatch.chdir(tmp_path)
    return tmp_path


FRAGMENTS = (
    "async def contact",
    "^app.run(",
    'os.environ["FLASGO_SECRET_KEY"]',
    "def report_summary",
    "def me():",
    "def inspect()",
    "Response.template(",
    "html = app.render_template",
    "async def signup",
    'app.configure_static("assets"',
    "client.post(",
    "replace-in-production",
    "def validate_token",
    "resolve_outbound_url",
    '"ENABLE_DOCS": True',
)
"""One of each block."""


def block(fragment: str) -> str:
    """The block that has this in it, or with ^ begins with it."""
    assert fragment in FRAGMENTS
    (found,) = (one for one in BLOCKS if fragment.removeprefix("^") in (one if fragment[0] != "^" else one[:20]))
    return found


def run(fragment: str, names: dict[str, Any] | None = None) -> dict[str, Any]:
    """Run a block; `names` are those of what it continues. Gives all names."""
    names = {"__name__": "seed"} if names is None else names
    exec(compile(block(fragment), "README.md", "exec"), names)
    return names


def test_every_block_is_run_here() -> None:
    assert [block(fragment) for fragment in FRAGMENTS] == BLOCKS


def test_the_quick_start_answers_json_and_forms() -> None:
    client = run("async def contact")["app"].test_client()

    assert client.get("/").json() == {"framework": "flasgo", "status": "ok"}
    assert client.get("/static/app.css").text == "body { margin: 0 }"
    headers = {"x-csrf-token": client.cookies["flasgo-csrf"], "origin": "http://localhost"}
    sent = client.post("/contact", data={"email": "a@example.com"}, headers=headers)
    assert (sent.status_code, sent.headers["location"]) == (302, "/thanks")
    missing = client.post("/contact", data={"name": "x"}, headers=headers)
    assert (missing.status_code, missing.json()) == (400, {"error": "email is required"})
    assert client.post("/contact", data={"email": "a@example.com"}).status_code == 403


def test_the_application_runs_itself_with_reload(monkeypatch: pytest.MonkeyPatch) -> None:
    calls: list[dict[str, object]] = []
    monkeypatch.setattr("flasgo.server.run.run_app", lambda _app, **options: calls.append(options))
    run("^app.run(", {"app": Flasgo()})
    run("async def contact", {"__name__": "__main__"})

    assert calls == [{"host": "127.0.0.1", "port": 8000, "reload": True, "reload_dirs": None}] * 2


def test_production_settings_come_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FLASGO_SECRET_KEY", secrets.token_hex(32))
    app = run('os.environ["FLASGO_SECRET_KEY"]')["app"]

    assert {"api.example.com"} == app.settings.ALLOWED_HOSTS
    assert app.test_client().get("/", headers={"host": "elsewhere.example"}).status_code == 400


def test_limits_hold_by_route_scope_and_key() -> None:
    names = run("def report_summary")
    run("def me():", names)
    client = names["app"].test_client()
    client.get("/me")
    headers = {"x-csrf-token": client.cookies["flasgo-csrf"], "origin": "http://localhost"}

    statuses = [client.post("/login", headers=headers).status_code for _ in range(6)]
    assert statuses == [200] * 5 + [429]
    denied = client.post("/login", headers=headers)
    assert {"retry-after", "ratelimit-limit", "ratelimit-remaining", "ratelimit-reset"} <= set(denied.headers)
    assert {"x-ratelimit-limit", "x-ratelimit-remaining", "x-ratelimit-reset"} <= set(denied.headers)
    shared = [client.get(path).status_code for path in ("/reports", "/report-summary") * 10]
    assert shared == [200] * 20
    assert client.get("/report-summary").status_code == 429
    assert client.get("/me").headers["ratelimit-limit"] == "100"


def test_request_is_a_global() -> None:
    client = run("def inspect()")["app"].test_client()

    assert client.get("/inspect").json() == {"method": "GET", "path": "/inspect"}


def test_templates_are_rendered() -> None:
    names = run("Response.template(")
    run("html = app.render_template", names)
    answer = names["app"].test_client().get("/")

    assert (answer.text, answer.headers["content-type"]) == ("<h1>Welcome</h1>", "text/html; charset=utf-8")
    assert names["html"] == "<h1>Welcome</h1>"


def test_forms_and_files_are_read() -> None:
    client = run("async def signup")["app"].test_client()
    client.get("/")
    answer = client.post(
        "/signup",
        data={"email": "a@example.com", "interests": ["x", "y"]},
        files={"avatar": ("me.png", b"png", "image/png")},
        headers={"x-csrf-token": client.cookies["flasgo-csrf"], "origin": "http://localhost"},
    )

    assert answer.json() == {"email": "a@example.com", "interests": ["x", "y"], "avatar_name": "me.png"}


def test_static_files_are_served_from_two_folders() -> None:
    client = run('app.configure_static("assets"')["app"].test_client()

    assert client.get("/static/app.css").headers["cache-control"] == "public, max-age=3600"
    logo = client.get("/assets/logo.txt")
    assert logo.headers["cache-control"] == "public, max-age=86400"
    assert {"etag", "last-modified"} <= set(logo.headers)
    assert client.get("/assets/logo.txt", headers={"if-none-match": logo.headers["etag"]}).status_code == 304


def test_the_client_tests_an_application() -> None:
    before, middle, after = block("client.post(").partition("response =")
    names: dict[str, Any] = {}
    exec(before, names)
    names["app"].add_route(
        "/api/login", lambda: {"ok": True}, methods=("POST",)
    )  # what the README leaves to its reader
    exec(middle + after, names)

    assert names["response"].json() == {"ok": True}


def test_a_secret_that_was_to_be_replaced_is_refused_until_it_is() -> None:
    with pytest.raises(SettingsError, match="SECRET_KEY"):
        run("replace-in-production", {"Flasgo": Flasgo})
    names: dict[str, Any] = {"Flasgo": Flasgo}
    exec(block("replace-in-production").replace("replace-in-production", secrets.token_hex(32)), names)

    assert {"api.example.com"} == names["app"].settings.ALLOWED_HOSTS


def test_bearer_tokens_and_permissions() -> None:
    client = run("def validate_token")["app"].test_client()

    assert client.get("/admin").status_code == 401
    assert client.get("/admin", headers={"authorization": "Bearer nope"}).status_code == 401
    assert client.get("/admin", headers={"authorization": "Bearer token-123"}).text == "ok"


def test_outbound_urls_are_pinned(monkeypatch: pytest.MonkeyPatch) -> None:
    found = [(socket.AF_INET, socket.SOCK_STREAM, 6, "", ("93.184.216.34", 443))]
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_args, **_options: found)
    target = run("resolve_outbound_url")["target"]

    assert (target.url, target.host_header) == ("https://93.184.216.34/data", "api.example.com")


def test_documents_are_where_settings_say() -> None:
    client = run('"ENABLE_DOCS": True', {"Flasgo": Flasgo})["app"].test_client()
    spec = client.get("/api/openapi.json").json()

    assert spec["info"] == {"title": "My API", "version": "1.2.3", "description": "Internal service API"}
    assert "My API" in client.get("/api-docs").text
