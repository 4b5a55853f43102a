"""Logging in and out with sessions, through the client."""

import re

import pytest
from msgspec.structs import replace

from flasgo import (
    AllowAny,
    Flasgo,
    RegistrationError,
    Settings,
    User,
    bearer_token_backend,
    csrf_token,
    current_user,
    login,
    logout,
    session,
    session_backend,
)
from flasgo import request as app_request
from flasgo.auth.login import Claim, encode
from flasgo.signing import Signer

KEY = "test-login-0123456789abcdefghijklmn"


class Member(User, frozen=True, kw_only=True):
    is_authenticated: bool = True
    stamp: str = "1"


class Members(dict[str, Member]):
    """Loads users, and remembers for whom it was asked."""

    def __init__(self) -> None:
        super().__init__(alice=Member(id="alice"), bob=Member(id="bob"))
        self.asked: list[str] = []

    def load(self, id: str) -> Member | None:
        self.asked.append(id)
        return self.get(id)


@pytest.fixture
def members():
    return Members()


def application(members, *, asynchronous=False, stamp=True, login_url=None, **settings) -> Flasgo[Settings]:
    app = Flasgo(
        settings={
            "SECRET_KEY": KEY,
            "CSRF_ENABLED": False,
            "SESSION_COOKIE_SECURE": False,
            **settings,
        }
    )

    async def load_later(id):
        return members.load(id)

    app.register_auth_backend(
        "default",
        session_backend(
            load_later if asynchronous else members.load,
            stamp=(lambda member: member.stamp) if stamp else None,
            login_url=login_url,
        ),
    )

    @app.post("/login/<id>")
    async def sign_in(id: str, remember: bool = False):
        login(members[id], remember=remember)
        return f"hello {current_user.id}"

    @app.post("/logout")
    def sign_out():
        logout()
        return f"bye {current_user.id}"

    @app.get("/me")
    async def me(user: Member) -> str:
        return str(user.id)

    @app.get("/plain")
    def plain(user: Member | None) -> str:
        return "nobody" if user is None else str(user.id)

    return app


@pytest.mark.parametrize("asynchronous", [True, False])
def test_who_logs_in_is_known_until_he_logs_out(asynchronous, members):
    client = application(members, asynchronous=asynchronous).test_client()

    assert client.get("/me").status_code == 401
    assert client.post("/login/alice").text == "hello alice"
    assert [client.get("/me").text, client.get("/plain").text] == ["alice", "alice"]
    assert client.post("/logout").text == "bye None"
    assert client.get("/me").status_code == 401
    assert client.get("/plain").text == "nobody"


def with_a_page_that_asks_for_nobody(app: Flasgo[Settings]) -> Flasgo[Settings]:
    @app.get("/page")
    async def page() -> dict[str, object]:
        return {"user": current_user.id, "again": app_request.user.id, "true": bool(current_user)}

    return app


def test_a_page_that_asks_for_nobody_knows_the_visitor_once_it_looks(members):
    client = with_a_page_that_asks_for_nobody(application(members)).test_client()

    assert client.get("/page").json() == {"user": None, "again": None, "true": False}
    client.post("/login/alice")
    members.asked.clear()
    page = client.get("/page")
    assert page.json() == {"user": "alice", "again": "alice", "true": True}
    assert members.asked == ["alice"]
    assert "Cookie" in page.headers["vary"]
    client.post("/logout")
    assert client.get("/page").json()["user"] is None


def test_a_page_that_does_not_look_loads_nobody_and_may_be_cached(members):
    app = application(members)

    @app.get("/quiet")
    async def quiet() -> str:
        return "no look"

    client = app.test_client()
    client.post("/login/alice")
    members.asked.clear()
    assert "Cookie" not in client.get("/quiet").headers.get("vary", "")
    assert members.asked == []


