"""Sessions: the wire form loses nothing, any payload opens, and what is written is what a plain dict would hold."""

import json
from typing import Any

from hypothesis import example, given
from hypothesis import strategies as st

from flasgo.security.sessions import SignedCookie
from flasgo.session import EMPTY, FORGOTTEN, SID_BYTES, Session, Stored, unpack
from flasgo.signing import Signer

SECONDS = st.integers(0, 2**63)
SIDS = st.binary(min_size=SID_BYTES, max_size=SID_BYTES)
SIGNER = Signer(["key-for-sessions-0123456789-abcdefghij"], "session")
CODEC = SignedCookie(SIGNER, idle=1000, absolute=2000)

KEYS = st.sampled_from(["a", "b", "cart"])
VALUES = st.none() | st.booleans() | st.integers(-5, 5) | st.text(max_size=3) | st.lists(st.integers(0, 3), max_size=2)
CONTENTS = st.dictionaries(KEYS, VALUES, max_size=3)
STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("set"), KEYS, VALUES),
        st.tuples(st.just("pop"), KEYS, st.none()),
        st.tuples(st.just("push"), KEYS, st.integers(0, 3)),
        st.tuples(st.sampled_from(["clear", "look"]), st.just(""), st.none()),
    ),
    max_size=6,
)


@given(st.binary(max_size=60).map(lambda rest: EMPTY + rest), SIDS, SECONDS, SECONDS, st.booleans())
def test_what_is_packed_is_unpacked(content: bytes, sid: bytes, created: int, issued: int, renew: bool):
    packed = Stored(content, sid, created).pack()
    assert unpack(packed, issued=issued, renew=renew) == Stored(content, sid, created, issued, renew)


@given(st.binary(max_size=60) | st.binary(max_size=20).map(lambda rest: bytes(8 + SID_BYTES) + rest))
@example(bytes(8 + SID_BYTES) + b"[]")
@example(bytes(8 + SID_BYTES) + b'{"a":')
@example(bytes(8 + SID_BYTES) + b'{"\xff":1}')
@example(bytes(8 + SID_BYTES) + b"[" * 5000)
@example(bytes(8 + SID_BYTES) + b'{"a":' * 1200)
def test_a_signed_payload_of_another_form_is_an_empty_session(payload: bytes):
    read = CODEC.read(SIGNER.sign(payload))
    session = Session(read=lambda _: read)
    content = dict(session)
    if content:
        assert content == json.loads(payload[8 + SID_BYTES :])
    assert session.outcome(failed=False) in {None, FORGOTTEN}


@given(st.binary(max_size=120))
def test_any_cookie_is_a_session_or_none(value: bytes):
    assert CODEC.read(value) is None


def apply(target: Any, step: tuple[str, str, Any]) -> None:
    kind, key, value = step
    if kind == "set":
        target[key] = value
    elif kind == "pop":
        target.pop(key, None)
    elif kind == "push" and isinstance(target.get(key), list):
        target[key].append(value)
    elif kind == "clear":
        target.clear()


@given(CONTENTS, STEPS, st.booleans(), st.booleans())
def test_it_holds_and_writes_what_a_dict_would(content: dict[str, Any], steps: list[Any], known: bool, failed: bool):
    """`known` says that the visitor came with a session of this content, and not with none."""
    came = Stored(json.dumps(content, separators=(",", ":"), ensure_ascii=False).encode(), bytes(range(16)), 50)
    session, model = Session(read=lambda _: came if known else None), json.loads(came.json) if known else {}
    for step in steps:
        apply(session, step)
        apply(model, step)
    assert dict(session) == model

    cleared = any(kind == "clear" for kind, _, _ in steps)
    outcome = session.outcome(failed=failed)
    if failed:
        assert outcome is None
        return
    if not model and (cleared or content or not known):
        assert outcome is (FORGOTTEN if known else None)
    elif json.dumps(model) == json.dumps(content) and known and not cleared:
        assert outcome is None
    else:
        assert outcome is not None
        assert json.loads(outcome.json) == model
        assert len(outcome.sid) == SID_BYTES
        assert (outcome.sid == came.sid) == (known and not cleared)
        assert (outcome.created == came.created) == (known and not cleared)


@given(CONTENTS, SIDS)
def test_rotation_keeps_the_content_and_the_age_under_another_id(content: dict[str, Any], fresh: bytes):
    came = Stored(json.dumps(content, separators=(",", ":"), ensure_ascii=False).encode(), bytes(range(16)), 50)
    session = Session(read=lambda _: came)
    session.rotate()
    outcome = session.outcome(failed=False)
    if not content:
        assert outcome is FORGOTTEN
        return
    assert outcome is not None
    assert (outcome.json, outcome.created) == (came.json, came.created)
    assert outcome.sid != came.sid
    held = Session(read=lambda _: None)
    assert held.hold(fresh) == fresh
    kept = held.outcome(failed=True)
    assert kept is not None
    assert (kept.sid, kept.json) == (fresh, EMPTY)
