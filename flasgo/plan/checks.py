"""Does a value hold only what its declared type has? And if not, what of it may go out.

msgspec encodes a value by its own type, not by the declared one: a subclass with a `password` field, or a dict with a
key too many, would leak. `exact` compiles the question for one type into one expression; `narrow` is the slow answer
where it says no. Both read the type as msgspec describes it. What is declared as Any, or `object`, goes out as it is.
"""

from collections.abc import Callable, Collection, Iterable, Mapping
from contextlib import suppress
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from functools import partial
from keyword import iskeyword
from typing import Final, TypeAlias, TypeGuard, cast, get_origin
from uuid import UUID

from msgspec import NODEFAULT, UNSET, Raw, Struct, ValidationError, convert
from msgspec import inspect as shapes

from flasgo.validation.shapes import once_for_each, type_info

Check: TypeAlias = Callable[[object], bool]

Record: TypeAlias = shapes.StructType | shapes.DataclassType | shapes.TypedDictType | shapes.NamedTupleType

BINARY: Final = (bytes, bytearray, memoryview)

CLASSES: Final[Mapping[type[shapes.Type], tuple[type, ...]]] = {
    shapes.NoneType: (type(None),),
    shapes.BoolType: (bool,),
    shapes.IntType: (int,),
    shapes.FloatType: (float, int),
    shapes.DecimalType: (Decimal,),
    shapes.StrType: (str,),
    shapes.BytesType: BINARY,
    shapes.ByteArrayType: BINARY,
    shapes.MemoryViewType: BINARY,
    shapes.DateTimeType: (datetime,),
    shapes.DateType: (date,),
    shapes.TimeType: (time,),
    shapes.TimeDeltaType: (timedelta,),
    shapes.UUIDType: (UUID,),
    shapes.RawType: (Raw,),
    shapes.DictType: (dict,),
    shapes.TypedDictType: (dict,),
    shapes.ListType: (list, set, frozenset),
    shapes.SetType: (set, frozenset, list),
    shapes.FrozenSetType: (frozenset, set, list),
    shapes.VarTupleType: (tuple, list),
    shapes.TupleType: (tuple, list),
}
"""What a value of a type is encoded from as it is. A tuple is none of the lists, for it may be `(body, status)`."""


@once_for_each
def exact(annotation: object) -> Check:
    """The question for one type, compiled: may this value be encoded as it is?"""
    writer = _Writer()
    return writer.function(writer.whole(annotation))


@once_for_each
def exact_source(annotation: object) -> tuple[str, Mapping[str, object]]:
    """The same question as the source of an expression of `value`, and the names that it uses: `n0`, `n1` and so on."""
    writer = _Writer()
    test = writer.whole(annotation)
    return test, {name: value for name, value in writer.names.items() if name != "__builtins__"}


def classes(annotation: object) -> tuple[type, ...]:
    """The classes that a value of this type may be an instance of."""
    return _classes(type_info(annotation))


def outermost(annotation: object) -> Check:
    """The same question of the outermost type alone, whatever stands inside."""
    kinds = classes(annotation)
    return lambda value: isinstance(value, kinds)


@once_for_each
def narrow(annotation: object) -> Callable[[object], object]:
    """What gives a value as its declared type has it, and nothing more: subclasses lose what they add.

    A mapping, or an object with the right attributes, becomes the record that is declared. It raises ValidationError for
    a value that is not of the type at all.
    """
    shape = type_info(annotation)
    return lambda value: _narrowed(shape, value)


