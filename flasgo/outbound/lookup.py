"""Names to addresses, once, within a time limit."""

import asyncio
import socket
from collections.abc import Iterable
from concurrent.futures import Future
from ipaddress import ip_address
from threading import Thread

from flasgo.outbound.addresses import Address
from flasgo.outbound.urls import SSRFViolation

UNKNOWN = (OSError, UnicodeError)
"""What `getaddrinfo` raises for a name that it cannot find, or not even ask for."""


def lookup(host: str, port: int, timeout: float) -> tuple[Address, ...]:
    """Every address of a host; none where it has none. `timeout` in seconds.

    `getaddrinfo` cannot be told when to stop, so it runs in a thread of its own, which is left behind when it does not answer.

    Raises SSRFViolation when the time is over, or an answer is no IP address.
    """
    answer: Future[tuple[Address, ...]] = Future()
    Thread(target=_answer, args=(answer, host, port), name="flasgo-lookup", daemon=True).start()
    try:
        return answer.result(timeout)
    except TimeoutError:
        raise _too_late(host) from None


def _answer(answer: Future[tuple[Address, ...]], host: str, port: int) -> None:
    try:
        answer.set_result(_addresses(host, socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)))
    except UNKNOWN:
        answer.set_result(())
    except Exception as error:  # noqa: BLE001 - the caller's thread raises it
        answer.set_exception(error)


async def lookup_async(host: str, port: int, timeout: float) -> tuple[Address, ...]:  # noqa: ASYNC109 - as lookup
    """What `lookup` does, by the resolver of the running event loop."""
    loop = asyncio.get_running_loop()
    try:
        async with asyncio.timeout(timeout):
            found = await loop.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except TimeoutError:
        raise _too_late(host) from None
    except UNKNOWN:
        return ()
    return _addresses(host, found)


def _addresses(
    host: str, found: Iterable[tuple[object, object, object, object, tuple[object, ...]]]
) -> tuple[Address, ...]:
    try:
        return tuple(ip_address(str(sockaddr[0])) for _, _, _, _, sockaddr in found)
    except ValueError:
        raise SSRFViolation(f"{host} leads to something that is no IP address.", "address_not_allowed") from None


def _too_late(host: str) -> SSRFViolation:
    return SSRFViolation(f"DNS did not answer in time for {host}. Try again later.", "lookup_timeout")
