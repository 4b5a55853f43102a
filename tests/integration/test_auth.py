"""Backends, permissions and policies, through the client."""

import asyncio
import base64
import functools
import threading
from typing import Annotated, Any

import pytest
from msgspec import Struct

from flasgo import (
    AllowAny,
    AuthResult,
    BasePermission,
    Blueprint,
    Depends,
    Flasgo,
    HasAnyScope,
    HasScope,
    IsAuthenticated,
    NotFound,
    RegistrationError,
    Settings,
    SettingsError,
    User,
    api_key_backend,
    basic_backend,
    bearer_token_backend,
    check_permission,
    current_user,
    request,
    session_backend,
)
from flasgo.pipeline.threads import ThreadPool

ALICE = User(id="alice", is_authenticated=True, scopes=frozenset({"admin", "read"}))
BOB = User(id="bob", is_authenticated=True)
GUEST = User(id="guest")
TOKENS = {"alice-token": ALICE, "bob-token": BOB, "guest-token": GUEST}

AS_ALICE = {"authorization": "Bearer alice-token"}
AS_BOB = {"authorization": "Bearer bob-token"}


class Member(User, frozen=True, kw_only=True):
    email: str = ""


class Admin(Member, frozen=True):
    pass


def application(**settings: object) -> Flasgo[Settings]:
    app = Flasgo(settings={"SECRET_KEY": "test-auth-0123456789abcdefghijklmno", **settings})
    app.register_auth_backend("bearer", bearer_token_backend(TOKENS.get))
    return app


@pytest.fixture
def hops(monkeypatch):
    """The functions that were sent to a thread."""
    sent = []
    run_surely = ThreadPool.run_surely

    def counted(self, function, *args, **kwargs):
        sent.append(function)
        return run_surely(self, function, *args, **kwargs)

    monkeypatch.setattr(ThreadPool, "run_surely", counted)
    return sent


def plainly_wrapped(function):
    """A decorator that forgets functools.wraps."""

    def wrapper(*args, **kwargs):
        return function(*args, **kwargs)

    return wrapper


def neatly_wrapped(function):
    @functools.wraps(function)
    def wrapper(*args, **kwargs):
        return function(*args, **kwargs)

    return wrapper


# ── the answers ─────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("kind", ["sync", "async"])
@pytest.mark.parametrize("validator", ["sync", "async"])
def test_strangers_are_401_users_without_permission_403_and_the_others_let_in(kind, validator):
    app = application()

    async def validate(token):
        await asyncio.sleep(0)
        return TOKENS.get(token)

    app.register_auth_backend("bearer", bearer_token_backend(TOKENS.get if validator == "sync" else validate))
    policy = app.authorize(IsAuthenticated(), HasScope("admin"), backend="bearer")

    if kind == "sync":

        @app.get("/")
        @policy
        def handler():
            return f"{request.user.id} {current_user.id}"
    else:

        @app.get("/")
        @policy
        async def handler():
            return f"{request.user.id} {current_user.id}"

    client = app.test_client()
    stranger, liar, bob = (
        client.get("/"),
        client.get("/", headers={"authorization": "Bearer x"}),
        client.get("/", headers=AS_BOB),
    )

    assert (stranger.status_code, stranger.headers["www-authenticate"]) == (401, "Bearer")
    assert "Provide valid credentials" in stranger.text
    assert (liar.status_code, liar.headers["www-authenticate"]) == (401, 'Bearer error="invalid_token"')
    assert bob.status_code == 403
    assert "does not have permission" in bob.text
    assert bob.headers["www-authenticate"].startswith('Bearer error="insufficient_scope"')
    assert client.get("/", headers=AS_ALICE).text == "alice alice"

    app = application()
    app.add_route("/", handler, permissions=[IsAuthenticated()], auth="bearer")
    client = app.test_client()
    assert [client.get("/", headers=headers).status_code for headers in ({}, AS_BOB, AS_ALICE)] == [401, 200, 200]