def test_a_visitor_who_is_remembered_gets_a_session_from_a_page_that_looks(members):
    app = with_a_page_that_asks_for_nobody(application(members))
    client = app.test_client()
    client.post("/login/alice?remember=1")
    remembered = {name: value for name, value in client.cookies.items() if "remember" in name}
    other = app.test_client()

    answer = other.get("/page", headers={"Cookie": "; ".join(f"{n}={v}" for n, v in remembered.items())})
    assert answer.json()["user"] == "alice"
    assert "flasgo-session" in answer.headers["set-cookie"]
    assert other.get("/page").json()["user"] == "alice"


def test_a_login_whose_stamp_is_gone_is_no_visitor(members):
    client = with_a_page_that_asks_for_nobody(application(members)).test_client()
    client.post("/login/alice")
    members["alice"] = replace(members["alice"], stamp="changed")

    assert client.get("/page").json()["user"] is None


def test_a_loader_that_must_be_awaited_is_asked_by_routes_that_ask_alone(members):
    client = with_a_page_that_asks_for_nobody(application(members, asynchronous=True)).test_client()
    client.post("/login/alice")
    members.asked.clear()

    assert client.get("/page").json()["user"] is None
    assert members.asked == []
    assert client.get("/plain").text == "alice"


def test_a_plain_loader_that_gives_an_awaitable_is_a_mistake_where_it_is_read(members, caplog):
    app = Flasgo(settings={"SECRET_KEY": KEY, "CSRF_ENABLED": False, "SESSION_COOKIE_SECURE": False})

    async def later(id):
        return members[id]

    app.register_auth_backend("default", session_backend(lambda id: later(id)))

    @app.post("/login")
    async def sign_in():
        login(members["alice"])

    client = with_a_page_that_asks_for_nobody(app).test_client()
    client.post("/login")
    assert client.get("/page").status_code == 500
    assert "The loader of users gave an awaitable" in caplog.text


def test_a_loader_may_ask_who_is_asking(members):
    app = Flasgo(settings={"SECRET_KEY": KEY, "CSRF_ENABLED": False, "SESSION_COOKIE_SECURE": False})

    def load(id):
        assert not current_user
        return members[id]

    app.register_auth_backend("default", session_backend(load))

    @app.post("/login")
    async def sign_in():
        login(members["alice"])

    client = with_a_page_that_asks_for_nobody(app).test_client()
    client.post("/login")
    assert client.get("/page").json()["user"] == "alice"


def test_a_session_is_no_visitor_to_routes_of_another_backend_nor_where_it_is_not_the_default(members):
    app = application(members)
    app.register_auth_backend("bearer", bearer_token_backend(lambda token: None))

    @app.get("/token", auth="bearer")
    async def token(user: User | None) -> str:
        return str(current_user.id)

    client = app.test_client()
    client.post("/login/alice")
    assert client.get("/token").text == "None"

    elsewhere = Flasgo(settings={"SECRET_KEY": KEY, "CSRF_ENABLED": False, "SESSION_COOKIE_SECURE": False})
    elsewhere.register_auth_backend("pages", session_backend(members.load))

    @elsewhere.post("/login")
    async def sign_in():
        login(members["alice"])

    @elsewhere.get("/guarded")
    @elsewhere.authorize()
    async def guarded() -> str:
        return "in"

    client = with_a_page_that_asks_for_nobody(elsewhere).test_client()
    client.post("/login")
    assert client.get("/page").json()["user"] is None
    assert client.get("/guarded").status_code == 401


def test_the_challenge_says_that_a_cookie_is_wanted(members):
    assert application(members).test_client().get("/me").headers["www-authenticate"] == 'Cookie realm="session"'


def test_a_stranger_costs_no_look_at_the_users(members):
    application(members).test_client().get("/me")

    assert members.asked == []


def test_pages_that_look_at_the_user_are_not_cached(members):
    answer = application(members).test_client().get("/plain")

    assert "Cookie" in answer.headers["vary"]
    assert "no-store" in answer.headers["cache-control"]