class _Writer:
    """Writes the test of one type, an expression of `value`, and keeps the names that it uses."""

    def __init__(self) -> None:
        self.names: dict[str, object] = {}
        self.records: dict[int, str] = {}
        self.sources: dict[str, str] = {}

    def whole(self, annotation: object) -> str:
        """The test of an annotation; that of a record itself, and not the call of its function."""
        shape = type_info(annotation)
        test = self.test(shape, "value") or self.outermost(shape, "value")
        return self.sources.get(test, test)

    def function(self, test: str) -> Check:
        known = self.names.get(test.removesuffix("(value)"))
        # Source of our own making: nothing varies in it but numbered names, and those of fields as literals.
        return cast("Check", known or eval(f"lambda value: {test}", self.names))  # noqa: S307 - see above

    def name(self, value: object) -> str:
        name = f"n{len(self.names)}"
        self.names[name] = value
        return name

    def outermost(self, shape: shapes.Type, value: str) -> str:
        classes = _classes(shape)
        if classes == (type(None),):
            return f"{value} is None"
        if len(classes) == 1:
            return f"isinstance({value}, {self.name(classes[0])})"
        return f"(type({value}) is {self.name(classes[0])} or isinstance({value}, {self.name(classes)}))"

    def test(self, shape: shapes.Type, value: str) -> str | None:
        """Whether `value`, an expression, holds only what its type has; None where nothing inside it could hold more."""
        match shape:
            case shapes.Metadata():
                return self.test(shape.type, value)
            case shapes.UnionType():
                return self.union(shape, value)
            case shapes.TupleType() | shapes.CollectionType():
                return self.array(shape, value)
            case shapes.DictType():
                return self.each(shape, shape.value_type, value, f"{value}.values()")
            case shapes.StructType() | shapes.DataclassType() | shapes.TypedDictType() | shapes.NamedTupleType():
                return self.record(shape, value)
            case _:
                return None

    def union(self, shape: shapes.UnionType, value: str) -> str | None:
        tests = [self.test(member, value) for member in shape.types]
        total = [t or self.outermost(m, value) for t, m in zip(tests, shape.types, strict=True)]
        return f"({' or '.join(total)})" if any(tests) else None

    def array(self, shape: shapes.TupleType | shapes.CollectionType, value: str) -> str | None:
        if not isinstance(shape, shapes.TupleType):
            return self.each(shape, shape.item_type, value, value)
        tests = [self.test(item, f"{value}[{index}]") for index, item in enumerate(shape.item_types)]
        size = f"{self.outermost(shape, value)} and len({value}) == {len(tests)}"
        return " and ".join([size, *filter(None, tests)]) if any(tests) else None

    def each(self, shape: shapes.Type, item: shapes.Type, value: str, values: str) -> str | None:
        """The test of a collection, by that of its items."""
        test = self.test(item, "value")
        if test is None:
            return None
        kind = self.names.get(test.removeprefix("type(value) is "))
        if isinstance(kind, type):
            inner = f"{self.name(_only(kind))}({values})"
        else:
            inner = f"all(map({self.name(self.function(test))}, {values}))"
        return f"{self.outermost(shape, value)} and {inner}"

    def record(self, shape: Record, value: str) -> str:
        """The test of a record: of its class alone, or a function where there is more to look at."""
        if id(shape) in self.records:
            return f"{self.records[id(shape)]}({value})"
        # It has its name before it is written, for records that hold others of their kind.
        name = self.records[id(shape)] = self.name(None)
        first, inner = self.fields(shape)
        if first.startswith("type") and not inner:
            del self.records[id(shape)]
            return f"type({value}) is {first.removeprefix('type(value) is ')}"
        source = self.sources[f"{name}(value)"] = " and ".join([first, *inner])
        self.names[name] = self.function(source)
        return f"{name}({value})"

    def fields(self, shape: Record) -> tuple[str, list[str]]:
        """The test of the record itself, and those of its fields that need one."""
        names = frozenset(field.name for field in shape.fields)
        if isinstance(shape, shapes.TypedDictType):
            tests = {field.name: self.test(field.type, f"value[{field.name!r}]") for field in shape.fields}
            first = f"isinstance(value, dict) and value.keys() <= {self.name(names)}"
            return first, [f"({name!r} not in value or {test})" for name, test in tests.items() if test]
        inner = []
        for field in shape.fields:
            plain = isinstance(shape, shapes.StructType) and not iskeyword(field.name)
            member = f"value.{field.name}" if plain else f"getattr(value, {field.name!r}, None)"
            test = self.test(field.type, member)
            if test is not None:
                inner.append(f"({member} is {self.name(UNSET)} or {test})" if _may_be_unset(field) else test)
        kind = _origin(shape)
        if hasattr(kind, "__attrs_attrs__") and kind.__dictoffset__:
            # Of these msgspec encodes whatever the instance holds.
            inner.append(f"value.__dict__.keys() <= {self.name(names)}")
        return f"type(value) is {self.name(kind)}", inner


