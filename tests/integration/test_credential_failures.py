"""Wrong credentials are counted, and beyond too many the right ones are refused, too, unseen."""

import asyncio
import base64
import functools

import pytest

from flasgo import (
    AllowAny,
    AuthResult,
    Flasgo,
    Settings,
    User,
    api_key_backend,
    averify_password,
    basic_backend,
    bearer_token_backend,
    hash_password,
    verify_password,
)
from flasgo.auth.failures import CLIENT_FACTOR
from flasgo.auth.passwords import Scrypt

ALICE = User(id="alice", is_authenticated=True)
LIMIT = 3
CHEAP = Scrypt(log_n=2, r=1, p=1)
HASHED = hash_password("right", hasher=CHEAP)


def application(**settings: object) -> Flasgo[Settings]:
    return Flasgo(
        settings={
            "SECRET_KEY": "test-failures-0123456789abcdefghijklm",
            "CREDENTIAL_FAILURE_LIMIT": LIMIT,
            "CREDENTIAL_FAILURE_WINDOW_SECONDS": 600,
            "CSRF_ENABLED": False,
            **settings,
        }
    )


class Judge:
    """Counts how often it is asked."""

    def __init__(self) -> None:
        self.asked = 0

    def __call__(self, *sent):
        self.asked += 1
        return ALICE if sent[-1] == "right" else None


def basic(name, password):
    return {"authorization": "Basic " + base64.b64encode(f"{name}:{password}".encode()).decode()}


@pytest.mark.parametrize("plain_handler", [True, False])
def test_too_many_wrong_passwords_of_an_account_are_429_unseen(plain_handler, caplog):
    app, judge = application(), Judge()
    app.register_auth_backend("basic", basic_backend(judge))

    def handler():
        return "in"

    async def handler_on_loop():
        return "in"

    app.add_route("/", handler if plain_handler else handler_on_loop, auth="basic")
    client = app.test_client()
    statuses = [client.get("/", headers=basic("alice", "wrong")).status_code for _ in range(LIMIT)]
    refused = client.get("/", headers=basic("alice", "right"))

    assert statuses == [401] * LIMIT
    assert refused.status_code == 429
    assert 0 < int(refused.headers["retry-after"]) <= 600
    assert judge.asked == LIMIT
    assert "credentials-throttled" in caplog.text
    assert client.get("/", headers=basic("bob", "right")).text == "in"
    assert app.test_client(client=("192.0.2.7", 1)).get("/", headers=basic("alice", "right")).text == "in"


def test_a_client_may_try_many_accounts_but_not_too_many():
    app, judge = application(), Judge()
    app.register_auth_backend("basic", basic_backend(judge))
    app.add_route("/", lambda: "in", auth="basic")
    client = app.test_client()
    for number in range(LIMIT * CLIENT_FACTOR):
        assert client.get("/", headers=basic(f"user{number}", "wrong")).status_code == 401

    assert client.get("/", headers=basic("alice", "right")).status_code == 429


@pytest.mark.parametrize("kind", ["bearer", "key"])
@pytest.mark.parametrize("where", ["in one hop", "in a thread of its own", "on the loop", "either"])
def test_tokens_are_counted_for_the_client(kind, where):
    app, judge = application(), Judge()

    async def on_the_loop(token):
        return judge(token)

    @functools.wraps(on_the_loop)
    def either(token):
        return judge(token) if token.endswith("0") else on_the_loop(token)

    async def handler() -> str:
        return "in"

    validator = {"on the loop": on_the_loop, "either": either}.get(where, judge)
    app.register_auth_backend("it", bearer_token_backend(validator) if kind == "bearer" else api_key_backend(validator))
    app.add_route("/", (lambda: "in") if where == "in one hop" else handler, auth="it")
    client = app.test_client()

    def get(token):
        return client.get(
            "/", headers={"authorization": f"Bearer {token}"} if kind == "bearer" else {"x-api-key": token}
        )

    assert {get(f"wrong{number}").status_code for number in range(LIMIT * CLIENT_FACTOR)} == {401}
    assert get("right").status_code == 429
    assert judge.asked == LIMIT * CLIENT_FACTOR
    assert client.get("/").status_code == 401  # nothing was tried


def test_right_credentials_leave_no_trace_and_strangers_are_not_failures():
    app, judge = application(), Judge()
    app.register_auth_backend("basic", basic_backend(judge))
    app.add_route("/", lambda: "in", auth="basic")
    client = app.test_client()

    for _ in range(LIMIT + 1):
        assert client.get("/", headers=basic("alice", "right")).status_code == 200
        assert client.get("/").status_code == 401


async def test_many_requests_at_once_with_right_credentials_are_all_answered():
    app, gate = application(), asyncio.Event()

    async def judge(name, password):
        await gate.wait()
        return ALICE

    app.register_auth_backend("basic", basic_backend(judge))

    @app.get("/", auth="basic")
    async def handler():
        return "in"

    client = app.test_client()
    asked = [asyncio.ensure_future(client.arequest("GET", "/", headers=basic("a", "b"))) for _ in range(2 * LIMIT)]
    await asyncio.sleep(0)
    gate.set()

    assert {answer.status_code for answer in await asyncio.gather(*asked)} == {200}


