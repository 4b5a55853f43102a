"""What people who come from Flask type without thinking."""

import pytest

from flasgo import Flasgo, current_app, has_request_context, request, url_for


def test_args_are_the_query_with_first_values_and_lists() -> None:
    app = Flasgo()

    @app.get("/")
    async def index() -> list[object]:
        args = request.args
        return [args["q"], args.get("page"), args.get("page", "1"), args.getlist("tag"), "q" in args]

    assert app.test_client().get("/?q=a%20b&q=c&tag=x&tag=y").json() == ["a b", None, "1", ["x", "y"], True]


def test_there_is_a_request_in_handlers_and_nowhere_else() -> None:
    app = Flasgo()

    @app.get("/")
    def index() -> bool:
        return has_request_context()

    assert app.test_client().get("/").json() is True
    assert not has_request_context()


def test_an_application_context_is_for_where_there_is_no_request() -> None:
    app, other = Flasgo(), Flasgo()

    @app.get("/here", name="page")
    async def page() -> str:
        return url_for("page")

    @other.get("/there", name="page")
    async def other_page() -> str:
        return "there"

    with pytest.raises(RuntimeError, match="outside a request"):
        url_for("page")
    with other.app_context():
        assert url_for("page") == "/there"
        with app.app_context():
            assert current_app == app
        assert current_app == other
        assert app.test_client().get("/here").text == "/here"  # a request comes first
    with pytest.raises(RuntimeError):
        url_for("page")
