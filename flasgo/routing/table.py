"""The table of routes: which target answers a method and a path.

Several patterns may match one path. The most specific wins, compared segment by segment from the left: literal text, text mixed with
placeholders (more text first), then a placeholder by the rank of its converter: any, int, date, uuid, float, custom, str, path. The
order of registration never decides: two patterns that answer one method, tie in every segment and may match the same path are refused.
A more specific match that lacks the method leaves it to a less specific one; where none has it, the miss lists the methods of all.

The patterns are a tree of segments, and a node finds its successors by dictionary, whatever their number. There are four ways, each for what
the ones before it left, and all of one mind; `find` goes the first and the last two:
1. a path without placeholders: one lookup (`static`);
2. text, then one last placeholder: a lookup of all that precedes the last segment (`lasts`, for callers);
3. the most specific successor at every node, down to a leaf;
4. one pass through the path with all the nodes that match so far, whose leaves are ranked at the end. It costs the path's length times
   those nodes. Only this one knows mixed segments, path placeholders, converters that tie, and misses.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Generic, TypeAlias, TypeVar

from msgspec import Struct

from flasgo.errors import FrozenError, RegistrationError
from flasgo.routing.converters import STR, AnyConverter, Converter
from flasgo.routing.pattern import Pattern, Segment

T = TypeVar("T")

Values = tuple[object, ...]
_Specificity = tuple[tuple[int, ...], ...]
Convert: TypeAlias = Callable[[str], object]
_BEFORE = Segment(("",))  # what precedes the first "/" of a path


class Miss(Struct, frozen=True):
    """No target: 404 when `allow` is empty, else 405 with these methods, sorted.

    `slash` is the path with its last "/" added or removed, if that form answers the method; decoded, and never beginning with "//".
    """

    allow: tuple[str, ...] = ()
    slash: str | None = None


class _Leaf(Generic[T]):
    """The end of one form of pattern, and its targets by method."""

    __slots__ = ("specificity", "targets")

    def __init__(self, specificity: _Specificity) -> None:
        self.specificity = specificity
        self.targets: dict[str, T] = {}


class _Node(Generic[T]):
    """Where some patterns stand between two segments, and how they go on.

    `literals` are segments of text, `wholes` segments of one placeholder by the identity of its converter, `mixed` other segments with
    placeholders, by the text that they begin with (often empty), whose lengths are in `beginnings`. `rests` is what may follow a path
    placeholder here, from its "/" (often empty), and `endings` are the lengths of that. `ranked` are the wholes, the most specific first,
    where nothing but a literal comes before them and no two tie; elsewhere, and before the table is frozen, it is empty.
    """

    __slots__ = ("beginnings", "endings", "leaf", "literals", "mixed", "ranked", "rests", "wholes")

    def __init__(self) -> None:
        self.leaf: _Leaf[T] | None = None
        self.literals: dict[str, _Node[T]] = {}
        self.wholes: dict[int, tuple[Converter, _Node[T]]] = {}
        self.ranked: tuple[tuple[Convert | None, _Node[T]], ...] = ()
        self.mixed: dict[str, dict[object, tuple[Segment, _Node[T]]]] = {}
        self.beginnings: tuple[int, ...] = ()
        self.rests: dict[str, _Leaf[T]] = {}
        self.endings: tuple[int, ...] = ()

    def successor(self, segment: Segment) -> "_Node[T]":
        """The node after `segment`, made if it is new."""
        text = segment.literals[0]
        if segment.is_static:
            if text not in self.literals:
                self.literals[text] = _Node()
            return self.literals[text]
        converters = tuple(id(each.converter) for each in segment.placeholders)
        if segment.is_whole:
            if converters[0] not in self.wholes:
                self.wholes[converters[0]] = (segment.placeholders[0].converter, _Node())
            return self.wholes[converters[0]][1]
        same = (segment.literals, converters)
        alike = self.mixed.setdefault(text, {})
        if same not in alike:
            self.beginnings = tuple({*self.beginnings, len(text)})
            alike[same] = (segment, _Node())
        return alike[same][1]

    def finish(self, pattern: Pattern, beyond_path: tuple[Segment, ...] | None) -> _Leaf[T]:
        """The leaf here, or after the path placeholder here and the segments beyond it, made if it is new."""
        if beyond_path is None:
            if self.leaf is None:
                self.leaf = _Leaf(_specificity(pattern))
            return self.leaf
        rest = "".join(f"/{segment.literals[0]}" for segment in beyond_path)
        if rest not in self.rests:
            self.endings = tuple({*self.endings, len(rest)})
            self.rests[rest] = _Leaf(_specificity(pattern))
        return self.rests[rest]

    def rank(self) -> None:
        """Make `ranked`."""
        wholes = sorted(self.wholes.values(), key=lambda each: each[0].rank)
        ranks = {converter.rank for converter, _ in wholes}
        if not self.mixed and len(ranks) == len(wholes):
            self.ranked = tuple((None if each is STR else each.to_python, node) for each, node in wholes)


class Claims:
    """Which patterns answer which methods: what a table takes, without its tree."""

    __slots__ = ("_alike",)

    def __init__(self) -> None:
        self._alike: dict[tuple[object, ...], list[tuple[Pattern, frozenset[str]]]] = {}

    def add(self, pattern: Pattern, methods: frozenset[str]) -> None:
        """Raises RegistrationError, naming both patterns, when another answers the same with equal right; that is then not kept."""
        if not methods:
            raise RegistrationError(f"{pattern.source!r} answers no method: name at least one")
        alike = self._alike.setdefault(pattern.form, [])
        for other, taken in alike:
            both = methods & taken
            if both and _may_share_a_path(pattern, other):
                raise RegistrationError(_clash(pattern, other, both))
        alike.append((pattern, methods))


class Table(Generic[T]):
    """Patterns and methods to targets, which are never None. Add first, then freeze; then reading is safe from any thread.

    `static` is the part without placeholders, path → method → target, and `lasts` what nothing else is more specific than but that: all that
    precedes the last "/" → what converts the rest, which is never empty (None: nothing has to), and method → target. They are for
    callers that want to look there before they call `find`, and for reading only; a path or method that they lack may still be found.
    """

    __slots__ = ("_claims", "_depth", "_frozen", "_root", "lasts", "static")

    def __init__(self) -> None:
        self.static: dict[str, dict[str, T]] = {}
        self._root: _Node[T] = _Node()  # before the first "/"
        self._claims = Claims()
        self.lasts: dict[str, tuple[Convert | None, dict[str, T]]] = {}
        self._depth = 0
        self._frozen = False

    def add(self, pattern: Pattern, methods: Mapping[str, T]) -> None:
        """Let each target answer its method on the paths of `pattern`.

        Raises RegistrationError, naming both patterns, when another answers the same with equal right, and FrozenError after `freeze`.
        The table is then as it was.
        """
        if self._frozen:
            raise FrozenError(f"{pattern.source!r} came after the first request: register every route before it")
        self._claims.add(pattern, frozenset(methods))
        leaf = self._leaf(pattern)
        leaf.targets.update(methods)
        if pattern.is_static:
            self.static[pattern.source] = leaf.targets

    def freeze(self) -> None:
        """Take no more patterns, and make the shortcuts."""
        self._frozen = True
        self._claims = Claims()
        level: list[tuple[_Node[T], str | None]] = [(self._root, "")]
        while level:
            self._depth += 1
            below: list[tuple[_Node[T], str | None]] = []
            for node, head in level:
                node.rank()
                if node.ranked and head is not None:
                    convert, after = node.ranked[0]
                    if after.leaf is not None:
                        self.lasts[head[:-1]] = convert, after.leaf.targets
                below += [(after, None if head is None else f"{head}{text}/") for text, after in node.literals.items()]
                below += [(after, None) for _, after in node.wholes.values()]
                below += [(after, None) for alike in node.mixed.values() for _, after in alike.values()]
            level = below

    def find(self, method: str, path: str) -> tuple[T, Values] | Miss:
        """The target and the values of its pattern's placeholders, in their order; or what is there instead.

        `path` is the decoded path. A converter's ValueError means no match; whatever else it raises comes through.
        """
        targets = self.static.get(path)
        if targets is not None and (target := targets.get(method)) is not None:
            return target, ()
        return self._descend(method, path)

    def _descend(self, method: str, path: str) -> tuple[T, Values] | Miss:
        node = self._root
        values: Values = ()
        for text in path.split("/", self._depth):
            after = node.literals.get(text)
            if after is None:
                for convert, candidate in node.ranked if text else ():
                    try:
                        values += (text,) if convert is None else (convert(text),)
                    except ValueError:
                        continue
                    after = candidate
                    break
                if after is None:
                    return self._search(method, path)
            node = after
        if node.leaf is not None and (target := node.leaf.targets.get(method)) is not None:
            return target, values
        return self._search(method, path)

    def _search(self, method: str, path: str) -> tuple[T, Values] | Miss:
        found = _walk(self._root, path)
        if len(found) > 1:
            found.sort(key=lambda each: each[0].specificity)
        for leaf, values in found:
            if (target := leaf.targets.get(method)) is not None:
                return target, values
        allow = tuple(sorted({each for leaf, _ in found for each in leaf.targets}))
        other = path[:-1] if path.endswith("/") else f"{path}/"
        if not path or path.endswith("//") or other.startswith("//"):
            return Miss(allow)
        answers = any(method in leaf.targets for leaf, _ in _walk(self._root, other))
        return Miss(allow, other if answers else None)

    def _leaf(self, pattern: Pattern) -> _Leaf[T]:
        node = self._root.successor(_BEFORE)
        for index, segment in enumerate(pattern.segments):
            if segment.is_path:
                return node.finish(pattern, pattern.segments[index + 1 :])
            node = node.successor(segment)
        return node.finish(pattern, None)


def _walk(root: _Node[T], path: str) -> list[tuple[_Leaf[T], Values]]:
    """Every leaf that `path` leads to, with its values."""
    found: list[tuple[_Leaf[T], Values]] = []
    live: list[tuple[_Node[T], Values]] = [(root, ())]
    start = end = 0
    while live and end >= 0:
        end = path.find("/", start)
        text = path[start:end] if end >= 0 else path[start:]
        following: list[tuple[_Node[T], Values]] = []
        for node, values in live:
            if node.endings:
                found += _rests(node, path, start, values)
            if (successor := node.literals.get(text)) is not None:
                following.append((successor, values))
            if text:  # a placeholder is never empty
                for converter, after in node.wholes.values():
                    try:
                        following.append((after, (*values, converter.to_python(text))))
                    except ValueError:
                        continue
                if node.beginnings:
                    following += _mixed(node, text, values)
        live, start = following, end + 1
    found += [(node.leaf, values) for node, values in live if node.leaf is not None]
    return found


def _mixed(node: _Node[T], text: str, values: Values) -> Iterator[tuple[_Node[T], Values]]:
    """The nodes after a mixed segment that reads `text`."""
    for length in node.beginnings:
        for segment, after in node.mixed.get(text[:length], {}).values():
            if (more := segment.read(text)) is not None:
                yield after, values + more


def _rests(node: _Node[T], path: str, start: int, values: Values) -> Iterator[tuple[_Leaf[T], Values]]:
    """The leaves after a path placeholder that takes `path` from `start` on."""
    for length in node.endings:
        cut = len(path) - length
        if cut > start and (leaf := node.rests.get(path[cut:])) is not None:
            yield leaf, (*values, path[start:cut])


def _specificity(pattern: Pattern) -> _Specificity:
    """Smaller is more specific. Of two path placeholders in one place, the one with the longer rest ends earlier and so wins."""
    count = len(pattern.segments)
    return tuple(
        (*segment.specificity, index - count) if segment.is_path else segment.specificity
        for index, segment in enumerate(pattern.segments)
    )


def _may_share_a_path(one: Pattern, other: Pattern) -> bool:
    """Whether some path may match both of these patterns of one form; True in doubt."""
    return all(_may_share_a_text(*pair) for pair in zip(one.segments, other.segments, strict=True))


def _may_share_a_text(one: Segment, other: Segment) -> bool:
    if len(one.placeholders) != 1:
        return True
    ours, theirs = one.placeholders[0].converter, other.placeholders[0].converter
    if isinstance(ours, AnyConverter) and isinstance(theirs, AnyConverter):
        return not set(ours.choices).isdisjoint(theirs.choices)
    return True


def _clash(new: Pattern, old: Pattern, methods: Iterable[str]) -> str:
    names = ", ".join(sorted(methods))
    if new.source == old.source:
        return f"{new.source!r} already answers {names}: a path and method have one handler"
    return (
        f"{new.source!r} and {old.source!r} both answer {names}, may match the same path, and neither is more specific:"
        " give one of them other text, another converter or other methods"
    )
