import pytest

from flasgo.security.csp import MARK, Nonces, prepared

NONCE = "'nonce-N'"


@pytest.mark.parametrize(
    ("policy", "expected"),
    [
        ("default-src 'self'", "default-src 'self'; script-src 'self' {n}; style-src 'self' {n}"),
        ("default-src 'none'", "default-src 'none'; script-src {n}; style-src {n}"),
        ("default-src", "default-src; script-src {n}; style-src {n}"),
        ("img-src *", "img-src *; script-src 'self' {n}; style-src 'self' {n}"),
        ("Script-Src cdn.example; style-src 'NONE'", "Script-Src cdn.example {n}; style-src {n}"),
        (
            "script-src 'self'; script-src-elem a.example; style-src 'self'; style-src-elem b.example",
            "script-src 'self' {n}; script-src-elem a.example {n}; style-src 'self' {n}; style-src-elem b.example {n}",
        ),
        (
            "script-src 'self'; script-src 'none'; style-src *",
            "script-src 'self' {n}; script-src 'none'; style-src * {n}",
        ),
        (
            ";; default-src  https: 'strict-dynamic' ;upgrade-insecure-requests;",
            (
                "default-src https: 'strict-dynamic'; upgrade-insecure-requests; "
                "script-src https: 'strict-dynamic' {n}; style-src https: 'strict-dynamic' {n}"
            ),
        ),
        (
            "script-src a; style-src b, default-src 'self'",
            "script-src a {n}; style-src b {n}, default-src 'self'; script-src 'self' {n}; style-src 'self' {n}",
        ),
        ("", ""),
    ],
)
def test_the_nonce_joins_the_sources_of_scripts_and_styles(policy, expected):
    assert prepared(policy.encode()).replace(MARK, b"N").decode() == expected.format(n=NONCE)


def test_it_refuses_nothing():
    stage = Nonces([])
    assert stage.compile(None) is stage.compile(None)
    assert stage.rejections(None) == ()
