"""A plan's inputs → the lines of code that bind them.

One generated Struct for each location: the type that decodes is the type that the OpenAPI document describes. The lines
run in the route's compiled handle (pipeline/chain.py); failure leaves the straight line for `refuse`, which walks every
input again and reports all that is wrong at once.
"""

from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from functools import partial
from itertools import chain, islice

from msgspec import Struct, ValidationError, convert
from msgspec.inspect import DecimalType, FloatType

from flasgo.binding.calls import TEXT_LOCATIONS, Calls, Given, Lasting, Step
from flasgo.binding.content import MAX_ISSUES, compile_content
from flasgo.binding.records import record_of
from flasgo.binding.sources import SOURCES, Source, mended
from flasgo.errors import HTTPException, Issue, Location, NotFound, ValidationFailed
from flasgo.plan.forms import bare
from flasgo.plan.model import HandlerPlan, Input
from flasgo.plan.types import admits
from flasgo.request import Request
from flasgo.validation.codecs import NO_CODECS, Codecs
from flasgo.validation.issues import collect
from flasgo.validation.numbers import finite
from flasgo.validation.shapes import counts_apart, type_info

CONSTRAINTS = frozenset({"too_small", "too_large", "not_multiple", "too_short", "too_long", "pattern_mismatch"})
"""Issues of a path's value that is of its type; any other means that the path names nothing (404)."""


class Code(Struct, frozen=True):
    """Lines of a generated function, the names that they use, and the arguments of the handler's call.

    `waits` says that a line awaits. `steps` are the calls of providers, in the order in which they are due after the lines.
    """

    lines: tuple[str, ...]
    names: Mapping[str, object]
    arguments: str
    waits: bool = False
    steps: tuple[Step, ...] = ()


class Model(Struct, frozen=True):
    """One location of one handler: the raw values, and the Struct that they become."""

    location: Location
    inputs: tuple[Input, ...]
    kind: type[Struct]
    source: Source
    codecs: Codecs = NO_CODECS

    def issues(self, request: Request) -> Iterator[Issue]:
        """All that is wrong with this location."""
        raw = self.source(request)
        repeated = [i.name for i in self.inputs if not i.many and isinstance(raw.get(i.name), list)]
        pointers = {f"/{name.replace('~', '~0').replace('/', '~1')}" for name in repeated}
        for pointer in sorted(pointers):
            yield Issue(self.location, pointer, "repeated", "must be given only once")
        rest = {name: value for name, value in raw.items() if name not in repeated}
        for issue in collect(rest, self.kind, location=self.location, strict=False, codecs=self.codecs):
            if issue.pointer not in pointers:
                yield issue


def models_of(plan: HandlerPlan) -> tuple[Model, ...]:
    """The generated types of a handler's text inputs, one for each location that has any."""
    models = []
    for location in TEXT_LOCATIONS:
        inputs = tuple(i for i in plan.inputs if i.location == location and not i.ready)
        if inputs:
            kind = record_of(plan, location, inputs)
            models.append(Model(location, inputs, kind, mended(SOURCES[location](inputs), inputs), plan.codecs))
    return tuple(models)


def compile_binding(
    plan: HandlerPlan, parameters: tuple[str, ...], providers: Mapping[type, Given], lasting: Lasting
) -> Code:
    """The lines that bind a handler's arguments; `parameters` are the names in the path, in its order."""
    models = models_of(plan)
    lines = ["values = request.path_values"] if parameters else []
    names: dict[str, object] = {}
    content = compile_content(plan)
    if content is not None:
        names |= content.names
    if models:
        names |= {"convert": convert, "finite": finite, "ValidationError": ValidationError}
        names["refuse"] = _refusal(models, None if content is None else content.later)
        lines += ["try:", *(f"    {line}" for model in models for line in _conversion(model, names))]
        lines += ["except ValidationError:", f"    raise {'await ' if content else ''}refuse(request) from None"]
    if content is not None:
        lines += content.lines
    calls = Calls(plan, parameters, providers, lasting, names)
    arguments = calls.arguments(plan.arguments, plan.surplus)
    return Code(tuple(lines), names, arguments, waits=content is not None, steps=tuple(calls.steps))


def _conversion(model: Model, names: dict[str, object]) -> Iterator[str]:
    at = model.location
    names |= {f"{at}_source": model.source, f"{at}_type": model.kind}
    hook = ""
    if model.codecs.within(model.kind):
        hook = ", dec_hook=read_by_codec"
        names["read_by_codec"] = model.codecs.read
    apart = [(n, one) for n, one in enumerate(model.inputs) if counts_apart(bare(type_info(one.annotation)))]
    raw = f"{at}_source(request)"
    if apart:
        yield f"{at}_raw = {raw}"
        raw = f"{at}_raw"
    yield f"{at} = convert({raw}, {at}_type, strict=False{hook})"
    for number, one in apart:
        yield f"if len({at}.a{number}) < len({raw}.get({one.name!r}, ())):"
        yield "    raise ValidationError"
    for number, one in enumerate(model.inputs):
        if admits(one.annotation, FloatType, DecimalType):
            # msgspec reads "nan" and "inf" from text; a default may be what no client can send.
            value, default = f"{at}.a{number}", f"{at}_default{number}"
            names[default] = one.default
            fits = f"all(map(finite, {value} or ()))" if one.many else f"finite({value})"
            yield f"if not ({fits} or {value} {'==' if one.many else 'is'} {default}):"
            yield "    raise ValidationError"


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
