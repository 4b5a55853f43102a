"""Media types: reading them, choosing one (RFC 9110 §8.3 and §12.5.1), and naming the one of a file.

Clients write these headers, so every length is bounded before any work and every scan is linear: no backtracking in a
quoted string (CVE-2024-24762).
"""

import re
from collections.abc import Sequence
from functools import cache
from typing import Literal, TypeAlias

from msgspec import Struct

from flasgo.http.headers import TOKEN
from flasgo.patterns import regex

MAX_MEDIA_TYPE_LENGTH = 1024
"""Characters of one media type with its parameters."""

MAX_ACCEPT_LENGTH = 4096
"""Characters of an Accept header; a longer one is read as if there were none."""

MAX_ACCEPT_RANGES = 100
"""Members of an Accept header; one with more is read as if there were none."""

Format: TypeAlias = Literal["html", "json", "text"]

_ESSENCE = regex(rf"[\t ]*({TOKEN.pattern})/({TOKEN.pattern})[\t ]*")
_QUOTED = r'"(?:[\t !#-\[\]-~\x80-\xff]|\\[\t -~\x80-\xff])*"'
_PARAMETER = regex(rf";[\t ]*(?:({TOKEN.pattern})=({TOKEN.pattern}|{_QUOTED})[\t ]*)?")  # may be empty, §5.6.6
_QUOTED_PAIR = regex(r"\\(.)")
_FORMATS: dict[str, Format] = {"text/html": "html", "text/plain": "text"}

_WEIGHT = regex(r"0(?:\.[0-9]{0,3})?|1(?:\.0{0,3})?")  # §12.4.2

# A member of a list with quoted strings. Never fails, so never backtracks: an open quote runs to the end.
_MEMBER = regex(r'((?:[^",]|"(?:[^"\\]|\\.)*(?:"|\\?\Z))*)(?:,|\Z)', re.DOTALL)


class MediaType(Struct, frozen=True):
    """A media type: names in lower case, the values of parameters as sent but without quotes."""

    type: str
    subtype: str
    parameters: tuple[tuple[str, str], ...] = ()

    @property
    def essence(self) -> str:
        """Type and subtype without parameters: `text/html`."""
        return f"{self.type}/{self.subtype}"

    @property
    def is_json(self) -> bool:
        """Is it application/json, or another that says by its suffix that it is JSON (RFC 6839 §3.1)?"""
        return self.essence == "application/json" or self.subtype.endswith("+json")

    @property
    def charset(self) -> str | None:
        """The character encoding in lower case; None where it is not said."""
        value = self.parameter("charset")
        return None if value is None else value.lower()

    def parameter(self, name: str) -> str | None:
        """The value of this parameter, `name` in lower case; None where it is absent."""
        return next((value for key, value in self.parameters if key == name), None)


def is_json(kind: bytes) -> bool:
    """Is this bare media type JSON (RFC 8259 §11, RFC 6839 §3.1)?"""
    return kind == b"application/json" or (kind.startswith(b"application/") and kind.endswith(b"+json"))


def parse_media_type(value: str | bytes) -> MediaType:
    """Read a Content-Type. Raises ValueError where it breaks the grammar, names a parameter twice, or is too long."""
    if len(value) > MAX_MEDIA_TYPE_LENGTH:
        raise ValueError(f"a media type of more than {MAX_MEDIA_TYPE_LENGTH} characters")
    text = value if isinstance(value, str) else value.decode("latin-1")
    match = _ESSENCE.match(text)
    if match is None:
        raise ValueError("not a media type: it is written type/subtype")
    main, subtype = match[1].lower(), match[2].lower()
    parameters: dict[str, str] = {}
    while match.end() < len(text):
        match = _PARAMETER.match(text, match.end())
        if match is None:
            raise ValueError("the parameters of the media type are malformed: they are written ; name=value")
        if match[1] is None:
            continue
        name = match[1].lower()
        if name in parameters:
            raise ValueError("the media type has a parameter twice")
        parameters[name] = _unquote(match[2])
    return MediaType(main, subtype, tuple(parameters.items()))


def _unquote(value: str) -> str:
    return _QUOTED_PAIR.sub(r"\1", value[1:-1]) if value[0] == '"' else value


def essence(value: bytes) -> bytes:
    """The bare media type of a Content-Type in lower case, unchecked: for comparing with known ones."""
    return value.partition(b";")[0].strip(b" \t").lower()


def negotiate(accept: str | None, offers: Sequence[str]) -> str | None:
    """The offer that the client likes best (RFC 9110 §12.5.1); None where it accepts none of them.

    The highest weight wins; then the offer that is named more exactly, so that `application/json, */*` is a wish for
    JSON; then the first. Without Accept, or with one that has nothing readable or too much, it is the first. A charset
    asked for is disregarded: all text is sent as UTF-8.
    Raises ValueError where an offer is not a media type.
    """
    ranges = _ranges(accept)
    if not ranges:
        return offers[0] if offers else None
    accepted: list[tuple[tuple[float, int], str]] = []
    for offer in offers:
        media = parse_media_type(offer)
        # The most specific range that covers an offer decides about it, be it to refuse it.
        covering = [(exactness, weight) for wanted, weight in ranges if (exactness := _exactness(wanted, media)) >= 0]
        exactness, weight = max(covering, default=(0, 0.0))
        if weight > 0:
            accepted.append(((weight, exactness), offer))
    return max(accepted, key=lambda ranked: ranked[0], default=(None, None))[1]


