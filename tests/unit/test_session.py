import pytest

from flasgo.session import EMPTY, FORGOTTEN, SID_BYTES, Session, SessionError, Stored, unpack

SID = bytes(range(SID_BYTES))


def came(content: bytes, *, renew: bool = False) -> Session:
    stored = Stored(content, SID, 1_000, renew=renew)
    return Session(read=lambda _: stored)


def test_what_is_shorter_than_a_session_is_none():
    shortest = Stored(EMPTY, SID, 5).pack()
    assert unpack(shortest, issued=6, renew=False) == Stored(EMPTY, SID, 5, 6)
    assert unpack(shortest[:-1], issued=6, renew=False) is None
    assert unpack(b"", issued=6, renew=False) is None


@pytest.mark.parametrize("content", [b"[]", b"null", b'{"a":', b'{"\xff":1}', b"{1:2}", b"[" * 5_000, b'{"a":' * 2_000])
def test_content_of_another_form_is_an_empty_session_of_a_new_visitor(content):
    session = came(content)
    assert dict(session) == {}
    assert (session.sid, session.is_new) == (b"", True)
    session["a"] = 1
    outcome = session.outcome(failed=False)
    assert outcome is not None
    assert (outcome.json, outcome.sid == SID) == (b'{"a":1}', False)


def test_it_is_read_when_it_is_looked_at_and_once():
    reads = []

    def read(_: object) -> None:
        reads.append(1)

    session = Session(read=read)
    assert (reads, session.touched) == ([], False)
    assert "not looked at" in repr(session)
    assert session.peek() == b""
    assert not session.touched
    assert session.get("a") is None
    assert (reads, session.touched) == ([1], True)
    assert "of 0 keys" in repr(session)


def test_one_that_ages_is_written_again_as_it_is():
    assert came(b'{"a":1}').outcome(failed=False) is None
    ageing = came(b'{"a":1}', renew=True)
    assert ageing.outcome(failed=False) is None  # nobody has looked at it
    assert ageing["a"] == 1
    assert ageing.outcome(failed=False) == Stored(b'{"a":1}', SID, 1_000)
    assert ageing.outcome(failed=True) is None


def test_an_emptied_one_is_forgotten_unless_something_hangs_on_its_id():
    session = came(b'{"a":1}')
    del session["a"]
    assert session.outcome(failed=False) is FORGOTTEN
    held = came(b'{"a":1}')
    held.hold(b"f" * SID_BYTES)
    held.pop("a")
    assert held.outcome(failed=False) == Stored(EMPTY, SID, 1_000)


def test_forcing_writes_what_did_not_change_though_nobody_has_looked_at_it():
    session = came(b'{"a":1}')
    session.modified = True
    assert session.touched
    assert session.outcome(failed=False) == Stored(b'{"a":1}', SID, 1_000)


def test_clearing_begins_a_new_session_with_what_is_put_in_afterwards():
    session = came(b'{"a":1}')
    session.clear()
    session["b"] = 2
    outcome = session.outcome(failed=False)
    assert outcome is not None
    assert outcome.json == b'{"b":2}'
    assert outcome.sid not in {SID, b""}
    assert outcome.created > 1_000
    assert (session.restarted, session.rebound) == (True, True)


def test_what_could_not_be_sent_leaves_the_browser_with_what_it_has():
    session = came(b'{"a":1}')
    session.rotate()
    assert session.rebound
    session.revert()
    assert (session.sid, session.rebound) == (SID, False)


@pytest.mark.parametrize("value", [object(), {1, 2j}, test_what_is_shorter_than_a_session_is_none])
def test_what_json_cannot_hold_is_said(value):
    session = Session()
    session["thing"] = value
    with pytest.raises(SessionError, match=r"^The session holds something that JSON cannot: "):
        session.json()


def test_a_cycle_is_said():
    cycle: list[object] = []
    cycle.append(cycle)
    session = Session()
    session["cycle"] = cycle
    with pytest.raises(SessionError, match="JSON cannot"):
        session.json()
