"""What is built is a valid URL that its pattern takes again; what could not be is a BuildError that says why."""

from datetime import date, datetime
from decimal import Decimal
from enum import Enum
from uuid import UUID

import pytest

from flasgo.errors import BuildError
from flasgo.routing.converters import Converter, Converters
from flasgo.routing.pattern import Pattern, parse
from flasgo.routing.urls import build_path, build_url

ID = UUID("12345678-90ab-cdef-1234-567890abcdef")


class Colour(Enum):
    RED = "red"


class Careless(Converter):
    """Writes whatever it is given, even what it should not."""

    def to_python(self, text: str) -> str:
        return text

    def to_url(self, value: object) -> str:
        return str(value)


def read(source: str) -> Pattern:
    converters = Converters()
    converters.register("careless", Careless)
    return parse(source, converters)


class TestBuildPath:
    @pytest.mark.parametrize(
        ("source", "values", "expected"),
        [
            ("/", {}, "/"),
            ("/a/", {"ignored": 1}, "/a/"),
            ("/é ü", {}, "/%C3%A9%20%C3%BC"),
            ("/100%", {}, "/100%25"),
            ("/<x>", {"x": "a b/é"[:3]}, "/a%20b"),
            ("/<x>", {"x": "-._~!$&'()*+,;=:@"}, "/-._~!$&'()*+,;=:@"),
            ("/<x>", {"x": '?#%[]"<>\\^`{|}\x00'}, "/%3F%23%25%5B%5D%22%3C%3E%5C%5E%60%7B%7C%7D%00"),
            ("/<x>", {"x": Colour.RED}, "/red"),
            ("/<x>", {"x": Decimal("1.50")}, "/1.50"),
            ("/<int:x>/<float:y>", {"x": 7, "y": 0.5}, "/7/0.5"),
            ("/<uuid:x>/<date:y>", {"x": ID, "y": date(2024, 2, 29)}, f"/{ID}/2024-02-29"),
            ("/<any(en,de):x>", {"x": "de"}, "/de"),
            ("/<name>.<ext>", {"name": "a.b", "ext": "c"}, "/a.b.c"),
            ("/<int:id>-<slug>", {"id": 7, "slug": "a-b"}, "/7-a-b"),
            ("/f/<path:p>/raw", {"p": "a/b c"}, "/f/a/b%20c/raw"),
            ("/<path:p>", {"p": "a/"}, "/a/"),
            ("/<x>", {"x": "..."}, "/..."),
            ("/.<x>", {"x": "a"}, "/.a"),
        ],
    )
    def test_builds(self, source, values, expected):
        assert expected == build_path(read(source), values)

    @pytest.mark.parametrize(
        ("source", "values", "problem"),
        [
            ("/<x>", {}, "'/<x>' needs <x>"),
            ("/<x>/<y>/<z>", {"x": None, "y": "a"}, "needs <x> and <z>"),
            ("/<x>", {"x": ""}, "empty or has a '/'"),
            ("/<x>", {"x": "a/b"}, "empty or has a '/'"),
            ("/<x>", {"x": "."}, "which no client sends"),
            ("/<x>", {"x": ".."}, "which no client sends"),
            ("/.<x>", {"x": "."}, "which no client sends"),
            ("/<x>", {"x": b"a"}, "this bytes does not fit <x>"),
            ("/<x>", {"x": "\ud800"}, "lone surrogate"),
            ("/<int:x>", {"x": -1}, "this int does not fit <x>"),
            ("/<int:x>", {"x": 10**19}, "this int does not fit <x>"),
            ("/<int:x>", {"x": 10**5000}, "this int does not fit <x>"),
            ("/<int:x>", {"x": "7"}, "this str does not fit <x>: an int is needed"),
            ("/<float:x>", {"x": float("nan")}, "this float does not fit <x>"),
            ("/<float:x>", {"x": float("inf")}, "this float does not fit <x>"),
            ("/<float:x>", {"x": -0.5}, "this float does not fit <x>"),
            ("/<float:x>", {"x": 10**400}, "this int does not fit <x>"),
            ("/<any(en,de):x>", {"x": "fr"}, "this str does not fit <x>"),
            ("/<date:x>", {"x": datetime(2024, 1, 1)}, "this datetime does not fit <x>"),
            ("/<path:p>", {"p": ""}, "empty or has"),
            ("/<path:p>", {"p": "/a"}, "which no client sends"),
            ("/<path:p>", {"p": "a//b"}, "which no client sends"),
            ("/<path:p>", {"p": "a/../b"}, "which no client sends"),
            ("/<path:p>", {"p": ".."}, "which no client sends"),
            ("/<path:p>/raw", {"p": "a/"}, "which no client sends"),
            ("/<path:p>/", {"p": "a/"}, "which no client sends"),
            ("/<name>.<ext>", {"name": "a", "ext": "b.c"}, "<name> and <ext> could not be told apart"),
            ("/<careless:x>", {"x": "a/b"}, "empty or has a '/'"),
            ("/<careless:x>", {"x": ""}, "empty or has a '/'"),
        ],
    )
    def test_refuses(self, source, values, problem):
        with pytest.raises(BuildError) as caught:
            build_path(read(source), values)

        assert problem in str(caught.value)

    def test_a_value_is_never_in_the_message(self):
        with pytest.raises(BuildError) as caught:
            build_path(read("/<int:x>"), {"x": "s3cret"})

        assert "s3cret" not in str(caught.value)


