"""Every reason why an input does not fit its type, where msgspec stops at the first.

`collect` walks the value and msgspec's own description of the type together, on failure only. msgspec remains the judge:
a piece is wrong when `msgspec.convert` refuses it. The words are ours and come from the type alone, so that no message
repeats what the client sent; only the names of a client's object members appear, shortened, in pointers.

    missing          a required member is absent
    unknown_field    a member that a type with forbid_unknown_fields does not have
    type_error       another type of value than the expected one
    invalid_format   a string, but not one that spells the date, time, duration, UUID, decimal or base64 asked for
    invalid_choice   not one of the values of an Enum or a Literal
    invalid_tag      the tag names no member of the tagged union
    not_finite       NaN or an infinity
    too_small  too_large  not_multiple       a number outside its bounds
    too_short  too_long  pattern_mismatch    a string, array or object outside its bounds
    repeated         an item that is there twice, in a set whose length is bounded
    invalid          refused by the type's own check (`__post_init__`), in its words; or for no reason that can be told

The work is bounded in issues, steps and depth, and linear in the size of the value. What a message takes from the type,
and the words of its own check, are shortened, and control characters in them replaced.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from functools import partial
from types import GenericAlias, MappingProxyType
from typing import Annotated, Any, Final, Literal, Union
from uuid import UUID

from msgspec import Meta, Struct, ValidationError, convert, json
from msgspec import inspect as shapes

from flasgo.errors import Issue, Location
from flasgo.http.uploads import UploadedFile
from flasgo.patterns import regex
from flasgo.validation.codecs import NO_CODECS, Codec, Codecs
from flasgo.validation.numbers import finite
from flasgo.validation.shapes import counts_apart, nodes, type_info
from flasgo.validation.spellings import Misspelt, is_spelled, spelling_of

BOOL_WORDS: Final[Mapping[str, bool]] = MappingProxyType(
    {"true": True, "1": True, "on": True, "yes": True, "false": False, "0": False, "off": False, "no": False}
)
"""What a boolean may be in text, in lower case; any case is accepted."""

MAX_DEPTH: Final = 100
"""Levels of nesting that are looked at."""
MAX_NAME: Final = 64
"""Characters of a member's name in a pointer, as escaped."""
MAX_POINTER: Final = 512
"""Characters of a pointer; one that would be longer ends at the last ancestor that fits."""
MAX_TEXT: Final = 200
"""Characters of a pattern, a list of choices or alternatives, and the words of a type's own check."""

_MANY: Final = 128  # neighbours in an array that are tried together first, so that valid ones cost few steps
_FEW: Final = 8  # neighbours among them that are tried together next
_MAX_LISTS: Final = 3  # arrays within arrays that are tried so: each level reads once more what lies below it


def collect(
    value: object,
    expected: object,
    *,
    location: Location,
    strict: bool,
    at: str = "",
    limit: int = 100,
    budget: int = 10_000,
    codecs: Codecs = NO_CODECS,
) -> tuple[Issue, ...]:
    """Find what is wrong with `value` where `expected` was expected, in the order of the type's members.

    `value` holds builtins as `msgspec.json.decode` makes them or, with strict=False, text and lists of text. Names of
    members are text, as in JSON: the measure is `msgspec.convert(value, expected, strict=strict, str_keys=True)`. Beyond
    what that refuses, numbers that are not finite are problems; with strict=False the BOOL_WORDS are none.

    Pointers (RFC 6901) begin with `at`. At most `limit` issues are found, in at most `budget` steps; a step is one
    conversion or one part looked at. The answer is empty only where the value is valid. No value makes it raise.
    """
    collector = _Collector(location, strict=strict, limit=limit, budget=budget, codecs=codecs)
    settled = value
    with suppress(RecursionError):  # the caller may stand deep in the stack already
        settled = collector.visit(type_info(expected), value, at)
    if not collector.issues:
        collector.conclude(settled, expected, at)
    return tuple(collector.issues)


