"""Sessions, CSRF and trusted proxies, seen from a client: what is set, what is refused, and what stays."""

import logging
import time
from importlib import import_module

import pytest

from flasgo import Flasgo, HTTPException, NotFound, Request, Response, Session, Settings, csrf_token, session
from flasgo.security.csrf import mask, unmask
from flasgo.session import SessionError
from flasgo.signing import MAX_TOKEN_BYTES, Key, Signer, decode_base64url, encode_base64url

KEY = "a-key-for-tests-0123456789-abcdefghij"
OLD = "the-key-before-0123456789-abcdefghij"
COOKIE = "__Host-flasgo-session"
ORIGIN = {"origin": "http://localhost"}


def make(**settings: object) -> Flasgo[Settings]:
    app = Flasgo(settings={"SECRET_KEY": KEY, **settings})

    @app.get("/put/<name>/<value>")
    def put(name: str, value: str, session: Session) -> None:
        session[name] = value

    @app.get("/all")
    def everything(session: Session) -> dict[str, object]:
        return dict(session)

    @app.get("/idle")
    def idle() -> str:
        return "nothing was looked at"

    @app.get("/clear")
    def clear(session: Session) -> None:
        session.clear()

    @app.get("/rotate")
    def rotate(session: Session) -> str:
        session.rotate()
        return csrf_token()

    @app.get("/token")
    def token() -> str:
        return csrf_token()

    @app.post("/save")
    async def save(request: Request) -> dict[str, object]:
        form = await request.form()
        return {"fields": dict(form)}

    @app.post("/open", csrf=False)
    def unprotected() -> str:
        return "open"

    return app


def cookies(response) -> list[str]:
    return [line for line in response.headers.getlist("set-cookie") if not line.startswith("flasgo-csrf=")]


