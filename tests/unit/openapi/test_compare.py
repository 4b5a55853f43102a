"""What breaks clients, and what does not."""

from copy import deepcopy
from typing import Any

import pytest

from flasgo.openapi.compare import incompatible

BOOK: dict[str, Any] = {
    "type": "object",
    "properties": {"title": {"type": "string"}, "pages": {"type": "integer"}},
    "required": ["title"],
}


def document(**parts: Any) -> dict[str, Any]:
    """One operation: `parameters`, the schemas of `body` and `answer`, and whatever else an operation has."""
    operation: dict[str, Any] = {"responses": {"200": {}}}
    if "body" in parts:
        operation["requestBody"] = {"content": {"application/json": {"schema": parts.pop("body")}}}
    if "answer" in parts:
        operation["responses"]["200"] = {"content": {"application/json": {"schema": parts.pop("answer")}}}
    return {
        "paths": {"/books/{id}": {"post": {**operation, **parts}}},
        "components": {
            "schemas": {"Book": BOOK, "Tree": {"properties": {"next": {"$ref": "#/components/schemas/Tree"}}}}
        },
    }


def query(schema: dict[str, Any], name: str = "q", **more: Any) -> dict[str, Any]:
    return {"name": name, "in": "query", "schema": schema, **more}


def lines(old: dict[str, Any], new: dict[str, Any]) -> list[str]:
    return [line.removeprefix("POST /books/{id}: ") for line in incompatible(old, new)]


def test_a_document_is_compatible_with_itself() -> None:
    for schema in (
        BOOK,
        {"$ref": "#/components/schemas/Tree"},
        {"anyOf": [{"type": "null"}, BOOK]},
        {"enum": [1, "a"]},
        {},
    ):
        one = document(body=schema, answer=schema, parameters=[query(schema)])
        assert incompatible(one, deepcopy(one)) == []


def test_names_in_paths_are_not_sent() -> None:
    old, new = document(), document()
    new["paths"] = {"/books/{number}": new["paths"]["/books/{id}"]}
    assert incompatible(old, new) == []


def test_what_is_gone_is_named() -> None:
    old = document()
    assert incompatible(old, {"paths": {}}) == ["/books/{id}: removed"]
    assert incompatible(old, {"paths": {"/books/{id}": {"get": {}}}}) == ["POST /books/{id}: removed"]
    assert lines(old, document(responses={"201": {}})) == ["response 200: removed"]


def test_more_of_everything_is_welcome() -> None:
    old = document(body=BOOK, answer=BOOK)
    wider = deepcopy(BOOK)
    wider["properties"]["author"] = {"type": "string"}
    assert lines(old, document(body=wider, answer=wider, parameters=[query({})])) == []


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ({"type": "number"}, {"type": "integer"}, "type was number, is integer"),
        ({}, {"type": "integer"}, "type was anything, is integer"),
        ({"type": "string"}, {"type": "string", "enum": ["a"]}, "enum was anything, is a"),
        ({"enum": ["a", "b"]}, {"enum": ["a"]}, "enum was a, b, is a"),
        ({"type": "integer"}, {"type": "integer", "minimum": 1}, "minimum was anything, is 1"),
        ({"type": "integer", "minimum": 1}, {"type": "integer", "minimum": 2}, "minimum was 1, is 2"),
        ({"type": "string", "maxLength": 9}, {"type": "string", "maxLength": 5}, "maxLength was 9, is 5"),
        ({"type": "string"}, {"type": "string", "pattern": "a"}, "pattern was anything, is a"),
        ({"type": "array"}, {"type": "array", "uniqueItems": True}, "uniqueItems was anything, is True"),
    ],
)
def test_inputs_may_not_take_less_nor_answers_be_more(old: dict[str, Any], new: dict[str, Any], expected: str) -> None:
    assert lines(document(parameters=[query(old)]), document(parameters=[query(new)])) == [
        f"query parameter 'q': {expected}"
    ]
    assert lines(document(parameters=[query(new)]), document(parameters=[query(old)])) == []
    assert lines(document(body=old), document(body=new)) == [f"body: {expected}"]
    assert lines(document(answer=old), document(answer=new)) == []
    assert len(lines(document(answer=new), document(answer=old))) == 1


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ({"type": "integer"}, {"type": "string"}, "type was integer, is string"),
        ({"type": "string", "format": "uuid"}, {"type": "string", "format": "date"}, "format was uuid, is date"),
    ],
)
def test_what_is_something_else_fits_neither_way(old: dict[str, Any], new: dict[str, Any], expected: str) -> None:
    assert lines(document(body=old), document(body=new)) == [f"body: {expected}"]
    assert lines(document(answer=old), document(answer=new)) == [f"response 200: {expected}"]


