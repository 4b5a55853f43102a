"""`Depends(provider)` → a Dependency: what a provider gives, what it takes, and that the whole can work."""

from collections.abc import AsyncIterable, Awaitable, Callable, Iterable, Mapping
from contextlib import AbstractAsyncContextManager, AbstractContextManager
from types import MethodType, NoneType
from typing import Any, TypeAlias, TypeVar, get_args, get_origin

import msgspec
from msgspec import Struct
from msgspec.structs import replace

from flasgo.errors import RegistrationError
from flasgo.plan.markers import Depends
from flasgo.plan.model import MISSING, Argument, Dependency, Endpoint, Injected, Provider, Source
from flasgo.plan.reading import Reading
from flasgo.plan.returns import declares_awaitable
from flasgo.plan.signature import Signature, call_of, check_named, made_by, signature_of, source_of
from flasgo.plan.types import UNIONS, describe, is_record, members, peel, resolve
from flasgo.settings import Settings
from flasgo.validation.shapes import type_info

CARRIERS = (AsyncIterable, Iterable, AbstractContextManager, AbstractAsyncContextManager)
"""Of what these carry, the first argument is what a parameter gets."""


class Step(Struct, frozen=True):
    """One callable on the way from the handler to the provider that is being read."""

    source: Source
    key: object
    scope: str = "request"


Trail: TypeAlias = tuple[Step, ...]
ArgumentsOf: TypeAlias = Callable[[Source, Signature, Trail], tuple[Argument, ...]]


def key_of(function: Endpoint) -> object:
    """The same for two mentions of one callable: bound methods are made anew each time."""
    return (id(function.__self__), id(function.__func__)) if isinstance(function, MethodType) else id(function)


def plan_dependency(
    reading: Reading, depends: Depends, replaced: Mapping[object, Endpoint], trail: Trail, arguments_of: ArgumentsOf
) -> Dependency:
    """Read a provider, and what it depends on in turn. Raises RegistrationError, which draws the path that cannot work."""
    declared = _declared(reading, depends)
    function = replaced.get(key_of(declared), declared)
    source = source_of(function)
    step = Step(source, key_of(function), depends.scope)
    if any(step.key == other.key for other in trail):
        raise _unworkable(reading, "its dependencies go in a circle; take one of them out of it.", (*trail, step))
    if depends.scope not in {"request", "app"}:
        raise reading.mistake(f'scope={depends.scope!r} is none; write "request" or "app".')
    if depends.scope == "app" and not depends.use_cache:
        raise reading.mistake("an app-scoped value is made once; leave out use_cache=False.")
    if trail[-1].scope == "app" and depends.scope == "request":
        raise _unworkable(
            reading,
            "a provider of the application's lifetime depends on one of a request's; give both the same scope.",
            (*trail, step),
        )
    check_named(function, source)
    signature = _with_defaults(_signature(reading, function, source), function)
    form, on_loop = made_by(function, signature.returns)
    if function is declared:
        _check_fit(reading, function, signature.returns, carried=form != "value")
    arguments = arguments_of(source, signature, (*trail, step))
    if depends.scope == "app":
        _check_of_app(arguments, source)
    call = call_of(function)
    if call == "sync" and declares_awaitable(signature.returns) and not isinstance(function, type):
        call = "either"
    provider = Provider(source, function, step.key, call, form, on_loop, depends.scope, arguments)
    return Dependency(reading.name, provider, depends.use_cache)


def _signature(reading: Reading, function: Endpoint, source: Source) -> Signature:
    """A provider's signature; what has no place of its own is refused at the place of whoever names it."""
    try:
        return signature_of(function, source)
    except RegistrationError:
        if source.line:
            raise
        cure = "wrap it in a function of your own, and name that: Depends(function)."
        raise reading.mistake(f"the signature of {describe(function)} cannot be read; {cure}") from None


