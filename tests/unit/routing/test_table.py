"""The most specific pattern answers, whatever the order of registration; what cannot be decided is refused."""

import itertools
from collections.abc import Mapping
from functools import partial

import pytest

from flasgo.errors import FrozenError, RegistrationError
from flasgo.routing.converters import RANK_CUSTOM, Converter, Converters
from flasgo.routing.pattern import Pattern, parse
from flasgo.routing.table import Miss, Table


class Upper(Converter):
    def to_python(self, text: str) -> str:
        if text.isupper():
            return text
        raise ValueError("not upper case")


class Letters(Converter):
    def to_python(self, text: str) -> str:
        if text.isalpha():
            return text
        raise ValueError("not letters")


class Early(Letters):
    rank = RANK_CUSTOM - 1


class Broken(Converter):
    def to_python(self, text: str) -> str:
        raise ZeroDivisionError


@pytest.fixture
def converters():
    converters = Converters()
    for kind in (Upper, Letters, Early, Broken):
        converters.register(kind.__name__.lower(), kind)
    return converters


@pytest.fixture
def tables(converters):
    """Builds the tables of these patterns in every order; their targets are the patterns' sources."""

    def build(*routes: str | tuple[str, str]) -> list[Table[str]]:
        pairs = [("GET", route) if isinstance(route, str) else route for route in routes]
        tables = []
        for order in itertools.permutations(pairs):
            table: Table[str] = Table()
            for methods, source in order:
                table.add(parse(source, converters), dict.fromkeys(methods.split(), source))
            table.freeze()
            tables.append(table)
        return tables

    return build


def check(tables: list[Table[str]], expected: Mapping[str, object]) -> None:
    for table in tables:
        for path, answer in expected.items():
            assert answer == table.find("GET", path), path


