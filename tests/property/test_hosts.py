"""Whatever a client writes into Host, the check gives a verdict, and what it accepts is what was allowed."""

from ipaddress import IPv6Address

from hypothesis import example, given
from hypothesis import strategies as st

from flasgo.http.hosts import AllowedHosts, host_name, host_port

LABELS = st.from_regex(r"\A[A-Za-z0-9_-]{1,20}\Z")
NAMES = st.lists(LABELS, min_size=1, max_size=5).map(".".join)
PORTS = st.integers(1, 65535)
CLEAN = frozenset("abcdefghijklmnopqrstuvwxyz0123456789-_.:")


@given(st.binary(max_size=300))
@example(b"[" * 255)
@example(b"[:" * 100 + b"]")
@example(b"a:" * 120)
def test_any_bytes_have_a_name_or_none_and_what_has_one_is_clean(host):
    name = host_name(host)
    assert name is None or (name.isascii() and name == name.lower() and not set(name) - CLEAN)
    assert (name in AllowedHosts(["*"])) == (name is not None)
    assert name not in AllowedHosts(["allowed.example"]) or name == "allowed.example"


@given(NAMES, NAMES)
def test_one_wrong_byte_makes_it_none(before, after):
    for byte in range(256):
        whole = before.encode() + bytes((byte,)) + after.encode()
        name = host_name(whole)
        assert name is None or chr(byte).lower() in CLEAN - {":"} or (byte == ord(":") and after.isdigit()), whole


@given(NAMES, PORTS, st.booleans())
def test_case_port_and_one_last_dot_do_not_matter(name, port, dot):
    written = name + "." * dot
    assert host_name(written.encode()) == host_name(f"{written.upper()}:{port}".encode()) == name.lower()
    assert host_port(f"{written}:{port}".encode()) == port


@given(st.ip_addresses(v=6), PORTS)
def test_addresses_are_compared_as_addresses(address, port):
    assert isinstance(address, IPv6Address)
    name = host_name(f"[{address.exploded}]:{port}".encode())
    assert name == host_name(f"[{address}]".encode())
    assert name in AllowedHosts([f"[{address.exploded.upper()}]"])
    assert name in AllowedHosts([str(address)])


@given(NAMES, NAMES)
def test_a_suffix_matches_what_is_below_it_and_nothing_beside_it(name, suffix):
    allowed = AllowedHosts([f".{suffix}"])
    below, beside = host_name(f"{name}.{suffix}".encode()), host_name(f"{name}{suffix}".encode())
    assert below is None or below in allowed
    if beside is not None:
        assert (beside in allowed) == beside.endswith(f".{suffix.lower()}")
    assert suffix.lower() not in AllowedHosts([f".{suffix}"]) or suffix.lower().endswith(f".{suffix.lower()}")
