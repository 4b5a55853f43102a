"""Sessions in a store, seen from a client: the same Session, a cookie that says nothing, revocation, and no lost writes."""

import asyncio
import contextlib
import logging
import time
from datetime import timedelta

import pytest

from flasgo import (
    Conflict,
    Device,
    Flasgo,
    MemoryStore,
    Request,
    Session,
    Settings,
    StoreUnavailable,
    csrf_token,
    session,
)
from flasgo.security.session_records import MAX_SESSION_BYTES, device_of, label_of
from flasgo.security.stored_sessions import StoredSessions
from flasgo.session import SessionError

KEY = "a-key-for-tests-0123456789-abcdefghij"
COOKIE = "__Host-flasgo-session"
FIREFOX = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"


class Breakable(MemoryStore):
    """A store that can be told to fail."""

    broken = False

    async def get(self, key, /):
        await asyncio.sleep(0)
        self.check()
        return await super().get(key)

    async def set(self, key, value, /, *, ttl=None):
        self.check()
        await super().set(key, value, ttl=ttl)

    async def compare_and_set(self, key, expected, value, /, *, ttl=None):
        self.check()
        return await super().compare_and_set(key, expected, value, ttl=ttl)

    async def delete(self, key, /):
        self.check()
        return await super().delete(key)

    def check(self):
        if self.broken:
            raise StoreUnavailable("it is broken")


def make(store: Breakable | None = None, **settings: object) -> Flasgo[Settings]:
    store = store or Breakable()
    app = Flasgo(settings={"SECRET_KEY": KEY, **settings}, session_store=store)
    app.state.barrier = asyncio.Barrier(1)

    @app.get("/put/<name>/<value>")
    async def put(name: str, value: str, session: Session) -> None:
        session[name] = value
        await app.state.barrier.wait()

    @app.get("/pop/<name>")
    async def pop(name: str, session: Session) -> None:
        session.pop(name)
        await app.state.barrier.wait()

    @app.get("/all")
    def everything(session: Session) -> dict[str, object]:
        return dict(session)

    @app.get("/idle")
    def idle() -> str:
        return "nothing was looked at"

    @app.get("/clear")
    async def clear(session: Session) -> None:
        session.clear()
        await app.state.barrier.wait()

    @app.get("/rotate")
    async def rotate(session: Session) -> None:
        session.rotate()
        await app.state.barrier.wait()

    @app.get("/login/<user>")
    async def login(user: str, session: Session) -> None:
        if session.get("_user", user) != user:
            session.clear()
        session.rotate()
        session["_user"] = user
        await app.state.barrier.wait()

    @app.get("/token")
    def token() -> str:
        return csrf_token()

    @app.post("/save")
    def save() -> str:
        return "saved"

    @app.get("/others")
    async def others(request: Request) -> int:
        return await app.sessions.revoke_all("alice", keep=app.sessions.current(request))

    @app.get("/break")
    def break_it(session: Session) -> dict[str, object]:
        store.broken = True
        return dict(session)

    @app.get("/fail")
    def fail(session: Session) -> None:
        session["name"] = "mallory"
        raise Conflict

    return app


def store_of(app: Flasgo[Settings]) -> Breakable:
    store = app.sessions.store
    assert isinstance(store, Breakable)
    return store


def lines(response):
    return [line for line in response.headers.getlist("set-cookie") if not line.startswith("flasgo-csrf=")]


def id_of(client):
    return client.cookies[COOKIE]


async def together(app, call, *requests):
    """Several requests whose handlers are all begun, their sessions loaded, before any of them ends."""
    app.state.barrier = asyncio.Barrier(len(requests))
    try:
        return await asyncio.gather(
            *(
                call(app, path, headers=((b"host", b"localhost"), (b"cookie", f"{COOKIE}={cookie}".encode())))
                for path, cookie in requests
            )
        )
    finally:
        app.state.barrier = asyncio.Barrier(1)


async def begun(app, call, path="/put/a/1"):
    """The cookie of a new session."""
    exchange = await call(app, path)
    (line,) = [line for line in exchange.getlist("set-cookie") if line.startswith(COOKIE)]
    return line.partition(";")[0].partition("=")[2]


async def content(app, call, cookie):
    import json

    (exchange,) = await together(app, call, ("/all", cookie))
    return json.loads(exchange.body)


