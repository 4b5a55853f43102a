"""Keys that an issuer publishes."""

import asyncio
import json
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest
from joserfc.jwk import ECKey

from flasgo import Flasgo, User
from flasgo.contrib.jwks import AGAIN, JWKS, KEEP, MAX_BYTES, STALE, fetch_by_urllib
from flasgo.contrib.jwt import encode_jwt, jwt_backend
from flasgo.errors import ServiceUnavailable

URL = "https://id.example/keys"
OLD = ECKey.generate_key("P-256", {"kid": "old"})
NEW = ECKey.generate_key("P-256", {"kid": "new"})


class Issuer:
    """Publishes keys, and counts how often it is asked; `clock` is the time."""

    def __init__(self, *keys):
        self.keys = keys
        self.asked = 0
        self.now = 1000.0
        self.fails = False

    def fetch(self, url):
        assert url == URL
        self.asked += 1
        if self.fails:
            raise OSError
        return json.dumps({"keys": [key.as_dict(private=False) for key in self.keys]}).encode()

    def jwks(self):
        return JWKS(URL, frozenset({"ES256"}), self.fetch, clock=lambda: self.now)


async def test_keys_are_fetched_once_and_kept():
    issuer = Issuer(OLD)
    jwks = issuer.jwks()

    assert jwks.known("old") is None
    assert [key.kid for key in await jwks.fetched("old")] == ["old"]
    issuer.now += KEEP - 1
    assert [key.kid for key in jwks.known("old") or ()] == ["old"]
    assert jwks.known(None) is not None
    assert [key.kid for key in await jwks.fetched("old")] == ["old"]
    assert issuer.asked == 1
    issuer.now += 1
    assert jwks.known("old") is None


async def test_all_who_wait_share_one_fetch():
    issuer = Issuer(OLD)
    jwks = issuer.jwks()

    found = await asyncio.gather(*(jwks.fetched("old") for _ in range(20)))

    assert issuer.asked == 1
    assert all(len(keys) == 1 for keys in found)


async def test_who_gives_up_waiting_does_not_end_the_fetch_of_others():
    issuer, gate = Issuer(OLD), asyncio.Event()

    async def slowly(url):
        await gate.wait()
        return issuer.fetch(url)

    jwks = JWKS(URL, frozenset({"ES256"}), slowly)
    first, second = (asyncio.ensure_future(jwks.fetched("old")) for _ in range(2))
    await asyncio.sleep(0)
    first.cancel()
    gate.set()

    assert len(await second) == 1


async def test_a_new_key_is_found_and_an_unknown_one_is_not_asked_for_at_once_again():
    issuer = Issuer(OLD)
    jwks = issuer.jwks()
    await jwks.fetched("old")
    issuer.keys = (NEW,)

    assert [key.kid for key in jwks.known("new") or ()] == ["old"]  # asked too recently
    issuer.now += AGAIN
    assert jwks.known("new") is None
    assert [key.kid for key in await jwks.fetched("new")] == ["new"]
    for _ in range(5):
        assert jwks.known("invented") is not None
    assert issuer.asked == 2


async def test_an_issuer_that_does_not_answer_is_believed_for_a_while(caplog):
    issuer = Issuer(OLD)
    jwks = issuer.jwks()
    await jwks.fetched("old")
    issuer.fails = True
    issuer.now += KEEP

    assert len(await jwks.fetched("old")) == 1
    assert len(jwks.known("old") or ()) == 1
    assert issuer.asked == 2
    assert "jwks-unavailable error=OSError" in caplog.text
    issuer.now += STALE
    with pytest.raises(ServiceUnavailable):
        await jwks.fetched("old")


@pytest.mark.parametrize("answer", [b"", b"[]", b"\xff", b"[" * 9000, b'{"keys": []}', b'{"keys": [{"kty": "EC"}]}'])
async def test_an_answer_without_usable_keys_is_none(answer):
    jwks = JWKS(URL, frozenset({"ES256"}), lambda url: answer)

    with pytest.raises(ServiceUnavailable):
        await jwks.fetched(None)
    with pytest.raises(ServiceUnavailable):
        jwks.known(None)


def test_the_keys_are_found_again_on_another_loop():
    issuer = Issuer(OLD)
    jwks = issuer.jwks()

    async def hang(url):
        await asyncio.Event().wait()

    stuck = JWKS(URL, frozenset({"ES256"}), hang)

    async def give_up():
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(stuck.fetched("old"), 0.01)

    asyncio.run(give_up())
    stuck.fetch = issuer.fetch
    stuck._tried_at = None

    assert len(asyncio.run(stuck.fetched("old"))) == 1
    assert len(asyncio.run(jwks.fetched("old"))) == 1


@pytest.mark.parametrize("url", ["http://id.example/keys", "ftp://localhost/keys", "keys"])
def test_keys_come_over_https_alone(url):
    with pytest.raises(ValueError, match="must be https"):
        JWKS(url, frozenset({"ES256"}))


def test_secrets_are_not_published():
    with pytest.raises(ValueError, match="Secrets are not published"):
        jwt_backend(jwks_url=URL, algorithms=["HS256"])


@pytest.mark.parametrize("asynchronous", [True, False])
def test_a_route_takes_tokens_of_a_published_key(asynchronous):
    issuer = Issuer(OLD)

    async def fetch_later(url):
        return issuer.fetch(url)

    async def user(claims):
        return User(id=claims["sub"], is_authenticated=True)

    app = Flasgo(settings={"SECRET_KEY": "test-jwks-0123456789abcdefghijklmnop"})
    fetch = fetch_later if asynchronous else issuer.fetch
    app.register_auth_backend(
        "jwt", jwt_backend(jwks_url=URL, fetch=fetch, algorithms=["ES256"], user=user if asynchronous else None)
    )

    @app.get("/", auth="jwt")
    async def handler(user: User) -> str:
        return str(user.id)

    def get(key, **header):
        made = encode_jwt({"sub": "alice"}, key.as_dict(private=True), algorithm="ES256", expires_in=60, **header)
        return client.get("/", headers={"authorization": f"Bearer {made}"})

    with app.test_client() as client:
        assert get(OLD).text == "alice"
        assert get(OLD).text == "alice"
        assert get(NEW).status_code == 401
        assert get(NEW, kid="old").status_code == 401
        assert issuer.asked == 1


class Server(BaseHTTPRequestHandler):
    def do_GET(self):
        if self.path == "/moved":
            self.send_response(302)
            self.send_header("Location", "/keys")
            self.end_headers()
            return
        self.send_response(200 if self.path != "/gone" else 404)
        self.end_headers()
        self.wfile.write(b"x" * (MAX_BYTES + 1) if self.path == "/much" else b'{"keys": []}')

    def log_message(self, format, *args):
        pass


@pytest.fixture
def served():
    with HTTPServer(("127.0.0.1", 0), Server) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


def test_urllib_fetches_no_more_than_it_should_and_follows_nobody(served):
    assert fetch_by_urllib(f"{served}/keys") == b'{"keys": []}'
    for path in ("/moved", "/gone", "/much"):
        with pytest.raises((OSError, ValueError), match=r"302|404|too many"):
            fetch_by_urllib(served + path)