@pytest.mark.parametrize(
    ("permissions", "challenge"),
    [
        ((HasScope("read"), HasScope("write")), 'Bearer error="insufficient_scope", scope="read write"'),
        ((HasScope("read") & HasScope("write"),), 'Bearer error="insufficient_scope", scope="read write"'),
        ((~IsAuthenticated(),), 'Bearer error="insufficient_scope"'),
        ((HasScope('a "quoted" one'),), 'Bearer error="insufficient_scope"'),
        ((HasScope("line\r\nx: y"),), 'Bearer error="insufficient_scope"'),
    ],
)
def test_a_token_that_does_not_suffice_is_told_so(permissions: tuple[Any, ...], challenge: str) -> None:
    """RFC 6750 §3.1."""
    app = Flasgo()
    app.register_auth_backend("bearer", bearer_token_backend(lambda _: User(id="bob", is_authenticated=True)))
    app.add_route("/", lambda: "ok", permissions=permissions, auth="bearer")

    answer = app.test_client().get("/", headers={"authorization": "Bearer t"})
    assert (answer.status_code, answer.headers["www-authenticate"]) == (403, challenge)


@pytest.mark.parametrize(
    ("scheme", "sent", "status"),
    [("Bearer", None, 403), ("Token", "Token t", 403), ("Token", "Token bad", 401)],
)
def test_errors_of_tokens_are_said_of_bearer_tokens_alone(scheme: str, sent: str | None, status: int) -> None:
    app = Flasgo()
    bob = User(id="bob", is_authenticated=True)
    app.register_auth_backend("token", bearer_token_backend(lambda t: bob if t == "t" else None, scheme=scheme))
    app.register_auth_backend("other", lambda _: bob if sent is None else None)
    app.add_route("/", lambda: "ok", permissions=[HasScope("x")], auth=("token", "other"))

    answer = app.test_client().get("/", headers={} if sent is None else {"authorization": sent})
    assert (answer.status_code, answer.headers.get("www-authenticate")) == (status, "Token" if status == 401 else None)


@pytest.mark.parametrize("headers", [{}, {"authorization": "Bearer bad"}])
def test_a_challenge_that_is_registered_takes_the_place_of_the_backends_own(headers: dict[str, str]) -> None:
    app = Flasgo()
    app.register_auth_backend("bearer", bearer_token_backend(lambda _: None), challenge='Bearer realm="shop"')
    app.add_route("/", lambda: "ok", permissions=[HasScope("x")], auth="bearer")

    assert app.test_client().get("/", headers=headers).headers["www-authenticate"] == 'Bearer realm="shop"'


def test_authorize_without_permissions_lets_every_authenticated_user_in():
    app = application()

    @app.get("/")
    @app.authorize(backend=" bearer ")
    def handler():
        return "in"

    client = app.test_client()

    assert client.get("/").status_code == 401
    assert client.get("/", headers={"authorization": "Bearer guest-token"}).status_code == 401
    assert client.get("/", headers=AS_BOB).text == "in"


def test_the_backend_default_is_nobody_until_it_is_registered():
    app = application()

    @app.get("/closed")
    @app.authorize()
    def closed():
        return "in"

    @app.get("/open")
    @app.authorize(AllowAny())
    def open_to_all():
        return repr(request.user.id)

    client = app.test_client()
    answer = client.get("/closed", headers=AS_ALICE)

    assert answer.status_code == 401
    assert "www-authenticate" not in answer.headers
    assert client.get("/open", headers=AS_ALICE).text == "None"


def test_the_backend_default_believes_a_hook():
    app = application()

    @app.before_request
    def who(request):
        request.user = ALICE

    @app.get("/default", permissions=[HasScope("admin")])
    def by_default():
        return request.user.id

    @app.get("/bearer", auth="bearer")
    def by_token():
        return request.user.id

    client = app.test_client()

    assert client.get("/default").text == "alice"
    assert client.get("/bearer").status_code == 401  # a backend that was named begins anew


def test_a_route_without_a_policy_asks_no_backend():
    app = application()
    asked = []
    app.register_auth_backend("default", lambda request: asked.append(request) or ALICE)

    @app.get("/")
    def handler():
        return repr(current_user.is_authenticated)

    assert app.test_client().get("/").text == "False"
    assert asked == []


