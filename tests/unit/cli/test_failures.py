from pathlib import Path

import pytest

from flasgo.cli import failures
from flasgo.cli.failures import last_lines, users_code
from flasgo.errors import ConfigurationError


def test_only_the_last_frames_of_the_users_traceback_are_shown():
    def countdown(left):
        return one_more(left - 1)

    def one_more(left):
        if left < 0:
            raise KeyError("DATABASE_URL")
        return countdown(left)

    with pytest.raises(ConfigurationError) as error, users_code("It failed"):
        countdown(20)
    lines = last_lines(error.value)
    assert lines.startswith("Traceback (most recent call last):\n")
    assert lines.count("  File ") == 8
    assert lines.endswith("KeyError: 'DATABASE_URL'\n")


def test_a_sentence_without_cause_has_no_traceback():
    assert last_lines(ConfigurationError("no")) == ""


def test_an_application_that_is_installed_is_named_by_its_own_last_line(monkeypatch):
    monkeypatch.setattr(failures, "_LIBRARIES", (str(Path(__file__).parent),))
    with pytest.raises(ConfigurationError, match=r"test_failures\.py:\d+: flasgo says no$"), users_code("It failed"):
        raise ConfigurationError("flasgo says no")


def test_a_module_that_is_no_code_of_the_user_has_no_place(monkeypatch):
    monkeypatch.setattr(failures, "_OURS", ("/",))
    with (
        pytest.raises(ConfigurationError, match=r"^It failed: ImportError: undefined symbol\. Check"),
        users_code("It failed"),
    ):
        raise ImportError("undefined symbol")
