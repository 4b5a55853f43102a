"""What of a newer document breaks clients that were written against an older one.

A client may send whatever the older document takes, so the newer one must take it; and it understands whatever the older
one answers, so the newer one must answer nothing else. Both are the same question, asked of schemas in opposite order: does
every value of the one fit the other?
"""

from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any, Final, TypeAlias, cast

from msgspec import Struct

from flasgo.openapi.emit import CSRF_PARAMETER

Json: TypeAlias = Mapping[str, Any]
"""A part of a document."""

METHODS: Final = ("get", "put", "post", "delete", "options", "head", "patch", "trace")

LOWER: Final = ("minLength", "minItems", "minProperties")
UPPER: Final = ("maxLength", "maxItems", "maxProperties")
LEAST: Final = ("minimum", "exclusiveMinimum")
MOST: Final = ("maximum", "exclusiveMaximum")
EXACT: Final = ("pattern", "format", "multipleOf", "contentEncoding", "contentMediaType", "const")
"""Constraints that a schema may lose, but not change or gain."""

OF_TYPE: Final[Mapping[str, Collection[str]]] = {
    **dict.fromkeys(("minLength", "maxLength", "pattern", "contentEncoding", "contentMediaType"), ("string",)),
    "format": ("string", "integer", "number"),
    **dict.fromkeys(
        ("minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf"), ("integer", "number")
    ),
    **dict.fromkeys(("items", "prefixItems", "minItems", "maxItems", "uniqueItems"), ("array",)),
    **dict.fromkeys(
        ("properties", "required", "additionalProperties", "propertyNames", "minProperties", "maxProperties"),
        ("object",),
    ),
}
"""Keywords that say something of values of these types only."""

SCALARS: Final = frozenset({"boolean", "integer", "number", "string"})

CSRF_REFERENCE: Final = f"#/components/parameters/{CSRF_PARAMETER}"

DESCRIBING: Final = frozenset(
    {"allOf", "anyOf", "oneOf", "discriminator", "title", "description", "default", "examples"}
)

TYPES: Final[Mapping[type, str]] = {
    bool: "boolean", int: "integer", float: "number", str: "string", list: "array", dict: "object", type(None): "null",
}  # fmt: skip


def incompatible(old: Json, new: Json) -> list[str]:
    """One line for each incompatible change; none if clients of `old` may go on with `new`."""
    return list(dict.fromkeys(_Comparison(old, new).lines()))


def template_of(path: str) -> str:
    """A path without the names of its parameters, which no client sends."""
    pieces = path.split("{")
    return pieces[0] + "".join("{}" + piece.partition("}")[2] for piece in pieces[1:])


class Side(Struct, frozen=True):
    """Two schemas to be compared: every value of `narrow` must fit `wide`; `wide_is_new` where clients send them."""

    wide: Json
    narrow: Json
    wide_is_new: bool

    def said(self, key: str) -> str:
        old, new = (self.narrow, self.wide) if self.wide_is_new else (self.wide, self.narrow)
        return f"{key} was {_shown(old.get(key))}, is {_shown(new.get(key))}"


