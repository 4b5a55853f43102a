import socket
from asyncio import BaseTransport

import pytest

from flasgo.server import deadlines
from flasgo.server.connections import ConnectionLimits
from flasgo.server.deadlines import Patience, acknowledged


@pytest.fixture
def patience():
    return Patience(ConnectionLimits())


def over(patience, waiting, times, *, heads=1, received=lambda now: 0):
    """When it is over, asked at these times."""
    return next((now for now in times if patience.is_over(waiting, heads, received(now), now)), None)


SECONDS = range(100, 200)


class TestWaiting:
    @pytest.mark.parametrize(
        ("waiting", "heads", "seconds"),
        [("request", 0, 10), ("request", 1, 5), ("head", 0, 10), ("head", 1, 10), ("body", 1, 10), ("end", 1, 2)],
    )
    def test_how_long_a_peer_may_do_nothing(self, patience, waiting, heads, seconds):
        assert over(patience, waiting, SECONDS, heads=heads) == 100 + seconds

    def test_our_own_turn_has_no_end(self, patience):
        assert over(patience, None, range(0, 10_000, 10)) is None

    def test_another_request_begins_another_wait(self, patience):
        for now in SECONDS:
            assert not patience.is_over("head", now // 8, 0, now)

    def test_another_thing_to_do_begins_another_wait(self, patience):
        for now in SECONDS:
            assert not patience.is_over("head" if now // 8 % 2 else "body", 1, 0, now)


class TestBodies:
    def test_a_body_at_its_rate_may_last(self, patience):
        assert over(patience, "body", SECONDS, received=lambda now: 500 * now) is None

    def test_a_body_below_its_rate_ends_after_the_grace(self, patience):
        assert over(patience, "body", SECONDS, received=lambda now: 1_000_000 + now) == 121

    def test_what_came_quickly_is_credit(self, patience):
        """As the application counts: twenty seconds, and one for every 500 bytes."""
        assert over(patience, "body", SECONDS, received=lambda now: 5_000 if now == 100 else 10_000 + now) == 131

    def test_the_pauses_of_the_application_do_not_count(self, patience):
        for now in SECONDS:
            waiting = "body" if now // 9 % 2 else None
            assert not patience.is_over(waiting, 1, 7, now)

    def test_a_pause_of_the_peer_counts_though_the_body_was_quick(self, patience):
        assert over(patience, "body", SECONDS, received=lambda now: 100_000 * min(now, 105)) == 115


class TestThin:
    def test_half_a_head_is_thin_at_once(self, patience):
        assert patience.is_thin("head", 0, 0, 100.0)

    def test_a_body_is_thin_after_a_sweep_below_its_rate(self, patience):
        assert not patience.is_thin("body", 1, 0, 100.0)
        assert not patience.is_thin("body", 1, 500, 101.0)
        assert patience.is_thin("body", 1, 999, 102.0)
        assert not patience.is_thin("body", 2, 999, 103.0)

    @pytest.mark.parametrize("waiting", ["request", "end", None])
    def test_nothing_else_is(self, patience, waiting):
        assert not patience.is_thin(waiting, 1, 0, 100.0)
        assert not patience.is_thin(waiting, 1, 0, 190.0)


class Transport:
    """What is written and not taken yet."""

    def __init__(self):
        self.unsent = 0
        self.high = 65_536
        self.taken = 0
        self.error = None

    def get_write_buffer_size(self):
        return self.unsent

    def set_write_buffer_limits(self, high):
        self.high = high

    def get_extra_info(self, name):
        assert name == "socket"
        return self

    def getsockopt(self, level, option, size):
        assert (level, option, size) == (socket.IPPROTO_TCP, 11, 128)
        if self.error is not None:
            raise self.error
        return bytes(120) + self.taken.to_bytes(8, deadlines.sys.byteorder)


class TestWriting:
    @pytest.fixture(autouse=True)
    def linux(self, monkeypatch):
        monkeypatch.setattr(deadlines, "TCP_INFO", 11)

    @pytest.fixture
    def transport(self):
        return Transport()

    def stalled(self, patience, transport, change=lambda now: 0):
        """When it is stalled; `change` happens before each look and says how often all was taken."""
        for now in SECONDS:
            if patience.is_stalled(transport, change(now), now):
                return now
        return None

    def test_a_peer_that_takes_nothing(self, patience, transport):
        transport.unsent = 1
        assert self.stalled(patience, transport) == 130
        assert transport.high == 0

    def test_nothing_to_take_is_no_stall(self, patience, transport):
        assert self.stalled(patience, transport) is None
        assert transport.high == 65_536

    def test_a_stall_begins_with_what_there_is_to_take(self, patience, transport):
        def change(now):
            transport.unsent = 9 if now % 20 else 0
            return 0

        assert self.stalled(patience, transport, change) is None

    @pytest.mark.parametrize("sign", ["unsent", "taken", "resumed"])
    def test_every_sign_of_reading_counts(self, patience, transport, sign):
        transport.unsent = 1_000

        def change(now):
            if sign == "unsent":
                transport.unsent = 1_000 - now // 25
            if sign == "taken":
                transport.taken = now // 25
            return now // 25 if sign == "resumed" else 0

        assert self.stalled(patience, transport, change) is None

    def test_what_the_peer_took_where_the_system_does_not_tell(self, monkeypatch, transport):
        transport.taken = 7
        assert acknowledged(transport) == 7
        for transport.error in (OSError(), AttributeError()):
            assert acknowledged(transport) == 0
        monkeypatch.setattr(deadlines, "TCP_INFO", None)
        assert acknowledged(BaseTransport()) == 0
