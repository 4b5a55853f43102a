"""The quick start, driven by the test client."""

import runpy
from pathlib import Path

import pytest

from flasgo import Flasgo, TestClient


@pytest.fixture
def client() -> TestClient:
    """A client of an application with a shelf of its own."""
    app = runpy.run_path(str(Path(__file__).with_name("app.py")))["app"]
    assert isinstance(app, Flasgo)
    return app.test_client()


def test_the_page_links_every_book(client: TestClient) -> None:
    page = client.get("/")

    assert page.content_type == "text/html; charset=utf-8"
    assert '<a href="/books/1">Emma</a>' in page.text


def test_titles_are_escaped_on_the_page(client: TestClient) -> None:
    client.post("/books", json={"title": "<script>", "pages": 1})

    assert "&lt;script&gt;" in client.get("/").text


def test_books_are_found_by_length_and_tag(client: TestClient) -> None:
    assert [book["id"] for book in client.get("/books").json()] == [1, 2]
    assert [book["id"] for book in client.get("/books?min_pages=300").json()] == [1]
    assert [book["id"] for book in client.get("/books?tag=novel").json()] == [1]


def test_a_new_book_can_be_read_and_removed(client: TestClient) -> None:
    added = client.post("/books", json={"title": "Sanditon", "pages": 120, "tags": ["fragment"]})

    assert added.status_code == 201
    assert added.json() == {"id": 3, "title": "Sanditon", "pages": 120, "tags": ["fragment"]}
    assert client.get("/books/3").json() == added.json()
    assert client.delete("/books/3").status_code == 204
    assert client.get("/books/3").status_code == 404
    assert client.delete("/books/3").status_code == 404


def test_a_title_stands_on_the_shelf_once(client: TestClient) -> None:
    assert client.post("/books", json={"title": "Emma", "pages": 1}).status_code == 409


def test_everything_that_is_wrong_is_said_at_once(client: TestClient) -> None:
    problem = client.post("/books", json={"title": "", "pages": 0, "tags": [1]})

    assert problem.status_code == 422
    assert problem.content_type == "application/problem+json"
    assert [error["pointer"] for error in problem.json()["errors"]] == ["/title", "/pages", "/tags/0"]