class TestTheCookie:
    def test_it_is_an_id_that_says_nothing_and_is_guarded(self):
        client = make().test_client()
        (line,) = lines(client.get("/put/name/alice"))
        assert line.startswith(f"{COOKIE}=")
        assert len(id_of(client)) == 43
        for part in ("Path=/", "SameSite=Lax", "Secure", "HttpOnly", "Max-Age=2592000"):
            assert part in line.split("; ")

    def test_the_store_holds_no_id_that_would_do_as_a_cookie(self):
        app = make()
        client = app.test_client()
        client.get("/login/alice")
        everything = repr(vars(app.sessions.store))
        assert id_of(client) not in everything
        assert device_of(id_of(client).encode()) in everything

    def test_it_is_not_set_again_while_the_session_keeps_its_id(self):
        client = make().test_client()
        client.get("/put/a/1")
        assert lines(client.get("/put/b/2")) == []
        assert client.get("/all").json() == {"a": "1", "b": "2"}

    @pytest.mark.parametrize("value", ["x" * 43, "", "x" * 42, "\xff" * 43, "a-b"])
    def test_one_that_opens_nothing_is_a_stranger_s(self, value):
        client = make().test_client(headers={"cookie": f"{COOKIE}={value}"})
        response = client.get("/all")
        assert response.json() == {}
        assert lines(response) == []

    def test_one_of_a_signed_session_with_content_opens_nothing(self):
        signed = Flasgo(settings={"SECRET_KEY": KEY})

        @signed.get("/put")
        def put(session: Session) -> None:
            session["_user"] = "alice"

        before = signed.test_client()
        before.get("/put")
        client = make().test_client(headers={"cookie": f"{COOKIE}={id_of(before)}"})
        assert client.get("/all").json() == {}

    def test_two_of_the_name_are_a_stranger_s(self):
        app = make()
        known = app.test_client()
        known.get("/put/a/1")
        client = app.test_client(headers={"cookie": f"{COOKIE}={id_of(known)}; {COOKIE}={id_of(known)}"})
        assert client.get("/all").json() == {}