class TestFind:
    def test_static(self, tables):
        check(
            tables("/", "/a", "/a/b", "/é ü"),
            {
                "/": ("/", ()),
                "/a": ("/a", ()),
                "/a/b": ("/a/b", ()),
                "/é ü": ("/é ü", ()),
                "/A": Miss(),
                "/b": Miss(),
            },
        )

    def test_values_are_converted_in_the_order_of_the_path(self, tables):
        check(
            tables("/u/<int:id>/f/<name>.<ext>/<path:rest>"),
            {
                "/u/7/f/a.b.c/x/y/": ("/u/<int:id>/f/<name>.<ext>/<path:rest>", (7, "a.b", "c", "x/y/")),
                "/u/x/f/a.b/x": Miss(),
                "/u/7/f/ab/x": Miss(),
                "/u/7/f/a.b": Miss(),
                "/u/7/f/a.b/": Miss(),
            },
        )

    def test_one_pattern_may_have_a_target_for_each_method(self, tables):
        for path, url in (("/a-<name>", "/a-b"), ("/f/<path:rest>/raw", "/f/x/y/raw")):
            for table in tables(("GET", path), ("POST", path), ("PUT", path)):
                for method in ("GET", "POST", "PUT"):
                    found = table.find(method, url)
                    assert not isinstance(found, Miss)
                    assert found[0] == path

    def test_literal_then_mixed_then_converters_by_rank(self, tables):
        check(
            tables("/x/1", "/x/<any(1,2):v>", "/x/<int:v>", "/x/<upper:v>", "/x/<v>", "/x/<path:v>"),
            {
                "/x/1": ("/x/1", ()),
                "/x/2": ("/x/<any(1,2):v>", ("2",)),
                "/x/3": ("/x/<int:v>", (3,)),
                "/x/A": ("/x/<upper:v>", ("A",)),
                "/x/a": ("/x/<v>", ("a",)),
                "/x/a/": ("/x/<path:v>", ("a/",)),
                "/x/": Miss(),
            },
        )

    def test_a_mixed_segment_comes_before_any_converter(self, tables):
        check(
            tables("/v<x>", "/v<x>-<y>", "/v<int:x>-<y>", "/<any(va,vb):x>", "/<x>"),
            {
                "/va": ("/v<x>", ("a",)),
                "/v1-b": ("/v<int:x>-<y>", (1, "b")),
                "/va-b": ("/v<x>-<y>", ("a", "b")),
                "/v": ("/<x>", ("v",)),
            },
        )

    def test_mixed_segments_that_begin_with_text_of_different_lengths(self, tables):
        check(
            tables("/ab<x>", "/a<x>", "/<x>c", "/b<x>"),
            {
                "/ab1": ("/ab<x>", ("1",)),
                "/ab": ("/a<x>", ("b",)),
                "/bc": ("/b<x>", ("c",)),
                "/cc": ("/<x>c", ("c",)),
            },
        )

    def test_a_mixed_last_segment_with_several_placeholders_is_not_overlooked(self, tables):
        check(
            tables("/f/<name>.<ext>", "/f/<x>"), {"/f/a.b": ("/f/<name>.<ext>", ("a", "b")), "/f/a": ("/f/<x>", ("a",))}
        )

    def test_date_uuid_and_float_share_a_place(self, tables):
        sources = ("/<date:x>", "/<uuid:x>", "/<float:x>")
        for table in tables(*sources):
            for source, path in zip(
                sources, ("/2024-01-02", "/12345678-90ab-cdef-1234-567890abcdef", "/1.5"), strict=True
            ):
                found = table.find("GET", path)
                assert not isinstance(found, Miss)
                assert source == found[0]

    def test_the_first_segment_that_differs_decides(self, tables):
        check(
            tables("/a/<x>", "/<x>/b", "/<any(c,d):x>/<y>", "/<any(c,e):x>/<int:y>"),
            {
                "/a/b": ("/a/<x>", ("b",)),
                "/z/b": ("/<x>/b", ("z",)),
                "/c/b": ("/<any(c,d):x>/<y>", ("c", "b")),
                "/c/1": ("/<any(c,e):x>/<int:y>", ("c", 1)),
                "/d/1": ("/<any(c,d):x>/<y>", ("d", "1")),
            },
        )

    def test_a_dead_end_falls_back_to_a_less_specific_branch(self, tables):
        check(
            tables("/a/b/c", "/a/<x>/d", "/<int:x>/b", "/<x>/<y>/<z>", "/<path:x>"),
            {
                "/a/b/d": ("/a/<x>/d", ("b",)),
                "/a/b/e": ("/<x>/<y>/<z>", ("a", "b", "e")),
                "/1/c": ("/<path:x>", ("1/c",)),
            },
        )

    def test_path_with_text_after_it(self, tables):
        check(
            tables("/f/<path:p>", "/f/<path:p>/raw", "/f/<path:p>/x/raw", "/f/<path:p>/", "/f/<a>/raw"),
            {
                "/f/a/b": ("/f/<path:p>", ("a/b",)),
                "/f/a/b/raw": ("/f/<path:p>/raw", ("a/b",)),
                "/f/a/b/x/raw": ("/f/<path:p>/x/raw", ("a/b",)),
                "/f/a/raw": ("/f/<a>/raw", ("a",)),
                "/f/a/b/": ("/f/<path:p>/", ("a/b",)),
                "/f/raw": ("/f/<path:p>", ("raw",)),
                "/f//raw": ("/f/<path:p>", ("/raw",)),
                "/f///": ("/f/<path:p>/", ("/",)),
                "/f//": ("/f/<path:p>", ("/",)),
                "/f/": Miss(),
            },
        )

    def test_two_custom_converters_of_different_rank_share_a_place(self, tables):
        check(tables("/<early:x>", "/<upper:x>"), {"/A": ("/<early:x>", ("A",)), "/A1": ("/<upper:x>", ("A1",))})

    def test_two_custom_converters_of_one_rank_share_a_place_for_different_methods(self, tables):
        for table in tables("/<upper:x>", ("POST", "/<letters:x>")):
            assert table.find("GET", "/A") == ("/<upper:x>", ("A",))
            assert table.find("POST", "/A") == ("/<letters:x>", ("A",))
            assert table.find("GET", "/a") == Miss(("POST",))
            assert table.find("PUT", "/A") == Miss(("GET", "POST"))

    def test_choices_without_a_common_one_share_a_place(self, tables):
        check(
            tables("/<any(a,b):x>", "/<any(c,d):x>", "/p<any(a,b):x>", "/p<any(c,d):x>"),
            {
                "/a": ("/<any(a,b):x>", ("a",)),
                "/d": ("/<any(c,d):x>", ("d",)),
                "/pa": ("/p<any(a,b):x>", ("a",)),
                "/pd": ("/p<any(c,d):x>", ("d",)),
            },
        )

    def test_empty_segments_never_match_a_placeholder(self, tables):
        check(
            tables("/<x>", "/<x>/b", "/<upper:x>/<y>"),
            {"/": Miss(), "//b": Miss(), "//": Miss(), "/a//b": Miss(), "/A/": Miss(slash="/A")},
        )

    @pytest.mark.parametrize("path", ["", "a", "a/b", "*", "http://x/a", "?", "\\a"])
    def test_a_path_without_a_first_slash_is_a_miss(self, tables, path):
        check(tables("/<path:p>", "/<x>", "/"), {path: Miss()})

    def test_what_a_converter_raises_beside_value_error_comes_through(self, tables):
        for table in tables("/<broken:x>"):
            with pytest.raises(ZeroDivisionError):
                table.find("GET", "/x")

    def test_hostile_looking_paths_are_only_text(self, tables):
        check(
            tables("/admin", "/admin/<x>"),
            dict.fromkeys(["/admin\n", "/admin;x", "//admin", "/ADMIN", "/admin%0a"], Miss()),
        )

    def test_it_works_before_the_table_is_frozen(self, converters):
        table: Table[int] = Table()
        table.add(parse("/a/<int:x>", converters), {"GET": 1})

        assert table.find("GET", "/a/7") == (1, (7,))


