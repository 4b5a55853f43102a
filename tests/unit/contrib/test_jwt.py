"""JSON Web Tokens as bearer tokens: what is believed, and what never is."""

import asyncio
import base64
import json
import warnings
from datetime import timedelta
from time import time

import pytest
from joserfc.jwk import ECKey, OctKey, OKPKey, RSAKey

from flasgo import Flasgo, User
from flasgo.contrib.jwt import encode_jwt, is_signed, jwt_backend, parse

SECRET = "a secret of the tests, 0123456789 and more of it"
RSA = RSAKey.generate_key(2048, {"kid": "rsa"})
EC = ECKey.generate_key("P-256", {"kid": "ec"})
ED = OKPKey.generate_key("Ed25519", {"kid": "ed"})
KEYS = {"HS256": SECRET, "RS256": RSA, "PS256": RSA, "ES256": EC, "EdDSA": ED, "Ed25519": ED}


def private(algorithm):
    key = KEYS[algorithm]
    return key if isinstance(key, str) else key.as_pem(private=True)


def public(algorithm):
    key = KEYS[algorithm]
    return key if isinstance(key, str) else key.as_pem(private=False)


def token(claims=(), algorithm="HS256", key=None, **more):
    """A token; a timedelta among the claims is so far from now."""
    told = {
        name: time() + value.total_seconds() if isinstance(value, timedelta) else value
        for name, value in dict(claims).items()
    }
    return encode_jwt({"sub": "alice", **told}, key or private(algorithm), algorithm=algorithm, expires_in=60, **more)


def backend(key=SECRET, algorithms=("HS256",), **more):
    return jwt_backend(key, algorithms=algorithms, **more)


def b64(value):
    raw = value if isinstance(value, bytes) else json.dumps(value).encode()
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def hand_made(header, claims=None):
    """A token with any header, signed with the secret."""
    message = f"{b64(header)}.{b64({'sub': 'alice', 'exp': time() + 60} if claims is None else claims)}"
    import hashlib
    import hmac

    return f"{message}.{b64(hmac.digest(SECRET.encode(), message.encode(), hashlib.sha256))}"


# ── what is believed ────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("algorithm", KEYS)
def test_a_token_signed_with_the_right_key_is_its_user(algorithm):
    user = backend(public(algorithm), [algorithm]).judge(token(algorithm=algorithm))

    assert isinstance(user, User)
    assert (user.id, bool(user), user.scopes) == ("alice", True, frozenset())


@pytest.mark.parametrize("algorithm", ["RS256", "ES256", "Ed25519"])
def test_keys_may_be_jwks(algorithm):
    key = {"RS256": RSA, "ES256": EC, "Ed25519": ED}[algorithm]
    made = token(algorithm=algorithm, key=key.as_dict(private=True))
    keys = [k.as_dict(private=False) for k in (RSA, EC, ED)]

    for given in (key.as_dict(private=False), {"keys": [{"kty": "new"}, 7, {"kty": "RSA"}, *keys]}):
        assert backend(given, [algorithm]).judge(made) is not None


@pytest.mark.parametrize(
    ("claims", "scopes"),
    [
        ({"scope": "read write"}, {"read", "write"}),
        ({"scp": ["read", 7]}, {"read"}),
        ({"scope": ""}, set()),
        ({"scope": {"read": 1}}, set()),
        ({}, set()),
    ],
    ids=["scope", "scp", "empty", "odd", "none"],
)
def test_scopes_are_those_of_the_token(claims, scopes):
    assert backend().judge(token(claims)).scopes == scopes


def test_the_user_may_be_made_of_the_claims():
    app = Flasgo(settings={"SECRET_KEY": "test-jwt-0123456789abcdefghijklmnopq"})

    def plain(claims):
        return User(id=f"plain {claims['sub']}", is_authenticated=True)

    async def later(claims):
        await asyncio.sleep(0)
        return User(id=f"async {claims['sub']}", is_authenticated=True)

    for name, user in (("plain", plain), ("async", later), ("nobody", lambda claims: None)):
        app.register_auth_backend(name, backend(user=user))

        @app.get(f"/{name}", auth=name, name=name)
        async def handler(user: User) -> str:
            return str(user.id)

    client = app.test_client(headers={"authorization": f"Bearer {token()}"})

    assert [client.get("/plain").text, client.get("/async").text] == ["plain alice", "async alice"]
    assert client.get("/nobody").headers["www-authenticate"] == 'Bearer error="invalid_token"'


