"""The only introspection in flasgo: a callable's signature becomes a HandlerPlan, once, at registration.

Each parameter is placed by the first of these rules that holds:

1. its name is in the path → path
2. its annotation is a type that the framework owns → injected
3. it is named `request` → the Request
4. a marker says where: Path Query Header Cookie Body
5. it is a record (Struct, dataclass, attrs, TypedDict, NamedTuple), or a collection or union of records → body
6. everything else → query

Whatever cannot work is a RegistrationError that names file, line, handler, parameter and cure.
"""

import functools
import inspect
import typing
from collections.abc import Iterable, Mapping
from datetime import date
from typing import Any, cast
from uuid import UUID

from msgspec import Struct

from flasgo.errors import Location
from flasgo.plan.markers import LOCATIONS, Marker
from flasgo.plan.model import MISSING, Argument, Call, Endpoint, HandlerPlan, Injected, Input, Source
from flasgo.plan.returns import plan_returns
from flasgo.plan.types import (
    UNTYPED,
    collection_of,
    constrained,
    describe,
    is_body,
    json_problem,
    peel,
    text_problem,
    without_none,
)
from flasgo.request import Request

Parameter = inspect.Parameter


BARE_TYPES = frozenset({int, float, UUID, date})
"""The annotations that give a bare placeholder, `<id>`, a converter of their own."""


class Context(Struct, frozen=True):
    """What a signature is read against.

    `path` maps each placeholder to the type that its converter makes; `bare` are those whose type the annotation says.
    `owned` are the types that are injected, subclasses included.
    """

    path: Mapping[str, type]
    bare: frozenset[str]
    owned: tuple[type, ...]


def source_of(endpoint: Endpoint) -> Source:
    """Where a callable is written; what has no source of its own is named by its type."""
    function = _function(endpoint)
    code = getattr(function, "__code__", None)
    name = getattr(function, "__qualname__", type(endpoint).__qualname__).replace("<locals>.", "")
    if code is None:
        return Source(getattr(function, "__module__", None) or "<built-in>", 0, name)
    return Source(code.co_filename, code.co_firstlineno, name)


def endpoint_name(endpoint: Endpoint) -> str:
    """The name that a route takes from its handler."""
    return str(getattr(_function(endpoint), "__name__", type(endpoint).__name__))


def _function(endpoint: Endpoint) -> Any:  # a function, or whatever else the callable leads to
    """The function that the programmer wrote, below partials, bound methods, instances and wrapping decorators."""
    found: Any = endpoint
    while True:
        if isinstance(found, functools.partial):
            found = found.func
        elif inspect.ismethod(found):
            found = found.__func__
        elif hasattr(found, "__wrapped__"):
            found = found.__wrapped__
        elif not isinstance(found, type) and not inspect.isroutine(found) and inspect.ismethod(found.__call__):
            found = found.__call__
        else:
            return found


def call_of(endpoint: Endpoint) -> Call:
    """How a callable is called; a plain wrapper around a coroutine function gives what that gives."""
    direct: Any = endpoint
    while isinstance(direct, functools.partial):
        direct = direct.func
    if inspect.iscoroutinefunction(direct) or inspect.iscoroutinefunction(getattr(direct, "__call__", None)):  # noqa: B004 - not a test for callability
        return "async"
    return "either" if inspect.iscoroutinefunction(_function(endpoint)) else "sync"


def arity(function: Endpoint, *, allowed: range, role: str) -> int:
    """How many positional arguments a hook takes. Raises RegistrationError when that is not in `allowed`."""
    source = source_of(function)
    parameters = _signature(function, source).parameters.values()
    positional = [p for p in parameters if p.kind in {Parameter.POSITIONAL_ONLY, Parameter.POSITIONAL_OR_KEYWORD}]
    if any(p.kind is Parameter.VAR_POSITIONAL for p in parameters):
        return allowed[-1]
    required = [p for p in positional if p.default is Parameter.empty]
    keywords = [p for p in parameters if p.kind is Parameter.KEYWORD_ONLY and p.default is Parameter.empty]
    taken = min(len(positional), allowed[-1])
    if keywords or len(required) > allowed[-1] or taken < allowed[0]:
        counts = " or ".join(str(n) for n in allowed)
        raise source.mistake(f"{role} is called with {counts} positional arguments; change its parameters to fit.")
    return taken


