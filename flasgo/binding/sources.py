"""Where each location's raw values come from: compiled once for the names that a plan asks for.

A source gives `name → text`, `name → [text, …]` for what collects many; what was not sent is not in it. A name that was
sent more than once where one value is meant gives a list too, which no single type accepts.
"""

from collections.abc import Callable, Iterable, Sequence
from functools import partial
from typing import TypeAlias, cast, get_args, get_origin

from msgspec.inspect import AnyType, BoolType, LiteralType, StrType

from flasgo.http.query import MAX_FIELDS, parse_query
from flasgo.plan.forms import alternatives_of
from flasgo.plan.model import Input
from flasgo.plan.types import is_collection, peel
from flasgo.request import Request
from flasgo.validation.issues import BOOL_WORDS
from flasgo.validation.shapes import nodes, type_info
from flasgo.validation.spellings import reader_of

Raw: TypeAlias = dict[str, object]
Source: TypeAlias = Callable[[Request], Raw]
Mend: TypeAlias = Callable[[object], object]


def query_source(inputs: Sequence[Input]) -> Source:
    many = tuple(i.name for i in inputs if i.many)

    def source(request: Request) -> Raw:
        pairs = parse_query(request.scope.get("query_string", b""))
        found: Raw = dict(pairs)
        if many or len(found) != len(pairs):
            _group(found, pairs, many)
        return found

    return source if many else partial(_plain_query, source)


def _plain_query(source: Source, request: Request) -> Raw:
    """What `source` gives, at half the price for a query that has no escapes and repeats nothing."""
    scope = request.scope
    raw = scope["query_string"] if "query_string" in scope else b""  # noqa: SIM401 - a call less
    found: Raw = {}
    if not raw:
        return found
    try:
        text = raw.decode()
    except UnicodeDecodeError:
        return source(request)
    pieces = text.split("&", MAX_FIELDS)
    if "%" in text or "+" in text or len(pieces) > MAX_FIELDS:
        return source(request)
    for piece in pieces:
        name, _, found[name] = piece.partition("=")
    return source(request) if len(found) != len(pieces) or "" in found else found


def _group(found: Raw, pairs: Iterable[tuple[str, object]], many: Sequence[str]) -> None:
    lists: dict[str, list[object]] = {}
    for name, value in pairs:
        lists.setdefault(name, []).append(value)
    for name, values in lists.items():
        if name in many or len(values) > 1:
            found[name] = values


def header_source(inputs: Sequence[Input]) -> Source:
    single = tuple((i.name.encode("latin-1"), i.name) for i in inputs if not i.many)
    many = tuple(i.name for i in inputs if i.many)

    def source(request: Request) -> Raw:
        fields = request.fields
        found: Raw = {name: fields[key].decode("latin-1") for key, name in single if key in fields}
        if many or len(fields) != len(request.scope["headers"]):
            headers = request.headers
            for _, name in single:
                lines = headers.getlist(name)
                if len(lines) > 1:
                    found[name] = lines
            for name in many:
                lines = headers.getlist(name)
                if lines:
                    # One line with commas and several lines say the same (RFC 9110 §5.3); empty elements say nothing (§5.6.1).
                    pieces = [piece.strip(" \t") for line in lines for piece in line.split(",")]
                    found[name] = [piece for piece in pieces if piece]
        return found

    return source


def cookie_source(inputs: Sequence[Input]) -> Source:
    wanted = tuple((i.name, i.many) for i in inputs)

    def source(request: Request) -> Raw:
        sent = request.cookie_lists
        return {
            name: values if many or len(values) > 1 else values[0]
            for name, many in wanted
            if (values := sent.get(name))
        }

    return source


def path_source(_inputs: Sequence[Input]) -> Source:
    return lambda request: request.path_params


SOURCES: dict[str, Callable[[Sequence[Input]], Source]] = {
    "path": path_source,
    "query": query_source,
    "header": header_source,
    "cookie": cookie_source,
}


def mended(source: Source, inputs: Sequence[Input]) -> Source:
    """The source with the words for true and false read that people use; itself where no boolean is asked for."""
    menders = tuple((i.name, mend) for i in inputs if (mend := _mender(i.annotation, i.location)) is not None)
    if not menders:
        return source

    def mended_source(request: Request) -> Raw:
        found = source(request)
        for name, mend in menders:
            if name in found:
                found[name] = mend(found[name])
        return found

    return mended_source


def _mender(annotation: object, location: str) -> Mend | None:
    """What reads the booleans among the values of this type, and looks how others are spelled; None where text is welcome, too."""
    kind, _ = peel(annotation)
    if not is_collection(kind):
        return _scalar_mender(annotation, location)
    items = [_mender(item, location) or _same for item in get_args(kind) if item is not Ellipsis]
    if all(mend is _same for mend in items):
        return None
    fixed = get_origin(kind) is tuple and Ellipsis not in get_args(kind)
    return partial(_mend_places, items) if fixed else partial(_mend_all, items[0])


def _scalar_mender(annotation: object, location: str) -> Mend | None:
    truth = _truth if _is_boolean(annotation) else None
    read = reader_of(alternatives_of(type_info(annotation)), in_path=location == "path")
    return truth if read is None else partial(_mend_text, truth or _same, read)


def _mend_text(truth: Mend, read: Callable[[str], object], value: object) -> object:
    settled = truth(value)
    return read(settled) if isinstance(settled, str) else settled


def _mend_all(mend: Mend, values: object) -> object:
    return [mend(value) for value in cast("list[object]", values)]


def _mend_places(menders: Sequence[Mend], values: object) -> object:
    every = cast("list[object]", values)
    return [mend(value) for mend, value in zip(menders, every, strict=False)] + every[len(menders) :]


def _truth(value: object) -> object:
    return BOOL_WORDS.get(value.lower(), value) if isinstance(value, str) else value


def _same(value: object) -> object:
    return value


def _is_boolean(annotation: object) -> bool:
    """Does it take booleans, and no text?"""
    kinds = nodes(annotation)
    if any(isinstance(kind, (StrType, AnyType)) for kind in kinds):
        return False
    return any(
        isinstance(kind, BoolType) or (isinstance(kind, LiteralType) and bool in map(type, kind.values))
        for kind in kinds
    )
