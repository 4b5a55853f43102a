"""Limits that worker processes share: together they admit exactly the quota, whoever of them is killed on the way."""

import os
import signal
import socket
import threading
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from http.client import HTTPConnection, HTTPException

import pytest

pytestmark = pytest.mark.slow

LIMIT = 40
PERIOD = 5.0
"""Seconds; all that a test asks for within one period takes a fraction of it."""

APP = f"""
    import os
    from flasgo import Flasgo

    app = Flasgo(settings={{
        "SECRET_KEY": "a-key-for-tests-0123456789-abcdefghij", "RATE_LIMIT_STORE": os.environ["STORE"],
        "ALLOWED_HOSTS": {{"127.0.0.1"}},
    }})

    @app.get("/<name>")
    @app.ratelimit({LIMIT}, per={PERIOD}, scope="one", key_func=lambda request: request.path, strict=True)
    async def limited(name: str) -> int:
        return os.getpid()

    @app.get("/open/<name>")
    @app.ratelimit({LIMIT}, per={PERIOD}, scope="open", key_func=lambda request: request.path)
    async def bridged(name: str) -> int:
        return os.getpid()

    @app.get("/worker")
    async def worker() -> int:
        return os.getpid()

    @app.get("/strict")
    @app.ratelimit(1000, per=60, strict=True)
    async def strict() -> int:
        return os.getpid()
"""


class Workers:
    """Four processes behind one port; every request has a connection of its own, so that any of them may answer."""

    def __init__(self, workshop, wait_for, store: str, by: str) -> None:
        workshop.write("app.py", APP)
        workshop.environment["STORE"] = store
        if by == "uvicorn":
            with socket.socket() as probe:
                probe.bind(("127.0.0.1", 0))
                port = str(probe.getsockname()[1])
            workshop.start("-m", "uvicorn", "app:app", "--workers", "4", "--port", port, "--log-level", "error")
            self.address = f"127.0.0.1:{port}"
        else:
            server = workshop.serve("app.py", "--workers", "4", "--log-level", "error")
            self.address = server.url.removeprefix("http://")
        self.wait_for = wait_for

    def all_four(self) -> set[int]:
        """The processes, once all of them serve."""
        seen: set[str] = set()

        def look() -> bool:
            status, text = self.ask("/worker")
            seen.update({text} if status == 200 else ())
            return len(seen) == 4

        self.wait_for("four workers", look)
        return set(map(int, seen))

    def ask(self, path: str) -> tuple[int, str]:
        """Status and text; 0 where the connection broke, as it does when a worker is killed."""
        connection = HTTPConnection(self.address, timeout=30)
        with closing(connection):
            try:
                connection.request("GET", path)
                answer = connection.getresponse()
                return answer.status, answer.read().decode()
            except (HTTPException, OSError):
                return 0, ""

    def hammer(self, path: str, times: int = 4 * LIMIT) -> list[tuple[int, str]]:
        began = time.monotonic()
        with ThreadPoolExecutor(12) as threads:
            answers = list(threads.map(lambda _: self.ask(path), range(times)))
        assert time.monotonic() - began < PERIOD, "this machine is too busy: the requests were to fall into one period"
        return answers

    def spend(self, path: str) -> list[tuple[int, str]]:
        """Ask for much more than the quota; it is admitted, and nothing beyond it.

        Where a worker is killed, or a busy machine lets the store answer too late (503), what was counted may be lost to its client.
        """
        answers = self.hammer(path)
        seen = Counter(status for status, _ in answers)
        lost = seen[0] + seen[503]
        assert set(seen) <= {0, 200, 429, 503}, seen
        assert LIMIT - lost <= seen[200] <= LIMIT, seen
        return answers


@pytest.fixture(params=["sqlite-flasgo", "redis-uvicorn"])
def workers(request, workshop, redis_servers, wait) -> Workers:
    store, _, server = request.param.partition("-")
    url = f"sqlite:///{workshop.root}/limits.db" if store == "sqlite" else redis_servers().url
    return Workers(workshop, wait, url, server)


def test_four_workers_admit_exactly_the_quota_in_every_period(workers: Workers) -> None:
    workers.all_four()
    for _ in range(2):
        answers = workers.spend("/all")
        last = time.monotonic()
        assert {status for status, _ in answers} <= {200, 429, 503}
        assert len({text for status, text in answers if status == 200}) > 1, "one worker alone proves nothing"
        time.sleep(max(0.0, last + PERIOD + 0.2 - time.monotonic()))  # the length of a period is what this is about


def test_workers_that_are_killed_leave_nothing_locked(workers: Workers) -> None:
    before = workers.all_four()
    killed = sorted(before)[:3]

    def kill() -> None:
        for pid in killed:
            time.sleep(0.03)  # so that it is in the middle of something
            os.kill(pid, signal.SIGKILL)

    killer = threading.Thread(target=kill)
    killer.start()
    workers.spend("/killed")
    killer.join()
    after = workers.all_four()
    assert after.isdisjoint(killed)
    answers = workers.spend("/afterwards")
    assert {status for status, _ in answers} <= {200, 429, 503}


def test_a_redis_that_is_killed_is_bridged_as_documented_and_counts_again(workshop, redis_servers, wait) -> None:
    redis = redis_servers()
    workers = Workers(workshop, wait, redis.url, "flasgo")
    workers.all_four()
    workers.spend("/before")
    assert workers.ask("/strict")[0] == 200

    redis.kill()
    assert workers.ask("/strict")[0] == 503
    bridged = Counter(status for status, _ in workers.hammer("/open/meanwhile", 6 * LIMIT))
    assert set(bridged) == {200, 429}
    assert LIMIT <= bridged[200] <= 4 * LIMIT  # each process counts by itself
    assert workers.ask("/strict")[0] == 503

    assert redis.start()
    wait("an answer of the new Redis", lambda: workers.ask("/strict")[0] == 200)
    workers.spend("/again")
