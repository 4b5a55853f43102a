"""Whatever stands in forwarding headers, `resolve` answers; and the client is the right-most hop that is no proxy of ours."""

from ipaddress import ip_address, ip_network
from typing import Literal

from hypothesis import example, given
from hypothesis import strategies as st

from flasgo.events import SecurityLog
from flasgo.http.asgi import Scope
from flasgo.security.proxies import MAX_HOPS, TrustedProxies, parse_address

Family = Literal["x-forwarded", "forwarded"]
LOG = SecurityLog(enabled=False)
PROXIES = ["10.0.0.0/8", "2001:db8:ffff::/48"]
TRUSTED = {family: TrustedProxies(PROXIES, family, log=LOG) for family in ("x-forwarded", "forwarded")}
FAMILIES = st.sampled_from(["x-forwarded", "forwarded"])

NAMES = st.sampled_from([b"x-forwarded-for", b"x-forwarded-proto", b"x-forwarded-host", b"forwarded", b"host"])
NEARLY = st.lists(
    st.sampled_from([b"for=", b"10.0.0.1", b"6.6.6.6", b"[2001:db8::1]", b":80", b";", b",", b'"', b"\\", b" ", b"proto=https", b"_x", b"unknown"]),
    max_size=8,
).map(b"".join)  # fmt: skip
FIELDS = st.lists(st.tuples(NAMES, st.binary(max_size=60) | NEARLY), max_size=6)

OURS = st.ip_addresses(network="10.0.0.0/8") | st.ip_addresses(network="2001:db8:ffff::/48")
STRANGERS = (st.ip_addresses(v=4) | st.ip_addresses(v=6)).filter(
    lambda address: (
        not any(address in ip_network(entry) for entry in PROXIES) and getattr(address, "ipv4_mapped", None) is None
    )
)
GARBAGE = st.text("0123456789.:[]abc\"'=;_- \\\x1b", max_size=20)


def scope_of(headers: list[tuple[bytes, bytes]], client: tuple[str, int] | None = ("10.1.2.3", 5)) -> Scope:
    return {"type": "http", "scheme": "http", "client": client, "headers": headers}


@given(FIELDS, FAMILIES)
@example([(b"x-forwarded-for", b"10.0.0.1," * 5000)], "x-forwarded")
@example([(b"forwarded", b'for="' * 3000)], "forwarded")
@example([(b"forwarded", b"for=10.0.0.1," * 5000)], "forwarded")
@example([(b"x-forwarded-for", b"[" * 16000)], "x-forwarded")
def test_any_bytes_have_an_answer_that_is_well_formed(headers: list[tuple[bytes, bytes]], family: Family):
    scope = scope_of(headers)
    before = {**scope}
    resolved = TRUSTED[family].resolve(scope)
    assert scope == before
    assert resolved["scheme"] in {"http", "https"}
    client = resolved.get("client")
    assert client is None or str(ip_address(client[0])) == client[0]
    assert [name for name, _ in resolved["headers"]] == [name for name, _ in headers]
    changed = [new for new, old in zip(resolved["headers"], headers, strict=True) if new != old]
    assert all(name == b"host" for name, _ in changed)
    assert len(changed) <= 1


@given(FIELDS, FAMILIES, STRANGERS.map(str) | st.text(max_size=10))
def test_nothing_that_a_stranger_writes_counts(headers: list[tuple[bytes, bytes]], family: Family, peer: str):
    scope = scope_of(headers, (peer, 5))
    assert TRUSTED[family].resolve(scope) is scope


def spelled(address: object, family: str) -> str:
    text = f"[{address}]" if ":" in str(address) else str(address)
    return text if family == "x-forwarded" else f'for="{text}"'


@given(
    st.lists(GARBAGE | STRANGERS | OURS, max_size=4),
    STRANGERS,
    st.lists(OURS, max_size=6),
    FAMILIES,
    st.sampled_from([", ", ",", " ,\t"]),
    st.booleans(),
)
def test_the_client_is_the_right_most_hop_that_is_no_proxy_of_ours(
    forged, client, proxies, family: Family, comma, apart
):
    """What is forged stands to the left of what the proxies wrote; it may be in fields of its own."""
    written = [spelled(address, family) for address in (client, *proxies)]
    name = b"x-forwarded-for" if family == "x-forwarded" else b"forwarded"
    left = [str(each) for each in forged]
    if apart:
        fields = [(name, text.encode("latin-1")) for text in (comma.join(left), comma.join(written))]
    else:
        fields = [(name, comma.join([*left, *written]).encode("latin-1"))]
    resolved = TRUSTED[family].resolve(scope_of([(b"host", b"localhost"), *fields]))
    assert resolved.get("client") == (str(client), 0)


@given(st.lists(OURS, min_size=1, max_size=MAX_HOPS), FAMILIES)
def test_a_chain_of_our_own_ends_at_its_far_end(proxies, family: Family):
    name = b"x-forwarded-for" if family == "x-forwarded" else b"forwarded"
    value = ", ".join(spelled(address, family) for address in proxies).encode()
    assert TRUSTED[family].resolve(scope_of([(name, value)])).get("client") == (str(proxies[0]), 0)


@given(
    st.sampled_from(["http", "https"]), STRANGERS, st.lists(st.sampled_from(["http", "https", "gopher"]), max_size=3)
)
def test_scheme_and_host_are_those_of_the_hop_that_is_believed(scheme, client, forged):
    proto = ", ".join([*forged, scheme]).encode()
    headers = [(b"host", b"inner"), (b"x-forwarded-for", f"6.6.6.6, {client}".encode()), (b"x-forwarded-proto", proto)]
    hosts = (b"x-forwarded-host", b"evil.example, shop.example")
    resolved = TRUSTED["x-forwarded"].resolve(scope_of([*headers, hosts]))
    assert resolved["scheme"] == scheme
    assert (b"host", b"shop.example") in resolved["headers"]


@given(st.text(max_size=80) | GARBAGE)
@example("1.2.3.4%eth0")
@example("fe80::1%eth0")
@example("[" + "1" * 100 + "]")
def test_any_text_is_an_address_or_none(node: str):
    address = parse_address(node)
    assert address is None or parse_address(str(address)) == address
