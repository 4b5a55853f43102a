"""Path patterns: `/items/<int:id>`, `/<name>.<ext>`, `/files/<path:file>/raw`.

    pattern      "/" segment *( "/" segment )         the last segment may be empty: "/items/" and "/items" are two patterns
    segment      text and placeholders by turns       two placeholders never touch
    placeholder  "<" [ converter [ "(" argument *( "," argument ) ")" ] ":" ] name ">"

Text is compared with the decoded path, character by character. A placeholder that shares its segment with text extends to the last
place where the text after it stands, as far as its converter's characters reach and every later part keeps its least length: so
`<name>.<ext>` reads "a.tar.gz" as "a.tar" and "gz", and `<int:id>-<slug>` reads "7-a-b" as 7 and "a-b". One pass, no backtracking.
`path` is a segment of its own, once in a pattern, and only text may follow it.
"""

import re
from collections.abc import Mapping
from functools import cached_property
from keyword import iskeyword
from typing import Final, NoReturn
from unicodedata import category
from urllib.parse import unquote

from msgspec import Struct

from flasgo.errors import RegistrationError
from flasgo.patterns import regex
from flasgo.routing.converters import PATH, Converter, Converters

MAX_PATTERN_BYTES: Final = 2048

_PLACEHOLDER = regex(r"<(?:(?P<converter>\w+)(?P<call>\((?P<arguments>[^<>()]*)\))?:)?(?P<name>\w+)>")
_PERCENT_ESCAPES = regex(r"(?:%[0-9A-Fa-f]{2})+")
_BRACES = regex(r"\{(?P<name>[^\W\d]\w*)(?::(?P<converter>\w+))?\}")  # as other frameworks write them
_BRACKET = regex(r"[<>]")
_UNPRINTABLE: Final = frozenset({"Cc", "Cs", "Zl", "Zp"})  # controls, surrogates, line and paragraph separators
_STRANGERS: Final = {
    "//": "an empty segment matches nothing: write a single '/'",
    "?": "a query is no part of a path: declare its parameters in the handler",
    "#": "a fragment is never sent to a server: remove it",
    "\\": "browsers send a backslash as '/': write '/'",
}
_SHOWN: Final = 100  # characters of a pattern in a message
_KEPT: Final = 4096  # segments that are kept for other patterns that have them, too


class Placeholder(Struct, frozen=True):
    """`<converter:name>`; `bare` when it was written `<name>`, so that the handler's annotation may choose the converter."""

    name: str
    converter: Converter
    bare: bool


