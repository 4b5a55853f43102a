"""The only introspection in flasgo: what a callable takes and gives, whatever it is made of.

A callable may stand in layers: partials, bound methods, instances with `__call__`, and decorators that keep what they
wrap in `__wrapped__`. What it takes is read from the innermost layer outwards:

    function, class, builtin     its own parameters
    partial                      those that it does not bind: what it binds is no longer the caller's to give
    bound method                 all but the first
    wrapper                      its own, and behind its `*args` and `**kwargs` those of what it wraps
    `__signature__`              what it says, whatever lies below

Whatever cannot be read is a RegistrationError that names file, line, handler and cure.
"""

import contextlib
import functools
import inspect
import re
import sys
import typing
from collections.abc import Iterator, Mapping
from types import FunctionType
from typing import Any, Literal, TypeAlias, TypeGuard, Unpack, get_origin

from msgspec import Struct
from msgspec.structs import replace

from flasgo.plan.model import MISSING, Call, Endpoint, Source
from flasgo.plan.types import is_record

Parameter = inspect.Parameter

AS_WRITTEN: dict[str, Any] = {"format": 4} if sys.version_info >= (3, 14) else {}  # a keyword that 3.11 does not have
"""Gives annotations as strings without evaluating them, as Python 3.14 may have to (annotationlib.Format.STRING)."""

PLACEHOLDER: object = getattr(functools, "Placeholder", MISSING)
"""What keeps a place open among the arguments of a partial (Python 3.14)."""


Place: TypeAlias = Literal["position", "name", "either"]


class Taken(Struct, frozen=True):
    """One parameter of a callable; `annotation` and `default` are MISSING where there is none.

    `place`: it is given by position alone, by name alone, or by either. `added`: a wrapper takes it, and what it wraps
    does not.
    """

    name: str
    annotation: object
    default: object
    place: Place
    added: bool = False


class Signature(Struct, frozen=True):
    """What a callable takes, and the annotation of what it gives. `rest`: it has `*args`; `surplus`: it has `**kwargs`."""

    parameters: tuple[Taken, ...]
    rest: bool = False
    surplus: bool = False
    returns: object = MISSING


def source_of(endpoint: Endpoint) -> Source:
    """Where a callable is written; what has no source of its own is named by its type."""
    function = _function(endpoint)
    name = getattr(function, "__qualname__", type(endpoint).__qualname__).replace("<locals>.", "")
    code = getattr(function, "__code__", None)
    if code is not None:
        return Source(code.co_filename, code.co_firstlineno, name)
    try:
        return Source(inspect.getfile(function), inspect.getsourcelines(function)[1], name)
    except (OSError, TypeError):
        return Source(getattr(function, "__module__", None) or "<built-in>", 0, name)


def endpoint_name(endpoint: Endpoint) -> str:
    """The name that a route takes from its handler."""
    return str(getattr(_function(endpoint), "__name__", type(endpoint).__name__))


def docstring_of(endpoint: Endpoint) -> tuple[str, str]:
    """The first line of what the programmer says of a callable, and the rest of it, as Markdown; empty where nothing is said."""
    function = _function(endpoint)
    if inspect.ismethod(endpoint) or inspect.isroutine(function):
        text = function.__doc__
    else:
        text = type(function).__doc__ if not isinstance(function, type) else function.__doc__
    first, _, rest = inspect.cleandoc(text or "").partition("\n")
    return first.strip(), rest.strip()


def call_of(endpoint: Endpoint) -> Call:
    """How a callable is called; a plain wrapper around a coroutine function gives what that gives."""
    direct = _called(endpoint)
    if inspect.iscoroutinefunction(direct):
        return "async"
    return "either" if any(map(inspect.iscoroutinefunction, _layers(endpoint))) else "sync"


def is_generator(endpoint: Endpoint) -> bool:
    """Does calling it give a generator?"""
    direct = _called(endpoint)
    return inspect.isgeneratorfunction(direct) or inspect.isasyncgenfunction(direct)


def check_answers(function: Endpoint, role: str, cure: str) -> None:
    """Raise RegistrationError for what a call only begins: generators and context managers, of which nobody runs the rest."""
    managed = any(map(_manages, _layers(function)))
    if managed or any(map(is_generator, _layers(function))):
        kind = "a context manager" if managed else "a generator"
        raise source_of(function).mistake(f"{role} is called once and gives its answer, but this is {kind}; {cure}")


