"""Does a value hold only what its declared type has? And if not, what of it may go out.

msgspec encodes a value by its own type, not by the declared one: a subclass with a `password` field, or a dict with a
key too many, would leak. `exact` compiles the question for one type; `narrow` is the slow answer when it says no.
"""

import typing
from collections.abc import Callable, Iterable, Mapping
from functools import partial
from typing import Any, TypeAlias, cast, get_args, get_origin

import msgspec
from msgspec import Struct, ValidationError

from flasgo.errors import ContractError
from flasgo.plan.types import collection_of, describe, is_record, members, peel

Check: TypeAlias = Callable[[object], bool]


def exact(annotation: object) -> Check:
    """The question for one type, compiled: may this value be encoded as it is?"""
    return _check(annotation, {}) or _shape(annotation)


def narrow(value: object, annotation: object) -> object:
    """The value as its declared type has it, and nothing more; subclasses lose what they add.

    Raises ContractError when it is not of the type at all.
    """
    kind, _ = peel(annotation)
    alternatives = members(kind)
    if len(alternatives) > 1:
        return narrow(value, _chosen(value, alternatives))
    origin = get_origin(kind) or kind
    if is_record(kind) and isinstance(origin, type):
        if typing.is_typeddict(origin) and isinstance(value, Mapping):
            return {name: narrow(value[name], hint) for name, hint in fields_of(kind).items() if name in value}
        if not typing.is_typeddict(origin) and isinstance(value, origin):
            return _rebuilt(value, origin, fields_of(kind))
    elif collection_of(kind) is not None and isinstance(value, (list, tuple, set, frozenset)):
        return [narrow(item, hint) for item, hint in zip(value, _items(kind, len(value)), strict=False)]
    elif _mapping_value(kind) is not None and isinstance(value, Mapping):
        return {key: narrow(item, _mapping_value(kind)) for key, item in value.items()}
    try:
        return msgspec.convert(value, annotation, from_attributes=True)
    except ValidationError as error:
        raise ContractError(
            f"A handler declares {describe(annotation)} but answered with {type(value).__qualname__}: {error}. "
            "Return what is declared, or declare what is returned."
        ) from None


def fields_of(kind: object) -> dict[str, object]:
    """The fields of a record by attribute name, with the types that its generic arguments give them."""
    origin = cast("type", get_origin(kind) or kind)
    parameters = cast("tuple[object, ...]", getattr(origin, "__parameters__", ()))
    bound: dict[object, object] = dict(zip(parameters, get_args(kind), strict=False))
    hints = typing.get_type_hints(origin, include_extras=True)
    return {name: _bound(hint, bound) for name, hint in hints.items() if get_origin(hint) is not typing.ClassVar}


def _bound(hint: object, bound: Mapping[object, object]) -> object:
    """A field's type with the record's type variables replaced."""
    if hint in bound:
        return bound[hint]
    parameters = getattr(hint, "__parameters__", ())
    if bound and parameters:
        return cast("Any", hint)[
            tuple(bound.get(p, p) for p in parameters)
        ]  # a generic alias: subscripted as typing does
    return hint


def _items(kind: object, count: int) -> Iterable[object]:
    """The declared type of each item of a collection."""
    arguments = get_args(kind)
    if get_origin(kind) is tuple and arguments[-1:] != (Ellipsis,):
        return arguments
    return (arguments[0] if arguments else Any,) * count


def _mapping_value(kind: object) -> object | None:
    origin = get_origin(kind) or kind
    if isinstance(origin, type) and issubclass(origin, Mapping) and not is_record(kind):
        arguments = get_args(kind)
        return arguments[1] if arguments else Any
    return None


def _chosen(value: object, alternatives: tuple[object, ...]) -> object:
    """The alternative of a union that a value belongs to: its own class before a base class."""
    classes = type(value).__mro__
    ranked = [(classes.index(o), a) for a in alternatives if (o := _class_of(a)) in classes]
    return min(ranked, key=lambda pair: pair[0])[1] if ranked else alternatives[0]


def _class_of(annotation: object) -> object:
    kind, _ = peel(annotation)
    origin = get_origin(kind) or kind
    return dict if typing.is_typeddict(origin) else type(None) if origin is None else origin


