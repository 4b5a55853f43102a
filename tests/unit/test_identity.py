"""User: who is asking, as data."""

import pytest
from msgspec import json

from flasgo import User


class Member(User, frozen=True, kw_only=True):
    email: str
    is_authenticated: bool = True


def test_nobody_in_particular_is_a_stranger() -> None:
    assert User() == User(id=None, is_authenticated=False, scopes=frozenset(), data={})
    assert User.anonymous() == User()
    assert type(Member.anonymous()) is User


def test_a_stranger_is_false_even_with_an_id() -> None:
    assert not User(id="alice")
    assert User(id="alice", is_authenticated=True)


def test_scopes_become_a_frozenset_of_whatever_they_were_given_as() -> None:
    assert User(scopes=["read", "read", "write"]).scopes == frozenset({"read", "write"})  # type: ignore[arg-type]  # ty: ignore[invalid-argument-type]


def test_scopes_that_are_one_string_are_refused() -> None:
    with pytest.raises(TypeError, match="set of strings"):
        User(scopes="admin")  # type: ignore[arg-type]  # ty: ignore[invalid-argument-type]


def test_a_user_cannot_be_changed() -> None:
    user = User(id="alice")

    with pytest.raises(AttributeError):
        user.id = "bob"  # type: ignore[misc]  # ty: ignore[invalid-assignment]


def test_users_can_be_keys_whatever_their_data() -> None:
    assert {User("alice", True, data={"a": [1]}): 1}[User("alice", True, data={"a": [1]})] == 1


def test_a_subclass_has_typed_fields_and_is_itself() -> None:
    member = Member(id="alice", email="alice@example.org")

    assert member
    assert (member.email, member.scopes) == ("alice@example.org", frozenset())
    assert hash(member) != hash(User(id="alice"))
    assert json.decode(b'{"id": "alice", "email": "a@b", "scopes": ["x"]}', type=Member).scopes == frozenset({"x"})