class TestTheSession:
    def test_it_lasts_from_request_to_request_and_through_every_kind_of_value(self):
        client = make().test_client()
        client.get("/put/name/älice")
        assert client.get("/all").json() == {"name": "älice"}

    def test_looking_makes_the_answer_vary_and_not_looking_does_not(self):
        client = make(CSRF_ENABLED=False).test_client()
        client.get("/put/a/1")
        assert client.get("/all").headers["vary"] == "Cookie"
        idle = client.get("/idle")
        assert "vary" not in idle.headers
        assert lines(idle) == []

    def test_a_change_deep_inside_counts(self):
        app = make(CSRF_ENABLED=False)

        @app.get("/push")
        def push(session: Session) -> None:
            session.setdefault("list", []).append(1)

        client = app.test_client()
        client.get("/push")
        client.get("/push")
        assert client.get("/all").json() == {"list": [1, 1]}

    def test_clearing_removes_it_from_the_store_too(self):
        app = make(CSRF_ENABLED=False)
        client = app.test_client()
        client.get("/login/alice")
        old = id_of(client)
        (line,) = lines(client.get("/clear"))
        assert "Max-Age=0" in line
        replay = app.test_client(headers={"cookie": f"{COOKIE}={old}"})
        assert replay.get("/all").json() == {}
        assert len(store_of(app)._values) == 0

    def test_a_failing_handler_saves_nothing(self):
        client = make().test_client()
        client.get("/put/name/alice")
        assert client.get("/fail").status_code == 409
        assert client.get("/all").json() == {"name": "alice"}

    def test_rotating_gives_a_new_id_and_the_old_one_opens_nothing(self):
        app = make()
        client = app.test_client()
        client.get("/put/a/1")
        old = id_of(client)
        client.get("/rotate")
        assert id_of(client) != old
        assert client.get("/all").json() == {"a": "1"}
        assert app.test_client(headers={"cookie": f"{COOKIE}={old}"}).get("/all").json() == {}

    def test_an_id_that_was_planted_before_a_login_opens_nothing_after_it(self):
        """Session fixation, CWE-384."""
        app = make()
        attacker = app.test_client()
        attacker.get("/put/a/1")
        planted = app.test_client(headers={"cookie": f"{COOKIE}={id_of(attacker)}"})
        (line,) = lines(planted.get("/login/alice"))
        assert id_of(attacker) not in line
        assert attacker.get("/all").json() == {}

    def test_it_ends_when_it_is_not_used_or_too_old(self, monkeypatch):
        app = make(SESSION_COOKIE_MAX_AGE=100, SESSION_ABSOLUTE_MAX_AGE=250)
        client = app.test_client()
        client.get("/put/a/1")
        header = {"cookie": f"{COOKIE}={id_of(client)}"}
        client = app.test_client(headers=header)
        start = time.time()
        for seconds, there in ((90, True), (180, True), (240, True), (251, False)):
            monkeypatch.setattr("flasgo.security.session_keeper.time", lambda now=start + seconds: now)
            assert client.get("/all").json() == ({"a": "1"} if there else {}), seconds
        monkeypatch.setattr("flasgo.security.session_keeper.time", lambda: start)
        other = app.test_client()
        other.get("/put/a/1")
        client = app.test_client(headers={"cookie": f"{COOKIE}={id_of(other)}"})
        monkeypatch.setattr("flasgo.security.session_keeper.time", lambda: start + 101)
        assert client.get("/all").json() == {}

    def test_what_is_too_large_is_an_error_that_names_the_largest_key(self):
        app = make()

        @app.get("/large/<int:size>")
        def large(size: int, session: Session) -> None:
            session["small"] = 1
            session["large"] = "x" * size

        client = app.test_client(raise_server_exceptions=True)
        client.get("/large/65000")
        with pytest.raises(SessionError, match=rf"more than {MAX_SESSION_BYTES}; its largest key is 'large'"):
            client.get("/large/65536")
        assert len(client.get("/all").json()["large"]) == 65000
        with pytest.raises(SessionError, match="largest key is 'large'"):
            app.test_client(raise_server_exceptions=True).get("/large/65536")

    def test_the_proxy_shows_it(self):
        app = make()

        @app.get("/proxy")
        def proxy() -> dict[str, object]:
            session["b"] = "2"
            return dict(session)

        client = app.test_client()
        client.get("/put/a/1")
        assert client.get("/proxy").json() == {"a": "1", "b": "2"}


class TestCSRF:
    def test_a_visitor_who_asks_for_a_form_writes_nothing_into_the_store(self):
        app = make()
        client = app.test_client()
        token = client.get("/token").text
        assert len(store_of(app)._values) == 0
        assert client.post("/save", headers={"x-csrf-token": token, "origin": "http://localhost"}).status_code == 200

    def test_a_token_stays_good_when_the_session_gets_its_first_content(self):
        client = make().test_client()
        token = client.get("/token").text
        client.get("/put/a/1")
        assert len(id_of(client)) == 43
        assert client.post("/save", headers={"x-csrf-token": token, "origin": "http://localhost"}).status_code == 200

    def test_a_token_is_void_after_rotation(self):
        client = make().test_client()
        client.get("/put/a/1")
        token = client.get("/token").text
        client.get("/rotate")
        assert client.post("/save", headers={"x-csrf-token": token, "origin": "http://localhost"}).status_code == 403
        token = client.get("/token").text
        assert client.post("/save", headers={"x-csrf-token": token, "origin": "http://localhost"}).status_code == 200

    def test_a_token_asked_for_while_clearing_keeps_an_empty_signed_session(self):
        app = make()

        @app.get("/leave")
        def leave(session: Session) -> str:
            session.clear()
            return csrf_token()

        client = app.test_client()
        client.get("/login/alice")
        token = client.get("/leave").text
        assert client.get("/all").json() == {}
        assert len(store_of(app)._values) == 0
        assert client.post("/save", headers={"x-csrf-token": token, "origin": "http://localhost"}).status_code == 200

    def test_a_session_that_the_browser_did_not_send_is_not_replaced_by_an_empty_one(self):
        """SameSite=Strict: a visitor who comes by a link of another site seems to be a stranger."""
        client = make(SESSION_COOKIE_SAME_SITE="Strict").test_client()
        response = client.get("/token", headers={"sec-fetch-site": "cross-site"})
        assert lines(response) == []
        assert lines(client.get("/token")) != []

    def test_the_store_may_be_why_a_route_answers_503(self):
        stages = make().freeze().stages
        (stage,) = [stage for stage in stages if isinstance(stage, StoredSessions)]
        assert stage.rejections(None) == (StoreUnavailable,)