def plan_handler(endpoint: Endpoint, context: Context) -> HandlerPlan:
    """Read a handler's signature. Raises RegistrationError for everything that could not work in a request."""
    if not callable(endpoint):
        raise Source("<route>", 0, repr(endpoint)[:80]).mistake("a route needs a callable; give it a function.")
    source = source_of(endpoint)
    hints = _hints(endpoint, source)
    arguments: list[Argument] = []
    takes_any = False
    for parameter in _signature(endpoint, source).parameters.values():
        if parameter.kind is Parameter.VAR_KEYWORD:
            takes_any = True
        elif parameter.kind is not Parameter.VAR_POSITIONAL:
            value = _Reading(source, parameter, hints.get(parameter.name, Parameter.empty), context).place()
            arguments.append(Argument(parameter.name, parameter.kind is Parameter.POSITIONAL_ONLY, value))
    inputs = [a.value for a in arguments if isinstance(a.value, Input)]
    taken = {i.name for i in inputs if i.location == "path"}
    left = tuple(name for name in context.path if name not in taken)
    if left and not takes_any:
        raise source.mistake(
            f"the path has <{left[0]}>, but no parameter takes it; add a parameter `{left[0]}` or take it out of the path."
        )
    _check_together(source, inputs)
    returns = plan_returns(hints.get("return", MISSING), source)
    return HandlerPlan(source, call_of(endpoint), tuple(arguments), returns, left)


def _signature(endpoint: Endpoint, source: Source) -> inspect.Signature:
    try:
        return inspect.signature(endpoint)
    except (ValueError, TypeError):
        raise source.mistake("its signature cannot be read; wrap it in a function of your own.") from None


def _hints(endpoint: Endpoint, source: Source) -> Mapping[str, object]:
    function = _function(endpoint)
    try:
        return typing.get_type_hints(
            getattr(function, "__init__") if isinstance(function, type) else function,  # noqa: B009 - of a class that is a handler, its own
            include_extras=True,
        )
    except NameError as error:
        raise source.mistake(
            f"the annotation names {error.name!r}, which its module does not have. Define it at the top level of the module and "
            "import it for run time too (not under TYPE_CHECKING); a class that is local to a function needs annotations "
            "that are not strings (no `from __future__ import annotations`)."
        ) from None
    except TypeError:
        return {}  # a built-in callable has no annotations
    except Exception as error:  # noqa: BLE001 - an annotation is code of the user's: it may raise anything
        raise source.mistake(
            f"its annotations cannot be read ({type(error).__name__}: {error}); correct them."
        ) from None


