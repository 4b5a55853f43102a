"""A keeper whose writes are overtaken again and again, and records that nobody of ours wrote."""

import pytest

from flasgo import Conflict, MemoryStore
from flasgo.security import session_keeper
from flasgo.security.session_keeper import SessionKeeper
from flasgo.security.session_records import Kept, index_key, merged, names_of, record_of, session_key
from flasgo.session import Stored

SID = b"0123456789abcdef"
NOW = 2**31


@pytest.fixture(autouse=True)
def _few_rounds(monkeypatch):
    monkeypatch.setattr(session_keeper, "MAX_ROUNDS", 3)
    monkeypatch.setattr(session_keeper, "time", lambda: NOW)


class Overtaken(MemoryStore):
    """The first `losses` compare-and-sets come too late."""

    losses = 0

    async def compare_and_set(self, key, expected, value, /, *, ttl=None):
        if self.losses:
            self.losses -= 1
            return False
        return await super().compare_and_set(key, expected, value, ttl=ttl)


@pytest.fixture
def store():
    return Overtaken()


@pytest.fixture
def keeper(store):
    return SessionKeeper(store, idle=100, absolute=1_000)


async def begun(keeper: SessionKeeper, json: bytes = b'{"_user":"ada"}') -> Kept:
    kept = await keeper.load(await keeper.begin(Stored(json, SID, NOW), "a browser"))
    assert kept is not None
    return kept


@pytest.mark.parametrize("losses", [2, 3])
async def test_a_write_that_is_overtaken_is_tried_again_for_a_while(keeper, store, losses):
    kept = await begun(keeper)
    changed = Stored(b'{"_user":"ada","a":1}', SID, NOW)
    for act in (
        lambda: keeper.update(kept, changed),
        lambda: keeper.revoke_all("ada", keep=kept.device),
        lambda: keeper._unlist("ada", kept.device),
    ):
        store.losses = losses
        if losses == 3:
            with pytest.raises(Conflict):
                await act()
        else:
            await act()
    record = record_of(await store.get(session_key(kept.device)))
    assert record is not None
    assert record.json == (changed.json if losses == 2 else kept.json)


async def test_a_session_that_cannot_get_a_new_id_keeps_its_old_one(keeper, store):
    kept = await begun(keeper, b'{"a":1}')
    store.losses = 3
    with pytest.raises(Conflict):
        await keeper.supersede(kept, Stored(b'{"a":1}', b"another-sid-1234", NOW), anew=False)
    assert await store.keys("session:") == [session_key(kept.device)]


async def test_what_we_did_not_write_is_no_session(keeper, store):
    kept = await begun(keeper)
    for raw in (b"", b"\xff", b"\x93\x01\x02\x03", b"{}"):
        await store.set(session_key(kept.device), raw)
        await store.set(index_key("ada"), raw)
        assert record_of(raw) is None
        assert names_of(raw) == []
        assert await keeper.devices("ada") == ()


def test_true_is_not_one_when_changes_are_merged():
    with pytest.raises(Conflict):
        merged(b'{"a":0}', b'{"a":1}', b'{"a":true}')
    assert merged(b'{"a":0}', b'{"a":1}', b'{"a":1}') == b'{"a":1}'
    assert merged(b'{"a":0,"b":0}', b'{"b":0}', b'{"a":0,"b":1}') == b'{"b":1}'