def test_the_first_backend_that_knows_the_user_is_believed_and_all_challenges_are_told():
    app = application()
    app.register_auth_backend("key", api_key_backend({"bobs": BOB}.get))
    app.register_auth_backend("basic", basic_backend(lambda name, password: None, realm="shop"))

    @app.get("/", auth=["bearer", "key", "basic"])
    async def handler(user: User) -> str:
        return user.id or ""

    client = app.test_client()

    assert client.get("/", headers={**AS_ALICE, "x-api-key": "bobs"}).text == "alice"
    assert client.get("/", headers={"authorization": "Bearer wrong", "x-api-key": "bobs"}).text == "bob"
    assert client.get("/").headers["www-authenticate"] == (
        'Bearer, APIKey realm="api", header="X-API-Key", Basic realm="shop", charset="UTF-8"'
    )


@pytest.mark.parametrize(
    "backend",
    [
        lambda request: ALICE,
        lambda request: AuthResult(ALICE),
        lambda request: AuthResult(user=ALICE, challenge="Never"),
    ],
    ids=[str(number) for number in range(3)],
)
def test_any_function_of_a_request_is_a_backend(backend):
    app = application()
    app.register_auth_backend("default", backend)

    @app.get("/", permissions=[IsAuthenticated()])
    async def handler():
        return current_user.id

    assert app.test_client().get("/").text == "alice"


def test_a_backend_s_own_challenge_is_told():
    app = application()

    async def asked(request):
        return AuthResult(challenge='Custom realm="x"')

    app.register_auth_backend("own", asked)
    app.register_auth_backend("given", lambda request: None, challenge="Given")

    @app.get("/", auth=("own", "given"))
    async def handler():
        return ""

    assert app.test_client().get("/").headers["www-authenticate"] == 'Custom realm="x", Given'


@pytest.mark.parametrize("asynchronous", [True, False])
def test_a_backend_that_raises_is_a_logged_500(asynchronous, caplog):
    app = application()

    def broken(request):
        raise ZeroDivisionError

    async def broken_later(request):
        raise ZeroDivisionError

    app.register_auth_backend("default", broken_later if asynchronous else broken)

    @app.get("/", permissions=[AllowAny()])
    async def handler():
        return ""

    assert app.test_client(raise_server_exceptions=False).get("/").status_code == 500
    assert "ZeroDivisionError" in caplog.text


@pytest.mark.parametrize("answer", ["alice", True, {"id": "alice"}])
def test_a_backend_that_answers_with_something_else_is_a_500(answer):
    app = application()
    app.register_auth_backend("default", lambda request: answer)

    @app.get("/", permissions=[AllowAny()])
    async def handler():
        return "in"

    assert app.test_client(raise_server_exceptions=False).get("/").status_code == 500


async def later():
    return True


@pytest.mark.parametrize("kind", ["backend", "validator", "permission"])
@pytest.mark.parametrize("threaded", [True, False])
def test_an_awaitable_that_nobody_awaits_lets_nobody_in(kind, threaded):
    """A plain function that gives a coroutine: the coroutine is true, whatever it would have said."""
    app = application()
    give = lambda *args: later()
    app.register_auth_backend("wrong", bearer_token_backend(give) if kind == "validator" else give)
    permissions = [give] if kind == "permission" else [AllowAny()]

    def handler():
        return "in"

    async def handler_on_loop():
        return "in"

    backend = "bearer" if kind == "permission" else "wrong"
    app.add_route("/", handler if threaded else handler_on_loop, auth=backend, permissions=permissions)

    answer = app.test_client(raise_server_exceptions=False).get("/", headers=AS_ALICE)

    assert answer.status_code == (403 if kind == "permission" else 500)


def test_two_authorization_headers_are_400():
    app = application()

    @app.get("/", auth="bearer")
    async def handler():
        return ""

    client = app.test_client()
    assert (
        client.get(
            "/", headers=[("authorization", "Bearer alice-token"), ("Authorization", "Bearer bob-token")]
        ).status_code
        == 400
    )
    assert client.get("/", headers=[*AS_ALICE.items(), ("x-other", "1"), ("x-other", "2")]).status_code == 200


# ── permissions ─────────────────────────────────────────────────────────────────────────────────────────────────────


class OwnsShop(BasePermission):
    def has_permission(self, request, user):
        return user.id == "alice"


class OwnsShopLater(BasePermission, Struct, frozen=True):
    async def has_permission(self, request, user):
        await asyncio.sleep(0)
        return user.id == "alice"


def owns(request, user):
    return user.id == "alice"


async def owns_later(request, user):
    return user.id == "alice"


NEVER = ~AllowAny()


