"""Lessons of others' advisories as bytes on a real socket, against `flasgo run` (SECURITY-DESIGN §11 and §13).

Times are bounds against blow-ups, many times what is needed: quadratic work takes seconds here, or minutes.
"""

import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Generator, Iterator
from contextlib import contextmanager, suppress
from http.client import HTTPResponse
from pathlib import Path
from textwrap import dedent
from types import SimpleNamespace

import pytest

PATIENCE = 20.0
"""Seconds until something that should happen counts as not happening."""

LONG = 20.0
"""Seconds that no single hostile request may take, on a machine that does much else: what blows up takes minutes."""

APPLICATION = """
    import asyncio, os
    from flasgo import CORS, Cache, Flasgo, NotFound, Request, Session

    app = Flasgo(settings={
        "SECRET_KEY": "q7Vd2mXoR9tLkZ4wPbE8sNcYh1JfGu6A",
        "SESSION_COOKIE_SECURE": False,
        "CSRF_COOKIE_SECURE": False,
        "SECURITY_FAILURE_RATE_LIMIT": 0,
    })
    calls = {"public": 0, "curious": 0, "moody": 0}

    @app.route("/look", methods=["GET", "POST"], csrf=False)
    async def look(request: Request) -> dict[str, object]:
        return {
            "cookies": len(request.cookies), "session": len(request.session), "type": request.content_type,
            "headers": len(request.headers), "address": request.client_ip,
        }

    @app.route("/change", methods=["POST", "PUT", "PATCH", "DELETE"])
    async def change() -> str:
        return "changed"

    @app.post("/form", max_body_bytes=4 * 2**20, csrf=False)
    async def form(request: Request) -> dict[str, object]:
        form = await request.form()
        return {"files": [len(await f.read()) for f in form.filelist("f")]}

    @app.get("/limited")
    @app.ratelimit(3, per=60)
    async def limited() -> str:
        return "in"

    @app.route("/shared", methods=["GET", "PUT"], cors=CORS(origins=["https://app.example"], credentials=True))
    async def shared() -> str:
        return "shared"

    @app.get("/open")
    async def open_things() -> str:
        return f"{len(os.listdir('/proc/self/fd'))} {len(asyncio.all_tasks())}"

    @app.get("/me")
    async def me(session: Session) -> str:
        return str(session.get("name", "nobody"))

    @app.get("/become/<name>")
    async def become(session: Session, name: str) -> str:
        session["name"] = name
        return name

    @app.get("/public", cache=Cache(public=True, max_age=60))
    async def public() -> str:
        calls["public"] += 1
        return str(calls["public"])

    @app.get("/curious", cache=Cache(public=True, max_age=60))
    async def curious(session: Session) -> str:
        calls["curious"] += 1
        return f"{calls['curious']} {session.get('name', 'nobody')}"

    @app.get("/moody", cache=Cache(public=True, max_age=60))
    async def moody() -> str:
        calls["moody"] += 1
        if calls["moody"] < 3:
            raise NotFound
        return str(calls["moody"])
"""


@contextmanager
def process(arguments, folder: Path, log: Path) -> Generator[subprocess.Popen[bytes]]:
    with log.open("wb") as output:
        child = subprocess.Popen(arguments, cwd=folder, stdin=subprocess.DEVNULL, stdout=output, stderr=output)
    try:
        yield child
    finally:
        child.terminate()
        try:
            child.wait(PATIENCE)
        except subprocess.TimeoutExpired:
            child.kill()
            child.wait()


def wait_for(look):
    deadline = time.monotonic() + PATIENCE
    while not (found := look()):
        assert time.monotonic() < deadline, "waited too long"
        time.sleep(0.02)
    return found


@pytest.fixture(scope="module")
def server(tmp_path_factory) -> Iterator[SimpleNamespace]:
    folder = tmp_path_factory.mktemp("threats")
    (folder / "served.py").write_text(dedent(APPLICATION))
    log = folder / "log"
    with process((sys.executable, "-m", "flasgo", "run", "--port", "0", "served.py"), folder, log) as child:

        def port():
            assert child.poll() is None, log.read_text()
            return log.read_text().partition(" on http://127.0.0.1:")[2].partition(" ")[0]

        running = SimpleNamespace(port=int(wait_for(port)), log=log)
        assert ask(running, head("/look"))[0] == 200
        yield running
        assert "Traceback" not in log.read_text()


