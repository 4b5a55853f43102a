"""A handler's parameters → where each comes from: a signature becomes a HandlerPlan, once, at registration.

Each parameter is placed by the first of these rules that holds:

1. its name is in the path → path
2. its annotation is UploadedFile, or a collection of them → file; PageForm → form
3. its annotation is a type that the framework owns → injected
4. it is named `request` → the Request
5. a marker says where: Path Query Header Cookie Body Form File
6. it is a record with files in it → form
7. it is a record (Struct, dataclass, attrs, TypedDict, NamedTuple), or is made of records → body
8. everything else → query

Whatever cannot work is a RegistrationError that names file, line, handler, parameter and cure.
"""

import enum
from collections.abc import Iterable, Iterator, Mapping
from datetime import date
from decimal import Decimal
from typing import Any, Literal, cast, get_args, get_origin
from uuid import UUID

from msgspec import Struct
from msgspec.structs import replace

from flasgo.background import BackgroundTasks
from flasgo.errors import Location
from flasgo.http.forms import FormData
from flasgo.http.headers import TOKEN
from flasgo.plan.bodies import body, file, form, is_page, page
from flasgo.plan.dependencies import Step, Trail, key_of, plan_dependency
from flasgo.plan.forms import is_upload
from flasgo.plan.markers import LOCATIONS, Depends
from flasgo.plan.model import (
    MISSING,
    Argument,
    Call,
    Dependency,
    Endpoint,
    HandlerPlan,
    Injected,
    Input,
    Returns,
    Source,
)
from flasgo.plan.reading import Reading
from flasgo.plan.returns import declares_awaitable, plan_returns
from flasgo.plan.signature import (
    Signature,
    Taken,
    call_of,
    check_handler,
    is_generator,
    is_plain,
    signature_of,
    source_of,
)
from flasgo.plan.types import (
    describe,
    inside,
    is_body,
    is_collection,
    members,
    peel,
    text_problem,
    textual,
    without_none,
)
from flasgo.request import Request
from flasgo.response import Response
from flasgo.session import Session
from flasgo.settings import Settings
from flasgo.validation.codecs import NO_CODECS, Codecs

BARE_TYPES = frozenset({int, float, UUID, date})
"""The annotations that give a bare placeholder, `<id>`, a converter of their own."""

READS: Mapping[type, frozenset[type]] = {
    int: frozenset({int, float, Decimal}),
    float: frozenset({float, Decimal}),
}
"""What else than its own type the value of a converter may become."""

AS_IT_IS = (Request, Session, FormData, BackgroundTasks)
"""Of what the framework owns, the classes of which it never makes a subclass."""

BODILESS = frozenset({"GET", "HEAD"})
"""Methods whose content has no meaning (RFC 9110 §9.3.1), and is dropped by many a proxy."""


class Context(Struct, frozen=True):
    """What a signature is read against.

    `path` maps each placeholder to the type that its converter makes; `bare` are those whose type the annotation says.
    `owned` are the types that are injected, subclasses included. `methods` are those of the route.
    `replaced` are the providers that others stand in for, by their keys. `codecs` read and write classes of the user's.
    """

    path: Mapping[str, type]
    bare: frozenset[str]
    owned: tuple[type, ...]
    methods: frozenset[str] = frozenset()
    replaced: Mapping[object, Endpoint] = {}
    codecs: Codecs = NO_CODECS


FORMS: frozenset[Location] = frozenset({"form", "file"})


def plan_handler(endpoint: Endpoint, context: Context, source: Source | None = None) -> HandlerPlan:
    """Read a handler's signature. Raises RegistrationError for everything that could not work in a request."""
    source = source or source_of(endpoint)
    check_handler(endpoint, source)
    signature = signature_of(endpoint, source)
    _check_bound(signature, context, source)
    generates = is_generator(endpoint)
    returns = plan_returns(_streamed(signature.returns) if generates else signature.returns, source, context.codecs)
    call = _call_of(endpoint, signature, returns, source, generates=generates)
    arguments = _arguments(source, signature, context, (Step(source, key_of(endpoint)),), direct=is_plain(endpoint))
    plan = HandlerPlan(source, call, arguments, returns, codecs=context.codecs)
    named = {one.name for one in plan.inputs if one.location == "path"}
    left = tuple(name for name in context.path if name not in named)
    if left and not signature.surplus:
        raise source.mistake(
            f"the path has <{left[0]}>, but no parameter takes it; add a parameter `{left[0]}` or take it out of the path."
        )
    _check_together(plan, context.methods)
    return replace(plan, surplus=left) if left else plan


