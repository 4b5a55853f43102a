"""What a session is in a store: its record, the list of a user's sessions, and how two writes of one session become one.

    cookie   base64url of 32 random bytes: an id that says nothing
    store    "session:" + base64url(SHA-256(id))          a Record; who reads the store cannot make a cookie of it
             "session-index:" + base64url(SHA-256(user))  the device ids of a user's sessions, the oldest first

A device id is base64url(SHA-256(id)): it names a session, and opens nothing.
"""

import hashlib
import re
from datetime import UTC, datetime
from typing import Any

from msgspec import DecodeError, Struct
from msgspec.msgpack import Decoder, Encoder

from flasgo.errors import Conflict
from flasgo.session import USER_KEY, SessionError, Stored, decode, encode
from flasgo.signing import encode_base64url

ID_BYTES = 32
ID_LENGTH = 43
"""Characters of an id, and of a device id."""

MAX_SESSION_BYTES = 65_536
"""Bytes of a session's JSON."""

MAX_LABEL = 64

OVERTAKEN = "Another request changed the same part of this session. Load it again, and repeat what you did."

pack = Encoder().encode


class Record(Struct, frozen=True, array_like=True):
    """A session in the store. Times are in seconds since the epoch, `json` is its content."""

    sid: bytes
    created: int
    seen: int
    user: str
    label: str
    json: bytes


class Kept(Stored, frozen=True):
    """A session that came out of the store: its device id, the bytes that were there, and what they say beside the session."""

    device: str = ""
    raw: bytes = b""
    user: str = ""
    label: str = ""


class Device(Struct, frozen=True):
    """One session of a user, as he may be shown it. `id` names it for `revoke`, and opens nothing.

    `seen` is exact to five minutes. `label` says browser and system in a few words, as far as the browser said so.
    """

    id: str
    created: datetime
    seen: datetime
    label: str


_unpack = Decoder(Record).decode
_unpack_names = Decoder(list[str]).decode


def device_of(cookie: bytes) -> str:
    """The device id of a cookie's id."""
    return encode_base64url(hashlib.sha256(cookie).digest()).decode("ascii")


def session_key(device: str) -> str:
    return f"session:{device}"


def index_key(user: str) -> str:
    """The key of a user's list; whatever his id is, it fits."""
    return f"session-index:{device_of(user.encode('utf-8', 'surrogatepass'))}"


def record_of(raw: bytes | None) -> Record | None:
    """The record that these bytes are; None for none, or for what we did not write."""
    if raw is None:
        return None
    try:
        return _unpack(raw)
    except (DecodeError, UnicodeDecodeError):
        return None


def names_of(raw: bytes | None) -> list[str]:
    """The device ids of a user's list."""
    if raw is None:
        return []
    try:
        return _unpack_names(raw)
    except (DecodeError, UnicodeDecodeError):
        return []


def device_from(name: str, record: Record) -> Device:
    created, seen = (datetime.fromtimestamp(seconds, UTC) for seconds in (record.created, record.seen))
    return Device(name, created, seen, record.label)


def sized(json: bytes) -> bytes:
    """A session's JSON. Raises SessionError where it is too large for a session, naming the largest key."""
    if len(json) > MAX_SESSION_BYTES:
        content = decode(json)
        largest = max(content, key=lambda key: len(encode(content[key])))
        raise SessionError(
            f"The session has {len(json)} bytes, more than {MAX_SESSION_BYTES}; its largest key is {largest[:64]!r}. "
            "Keep large things elsewhere, and their ids in the session."
        )
    return json


def user_of(json: bytes) -> str:
    """The id of the user whom a session's content says is logged in; empty for nobody."""
    user = decode(json).get(USER_KEY)
    return user if isinstance(user, str) else ""


def merged(base: bytes, mine: bytes, theirs: bytes) -> bytes:
    """What comes of two changes of the same content, as JSON each. Raises Conflict where both changed a key, and not alike."""
    if theirs == base:
        return mine
    was, ours, other = decode(base), decode(mine), decode(theirs)
    result = dict(other)
    for key in was.keys() | ours.keys():
        if _same(key, was, ours):
            continue
        if not _same(key, was, other) and not _same(key, ours, other):
            raise Conflict(OVERTAKEN)
        if key in ours:
            result[key] = ours[key]
        else:
            result.pop(key, None)
    return encode(result)


def _same(key: str, one: dict[str, Any], other: dict[str, Any]) -> bool:
    """Have both the same under a key? As JSON: True is not 1 there."""
    if key not in one or key not in other:
        return key not in one and key not in other
    return encode(one[key]) == encode(other[key])


BROWSERS = (
    ("Edge", "Edg"), ("Opera", "OPR/"), ("Samsung Internet", "SamsungBrowser/"), ("Firefox", "Firefox/"), ("Firefox", "FxiOS/"),
    ("Chrome", "CriOS/"), ("Chrome", "Chrome/"), ("Safari", "Safari/"),
)  # fmt: skip
SYSTEMS = (
    ("Windows", "Windows"), ("iPhone", "iPhone"), ("iPad", "iPad"), ("Android", "Android"), ("ChromeOS", "CrOS"),
    ("macOS", "Mac OS X"), ("Linux", "Linux"),
)  # fmt: skip
"""What a User-Agent says of whom, the more special first: most name several."""


def label_of(user_agent: bytes) -> str:
    """A few words for a person that say which browser this is; nothing depends on it. Empty where nothing is known."""
    text = user_agent[:1_024].decode("latin-1")
    browser = next((name for name, mark in BROWSERS if mark in text), "")
    system = next((name for name, mark in SYSTEMS if mark in text), "")
    if not browser:
        product = re.match(r"[!-.0-~]+", text)  # the first product, without its version (RFC 9110 §10.1.5)
        browser = product[0][:MAX_LABEL] if product else ""
    return f"{browser} on {system}" if browser and system else browser or system
