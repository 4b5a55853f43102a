from hypothesis import given
from hypothesis import strategies as st

from flasgo.security.csp import MARK, prepared

names = st.sampled_from(
    ["default-src", "script-src", "style-src", "Script-Src", "script-src-elem", "style-src-elem", "img-src", "sandbox"]
)
sources = st.lists(
    st.sampled_from(["'self'", "'none'", "'unsafe-inline'", "https:", "cdn.example", "'sha256-abc='"]), max_size=4
)
policies = st.lists(st.tuples(names, sources), max_size=6)
NONCE = "'nonce-N'"


def written(policy):
    return "; ".join(" ".join((name, *of)) for name, of in policy)


def read(text):
    """Directive → sources, the first of each name, as browsers do."""
    found = {}
    for piece in text.split(";"):
        name, *of = piece.split() or [""]
        if name:
            found.setdefault(name.lower(), of)
    return found


def with_nonce(text):
    return prepared(text.encode()).replace(MARK, b"N").decode("latin-1")


@given(policies)
def test_scripts_and_styles_with_the_nonce_run_and_nothing_else_changes(policy):
    before = read(written(policy))
    after = read(with_nonce(written(policy)))
    if not before:
        assert after == {}
        return
    for kind in ("script-src", "style-src"):
        default = before.get("default-src", ["'self'"])
        assert after[kind] == [source for source in before.get(kind, default) if source != "'none'"] + [NONCE]
        finer = f"{kind}-elem"
        if finer in before:
            assert after[finer] == [source for source in before[finer] if source != "'none'"] + [NONCE]
    touched = {"script-src", "style-src", "script-src-elem", "style-src-elem"}
    assert {name: of for name, of in after.items() if name not in touched} == {
        name: of for name, of in before.items() if name not in touched
    }


@given(st.binary().filter(lambda value: MARK not in value))
def test_whatever_a_policy_is_nothing_raises_and_no_line_begins(value):
    assert prepared(value.replace(b"\r", b"").replace(b"\n", b"")).count(b"\n") == 0