def ask(server, request: bytes, *, method: str = "GET") -> tuple[int, dict[str, str], bytes]:
    """Status, headers and body of the answer to these bytes."""
    with socket.create_connection(("127.0.0.1", server.port), timeout=PATIENCE) as connection:
        with suppress(BrokenPipeError, ConnectionResetError):  # it has answered, and does not want the rest
            connection.sendall(request)
        with HTTPResponse(connection, method=method) as answer:
            answer.begin()
            headers = {name.lower(): value for name, value in answer.headers.items()}
            headers["set-cookie"] = "\n".join(answer.headers.get_all("set-cookie", []))
            return answer.status, headers, answer.read()


def cookies(headers: dict[str, str]) -> dict[bytes, bytes]:
    """What a browser would send back of each cookie that was set."""
    pairs = [line.partition(";")[0].encode() for line in headers["set-cookie"].splitlines()]
    return {pair.partition(b"=")[0]: pair for pair in pairs}


def head(path: str, *fields: bytes, method: bytes = b"GET", host: bytes | None = b"localhost") -> bytes:
    hosts = () if host is None else (b"Host: " + host,)
    return b"\r\n".join([b"%s %s HTTP/1.1" % (method, path.encode()), *hosts, b"Connection: close", *fields, b"", b""])


def post(path: str, body: bytes, content_type: bytes) -> bytes:
    fields = (b"Content-Type: " + content_type, b"Content-Length: %d" % len(body))
    return head(path, *fields, method=b"POST") + body


@contextmanager
def soon() -> Generator[None]:
    began = time.monotonic()
    yield
    assert time.monotonic() - began < LONG


# ── what two readers could read differently ─────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    "fields",
    [
        (b"Content-Type: text/plain", b"Content-Type: application/json"),
        (b"Content-Type: application/json", b"Content-Type: application/json"),
        (b"Range: bytes=0-1", b"Range: bytes=2-3"),
        (b"If-Range: x", b"If-Range: y"),
        (b"Content-Encoding: gzip", b"Content-Encoding: identity"),
    ],
)
def test_a_field_that_is_no_list_and_comes_twice_is_400(server, fields):
    status, _, body = ask(server, head("/look", *fields))
    assert status == 400
    assert b"came more than once" in body


@pytest.mark.parametrize(
    ("request_bytes", "expected"),
    [
        (head("/look", b"X-Large: " + b"a" * 17_000), 431),
        (head("/look", *[b"X-A: 1"] * 120), 431),
        (head("/look", b"Content-Length: 1", b"Content-Length: 2"), 400),
        (b"GET /look HTTP/9.9\r\n\r\n", 400),
        (head("/look", b"Transfer-Encoding: gzip"), 400),
        (head("/nowhere"), 404),
        (head("/look", method=b"TRACE"), 405),
        (post("/form", b"a=" + b"b" * 5 * 2**20, b"application/x-www-form-urlencoded"), 413),
    ],
)
def test_every_refusal_has_the_headers_of_every_answer(server, request_bytes, expected):
    """Whoever refuses it: the server, before the application has seen it, or the application (OWASP Secure Headers)."""
    _, usual, _ = ask(server, head("/look"))
    status, headers, _ = ask(server, request_bytes)
    names = {name for name in usual if name.startswith(("x-", "cross-origin-", "content-security-"))}
    assert status == expected
    assert len(names) >= 6
    for name in (*names, "referrer-policy", "permissions-policy", "cache-control", "pragma", "expires"):
        assert headers[name] == usual[name], name
    assert "strict-transport-security" not in headers
    assert "server" not in headers