class _Comparison:
    def __init__(self, old: Json, new: Json) -> None:
        self.old = old
        self.new = new
        self.seen: set[tuple[str, str, bool]] = set()

    def lines(self) -> Iterator[str]:
        new_paths = {template_of(path): item for path, item in self.new.get("paths", {}).items()}
        for path, item in self.old.get("paths", {}).items():
            other = new_paths.get(template_of(path))
            if other is None:
                yield f"{path}: removed"
                continue
            for method in METHODS:
                if method in item and method not in other:
                    yield f"{method.upper()} {path}: removed"
                elif method in item:
                    self.seen.clear()
                    for line in self.operation(item[method], other[method]):
                        yield f"{method.upper()} {path}: {line}"

    def operation(self, old: Json, new: Json) -> Iterator[str]:
        yield from self.parameters(old, new)
        yield from self.bodies(self.at(self.old, old.get("requestBody")), self.at(self.new, new.get("requestBody")))
        yield from self.responses(old.get("responses", {}), new.get("responses", {}))
        yield from self.security(old, new)

    def responses(self, old: Json, new: Json) -> Iterator[str]:
        for status, response in old.items():
            if status in new:
                before, after = self.at(self.old, response), self.at(self.new, new[status])
                yield from self.contents(before, after, f"response {status}", wide_is_new=False)
            elif _succeeds(status) and f"{status[0]}XX" not in new:
                yield f"response {status}: removed"

    def security(self, old: Json, new: Json) -> Iterator[str]:
        """Whether whoever was let in by the old document still is: one of its alternatives must do, with no more scopes."""
        before: Sequence[Json] = old.get("security", self.old.get("security")) or ({},)
        after: Sequence[Json] = new.get("security", self.new.get("security")) or ({},)
        for held in before:
            if any(
                one.keys() <= held.keys() and all(set(one[name]) <= set(held[name]) for name in one) for one in after
            ):
                continue
            if not held:
                yield "security: asks who the client is now"
            elif any(one.keys() <= held.keys() for one in after):
                yield f"security: asks for more scopes of {' and '.join(held)}"
            else:
                yield f"security: no longer takes {' and '.join(held)}"
        if _asks_for_token(new) and not _asks_for_token(old):
            yield "security: asks for a CSRF token now"

    def parameters(self, old: Json, new: Json) -> Iterator[str]:
        before = self._by_place(self.old, old)
        after = self._by_place(self.new, new)
        for key, parameter in before.items():
            where = f"{parameter['in']} parameter {parameter['name']!r}"
            if key not in after:
                yield f"{where}: removed"
                continue
            if after[key].get("required") and not parameter.get("required"):
                yield f"{where}: required now"
            side = Side(after[key].get("schema", {}), parameter.get("schema", {}), wide_is_new=True)
            if not _is_any_text(side):
                yield from self.misfits(side, where)
        for key in after.keys() - before.keys():
            if after[key].get("required"):
                yield f"{after[key]['in']} parameter {after[key]['name']!r}: new and required"

    def _by_place(self, document: Json, operation: Json) -> dict[tuple[str, object], Json]:
        """Parameters by place and name; those of the path by their order, since their names are not sent."""
        found: dict[tuple[str, object], Json] = {}
        for one in operation.get("parameters", ()):
            if one.get("$ref") == CSRF_REFERENCE:
                continue  # see security()
            parameter = self.at(document, one)
            place = parameter["in"]
            number = sum(key[0] == "path" for key in found)
            name = parameter["name"].lower() if place == "header" else parameter["name"]
            found[place, number if place == "path" else name] = parameter
        return found

    def bodies(self, old: Json, new: Json) -> Iterator[str]:
        if new.get("required") and not old.get("required"):
            yield "body: required now"
        if old and not new:
            yield "body: removed"
        elif old:
            yield from self.contents(old, new, "body", wide_is_new=True)

    def contents(self, old: Json, new: Json, where: str, *, wide_is_new: bool) -> Iterator[str]:
        before, after = old.get("content", {}), new.get("content", {})
        for kind, media in before.items():
            if kind not in after:
                yield f"{where}: {kind} removed"
                continue
            first, second = media.get("schema", {}), after[kind].get("schema", {})
            side = Side(second, first, wide_is_new) if wide_is_new else Side(first, second, wide_is_new)
            yield from self.misfits(side, where)

    def misfits(self, side: Side, where: str) -> Iterator[str]:
        """Why some value of the narrow schema does not fit the wide one, or a property is gone."""
        wide_root, narrow_root = (self.new, self.old) if side.wide_is_new else (self.old, self.new)
        key = (str(side.wide.get("$ref", "")), str(side.narrow.get("$ref", "")), side.wide_is_new)
        if key[0] and key[1]:
            if key in self.seen:
                return
            self.seen.add(key)
        side = Side(self.at(wide_root, side.wide), self.at(narrow_root, side.narrow), side.wide_is_new)
        wides, narrows = _alternatives(side.wide), _alternatives(side.narrow)
        if len(wides) == len(narrows) == 1:
            inner = Side(wides[0], narrows[0], side.wide_is_new)
            whole = inner.wide is side.wide and inner.narrow is side.narrow
            yield from self.single(inner, where) if whole else self.misfits(inner, where)
            return
        for narrow in narrows:
            if not any(self.fits(Side(wide, narrow, side.wide_is_new)) for wide in wides):
                name = _named(narrow)
                yield f"{where}: {f'no longer takes {name}' if side.wide_is_new else f'may be {name} now'}"

    def fits(self, side: Side) -> bool:
        known = set(self.seen)
        fits = next(self.misfits(side, ""), None) is None
        if not fits:
            self.seen = known
        return fits

    def single(self, side: Side, where: str) -> Iterator[str]:
        wide, narrow = side.wide, side.narrow
        kinds, given = _types(wide), _types(narrow)
        if kinds and not (given and given <= _taken_by(kinds)):
            yield f"{where}: {side.said('type')}"
            return
        if "enum" in wide and not ("enum" in narrow and all(value in wide["enum"] for value in narrow["enum"])):
            yield f"{where}: {side.said('enum')}"
        yield from (f"{where}: {side.said(name)}" for name in _edges_passed(wide, narrow))
        yield from (f"{where}: {side.said(name)}" for name in LOWER if _tighter(wide, narrow, name, 1))
        yield from (f"{where}: {side.said(name)}" for name in UPPER if _tighter(wide, narrow, name, -1))
        yield from (f"{where}: {side.said(name)}" for name in EXACT if name in wide and wide[name] != narrow.get(name))
        if wide.get("uniqueItems") and not narrow.get("uniqueItems"):
            yield f"{where}: {side.said('uniqueItems')}"
        yield from self.members(side, where)
        yield from self.items(side, where)

    def members(self, side: Side, where: str) -> Iterator[str]:
        wide, narrow = side.wide.get("properties", {}), side.narrow.get("properties", {})
        old, new = (narrow, wide) if side.wide_is_new else (wide, narrow)
        yield from (f"{where}: property {name!r} removed" for name in old if name not in new)
        required = set(side.narrow.get("required", ()))
        for name in side.wide.get("required", ()):
            if name not in required and (side.wide_is_new or name in new):
                yield f"{where}: property {name!r} {'required now' if side.wide_is_new else 'may be missing now'}"
        for name, schema in wide.items():
            if name in narrow:
                yield from self.misfits(Side(schema, narrow[name], side.wide_is_new), f"{where}.{name}")
        more = side.wide.get("additionalProperties", True)
        if more is False and narrow.keys() - wide.keys() and not side.wide_is_new:
            yield f"{where}: has more properties than the closed object had"
        if more is False and side.narrow.get("additionalProperties", True) is not False and "properties" in side.wide:
            yield f"{where}: takes no further properties now"
        if isinstance(more, Mapping):
            rest = side.narrow.get("additionalProperties", {})
            yield from self.misfits(
                Side(more, rest if isinstance(rest, Mapping) else {}, side.wide_is_new), f"{where}.*"
            )

    def items(self, side: Side, where: str) -> Iterator[str]:
        wide, narrow = side.wide.get("items"), side.narrow.get("items")
        if isinstance(wide, Mapping):
            inner = narrow if isinstance(narrow, Mapping) else {}
            yield from self.misfits(Side(wide, inner, side.wide_is_new), f"{where}[]")
        pairs = zip(side.wide.get("prefixItems", ()), side.narrow.get("prefixItems", ()), strict=False)
        for number, (first, second) in enumerate(pairs):
            yield from self.misfits(Side(first, second, side.wide_is_new), f"{where}[{number}]")

    @staticmethod
    def at(document: Json, part: Json | None) -> Json:
        """A part of a document, or what it refers to there."""
        found: Any = part or {}
        for _ in range(32):
            reference = found.get("$ref") if isinstance(found, Mapping) else None
            if not isinstance(reference, str) or not reference.startswith("#/"):
                break
            found = document
            for name in reference.removeprefix("#/").split("/"):
                found = found.get(name.replace("~1", "/").replace("~0", "~"), {})
        return cast("Json", found)


