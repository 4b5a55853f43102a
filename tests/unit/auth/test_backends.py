"""Backends called by hand, as a test or a program of one's own does, and what the stage says of routes."""

from collections.abc import Awaitable

import pytest
from msgspec import Struct

from flasgo import (
    AllowAny,
    AuthResult,
    BasePermission,
    Flasgo,
    HasAnyScope,
    HasScope,
    IsAuthenticated,
    User,
    basic_backend,
    bearer_token_backend,
    session_backend,
)
from flasgo.auth.model import CredentialBackend
from flasgo.auth.permissions import as_check, in_words
from flasgo.pipeline.stage import Securing
from flasgo.request import Request

ALICE = User(id="alice", is_authenticated=True, scopes=frozenset({"read"}))


async def receive():
    raise AssertionError


def request_with(*headers):
    return Request.of({"type": "http", "method": "GET", "path": "/", "headers": list(headers)}, receive)


BEARER = (b"authorization", b"Bearer good")
WRONG = (b"authorization", b"Bearer bad")


def test_a_backend_may_be_called_by_hand():
    backend = bearer_token_backend({"good": ALICE}.get)

    assert backend(request_with(BEARER)) is ALICE
    assert backend(request_with(WRONG)) == AuthResult(challenge="Bearer")
    assert backend(request_with()) == AuthResult(challenge="Bearer")


async def test_one_of_a_coroutine_function_is_awaited():
    async def validate(token):
        return {"good": ALICE}.get(token)

    backend = bearer_token_backend(validate)

    async def asked(*headers):
        outcome = backend(request_with(*headers))
        assert isinstance(outcome, Awaitable)
        return await outcome

    assert await asked(BEARER) is ALICE
    assert await asked(WRONG) == AuthResult(challenge="Bearer")


def test_a_backend_of_one_s_own_says_where_its_credentials_are():
    class Signature(CredentialBackend[bytes]):
        def find(self, request, /):
            return request.fields.get(b"x-signature")

    backend = Signature({b"s": ALICE}.get, challenge="Sig", scheme=None, mode="inline", ambient=False)
    app = Flasgo(settings={"SECRET_KEY": "test-backends-0123456789abcdefghijkl"})
    app.register_auth_backend("default", backend)

    @app.post("/")
    async def handler(user: User) -> str:
        return str(user.id)

    client = app.test_client()

    assert client.post("/", headers={"x-signature": "s"}).text == "alice"
    assert client.post("/", headers={"x-signature": "t"}).headers["www-authenticate"] == "Sig"
    with pytest.raises(NotImplementedError):
        CredentialBackend(lambda sent: None, challenge=None, scheme=None, mode="inline", ambient=True).find(
            request_with()
        )


@pytest.mark.parametrize("asynchronous", [True, False])
def test_a_validator_that_raises_is_a_500_and_ends_its_attempt(asynchronous):
    app = Flasgo(settings={"SECRET_KEY": "test-backends-0123456789abcdefghijkl", "CREDENTIAL_FAILURE_LIMIT": 1})

    class Broken:
        def __init__(self):
            self.left = 3

        def __call__(self, name, password):
            self.left -= 1
            if self.left >= 0:
                raise ZeroDivisionError
            return ALICE

    broken = Broken()

    async def later(name, password):
        return broken(name, password)

    def at_call(name, password):
        """A coroutine function by its looks alone."""
        raise ZeroDivisionError

    vars(at_call)["__wrapped__"] = later
    app.register_auth_backend("default", basic_backend(later if asynchronous else broken))
    app.register_auth_backend("odd", basic_backend(at_call))

    @app.get("/")
    async def handler(user: User) -> str:
        return str(user.id)

    @app.get("/odd", auth="odd")
    async def odd(user: User) -> str:
        return str(user.id)

    client = app.test_client(raise_server_exceptions=False, headers={"authorization": "Basic YTpi"})

    assert [client.get("/").status_code for _ in range(4)] == [500, 500, 500, 200]
    assert [client.get("/odd").status_code for _ in range(2)] == [500, 500]


