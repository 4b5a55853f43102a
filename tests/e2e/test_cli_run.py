"""`flasgo run` and `app.run()` as a user meets them: real processes, real sockets."""

import json
import os
import re
import signal
import socket
from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.e2e.conftest import wait_for

SECRET = "0123456789abcdef0123456789abcdef"

APP = f"""
from flasgo import Flasgo

app = Flasgo(settings={{"SECRET_KEY": "{SECRET}"}})

@app.get("/")
async def home() -> str:
    return "hello"
"""


@pytest.mark.slow
@pytest.mark.parametrize(("target", "number"), [("app.py", signal.SIGINT), ("app:app", signal.SIGTERM)])
def test_it_serves_says_where_logs_requests_and_ends_quietly(workshop, target, number):
    workshop.write("app.py", APP)
    server = workshop.serve(target)
    assert server.get("/") == (200, "hello")
    assert server.get("/missing")[0] == 404
    assert server.stop(number, group=True) == 0
    first, *rest = server.said.splitlines()
    assert re.fullmatch(rf"flasgo: serving {target} on http://127\.0\.0\.1:\d+ \(Ctrl\+C to quit\)", first)
    assert ['"GET / HTTP/1.1" 200 OK' in rest[0], '"GET /missing HTTP/1.1" 404 Not Found' in rest[1]] == [True, True]
    assert len(rest) == 2


@pytest.mark.slow
def test_a_second_ctrl_c_ends_it_at_once_even_if_a_handler_never_returns(workshop):
    workshop.write("app.py", APP + "\n@app.get('/stuck')\ndef stuck() -> str:\n    Event().wait()\n    return ''\n")
    workshop.write("app.py", "from threading import Event\n" + (workshop.root / "app.py").read_text())
    server = workshop.serve("app.py")
    host, port = server.url.removeprefix("http://").split(":")
    with socket.create_connection((host, int(port))) as client:
        client.sendall(f"GET /stuck HTTP/1.1\r\nHost: {host}\r\n\r\n".encode())
        assert server.get("/") == (200, "hello")
        server.process.send_signal(signal.SIGINT)
        server.wait_for_line("waiting up to 30 s for open requests")
        assert server.process.poll() is None
        assert server.stop(signal.SIGINT) == 0
    assert "a thread is still at work" in server.said


@pytest.mark.slow
def test_it_serves_a_package_with_its_environment_file(workshop):
    workshop.write(".env", "GREETING=from the file\nHOME_GREETING=${GREETING}!\nFLASGO_TAKEN=file\n")
    workshop.write("shop/__init__.py", "")
    workshop.write("shop/texts.py", "import os\nGREETING = os.environ['HOME_GREETING'] + os.environ['FLASGO_TAKEN']")
    workshop.write(
        "shop/web.py",
        """
        from flasgo import Flasgo
        from .texts import GREETING

        def create_app():
            app = Flasgo()
            app.get("/")(lambda: GREETING)
            return app
        """,
    )
    workshop.environment["FLASGO_TAKEN"] = "set"
    server = workshop.serve("shop.web")
    assert server.get() == (200, "from the file!set")


@pytest.mark.slow
def test_it_serves_on_an_ipv6_address(workshop):
    if not socket.has_dualstack_ipv6():
        pytest.skip("this machine has no IPv6")
    workshop.write("app.py", APP.replace("settings={", "settings={'ALLOWED_HOSTS': {'[::1]'}, "))
    server = workshop.serve("app.py", "--host", "::1")
    assert server.url.startswith("http://[::1]:")
    assert server.get() == (200, "hello")