def test_an_integer_is_a_number() -> None:
    assert lines(document(body={"type": "integer"}), document(body={"type": "number"})) == []
    assert lines(document(answer={"type": "number"}), document(answer={"enum": [1]})) == []


def test_alternatives() -> None:
    either, one = {"anyOf": [{"type": "string"}, {"type": "null"}]}, {"type": "string"}
    assert lines(document(body=either), document(body=one)) == ["body: no longer takes null"]
    assert lines(document(answer=one), document(answer=either)) == ["response 200: may be null now"]
    assert lines(document(body=one), document(body=either)) == []
    assert lines(document(body={"anyOf": [one]}), document(body={"type": "integer"})) == [
        "body: type was string, is integer"
    ]
    whole = {"allOf": [one], "default": "a"}
    assert lines(document(body=one), document(body=whole)) == lines(document(body=whole), document(body=one)) == []
    assert lines(document(body=whole), document(body={"type": "integer"})) == ["body: type was string, is integer"]
    named = {"anyOf": [{"$ref": "#/components/schemas/Book"}, {"title": "Other", "type": "object", "required": ["z"]}]}
    assert lines(document(body=named), document(body={"type": "null"})) == [
        "body: no longer takes Book",
        "body: no longer takes Other",
    ]


def test_several_types_are_alternatives() -> None:
    either, number = {"type": ["integer", "string"], "pattern": "^a"}, {"type": "integer"}
    assert lines(document(body=number), document(body=either)) == []
    assert lines(document(body=either), document(body=number)) == ["body: no longer takes string"]
    looser = {"anyOf": [number, {"type": "string"}]}
    assert lines(document(body=either), document(body=looser)) == []
    assert lines(document(answer=either), document(answer=looser)) == ["response 200: may be string now"]
    assert lines(document(body=number), document(body={"type": ["integer"]})) == []


def test_what_stands_beside_alternatives_holds_for_each() -> None:
    dates: dict[str, Any] = {"type": "string", "anyOf": [{"pattern": "^a"}, {"pattern": "^b"}]}
    assert lines(document(body=dates), document(body=deepcopy(dates))) == []
    assert lines(document(body=dates), document(body={**dates, "maxLength": 3})) == [
        "body: no longer takes string",
    ]
    assert lines(document(body=dates), document(body={**dates, "anyOf": dates["anyOf"][:1]})) == [
        "body: no longer takes string",
    ]
    assert lines(document(body=dates), document(body={"type": "string"})) == []
    assert lines(document(body={"type": "integer"}), document(body={"const": "a"})) == [
        "body: type was integer, is anything"
    ]
    referred = {"anyOf": [{"$ref": "#/components/schemas/Book"}, {"type": "null"}], "default": None}
    assert lines(document(body=referred), document(body=referred)) == []


def test_values_have_types() -> None:
    mixed = {"enum": ["a", 1, None], "type": ["string", "integer", "null"]}
    apart = {"anyOf": [{"enum": ["a"]}, {"enum": [1]}, {"type": "null"}]}
    assert lines(document(answer=apart), document(answer=mixed)) == []
    assert lines(document(answer={"type": "string"}), document(answer={"enum": [1]})) == [
        "response 200: type was string, is anything"
    ]
    assert lines(document(answer={"type": "string"}), document(answer={"enum": ["a"]})) == []


