"""What a route takes: its parameters and its request body, from the plan that binds them."""

from collections.abc import Callable, Iterator
from functools import partial
from math import isfinite

import msgspec
from msgspec import UNSET

from flasgo.openapi.schemas import Schema, Schemas
from flasgo.plan.model import JSON, MISSING, Input
from flasgo.routing.converters import AnyConverter, Converter, FloatConverter, IntConverter, PathConverter, StrConverter
from flasgo.routing.rule import Rule
from flasgo.validation.codecs import Codecs

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
    for one in rule.route.plan.inputs:
        if one.location in PLACES[1:] and not (one.location == "header" and one.name in UNHEARD):
            parameter: Schema = {"name": one.name, "in": one.location, "required": one.required}
            parameter["schema"] = schemas.of(one.annotation, _finish(parameter, one, schemas.codecs))
            found.append(parameter)
    return found


def _in_path(name: str, converter: Converter, one: Input | None, schemas: Schemas) -> Schema:
    parameter: Schema = {"name": name, "in": "path", "required": True}
    made = _of_converter(converter)
    if one is None or one.ready:
        parameter["schema"] = made or schemas.of(converter.python_type)
        return parameter

    def narrow(schema: Schema) -> None:
        if schema.get("type") == made.get("type"):
            for key, choose in (("minimum", max), ("maximum", min), ("minLength", max)):
                if key in made:
                    schema[key] = choose(made[key], schema.get(key, made[key]))
        _lift(parameter, schema)

    parameter["schema"] = schemas.of(one.annotation, narrow)
    return parameter


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


def _finish(parameter: Schema, one: Input, codecs: Codecs) -> Callable[[Schema], None]:
    """What completes a parameter when its schema is known."""

    def finish(schema: Schema) -> None:
        _lift(parameter, schema)
        default = _builtin(one.default, codecs)
        if default is not UNSET:
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
        made: object = msgspec.to_builtins(default, str_keys=True, enc_hook=codecs.encode)
    except TypeError:
        return UNSET
    return made


def body_of(rule: Rule, schemas: Schemas) -> Schema | None:
    """The request body in every form in which it may be sent, or None where the route takes none."""
    plan = rule.route.plan
    if not plan.media_types:
        return None
    content: Schema = {}
    if plan.body is not None and JSON in plan.media_types:
        content[JSON] = {"schema": schemas.of(plan.body.annotation)}
    forms = [kind for kind in plan.media_types if kind != JSON]
    if forms:
        form = _form([one for one in plan.inputs if one.location not in PLACES], schemas)
        content |= {kind: {"schema": form} for kind in forms}
    return {"required": plan.needs_body, "content": content}


def _form(inputs: list[Input], schemas: Schemas) -> Schema:
    """A form: fields and files that are parameters of their own, and the members of a record that is all of it."""
    properties: Schema = {}
    form: Schema = {"type": "object", "properties": properties}
    required = []
    for one in inputs:
        if one.fields is None:
            properties[one.name] = schemas.of(one.annotation, _finish({}, one, schemas.codecs))
            required += [one.name] if one.required else []
        else:
            schemas.of(one.annotation, partial(_fill, form, schemas))
            required += [field.name for field in one.fields if field.required]
    return form | {"required": required} if required else form


def _fill(form: Schema, schemas: Schemas, schema: Schema) -> None:
    """The record's members as a form has them."""
    record = next(_records(schema, schemas))
    members = record.get("properties", {}).items()
    form["properties"].update({name: _sendable(each) for name, each in members})


def _sendable(schema: Schema) -> Schema:
    """A field's schema without the null that no form can say: what is not sent stands for it."""
    found = {key: value for key, value in schema.items() if not (key == "default" and value is None)}
    alternatives = [one for one in found.pop("anyOf", ()) if one != {"type": "null"}]
    if len(alternatives) == 1:
        return {**alternatives[0], **found}
    return found | ({"anyOf": alternatives} if alternatives else {})


def _records(schema: Schema, schemas: Schemas) -> Iterator[Schema]:
    """The one record among the alternatives of a schema."""
    for alternative in schema.get("anyOf", (schema,)):
        resolved = schemas.resolved(alternative)
        if resolved.get("type") == "object":
            yield resolved