class TestSessions:
    def test_it_lasts_from_request_to_request(self):
        client = make().test_client()
        client.get("/put/name/alice")
        assert client.get("/all").json() == {"name": "alice"}

    def test_its_cookie_is_guarded(self):
        (line,) = cookies(make().test_client().get("/put/name/alice"))
        assert line.startswith(f"{COOKIE}=")
        for part in ("Path=/", "SameSite=Lax", "Secure", "HttpOnly", "Max-Age=604800"):
            assert part in line.split("; ")

    def test_the_plain_name_is_kept_over_http(self):
        app = make(SESSION_COOKIE_SECURE=False)
        (line,) = cookies(app.test_client().get("/put/name/alice"))
        assert line.startswith("flasgo-session=")

    def test_looking_makes_the_answer_vary_and_sets_nothing(self):
        for settings in ({"CSRF_ENABLED": False}, {}):  # the token's cookie says so, too
            response = make(**settings).test_client().get("/all")
            assert response.headers["vary"] == "Cookie"
            assert cookies(response) == []

    def test_not_looking_costs_nothing(self):
        app = make(CSRF_ENABLED=False)
        client = app.test_client()
        client.get("/put/name/alice")
        response = client.get("/idle")
        assert "vary" not in response.headers
        assert cookies(response) == []

    def test_a_change_deep_inside_counts(self):
        app = make(CSRF_ENABLED=False)

        @app.get("/push")
        def push(session: Session) -> None:
            session.setdefault("list", []).append(1)

        client = app.test_client()
        client.get("/push")
        client.get("/push")
        assert client.get("/all").json() == {"list": [1, 1]}

    def test_clearing_deletes_the_cookie(self):
        client = make(CSRF_ENABLED=False).test_client()
        client.get("/put/name/alice")
        (line,) = cookies(client.get("/clear"))
        assert "Max-Age=0" in line
        assert client.get("/all").json() == {}

    def test_a_failing_handler_saves_nothing(self):
        app = make(CSRF_ENABLED=False)

        @app.get("/fail")
        def fail(session: Session) -> None:
            session["name"] = "mallory"
            raise NotFound

        client = app.test_client()
        client.get("/put/name/alice")
        assert cookies(client.get("/fail")) == []
        assert client.get("/all").json() == {"name": "alice"}

    def test_an_altered_cookie_is_no_session(self):
        client = make(CSRF_ENABLED=False).test_client()
        client.get("/put/name/alice")
        value = client.cookies[COOKIE]
        for altered in (
            value[:-1] + ("A" if value[-1] != "A" else "B"),
            value[1:],
            value + "A",
            "",
            "=",
            "é",
            "x" * 9000,
        ):
            response = (
                make(CSRF_ENABLED=False).test_client().get("/all", headers={"cookie": f"{COOKIE}={altered}".encode()})
            )
            assert response.json() == {}

    def test_two_cookies_of_the_name_are_no_session_and_logged(self, caplog):
        client = make(CSRF_ENABLED=False).test_client()
        client.get("/put/name/alice")
        pair = f"{COOKIE}={client.cookies[COOKIE]}"
        with caplog.at_level(logging.WARNING):
            assert client.get("/all", headers={"cookie": f"{pair}; {pair}"}).json() == {}
        assert "session-cookie-repeated" in caplog.text

    @pytest.mark.parametrize("header", ["={pair}", "={pair}; {pair}", "{pair}; ={pair}"])
    def test_one_without_a_name_is_no_session_and_logged(self, caplog, header):
        """CVE-2023-23934 (Werkzeug)."""
        client = make(CSRF_ENABLED=False).test_client()
        client.get("/put/name/alice")
        pair = f"{COOKIE}={client.cookies[COOKIE]}"
        with caplog.at_level(logging.WARNING):
            assert client.get("/all", headers={"cookie": header.format(pair=pair)}).json() == {}
        assert "session-cookie-repeated" in caplog.text

    def test_it_ends_when_it_idles(self, monkeypatch):
        app = make(CSRF_ENABLED=False, SESSION_COOKIE_MAX_AGE=100, SESSION_ABSOLUTE_MAX_AGE=250)
        client = app.test_client()
        client.get("/put/name/alice")
        cookie = {"cookie": f"{COOKIE}={client.cookies[COOKIE]}"}
        start = time.time()
        monkeypatch.setattr("flasgo.security.sessions.time", lambda: start + 101)
        assert client.get("/all", headers=cookie).json() == {}
        monkeypatch.setattr("flasgo.security.sessions.time", lambda: start + 50)
        assert client.get("/all", headers=cookie).json() == {"name": "alice"}

    def test_it_ends_when_it_is_old_however_often_it_is_used(self, monkeypatch):
        client = make(CSRF_ENABLED=False, SESSION_COOKIE_MAX_AGE=100, SESSION_ABSOLUTE_MAX_AGE=250).test_client()
        client.get("/put/name/alice")
        cookie, start = client.cookies[COOKIE], time.time()
        for seconds, found in ((90, True), (180, True), (240, True), (260, False)):
            for module in (
                "session",
                "security.sessions",
                "signing",
            ):  # by import_module: flasgo.session is the proxy, too
                monkeypatch.setattr(import_module(f"flasgo.{module}"), "time", lambda seconds=seconds: start + seconds)
            response = client.get("/all", headers={"cookie": f"{COOKIE}={cookie}"})
            assert response.json() == ({"name": "alice"} if found else {})
            if found:
                (line,) = cookies(response)
                cookie = line.partition("=")[2].partition(";")[0]
                assert f"Max-Age={min(100, 250 - seconds)};" in line

    def test_a_session_of_an_older_key_is_accepted_and_signed_anew(self):
        old = make(CSRF_ENABLED=False, SECRET_KEY=OLD).test_client()
        old.get("/put/name/alice")
        client = make(CSRF_ENABLED=False, SECRET_KEY_FALLBACKS=[OLD]).test_client()
        response = client.get("/all", headers={"cookie": f"{COOKIE}={old.cookies[COOKIE]}"})
        assert response.json() == {"name": "alice"}
        assert len(cookies(response)) == 1

    def test_one_that_is_too_large_is_an_error_and_nothing_is_sent(self, caplog):
        app = make(CSRF_ENABLED=False)

        @app.get("/large")
        def large(session: Session) -> None:
            session["small"] = 1
            session["large"] = "x" * 5000

        response = app.test_client().get("/large")
        assert response.status_code == 500
        assert cookies(response) == []
        assert "its largest key is 'large'" in caplog.text

    def test_what_json_cannot_hold_is_an_error(self):
        app = make(CSRF_ENABLED=False)

        @app.get("/object")
        def put_object(session: Session) -> None:
            session["thing"] = object()

        with pytest.raises(SessionError, match="JSON cannot"):
            app.test_client(raise_server_exceptions=True).get("/object")