# ── what is not ─────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("claims", "rules"),
    [
        ({"exp": timedelta(seconds=-31)}, {}),
        ({"exp": None}, {}),
        ({"exp": "tomorrow"}, {}),
        ({"exp": -1}, {}),
        ({"exp": True}, {}),
        ({"nbf": timedelta(seconds=90)}, {}),
        ({"iat": timedelta(seconds=90)}, {}),
        ({"sub": None}, {}),
        ({"sub": 7}, {}),
        ({"sub": ""}, {}),
        ({"sub": None}, {"required": ["exp"]}),
        ({}, {"issuer": "https://id"}),
        ({"iss": "https://evil"}, {"issuer": "https://id"}),
        ({"iss": ["https://id"]}, {"issuer": "https://id"}),
        ({}, {"audience": "shop"}),
        ({"aud": "bank"}, {"audience": "shop"}),
        ({"aud": []}, {"audience": "shop"}),
        ({"aud": {"shop": 1}}, {"audience": "shop"}),
        ({"aud": "shop"}, {}),
        ({}, {"required": ["exp", "sub", "jti"]}),
        ({}, {"token_type": "at+jwt"}),
        ({"exp": timedelta(seconds=-1)}, {"leeway": 0}),
    ],
    ids=[str(number) for number in range(22)],
)
def test_a_token_that_breaks_a_rule_is_nobodys(claims, rules):
    assert backend(**rules).judge(token(claims)) is None


@pytest.mark.parametrize(
    ("claims", "rules", "more"),
    [
        ({"exp": timedelta(seconds=-5)}, {}, {}),
        ({"nbf": timedelta(seconds=5)}, {}, {}),
        ({}, {"issuer": ["https://a", "https://id"]}, {"issuer": "https://id"}),
        ({}, {"audience": ("shop", "bank")}, {"audience": ["x", "bank"]}),
        ({}, {"audience": "shop"}, {"audience": "shop"}),
        ({}, {"token_type": "at+jwt"}, {"token_type": "application/AT+JWT"}),
        ({"exp": None}, {"required": ["sub"]}, {}),
    ],
    ids=[str(number) for number in range(7)],
)
def test_a_token_that_keeps_the_rules_is_believed(claims, rules, more):
    assert backend(**rules).judge(token(claims, **more)) is not None


@pytest.mark.parametrize(
    "made",
    [
        "",
        ".",
        "..",
        "...",
        "a.b.c",
        f"{b64({'alg': 'none'})}.{b64({'sub': 'alice', 'exp': 9e9})}.",
        f"{b64({'alg': 'none'})}.{b64({'sub': 'alice', 'exp': 9e9})}.{b64(b'x')}",
        hand_made({"alg": "None"}),
        hand_made({"alg": "hs256"}),
        hand_made({"alg": "HS512"}),
        hand_made({"alg": ["HS256"]}),
        hand_made({"typ": "JWT"}),
        hand_made({"alg": "HS256", "crit": ["exp"]}),
        hand_made({"alg": "HS256", "b64": False}),
        hand_made({"alg": "HS256", "kid": 7}),
        hand_made({"alg": "HS256", "kid": "k" * 257}),
        hand_made(b"\xff"),
        hand_made(b"[" * 3000),
        hand_made({"alg": "HS256"}, b"[" * 3000),
        hand_made({"alg": "HS256"}, b"\xff"),
        hand_made({"alg": "HS256"}, b"[]"),
        hand_made({"alg": "HS256"}, b'{"sub": "alice", "exp": NaN}'),
        hand_made({"alg": "HS256"}, b'{"sub": "alice", "exp": 1e999}'),
        token() + "=",
        token() + "\n",
        token()[:-1],
        f"{token()}.{b64(b'x')}.{b64(b'y')}",
        token(key="another secret of the tests 0123456789"),
    ],
    ids=[str(number) for number in range(28)],
)
def test_what_is_no_token_of_ours_is_nobodys(made):
    assert backend().judge(made) is None


