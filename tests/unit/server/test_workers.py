import itertools
import socket
from contextlib import contextmanager

import pytest

from flasgo.server import workers
from flasgo.server.processes import FULL, SERVING
from flasgo.server.workers import serve_with_workers, share_of


class FakeChild:
    pids = itertools.count(100)
    scripts: list[list[int | None]] = []
    started: list["FakeChild"] = []
    calls: list[tuple[str, int]] = []

    says: list[bytes] = []

    def __init__(self, listener, environment):
        self.said = self.says.pop(0) if self.says else b""
        self.environment = environment
        self.pid = next(self.pids)
        self.script = self.scripts.pop(0) if self.scripts else []
        self.started.append(self)

    def status(self):
        return self.script.pop(0) if self.script else None

    def has_said(self, word):
        return word in self.said

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
    for name in ("scripts", "started", "calls", "says"):
        monkeypatch.setattr(FakeChild, name, [])

    def run(count, *, ticks, statuses=(), says=(), grace=1):
        @contextmanager
        def stop_event():
            yield Ticks(ticks)

        monkeypatch.setattr(workers, "stop_event", stop_event)
        FakeChild.says[:] = says
        FakeChild.scripts[:] = [list(script) for script in statuses]
        with socket.socket() as listener:
            return serve_with_workers(listener, count, {"A": "1"}, grace=grace)

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


# --- recycling -------------------------------------------------------------------------------------------------------


def test_a_share_is_what_was_asked_for_and_up_to_a_fifth_more():
    shares = {share_of(10) for _ in range(300)}
    assert shares == {10, 11, 12}
    assert share_of(4) == 4


def test_a_worker_that_has_served_its_share_goes_on_until_its_successor_serves(supervise, capsys):
    assert supervise(1, ticks=5, says=[SERVING + FULL, b""]) == 0
    old, new = FakeChild.started
    assert FakeChild.calls == [("ask", old.pid), ("ask", new.pid), ("end", old.pid), ("end", new.pid)]
    assert capsys.readouterr().err.count(f"worker {old.pid} has served its share of requests; starting another") == 1


def test_it_is_asked_to_end_once_its_successor_serves_and_then_waited_for(supervise):
    assert supervise(1, ticks=4, statuses=[[None, None, 0]], says=[SERVING + FULL, SERVING]) == 0
    old, new = FakeChild.started
    assert FakeChild.calls == [("ask", old.pid), ("end", old.pid), ("ask", new.pid), ("end", new.pid)]


def test_one_that_does_not_end_in_time_is_killed(supervise):
    assert supervise(1, ticks=2, says=[SERVING + FULL, SERVING], grace=-workers._KILL_MARGIN) == 0
    old, new = FakeChild.started
    assert FakeChild.calls == [("ask", old.pid), ("end", old.pid), ("ask", new.pid), ("end", new.pid)]


def test_one_that_still_answers_is_waited_for_at_the_end(supervise):
    assert supervise(1, ticks=2, says=[SERVING + FULL, SERVING], grace=60) == 0
    old, new = FakeChild.started
    assert FakeChild.calls == [
        ("ask", old.pid), ("ask", new.pid), ("ask", old.pid), ("end", new.pid), ("end", old.pid)
    ]  # fmt: skip


def test_a_successor_that_cannot_start_is_tried_again_while_the_old_one_serves(supervise, capsys):
    assert supervise(1, ticks=3, statuses=[[], [3]], says=[SERVING + FULL]) == 0
    old, failed, new = FakeChild.started
    assert ("ask", old.pid) not in FakeChild.calls[:1]
    assert FakeChild.calls[0] == ("end", failed.pid)
    assert {pid for name, pid in FakeChild.calls if name == "ask"} == {old.pid, new.pid}
    assert f"worker {failed.pid} ended with status 3; starting another" in capsys.readouterr().err


def test_a_successor_takes_the_place_of_one_that_ends_before_it_serves(supervise):
    assert supervise(1, ticks=3, statuses=[[None, -9]], says=[SERVING + FULL]) == 0
    assert len(FakeChild.started) == 2
    old, new = FakeChild.started
    assert FakeChild.calls == [("end", old.pid), ("ask", new.pid), ("end", new.pid)]