def test_properties() -> None:
    gone = {"type": "object", "properties": {"title": {"type": "string"}}, "required": ["title"]}
    assert lines(document(answer=BOOK), document(answer=gone)) == ["response 200: property 'pages' removed"]
    assert lines(document(body=BOOK), document(body=gone)) == ["body: property 'pages' removed"]
    needed = {**BOOK, "required": ["title", "pages"]}
    assert lines(document(body=BOOK), document(body=needed)) == ["body: property 'pages' required now"]
    assert lines(document(answer=needed), document(answer=BOOK)) == [
        "response 200: property 'pages' may be missing now"
    ]
    assert lines(document(answer=BOOK), document(answer=needed)) == []
    deep = deepcopy(BOOK)
    deep["properties"]["title"] = {"type": "integer"}
    assert lines(document(answer=BOOK), document(answer=deep)) == ["response 200.title: type was string, is integer"]


def test_closed_objects_and_mappings() -> None:
    closed: dict[str, Any] = {**BOOK, "additionalProperties": False}
    assert lines(document(body=BOOK), document(body=closed)) == ["body: takes no further properties now"]
    wider = {**closed, "properties": {**closed["properties"], "x": {}}}
    assert lines(document(answer=closed), document(answer=wider)) == [
        "response 200: has more properties than the closed object had"
    ]
    numbers, texts = ({"type": "object", "additionalProperties": {"type": kind}} for kind in ("integer", "string"))
    assert lines(document(body=numbers), document(body=texts)) == ["body.*: type was integer, is string"]
    assert lines(document(body={"type": "object"}), document(body=texts)) == ["body.*: type was anything, is string"]


def test_arrays() -> None:
    numbers, texts = ({"type": "array", "items": {"type": kind}} for kind in ("integer", "string"))
    assert lines(document(body=numbers), document(body=texts)) == ["body[]: type was integer, is string"]
    assert lines(document(body={"type": "array"}), document(body=texts)) == ["body[]: type was anything, is string"]
    pair, other = ({"type": "array", "prefixItems": [{"type": kind}]} for kind in ("integer", "string"))
    assert lines(document(body=pair), document(body=other)) == ["body[0]: type was integer, is string"]


def test_references_that_go_round_mean_nothing_and_end() -> None:
    old, new = document(answer=BOOK), document(answer={"$ref": "#/components/schemas/Here"})
    for each in (old, new):
        each["components"]["schemas"] |= {
            "Here": {"$ref": "#/components/schemas/There"},
            "There": {"$ref": "#/components/schemas/Here"},
        }
    assert lines(new, new) == []
    assert lines(new, old) == []
    assert lines(old, new) == [
        "response 200: type was object, is anything",
    ]


def test_parameters() -> None:
    old = document(parameters=[query({})])
    assert lines(old, document()) == ["query parameter 'q': removed"]
    assert lines(old, document(parameters=[query({}, required=True)])) == ["query parameter 'q': required now"]
    assert lines(document(), document(parameters=[query({}, required=True)])) == [
        "query parameter 'q': new and required"
    ]
    in_path = [{"name": name, "in": "path", "required": True, "schema": {}} for name in ("id", "number")]
    assert lines(document(parameters=in_path[:1]), document(parameters=in_path[1:])) == []
    headers = [{"name": name, "in": "header", "schema": {}} for name in ("X-One", "x-one")]
    assert lines(document(parameters=headers[:1]), document(parameters=headers[1:])) == []


def test_bodies() -> None:
    body = {"content": {"application/json": {}}}
    assert lines(document(), document(requestBody={**body, "required": True})) == ["body: required now"]
    assert lines(document(requestBody=body), document()) == ["body: removed"]
    assert lines(document(requestBody=body), document(requestBody={"content": {"text/plain": {}}})) == [
        "body: application/json removed"
    ]


def test_answers_that_clients_go_on_with_may_not_go() -> None:
    old = document(responses={"200": {}, "303": {}})
    assert lines(old, document(responses={"200": {}})) == ["response 303: removed"]
    assert lines(document(), document(responses={"200": {}, "202": {}})) == []
    assert lines(document(responses={"202": {}}), document(responses={"2XX": {}})) == []


def test_refusals_may_come_and_go() -> None:
    refusing = document(responses={"200": {}, "304": {}, "401": {}, "409": {}, "default": {}})
    assert lines(document(), refusing) == []
    assert lines(refusing, document()) == []