class Segment(Struct, frozen=True, dict=True):
    """What stands between two slashes: `literals` around and between `placeholders`, one more than these."""

    literals: tuple[str, ...]
    placeholders: tuple[Placeholder, ...] = ()

    @property
    def is_static(self) -> bool:
        return not self.placeholders

    @property
    def is_whole(self) -> bool:
        """One placeholder is all of it."""
        return self.literals == ("", "")

    @property
    def is_path(self) -> bool:
        return self.is_whole and self.placeholders[0].converter is PATH

    @cached_property
    def specificity(self) -> tuple[int, ...]:
        """The smaller, the more specific: text; text mixed with placeholders, the more text the better; a placeholder by its rank."""
        if self.is_static:
            return (0,)
        if self.is_path:
            return (3,)
        ranks = [each.converter.rank for each in self.placeholders]
        if self.is_whole:
            return (2, *ranks)
        texts = [len(text) for text in self.literals]
        return (1, -sum(texts), len(ranks), -texts[0], -texts[-1], *ranks)

    def split(self, text: str) -> tuple[str, ...] | None:
        """The texts of the placeholders when `text` is a segment of this form, whatever their converters say; else None."""
        first, last = self.literals[0], self.literals[-1]
        if self.is_static:
            return () if text == first else None
        start, end = len(first), len(text) - len(last)
        if start >= end or not text.startswith(first) or not text.endswith(last):
            return None
        return (text[start:end],) if len(self.placeholders) == 1 else self._cut(text, start, end)

    def read(self, text: str) -> tuple[object, ...] | None:
        """The values of the placeholders when `text` is a segment of this form and every converter takes its part; else None."""
        parts = self.split(text)
        if parts is None:
            return None
        try:
            return tuple([each.converter.to_python(part) for each, part in zip(self.placeholders, parts, strict=True)])
        except ValueError:
            return None

    def with_converters(self, converters: Mapping[str, Converter]) -> "Segment":
        return Segment(
            self.literals,
            tuple(
                Placeholder(each.name, converters.get(each.name, each.converter), each.bare)
                for each in self.placeholders
            ),
        )

    def _cut(self, text: str, start: int, end: int) -> tuple[str, ...] | None:
        """The parts of `text` from `start` to `end`, where no text stands before the first placeholder or after the last."""
        needs = self._needs()
        if end - start < needs[0]:
            return None
        head: list[str] = []
        final = len(needs) - 1
        while len(head) < final and (run := self.placeholders[len(head)].converter.run) is not None:
            index = len(head)
            after = self.literals[index + 1]
            reach = run.match(text, start, end)
            latest = min(reach.end() if reach else start, end - needs[index + 1] - len(after))
            cut = text.rfind(after, start + self.placeholders[index].converter.least, latest + len(after))
            if cut < 0:
                return None
            head.append(text[start:cut])
            start = cut + len(after)
        tail: list[str] = []
        for index in range(final, len(head), -1):
            before = self.literals[index]
            earliest = start + needs[len(head)] - needs[index] - len(before)
            cut = text.rfind(before, earliest, end - self.placeholders[index].converter.least)
            if cut < 0:
                return None
            tail.append(text[cut + len(before) : end])
            end = cut
        return (*head, text[start:end], *reversed(tail))

    def _needs(self) -> list[int]:
        """For each placeholder the least length of it and what follows, without the last literal."""
        needs: list[int] = []
        need = 0
        for text, placeholder in zip(reversed(self.literals[1:]), reversed(self.placeholders), strict=True):
            need += placeholder.converter.least + (len(text) if needs else 0)
            needs.append(need)
        return needs[::-1]


class Pattern(Struct, frozen=True, dict=True):
    """One parsed pattern. `names` and `placeholders` are in the order of the path, as are the values of a match."""

    source: str
    segments: tuple[Segment, ...]

    @cached_property
    def placeholders(self) -> tuple[Placeholder, ...]:
        return tuple(each for segment in self.segments for each in segment.placeholders)

    @cached_property
    def names(self) -> tuple[str, ...]:
        return tuple(each.name for each in self.placeholders)

    @property
    def bare(self) -> tuple[str, ...]:
        """The names that were written without a converter."""
        return tuple(each.name for each in self.placeholders if each.bare)

    @property
    def is_static(self) -> bool:
        return not self.placeholders

    @cached_property
    def form(self) -> tuple[object, ...]:
        """Equal for patterns that tie in every segment and do not differ in text that a segment is, begins with or ends with."""
        return tuple(
            (segment.specificity, segment.literals[0], segment.literals[-1])
            if segment.placeholders
            else segment.literals[0]
            for segment in self.segments
        )

    def with_converters(self, converters: Mapping[str, Converter]) -> "Pattern":
        """The same pattern with these converters at the bare placeholders of these names.

        Raises RegistrationError for a name that is not a bare placeholder of it.
        """
        if not converters:
            return self
        if strange := sorted(converters.keys() - set(self.bare)):
            raise RegistrationError(f"{self.source!r} has no placeholder written <{strange[0]}>, without a converter")
        return Pattern(self.source, tuple(segment.with_converters(converters) for segment in self.segments))


def parse(source: str, converters: Converters) -> Pattern:
    """Read a pattern.

    Raises RegistrationError that names the pattern, points at the place and says the cure.
    """
    return Pattern(source, _Reader(source, converters).segments())


