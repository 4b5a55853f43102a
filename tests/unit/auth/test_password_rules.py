"""Whether a new password is worth having."""

import pytest

from flasgo import password_problems

SHORT = "Use at least 15 characters."
FEW = "Use more different characters."
ROW = "Do not use neighbouring keys, letters or digits in a row."
COMMON = "This is one of the passwords that are tried first."
OWN = "Do not use your name, your address or the name of this site."


@pytest.mark.parametrize(
    "password",
    ["my cat eats bananas", "xkcd is fun to read!", "alice likes bananas", "Ünïcödé wörks fïne", "ab" * 5 + "cdzqwk93"],
)
def test_a_good_password_has_no_problems(password):
    assert password_problems(password, user_inputs=["Alice", "alice@example.org", "shop"]) == ()


@pytest.mark.parametrize(
    ("password", "problems"),
    [
        ("", (SHORT, FEW)),
        ("short one", (SHORT,)),
        ("password", (SHORT, COMMON)),
        ("passwordpassword", (COMMON,)),
        ("Passw0rd12345678", (COMMON,)),
        ("P@ssw0rdP@ssw0rd", (COMMON,)),
        ("letmeinletmeinletme", (COMMON,)),
        ("correct horse battery staple", (COMMON,)),
        ("aaaaaaaaaaaaaaaaaaaa", (FEW,)),
        ("abababababababab", (FEW,)),
        ("123456789012345", (ROW,)),
        ("qwertyuiopasdfghjkl", (ROW,)),
        ("zyxwvutsrqponmlkj", (ROW,)),
        ("alicealicealice", (OWN,)),
        ("4l1c34l1c34l1c3", (OWN,)),
        ("x" * 1025, ("Use at most 1024 characters.",)),
    ],
    ids=[str(number) for number in range(16)],
)
def test_what_is_wrong_is_said(password, problems):
    assert password_problems(password, user_inputs=["alice@example.org"]) == problems


def test_beside_a_second_factor_less_will_do():
    assert password_problems("k9#mPq2x", min_length=8) == ()
    assert password_problems("k9#mPq2", min_length=8) == ("Use at least 8 characters.",)