@pytest.mark.parametrize(
    ("permission", "alice", "bob"),
    [
        (HasAnyScope({"x", "admin"}), 200, 403),
        (HasScope("admin") & HasScope("read"), 200, 403),
        (HasScope("admin") & HasScope("write"), 403, 403),
        (HasScope("admin") | HasScope("write"), 200, 403),
        (~HasScope("admin"), 403, 200),
        (~(HasScope("admin") | HasScope("x")), 403, 200),
        (OwnsShop(), 200, 403),
        (OwnsShopLater(), 200, 403),
        (owns, 200, 403),
        (owns_later, 200, 403),
        (owns & ~NEVER, 200, 403),
        (owns_later | NEVER, 200, 403),
        (OwnsShop() & OwnsShopLater(), 200, 403),
        (~OwnsShop(), 403, 200),
        (~OwnsShopLater(), 403, 200),
        (OwnsShopLater() & OwnsShop() & HasScope("admin"), 200, 403),
        (~(OwnsShop() & ~OwnsShopLater()), 200, 200),
        (NEVER | OwnsShopLater(), 200, 403),
    ],
    ids=[str(number) for number in range(18)],
)
@pytest.mark.parametrize("asynchronous", [True, False])
def test_permissions_and_their_compositions(permission, alice, bob, asynchronous):
    app = application()

    def handler():
        return "in"

    async def handler_on_loop():
        return "in"

    app.add_route("/", handler_on_loop if asynchronous else handler, auth="bearer", permissions=[permission])
    client = app.test_client()

    assert client.get("/", headers=AS_ALICE).status_code == alice
    assert client.get("/", headers=AS_BOB).status_code == bob


def broken(request, user):
    raise ZeroDivisionError


async def broken_later(request, user):
    raise ZeroDivisionError


@pytest.mark.parametrize(
    "permission",
    [broken, broken_later, ~AllowAny() | broken, AllowAny() & ~(AllowAny() & broken_later)],
    ids=["plain", "async", "or", "not"],
)
def test_a_permission_that_raises_lets_nobody_in_and_is_logged(permission, caplog):
    app = application()

    @app.get("/", auth="bearer", permissions=[permission])
    async def handler():
        return "in"

    client = app.test_client()

    assert client.get("/", headers=AS_ALICE).status_code == 403
    assert client.get("/").status_code == 401
    assert "permission-check-error" in caplog.text
    assert "ZeroDivisionError" in caplog.text


@pytest.mark.parametrize("asynchronous", [True, False])
def test_a_permission_may_give_an_answer_of_its_own(asynchronous):
    app = application()

    def hidden(request, user):
        raise NotFound("There is no such thing.")

    async def hidden_later(request, user):
        raise NotFound("There is no such thing.")

    @app.get("/", auth="bearer", permissions=[hidden_later if asynchronous else hidden])
    async def handler():
        return "in"

    assert app.test_client().get("/", headers=AS_ALICE).status_code == 404


class Owns(BasePermission, Struct, frozen=True):
    owner: str

    def has_permission(self, request, user):
        return user.id == self.owner


class OwnsLater(Struct, frozen=True):
    owner: str

    async def has_permission(self, request, user):
        return user.id == self.owner


def test_a_handler_may_ask_for_a_permission_on_its_object():
    app = application()

    @app.get("/<owner>/now", auth="bearer", permissions=[AllowAny()])
    def now(owner: str):
        check_permission(Owns(owner))
        return "yours"

    @app.get("/<owner>/awaited", auth="bearer", permissions=[AllowAny()])
    async def awaited(owner: str):
        await check_permission(Owns(owner))
        return "yours"

    @app.get("/<owner>/later", auth="bearer", permissions=[AllowAny()])
    async def in_time(owner: str):
        await check_permission(OwnsLater(owner))
        return "yours"

    client = app.test_client()
    for path in ("now", "awaited", "later"):
        assert client.get(f"/bob/{path}", headers=AS_BOB).text == "yours"
        assert client.get(f"/alice/{path}", headers=AS_BOB).status_code == 403
        assert client.get(f"/alice/{path}").headers["www-authenticate"] == "Bearer"


# ── users in signatures ─────────────────────────────────────────────────────────────────────────────────────────────


