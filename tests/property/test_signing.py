"""What is signed verifies; what is altered never does; and there is one spelling of each token."""

import base64
import binascii
from time import time

from hypothesis import example, given
from hypothesis import strategies as st

from flasgo.signing import PURPOSES, Purpose, Signed, Signer, decode_base64url, encode_base64url

KEYS = [f"key-number-{number}-0123456789-abcdefghij" for number in range(4)]
SIGNERS: dict[Purpose, Signer] = {purpose: Signer(KEYS[:1], purpose) for purpose in PURPOSES}
SESSION = SIGNERS["session"]
ALPHABET = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
TEXTS = st.lists(st.sampled_from(ALPHABET), max_size=24).map(bytes)


@given(st.binary(max_size=300), st.integers(0, int(time())), st.sampled_from(sorted(PURPOSES)))
def test_what_is_signed_verifies_for_its_purpose_alone(payload: bytes, issued: int, purpose: Purpose):
    token = SIGNERS[purpose].sign(payload, issued=issued)
    assert SIGNERS[purpose].unsign(token) == Signed(payload, issued, outdated=False)
    assert all(signer.unsign(token) is None for other, signer in SIGNERS.items() if other != purpose)


@given(st.binary(max_size=40), st.integers(0, 3), st.permutations(KEYS), st.integers(1, 4))
def test_it_verifies_exactly_where_the_key_is_listed(payload: bytes, signing: int, order: list[str], listed: int):
    signed = Signer(order[:listed], "url").unsign(Signer([KEYS[signing]], "url").sign(payload))
    place = order.index(KEYS[signing])
    assert (signed is not None) == (place < listed)
    assert signed is None or (signed.payload, signed.outdated) == (payload, place > 0)


@given(st.binary(max_size=40), st.data())
def test_a_changed_byte_is_found(payload: bytes, data: st.DataObject):
    raw = bytearray(decode_base64url(SESSION.sign(payload)) or b"")
    place = data.draw(st.integers(0, len(raw) - 1))
    raw[place] ^= data.draw(st.integers(1, 255))
    assert SESSION.unsign(encode_base64url(bytes(raw))) is None


@given(st.binary(max_size=40), st.data())
def test_a_changed_missing_or_added_character_is_found(payload: bytes, data: st.DataObject):
    token = SESSION.sign(payload)
    place = data.draw(st.integers(0, len(token)))
    stop = data.draw(st.integers(place, len(token)))
    altered = token[:place] + data.draw(st.binary(max_size=6) | TEXTS) + token[stop:]
    assert altered == token or SESSION.unsign(altered) is None


@given(st.binary(max_size=120) | TEXTS)
@example(b"")
@example(b"=")
def test_any_bytes_can_be_asked_about(token: bytes):
    assert SESSION.unsign(token) is None


@given(st.binary(max_size=60))
def test_what_is_encoded_is_decoded(raw: bytes):
    assert decode_base64url(encode_base64url(raw)) == raw


@given(st.binary(max_size=12) | TEXTS)
@example(b"AB")
@example(b"AA==")
@example(b"A+/A")
def test_only_the_canonical_spelling_is_decoded(text: bytes):
    raw = decode_base64url(text)
    assert raw is None or encode_base64url(raw) == text
    try:
        meant = base64.b64decode(text + b"=" * (-len(text) % 4), altchars=b"-_", validate=True)
    except binascii.Error:
        meant = None
    canonical = meant is not None and base64.urlsafe_b64encode(meant).rstrip(b"=") == text
    assert raw == (meant if canonical else None)
