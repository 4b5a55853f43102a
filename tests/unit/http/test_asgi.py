import asyncio
import tracemalloc
from typing import Any

import pytest

from flasgo.errors import ClientDisconnected, ContentTooLarge, RequestTimeout
from flasgo.http import asgi
from flasgo.http.asgi import (
    Departure,
    Incoming,
    Pending,
    length_field,
    lingering,
    poll,
    response_body,
    response_start,
)

DISCONNECT = {"type": "http.disconnect"}


def event(body: bytes | None = None, more: bool | None = None) -> dict[str, Any]:
    message: dict[str, Any] = {"type": "http.request"}
    if body is not None:
        message["body"] = body
    if more is not None:
        message["more_body"] = more
    return message


def server(*events: dict[str, Any] | float | Exception) -> Any:
    """A `receive` that gives these events, after pauses where a number stands; an exception is raised."""
    left = list(events)

    async def receive():
        while left:
            following = left.pop(0)
            if isinstance(following, Exception):
                raise following
            if isinstance(following, dict):
                return following
            await asyncio.sleep(following)
        return await asyncio.sleep(60)

    return receive


def incoming(*events: dict[str, Any] | float | Exception, limit: int = 100, idle: float = 5.0) -> Incoming:
    receive = server(*events)
    return Incoming(receive, poll(receive), limit=limit, idle_seconds=idle)


# ── poll ────────────────────────────────────────────────────────────────────────────────────────────────────────────


async def test_an_event_that_is_there_needs_no_waiting():
    assert poll(server(event(b"a"))) == event(b"a")


async def test_an_event_that_is_not_there_is_awaited_from_where_polling_stopped():
    pending = poll(server(0.01, 0.01, event(b"a")))
    assert isinstance(pending, Pending)
    assert await pending == event(b"a")


class Awaitable:
    """What a server may give that is no coroutine: an event after so many turns of the loop."""

    def __init__(self, message: dict[str, Any], turns: int) -> None:
        self.message = message
        self.turns = turns

    def __await__(self):
        for _ in range(self.turns):
            yield  # as a coroutine does that lets others run
        return self.message


async def test_what_is_awaited_need_not_be_a_coroutine():
    assert poll(lambda: Awaitable(event(b"a"), 0)) == event(b"a")
    pending = poll(lambda: Awaitable(event(b"b"), 2))
    assert isinstance(pending, Pending)
    assert await pending == event(b"b")


async def test_a_failure_comes_through_at_either_step():
    with pytest.raises(ValueError, match="at once"):
        poll(server(ValueError("at once")))
    pending = poll(server(0.01, ValueError("later")))
    assert isinstance(pending, Pending)
    with pytest.raises(ValueError, match="later"):
        await pending


async def test_cancellation_belongs_to_the_inner_awaitable():
    seen = []

    async def receive() -> Any:
        try:
            await asyncio.sleep(60)
        except asyncio.CancelledError:
            seen.append("cancelled")
            await asyncio.sleep(0)  # it may still clear up
            raise

    pending = poll(receive)
    assert isinstance(pending, Pending)
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.01):
            await pending
    assert seen == ["cancelled"]


async def test_an_inner_awaitable_may_survive_a_cancellation():
    async def receive() -> Any:
        try:
            await asyncio.sleep(60)
        except asyncio.CancelledError:
            await asyncio.sleep(0)
        return event(b"all the same")

    pending = poll(receive)
    assert isinstance(pending, Pending)

    async def wait():
        return await pending

    task = asyncio.create_task(wait())
    await asyncio.sleep(0)
    task.cancel()
    assert await task == event(b"all the same")


async def test_a_pending_event_that_nobody_awaits_leaves_nothing_behind():
    closed = []

    async def receive() -> Any:
        try:
            await asyncio.sleep(60)
        finally:
            closed.append(True)

    poll(receive)
    assert closed == [True]


# ── bodies ──────────────────────────────────────────────────────────────────────────────────────────────────────────


async def test_a_body_comes_in_pieces_or_whole():
    events = (event(b"a", True), event(b"", True), 0.01, event(b"bc", True), event(more=False))
    assert await incoming(*events).whole() == b"abc"
    body = incoming(*events)
    assert [piece async for piece in body.pieces()] == [b"a", b"bc"]
    assert body.more is False


async def test_what_is_kept_comes_as_one_piece_and_the_rest_as_it_comes():
    events = (event(b"a", True), event(b"", True), event(b"b", True), event(b"c", True), event(b"d", False))
    body = incoming(*events)
    assert not await body.keep(1)
    assert [piece async for piece in body.pieces()] == [b"ab", b"c", b"d"]
    body = incoming(*events)
    assert await body.keep(4)
    assert not body.taken
    assert await body.whole() == b"abcd"
    body = incoming(*events, limit=3)
    with pytest.raises(ContentTooLarge):
        await body.keep(100)


async def test_a_body_of_single_bytes_takes_no_more_room_than_another():
    count = 20_000
    body = incoming(*[event(b"x", True)] * count, event(b"", False), limit=count)
    await asyncio.sleep(0)
    tracemalloc.start()
    try:
        await body.keep(count)
        assert tracemalloc.get_traced_memory()[0] < 4 * count  # each piece on its own: many times as much
    finally:
        tracemalloc.stop()
    assert len(await body.whole()) == count