def _alternatives(schema: Json) -> Sequence[Json]:
    whole = schema.get("allOf", ())
    found = schema.get("anyOf") or schema.get("oneOf") or (whole if len(whole) == 1 else ())
    if not found and isinstance(schema.get("type"), list):
        kinds = [_of_type(schema, kind) for kind in schema["type"]]
        item = schema.get("items", {})
        return [*kinds, item] if "contentMediaType" in item else kinds  # one file is a form's list of one
    if not found:
        return [schema]
    # What stands beside the alternatives holds for each of them, but for what only describes them all.
    beside = {key: value for key, value in schema.items() if key not in DESCRIBING}
    both = [one if "$ref" in one else {**beside, **one} for one in found]
    return [inner for one in both for inner in _alternatives(one)]


def _of_type(schema: Json, kind: str) -> Json:
    """What a schema of several types says of one of them."""
    rest = {key: value for key, value in schema.items() if kind in OF_TYPE.get(key, (kind,))}
    if "enum" in rest:
        rest["enum"] = [value for value in rest["enum"] if TYPES[type(value)] in _taken_by({kind})]
    return {**rest, "type": kind}


def _types(schema: Json) -> set[str]:
    """The types of its values, as far as they are said; a list of types is a list of alternatives by now."""
    kind = schema.get("type")
    values = schema.get("enum", [schema["const"]] if "const" in schema else ())
    return {kind} if isinstance(kind, str) else {TYPES[type(value)] for value in values}


