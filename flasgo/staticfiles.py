"""Static directories as routes: files that are the same for every visitor, and may be cached by everyone.

    /static/app.css                      Cache-Control: public, max-age=CACHE_MAX_AGE
    /static/app.css?v=0f3a…              the content's own hash: public, max-age=a year, immutable
    /static/app.css?v=another one's      no-cache: what is asked for is not here (any more, or yet)

The hash stands in the query, not in the file's name. So a path means one file and nothing else, there is no second namespace that the
rules for paths would have to be proved for, and relative links inside a style sheet stay good. Because only the hash of what is
really sent is answered as immutable, a page of the next release that reaches a server of the last one fills no cache with the wrong file.

A small file is read once and kept; each request asks the file system whether it is still the same.
"""

import hashlib
import os
import threading
import time
from functools import partial
from typing import BinaryIO, Final, TypeAlias

from msgspec import Struct

from flasgo.errors import NotFound, RegistrationError
from flasgo.file_response import FileResponse, checked, snapshot_of
from flasgo.http.asgi import Runner
from flasgo.http.codings import CODINGS, accepted_codings
from flasgo.http.folders import Folder
from flasgo.http.headers import RawHeaders
from flasgo.http.media import content_type_for
from flasgo.http.representation import ASKS, Snapshot, select
from flasgo.patterns import regex
from flasgo.plan.files import StaticFolder
from flasgo.request import Request
from flasgo.response import Response, quick

SMALL: Final = 65_536
"""Bytes of a file that is read on the event loop, and kept in memory."""

KEPT_BYTES: Final = 16 * 1024 * 1024
"""Bytes that one directory keeps in memory; each file counts KEPT_EACH more."""

KEPT_EACH: Final = 2048

HASHED_BYTES: Final = 8 * 1024 * 1024
"""Bytes of the largest file whose URL gets a hash: making it takes about a millisecond for each megabyte, once."""

SETTLED_SECONDS: Final = 2.0
"""A file that has changed a moment ago may change again within one tick of its file system's clock, and is not kept (as in git's index)."""

YEAR: Final = 31_536_000
IMMUTABLE = (b"cache-control", b"public, max-age=31536000, immutable")
REVALIDATE = (b"cache-control", b"no-cache")
VARY = (b"vary", b"Accept-Encoding")
VERSION = regex(rb"v=([0-9a-f]{16})")

Stamp: TypeAlias = tuple[int, int, int, int, int]
"""What changes when a file does."""


class Variant(Struct, frozen=True):
    """One form of a file: as it is, or compressed. `body` is None where it is read for each request."""

    path: str
    stamp: Stamp
    snapshot: Snapshot
    fields: RawHeaders
    body: bytes | None
    suffix: str


class Kept(Struct, frozen=True):
    """A file with its forms by coding, itself under ""; `folder` tells whether others have come or gone since."""

    plain: Variant
    codings: dict[str, Variant]
    folder: Stamp
    version: str | None

    @property
    def size(self) -> int:
        return KEPT_EACH + sum(len(form.body or b"") for form in (self.plain, *self.codings.values()))


