"""CSRF: tokens survive masking, whatever else comes is 403, and an origin is ours only when it is ours entirely."""

import asyncio

from hypothesis import example, given
from hypothesis import strategies as st

from flasgo import Flasgo, csrf_token
from flasgo.http.asgi import Message, Scope
from flasgo.http.hosts import host_name
from flasgo.security.csrf import COOKIE_BYTES, RAW_BYTES, mask, unmask
from flasgo.security.origins import Origins, parse_origin, referring_origin
from flasgo.signing import decode_base64url, encode_base64url

RAWS = st.binary(min_size=RAW_BYTES, max_size=RAW_BYTES)
ALPHABET = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
TEXTS = st.sampled_from([COOKIE_BYTES, 2 * COOKIE_BYTES]).flatmap(
    lambda size: st.lists(st.sampled_from(ALPHABET + b"=+/\n\xff"), min_size=size, max_size=size).map(bytes)
)

app = Flasgo(
    settings={
        "SECRET_KEY": "a-key-for-tokens-0123456789-abcdefghij",
        "LOG_SECURITY_EVENTS": False,
        "SECURITY_FAILURE_RATE_LIMIT": 0,  # hundreds of refusals are the point
    }
)


@app.get("/token")
async def token() -> str:
    return csrf_token()


@app.post("/save")
async def save() -> str:
    return "saved"


CLIENT = app.test_client()
TOKEN = CLIENT.get("/token").text.encode()
RAW = unmask(TOKEN)
COOKIES = "; ".join(f"{name}={value}" for name, value in CLIENT.cookies.items()).encode()
FORM = b"application/x-www-form-urlencoded"


def post(*headers: tuple[bytes, bytes], body: bytes = b"") -> int:
    """The status of one POST, sent as a server does that lets everything through."""
    sent: list[Message] = []

    async def receive() -> Message:
        return {"type": "http.request", "body": body, "more_body": False}

    async def send(message: Message) -> None:
        sent.append(message)

    scope: Scope = {
        "type": "http",
        "method": "POST",
        "scheme": "http",
        "path": "/save",
        "raw_path": b"/save",
        "query_string": b"",
        "headers": [(b"host", b"localhost"), *headers],
        "client": ("127.0.0.1", 5),
    }
    asyncio.run(app(scope, receive, send))
    return sent[0]["status"]


def test_what_the_others_are_compared_with_is_answered():
    assert post((b"cookie", COOKIES), (b"origin", b"http://localhost"), (b"x-csrf-token", TOKEN)) == 200


@given(RAWS)
def test_a_mask_comes_off_and_hides_what_it_covers(raw: bytes):
    masked = mask(raw)
    assert len(masked) == 2 * COOKIE_BYTES
    assert unmask(masked) == unmask(encode_base64url(raw)) == raw
    assert encode_base64url(raw) not in masked


@given(st.binary(max_size=140) | TEXTS)
@example(b"")
@example(b"\xff" * COOKIE_BYTES)
def test_any_bytes_stand_for_one_token_or_none(text: bytes):
    raw = unmask(text)
    assert len(raw) in {0, RAW_BYTES}
    assert (raw != b"") == (len(text) in {COOKIE_BYTES, 2 * COOKIE_BYTES} and decode_base64url(text) is not None)


@given(st.binary(max_size=140) | TEXTS)
def test_any_other_token_is_403(text: bytes):
    ours = ((b"cookie", COOKIES), (b"origin", b"http://localhost"))
    assert unmask(text) == RAW or post(*ours, (b"x-csrf-token", text)) == 403


@given(st.integers(0, 127), st.sampled_from(ALPHABET))
def test_a_token_with_another_character_is_403(place: int, character: int):
    altered = TOKEN[:place] + bytes((character,)) + TOKEN[place + 1 :]
    ours = ((b"cookie", COOKIES), (b"origin", b"http://localhost"))
    assert post(*ours, (b"x-csrf-token", altered)) == (200 if altered == TOKEN else 403)


