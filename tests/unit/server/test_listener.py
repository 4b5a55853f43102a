import errno
import socket

import pytest

from flasgo.errors import ConfigurationError
from flasgo.server.listener import open_listener


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])
def test_a_listener_takes_the_address_and_a_free_port_for_0(host):
    with open_listener(host, 0) as listener:
        address, port = listener.getsockname()
        assert address == "127.0.0.1"
        assert port > 0


@pytest.mark.parametrize("host", ["::1", "[::1]"])
def test_a_listener_may_be_of_ipv6(host):
    if not socket.has_dualstack_ipv6():
        pytest.skip("this machine has no IPv6")
    with open_listener(host, 0) as listener:
        assert listener.getsockname()[0] == "::1"


def test_a_port_in_use_is_named_with_a_cure():
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        with pytest.raises(
            ConfigurationError, match=rf"^Port {port} on 127\.0\.0\.1 is in use: .* choose another port\.$"
        ):
            open_listener("127.0.0.1", port)


@pytest.mark.parametrize("port", [-1, 65536])
def test_a_number_that_is_no_port_is_refused(port):
    with pytest.raises(ConfigurationError, match=rf"^Port {port} is not a port: "):
        open_listener("127.0.0.1", port)


@pytest.mark.parametrize("host", ["host.invalid", "label-of-more-than-63-characters" * 3])
def test_a_host_that_is_not_known_is_refused(host, monkeypatch):
    real = socket.getaddrinfo

    def getaddrinfo(name, *args, **options):
        if name == "host.invalid":
            raise socket.gaierror(socket.EAI_NONAME, "unknown")
        return real(name, *args, **options)

    monkeypatch.setattr(socket, "getaddrinfo", getaddrinfo)
    with pytest.raises(ConfigurationError, match=r"is not known: use an address of this machine"):
        open_listener(host, 0)


@pytest.mark.parametrize(
    ("number", "message"),
    [
        (errno.EACCES, r"Port 80 on 127\.0\.0\.1 needs a privilege .* above 1023"),
        (errno.EADDRNOTAVAIL, r"127\.0\.0\.1 is not an address of this machine: use "),
        (errno.ENFILE, r"Cannot listen on 127\.0\.0\.1 port 80: "),
    ],
)
def test_every_reason_not_to_listen_is_one_sentence(monkeypatch, number, message):
    def create_server(*_, **__):
        raise OSError(number, "no")

    monkeypatch.setattr(socket, "create_server", create_server)
    with pytest.raises(ConfigurationError, match=message):
        open_listener("127.0.0.1", 80)
