"""Session: the mapping that a handler sees, and its wire form. Data only; the stage that loads and saves it is in security/.

    payload = created (8 bytes, seconds) | sid (16 bytes) | JSON object

signed by signing.py. The `sid` is the binding id: CSRF tokens are bound to it, and `rotate()` replaces it.

What counts as a change: the session is written when its JSON differs from the one it came with, so a change deep inside
a list or dict counts like any other. An empty session is deleted, unless something hangs on its id.
"""

import secrets
from collections.abc import Callable, Iterator, MutableMapping
from time import time
from typing import Any, TypeVar, overload

from msgspec import DecodeError, Struct, ValidationError, convert
from msgspec.json import Decoder, Encoder

from flasgo.errors import FlasgoError

T = TypeVar("T")
U = TypeVar("U")

SID_BYTES = 16
PREFIX_BYTES = 8 + SID_BYTES
EMPTY = b"{}"

USER_KEY = "_user"
"""Under which a session has the id of the user who is logged in: what lists and ends a user's sessions finds them by it."""

encode = Encoder().encode
decode = Decoder(dict[str, Any]).decode


class SessionError(FlasgoError):
    """A session that cannot be written: too large for its cookie or its store, or holding what JSON cannot."""


class Stored(Struct, frozen=True):
    """A session as a browser keeps it: JSON, binding id, and when it began and was issued (seconds since the epoch).

    `renew` says that it must be written again though nothing changed: it is ageing, or signed with a fallback key.
    """

    json: bytes
    sid: bytes
    created: int
    issued: int = 0
    renew: bool = False

    def pack(self) -> bytes:
        return self.created.to_bytes(8, "big") + self.sid + self.json


FORGOTTEN = Stored(EMPTY, b"", 0)
"""No session at all."""


def unpack(payload: bytes, *, issued: int, renew: bool) -> Stored | None:
    """The session of a payload that was signed by us; None where it has another form."""
    if len(payload) < PREFIX_BYTES + len(EMPTY):
        return None
    created = int.from_bytes(payload[:8], "big")
    return Stored(payload[PREFIX_BYTES:], payload[8:PREFIX_BYTES], created, issued, renew)


def unopened(read: Callable[[Any], Stored | None], of: object) -> "Session":
    """`Session(read=read, of=of)`, at half the price."""
    session = object.__new__(Session)
    session._read = read
    session._of = of
    session._came = FORGOTTEN
    session._sid = b""
    session._data = None
    session.touched = False
    return session


