import copy

import pytest

from flasgo import file_response
from flasgo.file_response import FileResponse, disposition


@pytest.mark.parametrize(
    ("name", "attachment", "line"),
    [
        ("a.txt", True, 'attachment; filename="a.txt"'),
        ("a.txt", False, 'inline; filename="a.txt"'),
        ("a;b.txt", True, 'attachment; filename="a;b.txt"'),
        ('"', True, "attachment; filename=\"_\"; filename*=UTF-8''%22"),
        ("\\", True, "attachment; filename=\"_\"; filename*=UTF-8''%5C"),
        ("\r\n\0", True, 'attachment; filename="___"'),
        ("\u202egpj.exe", True, 'attachment; filename="_gpj.exe"'),
        ("é", True, "attachment; filename=\"_\"; filename*=UTF-8''%C3%A9"),
        ("\udcff", True, 'attachment; filename="_"'),
    ],
)
def test_a_name_is_said_in_ascii_and_in_full(name, attachment, line):
    assert disposition(name, attachment=attachment) == line


def test_nothing_is_opened_before_it_is_sent(tmp_path):
    response = FileResponse(tmp_path / "missing.css", headers={"x-a": "1"}, status_code=201)
    assert (response.content_type, response.status_code) == ("text/css; charset=utf-8", 201)
    assert response.headers["x-a"] == "1"
    assert repr(response) == "<FileResponse 201 text/css; charset=utf-8>"


def test_a_copy_is_of_the_same_file(tmp_path):
    response = FileResponse(tmp_path / "a.txt", as_attachment=True)
    twin = copy.copy(response)
    assert (type(twin), twin.path) == (FileResponse, response.path)
    twin.headers["x-a"] = "1"
    assert "x-a" not in response.headers


def test_a_status_that_is_not_final_is_refused(tmp_path):
    with pytest.raises(ValueError, match="is not a final HTTP status"):
        FileResponse(tmp_path, status_code=99)


def test_small_pieces_are_sent_together_and_none_is_lost():
    pieces = [b"a" * 3, b"", b"b" * file_response.PIECE, b"c", b"d"]
    joined = list(file_response._joined(iter(pieces)))
    assert joined == [b"aaa", b"b" * file_response.PIECE, b"cd"]