def plan_command(function: Endpoint) -> tuple[Dependency, ...]:
    """What a command takes of the application's lifetime; everything else is click's to give.

    Raises RegistrationError for a provider of a request's: there is none.
    """
    source = source_of(function)
    context = Context({}, frozenset(), (Settings,))
    trail = (Step(source, key_of(function)),)
    found = []
    for taken in signature_of(function, source).parameters:
        placing = _Placing(source, taken, context, trail)
        if placing.depends is not None and isinstance(value := placing.place(), Dependency):
            if value.provider.scope != "app":
                raise placing.mistake(
                    'a command has no request; give the provider the application\'s lifetime: scope="app".'
                )
            found.append(value)
    return tuple(found)


def _arguments(
    source: Source, signature: Signature, context: Context, trail: Trail, *, direct: bool = False
) -> tuple[Argument, ...]:
    """The arguments of a call; `direct`: it goes to the function that has the signature, and to nothing around it."""
    # Python is quicker to give an argument by position.
    places = {"position", "either"} if direct else {"position"}
    return tuple(
        Argument(taken.name, taken.place in places, _Placing(source, taken, context, trail).place())
        for taken in signature.parameters
        if not _is_wrappers_own(taken, context, source)
    )


def _streamed(returns: object) -> object:
    """What a generator function declares: one that says `Iterable[T]` gives an `Iterator[T]`."""
    kind, _ = peel(returns)
    if (get_origin(kind) or kind) is Iterable:
        return cast("Any", Iterator)[get_args(kind) or (Any,)]
    return returns


def _call_of(endpoint: Endpoint, signature: Signature, returns: Returns, source: Source, *, generates: bool) -> Call:
    call = call_of(endpoint)
    if generates:
        if returns.kind not in {"any", "stream"}:
            raise source.mistake(
                "it is a generator, which does not answer what it declares; declare AsyncIterator[…] or Iterator[…], or return a list."
            )
        return "either"  # calling it runs nothing yet, so that no thread is needed
    return "either" if call == "sync" and declares_awaitable(signature.returns) else call


def _check_bound(signature: Signature, context: Context, source: Source) -> None:
    first = signature.parameters[0] if signature.parameters else None
    if first is not None and first.name in {"self", "cls"} - context.path.keys() and first.annotation is MISSING:
        raise source.mistake(
            "it is a method without its instance; register it bound: `app.add_route(path, instance.method)`.",
            parameter=first.name,
        )


def _is_wrappers_own(taken: Taken, context: Context, source: Source) -> bool:
    """Is it an option of a decorator's, which no request has a say in?"""
    if not taken.added or taken.annotation is not MISSING or taken.name in {"request", *context.path}:
        return False
    if taken.default is MISSING or taken.place == "position":
        raise source.mistake(
            "its wrapper takes it, but what it wraps does not, so nothing says where it comes from "
            "(functools.wraps replaces the annotations of a wrapper); give the wrapper `*args` and `**kwargs` alone, or a `__signature__` that annotates it.",
            parameter=taken.name,
        )
    return True


