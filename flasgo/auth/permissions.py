"""Permissions: what a user must be. They are joined by `&`, `|` and `~`, and may be made for one object.

    @app.authorize(IsAuthenticated() & (HasScope("admin") | owns_the_shop))

Whatever goes wrong refuses: an exception in a permission goes through `|` and `~`, and lets nobody in.
"""

from collections.abc import Awaitable, Coroutine, Iterator
from collections.abc import Set as AbstractSet
from typing import Literal, TypeAlias, cast

from msgspec import Struct
from msgspec.structs import force_setattr

from flasgo.identity import User
from flasgo.pipeline.threads import ThreadPool
from flasgo.plan.access import AnyPermission, PermissionCheck
from flasgo.plan.signature import call_of, endpoint_name
from flasgo.request import Request

Mode: TypeAlias = Literal["inline", "loop", "thread"]
"""Where a check runs: at once; on the loop, where it may await; in a thread, since it may block."""

Verdict: TypeAlias = bool | Awaitable[bool]


class BasePermission:
    """Gives a permission of your own the operators `&`, `|` and `~`: inherit from it and write `has_permission`."""

    __slots__ = ()

    def has_permission(self, request: Request, user: User, /) -> Verdict:
        raise NotImplementedError

    def __and__(self, other: AnyPermission) -> "AllOf":
        return AllOf((self, other))

    def __rand__(self, other: AnyPermission) -> "AllOf":
        return AllOf((other, self))

    def __or__(self, other: AnyPermission) -> "AnyOf":
        return AnyOf((self, other))

    def __ror__(self, other: AnyPermission) -> "AnyOf":
        return AnyOf((other, self))

    def __invert__(self) -> "Not":
        return Not(self)


class AllowAny(BasePermission, Struct, frozen=True):
    """Everybody. The route's backends are asked all the same, so that the handler knows who it is."""

    def has_permission(self, _request: Request, _user: User, /) -> bool:
        return True


class IsAuthenticated(BasePermission, Struct, frozen=True):
    """Whoever a backend has authenticated."""

    def has_permission(self, _request: Request, user: User, /) -> bool:
        return user.is_authenticated


class HasScope(BasePermission, Struct, frozen=True):
    """A user who was granted exactly this scope."""

    scope: str

    def has_permission(self, _request: Request, user: User, /) -> bool:
        return self.scope in user.scopes


class HasAnyScope(BasePermission, Struct, frozen=True):
    """A user who was granted at least one of these scopes: `HasAnyScope({"read", "write"})`."""

    scopes: AbstractSet[str]

    def __post_init__(self) -> None:
        if isinstance(self.scopes, str):
            raise TypeError("HasAnyScope takes a set of scopes; for a single one write HasScope.")
        force_setattr(self, "scopes", frozenset(self.scopes))

    def has_permission(self, _request: Request, user: User, /) -> bool:
        return not self.scopes.isdisjoint(user.scopes)


class AllOf(BasePermission, Struct, frozen=True):
    """Every one of them, asked in their order until one refuses: `a & b`."""

    permissions: tuple[AnyPermission, ...]

    def has_permission(self, request: Request, user: User, /) -> Verdict:
        return _ask_until(False, iter(self.permissions), request, user)


class AnyOf(BasePermission, Struct, frozen=True):
    """At least one of them, asked in their order until one allows: `a | b`."""

    permissions: tuple[AnyPermission, ...]

    def has_permission(self, request: Request, user: User, /) -> Verdict:
        return _ask_until(True, iter(self.permissions), request, user)


class Not(BasePermission, Struct, frozen=True):
    """Whoever it refuses: `~a`."""

    permission: AnyPermission

    def has_permission(self, request: Request, user: User, /) -> Verdict:
        verdict = ask(self.permission, request, user)
        return _negated(verdict) if isinstance(verdict, Awaitable) else not verdict


BUILT_IN = (AllowAny, IsAuthenticated, HasScope, HasAnyScope)
"""Permissions that need neither a thread nor the loop."""


def as_check(permission: AnyPermission) -> PermissionCheck:
    """What is called with (request, user). Raises TypeError for what is no permission."""
    method = getattr(permission, "has_permission", permission)
    if isinstance(permission, type) or not callable(method):
        raise TypeError(
            f"{permission!r} is no permission: give an instance with has_permission(request, user), or a function."
        )
    return cast("PermissionCheck", method)


