"""What msgspec's schemas leave out of what its decoder asks for, put in: both say the same.

A schema and the type that it is of are walked side by side; what has a name is done once.
"""

from collections.abc import Iterable, Iterator
from enum import Flag
from typing import Any, Final, TypeAlias

from msgspec import inspect as shapes

from flasgo.plan.forms import bare
from flasgo.validation import spellings
from flasgo.validation.codecs import Codecs
from flasgo.validation.issues import fits
from flasgo.validation.shapes import counts_apart

Schema: TypeAlias = dict[str, Any]
"""JSON of any depth."""

_GROUP: Final = "[A-Za-z0-9+/]{4}"
_ENDS: Final = {1: "[A-Za-z0-9+/]{2}==", 2: "[A-Za-z0-9+/]{3}="}
"""The last characters of base64 for so many bytes that are left over."""

EXAMPLES: Final = {
    spellings.DECIMAL: "12.50",
    spellings.DATETIME: "2026-01-31T12:30:00Z",
    spellings.LOCAL_DATETIME: "2026-01-31T12:30:00",
    spellings.TIME: "12:30:00",
    spellings.LOCAL_TIME: "12:30:00",
    spellings.DURATION: "PT1H30M",
}
"""What a reader is shown: a value made of the pattern alone would be of no use to him."""


class Refiner:
    """Refines the schemas of one document, in place."""

    def __init__(self, components: Schema, prefix: str, codecs: Codecs) -> None:
        self._components = components
        self._codecs = codecs
        self._prefix = prefix
        self._done: set[tuple[str, bool]] = set()
        self._among: set[str] = set()
        self._alone: list[tuple[Schema, str, str]] = []
        self._sent = False

    def refine(self, schema: Schema, kind: object, *, sent: bool = False) -> None:
        """Put in what is missing of the schema of a type; `sent` says that clients send it."""
        self._sent = sent
        self._visit(schema, shapes.type_info(kind))

    def finish(self) -> None:
        """Where a record with a tag stands alone, there is nothing to tell apart, and a client may leave the tag out."""
        for schema, name, tag in self._alone:
            record = self._components[name]
            untagged = [field for field in record["required"] if field != tag]
            if name in self._among or (name, False) in self._done:
                self._components[f"{name}_untagged"] = {**record, "required": untagged}
                schema["$ref"] = f"{self._prefix}{name}_untagged"
            else:
                record["required"] = untagged

    def _visit(self, schema: Schema, shape: shapes.Type, *, tagged: bool = False) -> None:
        shape = bare(shape)
        reference = schema.get("$ref")
        if isinstance(reference, str):
            self._refer(schema, reference.removeprefix(self._prefix), shape, tagged=tagged)
            return
        match shape:
            case shapes.CollectionType():
                self._each(schema, "items", [shape.item_type])
                if not counts_apart(shape):
                    schema.pop("uniqueItems", None)  # what is there twice is taken once
            case shapes.TupleType():
                self._all(schema.get("prefixItems", ()), shape.item_types)
                _join_places(schema)
            case shapes.DictType():
                self._each(schema, "additionalProperties", [shape.value_type])
                _add_names(schema, bare(shape.key_type))
            case shapes.UnionType():
                self._union(schema, shape)
            case _:
                _spell(schema, shape)

    def _refer(self, schema: Schema, name: str, shape: shapes.Type, *, tagged: bool) -> None:
        if tagged:
            self._among.add(name)
        elif self._sent and isinstance(shape, shapes.StructType) and shape.tag_field and not shape.array_like:
            self._alone.append((schema, name, shape.tag_field))
        if (name, self._sent) not in self._done:
            self._done.add((name, self._sent))
            self._component(self._components[name], shape)

    def _component(self, schema: Schema, shape: shapes.Type) -> None:
        match shape:
            case shapes.EnumType() if issubclass(shape.cls, Flag):
                schema.pop("enum", None)
                schema |= {"type": "integer"} | _joined(shape.cls)
            case shapes.StructType(array_like=True) | shapes.NamedTupleType():
                skipped = 1 if isinstance(shape, shapes.StructType) and shape.tag_field else 0
                self._all(schema.get("prefixItems", [])[skipped:], [field.type for field in shape.fields])
            case shapes.StructType() | shapes.DataclassType() | shapes.TypedDictType():
                for field in shape.fields:
                    member = schema["properties"][field.encode_name]
                    self._visit(member, field.type)
                    if "default" in member and not fits(member["default"], field.type, self._codecs):
                        del member["default"]  # it stands for "not sent", and nobody may send it

    def _each(self, schema: Schema, key: str, kinds: list[shapes.Type]) -> None:
        inner = schema.get(key)
        if isinstance(inner, dict):
            self._all([inner], kinds)

    def _all(self, schemas: Iterable[Schema], kinds: Iterable[shapes.Type], *, tagged: bool = False) -> None:
        for schema, kind in zip(schemas, kinds, strict=False):
            self._visit(schema, kind, tagged=tagged)

    def _union(self, schema: Schema, shape: shapes.UnionType) -> None:
        """msgspec has the records of a union together, behind the others, and null last."""
        records = [one for one in map(bare, shape.types) if isinstance(one, shapes.StructType) and not one.array_like]
        others = [one for one in map(bare, shape.types) if one not in records and not isinstance(one, shapes.NoneType)]
        options = schema["anyOf"]
        if len(records) > 1:
            among = schema if "discriminator" in schema else next(one for one in options if "discriminator" in one)
            self._all(among["anyOf"], records, tagged=True)
            if any(not isinstance(record.tag, str) for record in records):
                del among["discriminator"]  # its keys are text, and programs compare them with what is sent
            if among is schema:
                return
            self._all(options, others)
        else:
            self._all(options, [*others, *records])