@given(st.binary(max_size=80) | TEXTS.map(b"flasgo-csrf=".__add__))
def test_any_other_cookie_is_403(cookie: bytes):
    assert post((b"cookie", cookie), (b"origin", b"http://localhost"), (b"x-csrf-token", TOKEN)) == 403


@given(
    st.binary(max_size=60) | TEXTS.map(b"csrf_token=".__add__),
    st.sampled_from([FORM, b"multipart/form-data; boundary=x"]),
)
def test_any_other_body_is_refused_and_never_an_error_of_ours(body: bytes, kind: bytes):
    ours = ((b"cookie", COOKIES), (b"origin", b"http://localhost"), (b"content-type", kind))
    assert post(*ours, (b"content-length", b"%d" % len(body)), body=body) in {400, 403}


SCHEMES = st.sampled_from([b"http", b"HTTP", b"https", b"ftp", b""])
HOSTS = st.sampled_from(
    [b"localhost", b"LOCALHOST.", b"localhost:80", b"localhost:443", b"u@localhost", b"[::1]", b"x.example"]
)
ORIGINS = st.builds(lambda scheme, host, rest: scheme + b"://" + host + rest, SCHEMES, HOSTS, st.binary(max_size=3))


@given(
    st.binary(max_size=40) | ORIGINS,
    st.sampled_from([None, b"same-origin", b"none", b"same-site", b"cross-site"]) | st.binary(max_size=12),
)
@example(b"null", None)
@example(b"http://localhost", b"same-origin")
def test_no_other_origin_or_site_passes(origin: bytes, site: bytes | None):
    told = () if site is None else ((b"sec-fetch-site", site),)
    status = post((b"cookie", COOKIES), (b"origin", origin), (b"x-csrf-token", TOKEN), *told)
    ours = parse_origin(origin) == ("http", "localhost", 80) and site in {None, b"same-origin", b"none"}
    assert status == (200 if ours else 403)


@given(st.binary(max_size=40) | ORIGINS)
def test_no_other_referrer_passes(referer: bytes):
    status = post((b"cookie", COOKIES), (b"referer", referer), (b"x-csrf-token", TOKEN))
    assert status == (200 if referring_origin(referer) == ("http", "localhost", 80) else 403)


@given(st.binary(max_size=60) | ORIGINS)
def test_any_bytes_are_an_origin_in_its_compared_form_or_none(value: bytes):
    origin = parse_origin(value)
    if origin is not None:
        scheme, host, port = origin
        assert scheme in {"http", "https"}
        assert 1 <= port <= 65535
        assert host_name(f"[{host}]".encode() if ":" in host else host.encode()) == host
        spelled = f"{scheme}://{f'[{host}]' if ':' in host else host}:{port}".encode()
        assert parse_origin(spelled) == origin
        assert referring_origin(spelled + b"/path?query#fragment") == origin


LABELS = st.from_regex(r"\A[a-z0-9-]{1,8}\Z")


@given(LABELS, LABELS, st.integers(1, 65535), st.sampled_from(["http", "https"]), st.sampled_from(["http", "https"]))
def test_a_trusted_suffix_covers_what_is_below_it_alone(below: str, domain: str, port: int, scheme: str, other: str):
    origins = Origins([f"{scheme}://*.{domain}.example:{port}"])
    assert origins.trusts((scheme, f"{below}.{domain}.example", port))
    assert not origins.trusts((scheme, f"{domain}.example", port))
    assert not origins.trusts((scheme, f"{below}{domain}.example", port))
    assert not origins.trusts((scheme, f"{below}.{domain}.example", port % 65535 + 1))
    assert origins.trusts((other, f"{below}.{domain}.example", port)) == (other == scheme)
    assert not origins.trusts((scheme, f"{below}.{domain}.example.evil", port))
