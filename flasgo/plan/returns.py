"""What a handler declares to answer.

`tuple[T, int]` and `tuple[T, int, Mapping]` are the forms that carry a status; what is awaited is what is answered.
"""

from collections.abc import Awaitable, Iterator, Mapping
from typing import Any, Literal, Never, NoReturn, get_args, get_origin

from msgspec.inspect import DataclassType

from flasgo.plan.model import MISSING, Returns, Source
from flasgo.plan.types import describe, json_problem, members, peel, resolve, union, without_none
from flasgo.response import Response, SupportsHTML
from flasgo.validation.shapes import nodes

ANYTHING = Returns("any")

PLAIN = (str, bytes, bytearray, memoryview, type(None), Response)
"""What has a form of its own, other than JSON."""


def plan_returns(annotation: object, source: Source) -> Returns:
    """Read a return annotation. Raises RegistrationError for a type that has no form as a response."""
    if annotation is MISSING:
        return ANYTHING
    try:
        alternatives = tuple(_alternatives(resolve(annotation)))
    except RecursionError:
        raise source.mistake("its return type is an alias that contains itself; write a Struct instead.") from None
    plain: list[type] = []
    declared: list[object] = []
    for alternative in alternatives:
        kind, _ = peel(alternative)
        form = _plain_form(kind)
        if kind is Any:
            return ANYTHING
        if form is not None:
            plain.append(form)
        elif kind is not Never and kind is not NoReturn:
            declared.append(alternative)
    if not declared:
        return Returns("plain", plain=tuple(plain)) if plain else ANYTHING
    json = union(tuple(declared))
    problem = json_problem(json) or _unwritten(json)
    if problem is not None:
        raise source.mistake(
            f"its return type has no form as a response: {problem}. "
            "Declare a type that JSON can carry, or str, bytes, None or Response."
        )
    return Returns("json", json, tuple(plain))


def _unwritten(annotation: object) -> str | None:
    """Of dataclasses and attrs classes msgspec never writes private fields, and the answer would not be what is declared."""
    records = (node for node in nodes(annotation) if isinstance(node, DataclassType))
    private = ((r.cls, f.name) for r in records for f in r.fields if f.required and f.name.startswith("_"))
    return next(
        (
            f"`{name}` of {describe(kind)} begins with an underscore, so it is never written; rename it"
            for kind, name in private
        ),
        None,
    )


def declares_awaitable(annotation: object) -> bool:
    """Does a plain function say that it gives something to await?"""
    return any(_awaited(peel(member)[0]) is not None for member in members(annotation))


def _alternatives(annotation: object) -> Iterator[object]:
    """The types of the bodies that a handler may answer."""
    for member in members(annotation):
        kind, _ = peel(member)
        inner = _awaited(kind) or _carried(kind)
        if inner is None:
            yield member
        else:
            yield from _alternatives(inner[0])


def _awaited(kind: object) -> tuple[object] | None:
    """T of `Awaitable[T]`, `Coroutine[…, T]` and their like."""
    origin = get_origin(kind) or kind
    if not isinstance(origin, type) or not issubclass(origin, Awaitable):
        return None
    arguments = get_args(kind)
    return (arguments[-1] if arguments else Any,)


def _carried(kind: object) -> tuple[object] | None:
    """T of the forms that carry a status."""
    match get_args(kind) if get_origin(kind) is tuple else ():
        case (body, status) if _is_status(status):
            return (body,)
        case (body, status, headers) if _is_status(status) and _is_headers(headers):
            return (body,)
        case _:
            return None


def _is_status(annotation: object) -> bool:
    kind, _ = peel(annotation)
    if get_origin(kind) is Literal:
        return all(type(value) is int for value in get_args(kind))
    return isinstance(kind, type) and issubclass(kind, int) and kind is not bool


def _is_headers(annotation: object) -> bool:
    kinds = [peel(member)[0] for member in without_none(annotation)[0]]
    return all(isinstance(origin := get_origin(kind) or kind, type) and issubclass(origin, Mapping) for kind in kinds)


def _plain_form(kind: object) -> type | None:
    """The class by which a plain answer is known; None for what is JSON."""
    if kind is None:
        return type(None)
    if get_origin(kind) is Literal:
        return str if all(isinstance(value, str) for value in get_args(kind)) else None
    if not isinstance(kind, type):
        return None
    if hasattr(kind, "__html__"):
        return SupportsHTML if getattr(kind, "_is_protocol", False) else kind
    return kind if issubclass(kind, PLAIN) else None
