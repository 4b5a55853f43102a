from collections import OrderedDict
from dataclasses import dataclass
from typing import Any

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import Struct

from flasgo.debug.redaction import MAX_ITEMS, MAX_TEXT, REDACTED, Redactor, is_secret_name

KEY = "k3y-of-the-application-'quoted'"
SHOW = Redactor([KEY, "short"])


class Login(Struct):
    name: str
    password: str


@dataclass
class Card:
    owner: str
    api_token: str


@attrs.define
class Visit:
    page: str
    cookie: bytes


class Custom:
    def __repr__(self):
        return f"<Custom token=abc, key={KEY} secret='x y'>"


class Hostile:
    def __repr__(self):
        raise RuntimeError("no")


NAMES = "SECRET_KEY token csrf_token passwd password Authorization auth authorized Set-Cookie session credentials api_key passphrase"


@pytest.mark.parametrize("name", NAMES.split())
def test_secrets_are_known_by_their_names(name):
    assert is_secret_name(name)
    assert SHOW.value(name, "abc") == REDACTED
    assert SHOW.value(name, 12345) == REDACTED
    assert SHOW.value(name, ["abc"]) == REDACTED


@pytest.mark.parametrize("name", ["author", "authors", "passenger", "passed", "keyboard", "keyword", "user", "path"])
def test_other_names_are_not(name):
    assert not is_secret_name(name)
    assert SHOW.value(name, "abc") == "'abc'"


@pytest.mark.parametrize("value", [None, True, False, len, str])
def test_what_can_be_no_secret_is_shown(value):
    assert SHOW.value("token", value) == repr(value)


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (
            {"user": "ada", "password": "x", b"token": "y"},
            "{'user': 'ada', 'password': [redacted], b'token': [redacted]}",
        ),
        (OrderedDict(a=1), "{'a': 1}"),
        ([(b"cookie", b"a=b"), (b"host", b"x")], "[(b'cookie', [redacted]), (b'host', b'x')]"),
        (("token", "abc"), "('token', [redacted])"),
        ((1, 2), "(1, 2)"),
        ({1}, "{1}"),
        (frozenset(), "{}"),
        (Login("ada", "x"), "Login(name='ada', password=[redacted])"),
        (Card("ada", "x"), "Card(owner='ada', api_token=[redacted])"),
        (Visit("/", b"x"), "Visit(page='/', cookie=[redacted])"),
        (Card, repr(Card)),
        (Custom(), "<Custom token=[redacted], key=[redacted] secret=[redacted]>"),
        (Hostile(), "<Hostile: its repr raised RuntimeError>"),
        ("https://ada:pw@db.example/x", "'https://[redacted]@db.example/x'"),
        (KEY, '"[redacted]"'),
        (b"a" + KEY.encode(), 'b"a[redacted]"'),
        ([[[[[1]]]]], "[[[[…]]]]"),
        (list(range(MAX_ITEMS + 2)), f"[{', '.join(map(str, range(MAX_ITEMS)))}, … 2 more]"),
    ],
    ids=lambda value: type(value).__name__ if not isinstance(value, str) else ascii(value)[:30],
)
def test_values_are_shown_without_what_is_secret_in_them(value, shown):
    assert SHOW.value("value", value) == shown


def test_a_value_has_an_end():
    assert len(SHOW.value("value", "x" * 10**7)) == MAX_TEXT + 1
    loop: list[Any] = []
    loop.append(loop)
    assert SHOW.value("value", loop) == "[[[[…]]]]"


@pytest.mark.parametrize(
    ("line", "shown"),
    [
        ('api_key = "abc"', "api_key = [redacted]"),
        ("token: str | None = 'abc'", "token: str | None = [redacted]"),
        ('settings={"SECRET_KEY": "abc"}', 'settings={"SECRET_KEY": [redacted]}'),
        ('os.environ.get("SECRET_KEY", "abc")', 'os.environ.get("SECRET_KEY", [redacted])'),
        ('if password == "abc":', "if password == [redacted]:"),
        ('token = request.headers.get("x-a")', 'token = request.headers.get("x-a")'),
        ('name = "ada"', 'name = "ada"'),
        (f"x = {KEY}", "x = [redacted]"),
    ],
)
def test_a_line_of_source_keeps_its_code(line, shown):
    assert SHOW.source(line) == shown


def test_nothing_known_is_nothing_to_look_for():
    assert Redactor([]).text("abc") == "abc"
    assert Redactor(["a"]).text("abc") == "abc"


@given(st.text(min_size=6, max_size=60), st.text(max_size=20), st.text(max_size=20))
def test_a_known_secret_is_shown_nowhere(secret, before, after):
    show = Redactor([secret])
    for shown in (show.text(before + secret + after), show.value("value", [before + secret + after])):
        assert secret not in shown.replace(REDACTED, "") or secret in before + after