def test_a_user_in_the_signature_is_required_and_typed():
    app = application()
    users = {"a": Admin(id="ann", is_authenticated=True, email="ann@example.org"), "b": BOB}
    app.register_auth_backend("default", bearer_token_backend(users.get))

    @app.get("/user")
    async def any_user(user: User) -> str:
        return str(user.id)

    @app.get("/member")
    def member(user: Member) -> str:
        return user.email

    @app.get("/admin")
    async def admin(user: Admin) -> str:
        return user.email

    @app.get("/optional")
    async def optional(user: Member | None) -> str:
        return "nobody" if user is None else user.email

    @app.get("/open")
    @app.authorize(AllowAny())
    async def still_required(user: User) -> str:
        return str(user.id)

    client = app.test_client()

    def answers(path):
        tokens = [None, "x", "a", "b"]
        got = [client.get(path, headers={} if t is None else {"authorization": f"Bearer {t}"}) for t in tokens]
        return [each.text if each.status_code == 200 else each.status_code for each in got]

    assert answers("/user") == [401, 401, "ann", "bob"]
    assert answers("/member") == [401, 401, "ann@example.org", 403]
    assert answers("/admin") == [401, 401, "ann@example.org", 403]
    assert answers("/optional") == ["nobody", "nobody", "ann@example.org", "nobody"]
    assert answers("/open") == [401, 401, "ann", "bob"]


def test_a_route_that_names_a_backend_and_takes_a_user_or_none_is_open():
    app = application()

    @app.get("/", auth="bearer")
    async def handler(user: User | None) -> str:
        return "nobody" if user is None else str(user.id)

    @app.get("/authorized")
    @app.authorize(backend="bearer")
    async def authorized(user: User | None) -> str:
        return "nobody" if user is None else str(user.id)

    client = app.test_client()

    assert [client.get("/").text, client.get("/", headers=AS_BOB).text] == ["nobody", "bob"]
    assert [client.get("/authorized").status_code, client.get("/authorized", headers=AS_BOB).text] == [401, "bob"]


# ── policies hold ───────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("wrap", [plainly_wrapped, neatly_wrapped])
@pytest.mark.parametrize(
    "order", ["route policy wrap", "route wrap policy", "policy route wrap", "policy wrap route", "wrap policy route"]
)
def test_a_policy_holds_whatever_decorators_stand_between(wrap, order):
    app = application()
    decorators = {"route": app.get("/"), "policy": app.authorize(backend="bearer"), "wrap": wrap}

    def handler():
        return "in"

    functools.reduce(lambda made, name: decorators[name](made), reversed(order.split()), handler)

    client = app.test_client()

    assert client.get("/").status_code == 401
    assert client.get("/", headers=AS_BOB).text == "in"


def test_a_policy_that_no_route_can_be_found_for_is_a_registration_error():
    app = application()
    registry = {}

    @app.authorize(backend="bearer")
    def hidden():
        return "in"

    registry["hidden"] = hidden

    @app.get("/")
    def handler():
        return registry["hidden"]()

    with pytest.raises(RegistrationError, match=r"@app\.authorize stands on no route"):
        app.test_client().get("/")


def test_all_policies_of_a_route_must_hold():
    app = application()

    @app.get("/", permissions=[HasScope("read")], auth="bearer")
    @app.authorize(HasScope("admin"))
    @app.authorize(AllowAny())
    def handler():
        return "in"

    client = app.test_client()

    assert client.get("/", headers=AS_ALICE).text == "in"
    assert client.get("/", headers=AS_BOB).status_code == 403


@pytest.mark.parametrize(
    ("register", "message"),
    [
        (
            lambda app: app.get("/", auth="baerer")(lambda: ""),
            "no auth backend is named 'baerer': .* did you mean 'bearer'?",
        ),
        (
            lambda app: app.get("/", auth="ldap")(lambda: ""),
            "no auth backend is named 'ldap': .* there is 'default', 'bearer'",
        ),
        (
            lambda app: app.get("/", auth="bearer")(app.authorize(backend="other")(lambda: "")),
            "two of its policies name different backends",
        ),
    ],
    ids=[str(number) for number in range(3)],
)
def test_a_policy_that_cannot_work_is_found_at_freeze(register, message):
    app = application()
    register(app)

    with pytest.raises(RegistrationError, match=message):
        app.freeze()


