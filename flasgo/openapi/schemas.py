"""The JSON Schemas of a document: those that msgspec makes of the very types that decode and encode.

Whoever describes something asks for the schema of a type, and gets a dictionary that is still empty: all types are known
only when the last route is described, and only then do they get their names, filled in by `finish`.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from math import isfinite
from typing import Any, TypeAlias, cast

import msgspec

from flasgo.errors import ConfigurationError
from flasgo.http.uploads import UploadedFile
from flasgo.openapi.refine import Refiner
from flasgo.validation.codecs import NO_CODECS, Codecs

Schema: TypeAlias = dict[str, Any]
"""A JSON Schema, or any other part of a document: JSON, whose depth no type can say."""

REF = "#/components/schemas/"

FILE: Mapping[str, str] = {"contentMediaType": "application/octet-stream"}
"""Any bytes, which are of no type that JSON has (OpenAPI 3.1.1 §4.8.14.3, "Migrating binary descriptions from OAS 3.0")."""

_JSON_TYPES: Mapping[type, str] = {str: "string", int: "integer"}
"""Of the choices of an Enum or Literal, which msgspec lists without saying it."""

VIA = "x-flasgo-via"
"""The place of a schema that is not known yet; no document has it in the end."""

_WHITE = r"\t-\r\u001C-\u0020\u0085\u00A0\u1680\u2000-\u200A\u2028\u2029\u202F\u205F\u3000"
"""What Python takes for white space: ECMA-262 has U+FEFF besides, and neither the separators before the blank nor U+0085.

In capitals, for Swagger UI makes no example of a pattern with others.
"""

_PYTHON_ESCAPES = {r"\A": "^", r"\Z": "$", r"\s": f"[{_WHITE}]", r"\S": f"[^{_WHITE}]"}
_PYTHON_PATTERN = re.compile(r"\\.|\(\?P<\w+>|\[\^?\]?(?:\\.|[^\]\\])*\]", re.DOTALL)
"""An escape, the beginning of a group with a name, or a set of characters."""

_NO_NAME = re.compile(r"[^a-zA-Z0-9.\-_]")
"""What the name of a component may not have (OpenAPI 3.1.1 §4.8.7.1)."""

_MODULE = re.compile(r"(?:[\w<>]+\.)+")
"""A module and what is around a class in it, before the class's name."""


class Schemas:
    """Collects the types of one document."""

    def __init__(self, codecs: Codecs = NO_CODECS) -> None:
        self.codecs = codecs
        self._via: dict[type, Schema] = {}
        self._wanted: list[tuple[object, Schema, Callable[[Schema], None] | None]] = []
        self._sent: set[int] = set()
        self.components: Schema = {}

    def of(self, annotation: object, then: Callable[[Schema], None] | None = None, *, sent: bool = False) -> Schema:
        """The schema of a type; `then` is called with it when it is known. `sent` says that clients send it."""
        schema: Schema = {}
        self._wanted.append((annotation, schema, then))
        if sent:
            self._sent.add(len(self._wanted) - 1)
        return schema

    def finish(self) -> Schema:
        """Fill in every schema, and give those that have names."""
        annotations = [annotation for annotation, _, _ in self._wanted]
        components_of = partial(_components, schema_hook=self._hook, ref_template=REF + "{name}")
        found, components = components_of(annotations)
        if self._via:
            # Known only now, and with components of their own.
            kinds = tuple(self._via)
            found, components = components_of([*annotations, *(self._wire(kind) for kind in kinds)])
            self._via = dict(zip(kinds, found[len(annotations) :], strict=True))
            annotations += map(self._wire, kinds)
        refiner = Refiner(components, REF, self.codecs)
        for number, (schema, annotation) in enumerate(zip(found, annotations, strict=True)):
            refiner.refine(schema, annotation, sent=number in self._sent)
        refiner.finish()
        names = _good_names(components)
        for schema in components.values():
            if "[" in schema.get("title", ""):
                schema["title"] = _without_modules(schema["title"])
        self.components = {
            names[name]: _mended(self._without_codecs(schema), names) for name, schema in components.items()
        }
        for (_, schema, then), made in zip(self._wanted, found, strict=False):
            schema.update(cast("Schema", _mended(self._without_codecs(made), names)))
            if then is not None:
                then(schema)
        return self.components

    def named(self, name: str, schema: Schema) -> Schema:
        """A reference to a schema that is a component now, of this name or one like it. Called when the others are known."""
        free, number = name, 2
        while self.components.get(free, schema) != schema:
            free, number = f"{name}{number}", number + 1
        self.components[free] = schema
        return {"$ref": REF + free}

    def _hook(self, kind: type) -> Schema:
        """The schema of a class that msgspec does not know; that of one with a codec is put in later."""
        if kind is UploadedFile:
            return dict(FILE)
        codec = self.codecs.of(kind)
        if codec is None:
            raise NotImplementedError
        self._via.setdefault(codec.kind, {})
        return {VIA: codec.kind}

    def _wire(self, kind: type) -> object:
        codec = self.codecs.of(kind)
        return Any if codec is None else codec.wire

    def _without_codecs(self, value: object) -> object:
        """The same with the schemas of what is sent in the places of classes with codecs."""
        if isinstance(value, dict):
            via = self._via[value[VIA]] if VIA in value else {}
            return {**via, **{key: self._without_codecs(item) for key, item in value.items() if key != VIA}}
        return [self._without_codecs(item) for item in value] if isinstance(value, (list, tuple)) else value

    def resolved(self, schema: Schema) -> Schema:
        """What a schema refers to, if it is nothing but a reference."""
        name = str(schema.get("$ref", "")).removeprefix(REF)
        return cast("Schema", self.components[name]) if name else schema


