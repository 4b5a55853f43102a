"""Settings under arbitrary input: SettingsError or settings that hold, never another exception, never a secret shown."""

import contextlib
import copy
import pickle
from collections.abc import Callable

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from flasgo.errors import SettingsError
from flasgo.settings import Settings, load_settings
from flasgo.settings_sources import near_miss, shown

NAMES = st.sampled_from(Settings.__struct_fields__)
ANY_TEXT = st.text(st.characters(), max_size=40)  # lone surrogates included
SCALARS = st.none() | st.booleans() | st.integers() | st.floats() | ANY_TEXT | st.binary(max_size=8)
VALUES = st.recursive(
    SCALARS | st.frozensets(ANY_TEXT, max_size=3),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(ANY_TEXT | st.integers(), inner, max_size=3),
    max_leaves=5,
)
LABELS = st.text("abz09-_", min_size=1, max_size=9)
HOSTS = st.builds(
    "{}{}.{}{}".format, st.sampled_from(["", ".", "*."]), LABELS, LABELS, st.sampled_from(["", ":80", "."])
)
KEYS = st.uuids().map("kéy\"'\\-{}".format)
VALID = st.fixed_dictionaries(
    {},
    optional={
        "DEBUG": st.booleans(),
        "SECRET_KEY": KEYS,
        "ALLOWED_HOSTS": st.lists(HOSTS, max_size=4) | st.frozensets(HOSTS, max_size=4),
        "SYNC_THREADS": st.integers(1, 1000),
        "REQUEST_READ_TIMEOUT_SECONDS": st.floats(0, 3600, exclude_min=True) | st.integers(1, 3600),
        "SESSION_COOKIE_SAME_SITE": st.sampled_from(["Lax", "Strict", "None"]),
        "SECURITY_HEADERS": st.dictionaries(LABELS.map("X-{}".format), LABELS, max_size=3),
        "API_TITLE": st.text(st.characters(codec="utf-8"), max_size=20),
        "EXTRA": st.dictionaries(LABELS.map("OWN_{}_X".format), SCALARS, max_size=3),
    },
)


@given(st.dictionaries(NAMES | ANY_TEXT | st.integers(), VALUES, max_size=6))
def test_any_mapping_gives_settings_that_hold_or_settings_error(values: dict[str, object]) -> None:
    with contextlib.suppress(SettingsError):
        settings = load_settings(values)
        assert load_settings(settings) == settings


@given(VALUES)
def test_any_value_is_a_source_or_settings_error(source: object) -> None:
    with contextlib.suppress(SettingsError):
        assert isinstance(load_settings(source), Settings)


@given(st.dictionaries(NAMES.map("FLASGO_{}".format) | ANY_TEXT, ANY_TEXT, max_size=6))
def test_any_environment_gives_settings_that_hold_or_settings_error(environ: dict[str, str]) -> None:
    with contextlib.suppress(SettingsError):
        settings = Settings.from_env(environ)
        assert load_settings(settings) == settings


@given(NAMES.filter(lambda name: name != "EXTRA"), st.builds(object))
def test_every_problem_is_one_line_that_names_its_setting(name: str, value: object) -> None:
    with pytest.raises(SettingsError) as caught:
        load_settings({name: value})
    (problem,) = caught.value.problems
    assert problem.startswith(f"{name} must be ")
    assert problem.isprintable()


@given(VALID)
def test_what_is_valid_is_kept_copied_and_loaded_alike(values: dict[str, object]) -> None:
    settings = load_settings(values)
    assert load_settings(settings) == settings
    for other in (copy.copy(settings), copy.deepcopy(settings), pickle.loads(pickle.dumps(settings))):
        assert other.SECRET_KEY == settings.SECRET_KEY
        assert other.SECURITY_HEADERS == settings.SECURITY_HEADERS
        assert other.secret_key_is_random is ("SECRET_KEY" not in values)


@given(KEYS, st.sampled_from(["STRIPE_KEY", "api_token", "DB_PASSWORD", "AUTH", "Credentials", "CLIENT_SECRET"]))
def test_a_secret_is_never_shown(secret: str, name: str) -> None:
    settings = load_settings({name: secret, "NESTED": [{name: secret}], "EXTRA": {"DEEP": {name: (secret,)}}})
    settings = msgspec.structs.replace(settings, SECRET_KEY=secret)
    for text in (repr(settings), repr(settings.redacted()), repr(settings.__rich_repr__())):
        assert secret not in text
        assert repr(secret)[1:-1] not in text


@given(st.text("jqwxz", min_size=8, max_size=31))
def test_a_refused_secret_is_never_shown(secret: str) -> None:
    with pytest.raises(SettingsError) as caught:
        load_settings({"SECRET_KEY": secret})
    assert len(caught.value.problems) == 1
    assert secret not in str(caught.value)


@given(NAMES, st.data())
def test_two_swapped_neighbours_of_a_long_word_are_recognised(name: str, data: st.DataObject) -> None:
    words = [word for word in name.split("_") if len(word) > 3]
    if not words:
        return
    word = data.draw(st.sampled_from(words))
    at = data.draw(st.integers(0, len(word) - 2))
    slip = name.replace(word, word[:at] + word[at + 1] + word[at] + word[at + 2 :], 1)
    assert near_miss(slip, Settings.__struct_fields__) is not None


@given(ANY_TEXT)
def test_names_in_messages_are_bounded_and_on_one_line(text: str) -> None:
    assert shown(text).isprintable()
    assert len(shown(text)) <= 700


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("ALLOWED_HOSTS", ["a." * 100_000]),
        ("ALLOWED_HOSTS", ["a" * 200_000 + ":"]),
        ("CSRF_TRUSTED_ORIGINS", ["://" * 60_000]),
        ("SECURITY_HEADERS", {"x-a": " " * 200_000 + "a"}),
        ("SECURITY_HEADERS", {"x-a": "a" + " " * 200_000}),
        ("SECRET_KEY", "changem" * 30_000),
        ("DOCS_PATH", "/" + "a" * 200_000 + " "),
        ("_".join("A" * 100_000), 1),
        ("A" * 200_000, 1),
    ],
    ids=range(9),
)
def test_no_input_takes_more_than_linear_time(
    name: str, value: object, costs_at_most: Callable[[float, Callable[[], object]], None]
) -> None:
    """200 kB in much less than the seconds that a quadratic scan of them would take."""

    def load() -> None:
        with contextlib.suppress(SettingsError):
            load_settings({name: value})

    costs_at_most(0.5, load)