class TestBuildUrl:
    def build(self, *sources: str, root_path: str = "", anchor: str | None = None, **values: object) -> str:
        return build_url([read(source) for source in sources], "item", values, root_path=root_path, anchor=anchor)

    def test_the_candidate_that_uses_most_values(self):
        sources = ("/", "/<a>", "/<a>/<b>")

        assert self.build(*sources) == "/"
        assert self.build(*sources, a="1", c=2) == "/1?c=2"
        assert self.build(*sources, a="1", b="2") == "/1/2"
        assert self.build(*sources, b="2") == "/?b=2"

    def test_the_first_of_equals_that_takes_the_values(self):
        assert self.build("/i/<int:x>", "/s/<x>", x=7) == "/i/7"
        assert self.build("/i/<int:x>", "/s/<x>", x="a") == "/s/a"
        assert self.build("/a", "/b") == "/a"

    def test_left_over_values_are_the_query(self):
        url = self.build("/a", q="a b&c=d/é+", n=[1, None, True], none=None, day=date(2024, 1, 2), empty="", nothing=[])

        assert url == "/a?q=a%20b%26c%3Dd%2F%C3%A9%2B&n=1&n=true&day=2024-01-02&empty="
        assert self.build("/a", **{"a b": 1}) == "/a?a%20b=1"
        assert [self.build("/a", x=kind(["1"])) for kind in (tuple, set, frozenset)] == ["/a?x=1", "/a?x=1", "/a?x=1"]

    @pytest.mark.parametrize("value", [b"x", {"x": 1}, object(), [["x"]], pytest.param(10**5000, id="huge")])
    def test_values_without_a_text_are_refused(self, value):
        with pytest.raises(BuildError, match="'q' cannot stand in a query"):
            self.build("/a", q=value)

    def test_none_is_not_given(self):
        assert self.build("/a/<x>", "/a", x=None) == "/a"

    @pytest.mark.parametrize(
        ("root_path", "expected"),
        [
            ("", "/a"),
            ("/", "/a"),
            ("/api", "/api/a"),
            ("/api/", "/api/a"),
            ("api/v1", "/api/v1/a"),
            ("//evil.example", "/evil.example/a"),
            ("/é b", "/%C3%A9%20b/a"),
            ("\\evil", "/%5Cevil/a"),
        ],
    )
    def test_root_path(self, root_path, expected):
        assert expected == self.build("/a", root_path=root_path)

    @pytest.mark.parametrize(
        ("anchor", "expected"), [(None, "/a"), ("", "/a"), ("top", "/a#top"), ("a b#c?/é", "/a#a%20b%23c?/%C3%A9")]
    )
    def test_anchor(self, anchor, expected):
        assert expected == self.build("/a", anchor=anchor)

    def test_anchor_comes_after_the_query(self):
        assert self.build("/a", x=1, anchor="y") == "/a?x=1#y"

    def test_what_is_missing_is_named_for_every_candidate(self):
        with pytest.raises(BuildError, match="'item' needs <b> or <b> and <c>"):
            self.build("/<a>/<b>", "/<a>/<b>/<c>", a="1")

    def test_the_first_problem_is_told_when_no_candidate_takes_the_values(self):
        with pytest.raises(BuildError, match="'item': '/i/<int:x>': this str does not fit <x>"):
            self.build("/i/<int:x>", "/d/<date:x>", x="a")

    def test_no_candidates(self):
        with pytest.raises(BuildError, match="'item' has no path"):
            self.build()

    @pytest.mark.parametrize(
        "values", [{"q": "\ud800"}, {"\ud800": "q"}, {"anchor": "\ud800"}, {"root_path": "/\ud800"}]
    )
    def test_lone_surrogates_are_refused_everywhere(self, values):
        with pytest.raises(BuildError, match="lone surrogate"):
            self.build("/a", **values)