def test_a_login_begins_another_session_and_drops_what_another_user_left(members):
    app = application(members)

    @app.post("/put/<name>")
    def put(name: str):
        session[name] = True
        return session.sid.hex()

    @app.get("/keys")
    def keys():
        return [*sorted(session), session.sid.hex()]

    client = app.test_client()
    client.post("/put/cart")
    *_, before = client.get("/keys").json()
    client.post("/login/alice")
    kept, *_, after = client.get("/keys").json()
    client.post("/login/alice")
    *_, again = client.get("/keys").json()
    client.post("/login/bob")
    bobs = client.get("/keys").json()

    assert kept == "_stamp"
    assert "cart" not in bobs
    assert len({before, after, again, bobs[-1]}) == 4


def test_what_a_visitor_had_before_his_login_is_kept(members):
    app = application(members)

    @app.post("/put")
    def put():
        session["cart"] = [1]
        return ""

    @app.get("/cart")
    def cart():
        return session.get("cart") or []

    client = app.test_client()
    client.post("/put")
    client.post("/login/alice")

    assert client.get("/cart").json() == [1]


def test_csrf_tokens_from_before_the_login_are_void(members):
    app = application(members, CSRF_ENABLED=True, CSRF_COOKIE_SECURE=False)

    @app.get("/token")
    def token():
        return csrf_token()

    client = app.test_client(headers={"origin": "http://localhost"})
    before = client.get("/token").text
    assert client.post("/login/alice", headers={"x-csrf-token": before}).status_code == 200
    assert client.post("/logout", headers={"x-csrf-token": before}).status_code == 403
    assert client.post("/logout", headers={"x-csrf-token": client.get("/token").text}).status_code == 200


def test_a_user_who_is_gone_or_has_another_stamp_is_a_stranger(members):
    client = application(members).test_client()
    client.post("/login/alice")
    members["alice"] = Member(id="alice", stamp="2")
    assert client.get("/me").status_code == 401
    members["alice"] = Member(id="alice", stamp="1")
    assert client.get("/me").text == "alice"
    del members["alice"]
    assert client.get("/me").status_code == 401


def test_without_a_stamp_the_id_alone_counts(members):
    client = application(members, stamp=False).test_client()
    client.post("/login/alice")
    members["alice"] = Member(id="alice", stamp="2")

    assert client.get("/me").text == "alice"


def test_a_failing_login_remembers_nobody(members):
    app = application(members)

    @app.post("/fail")
    def fail():
        login(members["alice"], remember=True)
        raise ZeroDivisionError

    client = app.test_client(raise_server_exceptions=False)

    assert "set-cookie" not in client.post("/fail").headers
    assert client.get("/me").status_code == 401


# ── remember ────────────────────────────────────────────────────────────────────────────────────────────────────────


def closed(client):
    """The browser is closed, and its session forgotten: what it still sends."""
    kept = client.cookies["flasgo-remember"]
    client.clear_cookies()
    return {"cookie": f"flasgo-remember={kept}"}


@pytest.mark.parametrize("asynchronous", [True, False])
def test_a_cookie_may_remember_for_longer_than_the_session(asynchronous, members):
    client = application(members, asynchronous=asynchronous).test_client()
    line = client.post("/login/alice?remember=1").headers.getlist("set-cookie")[-1]
    kept = closed(client)

    assert re.match(r"flasgo-remember=[\w-]+; Path=/; SameSite=Lax; Max-Age=2592000; Expires=.*; HttpOnly$", line)
    answer = client.get("/me", headers=kept)
    assert answer.text == "alice"
    assert "flasgo-session=" in answer.headers["set-cookie"]
    assert client.get("/me").text == "alice"  # by the session that it has begun


def test_who_is_not_to_be_remembered_gets_no_such_cookie(members):
    client = application(members).test_client()
    client.post("/login/alice")

    assert set(client.cookies) == {"flasgo-session"}