def preferred_format(accept: str | None) -> Format:
    """How to speak to whoever sent this Accept of what it did not ask for, such as an error.

    Browsers name text/html and get HTML. Whoever names JSON gets JSON, and before HTML of the same weight, for then it is
    a program. Wildcards name nothing: everybody else gets text.
    """
    weights: dict[Format, float] = {"json": 0.0, "html": 0.0, "text": 0.0}
    for media, weight in _ranges(accept):
        named = "json" if media.is_json else _FORMATS.get(media.essence)
        if named is not None:
            weights[named] = max(weight, weights[named])
    best = max(weights, key=weights.__getitem__)
    return best if weights[best] else "text"


def _ranges(accept: str | None) -> list[tuple[MediaType, float]]:
    """The readable members of an Accept header with their weights; empty where it is absent or too much."""
    if accept is None or len(accept) > MAX_ACCEPT_LENGTH:
        return []
    members = [match[1] for match in _MEMBER.finditer(accept)] if '"' in accept else accept.split(",")
    if len(members) > MAX_ACCEPT_RANGES:
        return []
    return [weighted for member in members if (weighted := _weighted(member)) is not None]


def _weighted(member: str) -> tuple[MediaType, float] | None:
    try:
        media = parse_media_type(member)
    except ValueError:
        return None
    weight = media.parameter("q")
    if weight is not None and _WEIGHT.fullmatch(weight) is None:
        return None
    parameters = tuple(pair for pair in media.parameters if pair[0] not in {"q", "charset"})
    return MediaType(media.type, media.subtype, parameters), 1.0 if weight is None else float(weight)


def _exactness(wanted: MediaType, offer: MediaType) -> int:
    """How exactly a range names an offer, more is more exact; -1 where it does not cover it."""
    if wanted.essence == "*/*":
        exactness = 0
    elif wanted.type == offer.type and wanted.subtype == "*":
        exactness = 1
    elif wanted.essence == offer.essence:
        exactness = 2 + len(wanted.parameters)
    else:
        return -1
    return exactness if set(wanted.parameters) <= set(offer.parameters) else -1


def content_type_for(filename: str) -> str:
    """The Content-Type of a file by the last extension of its name, the same on every machine.

    Text is said to be UTF-8. What is not known, or has no extension, is application/octet-stream.
    """
    stem, dot, extension = filename.rpartition(".")
    if not dot or not stem or stem.endswith("/"):
        return "application/octet-stream"
    kind = _types().get(f".{extension.lower()}", "application/octet-stream")
    return f"{kind}; charset=utf-8" if kind.startswith("text/") else kind


@cache
def _types() -> dict[str, str]:
    import mimetypes  # noqa: PLC0415 - only answers that are files need it

    # Without files to read: what an operating system adds would make a site differ from machine to machine.
    return {**mimetypes.MimeTypes(filenames=()).types_map[True], **_TYPES}


_TYPES = {
    ".7z": "application/x-7z-compressed",
    ".apng": "image/apng",
    ".atom": "application/atom+xml",
    ".avi": "video/x-msvideo",
    ".br": "application/octet-stream",
    ".bz2": "application/x-bzip2",
    ".cjs": "text/javascript",
    ".docx": "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
    ".eot": "application/vnd.ms-fontobject",
    ".epub": "application/epub+zip",
    ".flac": "audio/flac",
    ".geojson": "application/geo+json",
    ".glb": "model/gltf-binary",
    ".gltf": "model/gltf+json",
    ".gz": "application/gzip",
    ".ico": "image/x-icon",
    ".js": "text/javascript",
    ".jsonld": "application/ld+json",
    ".m4a": "audio/mp4",
    ".m4v": "video/mp4",
    ".map": "application/json",
    ".markdown": "text/markdown",
    ".md": "text/markdown",
    ".mjs": "text/javascript",
    ".mkv": "video/matroska",
    ".ndjson": "application/x-ndjson",
    ".odg": "application/vnd.oasis.opendocument.graphics",
    ".odp": "application/vnd.oasis.opendocument.presentation",
    ".ods": "application/vnd.oasis.opendocument.spreadsheet",
    ".odt": "application/vnd.oasis.opendocument.text",
    ".oga": "audio/ogg",
    ".ogg": "audio/ogg",
    ".ogv": "video/ogg",
    ".otf": "font/otf",
    ".pptx": "application/vnd.openxmlformats-officedocument.presentationml.presentation",
    ".rar": "application/vnd.rar",
    ".rss": "application/rss+xml",
    ".rst": "text/x-rst",
    ".rtf": "text/rtf",
    ".stl": "model/stl",
    ".svgz": "application/gzip",
    ".tgz": "application/gzip",
    ".toml": "application/toml",
    ".ttf": "font/ttf",
    ".wav": "audio/wav",
    ".weba": "audio/webm",
    ".webp": "image/webp",
    ".wmv": "video/x-ms-wmv",
    ".woff": "font/woff",
    ".woff2": "font/woff2",
    ".xhtml": "application/xhtml+xml",
    ".xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    ".xml": "application/xml",
    ".xz": "application/x-xz",
    ".yaml": "application/yaml",
    ".yml": "application/yaml",
    ".zst": "application/zstd",
}
"""What the Pythons from 3.11 to 3.14 do not know, or not alike."""
