"""How routes, hooks and error handlers are registered: the decorators that an application and a blueprint share."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import lru_cache
from typing import Any, TypedDict, TypeVar, Unpack, cast

from msgspec import Struct, ValidationError, convert

from flasgo.commands import Commands
from flasgo.errors import HTTPException, RegistrationError
from flasgo.http.formlimits import FormLimits
from flasgo.http.headers import TOKEN
from flasgo.pipeline.hooks import Hook, after_hook, before_hook, error_hook, teardown_hook
from flasgo.plan.access import DEFAULT, AnyPermission, access_of
from flasgo.plan.cors import CORS, cors_option
from flasgo.plan.documents import Described, checked_raises, checked_responses
from flasgo.plan.headers import Cache, EntityTag, RouteHeaders, header_options
from flasgo.plan.limits import KeyFunc, LimitAlgorithm, RateLimitExempt, RateLimitRule
from flasgo.plan.model import Endpoint, FileLimit, HandlerPlan, Route, Source
from flasgo.plan.places import Context, plan_handler
from flasgo.plan.produces import Writer, checked_produces
from flasgo.plan.returns import check_route_status
from flasgo.plan.signature import endpoint_name, source_of
from flasgo.plan.types import peel
from flasgo.response import checked_status
from flasgo.routing.appwide import check_kind, keep_handler
from flasgo.routing.converters import AnyConverter, Converter, Converters
from flasgo.routing.furniture import Furnisher
from flasgo.routing.mount import Mount
from flasgo.routing.options import check_options
from flasgo.routing.pattern import Pattern, parse
from flasgo.routing.policies import Declared, declare, note_endpoint, with_policies
from flasgo.routing.rule import Rule
from flasgo.validation.codecs import NO_CODECS, Codecs

F = TypeVar("F", bound=Callable[..., object])

REFUSED_METHODS = frozenset({"TRACE", "CONNECT"})
"""TRACE shows a request's secrets to scripts (CWE-693), CONNECT is for proxies: no route answers them."""


class SharedOptions(TypedDict, total=False):
    """What a route takes besides path and handler, and a blueprint for all its routes.

    `threaded=False` runs a plain handler on the event loop, for those that never block. `strict_slashes` (default
    STRICT_SLASHES): the path with a slash more or less at its end is redirected here (True) or answered as well (False).
    `max_body_bytes` replaces MAX_REQUEST_BODY_BYTES, and the 16 MiB of a multipart form, on this route; `max_file_bytes` bounds
    each uploaded file as well. `cors` says which pages of other origins may read the answers (None: none, whatever the blueprint or CORS_ORIGINS says). `csrf=False` takes the CSRF check away, for routes whose
    callers prove who they are by something that a browser does not send by itself. `headers` replace and join the default
    headers of the route's answers; None removes one.

    `permissions` are all that a user needs to be let in (default: DEFAULT_PERMISSIONS), `auth` names the backend, or several in
    their order, that say who the user is; `auth` alone lets every authenticated user in, and strangers where the handler takes `User | None`.

    The rest is for the OpenAPI document. `raises` are the exceptions, Problems above all, that the handler answers with;
    `responses` more answers by status: a sentence, or the type of a JSON body. `include_in_schema=False` keeps the route out.
    """

    threaded: bool
    strict_slashes: bool | None
    max_body_bytes: int | None
    max_file_bytes: int | None
    cors: CORS | None
    csrf: bool
    auth: str | Iterable[str]
    permissions: Iterable[AnyPermission]
    headers: Mapping[str, str | None]
    tags: Iterable[str]
    deprecated: bool
    include_in_schema: bool
    raises: Iterable[type[HTTPException]]
    responses: Mapping[int, object]


class RouteOptions(SharedOptions, total=False):
    """What every registering call takes besides path and handler.

    `name` is what `url_for` takes (default: the handler's name). `status_code` (default 200) is that of an answer which names
    none. `cache` says how long the answers may be kept: they are no-store without it. `etag=True` gives answers to GET an ETag and answers 304
    to whoever has them already; browsers then ask each time, unless `cache` says more. `produces` makes other forms of the JSON that the
    handler answers, of which the client's Accept chooses one: media types, and plain functions that take what the handler returns and give text or bytes. For the OpenAPI document, `summary` and `description` (Markdown) replace the docstring's first line and the rest of it.
    The others may be said once for a whole blueprint: see SharedOptions.
    """

    name: str | None
    status_code: int
    cache: Cache | None
    etag: bool
    produces: Mapping[str, Writer]
    summary: str
    description: str
    operation_id: str | None


