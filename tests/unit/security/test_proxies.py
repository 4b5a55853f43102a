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