class TestTheMapping:
    def test_it_is_a_mapping(self):
        made = Session({"a": 1})
        made["b"] = 2
        assert (len(made), "b" in made, list(made), made.get("c"), made.get("c", 3)) == (2, True, ["a", "b"], None, 3)
        del made["a"]
        assert made.pop("a") is None
        assert made.pop("b") == 2
        assert not made
        assert "Session of 0 keys" in repr(made)

    def test_it_knows_when_it_changed(self):
        made = Session({"a": [1]})
        assert not made.modified
        made["a"].append(2)
        assert made.modified
        assert Session({}, modified=True).modified
        forced = Session()
        forced.modified = True
        assert forced.modified

    def test_values_may_be_asked_for_with_a_type(self):
        made = Session({"n": "5", "m": 5})
        assert made.get("m", type=int) == 5
        assert made.get("n", type=int) is None
        assert made.get("n", 7, type=int) == 7

    def test_keys_are_strings(self):
        with pytest.raises(TypeError, match="keys are strings"):
            Session()[1] = 2  # ty: ignore[invalid-assignment]  # that is the point

    def test_the_proxy_stands_for_it(self):
        app = make(CSRF_ENABLED=False)

        @app.get("/proxy")
        def proxy() -> str:
            session["a"] = 1
            return str("a" in session)

        assert app.test_client().get("/proxy").text == "True"


