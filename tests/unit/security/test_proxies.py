from typing import Any

import pytest

from flasgo.events import SecurityLog
from flasgo.http.asgi import Scope
from flasgo.security import proxies
from flasgo.security.proxies import TrustedProxies

LOG = SecurityLog(enabled=False)


def test_what_is_remembered_of_peers_has_an_end(monkeypatch):
    monkeypatch.setattr(proxies, "MAX_REMEMBERED", 2)
    trusted = TrustedProxies(["10.0.0.0/8"], "x-forwarded", log=LOG)
    for _ in range(2):
        for number in range(5):
            assert trusted.trusts_peer({"type": "http", "client": (f"10.0.0.{number}", 1)})
            assert not trusted.trusts_peer({"type": "http", "client": (f"11.0.0.{number}", 1)})
    assert len(trusted._peers) == 2


@pytest.mark.parametrize(
    "value",
    [
        b"for=;proto=https",
        b"for=1.2.3",
        b'for="[::1"',
        b"proto=https, for=x y",
        b"for=a.example",
        b"for=1.1.1.1x",
        b'for="[::1]x"',
        b'for="1.1.1.1:"',
    ],
)
def test_the_chain_ends_at_the_first_hop_that_makes_no_sense(value):
    trusted = TrustedProxies(["10.0.0.0/8"], "forwarded", log=LOG)
    scope: Scope = {"type": "http", "scheme": "http", "client": ("10.0.0.1", 1), "headers": [(b"forwarded", value)]}
    assert trusted.resolve(scope) is scope


def test_a_hop_behind_sense_is_still_the_client():
    trusted = TrustedProxies(["10.0.0.0/8"], "forwarded", log=LOG)
    headers = [(b"forwarded", b"for=nonsense, for=10.0.0.9;proto=https")]
    resolved = trusted.resolve({"type": "http", "scheme": "http", "client": ("10.0.0.1", 1), "headers": headers})
    assert (resolved["client"], resolved["scheme"]) == (("10.0.0.9", 0), "https")


def resolved(trusted: TrustedProxies, *headers: tuple[bytes, bytes], **scope: Any) -> tuple[object, object, bytes]:
    """Client, scheme and Host as they are believed."""
    given: Any = {"type": "http", "scheme": "http", "client": ("10.0.0.1", 1), **scope}
    found = trusted.resolve({**given, "headers": [(b"host", b"shop.example"), *headers]})
    client = found["client"]
    return (None if client is None else client[0]), found["scheme"], dict(found["headers"])[b"host"]


X = TrustedProxies(["10.0.0.0/8", "unix"], "x-forwarded", log=LOG)
F = TrustedProxies(["10.0.0.0/8", "unix"], "forwarded", log=LOG)
FOR, PROTO, TO = b"x-forwarded-for", b"x-forwarded-proto", b"x-forwarded-host"


