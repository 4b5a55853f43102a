import asyncio
import logging
import signal
import socket
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from threading import Event, Thread, Timer
from threading import enumerate as threads
from types import SimpleNamespace
from urllib.error import HTTPError
from urllib.request import urlopen

import pytest

from flasgo.server import serve as serving
from flasgo.server.processes import EXIT_STARTUP_FAILED, FULL, SERVING
from flasgo.server.serve import Share, serve

STOP_SIGNALS = (signal.SIGINT, signal.SIGTERM)


@pytest.fixture(autouse=True)
def logging_as_it_was():
    names = ("flasgo", "uvicorn", "uvicorn.access", "uvicorn.error")
    loggers = [logging.getLogger(name) for name in names]
    before = [(logger, logger.level, logger.handlers[:], logger.propagate) for logger in loggers]
    yield
    for logger, level, handlers, propagate in before:
        logger.setLevel(level)
        logger.handlers[:] = handlers
        logger.propagate = propagate


@pytest.fixture
def listener():
    with socket.create_server(("127.0.0.1", 0)) as listener:
        yield listener


class App:
    """An ASGI application that answers with its root_path, and whose start-up may fail or hang, or its end."""

    def __init__(self, *, startup="complete"):
        self.startup = startup
        self.events = []

    async def __call__(self, scope, receive, send):
        if scope["type"] == "lifespan":
            await self.lifespan(receive, send)
        else:
            await send({"type": "http.response.start", "status": 200, "headers": []})
            await send({"type": "http.response.body", "body": scope["root_path"].encode()})

    async def lifespan(self, receive, send):
        self.events.append((await receive())["type"])
        if self.startup == "hang":
            signal.raise_signal(signal.SIGINT)
            await asyncio.sleep(30)
        await send({"type": f"lifespan.startup.{self.startup.split()[0]}", "message": "no database"})
        self.events.append((await receive())["type"])
        if self.startup == "complete and hang at the end":
            signal.raise_signal(signal.SIGINT)
            await asyncio.sleep(30)
        await send({"type": "lifespan.shutdown.complete"})


def serve_one_request(app, listener, *, number=signal.SIGINT, grace=5, **options):
    """Serve in the main thread; a thread asks once and then sends the signal, unless the application does.

    Returns status, body and headers.
    """

    def ask():
        host, port = listener.getsockname()
        try:
            with urlopen(f"http://{host}:{port}/", timeout=20) as answer:
                return answer.read(), answer.headers
        finally:
            if number is not None:
                signal.raise_signal(number)

    with ThreadPoolExecutor() as clients:
        asked = clients.submit(ask)
        status = serve(app, listener, grace=grace, **options)
        return status, *asked.result()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_stop_signal_ends_serving_with_status_0_and_after_the_shutdown_of_the_application(listener, number):
    app = App()
    handlers = [signal.getsignal(number) for number in STOP_SIGNALS]
    status, _, headers = serve_one_request(app, listener, number=number)
    assert status == 0
    assert app.events == ["lifespan.startup", "lifespan.shutdown"]
    assert "server" not in headers
    assert "date" in headers
    assert [signal.getsignal(number) for number in STOP_SIGNALS] == handlers


def test_root_path_and_log_level_reach_uvicorn(listener, capfd):
    status, body, _ = serve_one_request(App(), listener, root_path="/api", log_level="debug")
    assert (status, body) == (0, b"/api")
    assert "GET /api/ HTTP/1.1" in capfd.readouterr().out


def test_a_failed_start_up_is_status_3_with_the_message_of_the_application(listener, capfd):
    assert serve(App(startup="failed"), listener, grace=5) == EXIT_STARTUP_FAILED
    assert "no database" in capfd.readouterr().err


def test_ctrl_c_ends_a_start_up_that_hangs(listener):
    assert serve(App(startup="hang"), listener, grace=5) == 0


def test_a_second_ctrl_c_ends_a_shut_down_that_hangs(listener):
    app = App(startup="complete and hang at the end")
    assert serve_one_request(app, listener)[0] == 0
    assert app.events == ["lifespan.startup", "lifespan.shutdown"]