# ── origins ─────────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    "origin",
    [
        b"null", b"https://evil.example", b"https://app.example.evil.example", b"https://app.example\xff", b"https://app.example:444",
        b"https://app.example,https://evil.example", b"https://app.example/", b"http://app.example", b"*", b"https://app.example\tx",
        b"https://app.example\r\nOrigin: https://app.example",
    ],
)  # fmt: skip
def test_an_origin_that_is_not_listed_is_never_sent_back(server, origin):
    """CWE-942."""
    asked = b"Access-Control-Request-Method: PUT"
    for request in (
        head("/shared", b"Origin: " + origin),
        head("/shared", b"Origin: " + origin, asked, method=b"OPTIONS"),
        head("/nowhere", b"Origin: https://app.example", asked, method=b"OPTIONS"),
        head("/change", b"Origin: https://app.example", asked, method=b"OPTIONS"),
    ):
        _, headers, _ = ask(server, request)
        assert [name for name in headers if name.startswith("access-control-")] == []
    _, headers, _ = ask(server, head("/shared", b"Origin: https://app.example", asked, method=b"OPTIONS"))
    assert headers["access-control-allow-origin"] == "https://app.example"
    assert headers["set-cookie"] == ""


# ── algorithms ──────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    "name",
    [
        b"Cookie", b"Content-Type", b"Content-Disposition", b"Accept", b"Accept-Encoding", b"Authorization", b"Forwarded",
        b"Range", b"If-None-Match", b"If-Modified-Since", b"Origin", b"Referer", b"X-Forwarded-For",
    ],
)  # fmt: skip
@pytest.mark.parametrize("value", [b';"', b'\\"', b'"\\', b"=;", b",", b"a=" + b'"' * 2_000, b" \t", b"\xff"])
def test_15_kibibytes_in_a_header_cost_no_time(server, name, value):
    """CVE-2024-24762 (python-multipart), CVE-2024-52804 and CVE-2025-67726 (Tornado)."""
    request = head("/look", name + b": x" + (value * 15_000)[:15_000] + b"x", method=b"POST")
    with soon():
        status, _, _ = ask(server, request)
    assert status in {200, 400, 415}


@pytest.mark.parametrize("name", [b"Cookie: a=1", b"X-A: 1", b"Accept: a/b", b"X-Forwarded-For: 1.1.1.1"])
def test_a_header_that_comes_97_times_costs_no_time(server, name):
    with soon():
        status, _, body = ask(server, head("/look", *[name] * 97))
    assert status == 200
    assert b'"headers":' in body


def test_a_header_that_is_no_list_and_comes_97_times_is_refused(server):
    with soon():
        assert ask(server, head("/look", *[b"Range: bytes=0-1"] * 97))[0] == 400


BOUNDARY = b"multipart/form-data; boundary=b"


def part(name: bytes, content: bytes) -> bytes:
    return b'--b\r\nContent-Disposition: form-data; name="f"; filename="%s"\r\n\r\n%s\r\n' % (name, content)


@pytest.mark.parametrize(
    ("body", "content_type"),
    [
        (b"".join(b'--b\r\nContent-Disposition: form-data; name="x"\r\n\r\n1\r\n' for _ in range(5_000)) + b"--b--\r\n", BOUNDARY),
        (part(b"x", b"1") * 5_000 + b"--b--\r\n", BOUNDARY),
        (b"a&" * 1_000_000, b"application/x-www-form-urlencoded"),
        (b"a=1&" * 1_000_000, b"application/x-www-form-urlencoded"),
    ],
    ids=["parts", "files", "names", "fields"],
)  # fmt: skip
def test_thousands_of_fields_are_413_at_once(server, body, content_type):
    """CVE-2023-30798 (Starlette), CVE-2023-25577 (Werkzeug)."""
    with soon():
        status, _, _ = ask(server, post("/form", body, content_type))
    assert status == 413


@pytest.mark.parametrize("start", [b"\r", b"\n", b"\r\n", b"\r\n-", b""])
def test_a_part_of_a_megabyte_without_a_line_costs_no_time(server, start):
    """CVE-2023-46136 (Werkzeug): a part that begins with CR or LF, and then holds no line for long."""
    content = start + b"A" * 2**20
    with soon():
        status, _, body = ask(server, post("/form", part(b"x.bin", content) + b"--b--\r\n", BOUNDARY))
    assert (status, body) == (200, b'{"files":[%d]}' % len(content))


# ── other sites ─────────────────────────────────────────────────────────────────────────────────────────────────────

OURS = b"Origin: http://localhost"


