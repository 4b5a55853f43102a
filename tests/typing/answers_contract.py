"""What checkers see of statuses, problems and codecs."""

from typing import Any, assert_type

from msgspec import Struct

from flasgo import Accepted, Codec, Created, Flasgo, NotFound, Problem


class Book(Struct):
    title: str


class OutOfStock(Problem, status=409):
    sku: str
    left: int = 0


class Money:
    @classmethod
    def parse(cls, text: str) -> "Money":
        return cls()


codec = Codec(Money, str, encode=str, decode=Money.parse)
assert_type(codec, Codec[Money, str])
app: Flasgo[Any] = Flasgo(codecs=[codec])


@app.post("/books", raises=(OutOfStock, NotFound))
async def add(body: Book) -> Created[Book]:
    return body


@app.post("/jobs")
async def start(body: Book) -> Accepted[Book] | Created[Book]:
    return body


problem = OutOfStock(sku="B-7", detail="Two more come on Monday.")
assert_type(problem.sku, str)
assert_type(problem.left, int)
assert_type(problem.status_code, int)
