import inspect
from http import HTTPStatus
from typing import Any

import pytest

from flasgo import errors
from flasgo.errors import (
    ConfigurationError,
    FlasgoError,
    Forbidden,
    HTTPException,
    Issue,
    MethodNotAllowed,
    NotFound,
    RegistrationError,
    ServiceUnavailable,
    SettingsError,
    StoreUnavailable,
    ValidationFailed,
    abort,
    phrase_of,
)

KINDS = [kind for _, kind in inspect.getmembers(errors, inspect.isclass) if issubclass(kind, FlasgoError)]
ANSWERS = [kind for kind in KINDS if issubclass(kind, HTTPException) and kind.default_code]


def made(kind: Any, **options: Any) -> Any:
    """An exception of this kind, whatever it has to be told."""
    more: dict[type, dict[str, Any]] = {MethodNotAllowed: {"allow": ["GET"]}, ValidationFailed: {"issues": []}}
    return kind(**more.get(kind, {}), **options)


def test_every_exception_is_in_the_tree_at_the_top_of_the_file():
    tree = inspect.getdoc(errors) or ""
    for kind in KINDS:
        if not kind.__name__.startswith("_"):
            assert f"─ {kind.__name__} " in tree or f"{kind.__name__}\n" in tree, kind


@pytest.mark.parametrize("kind", ANSWERS, ids=lambda kind: kind.__name__)
def test_every_answer_knows_its_status_and_has_a_code_of_its_own(kind):
    error = made(kind, detail="why", headers={"x-a": "1"})
    assert (error.status_code, error.detail, error.headers["x-a"]) == (kind.default_status, "why", "1")
    assert error.code == kind.default_code
    assert error.title == phrase_of(error.status_code)
    assert [other for other in ANSWERS if other.default_code == kind.default_code] == [kind]


def test_a_status_must_be_final():
    for status in (0, 100, 199, 600, -404):
        with pytest.raises(ValueError, match="is not a final HTTP status"):
            HTTPException(status)
    assert HTTPException(200).status_code == 200
    assert HTTPException(599).status_code == 599


def test_two_are_equal_when_they_say_the_same():
    assert HTTPException(404, "x") == NotFound("x") == HTTPException(status_code=404, detail="x", headers={})
    assert HTTPException(404, "x") != HTTPException(404, "y")
    assert HTTPException(404, "x", {"a": "b"}) != HTTPException(404, "x")
    assert HTTPException(404) != ValueError(404)
    with pytest.raises(TypeError, match="unhashable"):
        hash(HTTPException(404))


def test_it_says_what_it_is():
    assert str(HTTPException(404, "no book")) == "404 no book"
    assert str(HTTPException(404)) == "404 Not Found"
    assert repr(NotFound("x")) == "NotFound(status_code=404, detail='x', headers={})"


def test_its_headers_are_its_own():
    headers = {"x-a": "1"}
    HTTPException(404, headers=headers).headers["x-b"] = "2"
    assert headers == {"x-a": "1"}


@pytest.mark.parametrize(
    ("status", "title", "code"),
    [
        (400, "Bad Request", "bad_request"),
        (413, "Content Too Large", "content_too_large"),
        (414, "URI Too Long", "uri_too_long"),
        (416, "Range Not Satisfiable", "range_not_satisfiable"),
        (418, "I'm a Teapot", "im_a_teapot"),
        (421, "Misdirected Request", "misdirected_request"),
        (422, "Unprocessable Content", "unprocessable_content"),
        (451, "Unavailable For Legal Reasons", "unavailable_for_legal_reasons"),
        (499, "Error", "http_error"),
        (505, "HTTP Version Not Supported", "http_version_not_supported"),
    ],
)
def test_titles_and_codes_are_the_same_under_every_python(status, title, code):
    error = HTTPException(status)
    assert (error.title, error.code) == (title, code)


def test_every_status_of_the_standard_library_has_a_title_and_a_code():
    for status in HTTPStatus:
        if status >= 200:
            assert phrase_of(status) not in {"", "Error"}
            assert HTTPException(status).code.isidentifier()


@pytest.mark.parametrize("status", range(200, 600))
def test_abort_raises_the_exception_of_the_status(status):
    with pytest.raises(HTTPException) as caught:
        abort(status, "why", {"x-a": "1"})
    error = caught.value
    assert (error.status_code, error.detail, error.headers) == (status, "why", {"x-a": "1"})


def test_what_abort_raises_can_be_caught_by_its_name():
    with pytest.raises(NotFound):
        abort(404)
    with pytest.raises(Forbidden) as caught:
        abort(403)
    assert type(caught.value) is Forbidden
    for status in (405, 422):  # these need more than a text: Allow, and the issues
        with pytest.raises(HTTPException) as caught_plain:
            abort(status)
        assert type(caught_plain.value) is HTTPException


def test_the_methods_allowed_are_a_header():
    error = MethodNotAllowed("no", allow={"POST", "GET"}, headers={"x-a": "1"})
    assert (error.allow, error.headers) == (("GET", "POST"), {"x-a": "1", "allow": "GET, POST"})


def test_what_does_not_validate_carries_every_issue():
    issue = Issue("query", "/limit", "type_error", "must be an integer")
    error = ValidationFailed(iter([issue]))
    assert (error.issues, error.detail) == ((issue,), "The request is not valid; see errors.")
    assert ValidationFailed([], "own words").detail == "own words"


def test_mistakes_of_the_programmer_are_value_errors_too():
    error = SettingsError(["A must be b", "C must be d"])
    assert isinstance(error, ValueError)
    assert error.problems == ("A must be b", "C must be d")
    assert str(error) == "Settings do not fit:\n  - A must be b\n  - C must be d"
    assert issubclass(RegistrationError, ConfigurationError)


def test_a_store_that_does_not_answer_says_why_to_the_log_and_not_to_the_client():
    error = StoreUnavailable("redis on 10.0.0.7:6379 refused the connection")
    assert isinstance(error, ServiceUnavailable)
    assert (error.status_code, error.code) == (503, "store_unavailable")
    assert str(error) == error.reason == "redis on 10.0.0.7:6379 refused the connection"
    assert "redis" not in error.detail
    assert str(StoreUnavailable(detail="Later.")) == "503 Later."
