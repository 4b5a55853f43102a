"""Four uvicorn workers, hammered by wrk as fast as it can: what they admit is the quota, no more and no less."""

import re
import subprocess
import time
from shutil import which
from typing import NamedTuple

import pytest

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(which("wrk") is None, reason="wrk is not installed"),
]

LIMIT = 40
PERIOD = 2
"""Seconds."""

APP = f"""
    import os
    from flasgo import Flasgo

    app = Flasgo(settings={{
        "SECRET_KEY": "a-key-for-tests-0123456789-abcdefghij", "RATE_LIMIT_STORE": os.environ["STORE"],
        "ALLOWED_HOSTS": {{"127.0.0.1"}},
    }})

    app.stores.open(os.environ["STORE"]).timeout = 20  # a busy machine is not an unavailable store

    @app.get("/<name>")
    @app.ratelimit({LIMIT}, per={PERIOD}, scope="all", key_func=lambda request: request.path, strict=True)
    async def limited(name: str) -> str:
        return name

    @app.get("/worker")
    async def worker() -> int:
        return os.getpid()

    @app.after_request
    async def sign(response):
        response.headers["x-worker"] = str(os.getpid())
"""

COUNT = """
    wrk.headers["Connection"] = "close"  -- or the first worker to wake would take all connections there are
    local threads = {}
    function setup(thread) table.insert(threads, thread) end
    function init() statuses = ""; workers = "" end
    local seen, pids = {}, {}
    function response(status, headers, body)
      seen[status] = (seen[status] or 0) + 1
      pids[headers["x-worker"]] = true
      statuses, workers = "", ""
      for code, count in pairs(seen) do statuses = statuses .. code .. "=" .. count .. " " end
      for pid in pairs(pids) do workers = workers .. pid .. " " end
    end
    function done(summary)
      for _, thread in ipairs(threads) do
        print("statuses: " .. thread:get("statuses"))
        print("workers: " .. thread:get("workers"))
      end
      print("broken: " .. summary.errors.connect + summary.errors.read + summary.errors.write + summary.errors.timeout)
    end
"""


class Told(NamedTuple):
    """What wrk saw: answers by their status, the workers that gave them, and connections that broke."""

    statuses: dict[int, int]
    workers: set[str]
    broken: int


class Hammer:
    def __init__(self, workshop, wait, port: int, store: str) -> None:
        workshop.write("app.py", APP)
        self.script = workshop.write("count.lua", COUNT)
        workshop.environment["STORE"] = store
        self.address = f"127.0.0.1:{port}"
        workshop.start("-m", "uvicorn", "app:app", "--workers", "4", "--port", str(port), "--log-level", "error")
        self.wait = wait
        self.wait("the server", lambda: self.hit("worker", 1, 4).statuses)

    def hit(self, name: str, seconds: int, connections: int = 24) -> Told:
        command = (
            "wrk",
            "-t1",
            f"-c{connections}",
            f"-d{seconds}s",
            "--timeout",
            "20s",
            "-s",
            str(self.script),
            f"http://{self.address}/{name}",
        )
        told = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False).stdout
        statuses = re.findall(r"(\d+)=(\d+)", "".join(re.findall(r"statuses: (.*)", told)))
        workers = "".join(re.findall(r"workers: (.*)", told)).split()
        broken = re.search(r"broken: (\d+)", told)
        return Told({int(s): int(n) for s, n in statuses}, set(workers), int(broken[1]) if broken else 0)


@pytest.fixture(params=["sqlite", "redis"])
def hammer(request, workshop, redis_servers, wait, unused_port) -> Hammer:
    store = f"sqlite:///{workshop.root}/limits.db" if request.param == "sqlite" else redis_servers().url
    return Hammer(workshop, wait, unused_port, store)


def most(seconds: float) -> int:
    """What is admitted at most in so long a time: whoever takes all of a quota at once gets all of it back at once, a period later."""
    return LIMIT * (1 + int(seconds / PERIOD))


def test_what_four_workers_admit_in_a_window_is_the_quota(hammer: Hammer) -> None:
    """In each of two windows: hammered for half of its length, or longer where the machine is busy."""
    for window in range(2):
        begun = time.monotonic()
        told = hammer.hit(f"window{window}", PERIOD // 2)
        assert told.broken == 0
        assert told.statuses.keys() == {200, 429}, told
        assert LIMIT <= told.statuses[200] <= most(time.monotonic() - begun), told
    assert len(told.workers) > 1, "one worker alone proves nothing"


def test_what_is_hammered_without_a_pause_is_given_its_quota_once_in_each_window(hammer: Hammer) -> None:
    """Two and a half windows without a pause: three times the quota; less only where the machine lets a whole window pass."""
    begun = time.monotonic()
    told = hammer.hit("on-and-on", PERIOD * 5 // 2)
    assert told.broken == 0
    assert told.statuses.keys() == {200, 429}, told
    assert 2 * LIMIT <= told.statuses[200] <= most(time.monotonic() - begun), told
