"""What a route takes: its parameters and its request body, from the plan that binds them."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from copy import deepcopy
from functools import partial
from math import isfinite

import msgspec
from msgspec import UNSET

from flasgo.openapi.schemas import Schema, Schemas, as_name
from flasgo.plan.forms import takes_empty_text
from flasgo.plan.model import JSON, MISSING, MULTIPART_FORM, FormField, Input
from flasgo.plan.types import json_problem
from flasgo.routing.converters import AnyConverter, Converter, FloatConverter, IntConverter, PathConverter, StrConverter
from flasgo.routing.rule import Rule
from flasgo.validation import spellings
from flasgo.validation.codecs import Codecs
from flasgo.validation.shapes import type_info

UNHEARD = frozenset({"accept", "authorization", "content-type"})
"""Header parameters that a document is not to hold (OpenAPI 3.1.1 §4.8.12.2): other parts of it say them."""

PLACES = ("path", "query", "header", "cookie")


def parameters_of(rule: Rule, schemas: Schemas) -> list[Schema]:
    """The parameters of a route, in the order of its path and its signature."""
    inputs = {(one.location, one.name): one for one in rule.route.plan.inputs}
    found = [
        _in_path(each.name, each.converter, inputs.get(("path", each.name)), schemas)
        for each in rule.pattern.placeholders
    ]
    places = {"header", "cookie"}
    for one in rule.route.plan.inputs:
        if one.location in PLACES[1:] and not (one.location == "header" and one.name in UNHEARD):
            parameter: Schema = {"name": one.name, "in": one.location, "required": one.required}
            finish = _finish(parameter, one, schemas.codecs)
            parameter["schema"] = schemas.of(one.annotation, partial(_finish_number, schemas, places, one, finish))
            found.append(parameter)
    return found


def _finish_number(
    schemas: Schemas, places: set[str], one: Input, finish: Callable[[Schema], None], schema: Schema
) -> None:
    """Completes a parameter's schema; the first number of the headers, and of the cookies, is a component in an `allOf`.

    It means the same. schemathesis (4.32.5) else compares its own numbers there as text, and takes each route with such a
    parameter and another for one that should have refused a third; and with the number itself in the `allOf`
    openapi-python-client (0.29) makes a class of it, which no header can be.
    """
    finish(schema)
    alternatives = map(schemas.resolved, (schema, *schema.get("anyOf", ())))
    if one.location in places and any(each.get("type") in ("integer", "number") for each in alternatives):
        places.remove(one.location)
        inner = {key: schema.pop(key) for key in tuple(schema) if key not in {"default", "examples"}}
        schema["allOf"] = [inner if inner.keys() == {"$ref"} else schemas.named(as_name(one.name) or "Number", inner)]


def _in_path(name: str, converter: Converter, one: Input | None, schemas: Schemas) -> Schema:
    parameter: Schema = {"name": name, "in": "path", "required": True}
    made = _of_converter(converter)
    if isinstance(converter, FloatConverter):
        parameter["description"] = PLAIN_NUMBER
    if one is None or one.ready:
        parameter["schema"] = made or _of_made(converter.python_type, schemas)
        return parameter

    def narrow(schema: Schema) -> None:
        as_text(schema)
        if schema.get("type") == made.get("type"):
            for key, choose in (("minimum", max), ("maximum", min), ("minLength", max)):
                if key in made:
                    schema[key] = choose(made[key], schema.get(key, made[key]))
        _lift(parameter, schema)

    parameter["schema"] = schemas.of(one.annotation, narrow)
    return parameter


PLAIN_NUMBER = "Digits, perhaps with a point among them, and no exponent: `1.5`, not `15e-1`."
"""Of one value a path has one spelling; JSON has several for a number, and a schema tells none apart."""


def _of_converter(converter: Converter) -> Schema:
    """The schema of what a converter takes; empty for those of the user's, of which only the type is known."""
    match converter:
        case IntConverter():
            return {"type": "integer", "minimum": 0, "maximum": 10**19 - 1}
        case FloatConverter():
            return {"type": "number", "minimum": 0}
        case AnyConverter():
            return {"type": "string", "enum": list(converter.choices)}
        case StrConverter() | PathConverter():
            return {"type": "string", "minLength": 1}
        case _:
            return {}


