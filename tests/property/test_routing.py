"""The table against a brute-force matcher, and URLs there and back."""

import re
import string
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from urllib.parse import unquote
from uuid import UUID

from hypothesis import assume, example, given
from hypothesis import strategies as st

from flasgo.errors import BuildError, RegistrationError
from flasgo.routing.converters import Converters
from flasgo.routing.pattern import Pattern, parse
from flasgo.routing.table import Miss, Table
from flasgo.routing.urls import build_path, build_url

CONVERTERS = Converters()


@dataclass(frozen=True)
class Part:
    """A segment as the oracle sees it: how it is written (`{}` for each name), matched and ranked."""

    source: str
    regex: str
    rank: tuple[int, ...]
    reads: tuple[Callable[[str], object], ...] = ()


INT, FLOAT, ANY = "([0-9]{1,19})", "([0-9]+(?:[.][0-9]+)?)", "(a|1|ab)"
DATE, ID = "([0-9]{4}-[0-9]{2}-[0-9]{2})", "([0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12})"
LITERALS = [Part(text, re.escape(text), (0,)) for text in ("a", "1", "é", "a-1")]
WHOLES = [
    Part("<any(a,1,ab):{}>", ANY, (2, 0), (str,)),
    Part("<int:{}>", INT, (2, 1), (int,)),
    Part("<date:{}>", DATE, (2, 2), (date.fromisoformat,)),
    Part("<uuid:{}>", ID, (2, 3), (UUID,)),
    Part("<float:{}>", FLOAT, (2, 4), (float,)),
    Part("<{}>", "([^/]+)", (2, 5), (str,)),
]
# Ranks: more text first, then fewer placeholders, then a longer beginning, a longer end, then the converters.
MIXED = [
    Part("a<{}>", "a([^/]+)", (1, -1, 1, -1, 0, 5), (str,)),
    Part("a<int:{}>", "a([0-9]{1,19})", (1, -1, 1, -1, 0, 1), (int,)),
    Part("<{}>a", "([^/]+)a", (1, -1, 1, 0, -1, 5), (str,)),
    Part("a<{}>a", "a([^/]+)a", (1, -2, 1, -1, -1, 5), (str,)),
    Part("<{}>-<{}>", "([^/]+)-([^/]+)", (1, -1, 2, 0, 0, 5, 5), (str, str)),
    Part("<int:{}>-<{}>", "([0-9]{1,19})-([^/]+)", (1, -1, 2, 0, 0, 1, 5), (int, str)),
    Part("<{}>-<int:{}>", "([^/]+)-([0-9]{1,19})", (1, -1, 2, 0, 0, 5, 1), (str, int)),
    Part("<{}>-<{}>-<{}>", "([^/]+)-([^/]+)-([^/]+)", (1, -2, 3, 0, 0, 5, 5, 5), (str, str, str)),
]
PATH = Part("<path:{}>", "(.+)", (3,), (str,))
END = Part("", "", (0,))


@dataclass(frozen=True)
class Route:
    parts: tuple[Part, ...]
    methods: tuple[str, ...]

    @property
    def pattern(self) -> Pattern:
        names = iter(string.ascii_lowercase)
        source = "".join("/" + re.sub(r"\{\}", lambda _: next(names), part.source) for part in self.parts)
        return parse(source, CONVERTERS)

    def match(self, path: str) -> tuple[list[tuple[int, ...]], tuple[object, ...]] | None:
        """The rank of each segment of `path`, and the values."""
        found = re.fullmatch("".join(f"/{part.regex}" for part in self.parts), path, re.DOTALL)
        if found is None:
            return None
        readers = [read for part in self.parts for read in part.reads]
        try:
            values = tuple(read(text) for read, text in zip(readers, found.groups(), strict=True))
        except ValueError:
            return None
        spare = path.count("/") - len(self.parts) + 1
        ranks = [part.rank for part in self.parts for _ in range(spare if part is PATH else 1)]
        return ranks, values


METHODS = st.lists(st.sampled_from(["GET", "POST", "PUT"]), min_size=1, max_size=2, unique=True).map(tuple)
FIXED = st.lists(st.sampled_from(LITERALS + WHOLES + MIXED), min_size=1, max_size=3)
LAST = st.sampled_from([[], [], [END]])
REST = st.lists(st.sampled_from(LITERALS), max_size=2)
PLAIN = st.builds(lambda parts, last: (*parts, *last), FIXED, LAST)
WITH_PATH = st.builds(lambda parts, rest, last: (*parts[:2], PATH, *rest, *last), FIXED | st.just([]), REST, LAST)
ROUTES = st.lists(st.builds(Route, PLAIN | WITH_PATH | st.just((END,)), METHODS), min_size=1, max_size=14)

TEXTS = st.sampled_from(
    ["", "a", "1", "é", "ab", "a1", "a-1", "1-a", "1-2", "a-b-a", "aa", "a-", "1.5", "2024-02-29", "2024-02-30"]
)
PATHS = st.builds(lambda texts: "/" + "/".join(texts), st.lists(TEXTS, max_size=5)) | st.text("/a1-.é\n", max_size=12)


def accepted(routes: list[Route]) -> tuple[Table[int], list[Route]]:
    """A frozen table of those that it takes; the target is the position in the list."""
    table: Table[int] = Table()
    taken: list[Route] = []
    for route in routes:
        try:
            table.add(route.pattern, dict.fromkeys(route.methods, len(taken)))
        except RegistrationError:
            continue
        taken.append(route)
    table.freeze()
    return table, taken


