"""Two hosts, one team: starts Redis, two servers of this application and nginx before them, all on loopback, and shows that
a login on one is known to the other, and that they count one quota. It ends everything that it has started.

    uv run python examples/team-tasks/several.py

Needs redis-server and nginx.
"""

import json
import os
import re
import secrets
import socket
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Generator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from http.client import HTTPConnection
from http.cookies import SimpleCookie
from pathlib import Path

APP = Path(__file__).with_name("app.py")
PATIENCE = 60.0
"""Seconds until what should happen counts as not happening."""

NGINX = """
daemon off; master_process off; pid {folder}/nginx.pid; error_log stderr warn;
events {{}}
http {{
    access_log off;
    client_body_temp_path {folder}/body; proxy_temp_path {folder}/proxy; fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi; scgi_temp_path {folder}/scgi;
    upstream team {{ server 127.0.0.1:{first} max_fails=1; server 127.0.0.1:{second} max_fails=1; }}
    server {{
        listen 127.0.0.1:{port};
        location / {{
            proxy_pass http://team;
            proxy_next_upstream error timeout non_idempotent;
            proxy_set_header Host $http_host;
            proxy_set_header X-Forwarded-For $remote_addr;  # what the client says of itself is dropped
            proxy_set_header X-Forwarded-Proto $scheme;
            add_header X-Served-By $upstream_addr always;
        }}
    }}
}}
"""


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def wait_for(what: str, look: Callable[[], object]) -> None:
    deadline = time.monotonic() + PATIENCE
    while not look():
        if time.monotonic() > deadline:
            raise SystemExit(f"Waited too long for {what}.")
        time.sleep(0.02)


@contextmanager
def process(name: str, *command: str, environment: dict[str, str] | None = None) -> Generator[subprocess.Popen[bytes]]:
    """A process that is ended with the `with`, whatever happens in it."""
    started = subprocess.Popen(command, env=environment, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL)  # noqa: S603
    print(f"{name}: process {started.pid}")
    try:
        yield started
    finally:
        started.terminate()
        try:
            started.wait(10)
        except subprocess.TimeoutExpired:
            started.kill()
            started.wait()


def answers(port: int) -> bool:
    try:
        with socket.create_connection(("127.0.0.1", port), 1):
            return True
    except OSError:
        return False


class Browser:
    """Keeps cookies, and reads the CSRF token out of forms."""

    def __init__(self) -> None:
        self.cookies: dict[str, str] = {}
        self.token = ""

    def ask(self, port: int, method: str, path: str, body: str = "", **headers: str) -> tuple[int, dict[str, str], str]:
        """Status, header fields and text of an answer."""
        sent = {name.replace("_", "-"): value for name, value in headers.items()}
        sent["Origin"] = f"http://127.0.0.1:{port}"  # as browsers do with every POST
        sent |= {"Cookie": "; ".join(f"{name}={value}" for name, value in self.cookies.items())} if self.cookies else {}
        connection = HTTPConnection("127.0.0.1", port, timeout=PATIENCE)
        try:
            connection.request(method, path, body or None, sent)
            answer = connection.getresponse()
            text = answer.read().decode()
        finally:
            connection.close()
        for line in answer.headers.get_all("set-cookie", []):
            for name, morsel in SimpleCookie(line).items():
                self.cookies[name] = morsel.value
        found = re.search(r'name="csrf_token" value="([^"]+)"', text)
        self.token = found[1] if found else self.token
        return answer.status, {name.lower(): value for name, value in answer.getheaders()}, text


def expect(what: str, seen: object, wanted: object) -> None:
    print(f"{'ok ' if seen == wanted else 'BAD'} {what}: {seen}")
    if seen != wanted:
        raise SystemExit(f"{what}: {wanted} was expected.")


def show(port: int, first: int, second: int, stop_first: Callable[[], object]) -> None:
    """What there is to see: through nginx at `port`, and at the two servers behind it."""
    ada, form = Browser(), {"Content_Type": "application/x-www-form-urlencoded"}
    ada.ask(port, "GET", "/login")
    body = f"csrf_token={ada.token}&name=ada&password=correct+horse+battery"
    expect("ada logs in", ada.ask(port, "POST", "/login", body, **form)[0], 302)
    both = [ada.ask(server, "GET", "/")[0] for server in (first, second)]
    expect("both servers know her session", both, [200, 200])

    body = json.dumps({"label": "nightly script", "scopes": ["tasks:read", "tasks:write"]})
    status, _, text = ada.ask(port, "POST", "/api/keys", body, Content_Type="application/json", X_CSRF_Token=ada.token)
    expect("she makes a key for a script", status, 201)
    key = {"X_API_Key": json.loads(text)["key"]}

    def call(_number: int) -> tuple[int, str]:
        answered, fields, _ = Browser().ask(port, "GET", "/api/tasks", **key)
        return answered, fields["x-served-by"]

    with ThreadPoolExecutor(8) as threads:
        seen = list(threads.map(call, range(100)))
    # Making the key took one of the sixty.
    expect("of 100 requests with the key", dict(Counter(status for status, _ in seen)), {200: 59, 429: 41})
    expect("servers that admitted some", len({server for status, server in seen if status == 200}), 2)
    expect("she herself has no more either", ada.ask(second, "GET", "/api/keys")[0], 429)

    stop_first()
    left = [ada.ask(port, "GET", "/")[0] for _ in range(4)]
    expect("one server was killed; she is still logged in", left, [200] * 4)
    expect("and the quota is still spent", Browser().ask(port, "GET", "/api/tasks", **key)[0], 429)
    expect("she logs out", ada.ask(port, "POST", "/logout", f"csrf_token={ada.token}", **form)[0], 302)


def main() -> None:
    with ExitStack() as stack:
        folder = stack.enter_context(tempfile.TemporaryDirectory())
        redis, first, second, port = (free_port() for _ in range(4))
        quiet = ("--save", "", "--appendonly", "no", "--dir", folder, "--maxmemory-policy", "noeviction")
        stack.enter_context(process("Redis", "redis-server", "--bind", "127.0.0.1", "--port", str(redis), *quiet))
        wait_for("Redis", lambda: answers(redis))

        environment = {
            **os.environ,
            "TEAM_TASKS_STORE": f"redis://127.0.0.1:{redis}/0",
            "TEAM_TASKS_PASSWORD": "correct horse battery",
            "FLASGO_SECRET_KEY": secrets.token_urlsafe(32),  # one key for both
            "FLASGO_TRUSTED_PROXIES": "127.0.0.1",  # nginx says who the client is
        }
        serve = (sys.executable, "-m", "flasgo", "run", str(APP), "--no-reload", "--log-level", "error", "--port")
        servers = [
            stack.enter_context(process(f"server {number}", *serve, str(at), environment=environment))
            for number, at in enumerate((first, second), 1)
        ]
        wait_for("the servers", lambda: answers(first) and answers(second))

        config = Path(folder, "nginx.conf")
        config.write_text(NGINX.format(folder=folder, port=port, first=first, second=second))
        stack.enter_context(process("nginx", "nginx", "-p", folder, "-e", "stderr", "-c", str(config)))
        wait_for("nginx", lambda: answers(port))

        def stop_first() -> None:
            servers[0].kill()
            servers[0].wait()

        show(port, first, second, stop_first)
    print("Everything that was started has ended.")


if __name__ == "__main__":
    main()
