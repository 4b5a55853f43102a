from urllib.parse import urljoin, urlsplit

from hypothesis import example, given
from hypothesis import strategies as st

from flasgo import UnsafeRedirect, is_safe_redirect_target, redirect

HERE = "https://shop.example/account/login"

pieces = st.lists(
    st.one_of(
        st.sampled_from(
            [
                *"/\\:@?#.[];\t\x00 ",
                "..",
                "//",
                "https:",
                "http://",
                "javascript:",
                "evil.example",
                "shop.example",
                "%2f",
                "%5c",
                "\r\n",
                "／",
                "＼",
                "：",
                "。",
                "\u2028",
                "\u200b",
                "\ufeff",
            ]
        ),
        st.text(max_size=3),
    ),
    max_size=8,
).map("".join)


def as_a_browser(location):
    """What a browser makes of a Location (WHATWG URL §4.4): controls and outer spaces go, a backslash is a slash."""
    text = location.strip("".join(map(chr, range(0x21))))
    text = "".join(c for c in text if c not in "\t\r\n").replace("\\", "/")
    head = text.partition(":")[0].lower()
    if head in {"http", "https"} and ":" in text:
        text = f"{head}://" + text.partition(":")[2].lstrip("/")
    elif text.startswith("//"):
        text = "//" + text.lstrip("/")
    return urlsplit(urljoin(HERE, text))


@given(pieces)
@example("/\\evil.example")
@example("https:evil.example")
@example("///evil.example")
@example("/\t/evil.example")
def test_what_is_called_safe_stays_on_the_site_in_every_browser(target):
    """Outside a request, only this site's own paths are."""
    if is_safe_redirect_target(target):
        for form in (target, redirect(target).location):
            url = as_a_browser(form)
            assert (url.scheme, url.netloc) == ("https", "shop.example"), form


@given(st.one_of(pieces, st.text()), st.booleans())
def test_a_redirect_has_a_location_that_can_be_sent_or_is_refused(target, allow_external):
    try:
        location = redirect(target, allow_external=allow_external).location
    except UnsafeRedirect:
        assert not is_safe_redirect_target(target) or len(target) > 600
        return
    assert location is not None
    assert location.isascii()
    assert location.isprintable()
    assert " " not in location
    assert len(location) <= 2048
