"""Names are looked up once, and not for longer than a guard waits."""

import asyncio
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from ipaddress import ip_address

import pytest

from flasgo.outbound.addresses import Address
from flasgo.outbound.lookup import lookup, lookup_async
from flasgo.outbound.urls import SSRFViolation

Find = Callable[[str, int, float], tuple[Address, ...]]


@pytest.fixture(params=["sync", "async"])
def find(request: pytest.FixtureRequest) -> Find:
    """`lookup`, or `lookup_async` in a loop of its own."""
    if request.param == "sync":
        return lookup
    return lambda host, port, timeout: asyncio.run(lookup_async(host, port, timeout))


def dns(monkeypatch: pytest.MonkeyPatch, *addresses: str, error: Exception | None = None) -> list[tuple[object, ...]]:
    """Every name has these addresses; the calls are what is returned."""
    calls: list[tuple[object, ...]] = []

    def getaddrinfo(host: str, port: int, family: int = 0, type: int = 0, proto: int = 0, flags: int = 0) -> object:
        calls.append((host, port, type))
        if error is not None:
            raise error
        return [
            (socket.AF_INET6, type, 6, "", (text, port, 0, 0))
            if ":" in text
            else (socket.AF_INET, type, 6, "", (text, port))
            for text in addresses
        ]

    monkeypatch.setattr(socket, "getaddrinfo", getaddrinfo)
    return calls


def test_every_address_is_found_by_one_question(find: Find, monkeypatch: pytest.MonkeyPatch):
    calls = dns(monkeypatch, "9.9.9.9", "2606:4700::1", "fe80::1%3")

    assert find("a.example", 443, 1) == tuple(map(ip_address, ("9.9.9.9", "2606:4700::1", "fe80::1%3")))
    assert calls == [("a.example", 443, socket.SOCK_STREAM)]


@pytest.mark.parametrize(
    "error", [socket.gaierror(-2, "unknown"), OSError("no network"), UnicodeError("label too long")]
)
def test_a_name_that_is_not_known_has_no_address(find: Find, monkeypatch: pytest.MonkeyPatch, error: Exception):
    dns(monkeypatch, error=error)

    assert find("a.example", 443, 1) == ()


def test_an_empty_answer_is_no_address(find: Find, monkeypatch: pytest.MonkeyPatch):
    dns(monkeypatch)

    assert find("a.example", 443, 1) == ()


def test_an_answer_that_is_no_address_is_refused(find: Find, monkeypatch: pytest.MonkeyPatch):
    dns(monkeypatch, "9.9.9.9", "somewhere")

    with pytest.raises(SSRFViolation) as refused:
        find("a.example", 443, 1)
    assert refused.value.code == "address_not_allowed"


def test_a_mistake_of_the_program_is_not_hidden(find: Find, monkeypatch: pytest.MonkeyPatch):
    dns(monkeypatch, error=ZeroDivisionError())

    with pytest.raises(ZeroDivisionError):
        find("a.example", 443, 1)


@pytest.fixture
def slow_dns(monkeypatch: pytest.MonkeyPatch) -> Iterator[threading.Event]:
    """DNS that does not answer before the test is over."""
    over = threading.Event()

    def getaddrinfo(*args: object, **kwargs: object) -> list[object]:
        over.wait(5)
        return []

    monkeypatch.setattr(socket, "getaddrinfo", getaddrinfo)
    yield over
    over.set()


def test_a_plain_function_does_not_wait_longer_than_it_is_told(slow_dns: threading.Event):
    with pytest.raises(SSRFViolation) as refused:
        lookup("a.example", 443, 0.05)

    assert refused.value.code == "lookup_timeout"
    assert not slow_dns.is_set()  # it has not waited for the answer


def test_a_lookup_that_is_left_behind_does_not_keep_the_process():
    code = (
        "import socket, time; socket.getaddrinfo = lambda *args, **kwargs: time.sleep(30)\n"
        "from flasgo.outbound.lookup import lookup\n"
        "try: lookup('a.example', 443, 0.01)\n"
        "except ValueError as error: print(error)"
    )
    ended = subprocess.run((sys.executable, "-c", code), check=True, timeout=20, stdout=subprocess.PIPE, text=True)

    assert ended.stdout == "DNS did not answer in time for a.example. Try again later.\n"


async def test_a_coroutine_does_not_wait_longer_than_it_is_told(slow_dns: threading.Event):
    with pytest.raises(SSRFViolation) as refused:
        await lookup_async("a.example", 443, 0.05)

    assert refused.value.code == "lookup_timeout"
    slow_dns.set()  # the loop waits for its threads when it closes


async def test_the_loop_runs_while_dns_is_asked(slow_dns: threading.Event):
    waiting = asyncio.ensure_future(lookup_async("a.example", 443, 5))
    await asyncio.sleep(0.01)
    assert not waiting.done()

    slow_dns.set()

    assert await waiting == ()


def test_a_cancelled_lookup_is_cancelled(slow_dns: threading.Event):
    async def cancel() -> None:
        waiting = asyncio.ensure_future(lookup_async("a.example", 443, 5))
        await asyncio.sleep(0.01)
        waiting.cancel()
        slow_dns.set()
        with pytest.raises(asyncio.CancelledError):
            await waiting

    asyncio.run(cancel())


def test_the_real_resolver_is_asked():
    assert {str(address) for address in lookup("localhost", 80, 5)} & {"127.0.0.1", "::1"}