def test_security() -> None:
    first, second = [{"bearer": []}], [{"basic": []}]
    assert lines(document(), document(security=first)) == ["security: asks who the client is now"]
    assert lines(document(security=first), document(security=second)) == ["security: no longer takes bearer"]
    assert lines(document(security=first), document(security=[*first, {}])) == []
    assert lines(document(security=first), document()) == []
    assert lines(document(security=[{}, *first]), document(security=first)) == ["security: asks who the client is now"]


def test_one_of_several_ways_to_be_let_in_may_come_but_not_go() -> None:
    one, two = [{"bearer": []}], [{"bearer": []}, {"basic": []}]
    assert lines(document(security=one), document(security=two)) == []
    assert lines(document(security=two), document(security=one)) == ["security: no longer takes basic"]
    both = [{"bearer": [], "key": []}]
    assert lines(document(security=one), document(security=both)) == ["security: no longer takes bearer"]
    assert lines(document(security=both), document(security=one)) == []


def test_more_scopes_are_not_had_by_those_who_were_let_in() -> None:
    none, some = [{"bearer": []}], [{"bearer": ["books"]}]
    assert lines(document(security=none), document(security=some)) == ["security: asks for more scopes of bearer"]
    assert lines(document(security=some), document(security=none)) == []
    assert lines(document(security=some), document(security=[{"bearer": ["music"]}, *some])) == []


def test_security_of_the_whole_document_holds_where_an_operation_says_nothing() -> None:
    whole = {**document(), "security": [{"bearer": []}]}
    assert lines(document(), whole) == ["security: asks who the client is now"]
    assert lines(whole, document(security=[])) == []


def test_a_csrf_token_that_is_asked_for_now() -> None:
    asking = document(parameters=[{"$ref": "#/components/parameters/CSRFToken"}])
    assert lines(document(), asking) == ["security: asks for a CSRF token now"]
    assert lines(asking, document()) == []
    assert lines(asking, asking) == []


def test_bounds_are_compared_whatever_word_says_them() -> None:
    at_least_one = {"type": "integer", "minimum": 1}
    above_none = {"type": "integer", "exclusiveMinimum": 0}
    assert lines(document(body=at_least_one), document(body=above_none)) == []
    assert lines(document(body=above_none), document(body=at_least_one)) == []
    above_one = {"type": "integer", "exclusiveMinimum": 1}
    assert lines(document(body=at_least_one), document(body=above_one)) == ["body: exclusiveMinimum was anything, is 1"]
    number, below = {"type": "number", "maximum": 2}, {"type": "number", "exclusiveMaximum": 2}
    assert lines(document(body=number), document(body=below)) == ["body: exclusiveMaximum was anything, is 2"]
    assert lines(document(body=below), document(body=number)) == []


def test_a_parameter_of_any_text_takes_what_spelled_a_number() -> None:
    number, text = {"type": "integer", "minimum": 1}, {"type": "string", "title": "Word"}
    assert lines(document(parameters=[query(number)]), document(parameters=[query(text)])) == []
    short = {"type": "string", "maxLength": 2}
    assert lines(document(parameters=[query(number)]), document(parameters=[query(short)])) == [
        "query parameter 'q': type was integer, is string"
    ]
    several = {"type": "array", "items": {}}
    assert lines(document(parameters=[query(several)]), document(parameters=[query(text)])) == [
        "query parameter 'q': type was array, is string"
    ]


def test_where_one_file_was_taken_several_may_be() -> None:
    one = {"contentMediaType": "application/octet-stream", "not": {"type": "array"}}
    several = {
        "type": ["array", "string"],
        "items": {"contentMediaType": "application/octet-stream"},
        "maxLength": 0,
    }
    assert lines(document(body=one), document(body=several)) == []
    assert lines(document(body=several), document(body=one)) != []


def test_a_reference_to_itself_ends() -> None:
    old = document(body={"$ref": "#/components/schemas/Self"})
    old["components"]["schemas"]["Self"] = {"$ref": "#/components/schemas/Self"}
    assert lines(old, deepcopy(old)) == []


def test_long_values_are_cut() -> None:
    (line,) = lines(document(body={"enum": ["a" * 200, "b"]}), document(body={"enum": ["b"]}))
    assert line.startswith("body: enum was aaa")
    assert len(line) < 120
