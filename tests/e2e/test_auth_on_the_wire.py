"""Tokens that no client library would send, and a session login by curl, through `flasgo run`."""

import json
import re
import shutil
import socket
import subprocess
from contextlib import closing
from pathlib import Path
from urllib.parse import urlsplit

import pytest

APPLICATION = """
    from flasgo import Flasgo, User, bearer_token_backend, csrf_token, login, logout, redirect, session_backend

    ADA = User(id="ada", is_authenticated=True)
    seen = []
    app = Flasgo(settings={
        "SECRET_KEY": "on-the-wire-0123456789abcdefghijklmnopq",
        "SESSION_COOKIE_SECURE": False, "CSRF_COOKIE_SECURE": False, "CREDENTIAL_FAILURE_LIMIT": 0,
    })

    def validate(token: str) -> User | None:
        seen.append(token)
        return ADA if token == "good" else None

    app.register_auth_backend("bearer", bearer_token_backend(validate))
    app.register_auth_backend("session", session_backend(lambda id: ADA if id == "ada" else None))

    @app.get("/token", auth="bearer")
    def token() -> str:
        return "in"

    @app.get("/seen")
    def what() -> list[str]:
        return seen

    @app.get("/")
    async def form() -> dict[str, str]:
        return {"csrf": csrf_token()}

    @app.post("/login")
    async def log_in():
        login(ADA)
        return redirect("/me")

    @app.post("/logout")
    async def log_out() -> None:
        logout()

    @app.get("/me", auth="session")
    async def me(user: User) -> str:
        return str(user.id)
"""


def status_of(url: str, authorization: bytes) -> int:
    """The status of a request that is sent as these bytes; 0 where the server hangs up."""
    port = urlsplit(url).port or 0
    with closing(socket.create_connection(("127.0.0.1", port), timeout=10)) as connection:
        head = b"GET /token HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\nAuthorization: %s\r\n\r\n"
        connection.sendall(head % authorization)
        received = b""
        while piece := connection.recv(65_536):
            received += piece
    return int(received.split(b" ", 2)[1]) if received else 0


def test_control_characters_in_a_token_reach_no_validator(workshop) -> None:
    workshop.write("app.py", APPLICATION)
    server = workshop.serve("app.py")

    assert status_of(server.url, b"Bearer good") == 200
    for token in (
        b"go\0od",
        b"good\0",
        b"\0good",
        b"go\rod",
        b"go\nod",
        b"go\x7fod",
        b"go\tod",
        b"g\xf6\xf6d",
        b"good\r\n x",
    ):
        assert status_of(server.url, b"Bearer " + token) in {0, 400, 401}, token
    # A header of its own is one, and no part of the token.
    assert status_of(server.url, b"Bearer good\r\nX-More: 1") == 200
    assert status_of(server.url, b"Bearer good\r\nAuthorization: Bearer good") == 400
    status, seen = server.get("/seen")
    assert (status, json.loads(seen)) == (200, ["good", "good"])


@pytest.mark.skipif(shutil.which("curl") is None, reason="curl is not installed")
def test_a_session_is_opened_kept_and_closed_by_curl(workshop, tmp_path: Path) -> None:
    workshop.write("app.py", APPLICATION)
    server = workshop.serve("app.py")
    jar = tmp_path / "cookies"

    def curl(path: str, *arguments: str) -> str:
        url = server.url.rstrip("/") + path
        command = ("curl", "-s", "-b", str(jar), "-c", str(jar), "-w", " %{http_code}", *arguments, url)
        return subprocess.run(command, capture_output=True, text=True, check=True, timeout=20).stdout

    assert curl("/me").endswith(" 401")
    form = curl("/")
    token = re.search(r'"csrf":"([^"]+)"', form)
    assert token is not None
    origin = ("-H", f"Origin: {server.url.rstrip('/')}")
    assert curl("/login", *origin, "-X", "POST").endswith(" 403")
    assert curl("/login", *origin, "-L", "-d", f"csrf_token={token[1]}") == "ada 200"
    assert curl("/me") == "ada 200"
    again = re.search(r'"csrf":"([^"]+)"', curl("/"))
    assert again is not None
    assert again[1] != token[1]  # bound to the session, which login has made anew
    ended = curl("/logout", *origin, "-i", "-d", f"csrf_token={again[1]}")
    assert ended.endswith(" 204")
    assert re.search(r"set-cookie: flasgo-session=; .*Max-Age=0", ended)
    jar.unlink()  # curl 7.88 reads its file again before it writes it, and so brings ended cookies back
    assert curl("/me").endswith(" 401")
