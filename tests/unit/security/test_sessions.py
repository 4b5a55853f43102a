import time

import pytest

from flasgo import Flasgo, Session, Settings, csrf_token
from flasgo.events import SecurityLog
from flasgo.http.asgi import Message
from flasgo.request import Request
from flasgo.security import sessions
from flasgo.security.sessions import Sessions, SignedCookie
from flasgo.session import Stored
from flasgo.signing import Signer

KEY = "a-key-for-tests-0123456789-abcdefghij"
SIGNER = Signer((KEY,), "session")


def test_it_refuses_nothing_by_itself():
    settings = Settings(SECRET_KEY=KEY)
    stage = Sessions(settings, SignedCookie(SIGNER, idle=1, absolute=2), log=SecurityLog(enabled=False))
    assert stage.rejections(None) == ()
    assert stage.compile(None) is stage.compile(None)


def request(*lines: bytes) -> Request:
    """One with these Cookie headers."""

    async def nothing() -> Message:
        raise AssertionError("nobody asks for the body")

    return Request.of({"type": "http", "headers": [(b"cookie", line) for line in lines]}, nothing)


class TestRemembered:
    """The sessions of some Cookie headers are remembered: a visitor sends the same one with every request."""

    settings = Settings(SECRET_KEY=KEY, SESSION_COOKIE_MAX_AGE=1_000, SESSION_ABSOLUTE_MAX_AGE=2_000)

    def stage(self, codec: SignedCookie | None = None) -> Sessions:
        codec = codec or SignedCookie(SIGNER, idle=1_000, absolute=2_000)
        return Sessions(self.settings, codec, log=SecurityLog(enabled=False))

    def header(self, content: bytes, *, age: int = 0, begun: int = 0) -> bytes:
        now = int(time.time())
        value = SIGNER.sign(Stored(content, bytes(16), now - begun).pack(), issued=now - age)
        return self.settings.session_cookie_name.encode() + b"=" + value

    def test_to_an_end(self, monkeypatch):
        monkeypatch.setattr(sessions, "MAX_REMEMBERED", 2)
        stage = self.stage()
        headers = [self.header(b'{"n":%d}' % number) for number in range(5)]
        for _ in range(2):
            for number, header in enumerate(headers):
                stored = stage.read(request(header))
                assert stored is not None
                assert stored.json == b'{"n":%d}' % number
                assert len(stage._young) <= 2

    def test_they_are_verified_once(self, monkeypatch):
        stage = self.stage()
        asked = request(self.header(b'{"n":1}'))
        first = stage.read(asked)
        monkeypatch.setattr(SignedCookie, "read", None)
        assert stage.read(asked) is first

    @pytest.mark.parametrize(
        ("age", "begun", "later"),
        [(99, 99, 2), (0, 1_999, 2), (50, 1_950, 51)],
        ids=["until they are due to be written again", "until they end", "whichever comes first"],
    )
    def test_no_longer_than_they_are_good_as_they_are(self, monkeypatch, age, begun, later):
        stage = self.stage()
        asked = request(self.header(b'{"n":1}', age=age, begun=begun))
        first = stage.read(asked)
        assert first is not None
        assert not first.renew
        assert stage.read(asked) is first
        now = time.time() + later
        monkeypatch.setattr(sessions, "time", lambda: now)
        assert stage.read(asked) is not first

    @pytest.mark.parametrize(
        "lines",
        [
            lambda self: [self.header(b'{"n":"' + b"x" * 2_000 + b'"}')],
            lambda self: [self.header(b'{"n":1}', age=101)],
            lambda self: [self.header(b'{"n":1}'), b"a=1"],
        ],
        ids=["long", "due to be written again", "in two lines"],
    )
    def test_but_not_all(self, lines):
        stage = self.stage()
        asked = request(*lines(self))
        assert stage.read(asked) is not None
        assert stage._young == {}


@pytest.mark.parametrize(
    ("age", "begun", "expected"),
    [
        (0, 0, "kept"),
        (100, 100, "kept"),
        (101, 101, "renewed"),
        (1_000, 1_000, "renewed"),
        (1_001, 1_001, None),
        (0, 2_000, "kept"),
        (0, 2_001, None),
    ],
)
def test_it_ends_by_idling_and_by_age_and_is_renewed_after_a_tenth(monkeypatch, age, begun, expected):
    now = 1_800_000_000
    monkeypatch.setattr(sessions, "time", lambda: now)
    codec = SignedCookie(SIGNER, idle=1_000, absolute=2_000)
    monkeypatch.setattr("flasgo.signing.time", lambda: now)
    stored = codec.read(SIGNER.sign(Stored(b"{}", bytes(16), now - begun).pack(), issued=now - age))
    assert (None if stored is None else "renewed" if stored.renew else "kept") == expected


def test_a_strict_cookie_that_a_foreign_link_kept_back_is_not_replaced_by_an_empty_session():
    """The visitor may be logged in: his browser says nothing of it when another site sends him."""
    app = Flasgo(settings={"SECRET_KEY": KEY, "SESSION_COOKIE_SAME_SITE": "Strict"})

    @app.get("/form")
    def form() -> str:
        return csrf_token()

    @app.get("/login")
    def login(session: Session) -> None:
        session["name"] = "alice"

    @app.post("/save")
    def save() -> str:
        return "saved"

    foreign, own = {"sec-fetch-site": "cross-site"}, {"sec-fetch-site": "same-origin"}
    lines = app.test_client().get("/form", headers=foreign).headers.getlist("set-cookie")
    assert [line.partition("=")[0] for line in lines] == ["flasgo-csrf"]
    lines = app.test_client().get("/form", headers=own).headers.getlist("set-cookie")
    assert sorted(line.partition("=")[0] for line in lines) == ["__Host-flasgo-session", "flasgo-csrf"]
    lines = app.test_client().get("/login", headers=foreign).headers.getlist("set-cookie")
    assert "__Host-flasgo-session" in [line.partition("=")[0] for line in lines]

    client = app.test_client()
    token = client.get("/form", headers=foreign).text
    assert client.post("/save", headers={**own, "x-csrf-token": token}).text == "saved"
