"""The document and its page, as ordinary routes: `OPENAPI_PATH`, `DOCS_PATH`, and the files of Swagger UI below that.

Everything is served by the application itself, from files of the package: no CDN sees who reads the documentation, and it
works with no internet. The files have names that change with their content, so that a browser never asks twice.
"""

import gzip
from collections.abc import Callable, Iterator
from functools import cache
from hashlib import sha256
from html import escape
from importlib.resources import files
from typing import Any

from msgspec import Struct

from flasgo.http.conditional import ETag, evaluate
from flasgo.plan.model import Endpoint
from flasgo.request import Request
from flasgo.response import Response, encode_json
from flasgo.routing.registrar import Registrar
from flasgo.settings import Settings

MAX_ROOTS = 16
"""Paths of mounting for which the document is kept; they come from the server's configuration."""

POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
    "base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
)

FOREVER = "public, max-age=31536000, immutable"


class Asset(Struct, frozen=True):
    """A file of the page; `packed` says that it is kept with gzip."""

    name: str
    content_type: str
    packed: bool = False

    @property
    def file(self) -> str:
        return f"{self.name}.gz" if self.packed else self.name


BUNDLE = Asset("swagger-ui-bundle.js", "text/javascript; charset=utf-8", packed=True)
STYLE = Asset("swagger-ui.css", "text/css; charset=utf-8", packed=True)
INIT = Asset("docs.js", "text/javascript; charset=utf-8")
THEME = Asset("docs.css", "text/css; charset=utf-8")
ICON = Asset("favicon.png", "image/png")
ASSETS = (BUNDLE, STYLE, INIT, THEME, ICON)


class Page(Struct, frozen=True):
    """One route to be added: path, name and handler; `asset` says that it is a file of the page."""

    path: str
    name: str
    endpoint: Endpoint
    asset: bool = False


@cache
def content_of(asset: Asset) -> bytes:
    """The file as it is kept. Raises FileNotFoundError where the package is not complete."""
    return files("flasgo.openapi").joinpath("assets", asset.file).read_bytes()


@cache
def address_of(asset: Asset) -> str:
    """Its name below DOCS_PATH, with a digest of what it holds."""
    return f"{sha256(content_of(asset)).hexdigest()[:12]}/{asset.name}"


def publish(registrar: Registrar, settings: Settings, spec: Callable[[], dict[str, Any]]) -> None:
    """Register the documentation's routes, guarded by DOCS_AUTH_BACKEND if it names a backend."""
    for page in pages(settings, spec):
        registrar.add_route(page.path, page.endpoint, name=page.name, include_in_schema=False)
        if page.asset:
            registrar.ratelimit_exempt(page.endpoint)  # one look at the page needs all of them
        if settings.DOCS_AUTH_BACKEND:
            registrar.authorize(backend=settings.DOCS_AUTH_BACKEND)(page.endpoint)


def pages(settings: Settings, spec: Callable[[], dict[str, Any]]) -> Iterator[Page]:
    """The routes of the documentation; `spec` gives the document once all routes are known."""
    below = settings.DOCS_PATH.rstrip("/")
    yield Page(settings.OPENAPI_PATH, "flasgo.openapi", Document(settings, spec).answer)
    yield Page(settings.DOCS_PATH, "flasgo.docs", _page(settings, below))
    for asset in ASSETS:
        yield Page(f"{below}/{address_of(asset)}", f"flasgo.docs.{asset.name}", _file(asset), asset=True)


class Document:
    """The document as bytes, written once for each path under which the application is mounted."""

    def __init__(self, settings: Settings, spec: Callable[[], dict[str, Any]]) -> None:
        self.spec = spec
        guarded = settings.DOCS_AUTH_BACKEND or settings.DEFAULT_PERMISSIONS
        self.cache_control = "private, no-cache" if guarded else "no-cache"
        self._written: dict[str, tuple[dict[str, Any], bytes, ETag]] = {}

    async def answer(self, request: Request) -> Response:
        """The OpenAPI document of this application."""
        body, etag = self.written(request.root_path)
        headers = {"etag": str(etag), "cache-control": self.cache_control}
        fields = request.headers
        outcome = evaluate("GET", if_match=fields.get("if-match"), if_none_match=fields.get("if-none-match"), etag=etag)
        if outcome != "proceed":
            status = 304 if outcome == "not_modified" else 412
            return Response(b"", status, headers, allow_public_cache=True)
        return Response(body, 200, headers, content_type="application/json", allow_public_cache=True)

    def written(self, root: str) -> tuple[bytes, ETag]:
        spec = self.spec()
        known = self._written.get(root)
        if known is None or known[0] is not spec:
            others = spec.get("servers", ())
            here = {"servers": [{"url": root or "/"}, *others]} if root or others else {}
            body = encode_json({**spec, **here})
            known = (spec, body, ETag(sha256(body).hexdigest()[:32]))
            if len(self._written) < MAX_ROOTS or root in self._written:
                self._written[root] = known
        return known[1], known[2]


def _page(settings: Settings, below: str) -> Endpoint:
    title = escape(f"{settings.API_TITLE} Docs")
    csrf = (
        f'data-csrf-cookie="{escape(settings.CSRF_COOKIE_NAME)}" data-csrf-header="{escape(settings.CSRF_HEADER_NAME)}"'
    )

    async def docs(request: Request) -> Response:
        """The page of the documentation, Swagger UI."""
        root = escape(request.root_path)

        def at(asset: Asset) -> str:
            return f"{root}{escape(below)}/{address_of(asset)}"

        page = (
            f'<!doctype html>\n<html lang="en"><head><meta charset="utf-8"><title>{title}</title>'
            '<meta name="viewport" content="width=device-width, initial-scale=1">'
            f'<link rel="icon" type="image/png" href="{at(ICON)}">'
            f'<link rel="stylesheet" href="{at(STYLE)}"><link rel="stylesheet" href="{at(THEME)}"></head>'
            f'<body><div id="docs"></div><noscript>This page needs JavaScript. The document itself is at '
            f'<a href="{root}{escape(settings.OPENAPI_PATH)}">{escape(settings.OPENAPI_PATH)}</a>.</noscript>'
            f'<script src="{at(BUNDLE)}"></script>'
            f'<script src="{at(INIT)}" data-document="{root}{escape(settings.OPENAPI_PATH)}" {csrf}></script>'
            "</body></html>\n"
        )
        return Response.html(page, headers={"content-security-policy": POLICY})

    return docs


def _file(asset: Asset) -> Endpoint:
    async def asset_of_docs(request: Request) -> Response:
        """A file of the documentation's page."""
        content = content_of(asset)
        headers = {"cache-control": FOREVER}
        if asset.packed:
            headers["vary"] = "Accept-Encoding"
            if takes_gzip(request.headers.get("accept-encoding", "")):
                headers["content-encoding"] = "gzip"
            else:
                content = gzip.decompress(content)
        return Response(content, 200, headers, content_type=asset.content_type, allow_public_cache=True)

    return asset_of_docs


def takes_gzip(accepted: str) -> bool:
    """Does Accept-Encoding name gzip, other than with the weight nought (RFC 9110 §12.5.3)?"""
    for member in accepted.lower().split(","):
        coding, _, weight = member.replace(" ", "").partition(";")
        if coding in {"gzip", "x-gzip"}:
            return weight.rstrip("0") not in {"q=", "q=0."}
    return False