@pytest.mark.parametrize("method", [b"POST", b"PUT", b"PATCH", b"DELETE"])
def test_a_right_token_from_elsewhere_is_refused(server, method):
    _, headers, _ = ask(server, head("/me"))
    cookie = cookies(headers)[b"flasgo-csrf"]
    token = b"X-CSRF-Token: " + cookie.partition(b"=")[2]
    carried = (b"Cookie: " + cookie, token)

    def status(*fields: bytes) -> int:
        return ask(server, head("/change", *fields, b"Content-Length: 0", method=method))[0]

    assert status(*carried, OURS) == 200
    assert status(*carried, OURS, b"Sec-Fetch-Site: same-origin") == 200
    assert status(*carried, b"Referer: http://localhost/page") == 200
    for refused in (
        (*carried, OURS, b"Sec-Fetch-Site: cross-site"),
        (*carried, OURS, b"Sec-Fetch-Site: same-site"),
        (*carried, OURS, b"Sec-Fetch-Site: same-origin", b"Sec-Fetch-Site: cross-site"),
        (*carried, OURS, b"Sec-Fetch-Site: cross-site", b"Sec-Fetch-Site: same-origin"),
        (*carried, b"Origin: http://evil.example", OURS),
        (*carried, b"Referer: http://evil.example/", b"Referer: http://localhost/"),
        (*carried, b"X-CSRF-Token: other", OURS),
        (carried[0], b"X-CSRF-Token: other", token, OURS),
        (*carried, b"Origin: null"),
        (*carried, b"Origin: http://localhost.evil.example"),
        (*carried, b"Origin: https://localhost"),
        (*carried, b"Origin: http://localhost:81"),
        (*carried, OURS, b"Origin: http://evil.example"),
        (*carried, b"Referer: http://evil.example/http://localhost/"),
        carried,
        (token, OURS),
        (carried[0], OURS),
        (*carried, b"Cookie: flasgo-csrf=other", OURS),
        (carried[0], token + b"x", OURS),
        (carried[0], b"X_CSRF_Token: " + cookie.partition(b"=")[2], OURS),
    ):
        assert status(*refused) == 403, refused


# ── who asks, and for whom ──────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    "fields",
    [
        (b"X-Forwarded-Host: localhost",),
        (b"Forwarded: host=localhost",),
        (b"X-Host: localhost", b"X-Original-Host: localhost"),
        (),
    ],
)
def test_without_host_no_other_header_stands_for_it(server, fields):
    """CVE-2026-48061."""
    assert ask(server, head("/look", *fields, host=None))[0] == 400
    assert ask(server, head("/look", *fields, host=None).replace(b"HTTP/1.1", b"HTTP/1.0"))[0] == 400


def test_a_client_that_changes_its_forwarded_address_is_still_limited(server):
    """CVE-2025-59152 (Litestar)."""
    names = (b"X-Forwarded-For: 203.0.113.%d", b"Forwarded: for=203.0.113.%d", b"X-Real-IP: 203.0.113.%d")
    statuses = [ask(server, head("/limited", *(name % number for name in names)))[0] for number in range(6)]
    assert statuses == [200, 200, 200, 429, 429, 429]


def test_a_name_with_an_underscore_is_never_seen(server):
    """A proxy that maps `-` and `_` to one variable would let it pass for the other (Django CVE-2026-3902)."""
    _, _, plain = ask(server, head("/look"))
    _, _, body = ask(server, head("/look", b"X_Forwarded_For: 1.1.1.1", b"X_CSRF_Token: a"))
    assert body == plain


@pytest.mark.parametrize("method", ["TRACE", "PROPFIND", "PURGE", "M-SEARCH", "LINK"])
def test_a_method_that_no_route_has_is_405_and_nothing_is_echoed(server, method):
    """TRACE would show a script what the browser adds (CWE-693)."""
    status, headers, body = ask(server, head("/look", b"X-Note: hush-hush", method=method.encode()), method=method)
    assert (status, headers["allow"]) == (405, "GET, HEAD, OPTIONS, POST")
    assert b"hush" not in body


@pytest.mark.parametrize("method", [b"__init__", b"get", b"G\xcbT", b"NONSENSE", b"CONNECT", b"app"])
def test_a_method_is_never_more_than_a_word(server, method):
    """CVE-2026-48818 (Starlette)."""
    assert ask(server, head("/look", method=method))[0] in {400, 405}