@pytest.mark.slow
def test_open_requests_are_answered_before_it_ends(workshop):
    workshop.write(
        "app.py",
        """
        import asyncio
        from flasgo import Flasgo

        app = Flasgo()

        @app.get("/")
        async def slow() -> str:
            print("asked", flush=True)
            await asyncio.sleep(0.5)
            return "in the end"
        """,
    )
    server = workshop.serve("app.py")
    host, port = re.findall(r"//(.*):(\d+)", server.url)[0]
    with socket.create_connection((host, int(port))) as connection:
        connection.sendall(b"GET / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
        server.wait_for_line("asked")
        assert server.stop() == 0
        assert connection.makefile().read().endswith("in the end")
    assert "waiting up to 30 s for open requests" in server.said


@pytest.mark.slow
def test_a_failed_start_up_is_status_3_with_its_reason(workshop):
    workshop.write(
        "app.py",
        APP
        + """
@app.lifespan
async def life(app):
    raise RuntimeError("no database")
    yield
""",
    )
    ended = workshop.flasgo("run", "app.py", "--port", "0")
    assert ended.returncode == 3
    assert "no database" in ended.stderr


@pytest.mark.slow
def test_ctrl_c_ends_a_start_up_that_hangs(workshop):
    workshop.write(
        "app.py",
        APP
        + """
import asyncio

@app.lifespan
async def life(app):
    print("starting", flush=True)
    await asyncio.sleep(60)
    yield
""",
    )
    server = workshop.serve("app.py")
    server.wait_for_line("starting")
    assert server.stop() == 0
    assert "Traceback" not in server.said


@pytest.mark.slow
def test_several_workers_serve_one_address_and_all_end(workshop):
    workshop.write(
        "app.py",
        f"""
        import os
        import time
        from flasgo import Flasgo

        app = Flasgo(settings={{"SECRET_KEY": "{SECRET}"}})

        @app.get("/")
        async def who() -> int:
            time.sleep(0.1)  # keeps this worker from accepting another connection
            return os.getpid()
        """,
    )
    server = workshop.serve("app.py", "--workers", "2")
    seen = {server.get()[1]}
    with ThreadPoolExecutor(4) as clients:
        while len(seen) < 2:
            seen.update(text for _, text in clients.map(server.get, ["/"] * 4))
    children = server.children()
    assert seen == {str(child) for child in children}

    os.kill(children[0], signal.SIGKILL)
    server.wait_for_line(f"worker {children[0]} ended with status -9; starting another")
    assert server.get()[0] == 200

    children = server.children()
    assert server.stop() == 0
    server.wait_until_gone(*children)


@pytest.mark.slow
def test_workers_end_when_their_supervisor_is_killed(workshop):
    workshop.write("app.py", APP)
    server = workshop.serve("app.py", "--workers", "2")
    assert server.get() == (200, "hello")
    children = server.children()
    assert len(children) == 2
    server.stop(signal.SIGKILL)
    server.wait_until_gone(*children)


# --- what cannot be served: one sentence, status 2 -------------------------------------------------------------------


@pytest.mark.slow
@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["run", "missing.py"], "There is no Python file 'missing.py'. Check its name and the working directory."),
        (["run", "ap.py"], "There is no Python file 'ap.py'. Did you mean 'app.py'?"),
        (["run", "missing.py", "--reload"], "There is no Python file 'missing.py'. "),
        (["run", "missing:app"], "There is no module 'missing'. Check that it is on PYTHONPATH and imports cleanly."),
        (["run", "missing:app", "--reload", "--port", "0"], "There is no module 'missing'. "),
        (
            ["run", "app.py:api"],
            "'app.py' has no attribute 'api': pass `--app` with the correct variable name. Did you",
        ),
        (["run", "app:nothing"], "'app' has no attribute 'nothing': pass `--app` with the correct variable name."),
        (["run", "app.py", "--app", "home_page"], "'app.py' has no attribute 'home_page': pass `--app` with the "),
        (["run", "app.py", "--app", "number"], "'number' in 'app.py' is not an ASGI application but of type int: "),
        (["run", "."], "'.' is a folder: name the file in it, such as app.py."),
        (
            ["run", "app.py", "--port", "65536"],
            "Invalid value for '--port': 65536 is not in the range 0<=x<=65535. See ",
        ),
        (["run", "app.py", "--port", "http"], "Invalid value for '--port': 'http' is not a valid integer range. See "),
        (
            ["run", "app.py", "--port", "{used}"],
            "Port {used} on 127.0.0.1 is in use: stop the program that has it, or ",
        ),
        (["run", "app.py", "--port", "{used}", "--reload"], "Port {used} on 127.0.0.1 is in use: "),
        (
            ["run", "app.py", "--host", "203.0.113.7"],
            "203.0.113.7 is not an address of this machine: use 127.0.0.1, or ",
        ),
        (
            ["run", "app.py", "--reload", "--reload-dir", "nowhere"],
            "The reload folder 'nowhere' does not exist: name a ",
        ),
        (["run", "app.py", "--env-file", "nowhere"], "There is no environment file 'nowhere': check --env-file."),
        (["run", "app.py", "--workers", "2"], "SECRET_KEY is random in every process: set one before serving with "),
        (["run", "remembering.py", "--workers", "2"], 'SESSION_STORE is "memory", which no other worker sees: use '),
        (["run", "app.py", "--workers", "2", "--reload"], "Reloading restarts one process: choose either reload or "),
        (["run", "broken.py"], "broken.py:2: SyntaxError: "),
        (["run", "broken.py", "--reload", "--port", "0"], "broken.py:2: SyntaxError: "),
        (["run", "unguarded.py"], "unguarded.py:4: The module serves its application while it is imported: put "),
        (["run"], "Missing argument 'TARGET'. See `flasgo run --help`."),
        (["rum"], "No such command 'rum'."),
        (["routes", "asgi.py"], "'asgi.py' is an ASGI application, but not of flasgo: "),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_what_cannot_be_done_is_one_sentence_and_status_2(workshop, arguments, sentence):
    workshop.write("app.py", "from flasgo import Flasgo\nnumber = 1\napp = Flasgo()\n")
    settings = f'{{"SECRET_KEY": "{"0123456789abcdef" * 2}", "SESSION_STORE": "memory"}}'
    workshop.write("remembering.py", f"from flasgo import Flasgo\napp = Flasgo(settings={settings})\n")
    workshop.write("broken.py", "app = 1\ndef home(:\n")
    workshop.write("unguarded.py", "from flasgo import Flasgo\n\napp = Flasgo()\napp.run()\n")
    workshop.write("asgi.py", "async def app(scope, receive, send): ...\n")
    with socket.create_server(("127.0.0.1", 0)) as other:
        used = str(other.getsockname()[1])
        ended = workshop.flasgo(*(argument.format(used=used) for argument in arguments))
    lines = ended.stderr.splitlines()
    assert ended.returncode == 2
    assert len(lines) == 1, ended.stderr
    assert lines[0].startswith("flasgo: " + sentence.format(used=used))
    assert ended.stdout == ""


