"""Classes of the user's own, by their codecs: wherever something is read, written or described."""

from collections.abc import Iterator
from decimal import Decimal
from ipaddress import IPv4Address, IPv6Address
from typing import Annotated, Any

import pytest
from msgspec import Meta, Struct, field
from openapi_spec_validator import validate

from flasgo import Blueprint, Codec, Cookie, Depends, Flasgo, Form, Header, Problem, RegistrationError, Request


class Money:
    def __init__(self, amount: Decimal, currency: str = "EUR") -> None:
        self.amount = amount
        self.currency = currency

    def __str__(self) -> str:
        return f"{self.amount} {self.currency}"

    @classmethod
    def parse(cls, text: str) -> "Money":
        amount, currency = text.split(" ")
        return cls(Decimal(amount), currency)


class Gold(Money):
    pass


class Point:
    def __init__(self, x: float, y: float) -> None:
        self.x = x
        self.y = y


class Pair(Struct):
    x: float
    y: float


class Ratio:
    def __init__(self, value: float) -> None:
        self.value = value


class Mail(str):
    __slots__ = ()


PATTERN = "^[0-9.]+ [A-Z]{3}$"

CODECS: list[Codec[Any, Any]] = [
    Codec(
        Money,
        str,
        encode=str,
        decode=Money.parse,
        meta=Meta(pattern=PATTERN, description="An amount."),
        noun="an amount such as 1.50 EUR",
    ),
    Codec(Point, Pair, encode=lambda p: Pair(p.x, p.y), decode=lambda pair: Point(pair.x, pair.y)),
    Codec(Ratio, float, encode=lambda ratio: ratio.value, decode=Ratio),
    Codec(Mail, str, encode=str, decode=Mail, meta=Meta(pattern="@")),
    Codec(IPv4Address, str, encode=str, decode=IPv4Address),
]

MONEY = {"type": "string", "pattern": PATTERN}


class Book(Struct):
    price: Money
    old: Money | None = None
    more: list[Money] = []
    at: Point = field(default_factory=lambda: Point(0, 0))


class TooDear(Problem, status=409):
    price: Money


def make() -> Flasgo[Any]:
    return Flasgo(
        settings={"SECRET_KEY": "a secret of a test, and of no use elsewhere", "CSRF_ENABLED": False}, codecs=CODECS
    )


def issues_of(response: Any) -> list[tuple[str, str, str]]:
    assert response.status_code == 422
    return [(each["pointer"], each["code"], each["message"]) for each in response.json()["errors"]]


class TestBodiesAndAnswers:
    @staticmethod
    def client() -> Any:
        app = make()

        @app.post("/books", raises=(TooDear,))
        async def add(body: Book) -> Book:
            if body.price.amount > 100:
                raise TooDear(price=body.price)
            return Book(body.price, Gold(body.price.amount), [body.price], body.at)

        @app.post("/raw")
        async def raw(request: Request) -> Money:
            return (await request.json(type=Book)).price

        return app.test_client()

    def test_they_are_read_and_written(self):
        sent = {"price": "1.50 EUR", "at": {"x": 1, "y": 2.5}}
        assert self.client().post("/books", json=sent).json() == {
            "price": "1.50 EUR",
            "old": "1.50 EUR",
            "more": ["1.50 EUR"],
            "at": {"x": 1.0, "y": 2.5},
        }
        assert self.client().post("/raw", json={"price": "2 EUR"}).json() == "2 EUR"

    def test_all_that_is_wrong_is_told_without_what_was_sent(self):
        sent = {"price": "1.5.5 EUR", "old": 3, "more": ["dear", "2 EUR"], "at": {"x": 1}}
        assert issues_of(self.client().post("/books", json=sent)) == [
            ("/price", "invalid", "must be an amount such as 1.50 EUR"),
            ("/old", "type_error", "must be a Money or null"),
            ("/more/0", "pattern_mismatch", f"must match the pattern {PATTERN}"),
            ("/at/y", "missing", "is required"),
        ]

    def test_problems_have_them(self):
        problem = self.client().post("/books", json={"price": "101 EUR"}).json()
        assert (problem["code"], problem["price"]) == ("too_dear", "101 EUR")

    def test_a_declared_answer_is_json_even_of_a_str(self):
        app = make()
        app.get("/mail")(mail_of_somebody)
        app.get("/lines")(amounts)
        app.get("/any")(anything)
        assert app.test_client().get("/mail").json() == "a@b"
        assert app.test_client().get("/lines").text == '"1 EUR"\n"2 EUR"\n'
        assert app.test_client().get("/any").json() == {"price": "3 EUR"}

    def test_an_answer_that_no_client_could_read_breaks_its_contract(self, caplog: pytest.LogCaptureFixture):
        app = make()
        app.get("/")(nameless)
        assert app.test_client().get("/").status_code == 500
        (record,) = caplog.records
        assert "test_codecs.py" in caplog.text
        assert "the value must match the pattern" in str(record.exc_info)


async def mail_of_somebody() -> Mail:
    return Mail("a@b")


def amounts() -> Iterator[Money]:
    yield from (Money(Decimal(1)), Money(Decimal(2)))


async def anything() -> dict[str, Any]:
    return {"price": Money(Decimal(3))}


async def nameless() -> Money:
    return Money(Decimal(1), "euro")


