"""The listening socket: opened before anything else, so that an address that cannot be had is one sentence."""

import errno
import os
import socket

from flasgo.errors import ConfigurationError

_BACKLOG = 2048
_PORTS = range(65536)


def open_listener(host: str, port: int) -> socket.socket:
    """A listening TCP socket; a name with several addresses takes the first of IPv4.

    Raises ConfigurationError, with the cure, when the address cannot be had.
    """
    if port not in _PORTS:
        raise ConfigurationError(f"Port {port} is not a port: choose 1 to 65535, or 0 for any free one.")
    try:
        found = socket.getaddrinfo(host.strip("[]"), port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
        family, _, _, _, address = min(found, key=lambda candidate: candidate[0] != socket.AF_INET)
        return socket.create_server(address, family=family, backlog=_BACKLOG)
    except (OSError, UnicodeError) as error:
        raise ConfigurationError(_why_not(host, port, error)) from None


def _why_not(host: str, port: int, error: OSError | UnicodeError) -> str:
    if isinstance(error, UnicodeError | socket.gaierror):
        return f"The host {host!r} is not known: use an address of this machine, such as 127.0.0.1."
    match error.errno:
        case errno.EADDRINUSE:
            return f"Port {port} on {host} is in use: stop the program that has it, or choose another port."
        case errno.EACCES:
            return f"Port {port} on {host} needs a privilege that you do not have: choose a port above 1023."
        case errno.EADDRNOTAVAIL:
            return f"{host} is not an address of this machine: use 127.0.0.1, or 0.0.0.0 for all of its addresses."
        case _:
            return f"Cannot listen on {host} port {port}: {os.strerror(error.errno or 0)}."