def test_logging_out_forgets(members):
    client = application(members).test_client()
    client.post("/login/alice?remember=1")
    client.post("/logout")

    assert client.cookies == {}


def test_a_new_stamp_makes_every_browser_forget(members):
    client = application(members).test_client()
    client.post("/login/alice?remember=1")
    kept = closed(client)
    members["alice"] = Member(id="alice", stamp="2")

    assert client.get("/me", headers=kept).status_code == 401


@pytest.mark.parametrize(
    "value",
    [
        "",
        "x",
        Signer((KEY,), "session").sign(encode(Claim("alice"))).decode(),
        Signer(("another-key-0123456789abcdefghijklmnopq",), "remember").sign(encode(Claim("alice"))).decode(),
        Signer((KEY,), "remember").sign(encode(Claim("alice"))).decode(),
        Signer((KEY,), "remember").sign(encode(Claim("alice", "x" * 43))).decode(),
        Signer((KEY,), "remember").sign(b"\xff").decode(),
        Signer((KEY,), "remember").sign(b"{}").decode(),
        Signer((KEY,), "remember").sign(encode(Claim("alice")), issued=1).decode(),
    ],
    ids=["empty", "junk", "purpose", "key", "no-stamp", "stamp", "bytes", "json", "old"],
)
def test_a_remember_cookie_that_was_not_given_is_worth_nothing(value, members):
    client = application(members).test_client()

    assert client.get("/me", headers={"cookie": f"flasgo-remember={value}"}).status_code == 401


def test_two_remember_cookies_are_worth_nothing(members):
    client = application(members).test_client()
    client.post("/login/alice?remember=1")
    kept = closed(client)
    cookie = kept["cookie"]

    assert client.get("/me", headers={"cookie": f"{cookie}; {cookie}"}).status_code == 401


def test_the_remember_cookie_survives_a_new_secret_key(members):
    client = application(members).test_client()
    client.post("/login/alice?remember=1")
    kept = closed(client)
    new = "another-key-0123456789abcdefghijklmnopq"
    rotated = application(members, SECRET_KEY=new, SECRET_KEY_FALLBACKS=[KEY]).test_client()

    assert rotated.get("/me", headers=kept).text == "alice"


def test_a_secure_remember_cookie_is_bound_to_its_host(members):
    client = application(members, SESSION_COOKIE_SECURE=True).test_client(base_url="https://localhost")
    client.post("/login/alice?remember=1")

    assert set(client.cookies) == {"__Host-flasgo-session", "__Host-flasgo-remember"}


# ── the login page ──────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_stranger_who_reads_a_page_is_sent_to_the_login_page(members):
    app = application(members, login_url="/login")

    @app.post("/me", name="change")
    async def change(user: Member) -> str:
        return ""

    client = app.test_client()
    page = {"accept": "text/html,*/*;q=0.8"}
    sent = client.get("/me?a=1&b=%2F", headers=page)

    assert (sent.status_code, sent.headers["location"]) == (303, "/login?next=/me%3Fa%3D1%26b%3D%252F")
    assert client.get("/me").status_code == 401
    assert client.get("/me", headers={"accept": "application/json"}).status_code == 401
    assert client.post("/me", headers=page).status_code == 401


def test_the_way_back_joins_the_login_page_s_own_query(members):
    client = application(members, login_url="/login?lang=de").test_client()

    assert client.get("/me", headers={"accept": "text/html"}).headers["location"] == "/login?lang=de&next=/me"


# ── mistakes ────────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("user", [User(id="alice"), User(is_authenticated=True)], ids=["stranger", "no-id"])
def test_who_could_not_be_recognised_cannot_log_in(user, members):
    app = application(members)

    @app.post("/try")
    def attempt():
        with pytest.raises(ValueError, match="takes a user with an id"):
            login(user)
        return "refused"

    assert app.test_client().post("/try").text == "refused"


