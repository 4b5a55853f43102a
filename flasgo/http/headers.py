"""Header fields as ASGI carries them, and two views of them (RFC 9110 §5).

The rules of this room:

- the raw list is the truth: views wrap it and never copy it, the order and number of its lines stay as they came;
- whatever is written passes `header_field`, so that no value of anyone can end a line and begin another (CWE-113);
- names are compared without case, and are lower-case in a raw list (RFC 9113 §8.2.1);
- a name with an underscore is never seen in a request: proxies that map `-` and `_` to one variable let a client forge
  `X_Forwarded_For` (Django CVE-2026-3902).
"""

from collections.abc import ItemsView, Iterator, Mapping, MutableMapping, ValuesView
from functools import lru_cache
from typing import ClassVar, TypeAlias, TypeVar, overload

from flasgo.patterns import regex

T = TypeVar("T")

RawHeaders: TypeAlias = list[tuple[bytes, bytes]]

TOKEN = regex(r"[!#$%&'*+\-.^_`|~0-9A-Za-z]+")
"""RFC 9110 §5.6.2: names of fields, parameters and cookies, methods, and the halves of a media type."""

_CONTROL = regex(r"[\x00-\x08\x0a-\x1f\x7f-\x9f]")
"""What RFC 9110 §5.5 forbids in values, and C1: to many a parser, Python's own among them, NEL (0x85) ends a line."""

_SECRET_WORDS = ("auth", "cookie", "credential", "csrf", "key", "pass", "secret", "session", "token", "xsrf")


def header_field(name: str, value: str) -> tuple[bytes, bytes]:
    """One line for a raw list.

    Raises ValueError where the name is not a token, or the value holds CR, LF, NUL or another control but TAB, begins
    or ends with a space, or is not latin-1; TypeError where either is not a str. The message never shows the value.
    """
    try:
        # Printable and untouched by strip() is what nearly every value is; whatever else there is, the grammar decides.
        if not value.isprintable() or value != value.strip():
            _check_value(name, value)
        return field_name(name), value.encode("latin-1")
    except UnicodeEncodeError:
        raise _refusal(name, "holds characters that are not latin-1: percent-encode them") from None
    except AttributeError:
        raise TypeError(f"header {name[:64]!r}: its value must be a str, not {type(value).__name__}") from None


@lru_cache(maxsize=512)
def field_name(name: str) -> bytes:
    """The name as it stands in a raw list: a token, lower-case. Raises ValueError, or TypeError where it is not a str."""
    if not isinstance(name, str):
        raise TypeError(f"a header name must be a str, not {type(name).__name__}")
    if TOKEN.fullmatch(name) is None:
        raise ValueError(f"{name[:64]!r} is not a header name: use letters, digits and hyphens (RFC 9110 §5.6.2)")
    return name.lower().encode("ascii")


def _check_value(name: str, value: str) -> None:
    if _CONTROL.search(value):
        raise _refusal(name, "holds a control character, such as CR, LF or NUL: remove or encode it")
    if value != value.strip(" \t"):
        raise _refusal(name, "begins or ends with a space or tab: strip it")


def _refusal(name: str, problem: str) -> ValueError:
    return ValueError(f"header {name[:64]!r}: its value {problem}")