class TestMethods:
    def test_a_method_that_the_most_specific_lacks_is_left_to_the_next(self, tables):
        for table in tables(("POST", "/u/me"), ("PUT", "/u/<int:id>"), ("GET", "/u/<name>"), ("PATCH", "/<path:p>")):
            assert table.find("GET", "/u/me") == ("/u/<name>", ("me",))
            assert table.find("POST", "/u/me") == ("/u/me", ())
            assert table.find("GET", "/u/7") == ("/u/<name>", ("7",))
            assert table.find("PUT", "/u/7") == ("/u/<int:id>", (7,))
            assert table.find("PATCH", "/u/me") == ("/<path:p>", ("u/me",))
            assert table.find("DELETE", "/u/me") == Miss(("GET", "PATCH", "POST"))
            assert table.find("DELETE", "/u/7") == Miss(("GET", "PATCH", "PUT"))

    def test_methods_of_one_form_merge_and_keep_their_own_names(self, converters):
        table: Table[Pattern] = Table()
        reading, writing = parse("/u/<int:id>", converters), parse("/u/<int:number>", converters)
        table.add(reading, {"GET": reading, "HEAD": reading})
        table.add(writing, {"PUT": writing})

        assert table.find("HEAD", "/u/7") == (reading, (7,))
        assert table.find("PUT", "/u/7") == (writing, (7,))
        assert table.find("POST", "/u/7") == Miss(("GET", "HEAD", "PUT"))

    def test_static_shows_what_has_no_placeholder(self, tables):
        for table in tables("/a", ("POST", "/a"), "/<x>"):
            assert table.static == {"/a": {"GET": "/a", "POST": "/a"}}


class TestSlash:
    @pytest.mark.parametrize(
        ("source", "path", "expected"),
        [
            ("/a", "/a/", "/a"),
            ("/a/", "/a", "/a/"),
            ("/a/<x>", "/a/b/", "/a/b"),
            ("/a/<int:x>/", "/a/7", "/a/7/"),
            ("/a/<int:x>/", "/a/b", None),
            ("/a", "/a//", None),
            ("/a/", "/a//", None),
            ("/", "//", None),
            ("/a", "/b/", None),
            ("/<path:p>/", "//evil.example", None),
            ("/<path:p>/", "/a//b", "/a//b/"),
        ],
    )
    def test_the_other_form(self, tables, source, path, expected):
        check(tables(source), {path: Miss(slash=expected)})

    def test_only_for_a_method_that_it_answers(self, tables):
        for table in tables(("POST", "/a/"), "/a"):
            assert table.find("GET", "/a/") == Miss(("POST",), "/a")
            assert table.find("POST", "/a") == Miss(("GET",), "/a/")
            assert table.find("PUT", "/a") == Miss(("GET",))