class TestConcurrentRequests:
    async def test_changes_of_different_keys_are_all_kept(self, call):
        app = make()
        cookie = await begun(app, call)
        exchanges = await together(app, call, *((f"/put/key{n}/{n}", cookie) for n in range(10)), ("/pop/a", cookie))
        assert {exchange.status for exchange in exchanges} == {204}
        assert await content(app, call, cookie) == {f"key{n}": str(n) for n in range(10)}

    async def test_the_same_change_twice_is_one(self, call):
        app = make()
        cookie = await begun(app, call)
        exchanges = await together(
            app, call, ("/put/b/2", cookie), ("/put/b/2", cookie), ("/pop/a", cookie), ("/pop/a", cookie)
        )
        assert {exchange.status for exchange in exchanges} == {204}
        assert await content(app, call, cookie) == {"b": "2"}

    async def test_of_different_changes_of_one_key_the_later_is_a_conflict(self, call):
        app = make()
        cookie = await begun(app, call)
        exchanges = await together(app, call, ("/put/a/2", cookie), ("/put/a/3", cookie))
        assert sorted(exchange.status for exchange in exchanges) == [204, 409]
        won = next(index for index, exchange in enumerate(exchanges) if exchange.status == 204)
        assert await content(app, call, cookie) == {"a": str(2 + won)}

    async def test_a_change_beside_a_removal_is_a_conflict(self, call):
        app = make()
        cookie = await begun(app, call)
        exchanges = await together(app, call, ("/put/a/2", cookie), ("/pop/a", cookie), ("/put/b/1", cookie))
        assert sorted(exchange.status for exchange in exchanges) == [204, 204, 409]

    async def test_a_logout_is_not_undone_by_what_runs_beside_it(self, call):
        app = make(CSRF_ENABLED=False)
        cookie = await begun(app, call, "/login/alice")
        exchanges = await together(app, call, ("/clear", cookie), ("/put/a/1", cookie), ("/put/b/1", cookie))
        assert exchanges[0].status == 204
        assert await content(app, call, cookie) == {}
        assert await app.sessions.devices("alice") == ()
        assert len(store_of(app)._values) == 0

    async def test_a_rotation_takes_over_what_was_written_beside_it(self, call):
        """Whoever came too late for that is told."""
        app = make()
        cookie = await begun(app, call)
        rotated, put = await together(app, call, ("/rotate", cookie), ("/put/b/2", cookie))
        assert rotated.status == 204
        (line,) = [line for line in rotated.getlist("set-cookie") if line.startswith(COOKIE)]
        new = line.partition(";")[0].partition("=")[2]
        assert await content(app, call, new) == ({"a": "1", "b": "2"} if put.status == 204 else {"a": "1"})
        assert put.status in {204, 409}
        assert await content(app, call, cookie) == {}

    async def test_of_two_rotations_one_holds_and_of_two_logins_both(self, call):
        app = make()
        cookie = await begun(app, call)
        assert sorted([e.status for e in await together(app, call, ("/rotate", cookie), ("/rotate", cookie))]) == [
            204,
            409,
        ]
        cookie = await begun(app, call)
        exchanges = await together(app, call, ("/login/alice", cookie), ("/login/alice", cookie))
        assert [exchange.status for exchange in exchanges] == [204, 204]

    async def test_what_another_user_left_is_not_taken_over_by_a_login(self, call):
        app = make()
        cookie = await begun(app, call, "/login/alice")
        login, _ = await together(app, call, ("/login/bob", cookie), ("/put/secret/alices", cookie))
        (line,) = [line for line in login.getlist("set-cookie") if line.startswith(COOKIE)]
        assert await content(app, call, line.partition(";")[0].partition("=")[2]) == {"_user": "bob"}