def _of_made(kind: object, schemas: Schemas) -> Schema:
    """The schema of what a converter of the user's makes; of a class that JSON does not know is only known that it is sent as text."""
    return {"type": "string"} if json_problem(kind, codecs=schemas.codecs) is not None else schemas.of(kind)


def _finish(parameter: Schema, one: Input, codecs: Codecs) -> Callable[[Schema], None]:
    """What completes a parameter when its schema is known."""

    def finish(schema: Schema) -> None:
        as_text(schema)
        _lift(parameter, schema)
        default = _builtin(one.default, codecs)
        if default is not UNSET and (schema.get("type") != "string" or isinstance(default, str)):
            schema["default"] = default

    return finish


def _lift(parameter: Schema, schema: Schema) -> None:
    """What a parameter's type says for people is the parameter's to say."""
    if "description" in schema:
        parameter["description"] = schema.pop("description")


def _builtin(default: object, codecs: Codecs) -> object:
    """A default as JSON; UNSET where there is none that a client could send."""
    if default is MISSING or default is None or (isinstance(default, float) and not isfinite(default)):
        return UNSET
    try:
        made: object = msgspec.json.decode(codecs.to_json(default))
    except TypeError:
        return UNSET
    return made


NAMES = r"^[^\u0000-\u001f\u007f]*$"
"""What a part of a multipart form may be called: its head is one line of text (WHATWG HTML §4.10.21.8)."""


def body_of(rule: Rule, schemas: Schemas) -> Schema | None:
    """The request body in every form in which it may be sent, or None where the route takes none."""
    plan = rule.route.plan
    if not plan.media_types:
        return None
    content: Schema = {}
    if plan.body is not None and JSON in plan.media_types:
        content[JSON] = {"schema": schemas.of(plan.body.annotation, sent=True)}
    inputs = [one for one in plan.inputs if one.location not in PLACES]
    repeated = dict.fromkeys(_lists(inputs), REPEATED)
    for kind in plan.media_types:
        if kind != JSON:
            form = _form(inputs, schemas)
            if kind == MULTIPART_FORM:
                form["propertyNames"] = {"pattern": NAMES}
            content[kind] = {"schema": form} | ({"encoding": repeated} if repeated else {})
    return {"required": plan.needs_body, "content": content}


REPEATED: Mapping[str, object] = {"style": "form", "explode": True}
"""How a list of text is sent in a form: its name with each item (OpenAPI 3.1.1 §4.8.15.1.2). Swagger UI joins them unless it is said."""


def _lists(inputs: Sequence[Input]) -> Iterator[str]:
    """The names of fields, of their own or of a record, that hold several texts."""
    for one in inputs:
        if one.fields is not None:
            yield from (field.name for field in one.fields if field.many and not field.file)
        elif one.many and one.location == "form":
            yield one.name


def _form(inputs: Sequence[Input], schemas: Schemas) -> Schema:
    """A form: fields and files that are parameters of their own, and the members of a record that is all of it."""
    properties: Schema = {}
    form: Schema = {"type": "object", "properties": properties}
    required = []
    for one in inputs:
        if one.fields is None:
            properties[one.name] = schemas.of(one.annotation, partial(_finish_field, schemas.codecs, one))
            required += [one.name] if one.required else []
        else:
            schemas.of(one.annotation, partial(_fill, form, schemas, one.fields), sent=True)
            required += [field.name for field in one.fields if field.required]
    if required:
        form["required"] = required
    return form


def _finish_field(codecs: Codecs, one: Input, schema: Schema) -> None:
    words: Schema = {}
    _finish(words, one, codecs)(schema)
    found = _sendable(schema | words, empty=not (one.required or takes_empty_text(type_info(one.annotation))))
    schema.clear()
    schema.update(found)


def _fill(form: Schema, schemas: Schemas, fields: tuple[FormField, ...], schema: Schema) -> None:
    """The record's members as a form has them."""
    alternatives = map(schemas.resolved, schema.get("anyOf", (schema,)))
    record = next(one for one in alternatives if one.get("type") == "object")  # beside it there is nothing but null
    optional = {field.name for field in fields if not (field.required or takes_empty_text(field.shape))}
    for name, each in record.get("properties", {}).items():
        form["properties"][name] = _sendable(as_text(deepcopy(each)), empty=name in optional)
    if record.get("additionalProperties") is False:
        form["additionalProperties"] = False