class _Reader:
    def __init__(self, source: str, converters: Converters) -> None:
        self.source = source
        self.converters = converters
        self.names: set[str] = set()

    def segments(self) -> tuple[Segment, ...]:
        self.check_text()
        segments: list[Segment] = []
        start, beyond_path = 1, False
        for text in self.source[1:].split("/"):
            segment = self.segment(start, text)
            if beyond_path and not segment.is_static:
                self.refuse(
                    start, "only text may follow a path placeholder: swap them, or split the path in the handler"
                )
            beyond_path = beyond_path or segment.is_path
            segments.append(segment)
            start += len(text) + 1
        return tuple(segments)

    def segment(self, start: int, text: str) -> Segment:
        """The segment that this text is; many routes have the same."""
        read = self.converters.read
        known = read.get(text)
        if isinstance(known, Segment):
            names = {each.name for each in known.placeholders}
            if names.isdisjoint(self.names):
                self.names |= names
                return known
        segment = self.new_segment(start, text)
        if len(read) < _KEPT:
            read[text] = segment
        return segment

    def new_segment(self, start: int, text: str) -> Segment:
        if "<" not in text and ">" not in text:
            if text in {".", ".."}:
                self.refuse(start, "a client removes '.' and '..' before it sends a path: leave the segment out")
            return Segment((text,))
        literals: list[str] = []
        placeholders: list[Placeholder] = []
        end = 0
        while bracket := _BRACKET.search(text, end):
            at = bracket.start()
            found = _PLACEHOLDER.match(text, at)
            if found is None:
                self.refuse(start + at, _malformed(text[at:]))
            if placeholders and at == end:
                self.refuse(start + at, "nothing tells two placeholders apart that touch: put text between them")
            literals.append(text[end:at])
            placeholders.append(self.placeholder(start + at, found))
            end = found.end()
        literals.append(text[end:])
        segment = Segment(tuple(literals), tuple(placeholders))
        if not segment.is_whole and any(each.converter is PATH for each in placeholders):
            self.refuse(start, "a path placeholder is a segment of its own: put '/' around it")
        return segment

    def placeholder(self, at: int, found: re.Match[str]) -> Placeholder:
        name, converter, words = found["name"], found["converter"], found["arguments"]
        if not name.isidentifier() or iskeyword(name):
            self.refuse(at, f"{name!r} cannot name a parameter: use a Python identifier")
        if name in self.names:
            self.refuse(at, f"the name {name!r} is used twice: give each placeholder its own")
        self.names.add(name)
        arguments = tuple(word.strip() for word in words.split(",")) if words and not words.isspace() else ()
        try:
            return Placeholder(name, self.converters.bind(converter or "str", arguments), bare=converter is None)
        except RegistrationError as problem:
            self.refuse(at, str(problem), problem)

    def check_text(self) -> None:
        source = self.source
        if not source.startswith("/"):
            self.refuse(0, "a path begins with '/'")
        if len(source.encode("utf-8", "surrogatepass")) > MAX_PATTERN_BYTES:
            self.refuse(0, f"a pattern has at most {MAX_PATTERN_BYTES} bytes")
        if not source.isprintable():
            for at, character in enumerate(source):
                if category(character) in _UNPRINTABLE:
                    self.refuse(at, f"U+{ord(character):04X} has no place in a path: remove it")
        for text, cure in _STRANGERS.items():
            if (at := source.find(text)) >= 0:
                self.refuse(at, cure)
        if brace := _BRACES.search(source):
            word = f"{brace['converter']}:{brace['name']}" if brace["converter"] else brace["name"]
            self.refuse(brace.start(), f"a placeholder is written in angle brackets: write <{word}>")
        if escape := _PERCENT_ESCAPES.search(source):
            cure = f"patterns are compared with the decoded path: write {unquote(escape[0])!r} for {escape[0]}"
            self.refuse(escape.start(), cure)

    def refuse(self, at: int, problem: str, cause: Exception | None = None) -> NoReturn:
        name = self.source if len(self.source) <= _SHOWN else f"{self.source[:_SHOWN]}…"
        begin = max(0, at - _SHOWN // 2)
        window = self.source[begin : begin + _SHOWN]
        window = "".join(
            [character if character.isprintable() else "\N{REPLACEMENT CHARACTER}" for character in window]
        )
        raise RegistrationError(
            f"path pattern {name!r}: {problem}\n    {window}\n    {'^':>{at - begin + 1}}"
        ) from cause


def _malformed(text: str) -> str:
    """Why `text`, which begins with a bracket, does not begin with a placeholder."""
    if text.startswith(">"):
        return "'>' closes no placeholder: write <name>"
    inside, closed, _ = text.partition(">")
    if not closed:
        return "'<' opens a placeholder that its segment does not close: write <name>, without '/' inside"
    if inside != (tight := "".join(inside.split())):
        return f"a placeholder has no spaces: write {tight}>"
    return "a placeholder is <name>, <converter:name> or <converter(argument,argument):name>"
