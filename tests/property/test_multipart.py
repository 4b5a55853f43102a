"""Multipart: the round trip of any content, any cut of any body, any head, any file name."""

import unicodedata
from collections.abc import Callable
from itertools import pairwise

from hypothesis import assume, example, given
from hypothesis import strategies as st

from flasgo.errors import ContentTooLarge, MalformedBody
from flasgo.http.filenames import MAX_FILENAME_BYTES, safe_filename
from flasgo.http.formlimits import FormLimits, Parts
from flasgo.http.multipart import parse_multipart
from flasgo.http.parthead import PartHead, read_any_head, read_head
from flasgo.http.partreader import MultipartReader
from flasgo.testing.encode import encode_payload

LIMITS = FormLimits(max_part_header_bytes=100, max_part_headers=3, max_field_bytes=40, max_fields=3, max_files=2)

# What the grammar is made of, so that most bodies are nearly right.
WORDS = [
    b"--b",
    b"--",
    b"\r\n",
    b"\r",
    b"\n",
    b"\r\n--b\r\n",
    b"\r\n--b--\r\n",
    b"\r\n\r\n",
    b"a",
    b": ",
    b" ",
    b"\xff",
]
WORDS += [b'Content-Disposition: form-data; name="a"', b'; filename="x"', b"\r\nContent-Type: text/plain", b"x" * 90]
NEARLY = st.lists(st.sampled_from(WORDS), max_size=12).map(lambda words: b"--b\r\n" + b"".join(words))
PART = b'Content-Disposition: form-data; name="a"; filename="x"\r\n\r\n'
DATA = st.lists(st.one_of(st.sampled_from(WORDS), st.binary(max_size=20)), max_size=8).map(b"".join)
CUTS = st.lists(st.integers(0, 300), max_size=6)

# A percent sign is left out: nobody can tell a %22 that browsers made of '"' from one that was there.
NAME = st.text(st.characters(exclude_categories=["Cs", "Cc"], exclude_characters="%\\"), max_size=12)


def outcome(body: bytes, cuts: list[int]) -> Parts | None:
    """What these chunks are read as; None where they are refused."""
    reader = MultipartReader(b"b", LIMITS)
    places = [0, *sorted(cuts), len(body)]
    try:
        for start, end in pairwise(places):
            reader.feed(body[start:end])
        return reader.finish()
    except (MalformedBody, ContentTooLarge):
        return None


@given(NEARLY | DATA.map(lambda data: b"--b\r\n" + PART + data + b"\r\n--b--\r\n"))
@example(b"--b\r\n" + PART + b"\r\n--b--")
@example(b"--b\r\n" + PART + b"\r\n--b--\r\n\r\n")
@example(b"--b--\r\n")
def test_a_form_in_memory_is_read_as_one_that_comes_byte_by_byte(body: bytes):
    try:
        found = parse_multipart(b"b", body, LIMITS)
    except (MalformedBody, ContentTooLarge):
        found = None
    assert found == outcome(body, list(range(len(body))))


@given(NEARLY, CUTS)
@example(b'--b\r\n\nContent-Disposition: form-data; name="a"\r\n\r\n\r\n--b--\r\n', [6])
@example(b'--b\r\nContent-Disposition: form-data; name="a"\r\n\r\n\r\n--b--\r\n', [58])
def test_any_body_cut_anywhere_is_read_alike_or_refused(body: bytes, cuts: list[int]):
    assert outcome(body, []) == outcome(body, cuts) == outcome(body, list(range(len(body))))


@given(DATA, CUTS)
def test_any_content_comes_through_any_cut(data: bytes, cuts: list[int]):
    body = b"--b\r\n" + PART + data + b"\r\n--b--\r\n"
    assume(b"\r\n--b" not in b"\r\n" + data)
    parts = outcome(body, cuts)
    assert parts is not None
    assert [file.body for file in parts.files["a"]] == [data]


@given(st.lists(st.tuples(NAME, NAME)), st.lists(st.tuples(NAME, NAME.filter(bool), st.binary())))
def test_what_the_test_client_sends_is_read_back(fields: list[tuple[str, str]], files: list[tuple[str, str, bytes]]):
    payload = encode_payload(data=fields, files=[(name, (filename, body)) for name, filename, body in files])
    assert payload is not None
    assert payload.content_type is not None
    assert isinstance(payload.body, bytes)
    boundary = payload.content_type.partition("boundary=")[2].encode()
    parts = parse_multipart(boundary, payload.body, FormLimits())
    sent = sorted((name, value) for name, value in fields)
    assert sent == sorted((name, value) for name, values in parts.fields.items() for value in values)
    uploaded = [file for group in parts.files.values() for file in group]
    assert sorted(files) == sorted((file.name, file.raw_filename, file.body) for file in uploaded)


WORDS_OF_HEADS = [
    "Content-Disposition: ",
    "form-data",
    "; ",
    ";",
    'name="',
    "a",
    '"',
    'filename="',
    "\\",
    "%22",
    "é",
    "\t",
    " ",
]
WORDS_OF_HEADS += ["\r\n", "Content-Type: ", "text/plain", "multipart/", "x", "\x7f", "=", "*", "\0"]
HEADS = st.lists(st.sampled_from(WORDS_OF_HEADS), max_size=14).map("".join)
USUAL = st.from_regex(
    r'Content-Disposition: form-data; name="[^"\\]{0,5}"(; filename="[^"\\]{0,5}")?(\r\nContent-Type: [a-z]{1,9}/[a-z+]{1,9})?',
    fullmatch=True,
)


def read(head: bytes, reader: Callable[[bytes], PartHead]) -> PartHead | None:
    try:
        return reader(head)
    except MalformedBody:
        return None


@given(st.one_of(HEADS, USUAL))
@example('Content-Disposition: form-data; name="\x7f"')
@example('Content-Disposition: form-data; name="a"\r\nContent-Type: multipart/x')
@example('Content-Disposition: form-data; name="a"\r\nContent-Type: text/' + "x" * 1100)
def test_the_short_way_through_a_head_leads_to_the_same_place(head: str):
    raw = head.encode("utf-8", "surrogatepass")
    assert read(raw, read_any_head) == read(raw, read_head)


@given(st.binary(max_size=60))
def test_any_bytes_are_a_head_or_malformed(raw: bytes):
    read(b"Content-Disposition: form-data;" + raw, read_head)


@given(st.text(max_size=400))
@example("\u0340/..\\\u0341.")
@example("CON" + " " * 260 + ".txt")
@example("<\u0338")
@example("a" * 254 + ". b")
@example("." + "a" * 300)
@example("CON")
@example("x/nul.tar.gz")
@example("lpt9 .txt")
def test_any_file_name_becomes_one_harmless_name(raw: str):
    name = safe_filename(raw)
    assert 0 < len(name.encode()) <= MAX_FILENAME_BYTES
    assert not set(name) & set('/\\:*?"<>|\0\r\n')
    assert not {unicodedata.category(char) for char in name} & {"Cc", "Cf", "Cs", "Zl", "Zp"}
    assert name == name.strip(" .")
    assert name.partition(".")[0].strip(" ").upper() not in {"CON", "PRN", "AUX", "NUL", "COM1", "LPT9"}
    assert name == safe_filename(name)
