"""Header fields under arbitrary text."""

import string

from hypothesis import example, given
from hypothesis import strategies as st

from flasgo.http.headers import Headers, MutableHeaders, RawHeaders, add_vary, header_field

TOKENS = st.text(string.ascii_letters + string.digits + "!#$%&'*+-.^_`|~", min_size=1, max_size=12)
SMALL_NAMES = st.sampled_from(["a", "A", "b-c", "B-C", "d_e", "set-cookie", "Cookie"])
VALUES = st.text(st.characters(min_codepoint=0x21, max_codepoint=0x7E), max_size=8)


@given(TOKENS | st.text(max_size=20), st.text("ab \t\r\n\0\x7f\x85\xa0é→", max_size=6))
@example("a b", "")
@example("a", "b\n")
@example("a", "→")
@example("a", "b")
def test_a_field_is_written_whole_or_not_at_all(name: str, value: str):
    field: tuple[bytes, bytes] | None = None
    refusal: ValueError | None = None
    try:
        field = header_field(name, value)
    except ValueError as error:
        refusal = error
    if field is None:
        assert "header" in str(refusal)
        assert not isinstance(refusal, UnicodeError)
    else:
        assert field == (name.encode("ascii").lower(), value.encode("latin-1"))
        assert field[1] == field[1].strip(b" \t")
        assert not set(field[1]) & {*range(9), *range(10, 32), *range(127, 160)}


@given(TOKENS, st.text(st.characters(min_codepoint=0x20, max_codepoint=0xFF, categories=["L", "N", "P", "S"])))
def test_every_token_and_visible_text_can_be_written(name: str, value: str):
    assert (name.lower().encode(), value.encode("latin-1")) == header_field(name, value)


@given(
    st.lists(st.tuples(SMALL_NAMES, VALUES), max_size=8),
    st.lists(st.tuples(st.sampled_from(["set", "add", "delete", "setdefault"]), SMALL_NAMES, VALUES), max_size=12),
)
@example(
    [("a", "1"), ("b-c", "2"), ("A", "3")], [("set", "a", "4"), ("setdefault", "A", "5"), ("setdefault", "d_e", "6")]
)
@example([], [("add", "a", "1"), ("delete", "A", ""), ("delete", "a", "")])
def test_writing_does_what_a_plain_model_does(start: list[tuple[str, str]], steps: list[tuple[str, str, str]]):
    raw: RawHeaders = [header_field(*line) for line in start]
    headers = MutableHeaders(raw)
    model = [(name.lower(), value) for name, value in start]
    for step, name, value in steps:
        key = name.lower()
        places = [place for place, line in enumerate(model) if line[0] == key]
        if step == "add":
            headers.add(name, value)
            model.append((key, value))
        elif step == "delete":
            headers.pop(name, None)
            model = [line for line in model if line[0] != key]
        elif step == "set" or not places:
            headers[name] = value
            if places:
                model[places[0]] = (key, value)
                model = [line for place, line in enumerate(model) if place not in places[1:]]
            else:
                model.append((key, value))
        else:
            headers.setdefault(name, value)
    assert model == [(name.decode(), value.decode()) for name, value in raw]
    assert raw is headers.raw
    for name, _ in model:
        assert [value for key, value in model if key == name] == headers.getlist(name.upper())
        assert headers[name] == headers.get(name) == dict(headers.items())[name]
    assert list(dict.fromkeys(name for name, _ in model)) == list(headers)
    assert len(headers) == len(list(headers))
    assert [name for name in headers if "_" not in name] == list(Headers(raw))


@given(st.lists(TOKENS, max_size=6))
def test_vary_names_each_header_once(names: list[str]):
    raw: RawHeaders = []
    for name in [*names, *reversed(names)]:
        add_vary(raw, name)
    listed = [name.lower() for name in Headers(raw).get("vary", "").split(", ") if name]
    expected = list(dict.fromkeys(name.lower() for name in names))
    assert listed == (expected[: expected.index("*") + 1] if "*" in expected else expected)
