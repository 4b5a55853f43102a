"""One generated Struct for what a location of a handler has: the type that decodes and the type that is documented."""

from collections.abc import Sequence
from functools import partial
from typing import TypeVar

from msgspec import Struct, defstruct, field

from flasgo.plan.model import HandlerPlan, Input

T = TypeVar("T")


def record_of(plan: HandlerPlan, location: str, inputs: Sequence[Input]) -> type[Struct]:
    """The Struct of these inputs: members `a0`, `a1`, … with their names on the wire."""
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