def fits(value: object, shape: shapes.Type, codecs: Codecs = NO_CODECS) -> bool:
    """Is this a value of the type that is described so? It holds builtins, as `msgspec.json.decode` makes them."""
    collector = _Collector("body", strict=True, limit=1, budget=1_000, codecs=codecs)
    collector.visit(shape, value, "")
    return not collector.issues


class _Refused(Struct, frozen=True):
    """Stands where `convert` has no value to give; `reason` holds the words of the type's own check, if it was that."""

    reason: str = ""


class _Collector:
    """One walk over a value and its type.

    What visits a part answers with it in settled form: words for booleans read, classes built. An instance passes the
    conversion of what holds it as it is, so that no type's own check runs again and again over the same members.
    """

    def __init__(self, location: Location, *, strict: bool, limit: int, budget: int, codecs: Codecs) -> None:
        self.issues: list[Issue] = []
        self._codecs = codecs
        self._dec_hook = (codecs.decode if strict else codecs.read) if codecs.kinds else None
        self._location: Location = location
        self._strict = strict
        self._limit = limit
        self._budget = budget
        self._depth = 0
        self._lists = 0

    @property
    def _exhausted(self) -> bool:
        return self._budget <= 0 or len(self.issues) >= self._limit

    def _report(self, pointer: str, code: str, message: str) -> None:
        if len(self.issues) < self._limit:
            self.issues.append(Issue(self._location, pointer, code, message))

    def _attempt(self, value: object, annotation: object) -> object:
        self._budget -= 1
        try:
            return convert(value, annotation, strict=self._strict, str_keys=True, dec_hook=self._dec_hook)
        except ValidationError as error:
            return _Refused(_own_words(error.__cause__))
        except Exception:  # noqa: BLE001 - too deep, or a fault in the type's own check: either way no value
            return _Refused()

    def conclude(self, settled: object, expected: object, at: str) -> None:
        """Report at least that the whole is refused, where no part could be blamed."""
        result = self._attempt(settled, expected)
        if isinstance(result, _Refused):
            self._report(at, "invalid", result.reason or "is not valid")
        elif self._exhausted and _may_hold_non_finite(result):
            self._report(at, "not_finite", "must hold finite numbers only")

    def visit(self, shape: shapes.Type, value: object, pointer: str) -> object:
        if self._exhausted or self._depth == MAX_DEPTH:
            return value
        self._budget -= 1
        self._depth += 1
        settled = self._settle(_bare(shape), value, pointer)
        self._depth -= 1
        return settled

    def _settle(self, shape: shapes.Type, value: object, pointer: str) -> object:
        match shape, value:
            case shapes.UnionType(), dict() | list():
                return self._union(shape, value, pointer)
            case shapes.StructType(array_like=False) | shapes.DataclassType() | shapes.TypedDictType(), dict():
                return self._object(shape, value, pointer)
            case shapes.DictType(), dict():
                return self._mapping(shape, value, pointer)
            case shapes.CollectionType(), list():
                return self._collection(shape, value, pointer)
            case shapes.StructType(array_like=True) | shapes.NamedTupleType() | shapes.TupleType(), list():
                return self._row(shape, value, pointer)
            case _:
                return self._scalar(shape, value, pointer)

    # ---- what has no parts

    def _scalar(self, shape: shapes.Type, value: object, pointer: str) -> object:
        codec = self._codecs.of(shape.cls) if isinstance(shape, shapes.CustomType) else None
        if codec is not None:
            return self._by_codec(codec, value, pointer)
        result = self._attempt(value, _annotation(shape))
        if not isinstance(result, _Refused) and finite(result):
            if self._is_misspelt(shape, value):
                self._report(pointer, "invalid_format", f"must be {_noun(shape, text=not self._strict)}")
            return value
        if isinstance(shape, shapes.UnionType):
            return self._union(shape, value, pointer)
        if isinstance(shape, shapes.BoolType) and isinstance(value, str) and not self._strict:
            word = BOOL_WORDS.get(value.lower())
            if word is not None:
                return word
        self._explain(shape, value, pointer, partial(self._attempt, value))
        return value

    def _is_misspelt(self, shape: shapes.Type, value: object) -> bool:
        """Is it a text that msgspec would read, but that is not spelled as it should be?"""
        if not isinstance(value, str):
            return False
        choices = list(_alternatives(shape)) if isinstance(shape, shapes.UnionType) else [shape]
        # Of a union one member at most is sent as a string; in text, whoever made the value has looked.
        spelled = [spelling for choice in choices if (spelling := spelling_of(choice)) is not None]
        return (self._strict or len(choices) == 1) and any(not spelling.fits(value) for spelling in spelled)

    def _by_codec(self, codec: Codec[Any, Any], value: object, pointer: str) -> object:
        """A value of a class of the user's: first as it is sent, then as what it stands for."""
        found = len(self.issues)
        settled = self.visit(type_info(codec.wire), value, pointer)
        if self._exhausted or len(self.issues) > found:
            return value
        result = self._attempt(settled, codec.kind)
        if isinstance(result, _Refused):
            self._report(pointer, "invalid", f"must be {_shortened(codec.expected)}")
            return value
        return result

    def _explain(
        self, shape: shapes.Type, value: object, pointer: str, attempt: Callable[[object], object], subject: str = ""
    ) -> None:
        """Report why a refused value does not fit: for its kind, or else for each bound that it breaks."""
        plain = _plain(shape)
        result = attempt(plain)
        if isinstance(result, _Refused):
            code = "type_error"
            if isinstance(shape, (shapes.EnumType, shapes.LiteralType)):
                code = "invalid_choice"
            elif isinstance(value, (str, Misspelt)) and type(shape) in _SCALARS and str in _kinds(shape):
                code = "invalid_format"
            self._report(pointer, code, f"{subject}must be {_noun(shape, text=not self._strict)}")
        elif not finite(result):
            self._report(pointer, "not_finite", f"{subject}must be a finite number")
        else:
            for name, bound in _bounds(shape).items():
                if isinstance(attempt(_subscripted(Annotated, (plain, Meta(**{name: bound})))), _Refused):
                    self._report_bound(shape, name, bound, pointer, subject)

    def _report_bound(self, shape: shapes.Type, name: str, bound: object, pointer: str, subject: str = "") -> None:
        code, words = _BOUNDS[name]
        text = ("without", "with")[bound] if isinstance(bound, bool) else _shortened(str(bound))
        self._report(pointer, code, subject + words.format(bound=text, unit=_unit(shape, bound)))

    def _check_length(self, shape: shapes.CollectionType | shapes.DictType, length: int, pointer: str) -> None:
        if shape.min_length is not None and length < shape.min_length:
            self._report_bound(shape, "min_length", shape.min_length, pointer)
        if shape.max_length is not None and length > shape.max_length:
            self._report_bound(shape, "max_length", shape.max_length, pointer)

    # ---- arrays

    def _collection(self, shape: shapes.CollectionType, value: list[object], pointer: str) -> object:
        found = len(self.issues)
        self._check_length(shape, len(value), pointer)
        settled = self._items(shape.item_type, range(len(value)), value, pointer)
        if counts_apart(shape) and len(self.issues) == found and not self._exhausted:
            result = self._attempt(settled, _annotation(shape))
            if isinstance(result, (set, frozenset)) and len(result) < len(value):
                self._report(pointer, "repeated", "must not hold an item twice")
        return settled

    def _items(
        self,
        shape: shapes.Type,
        names: Sequence[str | int],
        values: Sequence[object],
        pointer: str,
        together: int = _MANY,
    ) -> list[object]:
        settled: list[object] = []
        for start in range(0, len(values), together):
            chunk = values[start : start + together]
            chunk_names = names[start : start + together]
            if self._exhausted or self._all_valid(shape, chunk):
                settled += chunk
            elif together > _FEW:
                settled += self._items(shape, chunk_names, chunk, pointer, _FEW)
            else:
                self._lists += 1
                for name, value in zip(chunk_names, chunk, strict=True):
                    settled.append(self.visit(shape, value, _member(pointer, name)))
                self._lists -= 1
        return settled

    def _all_valid(self, shape: shapes.Type, values: Sequence[object]) -> bool:
        if not self._strict or (self._lists >= _MAX_LISTS and type(shape) not in _SCALARS):
            return False
        annotation = _annotation(shape)
        if is_spelled(annotation) or any(map(counts_apart, nodes(annotation))):
            return False
        result = self._attempt(values, GenericAlias(list, annotation))
        return not isinstance(result, _Refused) and not _may_hold_non_finite(result)

    def _row(
        self, shape: shapes.StructType | shapes.NamedTupleType | shapes.TupleType, value: list[object], pointer: str
    ) -> object:
        """An array whose places have types of their own."""
        found = len(self.issues)
        first = 0
        if isinstance(shape, shapes.TupleType):
            places = shape.item_types
            least = most = len(places)
        else:
            places = tuple(field.type for field in shape.fields)
            least = max((place for place, field in enumerate(shape.fields, 1) if field.required), default=0)
            most = len(places)
            if isinstance(shape, shapes.StructType) and shape.tag_field is not None:
                first = 1
                if value:
                    self._check_tag([shape], value[0], _member(pointer, 0))
            if isinstance(shape, shapes.StructType) and not shape.forbid_unknown_fields:
                most = max(most, len(value))
        length = shapes.ListType(shapes.AnyType(), least + first, most + first)
        self._check_length(length, len(value), pointer)
        settled = list(value)
        for index, (place, item) in enumerate(zip(places, value[first:], strict=False), first):
            settled[index] = self.visit(place, item, _member(pointer, index))
        return self._built(shape, settled, pointer, found)

    # ---- objects

    def _object(
        self,
        shape: shapes.StructType | shapes.DataclassType | shapes.TypedDictType,
        value: dict[str, object],
        pointer: str,
    ) -> object:
        found = len(self.issues)
        settled = dict(value)
        known = {field.encode_name for field in shape.fields}
        if isinstance(shape, shapes.StructType) and shape.tag_field is not None:
            known.add(shape.tag_field)
            if shape.tag_field in value:
                self._check_tag([shape], value[shape.tag_field], _member(pointer, shape.tag_field))
        for field in shape.fields:
            name = field.encode_name
            if name in value:
                settled[name] = self.visit(field.type, value[name], _member(pointer, name))
            elif field.required:
                self._report(_member(pointer, name), "missing", "is required")
        if isinstance(shape, shapes.StructType) and shape.forbid_unknown_fields:
            for name in value:
                if self._exhausted:
                    break
                if name not in known:
                    self._report(_member(pointer, name), "unknown_field", "is not a known field")
        return self._built(shape, settled, pointer, found)

    def _built(self, shape: shapes.Type, settled: object, pointer: str, found: int) -> object:
        """Let the type's own check speak, once its parts are in order."""
        if not isinstance(shape, (shapes.StructType, shapes.DataclassType)):
            return settled
        if self._exhausted or len(self.issues) > found:
            return settled
        result = self._attempt(settled, shape.cls)
        if isinstance(result, _Refused):
            self._report(pointer, "invalid", result.reason or "is not valid")
            return settled
        return result

    def _mapping(self, shape: shapes.DictType, value: dict[str, object], pointer: str) -> object:
        self._check_length(shape, len(value), pointer)
        self._names(_bare(shape.key_type), value, pointer)
        settled = self._items(shape.value_type, list(value), list(value.values()), pointer)
        return dict(zip(value, settled, strict=True))

    def _names(self, shape: shapes.Type, names: Mapping[str, object], pointer: str) -> None:
        if shape in (shapes.StrType(), shapes.AnyType()):
            return
        annotation = _annotation(shape)
        result = self._attempt(dict.fromkeys(names), GenericAlias(dict, (annotation, Any)))
        if isinstance(result, dict) and all(map(finite, result)) and spelling_of(shape) is None:
            return
        for name in names:
            if self._exhausted:
                break
            attempt = partial(self._attempt_name, name)
            result = attempt(annotation)
            if isinstance(result, _Refused) or not finite(result):
                self._explain(shape, name, _member(pointer, name), attempt, "key ")
            elif self._is_misspelt(shape, name):
                self._report(_member(pointer, name), "invalid_format", f"key must be {_noun(shape, text=True)}")

    def _attempt_name(self, name: str, annotation: object) -> object:
        result = self._attempt({name: None}, GenericAlias(dict, (annotation, Any)))
        return next(iter(result)) if isinstance(result, dict) else result

    # ---- unions

    def _union(self, shape: shapes.UnionType, value: object, pointer: str) -> object:
        choices = list(_alternatives(shape))
        if shapes.AnyType() in choices:
            return value
        fitting = [choice for choice in choices if self._fits(choice, value)]
        if len(fitting) == 1:
            return self.visit(fitting[0], value, pointer)
        tagged = [choice for choice in fitting if isinstance(choice, shapes.StructType)]
        if tagged and isinstance(value, (dict, list)):
            return self._by_tag(tagged, value, pointer)
        found = len(self.issues)
        for choice in fitting:
            settled = self.visit(choice, value, pointer)
            if not {issue.code for issue in self.issues[found:]} & _WRONG_KIND:
                return settled
            del self.issues[found:]
        self._report(pointer, "type_error", f"must be {_noun(shape, text=not self._strict)}")
        return value

    def _fits(self, shape: shapes.Type, value: object) -> bool:
        shape = _bare(self._codecs.on_wire(shape))
        if isinstance(value, str) and not self._strict:
            return not isinstance(shape, shapes.NoneType) and not {dict, list} & {*_kinds(shape)}
        return type(value) in _kinds(shape)

    def _by_tag(
        self, choices: list[shapes.StructType], value: dict[str, object] | list[object], pointer: str
    ) -> object:
        """msgspec lets a union hold several Structs only where all carry a tag in the same place."""
        name: str | int = 0
        tags = value[:1] if isinstance(value, list) else []
        if isinstance(value, dict):
            name = choices[0].tag_field or ""
            tags = [value[name]] if name in value else []
        if not tags:
            self._report(_member(pointer, name), "missing", "is required")
            return value
        choice = self._check_tag(choices, tags[0], _member(pointer, name))
        return value if choice is None else self.visit(choice, value, pointer)

    def _check_tag(self, choices: list[shapes.StructType], tag: object, pointer: str) -> shapes.StructType | None:
        for choice in choices:
            if type(tag) is type(choice.tag) and tag == choice.tag:
                return choice
        self._report(pointer, "invalid_tag", f"must be {_one_of([choice.tag for choice in choices])}")
        return None


