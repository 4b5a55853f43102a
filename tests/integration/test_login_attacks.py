"""What somebody does who has copied a cookie, planted one, or guesses: in both places where sessions are kept."""

import asyncio
import hashlib
import time

import pytest

from flasgo import Flasgo, Settings, User, averify_password, hash_password, login, logout, session, session_backend
from flasgo.auth import Scrypt

KEY = "test-login-attacks-0123456789abcdef"
NEW_KEY = "test-login-attacks-0123456789-newer"
CHEAP = Scrypt(log_n=4)
LIMIT = 10


class Member(User, frozen=True, kw_only=True):
    is_authenticated: bool = True
    password_hash: str


def application(members: dict[str, Member], **settings: object) -> Flasgo[Settings]:
    """Logs in by password; `stamp` is the password's hash, as the guide says."""
    app = Flasgo(settings={"SECRET_KEY": KEY, "CSRF_ENABLED": False, "SESSION_COOKIE_SECURE": False, **settings})

    async def load(name: str) -> Member | None:
        return members.get(name)

    app.register_auth_backend("default", session_backend(load, stamp=lambda member: member.password_hash))

    @app.post("/login/<name>")
    async def sign_in(name: str, password: str, remember: bool = False):
        member = members.get(name)
        known = None if member is None else member.password_hash
        if not await averify_password(known, password, account=name, hasher=CHEAP) or member is None:
            return "no", 401
        login(member, remember=remember)
        return "in"

    @app.post("/logout")
    async def sign_out() -> str:
        logout()
        return "out"

    @app.get("/put")
    async def put() -> str:
        session["cart"] = [1]
        return "put"

    @app.get("/me")
    async def me(member: Member) -> str:
        return str(member.id)

    return app


@pytest.fixture(params=[None, "memory"], ids=["cookie", "store"])
def where(request):
    """Where sessions are kept: SESSION_STORE."""
    return request.param


@pytest.fixture
def members() -> dict[str, Member]:
    return {"alice": Member(id="alice", password_hash=hash_password("right", hasher=CHEAP))}


def copied(client, *names: str) -> dict[str, str]:
    """The header that sends copies of a browser's cookies."""
    return {"cookie": "; ".join(f"{name}={client.cookies[name]}" for name in names)}


def test_a_copied_session_after_logout(where, members, monkeypatch) -> None:
    """A store ends it at once. A signed cookie stays good until the stamp changes, or it expires: that is documented."""
    app = application(members, SESSION_STORE=where, SESSION_COOKIE_MAX_AGE=3600)
    victim, thief = app.test_client(), app.test_client()
    victim.post("/login/alice?password=right")
    loot = copied(victim, "flasgo-session")
    assert thief.get("/me", headers=loot).text == "alice"
    victim.post("/logout")
    assert victim.get("/me").status_code == 401

    assert app.test_client().get("/me", headers=loot).status_code == (200 if where is None else 401)
    now = time.time()
    with monkeypatch.context() as later:
        later.setattr("flasgo.security.sessions.time", lambda: now + 3700)
        assert app.test_client().get("/me", headers=loot).status_code == 401
    members["alice"] = Member(id="alice", password_hash=hash_password("another", hasher=CHEAP))
    assert app.test_client().get("/me", headers=loot).status_code == 401


def test_a_copied_remember_cookie_is_good_until_the_stamp_changes(where, members) -> None:
    app = application(members, SESSION_STORE=where)
    victim = app.test_client()
    victim.post("/login/alice?password=right&remember=true")
    loot = copied(victim, "flasgo-remember")
    victim.post("/logout")

    assert "flasgo-remember" not in victim.cookies
    assert app.test_client().get("/me", headers=loot).text == "alice"
    members["alice"] = Member(id="alice", password_hash=hash_password("another", hasher=CHEAP))
    assert app.test_client().get("/me", headers=loot).status_code == 401


def test_a_session_that_was_planted_before_the_login_is_nobody_s_after_it(where, members) -> None:
    """Session fixation, CWE-384."""
    app = application(members, SESSION_STORE=where)
    attacker, victim = app.test_client(), app.test_client()
    attacker.get("/put")
    victim.set_cookie("flasgo-session", attacker.cookies["flasgo-session"])
    assert victim.post("/login/alice?password=right").text == "in"

    assert victim.get("/me").text == "alice"
    assert victim.cookies["flasgo-session"] != attacker.cookies["flasgo-session"]
    assert attacker.get("/me").status_code == 401


def test_a_new_key_keeps_logins_while_the_old_one_is_known_and_ends_them_without_it(where, members, tmp_path) -> None:
    store = where and f"sqlite:///{tmp_path}/sessions.db"
    with application(members, SESSION_STORE=store).test_client() as before:
        before.post("/login/alice?password=right&remember=true")
    for name in ("flasgo-session", "flasgo-remember"):
        kept = copied(before, name)
        rotated = application(members, SESSION_STORE=store, SECRET_KEY=NEW_KEY, SECRET_KEY_FALLBACKS=[KEY])
        forgotten = application(members, SESSION_STORE=store, SECRET_KEY=NEW_KEY)

        with rotated.test_client() as client:
            assert client.get("/me", headers=kept).text == "alice"
        with forgotten.test_client() as client:
            assert client.get("/me", headers=kept).status_code == 401


@pytest.mark.parametrize("name", ["alice", "nobody"])
async def test_guesses_that_come_at_once_are_no_more_than_one_after_another(name, members, monkeypatch) -> None:
    """Counted are the hashes that are made, which is also what a guesser could measure: known or not, it is the same."""
    client = application(members, CREDENTIAL_FAILURE_LIMIT=LIMIT).test_client()
    derived: list[int] = []
    scrypt = hashlib.scrypt
    monkeypatch.setattr(hashlib, "scrypt", lambda raw, **how: (derived.append(how["n"]), scrypt(raw, **how))[1])
    guesses = [client.arequest("POST", f"/login/{name}?password=guess{number}") for number in range(4 * LIMIT)]
    answers = await asyncio.gather(*guesses)

    assert sorted(answer.status_code for answer in answers) == [401] * LIMIT + [429] * 3 * LIMIT
    assert derived == [2**CHEAP.log_n] * LIMIT
    late = await client.arequest("POST", f"/login/{name}?password=right")
    assert (late.status_code, len(derived)) == (429, LIMIT)