def test_remembering_needs_a_stamp(members):
    app = application(members, stamp=False)

    @app.post("/try")
    def attempt():
        with pytest.raises(RuntimeError, match="without a stamp nobody could ever be made to forget"):
            login(members["alice"], remember=True)
        return str(current_user.id)

    assert app.test_client().post("/try").text == "None"


@pytest.mark.parametrize("act", [lambda: login(Member(id="a")), logout], ids=["login", "logout"])
def test_without_a_session_backend_or_a_request_the_advice_says_so(act):
    app = Flasgo(settings={"SECRET_KEY": KEY, "CSRF_ENABLED": False})

    @app.post("/try")
    def attempt():
        with pytest.raises(RuntimeError, match="has no logins; register them"):
            act()
        return "refused"

    assert app.test_client().post("/try").text == "refused"
    with pytest.raises(RuntimeError, match=r"log(in|out)\(\)` was used outside a request"):
        act()


def test_two_session_backends_are_a_registration_error(members):
    app = application(members)
    app.register_auth_backend("other", session_backend(members.load))

    with pytest.raises(RegistrationError, match="Two session backends"):
        app.freeze()


def test_one_session_backend_may_have_two_names(members):
    app = Flasgo(settings={"SECRET_KEY": KEY})
    backend = session_backend(members.load)
    app.register_auth_backend("default", backend)
    app.register_auth_backend("session", backend)
    app.freeze()


def test_a_plain_loader_that_gives_a_coroutine_is_a_500():
    app = Flasgo(settings={"SECRET_KEY": KEY, "SESSION_COOKIE_SECURE": False, "CSRF_ENABLED": False})

    async def load(id):
        return Member(id=id)

    app.register_auth_backend("default", session_backend(lambda id: load(id)))

    @app.get("/in")
    def enter():
        login(Member(id="alice"))
        return ""

    @app.get("/me", permissions=[AllowAny()])
    def me():
        return ""

    client = app.test_client(raise_server_exceptions=False)
    client.get("/in")

    assert client.get("/me").status_code == 500


def test_an_application_says_once_that_every_page_awaits_who_is_logged_in(members):
    app = application(members, asynchronous=True, DEFAULT_PERMISSIONS=("AllowAny",))

    @app.get("/enter")
    def enter():
        login(members["alice"])
        return ""

    @app.get("/page")
    def page():
        return f"for {current_user.id}"

    @app.get("/for-nobody", permissions=())
    def for_nobody():
        return f"for {current_user.id}"

    @app.errorhandler(404)
    async def missing(error):
        return f"nothing, {current_user.id}", 404

    client = app.test_client()
    assert client.get("/page").text == "for None"
    assert client.get("/nowhere").text == "nothing, None"
    assert members.asked == []
    client.get("/enter")
    assert client.get("/page").text == "for alice"
    assert client.get("/nowhere").text == "nothing, alice"
    assert members.asked == ["alice", "alice"]
    assert client.get("/for-nobody").text == "for None"
    assert members.asked == ["alice", "alice"]


def test_where_every_page_asks_for_a_login_the_page_of_an_unknown_path_knows_him_and_refuses_nobody(members):
    app = application(members, DEFAULT_PERMISSIONS=("IsAuthenticated",))
    app.errorhandler(404)(lambda error: (f"nothing, {current_user.id}", 404))

    assert app.test_client().get("/nowhere").text == "nothing, None"


def test_without_defaults_an_unknown_path_asks_nobody(members):
    app = application(members)
    app.errorhandler(404)(lambda error: (f"nothing, {current_user.id}", 404))

    assert app.test_client().get("/nowhere").text == "nothing, None"
    assert members.asked == []


def test_a_session_login_adds_no_error_to_what_a_page_may_answer(members):
    app = application(members, ENABLE_DOCS=True)

    @app.get("/open")
    async def open_page() -> str:
        return "open"

    paths = app.openapi_spec()["paths"]
    assert "401" in paths["/me"]["get"]["responses"]
    assert "401" not in paths["/open"]["get"]["responses"]
