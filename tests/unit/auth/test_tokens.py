"""Small pieces of who is asking, by themselves."""

from collections.abc import Generator
from typing import Any

import pytest

from flasgo import Flasgo, IsAuthenticated, Request, User, extract_bearer_token


@pytest.mark.parametrize(
    ("header", "token"),
    [
        (None, None),
        ("", None),
        ("Bearer abc", "abc"),
        ("bearer abc", "abc"),
        ("Basic abc", None),
        ("Bearer", None),
        ("Bearer größe", None),
        ("Token abc", None),
    ],
)
def test_the_token_of_an_authorization_header(header: str | None, token: str | None):
    assert extract_bearer_token(header) == token


def test_the_token_of_another_scheme():
    assert extract_bearer_token("Token abc", scheme="Token") == "abc"


@pytest.mark.parametrize("known", [True, False])
def test_whoever_is_authenticated_is_let_in(known: bool):
    request: Any = None
    assert IsAuthenticated().has_permission(request, User(id="a", is_authenticated=known)) is known


def test_a_plain_permission_that_gives_something_to_await_lets_nobody_in():
    class Later:
        def __await__(self) -> Generator[None, None, bool]:
            yield
            return True

    def permission(request: Request, user: User) -> Any:
        return Later()

    app = Flasgo()

    @app.before_request
    def sign_in(request: Request) -> None:
        request.user = User(id="a", is_authenticated=True)

    @app.get("/x", permissions=[permission])
    def handler() -> str:
        return "in"

    assert app.test_client(raise_server_exceptions=False).get("/x").status_code == 403