def _sendable(schema: Schema, *, empty: bool) -> Schema:
    """A field's schema without the null that no form can say: what is not sent stands for it, and so does what is left `empty`."""
    found = {key: value for key, value in schema.items() if not (key == "default" and value is None)}
    alternatives = [one for one in found.pop("anyOf", ()) if one != {"type": "null"}]
    if len(alternatives) == 1:
        found = {**alternatives[0], **found}
    elif alternatives:
        found["anyOf"] = alternatives
    _without_seconds(found)
    if _is_file(found):
        return found | {"not": {"type": "array"}}
    items = found.get("items")
    if isinstance(items, dict):
        return _sendable_list(found, items, empty=empty)
    if empty and found.get("type") != "array" and not _takes_any_text(found):
        if "enum" in found:
            found["enum"] = [*found["enum"], ""]
            found.pop("type", None)
        else:
            return _any_of(found, EMPTY)
    return found


def _sendable_list(found: Schema, items: Schema, *, empty: bool) -> Schema:
    """Of a list without items nothing is sent, which is no list at all, and is taken where the field may be left `empty`."""
    least = found.pop("minItems", 0) if empty else 0
    if _is_file(items):
        words: Schema = {"type": ["array", "string"], "maxLength": 0} if empty else {}
        return found | words | ({"anyOf": [{"minItems": least}, {"maxItems": 0}]} if least > 1 else {})
    _without_seconds(items)
    empty_items = empty and not _takes_any_text(items)
    if least <= 1 and found.get("minItems", 0) <= 1:
        return _or_alone(found | ({"items": {"anyOf": [items, dict(EMPTY)]}} if empty_items else {}))
    if not empty:
        return found
    return _any_of(found | {"minItems": least}, {"type": "array", "maxItems": 0}, *([EMPTY] if empty_items else []))


def _is_file(schema: Schema) -> bool:
    return "contentMediaType" in schema and "type" not in schema


EMPTY: Mapping[str, str] = {"const": ""}


def _any_of(schema: Schema, *others: Mapping[str, object]) -> Schema:
    """One of several, and outside of them what describes them all."""
    kept: Schema = {key: schema.pop(key) for key in ("default", "description", "title", "examples") if key in schema}
    return {"anyOf": [schema, *map(dict, others)], **kept}


def _or_alone(schema: Schema) -> Schema:
    """A list in a form, or the one item that is all of it: nobody who reads a form can tell which was meant."""
    items = schema["items"]
    return _any_of(schema, *(items["anyOf"] if items.keys() == {"anyOf"} else [items]))


def _takes_any_text(schema: Schema) -> bool:
    return any(
        not one.keys() & {"pattern", "format", "enum", "anyOf", "$ref", "contentEncoding", "minLength"}
        and one.get("type", "string") == "string"
        for one in schema.get("anyOf", (schema,))
    )


def _without_seconds(schema: Schema) -> None:
    """Inputs for times send none unless they are asked to (WHATWG HTML §2.3.5)."""
    short = {spellings.LOCAL_TIME: spellings.SHORT_TIME, spellings.TIME: spellings.SHORT_TIME}
    pattern = schema.get("pattern")
    if pattern in short:
        schema["anyOf"] = [{"pattern": schema.pop("pattern")}, {"pattern": short[pattern]}]
    elif pattern == spellings.LOCAL_DATETIME:
        schema["anyOf"] = [{"pattern": schema.pop("pattern")}, {"pattern": spellings.SHORT_DATETIME}]
    elif any(one.get("pattern") == spellings.DATETIME for one in schema.get("anyOf", ())):
        schema["anyOf"] = [*schema["anyOf"], {"pattern": spellings.SHORT_DATETIME}]


def as_text(schema: Schema) -> Schema:
    """The schema of what is sent as text, in place: there are several words for true and false."""
    for inner in (schema, *schema.get("anyOf", ()), schema.get("items"), *schema.get("prefixItems", ())):
        if isinstance(inner, dict) and inner.get("type") == "boolean":
            inner.update(type=["boolean", "string"], pattern=spellings.WORD)
    items = schema.get("items")
    if isinstance(items, dict) and "anyOf" in items:
        as_text(items)
    return schema