def test_a_validator_that_fails_is_no_failure_of_the_client():
    app = application()

    def broken(name, password):
        raise ZeroDivisionError

    app.register_auth_backend("basic", basic_backend(broken))
    app.add_route("/", lambda: "in", auth="basic")
    client = app.test_client(raise_server_exceptions=False)

    assert {client.get("/", headers=basic("alice", "x")).status_code for _ in range(LIMIT + 2)} == {500}


def test_nothing_is_counted_where_the_limit_is_0():
    app, judge = application(CREDENTIAL_FAILURE_LIMIT=0), Judge()
    app.register_auth_backend("basic", basic_backend(judge))
    app.add_route("/", lambda: "in", auth="basic")

    @app.post("/login")
    def login(password: str):
        return str(verify_password(HASHED, password, account="alice", hasher=CHEAP))

    client = app.test_client()

    assert {client.get("/", headers=basic("alice", "x")).status_code for _ in range(LIMIT + 2)} == {401}
    assert {client.post("/login?password=x").text for _ in range(LIMIT + 2)} == {"False"}


def test_a_client_without_an_address_is_not_counted():
    app, judge = application(), Judge()
    app.register_auth_backend("basic", basic_backend(judge))
    app.add_route("/", lambda: "in", auth="basic")
    client = app.test_client(client=None)

    assert {client.get("/", headers=basic("alice", "x")).status_code for _ in range(LIMIT + 2)} == {401}


@pytest.mark.parametrize("known", [True, False])
@pytest.mark.parametrize("asynchronous", [True, False])
def test_a_login_form_counts_the_account_that_it_names(known, asynchronous, monkeypatch):
    app, derive, derived = application(), Scrypt.derive, []
    monkeypatch.setattr(Scrypt, "derive", lambda self, *given: derived.append(given) or derive(self, *given))
    stored = HASHED if known else None

    @app.post("/plain")
    def plain(name: str, password: str):
        return str(verify_password(stored, password, account=name, hasher=CHEAP))

    @app.post("/async")
    async def later(name: str, password: str):
        return str(await averify_password(stored, password, account=name, hasher=CHEAP))

    path = "/async" if asynchronous else "/plain"
    client = app.test_client()

    assert client.post(f"{path}?name=alice&password=right").text == str(known)
    for _ in range(LIMIT - (0 if known else 1)):
        assert client.post(f"{path}?name=alice&password=wrong").text == "False"
    before = len(derived)
    assert client.post(f"{path}?name=alice&password=right").status_code == 429
    assert len(derived) == before  # what is refused costs nothing
    assert client.post(f"{path}?name=bob&password=right").text == str(known)


def test_the_document_and_the_routes_say_that_429_may_be_answered():
    app = application()
    app.register_auth_backend("basic", basic_backend(Judge()))
    app.add_route("/", lambda: "in", auth="basic", permissions=[AllowAny()])
    assembly = app.freeze()
    (rule,) = app.routes

    codes = {kind.default_status for stage in assembly.stages for kind in stage.rejections(rule)}

    assert 429 in codes
    assert 401 not in codes


@pytest.mark.parametrize("at_once", [True, False])
def test_a_password_validator_that_may_or_may_not_await_is_counted_the_same(at_once):
    app, judge = application(), Judge()

    async def later(name, password):
        return judge(name, password)

    @functools.wraps(later)
    def validate(name, password):
        return judge(name, password) if at_once else later(name, password)

    app.register_auth_backend("it", basic_backend(validate))

    @app.get("/", auth="it")
    async def index() -> str:
        return "in"

    client = app.test_client()
    sent = ["wrong", "right", *["wrong"] * LIMIT, "right"]
    answers = [client.get("/", headers=basic("alice", password)).status_code for password in sent]
    assert answers == [401, 200, *[401] * LIMIT, 429]
    assert client.get("/").status_code == 401


def test_what_is_remembered_of_clients_has_an_end_and_no_count_is_lost_with_it(monkeypatch):
    monkeypatch.setattr("flasgo.auth.failures.MAX_REMEMBERED", 1)
    app = application()
    app.register_auth_backend("it", bearer_token_backend(Judge()))
    app.add_route("/", lambda: "in", auth="it")
    clients = [app.test_client(client=(f"192.0.2.{number}", 1)) for number in range(3)]
    wrong = {"authorization": "Bearer wrong"}
    for _ in range(LIMIT * CLIENT_FACTOR):
        for client in clients:
            assert client.get("/", headers=wrong).status_code == 401
    assert clients[2].get("/", headers=wrong).status_code == 429


def test_a_user_in_an_auth_result_is_no_failure():
    app = application()

    async def validate(token):
        return AuthResult(ALICE)

    app.register_auth_backend("it", bearer_token_backend(validate))
    app.add_route("/", lambda: "in", auth="it")
    client = app.test_client()
    answers = [client.get("/", headers={"authorization": "Bearer x"}).status_code for _ in range(LIMIT * 12)]
    assert set(answers) == {200}