def _components(
    annotations: Sequence[object], *, schema_hook: Callable[[type], Schema], ref_template: str
) -> tuple[tuple[Schema, ...], Schema]:
    """As msgspec. Raises ConfigurationError for two types of one name, which it tells apart from 0.23 on alone."""
    try:
        return msgspec.json.schema_components(annotations, schema_hook=schema_hook, ref_template=ref_template)
    except KeyError as error:
        raise ConfigurationError(
            f"Two types of the document are both called {error.args[0]!r}. Rename one of them, or install msgspec 0.23 or newer."
        ) from error


def _good_names(components: Schema) -> dict[str, str]:
    """`Page_Book_`, as msgspec has it of Page[Book], is Page_Book, and `Page_shop.Page_int__` is Page_Page_int, unless there is one."""
    good: dict[str, str] = {}
    for name, schema in components.items():
        title = str(schema.get("title", ""))
        named = name == _NO_NAME.sub("_", title)  # by its title alone, without the module that tells two apart
        plain = _without_modules(title) if named else name
        wanted = [re.sub(r"_{2,}", "_", _NO_NAME.sub("_", one)).strip("_") for one in (plain, name)]
        taken = {*good.values(), *components} - {name}
        good[name] = next((one for one in wanted if one and one not in taken), name)
    return good


def as_name(text: str) -> str:
    """`I'm a Teapot` is ImATeapot, and `x-limit` XLimit: names of components are of few characters (OpenAPI 3.1.1 §4.8.7.1)."""
    return "".join(map(str.capitalize, re.sub("[^a-zA-Z0-9]+", " ", text.replace("'", "")).split()))


def _without_modules(title: str) -> str:
    """`Page[Page[int]]` for `Page[shop.Page[int]]`."""
    base, bracket, arguments = title.partition("[")
    return base + bracket + _MODULE.sub("", arguments)


def _mended(value: object, names: Mapping[str, str]) -> Any:  # JSON of any depth
    """A schema with its references renamed, and patterns as ECMA-262 writes them."""
    if isinstance(value, dict):
        mended = {key: _mended(item, names) for key, item in value.items() if key != "default" or _is_json(item)}
        reference = value.get("$ref")
        if isinstance(reference, str) and reference.startswith(REF):
            mended["$ref"] = REF + names[reference.removeprefix(REF)]
        mapping = value.get("discriminator")
        if isinstance(mapping, dict) and "mapping" in mapping:
            targets = mapping["mapping"].items()
            # A document's keys are text; a tag may be a number.
            mended["discriminator"]["mapping"] = {str(t): REF + names[ref.removeprefix(REF)] for t, ref in targets}
        if isinstance(value.get("enum"), list) and "type" not in value:
            kinds = {_JSON_TYPES.get(type(choice)) for choice in value["enum"]}
            mended |= {"type": kinds.pop()} if len(kinds) == 1 and None not in kinds else {}
        if isinstance(value.get("pattern"), str):
            mended["pattern"] = _PYTHON_PATTERN.sub(_ecma, value["pattern"])
        return mended
    if isinstance(value, (list, tuple)):
        return [_mended(item, names) for item in value]
    return value


def _is_json(default: object) -> bool:
    """JSON has no NaN and no infinity."""
    return not isinstance(default, float) or isfinite(default)


def _ecma(match: re.Match[str]) -> str:
    found = match[0]
    if found.startswith("["):
        return re.sub(r"\\.", lambda escape: _WHITE if escape[0] == r"\s" else escape[0], found, flags=re.DOTALL)
    return "(" if found.startswith("(?P<") else _PYTHON_ESCAPES.get(found, found)