def oracle(routes: list[Route], method: str, path: str) -> tuple[int, tuple[object, ...]] | Miss:
    found = [(*match, index) for index, route in enumerate(routes) if (match := route.match(path)) is not None]
    able = sorted((ranks, index, values) for ranks, values, index in found if method in routes[index].methods)
    if able:
        assert len(able) == 1 or able[0][0] != able[1][0], "two patterns tie, and the table took both"
        return able[0][1], able[0][2]
    other = path[:-1] if path.endswith("/") else f"{path}/"
    form = None
    if path.startswith("/") and not path.endswith("//") and not other.startswith("//"):
        form = other if any(method in route.methods and route.match(other) for route in routes) else None
    return Miss(tuple(sorted({method for *_, index in found for method in routes[index].methods})), form)


@given(ROUTES, st.lists(PATHS, min_size=1, max_size=8), st.sampled_from(["GET", "POST", "DELETE"]))
@example([Route((MIXED[4],), ("GET",)), Route((WHOLES[5],), ("GET",))], ["/a-b", "/a"], "GET")
def test_the_table_answers_as_a_brute_force_matcher(routes, paths, method):
    table, taken = accepted(routes)

    for path in paths:
        assert oracle(taken, method, path) == table.find(method, path)


@given(ROUTES, st.lists(PATHS, min_size=1, max_size=8), st.sampled_from(["GET", "POST", "DELETE"]))
@example([Route((WHOLES[1],), ("GET",)), Route((WHOLES[5],), ("GET",))], ["/1", "/a"], "GET")
@example([Route((WHOLES[5],), ("GET",)), Route((MIXED[0],), ("GET",))], ["/a1"], "GET")
def test_where_the_last_placeholders_have_an_answer_it_is_the_tables(routes, paths, method):
    """As callers use them: after the static routes, and before the table."""
    table, _ = accepted(routes)

    for path in paths:
        head, _, text = path.rpartition("/")
        if method in table.static.get(path, {}) or not text or head not in table.lasts:
            continue
        convert, targets = table.lasts[head]
        if method in targets:
            try:
                value = text if convert is None else convert(text)
            except ValueError:
                continue
            assert table.find(method, path) == (targets[method], (value,))


@given(ROUTES, st.lists(PATHS, min_size=1, max_size=8), st.randoms(use_true_random=False))
def test_the_order_of_registration_never_changes_an_answer(routes, paths, random):
    table, taken = accepted(routes)
    order = list(range(len(taken)))
    random.shuffle(order)
    shuffled: Table[int] = Table()
    for index in order:
        shuffled.add(taken[index].pattern, dict.fromkeys(taken[index].methods, index))
    shuffled.freeze()

    for path in paths:
        assert table.find("GET", path) == shuffled.find("GET", path)


@given(ROUTES, st.text(), st.text())
def test_find_never_raises(routes, method, path):
    table, _ = accepted(routes)

    for each in (path, f"/{path}", f"/{path}/"):
        table.find(method, each)


@given(ROUTES, PATHS)
def test_the_slash_form_is_a_hit_and_no_other_host(routes, path):
    table, _ = accepted(routes)
    found = table.find("GET", path)

    if isinstance(found, Miss) and found.slash is not None:
        assert not isinstance(table.find("GET", found.slash), Miss)
        assert found.slash.startswith("/")
        assert not found.slash.startswith("//")
        assert path.rstrip("/") == found.slash.rstrip("/")


@given(st.text())
def test_a_pattern_is_read_or_refused_in_words(source):
    for each in (source, f"/{source}", f"/<{source}>"):
        try:
            pattern = parse(each, CONVERTERS)
        except RegistrationError:
            continue
        assert each == pattern.source


VALUES = {
    "str": st.text(min_size=1),
    "int": st.integers(0, 10**19 - 1),
    "float": st.floats(0, 1e15),
    "uuid": st.uuids(),
    "date": st.dates(),
    "any(en,de)": st.sampled_from(["en", "de"]),
    "path": st.text("ab/é.", min_size=1),
}
FORMS = [
    *(f"/<{name}:x>" for name in VALUES),
    *(f"/a/<{name}:x>/b" for name in VALUES),
    *(f"/a-<{name}:x>.b" for name in VALUES if name != "path"),
    *(f"/<{name}:x>-<{other}:y>" for name in VALUES for other in VALUES if "path" not in {name, other}),
]


@given(st.sampled_from(FORMS), st.data())
def test_the_table_finds_what_build_path_builds_with_equal_values(source, data):
    pattern = parse(source, CONVERTERS)
    kinds = re.findall(r"<([^:]+):(\w)>", source)
    values = {name: data.draw(VALUES[kind]) for kind, name in kinds}
    try:
        built = build_path(pattern, values)
    except BuildError:
        assume(False)
    table: Table[str] = Table()
    table.add(pattern, {"GET": source})
    table.freeze()

    assert re.fullmatch(r"(/([A-Za-z0-9\-._~!$&'()*+,;=:@]|%[0-9A-F]{2})*)+", built)
    assert not built.startswith("//")
    assert (source, tuple(values.values())) == table.find("GET", unquote(built, errors="strict"))


@given(
    st.dictionaries(st.text(min_size=1), st.text() | st.integers() | st.booleans() | st.none() | st.lists(st.text())),
    st.text(),
)
def test_a_url_is_built_or_refused(values, anchor):
    try:
        url = build_url([parse("/a", CONVERTERS)], "a", values, anchor=anchor)
    except BuildError:
        return
    assert re.fullmatch(r"/a(\?[A-Za-z0-9\-._~%=&]+)?(#[A-Za-z0-9\-._~!$&'()*+,;=:@/?%]+)?", url)