def test_a_second_function_is_asked_only_where_the_first_does_not_know():
    app = Flasgo(settings={"SECRET_KEY": "test-backends-0123456789abcdefghijkl"})
    asked = []

    async def first(request):
        asked.append("first")
        return {b"a": ALICE}.get(request.fields.get(b"x-who"))

    def second(request):
        asked.append("second")
        return User(id="second", is_authenticated=True)

    def either(request):
        return ALICE if b"x-who" in request.fields else None

    vars(either)["__wrapped__"] = first  # by its looks it may give an awaitable

    for name, function in (("first", first), ("second", second), ("either", either)):
        app.register_auth_backend(name, function)

    @app.get("/", auth=["first", "second", "first"])
    async def handler(user: User) -> str:
        return str(user.id)

    @app.get("/either", auth=["either", "second"])
    async def other(user: User) -> str:
        return str(user.id)

    client = app.test_client()

    assert client.get("/", headers={"x-who": "a"}).text == "alice"
    assert asked == ["first"]
    assert client.get("/").text == "second"
    assert [client.get("/either").text, client.get("/either", headers={"x-who": "a"}).text] == ["second", "alice"]


# ── what is said of routes ──────────────────────────────────────────────────────────────────────────────────────────


def told(*, users=(), **options):
    """The statuses that the stage may answer on such a route, and what it says for the document."""
    app = Flasgo(settings={"SECRET_KEY": "test-backends-0123456789abcdefghijkl"})
    app.register_auth_backend("default", session_backend(lambda id: None))
    app.register_auth_backend("bearer", bearer_token_backend(lambda token: None))
    app.register_auth_backend("own", lambda request: None)

    def handler() -> str:
        return ""

    async def wants(user: User) -> str:
        return ""

    app.add_route("/", wants if users else handler, **options)
    stage = next(one for one in app.freeze().stages if isinstance(one, Securing))
    (route,) = app.routes
    return sorted(kind.default_status for kind in stage.rejections(route)), stage.secured(route)


def test_the_stage_says_what_it_may_answer():
    assert told() == ([], None)
    assert told(permissions=[AllowAny()])[0] == [400]
    assert told(users=(User,))[0] == [400, 401]
    assert told(permissions=[IsAuthenticated()])[0] == [400, 401]
    assert told(permissions=[HasScope("x")])[0] == [400, 401, 403]
    assert told(auth="bearer")[0] == [400, 401, 429]


def test_the_document_learns_schemes_and_scopes():
    _, secured = told(auth=["bearer", "default"], permissions=[HasScope("a") & (HasScope("b") & IsAuthenticated())])
    assert secured is not None
    assert [(scheme.id, scheme.type) for scheme in secured.schemes] == [("bearer", "http"), ("default", "apiKey")]
    assert secured.schemes[1].name == "__Host-flasgo-session"
    assert (secured.scopes, secured.optional) == (("a", "b"), False)
    assert told(auth="own")[1] is None
    _, secured = told(auth="bearer", permissions=[AllowAny(), HasScope("a") | HasScope("b")])
    assert secured is not None
    assert secured.scopes == ()


# ── permissions in words ────────────────────────────────────────────────────────────────────────────────────────────


class Staff(BasePermission, Struct, frozen=True):
    def has_permission(self, request, user, /):
        return True


def owns_it(request, user):
    return True


def test_permissions_can_be_read():
    joined = Staff() & (owns_it | ~HasAnyScope({"b", "a"}))

    assert in_words(joined) == "Staff & (owns_it | ~HasAnyScope({'a', 'b'}))"
    assert in_words(owns_it & ~(Staff() | HasScope("x"))) == "owns_it & ~(Staff | HasScope('x'))"
    assert in_words(owns_it | Staff()) == "owns_it | Staff"


def test_what_is_no_permission_is_refused():
    with pytest.raises(TypeError, match="is no permission"):
        as_check("admin")  # type: ignore[arg-type]  # ty: ignore[invalid-argument-type]
    with pytest.raises(TypeError, match="takes a set of scopes"):
        HasAnyScope("admin")  # type: ignore[arg-type]  # ty: ignore[invalid-argument-type]
    with pytest.raises(NotImplementedError):
        BasePermission().has_permission(request_with(), ALICE)


def test_a_backend_without_a_challenge_asks_for_nothing():
    class Silent(CredentialBackend[bytes]):
        def find(self, request, /):
            return request.fields.get(b"x-name")

    def judge(_name):
        return None

    app = Flasgo()
    app.register_auth_backend("silent", Silent(judge, challenge=None, scheme=None, mode="inline", ambient=False))
    app.add_route("/", lambda: "in", auth="silent")
    client = app.test_client()
    for headers in ({}, {"x-name": "anybody"}):
        answer = client.get("/", headers=headers)
        assert (answer.status_code, answer.headers.get("www-authenticate")) == (401, None)