class Session(MutableMapping[str, Any]):
    """What the application remembers of one visitor, from request to request. Values are anything that JSON holds.

    It is opened, and its signature checked, when it is first looked at: a request that never looks pays nothing.

    `Session(data)` is one made by hand, for tests; with `modified` it counts as changed. `read` is called with `of`, the request.
    """

    # The slots are set for every session; what few set stays in the class until somebody does.
    __slots__ = ("__dict__", "_came", "_data", "_of", "_read", "_sid", "touched")

    _forced: bool = False
    _held: bytes = b""
    _restarted: bool = False

    def __init__(
        self,
        data: dict[str, Any] | None = None,
        modified: bool = False,
        *,
        read: Callable[[Any], Stored | None] | None = None,
        of: object = None,
    ) -> None:
        self._read = read
        self._of = of
        self._came = FORGOTTEN
        self._sid = b""
        self._data: dict[str, Any] | None = None  # until it is looked at
        if modified:
            self._forced = True
        self.touched = read is None
        """Was anything of it looked at or written?"""
        if read is None:
            self._data = {} if data is None else data
            self._came = Stored(self.json(), b"", 0)

    def __repr__(self) -> str:
        return f"<Session {'not looked at' if self._data is None else f'of {len(self._data)} keys'}>"

    # ── the mapping ─────────────────────────────────────────────────────────────────────────────────────────────

    def __getitem__(self, key: str) -> Any:  # whatever was put there
        data = self._data
        return (self._opened() if data is None else data)[key]

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
        """The value, or `default`. With `type`, the value as that type, and `default` where it does not fit.

        A value made so is a copy: to keep a change of it, assign it to its key.
        """
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
        """Forget everything, the binding id too: at logout. What is put in afterwards begins a new session."""
        self.data.clear()
        self._sid = self._held = b""
        self._restarted = True

    # ── what it is ──────────────────────────────────────────────────────────────────────────────────────────────

    @property
    def data(self) -> dict[str, Any]:
        """The whole content."""
        data = self._data
        return self._opened() if data is None else data

    @property
    def modified(self) -> bool:
        """Did it change? Setting it to True has it written even if not."""
        if self._forced or self.rebound:
            return True
        return self._data is not None and self.json() != self._came.json

    @modified.setter
    def modified(self, value: bool) -> None:
        self._opened()  # what is to be written must be known
        self._forced = value

    @property
    def permanent(self) -> bool:
        """True: every session lasts for SESSION_COOKIE_MAX_AGE. It may be set to True by habit of Flask; ValueError for False."""
        return True

    @permanent.setter
    def permanent(self, value: bool) -> None:
        if not value:
            raise ValueError("Every session lasts as long as SESSION_COOKIE_MAX_AGE says; make that shorter.")

    @property
    def is_new(self) -> bool:
        """Did the visitor come without a valid session?"""
        self._opened()
        return not self._came.sid

    @property
    def sid(self) -> bytes:
        """The binding id: what belongs to this session alone is bound to it. Empty until the session is first written."""
        self._opened()
        return self._sid

    def rotate(self) -> None:
        """Give the session a new binding id: at every change of who is asking (session fixation, CWE-384).

        CSRF tokens that were given out before are void then.
        """
        self._opened()
        self._sid, self._held = secrets.token_bytes(SID_BYTES), b""

    # ── for those who load, save and bind ───────────────────────────────────────────────────────────────────────

    def peek(self) -> bytes:
        """The binding id, without that being a touch: for what the answer does not show."""
        if self._read is not None:
            self._came = self._read(self._of) or FORGOTTEN  # if it raises, the next look raises again
            self._read = self._of = None  # nor does it hold its request, which holds it
            self._sid = self._came.sid
        return self._sid

    def hold(self, fresh: bytes) -> bytes:
        """The binding id, for something that is about to be bound to it: the session will be there, even if it is empty.

        A session that has no id yet takes `fresh`.
        """
        self._held = self._sid = self.peek() or fresh
        return self._sid

    def outcome(self, *, failed: bool) -> Stored | None:
        """What the browser has to keep from now on: FORGOTTEN for nothing, None for what it has. Raises SessionError.

        A request that failed keeps nothing but the id that something hangs on. Afterwards `peek()` gives the id that the
        browser's next request will bring.
        """
        came = self._came
        if failed:
            self._sid = self._held or came.sid
            return None if self._sid == came.sid else Stored(came.json, self._sid, came.created or int(time()))
        json = came.json if self._data is None else self.json()
        same = json == came.json and self._sid == came.sid and not self._forced
        if same and not came.renew:
            return None
        if json == EMPTY and not same and not self._held:
            self._sid = b""
            return FORGOTTEN if came.sid else None
        self._sid = self._sid or secrets.token_bytes(SID_BYTES)
        return Stored(json, self._sid, int(time()) if self._restarted or not came.created else came.created)

    @property
    def came(self) -> Stored:
        """What the request brought, as far as it was looked at."""
        return self._came

    @property
    def restarted(self) -> bool:
        """Was everything of before forgotten?"""
        return self._restarted

    @property
    def rebound(self) -> bool:
        """Will the browser have another binding id than it came with?"""
        return self._sid != self._came.sid

    def revert(self) -> None:
        """What `outcome` gave could not be sent: the browser keeps what it has."""
        self._sid = self._came.sid

    def json(self) -> bytes:
        """The content as JSON. Raises SessionError for a value that JSON cannot hold."""
        try:
            return encode(self._opened() if self._data is None else self._data)
        except (TypeError, ValueError, OverflowError, RecursionError) as error:
            raise SessionError(f"The session holds something that JSON cannot: {error}.") from None

    def _opened(self) -> dict[str, Any]:
        if self._data is None:
            self.touched = True
            if self._read is not None:
                self.peek()
            try:
                self._data = decode(self._came.json)
            except (DecodeError, UnicodeDecodeError, RecursionError):  # not of our making, though our key has signed it
                self._came, self._sid, self._data = FORGOTTEN, b"", {}
        return self._data
