"""A plan's inputs → the lines of code that bind them.

One generated Struct for each location: the type that decodes is the type that the OpenAPI document describes. The lines
run in the route's compiled handle (pipeline/chain.py); failure leaves the straight line for `Refusal`, which walks
every input again and reports all that is wrong at once.
"""

from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from decimal import Decimal
from functools import partial
from math import isfinite
from typing import TypeAlias, TypeVar, cast

from msgspec import Struct, ValidationError, convert, defstruct, field
from msgspec.inspect import DecimalType, FloatType
from msgspec.json import Decoder
from msgspec.json import decode as decode_untyped

from flasgo.binding.sources import SOURCES, Source, mended
from flasgo.errors import Issue, Location, NotFound, ValidationFailed
from flasgo.plan.model import HandlerPlan, Input
from flasgo.plan.types import admits
from flasgo.request import Request
from flasgo.validation.decode import decode_json
from flasgo.validation.issues import collect

T = TypeVar("T")

Provider: TypeAlias = Callable[[Request], object]
"""What a parameter that is injected by type gets."""

TEXT_LOCATIONS: tuple[Location, ...] = ("path", "query", "header", "cookie")

CONSTRAINTS = frozenset({"too_small", "too_large", "not_multiple", "too_short", "too_long", "pattern_mismatch"})
"""Issues of a path's value that is of its type; any other means that the path names nothing (404)."""


class Code(Struct, frozen=True):
    """Lines of a generated function, the names that they use, and the arguments of the handler's call.

    `waits` says that a line awaits.
    """

    lines: tuple[str, ...]
    names: Mapping[str, object]
    arguments: str
    waits: bool = False


class Model(Struct, frozen=True):
    """One location of one handler: the raw values, the Struct that they become, and whether numbers need a second look."""

    location: Location
    inputs: tuple[Input, ...]
    kind: type[Struct]
    source: Source
    finite: bool

    def issues(self, request: Request) -> list[Issue]:
        """All that is wrong with this location."""
        raw = self.source(request)
        repeated = [i.name for i in self.inputs if not i.many and isinstance(v := raw.get(i.name), list) and len(v) > 1]
        issues = [Issue(self.location, f"/{name}", "repeated", "must be given only once") for name in repeated]
        rest = {name: value for name, value in raw.items() if name not in repeated}
        if repeated or not self._fits(rest):
            found = collect(rest, self.kind, location=self.location, strict=False)
            known = {issue.pointer for issue in issues}
            issues += [issue for issue in found if issue.pointer not in known]
        return issues

    def _fits(self, raw: Mapping[str, object]) -> bool:
        try:
            value = convert(raw, self.kind, strict=False)
            check_finite(value)
        except ValidationError:
            return False
        return True


def models_of(plan: HandlerPlan) -> tuple[Model, ...]:
    """The generated types of a handler's text inputs, one for each location that has any."""
    models = []
    for location in TEXT_LOCATIONS:
        inputs = tuple(i for i in plan.inputs if i.location == location and not i.ready)
        if inputs:
            source = mended(SOURCES[location](inputs), inputs)
            finite = any(admits(i.annotation, FloatType, DecimalType) for i in inputs)
            models.append(Model(location, inputs, _struct(plan, location, inputs), source, finite))
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
    """A field that is this very object when nothing was sent; msgspec would copy or refuse what may change."""
    if value is None or isinstance(value, (str, int, float, bytes)):
        return value
    return field(default_factory=partial(_same, value))


def _same(value: T) -> T:
    return value


def check_finite(value: object) -> None:
    """Raise ValidationError where a number is NaN or infinite, which msgspec reads from text and no JSON can say."""
    if isinstance(value, (float, Decimal)):
        if not isfinite(value):
            raise ValidationError("not finite")
    elif not isinstance(value, (str, bytes, int, type(None))):
        for item in _inside(value):
            check_finite(item)


def _inside(value: object) -> Iterable[object]:
    """The values that a value holds."""
    if isinstance(value, (list, tuple, set, frozenset)):
        return value
    if isinstance(value, dict):
        return value.values()
    if isinstance(value, Struct):
        return [getattr(value, name) for name in value.__struct_fields__]
    return vars(value).values() if hasattr(value, "__dict__") else ()


def compile_binding(plan: HandlerPlan, parameters: tuple[str, ...], providers: Mapping[type, Provider]) -> Code:
    """The lines that bind a handler's arguments; `parameters` are the names in the path, in its order."""
    models = models_of(plan)
    body = plan.body
    lines = ["values = request.values"] if parameters else []
    names: dict[str, object] = {}
    if models:
        names |= {"convert": convert, "check_finite": check_finite, "ValidationError": ValidationError}
        lines.append("try:")
        for model in models:
            at = model.location
            names |= {f"{at}_source": model.source, f"{at}_type": model.kind}
            lines.append(f"    {at} = convert({at}_source(request), {at}_type, strict=False)")
            lines += [f"    check_finite({at})"] if model.finite else []
        lines += ["except ValidationError:", f"    raise {'await ' if body else ''}refuse(request) from None"]
        names["refuse"] = _refusal(models, None if body is None else _later(body))
    if body is not None:
        lines += [
            "body = body_ready(request)",
            "if body is None:",
            "    body = await body_later(request)",
            "else:",
            "    body = decode_body(body)",
        ]
        names |= {"body_ready": _ready(body), "body_later": _later(body), "decode_body": _decode(body)}
    arguments = _arguments(plan, parameters, providers, names)
    return Code(tuple(lines), names, arguments, waits=body is not None)


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

    def refuse(request: Request) -> Exception:
        issues = [issue for model in models for issue in model.issues(request)]
        if any(issue.location == "path" and issue.code not in CONSTRAINTS for issue in issues):
            return NotFound("A part of the path does not fit; nothing is there.")
        return ValidationFailed(issues)

    async def refuse_with_body(request: Request) -> Exception:
        error = refuse(request)
        if isinstance(error, ValidationFailed):
            try:
                await cast("Callable[[Request], Awaitable[object]]", later)(request)
            except ValidationFailed as more:
                return ValidationFailed((*error.issues, *more.issues))
        return error

    return refuse if later is None else refuse_with_body


def _ready(body: Input) -> Callable[[Request], bytes | None]:
    """The body's bytes if they are here already and were sent as JSON."""
    if not body.required:
        return lambda request: None  # noqa: ARG005 - an optional body is always read the longer way

    def ready(request: Request) -> bytes | None:
        fields = request.fields
        if fields.get(b"content-type") != b"application/json" or b"content-encoding" in fields:
            request.require_json()
        return request.body_ready()

    return ready


def _later(body: Input) -> Callable[[Request], Awaitable[object]]:
    decode = _decode(body)

    async def later(request: Request) -> object:
        if not body.required and not await request.body():
            return body.default
        request.require_json()
        return decode(await request.body())

    return later


def _decode(body: Input) -> Callable[[bytes], object]:
    decoder: Decoder[object] = Decoder(body.annotation)
    if not admits(body.annotation, DecimalType):
        return lambda raw: decode_json(raw, decoder)

    def finite(raw: bytes) -> object:
        value = decode_json(raw, decoder)
        try:
            check_finite(value)
        except ValidationError:
            raise ValidationFailed(
                collect(decode_untyped(raw), body.annotation, location="body", strict=True)
            ) from None
        return value

    return finite
