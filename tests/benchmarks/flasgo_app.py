"""flasgo for the shared benchmark, written as a user would write it: typed handlers, every default on."""

import os
import tempfile
from collections.abc import AsyncIterator
from datetime import datetime
from pathlib import Path
from typing import Annotated

from msgspec import Meta, Struct

from flasgo import Flasgo, Forbidden, Form, Request, Session, Settings, UploadedFile

STATIC = Path(tempfile.gettempdir(), f"flasgo-bench-static-{os.getuid()}")
"""Where the benchmark's workloads.py puts 4k.txt and 1m.bin for every app to serve."""

STATIC.mkdir(exist_ok=True)

settings = Settings(
    SECRET_KEY="benchmark-key-0123456789abcdef-0123456789", ALLOWED_HOSTS=frozenset({"127.0.0.1", "localhost"})
)


class Line(Struct, frozen=True):
    sku: str
    qty: Annotated[int, Meta(ge=1)]
    price: float


class Order(Struct, frozen=True):
    id: int
    customer: Annotated[str, Meta(max_length=100)]
    email: str
    active: bool
    created: datetime
    total: float
    tags: list[str]
    priority: Annotated[int, Meta(ge=0, le=10)]
    lines: list[Line]
    notes: str | None = None


class Contact(Struct, frozen=True):
    name: str
    email: str
    age: str
    city: str
    note: str


class Stored(Struct, frozen=True):
    title: str
    filename: str
    size: int


class Item(Struct, frozen=True):
    item_id: int
    q: str
    limit: int


app = Flasgo(settings=settings, static_folder=STATIC)


@app.get("/")
async def plaintext() -> str:
    return "Hello, World!"


@app.get("/json")
async def json() -> dict[str, str]:
    return {"message": "Hello, World!"}


@app.get("/items/<int:item_id>")
async def item(item_id: int, q: str, limit: int = 20) -> Item:
    return Item(item_id, q, limit)


@app.post("/items", csrf=False)
async def order(body: Order) -> Order:
    return body


@app.post("/form", csrf=False)
async def form(contact: Annotated[Contact, Form()]) -> Contact:
    return contact


@app.post("/upload", csrf=False)
async def upload(title: Annotated[str, Form()], file: UploadedFile) -> Stored:
    return Stored(title, file.filename, file.size)


@app.get("/stream")
async def stream() -> AsyncIterator[bytes]:
    for _ in range(1000):
        yield b"data: 0123456789abcdef\n\n"


router = Flasgo(settings=settings)

for number in range(200):

    @router.get(f"/api/r{number}/<id>", name=f"r{number}")
    async def by_id(id: str) -> str:
        return id


secure = Flasgo(settings=settings)


@secure.get("/")
async def secure_plaintext() -> str:
    return "Hello, World!"


class Me(Struct, frozen=True):
    user_id: int
    name: str


class Token(Struct, frozen=True):
    csrf_token: str
    csrf_header: str
    post_headers: dict[str, str]


@secure.get("/login")
async def login(request: Request, session: Session) -> Token:
    session["user_id"] = 42
    session["name"] = "alice"
    return Token(request.csrf_token(), "x-csrf-token", {"origin": "http://127.0.0.1:8000"})


@secure.get("/me")
async def me(session: Session) -> Me:
    return Me(session["user_id"], session["name"])


@secure.post("/sec/items")
async def secure_order(body: Order, session: Session) -> Order:
    if session["user_id"] != 42:
        raise Forbidden
    return body