def test_a_websocket_is_refused(server):
    handshake = (
        b"Upgrade: websocket", b"Connection: Upgrade", b"Sec-WebSocket-Version: 13",
        b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==", b"Origin: http://evil.example",
    )  # fmt: skip
    request = head("/look", *handshake).replace(b"Connection: close\r\n", b"")
    assert ask(server, request)[0] == 403


# ── closing ─────────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.skipif(sys.platform != "linux", reason="what is open is counted in /proc")
def test_a_hundred_clients_that_close_at_every_byte_leave_nothing_open(server):
    request = post("/form", part(b"x.bin", b"1234567890") + b"--b--\r\n", BOUNDARY)
    before = ask(server, head("/open"))[2]
    for number in range(max(200, len(request))):
        end = number % len(request)
        with socket.create_connection(("127.0.0.1", server.port), timeout=PATIENCE) as connection:
            connection.sendall(request[:end])
            if number % 2:  # with a reset, where the others say goodbye
                connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\x01\x00\x00\x00\x00\x00\x00\x00")
    wait_for(lambda: ask(server, head("/open"))[2] == before)


# ── a cache in front ────────────────────────────────────────────────────────────────────────────────────────────────

NGINX = """
    {user}daemon off; pid {folder}/nginx.pid; error_log stderr; worker_processes 1;
    events {{ worker_connections 64; }}
    http {{
        access_log off;
        client_body_temp_path {folder}/t1; proxy_temp_path {folder}/t2; fastcgi_temp_path {folder}/t3;
        uwsgi_temp_path {folder}/t4; scgi_temp_path {folder}/t5;
        proxy_cache_path {folder}/cache keys_zone=pages:1m;
        server {{
            listen 127.0.0.1:{port};
            location / {{
                proxy_pass http://127.0.0.1:{upstream};
                proxy_set_header Host localhost;
                proxy_cache pages;
                proxy_cache_valid any 10m;
                add_header X-Cache $upstream_cache_status always;
            }}
        }}
    }}
"""


@pytest.mark.slow
@pytest.mark.skipif(shutil.which("nginx") is None, reason="nginx is not installed")
def test_a_cache_in_front_never_shows_one_visitors_page_to_another(server, tmp_path):
    """CVE-2023-30861 (Flask). The cache would keep everything for ten minutes that no answer forbids it to."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    user = "user root; " if os.geteuid() == 0 else ""
    config = tmp_path / "nginx.conf"
    config.write_text(dedent(NGINX.format(user=user, folder=tmp_path, port=port, upstream=server.port)))
    with process(("nginx", "-p", str(tmp_path), "-c", str(config)), tmp_path, tmp_path / "nginx.log") as child:
        front = SimpleNamespace(port=port)

        def is_up() -> bool:
            assert child.poll() is None, (tmp_path / "nginx.log").read_text()
            with suppress(OSError):
                return ask(front, head("/open"))[0] == 200
            return False

        wait_for(is_up)
        status, headers, body = ask(front, head("/become/ada"))
        assert (status, body, headers["x-cache"]) == (200, b"ada", "MISS")
        ada = b"Cookie: " + b"; ".join(cookies(headers).values())
        status, headers, body = ask(front, head("/me"))
        assert (status, body, headers["x-cache"]) == (200, b"nobody", "MISS")
        nobody = b"Cookie: " + b"; ".join(cookies(headers).values())

        def seen(path: str, *fields: bytes) -> tuple[bytes, str]:
            _, headers, body = ask(front, head(path, *fields))
            assert not headers["set-cookie"]  # for nginx itself keeps nothing that sets one
            return body, headers["x-cache"]

        for number in (1, 3, 5):
            assert seen("/me", ada) == (b"ada", "MISS")
            assert seen("/me", nobody) == (b"nobody", "MISS")
            assert seen("/become/ada", ada) == (b"ada", "MISS")
            assert seen("/nowhere", nobody)[1] == "MISS"
            assert seen("/curious", ada) == (b"%d ada" % number, "MISS")
            assert seen("/curious", nobody) == (b"%d nobody" % (number + 1), "MISS")
        assert [seen("/moody", nobody)[1] for _ in range(4)] == ["MISS", "MISS", "MISS", "HIT"]
        assert [seen("/public", ada), seen("/public")] == [(b"1", "MISS"), (b"1", "HIT")]