def check_handler(endpoint: Endpoint, source: Source) -> None:
    """Raise RegistrationError for what has a signature that can be read, and yet could not answer a request."""
    check_named(endpoint, source)
    if any(map(_manages, _layers(endpoint))):
        raise source.mistake(
            "it is a context manager, which is no answer; make it a provider, `Depends(…)`, of a handler that answers."
        )


def check_named(endpoint: Endpoint, source: Source) -> None:
    """Raise RegistrationError for what cannot be called with arguments by name."""
    if any(_is_of(layer, functools.__name__) and hasattr(layer, "register") for layer in _layers(endpoint)):
        raise source.mistake(
            "it is a singledispatch function, which chooses by its first positional argument, and parameters are given by name; "
            "write a function of your own that calls it."
        )


def _manages(layer: Endpoint) -> bool:
    """Has contextlib made a context manager of a generator function? What a context manager decorates is another thing."""
    wrapped, code = getattr(layer, "__wrapped__", None), getattr(layer, "__code__", None)
    made = getattr(code, "co_name", "") == "helper" and _is_of(layer, contextlib.__name__)
    return bool(made) and wrapped is not None and is_generator(wrapped)


def _is_of(layer: Endpoint, module: str) -> bool:
    """Is it a wrapper that a module of the standard library has put around a function?"""
    module_of = getattr(layer, "__globals__", {}).get("__name__") or type(layer).__module__
    return bool(module_of == module)


def made_by(endpoint: Endpoint, returns: object) -> tuple[Literal["value", "generator", "context"], bool]:
    """What calling a provider gives, and whether a generator or context manager is an asynchronous one."""
    direct = _called(endpoint)
    if inspect.isasyncgenfunction(direct) or inspect.isgeneratorfunction(direct):
        return "generator", inspect.isasyncgenfunction(direct)
    if _manages(direct):
        return "context", inspect.isasyncgenfunction(getattr(direct, "__wrapped__", None))
    if isinstance(direct, type):
        on_loop = hasattr(direct, "__aenter__")
        return "context" if on_loop or hasattr(direct, "__enter__") else "value", on_loop
    origin = get_origin(returns) or returns
    on_loop = origin is contextlib.AbstractAsyncContextManager
    return "context" if on_loop or origin is contextlib.AbstractContextManager else "value", on_loop


def arity(function: Endpoint, *, allowed: range, role: str) -> int:
    """How many positional arguments a hook takes. Raises RegistrationError when that is not in `allowed`."""
    source = source_of(function)
    signature = signature_of(function, source)
    positional = [p for p in signature.parameters if p.place != "name"]
    if signature.rest:
        return allowed[-1]
    required = [p for p in positional if p.default is MISSING]
    keywords = [p for p in signature.parameters if p.place == "name" and p.default is MISSING]
    taken = min(len(positional), allowed[-1])
    if keywords or len(required) > allowed[-1] or taken < allowed[0]:
        counts = " or ".join(str(n) for n in allowed)
        raise source.mistake(f"{role} is called with {counts} positional arguments; change its parameters to fit.")
    return taken


def signature_of(endpoint: Endpoint, source: Source) -> Signature:
    """Read what a callable takes. Raises RegistrationError for what could never be called."""
    inner, *outer = reversed(list(_layers(endpoint)))
    if _below(inner) is not None:
        raise source.mistake("it wraps itself; take its `__wrapped__` away.")
    found = _own(inner, source)
    if found is None:
        raise source.mistake("its signature cannot be read; wrap it in a function of your own.")
    for layer in outer:
        if getattr(layer, "__signature__", None) is not None:
            found = _own(layer, source) or found
        elif isinstance(layer, functools.partial):
            found = _open(layer, found, source)
        elif inspect.ismethod(layer):
            found = _bound(found, source)
        elif hasattr(layer, "__wrapped__") and not isinstance(layer, staticmethod):
            found = _wrapped(_own(layer, source) or Signature((), rest=True, surplus=True), found, source)
    return found


def is_plain(endpoint: Endpoint) -> TypeGuard[FunctionType]:
    """Is it a function with nothing around it, as nearly every handler is?"""
    return isinstance(endpoint, FunctionType) and not endpoint.__dict__


def _layers(endpoint: Endpoint) -> Iterator[Endpoint]:
    """A callable, and what it leads to, down to the function that the programmer wrote."""
    if is_plain(endpoint):
        yield endpoint
        return
    seen = [endpoint]
    yield endpoint
    while (found := _below(seen[-1])) is not None and not any(found is one for one in seen):
        yield found
        seen.append(found)