def _spell(schema: Schema, shape: shapes.Type) -> None:
    match shape:
        case shapes.BytesType() | shapes.ByteArrayType() | shapes.MemoryViewType():
            schema["pattern"] = _base64(shape.min_length or 0, shape.max_length)
            for name in ("minLength", "maxLength"):
                schema.pop(name, None)
        case shapes.DecimalType():
            schema.update(type=["string", "number"], pattern=spellings.DECIMAL)
        case shapes.TimeDeltaType():
            schema.pop("format", None)  # that of RFC 3339 has years and months, and neither a sign nor fractions
            schema["pattern"] = spellings.DURATION
        case shapes.DateTimeType(tz=None):
            local = {"format": "date-time-local", "pattern": spellings.DATETIME}
            schema["anyOf"] = [{"format": "date-time"}, local]
        case shapes.DateTimeType(tz=False):
            schema.update(format="date-time-local", pattern=spellings.LOCAL_DATETIME)
        case shapes.TimeType(tz=None):
            schema["pattern"] = spellings.TIME
        case shapes.TimeType(tz=False):
            schema.update(format="time-local", pattern=spellings.LOCAL_TIME)
        case _:
            return
    pattern = schema.get("pattern", spellings.DATETIME)
    if pattern in EXAMPLES and not schema.keys() & {"default", "examples"}:
        schema["examples"] = [EXAMPLES[pattern]]


def _join_places(schema: Schema) -> None:
    """A tuple whose places are all alike is an array with a length, which more programs understand; as they do `maxItems` alone."""
    places = schema.get("prefixItems")
    if places and all(place == places[0] for place in places):
        schema["items"] = schema.pop("prefixItems")[0]
    elif places is not None:
        schema.pop("items", None)


FEW_BITS: Final = 8
"""Of a flag: the values of one with no more are tried, each of them."""

INTEGERS: Final = {"minimum": -(1 << 63), "maximum": (1 << 64) - 1}
"""What msgspec reads as an integer where it looks one up."""


def _joined(kind: type[Flag]) -> Schema:
    """Which integers are members of a flag, joined: of one that keeps what it does not know, all."""
    bits = max((member.value for member in kind), default=0).bit_length()
    if _is_member(kind, 1 << bits):
        return INTEGERS
    tried = range(-(1 << bits), 1 << bits)
    values = [value for value in tried if _is_member(kind, value)] if bits <= FEW_BITS else tried
    if len(values) < len(tried):
        return {"enum": values}
    return {"minimum": tried[0], "maximum": tried[-1]}


def _is_member(kind: type[Flag], value: int) -> bool:
    try:
        kind(value)
    except ValueError:
        return False
    return True


def _base64(least: int, most: int | None) -> str:
    """What base64 of so many bytes looks like (RFC 4648 §4)."""
    if most is not None and most < least:
        return "^(?!)$"
    return f"^(?:{'|'.join(_lengths(least, most))})$"


def _lengths(least: int, most: int | None) -> Iterator[str]:
    """One alternative for each number of bytes beyond whole groups of three."""
    for over in (0, 1, 2):
        low = max(0, -(-(least - over) // 3))
        high = None if most is None else (most - over) // 3
        if high is None or high >= low:
            yield f"(?:{_GROUP}){{{low},{'' if high is None else high}}}{_ENDS.get(over, '')}"


def _add_names(schema: Schema, key: shapes.Type) -> None:
    """What the names of an object's members spell, where that is no text."""
    names: Schema = {}
    match key:
        case shapes.IntType():
            names["pattern"] = "^-?(?:0|[1-9][0-9]*)$"
        case shapes.UUIDType():
            names["format"] = "uuid"
        case shapes.DateType():
            names["format"] = "date"
        case shapes.EnumType():
            names["enum"] = [str(member.value) for member in key.cls]
        case shapes.LiteralType():
            names["enum"] = [str(value) for value in key.values]
        case _ if (spelling := spellings.spelling_of(key)) is not None:
            names["pattern"] = spelling.pattern
    if names:
        schema.setdefault("propertyNames", names)