class Headers(Mapping[str, str]):
    """A read-only view of a raw list: `headers["accept"]`, in any case.

    The lines of one name are joined by ", " (RFC 9110 §5.2), those of Cookie by "; " (RFC 9113 §8.2.3). Set-Cookie cannot
    be joined, and its value here is its first line; `getlist` has them all. Names with an underscore are not there.
    Bytes are read as latin-1, so nothing is lost.
    """

    __slots__ = ("raw",)
    __hash__ = None  # type: ignore[assignment]  # equality is by content, which may change

    shows_underscores: ClassVar[bool] = False

    def __init__(self, raw: RawHeaders) -> None:
        self.raw = raw

    def getlist(self, name: str) -> list[str]:
        """The value of each line of this name, in order; empty where there is none."""
        key = name.encode("latin-1", "replace").lower()
        if b"_" in key and not self.shows_underscores:
            return []
        return [value.decode("latin-1") for field, value in self.raw if field == key]

    def __getitem__(self, name: str, /) -> str:
        value = self._value(name)
        if value is None:
            raise KeyError(name)
        return value

    @overload
    def get(self, name: object, /) -> str | None: ...

    @overload
    def get(self, name: object, default: str, /) -> str: ...

    @overload
    def get(self, name: object, default: T, /) -> str | T: ...

    def get(self, name: object, default: object = None, /) -> object:
        value = self._value(name) if isinstance(name, str) else None
        return default if value is None else value

    def _value(self, name: str) -> str | None:
        values = self.getlist(name)
        if not values:
            return None
        return values[0] if len(values) == 1 else _join(name.lower(), values)

    def __contains__(self, name: object) -> bool:
        return isinstance(name, str) and bool(self.getlist(name))

    def __iter__(self) -> Iterator[str]:
        return iter(self._grouped())

    def __len__(self) -> int:
        return len(self._grouped())

    def items(self) -> ItemsView[str, str]:
        """Name and joined value of each header: a snapshot, made in one pass."""
        return {name: _join(name, values) for name, values in self._grouped().items()}.items()

    def values(self) -> ValuesView[str]:
        """The joined value of each header: a snapshot, made in one pass."""
        return dict(self.items()).values()

    def _grouped(self) -> dict[str, list[str]]:
        groups: dict[str, list[str]] = {}
        for name, value in self.raw:
            if self.shows_underscores or b"_" not in name:
                groups.setdefault(name.decode("latin-1"), []).append(value.decode("latin-1"))
        return groups

    def __eq__(self, other: object) -> bool:
        """Equal names with equal values: line by line for other Headers, joined for another mapping; order does not count."""
        if isinstance(other, Headers):
            return self._grouped() == other._grouped()
        if isinstance(other, Mapping):
            return dict(self.items()) == {str(name).lower(): value for name, value in other.items()}
        return NotImplemented

    def __repr__(self) -> str:
        lines = ((name.decode("latin-1"), value.decode("latin-1")) for name, value in self.raw)
        shown = ", ".join(f"({name!r}, {'[redacted]' if _is_secret(name) else value!r})" for name, value in lines)
        return f"{type(self).__name__}([{shown}])"


class MutableHeaders(Headers, MutableMapping[str, str]):
    """A view through which a raw list is written; each name and value passes `header_field`, and raises as it does.

    Setting a name replaces all its lines at the place of the first; `add` puts one more line at the end. All that was
    written can be read back, names with an underscore too.
    """

    __slots__ = ()

    shows_underscores = True

    def add(self, name: str, value: str) -> None:
        """Append a line and leave those of the same name as they are: the way to send several Set-Cookie."""
        self.raw.append(header_field(name, value))

    def __setitem__(self, name: str, value: str, /) -> None:
        field = header_field(name, value)
        raw = self.raw
        for index, (existing, _) in enumerate(raw):
            if existing == field[0]:
                raw[index:] = [field, *(line for line in raw[index + 1 :] if line[0] != field[0])]
                return
        raw.append(field)

    def __delitem__(self, name: str, /) -> None:
        key = name.encode("latin-1", "replace").lower()
        kept = [line for line in self.raw if line[0] != key]
        if len(kept) == len(self.raw):
            raise KeyError(name)
        self.raw[:] = kept

    def clear(self) -> None:
        self.raw.clear()


def add_vary(raw: RawHeaders, name: str) -> None:
    """Say that the answer depends on this request header (RFC 9110 §12.5.5); what Vary says already stays.

    Raises ValueError where `name` is not a token.
    """
    key = field_name(name)
    place = None
    for index, (field, value) in enumerate(raw):
        if field == b"vary":
            listed = [member.strip(b" \t") for member in value.lower().split(b",")]
            if key in listed or b"*" in listed:
                return
            if place is None:
                place = index
    if place is None:
        raw.append((b"vary", name.encode("ascii")))
    else:
        said = raw[place][1]
        raw[place] = (b"vary", b", ".join(filter(None, (said, name.encode("ascii")))))


def _join(name: str, values: list[str]) -> str:
    if name == "set-cookie":
        return values[0]
    return ("; " if name == "cookie" else ", ").join(values)


def _is_secret(name: str) -> bool:
    return any(word in name for word in _SECRET_WORDS)
