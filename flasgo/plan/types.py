"""Questions about types, answered at registration: what an annotation is, once aliases and metadata are taken off."""

import enum
import types
import typing
from collections.abc import Iterable, Iterator, Mapping
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from typing import Annotated, Any, Literal, LiteralString, Protocol, TypeGuard, Union, cast, get_args, get_origin
from uuid import UUID

import msgspec
from msgspec import Meta, Struct

from flasgo.patterns import regex
from flasgo.validation.codecs import NO_CODECS, Codecs
from flasgo.validation.shapes import nodes, type_info

COLLECTIONS = frozenset({list, set, frozenset, tuple})
SCALARS = frozenset({str, int, float, bool, bytes, Decimal, UUID, date, datetime, time, timedelta})
"""What one piece of text can stand for."""

QUALIFIERS = frozenset({typing.Required, typing.NotRequired, typing.Final})
"""What may stand around a field's type and says nothing about its values."""

UNIONS = frozenset({Union, types.UnionType})

AS_BODY = "mark the parameter with Body() to take it from the body as JSON"


class Alias(Protocol):
    """What `type X = …` makes (TypeAliasType: Python 3.12, typing_extensions before)."""

    __value__: Any  # an annotation: any object at all
    __type_params__: tuple[object, ...]


def is_alias(annotation: object) -> TypeGuard[Alias]:
    return hasattr(annotation, "__value__") and hasattr(annotation, "__type_params__")


def peel(annotation: object) -> tuple[object, tuple[object, ...]]:
    """The type below `Annotated`, `type` aliases, NewType and qualifiers, and the metadata found on the way, outermost last."""
    if isinstance(annotation, type):
        return annotation, ()
    metadata: tuple[object, ...] = ()
    while True:
        if get_origin(annotation) is Annotated:
            annotation, *found = get_args(annotation)
            metadata = (*found, *metadata)
        elif is_alias(generic := get_origin(annotation)):
            annotation = _written_out(generic, get_args(annotation))
        elif is_alias(annotation):
            annotation = _written_out(annotation, ())
        elif isinstance(annotation, typing.NewType):
            annotation = annotation.__supertype__
        elif get_origin(annotation) in QUALIFIERS:
            (annotation,) = get_args(annotation)
        else:
            return annotation, metadata


def _written_out(alias: Alias, arguments: tuple[object, ...]) -> object:
    """The value of an alias, with its own parameters replaced, in the order in which it declares them."""
    value = alias.__value__
    given = dict(zip(alias.__type_params__, arguments, strict=False))
    parameters = (value,) if value in alias.__type_params__ else getattr(value, "__parameters__", ())
    replaced = tuple(given.get(p, _default_of(p)) for p in parameters)
    if parameters == (value,):
        return replaced[0]
    return value[replaced] if replaced != parameters else value


def _default_of(parameter: object) -> object:
    """The default of a type parameter (PEP 696), or Any."""
    has_default = getattr(parameter, "has_default", None)
    return getattr(parameter, "__default__", Any) if has_default is not None and has_default() else Any


def resolve(annotation: object) -> object:
    """The annotation as msgspec should read it.

    Aliases and NewTypes are written out, at every level; `object` is Any; of metadata the constraints (msgspec.Meta) stay.
    Raises RecursionError for an alias that contains itself.
    """
    kind, metadata = peel(annotation)
    origin, arguments = get_origin(kind), get_args(kind)
    if kind is object:
        kind = Any
    elif kind is LiteralString:
        kind = str
    elif origin is Literal:
        kind = _literal(arguments)
    elif origin in UNIONS:
        kind = union(tuple(map(resolve, arguments)))
    elif arguments:
        resolved = tuple(map(resolve, arguments))
        kind = kind if resolved == arguments else cast("Any", origin)[resolved]
    elif isinstance(kind, type) and isinstance(parameters := getattr(kind, "__parameters__", ()), tuple) and parameters:
        defaults = tuple(map(_default_of, parameters))
        kind = kind if all(d is Any for d in defaults) else cast("Any", kind)[defaults]
    return constrained(kind, metadata)


def _literal(values: tuple[object, ...]) -> object:
    """A Literal whose None, if any, is a member of a union, as everywhere else."""
    rest = tuple(value for value in values if value is not None)
    if not rest:
        return None
    literal = cast("Any", Literal)[rest]
    return literal if len(rest) == len(values) else union((literal, None))


def constrained(annotation: object, metadata: Iterable[object]) -> object:
    """The annotation with its constraints (msgspec.Meta) and nothing else."""
    for meta in metadata:
        if isinstance(meta, Meta):
            annotation = cast("Any", Annotated)[annotation, meta]
    return annotation


