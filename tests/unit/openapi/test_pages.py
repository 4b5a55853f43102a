"""The document as bytes, and the files of its page."""

import gzip
from typing import Any

import pytest

from flasgo import Settings
from flasgo.openapi.pages import ASSETS, MAX_ROOTS, Asset, Document, address_of, content_of, pages, takes_gzip

SETTINGS = Settings(SECRET_KEY="a secret of a test, and of no use elsewhere", DOCS_PATH="/docs/")


@pytest.mark.parametrize(
    ("accepted", "taken"),
    [
        ("gzip", True),
        ("br, gzip;q=0.5", True),
        ("X-GZIP", True),
        ("gzip ; q=1", True),
        ("gzip;q=0", False),
        ("gzip;q=0.000", False),
        ("gzip;q=0.001", True),
        ("br", False),
        ("*", False),
        ("", False),
    ],
)
def test_gzip_is_sent_to_those_who_name_it(accepted: str, taken: bool):
    assert takes_gzip(accepted) is taken


@pytest.mark.parametrize("asset", ASSETS, ids=lambda asset: asset.name)
def test_every_file_is_there_under_a_name_that_its_content_decides(asset: Asset):
    content = content_of(asset)
    assert gzip.decompress(content) if asset.packed else content
    digest, _, name = address_of(asset).partition("/")
    assert name == asset.name
    assert len(digest) == 12


def test_a_file_that_is_missing_is_told():
    with pytest.raises(FileNotFoundError):
        content_of(Asset("absent.js", "text/javascript"))


def test_the_pages_stand_below_their_path():
    made = list(pages(SETTINGS, dict))
    assert [page.path for page in made[:2]] == [SETTINGS.OPENAPI_PATH, "/docs/"]
    assert all(page.asset and page.path.startswith("/docs/") and "//" not in page.path for page in made[2:])


def test_the_document_is_written_once_for_each_place_of_mounting_and_again_when_it_is_another():
    specs: list[dict[str, Any]] = [{"paths": {}}]
    document = Document(SETTINGS, lambda: specs[-1])
    body, tag = document.written("")
    assert document.written("")[0] is body
    below, other = document.written("/shop")
    assert b'"servers":[{"url":"/shop"}]' in below
    assert other != tag
    specs.append({"paths": {"/": {}}})
    assert document.written("")[1] != tag
    for number in range(2 * MAX_ROOTS):
        assert f"/{number}".encode() in document.written(f"/{number}")[0]
    assert len(document._written) == MAX_ROOTS


@pytest.mark.parametrize(("backend", "said"), [("", "no-cache"), ("basic", "private, no-cache")])
def test_a_guarded_document_is_kept_by_no_shared_cache(backend: str, said: str):
    assert Document(Settings(SECRET_KEY=SETTINGS.SECRET_KEY, DOCS_AUTH_BACKEND=backend), dict).cache_control == said
