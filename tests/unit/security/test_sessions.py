import time

import pytest

from flasgo import Flasgo, Session, Settings, csrf_token
from flasgo.events import SecurityLog
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


def test_cookies_that_were_found_genuine_are_remembered_to_an_end(monkeypatch):
    monkeypatch.setattr(sessions, "MAX_REMEMBERED", 2)
    codec = SignedCookie(SIGNER, idle=1_000, absolute=2_000)
    now = int(time.time())
    values = [codec.write(Stored(b'{"n":%d}' % number, bytes(16), now)) for number in range(5)]
    for _ in range(2):
        for number, value in enumerate(values):
            stored = codec.read(value)
            assert stored is not None
            assert stored.json == b'{"n":%d}' % number
    assert len(codec._genuine) <= 2


def test_a_long_cookie_is_not_remembered():
    codec = SignedCookie(SIGNER, idle=1_000, absolute=2_000)
    value = codec.write(Stored(b'{"n":"' + b"x" * 2_000 + b'"}', bytes(16), int(time.time())))
    assert codec.read(value) is not None
    assert codec._genuine == {}


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