def ask(permission: AnyPermission, request: Request, user: User) -> Verdict:
    return as_check(permission)(request, user)


def _ask_until(wanted: bool, rest: Iterator[AnyPermission], request: Request, user: User) -> Verdict:
    """Ask one after the other until a verdict is `wanted`."""
    for permission in rest:
        verdict = ask(permission, request, user)
        if isinstance(verdict, Awaitable):
            return _ask_on(verdict, wanted, rest, request, user)
        if bool(verdict) is wanted:
            return wanted
    return not wanted


async def _ask_on(
    first: Awaitable[bool], wanted: bool, rest: Iterator[AnyPermission], request: Request, user: User
) -> bool:
    if bool(await first) is wanted:
        return wanted
    verdict = _ask_until(wanted, rest, request, user)
    return await verdict if isinstance(verdict, Awaitable) else verdict


async def _negated(verdict: Awaitable[bool]) -> bool:
    return not await verdict


# ── for those who compile them ──────────────────────────────────────────────────────────────────────────────────────


class Check(Struct, frozen=True):
    """A permission, ready to be asked, and where."""

    call: PermissionCheck
    mode: Mode


def compile_check(permission: AnyPermission, pool: ThreadPool) -> Check:
    """Where a permission runs, and how it is called there: one that mixes both has its blocking parts run in the pool."""
    modes = set(map(_mode_of, leaves(permission)))
    if modes == {"loop", "thread"}:
        return Check(as_check(_with_pool(permission, pool)), "loop")
    return Check(as_check(permission), next(mode for mode in ("loop", "thread", "inline") if mode in modes))


def leaves(permission: AnyPermission) -> Iterator[AnyPermission]:
    """What a permission is joined of."""
    if isinstance(permission, (AllOf, AnyOf)):
        for one in permission.permissions:
            yield from leaves(one)
    elif isinstance(permission, Not):
        yield from leaves(permission.permission)
    else:
        yield permission


def _mode_of(leaf: AnyPermission) -> Mode:
    if type(leaf) in BUILT_IN:
        return "inline"
    return "thread" if call_of(as_check(leaf)) == "sync" else "loop"


def _with_pool(permission: AnyPermission, pool: ThreadPool) -> AnyPermission:
    if isinstance(permission, (AllOf, AnyOf)):
        return type(permission)(tuple(_with_pool(one, pool) for one in permission.permissions))
    if isinstance(permission, Not):
        return Not(_with_pool(permission.permission, pool))
    if _mode_of(permission) != "thread":
        return permission
    check = as_check(permission)
    return lambda request, user: pool.run(checked_plain, check, request, user)


def checked_plain(check: PermissionCheck, request: Request, user: User) -> bool:
    """Ask a permission that gives its verdict at once.

    Raises TypeError for an awaitable, which nobody would await and which is true whatever it holds.
    """
    verdict = check(request, user)
    if isinstance(verdict, Awaitable):
        raise unawaited(verdict, in_words(check))
    return bool(verdict)


def unawaited(value: Awaitable[object], function: str) -> TypeError:
    """The error of a plain function that gave an awaitable; it is closed, since nobody will await it."""
    if isinstance(value, Coroutine):
        value.close()
    return TypeError(f"{function} gave an awaitable, but is no coroutine function; write it with `async def`.")


def in_words(permission: object) -> str:
    """A permission as it is listed: `IsAuthenticated & (HasScope('a') | owns_it)`."""
    match permission:
        case AllOf(permissions=parts) | AnyOf(permissions=parts):
            words = (" & " if isinstance(permission, AllOf) else " | ").join(map(_nested, parts))
        case Not(permission=part):
            words = f"~{_nested(part)}"
        case HasScope(scope=scope):
            words = f"HasScope({scope!r})"
        case HasAnyScope(scopes=scopes):
            words = f"HasAnyScope({{{', '.join(map(repr, sorted(scopes)))}}})"
        case _ if hasattr(permission, "has_permission"):
            words = type(permission).__name__
        case _:
            words = endpoint_name(cast("PermissionCheck", permission))
    return words


def _nested(permission: AnyPermission) -> str:
    words = in_words(permission)
    return f"({words})" if isinstance(permission, (AllOf, AnyOf)) else words
