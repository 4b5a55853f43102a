"""Parameters that come from the body: JSON as a whole, a form as a whole, single fields and files of a form."""

from collections.abc import Collection
from typing import Any, TypeVar, cast, get_args, get_origin

import msgspec
from msgspec.structs import replace

from flasgo.http.uploads import UploadedFile
from flasgo.pageform import PageForm
from flasgo.plan.forms import bare, form_fields, is_file, may_be_empty
from flasgo.plan.markers import LOCATIONS
from flasgo.plan.model import MISSING, FormField, Input
from flasgo.plan.reading import Reading, spelled
from flasgo.plan.types import (
    constrained,
    describe,
    is_body,
    is_collection,
    is_record,
    json_problem,
    peel,
    union,
    without_none,
)
from flasgo.validation.codecs import Codecs
from flasgo.validation.shapes import nodes, type_info


def body(reading: Reading, wire: str) -> Input:
    """The body as a whole: JSON; a record that a form can carry from a form as well; one with files from a form alone."""
    if _has_files(reading.annotation):
        return _whole_form(reading, wire)
    problem = json_problem(reading.annotation, codecs=reading.codecs)
    if problem is not None:
        raise reading.mistake(f"it cannot be decoded from JSON: {problem}.")
    try:
        fields = _fields(reading.annotation, reading.codecs)
    except TypeError:
        fields = None
    default = reading.default_of(reading.annotation)
    return Input(reading.name, "body", wire, reading.annotation, default, fields=fields)


def form(reading: Reading, wire: str) -> Input:
    """What is marked with Form(): the whole form for a record, else one field of text."""
    if is_body(reading.annotation):
        return _whole_form(reading, wire)
    one = reading.text("form", wire)
    _, optional = without_none(reading.annotation)
    if peel(one.annotation)[0] is bool and not optional:
        if one.default is True:
            raise reading.mistake(
                "a box that is not ticked is not sent, so the default True could never be told from False; "
                "write `bool` without a default, or `bool | None`."
            )
        return replace(one, default=False)
    if optional and not one.many:
        # A field that is sent empty is None, whatever the default.
        return replace(one, annotation=union((one.annotation, None)))
    return replace(one, default=_nothing(one.annotation)) if one.many and one.required else one


def page(reading: Reading, wire: str) -> Input:
    """A form that its handler shows again where it is not valid: `PageForm[Signup]`."""
    found = get_args(reading.kind)
    if len(found) != 1 or isinstance(found[0], TypeVar):
        raise reading.mistake(
            "a PageForm is one of a record; write `PageForm[Signup]`, with a Struct of the form's fields."
        )
    if reading.marker is not None or reading.default is not MISSING:
        raise reading.mistake(
            "a PageForm is provided by its type, and always there; take the marker and the default away."
        )
    record = found[0]
    reading.check_json(record, besides=UploadedFile)
    try:
        fields = _fields(record, reading.codecs)
    except TypeError as error:
        raise reading.mistake(
            f"{describe(record)} cannot be read from a form: {error}; make it a flat record."
        ) from None
    return Input(reading.name, "form", wire, record, None, fields=fields, page=True)


def is_page(annotation: object) -> bool:
    """Is it a PageForm?"""
    kind = peel(annotation)[0]
    return (get_origin(kind) or kind) is PageForm


def file(reading: Reading, wire: str) -> Input:
    """One file, or a collection of files, of one name."""
    if reading.marker is not None and LOCATIONS[type(reading.marker)] not in {"form", "file"}:
        raise reading.mistake(f"a file comes with a form; write File() instead of {spelled(reading.marker)}.")
    alternatives, optional = without_none(reading.annotation)
    kind, metadata = peel(alternatives[0])
    if len(alternatives) > 1 or not (kind is UploadedFile or is_collection(kind)):
        raise reading.mistake("it is a file or something else; annotate UploadedFile, or list[UploadedFile].")
    annotation = constrained(kind, (*metadata, *peel(reading.annotation)[1])) if optional else reading.annotation
    reading.check_json(annotation, besides=UploadedFile)
    many = is_collection(annotation)
    default, nothing = reading.default, _nothing(annotation)
    if default is MISSING:
        default = None if optional else nothing
    elif default is None:
        if not optional:
            raise reading.mistake(f"its default is None, but its type is not; write `{describe(kind)} | None = None`.")
    elif not (many and isinstance(default, Collection) and not default):
        raise reading.mistake("a file has no default but None; write `UploadedFile | None = None`.")
    elif nothing is MISSING:
        raise reading.mistake(
            f"its default is empty, and its type is not; leave it out, or write `{describe(kind)} | None = None`."
        )
    return Input(reading.name, "file", wire, annotation, default, many)


def _whole_form(reading: Reading, wire: str) -> Input:
    """A record that is the form as a whole."""
    reading.check_json(reading.annotation, besides=UploadedFile)
    try:
        fields = _fields(reading.annotation, reading.codecs)
    except TypeError as error:
        files = _has_files(reading.annotation)
        cure = "Put the files into a flat record" if files else "Take it as JSON, with Body() alone"
        raise reading.mistake(
            f"{describe(reading.kind)} cannot be read from a form: {error}. {cure}, or take its fields one by one with Form()."
        ) from None
    return Input(reading.name, "form", wire, reading.annotation, reading.default_of(reading.annotation), fields=fields)


def _fields(annotation: object, codecs: Codecs) -> tuple[FormField, ...]:
    alternatives, _ = without_none(annotation)
    if len(alternatives) != 1 or not is_record(alternatives[0]):
        raise TypeError("it is not one record")
    return form_fields(alternatives[0], codecs)


def _has_files(annotation: object) -> bool:
    try:
        return any(map(is_file, nodes(annotation)))
    except Exception:  # noqa: BLE001 - the annotations of a model are code of the user's; what is wrong is told by json_problem
        return False


def _nothing(annotation: object) -> object:
    """The empty collection of this type; MISSING where it asks for items."""
    if not may_be_empty(bare(type_info(annotation))):
        return MISSING
    kind, _ = peel(annotation)
    made: object = msgspec.convert([], cast("Any", get_origin(kind) or kind))
    return made