class _Placing(Reading):
    """One parameter while its place is being found."""

    def __init__(self, source: Source, taken: Taken, context: Context, trail: Trail) -> None:
        super().__init__(source, taken, context.codecs)
        self.context = context
        self.trail = trail

    def place(self) -> Input | Injected | Dependency:
        return self._in_request() if self.depends is None else self._dependency(self.depends)

    def _in_request(self) -> Input | Injected:
        wire = self._wire()
        if wire in self.context.path and (self.marker is None or LOCATIONS[type(self.marker)] == "path"):
            return self._path(wire)
        if is_upload(self.annotation) or is_page(self.annotation):
            return (page if is_page(self.annotation) else file)(self, wire)
        injected = self._injected()
        if injected is not None:
            return injected
        if self.marker is not None:
            return self._marked(LOCATIONS[type(self.marker)], wire)
        if is_body(self.annotation):
            return body(self, wire)
        return self.text("query", wire)

    def _wire(self) -> str:
        """The name on the wire."""
        if self.marker is None or self.marker.alias is None:
            return self.name
        alias: object = self.marker.alias
        if not isinstance(alias, str) or not alias:
            raise self.mistake(f"alias={alias!r} is no name; give a string that is not empty, or leave it out.")
        return alias

    def _dependency(self, depends: Depends) -> Dependency:
        def arguments_of(source: Source, signature: Signature, trail: Trail) -> tuple[Argument, ...]:
            _check_bound(signature, self.context, source)
            return _arguments(source, signature, self.context, trail)

        return plan_dependency(self, depends, self.context.replaced, self.trail, arguments_of)

    def _injected(self) -> Injected | None:
        alternatives, optional = without_none(self.annotation)
        kind = peel(alternatives[0])[0] if len(alternatives) == 1 else None
        owner = kind if isinstance(kind, type) and issubclass(kind, self.context.owned) else None
        if self.name == "request" and self.marker is None and (owner is None or issubclass(owner, Request)):
            return Injected(self.name, Request)
        if owner is None:
            self._check_alone()
            return None
        if self.marker is not None:
            raise self.mistake(f"{owner.__name__} is provided by its type; take the marker away.")
        base = next((one for one in AS_IT_IS if issubclass(owner, one)), owner)
        if base is not owner:
            raise self.mistake(f"no application provides {owner.__name__}; annotate {base.__name__}.")
        return Injected(self.name, owner, optional)

    def _check_alone(self) -> None:
        """Raise where what the framework owns stands inside another type, which no request can send."""
        if type(self.annotation) is type and not issubclass(self.annotation, Response):
            return  # a class by itself, as most are
        for kind, _ in inside(self.annotation):
            if isinstance(kind, type) and issubclass(kind, Response):
                raise self.mistake("a handler takes no Response: it returns one; after_request hooks see every one.")
            if isinstance(kind, type) and issubclass(kind, self.context.owned):
                raise self.mistake(
                    f"{kind.__name__} is provided by its type alone; annotate {kind.__name__}, or {kind.__name__} | None."
                )

    def _path(self, name: str) -> Input:
        by_annotation = name in self.context.bare and self.kind in BARE_TYPES
        made = cast("type", self.kind) if by_annotation else self.context.path[name]
        if self.bare or self.kind is Any:
            return Input(self.name, "path", name, made, MISSING, ready=True)
        if isinstance(self.annotation, type) and issubclass(made, self.annotation):
            return Input(self.name, "path", name, self.annotation, MISSING, ready=True)
        annotation = textual(self.annotation)
        if isinstance(annotation, type) and issubclass(made, annotation):
            return Input(self.name, "path", name, annotation, MISSING, ready=True)
        problem = text_problem(annotation, self.codecs)
        if problem is not None or any(map(is_collection, members(annotation))):
            problem = problem or f"{describe(self.kind)} is more than one value"
            raise self.mistake(f"{problem}; a placeholder of a path is one piece of text.")
        if not any(_becomes(made, self._sent(member)) for member in members(annotation)):
            raise self.mistake(
                f"<{name}> makes {describe(made)} of the path's text, but the annotation says {describe(self.kind)}; "
                f"write <{name}> in the path, or annotate {describe(made)}."
            )
        self.check_json(annotation)
        return Input(self.name, "path", name, annotation, MISSING)

    def _sent(self, annotation: object) -> object:
        """What a value of this type is sent as."""
        codec = self.codecs.of(peel(annotation)[0])
        return annotation if codec is None else codec.wire

    def _marked(self, location: Location, wire: str) -> Input:
        match location:
            case "path":
                raise self.mistake(f"the path has no <{wire}>; add it to the path, or take the marker Path() away.")
            case "body":
                return body(self, wire)
            case "form":
                return form(self, wire)
            case "file":
                raise self.mistake(
                    f"a file is an UploadedFile, not {describe(self.kind)}; annotate UploadedFile and `await` its read()."
                )
            case "header" if self.marker is not None and self.marker.alias is None:
                return self._named(location, wire.replace("_", "-").lower())
            case "header":
                return self._named(location, wire.lower())
            case "cookie":
                return self._named(location, wire)
            case _:
                return self.text(location, wire)

    def _named(self, location: Location, wire: str) -> Input:
        """A header or cookie, whose name has a grammar (RFC 9110 §5.6.2, RFC 6265 §4.1.1)."""
        if not TOKEN.fullmatch(wire):
            raise self.mistake(
                f"{wire!r} cannot be the name of a {location}; give it an alias of letters, digits and hyphens."
            )
        if location == "header" and "_" in wire:
            raise self.mistake(f"a header with an underscore, {wire!r}, is never seen; write a hyphen in its alias.")
        return self.text(location, wire)