# ---- msgspec's description of types


class _Kind(Struct, frozen=True):
    """A type without parts: its annotation, what to call it after "must be", and the builtins that may stand for it."""

    annotation: object
    noun: str
    takes: tuple[type, ...]


_OTHER: Final = _Kind(Any, "a value", (dict, list, str, int, float, bool, type(None)))
_SCALARS: Final[Mapping[type[shapes.Type], _Kind]] = {
    shapes.NoneType: _Kind(None, "null", (type(None),)),
    shapes.BoolType: _Kind(bool, "true or false", (bool,)),
    shapes.IntType: _Kind(int, "an integer", (int,)),
    shapes.FloatType: _Kind(float, "a number", (int, float)),
    shapes.DecimalType: _Kind(Decimal, "a decimal number", (str, int, float)),
    shapes.StrType: _Kind(str, "a string", (str,)),
    shapes.BytesType: _Kind(bytes, "base64 text", (str,)),
    shapes.ByteArrayType: _Kind(bytearray, "base64 text", (str,)),
    shapes.MemoryViewType: _Kind(memoryview, "base64 text", (str,)),
    shapes.DateTimeType: _Kind(datetime, "a date and time such as 2024-01-31T12:30:00Z", (str,)),
    shapes.DateType: _Kind(date, "a date such as 2024-01-31", (str,)),
    shapes.TimeType: _Kind(time, "a time such as 12:30:00", (str,)),
    shapes.TimeDeltaType: _Kind(timedelta, "a duration such as PT1H30M", (str,)),
    shapes.UUIDType: _Kind(UUID, "a UUID", (str,)),
}
_BOUNDS: Final[Mapping[str, tuple[str, str]]] = {
    "ge": ("too_small", "must be at least {bound}"),
    "gt": ("too_small", "must be greater than {bound}"),
    "le": ("too_large", "must be at most {bound}"),
    "lt": ("too_large", "must be less than {bound}"),
    "multiple_of": ("not_multiple", "must be a multiple of {bound}"),
    "min_length": ("too_short", "must have at least {bound} {unit}"),
    "max_length": ("too_long", "must have at most {bound} {unit}"),
    "pattern": ("pattern_mismatch", "must match the pattern {bound}"),
    "tz": ("invalid_format", "must come {bound} a time zone"),
}
_UNITS: Final[Mapping[type[shapes.Type], str]] = {
    shapes.StrType: "character",
    shapes.BytesType: "byte",
    shapes.ByteArrayType: "byte",
    shapes.MemoryViewType: "byte",
    shapes.DictType: "member",
}
_CLASSES: Final[Mapping[type[shapes.Type], type]] = {
    shapes.ListType: list,
    shapes.SetType: set,
    shapes.FrozenSetType: frozenset,
}
_WRONG_KIND: Final = frozenset({"type_error", "invalid_format", "invalid_choice"})
_NON_FINITE: Final = regex(rb'"-?(?:s?NaN\d*|Infinity)"')


