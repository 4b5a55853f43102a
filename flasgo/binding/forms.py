"""A submitted form → the values that a plan asks for.

What a browser does not send means what a browser means by it: a box that is not ticked is False, a list of which nothing was
chosen is empty. A time without seconds has none. A field that was left empty is, unless it may hold text, None where its type has None, and else not there.
`csrf_token` is nobody's field. Text is read like that of a query: repeated names, words for true and false.
"""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence, Sized
from functools import partial
from typing import Any, Final, TypeAlias, cast

from msgspec import ValidationError, convert
from msgspec import inspect as shapes
from msgspec.structs import replace

from flasgo.errors import Issue, Location
from flasgo.http.forms import CSRF_FIELD, FormData
from flasgo.patterns import regex
from flasgo.plan.forms import alternatives_of, bare, items_of, leaves_of, takes_empty_text
from flasgo.plan.model import MISSING, FormField
from flasgo.validation.codecs import NO_CODECS, Codecs
from flasgo.validation.issues import BOOL_WORDS, collect
from flasgo.validation.numbers import finite
from flasgo.validation.shapes import counts_apart, type_info
from flasgo.validation.spellings import reader_of

Raw: TypeAlias = dict[str, object]
Text: TypeAlias = Callable[[str], object]
Texts: TypeAlias = Callable[[Sequence[str]], object]

EMPTY: Final = object()
"""What an empty field that may not hold text says: nothing."""

NO_TEXT: Final = ()
"""Stands for the word "null", which msgspec would read as None: it is of no type that a form can carry."""


UNSECONDED: Final = regex(r"(?:\d{4,}-\d\d-\d\dT)?\d\d:\d\d", re.ASCII)
"""What an input of type time or datetime-local sends where nobody asks for seconds (WHATWG HTML §2.3.5.3, §2.3.5.5)."""


class FormReader:
    """Reads one record from a form. `others` are names that belong to other parameters of the same handler."""

    def __init__(
        self,
        record: object,
        fields: Sequence[FormField],
        others: frozenset[str] = frozenset(),
        codecs: Codecs = NO_CODECS,
    ) -> None:
        self.codecs = codecs
        self.dec_hook = codecs.read if codecs.within(record) else None
        shape = bare(type_info(record))
        self.record = record
        self.files = tuple((f.name, f.many, f.unsent) for f in fields if f.file)
        texts = [(f.name, _reads(f), f.unsent) for f in fields if not f.file]
        self.plain = tuple(name for name, read, unsent in texts if read is None and unsent is MISSING)
        self.mended = tuple((name, read or _alone, unsent) for name, read, unsent in texts if name not in self.plain)
        get = _item if isinstance(shape, shapes.TypedDictType) else getattr
        self.numbers = tuple((f.name, partial(_is_finite, get, f.attribute)) for f in fields if _counts(f))
        self.apart = tuple(
            (f.name, partial(_size, get, f.attribute))
            for f in fields
            if any(map(counts_apart, alternatives_of(f.shape)))
        )
        self.single = frozenset(f.name for f in fields if not f.many)
        self.file_names = frozenset(f.name for f in fields if f.file)
        self.known: frozenset[str] | None = None
        if isinstance(shape, shapes.StructType):
            if shape.tag_field is not None:
                self.plain += (shape.tag_field,)
            if shape.forbid_unknown_fields:
                self.known = others | {f.name for f in fields} | {CSRF_FIELD, *self.plain}

    def read(self, form: FormData) -> object:
        """The record. Raises ValidationError, and any error of the record's own check."""
        raw = self.raw(form)
        value = convert(raw, self.record, strict=False, dec_hook=self.dec_hook)
        for name, is_finite in self.numbers:
            if name in raw and not is_finite(value):
                raise ValidationError("not finite")
        for name, size in self.apart:
            items = raw.get(name)
            if isinstance(items, list) and size(value) < len(items):
                raise ValidationError("an item twice")
        return value

    def raw(self, form: FormData) -> Raw:
        """What was sent, by name; a name that was sent more than once where one value is meant has a list."""
        texts = form.fields
        found: Raw = {}
        for name in self.plain:
            if name in texts:
                values = texts[name]
                found[name] = values[0] if len(values) == 1 else values
        for name, read, unsent in self.mended:
            value = read(texts[name]) if name in texts else unsent
            if value is EMPTY:
                value = unsent
            if value is not MISSING:
                found[name] = value
        if self.files:
            self._add_files(form, found)
        if self.known is not None:
            found |= {name: texts[name] for name in texts if name not in self.known}
            found |= {name: files for name, files in form.files.items() if name not in self.known}
        return found

    def _add_files(self, form: FormData, found: Raw) -> None:
        for name, many, unsent in self.files:
            files = form.filelist(name)
            if files:
                found[name] = files if many or len(files) > 1 else files[0]
            elif any(texts := form.getlist(name)):
                found[name] = texts if many else texts[0]  # it is no file, and will be refused
            elif unsent is not MISSING:
                found[name] = unsent

    def issues(self, form: FormData) -> Iterator[Issue]:
        """All that is wrong with it."""
        raw = self.raw(form)
        repeated = {name for name in self.single if isinstance(raw.get(name), list)}
        for name in sorted(repeated):
            yield Issue(self._location(name), _pointer(name), "repeated", "must be given only once")
        rest = {name: value for name, value in raw.items() if name not in repeated}
        pointers = {_pointer(name) for name in repeated}
        for issue in collect(rest, self.record, location="form", strict=False, codecs=self.codecs):
            if issue.pointer not in pointers:
                top = issue.pointer[1:].partition("/")[0].replace("~1", "/").replace("~0", "~")
                yield replace(issue, location="file") if top in self.file_names else issue

    def _location(self, name: str) -> Location:
        return "file" if name in self.file_names else "form"