@pytest.mark.parametrize(
    ("decorate", "message"),
    [
        (
            lambda app: app.authorize(IsAuthenticated),
            r"IsAuthenticated is a class; give an instance: IsAuthenticated\(…\)",
        ),
        (lambda app: app.authorize("admin"), "'admin' is no permission"),
        (lambda app: app.authorize(lambda: True), "A permission is called with 2 positional arguments"),
        (lambda app: app.authorize(backend=" "), "name of an auth backend is blank"),
        (lambda app: app.authorize(backend=()), "name of an auth backend is blank"),
        (lambda app: app.get("/", permissions=AllowAny())(lambda: ""), r"write permissions=\[AllowAny\(\)\]"),
        (lambda app: app.get("/", permissions=[HasScope])(lambda: ""), "HasScope is a class"),
        (lambda app: app.register_auth_backend(" ", lambda request: None), "needs a name"),
        (lambda app: app.register_auth_backend("x", "bearer"), "is no function of a request"),
        (lambda app: app.register_auth_backend("x", User), "is no function of a request"),
    ],
    ids=[str(number) for number in range(10)],
)
def test_a_mistake_of_a_policy_is_a_registration_error_at_once(decorate, message):
    with pytest.raises(RegistrationError, match=message):
        decorate(application())


# ── default-deny ────────────────────────────────────────────────────────────────────────────────────────────────────


def staff_only(request, user):
    return user.id == "alice"


@pytest.mark.parametrize(
    ("default", "bob"),
    [("IsAuthenticated", 200), (IsAuthenticated(), 200), ("HasScope:admin", 403), (f"{__name__}:staff_only", 403)],
)
def test_default_permissions_hold_for_every_route_that_says_nothing(default, bob, monkeypatch):
    if not isinstance(default, IsAuthenticated) and ":" in default and not default.startswith("HasScope"):
        monkeypatch.setitem(
            __import__("sys").modules, __name__, __import__("types").SimpleNamespace(staff_only=staff_only)
        )
    app = application(DEFAULT_PERMISSIONS=[default])
    app.register_auth_backend("default", bearer_token_backend(TOKENS.get))

    @app.get("/closed")
    def closed():
        return "in"

    @app.get("/open", permissions=[AllowAny()])
    def open_to_all():
        return f"hello {current_user.id}"

    client = app.test_client()

    assert client.get("/closed").status_code == 401
    assert client.get("/closed", headers=AS_ALICE).status_code == 200
    assert client.get("/closed", headers=AS_BOB).status_code == bob
    assert [client.get("/open").text, client.get("/open", headers=AS_BOB).text] == ["hello None", "hello bob"]


@pytest.mark.parametrize(
    "entry", ["Authenticated", "no.such.module:x", "flasgo:no_such_name", ":x", 7, IsAuthenticated]
)
def test_default_permissions_that_are_none_are_a_settings_error(entry):
    app = application(DEFAULT_PERMISSIONS=[entry])

    with pytest.raises(SettingsError, match="DEFAULT_PERMISSIONS"):
        app.freeze()


def test_static_files_are_open_whatever_the_default(tmp_path):
    """A login page needs its style sheet; a directory that is not for everybody is served by a handler of one's own."""
    (tmp_path / "style.css").write_text("body {}")
    app = application(DEFAULT_PERMISSIONS=["IsAuthenticated"])
    app.configure_static(tmp_path)

    assert app.test_client().get("/static/style.css").status_code == 200


def test_a_dependency_that_takes_a_user_asks_for_one():
    app = application()
    app.register_auth_backend("default", bearer_token_backend(TOKENS.get))

    def whose(user: User) -> str:
        return str(user.id)

    @app.get("/")
    async def handler(name: Annotated[str, Depends(whose)]) -> str:
        return name

    client = app.test_client()

    assert client.get("/").status_code == 401
    assert client.get("/", headers=AS_BOB).text == "bob"


def test_a_blueprint_says_it_for_its_routes():
    app = application()
    blueprint = Blueprint("shop", url_prefix="/shop", auth="bearer", permissions=[HasScope("admin")])

    @blueprint.get("/closed")
    def closed():
        return "in"

    @blueprint.get("/own", permissions=[AllowAny()])
    def own():
        return "in"

    @blueprint.get("/both")
    @blueprint.authorize(HasScope("write"))
    def both():
        return "in"

    app.register_blueprint(blueprint)
    client = app.test_client()

    assert [client.get(f"/shop/{path}").status_code for path in ("closed", "own", "both")] == [401, 200, 401]
    answers = [client.get(f"/shop/{path}", headers=AS_ALICE).status_code for path in ("closed", "own", "both")]
    assert answers == [200, 200, 403]


