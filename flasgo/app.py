"""Flasgo: collects routes and hooks, freezes once, answers ASGI; everything else is delegated."""

import logging
from collections.abc import Callable, Generator, Iterable, Mapping, Sequence
from contextlib import contextmanager
from functools import partial
from importlib import import_module
from operator import attrgetter
from os import PathLike
from typing import TYPE_CHECKING, Any, Generic, TypeVar, Unpack, cast, overload

from msgspec.structs import replace

from flasgo import context
from flasgo.assembly import AppOptions, Assembly, Target, assemble, forms_of
from flasgo.auth.defaults import default_permissions
from flasgo.auth.registrar import AuthRegistrar
from flasgo.auth.registry import Backends, Policies
from flasgo.background import BackgroundTasks
from flasgo.context import Proxy, enter, leave
from flasgo.errors import ClientDisconnected, FrozenError, RegistrationError
from flasgo.extensions.registrar import Extensible, Extensions
from flasgo.http.asgi import LENGTH_FIELDS, LENGTHS, Receive, Scope, Send, gone, length_field
from flasgo.http.forms import FormData
from flasgo.identity import User
from flasgo.lifespan import Lifespan, as_context, keep, run_lifespan, warn_of_random_key
from flasgo.outbound.config import SSRFConfig
from flasgo.outbound.guard import SSRFGuard, SSRFResolvedURL
from flasgo.pipeline.appscope import AppScope, AppValue
from flasgo.pipeline.closing import close
from flasgo.pipeline.errors import ErrorHandlers
from flasgo.pipeline.hooks import Hooks
from flasgo.pipeline.sending import send_response
from flasgo.pipeline.threads import ThreadPool
from flasgo.plan.limits import RateLimitExempt
from flasgo.plan.model import Endpoint, Injected, Provider, Route
from flasgo.request import Request
from flasgo.routing.blueprint import Batch, Entry
from flasgo.routing.policies import check_attached, declare, with_policies
from flasgo.routing.rule import Rule, by_key, with_providers
from flasgo.routing.table import Claims
from flasgo.security.session_keeper import SessionKeeper, session_keeper
from flasgo.session import Session
from flasgo.settings import Settings, load_settings
from flasgo.state import State
from flasgo.staticfiles import StaticFiles
from flasgo.storage.model import Store
from flasgo.storage.urls import Stores
from flasgo.templating.engine import JinjaTemplates
from flasgo.templating.lookup import Folder
from flasgo.templating.site import TemplateSite
from flasgo.validation.codecs import Codec, Codecs

if TYPE_CHECKING:  # what is loaded at its first use: the names are for checkers alone
    from flasgo.server.run import WorkerOptions
    from flasgo.testing.client import ClientOptions, TestClient

logger = logging.getLogger("flasgo.app")

S = TypeVar("S", bound=Settings)
S2 = TypeVar("S2", bound=Settings)
L = TypeVar("L", bound=Callable[..., Any])  # as Lifespan has it; a decorator gives back what it took


OPENAPI = "flasgo.openapi"
"""Named, not imported: most processes never describe themselves."""

NO_VALUES: tuple[object, ...] = ()
NO_TARGETS: dict[str, Target] = {}