def _pointer(name: str) -> str:
    return f"/{name.replace('~', '~0').replace('/', '~1')}"


def _is_finite(get: Callable[[Any, str], object], name: str, record: object) -> bool:
    value = get(record, name)
    return all(map(finite, value)) if isinstance(value, (list, tuple, set, frozenset)) else finite(value)


def _size(get: Callable[[Any, str], object], name: str, record: object) -> int:
    return len(cast("Sized", get(record, name)))


def _item(record: Mapping[str, object], name: str) -> object:
    return record[name]


def _counts(field: FormField) -> bool:
    """May a value be a float or a Decimal? msgspec reads "nan" and "inf" from text."""
    return any(isinstance(leaf, (shapes.FloatType, shapes.DecimalType)) for leaf in leaves_of(field.shape))


def _reads(field: FormField) -> Texts | None:
    """What makes a raw value of a field's texts; None where they are taken as they are."""
    if not field.many:
        read = _text(field.shape)
        return None if read is None else partial(_one, read)
    (collection,) = [one for one in alternatives_of(field.shape) if items_of(one)]
    items = [_text(item) for item in items_of(collection)]
    if isinstance(collection, shapes.TupleType):
        return partial(_places, items) if any(items) else list
    if items[0] is None:
        return list
    return partial(_some_apart if counts_apart(collection) else _some, items[0])


def _text(shape: shapes.Type) -> Text | None:
    """What makes a raw value of one text; None where any text is taken as it is."""
    kinds = list(alternatives_of(shape))
    if any(isinstance(one, (shapes.StrType, shapes.AnyType)) for one in kinds):
        return None
    optional = any(isinstance(one, shapes.NoneType) for one in kinds)
    boolean = any(
        isinstance(one, shapes.BoolType) or (isinstance(one, shapes.LiteralType) and bool in map(type, one.values))
        for one in kinds
    )
    timed = any(isinstance(one, (shapes.TimeType, shapes.DateTimeType)) for one in kinds)
    empty: object = "" if takes_empty_text(shape) else None if optional else EMPTY
    spelled = reader_of(kinds)

    def read(text: str) -> object:
        if not text:
            return empty
        if boolean and text.lower() in BOOL_WORDS:
            return BOOL_WORDS[text.lower()]
        if optional and text.lower() == "null":
            return NO_TEXT
        if timed and UNSECONDED.fullmatch(text):
            return f"{text}:00"
        return text if spelled is None else spelled(text)

    return read


def _one(read: Text, texts: Sequence[str]) -> object:
    return read(texts[0]) if len(texts) == 1 else texts


def _alone(texts: Sequence[str]) -> object:
    return texts[0] if len(texts) == 1 else texts


def _some(read: Text, texts: Sequence[str]) -> object:
    values = [value for text in texts if (value := read(text)) is not EMPTY]
    return values or EMPTY


def _some_apart(read: Text, texts: Sequence[str]) -> object:
    # What is left empty is left so once, like every item.
    return list(texts) if texts.count("") > 1 else _some(read, texts)


def _places(reads: Sequence[Text | None], texts: Sequence[str]) -> object:
    if len(texts) == 1 and not texts[0]:
        return EMPTY
    values = [text if read is None or not text else read(text) for read, text in zip(reads, texts, strict=False)]
    return [*values, *texts[len(values) :]]
