import os
import signal
import socket
import sys
import time
from threading import Event, Thread

import pytest

from flasgo.errors import ConfigurationError
from flasgo.server import processes
from flasgo.server.processes import FULL, SERVING, Child, Inheritance, inherit, say, stop_event

ACCEPT = """
import os, signal, socket
signal.signal(signal.SIGTERM, signal.{handler})
listener = socket.socket(fileno=int(os.environ["FLASGO_RUN_SOCKETS"].split()[0]))
peer, _ = listener.accept()
peer.sendall(f"{{os.environ['FLASGO_RUN_MAIN']}} {{os.environ.get('MARK')}}".encode())
peer.close()
signal.pause()
"""


@pytest.fixture
def listener():
    with socket.create_server(("127.0.0.1", 0)) as listener:
        yield listener


def program(monkeypatch, source):
    monkeypatch.setattr(sys, "orig_argv", [sys.executable, "-S", "-c", source])


def answer_of(listener):
    with socket.create_connection(listener.getsockname(), timeout=20) as connection:
        return connection.makefile().read()


def test_a_child_runs_the_same_program_with_the_marker_the_environment_and_the_listener(listener, monkeypatch):
    program(monkeypatch, ACCEPT.format(handler="SIG_DFL"))
    child = Child(listener, {"MARK": "mine"})
    try:
        assert answer_of(listener) == "true mine"
        assert child.status() is None
    finally:
        child.end(20)
    assert child.status() == -signal.SIGTERM


def test_a_child_that_ignores_the_request_to_end_is_killed_after_the_grace(listener, monkeypatch):
    program(monkeypatch, ACCEPT.format(handler="SIG_IGN"))
    child = Child(listener, {})
    answer_of(listener)  # by now it ignores SIGTERM
    child.end(0.05)
    assert child.status() == -signal.SIGKILL


def test_a_child_that_ended_by_itself_keeps_its_status(listener, monkeypatch):
    program(monkeypatch, "raise SystemExit(7)")
    child = Child(listener, {})
    while child.status() is None:
        time.sleep(0.01)
    child.end(0)
    assert child.status() == 7
    assert child.pid > 0


def test_a_process_without_supervisor_inherits_no_listener(monkeypatch):
    monkeypatch.delenv(processes.SOCKETS, raising=False)
    assert inherit() is None


def test_a_child_takes_its_listener_and_ends_when_its_supervisor_does(listener, monkeypatch):
    calls = []
    ended = Event()
    monkeypatch.setattr(signal, "raise_signal", lambda number: calls.append(("signal", number)))
    monkeypatch.setattr(time, "sleep", lambda seconds: calls.append(("sleep", seconds)))
    monkeypatch.setattr(os, "_exit", lambda status: (calls.append(("exit", status)), ended.set()))
    supervisor, far_end = socket.socketpair()
    numbers = [os.dup(listener.fileno()), far_end.detach()]
    for number in numbers:
        os.set_inheritable(number, True)
    monkeypatch.setenv(processes.SOCKETS, " ".join(map(str, numbers)))

    inherited = inherit()

    assert inherited is not None
    with inherited.listener:
        assert inherited.listener.getsockname() == listener.getsockname()
    assert processes.SOCKETS not in os.environ, "what the application starts is no child of the supervisor"
    assert calls == []
    supervisor.close()
    assert ended.wait(10)
    assert calls == [("signal", signal.SIGTERM), ("sleep", processes.ORPHAN_GRACE), ("exit", 1)]


def test_inherited_sockets_do_not_pass_to_what_the_application_starts(listener, monkeypatch):
    monkeypatch.setattr(processes, "_end_with_supervisor", lambda lifeline: lifeline.close())
    supervisor, far_end = socket.socketpair()
    number = os.dup(listener.fileno())
    os.set_inheritable(number, True)
    monkeypatch.setenv(processes.SOCKETS, f"{number} {far_end.detach()}")
    inherited = inherit()
    assert inherited is not None
    with inherited.listener, supervisor:
        assert not inherited.listener.get_inheritable()


def test_a_child_tells_its_supervisor_how_far_it_is(listener, monkeypatch):
    program(
        monkeypatch,
        """
import os, signal, socket
_, lifeline = (socket.socket(fileno=int(number)) for number in os.environ["FLASGO_RUN_SOCKETS"].split())
lifeline.send(b"s")
signal.pause()
""",
    )
    child = Child(listener, {})
    try:
        assert not child.has_said(FULL)
        while not child.has_said(SERVING):
            time.sleep(0.01)
        assert child.has_said(SERVING)
        assert not child.has_said(FULL)
    finally:
        child.end(20)
    assert child.has_said(SERVING), "what was said counts when the line is closed, too"


def test_a_word_without_a_supervisor_is_said_to_nobody(listener):
    supervisor, lifeline = socket.socketpair()
    with lifeline:
        Inheritance(listener, lifeline).tell(SERVING)
        assert supervisor.recv(16) == SERVING
        supervisor.close()
        Inheritance(listener, lifeline).tell(FULL)


def test_a_lifeline_that_breaks_counts_as_the_end_of_the_supervisor(monkeypatch):
    calls = []
    monkeypatch.setattr(signal, "raise_signal", calls.append)
    monkeypatch.setattr(time, "sleep", lambda _: None)
    monkeypatch.setattr(os, "_exit", calls.append)
    closed = socket.socket()
    closed.close()
    processes._end_with_supervisor(closed)
    assert calls == [signal.SIGTERM, 1]


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_stop_signal_sets_the_event_and_its_handler_comes_back(number):
    before = signal.getsignal(number)
    with stop_event() as stop:
        assert not stop.is_set()
        signal.raise_signal(number)
        assert stop.is_set()
    assert signal.getsignal(number) is before


def test_outside_the_main_thread_supervising_is_refused():
    errors = []

    def supervise():
        with pytest.raises(ConfigurationError, match="main thread") as error, stop_event():
            pass
        errors.append(error)

    thread = Thread(target=supervise)
    thread.start()
    thread.join()
    assert len(errors) == 1


def test_say_writes_one_line_on_stderr(capsys):
    say("hello")
    assert capsys.readouterr() == ("", "flasgo: hello\n")