async def test_pieces_are_counted_as_they_come():
    body = incoming(event(b"abc", True), event(b"def", True), limit=5)
    seen = []
    with pytest.raises(ContentTooLarge, match=r"the 5 bytes"):
        async for piece in body.pieces():
            seen.append(piece)
    assert (seen, body.more) == ([b"abc"], True)


async def test_the_last_piece_may_be_one_too_many():
    body = incoming(event(b"abc", True), event(b"def", False), limit=5)
    with pytest.raises(ContentTooLarge):
        await body.whole()
    assert body.more is False


async def test_a_body_that_was_refused_is_refused_again_and_one_that_was_read_is_a_mistake():
    refused = incoming(event(b"abc", True), limit=2)
    for _ in range(2):
        with pytest.raises(ContentTooLarge):
            await refused.whole()
    read = incoming(event(b"abc", False))
    assert await read.whole() == b"abc"
    with pytest.raises(RuntimeError, match="read already"):
        await read.whole()


async def test_nothing_for_too_long_is_a_timeout():
    for events in ((60.0,), (event(b"a", True), 60.0)):
        with pytest.raises(RequestTimeout):
            await incoming(*events, idle=0.02).whole()


async def test_too_little_for_too_long_is_a_timeout():
    drips = [each for _ in range(50) for each in (event(b"x", True), 0.01)]
    with pytest.raises(RequestTimeout):
        await incoming(*drips, idle=0.05).whole()


async def test_the_time_that_is_left_is_twice_the_idle_time_and_what_the_bytes_have_earned(monkeypatch):
    """Never more than the idle time at once; 500 bytes earn a second."""
    clock, waits = [100.0], []

    async def within(seconds: float, pending: Pending) -> Any:
        waits.append(seconds)
        clock[0] += 9
        return await pending

    monkeypatch.setattr(asgi, "_within", within)
    monkeypatch.setattr(asgi.time, "monotonic", lambda: clock[0])
    slow = [each for size in (0, 500, 0, 1500, 0) for each in (0.001, event(b"x" * size, True))]
    body = incoming(*slow, 0.001, event(b""), limit=10_000, idle=10.0)
    assert len(await body.whole()) == 2000
    assert waits == [10, 10, 20 + 1 - 18, 20 + 1 - 27, 20 + 4 - 36, 20 + 4 - 45]


async def test_an_event_that_does_not_say_that_more_comes_is_the_last():
    body = incoming(event(b"a", True), 0.001, event(b"b"), event(b"never"))
    assert await body.whole() == b"ab"


@pytest.mark.parametrize("events", [(DISCONNECT,), (event(b"a", True), DISCONNECT), (0.01, DISCONNECT)], ids=str)
async def test_a_client_that_leaves_is_said_to_have_left(events):
    body = incoming(*events)
    with pytest.raises(ClientDisconnected):
        await body.whole()
    assert body.more is False


# ── draining ────────────────────────────────────────────────────────────────────────────────────────────────────────


async def test_draining_takes_the_rest():
    body = incoming(event(b"a", True), 0.01, event(b"b", True), event(b"c", False))
    await body.drain()
    assert body.more is False
    await body.drain()  # there is nothing left to wait for


async def test_draining_has_an_end_in_bytes():
    read = []

    async def receive() -> Any:
        read.append(1)
        return event(b"x" * 65_536, True)

    await Incoming(receive, poll(receive), limit=1, idle_seconds=5).drain()
    assert len(read) == asgi.DRAINED_BYTES // 65_536


async def test_draining_has_an_end_in_time(monkeypatch):
    monkeypatch.setattr(asgi, "DRAINED_SECONDS", 0.02)
    async with asyncio.timeout(5):
        await incoming(event(b"a", True), 60.0).drain()
        await incoming(*[each for _ in range(100) for each in (event(b"x", True), 0.005)]).drain()


@pytest.mark.parametrize("failure", [DISCONNECT, OSError("gone")], ids=str)
async def test_draining_ends_quietly_when_the_client_does(failure):
    await incoming(event(b"a", True), failure).drain()


async def test_lingering_drains_before_the_last_event():
    sent: list[Any] = []

    async def send(message: Any) -> None:
        sent.append(message)

    body = incoming(event(b"a", True), event(b"b", False))
    linger = lingering(send, body)
    await linger(response_start(413, []))
    await linger(response_body(b"too", more_body=True))
    assert body.more is True
    await linger(response_body(b" large"))
    assert body.more is False
    assert sent == [
        response_start(413, []),
        response_body(b"too", more_body=True),
        response_body(b" large", more_body=True),
        response_body(b""),
    ]


# ── responses ───────────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_length_is_in_digits():
    assert length_field(1_000_000) == (b"content-length", b"1000000")


async def test_only_leaving_interrupts_who_watches_for_it():
    """What else a server may still say of the request is passed over."""
    async with asyncio.timeout(5):
        with pytest.raises(ClientDisconnected):
            async with Departure(server(event(b""), event(b""), DISCONNECT)):
                await asyncio.Event().wait()
    async with Departure(server(RuntimeError("the server cannot say it"))):
        await asyncio.sleep(0)


async def test_an_error_in_the_moment_of_leaving_stays_that_error():
    with pytest.raises(ValueError, match="mine"):
        async with Departure(server(DISCONNECT)):
            try:
                await asyncio.Event().wait()
            finally:
                raise ValueError("mine")
    await asyncio.sleep(0)  # nothing of the cancellation is left
