"""What holds for any input, and not only for the examples of the other files."""

import multipart
from hypothesis import given, settings
from hypothesis import strategies as st

from flasgo.testing.encode import encode_payload
from flasgo.testing.jar import parse_date, parse_set_cookie
from flasgo.testing.message import compose
from flasgo.testing.target import Target, parse_target

BASE = Target("http", "localhost", 80)
LATIN = st.text(st.characters(max_codepoint=255))


NAMES = st.text(
    st.characters(exclude_categories=["Cc", "Cs"], exclude_characters="%\\", include_characters='\r\n"'), min_size=1
)


@settings(max_examples=50)
@given(
    fields=st.lists(st.tuples(NAMES, st.binary()), max_size=5),
    files=st.lists(st.tuples(NAMES, NAMES, st.binary()), max_size=5),
)
def test_any_multipart_body_is_read_back_by_a_strict_parser(fields, files):
    payload = encode_payload(data=fields, files=[(name, (filename, content)) for name, filename, content in files])
    assert payload is not None
    assert isinstance(payload.body, bytes)
    boundary = str(payload.content_type).partition("boundary=")[2]
    heads: list[tuple[str, str | None]] = []
    contents: list[bytes] = []
    with multipart.PushMultipartParser(boundary, max_header_size=100_000, strict=True) as parser:
        for event in (*parser.parse(payload.body), *parser.parse(b"")):
            if isinstance(event, multipart.MultipartSegment):
                heads.append((event.name, event.filename))
                contents.append(b"")
            elif event:
                contents[-1] += bytes(event)
    assert heads == [(name, None) for name, _ in fields] + [(name, filename) for name, filename, _ in files]
    assert contents == [value for *_, value in fields] + [content for *_, content in files]


@given(LATIN)
def test_no_set_cookie_header_makes_the_jar_fail(header):
    parse_set_cookie(header, BASE, 0.0)
    parse_set_cookie(f"a=b; Expires={header}", BASE, 0.0)
    parse_date(header)


@given(st.text(st.characters(exclude_categories=["Cs"])))
def test_any_path_makes_a_request_line(path):
    target = parse_target(f"/{path}", base=BASE, scheme=None, root_path="")
    line = f"{target.raw_path}?{target.query}"
    assert line.isascii()
    assert not any(character.isspace() or ord(character) < 0x21 or character == "\x7f" for character in line)


@given(LATIN)
def test_no_location_makes_the_client_fail_otherwise_than_with_a_runtime_error(location):
    outgoing = compose("GET", "/a/b", base=BASE, root_path="", defaults=())
    try:
        following = outgoing.redirected(302, location)
    except RuntimeError:
        return
    assert str(following.target).isascii()