class TestRevocation:
    def test_a_user_sees_his_devices(self):
        app = make()
        first, second = app.test_client(headers={"user-agent": FIREFOX}), app.test_client()
        first.get("/login/alice")
        second.get("/login/alice")
        app.test_client().get("/login/bob")
        devices = asyncio.run(app.sessions.devices("alice"))
        assert all(isinstance(device, Device) for device in devices)
        assert {device.label for device in devices} == {"Firefox on Linux", ""}
        assert {device.id for device in devices} == {device_of(id_of(client).encode()) for client in (first, second)}
        assert all(timedelta(0) <= device.seen - device.created < timedelta(seconds=30) for device in devices)

    def test_one_session_is_ended(self):
        app = make()
        first, second = app.test_client(), app.test_client()
        first.get("/login/alice")
        second.get("/login/alice")
        assert asyncio.run(app.sessions.revoke("alice", device_of(id_of(first).encode())))
        assert first.get("/all").json() == {}
        assert second.get("/all").json() == {"_user": "alice"}
        assert len(asyncio.run(app.sessions.devices("alice"))) == 1
        assert not asyncio.run(app.sessions.revoke("alice", device_of(id_of(first).encode())))

    def test_nobody_ends_another_s_session(self):
        app = make()
        alice = app.test_client()
        alice.get("/login/alice")
        for device in (device_of(id_of(alice).encode()), id_of(alice), "", "é" * 43, "x" * 1000, "x" * 43):
            assert not asyncio.run(app.sessions.revoke("bob", device))
        assert alice.get("/all").json() == {"_user": "alice"}

    def test_all_sessions_are_ended_but_one(self):
        app = make()
        clients = [app.test_client() for _ in range(4)]
        for client in clients:
            client.get("/login/alice")
        other = app.test_client()
        other.get("/login/bob")
        assert clients[0].get("/others").json() == 3
        assert [client.get("/all").json() for client in (*clients, other)] == [
            {"_user": "alice"}, {}, {}, {}, {"_user": "bob"},
        ]  # fmt: skip
        assert asyncio.run(app.sessions.revoke_all("alice")) == 1
        assert asyncio.run(app.sessions.revoke_all("alice")) == 0
        assert clients[0].get("/all").json() == {}

    def test_a_stranger_has_no_device(self):
        app = make()

        @app.get("/current")
        def current(request: Request) -> dict[str, object]:
            return {"device": app.sessions.current(request)}

        client = app.test_client()
        assert client.get("/current").json() == {"device": None}
        client.get("/put/a/1")
        assert client.get("/current").json() == {"device": device_of(id_of(client).encode())}

    async def test_a_session_that_was_revoked_while_it_worked_stays_ended(self, call):
        app = make()
        cookie = await begun(app, call, "/login/alice")
        app.state.barrier = asyncio.Barrier(2)
        headers = ((b"host", b"localhost"), (b"cookie", f"{COOKIE}={cookie}".encode()))
        for path in ("/put/a/1", "/rotate"):
            working = asyncio.ensure_future(call(app, path, headers=headers))
            while not app.state.barrier.n_waiting:
                await asyncio.sleep(0)
            await app.sessions.revoke_all("alice")
            await app.state.barrier.wait()
            exchange = await working
            assert exchange.status == 409
            assert exchange.getlist("set-cookie") == [line for line in exchange.getlist("set-cookie") if "csrf" in line]
            cookie = cookie if path == "/rotate" else await self.again(app, call)
            headers = ((b"host", b"localhost"), (b"cookie", f"{COOKIE}={cookie}".encode()))
        assert await app.sessions.devices("alice") == ()
        assert len(store_of(app)._values) == 0

    async def again(self, app, call):
        barrier, app.state.barrier = app.state.barrier, asyncio.Barrier(1)
        cookie = await begun(app, call, "/login/alice")
        app.state.barrier = barrier
        return cookie

    def test_a_user_s_oldest_session_makes_room_for_a_new_one(self, monkeypatch):
        monkeypatch.setattr("flasgo.security.session_keeper.MAX_DEVICES", 3)
        app = make()
        clients = [app.test_client() for _ in range(5)]
        for client in clients:
            client.get("/login/alice")
        assert [client.get("/all").json() != {} for client in clients] == [False, False, True, True, True]
        assert len(asyncio.run(app.sessions.devices("alice"))) == 3

    def test_logging_in_again_and_out_keeps_the_list_true(self):
        app = make(CSRF_ENABLED=False)
        client = app.test_client()
        for user in ("alice", "alice", "bob"):
            client.get(f"/login/{user}")
        assert asyncio.run(app.sessions.devices("alice")) == ()
        assert len(asyncio.run(app.sessions.devices("bob"))) == 1
        client.get("/pop/_user")
        assert asyncio.run(app.sessions.devices("bob")) == ()
        client.get("/put/_user/carol")  # without a new id: still found
        assert len(asyncio.run(app.sessions.devices("carol"))) == 1

    def test_signed_sessions_can_be_neither_listed_nor_revoked(self):
        with pytest.raises(RuntimeError, match="SESSION_STORE"):
            _ = Flasgo(settings={"SECRET_KEY": KEY}).sessions


