"""A pattern means one thing or is refused, with the pattern, the place and the cure in the message."""

from datetime import date
from functools import partial

import pytest

from flasgo.errors import RegistrationError
from flasgo.routing import pattern
from flasgo.routing.converters import PATH, STR, Converter, Converters
from flasgo.routing.pattern import MAX_PATTERN_BYTES, Pattern, Segment, parse


class Echo(Converter):
    """Takes whatever it is given; remembers its arguments."""

    def __init__(self, *arguments: str) -> None:
        self.arguments = arguments

    def to_python(self, text: str) -> str:
        return text


def read(source: str, converters: Converters | None = None) -> Pattern:
    return parse(source, converters or Converters())


def segment(text: str) -> Segment:
    return read(f"/{text}").segments[0]


def test_static_pattern():
    pattern = read("/a/é ü/100%")

    assert pattern.is_static
    assert pattern.source == "/a/é ü/100%"
    assert [each.literals[0] for each in pattern.segments] == ["a", "é ü", "100%"]
    assert pattern.names == ()


def test_the_root_and_a_last_slash_are_empty_segments():
    assert (Segment(("",)),) == read("/").segments
    assert (Segment(("a",)), Segment(("",))) == read("/a/").segments


def test_names_and_converters_are_in_the_order_of_the_path():
    pattern = read("/a/<int:id>/<name>.<str:ext>/<path:rest>")

    assert pattern.names == ("id", "name", "ext", "rest")
    assert (Converters().bind("int"), STR, STR, PATH) == tuple(each.converter for each in pattern.placeholders)
    assert not pattern.is_static


def test_only_placeholders_without_a_converter_are_bare():
    assert read("/<a>/<str:b>/v<c>").bare == ("a", "c")


def test_bare_placeholders_take_other_converters():
    converters = Converters()
    number = converters.bind("int")
    pattern = read("/<a>/x<b>/<c>").with_converters({"a": number, "b": number})

    assert [number, number, STR] == [each.converter for each in pattern.placeholders]
    assert pattern.bare == ("a", "b", "c")
    assert pattern.source == "/<a>/x<b>/<c>"


@pytest.mark.parametrize("name", ["b", "nobody"])
def test_only_bare_placeholders_take_other_converters(name):
    with pytest.raises(RegistrationError, match=f"no placeholder written <{name}>"):
        read("/<a>/<str:b>").with_converters({name: STR})


def test_arguments_are_text_without_surrounding_spaces():
    converters = Converters()
    converters.register("echo", Echo)

    def arguments(source: str) -> tuple[str, ...]:
        converter = read(source, converters).placeholders[0].converter
        assert isinstance(converter, Echo)
        return converter.arguments

    assert arguments("/<echo(3, a b ,):x>") == ("3", "a b", "")
    assert arguments("/<echo():x>") == ()
    assert arguments("/<echo( ):x>") == ()
    assert arguments("/<echo:x>") == ()


