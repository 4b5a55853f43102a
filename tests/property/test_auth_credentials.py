"""Whatever stands in the Authorization header, it is a token or it is none, and never an error."""

import base64

from hypothesis import given
from hypothesis import strategies as st

from flasgo import Flasgo, User, basic_backend, bearer_token_backend, extract_bearer_token
from flasgo.auth.tokens import Basic
from flasgo.contrib.jwt import encode_jwt, jwt_backend
from flasgo.request import Request

VISIBLE = st.characters(min_codepoint=0x21, max_codepoint=0x7E, exclude_characters=",")
SECRET = "a secret of the tests, 0123456789 and more"
JWT = jwt_backend(SECRET, algorithms=["HS256"])
GOOD = encode_jwt({"sub": "alice"}, SECRET, algorithm="HS256", expires_in=86_400)


async def receive():
    raise AssertionError


def request_with(field: bytes) -> Request:
    return Request.of({"type": "http", "method": "GET", "path": "/", "headers": [(b"authorization", field)]}, receive)


@given(
    st.text(VISIBLE, min_size=1, max_size=200),
    st.integers(1, 5),
    st.sampled_from(["Bearer", "bearer", "BEARER", "bEaReR"]),
)
def test_a_token_is_found_behind_its_scheme_in_any_case(token, spaces, scheme):
    assert extract_bearer_token(f"{scheme}{' ' * spaces}{token} ") == token


@given(st.text(max_size=100))
def test_what_is_found_is_visible_ascii_without_commas(text):
    for header in (text, f"Bearer {text}", f"Bearer{text}"):
        token = extract_bearer_token(header)
        assert token is None or (header.endswith(token) or header.rstrip(" ").endswith(token))
        assert token is None or (token.isascii() and token.isprintable() and not set(token) & {" ", ","})


@given(st.binary(max_size=200))
def test_any_bytes_are_credentials_or_none(field):
    backends = (bearer_token_backend(lambda token: None), basic_backend(lambda name, password: None), JWT)
    for prefix in (b"", b"Bearer ", b"basic "):
        for backend in backends:
            found = backend.find(request_with(prefix + field))
            assert found is None or isinstance(found, (str, Basic))


@given(st.text(max_size=50), st.text(max_size=50))
def test_basic_credentials_come_back_as_they_were_sent(name, password):
    raw = f"{name}:{password}".encode("utf-8", "surrogatepass")
    backend = basic_backend(lambda name, password: None)
    found = backend.find(request_with(b"Basic " + base64.b64encode(raw)))

    controls = any(ord(c) < 0x20 or ord(c) == 0x7F or 0xD800 <= ord(c) < 0xE000 for c in name + password)
    first, _, rest = f"{name}:{password}".partition(":")
    assert found == (None if controls else Basic(first, rest))


@given(st.integers(0, len(GOOD) - 1), st.sampled_from("ABCxyz012-_.=~"))
def test_a_token_that_is_changed_anywhere_is_nobodys(place, character):
    changed = GOOD[:place] + character + GOOD[place + 1 :]

    assert (JWT.judge(changed) is None) == (changed != GOOD)


@given(st.text(max_size=300))
def test_no_text_is_a_token_by_accident(text):
    for made in (text, f"{text}.{GOOD}", f"{GOOD}{text}"):
        user = JWT.judge(made)
        assert user is None or made == GOOD


@given(st.binary(max_size=60))
def test_a_route_answers_any_authorization_with_401_or_lets_in(field):
    answer = (
        CLIENT.get("/", headers={"authorization": b"Bearer ".decode() + field.decode("latin-1")})
        if sendable(field)
        else None
    )

    assert answer is None or answer.status_code == 401


def sendable(field: bytes) -> bool:
    text = field.decode("latin-1")
    return text == text.strip() and not any(ord(c) < 0x20 or 0x7F <= ord(c) < 0xA0 for c in text)


async def nobody(token: str) -> User | None:
    return None


APP = Flasgo(settings={"SECRET_KEY": "test-properties-of-auth-0123456789", "CREDENTIAL_FAILURE_LIMIT": 0})
APP.register_auth_backend("default", bearer_token_backend(nobody))


@APP.get("/")
async def handler(user: User) -> str:
    return "in"


CLIENT = APP.test_client()