class TestAmbiguity:
    @pytest.mark.parametrize(
        ("one", "other"),
        [
            ("/u/<id>", "/u/<name>"),
            ("/u/<int:id>", "/u/<int:number>"),
            ("/<any(a,b):x>", "/<any(b,c):x>"),
            ("/<any(a,b):x>", "/<any(b,a):x>"),
            ("/<upper:x>", "/<letters:x>"),
            ("/<a>-<b>", "/<a>.<b>"),
            ("/<a>.x<b>.y", "/<a>x.<b>.y"),
            ("/x<any(a):k>-<y>", "/x<any(a-b):k>-<y>"),
            ("/f/<path:a>", "/f/<path:b>"),
            ("/f/<path:a>/x", "/f/<path:b>/x"),
            ("/<upper:x>/<y>/z", "/<letters:x>/<w>/z"),
        ],
    )
    def test_patterns_that_tie_are_refused_in_either_order_and_both_are_named(self, converters, one, other):
        for first, second in ((one, other), (other, one)):
            table: Table[int] = Table()
            table.add(parse(first, converters), {"GET": 1, "HEAD": 1})
            with pytest.raises(RegistrationError) as caught:
                table.add(parse(second, converters), {"HEAD": 2, "GET": 2, "PUT": 2})

            assert str(caught.value).startswith(f"{second!r} and {first!r} both answer GET, HEAD,")

    def test_the_named_pattern_is_the_one_of_that_method(self, converters):
        table: Table[int] = Table()
        table.add(parse("/<a>", converters), {"GET": 1})
        table.add(parse("/<b>", converters), {"PUT": 2})

        with pytest.raises(RegistrationError, match=r"'/<c>' and '/<b>' both answer PUT"):
            table.add(parse("/<c>", converters), {"PUT": 3})

    def test_the_same_pattern_twice(self, converters):
        table: Table[int] = Table()
        table.add(parse("/a", converters), {"GET": 1})

        with pytest.raises(RegistrationError, match="'/a' already answers GET"):
            table.add(parse("/a", converters), {"GET": 2})

    def test_a_refused_pattern_leaves_the_table_as_it_was(self, converters):
        table: Table[int] = Table()
        table.add(parse("/<a>", converters), {"GET": 1})
        with pytest.raises(RegistrationError):
            table.add(parse("/<b>", converters), {"PUT": 2, "GET": 2})

        assert table.find("PUT", "/x") == Miss(("GET",))

    @pytest.mark.parametrize(
        ("one", "other"),
        [
            ("/<upper:x>/a", "/<letters:x>/b"),
            ("/<any(a,b):x>/1", "/<any(b,c):x>/2"),
            ("/<x>.json", "/<x>.html"),
            ("/<x>.json", "/<x>.jsox"),
            ("/a<x>", "/b<x>"),
            ("/<path:p>/a", "/<path:p>/b"),
        ],
    )
    def test_patterns_that_never_match_the_same_path_stand_side_by_side(self, tables, one, other):
        assert len(tables(one, other)) == 2

    def test_a_pattern_without_methods_is_refused(self, converters):
        with pytest.raises(RegistrationError, match="name at least one"):
            Table[int]().add(parse("/a", converters), {})

    def test_a_frozen_table_takes_no_more(self, converters):
        table: Table[int] = Table()
        table.freeze()

        with pytest.raises(FrozenError, match="'/a' came after the first request"):
            table.add(parse("/a", converters), {"GET": 1})


class TestCost:
    def test_slashes_without_end_are_answered_at_once(self, tables, costs_at_most):
        (table,) = tables("/<a>/<b>/<path:c>/x")
        for path in ("/" * 65_536, "/a" * 32_768, "/" + "a" * 65_536, "a" * 65_536):
            costs_at_most(0.2, partial(table.find, "GET", path))

    def test_many_live_branches_are_not_many_paths(self, tables, converters, costs_at_most):
        """Two successors that fit at each of 8 segments, and nothing at the end: visited once each, not tried in combination."""
        table: Table[int] = Table()
        for choice in itertools.product(("<upper:p{}>", "<p{}>"), repeat=8):
            source = "".join(f"/{text.format(index)}" for index, text in enumerate(choice))
            table.add(parse(f"{source}/end", converters), {"GET": 1})
        table.freeze()

        assert table.find("GET", "/A" * 8 + "/no") == Miss()
        costs_at_most(0.5, lambda: table.find("GET", "/A" * 8 + "/no"))

    @pytest.mark.parametrize("form", ["/r{}/<id>", "/r{}-<id>", "/<any(a,b):x>/r{}/<path:p>", "/<path:p>/r{}", "/r{}"])
    def test_a_large_table_is_quickly_made_and_searched(self, converters, form, costs_at_most):
        def made() -> Table[int]:
            table: Table[int] = Table()
            for number in range(1_000):
                table.add(parse(form.format(number), converters), {"GET": number})
            table.freeze()
            return table

        def search() -> None:
            for _ in range(100):
                found = table.find("GET", path)
                assert not isinstance(found, Miss)
                assert found[0] == 999

        costs_at_most(10, made)
        table = made()
        path = form.replace("<any(a,b):x>", "a").replace("<id>", "x").replace("<path:p>", "x").format(999)
        costs_at_most(0.8, search)
