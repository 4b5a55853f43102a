"""DEFAULT_PERMISSIONS: permissions as they are, or the names under which settings may hold them."""

from collections.abc import Iterable
from importlib import import_module
from typing import cast

from flasgo.auth.permissions import AllowAny, HasScope, IsAuthenticated
from flasgo.errors import RegistrationError, SettingsError
from flasgo.plan.access import AnyPermission, check_permission_form

NAMED: dict[str, AnyPermission] = {"AllowAny": AllowAny(), "IsAuthenticated": IsAuthenticated()}
SCOPE = "HasScope:"


def default_permissions(entries: Iterable[object]) -> tuple[AnyPermission, ...]:
    """A permission itself · "AllowAny" · "IsAuthenticated" · "HasScope:<scope>" · "package.module:name" of an instance or function.

    Raises SettingsError.
    """
    return tuple(map(_permission, entries))


def _permission(entry: object) -> AnyPermission:
    permission = _named(entry) if isinstance(entry, str) else cast("AnyPermission", entry)
    try:
        check_permission_form(permission)
    except RegistrationError as error:
        raise SettingsError([f"DEFAULT_PERMISSIONS: {error}"]) from None
    return permission


def _named(name: str) -> AnyPermission:
    if name in NAMED:
        return NAMED[name]
    if name.startswith(SCOPE):
        return HasScope(name.removeprefix(SCOPE))
    module, colon, attribute = name.partition(":")
    try:
        if colon:
            return cast("AnyPermission", getattr(import_module(module), attribute))
    except (ImportError, AttributeError, ValueError) as error:
        raise SettingsError(
            [f"DEFAULT_PERMISSIONS: {name!r} cannot be imported ({error}); correct its path"]
        ) from error
    raise SettingsError(
        [
            f"DEFAULT_PERMISSIONS: {name!r} is no permission; write 'AllowAny', 'IsAuthenticated', 'HasScope:…' or 'package.module:name'"
        ]
    )