def _only(kind: type) -> Callable[[Iterable[object]], bool]:
    """Are all of these of this very class?"""

    def only(values: Iterable[object]) -> bool:
        for value in values:  # noqa: SIM110 - a third of the price of all() with a generator
            if type(value) is not kind:
                return False
        return True

    return only


def _may_be_unset(field: shapes.Field) -> bool:
    return not field.required and field.default is NODEFAULT and field.default_factory is NODEFAULT


def _origin(shape: Record) -> type:
    origin = get_origin(shape.cls)
    return origin if isinstance(origin, type) else shape.cls


def _classes(shape: shapes.Type) -> tuple[type, ...]:
    """What a value of this type may be an instance of."""
    match shape:
        case shapes.Metadata():
            return _classes(shape.type)
        case shapes.UnionType():
            return tuple(kind for member in shape.types for kind in _classes(member))
        case shapes.StructType() | shapes.DataclassType() | shapes.NamedTupleType():
            return (_origin(shape),)
        case shapes.EnumType() | shapes.CustomType():
            return (shape.cls,)
        case shapes.LiteralType():
            return tuple({type(value) for value in shape.values})
        case _:
            return CLASSES.get(type(shape), (object,))


def _narrowed(shape: shapes.Type, value: object) -> object:
    result: object
    match shape:
        case _ if value is UNSET:
            result = value
        case shapes.Metadata():
            result = _narrowed(shape.type, value)
        case shapes.UnionType():
            result = _narrowed_to_one(sorted(shape.types, key=partial(_distance, value)), value)
        case shapes.StructType() | shapes.DataclassType() | shapes.NamedTupleType():
            same = isinstance(value, _origin(shape))
            result = _rebuilt(shape, value if same else convert(value, shape.cls, from_attributes=True))
        case shapes.TypedDictType() if isinstance(value, Mapping):
            result = {f.name: _narrowed(f.type, value[f.name]) for f in shape.fields if f.name in value}
        case shapes.DictType() if isinstance(value, Mapping):
            result = {key: _narrowed(shape.value_type, item) for key, item in value.items()}
        case shapes.TupleType() if isinstance(value, (tuple, list)) and len(value) == len(shape.item_types):
            result = [_narrowed(kind, item) for kind, item in zip(shape.item_types, value, strict=True)]
        case shapes.CollectionType() if _is_array(value):
            result = [_narrowed(shape.item_type, item) for item in value]
        case _ if isinstance(value, _classes(shape)) and not isinstance(shape, shapes.TupleType):
            result = value
        case _:
            expected = " or ".join(kind.__qualname__ for kind in _classes(shape))
            raise ValidationError(f"expected {expected}, got {type(value).__qualname__}")
    return result


def _is_array(value: object) -> TypeGuard[Collection[object]]:
    return isinstance(value, Collection) and not isinstance(value, (str, *BINARY, Mapping))


def _narrowed_to_one(alternatives: Iterable[shapes.Type], value: object) -> object:
    for alternative in alternatives:
        with suppress(ValidationError):
            return _narrowed(alternative, value)
    raise ValidationError(f"{type(value).__qualname__} is none of the alternatives")


def _distance(value: object, shape: shapes.Type) -> int:
    """How far above a value's own class that of an alternative stands; what it is no instance of comes last."""
    classes = type(value).__mro__
    return min([classes.index(kind) for kind in _classes(shape) if kind in classes], default=len(classes))


def _rebuilt(shape: shapes.StructType | shapes.DataclassType | shapes.NamedTupleType, value: object) -> object:
    """A record of the declared class itself, with the fields of this one; those that are not set stay so."""
    kind = _origin(shape)
    values = {f.name: _narrowed(f.type, getattr(value, f.name)) for f in shape.fields if hasattr(value, f.name)}
    if isinstance(shape, shapes.NamedTupleType):
        return list(values.values())
    if issubclass(kind, Struct):
        return kind(**values)
    twin = object.__new__(kind)
    for name, item in values.items():
        object.__setattr__(twin, name, item)
    return twin