class TestAStoreThatIsDown:
    def test_a_visitor_who_has_a_session_is_never_taken_for_a_stranger(self, caplog):
        app = make()
        client = app.test_client()
        client.get("/login/alice")
        store_of(app).broken = True
        with caplog.at_level(logging.ERROR, "flasgo.errors"):
            response = client.get("/all", headers={"accept": "application/json"})
        assert response.status_code == 503
        assert response.json()["code"] == "store_unavailable"
        assert "broken" not in response.text
        assert lines(response) == []
        assert "session-store-unavailable" in caplog.text
        store_of(app).broken = False
        assert client.get("/all").json() == {"_user": "alice"}

    def test_not_even_if_the_handler_looks_twice(self):
        app = make()

        @app.get("/stubborn")
        def stubborn(request: Request) -> dict[str, object]:
            for _ in range(2):
                with contextlib.suppress(StoreUnavailable):
                    return dict(request.session)
            return {"unavailable": True}

        client = app.test_client()
        client.get("/login/alice")
        store_of(app).broken = True
        response = client.get("/stubborn")
        assert response.json() == {"unavailable": True}
        assert lines(response) == []

    def test_what_needs_no_session_is_served(self):
        app = make()
        client = app.test_client()
        client.get("/login/alice")
        del client.cookies["flasgo-csrf"]
        store_of(app).broken = True
        response = client.get("/idle")
        assert response.status_code == 200
        assert response.headers.getlist("set-cookie") == []
        assert app.test_client().get("/all").json() == {}

    def test_what_cannot_be_written_is_not_answered_as_if_it_were(self):
        app = make()
        client = app.test_client()
        store_of(app).broken = True
        response = client.get("/put/a/1")
        assert response.status_code == 503
        assert lines(response) == []

    def test_an_unsafe_request_is_not_let_through(self):
        app = make()
        client = app.test_client()
        client.get("/put/a/1")
        token = client.get("/token").text
        store_of(app).broken = True
        assert client.post("/save", headers={"x-csrf-token": token, "origin": "http://localhost"}).status_code == 503

    def test_that_it_is_in_use_may_go_unnoted(self, monkeypatch):
        app = make(SESSION_COOKIE_MAX_AGE=100)
        client = app.test_client()
        client.get("/put/a/1")
        now = time.time()
        monkeypatch.setattr("flasgo.security.session_keeper.time", lambda: now + 50)
        assert client.get("/break").json() == {"a": "1"}


@pytest.mark.parametrize(
    ("agent", "label"),
    [
        (FIREFOX, "Firefox on Linux"),
        ("Mozilla/5.0 (Windows NT 10.0) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0 Safari/537.36 Edg/142.0", "Edge on Windows"),
        ("Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) AppleWebKit/605 Version/18.0 Mobile/15E148 Safari/604.1", "Safari on iPhone"),
        ("curl/8.5.0", "curl"),
        ("", ""),
        ("<script>alert(1)</script>", "<script>alert(1)<"),
        ("x" * 5000, "x" * 64),
        ("\r\n\xff", ""),
        ("(Windows)", "(Windows) on Windows"),
    ],
)  # fmt: skip
def test_a_device_is_labelled_in_a_few_words(agent, label):
    assert label_of(agent.encode("latin-1")) == label


def test_a_url_in_the_settings_makes_the_store(tmp_path):
    app = Flasgo(settings={"SECRET_KEY": KEY, "SESSION_STORE": f"sqlite:///{tmp_path}/sessions.db"})

    @app.get("/count")
    def count(session: Session) -> int:
        session["count"] = total = session.get("count", 0, type=int) + 1
        return total

    with app.test_client() as client:
        assert [client.get("/count").json() for _ in range(3)] == [1, 2, 3]
    assert (tmp_path / "sessions.db").stat().st_mode & 0o777 == 0o600