class TestCSRF:
    def test_a_post_without_a_token_is_refused_and_told_how(self):
        response = make().test_client().post("/save", headers=ORIGIN, data={"a": "1"})
        assert response.status_code == 403
        assert "matching CSRF cookie and header values" in response.text

    @pytest.mark.parametrize("header", ["x-csrf-token", "x-csrftoken"])
    def test_the_token_may_be_sent_in_a_header(self, header):
        client = make().test_client()
        token = client.get("/token").text
        assert client.post("/save", headers={**ORIGIN, header: token}, data={"a": "1"}).status_code == 200

    def test_the_cookies_own_value_is_a_token(self):
        client = make().test_client()
        client.get("/idle")
        headers = {**ORIGIN, "x-csrf-token": client.cookies["flasgo-csrf"]}
        assert client.post("/save", headers=headers).status_code == 200

    @pytest.mark.parametrize("files", [None, {"f": ("a.txt", b"x")}])
    def test_the_token_may_be_a_field_and_the_handler_still_gets_the_form(self, files):
        client = make().test_client()
        data = {"a": "1", "csrf_token": client.get("/token").text}
        response = client.post("/save", headers=ORIGIN, data=data, files=files)
        assert response.json()["fields"]["a"] == "1"

    def test_a_token_of_another_session_is_refused(self):
        app = make()
        one, other = app.test_client(), app.test_client()
        for client in (one, other):
            client.get("/put/name/alice")
        stolen = other.get("/token").text
        one.get("/token")
        headers = {**ORIGIN, "x-csrf-token": stolen, "cookie": f"flasgo-csrf={other.cookies['flasgo-csrf']}"}
        assert one.post("/save", headers=headers).status_code == 403

    @pytest.mark.parametrize("token", ["", "x", "x" * 64, "x" * 128, "é" * 64, "A" * 128, "=" * 64, "x" * 5000])
    def test_a_malformed_token_is_403(self, token):
        client = make().test_client()
        client.get("/idle")
        assert client.post("/save", headers={**ORIGIN, "x-csrf-token": token.encode()}).status_code == 403
        assert client.post("/save", headers=ORIGIN, data={"csrf_token": token}).status_code == 403

    @pytest.mark.parametrize(
        ("kind", "body"),
        [
            ("application/x-www-form-urlencoded", b"csrf_token=%ff%fe"),
            ("application/x-www-form-urlencoded; charset=utf-16", b"csrf_token=x"),
            ("multipart/form-data", b"x"),
            ("multipart/form-data; boundary=b", b"--b\r\nContent-Dis"),
        ],
    )
    def test_a_form_that_cannot_be_read_brings_no_token(self, kind, body):
        client = make().test_client()
        client.get("/idle")
        assert client.post("/save", headers={**ORIGIN, "content-type": kind}, body=body).status_code == 403

    def test_two_cookies_or_a_foreign_one_are_403(self):
        client = make().test_client()
        client.get("/idle")
        value = client.cookies["flasgo-csrf"]
        for cookie in (f"flasgo-csrf={value}; flasgo-csrf={value}", "flasgo-csrf=x", f"flasgo-csrf={'A' * 64}", None):
            headers = {**ORIGIN, "x-csrf-token": value, "cookie": cookie}
            assert client.post("/save", headers=headers).status_code == 403
        forged = "A" * 64
        headers = {**ORIGIN, "x-csrf-token": forged, "cookie": f"flasgo-csrf={forged}"}
        assert client.post("/save", headers=headers).status_code == 403

    def test_after_a_refusal_the_next_try_can_succeed(self):
        client = make().test_client()
        client.post("/save", headers=ORIGIN)
        headers = {**ORIGIN, "x-csrf-token": client.cookies["flasgo-csrf"]}
        assert client.post("/save", headers=headers).status_code == 200

    def test_rotation_voids_what_was_given_out_before(self):
        client = make().test_client()
        client.get("/put/name/alice")
        before = client.get("/token").text
        after = client.get("/rotate").text
        assert client.post("/save", headers={**ORIGIN, "x-csrf-token": before}).status_code == 403
        assert client.post("/save", headers={**ORIGIN, "x-csrf-token": after}).status_code == 200

    def test_a_token_given_out_before_the_session_began_is_good(self):
        app = make()

        @app.get("/begin")
        def begin(session: Session) -> str:
            token = csrf_token()
            session["name"] = "alice"
            return token

        client = app.test_client()
        token = client.get("/begin").text
        assert client.post("/save", headers={**ORIGIN, "x-csrf-token": token}).status_code == 200

    def test_a_token_of_the_key_before_is_good(self):
        old = make(SECRET_KEY=OLD).test_client()
        token = old.get("/token").text
        client = make(SECRET_KEY_FALLBACKS=[OLD]).test_client()
        cookie = "; ".join(f"{name}={value}" for name, value in old.cookies.items())
        headers = {**ORIGIN, "x-csrf-token": token, "cookie": cookie}
        assert client.post("/save", headers=headers).status_code == 200

    def test_a_route_may_opt_out(self):
        assert make().test_client().post("/open").text == "open"

    def test_it_may_be_turned_off(self):
        app = make(CSRF_ENABLED=False)
        assert app.test_client().post("/save").status_code == 200
        assert app.test_client().get("/token").text == ""

    def test_an_application_without_protected_routes_sets_no_cookie(self):
        app = Flasgo(settings={"SECRET_KEY": KEY})

        @app.get("/")
        def home() -> str:
            return "hi"

        assert "set-cookie" not in app.test_client().get("/").headers

    def test_public_answers_carry_no_cookie(self):
        app = make()

        @app.get("/public")
        def public() -> Response:
            return Response(b"all", allow_public_cache=True)

        assert "set-cookie" not in app.test_client().get("/public").headers

    def test_masks_never_look_the_same_and_stand_for_the_same(self):
        raw = bytes(range(48))
        one, other = mask(raw), mask(raw)
        assert one != other
        assert unmask(one) == unmask(other) == unmask(encode_base64url(raw)) == raw
        assert unmask(b"!" * 128) == unmask(b"!" * 64) == unmask(b"") == b""