class Registrar(Furnisher):
    """Collects what is registered, checked at once; whoever owns it says when it is too late (`_check_open`)."""

    def __init__(self, owned: tuple[type, ...], codecs: Codecs = NO_CODECS) -> None:
        super().__init__()
        self.cli = Commands()
        self._owned = owned
        self._codecs = codecs
        self._converters = Converters()
        self._rules: list[Rule] = []
        self._rules_by_name: dict[str, list[Rule]] = {}
        self._declared: list[Declared] = []
        self._before: list[Hook] = []
        self._after: list[Hook] = []
        self._teardown: list[Hook] = []
        self._by_class: dict[type[Exception], Hook] = {}
        self._by_status: dict[int, Hook] = {}

    @property
    def routes(self) -> tuple[Route, ...]:
        """Every route with its policies, in the order of registration."""
        return tuple(rule.route for rule in with_policies(self._rules, self._declared))

    def route(
        self, path: str, *, methods: Iterable[str] = ("GET",), **options: Unpack[RouteOptions]
    ) -> Callable[[F], F]:
        """Register the decorated function, which is returned unchanged, for `path` and `methods`."""
        _check_path(path)
        if "endpoint" in options:  # it would be taken for the handler
            raise RegistrationError(f"{path!r}: what Flask calls endpoint= is name= here.")

        def register(endpoint: F) -> F:
            self.add_route(path, endpoint, methods=methods, **options)
            return endpoint

        return register

    def get(self, path: str, **options: Unpack[RouteOptions]) -> Callable[[F], F]:
        return self.route(path, methods=("GET",), **options)

    def post(self, path: str, **options: Unpack[RouteOptions]) -> Callable[[F], F]:
        return self.route(path, methods=("POST",), **options)

    def put(self, path: str, **options: Unpack[RouteOptions]) -> Callable[[F], F]:
        return self.route(path, methods=("PUT",), **options)

    def patch(self, path: str, **options: Unpack[RouteOptions]) -> Callable[[F], F]:
        return self.route(path, methods=("PATCH",), **options)

    def delete(self, path: str, **options: Unpack[RouteOptions]) -> Callable[[F], F]:
        return self.route(path, methods=("DELETE",), **options)

    def head(self, path: str, **options: Unpack[RouteOptions]) -> Callable[[F], F]:
        return self.route(path, methods=("HEAD",), **options)

    def options(self, path: str, **options: Unpack[RouteOptions]) -> Callable[[F], F]:
        return self.route(path, methods=("OPTIONS",), **options)

    def add_route(
        self,
        path: str,
        endpoint: Endpoint,
        *,
        methods: Iterable[str] = ("GET",),
        **options: Unpack[RouteOptions],
    ) -> None:
        """Register `endpoint`, any callable, for `path` and `methods`. GET answers HEAD too, and OPTIONS is automatic.

        Raises RegistrationError, naming the handler's file and line, for everything that could not work in a request;
        FrozenError after the first request.
        """
        self._check_open(f"route {path!r}")
        self._add_rules([self._rule(path, endpoint, methods, options, self._converters)])

    def _rule(  # noqa: PLR0917 - everything that a route is made of
        self,
        path: str,
        endpoint: Endpoint,
        methods: Iterable[str],
        options: RouteOptions,
        converters: Converters,
        mount: Mount | None = None,
    ) -> Rule:
        if not callable(endpoint):
            raise RegistrationError(
                f"{path!r}: {endpoint!r:.80} is no handler: a route needs a callable; give it a function."
            )
        source = source_of(endpoint)
        note_endpoint(endpoint)
        check_options(options, RouteOptions.__optional_keys__, source.mistake)
        try:
            pattern = parse(_check_path(path), converters)
        except RegistrationError as error:
            raise source.mistake(str(error)) from None
        types = {each.name: each.converter.python_type for each in pattern.placeholders}
        methods = _checked_methods(methods, source)
        context = Context(types, frozenset(pattern.bare), self._owned, methods, codecs=self._codecs)
        plan = plan_handler(endpoint, context, source)
        _check_choices(plan, pattern)
        status = _checked_status(options.get("status_code", 200), source)
        check_route_status(plan.returns, status, source)
        pattern = pattern.with_converters(_converters_by_annotation(converters, plan, pattern))
        name = options.get("name") or endpoint_name(endpoint)
        route = Route(
            path=path,
            methods=methods,
            endpoint=endpoint,
            name=name if mount is None else f"{mount.name}.{name}",
            blueprint=None if mount is None else mount.name,
            plan=plan,
            named=options.get("name") is not None,
            status_code=status,
            threaded=options.get("threaded", True),
            strict_slashes=options.get("strict_slashes"),
            max_body_bytes=_checked_size("max_body_bytes", options.get("max_body_bytes"), source),
            csrf=options.get("csrf", True),
            options=(
                _described(options, source, self._codecs),
                *_file_limit(options, source),
                *_access(options, source),
                *_header_options(options, methods, source),
                *_cors(options, methods, source),
                *checked_produces(options.get("produces", {}), plan, source, self._codecs),
            ),
        )
        return Rule(route, pattern, mount)

    def _add_rules(self, rules: Sequence[Rule]) -> None:
        """Keep all of these rules or, when one cannot stand here, none."""
        self._check_rules(rules)
        for rule in rules:
            self._rules.append(rule)
            self._rules_by_name.setdefault(rule.route.name, []).append(rule)

    def _check_rules(self, rules: Sequence[Rule]) -> None:
        """Raise RegistrationError when one of the rules cannot stand here: beside the others, or for what its handler asks."""
        raise NotImplementedError

    def register_converter(self, name: str, converter: Converter | type[Converter], *, override: bool = False) -> None:
        """Make `<name:…>` in the paths of later routes mean `converter`. Raises RegistrationError and FrozenError."""
        self._check_open(f"converter {name!r}")
        self._converters.register(name, converter, override=override)

    def authorize(self, *permissions: AnyPermission, backend: str | Iterable[str] = DEFAULT) -> Callable[[F], F]:
        """Let in only users with all of `permissions` (none: any authenticated user), whichever other decorators stand between.

        `backend` names who authenticates them; of several, the first that knows the user.

        Raises RegistrationError for what is no permission and for a blank name; at freeze, for a backend that nobody registered.
        """
        self._check_open("a policy")
        access = access_of(permissions or None, backend)
        return lambda function: declare(function, access, "@app.authorize", into=self._declared)

    def before_request(self, function: F) -> F:
        """Call `function(request)` or `function()` before every handler; what it returns, other than None, is the answer."""
        self._check_open("a before_request hook")
        self._before.append(before_hook(function))
        return function

    def after_request(self, function: F) -> F:
        """Call `function(response)` or `function(request, response)` for every response, errors included.

        It may change the response, or return another; None keeps it.
        """
        self._check_open("an after_request hook")
        self._after.append(after_hook(function))
        return function

    def teardown_request(self, function: F) -> F:
        """Call `function(error)` or `function()` when a request is over, whatever became of it; `error` is None or what ended it."""
        self._check_open("a teardown_request hook")
        self._teardown.append(teardown_hook(function))
        return function

    def ratelimit(
        self,
        requests: int,
        *,
        per: float,
        scope: str | None = None,
        key_func: KeyFunc | None = None,
        algorithm: LimitAlgorithm = "sliding-window",
        cost: int = 1,
        burst: int | None = None,
        strict: bool = False,
    ) -> Callable[[F], F]:
        """Let each client call the decorated handler `requests` times in `per` seconds; more are answered 429 without calling it.

        It may stand above or below the route's own decorator, with others between, and several times. See RateLimitRule for
        what the options mean.

        Raises RegistrationError for what could not be counted, FrozenError after the first request.
        """
        self._check_open("a rate limit")
        rule = RateLimitRule(requests, per, scope, key_func, algorithm, cost, burst, strict)
        return lambda function: declare(function, rule, "@app.ratelimit", into=self._declared)

    def ratelimit_exempt(self, function: F) -> F:
        """Take the default limits, of RATE_LIMIT_DEFAULT or a blueprint, away from the decorated handler."""
        self._check_open("an exemption from rate limits")
        return declare(function, RateLimitExempt(), "@app.ratelimit_exempt", into=self._declared)

    def errorhandler(self, kind: type[Exception] | int) -> Callable[[F], F]:
        """Answer exceptions of a class (subclasses too), or errors of a status, with `function(error)` or `function(request, error)`.

        Raises RegistrationError for a kind that is neither, or that has a handler already.
        """
        self._check_open("an error handler")
        check_kind(kind)

        def register(function: F) -> F:
            keep_handler(self._by_class, self._by_status, kind, error_hook(function))
            return function

        return register


