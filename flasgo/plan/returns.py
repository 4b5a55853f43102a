"""What a handler declares to answer."""

from collections.abc import Awaitable, Coroutine, Mapping
from typing import get_args, get_origin

from flasgo.plan.model import MISSING, Returns, Source
from flasgo.plan.types import UNTYPED, json_problem, members, peel, union
from flasgo.response import Response

ANYTHING = Returns("any")

PLAIN = (str, bytes, type(None), Response)
"""What has a form of its own, other than JSON."""


def plan_returns(annotation: object, source: Source) -> Returns:
    """Read a return annotation. Raises RegistrationError for a type that has no form as a response."""
    plain: list[type] = []
    declared: list[object] = []
    for member in members(_awaited(annotation)):
        body = _body_of(member)
        kind, _ = peel(body)
        if kind is None:
            plain.append(type(None))
        elif kind in UNTYPED or kind is MISSING:
            return ANYTHING
        elif isinstance(kind, type) and (issubclass(kind, PLAIN) or hasattr(kind, "__html__")):
            plain.append(kind)
        else:
            declared.append(body)
    if not declared:
        # A bare Response may hold anything: nothing is declared about its content.
        return ANYTHING if any(issubclass(kind, Response) for kind in plain) else Returns("plain", plain=tuple(plain))
    json = union(tuple(declared))
    problem = json_problem(json)
    if problem is not None:
        raise source.mistake(
            f"its return type has no form as a response: {problem}. "
            "Declare a type that JSON can carry, or str, bytes, None or Response."
        )
    return Returns("json", json, tuple(plain))


def _awaited(annotation: object) -> object:
    """T of `Awaitable[T]` and `Coroutine[…, T]`, which plain functions around coroutines declare."""
    kind, _ = peel(annotation)
    return get_args(kind)[-1] if get_origin(kind) in {Awaitable, Coroutine} else annotation


def _body_of(annotation: object) -> object:
    """T of `tuple[T, int]` and `tuple[T, int, headers]`, the forms that carry a status."""
    kind, _ = peel(annotation)
    match get_args(kind) if get_origin(kind) is tuple else ():
        case (body, status) if status is int:
            return body
        case (body, status, headers) if status is int and issubclass(get_origin(headers) or headers, Mapping):
            return body
    return annotation