# ── where things run ────────────────────────────────────────────────────────────────────────────────────────────────


def test_plain_backend_permission_and_handler_share_one_hop(hops):
    app = application()
    threads = []

    def backend(request):
        threads.append(threading.get_ident())
        return ALICE

    def permission(request, user):
        threads.append(threading.get_ident())
        return True

    app.register_auth_backend("plain", backend)

    @app.get("/", auth="plain", permissions=[IsAuthenticated(), permission, HasScope("admin")])
    def handler():
        threads.append(threading.get_ident())
        return ""

    assert app.test_client().get("/").status_code == 200
    assert len(hops) == 1
    assert len(set(threads)) == 1


def test_who_brings_no_credentials_costs_no_hop(hops):
    app = application()

    @app.get("/", auth="bearer")
    async def handler():
        return ""

    client = app.test_client()

    assert client.get("/").status_code == 401
    assert hops == []
    assert client.get("/", headers=AS_ALICE).status_code == 200
    assert len(hops) == 1


# ── CSRF ────────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_routes_for_clients_need_no_csrf_token_unless_there_is_a_session():
    app = application(SESSION_COOKIE_SECURE=False, CSRF_COOKIE_SECURE=False)
    app.register_auth_backend("cookie", api_key_backend(TOKENS.get, cookie="key"))
    app.register_auth_backend("own", lambda request: ALICE, ambient=False)

    def handler():
        return "in"

    app.add_route("/bearer", handler, methods=["POST"], auth="bearer")
    app.add_route("/own", handler, methods=["POST"], auth="own")
    app.add_route("/both", handler, methods=["POST"], auth=["bearer", "cookie"])
    client = app.test_client()

    assert client.post("/bearer", headers=AS_ALICE).text == "in"
    assert client.post("/own").text == "in"
    assert client.post("/both", headers=AS_ALICE).status_code == 403
    for cookie in ("flasgo-session=x", "a=b; flasgo-session=x"):
        assert client.post("/bearer", headers={**AS_ALICE, "cookie": cookie}).status_code == 403
    twice = [*AS_ALICE.items(), ("cookie", "flasgo-session=x"), ("cookie", "a=b")]
    assert client.post("/bearer", headers=twice).status_code == 403
    for other in (
        {"cookie": "flasgo-remember=x"},
        {"x-note": "flasgo-session=x"},
    ):  # nothing there that anybody believes
        assert client.post("/bearer", headers={**AS_ALICE, **other}).text == "in"
    app = application()
    app.add_route("/open", handler, methods=["POST"], auth="bearer", permissions=[AllowAny()])
    assert app.test_client().post("/open").text == "in"


def test_a_route_for_logins_and_clients_needs_a_csrf_token_with_a_login_s_cookies():
    app = application(SESSION_COOKIE_SECURE=False, CSRF_COOKIE_SECURE=False)
    app.register_auth_backend("login", session_backend({"alice": ALICE}.get))
    app.register_auth_backend("basic", basic_backend(lambda name, password: None))

    def handler():
        return "in"

    app.add_route("/both", handler, methods=["POST"], auth=["bearer", "login"])
    app.add_route("/open", handler, methods=["POST"], auth=["bearer", "login"], permissions=[AllowAny()])
    app.add_route("/basic", handler, methods=["POST"], auth=["bearer", "login", "basic"])
    client = app.test_client()

    assert client.post("/both", headers=AS_ALICE).text == "in"
    assert client.post("/both", headers={**AS_ALICE, "cookie": "flasgo-csrf=x"}).text == "in"
    assert client.post("/both").status_code == 401
    for cookie in ("flasgo-session=x", "flasgo-remember=x", "a=b; __Host-flasgo-remember=x"):
        assert client.post("/both", headers={**AS_ALICE, "cookie": cookie}).status_code == 403
    assert client.post("/open", headers=AS_ALICE).status_code == 403
    assert client.post("/basic", headers=AS_ALICE).status_code == 403