@pytest.mark.parametrize(
    ("form", "text", "expected"),
    [
        ("abc", "abc", ()),
        ("abc", "ab", None),
        ("<x>", "abc", ("abc",)),
        ("a<int:n>b", "a12b", (12,)),
        ("a<int:n>b", "a12", None),
        ("a<int:n>b", "12b", None),
        ("a<int:n>b", "ab", None),
        ("a<int:n>b", "axb", None),
        ("ab<x>ba", "aba", None),
        ("<name>.<ext>", "a.tar.gz", ("a.tar", "gz")),
        ("<name>.<ext>", "a.", None),
        ("<name>.<ext>", ".a", None),
        ("<name>.<ext>", "..a", (".", "a")),
        ("<name>.<ext>", "a..", ("a", ".")),
        ("<name>.<ext>", "...", (".", ".")),
        ("<name>.<ext>", "ab", None),
        ("v<int:a>.<int:b>", "v1.20", (1, 20)),
        ("v<int:a>.<int:b>", "v1.2.3", None),
        ("<a>-<b>.<c>", "x-y.z-w", ("x", "y", "z-w")),
        ("<a>-<b>-<c>", "1-2-3-4", ("1-2", "3", "4")),
        ("<a>--<b>", "x---y", ("x-", "y")),
        ("<a>-<b>-<c>", "-cccccc", None),
        ("<a>-<b>-<c>", "--c", None),
        ("<a>.<b>xyz", "a.bxyz", ("a", "b")),
        ("<a>aa<b>", "aaaa", ("a", "a")),
        ("<a>aa<b>", "aaa", None),
        ("<int:id>-<slug>", "7-a-b", (7, "a-b")),
        ("<int:id>-<slug>", "x-a-b", None),
        ("<int:id>-<slug>", "7-", None),
        ("<int:id>-<slug>", f"{'7' * 20}-a", None),
        ("<int:a>1<int:b>", "111", (1, 1)),
        ("<int:a>0<int:b>", "10203", (102, 3)),
        ("<int:a>-<slug>-<int:b>", "1-x-y-2", (1, "x-y", 2)),
        ("<slug>-<int:id>", "a-b-7", ("a-b", 7)),
        ("<date:d>-<slug>", "2024-01-02-3-x", (date(2024, 1, 2), "3-x")),
        ("<slug>-<date:d>", "a-b-2024-01-02", ("a-b", date(2024, 1, 2))),
        ("<slug>-<date:d>", "2024-01-02", None),
        ("<slug>-<date:d>.<ext>", "a-2024-01-02.x", ("a", date(2024, 1, 2), "x")),
        ("<slug>-<date:d>.<ext>", "a-b.2024-01-02", None),
        ("<float:v>.<ext>", "1.5.png", (1.5, "png")),
        ("<any(a,a-b):x>-<y>", "a-b-c", ("a-b", "c")),
        ("<any(a,a-b):x>-<y>", "a-c", ("a", "c")),
    ],
)
def test_reads_a_segment_in_one_way(form, text, expected):
    assert expected == segment(form).read(text)


@pytest.mark.parametrize(
    ("form", "text"),
    [
        ("<int:a>1<b>", "1xyz"),
        ("<int:a>-<date:b>zzzzzzzzzzzzzzzzzzzz", "1-2zzzzzzzzzzzzzzzzzzzz"),
        ("<date:a>-<b>", "1-x"),
    ],
)
def test_no_part_is_shorter_than_its_converter_says(form, text):
    assert segment(form).split(text) is None


def test_a_mixed_segment_is_read_in_linear_time(costs_at_most):
    form = segment("<a>-<b>-<c>-<d>x")
    for text in ("-" * 65_536, "-" * 65_536 + "x", "a-" * 32_768 + "x", "a" * 65_536):
        costs_at_most(0.1, partial(form.read, text))


