from typing import Annotated, Any
from uuid import UUID

import pytest

from flasgo import Flasgo, Path, RegistrationError
from flasgo.routing.converters import IntConverter
from flasgo.routing.registrar import Registrar


class Plain(Registrar):
    """The smallest owner of a registrar."""

    def __init__(self) -> None:
        super().__init__(owned=())
        self.asked: list[str] = []

    def _check_open(self, what: str) -> None:
        self.asked.append(what)

    def _check_rules(self, rules: Any) -> None:
        self.asked += [rule.route.path for rule in rules]


def test_the_owner_says_what_may_be_registered():
    with pytest.raises(NotImplementedError):
        Registrar(()).before_request(lambda: None)
    registrar = Plain()
    registrar.get("/a")(lambda: "")
    registrar.before_request(lambda: None)
    assert registrar.asked == ["route '/a'", "/a", "a before_request hook"]

    class Half(Plain):
        _check_rules = Registrar._check_rules

    with pytest.raises(NotImplementedError):
        Half().get("/a")(lambda: "")


def test_a_route_is_data():
    registrar = Plain()

    @registrar.post(
        "/books/<int:id>", name="change", status_code=202, threaded=False, strict_slashes=True, max_body_bytes=10
    )
    def change(id: int):
        return ""

    (route,) = registrar.routes
    assert (route.path, route.methods, route.name, route.named) == ("/books/<int:id>", {"POST"}, "change", True)
    assert (route.status_code, route.threaded, route.strict_slashes, route.max_body_bytes) == (202, False, True, 10)
    assert route.endpoint is change


def test_a_route_is_named_by_its_handler_unless_it_is_said_otherwise():
    registrar = Plain()

    @registrar.get("/")
    def index():
        return ""

    (route,) = registrar.routes
    assert (route.name, route.named, route.status_code, route.csrf) == ("index", False, 200, True)


def test_methods_are_upper_case_and_may_be_any_iterable():
    registrar = Plain()
    registrar.add_route("/", lambda: "", methods=iter(["get", "Post"]))
    assert registrar.routes[0].methods == {"GET", "POST"}


@pytest.mark.parametrize(
    ("annotation", "good", "bad"),
    [(int, "7", "x"), (UUID, "00000000-0000-0000-0000-000000000000", "7"), (str, "x", ""), (float, "1.5", "x")],
)
def test_a_bare_placeholder_takes_its_converter_from_the_annotation(annotation, good, bad):
    app = Flasgo()

    async def handler(value):
        return repr(value)

    handler.__annotations__["value"] = annotation
    app.add_route("/v/<value>", handler)
    client = app.test_client()
    assert client.get(f"/v/{good}").text == repr(annotation(good))
    assert client.get(f"/v/{bad}").status_code == 404


def test_a_marked_placeholder_does_so_too():
    app = Flasgo()

    @app.get("/v/<value>")
    async def handler(value: Annotated[int, Path()]):
        return repr(value)

    assert app.test_client().get("/v/7").text == "7"
    assert app.test_client().get("/v/x").status_code == 404


def test_a_converter_may_be_registered_for_later_routes():
    class Even(IntConverter):
        def to_python(self, text: str) -> int:
            value = super().to_python(text)
            if value % 2:
                raise ValueError("odd")
            return value

    app = Flasgo()
    app.register_converter("even", Even)
    app.add_route("/<even:n>", lambda n: str(n))
    assert app.test_client().get("/4").text == "4"
    assert app.test_client().get("/5").status_code == 404
    with pytest.raises(RegistrationError, match="even"):
        Flasgo().add_route("/<even:n>", lambda n: "")


def test_what_is_refused_names_the_handler_and_its_place():
    with pytest.raises(RegistrationError) as caught:
        Plain().add_route("/<a", lambda: "")
    assert "test_registrar.py:" in str(caught.value)
    assert "path pattern '/<a'" in str(caught.value)
