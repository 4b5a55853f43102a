"""Questions about types, answered at registration: what an annotation is, once aliases and metadata are taken off."""

import dataclasses
import enum
import types
import typing
from collections.abc import Iterable, Iterator, Mapping
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from typing import Annotated, Any, Literal, Protocol, TypeGuard, Union, cast, get_args, get_origin
from uuid import UUID

import msgspec
from msgspec import Meta, Struct

COLLECTIONS = frozenset({list, set, frozenset, tuple})
SCALARS = frozenset({str, int, float, bool, bytes, Decimal, UUID, date, datetime, time, timedelta})
"""What one piece of text can stand for."""

QUALIFIERS = frozenset({typing.Required, typing.NotRequired, typing.Final})
"""What may stand around a field's type and says nothing about its values."""

UNTYPED = frozenset({typing.Any, object})


def peel(annotation: object) -> tuple[object, tuple[object, ...]]:
    """The type below `Annotated`, `type` aliases, NewType and qualifiers, and the metadata found on the way, outermost last."""
    metadata: tuple[object, ...] = ()
    while True:
        if get_origin(annotation) is Annotated:
            annotation, *found = get_args(annotation)
            metadata = (*found, *metadata)
        elif is_alias(annotation):
            annotation = annotation.__value__
        elif (generic := _alias_of(annotation)) is not None:
            annotation = generic.__value__[get_args(annotation)]
        elif isinstance(annotation, typing.NewType):
            annotation = annotation.__supertype__
        elif get_origin(annotation) in QUALIFIERS:
            (annotation,) = get_args(annotation)
        else:
            return annotation, metadata


class Alias(Protocol):
    """What `type X = …` makes (TypeAliasType: Python 3.12, typing_extensions before)."""

    __value__: Any  # an annotation: any object at all
    __type_params__: tuple[object, ...]


def is_alias(annotation: object) -> TypeGuard[Alias]:
    return hasattr(annotation, "__value__") and hasattr(annotation, "__type_params__")


def _alias_of(annotation: object) -> Alias | None:
    """The generic alias that an annotation is an instance of."""
    origin = get_origin(annotation)
    return origin if is_alias(origin) else None


def constrained(annotation: object, metadata: Iterable[object]) -> object:
    """The annotation with its constraints (msgspec.Meta) and nothing else."""
    for meta in metadata:
        if isinstance(meta, Meta):
            annotation = cast("Any", Annotated)[annotation, meta]
    return annotation


def members(annotation: object) -> tuple[object, ...]:
    """The alternatives of a union; of anything else, itself."""
    kind, _ = peel(annotation)
    if get_origin(kind) in {Union, types.UnionType}:
        return get_args(kind)
    return (annotation,)


def without_none(annotation: object) -> tuple[tuple[object, ...], bool]:
    """The alternatives that are not None, and whether None was among them."""
    all_members = members(annotation)
    rest = tuple(m for m in all_members if m is not None and m is not type(None))
    return rest, len(rest) < len(all_members)


def union(alternatives: tuple[object, ...]) -> object:
    return cast("Any", Union)[alternatives]


def is_record(annotation: object) -> bool:
    """Is it a type with named fields: Struct, dataclass, attrs class, TypedDict, NamedTuple, or a generic one of them?"""
    kind, _ = peel(annotation)
    kind = get_origin(kind) or kind
    return isinstance(kind, type) and (
        issubclass(kind, Struct)
        or dataclasses.is_dataclass(kind)
        or hasattr(kind, "__attrs_attrs__")
        or typing.is_typeddict(kind)
        or (issubclass(kind, tuple) and hasattr(kind, "_fields"))
    )


def is_body(annotation: object) -> bool:
    """Does SPEC's rule send it to the body: a record, a collection of records, or a union with one of these?"""
    for member in members(annotation):
        kind, _ = peel(member)
        if is_record(kind) or (collection_of(kind) is not None and any(is_body(a) for a in get_args(kind))):
            return True
    return False


def collection_of(annotation: object) -> type | None:
    """list, set, frozenset or tuple where the annotation is one (also as typing's Sequence and its like); else None."""
    kind, _ = peel(annotation)
    origin = get_origin(kind) or kind
    if not isinstance(origin, type) or issubclass(origin, (str, bytes, Mapping)) or hasattr(origin, "_fields"):
        return None
    if origin in COLLECTIONS:
        return origin
    if origin.__module__ == "collections.abc" and issubclass(origin, Iterable):
        return list
    return None


def text_problem(annotation: object) -> str | None:
    """Why a piece of text, or a list of them, cannot stand for this type; None when it can."""
    alternatives, _ = without_none(annotation)
    if any(collection_of(a) is not None for a in alternatives):
        if len(alternatives) > 1:
            return "a union of a collection with something else cannot be read from text; use the collection alone"
        kind, _ = peel(alternatives[0])
        arguments = [a for a in get_args(kind) if a is not Ellipsis]
        return next((p for a in arguments if (p := _scalar_problem(a))), None)
    return next((p for a in alternatives if (p := _scalar_problem(a))), None)


def _scalar_problem(annotation: object) -> str | None:
    for member in members(annotation):
        kind, _ = peel(member)
        if kind in SCALARS or kind in UNTYPED or kind is type(None) or get_origin(kind) is Literal:
            continue
        if isinstance(kind, type) and issubclass(kind, enum.Enum):
            continue
        return f"{describe(kind)} cannot be read from text; mark the parameter with Body() to take it from the body as JSON"
    return None


def admits(annotation: object, *kinds: type) -> bool:
    """Does this type, or one inside it, admit a value of one of these classes?"""
    return any(isinstance(node, kinds) for node in nodes(annotation))


def nodes(annotation: object) -> tuple[msgspec.inspect.Type, ...]:
    """Every type inside a type, as msgspec sees it, each record once."""
    return tuple(_walk(msgspec.inspect.type_info(annotation), set()))


def _walk(node: object, seen: set[int]) -> Iterator[msgspec.inspect.Type]:
    if isinstance(node, (tuple, list)):
        for item in node:
            yield from _walk(item, seen)
    elif isinstance(node, msgspec.inspect.Field):
        yield from _walk(node.type, seen)
    elif isinstance(node, msgspec.inspect.Type) and id(node) not in seen:
        seen.add(id(node))
        yield node
        for name in node.__struct_fields__:
            yield from _walk(getattr(node, name), seen)


def json_problem(annotation: object) -> str | None:
    """Why msgspec cannot decode or encode this type as JSON; None when it can."""
    try:
        custom = next(
            (n for n in nodes(annotation) if isinstance(n, msgspec.inspect.CustomType) and n.cls is not object), None
        )
        msgspec.json.Decoder(annotation)
    except (TypeError, RecursionError) as error:
        return str(error).split("\n", maxsplit=1)[0]
    if custom is not None:
        return f"{describe(custom.cls)} is not a type that JSON can carry; use a Struct, a dataclass or a builtin type"
    return None


def describe(annotation: object) -> str:
    """A type's name, for a message."""
    return annotation.__name__ if isinstance(annotation, type) else str(annotation).replace("typing.", "")