class Flasgo(TemplateSite, AuthRegistrar, Extensible, Generic[S]):
    """An ASGI application.

    `settings`: a Settings (or subclass, whose type `app.settings` then has), a mapping, a dotted module path, or any object with
    upper-case attributes. `lifespan`: an async generator function, called with the application, that yields once between startup
    and shutdown. `session_store`: where sessions are kept, in the place of SESSION_STORE; it is closed with the application.
    `static_folder`, `static_url_path` and `static_cache_max_age` are those of `configure_static`.
    `templates` is a JinjaTemplates, or the folders that `configure_templates` takes. `codecs` read and write classes of your own.

    Raises SettingsError with every problem of the settings.
    """

    settings: S

    @overload
    def __init__(
        self: "Flasgo[Settings]",
        *,
        settings: None = None,
        lifespan: "Lifespan[Flasgo[Settings]] | None" = None,
        **options: Unpack[AppOptions],
    ) -> None: ...
    @overload
    def __init__(
        self: "Flasgo[S2]",
        *,
        settings: S2,
        lifespan: "Lifespan[Flasgo[S2]] | None" = None,
        **options: Unpack[AppOptions],
    ) -> None: ...
    @overload
    def __init__(
        self: "Flasgo[Settings]",
        *,
        settings: object,
        lifespan: "Lifespan[Flasgo[Settings]] | None" = None,
        **options: Unpack[AppOptions],
    ) -> None: ...

    def __init__(
        self,
        *,
        settings: object = None,
        lifespan: object = None,
        static_folder: str | PathLike[str] | None = None,
        static_url_path: str = "/static",
        static_cache_max_age: int = 3600,
        session_store: Store | None = None,
        templates: JinjaTemplates | Folder | Sequence[Folder] | None = None,
        codecs: Iterable[Codec[Any, Any]] = (),
    ) -> None:
        super().__init__((Request, Session, Settings, FormData, BackgroundTasks, User), Codecs(codecs))
        self.settings = cast("S", load_settings(settings))
        self._backends = Backends(self.settings.session_cookie_name)
        self.state = State()
        self._extensions = Extensions()
        self.ssrf = SSRFGuard(SSRFConfig.from_settings(self.settings))
        self.stores = Stores()
        self._keeper = session_keeper(self.settings, self.stores, session_store)
        self._lifespans: list[Lifespan[Flasgo[S]]] = []
        self._claims = Claims()
        self._pool = ThreadPool(self.settings.SYNC_THREADS)
        self._scope = AppScope(self.settings, self._pool)
        self._replaced: dict[object, Endpoint] = {}
        self._assembly: Assembly | None = None
        self._described: tuple[tuple[int, ...], dict[str, Any]] | None = None
        self._verify = self.settings.DEBUG
        self._watch_templates = self.settings.DEBUG
        if lifespan is not None:
            self._lifespans.append(cast("Lifespan[Flasgo[S]]", lifespan))
        self._statics: dict[str, StaticFiles] = {}
        if static_folder is not None:
            self.configure_static(static_folder, url_path=static_url_path, cache_max_age=static_cache_max_age)
        if isinstance(templates, JinjaTemplates):
            self._use_templates(templates)
        elif templates is not None:
            self.configure_templates(templates)
        if self.settings.ENABLE_DOCS:
            import_module(f"{OPENAPI}.pages").publish(self, self.settings, self.openapi_spec)

    def __repr__(self) -> str:
        return f"<{type(self).__name__} with {len(self._rules)} routes>"

    # ── registration ────────────────────────────────────────────────────────────────────────────────────────────

    def lifespan(self, function: L) -> L:
        """Run an async generator function around the application's life; the last registered is the first to be closed."""
        self._check_open("a lifespan")
        self._lifespans.append(function)
        return function

    def configure_static(
        self, directory: str | PathLike[str], *, url_path: str = "/static", cache_max_age: int = 3600
    ) -> None:
        """Serve the files below `directory` at `url_path`; a relative one is looked for where the program is started.

        Everyone may cache them for `cache_max_age` seconds. The route is named `static:<url_path>`; `url_for("static", filename=…)` is
        that of the one at /static, or of the first. Its URLs carry a hash of the content, and are cached for a year.

        Raises RegistrationError where there is no such directory, and FrozenError.
        """
        self._check_open("a static directory")
        name = f"static:{url_path}"
        if name in self._statics:
            raise RegistrationError(f"{url_path!r} serves {self._statics[name]!r} already; give another url_path.")
        files = StaticFiles(directory, url_path=url_path, cache_max_age=cache_max_age, run=self._pool.run_surely)
        self.add_route(files.pattern, files, name=name, include_in_schema=False, permissions=())
        declare(files, files.option, "configure_static", into=self._declared)
        declare(files, RateLimitExempt(), "configure_static", into=self._declared)  # a page may need many of them

    def _rules_of(self, batch: Batch) -> list[Rule]:
        """The routes of a blueprint, and its static files: they stand in it, with its hooks and policies."""
        folder = batch.blueprint.static_folder
        if folder is None:
            return super()._rules_of(batch)
        path = batch.blueprint.static_url_path
        files = StaticFiles(folder, url_path=batch.prefix + path, cache_max_age=3600, run=self._pool.run_surely)
        entry = Entry(f"{path}/<path:filename>", files, ("GET",), {"name": "static", "include_in_schema": False})
        rules = super()._rules_of(replace(batch, entries=(*batch.entries, entry)))
        route = replace(rules[-1].route, options=(*rules[-1].route.options, files.option, RateLimitExempt()))
        return [*rules[:-1], replace(rules[-1], route=route)]

    def _add_rules(self, rules: Sequence[Rule]) -> None:
        super()._add_rules(rules)
        for rule in rules:
            if isinstance(rule.route.endpoint, StaticFiles):
                self._statics[rule.route.name] = rule.route.endpoint

    def _check_open(self, what: str) -> None:
        if self._assembly is not None:
            raise FrozenError(
                f"{what} was registered after the application began to answer requests. "
                "Register everything while your modules are imported, before the server starts."
            )

    def _check_rules(self, rules: Sequence[Rule]) -> None:
        try:
            for rule in rules:
                self._check_rule(rule)
        except RegistrationError:
            self._claims = Claims()
            for rule in self._rules:
                self._claim(rule)
            raise

    def _check_rule(self, rule: Rule) -> None:
        source = rule.route.plan.source
        for value in rule.route.plan.values:
            kind = value.kind if isinstance(value, Injected) else object
            if issubclass(kind, Settings) and not isinstance(self.settings, kind):
                have = type(self.settings).__name__
                raise source.mistake(
                    f"it asks for {kind.__name__}, but this application's settings are {have}; "
                    f"annotate {have}, or pass Flasgo(settings={kind.__name__}(…)).",
                    parameter=value.parameter,
                )
        try:
            self._claim(rule)
        except RegistrationError as error:
            raise source.mistake(f"{error}.") from None

    def _claim(self, rule: Rule) -> None:
        for pattern in forms_of(rule, self.settings):
            self._claims.add(pattern, rule.route.methods)

    def _policies(self) -> Policies:
        return Policies(self._backends, default_permissions(self.settings.DEFAULT_PERMISSIONS))

    def resolved_routes(self) -> tuple[Route, ...]:
        """Every route as it is compiled: what it asks for in the end is its option Policy.

        Raises RegistrationError and SettingsError for what could not be compiled.
        """
        self.freeze()
        return tuple(rule.route for rule in self._policies().resolve(with_policies(self._rules, self._declared)))

    def freeze(self) -> Assembly:
        """Compile every route; nothing may be registered after it. Called by the first request or by startup."""
        if self._assembly is None:
            if self.settings.secret_key_is_random:
                warn_of_random_key()
            self._assembly = self._assembled()
            if self.settings.ENABLE_DOCS:
                self.openapi_spec()  # what cannot be described is told now, not to the first reader
        return self._assembly

    def _assembled(self) -> Assembly:
        """Every route as it is now, compiled. Raises RegistrationError and SettingsError for what could not be."""
        rules = with_policies(self._rules, self._declared)
        check_attached(rules, self._declared)
        if self._replaced:
            rules = [with_providers(rule, self._owned, self._replaced) for rule in rules]
        policies = self._policies()
        return assemble(
            self,
            policies.resolve(rules),
            tuple(self._mounts.values()),
            policies=policies,
            hooks=Hooks(tuple(self._before), tuple(self._after), tuple(self._teardown)),
            handlers=ErrorHandlers(self._by_class, self._by_status),
            providers={
                Settings: lambda _: self.settings,
                BackgroundTasks: attrgetter("background"),
            },
            scope=self._scope,
            processors=tuple(self._furniture.processors),
            pool=self._pool,
            limit_store=self.stores.open(self.settings.RATE_LIMIT_STORE),
            keeper=self._keeper,
            placed=self._extensions.placed(self.settings),
            codecs=self._codecs,
            words=self._form_words,
            verify=self._verify,
        )

    # ── use ─────────────────────────────────────────────────────────────────────────────────────────────────────

    def _meant(self, endpoint: str, values: dict[str, object]) -> str:
        if endpoint == "static" and endpoint not in self._rules_by_name:
            own = [name for name in self._statics if name.startswith("static:")]
            endpoint = next((name for name in ("static:/static", *own) if name in own), endpoint)
        if endpoint in self._statics and "v" not in values:
            values["v"] = self._statics[endpoint].version(str(values.get("filename", "")))
        return endpoint

    @property
    def sessions(self) -> SessionKeeper:
        """The sessions in their store: a user's devices, and ending them. RuntimeError where sessions are signed cookies."""
        if self._keeper is None:
            raise RuntimeError(
                "Sessions in signed cookies can be neither listed nor revoked. Keep them in a store: "
                'Flasgo(settings={"SESSION_STORE": "sqlite:///sessions.db"}).'
            )
        return self._keeper

    def lasting(self, provider: Provider) -> AppValue:
        """The value of a provider whose scope is the application, for commands."""
        return self._scope.value_of(provider)

    def openapi_spec(self) -> dict[str, Any]:
        """The OpenAPI 3.1 document of the routes as they are now; the same object until something is registered.

        Raises ConfigurationError for what no document can say, such as two operations of one id.
        """
        more = self._extensions.additions
        known = (len(self._rules), len(self._declared), len(self._by_class), len(self._by_status), len(more))
        if self._described is None or self._described[0] != known:
            assembly = self._assembly or self._assembled()  # what is open stays open
            emit = import_module(f"{OPENAPI}.emit")
            of = emit.Subject(assembly.rules, assembly.around, self.settings, more, self._codecs)
            self._described = known, emit.document(of)
        return self._described[1]

    def resolve_outbound_url(self, url: str) -> SSRFResolvedURL:
        """Where a URL of a user's leads, resolved once and pinned, if it may be fetched at all (CWE-918).

        Raises SSRFViolation. It blocks while the name is resolved: async code calls `app.ssrf.aresolve_url`.
        """
        return self.ssrf.resolve_url(url)

    def test_client(self, **options: "Unpack[ClientOptions]") -> "TestClient":
        """A client that calls this application without a server; the options are those of TestClient.

        From then on answers are checked against their declared types in full, as in DEBUG.
        """
        if not self._verify:
            self._verify = True
            if self._assembly is not None:
                self._assembly = None
                self.freeze()
        client: TestClient = import_module("flasgo.testing.client").TestClient(self, **options)
        return client

    @contextmanager
    def override_dependencies(self, replacements: Mapping[Endpoint, Endpoint]) -> Generator[None]:
        """Inside the `with`, let other callables stand in for providers, in every route and dependency; for tests.

        A replacement may take other parameters than what it replaces. Raises RegistrationError for a provider that no route
        depends on.
        """
        stand_ins = by_key(self._rules, replacements)
        before = self.freeze(), self._verify, self._replaced
        self._replaced, self._assembly = before[2] | stand_ins, None
        try:
            self.freeze()
            yield
        finally:
            self._replaced = before[2]
            self._assembly = before[0] if self._verify == before[1] else None
            self.freeze()

    def run(
        self,
        *,
        host: str = "127.0.0.1",
        port: int = 8000,
        reload: bool | None = None,
        reload_dirs: Iterable[str | PathLike[str]] | None = None,
        **shared: "Unpack[WorkerOptions]",
    ) -> None:
        """Serve on uvicorn until Ctrl+C, as `flasgo run` does. `reload` (default: DEBUG) restarts it when a file changes.

        `workers` processes share the work; one that has served `max_requests`, or up to 20 % more, is replaced (0: never).
        """
        import_module("flasgo.server.run").run_app(
            self, host=host, port=port, reload=reload, reload_dirs=reload_dirs, **shared
        )

    # ── ASGI ────────────────────────────────────────────────────────────────────────────────────────────────────

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or type(scope["headers"]) is not list:
            await self._unusual(scope, receive, send)
            return
        assembly = self._assembly or self.freeze()
        if assembly.proxied:
            scope = assembly.proxies.resolve(scope)
        method = scope["method"]
        path = scope["path"]
        static = assembly.static
        targets = static[path] if path in static else NO_TARGETS  # noqa: SIM401 - the same
        if method in targets and not ("root_path" in scope and scope["root_path"]):  # noqa: RUF019 - a call less
            target, values = targets[method], NO_VALUES
        else:
            target, values = assembly.find(scope)
        headers = scope["headers"]
        fields = dict(headers)
        request = Request(scope, receive, target.terms, values, fields, len(fields) != len(headers))
        handle = target.handle
        token = enter(request)
        try:
            answer = await handle(request)
            if isinstance(answer, tuple):
                status, raw, body = answer
                size = len(body)
                raw.append(LENGTH_FIELDS[size] if size < LENGTHS else length_field(size))
                try:
                    await send({"type": "http.response.start", "status": status, "headers": raw})
                    await send({"type": "http.response.body", "body": b"" if method == "HEAD" else body})
                except OSError as error:
                    raise gone() from error
            else:
                await send_response(request, answer, send, net=target.net, finish=assembly.finish, pool=self._pool)
        except ClientDisconnected as error:
            # There is nobody to answer, and nothing went wrong here.
            request.fail(error)
            logger.debug("client-disconnected method=%s path=%r", method, path)
        except BaseException as error:
            request.fail(error)
            raise
        finally:
            try:
                if target.teardown is not None or request.closing:
                    await close(request, target.teardown, self._pool)
            finally:
                leave(token)

    async def _unusual(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":  # ASGI allows any iterable of headers, even one that can be read but once
            await self({**scope, "headers": list(scope["headers"])}, receive, send)
        elif scope["type"] == "lifespan":
            await run_lifespan(
                receive,
                send,
                prepare=self.freeze,
                contexts=lambda: [
                    self.stores.kept(),
                    *(as_context(lifespan, self) for lifespan in self._lifespans),
                    self._scope.lifespan(),
                ],
                opened=partial(keep, self.state),
                release=self._pool.shutdown,
            )
        elif scope["type"] == "websocket":
            await receive()
            # Closing before accepting makes the server refuse the handshake with 403.
            await send({"type": "websocket.close", "code": 1008, "reason": "WebSockets are not served here."})
        else:
            raise RuntimeError(f"This application answers http, not {str(scope['type'])[:40]!r}.")


request, session, user = context.request, context.session, context.current_user  # called, they give the current ones
current_app = cast("Flasgo[Settings]", Proxy("current_app", context.app_in_hand))
"""The application that answers the current request; without one, that of `app_context`."""


def url_for(
    endpoint: str,
    /,
    *,
    _anchor: str | None = None,
    _external: bool = False,
    _scheme: str | None = None,
    **values: object,
) -> str:
    """`Flasgo.url_for` of the application that answers the current request."""
    return current_app.url_for(endpoint, _anchor=_anchor, _external=_external, _scheme=_scheme, **values)