def _with_defaults(signature: Signature, function: Endpoint) -> Signature:
    """The signature of a record's class has marks where a default is made anew each time: what is made stands for them."""
    if not isinstance(function, type) or not is_record(function):
        return signature
    fields = getattr(type_info(function), "fields", ())
    made = {f.name: f.default_factory() for f in fields if f.default_factory is not msgspec.NODEFAULT}
    parameters = tuple(replace(p, default=made[p.name]) if p.name in made else p for p in signature.parameters)
    return replace(signature, parameters=parameters)


def _declared(reading: Reading, depends: Depends) -> Endpoint:
    if reading.default is not MISSING:
        raise reading.mistake("it has a default, but its provider always gives a value; leave the default out.")
    if depends.provider is not None:
        if not callable(depends.provider):
            raise reading.mistake("Depends() takes a callable; pass the function itself, not what it returns.")
        return depends.provider
    kind = get_origin(reading.kind) or reading.kind
    if not isinstance(kind, type) or kind in UNIONS:  # which is a class from Python 3.14 on
        raise reading.mistake(f"{describe(reading.kind)} is no class; name the provider: Depends(provider).")
    return kind


def _unworkable(reading: Reading, problem: str, trail: Trail) -> RegistrationError:
    path = "".join(
        f"\n    {'   ' * (depth - 1)}{'└─ ' if depth else ''}{step.source}" for depth, step in enumerate(trail)
    )
    return reading.mistake(f"{problem}{path}")


def _check_of_app(arguments: Iterable[Argument], source: Source) -> None:
    for argument in arguments:
        value = argument.value
        if isinstance(value, Dependency) or (isinstance(value, Injected) and issubclass(value.kind, Settings)):
            continue
        raise source.mistake(
            "it gives a value of the application's lifetime, but this comes from a request; "
            "take Settings and other app-scoped dependencies alone, or give it the scope of a request.",
            parameter=argument.parameter,
        )


def _check_fit(reading: Reading, function: Endpoint, returns: object, *, carried: bool) -> None:
    """Raise where the provider says that it gives something that the parameter does not take."""
    try:
        given = _given(function, returns, carried=carried)
        unfit = [one for one in members(given) if not _fits(one, reading.annotation)]
    except RecursionError:
        return
    if unfit:
        raise reading.mistake(
            f"{getattr(function, '__name__', 'its provider')}() gives {describe(unfit[0])}, "
            f"but the annotation says {describe(reading.annotation)}; make one of them agree with the other."
        )


def _given(function: Endpoint, returns: object, *, carried: bool) -> object:
    """The type of the value; Any where nothing says it."""
    if returns is MISSING or (carried and isinstance(function, type)):
        return Any
    annotation = resolve(returns)
    kind, _ = peel(annotation)
    origin = get_origin(kind) or kind
    if not isinstance(origin, type):
        return annotation
    if (carried and issubclass(origin, CARRIERS)) or issubclass(origin, Awaitable):
        arguments = get_args(kind)
        place = -1 if issubclass(origin, Awaitable) else 0
        return arguments[place] if arguments else Any
    return annotation


def _fits(given: object, wanted: object) -> bool:
    """May a value of one type be of the other? Where classes cannot tell, yes."""
    have = _class_of(given)
    if have is None:
        return True
    for member in members(wanted):
        want = _class_of(member)
        if want is None or getattr(want, "_is_protocol", False) or issubclass(have, want):
            return True
        if (have, want) in {(int, float), (int, complex), (float, complex)}:
            return True
    return False


def _class_of(annotation: object) -> type | None:
    kind, _ = peel(annotation)
    if kind is None:
        return NoneType
    if kind is Any or kind is object or isinstance(kind, TypeVar):
        return None
    origin = get_origin(kind) or kind
    # A TypedDict is a dict to Python, and cannot be asked for subclasses.
    return origin if isinstance(origin, type) and not hasattr(origin, "__total__") else None
