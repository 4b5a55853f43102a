"""URLs from patterns: the way back from names and values to a path. Percent-encoding is that of RFC 3986 §2 and §3.

A path is built only if its pattern would take it again, and so as a client sends it: without "//" and without "." and ".." segments.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Final
from urllib.parse import quote

from flasgo.errors import BuildError
from flasgo.http.url import PATH_SAFE
from flasgo.routing.converters import text_of
from flasgo.routing.pattern import Pattern, Segment

_FRAGMENT_SAFE: Final = f"{PATH_SAFE}?"


def build_path(pattern: Pattern, values: Mapping[str, object]) -> str:
    """The percent-encoded path of `pattern` with `values`; those that it does not name are ignored, and None counts as missing.

    Raises BuildError for values that are missing or that their converters do not take.
    """
    missing = [name for name in pattern.names if values.get(name) is None]
    if missing:
        raise BuildError(f"{pattern.source!r} needs {_listed(missing)}")
    path = "".join(f"/{_segment(pattern, segment, values)}" for segment in pattern.segments)
    if "//" in path or not {".", ".."}.isdisjoint(path.split("/")):
        raise BuildError(f"{pattern.source!r}: these values make a path with '//', '.' or '..', which no client sends")
    return _quoted(path, PATH_SAFE)


def build_url(
    candidates: Sequence[Pattern],
    endpoint: str,
    values: Mapping[str, object],
    *,
    root_path: str = "",
    anchor: str | None = None,
) -> str:
    """The URL, relative to the host, of `endpoint`, whose patterns are `candidates`.

    It is the path of the candidate that uses most of `values`, the first of equals, after the decoded `root_path`; the values that it
    does not use become the query: a list repeats its name, None leaves it out, booleans are "true" and "false".

    Raises BuildError, naming what is missing, when no candidate can be built, and for a value that has no text.
    """
    given = {name: value for name, value in values.items() if value is not None}
    complete = [pattern for pattern in candidates if given.keys() >= set(pattern.names)]
    if not complete:
        needs = " or ".join(_listed([name for name in each.names if name not in given]) for each in candidates)
        raise BuildError(f"{endpoint!r} needs {needs}" if needs else f"{endpoint!r} has no path")
    complete.sort(key=lambda each: -len(each.names))
    root = root_path.strip("/")
    path = _quoted(f"/{root}", PATH_SAFE) if root else ""
    pattern, built = _first(complete, endpoint, given)
    query = "&".join(
        f"{_quoted(name, '')}={_quoted(text, '')}"
        for name, value in given.items()
        if name not in pattern.names
        for text in _texts(name, value)
    )
    fragment = _quoted(anchor, _FRAGMENT_SAFE) if anchor else ""
    return f"{path}{built}{'?' if query else ''}{query}{'#' if fragment else ''}{fragment}"


def _first(candidates: Sequence[Pattern], endpoint: str, values: Mapping[str, object]) -> tuple[Pattern, str]:
    """The first candidate that takes these values, and its path. Raises BuildError with what the first one says."""
    problems: list[BuildError] = []
    for pattern in candidates:
        try:
            return pattern, build_path(pattern, values)
        except BuildError as problem:
            problems.append(problem)
    raise BuildError(f"{endpoint!r}: {problems[0]}") from problems[0]


def _segment(pattern: Pattern, segment: Segment, values: Mapping[str, object]) -> str:
    """The decoded text of `segment`, which reads it back as it was written."""
    if segment.is_static:
        return segment.literals[0]
    texts: list[str] = []
    for placeholder in segment.placeholders:
        name, value = placeholder.name, values[placeholder.name]
        try:
            text = placeholder.converter.to_url(value)
            placeholder.converter.to_python(text)
        except (TypeError, ValueError) as problem:
            kind = type(value).__name__
            raise BuildError(f"{pattern.source!r}: this {kind} does not fit <{name}>: {problem}") from problem
        if not text or ("/" in text and not segment.is_path):
            raise BuildError(f"{pattern.source!r}: the text of <{name}> is empty or has a '/'")
        texts.append(text)
    built = segment.literals[0] + "".join(
        f"{text}{after}" for text, after in zip(texts, segment.literals[1:], strict=True)
    )
    if segment.split(built) != tuple(texts):
        raise BuildError(
            f"{pattern.source!r}: {_listed([each.name for each in segment.placeholders])} could not be told apart"
        )
    return built


def _texts(name: str, value: object) -> Iterator[str]:
    """The texts of one name in a query."""
    for each in value if isinstance(value, list | tuple | set | frozenset) else (value,):
        try:
            if each is not None:
                yield text_of(each)
        except (TypeError, ValueError) as problem:
            raise BuildError(f"{name!r} cannot stand in a query: {problem}") from problem


def _quoted(text: str, safe: str) -> str:
    try:
        return quote(text, safe=safe)
    except UnicodeEncodeError as problem:
        raise BuildError("a value has a lone surrogate, which UTF-8 does not have") from problem


def _listed(names: Sequence[str]) -> str:
    return " and ".join(f"<{name}>" for name in names)
