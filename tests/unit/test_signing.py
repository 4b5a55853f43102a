import base64
import hmac

import pytest

from flasgo import signing
from flasgo.signing import (
    CLOCK_SKEW,
    MAX_TOKEN_BYTES,
    PURPOSES,
    Key,
    Signer,
    decode_base64url,
    derive,
    encode_base64url,
)

NEW = "the-newest-key-0123456789-abcdefghij"
OLD = "the-key-before-0123456789-abcdefghij"
OLDER = "the-first-key-0123456789-abcdefghijk"
NOW = 1_800_000_000


@pytest.fixture(autouse=True)
def _clock(monkeypatch):
    monkeypatch.setattr(signing, "time", lambda: NOW + 0.75)


def by_hand(secret: str, purpose: str, message: bytes) -> bytes:
    """A token as the head of the module describes it, made with the standard library alone."""
    key = hmac.digest(secret.encode(), b"flasgo/v1/" + purpose.encode(), "sha256")
    return base64.urlsafe_b64encode(message + hmac.digest(key, message, "sha256")).rstrip(b"=")


@pytest.mark.parametrize("purpose", sorted(PURPOSES))
@pytest.mark.parametrize("payload", [b"", b"x", b"payload", bytes(range(256))])
def test_the_wire_form_is_the_documented_one(purpose, payload):
    message = b"\x01" + NOW.to_bytes(8, "big") + payload
    token = Signer((NEW, OLD), purpose).sign(payload)
    assert token == by_hand(NEW, purpose, message)
    signed = Signer((NEW,), purpose).unsign(token)
    assert signed is not None
    assert (signed.payload, signed.issued, signed.outdated) == (payload, NOW, False)


def test_the_purposes_are_those_that_the_framework_signs_for():
    assert sorted(PURPOSES) == ["csrf", "flash", "remember", "session", "url"]


@pytest.mark.parametrize("purpose", ["", "Session", "session ", "session/alice", "flasgo/v1/session"])
def test_no_other_purpose_has_a_key(purpose):
    with pytest.raises(
        ValueError, match=r"^A purpose is one of the constants in Purpose: nothing else may choose a key\.$"
    ):
        derive(NEW, purpose)


@pytest.mark.parametrize("length", [0, 1, 63, 64, 65, 200])
def test_a_key_of_any_length_agrees_with_hmac(length):
    secret = bytes(range(256))[:length]
    for message in (b"", b"m", b"message" * 50):
        assert Key(secret).mac(message) == hmac.digest(secret, message, "sha256")


def test_every_key_verifies_and_only_the_newest_signs():
    now = Signer((NEW, OLD, OLDER), "session")
    for number, secret in enumerate((NEW, OLD, OLDER)):
        before = Signer((secret,), "session")
        signed = now.unsign(before.sign(b"kept"))
        assert signed is not None
        assert (signed.payload, signed.outdated) == (b"kept", number > 0)
        assert now.signatory(b"message", before.keys[0].mac(b"message")) == number
    assert Signer((OLD, OLDER), "session").unsign(now.sign(b"new")) is None
    assert now.signatory(b"message", bytes(32)) is None


def test_age_counts_from_the_issue_and_its_limit_is_still_good():
    signer = Signer((NEW,), "url")
    token = signer.sign(b"x", issued=NOW - 100)
    assert signer.unsign(token) is not None
    assert signer.unsign(token, max_age=101) is not None
    assert signer.unsign(token, max_age=100) is None  # 100.75 seconds have gone
    assert signer.unsign(signer.sign(b"x"), max_age=0) is None


def test_the_limits_of_age_are_included(monkeypatch):
    monkeypatch.setattr(signing, "time", lambda: NOW)
    signer = Signer((NEW,), "url")
    assert signer.unsign(signer.sign(b"x", issued=NOW - 100), max_age=100) is not None
    assert signer.unsign(signer.sign(b"x"), max_age=0) is not None
    assert signer.unsign(signer.sign(b"x", issued=NOW + CLOCK_SKEW)) is not None
    assert signer.unsign(signer.sign(b"x", issued=NOW + CLOCK_SKEW + 1)) is None
    assert signer.unsign(signer.sign(b"x", issued=NOW + (1 << 56))) is None  # every byte of the time counts


def test_clocks_may_disagree_by_a_minute():
    assert CLOCK_SKEW == 60


def test_a_token_of_the_longest_length_is_read_and_a_longer_one_is_not():
    assert MAX_TOKEN_BYTES == 8192
    signer = Signer((NEW,), "session")
    longest = MAX_TOKEN_BYTES * 3 // 4 - signing.HEAD_BYTES - signing.MAC_BYTES
    token = signer.sign(b"x" * longest)
    assert len(token) == MAX_TOKEN_BYTES
    assert signer.unsign(token) is not None
    assert len(signer.sign(b"x" * (longest + 1))) > MAX_TOKEN_BYTES
    assert signer.unsign(signer.sign(b"x" * (longest + 1))) is None


@pytest.mark.parametrize("message", [b"\x01" + bytes(7), b"\x01", b"", b"\x02" + NOW.to_bytes(8, "big") + b"x"])
def test_another_version_or_a_short_head_is_no_token_though_the_key_signed_it(message):
    assert Signer((NEW,), "session").unsign(by_hand(NEW, "session", message)) is None


def test_what_was_verified_stays_as_it_was():
    signed = Signer((NEW,), "session").unsign(Signer((NEW,), "session").sign(b"verified"))
    with pytest.raises(AttributeError):
        signed.payload = b"other"  # ty: ignore[invalid-assignment]  # that is the point


def test_neither_key_nor_signer_shows_a_secret():
    assert repr(Key(NEW.encode())) == "<Key>"
    assert repr(Signer((NEW, OLD), "session")) == "<Signer with 2 keys>"


@pytest.mark.parametrize("size", range(7))
def test_only_the_canonical_spelling_of_base64url_is_read(size):
    raw = b"\xfb\xff\xbe\xfb\xff\xbe\xfb"[:size]
    text = encode_base64url(raw)
    assert text == base64.urlsafe_b64encode(raw).rstrip(b"=")
    assert decode_base64url(text) == raw
    for other in (
        text + b"=",
        text + b"==",
        text + b"\n",
        b"\n" + text,
        text + b" ",
        b"=" + text,
        text + b"A" * (1 + -size % 3),
    ):
        assert decode_base64url(other) != raw


@pytest.mark.parametrize(
    "text", [b"-_-+", b"-_-/", b"ab=d", b"abc\n", b"ab\nd", b"abc ", b"ab\xff\xfe", b"A", b"AAAAA"]
)
def test_other_alphabets_and_stray_bytes_are_refused(text):
    assert decode_base64url(text) is None


@pytest.mark.parametrize(("length", "spellings"), [(2, 4), (3, 16)])
def test_stray_bits_at_the_end_are_refused(length, spellings):
    alphabet = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
    texts = [b"A" * (length - 1) + bytes((last,)) for last in alphabet]
    read = [(text, raw) for text in texts if (raw := decode_base64url(text)) is not None]
    assert len(read) == spellings
    assert all(encode_base64url(raw) == text for text, raw in read)


def test_every_text_of_the_alphabet_is_spelt_back():
    for letter in "ABXYZabxyz0189-_":
        for length in (4, 8):
            text = letter.encode() * length
            raw = decode_base64url(text)
            assert raw is not None
            assert encode_base64url(raw) == text
