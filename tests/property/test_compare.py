"""`flasgo openapi --check` on generated documents: whatever breaks a client is told, whatever does not is not."""

from collections.abc import Callable
from copy import deepcopy
from typing import Any, Final, TypeAlias

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from flasgo.openapi.compare import incompatible

Json: TypeAlias = dict[str, Any]
Change: TypeAlias = tuple[Json, Json]
"""A schema, and one that takes less."""

FEW: Final = settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow])
"""Whole documents take long to draw."""

NAMES: Final = st.sampled_from(["a", "b", "c", "d"])


def spelled(kind: str) -> st.SearchStrategy[str | list[str]]:
    """A type, alone, as a list of itself, or one of several."""
    others = [other for other in ("null", "object", "array") if other != kind]
    return st.sampled_from([kind, [kind], *([kind, other] for other in others)])


def numbers() -> st.SearchStrategy[Json]:
    bounds = st.fixed_dictionaries(
        {"type": st.sampled_from(["integer", "number"]).flatmap(spelled)},
        optional={"minimum": st.integers(0, 9), "maximum": st.integers(10, 19)},
    )
    return bounds


def texts() -> st.SearchStrategy[Json]:
    return st.fixed_dictionaries(
        {"type": spelled("string")},
        optional={
            "minLength": st.integers(0, 9),
            "maxLength": st.integers(10, 19),
            "pattern": st.sampled_from(["^a", "b$"]),
            "format": st.sampled_from(["date", "uuid"]),
        },
    )


def enums() -> st.SearchStrategy[Json]:
    return st.fixed_dictionaries({"type": st.just("string"), "enum": st.lists(NAMES, min_size=1, unique=True)})


def booleans() -> st.SearchStrategy[Json]:
    return st.just({"type": ["boolean", "string"], "pattern": "^(true|false)$"}) | st.just({"type": "boolean"})


def objects(inner: st.SearchStrategy[Json]) -> st.SearchStrategy[Json]:
    def needing(properties: Json) -> st.SearchStrategy[Json]:
        return st.lists(st.sampled_from(sorted(properties)), unique=True).map(
            lambda required: {"type": "object", "properties": properties, "required": required}
        )

    return st.dictionaries(NAMES, inner, min_size=1).flatmap(needing)


def arrays(inner: st.SearchStrategy[Json]) -> st.SearchStrategy[Json]:
    return st.fixed_dictionaries({"type": st.just("array"), "items": inner}, optional={"maxItems": st.integers(1, 9)})


SIMPLE: Final = numbers() | texts() | enums() | booleans()
SCHEMAS: Final = st.recursive(
    SIMPLE,
    lambda inner: objects(inner) | arrays(inner) | st.lists(inner, min_size=2, max_size=2).map(lambda a: {"anyOf": a}),
    max_leaves=5,
)


def query(name: str, schema: Json, *, required: bool) -> Json:
    return {"name": name, "in": "query", "required": required, "schema": schema}


@st.composite
def operations(draw: st.DrawFn) -> Json:
    names = draw(st.lists(NAMES, unique=True))
    return {
        "parameters": [query(name, draw(SIMPLE), required=draw(st.booleans())) for name in names],
        "requestBody": {"required": True, "content": {"application/json": {"schema": draw(SCHEMAS)}}},
        "responses": {
            status: {"content": {"application/json": {"schema": draw(SCHEMAS)}}}
            for status in draw(st.lists(st.sampled_from(["200", "201", "404"]), min_size=1, unique=True))
        },
    }


DOCUMENTS: Final = st.dictionaries(
    st.sampled_from(["/a", "/b/{id}", "/c"]),
    st.dictionaries(st.sampled_from(["get", "post", "delete"]), operations(), min_size=1),
    min_size=1,
).map(lambda paths: {"openapi": "3.1.1", "paths": paths})


