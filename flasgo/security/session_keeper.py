"""The sessions of an application in their store: found by an opaque id, ended by whoever may, and never losing a write.

A session is written with compare-and-set. Where another request has written it meanwhile, both changes are kept if they are of
different keys of the session; where both changed the same key to different values, the later one is a Conflict (409), and
nothing of it is kept. A session that was ended meanwhile stays ended: a change of it is a Conflict, too.
"""

import asyncio
import secrets
from collections.abc import Callable
from time import time

from msgspec.structs import replace

from flasgo.errors import Conflict
from flasgo.request import Request
from flasgo.security.session_records import (
    ID_BYTES,
    ID_LENGTH,
    OVERTAKEN,
    Device,
    Kept,
    Record,
    device_from,
    device_of,
    index_key,
    merged,
    names_of,
    pack,
    record_of,
    session_key,
    sized,
    user_of,
)
from flasgo.session import Stored
from flasgo.settings import Settings
from flasgo.signing import encode_base64url
from flasgo.storage.model import Store
from flasgo.storage.urls import Stores

MAX_DEVICES = 100
"""Sessions that a user may have at once; one more ends his oldest."""

MAX_ROUNDS = 64
"""How often a write that others keep overtaking is tried."""

SEEN_SECONDS = 300
"""How exact a session's time of last use is, at the coarsest."""

ENDED = "This session was ended while the request was answered. Sign in again."