class TestASignalThatPythonDrops:
    """KeyboardInterrupt goes nowhere where it strikes in the callback of a weak reference, as importing modules has them."""

    def drop(self):
        with suppress(KeyboardInterrupt):
            signal.raise_signal(signal.SIGINT)

    def test_while_the_server_is_imported(self, listener, monkeypatch):
        def prepare(*_):
            self.drop()
            return SimpleNamespace(started=False, should_exit=False, run=lambda sockets: pytest.fail("it serves"))

        monkeypatch.setattr(serving, "_server", prepare)
        assert serve(App(), listener, grace=5) == 0

    def test_before_the_server_has_handlers_of_its_own(self, listener, monkeypatch):
        prepare, app = serving._server, App()

        def prepared(*arguments):
            server = prepare(*arguments)
            run = server.run
            monkeypatch.setattr(server, "run", lambda sockets: (self.drop(), run(sockets=sockets)))
            return server

        monkeypatch.setattr(serving, "_server", prepared)
        assert serve(app, listener, grace=5) == 0
        assert app.events == ["lifespan.startup", "lifespan.shutdown"]


@pytest.mark.parametrize(
    ("ending", "status"),
    [
        (SystemExit(5), 5),
        (SystemExit("no database"), EXIT_STARTUP_FAILED),
        (KeyboardInterrupt(), 0),
        (None, EXIT_STARTUP_FAILED),
    ],
)
def test_however_the_server_ends_there_is_a_status(listener, monkeypatch, ending, status):
    """An older uvicorn returns from a failed start-up, a newer one leaves by SystemExit."""

    def end(sockets):
        if ending is not None:
            raise ending

    monkeypatch.setattr(serving, "_server", lambda *_: SimpleNamespace(started=False, should_exit=False, run=end))
    assert serve(App(), listener, grace=5) == status


def test_a_server_that_ends_by_itself_after_it_had_started_is_status_0(listener, monkeypatch):
    monkeypatch.setattr(
        serving, "_server", lambda *_: SimpleNamespace(started=True, should_exit=False, run=lambda sockets: None)
    )
    assert serve(App(), listener, grace=5) == 0


def test_in_another_thread_the_signals_are_left_alone(listener, monkeypatch):
    seen = []
    before = signal.getsignal(signal.SIGINT)
    fake = SimpleNamespace(
        started=True, should_exit=False, run=lambda sockets: seen.append(signal.getsignal(signal.SIGINT))
    )
    monkeypatch.setattr(serving, "_server", lambda *_: fake)
    thread = Thread(target=serve, args=(App(), listener), kwargs={"grace": 5})
    thread.start()
    thread.join()
    assert seen == [before]


def test_waiting_for_open_requests_is_said(listener, capfd):
    """A request that is open when the server is asked to stop is answered, and the person at the terminal is told."""

    class Slow(App):
        async def __call__(self, scope, receive, send):
            if scope["type"] == "http":
                signal.raise_signal(signal.SIGTERM)
                await asyncio.sleep(0.3)
            await super().__call__(scope, receive, send)

    assert serve_one_request(Slow(), listener, number=None)[:2] == (0, b"")
    assert "flasgo: waiting up to 5 s for open requests (Ctrl+C to drop them)" in capfd.readouterr().err


def test_a_request_that_outlives_the_grace_is_cancelled(listener):
    class Endless(App):
        async def __call__(self, scope, receive, send):
            if scope["type"] == "http":
                signal.raise_signal(signal.SIGTERM)
                try:
                    await asyncio.sleep(10)
                except asyncio.CancelledError:
                    self.events.append("cancelled")
                    raise
            await super().__call__(scope, receive, send)

    app = Endless()
    with pytest.raises(HTTPError, match="500") as answer:
        serve_one_request(app, listener, number=None, grace=0)
    answer.value.close()
    assert app.events == ["lifespan.startup", "cancelled", "lifespan.shutdown"]


@pytest.mark.parametrize("stopping", [True, False])
def test_a_cancelled_request_is_reported_unless_the_server_stops(listener, capfd, stopping):
    class Cancelled(App):
        async def __call__(self, scope, receive, send):
            if scope["type"] == "http":
                if stopping:
                    signal.raise_signal(signal.SIGTERM)
                raise asyncio.CancelledError
            await super().__call__(scope, receive, send)

    with pytest.raises(HTTPError, match="500") as error:
        serve_one_request(Cancelled(), listener, number=None if stopping else signal.SIGINT)
    error.value.close()
    assert ("CancelledError" in capfd.readouterr().err) is not stopping


@pytest.mark.parametrize(("level", "server_level"), [("info", "WARNING"), ("debug", "DEBUG"), ("error", "ERROR")])
def test_at_info_the_server_says_only_what_goes_wrong(level, server_level):
    assert serving._loggers(level)["uvicorn.error"]["level"] == server_level