class _Reading:
    """One parameter while its place is being found."""

    def __init__(self, source: Source, parameter: inspect.Parameter, annotation: object, context: Context) -> None:
        self.source = source
        self.name = parameter.name
        self.default = MISSING if parameter.default is Parameter.empty else parameter.default
        self.bare = annotation is Parameter.empty
        self.annotation: object = str if self.bare else annotation
        self.context = context
        self.kind, self.metadata = peel(self.annotation)
        markers = [m for m in self.metadata if isinstance(m, Marker)]
        if len(markers) > 1:
            raise self.mistake("it has several markers; keep the one that says where it comes from.")
        self.marker = markers[0] if markers else None
        misused = next((m for m in self.metadata if isinstance(m, type) and issubclass(m, Marker)), None)
        if misused is not None:
            raise self.mistake(f"write {misused.__name__}() instead of {misused.__name__}.")
        if isinstance(self.default, Marker):
            kind = type(self.default).__name__
            raise self.mistake(
                f"{kind}() is no default; write `{self.name}: Annotated[{describe(self.kind)}, {kind}()]`."
            )

    def mistake(self, problem: str) -> Exception:
        return self.source.mistake(problem, parameter=self.name)

    def place(self) -> Input | Injected:
        wire = self.marker.alias if self.marker is not None and self.marker.alias else self.name
        if wire in self.context.path and (self.marker is None or LOCATIONS[type(self.marker)] == "path"):
            return self._path(wire)
        injected = self._injected()
        if injected is not None:
            return injected
        if self.marker is not None:
            return self._marked(LOCATIONS[type(self.marker)], wire)
        if is_body(self.annotation):
            return self._body()
        return self._text("query", wire)

    def _injected(self) -> Injected | None:
        alternatives, optional = without_none(self.kind)
        kind, _ = peel(alternatives[0]) if len(alternatives) == 1 else (None, ())
        if isinstance(kind, type) and issubclass(kind, self.context.owned):
            if self.marker is not None:
                raise self.mistake(f"{kind.__name__} is provided by its type; take the marker away.")
            return Injected(self.name, kind, optional)
        if self.name == "request" and self.marker is None:
            return Injected(self.name, Request)
        return None

    def _path(self, name: str) -> Input:
        by_annotation = name in self.context.bare and self.kind in BARE_TYPES
        made = cast("type", self.kind) if by_annotation else self.context.path[name]
        problem = text_problem(self.annotation)
        if problem is not None and made in {str, int, float}:
            raise self.mistake(f"{problem}; a placeholder of a path is one piece of text.")
        annotation = made if self.bare or self.kind in UNTYPED else constrained(self.kind, self.metadata)
        if made is not str and self.kind is str and not self.bare:
            raise self.mistake(
                f"<{name}> makes {describe(made)} of the path's text, but the annotation says str; "
                f"write <{name}> in the path, or annotate {describe(made)}."
            )
        return Input(self.name, "path", name, annotation, MISSING, ready=annotation is made)

    def _marked(self, location: Location, wire: str) -> Input:
        if location == "path":
            raise self.mistake(f"the path has no <{wire}>; add it to the path, or take the marker Path() away.")
        if location == "body":
            return self._body()
        if location == "header":
            return self._text(location, wire.replace("_", "-").lower())
        return self._text(location, wire)

    def _body(self) -> Input:
        annotation = constrained(self.kind, self.metadata)
        problem = json_problem(annotation)
        if problem is not None:
            raise self.mistake(f"it cannot be decoded from JSON: {problem}.")
        return Input(self.name, "body", self.name, annotation, self._default())

    def _text(self, location: Location, wire: str) -> Input:
        annotation = constrained(str if self.kind in UNTYPED else self.kind, self.metadata)
        problem = text_problem(annotation) or json_problem(annotation)
        if problem is not None:
            raise self.mistake(f"{problem}.")
        alternatives, _ = without_none(annotation)
        many = collection_of(alternatives[0]) is not None
        return Input(self.name, location, wire, annotation, self._default(), many)

    def _default(self) -> object:
        """The default; `T | None` alone makes a parameter optional."""
        _, optional = without_none(self.kind)
        if self.default is None and not optional and not self.bare:
            raise self.mistake(
                f"its default is None, but its type is not; write `{describe(self.kind)} | None = None`."
            )
        return None if self.default is MISSING and optional else self.default


def _check_together(source: Source, inputs: Iterable[Input]) -> None:
    seen: dict[tuple[Location, str], str] = {}
    for one in inputs:
        key = (one.location, "" if one.location == "body" else one.name)
        other = seen.setdefault(key, one.parameter)
        if other != one.parameter and one.location == "body":
            raise source.mistake(
                f"`{other}` takes the body already; put both into one Struct, or mark what comes from the query with Query().",
                parameter=one.parameter,
            )
        if other != one.parameter:
            raise source.mistake(
                f"`{other}` takes {one.location} {one.name!r} already; give one of them an alias.",
                parameter=one.parameter,
            )