def inside(annotation: object) -> Iterator[tuple[object, tuple[object, ...]]]:
    """An annotation and those it is made of, each peeled."""
    kind, metadata = peel(annotation)
    yield kind, metadata
    if get_origin(kind) is not Literal:
        for argument in get_args(kind):
            yield from inside(argument)


def members(annotation: object) -> tuple[object, ...]:
    """The alternatives of a union; of anything else, itself."""
    kind, _ = peel(annotation)
    if get_origin(kind) in UNIONS:
        return tuple(member for argument in get_args(kind) for member in members(argument))
    return (annotation,)


def without_none(annotation: object) -> tuple[tuple[object, ...], bool]:
    """The alternatives that are not None, and whether None was among them."""
    every = members(annotation)
    rest = tuple(m for m in every if peel(m)[0] is not None and peel(m)[0] is not types.NoneType)
    return rest, len(rest) < len(every)


def union(alternatives: tuple[object, ...]) -> object:
    return alternatives[0] if len(alternatives) == 1 else cast("Any", Union)[alternatives]


def is_record(annotation: object) -> bool:
    """Is it a type with named fields: Struct, dataclass, attrs class, TypedDict, NamedTuple, or a generic one of them?"""
    kind, _ = peel(annotation)
    kind = get_origin(kind) or kind
    return isinstance(kind, type) and (
        issubclass(kind, Struct)
        or hasattr(kind, "__dataclass_fields__")
        or hasattr(kind, "__attrs_attrs__")
        or typing.is_typeddict(kind)
        or (issubclass(kind, tuple) and hasattr(kind, "_fields"))
    )


def is_body(annotation: object) -> bool:
    """Does SPEC's rule send it to the body: a record, or anything that is made of records?"""
    return any(is_record(kind) for kind, _ in inside(annotation))


def is_collection(annotation: object) -> bool:
    """Is it a list, set, frozenset or tuple, or one of typing's Sequence and its like?"""
    kind, _ = peel(annotation)
    origin = get_origin(kind) or kind
    if not isinstance(origin, type) or issubclass(origin, (str, bytes, Mapping)) or hasattr(origin, "_fields"):
        return False
    return origin in COLLECTIONS or (origin.__module__ == "collections.abc" and issubclass(origin, Iterable))


def textual(annotation: object) -> object:
    """A resolved annotation without the Nones that no text can say, in it and in its items; None if there is nothing else."""
    kind, metadata = peel(annotation)
    rest, _ = without_none(kind)
    if not rest:
        return None
    if len(rest) > 1:
        return constrained(union(rest), metadata)
    kind, inner = peel(rest[0])
    if is_collection(kind) and (arguments := get_args(kind)):
        items = tuple(a if a is Ellipsis else textual(a) for a in arguments)
        kind = kind if items == arguments else cast("Any", get_origin(kind))[items]
    return constrained(kind, (*inner, *metadata))


def text_problem(annotation: object, codecs: Codecs = NO_CODECS) -> str | None:
    """Why a piece of text, or a list of them, cannot stand for this textual type; None when it can."""
    alternatives = members(annotation)
    if not any(map(is_collection, alternatives)):
        return next((problem for a in alternatives if (problem := _scalar_problem(a, codecs))), None)
    if len(alternatives) > 1:
        return "a union of a collection with something else cannot be read from text; use the collection alone"
    items = (argument for argument in get_args(peel(annotation)[0]) if argument is not Ellipsis)
    return next((problem for item in items if (problem := _scalar_problem(item, codecs))), None)


def _scalar_problem(annotation: object, codecs: Codecs) -> str | None:
    for member in members(annotation):
        kind, _ = peel(member)
        codec = codecs.of(kind)
        if codec is not None:
            if text_problem(resolve(codec.wire)) is not None or is_collection(codec.wire):
                return f"{describe(kind)} is read from {describe(codec.via)}, not from text; {AS_BODY}"
            continue
        if kind is None:
            return "None alone says nothing; annotate the type of the value"
        if kind is Any or get_origin(kind) is Literal:
            continue
        if not isinstance(kind, type) or not (kind in SCALARS or issubclass(kind, enum.Enum)):
            if json_problem(kind, codecs=codecs) is None:
                return f"{describe(kind)} cannot be read from text; {AS_BODY}"
            name = describe(kind)
            problem = f"{name} cannot be read from text; annotate a type that text can stand for, such as str, int, UUID or an Enum"
            if not _is_custom(kind):
                return problem
            return (
                f"{problem}, or give it a codec: Flasgo(codecs=[Codec({name}, str, …)]). "
                "A body is a msgspec.Struct, a dataclass, an attrs class, a TypedDict or a NamedTuple"
            )
    return None


