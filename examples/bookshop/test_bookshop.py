"""The bookshop, driven by the test client: every route, and what each of them refuses."""

import sqlite3
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from flasgo import TestClient

from .app import create_app
from .settings import ShopSettings

ADA = {"Authorization": "Bearer token-of-ada"}
BOB = {"Authorization": "Bearer token-of-bob"}
EVE = {"Authorization": "Bearer token-of-eve"}

NOBODYS = UUID(int=7)

PNG = b"\x89PNG\r\n\x1a\n" + b"picture" * 100

SANDITON = {
    "title": "Sanditon",
    "isbn": "9780141439792",
    "author_id": 1,
    "genre": "novel",
    "price": 650,
    "published": "1925-01-29",
    "stock": 3,
}
HOME = {"name": "Ada", "street": "1 Library Lane", "city": "Bath"}


def order_for(book_id: int, copies: int = 1, **changes: object) -> dict[str, object]:
    lines = [{"book_id": book_id, "copies": copies}]
    return {"lines": lines, "ship_to": HOME, "payment": {"type": "card", "last_digits": "4242"}, **changes}


@pytest.fixture
def client(tmp_path: Path) -> Iterator[TestClient]:
    """A client of a shop with data of its own."""
    with create_app(ShopSettings(DATA_FOLDER=str(tmp_path))).test_client() as client:
        yield client


def titles(client: TestClient, query: str = "") -> list[str]:
    answer = client.get(f"/books{query}")
    assert answer.status_code == 200, answer.text
    return [book["title"] for book in answer.json()["items"]]


def wrong(answer: Any) -> list[tuple[str, str, str]]:
    """What a 422 says is wrong: where, at what, and the code."""
    assert answer.status_code == 422, answer.text
    assert answer.content_type == "application/problem+json"
    return [(error["location"], error["pointer"], error["code"]) for error in answer.json()["errors"]]


# ── books ───────────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("", ["Emma", "Mechanism of the Heavens", "Persuasion"]),
        ("?q=EMMA", ["Emma"]),
        ("?q=%25%25", []),
        ("?genre=science", ["Mechanism of the Heavens"]),
        ("?genre=science&genre=novel&sort=price", ["Persuasion", "Emma", "Mechanism of the Heavens"]),
        ("?author_id=2", ["Mechanism of the Heavens"]),
        ("?max_price=899&sort=newest", ["Persuasion", "Emma"]),
        ("?published_from=1816-01-01&published_to=1820-12-31", ["Persuasion"]),
        ("?in_stock=yes&q=em", ["Emma"]),
    ],
)
def test_books_are_filtered_and_sorted(client: TestClient, query: str, found: list[str]) -> None:
    assert titles(client, query) == found


def test_books_come_in_pages(client: TestClient) -> None:
    second = client.get("/books?per_page=2&page=2").json()

    assert [book["id"] for book in second["items"]] == [2]
    assert {name: second[name] for name in ("page", "pages", "total")} == {"page": 2, "pages": 2, "total": 3}
    assert client.get("/books?page=9").json()["items"] == []


def test_every_filter_that_is_wrong_is_named(client: TestClient) -> None:
    answer = client.get("/books?page=0&q=a&genre=novel&genre=crime&published_from=tomorrow&in_stock=maybe&sort=taste")

    assert sorted(wrong(answer)) == [
        ("query", "/genre/1", "invalid_choice"),
        ("query", "/in_stock", "type_error"),
        ("query", "/page", "too_small"),
        ("query", "/published_from", "invalid_format"),
        ("query", "/q", "too_short"),
        ("query", "/sort", "invalid_choice"),
    ]


def test_a_book_is_shown_with_its_author(client: TestClient) -> None:
    assert client.get("/books/1").json() == {
        "id": 1,
        "title": "Emma",
        "isbn": "9780141439587",
        "author": {"id": 1, "name": "Jane Austen", "born": "1775-12-16"},
        "genre": "novel",
        "price": 899,
        "published": "1815-12-23",
        "stock": 5,
        "cover": None,
        "rating": None,
    }


@pytest.mark.parametrize(("path", "status"), [("99", 404), ("x", 404), ("0", 422), (str(2**63), 422), ("9" * 30, 404)])
def test_what_is_no_book_is_not_there(client: TestClient, path: str, status: int) -> None:
    assert client.get(f"/books/{path}").status_code == status


def test_a_book_that_has_not_changed_is_not_sent_again(client: TestClient) -> None:
    tag = client.get("/books/1").headers["etag"]

    assert client.get("/books/1", headers={"If-None-Match": tag}).status_code == 304
    client.patch("/books/1", json={"price": 1}, headers=EVE)
    assert client.get("/books/1", headers={"If-None-Match": tag}).status_code == 200


