"""Hashing and verifying passwords."""

import hashlib
import threading
from functools import partial

import argon2
import pytest

from flasgo import ahash_password, averify_password, hash_password, needs_rehash, verify_password
from flasgo.auth import passwords
from flasgo.auth.passwords import CONCURRENCY, MAX_PASSWORD, MAX_WAITING, Scrypt
from flasgo.contrib.argon2 import Argon2
from flasgo.errors import ServiceUnavailable

CHEAP = Scrypt(log_n=4, r=8, p=1)
CHEAP_ARGON = Argon2(memory=8, passes=1, lanes=1)
HASHERS = pytest.mark.parametrize("hasher", [CHEAP, CHEAP_ARGON], ids=["scrypt", "argon2"])


@HASHERS
def test_a_password_is_verified_by_its_hash_alone(hasher):
    hashed = hash_password("correct horse", hasher=hasher)

    assert hashed.startswith(hasher.prefix)
    assert hashed != hash_password("correct horse", hasher=hasher)
    assert verify_password(hashed, "correct horse", hasher=hasher)
    assert not verify_password(hashed, "correct horsf", hasher=hasher)
    assert not verify_password(hashed, "", hasher=hasher)
    assert not verify_password(hashed, "x" * (MAX_PASSWORD + 1), hasher=hasher)
    assert not verify_password(None, "correct horse", hasher=hasher)


@HASHERS
async def test_the_same_in_a_thread(hasher):
    hashed = await ahash_password("correct horse", hasher=hasher)

    assert await averify_password(hashed, "correct horse", hasher=hasher)
    assert not await averify_password(hashed, "wrong", hasher=hasher)


def test_a_known_hash_of_scrypt_is_that_of_rfc_7914():
    assert Scrypt(log_n=10, r=8, p=16).derive(b"password", b"NaCl").hex() == (
        "fdbabe1c9d3472007856e7190d01e9fe7c6ad7cbc8237830e77376634b373162"
    )


def test_the_form_is_a_phc_string_and_the_default_costs_what_owasp_asks_for():
    assert hash_password("x", hasher=CHEAP).startswith("$scrypt$ln=4,r=8,p=1$")
    assert Scrypt() == Scrypt(log_n=15, r=8, p=3)


@pytest.mark.parametrize("hashed", [None, "known"])
@pytest.mark.parametrize("password", ["right", "wrong", "", "x" * 2000])
def test_every_verification_costs_one_derivation_known_or_not(hashed, password, monkeypatch):
    stored = None if hashed is None else hash_password("right", hasher=CHEAP)
    derived = []
    scrypt = hashlib.scrypt
    monkeypatch.setattr(
        hashlib, "scrypt", lambda raw, **how: derived.append((how["n"], how["r"], how["p"])) or scrypt(raw, **how)
    )

    verify_password(stored, password, hasher=CHEAP)

    assert derived == [(16, 8, 1)]


def test_a_decoy_of_argon2_costs_what_its_hashes_cost():
    hasher = Argon2(memory=64, passes=3, lanes=2)
    assert argon2.extract_parameters(hasher.decoy()) == argon2.extract_parameters(hasher.hash(b"x"))
    assert not hasher.verify(hasher.decoy(), b"-")


def test_one_password_has_one_form_whatever_the_keyboard():
    hashed = hash_password("caf\u00e9", hasher=CHEAP)

    assert verify_password(hashed, "cafe\u0301", hasher=CHEAP)
    assert verify_password(hash_password("\ud800", hasher=CHEAP), "\ud800", hasher=CHEAP)


@pytest.mark.parametrize("password", ["", "x" * (MAX_PASSWORD + 1)], ids=["empty", "long"])
def test_what_is_no_password_is_not_hashed(password):
    with pytest.raises(ValueError, match="1 to 1024 characters"):
        hash_password(password, hasher=CHEAP)


def test_hashes_are_known_that_are_older_than_the_hasher():
    old = hash_password("secret", hasher=CHEAP)

    assert verify_password(old, "secret", hasher=CHEAP_ARGON)
    assert needs_rehash(old, hasher=CHEAP_ARGON)
    assert needs_rehash(old)
    assert not needs_rehash(old, hasher=CHEAP)
    new = hash_password("secret", hasher=CHEAP_ARGON)
    assert not needs_rehash(new, hasher=CHEAP_ARGON)
    assert needs_rehash(new, hasher=Argon2(memory=16, passes=1))
    assert needs_rehash(new)


@pytest.mark.parametrize(
    "hashed",
    [
        "",
        "secret",
        "$2b$12$abcdefghijklmnopqrstuv",
        "$argon2id$v=19$m=8,t=1,p=1$YWJjZGVmZ2hpamtsbW5vcA$YWJj",
        "$scrypt$",
        "$scrypt$ln=4,r=8,p=1$AAAAAAAAAAAAAAAAAAAAAA$AAAA",
        "$scrypt$ln=30,r=8,p=1$AAAAAAAAAAAAAAAAAAAAAA$" + "A" * 43,
        "$scrypt$ln=04,r=8,p=1$AAAAAAAAAAAAAAAAAAAAAA$" + "A" * 43,
        "$scrypt$ln=4,r=8,p=1$AAAAAAAAAAAAAAAAAAAAAA$" + "A" * 43 + "\n",
    ],
    ids=[str(number) for number in range(9)],
)
def test_what_is_no_hash_of_ours_is_an_error_that_does_not_show_it(hashed):
    with pytest.raises(ValueError, match="This is no password hash") as caught:
        verify_password(hashed, "secret", hasher=CHEAP)

    assert hashed not in str(caught.value) or not hashed


@pytest.mark.parametrize(
    "hashed",
    ["$argon2id$junk", "$argon2id$v=19$m=1048576,t=1,p=1$YWJjZGVmZ2hpamtsbW5vcA$YWJjZGVm"],
    ids=["junk", "huge"],
)
def test_a_hash_of_argon2_that_is_none_or_asks_for_too_much_is_an_error(hashed):
    with pytest.raises(ValueError, match="no password hash of Argon2id"):
        verify_password(hashed, "secret", hasher=CHEAP_ARGON)


class Held(Scrypt, frozen=True):
    """Derives nothing before it is let go."""

    entered: threading.Semaphore = threading.Semaphore(0)
    go: threading.Event = threading.Event()

    def derive(self, password: bytes, salt: bytes) -> bytes:
        self.entered.release()
        assert self.go.wait(20)
        return bytes(32)


def test_only_so_many_are_made_at_once_and_only_so_many_wait():
    hasher = Held()
    threads = [
        threading.Thread(target=partial(hash_password, "x", hasher=hasher)) for _ in range(CONCURRENCY + MAX_WAITING)
    ]
    for thread in threads:
        thread.start()
    for _ in range(CONCURRENCY):
        assert hasher.entered.acquire(timeout=20)
    while passwords._waiting.acquire(blocking=False):
        passwords._waiting.release()

    assert not hasher.entered.acquire(blocking=False)
    with pytest.raises(ServiceUnavailable):
        hash_password("x", hasher=hasher)
    hasher.go.set()
    for thread in threads:
        thread.join(20)
    assert hash_password("x", hasher=hasher)