ALLOWED = [
    ({"origin": "http://localhost"}, {}),
    ({"origin": "http://localhost:80"}, {}),
    ({"origin": "HTTP://LOCALHOST"}, {}),
    ({"referer": "http://localhost/page?a=b#c"}, {}),
    ({"referer": "http://localhost"}, {}),
    ({"sec-fetch-site": "same-origin"}, {}),
    ({"sec-fetch-site": "none"}, {}),
    ({"origin": "https://shop.example"}, {"CSRF_TRUSTED_ORIGINS": ["https://shop.example"]}),
    (
        {"origin": "https://a.shop.example:8443", "sec-fetch-site": "cross-site"},
        {"CSRF_TRUSTED_ORIGINS": [".shop.example"]},
    ),
    ({"origin": "http://shop.example"}, {"CSRF_TRUSTED_ORIGINS": ["shop.example"]}),
    ({}, {"CSRF_REQUIRE_ORIGIN": False}),
    ({"origin": "http://evil.example"}, {"CSRF_CHECK_ORIGIN": False}),
]
REFUSED = [
    ({}, {}),
    ({"origin": "null"}, {}),
    ({"origin": "http://evil.example"}, {}),
    ({"origin": "https://localhost"}, {}),
    ({"origin": "http://localhost:8080"}, {}),
    ({"origin": "http://localhost.evil.example"}, {}),
    ({"origin": "http://[::1"}, {}),
    ({"origin": "http://user@localhost"}, {}),
    ({"origin": "x" * 3000}, {}),
    ({"origin": "http://localhost", "sec-fetch-site": "cross-site"}, {}),
    ({"origin": "http://localhost", "sec-fetch-site": "same-site"}, {}),
    ({"referer": "http://evil.example/http://localhost/"}, {}),
    ({"referer": "about:blank"}, {}),
    # A Referer says no more of what may come from elsewhere than the page wants said.
    (
        {"referer": "https://a.shop.example/", "sec-fetch-site": "cross-site"},
        {"CSRF_TRUSTED_ORIGINS": [".shop.example"]},
    ),
    ({"origin": "https://shop.example"}, {"CSRF_TRUSTED_ORIGINS": [".shop.example"]}),
    ({"origin": "https://shop.example:8443"}, {"CSRF_TRUSTED_ORIGINS": ["https://shop.example"]}),
    ([("origin", "http://localhost"), ("origin", "http://localhost")], {}),
]


class TestWhereItComesFrom:
    @staticmethod
    def post(headers, settings):
        client = make(**settings).test_client()
        client.get("/idle")
        sent = [
            *(headers.items() if isinstance(headers, dict) else headers),
            ("x-csrf-token", client.cookies["flasgo-csrf"]),
        ]
        return [client.post("/save", headers=sent).status_code for _ in range(2)]

    @pytest.mark.parametrize(("headers", "settings"), ALLOWED)
    def test_from_a_page_of_ours_it_passes_each_time(self, headers, settings):
        assert self.post(headers, settings) == [200, 200]

    @pytest.mark.parametrize(("headers", "settings"), REFUSED)
    def test_from_elsewhere_it_is_refused_each_time(self, headers, settings):
        assert self.post(headers, settings) == [403, 403]