def test_an_application_for_clients_alone_gives_out_no_csrf_cookie():
    app = application()

    @app.get("/page")
    def page():
        return ""

    @app.post("/", auth="bearer")
    def handler():
        return ""

    client = app.test_client()

    assert "set-cookie" not in client.get("/page").headers
    assert "set-cookie" not in client.post("/", headers=AS_ALICE).headers


# ── the other backends ──────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("place", ["header", "query", "cookie"])
def test_an_api_key_comes_from_its_place_once(place):
    app = application()
    app.register_auth_backend("key", api_key_backend({"k1": ALICE, "k2": BOB}.get, **{place: "my-key"}))

    @app.get("/", auth="key")
    async def handler(user: User) -> str:
        return str(user.id)

    def get(*values):
        if place == "query":
            return client.get("/?" + "&".join(f"my-key={value}" for value in values))
        if place == "cookie":
            return client.get("/", headers={"cookie": "; ".join(f"my-key={value}" for value in values)})
        return client.get("/", headers=[("My-Key", value) for value in values])

    client = app.test_client()

    assert get("k1").text == "alice"
    assert get("k2").text == "bob"
    for wrong in ([], ["k3"], [""], ["k1", "k2"], ["k1", "k1"]):
        assert get(*wrong).status_code == 401
    assert get().headers["www-authenticate"] == f'APIKey realm="api", {place}="my-key"'


def basic(text):
    return {"authorization": "Basic " + base64.b64encode(text).decode()}


def test_basic_credentials_are_utf_8_and_may_hold_colons():
    app = application()
    seen = []

    def validate(username, password):
        seen.append((username, password))
        return ALICE

    app.register_auth_backend("basic", basic_backend(validate))

    @app.get("/", auth="basic")
    def handler():
        return "in"

    client = app.test_client()

    assert client.get("/", headers=basic("jürgen:päss:wörd".encode())).text == "in"
    assert seen == [("jürgen", "päss:wörd")]
    assert client.get("/", headers=basic(b":")).text == "in"
    seen.clear()
    for wrong in (b"nocolon", b"a\0b:c", b"a:b\r\nc", b"\xff:x"):
        assert client.get("/", headers=basic(wrong)).status_code == 401
    for shape in (
        "Basic",
        "Basic ",
        "Basic a",
        "Basic ====",
        "Basic YTpi YTpi",
        "Basic YTpi=",
        "Basic YTpi====",
        "Basic YWI6Yx==",
        "basic !",
    ):
        assert client.get("/", headers={"authorization": shape}).status_code == 401
    assert seen == []
    assert client.get("/", headers={"authorization": "bAsIc YTpi"}).text == "in"


@pytest.mark.parametrize(
    "make",
    [
        lambda: bearer_token_backend(TOKENS.get, scheme="Two words"),
        lambda: bearer_token_backend(TOKENS.get, scheme="Tök"),
        lambda: api_key_backend(TOKENS.get, header="x", query="y"),
        lambda: api_key_backend(TOKENS.get, header="x y"),
        lambda: api_key_backend(TOKENS.get, header="x_y"),
        lambda: api_key_backend(TOKENS.get, cookie="x=y"),
        lambda: basic_backend(lambda name, password: None, realm='x"'),
        lambda: basic_backend(lambda name, password: None, realm="x\n"),
        lambda: basic_backend(lambda name, password: None, realm="ü"),
    ],
    ids=[str(number) for number in range(9)],
)
def test_a_backend_that_could_not_work_is_refused(make):
    with pytest.raises(ValueError, match=r"use|one place|give|write"):
        make()


def test_another_scheme_and_a_blank_one():
    app = application()
    app.register_auth_backend("token", bearer_token_backend(TOKENS.get, scheme=" Token "))
    app.register_auth_backend("blank", bearer_token_backend(TOKENS.get, scheme="  "))

    @app.get("/token", auth="token")
    def token():
        return "in"

    @app.get("/blank", auth="blank")
    def blank():
        return "in"

    client = app.test_client()

    assert client.get("/token", headers={"authorization": "tOKEN  alice-token"}).text == "in"
    assert client.get("/token", headers=AS_ALICE).headers["www-authenticate"] == "Token"
    assert client.get("/blank", headers=AS_ALICE).text == "in"
