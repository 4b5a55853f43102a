"""Where each location's raw values come from: compiled once for the names that a plan asks for.

A source gives `name → text`, `name → [text, …]` for what collects many; what was not sent is not in it. A name that was
sent more than once where one value is meant gives a list too, which no single type accepts.
"""

from collections.abc import Callable, Iterable, Sequence
from typing import TypeAlias

from flasgo.http.query import parse_query
from flasgo.plan.model import Input
from flasgo.plan.types import members, peel
from flasgo.request import Request
from flasgo.validation.issues import BOOL_WORDS

Raw: TypeAlias = dict[str, object]
Source: TypeAlias = Callable[[Request], Raw]
Mend: TypeAlias = Callable[[Raw], None]


def query_source(inputs: Sequence[Input]) -> Source:
    many = tuple(i.name for i in inputs if i.many)

    def source(request: Request) -> Raw:
        pairs = parse_query(request.scope.get("query_string", b""))
        found: Raw = dict(pairs)
        if many or len(found) != len(pairs):
            _group(found, pairs, many)
        return found

    return source


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
                    # RFC 9110 §5.3: one line with commas and several lines say the same.
                    found[name] = [piece.strip(" \t") for line in lines for piece in line.split(",")]
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
    """The source with the words put right that msgspec reads otherwise than people do; itself where there are none."""
    booleans = tuple(i.name for i in inputs if _admits(i, bool) and not _admits(i, str))
    nullable = tuple(i.name for i in inputs if _admits(i, type(None)) and not _admits(i, str))
    if not booleans and not nullable:
        return source

    def mend(request: Request) -> Raw:
        found = source(request)
        for name in booleans:
            if name in found:
                found[name] = _truth(found[name])
        for name in nullable:
            word = found.get(name)
            if isinstance(word, str) and word.lower() == "null":
                # msgspec would read the word as None; in a URL it is just a word that is not of the type.
                found[name] = [word]
        return found

    return mend


def _truth(value: object) -> object:
    if isinstance(value, list):
        return [_truth(item) for item in value]
    return BOOL_WORDS.get(value.lower(), value) if isinstance(value, str) else value


def _admits(one: Input, kind: type) -> bool:
    """Is this class among the alternatives of an input's type, or of its items'?"""
    for member in members(one.annotation):
        base, _ = peel(member)
        if (type(None) if base is None else base) is kind:
            return True
        if one.many and kind is not type(None) and any(peel(a)[0] is kind for a in getattr(base, "__args__", ())):
            return True
    return False
