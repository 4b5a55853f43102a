"""The document's own parts: paths, ids, methods, tags and schemes."""

from typing import Any

import pytest

from flasgo import ConfigurationError, Flasgo, User, api_key_backend
from flasgo.openapi.emit import METHODS, _requirements, _scheme, _shape, _tags, template
from flasgo.plan.documents import Secured, SecurityScheme
from flasgo.routing.converters import Converters
from flasgo.routing.pattern import parse

BEARER = SecurityScheme(id="bearer", type="http", scheme="bearer", bearer_format="JWT")
KEY = SecurityScheme(id="key", type="apiKey", location="header", name="X-Key")


@pytest.mark.parametrize(
    ("path", "written", "shape"),
    [
        ("/", "/", "/"),
        ("/books/<int:id>", "/books/{id}", "/books/{}"),
        ("/a/<x>-<int:y>.txt", "/a/{x}-{y}.txt", "/a/{}-{}.txt"),
        ("/files/<path:rest>", "/files/{rest}", "/files/{}"),
        ("/books/", "/books/", "/books/"),
    ],
)
def test_a_path_as_openapi_writes_it(path: str, written: str, shape: str):
    assert template(parse(path, Converters())) == written
    assert _shape(written) == shape


def test_a_scheme_as_openapi_writes_it():
    assert _scheme(BEARER) == {"type": "http", "scheme": "bearer", "bearerFormat": "JWT"}
    assert _scheme(KEY) == {"type": "apiKey", "in": "header", "name": "X-Key"}


def test_any_one_of_the_schemes_will_do_and_none_where_strangers_are_answered():
    assert _requirements(Secured((BEARER, KEY), ("a",))) == [{"bearer": ["a"]}, {"key": ["a"]}]
    assert _requirements(Secured((KEY,), optional=True)) == [{"key": []}, {}]


def test_a_backend_may_have_any_name_and_a_component_has_letters_digits_and_few_signs():
    odd = Secured((SecurityScheme(id="clé d'API", type="apiKey", location="header", name="X-Key"),))
    assert _requirements(odd) == [{"cl_d_API": []}]
    app = Flasgo()
    app.register_auth_backend("clé d'API", api_key_backend(lambda key: None, header="X-Key"))

    @app.get("/", auth="clé d'API")
    async def guarded(user: User) -> None: ...

    document = app.openapi_spec()
    assert list(document["components"]["securitySchemes"]) == ["cl_d_API"]
    assert document["paths"]["/"]["get"]["security"] == [{"cl_d_API": []}]


def test_described_tags_come_first_in_their_order():
    assert _tags({"b": "B.", "a": "A."}, ["c", "a"]) == [
        {"name": "b", "description": "B."},
        {"name": "a", "description": "A."},
        {"name": "c"},
    ]


def operations_of(*routes: tuple[str, list[str]], **options: Any) -> list[tuple[str, str, str]]:
    app = Flasgo()
    for path, methods in routes:

        def one() -> None: ...

        app.add_route(path, one, methods=methods, name=None if "operation_id" in options else path, **options)
    paths = app.openapi_spec()["paths"]
    return [(path, method, said["operationId"]) for path, item in paths.items() for method, said in item.items()]


def test_head_is_said_with_get_and_methods_that_openapi_does_not_know_are_left_out():
    assert operations_of(("/", ["GET", "HEAD", "POST", "REPORT"])) == [("/", "get", "__get"), ("/", "post", "__post")]
    assert operations_of(("/", ["HEAD"])) == [("/", "head", "__head")]
    assert "trace" not in METHODS


def test_made_ids_are_letters_digits_and_few_signs_and_each_is_there_once():
    made = [operation_id for *_, operation_id in operations_of(("/a b", ["GET"]), ("/a%b", ["GET"]), ("/a-b", ["GET"]))]
    assert made == ["_a_b_get", "_a_b_get_2", "_a-b_get"]


def test_a_chosen_id_is_that_of_one_operation_alone():
    assert operations_of(("/", ["GET"]), operation_id="own") == [("/", "get", "own")]
    assert operations_of(("/", ["GET", "POST"]), operation_id="own") == [
        ("/", "get", "own_get"),
        ("/", "post", "own_post"),
    ]
    with pytest.raises(ConfigurationError, match=r"operation_id='own' is that of .* already; give each its own"):
        operations_of(("/", ["GET"]), ("/b", ["GET"]), operation_id="own")
