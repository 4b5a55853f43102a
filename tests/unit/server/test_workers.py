import itertools
import socket
from contextlib import contextmanager

import pytest

from flasgo.server import workers
from flasgo.server.workers import serve_with_workers


class FakeChild:
    pids = itertools.count(100)
    scripts: list[list[int | None]] = []
    started: list["FakeChild"] = []
    calls: list[tuple[str, int]] = []

    def __init__(self, listener, environment):
        self.environment = environment
        self.pid = next(self.pids)
        self.script = self.scripts.pop(0) if self.scripts else []
        self.started.append(self)

    def status(self):
        return self.script.pop(0) if self.script else None

    def ask_to_end(self):
        self.calls.append(("ask", self.pid))

    def end(self, grace):
        self.calls.append(("end", self.pid))


class Ticks:
    """A stop event that is set after so many looks."""

    def __init__(self, count):
        self.left = count

    def wait(self, timeout):
        self.left -= 1
        return self.left < 0


@pytest.fixture
def supervise(monkeypatch):
    monkeypatch.setattr(workers, "Child", FakeChild)
    for name in ("scripts", "started", "calls"):
        monkeypatch.setattr(FakeChild, name, [])

    def run(count, *, ticks, statuses=()):
        @contextmanager
        def stop_event():
            yield Ticks(ticks)

        monkeypatch.setattr(workers, "stop_event", stop_event)
        FakeChild.scripts[:] = [list(script) for script in statuses]
        with socket.socket() as listener:
            return serve_with_workers(listener, count, {"A": "1"}, grace=1)

    return run


def test_so_many_workers_serve_and_all_are_asked_to_end_before_any_is_waited_for(supervise):
    assert supervise(2, ticks=3) == 0
    first, second = FakeChild.started
    assert first.environment == {"A": "1"}
    assert [name for name, _ in FakeChild.calls] == ["ask", "ask", "end", "end"]
    assert {pid for _, pid in FakeChild.calls} == {first.pid, second.pid}


@pytest.mark.parametrize("status", [0, 1, -9])
def test_a_worker_that_ends_is_replaced(supervise, status, capsys):
    assert supervise(2, ticks=3, statuses=[[None, status]]) == 0
    assert len(FakeChild.started) == 3
    assert f"ended with status {status}; starting another" in capsys.readouterr().err


@pytest.mark.parametrize("status", [2, 3])
def test_a_first_worker_that_cannot_start_ends_the_server_with_its_status(supervise, status):
    assert supervise(2, ticks=3, statuses=[[None], [status]]) == status
    assert len(FakeChild.started) == 2


def test_a_replacement_that_cannot_start_is_tried_again(supervise):
    assert supervise(1, ticks=4, statuses=[[-9], [3], [None]]) == 0
    assert len(FakeChild.started) == 3