def test_a_book_is_added_changed_and_removed(client: TestClient) -> None:
    added = client.post("/books", json=SANDITON, headers=EVE)

    assert added.status_code == 201
    path = f"/books/{added.json()['id']}"
    assert client.get(path).json() == added.json()
    changed = client.patch(path, json={"price": 700, "stock": 0}, headers=EVE)
    assert changed.json() == {**added.json(), "price": 700, "stock": 0}
    assert client.patch(path, json={}, headers=EVE).json() == changed.json()
    assert client.delete(path, headers=EVE).status_code == 204
    assert client.get(path).status_code == 404
    assert client.patch(path, json={"price": 1}, headers=EVE).status_code == 404
    assert client.delete(path, headers=EVE).status_code == 404


def test_all_that_is_wrong_with_a_book_is_said_at_once(client: TestClient) -> None:
    book = {**SANDITON, "title": " ", "isbn": "12", "genre": "crime", "price": -1, "published": "soon", "stock": "3"}
    del book["author_id"]

    assert sorted(wrong(client.post("/books", json=book, headers=EVE))) == [
        ("body", "/author_id", "missing"),
        ("body", "/genre", "invalid_choice"),
        ("body", "/isbn", "pattern_mismatch"),
        ("body", "/price", "too_small"),
        ("body", "/published", "invalid_format"),
        ("body", "/stock", "type_error"),
        ("body", "/title", "pattern_mismatch"),
    ]


def test_an_isbn_is_used_once(client: TestClient) -> None:
    answer = client.post("/books", json={**SANDITON, "isbn": "9780141439587"}, headers=EVE)

    assert (answer.status_code, answer.json()["code"], answer.json()["book_id"]) == (409, "isbn_taken", 1)


def test_a_book_needs_an_author_who_is_known(client: TestClient) -> None:
    answer = client.post("/books", json={**SANDITON, "author_id": 99}, headers=EVE)

    assert (answer.status_code, answer.json()["code"], answer.json()["author_id"]) == (409, "no_such_author", 99)


def test_a_book_that_was_ordered_stays(client: TestClient) -> None:
    assert client.post("/orders", json=order_for(1), headers=ADA).status_code == 201
    answer = client.delete("/books/1", headers=EVE)

    assert (answer.status_code, answer.json()["code"], answer.json()["orders"]) == (409, "book_was_ordered", 1)


# ── covers ──────────────────────────────────────────────────────────────────────────────────────────────────────────


def put_cover(client: TestClient, content: bytes, book: int = 1, **headers: str) -> Any:
    files = {"image": ("../../cover.html", content, "text/html")}
    return client.put(f"/books/{book}/cover", files=files, headers=headers or EVE)


def test_a_cover_is_seen_as_what_it_is(client: TestClient, tmp_path: Path) -> None:
    assert put_cover(client, PNG).json()["cover"] == "/books/1/cover"
    cover = client.get("/books/1/cover")

    assert (cover.status_code, cover.content_type, cover.body) == (200, "image/png", PNG)
    assert client.get("/books/1/cover", headers={"If-None-Match": cover.headers["etag"]}).status_code == 304
    assert client.get("/books/1/cover", headers={"Range": "bytes=1-3"}).body == b"PNG"
    assert put_cover(client, b"\xff\xd8\xff...").status_code == 200
    assert client.get("/books/1/cover").content_type == "image/jpeg"
    assert len(list((tmp_path / "covers").iterdir())) == 1


def test_a_cover_is_a_picture_of_a_bounded_size_of_a_book_that_is_there(client: TestClient) -> None:
    answer = put_cover(client, b"<script>alert(1)</script>")
    assert (answer.status_code, answer.json()["code"]) == (409, "not_an_image")
    assert put_cover(client, PNG + bytes(2_000_000)).status_code == 413
    assert put_cover(client, PNG, book=99).status_code == 404
    assert wrong(client.put("/books/1/cover", files={"picture": ("a.png", PNG)}, headers=EVE)) == [
        ("file", "/image", "missing")
    ]
    assert client.put("/books/1/cover", json={}, headers=EVE).status_code == 415
    assert client.get("/books/1").json()["cover"] is None


def test_every_book_can_be_shown(client: TestClient) -> None:
    plain = client.get("/books/1/cover")
    assert (plain.status_code, plain.content_type) == (200, "image/png")
    assert plain.body.startswith(b"\x89PNG\r\n\x1a\n")
    assert client.get("/books/99/cover").status_code == 404