@pytest.mark.parametrize("configured", [True, False])
def test_flasgo_logs_like_the_server_unless_the_program_set_up_logging(configured, monkeypatch):
    logger = logging.getLogger("flasgo")
    monkeypatch.setattr(logger, "propagate", False)
    monkeypatch.setattr(logger, "handlers", [logging.NullHandler()] if configured else [])
    assert ("flasgo" in serving._loggers("info")) is not configured


def test_it_says_once_that_it_serves_and_that_it_has_served_its_share_and_serves_on(listener):
    told = []

    def tell(word):
        told.append(word)
        if word == FULL:
            signal.raise_signal(signal.SIGINT)

    status, body, _ = serve_one_request(App(), listener, number=None, root_path="/on", share=Share(1, tell))
    assert (status, body) == (0, b"/on")
    assert told == [SERVING, FULL]


def test_it_never_says_that_it_serves_when_its_start_fails(listener):
    told = []
    assert serve(App(startup="failed"), listener, share=Share(1, told.append)) == EXIT_STARTUP_FAILED
    assert told == []


class TestHaste:
    """What two signals do where the clean end takes too long: a thread that goes on cannot be ended by Python."""

    @pytest.fixture
    def left(self, monkeypatch):
        left = Event()
        monkeypatch.setattr(serving, "HASTE", 0.01)
        monkeypatch.setattr(serving.os, "_exit", lambda status: left.set() if status == 0 else None)
        return left

    def test_the_process_is_left_by_a_second_signal(self, left, capfd):
        stop = serving._Stop()
        for _ in range(3):
            with pytest.raises(KeyboardInterrupt):
                stop(signal.SIGINT, None)
        assert left.wait(10)
        assert capfd.readouterr().err.count("flasgo: a thread is still at work: it was dropped") == 1

    def test_the_process_is_not_left_by_one_signal_nor_when_serving_is_over(self, left, monkeypatch):
        stop = serving._Stop()
        with pytest.raises(KeyboardInterrupt):
            stop(signal.SIGINT, None)
        assert stop._haste is None
        monkeypatch.setattr(serving, "HASTE", 60)
        with pytest.raises(KeyboardInterrupt):
            stop(signal.SIGINT, None)
        timer = stop._haste
        assert timer is not None
        stop.is_over()
        timer.join(10)
        assert not timer.is_alive()
        assert not left.is_set()

    def test_serving_that_was_forced_to_end_does_not_end_the_process(self, listener, left, monkeypatch):
        monkeypatch.setattr(serving, "HASTE", 60)
        timers = [thread for thread in threads() if isinstance(thread, Timer)]
        assert serve_one_request(App(startup="complete and hang at the end"), listener)[0] == 0
        for thread in threads():
            if isinstance(thread, Timer) and thread not in timers:
                thread.join(10)
                assert not thread.is_alive()
        assert not left.is_set()


def test_what_is_said_first_is_said_when_ctrl_c_is_handled(listener, monkeypatch):
    """A test, or a person, who reads it and presses Ctrl+C at once gets the usual end."""
    monkeypatch.setattr(serving, "say", lambda _: signal.raise_signal(signal.SIGINT))
    monkeypatch.setattr(serving, "_server", lambda *_: pytest.fail("it serves"))
    assert serve(App(), listener, announcement="serving") == 0


def test_a_connection_that_is_made_while_the_server_ends_is_told_of_it(listener, monkeypatch):
    """The event loop accepts it before the end and makes it after uvicorn has told all there are; here it is hidden from uvicorn."""
    told = []
    servers = []

    class Connection:
        def shutdown(self):
            told.append(self)
            servers[0].server_state.connections.discard(self)

    late = Connection()

    class Late(App):
        async def __call__(self, scope, receive, send):
            if scope["type"] == "http":
                signal.raise_signal(signal.SIGINT)
                asyncio.get_running_loop().call_soon(look)
            await super().__call__(scope, receive, send)

    def look():
        if servers[0].servers[0].is_serving():
            asyncio.get_running_loop().call_soon(look)
        else:
            servers[0].server_state.connections.add(late)

    prepare = serving._server

    def prepared(*arguments):
        servers.append(prepare(*arguments))
        return servers[0]

    monkeypatch.setattr(serving, "_server", prepared)
    assert serve_one_request(Late(), listener, number=None)[0] == 0
    assert told == [late]
