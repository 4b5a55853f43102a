"""A plan's inputs → the lines of code that bind them.

One generated Struct for each location: the type that decodes is the type that the OpenAPI document describes. The lines
run in the route's compiled handle (pipeline/chain.py); failure leaves the straight line for `refuse`, which walks every
input again and reports all that is wrong at once.
"""

from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from copy import deepcopy
from functools import partial
from itertools import chain, islice
from typing import TypeAlias, TypeVar, cast

from msgspec import Struct, ValidationError, convert, defstruct, field
from msgspec.inspect import DecimalType, FloatType

from flasgo.binding.sources import SOURCES, Source, mended
from flasgo.errors import HTTPException, Issue, Location, NotFound, ValidationFailed
from flasgo.plan.model import HandlerPlan, Input
from flasgo.plan.types import admits, is_record
from flasgo.request import Request
from flasgo.validation.decode import json_decoder
from flasgo.validation.issues import collect, finite

T = TypeVar("T")

Provider: TypeAlias = Callable[[Request], object]
"""What a parameter that is injected by type gets."""

TEXT_LOCATIONS: tuple[Location, ...] = ("path", "query", "header", "cookie")

CONSTRAINTS = frozenset({"too_small", "too_large", "not_multiple", "too_short", "too_long", "pattern_mismatch"})
"""Issues of a path's value that is of its type; any other means that the path names nothing (404)."""

MAX_ISSUES = 100


class Code(Struct, frozen=True):
    """Lines of a generated function, the names that they use, and the arguments of the handler's call.

    `waits` says that a line awaits.
    """

    lines: tuple[str, ...]
    names: Mapping[str, object]
    arguments: str
    waits: bool = False


class Model(Struct, frozen=True):
    """One location of one handler: the raw values, and the Struct that they become."""

    location: Location
    inputs: tuple[Input, ...]
    kind: type[Struct]
    source: Source

    def issues(self, request: Request) -> Iterator[Issue]:
        """All that is wrong with this location."""
        raw = self.source(request)
        repeated = [i.name for i in self.inputs if not i.many and isinstance(raw.get(i.name), list)]
        pointers = {f"/{name.replace('~', '~0').replace('/', '~1')}" for name in repeated}
        for pointer in sorted(pointers):
            yield Issue(self.location, pointer, "repeated", "must be given only once")
        rest = {name: value for name, value in raw.items() if name not in repeated}
        for issue in collect(rest, self.kind, location=self.location, strict=False):
            if issue.pointer not in pointers:
                yield issue


def models_of(plan: HandlerPlan) -> tuple[Model, ...]:
    """The generated types of a handler's text inputs, one for each location that has any."""
    models = []
    for location in TEXT_LOCATIONS:
        inputs = tuple(i for i in plan.inputs if i.location == location and not i.ready)
        if inputs:
            models.append(
                Model(location, inputs, _struct(plan, location, inputs), mended(SOURCES[location](inputs), inputs))
            )
    return tuple(models)


def _struct(plan: HandlerPlan, location: Location, inputs: Sequence[Input]) -> type[Struct]:
    fields: list[tuple[str, object] | tuple[str, object, object]] = []
    for number, one in enumerate(inputs):
        name = f"a{number}"
        fields.append((name, one.annotation) if one.required else (name, one.annotation, _default(one.default)))
    wire = {f"a{number}": one.name for number, one in enumerate(inputs)}
    name = f"{plan.source.name.rpartition('.')[2]}_{location}"
    return defstruct(name, fields, frozen=True, kw_only=True, rename=wire)


def _default(value: object) -> object:
    """A field's default: this very object, which msgspec may refuse to hold as it is, or a copy of what may change."""
    if value is None or isinstance(value, (str, int, float, bytes)):
        return value
    return field(default_factory=value.copy if isinstance(value, (list, set)) else partial(_same, value))


def _same(value: T) -> T:
    return value


