"""Media types under arbitrary text."""

import string

from hypothesis import example, given
from hypothesis import strategies as st

from flasgo.http.media import content_type_for, essence, negotiate, parse_media_type, preferred_format

TOKENS = st.text(string.ascii_letters + string.digits + "!#$%&'*+-.^_`|~", min_size=1, max_size=8)
VALUES = st.text([chr(code) for code in (9, *range(32, 127), *range(160, 256))], max_size=12)
ODD = st.text('ab/*;,="\\ q01.texhml', max_size=60)


def _quoted(value: str) -> str:
    return '"' + value.replace("\\", "\\\\").replace('"', '\\"') + '"'


@given(TOKENS, TOKENS, st.dictionaries(TOKENS.map(str.lower), VALUES, max_size=4))
def test_any_value_survives_quoting(main: str, subtype: str, parameters: dict[str, str]):
    written = f"{main}/{subtype}" + "".join(f"; {name}={_quoted(value)}" for name, value in parameters.items())
    media = parse_media_type(written)
    assert f"{main}/{subtype}".lower() == media.essence
    assert tuple(parameters.items()) == media.parameters
    assert media == parse_media_type(written.encode("latin-1"))
    assert media.essence.encode() == essence(written.encode("latin-1"))


@given(st.text(max_size=40) | ODD)
@example("a/b; c=d")
@example("a")
def test_any_text_is_a_media_type_or_a_value_error(value: str):
    try:
        media = parse_media_type(value)
    except ValueError:
        return
    assert media.essence == value.partition(";")[0].strip(" \t").lower()


@given(st.none() | st.text(max_size=60) | ODD)
def test_any_accept_chooses_among_the_offers(accept: str | None):
    offers = ("text/html", "application/json", "a/b;x=1")
    assert negotiate(accept, offers) in {None, *offers}
    assert preferred_format(accept) in {"html", "json", "text"}


@given(st.permutations([("text/html", 0.9), ("application/json", 0.5), ("text/plain", 0.1), ("*/*", 0.05)]))
def test_the_order_of_the_members_does_not_count(members: list[tuple[str, float]]):
    accept = ", ".join(f"{kind};q={weight}" for kind, weight in members)
    offers = ("image/png", "text/plain", "application/json", "text/html")
    assert negotiate(accept, offers) == "text/html"
    assert negotiate(accept, offers[:1]) == "image/png"
    assert preferred_format(accept) == "html"


@given(st.text(max_size=20))
def test_any_filename_has_a_content_type(filename: str):
    assert parse_media_type(content_type_for(filename))
    assert parse_media_type(content_type_for(f"{filename}.html"))