# ── authors ─────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_authors_are_listed_shown_and_added(client: TestClient) -> None:
    added = client.post("/authors", json={"name": "Ada Lovelace", "born": "1815-12-10"}, headers=EVE)

    assert (added.status_code, added.json()) == (201, {"id": 3, "name": "Ada Lovelace", "born": "1815-12-10"})
    assert [author["name"] for author in client.get("/authors").json()["items"]] == [
        "Ada Lovelace",
        "Jane Austen",
        "Mary Somerville",
    ]
    assert client.get("/authors/3").json() == {**added.json(), "books": []}
    assert [book["title"] for book in client.get("/authors/1").json()["books"]] == ["Emma", "Persuasion"]
    assert client.get("/authors/99").status_code == 404
    assert wrong(client.post("/authors", json={"name": "", "born": 1815}, headers=EVE)) == [
        ("body", "/name", "pattern_mismatch"),
        ("body", "/born", "type_error"),
    ]


# ── reviews ─────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_readers_review_a_book_once_each(client: TestClient) -> None:
    first = client.post("/books/1/reviews", json={"stars": 5, "text": "Again!"}, headers=ADA)
    client.post("/books/1/reviews", json={"stars": 4}, headers=BOB)

    assert first.status_code == 201
    assert [(review["reader"], review["stars"]) for review in client.get("/books/1/reviews").json()["items"]] == [
        ("bob", 4),
        ("ada", 5),
    ]
    assert client.get("/books/1").json()["rating"] == {"average": 4.5, "reviews": 2}
    again = client.post("/books/1/reviews", json={"stars": 1}, headers=ADA)
    assert (again.status_code, again.json()["code"], again.json()["review_id"]) == (
        409,
        "already_reviewed",
        first.json()["id"],
    )


def test_a_review_has_one_to_five_stars_and_a_book(client: TestClient) -> None:
    assert wrong(client.post("/books/1/reviews", json={"stars": 6}, headers=ADA)) == [("body", "/stars", "too_large")]
    assert client.post("/books/99/reviews", json={"stars": 5}, headers=ADA).status_code == 404
    assert client.get("/books/99/reviews").status_code == 404


def test_a_review_is_removed_by_its_reader_or_a_moderator(client: TestClient) -> None:
    def review() -> str:
        return f"/reviews/{client.post('/books/1/reviews', json={'stars': 5}, headers=ADA).json()['id']}"

    path = review()
    assert client.delete(path, headers=BOB).status_code == 403
    assert client.delete(path, headers=ADA).status_code == 204
    assert client.delete(path, headers=ADA).status_code == 404
    assert client.delete(review(), headers=EVE).status_code == 204


# ── orders ──────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_an_order_takes_books_from_the_shelf_and_cancelling_brings_them_back(client: TestClient) -> None:
    placed = client.post("/orders", json=order_for(1, 2), headers=ADA)

    assert placed.status_code == 201
    order = placed.json()
    assert (order["status"], order["total"], order["lines"]) == ("open", 1798, [{"book_id": 1, "copies": 2}])
    assert order["payment"] == {"type": "card", "last_digits": "4242"}
    assert client.get("/books/1").json()["stock"] == 3
    assert client.get(f"/orders/{order['id']}", headers=ADA).json() == order
    for _ in range(2):
        cancelled = client.post(f"/orders/{order['id']}/cancel", headers=ADA)
        assert cancelled.json() == {**order, "status": "cancelled"}
    assert client.get("/books/1").json()["stock"] == 5
    assert client.get("/orders?status=open", headers=ADA).json()["total"] == 0
    assert client.get("/orders?status=cancelled", headers=ADA).json()["items"] == [cancelled.json()]


def test_an_order_may_be_paid_by_invoice(client: TestClient) -> None:
    answer = client.post("/orders", json=order_for(1, payment={"type": "invoice", "days": 30}), headers=ADA)

    assert answer.json()["payment"] == {"type": "invoice", "days": 30}


def test_nobody_sees_the_orders_of_others(client: TestClient) -> None:
    path = f"/orders/{client.post('/orders', json=order_for(1), headers=ADA).json()['id']}"

    assert client.get(path, headers=BOB).status_code == 404
    assert client.post(f"{path}/cancel", headers=BOB).status_code == 404
    assert client.get("/orders", headers=BOB).json()["items"] == []
    assert client.get(f"/orders/{NOBODYS}", headers=ADA).status_code == 404
    assert client.get("/orders/1", headers=ADA).status_code == 404


def test_an_order_that_cannot_be_filled_takes_nothing(client: TestClient) -> None:
    lines = [{"book_id": 1, "copies": 1}, {"book_id": 2, "copies": 1}, {"book_id": 2, "copies": 1}]
    answer = client.post("/orders", json=order_for(1, lines=lines), headers=ADA)

    assert answer.status_code == 409
    assert answer.content_type == "application/problem+json"
    assert answer.json() == {
        "type": "about:blank",
        "title": "Out of stock",
        "status": 409,
        "detail": "Out of stock",
        "instance": "/orders",
        "code": "out_of_stock",
        "book_id": 2,
        "left": 1,
    }
    assert client.get("/books/1").json()["stock"] == 5
    assert client.post("/orders", json=order_for(99), headers=ADA).json()["code"] == "no_such_book"


