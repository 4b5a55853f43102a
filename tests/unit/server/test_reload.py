import py_compile
import socket
import sys
from pathlib import Path
from threading import Event, Thread
from types import ModuleType

import pytest
import watchfiles

from flasgo.errors import ConfigurationError
from flasgo.server import reload
from flasgo.server.reload import program_directories, reload_on_edit, watched_directories

EDIT = {(watchfiles.Change.modified, str(Path.cwd() / "app.py"))}
TICK: set[tuple[watchfiles.Change, str]] = set()


class FakeChild:
    """A child whose exit statuses are scripted: one list for each start, one entry for each look."""

    scripts: list[list[int | None]] = []
    started: list["FakeChild"] = []

    def __init__(self, listener, environment):
        self.environment = environment
        self.script = self.scripts.pop(0) if self.scripts else []
        self.ended_with_grace = None
        self.started.append(self)

    def status(self):
        return self.script.pop(0) if self.script else None

    def end(self, grace):
        self.ended_with_grace = grace


@pytest.fixture
def supervise(monkeypatch):
    """Run the supervisor over scripted edits; returns its exit status."""
    monkeypatch.setattr(reload, "Child", FakeChild)
    monkeypatch.setattr(FakeChild, "scripts", [])
    monkeypatch.setattr(FakeChild, "started", [])

    def run(*edits, statuses=(), watch=None):
        FakeChild.scripts[:] = [list(script) for script in statuses]
        monkeypatch.setattr(watchfiles, "watch", lambda *paths, **options: watch or iter(edits))
        with socket.socket() as listener:
            return reload_on_edit(listener, [Path.cwd()], {"A": "1"})

    return run


def test_one_child_serves_until_the_supervisor_is_stopped(supervise):
    assert supervise(TICK, TICK) == 0
    (child,) = FakeChild.started
    assert child.environment == {"A": "1"}
    assert child.ended_with_grace == reload._KILL_AFTER


def test_every_edit_ends_the_child_and_starts_another(supervise, capsys):
    assert supervise(TICK, EDIT, TICK, EDIT) == 0
    assert len(FakeChild.started) == 3
    assert all(child.ended_with_grace is not None for child in FakeChild.started)
    assert capsys.readouterr().err == "flasgo: app.py changed, starting again\n" * 2


def test_what_python_compiled_from_an_edited_file_is_forgotten(supervise, tmp_path):
    """Python compares size and whole seconds only: a quick second edit would not be seen."""
    edited, other = tmp_path / "edited.py", tmp_path / "other.py"
    for source in (edited, other):
        source.write_text("answer = 'one'")
        py_compile.compile(str(source))
    assert (
        supervise({(watchfiles.Change.modified, str(edited)), (watchfiles.Change.added, str(tmp_path / "new.py"))}) == 0
    )
    assert [path.name.split(".")[0] for path in tmp_path.glob("__pycache__/*")] == ["other"]


def test_a_broken_edit_waits_for_the_next_one(supervise, capsys):
    assert supervise(EDIT, TICK, TICK, EDIT, TICK, statuses=[[], [1, 1], [None]]) == 0
    assert len(FakeChild.started) == 3
    assert capsys.readouterr().err.splitlines() == [
        "flasgo: app.py changed, starting again",
        "flasgo: the server ended with status 1; waiting for an edit",
        "flasgo: app.py changed, starting again",
    ]


@pytest.mark.parametrize("status", [2, 3])
def test_a_program_that_cannot_start_the_first_time_ends_the_supervisor_with_its_status(supervise, status):
    assert supervise(TICK, EDIT, statuses=[[status]]) == status
    assert len(FakeChild.started) == 1


@pytest.mark.parametrize("status", [2, 3])
def test_after_an_edit_it_does_not(supervise, status):
    assert supervise(EDIT, TICK, TICK, statuses=[[], [status]]) == 0


def test_a_crash_waits_for_an_edit(supervise, capsys):
    assert supervise(TICK, EDIT, statuses=[[-11]]) == 0
    assert "ended with status -11; waiting for an edit" in capsys.readouterr().err
    assert len(FakeChild.started) == 2


def test_a_child_that_ended_on_purpose_ends_the_supervisor(supervise):
    assert supervise(EDIT, TICK, EDIT, statuses=[[], [0]]) == 0
    assert len(FakeChild.started) == 2