def _below(layer: Endpoint) -> Endpoint | None:
    if isinstance(layer, functools.partial):
        return layer.func
    if inspect.ismethod(layer):
        return layer.__func__
    wrapped = getattr(layer, "__wrapped__", None)
    return wrapped if callable(wrapped) else _call_method(layer)


def _call_method(found: Endpoint) -> Endpoint | None:
    """The `__call__` of an instance; None for what is called by itself."""
    if isinstance(found, type) or inspect.isroutine(found):
        return None
    method = getattr(found, "__call__", None)  # noqa: B004 - the method itself is wanted
    return method if inspect.ismethod(method) or inspect.isfunction(method) else None


def _called(endpoint: Endpoint) -> Endpoint:
    """What runs first when it is called: below partials, and the `__call__` of an instance."""
    found = endpoint
    while isinstance(found, functools.partial):
        found = found.func
    return _call_method(found) or found


def _function(endpoint: Endpoint) -> Endpoint:
    """The function that the programmer wrote."""
    if is_plain(endpoint):
        return endpoint
    *_, found = _layers(endpoint)
    return found


def _own(layer: Endpoint, source: Source) -> Signature | None:
    """What one layer says of itself; None where it says nothing."""
    if is_plain(layer):
        return _of_function(layer, source)
    hints = {} if hasattr(layer, "__signature__") else _hints(layer, source)
    try:
        signature = inspect.signature(layer, follow_wrapped=False)
    except (ValueError, TypeError):
        return None
    taken: list[Taken] = []
    rest = surplus = False
    for one in signature.parameters.values():
        annotation = _evaluated(one.name, hints.get(one.name, one.annotation), layer, source)
        if one.kind is Parameter.VAR_POSITIONAL:
            rest = True
        elif one.kind is Parameter.VAR_KEYWORD and get_origin(annotation) is not Unpack:
            surplus = True
        elif one.kind is Parameter.VAR_KEYWORD:
            raise source.mistake(WRITE_OUT, parameter=one.name)
        else:
            default = MISSING if one.default is Parameter.empty else one.default
            taken.append(Taken(one.name, annotation, default, PLACES[one.kind]))
    returns = layer if isinstance(layer, type) else hints.get("return", signature.return_annotation)
    return Signature(tuple(taken), rest, surplus, _evaluated("return", returns, layer, source))


def _of_function(function: FunctionType, source: Source) -> Signature:
    """What a function says of itself, as its code has it: ten thousand of them may be read at a start."""
    code = function.__code__
    names, hints = code.co_varnames, _hints(function, source)
    first_named = code.co_argcount
    end = first_named + code.co_kwonlyargcount
    defaults = dict(zip(names[:first_named][::-1], (function.__defaults__ or ())[::-1], strict=False))
    defaults |= function.__kwdefaults__ or {}
    taken = []
    for number, name in enumerate(names[:end]):
        place: Place = "either" if number < first_named else "name"
        if number < code.co_posonlyargcount:
            place = "position"
        taken.append(Taken(name, hints.get(name, MISSING), defaults.get(name, MISSING), place))
    rest, surplus = bool(code.co_flags & inspect.CO_VARARGS), bool(code.co_flags & inspect.CO_VARKEYWORDS)
    if surplus and get_origin(hints.get(names[end + rest])) is Unpack:
        raise source.mistake(WRITE_OUT, parameter=names[end + rest])
    return Signature(tuple(taken), rest, surplus, hints.get("return", MISSING))


def _evaluated(name: str, annotation: object, layer: Endpoint, source: Source) -> object:
    """An annotation as it is; where a given signature has it as a string, as the layer's own annotations say."""
    if annotation is Parameter.empty:
        return MISSING
    return _hints(layer, source).get(name, annotation) if isinstance(annotation, str) else annotation


WRITE_OUT = "write its members out as parameters, instead of `**`."

PLACES: Mapping[object, Place] = {
    Parameter.POSITIONAL_ONLY: "position",
    Parameter.POSITIONAL_OR_KEYWORD: "either",
    Parameter.KEYWORD_ONLY: "name",
}


def _open(layer: functools.partial[object], inner: Signature, source: Source) -> Signature:
    """What a partial leaves to give."""
    positional = [p.name for p in inner.parameters if p.place != "name"]
    names = {p.name for p in inner.parameters if p.place != "position"}
    unknown = [] if inner.surplus else [name for name in layer.keywords if name not in names]
    if unknown or (len(layer.args) > len(positional) and not inner.rest):
        what = f"`{unknown[0]}`" if unknown else f"{len(layer.args)} positional arguments"
        raise source.mistake(f"its partial binds {what}, which it does not take; correct the partial.")
    places = dict(zip(positional, layer.args, strict=False))
    left: list[Taken] = []
    by_name = False
    for one in inner.parameters:
        if places.get(one.name) is PLACEHOLDER and one.name in places:
            left.append(replace(one, place="position"))
        elif one.name in layer.keywords and one.place != "position":
            by_name = True
        elif one.name not in places:
            left.append(replace(one, place="name") if by_name else one)
    return replace(inner, parameters=tuple(left))


