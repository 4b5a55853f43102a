import os
from pathlib import Path

import pytest

from flasgo.cli.environment import read_env_file
from flasgo.errors import ConfigurationError


@pytest.fixture(autouse=True)
def environment(monkeypatch):
    monkeypatch.setattr(os, "environ", {"TAKEN": "already"})


def variables():
    return {name: value for name, value in os.environ.items() if not name.startswith("PYTEST")}


def test_the_file_in_the_working_directory_is_read_without_overriding(project):
    project.write(".env", 'FLASGO_DEBUG=true\nOTHER="two words" # comment\nTAKEN=file\nexport MORE=${OTHER}!\n')
    read_env_file(None)
    assert variables() == {
        "FLASGO_DEBUG": "true",
        "OTHER": "two words",
        "TAKEN": "already",
        "MORE": "two words!",
    }


def test_without_that_file_nothing_happens_and_a_folder_of_its_name_is_none(project):
    read_env_file(None)
    project.write(".env/bin/python")
    read_env_file(None)
    assert variables() == {"TAKEN": "already"}


def test_a_named_file_replaces_it_and_may_begin_with_a_byte_order_mark(project):
    project.write(".env", "A=1")
    project.write("production.env", "\ufeffB=2")
    read_env_file(Path("production.env"))
    assert variables() == {"TAKEN": "already", "B": "2"}


def test_a_named_file_that_is_missing_is_told(project):
    with pytest.raises(ConfigurationError, match=r"^There is no environment file 'nowhere\.env': check --env-file\.$"):
        read_env_file(Path("nowhere.env"))


def test_a_file_that_cannot_be_read_is_told(project):
    project.write("folder/file")
    with pytest.raises(ConfigurationError, match=r"^The environment file 'folder' cannot be read: Is a directory\.$"):
        read_env_file(Path("folder"))
    project.write("latin.env").write_bytes(b"NAME=M\xfcller")
    with pytest.raises(ConfigurationError, match=r"^The environment file 'latin\.env' .*: it is not UTF-8 text\.$"):
        read_env_file(Path("latin.env"))