class StaticFiles:
    """The handler of one static directory.

    Raises RegistrationError for a directory that is not there, a `url_path` that is no path, and a negative `cache_max_age` (seconds).
    """

    def __init__(self, directory: str | os.PathLike[str], *, url_path: str, cache_max_age: int, run: Runner) -> None:
        self.folder = Folder(directory)
        _check(self.folder, url_path, cache_max_age)
        self.pattern = f"{url_path.rstrip('/')}/<path:filename>"
        self.option = StaticFolder(os.fspath(self.folder.root), url_path)
        self._cache = (b"cache-control", b"public, max-age=%d" % cache_max_age)
        self._run = run
        self._kept: dict[str, Kept] = {}
        self._hashes: dict[str, tuple[Stamp, str]] = {}
        self._bytes = 0
        self._lock = threading.Lock()  # `url_for` is called in threads, too

    def __repr__(self) -> str:
        return f"StaticFiles({self.option.directory!r}, url_path={self.option.url_path!r})"

    async def __call__(self, request: Request, filename: str) -> Response:
        fields = request.fields
        kept = self._find(filename)
        form = kept.plain
        if kept.codings and b"accept-encoding" in fields:
            form = self._coded(filename, kept, accepted_codings(fields[b"accept-encoding"]))
        query = request.scope.get("query_string")
        cache = await self._cache_of(query, filename, kept) if query else self._cache
        if form.body is None:
            return self._large(form, cache)
        response = quick(form.body, cache)
        response.raw = [*form.fields, cache]
        response.allow_public_cache = True
        return response if ASKS.isdisjoint(fields) else _selected(request, form, response)

    async def _cache_of(self, query: bytes, filename: str, kept: Kept) -> tuple[bytes, bytes]:
        asked = VERSION.fullmatch(query)
        if asked is None:
            return self._cache
        version = kept.version
        if version is None:
            version = await self._run(self._hash, filename, kept.plain)
        return IMMUTABLE if version is not None and version.encode() == asked[1] else REVALIDATE

    def _large(self, form: Variant, cache: tuple[bytes, bytes]) -> FileResponse:
        response = FileResponse(self.folder.root / form.path)
        response.raw = [*form.fields, cache]
        response.opener = partial(_open, self.folder, form.path)
        response.etag_suffix = form.suffix
        response.allow_public_cache = True
        return response

    def version(self, filename: str) -> str | None:
        """The hash of a file's content for its URL; None where there is no such file, or a very large one."""
        try:
            kept = self._find(filename)
        except NotFound:
            return None
        return kept.version or self._hash(filename, kept.plain)

    # ── finding ─────────────────────────────────────────────────────────────────────────────────────────────────

    def _find(self, filename: str) -> Kept:
        """The file as it is now. Raises NotFound, always the same, for whatever may not be had."""
        kept = self._kept.get(filename)
        try:
            if kept is not None and self._is_current(kept):
                return kept
            return self._load(filename)
        except OSError:
            raise NotFound("There is no such file.") from None

    def _is_current(self, kept: Kept) -> bool:
        status = self.folder.status
        return _stamp(status(kept.plain.path)) == kept.plain.stamp and (
            not kept.codings or _stamp(status(_parent(kept.plain.path))) == kept.folder
        )

    def _coded(self, filename: str, kept: Kept, accepted: tuple[str, ...]) -> Variant:
        """The form that the client likes best, as it is now."""
        for coding in accepted:
            form = kept.codings.get(coding)
            if form is not None:
                try:
                    if _stamp(self.folder.status(form.path)) == form.stamp:
                        return form
                    kept = self._load(filename)
                except OSError:
                    continue
                form = kept.codings.get(coding)
                if form is not None:
                    return form
        return kept.plain

    def _load(self, filename: str) -> Kept:
        """Read a file and its compressed forms. Raises OSError."""
        plain = self._form(filename, "")
        folder = _stamp(self.folder.status(_parent(filename)))  # before the forms: one that comes later changes it
        codings = {coding: form for coding in CODINGS if (form := self._compressed(plain, coding)) is not None}
        if codings:
            plain.fields.append(VARY)
        version = None if plain.body is None else _hash_of(plain.body)
        kept = Kept(plain, codings, folder, version)
        newest = max(
            stamp[part]
            for stamp in (folder, plain.stamp, *(form.stamp for form in codings.values()))
            for part in (0, 4)
        )
        if time.time_ns() - newest > SETTLED_SECONDS * 1e9:
            self._keep(filename, kept)
        return kept

    def _compressed(self, plain: Variant, coding: str) -> Variant | None:
        """The form that lies beside a file; one that is older is of another content."""
        try:
            form = self._form(plain.path, coding)
        except OSError:
            return None
        return form if int(form.snapshot.modified) >= int(plain.snapshot.modified) else None

    def _form(self, filename: str, coding: str) -> Variant:
        path = filename + CODINGS[coding] if coding else filename
        suffix = f"-{coding}" if coding else ""
        with self.folder.open(path) as file:
            status = os.fstat(file.fileno())
            body = file.read(SMALL + 1) if status.st_size <= SMALL else None
        if body is not None and len(body) != status.st_size:
            body = None  # it is being written to
        snapshot = snapshot_of(status, suffix)
        fields = [(b"content-type", content_type_for(filename).encode()), *snapshot.fields]
        if coding:
            fields += [(b"content-encoding", coding.encode()), VARY]
        return Variant(path, _stamp(status), snapshot, fields, body, suffix)

    def _keep(self, filename: str, kept: Kept) -> None:
        with self._lock:
            self._forget(filename)
            self._kept[filename] = kept
            self._bytes += kept.size
            while self._bytes > KEPT_BYTES:
                self._forget(next(iter(self._kept)))

    def _forget(self, filename: str) -> None:
        old = self._kept.pop(filename, None)
        if old is not None:
            self._bytes -= old.size
            self._hashes.pop(filename, None)

    def _hash(self, filename: str, plain: Variant) -> str | None:
        """The hash of a file that is not in memory."""
        known = self._hashes.get(filename)
        if known is not None and known[0] == plain.stamp:
            return known[1]
        if plain.snapshot.size > HASHED_BYTES:
            return None
        with _open(self.folder, filename) as file:
            version = _hash_of(file.read(HASHED_BYTES))
        if filename in self._kept:
            self._hashes[filename] = (plain.stamp, version)
        return version


def _selected(request: Request, form: Variant, response: Response) -> Response:
    """What the conditions and ranges of the request leave of a whole response."""
    body, raw = response.body, response.raw
    kind = response.content_type
    selection = checked(select(form.snapshot, request.fields, kind, ranges=request.method != "HEAD"), form.snapshot)
    response.status_code = selection.status
    response.raw = selection.fields(raw)
    response.body = b"".join(selection.pieces(lambda start, stop: iter((body[start:stop],))))
    return response


def _open(folder: Folder, path: str) -> BinaryIO:
    try:
        return folder.open(path)
    except OSError:
        raise NotFound("There is no such file.") from None


def _parent(path: str) -> str:
    return path.rpartition("/")[0]


def _stamp(status: os.stat_result) -> Stamp:
    return (status.st_mtime_ns, status.st_size, status.st_ino, status.st_dev, status.st_ctime_ns)


def _hash_of(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()[:16]


def _check(folder: Folder, url_path: str, cache_max_age: int) -> None:
    if not folder.root.is_dir():
        raise RegistrationError(
            f"There is no directory {str(folder.root)!r} for static files. Create it, or give its whole path: a relative one is looked "
            "for where the program is started."
        )
    segments = url_path.split("/")
    if (
        not url_path.startswith("/")
        or (url_path != "/" and not all(segments[1:]))
        or not {".", ".."}.isdisjoint(segments)
    ):
        raise RegistrationError(
            f"url_path={url_path!r} is not where static files can be: begin it with a slash, end it without one, as '/static'."
        )
    if "<" in url_path or "?" in url_path or "#" in url_path:
        raise RegistrationError(
            f"url_path={url_path!r} has a placeholder, a query or a fragment; give plain text, as '/static'."
        )
    if isinstance(cache_max_age, bool) or not isinstance(cache_max_age, int) or not 0 <= cache_max_age <= YEAR:
        raise RegistrationError(f"cache_max_age={cache_max_age!r} is not a number of seconds from 0 to {YEAR}, a year.")