def _check_path(path: str) -> str:
    if not isinstance(path, str):
        raise RegistrationError(f"{path!r} is no path; write the decorator with one, as in @app.get('/books').")
    return path


def _converters_by_annotation(converters: Converters, plan: HandlerPlan, pattern: Pattern) -> dict[str, Converter]:
    """The converters of bare placeholders, `<id>`, whose parameters say of what type they are."""
    found = {
        one.name: converters.for_type(peel(one.annotation)[0])
        for one in plan.inputs
        if one.location == "path" and one.name in pattern.bare
    }
    return {name: converter for name, converter in found.items() if converter is not None}


def _check_choices(plan: HandlerPlan, pattern: Pattern) -> None:
    """Raise where a parameter takes fewer texts than its placeholder lists."""
    for placeholder in pattern.placeholders:
        taken = next((one for one in plan.inputs if (one.location, one.name) == ("path", placeholder.name)), None)
        if taken is None or not isinstance(placeholder.converter, AnyConverter):
            continue
        for choice in placeholder.converter.choices:
            try:
                convert(choice, cast("Any", taken.annotation), strict=False, dec_hook=plan.codecs.read)
            except ValidationError:
                raise plan.source.mistake(
                    f"the path lets <{placeholder.name}> be {choice!r}, but the annotation does not; list the same choices in both.",
                    parameter=taken.parameter,
                ) from None