def test_what_is_wrong_deep_inside_an_order_is_found(client: TestClient) -> None:
    order = {
        "lines": [{"book_id": 1}, {"book_id": 0, "copies": 101}],
        "ship_to": {**HOME, "city": ""},
        "payment": {"type": "invoice", "days": 1},
    }

    assert sorted(wrong(client.post("/orders", json=order, headers=ADA))) == [
        ("body", "/lines/1/book_id", "too_small"),
        ("body", "/lines/1/copies", "too_large"),
        ("body", "/payment/days", "too_small"),
        ("body", "/ship_to/city", "too_short"),
    ]
    assert wrong(client.post("/orders", json=order_for(1, payment={"type": "cash"}), headers=ADA)) == [
        ("body", "/payment/type", "invalid_tag")
    ]


def test_the_last_copy_is_sold_once(client: TestClient) -> None:
    def buy(headers: dict[str, str]) -> int:
        return client.post("/orders", json=order_for(2), headers=headers).status_code

    with ThreadPoolExecutor(8) as pool:
        statuses = sorted(pool.map(buy, [ADA, BOB] * 4))

    assert statuses == [201] + [409] * 7
    assert client.get("/books/2").json()["stock"] == 0


def test_each_reader_may_try_to_order_twenty_times_a_minute(client: TestClient) -> None:
    statuses = [client.post("/orders", json=order_for(99), headers=ADA).status_code for _ in range(21)]

    assert statuses == [409] * 20 + [429]
    assert client.post("/orders", json=order_for(1), headers=BOB).status_code == 201


# ── who may ─────────────────────────────────────────────────────────────────────────────────────────────────────────

GUARDED = [
    ("POST", "/books", ADA),
    ("PATCH", "/books/1", ADA),
    ("DELETE", "/books/1", ADA),
    ("PUT", "/books/1/cover", ADA),
    ("POST", "/authors", ADA),
    ("POST", "/books/1/reviews", EVE),
    ("DELETE", "/reviews/1", None),
    ("POST", "/orders", EVE),
    ("GET", "/orders", EVE),
    ("GET", f"/orders/{NOBODYS}", EVE),
    ("POST", f"/orders/{NOBODYS}/cancel", EVE),
]


@pytest.mark.parametrize(("method", "path", "other"), GUARDED)
def test_strangers_are_asked_who_they_are_and_others_refused(
    client: TestClient, method: str, path: str, other: dict[str, str] | None
) -> None:
    stranger = client.request(method, path)
    assert (stranger.status_code, stranger.headers["www-authenticate"]) == (401, "Bearer")
    assert client.request(method, path, headers={"Authorization": "Bearer token-of-nobody"}).status_code == 401
    if other is not None:
        assert client.request(method, path, headers=other).status_code == 403


def test_every_route_that_writes_is_guarded() -> None:
    writing = {
        (method, route.path) for route in create_app(ShopSettings()).routes for method in route.methods - {"GET"}
    }

    assert len(writing) == len({(method, path) for method, path, _ in GUARDED if method != "GET"})


# ── the whole ───────────────────────────────────────────────────────────────────────────────────────────────────────


def test_the_shop_keeps_its_data_in_its_folder_and_else_nothing(tmp_path: Path) -> None:
    for total in (2, 3):
        with create_app(ShopSettings(DATA_FOLDER=str(tmp_path))).test_client() as client:
            assert client.get("/authors").json()["total"] == total
            client.post("/authors", json={"name": "Ada Lovelace"}, headers=EVE)
    for _ in range(2):
        with create_app(ShopSettings()).test_client() as client:
            assert client.get("/authors").json()["total"] == 2
            client.post("/authors", json={"name": "Ada Lovelace"}, headers=EVE)


def test_what_a_handler_did_not_finish_is_not_kept(client: TestClient, tmp_path: Path) -> None:
    client.post("/orders", json=order_for(1, lines=[{"book_id": 1}, {"book_id": 99}]), headers=ADA)

    with sqlite3.connect(tmp_path / "shop.db") as connection:
        assert connection.execute("select count(*) from orders").fetchone() == (0,)
    connection.close()


def test_nothing_of_the_shop_sets_a_cookie(client: TestClient) -> None:
    for path in ("/", "/books", "/books/1", "/authors/1"):
        assert "set-cookie" not in client.get(path).headers


def test_the_front_door_leads_to_the_documentation(client: TestClient) -> None:
    assert client.get("/").headers["location"] == "/docs"