class TestText:
    @staticmethod
    def app() -> Flasgo[Any]:
        app = make()
        shop = Blueprint("shop")

        def budget(most: Money = Money(Decimal(9))) -> Money:
            return most

        @shop.get("/<price>/<int:ratio>")
        def look(
            price: Money,
            ratio: Ratio,
            most: Annotated[Money, Depends(budget)],
            x_price: Annotated[Money | None, Header()],
            paid: Annotated[Mail | None, Cookie()],
            ip: IPv4Address | None,
            prices: list[Money] = [],
            part: Ratio = Ratio(0.5),
        ) -> list[str]:
            return [str(price), str(ratio.value), str(most), str(x_price), str(paid), str(ip), *map(str, prices)]

        @shop.post("/form")
        async def form(price: Annotated[Money, Form()], old: Annotated[Money | None, Form()]) -> list[Money | None]:
            return [price, old]

        @shop.post("/page")
        async def page(request: Request) -> str:
            return str((await request.form_as(Simple)).errors)

        app.register_blueprint(shop)
        return app

    def test_they_are_read_everywhere(self):
        client = self.app().test_client()
        params = [("ip", "1.2.3.4"), ("prices", "4 EUR"), ("prices", "5 EUR"), ("most", "2 EUR")]
        headers = {"x-price": "3 EUR", "cookie": "paid=a@b"}
        found = client.get("/1 EUR/7", params=params, headers=headers).json()
        assert found == ["1 EUR", "7.0", "2 EUR", "3 EUR", "a@b", "1.2.3.4", "4 EUR", "5 EUR"]
        assert client.get("/1 EUR/7").json() == ["1 EUR", "7.0", "9 EUR", "None", "None", "None"]

    def test_what_is_none_is_told(self):
        client = self.app().test_client()
        assert client.get("/dear/7").status_code == 422
        assert client.get("/1.1.1 EUR/7").status_code == 404
        params = {"ip": "<script>", "prices": "null", "most": "1.1.1 EUR", "part": "nan"}
        assert issues_of(client.get("/1 EUR/7", params=params)) == [
            ("/most", "invalid", "must be an amount such as 1.50 EUR"),
            ("/ip", "invalid", "must be a valid IPv4Address"),
            ("/prices/0", "pattern_mismatch", f"must match the pattern {PATTERN}"),
            ("/part", "not_finite", "must be a finite number"),
        ]

    def test_an_empty_field_of_a_form_is_none_of_them(self):
        client = self.app().test_client()
        assert client.post("/form", data={"price": "1 EUR", "old": ""}).json() == ["1 EUR", None]
        assert issues_of(client.post("/form", data={"price": "", "old": "null"})) == [
            ("/price", "missing", "is required"),
            ("/old", "type_error", "must be a Money"),
        ]
        assert "right form" in client.post("/page", data={"price": "a", "old": "1 EUR"}).text

    def test_the_document_says_what_is_sent(self):
        spec = self.app().openapi_spec()
        validate(spec)
        parameters = spec["paths"]["/{price}/{ratio}"]["get"]["parameters"]
        found = {one["name"]: one["schema"] for one in parameters}
        assert found["price"] == MONEY | {"minLength": 1}
        assert found["ip"] == {"type": "string"}
        assert found["most"] == MONEY | {"default": "9 EUR"}
        assert found["part"] == {"type": "number", "default": 0.5}
        assert parameters[0]["description"] == "An amount."


class Simple(Struct):
    price: Money
    old: Money | None


def test_records_of_a_wire_are_components_once():
    app = make()

    @app.post("/", responses={202: Point, 203: Pair}, raises=(TooDear,))
    async def add(body: Book) -> Point:
        return body.at

    spec = app.openapi_spec()
    validate(spec)
    schemas = spec["components"]["schemas"]
    reference = {"$ref": "#/components/schemas/Pair"}
    assert schemas["Book"]["properties"]["at"] == reference
    assert schemas["Book"]["properties"]["old"]["anyOf"][0] == MONEY | {"description": "An amount."}
    responses = spec["paths"]["/"]["post"]["responses"]
    assert [responses[status]["content"]["application/json"]["schema"] for status in ("200", "202", "203")] == [
        reference
    ] * 3
    assert list(schemas["Pair"]["properties"]) == ["x", "y"]
    assert "x-flasgo" not in str(spec)


class Broken(Struct):
    price: Money = Money(Decimal(1))


def takes_point(at: Point) -> None: ...


def takes_other(at: IPv6Address) -> None: ...


def gives_other() -> list[IPv6Address]:
    return []


def takes_broken(body: Broken) -> None: ...


@pytest.mark.parametrize(
    ("handler", "message"),
    [
        (takes_point, r"Point is read from Pair, not from text; mark the parameter with Body\(\)"),
        (takes_other, r"or give it a codec: Flasgo\(codecs=\[Codec\(IPv6Address, str, …\)\]\)"),
        (gives_other, r"or say how it is written: Flasgo\(codecs=\[Codec\(IPv6Address, str, …\)\]\)"),
        (takes_broken, r"Money as its default, .* write field\(default_factory=…\)"),
    ],
)
def test_what_cannot_work_is_told_when_it_is_registered(handler: Any, message: str):
    with pytest.raises(RegistrationError, match=message):
        make().post("/")(handler)