def _bare(shape: shapes.Type) -> shapes.Type:
    while isinstance(shape, shapes.Metadata):
        shape = shape.type
    return shape


def _alternatives(shape: shapes.UnionType) -> Iterator[shapes.Type]:
    for choice in map(_bare, shape.types):
        if isinstance(choice, shapes.UnionType):
            yield from _alternatives(choice)
        else:
            yield choice


def _bounds(shape: shapes.Type) -> dict[str, Any]:  # numbers, lengths, a pattern: as Meta takes them
    return {name: bound for name in _BOUNDS if (bound := getattr(shape, name, None)) is not None}


def _annotation(shape: shapes.Type) -> object:
    """The annotation that msgspec described so."""
    shape = _bare(shape)
    bounds = _bounds(shape)
    return _subscripted(Annotated, (_plain(shape), Meta(**bounds))) if bounds else _plain(shape)


def _plain(shape: shapes.Type) -> object:
    """The annotation without bounds of its own."""
    form: object
    match shape:
        case shapes.UnionType():
            form, arguments = Union, tuple(map(_annotation, shape.types))
        case shapes.LiteralType():
            form, arguments = Literal, shape.values
        case shapes.VarTupleType():
            form, arguments = tuple, (_annotation(shape.item_type), ...)
        case shapes.CollectionType():
            form, arguments = _CLASSES[type(shape)], (_annotation(shape.item_type),)
        case shapes.TupleType():
            form, arguments = tuple, tuple(map(_annotation, shape.item_types))
        case shapes.DictType():
            form, arguments = dict, (_annotation(shape.key_type), _annotation(shape.value_type))
        case shapes.StructType() | shapes.DataclassType() | shapes.TypedDictType() | shapes.NamedTupleType():
            return shape.cls
        case shapes.EnumType() | shapes.CustomType():
            return shape.cls
        case _:
            return _SCALARS.get(type(shape), _OTHER).annotation
    return _subscripted(form, arguments)


