"""The backends of an application by name, and what they make of each route's policies."""

from collections.abc import Iterator, Sequence
from difflib import get_close_matches
from typing import cast

from msgspec import Struct
from msgspec.structs import replace

from flasgo.auth.login import SessionBackend, SessionLogins
from flasgo.auth.model import AuthBackend, Backend, CredentialBackend, mode_of
from flasgo.auth.permissions import AllOf, AllowAny, HasScope, IsAuthenticated, in_words
from flasgo.errors import RegistrationError
from flasgo.identity import User
from flasgo.plan.access import DEFAULT, Access, AnyPermission, Policy
from flasgo.plan.documents import Secured, SecurityScheme
from flasgo.plan.model import Injected, Route
from flasgo.request import Request
from flasgo.routing.rule import Rule
from flasgo.settings import Settings


def from_hooks(request: Request) -> User:
    """The backend `default` until another takes its name: whoever a before_request hook says that it is."""
    return request.user  # pragma: no cover - a name for what need not be asked


class Wanted(Struct, frozen=True):
    """What a route asks for, resolved: backends in their order, permissions, and the classes of user that its handler takes."""

    backends: tuple[Backend, ...]
    permissions: tuple[AnyPermission, ...]
    users: tuple[type[User], ...]

    @property
    def open(self) -> bool:
        """Is nobody refused?"""
        return not self.users and all(isinstance(permission, AllowAny) for permission in self.permissions)

    @property
    def policy(self) -> Policy:
        words = [in_words(one) for one in self.permissions if not (self.users and isinstance(one, AllowAny))]
        words += [kind.__name__ for kind in self.users]
        return Policy(
            tuple(backend.name for backend in self.backends),
            tuple(words),
            any(backend.ambient for backend in self.backends),
            by_login=not self.open
            and not all(backend.ambient for backend in self.backends)
            and all(isinstance(backend.call, SessionBackend) for backend in self.backends if backend.ambient),
        )

    @property
    def secured(self) -> Secured | None:
        """The same for the OpenAPI document, as far as it can say it."""
        schemes = tuple(replace(b.scheme, id=b.name) for b in self.backends if b.scheme is not None)
        return Secured(schemes, self.scopes, self.open) if schemes else None

    @property
    def scopes(self) -> tuple[str, ...]:
        """All that are needed, whoever asks."""
        return tuple(dict.fromkeys(scope for permission in self.permissions for scope in _scopes(permission)))


def _scopes(permission: AnyPermission) -> Iterator[str]:
    if isinstance(permission, HasScope):
        yield permission.scope
    elif isinstance(permission, AllOf):
        for one in permission.permissions:
            yield from _scopes(one)


def _asked_by(access: Access, *, optional: bool) -> tuple[AnyPermission, ...]:
    if access.permissions is not None:
        return access.permissions
    return (AllowAny(),) if access.lenient and optional else (IsAuthenticated(),)


class Backends:
    """The backends of an application, by name."""

    def __init__(self, session_cookie: str) -> None:
        self._session_cookie = session_cookie
        self._by_name: dict[str, Backend] = {DEFAULT: Backend(DEFAULT, from_hooks, "inline")}

    def register(
        self,
        name: str,
        backend: AuthBackend,
        *,
        challenge: str | None = None,
        ambient: bool | None = None,
        scheme: SecurityScheme | None = None,
    ) -> None:
        """Raises RegistrationError for a blank name, or what cannot be called."""
        name = name.strip()
        if not name:
            raise RegistrationError("An auth backend needs a name that is not blank.")
        if isinstance(backend, type) or not callable(backend):
            raise RegistrationError(
                f"Auth backend {name!r}: {backend!r} is no function of a request, nor an instance of a backend."
            )
        if isinstance(backend, SessionBackend) and scheme is None:
            scheme = SecurityScheme(id=name, type="apiKey", location="cookie", name=self._session_cookie)
        own = backend if isinstance(backend, CredentialBackend) else None
        self._by_name[name] = Backend(
            name,
            backend,
            mode_of(backend) if own is None else own.mode,
            challenge or (own.challenge if own else None),
            ambient if ambient is not None else own is None or own.ambient,
            scheme or (own.scheme if own else None),
            own.login_url if own else None,
        )

    def find(self, name: str) -> Backend:
        """Raises LookupError, with the names that there are."""
        found = self._by_name.get(name)
        if found is not None:
            return found
        near = get_close_matches(name, self._by_name, n=1)
        hint = f"did you mean {near[0]!r}?" if near else f"there is {', '.join(map(repr, self._by_name))}."
        raise LookupError(f"no auth backend is named {name!r}: register it with app.register_auth_backend, or {hint}")

    def logins(self, settings: Settings) -> SessionLogins | None:
        """What `login()` uses. Raises RegistrationError for several: nobody could tell which is meant."""
        found = {id(b.call): b.call for b in self._by_name.values() if isinstance(b.call, SessionBackend)}
        if len(found) > 1:
            raise RegistrationError("Two session backends are registered, and login() could mean either; keep one.")
        everywhere = isinstance(self._by_name[DEFAULT].call, SessionBackend)
        return next((SessionLogins(backend, settings, everywhere=everywhere) for backend in found.values()), None)


class Policies:
    """What every route asks for. `defaults` are the permissions of routes that say nothing."""

    def __init__(self, backends: Backends, defaults: Sequence[AnyPermission] = ()) -> None:
        self.backends = backends
        self.defaults = tuple(defaults)

    @property
    def nowhere(self) -> Wanted | None:
        """What is asked where no route matches: whose session it is, in an application that asks everywhere, so that its error pages know."""
        backend = self.backends.find(DEFAULT)
        if not self.defaults or not isinstance(backend.call, SessionBackend):
            return None
        return Wanted((backend,), (AllowAny(),), ())

    def resolve(self, rules: Sequence[Rule]) -> list[Rule]:
        """The rules, each that asks for something with its Policy."""
        return [self._resolved(rule) for rule in rules]

    def _resolved(self, rule: Rule) -> Rule:
        wanted = self.wanted(rule.route)
        if wanted is None:
            return rule
        return replace(rule, route=replace(rule.route, options=(*rule.route.options, wanted.policy)))

    def wanted(self, route: Route) -> Wanted | None:
        """What this route asks for; None for nothing.

        Raises RegistrationError for an unknown backend, and for two decorators that name different ones.
        """
        said = route.every(Access)
        injected = [v for v in route.plan.values if isinstance(v, Injected) and issubclass(v.kind, User)]
        if not said and self.defaults:
            said = (Access(self.defaults),)
        if not injected and all(access.permissions == () for access in said):
            return None
        named = {access.backends for access in said} - {(DEFAULT,)}
        source = route.plan.source
        if len(named) > 1:
            raise source.mistake(
                "two of its policies name different backends; write one authorize(…, backend=(…)) with all of them."
            )
        try:
            backends = tuple(self.backends.find(name) for name in next(iter(named), (DEFAULT,)))
        except LookupError as error:
            raise source.mistake(str(error)) from None
        optional = any(value.optional for value in injected)
        permissions = tuple(permission for access in said for permission in _asked_by(access, optional=optional))
        users = dict.fromkeys(cast("type[User]", value.kind) for value in injected if not value.optional)
        return Wanted(backends, permissions or (AllowAny(),), tuple(users))
