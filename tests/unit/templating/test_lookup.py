import os

import pytest

from flasgo import SecureTemplateLoader, TemplateNotFound, create_template_environment
from flasgo.templating import lookup
from flasgo.templating.lookup import Folders, Refused


@pytest.fixture
def folder(tmp_path):
    place = tmp_path / "templates"
    (place / "deep").mkdir(parents=True)
    (place / "a.html").write_text("a")
    (place / "deep" / "b.html").write_text("b")
    (place / ".hidden").write_text("h")
    (tmp_path / "outside.html").write_text("secret")
    (tmp_path / "templates-next").mkdir()
    (tmp_path / "templates-next" / "x.html").write_text("secret")
    return place


@pytest.mark.parametrize("name", ["a.html", "./a.html", "deep//b.html", "deep\\b.html", ".hidden"])
def test_names_inside_are_found(folder, name):
    assert Folders(folder, max_bytes=10).read(name).text in {"a", "b", "h"}


@pytest.mark.parametrize(
    "name",
    [
        "",
        ".",
        "/",
        "/a.html",
        "\\a.html",
        "../outside.html",
        "..\\outside.html",
        "deep/../a.html",
        "deep/../../outside.html",
        "C:a.html",
        "C:\\a.html",
        "deep/C:/x",
        "a.html\0",
        "a\r\n.html",
        "a\x1b.html",
        "../templates-next/x.html",
        "x" * 2000,
        "none.html",
        "a.html/b",
        "deep",
    ],
)
def test_names_outside_and_names_of_nothing_are_refused(folder, name):
    with pytest.raises(Refused):
        Folders(folder, max_bytes=10).read(name)


def test_symlinks_that_lead_out_are_refused(folder, tmp_path):
    (folder / "out.html").symlink_to(tmp_path / "outside.html")
    (folder / "out").symlink_to(tmp_path / "templates-next")
    (folder / "self").symlink_to(folder)
    (folder / "broken.html").symlink_to(folder / "nothing.html")
    (folder / "inside.html").symlink_to(folder / "deep" / "b.html")
    folders = Folders(folder, max_bytes=10)
    for name in ("out.html", "out/x.html", "self", "broken.html"):
        with pytest.raises(Refused):
            folders.read(name)
    assert folders.read("inside.html").text == "b"


def test_a_folder_that_is_replaced_while_it_is_read_is_noticed(folder, tmp_path, monkeypatch):
    folders = Folders(folder, max_bytes=10)
    opened = os.open

    def swap(path, flags):
        descriptor = opened(path, flags)
        (folder / "deep").rename(folder / "gone")
        (folder / "deep").symlink_to(tmp_path / "templates-next")
        return descriptor

    monkeypatch.setattr(lookup.os, "open", swap)
    with pytest.raises(Refused, match="it has moved"):
        folders.read("deep/b.html")


def test_what_is_no_text_file_is_refused(folder):
    (folder / "large.html").write_text("x" * 11)
    (folder / "latin.html").write_bytes(b"\xe9")
    os.mkfifo(folder / "fifo.html")
    folders = Folders(folder, max_bytes=10)
    for name, reason in (("large.html", "larger than 10 bytes"), ("latin.html", "not utf-8"), ("fifo.html", "no file")):
        with pytest.raises(Refused, match=reason):
            folders.read(name)
    assert Folders(folder, max_bytes=10, encoding="latin-1").read("latin.html").text == "é"


def test_folders_are_searched_in_their_order(folder, tmp_path):
    (tmp_path / "templates-next" / "a.html").write_text("next")
    folders = Folders([str(folder), tmp_path / "templates-next"], max_bytes=10)
    assert folders.read("a.html").text == "a"
    assert folders.read("x.html").text == "secret"
    folders.add(folder)
    assert len(folders.roots) == 2


@pytest.mark.parametrize(("folders", "limit"), [((), 1), ("nowhere", 1), (["."], 0), (["."], -1)])
def test_folders_that_are_none_are_refused(folders, limit):
    with pytest.raises(ValueError, match=r"folder|positive"):
        Folders(folders, max_bytes=limit)


def test_a_source_knows_whether_it_is_current(folder):
    source = Folders(folder, max_bytes=10).read("a.html")
    assert source.is_current()
    (folder / "a.html").write_text("changed")
    assert not source.is_current()
    (folder / "a.html").unlink()
    assert not source.is_current()


def test_the_loader_is_jinja_s(folder):
    loader = SecureTemplateLoader(folder)
    text, file, current = loader.get_source(None, "deep/b.html")
    assert (text, file) == ("b", str(folder / "deep" / "b.html"))
    assert current()
    assert loader.list_templates() == [".hidden", "a.html", "deep/b.html"]
    with pytest.raises(TemplateNotFound, match=r"There is no template '\.\./outside\.html'"):
        loader.get_source(None, "../outside.html")
    environment = create_template_environment(folder)
    assert isinstance(environment.loader, SecureTemplateLoader)
    assert not environment.auto_reload