def _rebuilt(value: object, kind: type, fields: Mapping[str, object]) -> object:
    values = {name: narrow(getattr(value, name), hint) for name, hint in fields.items() if hasattr(value, name)}
    if issubclass(kind, tuple):
        return list(values.values())
    if issubclass(kind, Struct):
        return kind(**values)
    twin = object.__new__(kind)
    for name, item in values.items():
        object.__setattr__(twin, name, item)
    return twin


def _check(annotation: object, known: dict[object, Check]) -> Check | None:
    """The check of a type, or None where nothing inside it could hold more than it declares."""
    kind, _ = peel(annotation)
    alternatives = members(kind)
    if len(alternatives) > 1:
        return _union_check(alternatives, known)
    if is_record(kind):
        return _record_check(kind, known)
    if collection_of(kind) is not None:
        return _collection_check(kind, known)
    value = _mapping_value(kind)
    inner = None if value is None else _check(value, known)
    if inner is None:
        return None
    return lambda v: isinstance(v, dict) and all(map(inner, v.values()))


def _shape(annotation: object) -> Check:
    """The check of the outermost type alone, for what needs no look inside."""
    classes = tuple(c for m in members(peel(annotation)[0]) if isinstance(c := _class_of(m), type))
    abstract = tuple(c for c in classes if c.__module__ == "collections.abc")
    plain = tuple(c for c in classes if c not in abstract)
    if float in plain:
        plain = (*plain, int)
    return (lambda v: isinstance(v, (*plain, *abstract))) if classes else (lambda _: True)


def _union_check(alternatives: tuple[object, ...], known: dict[object, Check]) -> Check | None:
    checks = [(a, _check(a, known)) for a in alternatives]
    if all(check is None for _, check in checks):
        return None
    total = [check or _shape(a) for a, check in checks]
    return lambda v: any(check(v) for check in total)


def _collection_check(kind: object, known: dict[object, Check]) -> Check | None:
    arguments = [a for a in get_args(kind) if a is not Ellipsis]
    checks = [_check(a, known) for a in arguments]
    if all(check is None for check in checks):
        return None
    if len(arguments) == 1:
        item = cast("Check", checks[0])
        alone = _only_class(arguments[0])
        if alone is not None:
            # One set operation over the items' classes, in C.
            classes = {alone}
            return lambda v: isinstance(v, (list, tuple, set, frozenset)) and classes.issuperset(map(type, v))
        return lambda v: isinstance(v, (list, tuple, set, frozenset)) and all(map(item, v))
    total = [check or _shape(a) for a, check in zip(arguments, checks, strict=True)]
    return lambda v: isinstance(v, tuple) and len(v) == len(total) and all(c(i) for c, i in zip(total, v, strict=True))


def _only_class(annotation: object) -> type | None:
    """The class of a record that has no other record inside, so that its class is all there is to look at."""
    kind, _ = peel(annotation)
    origin = get_origin(kind) or kind
    if not is_record(kind) or not isinstance(origin, type) or typing.is_typeddict(origin):
        return None
    return None if any(_check(hint, {kind: bool}) is not None for hint in fields_of(kind).values()) else origin


def _all_exact(kind: object, inner: tuple[tuple[str, Check], ...], value: object) -> bool:
    if type(value) is not kind:
        return False
    for name, check in inner:  # noqa: SIM110 - a generator costs more than the look itself
        if not check(getattr(value, name, None)):
            return False
    return True


def _record_check(kind: object, known: dict[object, Check]) -> Check:
    if kind in known:
        # A recursive type: the check that is being made is looked up when it is used.
        return lambda v: known[kind](v)  # noqa: PLW0108 - not known yet, only when it is called
    known[kind] = bool
    fields = fields_of(kind)
    inner = [(name, check) for name, hint in fields.items() if (check := _check(hint, known)) is not None]
    origin = get_origin(kind) or kind
    if typing.is_typeddict(origin):
        known[kind] = partial(_dict_exact, frozenset(fields), inner)
    elif inner:
        known[kind] = partial(_all_exact, origin, tuple(inner))
    else:
        known[kind] = lambda v: type(v) is origin
    return known[kind]


def _dict_exact(names: frozenset[str], inner: Iterable[tuple[str, Check]], value: object) -> bool:
    return isinstance(value, dict) and value.keys() <= names and all(c(value[n]) for n, c in inner if n in value)
