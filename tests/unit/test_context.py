import pytest

from flasgo.context import Proxy, current, current_request, current_user, g, request
from flasgo.identity import User
from flasgo.request import Request
from flasgo.state import State


async def receive():
    raise AssertionError


def by_hand() -> Request:
    return Request.of({"type": "http", "method": "GET", "path": "/here", "headers": []}, receive)


def test_without_a_request_the_advice_names_what_was_used():
    with pytest.raises(RuntimeError, match="`request` was used outside a request"):
        current_request()
    with pytest.raises(RuntimeError, match="`url_for` was used outside"):
        current_request("url_for")


def test_the_proxies_show_the_current_request():
    made = by_hand()
    token = current.set(made)
    try:
        assert current_request() is made
        assert request == made
        g.value = 1
        assert made.g.value == 1
    finally:
        current.reset(token)


def test_an_attribute_that_the_object_lacks_is_its_own_error():
    proxy = Proxy("thing", State)
    with pytest.raises(AttributeError, match="nothing named 'missing'"):
        _ = proxy.missing
    assert not hasattr(proxy, "__missing__")


def test_current_user_is_the_request_s_user_and_a_stranger_is_false():
    stranger, member = by_hand(), by_hand()
    member.user = User("alice", is_authenticated=True)

    for made, seen in ((stranger, (None, False)), (member, ("alice", True))):
        token = current.set(made)
        try:
            assert (current_user.id, bool(current_user)) == seen
        finally:
            current.reset(token)