def _subscripted(form: Any, arguments: tuple[object, ...]) -> object:  # a class or one of typing's special forms
    return form[arguments]


def _kinds(shape: shapes.Type) -> tuple[type, ...]:
    """The builtins that a value of this type may be sent as."""
    match shape:
        case shapes.LiteralType():
            return tuple(map(type, shape.values))
        case shapes.EnumType():
            return tuple(type(member.value) for member in shape.cls)
        case shapes.StructType(array_like=False) | shapes.DataclassType() | shapes.TypedDictType() | shapes.DictType():
            return (dict,)
        case shapes.StructType() | shapes.NamedTupleType() | shapes.TupleType() | shapes.CollectionType():
            return (list,)
        case _:
            return _SCALARS.get(type(shape), _OTHER).takes


# ---- words


def _noun(shape: shapes.Type, *, text: bool) -> str:
    """What a value of this type is called after "must be"; `text` has no null."""
    match shape:
        case shapes.LiteralType():
            return _one_of(shape.values)
        case shapes.EnumType():
            return _one_of([member.value for member in shape.cls])
        case shapes.UnionType():
            choices = [choice for choice in _alternatives(shape) if not (text and isinstance(choice, shapes.NoneType))]
            *nouns, last = dict.fromkeys(_noun(choice, text=text) for choice in choices)
            return _shortened(f"{', '.join(nouns)} or {last}" if nouns else last)
        case shapes.CustomType():
            return "a file" if shape.cls is UploadedFile else f"a {shape.cls.__name__}"
        case _:
            kinds = _kinds(shape)
            if kinds in {(dict,), (list,)}:
                return "an object" if kinds == (dict,) else "an array"
            return _SCALARS.get(type(shape), _OTHER).noun