UNDESCRIBED = Described()
"""What nearly every route says; all of them share it."""


DESCRIBING = frozenset({*Described.__struct_fields__, "include_in_schema"})
"""The options of a route that say something of it."""


def _described(options: RouteOptions, source: Source, codecs: Codecs) -> Described:
    if DESCRIBING.isdisjoint(options):
        return UNDESCRIBED
    described = Described(
        summary=options.get("summary", ""),
        description=options.get("description", ""),
        tags=_checked_tags(options.get("tags", ()), source),
        deprecated=options.get("deprecated", False),
        operation_id=options.get("operation_id"),
        included=options.get("include_in_schema", True),
        raises=checked_raises(options.get("raises", ()), source, codecs),
        responses=checked_responses(options.get("responses", {}), source, codecs),
    )
    return UNDESCRIBED if described == UNDESCRIBED else described


def _checked_tags(tags: Iterable[str], source: Source) -> tuple[str, ...]:
    if isinstance(tags, str):
        raise source.mistake(f"tags={tags!r} is one string; write tags=[{tags!r}].")
    found = tuple(tags)
    if not all(isinstance(tag, str) for tag in found):
        raise source.mistake(f"tags={found!r}: a tag is a string.")
    return found


def _access(options: RouteOptions, source: Source) -> tuple[Struct, ...]:
    """What `auth` and `permissions` ask for."""
    if "auth" not in options and "permissions" not in options:
        return ()
    try:
        return (access_of(options.get("permissions"), options.get("auth", DEFAULT), lenient=True),)
    except RegistrationError as error:
        raise source.mistake(str(error)) from None


def _checked_methods(methods: Iterable[str], source: Source) -> frozenset[str]:
    if isinstance(methods, str):
        raise source.mistake(f"methods={methods!r} is one string; write methods=[{methods!r}].")
    words = tuple(methods)
    if not all(isinstance(method, str) for method in words):
        raise source.mistake(f"methods={words!r}: a method is a string, such as 'GET'.")
    names = _method_names(words)
    if not names:
        raise source.mistake("methods is empty; name at least one.")
    for name in names:
        if not TOKEN.fullmatch(name) or name in REFUSED_METHODS:
            raise source.mistake(f"{name!r} is not a method that a route can answer; take it out of methods.")
    return names


@lru_cache(maxsize=64)
def _method_names(words: tuple[str, ...]) -> frozenset[str]:
    """One set for all routes alike."""
    return frozenset(word.upper() for word in words)


def _checked_status(status: int, source: Source) -> int:
    try:
        return checked_status(status)
    except ValueError as error:
        raise source.mistake(f"status_code: {error}") from None


def _checked_size(name: str, size: int | None, source: Source) -> int | None:
    if size is not None and size < 0:
        raise source.mistake(f"{name}={size} is negative; give a number of bytes, 0 for none at all.")
    return size


def _file_limit(options: RouteOptions, source: Source) -> tuple[FileLimit, ...]:
    size = _checked_size("max_file_bytes", options.get("max_file_bytes"), source)
    if size is None:
        return ()
    whole = options.get("max_body_bytes")
    if size > (FormLimits().max_multipart_bytes if whole is None else whole):
        raise source.mistake(
            f"max_file_bytes={size} is more than the form around it may have; give the route a larger max_body_bytes, too."
        )
    return (FileLimit(size),)


def _cors(options: RouteOptions, methods: frozenset[str], source: Source) -> tuple[CORS, ...]:
    if "cors" not in options:
        return ()
    try:
        return (cors_option(options["cors"], methods),)
    except ValueError as error:
        raise source.mistake(str(error)) from None


def _header_options(
    options: RouteOptions, methods: frozenset[str], source: Source
) -> tuple[RouteHeaders | Cache | EntityTag, ...]:
    try:
        return header_options(options.get("headers"), options.get("cache"), methods, etag=options.get("etag", False))
    except (TypeError, ValueError) as error:
        raise source.mistake(str(error)) from None