def one(schema: Json | None = None, answer: Json | None = None, **parts: Any) -> Json:
    operation: Json = {"responses": {"200": {"content": {"application/json": {"schema": answer or {}}}}}, **parts}
    if schema is not None:
        operation["parameters"] = [query("q", schema, required=False)]
        operation["requestBody"] = {"content": {"application/json": {"schema": schema}}}
    return {"paths": {"/a": {"post": operation}}}


WRAPPERS: Final[list[Callable[[Json], Json]]] = [
    lambda schema: {"type": "object", "properties": {"p": schema}, "required": ["p"]},
    lambda schema: {"type": "array", "items": schema},
    lambda schema: {"type": "object", "additionalProperties": schema},
    lambda schema: {"anyOf": [schema, {"type": "boolean"}]},
    lambda schema: {"anyOf": [schema]},
]
"""Places inside a schema: in a property, in the items of an array, beside another alternative."""

DEPTHS: Final = st.lists(st.sampled_from(WRAPPERS), max_size=2)


def wrapped(change: Change, wrappers: list[Callable[[Json], Json]]) -> Change:
    """The same change deeper inside."""
    for wrap in wrappers:
        change = wrap(change[0]), wrap(change[1])
    return change


@st.composite
def narrowings(draw: st.DrawFn) -> Change:
    """A schema, and one that takes less than it."""
    kind = draw(st.sampled_from(["type", "list", "number", "text", "enum", "alternatives", "required", "bounds"]))
    if kind == "type":
        change = draw(st.sampled_from([({"type": "number"}, {"type": "integer"}), ({}, {"type": "string"})]))
    elif kind == "list":
        first = draw(st.sampled_from(["string", "integer", "boolean"]))
        wide = draw(st.permutations([first, "null", "array"]))
        change = {"type": wide}, {"type": draw(st.sampled_from([first, [first], [first, "array"]]))}
    elif kind == "number":
        wide = draw(st.fixed_dictionaries({"type": spelled("integer")}))
        bound = draw(st.sampled_from(["minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf"]))
        change = wide, {**wide, bound: draw(st.integers(2, 9))}
    elif kind == "text":
        wide = {"type": draw(spelled("string"))}
        name, value = draw(st.sampled_from([("minLength", 1), ("maxLength", 9), ("pattern", "a"), ("format", "date")]))
        change = wide, {**wide, name: value}
    elif kind == "enum":
        values = draw(st.lists(NAMES, min_size=2, unique=True))
        wide = draw(st.sampled_from([{"enum": values}, {"enum": values, "type": "string"}, {"type": "string"}]))
        change = wide, {**wide, "enum": values[1:]}
    elif kind == "alternatives":
        texts_, null = {"type": "string"}, {"type": "null"}
        wide = draw(
            st.sampled_from([{"anyOf": [texts_, null]}, {"oneOf": [texts_, null]}, {"type": ["string", "null"]}])
        )
        change = wide, texts_
    elif kind == "required":
        members = {"a": draw(SIMPLE), "b": draw(SIMPLE)}
        wide = {"type": "object", "properties": members, "required": ["a"]}
        change = wide, {**wide, "required": ["a", "b"]}
    else:
        low = draw(st.integers(0, 9))
        change = {"type": "integer", "minimum": low}, {"type": "integer", "minimum": low + draw(st.integers(1, 9))}
    return wrapped(change, draw(DEPTHS))


@FEW
@given(DOCUMENTS)
def test_a_document_is_compatible_with_itself(document: Json) -> None:
    assert incompatible(document, deepcopy(document)) == []


@FEW
@given(DOCUMENTS, st.data())
def test_what_is_gone_is_told(document: Json, data: st.DataObject) -> None:
    new = deepcopy(document)
    path = data.draw(st.sampled_from(sorted(new["paths"])))
    method = data.draw(st.sampled_from(sorted(new["paths"][path])))
    operation = new["paths"][path][method]
    kind = data.draw(st.sampled_from(["path", "method", "status", "body", "parameter"]))
    successes = [status for status in operation["responses"] if status < "3"]
    if kind == "path":
        del new["paths"][path]
    elif kind == "method":
        del new["paths"][path][method]
    elif kind == "status" and successes:
        del operation["responses"][data.draw(st.sampled_from(successes))]
    elif kind == "body" or not operation["parameters"]:
        del operation["requestBody"]
    else:
        del operation["parameters"][-1]
    (line,) = incompatible(document, new)
    assert "removed" in line
    assert path in line


