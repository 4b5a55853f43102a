"""User: who is asking. Data only; how a request proves who it is from is in auth/."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, Protocol, cast

from msgspec import Struct
from msgspec.structs import force_setattr

NOTHING: Mapping[str, object] = MappingProxyType({})


class User(Struct, frozen=True):
    """Who is asking. Subclass it (`frozen=True` again; `kw_only=True` for fields without defaults) for typed fields of your own.

    A user with an `id` is still a stranger until `is_authenticated` says otherwise; a stranger is false. `scopes` are what was
    granted, compared exactly. `data` is for whatever has no field.

    Raises TypeError for scopes that are one string: each of its letters would be granted.
    """

    id: str | None = None
    is_authenticated: bool = False
    scopes: frozenset[str] = frozenset()
    data: Mapping[str, object] = NOTHING

    def __post_init__(self) -> None:
        """Scopes become a frozenset, of whatever they were given as; a subclass that has its own calls this one's."""
        scopes: object = self.scopes
        if type(scopes) is not frozenset:
            if isinstance(scopes, str):
                raise TypeError(
                    "A user's scopes are a set of strings; write scopes=frozenset({…}), or split the string."
                )
            force_setattr(self, "scopes", frozenset(self.scopes))

    def __bool__(self) -> bool:
        return self.is_authenticated

    def __hash__(self) -> int:
        return hash((type(self), self.id))

    @classmethod
    def anonymous(cls) -> "User":
        """The stranger: nobody has been authenticated."""
        return ANONYMOUS


ANONYMOUS = User()


class Visitors(Protocol):
    """Says whom the session of a request knows."""

    def visitor(self, request: Any, /) -> User: ...  # a Request, always; its module stands above this one


class Offers(Protocol):
    @property
    def logins(self) -> Visitors | None: ...


class Asking(Protocol):
    """What is used of a Request here."""

    @property
    def terms(self) -> Offers: ...


class Visitor:
    """The attribute `user` of a request until it is written: it is found when it is first read, and then kept."""

    def __get__(self, request: Asking | None, _owner: object = None) -> User:
        if request is None:
            return ANONYMOUS
        kept = cast("dict[str, User]", vars(request))
        kept["user"] = ANONYMOUS  # for whoever asks while the user is loaded
        logins = request.terms.logins
        if logins is not None:
            kept["user"] = logins.visitor(request)
        return kept["user"]


class Visited:
    """What knows who is asking."""

    user: User = cast("User", Visitor())
    """Who is asking, as a backend of the route or a hook says; else whom the session knows (see `session_backend`), or a stranger."""