@pytest.mark.slow
def test_an_error_of_the_users_code_comes_with_the_end_of_its_traceback(workshop):
    workshop.write("app.py", "import helper\n")
    workshop.write("helper.py", "\nint('x')\n")
    ended = workshop.flasgo("run", "app.py")
    assert ended.returncode == 2
    trace, sentence = ended.stderr.rstrip().rsplit("\n", 1)
    assert trace.startswith("Traceback (most recent call last):\n")
    assert re.findall(r'File "(.*?)", line (\d+)', trace) == [
        (str(workshop.root / "app.py"), "1"),
        (str(workshop.root / "helper.py"), "2"),
    ]
    assert sentence.startswith("flasgo: 'app.py' failed while it was imported: ValueError: ")


def test_without_a_command_help_is_shown_and_the_status_is_2(workshop):
    ended = workshop.flasgo()
    assert ended.returncode == 2
    assert "Usage: flasgo" in ended.stderr


def test_the_version_is_told(workshop):
    ended = workshop.flasgo("--version")
    assert ended.returncode == 0
    assert re.fullmatch(r"flasgo, version \d+\.\d+\.\S+\n", ended.stdout)


# --- routes ----------------------------------------------------------------------------------------------------------


def test_the_routes_are_listed_for_people_and_for_programs(workshop):
    workshop.write("app.py", APP)
    listed = workshop.flasgo("routes", "app.py")
    assert listed.returncode == 0
    assert listed.stdout.splitlines() == [
        "PATH  METHODS  NAME  HANDLER   SOURCE",
        "/     GET      home  app:home  app.py:6",
    ]
    described = workshop.flasgo("routes", "app.py", "--json")
    assert described.returncode == 0
    assert json.loads(described.stdout) == [
        {
            "path": "/",
            "methods": ["GET"],
            "name": "home",
            "handler": "app:home",
            "file": str(workshop.root / "app.py"),
            "line": 6,
            "limits": [],
        }
    ]


@pytest.mark.slow
@pytest.mark.parametrize("start", ["the command", "app.run()"])
def test_workers_that_have_served_their_share_are_replaced_and_no_request_is_lost(workshop, start):
    workshop.write(
        "app.py",
        f"""
        import asyncio, os
        from flasgo import Flasgo

        app = Flasgo(settings={{"SECRET_KEY": "{SECRET}"}})

        @app.get("/")
        async def home() -> str:
            await asyncio.sleep(0.1)
            return str(os.getpid())

        if __name__ == "__main__":
            app.run(port=0, workers=2, max_requests=20)
        """,
    )
    if start == "app.run()":
        server = workshop.start("app.py")
    else:
        server = workshop.serve("app.py", "--workers", "2", "--max-requests", "20", "--log-level", "error")
    served = set()

    def ask():
        with ThreadPoolExecutor(4) as clients:  # a worker always has open requests when its place is taken
            for status, pid in clients.map(lambda _: server.get(), range(8)):
                assert status == 200
                served.add(int(pid))
        return len(served) >= 5

    wait_for("the third pair of workers", ask)
    assert server.said.count("has served its share of requests; starting another") >= 3
    first = {int(line.split()[2]) for line in server.said.splitlines() if "its share" in line}
    server.wait_until_gone(*sorted(first)[:2])
    assert server.stop(signal.SIGTERM) == 0
    assert "ended with status" not in server.said