@FEW
@given(DOCUMENTS, st.data())
def test_parameters_that_must_be_sent_now_are_told(document: Json, data: st.DataObject) -> None:
    new = deepcopy(document)
    path = data.draw(st.sampled_from(sorted(new["paths"])))
    method = data.draw(st.sampled_from(sorted(new["paths"][path])))
    parameters = new["paths"][path][method]["parameters"]
    optional = [parameter for parameter in parameters if not parameter["required"]]
    if optional:
        data.draw(st.sampled_from(optional))["required"] = True
    else:
        parameters.append(query("new", data.draw(SIMPLE), required=True))
    (line,) = incompatible(document, new)
    assert "required" in line


@FEW
@given(DOCUMENTS, st.data())
def test_more_is_welcome(document: Json, data: st.DataObject) -> None:
    new = deepcopy(document)
    new["paths"]["/more"] = {"get": data.draw(operations())}
    for item in document["paths"]:
        for operation in new["paths"][item].values():
            for parameter in operation["parameters"]:
                parameter["required"] = parameter["required"] and data.draw(st.booleans())
            operation["requestBody"]["required"] = data.draw(st.booleans())
            operation["parameters"].append(query("more", data.draw(SIMPLE), required=False))
            operation["responses"]["429"] = {"content": {"application/json": {"schema": data.draw(SCHEMAS)}}}
    assert incompatible(document, new) == []


@settings(max_examples=100, deadline=None)
@given(narrowings())
def test_what_takes_less_breaks_who_sends_it_and_nobody_who_reads_it(change: Change) -> None:
    wide, narrow = change
    told = incompatible(one(wide), one(narrow))
    assert any("query parameter 'q'" in line for line in told)
    assert any("body" in line for line in told)
    assert incompatible(one(narrow), one(wide)) == []
    assert incompatible(one(answer=wide), one(answer=narrow)) == []
    assert any("response 200" in line for line in incompatible(one(answer=narrow), one(answer=wide)))


@FEW
@given(st.data(), SCHEMAS)
def test_a_property_that_is_answered_no_more_is_told(data: st.DataObject, schema: Json) -> None:
    members = {"a": schema, "b": {"type": "string"}}
    required = data.draw(st.lists(st.sampled_from(["a", "b"]), unique=True))
    old: Json = {"type": "object", "properties": members, "required": required}
    new: Json = {
        "type": "object",
        "properties": {"b": members["b"]},
        "required": [name for name in required if name != "a"],
    }
    old, new = wrapped((old, new), data.draw(DEPTHS))
    assert incompatible(one(answer=old), one(answer=new)) != []


@FEW
@given(SCHEMAS)
def test_alternatives_and_a_list_of_types_say_the_same(schema: Json) -> None:
    old = {"anyOf": [{"type": "string"}, {"type": "null"}, {"type": "array", "items": schema}]}
    new = {"type": ["string", "null", "array"], "items": schema}
    for first, second in ((old, new), (new, old)):
        assert incompatible(one(first, first), one(second, second)) == []


@pytest.mark.parametrize(("status", "broken"), [("200", ["POST /a: response 200: removed"]), ("404", [])])
def test_a_status_that_is_new_is_no_break_and_a_success_that_is_gone_is(status: str, broken: list[str]) -> None:
    responses = {"200": {}, "404": {}}
    fewer = {key: value for key, value in responses.items() if key != status}
    assert incompatible(one(responses=fewer), one(responses=responses)) == []
    assert incompatible(one(responses=responses), one(responses=fewer)) == broken
