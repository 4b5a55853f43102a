import os
import re
import socket
import sys
from pathlib import Path

import pytest

from flasgo.errors import ConfigurationError
from flasgo.server import reload, run
from flasgo.server.processes import SERVING, Inheritance
from flasgo.server.run import ServeOptions, importing, launch, run_app
from flasgo.server.serve import GRACE
from flasgo.settings import Settings


def options(**values):
    return ServeOptions(name="app.py", port=0, **values)


class App:
    def __init__(self, settings=None):
        self.settings = settings

    async def __call__(self, scope, receive, send): ...


@pytest.fixture
def listener():
    with socket.create_server(("127.0.0.1", 0)) as listener:
        yield listener


@pytest.fixture
def calls(monkeypatch):
    calls = []

    def note(name, status):
        def called(*args, **options):
            calls.append((name, args, options))
            return status

        return called

    monkeypatch.delenv("FLASGO_RUN_SOCKETS", raising=False)
    monkeypatch.setattr(run, "serve", note("serve", 0))
    monkeypatch.setattr(run, "reload_on_edit", note("reload", 3))
    monkeypatch.setattr(run, "serve_with_workers", note("workers", 2))
    return calls


def test_launch_serves_in_this_process_and_says_where(calls, capsys):
    app = App()
    assert launch(lambda: app, options(root_path="/api", log_level="error"), {}) == 0
    ((name, args, given),) = calls
    said = given.pop("announcement")
    assert (name, args[0], given) == ("serve", app, {"root_path": "/api", "log_level": "error"})
    assert re.fullmatch(r"serving app\.py on http://127\.0\.0\.1:\d+/api \(Ctrl\+C to quit\)", said)
    assert capsys.readouterr().err == "", "the server says it, once it handles Ctrl+C"


def test_the_url_of_an_ipv6_address_has_brackets():
    class Listener(socket.socket):
        def getsockname(self):
            return ("::1", 8000, 0, 0)

    with Listener() as listener:
        assert run._serving(listener, options()) == "serving app.py on http://[::1]:8000 (Ctrl+C to quit)"


def test_launch_with_reload_serves_in_a_child_and_does_not_load_the_application(calls, capsys, tmp_path):
    def load():
        raise AssertionError

    assert launch(load, options(reload=True, reload_directories=(tmp_path,)), {"A": "1"}) == 3
    ((name, args, _),) = calls
    assert (name, args[1:]) == ("reload", ((tmp_path,), {"A": "1"}))
    assert capsys.readouterr().err == "", "the child says where, once it has found the application"


def test_launch_with_workers_serves_in_children(calls, capsys):
    assert launch(App, options(workers=3), {"A": "1"}) == 2
    ((name, args, given),) = calls
    assert (name, args[1:], given) == ("workers", (3, {"A": "1"}), {"grace": GRACE})
    assert "with 3 workers" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("given", "grace", "said"),
    [
        (
            {"reload": True},
            reload.GRACE,
            r"serving app\.py on http://127\.0\.0\.1:\d+ .*, reloading on edits",
        ),
        ({}, reload.GRACE, r"serving app\.py on http://127\.0\.0\.1:\d+ .*, reloading on edits"),
        ({"workers": 2}, GRACE, ""),
        ({"max_requests": 100}, GRACE, ""),
    ],
)
def test_launch_in_a_child_serves_on_the_socket_of_the_supervisor(
    calls, capsys, monkeypatch, listener, given, grace, said
):
    lifeline, far_end = socket.socketpair()
    with lifeline, far_end:
        monkeypatch.setattr(run, "inherit", lambda: Inheritance(listener, lifeline))
        assert launch(App, options(**given), {}) == 0
        ((name, args, options_given),) = calls
        assert (name, args[1], options_given["grace"]) == ("serve", listener, grace)
        share = options_given["share"]
        assert (share is None) == ("max_requests" not in given)
        if share is not None:
            assert 100 <= share.requests <= 120
            share.tell(SERVING)
            assert far_end.recv(16) == SERVING
    assert re.fullmatch(said, options_given["announcement"])
    assert not capsys.readouterr().err


async def test_inside_a_running_event_loop_serving_is_refused(calls, capsys):
    with pytest.raises(ConfigurationError, match="running event loop"):
        launch(App, options(), {})
    assert calls == []
    assert capsys.readouterr().err == ""


def test_reload_and_workers_exclude_each_other(calls):
    for given in ({"workers": 2}, {"max_requests": 1_000}):
        with pytest.raises(ConfigurationError, match="choose either reload or several workers"):
            launch(App, options(reload=True, **given), {})
    assert calls == []


def test_one_worker_that_is_replaced_has_a_supervisor(calls, capsys):
    assert launch(App, options(max_requests=1_000), {}) == 2
    ((name, args, _),) = calls
    assert (name, args[1]) == ("workers", 1)
    assert "with 1 worker\n" in capsys.readouterr().err
    with pytest.raises(ConfigurationError, match="SECRET_KEY is random"):
        launch(lambda: App(settings=Settings()), options(max_requests=1_000), {})