def admits(annotation: object, *kinds: type[msgspec.inspect.Type]) -> bool:
    """Does this type, or one inside it, admit a value of one of these kinds?"""
    return any(isinstance(node, kinds) for node in nodes(annotation))


def _is_custom(kind: object) -> bool:
    try:
        return isinstance(type_info(kind), msgspec.inspect.CustomType)
    except TypeError:  # it is no type at all
        return False


def json_problem(annotation: object, *, besides: type = object, codecs: Codecs = NO_CODECS) -> str | None:
    """Why msgspec cannot decode or encode this type as JSON; None when it can. `besides` is a class that it may hold."""
    try:
        known = {object, besides, *codecs.kinds}
        custom = [n.cls for n in nodes(annotation) if isinstance(n, msgspec.inspect.CustomType) and n.cls not in known]
        msgspec.json.Decoder(cast("type[object]", annotation))
    except NameError as error:
        return f"a type inside it names {error.name!r}, which its module does not have; define or import it there, for run time too"
    except Exception as error:  # noqa: BLE001 - the annotations of a model are code of the user's: they may raise anything
        problem = str(error).partition("\n")[0].rstrip(".") or type(error).__name__
        if _OF_A_UNION.search(problem) is not None:
            return f"{problem}; put the constraint to the one type that it is of: Annotated[str, Meta(…)] | None"
        return f"{problem}; correct the type"
    empty = next(filter(None, map(_nothing_fits, nodes(annotation))), None)
    if empty is not None:
        return f"no value keeps both {empty}; correct its constraints"
    if custom:
        return _uncarried(custom[0])
    return next(filter(None, (_default_problem(default, codecs) for default in _defaults(annotation))), None)


_OF_A_UNION = regex(r"^Can only set .*(?: \| |Optional\[|Union\[)")


def _uncarried(kind: type) -> str:
    if kind is Iterable:
        return "Iterable may be a list or a stream; write list[…], or Iterator[…] for a stream"
    name = describe(kind)
    return (
        f"{name} is not a type that JSON can carry; use a Struct, a dataclass or a builtin type, "
        f"or say how it is written: Flasgo(codecs=[Codec({name}, str, …)])"
    )


BOUNDS = (("ge", "le"), ("ge", "lt"), ("gt", "le"), ("gt", "lt"), ("min_length", "max_length"))


def _nothing_fits(node: msgspec.inspect.Type) -> str | None:
    """Two constraints of one type that no value keeps together."""
    for least, most in BOUNDS:
        low, high = getattr(node, least, None), getattr(node, most, None)
        if low is None or high is None:
            continue
        between = (least == "gt") + (most == "lt")
        if isinstance(node, msgspec.inspect.IntType):
            low, high, between = low + (least == "gt"), high - (most == "lt"), 0
        if low > high or (between and low == high):
            return f"{least}={getattr(node, least)} and {most}={getattr(node, most)}"
    return None


def _defaults(annotation: object) -> Iterator[object]:
    """The defaults of all Structs and dataclasses inside a type."""
    for node in nodes(annotation):
        yield from (field.default for field in getattr(node, "fields", ()))


def _default_problem(default: object, codecs: Codecs) -> str | None:
    if default is None or isinstance(default, (int, float, msgspec.UnsetType)):
        return None
    if codecs.of(type(default)):
        name = type(default).__name__
        return f"a field has a {name} as its default, which no document can show; write field(default_factory=…)"
    try:
        codecs.to_json(default)
    except UnicodeEncodeError:
        return (
            "a field's default holds half of a surrogate pair, which no UTF-8 has a form for; write the whole character"
        )
    except Exception:  # noqa: BLE001 - NODEFAULT, and what has no form in JSON, nor in the document
        return None
    return None


def describe(annotation: object) -> str:
    """A type's name, for a message."""
    kind, _ = peel(annotation)
    if kind is None or kind is types.NoneType or kind is ...:
        return "..." if kind is ... else "None"
    if get_origin(kind) in UNIONS:
        return " | ".join(map(describe, get_args(kind)))
    name = getattr(get_origin(kind) or kind, "__name__", None)
    if name is None or get_origin(kind) is Literal:
        return str(kind).replace("typing.", "")
    arguments = ", ".join(map(describe, get_args(kind)))
    return f"{name}[{arguments}]" if arguments else str(name)
