"""What of a type a form can carry: text, files, and collections of them, one level deep."""

from collections.abc import Iterator
from typing import get_args

from msgspec import inspect as shapes
from msgspec.structs import replace

from flasgo.http.uploads import UploadedFile
from flasgo.plan.model import MISSING, FormField
from flasgo.plan.types import members, peel
from flasgo.validation.codecs import NO_CODECS, Codecs
from flasgo.validation.shapes import type_info

TEXTUAL = (
    shapes.AnyType,
    shapes.BoolType,
    shapes.BytesType,
    shapes.DateTimeType,
    shapes.DateType,
    shapes.DecimalType,
    shapes.EnumType,
    shapes.FloatType,
    shapes.IntType,
    shapes.LiteralType,
    shapes.StrType,
    shapes.TimeDeltaType,
    shapes.TimeType,
    shapes.UUIDType,
)

ANY_TEXT = (shapes.AnyType, shapes.BytesType, shapes.StrType)
"""What an empty text is a value of."""


def form_fields(record: object, codecs: Codecs = NO_CODECS) -> tuple[FormField, ...]:
    """The fields of a record as a form has them. Raises TypeError, which says why, for what no form can carry."""
    shape = bare(type_info(record))
    if isinstance(shape, shapes.NamedTupleType) or (isinstance(shape, shapes.StructType) and shape.array_like):
        raise TypeError("its members have places, not names")
    if not isinstance(shape, (shapes.StructType, shapes.DataclassType, shapes.TypedDictType)):
        raise TypeError("it is not one record")
    for one in shape.fields:
        problem = _problem(codecs.on_wire(one.type))
        if problem is not None:
            raise TypeError(f"its field `{one.name}` is {problem}")
    # What is text, and stands for something else, is nothing where a field is left empty.
    return tuple(form_field(replace(one, type=codecs.on_wire(one.type, but_text=True))) for one in shape.fields)


def form_field(field: shapes.Field) -> FormField:
    """One member of a record, whose type a form can carry."""
    alternatives = tuple(alternatives_of(field.type))
    unsent: object = MISSING
    if all(isinstance(one, shapes.BoolType) for one in alternatives):
        unsent = False
    elif field.required and any(isinstance(one, shapes.NoneType) for one in alternatives):
        unsent = None
    elif field.required and all(map(may_be_empty, alternatives)):
        unsent = []
    return FormField(
        name=field.encode_name,
        attribute=field.name,
        shape=field.type,
        file=holds_file(field.type),
        many=any(map(items_of, alternatives)),
        required=field.required and unsent is MISSING,
        unsent=unsent,
    )


def bare(shape: shapes.Type) -> shapes.Type:
    while isinstance(shape, shapes.Metadata):
        shape = shape.type
    return shape


def alternatives_of(shape: shapes.Type) -> Iterator[shapes.Type]:
    """The members of a union; of anything else, itself."""
    shape = bare(shape)
    if isinstance(shape, shapes.UnionType):
        for member in shape.types:
            yield from alternatives_of(member)
    else:
        yield shape


def items_of(shape: shapes.Type) -> tuple[shapes.Type, ...]:
    """The types of a collection's items; empty for what is none."""
    if isinstance(shape, shapes.CollectionType):
        return (shape.item_type,)
    return shape.item_types if isinstance(shape, shapes.TupleType) else ()


def may_be_empty(shape: shapes.Type) -> bool:
    """Is nothing at all a value of it, because it is a collection that asks for no items?"""
    return isinstance(shape, shapes.CollectionType) and not shape.min_length


def is_file(shape: shapes.Type) -> bool:
    return isinstance(shape, shapes.CustomType) and shape.cls is UploadedFile


def holds_file(shape: shapes.Type) -> bool:
    """Is it a file, or a collection of files?"""
    return any(is_file(one) or any(map(holds_file, items_of(one))) for one in alternatives_of(shape))


def takes_empty_text(shape: shapes.Type) -> bool:
    """Is the empty text a value of this type, or only a field that was left empty?"""
    for one in alternatives_of(shape):
        if isinstance(one, ANY_TEXT):
            return True
        if isinstance(one, shapes.LiteralType) and "" in one.values:
            return True
        if isinstance(one, shapes.EnumType) and any(member.value == "" for member in one.cls):
            return True
    return False


def _problem(shape: shapes.Type) -> str | None:
    """Why a form has no such field."""
    alternatives = [one for one in alternatives_of(shape) if not isinstance(one, shapes.NoneType)]
    collections = [one for one in alternatives if items_of(one)]
    if collections and len(alternatives) > 1:
        return "a collection or something else, which a form cannot tell apart"
    items = [item for one in collections for item in items_of(one)]
    for one in items or alternatives:
        for alternative in alternatives_of(one):
            if not (isinstance(alternative, (*TEXTUAL, shapes.NoneType)) or is_file(alternative)):
                return "nested, and a form is flat"
    return None


def is_upload(annotation: object) -> bool:
    """Is it UploadedFile, or an optional one, or a collection of them?"""
    kinds = [peel(member)[0] for member in members(annotation)]
    return any(
        kind is UploadedFile or any(peel(m)[0] is UploadedFile for a in get_args(kind) for m in members(a))
        for kind in kinds
    )


def leaves_of(shape: shapes.Type) -> Iterator[shapes.Type]:
    """The types that a field's single values may be of."""
    for one in alternatives_of(shape):
        items = items_of(one)
        for item in items:
            yield from leaves_of(item)
        if not items:
            yield one