def test_workers_need_a_secret_key_that_they_share(calls):
    with pytest.raises(ConfigurationError, match="SECRET_KEY is random"):
        launch(lambda: App(settings=Settings()), options(workers=2), {})
    assert launch(lambda: App(settings=Settings(SECRET_KEY="k" * 32)), options(workers=2), {}) == 2


def test_workers_need_sessions_that_they_share(calls):
    settings = Settings(SECRET_KEY="k" * 32, SESSION_STORE="memory")
    with pytest.raises(ConfigurationError, match='SESSION_STORE is "memory", which no other worker sees'):
        launch(lambda: App(settings=settings), options(workers=2), {})
    assert [name for name, _, _ in calls] == []


# --- app.run() -------------------------------------------------------------------------------------------------------


def test_run_app_serves_and_returns_after_a_quiet_ending(calls, monkeypatch):
    monkeypatch.setattr(sys, "argv", ["/project/site.py"])
    app = App()
    assert run_app(app, port=0) is None
    assert calls[0][1][0] is app
    assert "serving site.py on" in calls[0][2]["announcement"]


def test_run_app_without_a_program_name_still_says_what_it_serves(calls, monkeypatch):
    monkeypatch.setattr(sys, "argv", [""])
    run_app(App(), port=0)
    assert "serving the application on" in calls[0][2]["announcement"]


def test_run_app_with_reload_watches_the_program_or_the_named_folders(calls, monkeypatch, tmp_path):
    monkeypatch.setattr(run, "program_directories", lambda: (Path("/project"),))
    with pytest.raises(SystemExit) as ended:
        run_app(App(), port=0, reload=True)
    assert ended.value.code == 3
    with pytest.raises(SystemExit):
        run_app(App(), port=0, reload=True, reload_dirs=[tmp_path])
    assert [args[1] for _, args, _ in calls] == [(Path("/project"),), (tmp_path,)]
    assert calls[0][1][2] is os.environ


@pytest.mark.parametrize("debug", [True, False])
@pytest.mark.parametrize("reload", [None, True, False])
def test_run_app_reloads_in_debug_unless_it_is_said_otherwise(calls, debug, reload):
    app = App(Settings(SECRET_KEY="0123456789abcdef0123456789abcdef", DEBUG=debug))
    if debug if reload is None else reload:
        with pytest.raises(SystemExit):
            run_app(app, port=0, reload=reload)
        assert calls[0][0] == "reload"
    else:
        run_app(app, port=0, reload=reload)
        assert calls[0][0] == "serve"


def test_run_app_shares_the_work_and_does_not_reload_then(calls):
    app = App(Settings(SECRET_KEY="0123456789abcdef0123456789abcdef", DEBUG=True))
    with pytest.raises(SystemExit):
        run_app(app, port=0, reload=None)
    with pytest.raises(SystemExit):
        run_app(app, port=0, reload=None, workers=2)
    with pytest.raises(SystemExit):
        run_app(app, port=0, reload=None, max_requests=100)
    assert [(name, args[1]) for name, args, _ in calls[1:]] == [("workers", 2), ("workers", 1)]
    assert calls[0][0] == "reload"


@pytest.mark.parametrize(
    ("shared", "least"),
    [({"workers": 0}, 1), ({"workers": True}, 1), ({"max_requests": -1}, 0), ({"max_requests": 1.5}, 0)],
)
def test_run_app_refuses_what_is_no_number_of_workers_or_requests(calls, capsys, shared, least):
    with pytest.raises(SystemExit) as ended:
        run_app(App(), port=0, **shared)
    ((name, value),) = shared.items()
    assert ended.value.code == 2
    assert capsys.readouterr().err == f"flasgo: app.run({name}={value!r}): give a whole number, at least {least}.\n"
    assert calls == []


def test_run_app_tells_what_is_wrong_in_one_sentence_and_status_2(calls, listener, capsys):
    port = listener.getsockname()[1]
    with pytest.raises(SystemExit) as ended:
        run_app(App(), port=port)
    assert ended.value.code == 2
    assert capsys.readouterr().err.startswith(f"flasgo: Port {port} on 127.0.0.1 is in use: ")


def test_run_app_in_a_module_that_is_imported_to_be_served_is_a_mistake(calls):
    with importing(), pytest.raises(ConfigurationError, match="__name__ == '__main__'"):
        run_app(App(), port=0)
    assert calls == []
    run_app(App(), port=0)
    assert len(calls) == 1


# ── DEBUG ───────────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("host", ["0.0.0.0", "::"])
@pytest.mark.parametrize("workers", [1, 2])
def test_debug_is_refused_where_others_can_reach_it(calls, host, workers):
    settings = Settings(DEBUG=True, SECRET_KEY="test-run-0123456789abcdefghijklmnop")
    with pytest.raises(
        ConfigurationError, match=rf"DEBUG is on, and others can reach {re.escape(host)}: set DEBUG to False"
    ):
        launch(lambda: App(settings), options(host=host, workers=workers), {})
    assert calls == []
    settings = Settings(SECRET_KEY="test-run-0123456789abcdefghijklmnop")
    assert launch(lambda: App(settings), options(host=host), {}) == 0


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "::1"])
def test_debug_is_served_to_this_machine(calls, host):
    assert launch(lambda: App(Settings(DEBUG=True)), options(host=host), {}) == 0