def behind(**settings: object) -> Flasgo[Settings]:
    app = Flasgo(settings={"SECRET_KEY": KEY, "ALLOWED_HOSTS": ["localhost", "shop.example"], **settings})

    @app.get("/")
    def who(request: Request) -> dict[str, object]:
        return {"ip": request.client_ip, "scheme": request.scheme, "host": request.host}

    return app


class TestProxies:
    @pytest.mark.parametrize(
        ("headers", "ip"),
        [
            ({"x-forwarded-for": "203.0.113.7"}, "203.0.113.7"),
            ({"x-forwarded-for": "6.6.6.6, 203.0.113.7, 127.0.0.9"}, "203.0.113.7"),
            ({"x-forwarded-for": "127.0.0.8, 127.0.0.9"}, "127.0.0.8"),
            ({"x-forwarded-for": "[2001:db8::1]:443"}, "2001:db8::1"),
            ({"x-forwarded-for": "203.0.113.7:80"}, "203.0.113.7"),
            ({"x-forwarded-for": "::ffff:203.0.113.7"}, "203.0.113.7"),
            ({"x-forwarded-for": "unknown"}, None),
            ({"forwarded": "for=6.6.6.6"}, "127.0.0.1"),
            ({}, "127.0.0.1"),
        ],
    )
    def test_the_right_most_stranger_is_the_client(self, headers, ip):
        client = behind(TRUSTED_PROXIES=["127.0.0.0/8"]).test_client()
        assert client.get("/", headers=headers).json()["ip"] == ip

    def test_scheme_and_host_come_from_the_same_hop(self):
        client = behind(TRUSTED_PROXIES=["127.0.0.1"]).test_client()
        headers = {"x-forwarded-for": "1.2.3.4", "x-forwarded-proto": "https", "x-forwarded-host": "shop.example"}
        response = client.get("/", headers=headers)
        assert response.json() == {"ip": "1.2.3.4", "scheme": "https", "host": "shop.example"}
        assert "strict-transport-security" in response.headers

    def test_a_forwarded_host_that_is_not_ours_is_400(self):
        client = behind(TRUSTED_PROXIES=["127.0.0.1"]).test_client()
        headers = {"x-forwarded-for": "1.2.3.4", "x-forwarded-host": "evil.example"}
        assert client.get("/", headers=headers).status_code == 400

    def test_a_stranger_is_not_believed(self):
        client = behind(TRUSTED_PROXIES=["10.0.0.0/8"]).test_client()
        headers = {"x-forwarded-for": "1.2.3.4", "x-forwarded-proto": "https"}
        assert client.get("/", headers=headers).json() == {"ip": "127.0.0.1", "scheme": "http", "host": "localhost"}

    @pytest.mark.parametrize(
        ("value", "ip", "scheme"),
        [
            ('for="[2001:db8::1]:4711";proto=https', "2001:db8::1", "https"),
            ("for=6.6.6.6, for=203.0.113.7;proto=https;host=shop.example", "203.0.113.7", "https"),
            ("for=203.0.113.7;proto=gopher", "203.0.113.7", "http"),
            ("for=_hidden", None, "http"),
            ("for=1.2.3.4;for=5.6.7.8", "127.0.0.1", "http"),
            ("for", "127.0.0.1", "http"),
            ("for=1.2.3.4 x", "127.0.0.1", "http"),
            ('for="1.2.3.4', "127.0.0.1", "http"),
        ],
    )
    def test_forwarded_is_read_where_it_is_named(self, value, ip, scheme):
        client = behind(TRUSTED_PROXIES=["127.0.0.1"], PROXY_HEADERS="forwarded").test_client()
        found = client.get("/", headers={"forwarded": value}).json()
        assert (found["ip"], found["scheme"]) == (ip, scheme)

    def test_a_chain_without_end_is_not_followed(self):
        client = behind(TRUSTED_PROXIES=["127.0.0.1"]).test_client()
        chain = ", ".join(["127.0.0.1"] * 40)
        assert client.get("/", headers={"x-forwarded-for": chain}).json()["ip"] == "127.0.0.1"


