from types import SimpleNamespace

import pytest

from flasgo.events import SecurityLog
from flasgo.server.connections import ConnectionLimits, Watch, limits_of, peer_of, settings_of
from flasgo.settings import Settings, load_settings


class TestLimits:
    def test_the_defaults_are_the_documented_ones(self):
        limits = ConnectionLimits()
        assert (limits.head_bytes, limits.head_fields, limits.head_seconds) == (16_384, 100, 10.0)
        assert (limits.body_idle_seconds, limits.body_bytes_per_second, limits.body_grace_seconds) == (
            10.0,
            500.0,
            20.0,
        )
        assert (limits.write_stall_seconds, limits.keep_alive_seconds, limits.sweep_seconds) == (30.0, 5.0, 1.0)
        assert (limits.pipeline_depth, limits.framing_bytes, limits.connections_per_peer) == (16, 4_096, 100)
        assert (limits.linger_seconds, limits.linger_bytes) == (2.0, 262_144)

    def test_default_settings_ask_for_the_defaults(self):
        assert limits_of(load_settings()) == limits_of(None) == ConnectionLimits()

    def test_settings_that_ask_for_something_else(self):
        settings = load_settings({"MAX_REQUEST_HEAD_BYTES": 999, "REQUEST_READ_TIMEOUT_SECONDS": 3})
        limits = limits_of(settings)
        assert (limits.head_bytes, limits.connections_per_peer) == (999, 100)
        assert (limits.head_seconds, limits.body_idle_seconds, limits.body_grace_seconds) == (3.0, 3.0, 6.0)

    def test_behind_trusted_proxies_peers_are_not_counted(self):
        settings = load_settings({"TRUSTED_PROXIES": {"10.0.0.0/8"}})
        assert limits_of(settings).connections_per_peer == 0

    def test_the_settings_of_an_application_are_found_inside_middleware(self):
        settings = load_settings()
        app = SimpleNamespace(settings=settings, app=None)
        assert settings_of(app) is settings
        assert settings_of(SimpleNamespace(settings="mine", app=SimpleNamespace(app=app))) is settings

    def test_other_applications_have_none(self):
        loop = SimpleNamespace(settings=Settings)
        loop.app = loop
        assert settings_of(loop) is None
        assert settings_of(lambda: None) is None


@pytest.mark.parametrize(
    ("host", "peer"),
    [
        ("192.0.2.7", "192.0.2.7"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::"),
        ("2001:db8:1:2::9", "2001:db8:1:2::"),
        ("::ffff:192.0.2.7", "192.0.2.7"),
        ("fe80::1%eth0", "fe80::"),
        ("no address", "no address"),
    ],
)
def test_whom_a_connection_is_counted_for(host, peer):
    assert peer_of((host, 1234)) == peer


@pytest.mark.parametrize("client", [None, ("127.0.0.1", 1), ("127.8.9.1", 1), ("::1", 1), ("::ffff:127.0.0.1", 1)])
def test_this_machine_is_not_counted(client):
    assert peer_of(client) is None


class Loop:
    """A loop whose time is set by hand."""

    def __init__(self):
        self.now = 100.0
        self.timers = []

    def time(self):
        return self.now

    def call_later(self, delay, callback):
        timer = Timer(self.now + delay, callback)
        self.timers.append(timer)
        return timer

    def run_until(self, now):
        """Run the timers that are due, each at its time."""
        while due := [timer for timer in self.armed if timer.when() <= now]:
            timer = min(due, key=Timer.when)
            self.now = max(self.now, timer.when())
            timer.cancel()
            timer.callback()
        self.now = now

    @property
    def armed(self):
        return [timer for timer in self.timers if not timer.cancelled]


class Timer:
    def __init__(self, when, callback):
        self.at = when
        self.callback = callback
        self.cancelled = False

    def when(self):
        return self.at

    def cancel(self):
        self.cancelled = True


class Connection:
    def __init__(self, peer="a", *, slow=False):
        self.peer = peer
        self.slow = slow
        self.looks = []

    def look(self, now):
        self.looks.append(now)

    def make_way(self, now):
        return self.slow


@pytest.fixture
def loop():
    return Loop()


@pytest.fixture
def watch(loop):
    return Watch(ConnectionLimits(), loop, log=SecurityLog(enabled=True))


class TestWatch:
    def test_it_costs_nothing_without_connections(self, watch, loop):
        assert loop.armed == []
        connection = Connection()
        watch.enter(connection)
        loop.run_until(102.5)
        assert connection.looks == [101.0, 102.0]
        watch.leave(connection)
        assert loop.armed == []
        watch.enter(connection)
        assert len(loop.armed) == 1

    def test_it_has_one_timer_for_all(self, watch, loop):
        connections = [Connection() for _ in range(3)]
        for connection in connections:
            watch.enter(connection)
        assert len(loop.armed) == 1
        loop.run_until(101.0)
        assert [connection.looks for connection in connections] == [[101.0]] * 3
        assert len(loop.armed) == 1

    def test_connections_are_counted_for_each_peer(self, watch):
        first, second, other, nobodys = Connection(), Connection(), Connection("b"), Connection(None)
        assert [watch.enter(connection) for connection in (first, second, other, nobodys)] == [1, 2, 1, 0]
        watch.leave(first)
        watch.leave(first)
        assert watch.enter(Connection()) == 2
        watch.leave(other)
        watch.leave(nobodys)
        assert watch.enter(Connection("b")) == 1

    def test_slow_connections_of_the_same_peer_make_way(self, watch):
        connections = [Connection(), Connection(slow=True), Connection("b")]
        for connection in connections:
            watch.enter(connection)
        assert watch.make_way(connections[0])
        assert not watch.make_way(connections[2])
        assert not watch.make_way(Connection(None))

    def test_after_a_blocked_loop_nobody_is_judged_at_once(self, watch, loop):
        connection = Connection()
        watch.enter(connection)
        loop.now = 120.0
        loop.run_until(120.0)
        assert connection.looks == []
        loop.run_until(121.0)
        assert connection.looks == [121.0]

    def test_a_loop_that_is_always_late_does_not_protect_anybody(self, watch, loop):
        connection = Connection()
        watch.enter(connection)
        for now in (110.0, 120.0, 130.0, 140.0):
            loop.now = now
            loop.run_until(now)
        assert connection.looks == [120.0, 140.0]