def _bound(inner: Signature, source: Source) -> Signature:
    """What a method takes beside its instance."""
    if inner.parameters and inner.parameters[0].place != "name":
        return replace(inner, parameters=inner.parameters[1:])
    if inner.rest:
        return inner
    raise source.mistake("it is a method without a parameter for its instance; give it `self`.")


def _wrapped(own: Signature, inner: Signature, source: Source) -> Signature:
    """What a wrapper takes, and passes on."""
    returns = inner.returns if own.returns is MISSING else own.returns
    below = {p.name: p for p in inner.parameters}
    if not own.rest and not own.surplus:
        # `functools.wraps` has put the annotations of what is wrapped in the place of the wrapper's own.
        mine = [replace(p, added=p.name not in below and p.default is MISSING) for p in own.parameters]
        return replace(own, parameters=tuple(mine), returns=returns)
    mine = [replace(p, added=True) if p.name not in below else _annotated(p, below[p.name]) for p in own.parameters]
    named = {p.name for p in mine}
    passed = [p for p in inner.parameters if p.name not in named]
    lost = [p for p in passed if (p.place == "position" and not own.rest) or (p.place == "name" and not own.surplus)]
    needed = next((p.name for p in lost if p.default is MISSING), None)
    if needed is not None:
        raise source.mistake(
            "its wrapper does not pass it on; give the wrapper `*args` and `**kwargs`.", parameter=needed
        )
    passed = [p for p in passed if p not in lost]
    by_position = max((n for n, p in enumerate(passed, 1) if p.place == "position" or not own.surplus), default=0)
    if by_position:
        mine = [replace(p, place="position") if p.place == "either" else p for p in mine]
        passed[:by_position] = [replace(p, place="position") for p in passed[:by_position]]
    parameters = sorted([*mine, *passed], key=lambda p: p.place != "position")
    return Signature(tuple(parameters), own.rest and inner.rest, own.surplus and inner.surplus, returns)


def _annotated(own: Taken, below: Taken) -> Taken:
    return replace(own, annotation=below.annotation) if own.annotation is MISSING else own


def _hints(layer: Endpoint, source: Source) -> Mapping[str, object]:
    """The annotations of one layer, strings evaluated, by parameter; empty for what has none of its own."""
    noted = _noted(layer)
    if noted is None:
        return {}
    try:
        # A class may name itself, before its module knows it.
        own = {layer.__name__: layer} if isinstance(layer, type) else None
        if own is None and all(issubclass(type(one), type) for one in noted.__annotations__.values()):
            return noted.__annotations__  # classes all of them: nothing to evaluate
        return typing.get_type_hints(noted, localns=own, include_extras=True)
    except NameError as error:
        raise source.mistake(
            f"its annotation names {error.name!r}, which its module does not have, or not yet. Define it at the top level of the "
            "module, above this, and import it for run time too (not under TYPE_CHECKING); a class that is local to a function "
            "needs annotations that are not strings (no `from __future__ import annotations`).",
            parameter=_where(noted, error.name),
        ) from None
    except Exception as error:  # noqa: BLE001 - an annotation is code of the user's: it may raise anything
        raise source.mistake(
            f"its annotations cannot be read ({type(error).__name__}: {error}); correct them."
        ) from None


def _noted(layer: Endpoint) -> Endpoint | None:
    """What carries the annotations of one layer."""
    if inspect.ismethod(layer):
        return layer.__func__
    if isinstance(layer, type) and not is_record(layer):
        makers = (getattr(layer, name) for name in ("__init__", "__new__"))
        return next(filter(inspect.isfunction, makers), None)
    return layer if isinstance(layer, type) or inspect.isfunction(layer) else None


def _where(noted: Endpoint, name: str | None) -> str | None:
    """The parameter whose annotation, as it is written, names this."""
    texts = inspect.get_annotations(noted, **AS_WRITTEN)
    named = (p for p, text in texts.items() if isinstance(text, str) and name in re.findall(r"\w+", text))
    return next((parameter for parameter in named if parameter != "return"), None)