def _taken_by(kinds: set[str]) -> set[str]:
    return kinds | {"integer"} if "number" in kinds else kinds


def _tighter(wide: Json, narrow: Json, name: str, sign: int) -> bool:
    return name in wide and (name not in narrow or bool(sign * narrow[name] < sign * wide[name]))


def _edges_passed(wide: Json, narrow: Json) -> Iterator[str]:
    """The keywords by which the wide schema leaves out numbers that the narrow one has."""
    for names, sign in ((LEAST, 1), (MOST, -1)):
        edge = max(_edges(narrow, names, sign), default=None)
        for own in _edges(wide, names, sign):
            if edge is None or own[:2] > edge[:2]:
                yield own[2]


def _edges(schema: Json, names: tuple[str, str], sign: int) -> Iterator[tuple[float, bool, str]]:
    """What bounds numbers on one side, and whether the bound itself is left out; more is tighter."""
    for name in names:
        if name not in schema:
            continue
        bound = cast("float", schema[name])  # any other document is refused by who reads it (cli/openapi.py)
        left_out = name.startswith("exclusive")
        whole = left_out and schema.get("type") == "integer" and isinstance(bound, int)
        yield sign * bound + whole, left_out and not whole, name


def _is_any_text(side: Side) -> bool:
    """Whether a parameter takes all text now, and so whatever spelled the single values that it took before."""
    if side.wide.get("type") != "string" or not side.wide.keys() <= {"type", *DESCRIBING}:
        return False
    return all(set() != _types(one) <= SCALARS for one in _alternatives(side.narrow))


def _succeeds(status: str) -> bool:
    """Whether a client goes on with it: refusals may come and go, and 304 is answered to those who ask for it."""
    return status[:1] in {"2", "3"} and status != "304"


def _asks_for_token(operation: Json) -> bool:
    return any(one.get("$ref") == CSRF_REFERENCE for one in operation.get("parameters", ()))


def _named(schema: Json) -> str:
    reference = str(schema.get("$ref", "")).rpartition("/")[2]
    return reference or str(schema.get("title") or _shown(schema.get("type") or schema.get("enum")))


def _shown(value: object) -> str:
    if value is None:
        return "anything"
    text = ", ".join(map(str, value)) if isinstance(value, list) else str(value)
    return text if len(text) <= 80 else f"{text[:80]}…"  # noqa: PLR2004 - one line is enough
