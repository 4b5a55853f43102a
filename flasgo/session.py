"""Session: the mapping that a handler sees, and its wire form. Data only; the stage that loads and saves it is in security/.

    payload = created (8 bytes, seconds) | sid (16 bytes) | JSON object

signed by signing.py. The `sid` is the session's binding id: CSRF tokens are bound to it, and `rotate()` replaces it.

What counts as a change: the session is written when its JSON differs from the one it came with, so a change deep inside
a list or dict counts like any other.
"""

import secrets
from collections.abc import Callable, Iterator, MutableMapping
from time import time
from typing import Any, TypeVar, overload

from msgspec import Struct, ValidationError, convert
from msgspec.json import Decoder, Encoder

from flasgo.errors import FlasgoError

T = TypeVar("T")
U = TypeVar("U")

SID_BYTES = 16
PREFIX_BYTES = 8 + SID_BYTES

_encode = Encoder().encode
_decode = Decoder(dict[str, Any]).decode


class SessionError(FlasgoError):
    """A session that cannot be written: too large for a cookie, or holding what JSON cannot."""


class Stored(Struct, frozen=True):
    """A session as it came: its JSON, binding id, and when it began (seconds since the epoch).

    `renew` says that it must be written again though nothing changed: it is ageing, or signed with a fallback key.
    """

    json: bytes
    sid: bytes
    created: int
    renew: bool = False


def pack(json: bytes, sid: bytes, created: int) -> bytes:
    return created.to_bytes(8, "big") + sid + json


def unpack(payload: bytes, *, renew: bool) -> Stored | None:
    """The session of a payload that was signed by us; None where it has another form."""
    if len(payload) <= PREFIX_BYTES:
        return None
    return Stored(payload[PREFIX_BYTES:], payload[8:PREFIX_BYTES], int.from_bytes(payload[:8], "big"), renew)


class Session(MutableMapping[str, Any]):
    """What the application remembers of one visitor, from request to request. Values are anything that JSON holds.

    It is opened, and its signature checked, when it is first looked at: a request that never looks pays nothing.
    """

    def __init__(
        self,
        data: dict[str, Any] | None = None,
        modified: bool = False,
        *,
        read: Callable[[], Stored | None] | None = None,
    ) -> None:
        self._data = {} if data is None and read is None else data
        self._read = read
        self._stored: Stored | None = None
        self._sid: bytes | None = None
        self._forced = modified
        self._restarted = False

    def __repr__(self) -> str:
        return f"<Session {'unopened' if self._data is None else f'of {len(self._data)} keys'}>"

    @property
    def touched(self) -> bool:
        """Has anything been looked at or written?"""
        return self._data is not None

    @property
    def data(self) -> dict[str, Any]:
        """The whole content; opening it is a touch."""
        return self.open()

    def open(self) -> dict[str, Any]:
        """Read and verify what was sent, unless that is done; gives the content."""
        if self._data is None:
            self._stored = self._read() if self._read is not None else None
            self._data = {} if self._stored is None else _decode(self._stored.json)
        return self._data

    @property
    def stored(self) -> Stored | None:
        """The session as it came; None when there was none, or none that is valid."""
        self.open()
        return self._stored

    @property
    def sid(self) -> bytes:
        """The binding id; empty for a visitor without a session."""
        if self._sid is None:
            stored = self.stored
            self._sid = b"" if stored is None else stored.sid
        return self._sid

    @property
    def rebound(self) -> bool:
        """Did the binding id change in this request? Then every CSRF token before it is void."""
        return self._sid is not None and self._sid != (b"" if self._stored is None else self._stored.sid)

    @property
    def is_new(self) -> bool:
        """Did the visitor come without a valid session?"""
        return self.stored is None

    @property
    def modified(self) -> bool:
        """Will it be written? Setting it to True writes it even if nothing changed."""
        return self._forced or (self._data is not None and self.differs(self.json()))

    @modified.setter
    def modified(self, value: bool) -> None:
        self._forced = value

    def differs(self, json: bytes) -> bool:
        """Is this content another than what came? It counts as another when `modified` was set, too."""
        return self._forced or json != (b"{}" if self._stored is None else self._stored.json)

    def json(self) -> bytes:
        """The content as JSON. Raises SessionError for a value that JSON cannot hold."""
        try:
            return _encode(self.data)
        except (TypeError, ValueError) as error:
            raise SessionError(f"The session holds something that JSON cannot: {error}.") from None

    def rotate(self) -> None:
        """Give the session a new binding id: at every change of who is asking (session fixation, CWE-384)."""
        self._sid = secrets.token_bytes(SID_BYTES)
        self._forced = True

    def written_sid(self) -> bytes:
        """The binding id to write: a session that had none gets one."""
        if not self.sid:
            self._sid = secrets.token_bytes(SID_BYTES)
        return self.sid

    def created(self) -> int:
        """When the session began, in seconds since the epoch: now, for one that begins here."""
        return int(time()) if self._stored is None or self._restarted else self._stored.created

    # ── the mapping ─────────────────────────────────────────────────────────────────────────────────────────────

    def __getitem__(self, key: str) -> Any:  # whatever was put there
        data = self._data
        return (self.open() if data is None else data)[key]

    def __setitem__(self, key: str, value: object) -> None:
        if not isinstance(key, str):
            raise TypeError(f"A session's keys are strings, not {type(key).__name__}.")
        self.data[key] = value

    def __delitem__(self, key: str) -> None:
        del self.data[key]

    def __iter__(self) -> Iterator[str]:
        return iter(self.data)

    def __len__(self) -> int:
        return len(self.data)

    def __contains__(self, key: object) -> bool:
        return key in self.data

    @overload
    def get(self, key: object, /) -> Any | None: ...
    @overload
    def get(self, key: object, /, default: T) -> Any | T: ...
    @overload
    def get(self, key: object, /, *, type: type[T]) -> T | None: ...
    @overload
    def get(self, key: object, /, default: U, *, type: type[T]) -> T | U: ...

    def get(self, key: Any, /, default: object = None, *, type: type[object] | None = None) -> object:  # noqa: A002 - as Request.json(type=…)
        """The value, or `default`. With `type`, the value as that type, and `default` where it does not fit."""
        data = self.data
        if key not in data:
            return default
        if type is None:
            return data[key]
        try:
            return convert(data[key], type)
        except ValidationError:
            return default

    def pop(self, key: str, default: Any = None) -> Any:  # 0.5.1: a missing key is no error
        return self.data.pop(key, default)

    def clear(self) -> None:
        """Forget everything; the cookie is deleted. The binding id goes, too."""
        self.data.clear()
        self._sid = b""
        self._restarted = True