async def test_a_server_that_says_no_scheme_speaks_http(call):
    app = make()
    headers = ((b"host", b"localhost"), (b"origin", b"http://localhost"))
    assert (await call(app, "/save", method="POST", headers=headers, without=("scheme",))).status == 403


@pytest.mark.parametrize("content_type", [b"application/json", b"text/plain", b""])
async def test_what_brings_no_token_and_is_no_form_is_refused_before_its_body_is_read(call, content_type):
    async def receive():
        raise AssertionError("it was read")

    client = make().test_client()
    client.get("/idle")
    cookie = f"flasgo-csrf={client.cookies['flasgo-csrf']}".encode()
    headers = (
        (b"host", b"localhost"),
        (b"origin", b"http://localhost"),
        (b"cookie", cookie),
        (b"content-type", content_type),
    )
    assert (await call(make(), "/save", method="POST", headers=headers, receive=receive)).status == 403


async def test_without_a_host_there_is_no_origin_of_ours_and_no_error(call):
    """Where hosts are not checked, a server may pass on a request of HTTP/1.0 that names none."""
    app = make(ENFORCE_ALLOWED_HOSTS=False)
    client = app.test_client()
    client.get("/idle")
    value = client.cookies["flasgo-csrf"].encode()
    right = ((b"cookie", b"flasgo-csrf=" + value), (b"x-csrf-token", value))
    for sender in ((b"origin", b"http://localhost"), (b"origin", b"http://"), (b"referer", b"about:blank")):
        assert (await call(app, "/save", method="POST", headers=(*right, sender))).status == 403
    trusted = (b"sec-fetch-site", b"same-origin")
    assert (await call(app, "/save", method="POST", headers=(*right, trusted))).status == 200


class TestSigning:
    def test_what_was_signed_is_read_back(self):
        signer = Signer((KEY,), "session")
        signed = signer.unsign(signer.sign(b"payload"))
        assert signed is not None
        assert signed.payload == b"payload"

    def test_one_purpose_means_nothing_to_another(self):
        token = Signer((KEY,), "session").sign(b"payload")
        assert Signer((KEY,), "flash").unsign(token) is None

    def test_a_token_has_one_spelling_and_an_end(self):
        signer = Signer((KEY,), "session")
        token = signer.sign(b"payload")
        assert signer.unsign(token + b"=") is None
        assert signer.unsign(signer.sign(b"x" * MAX_TOKEN_BYTES)) is None
        assert signer.unsign(b"") is None
        for text in (b"A", b"AB", b"A+==", b"AAB", b"A\n", b"AAA/"):
            assert decode_base64url(text) is None
        assert decode_base64url(b"AA") == b"\0"

    def test_neither_the_old_nor_the_future_counts(self):
        signer = Signer((KEY,), "session")
        now = int(time.time())
        assert signer.unsign(signer.sign(b"x", issued=now - 100), max_age=50) is None
        assert signer.unsign(signer.sign(b"x", issued=now + 120)) is None
        assert signer.unsign(signer.sign(b"x", issued=now + 30)) is not None

    def test_a_key_shows_nothing_and_agrees_with_hmac(self):
        import hmac

        for secret in (b"short", b"l" * 100):
            assert Key(secret).mac(b"message") == hmac.digest(secret, b"message", "sha256")
        assert "short" not in repr(Key(b"short"))


def test_an_exception_with_a_status_is_still_an_answer():
    app = make(CSRF_ENABLED=False)

    @app.get("/teapot")
    def teapot() -> None:
        raise HTTPException(418, "short and stout")

    assert app.test_client().get("/teapot").status_code == 418