def test_the_key_of_a_token_s_own_header_means_nothing():
    own = OctKey.import_key("a secret of the attacker, 0123456789")
    made = encode_jwt({"sub": "alice"}, own.as_dict(), algorithm="HS256", expires_in=60)
    head, body, _ = made.split(".")
    header = {**json.loads(base64.urlsafe_b64decode(head + "==")), "jwk": own.as_dict()}

    assert backend().judge(f"{b64(header)}.{body}.{made.split('.')[2]}") is None


def test_a_public_key_is_no_secret():
    """Key confusion (CVE-2016-5431): the public key, which everybody has, signs as HS256."""
    pem = public("RS256")
    import hashlib
    import hmac

    message = f"{b64({'alg': 'HS256'})}.{b64({'sub': 'alice', 'exp': time() + 60})}"
    forged = f"{message}.{b64(hmac.digest(pem, message.encode(), hashlib.sha256))}"

    assert backend(pem, ["RS256"]).judge(forged) is None
    with pytest.raises(ValueError, match="does not go with HS256"):
        backend(pem, ["HS256"])
    with pytest.raises(ValueError, match="mixes secrets"):
        backend(pem, ["HS256", "RS256"])


@pytest.mark.parametrize(
    ("key", "algorithms", "message"),
    [
        (SECRET, ["none"], "name those that may have signed"),
        (SECRET, [], "name those that may have signed"),
        (SECRET, ["HS257"], "name those that may have signed"),
        ("short secret", ["HS256"], "does not go with"),
        (SECRET[:47], ["HS384"], "does not go with"),
        (OctKey.import_key("short secret of 20 b").as_dict(), ["HS256"], "does not go with"),
        (SECRET, ["RS256"], "does not go with"),
        (EC.as_pem(private=False), ["ES384"], "does not go with"),
        (OKPKey.generate_key("X25519").as_dict(private=False), ["EdDSA"], "does not go with"),
        ({**EC.as_dict(private=False), "use": "enc"}, ["ES256"], "does not go with"),
        ({**EC.as_dict(private=False), "alg": "ES512"}, ["ES256"], "does not go with"),
        ({"keys": "none"}, ["ES256"], "does not go with"),
        ("ssh-rsa AAAAB3NzaC1yc2EAAAADAQABAAABAQDabcdefghijklmnopqrst", ["HS256"], "does not go with"),
        (None, ["HS256"], "a key, or a jwks_url"),
    ],
    ids=[str(number) for number in range(14)],
)
def test_a_configuration_that_could_not_be_safe_is_refused(key, algorithms, message):
    with pytest.raises(ValueError, match=message):
        backend(key, algorithms)


def test_short_rsa_keys_are_refused():
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        short = RSAKey.generate_key(1024).as_pem(private=False)
        with pytest.raises(ValueError, match="does not go with"):
            backend(short, ["RS256"])


def test_a_token_needs_a_private_key_and_claims_that_are_json():
    with pytest.raises(ValueError, match="needs the private key"):
        token(algorithm="ES256", key=public("ES256"))
    with pytest.raises(ValueError, match="JSON cannot"):
        token({"x": object()})


def test_one_algorithm_may_be_given_as_text():
    assert backend(algorithms="HS256").judge(token()) is not None


def test_a_key_that_its_algorithm_cannot_use_has_signed_nothing():
    """Keys are chosen by what they can do; should one come through that cannot, its error is no answer to the client."""
    parsed = parse(encode_jwt({"sub": "alice"}, EC.as_pem(private=True), algorithm="ES256", expires_in=60))
    assert parsed is not None
    assert is_signed(parsed, EC)
    assert not is_signed(parsed, ECKey.generate_key("P-384"))
    assert not is_signed(parsed, ECKey.import_key(EC.as_dict(private=True), {"key_ops": ["sign"]}))