def test_folders_that_cannot_be_watched_are_an_error_with_a_cure_and_the_child_ends(supervise):
    def failing():
        raise OSError("OS file watch limit reached")
        yield

    with pytest.raises(ConfigurationError, match=r"Cannot watch .*limit reached.*WATCHFILES_FORCE_POLLING"):
        supervise(watch=failing())
    assert FakeChild.started[0].ended_with_grace is not None


def test_a_real_edit_is_seen_and_an_unrelated_file_is_not(tmp_path):
    stop = Event()
    seen = []
    watcher = reload._edits((tmp_path,), stop)
    assert next(watcher) == set(), "a tick: the watcher runs"
    (tmp_path / "notes.txt").write_text("x")
    (tmp_path / "app.py").write_text("x")

    def collect():
        seen.extend(changes for changes in watcher if changes)

    thread = Thread(target=collect)
    thread.start()
    while not seen and thread.is_alive():
        thread.join(0.05)
    stop.set()
    thread.join(10)
    assert seen == [{tmp_path / "app.py"}]


@pytest.mark.parametrize(
    "path",
    [
        "app.py",
        "package/views.py",
        "templates/page.html",
        "t/a.jinja2",
        "static/site.css",
        ".env",
        "settings.toml",
        "data.json",
    ],
)
def test_sources_templates_and_configuration_are_watched(path):
    assert reload._filter()(watchfiles.Change.modified, f"/project/{path}")


@pytest.mark.parametrize(
    "path",
    [
        *(
            "__pycache__/app.cpython-311.pyc",
            ".venv/lib/module.py",
            "venv/lib/python3.11/site-packages/module.py",
            ".git/config.toml",
        ),
        *(
            "node_modules/lib/index.js",
            ".mypy_cache/a.json",
            ".ruff_cache/b.json",
            "database.sqlite3",
            "server.log",
            "upload.png",
            ".#app.py",
        ),
    ],
)
def test_environments_caches_and_data_are_not(path):
    assert not reload._filter()(watchfiles.Change.modified, f"/project/{path}")


def test_named_folders_replace_the_default(tmp_path):
    assert watched_directories([str(tmp_path)], [Path("/")]) == (tmp_path,)


def test_without_names_the_default_is_watched_and_what_lies_inside_another_only_once(tmp_path):
    inner = tmp_path / "inner"
    inner.mkdir()
    assert watched_directories(None, [inner, tmp_path, tmp_path]) == (tmp_path,)
    assert watched_directories((), [inner]) == (inner,)


def test_a_name_that_is_no_folder_is_an_error(tmp_path):
    file = tmp_path / "app.py"
    file.touch()
    with pytest.raises(ConfigurationError, match=r"app\.py' is not a folder"):
        watched_directories([file], [])
    with pytest.raises(ConfigurationError, match=r"missing' does not exist"):
        watched_directories([tmp_path / "missing"], [])


@pytest.fixture
def main(monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    module = ModuleType("__main__")
    monkeypatch.setitem(sys.modules, "__main__", module)
    return module


@pytest.mark.parametrize(
    ("package", "file", "expected"),
    [
        (None, "/elsewhere/app.py", "/elsewhere"),
        ("", "/elsewhere/app.py", "/elsewhere"),
        ("site", "/elsewhere/site/__main__.py", "/elsewhere"),
        ("site.web", "/elsewhere/site/web/__main__.py", "/elsewhere"),
    ],
)
def test_a_program_is_watched_where_it_is_imported_from_and_in_the_working_directory(
    main, tmp_path, package, file, expected
):
    main.__package__ = package
    main.__file__ = file
    assert program_directories() == (tmp_path, Path(expected))


def test_a_program_of_one_line_is_watched_in_the_working_directory(main, monkeypatch, tmp_path):
    monkeypatch.setattr(sys, "orig_argv", ["python", "-c", "…"])
    assert program_directories() == (tmp_path,)


@pytest.mark.parametrize("file", [None, "<stdin>"])
def test_what_is_typed_or_piped_cannot_be_started_again(main, monkeypatch, file):
    monkeypatch.setattr(sys, "orig_argv", ["python"])
    main.__file__ = file
    with pytest.raises(ConfigurationError, match="save it as a file, or pass `reload=False`"):
        program_directories()


def test_many_changed_files_are_counted_and_files_elsewhere_have_their_whole_path(monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    here = {tmp_path / name for name in ("a.py", "b.py", "c.py", "d.py", "e.py")}
    assert reload._names(here) == "a.py, b.py, c.py and 2 more"
    assert reload._names({Path("/elsewhere/a.py")}) == "/elsewhere/a.py"