def _becomes(made: type, annotation: object) -> bool:
    """May what a converter makes be turned into this?"""
    kind, _ = peel(annotation)
    if made is str:
        return True
    if get_origin(kind) is Literal:
        return any(type(value) is made for value in get_args(kind))
    if isinstance(kind, type) and issubclass(kind, enum.Enum):
        return all(isinstance(member.value, made) for member in kind)
    return kind is made or kind in READS.get(made, ())


def _check_together(plan: HandlerPlan, methods: frozenset[str]) -> None:
    source, own = plan.source, frozenset(id(argument.value) for argument in plan.arguments)
    seen: dict[tuple[Location, str], Input] = {}
    wholes: list[Input] = []
    parts: list[str] = []
    for one in plan.values:
        if isinstance(one, Injected):
            parts += [one.parameter] if one.kind is FormData else []
        elif one.whole:
            wholes += [one] if not any(_is_same_whole(other, one, own) for other in wholes) else []
            parts += [one.parameter] if one.location == "form" else []
        else:
            parts += [one.parameter] if one.location in FORMS else []
            place = "form" if one.location in FORMS else one.location
            _check_same(source, seen.setdefault((place, one.name), one), one, own)
        _check_methods(source, one, methods)
    if len(wholes) > 1:
        raise source.mistake(
            f"`{wholes[0].parameter}` takes the body already; put both into one Struct, or mark what comes from the query "
            "with Query().",
            parameter=wholes[1].parameter,
        )
    if parts and wholes and wholes[0].parameter not in parts:
        raise source.mistake(
            f"`{parts[0]}` is read from a form, but this is the whole body, which may be JSON; "
            f"mark this with Form(), too, or put `{parts[0]}` into it.",
            parameter=wholes[0].parameter,
        )


def _check_same(source: Source, first: Input, second: Input, own: frozenset[int]) -> None:
    """Two parameters may share a name on the wire only where they mean the same: of a handler, and of what it depends on."""
    if first is second:
        return
    if first.parameter != second.parameter and own.issuperset({id(first), id(second)}):
        raise source.mistake(
            f"`{first.parameter}` takes {second.location} {second.name!r} already; give one of them an alias.",
            parameter=second.parameter,
        )
    if first != replace(second, parameter=first.parameter):
        raise source.mistake(
            f"{second.location} {second.name!r} is taken twice, as {describe(first.annotation)} and as "
            f"{describe(second.annotation)}, here and in its dependencies; give both the same type and default.",
            parameter=second.parameter,
        )


def _is_same_whole(first: Input, second: Input, own: frozenset[int]) -> bool:
    """Is it the same body, which a handler and what it depends on may both take?"""
    if own.issuperset({id(first), id(second)}):
        return False
    return first == replace(second, parameter=first.parameter, name=first.name)


def _check_methods(source: Source, one: Input | Injected, methods: frozenset[str]) -> None:
    if isinstance(one, Injected):
        from_body, required = one.kind is FormData, False  # of a GET it is the empty one
    else:
        from_body, required = one.location in {"body", *FORMS}, one.required
    if from_body and methods & BODILESS and (required or methods <= BODILESS):
        raise source.mistake(
            f"it comes from the body, and a {min(methods & BODILESS)} request has none; "
            "use POST, or take single values from the query.",
            parameter=one.parameter,
        )