@pytest.mark.parametrize(
    ("headers", "expected"),
    [
        ([(FOR, b"1.1.1.1")], ("1.1.1.1", "http", b"shop.example")),
        ([(FOR, b"9.9.9.9, 1.1.1.1")], ("1.1.1.1", "http", b"shop.example")),
        ([(FOR, b"9.9.9.9"), (FOR, b"1.1.1.1")], ("1.1.1.1", "http", b"shop.example")),
        ([(FOR, b"1.1.1.1"), (FOR, b"10.0.0.2")], ("1.1.1.1", "http", b"shop.example")),
        ([(FOR, b"9.9.9.9, \t1.1.1.1 , 10.0.0.7\t")], ("1.1.1.1", "http", b"shop.example")),
        ([(FOR, b"10.0.0.8, 10.0.0.7")], ("10.0.0.8", "http", b"shop.example")),
        ([(FOR, b"unknown")], (None, "http", b"shop.example")),
        ([(FOR, b"_hidden")], (None, "http", b"shop.example")),
        ([(FOR, b"unknown more")], ("10.0.0.1", "http", b"shop.example")),
        ([(FOR, b"1.1.1.1"), (PROTO, b"https")], ("1.1.1.1", "https", b"shop.example")),
        ([(FOR, b"1.1.1.1"), (PROTO, b"HTTPS")], ("1.1.1.1", "https", b"shop.example")),
        ([(FOR, b"1.1.1.1"), (PROTO, b"gopher")], ("1.1.1.1", "http", b"shop.example")),
        ([(PROTO, b"https")], ("10.0.0.1", "https", b"shop.example")),
        ([(PROTO, b"https"), (TO, b"a.example")], ("10.0.0.1", "https", b"a.example")),
        ([(FOR, b"1.1.1.1"), (TO, b"a.example, b.example")], ("1.1.1.1", "http", b"b.example")),
        ([(FOR, b"1.1.1.1, 10.0.0.2"), (TO, b"a.example, b.example")], ("1.1.1.1", "http", b"a.example")),
        ([(FOR, b"1.1.1.1, 10.0.0.3, 10.0.0.2"), (PROTO, b"http, https")], ("1.1.1.1", "http", b"shop.example")),
        ([(FOR, b"1.1.1.1, 10.0.0.3, 10.0.0.2"), (PROTO, b"https, http")], ("1.1.1.1", "https", b"shop.example")),
        ([(FOR, b"1.1.1.1"), (b"x_forwarded_proto", b"https")], ("1.1.1.1", "http", b"shop.example")),
        ([(b"forwarded", b"for=1.1.1.1;proto=https")], ("10.0.0.1", "http", b"shop.example")),
        ([], ("10.0.0.1", "http", b"shop.example")),
    ],
)
def test_x_forwarded(headers, expected):
    assert resolved(X, *headers) == expected


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (b"for=1.1.1.1", ("1.1.1.1", "http", b"shop.example")),
        (b"For=1.1.1.1;Proto=HTTPS;Host=a.example", ("1.1.1.1", "https", b"a.example")),
        (b'for="[2001:db8::1]:80";proto=https', ("2001:db8::1", "https", b"shop.example")),
        (b"proto=https", (None, "https", b"shop.example")),
        (b"host=a.example", (None, "http", b"a.example")),
        (b"for=9.9.9.9;proto=http, for=1.1.1.1;proto=https", ("1.1.1.1", "https", b"shop.example")),
        (b"for=1.1.1.1;for=2.2.2.2", ("10.0.0.1", "http", b"shop.example")),
        (b"for=1.1.1.1;For=2.2.2.2", ("10.0.0.1", "http", b"shop.example")),
    ],
)
def test_forwarded(value, expected):
    assert resolved(F, (b"forwarded", value)) == expected
    assert resolved(F, (FOR, b"1.1.1.1")) == ("10.0.0.1", "http", b"shop.example")


def test_a_proxy_may_say_that_it_was_asked_without_tls():
    assert resolved(X, (FOR, b"1.1.1.1"), (PROTO, b"http"), scheme="https")[1] == "http"
    assert resolved(F, (b"forwarded", b"for=1.1.1.1;proto=http"), scheme="https")[1] == "http"


@pytest.mark.parametrize("client", [None, (), ("", 0)])
def test_a_peer_without_an_address_is_believed_where_unix_is_trusted(client):
    assert resolved(X, (FOR, b"1.1.1.1"), client=client)[0] == "1.1.1.1"
    assert resolved(X, (PROTO, b"https"), client=None) == (None, "https", b"shop.example")
    stranger = TrustedProxies(["10.0.0.0/8"], "x-forwarded", log=LOG)
    assert not stranger.trusts_peer({"type": "http", "client": client})


def test_a_peer_is_its_address_whatever_its_port():
    for port in (0, 1, 65_535):
        assert resolved(X, (FOR, b"1.1.1.1"), client=("10.0.0.1", port))[0] == "1.1.1.1"
        assert resolved(X, (FOR, b"1.1.1.1"), client=("11.0.0.1", port))[0] == "11.0.0.1"


def test_what_cannot_be_read_is_said_of_its_own_header_alone(caplog):
    for family, header in (("x-forwarded", FOR), ("forwarded", b"forwarded")):
        trusted = TrustedProxies(["10.0.0.0/8"], family, log=SecurityLog(enabled=True))
        resolved(trusted, (b"x-other", b";;"))
        assert caplog.messages == []
        resolved(trusted, (b"x-other", b"a"), (header, b";;"))
        assert caplog.messages == [f"proxy-headers-malformed client=10.0.0.1 header={header.decode()}"]
        caplog.clear()


def test_no_more_than_32_hops_are_looked_at():
    for own, client in ((31, "1.1.1.1"), (32, "10.0.0.2")):
        assert resolved(X, (FOR, b", ".join([b"1.1.1.1", *[b"10.0.0.2"] * own])))[0] == client