def _one_of(values: Sequence[object]) -> str:
    choices = _shortened(", ".join(json.encode(value).decode() for value in values))
    return choices if len(values) == 1 else f"one of: {choices}"


def _unit(shape: shapes.Type, count: object) -> str:
    unit = _UNITS.get(type(shape), "item")
    return unit if count == 1 else f"{unit}s"


def _shortened(text: str, most: int = MAX_TEXT) -> str:
    """The beginning of a text, on one line, with nothing in it that a terminal or a log would obey."""
    line = text[:most]
    if not line.isprintable():
        line = "".join(char if char.isprintable() else "\ufffd" for char in line)
    return line if len(text) <= most else line[:-1] + "…"


def _own_words(error: BaseException | None) -> str:
    """What a type's own check said. attrs' ready-made validators repeat the value, so theirs are not kept."""
    if error is None:
        return ""
    origin = error.__traceback__
    while origin is not None and origin.tb_next is not None:
        origin = origin.tb_next
    module = "" if origin is None else origin.tb_frame.f_globals.get("__name__", "")
    return "" if module.partition(".")[0] == "attr" else _shortened(str(error))


def _may_hold_non_finite(converted: object) -> bool:
    """Tell whether a Decimal in it is NaN or an infinity, or at least a string of it reads so. JSON has no such floats."""
    try:
        return _NON_FINITE.search(json.encode(converted)) is not None
    except Exception:  # noqa: BLE001 - a value that cannot be written as JSON again is looked at part by part
        return True


def _member(pointer: str, name: str | int) -> str:
    """The pointer one level down (RFC 6901 §3), or the same one where it would become too long."""
    segment = _shortened(str(name), MAX_NAME).replace("~", "~0").replace("/", "~1")
    if len(segment) > MAX_NAME:
        segment = segment[: MAX_NAME - 1].removesuffix("~") + "…"
    longer = f"{pointer}/{segment}"
    return longer if len(longer) <= MAX_POINTER else pointer