def compile_binding(plan: HandlerPlan, parameters: tuple[str, ...], providers: Mapping[type, Provider]) -> Code:
    """The lines that bind a handler's arguments; `parameters` are the names in the path, in its order."""
    models = models_of(plan)
    body = plan.body
    lines = ["values = request.values"] if parameters else []
    names: dict[str, object] = {}
    later = None
    if body is not None:
        decode = json_decoder(cast("type[object]", body.annotation))
        later = _later(body, decode)
        names |= {"decode_body": decode, "body_later": later}
    if models:
        names |= {"convert": convert, "finite": finite, "ValidationError": ValidationError}
        names["refuse"] = _refusal(models, later)
        lines += ["try:", *(f"    {line}" for model in models for line in _conversion(model, names))]
        lines += ["except ValidationError:", f"    raise {'await ' if body else ''}refuse(request) from None"]
    if body is not None:
        lines += READ_BODY if body.required else ("body = await body_later(request)",)
    arguments = _arguments(plan, parameters, providers, names)
    return Code(tuple(lines), names, arguments, waits=body is not None)


READ_BODY = (
    "fields = request.fields",
    'if fields.get(b"content-type") != b"application/json" or b"content-encoding" in fields:',
    "    request.require_json()",
    "body = request.body_ready()",
    "body = decode_body(await request.body() if body is None else body)",
)
"""Mostly the body is here already, and is what it should be: then nothing is awaited and nobody asked."""


def _conversion(model: Model, names: dict[str, object]) -> Iterator[str]:
    at = model.location
    names |= {f"{at}_source": model.source, f"{at}_type": model.kind}
    yield f"{at} = convert({at}_source(request), {at}_type, strict=False)"
    for number, one in enumerate(model.inputs):
        if admits(one.annotation, FloatType, DecimalType):
            # msgspec reads "nan" and "inf" from text; a default may be what no client can send.
            value, default = f"{at}.a{number}", f"{at}_default{number}"
            names[default] = one.default
            fits = f"all(map(finite, {value} or ()))" if one.many else f"finite({value})"
            yield f"if not ({fits} or {value} {'==' if one.many else 'is'} {default}):"
            yield "    raise ValidationError"


def _arguments(
    plan: HandlerPlan, parameters: tuple[str, ...], providers: Mapping[type, Provider], names: dict[str, object]
) -> str:
    places: dict[Location, int] = {}
    call: list[str] = []
    for argument in plan.arguments:
        value = argument.value
        if not isinstance(value, Input):
            expression = _injected(value.kind, providers, names, len(call))
        elif value.location == "body":
            expression = "body"
        elif value.ready:
            expression = f"values[{parameters.index(value.name)}]"
        else:
            place = places[value.location] = places.get(value.location, -1) + 1
            expression = f"{value.location}.a{place}"
        call.append(expression if argument.positional else f"{argument.parameter}={expression}")
    call += [f"{name}=values[{parameters.index(name)}]" for name in plan.surplus]
    return ", ".join(call)


def _injected(kind: type, providers: Mapping[type, Provider], names: dict[str, object], number: int) -> str:
    if kind is Request:
        return "request"
    names[f"provide{number}"] = next(providers[base] for base in kind.__mro__ if base in providers)
    return f"provide{number}(request)"


def _refusal(
    models: Sequence[Model], later: Callable[[Request], Awaitable[object]] | None
) -> Callable[[Request], object]:
    """What is raised when a location does not fit: every issue of every location, the body's too."""

    def refuse(request: Request) -> HTTPException:
        issues = tuple(islice(chain.from_iterable(model.issues(request) for model in models), MAX_ISSUES))
        if any(issue.location == "path" and issue.code not in CONSTRAINTS for issue in issues):
            return NotFound("A part of the path does not fit; nothing is there.")
        return ValidationFailed(issues)

    return refuse if later is None else partial(_with_body, refuse, later)


async def _with_body(
    refuse: Callable[[Request], HTTPException], later: Callable[[Request], Awaitable[object]], request: Request
) -> HTTPException:
    error = refuse(request)
    if isinstance(error, ValidationFailed):
        try:
            await later(request)
        except ValidationFailed as more:
            return ValidationFailed((*error.issues, *more.issues)[:MAX_ISSUES])
    return error


def _later(body: Input, decode: Callable[[bytes], object]) -> Callable[[Request], Awaitable[object]]:
    """What reads the body, however long that takes."""
    default = body.default
    may_change = isinstance(default, (list, set, dict)) or is_record(type(default))

    async def later(request: Request) -> object:
        if not body.required and not await request.body():
            return deepcopy(default) if may_change else default
        request.require_json()
        return decode(await request.body())

    return later