@pytest.mark.parametrize(
    ("source", "place", "cure"),
    [
        ("", 0, "begins with '/'"),
        ("items", 0, "begins with '/'"),
        ("//", 0, "single '/'"),
        ("/a//b", 2, "single '/'"),
        ("/a?b=1", 2, "declare its parameters"),
        ("/a#b", 2, "never sent to a server"),
        ("/a\\b", 2, "write '/'"),
        ("/a\nb", 2, "U\\+000A has no place"),
        ("/a\x7f", 2, "U\\+007F has no place"),
        ("/a\u2028", 2, "U\\+2028 has no place"),
        ("/a\ud800", 2, "U\\+D800 has no place"),
        ("/caf%C3%A9", 4, "write 'é' for %C3%A9"),
        ("/a/../b", 3, "leave the segment out"),
        ("/.", 1, "leave the segment out"),
        ("/a/{id}", 3, "angle brackets: write <id>"),
        ("/{id:int}.json", 1, "angle brackets: write <int:id>"),
        ("/<x", 1, "does not close"),
        ("/<x/a>", 1, "does not close"),
        ("/<any(a/b):x>", 1, "without '/' inside"),
        ("/x>", 2, "closes no placeholder"),
        ("/<x>>", 4, "closes no placeholder"),
        ("/<int: x>", 1, "write <int:x>"),
        ("/< x>", 1, "write <x>"),
        ("/<>", 1, "a placeholder is"),
        ("/<int:>", 1, "a placeholder is"),
        ("/<int(1:x>", 1, "a placeholder is"),
        ("/<a-b>", 1, "a placeholder is"),
        ("/<<x>>", 1, "a placeholder is"),
        ("/<1x>", 1, "use a Python identifier"),
        ("/<class>", 1, "use a Python identifier"),
        ("/<a><b>", 4, "put text between"),
        ("/<x>/y<int:x>", 6, "give each placeholder its own"),
        ("/<itn:x>", 1, "did you mean 'int'"),
        ("/<int(3):x>", 1, "takes no arguments"),
        ("/<any:x>", 1, "list the choices"),
        ("/<any('a'):x>", 1, "without quotes"),
        ("/a<path:p>", 1, "put '/' around it"),
        ("/<path:p>.<x>", 1, "put '/' around it"),
        ("/<path:p>/a/<x>", 12, "only text may follow"),
        ("/<path:p>/<path:q>", 10, "only text may follow"),
        ("/" + "a" * MAX_PATTERN_BYTES, 0, "at most 2048 bytes"),
        ("/" + "é" * (MAX_PATTERN_BYTES // 2), 0, "at most 2048 bytes"),
    ],
)
def test_refuses_with_place_and_cure(source, place, cure):
    with pytest.raises(RegistrationError, match=cure) as caught:
        read(source)

    message, _, pointer = str(caught.value).splitlines()
    assert message.startswith(f"path pattern {source[:100]!r}"[:-1])
    assert f"    {' ' * place}^" == pointer


def test_the_pointer_stays_under_its_place_in_a_long_pattern():
    with pytest.raises(RegistrationError) as caught:
        read(f"/{'a' * 500}?b")

    _, window, pointer = str(caught.value).splitlines()
    assert window[pointer.index("^")] == "?"


def test_the_message_has_no_control_characters_of_the_pattern():
    with pytest.raises(RegistrationError) as caught:
        read("/a\x1b\rb")

    assert "\x1b" not in str(caught.value)
    assert "\r" not in str(caught.value)


def test_the_longest_pattern_is_taken():
    assert read("/" + "a" * (MAX_PATTERN_BYTES - 1)).is_static


def test_format_characters_that_languages_need_are_taken():
    assert read("/می\u200cخواهم").is_static


@pytest.mark.parametrize(
    ("more", "less"),
    [
        ("abc", "a<x>"),
        ("ab<x>", "a<x>"),
        ("a<x>", "<any(a):x>"),
        ("a<x>b", "<x>ab"),
        ("<x>ab<y>", "<x>a<y>b<z>"),
        ("a<x>b<y>", "<x>a<y>b"),
        ("<x>a<y>b", "<x>ab<y>"),
        ("<x>ab<y>", "<int:x>a<int:y>b<int:z>"),
        ("<int:x>-<y>", "<x>-<int:y>"),
        ("<x>-<int:y>", "<x>-<y>"),
        ("<x>-<y>", "<int:x>"),
        ("<any(1):x>", "<int:x>"),
        ("<int:x>", "<date:x>"),
        ("<int:x>", "<float:x>"),
        ("<float:x>", "<x>"),
        ("<x>", "<path:x>"),
    ],
)
def test_specificity(more, less):
    assert segment(more).specificity < segment(less).specificity


class TestWhatManyPatternsHave:
    def test_a_segment_is_read_once(self):
        converters = Converters()
        one, other = (parse(f"/{name}/<int:id>", converters) for name in ("a", "b"))
        assert one.segments[1] is other.segments[1]
        with pytest.raises(RegistrationError, match="'id' is used twice"):
            parse("/<int:id>/<int:id>", converters)

    def test_a_segment_is_read_anew_once_its_converter_is_another(self):
        converters = Converters()
        before = parse("/<int:id>", converters)
        converters.register("int", Converters().bind("str"), override=True)
        after = parse("/<int:id>", converters)
        assert before.placeholders[0].converter is not after.placeholders[0].converter

    def test_segments_are_kept_to_an_end(self, monkeypatch):
        monkeypatch.setattr(pattern, "_KEPT", 1)
        converters = Converters()
        for _ in range(2):
            assert [segment.literals for segment in parse("/a/b", converters).segments] == [("a",), ("b",)]
        assert len(converters.read) == 1
