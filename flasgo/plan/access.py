"""Who may call a route: what its registration asks for, and what that comes to once every backend is known."""

from collections.abc import Awaitable, Callable, Iterable
from typing import Protocol, TypeAlias

from msgspec import Struct

from flasgo.errors import RegistrationError
from flasgo.identity import User
from flasgo.plan.model import Route
from flasgo.plan.signature import arity
from flasgo.request import Request

DEFAULT = "default"
"""The backend of routes that name none."""


class Permission(Protocol):
    """What a user must be. A coroutine function runs on the event loop; a plain one may block, so it runs in a thread."""

    def has_permission(self, request: Request, user: User, /) -> bool | Awaitable[bool]: ...


PermissionCheck: TypeAlias = Callable[[Request, User], bool | Awaitable[bool]]
AnyPermission: TypeAlias = Permission | PermissionCheck


class Access(Struct, frozen=True):
    """All of `permissions`, for a user whom one of `backends`, asked in their order, has authenticated.

    None stands for any authenticated user, and where it may be `lenient` also for strangers, if the handler takes
    `User | None`. No permission at all stands for everybody, without a backend being asked. Several of these on one route
    add up.
    """

    permissions: tuple[AnyPermission, ...] | None = None
    backends: tuple[str, ...] = (DEFAULT,)
    lenient: bool = False


class Policy(Struct, frozen=True):
    """What a route asks for in the end, in words.

    `ambient`: a browser may send its credentials by itself (cookies, Basic), so CSRF has to be checked. `by_login`: of these only
    the cookies of a login, beside others that no browser sends; strangers are refused. So who sends none of these needs no check.
    """

    backends: tuple[str, ...]
    permissions: tuple[str, ...]
    ambient: bool
    by_login: bool = False


def is_for_clients(route: Route) -> bool:
    """Does the route know its users by nothing that a browser sends by itself: only bearer tokens, keys in headers?"""
    policy = route.option(Policy)
    return policy is not None and not policy.ambient


def access_of(
    permissions: Iterable[AnyPermission] | None, backends: str | Iterable[str], *, lenient: bool = False
) -> Access:
    """Raises RegistrationError for what is no permission, and for a blank or missing name of a backend."""
    names = tuple(name.strip() for name in ((backends,) if isinstance(backends, str) else backends))
    if not names or not all(names):
        raise RegistrationError("The name of an auth backend is blank; name one that is registered.")
    if permissions is None:
        return Access(None, names, lenient)
    if not isinstance(permissions, Iterable):
        raise RegistrationError(f"permissions={permissions!r} is one permission; write permissions=[{permissions!r}].")
    found = tuple(permissions)
    for permission in found:
        check_permission_form(permission)
    return Access(found, names)


def check_permission_form(permission: AnyPermission) -> None:
    """Raise RegistrationError for what could never be asked."""
    if isinstance(permission, type):
        raise RegistrationError(f"{permission.__name__} is a class; give an instance: {permission.__name__}(…).")
    check = getattr(permission, "has_permission", permission)
    if not callable(check):
        raise RegistrationError(
            f"{permission!r} is no permission; give one with has_permission(request, user), or a function."
        )
    arity(check, allowed=range(2, 3), role="A permission")