class SessionKeeper:
    """`app.sessions`: the sessions in a store. `idle` and `absolute` are lifetimes in seconds.

    Every method raises StoreUnavailable where the store does not answer.
    """

    def __init__(self, store: Store, *, idle: int, absolute: int) -> None:
        self.store = store
        self.idle = idle
        self.absolute = absolute

    # ── for applications ────────────────────────────────────────────────────────────────────────────────────────

    async def devices(self, user: str) -> tuple[Device, ...]:
        """The sessions of a user, the last used first."""
        alive = [(name, record) for name, record in await self._listed(user) if self._is_alive(record)]
        alive.sort(key=lambda entry: entry[1].seen, reverse=True)
        return tuple(device_from(name, record) for name, record in alive)

    async def revoke(self, user: str, device: str) -> bool:
        """End one session of a user, by its device id. False where it is none of his, and nothing happened."""
        if len(device) != ID_LENGTH or not device.isascii():
            return False
        record = record_of(await self.store.get(session_key(device)))
        if record is None or record.user != user:
            return False
        ended = await self.store.delete(session_key(device))
        await self._unlist(user, device)
        return ended

    async def revoke_all(self, user: str, *, keep: str | None = None) -> int:
        """End all sessions of a user, but that with the device id `keep`; how many there were.

        Raises Conflict where the user logs in faster than his sessions are ended.
        """
        ended = 0
        for _ in range(MAX_ROUNDS):
            raw = await self.store.get(index_key(user))
            names = names_of(raw)
            for name in names:
                if name != keep:
                    ended += await self.store.delete(session_key(name))
            left = [name for name in names if name == keep]
            if await self._swap_index(user, raw, left):
                return ended
        raise Conflict(OVERTAKEN)

    @staticmethod
    def current(request: Request) -> str | None:
        """The device id of the request's session; None where it has none in the store yet."""
        request.session.peek()
        came = request.session.came
        return came.device if isinstance(came, Kept) else None

    # ── for the stage ───────────────────────────────────────────────────────────────────────────────────────────

    async def load(self, cookie: bytes) -> Kept | None:
        """The session that a cookie's id opens, if there is one and it is not too old."""
        device = device_of(cookie)
        raw = await self.store.get(session_key(device))
        record = record_of(raw)
        if raw is None or record is None or not self._is_alive(record):
            return None
        stale = time() - record.seen > min(SEEN_SECONDS, self.idle / 10)
        return Kept(record.json, record.sid, record.created, record.seen, stale, device, raw, record.user, record.label)

    async def begin(self, stored: Stored, label: str) -> bytes:
        """Keep a new session; its id, for the cookie. Raises SessionError."""
        secret, record = self._new(stored, label)
        await self._put_new(device_of(secret), record)
        return secret

    async def update(self, kept: Kept, stored: Stored) -> None:
        """Write a session under the id that it has. Raises Conflict, SessionError."""
        mine, raw, theirs = sized(stored.json), kept.raw, kept.json
        for _ in range(MAX_ROUNDS):
            json = sized(merged(kept.json, mine, theirs))
            record = Record(stored.sid, stored.created, int(time()), user_of(json), kept.label, json)
            if record.user not in {"", kept.user}:
                await self._list(record.user, kept.device)
            if await self._swap(kept.device, raw, record):
                if kept.user not in {"", record.user}:
                    await self._unlist(kept.user, kept.device)
                return
            raw, theirs = await self._again(kept)
        raise Conflict(OVERTAKEN)

    async def touch(self, kept: Kept) -> None:
        """Note that a session is in use; whoever has written it meanwhile has done that already."""
        await self._swap(
            kept.device, kept.raw, Record(kept.sid, kept.created, int(time()), kept.user, kept.label, kept.json)
        )

    async def supersede(self, kept: Kept, stored: Stored, *, anew: bool) -> bytes:
        """Keep a session under a new id, for the cookie; the old one opens nothing from then on.

        What others wrote into the old one meanwhile is taken over, unless the session begins `anew`: then nothing of the
        old one is to live on, and it does not matter what became of it. Raises Conflict, SessionError.
        """
        secret, record = self._new(stored, kept.label)
        device = device_of(secret)
        await self._put_new(device, record)
        try:
            await (self.store.delete(session_key(kept.device)) if anew else self._take_over(kept, device, record))
        except BaseException:
            await self._forget(device, record.user)
            raise
        if kept.user:
            await self._unlist(kept.user, kept.device)
        return secret

    async def end(self, kept: Kept) -> None:
        """Forget a session, whatever was written into it meanwhile."""
        await self._forget(kept.device, kept.user)

    # ── inside ──────────────────────────────────────────────────────────────────────────────────────────────────

    @staticmethod
    def _new(stored: Stored, label: str) -> tuple[bytes, Record]:
        json = sized(stored.json)
        secret = encode_base64url(secrets.token_bytes(ID_BYTES))
        return secret, Record(stored.sid, stored.created, int(time()), user_of(json), label, json)

    async def _put_new(self, device: str, record: Record) -> None:
        """Listed first: what is listed can be ended."""
        if record.user:
            await self._list(record.user, device)
        await self._put(device, record)

    async def _take_over(self, kept: Kept, device: str, record: Record) -> None:
        """Remove the old session, once what others wrote into it since it was loaded is in the new one."""
        raw = kept.raw
        for _ in range(MAX_ROUNDS):
            if await self.store.compare_and_set(session_key(kept.device), raw, None):
                return
            raw, theirs = await self._again(kept)
            await self._put(device, replace(record, json=sized(merged(kept.json, record.json, theirs))))
        raise Conflict(OVERTAKEN)

    async def _again(self, kept: Kept) -> tuple[bytes, bytes]:
        """The session's bytes and content as they are now. Raises Conflict where it is not there any more."""
        raw = await self.store.get(session_key(kept.device))
        record = record_of(raw)
        if raw is None or record is None:
            raise Conflict(ENDED)
        return raw, record.json

    async def _put(self, device: str, record: Record) -> None:
        await self.store.set(session_key(device), pack(record), ttl=self._lifetime(record))

    async def _swap(self, device: str, raw: bytes, record: Record) -> bool:
        return await self.store.compare_and_set(session_key(device), raw, pack(record), ttl=self._lifetime(record))

    async def _forget(self, device: str, user: str) -> None:
        await self.store.delete(session_key(device))
        if user:
            await self._unlist(user, device)

    async def _listed(self, user: str) -> list[tuple[str, Record]]:
        """The sessions on a user's list that are there, the oldest first."""
        names = names_of(await self.store.get(index_key(user)))
        raws = [await self.store.get(session_key(name)) for name in names]
        records = [(name, record_of(raw)) for name, raw in zip(names, raws, strict=True)]
        return [(name, record) for name, record in records if record is not None and record.user == user]

    async def _list(self, user: str, device: str) -> None:
        """Put a session on a user's list, and end his oldest where they are too many."""
        names = await self._relist(user, lambda names: [*(name for name in names if name != device), device])
        if len(names) <= MAX_DEVICES:
            return
        there = [name for name, _ in await self._listed(user)]
        doomed = there[: max(0, len(there) + 1 - MAX_DEVICES)]
        for name in doomed:
            await self.store.delete(session_key(name))
        gone = set(names) - set(there) - {device} | set(doomed)
        await self._relist(user, lambda names: [name for name in names if name not in gone])

    async def _unlist(self, user: str, device: str) -> None:
        await self._relist(user, lambda names: [name for name in names if name != device])

    async def _relist(self, user: str, change: Callable[[list[str]], list[str]]) -> list[str]:
        """The list of a user after a change of it."""
        for _ in range(MAX_ROUNDS):
            raw = await self.store.get(index_key(user))
            names = names_of(raw)
            changed = change(names)
            if changed == names or await self._swap_index(user, raw, changed):
                return changed
            await asyncio.sleep(0)
        raise Conflict(OVERTAKEN)

    async def _swap_index(self, user: str, raw: bytes | None, names: list[str]) -> bool:
        return await self.store.compare_and_set(index_key(user), raw, pack(names) if names else None, ttl=self.absolute)

    def _is_alive(self, record: Record) -> bool:
        now = time()
        return now - record.seen <= self.idle and now - record.created <= self.absolute

    def _lifetime(self, record: Record) -> float:
        """Seconds that a record written now is kept."""
        return max(1.0, min(self.idle, record.created + self.absolute - time()))


def session_keeper(settings: Settings, stores: Stores, given: Store | None) -> SessionKeeper | None:
    """The keeper of the store that an application was given, or that SESSION_STORE names; None for signed cookies."""
    if given is not None:
        store = stores.add(given)
    elif settings.SESSION_STORE is not None:
        store = stores.open(settings.SESSION_STORE)
    else:
        return None
    return SessionKeeper(store, idle=settings.SESSION_COOKIE_MAX_AGE, absolute=settings.SESSION_ABSOLUTE_MAX_AGE)
