"""What an extension is, and the handle by which it adds to an application."""

from collections.abc import Callable, Iterable, Mapping
from typing import Any, Protocol, TypeAlias, TypeVar, Unpack

from msgspec import Struct

from flasgo.auth.model import AuthBackend
from flasgo.commands import Commands
from flasgo.errors import RegistrationError
from flasgo.extensions.own_settings import read_own
from flasgo.extensions.stages import PLACES, Place, Placed
from flasgo.pipeline.stage import Stage
from flasgo.plan.documents import Additions, SecurityScheme
from flasgo.plan.model import Endpoint
from flasgo.routing.blueprint import Blueprint
from flasgo.routing.furniture import Processor
from flasgo.routing.registrar import RouteOptions
from flasgo.settings import Settings

F = TypeVar("F", bound=Callable[..., object])
L = TypeVar("L", bound=Callable[..., Any])  # as Flasgo.lifespan has it; a decorator gives back what it took
K = TypeVar("K", bound=Struct)
P = TypeVar("P", bound=Processor)


CheckOpen: TypeAlias = Callable[[str], None]
"""Raises FrozenError when nothing may be registered any more; called with what was to be."""


class Host(Protocol):
    """What an installation needs of its application."""

    @property
    def settings(self) -> Settings: ...
    @property
    def cli(self) -> Commands: ...
    def add_route(
        self, path: str, endpoint: Endpoint, *, methods: Iterable[str] = ..., **options: Unpack[RouteOptions]
    ) -> None: ...
    def register_blueprint(
        self, blueprint: Blueprint, *, url_prefix: str | None = ..., name: str | None = ...
    ) -> None: ...
    def register_auth_backend(
        self,
        name: str,
        backend: AuthBackend,
        *,
        challenge: str | None = ...,
        ambient: bool | None = ...,
        scheme: SecurityScheme | None = ...,
    ) -> None: ...
    def before_request(self, function: F) -> F: ...
    def after_request(self, function: F) -> F: ...
    def teardown_request(self, function: F) -> F: ...
    def errorhandler(self, kind: type[Exception] | int) -> Callable[[F], F]: ...
    def lifespan(self, function: L) -> L: ...
    def add_template_filter(self, function: Callable[..., object], name: str | None = ...) -> None: ...
    def add_template_test(self, function: Callable[..., object], name: str | None = ...) -> None: ...
    def add_template_global(self, value: object, name: str | None = ...) -> None: ...
    def context_processor(self, function: P) -> P: ...


class Extension(Protocol):
    """What `app.install` takes: a name, one of each in an application, and what it adds."""

    @property
    def name(self) -> str: ...

    def register(self, installation: "Installation", /) -> None:
        """Add to the application, once; it runs where `app.install` is called."""
        ...


class OpenAPIParts:
    """What an extension adds to the OpenAPI document."""

    def __init__(self, check_open: CheckOpen, additions: Additions, extension: str) -> None:
        self._check_open = check_open
        self._additions = additions
        self._extension = extension

    def add_security_scheme(self, scheme: SecurityScheme) -> None:
        """Put a scheme into the components, for stages that say `secured` with it, or hooks. Raises RegistrationError."""
        self._check_open("a security scheme")
        if self._additions.schemes.setdefault(scheme.id, scheme) != scheme:
            raise RegistrationError(
                f"Extension {self._extension!r}: there is another security scheme {scheme.id!r}; give it another id."
            )

    def add_tag(self, name: str, description: str) -> None:
        """Describe a tag; API_TAGS of the application's settings has the last word."""
        self._check_open("a tag")
        self._additions.tags[name] = description

    def add_hook(self, function: Callable[[dict[str, Any]], None]) -> None:
        """Call `function(document)` with every document that is made: it changes it in place, its components for example."""
        self._check_open("an OpenAPI hook")
        self._additions.hooks.append(function)


class Installation:
    """An application as one of its extensions sees it.

    Everything raises as on the application: RegistrationError for what could never work, FrozenError after the first request.
    """

    def __init__(
        self, extension: str, host: Host, check_open: CheckOpen, *, placed: list[Placed], additions: Additions
    ) -> None:
        self.name = extension
        self.cli = host.cli
        self.openapi = OpenAPIParts(check_open, additions, extension)
        self.own_names: set[str] = set()
        self._host = host
        self._check_open = check_open
        self._placed = placed

    @property
    def app_settings(self) -> Settings:
        """The application's settings; those of the extension itself are `settings(Kind)`."""
        return self._host.settings

    def settings(self, kind: type[K]) -> K:
        """The extension's own settings: a frozen Struct with UPPERCASE fields, checked as Settings are.

        Each is taken from the application's settings, where a subclass has a field of that name, else from EXTRA, else it is the default.

        Raises SettingsError with every problem.
        """
        found = read_own(kind, self._host.settings, self.name)
        self.own_names.update(kind.__struct_fields__)
        return found

    def add_stage(self, place: Place, stage: Stage) -> None:
        """Let `stage` take part in every route that it compiles to something, at `place`; at one place the first installed is the outermost."""
        self._check_open("a stage")
        if place not in PLACES:
            raise RegistrationError(
                f"Extension {self.name!r}: {place!r} is no place for a stage; there are {', '.join(PLACES)}."
            )
        if isinstance(stage, type) or not all(callable(getattr(stage, m, None)) for m in ("compile", "rejections")):
            raise RegistrationError(
                f"Extension {self.name!r}: {stage!r} is no stage; give an instance with compile(route) and rejections(route)."
            )
        self._placed.append(Placed(self.name, place, stage))

    # ── routes and what stands around them ──────────────────────────────────────────────────────────────────────

    def add_route(
        self, path: str, endpoint: Endpoint, *, methods: Iterable[str] = ("GET",), **options: Unpack[RouteOptions]
    ) -> None:
        self._host.add_route(path, endpoint, methods=methods, **options)

    def register_blueprint(
        self, blueprint: Blueprint, *, url_prefix: str | None = None, name: str | None = None
    ) -> None:
        self._host.register_blueprint(blueprint, url_prefix=url_prefix, name=name)

    def register_auth_backend(
        self,
        name: str,
        backend: AuthBackend,
        *,
        challenge: str | None = None,
        ambient: bool | None = None,
        scheme: SecurityScheme | None = None,
    ) -> None:
        self._host.register_auth_backend(name, backend, challenge=challenge, ambient=ambient, scheme=scheme)

    def before_request(self, function: F) -> F:
        return self._host.before_request(function)

    def after_request(self, function: F) -> F:
        return self._host.after_request(function)

    def teardown_request(self, function: F) -> F:
        return self._host.teardown_request(function)

    def errorhandler(self, kind: type[Exception] | int) -> Callable[[F], F]:
        return self._host.errorhandler(kind)

    def lifespan(self, function: L) -> L:
        return self._host.lifespan(function)

    # ── templates ───────────────────────────────────────────────────────────────────────────────────────────────

    def add_template_filter(self, function: Callable[..., object], name: str | None = None) -> None:
        self._host.add_template_filter(function, name)

    def add_template_test(self, function: Callable[..., object], name: str | None = None) -> None:
        self._host.add_template_test(function, name)

    def add_template_global(self, value: object, name: str | None = None) -> None:
        self._host.add_template_global(value, name)

    def context_processor(self, function: Callable[[], Mapping[str, object]]) -> None:
        self._host.context_processor(function)
