"""Which addresses and names may be reached; the same under every Python."""

from ipaddress import IPv4Address, IPv6Address, ip_address

import pytest

from flasgo.outbound.addresses import Reach, verdict_of, verdict_of_name


@pytest.mark.parametrize(
    "address",
    [
        "1.1.1.1",
        "8.8.8.8",
        "93.184.216.34",
        "9.255.255.255",
        "11.0.0.0",
        "100.63.255.255",
        "100.128.0.0",
        "126.255.255.255",
        "128.0.0.0",
        "168.63.129.15",
        "168.63.129.17",
        "169.253.255.255",
        "169.255.0.0",
        "172.15.255.255",
        "172.32.0.0",
        "192.0.1.0",
        "192.88.98.255",
        "192.88.100.0",
        "192.167.255.255",
        "192.169.0.0",
        "198.17.255.255",
        "198.20.0.0",
        "223.255.255.255",
        "192.31.196.1",  # AS112, globally reachable
        "2000::1",
        "2001:200::1",
        "2001:4860:4860::8888",
        "2606:4700:4700::1111",
        "2001:db7:ffff::1",
        "2001:db9::1",
        "2001:ffff::1",
        "2003::1",
        "3ffe:ffff::1",
        "3fff:1000::1",
        "::ffff:8.8.8.8",
        "64:ff9b::8.8.8.8",
    ],
)
def test_a_public_address_may_be_reached(address: str):
    assert verdict_of(ip_address(address)).reach is Reach.PUBLIC


@pytest.mark.parametrize(
    "address",
    [
        "10.0.0.0",
        "10.255.255.255",
        "100.64.0.0",
        "100.127.255.255",
        "127.0.0.1",
        "127.255.255.255",
        "172.16.0.0",
        "172.31.255.255",
        "192.168.0.0",
        "192.168.255.255",
        "198.18.0.0",
        "198.19.255.255",
        "::1",
        "fc00::1",
        "fdff::1",
        "fec0::1",
        "feff::1",
        "::ffff:127.0.0.1",
        "::ffff:10.1.2.3",
        "64:ff9b::7f00:1",
        "64:ff9b::192.168.1.1",
    ],
)
def test_a_private_address_may_be_reached_where_that_is_allowed(address: str):
    assert verdict_of(ip_address(address)).reach is Reach.PRIVATE


@pytest.mark.parametrize(
    "address",
    [
        "0.0.0.0",
        "0.255.255.255",
        "192.0.0.1",
        "192.0.0.8",
        "192.0.0.9",  # globally reachable, but by protocols that are not HTTP
        "192.0.0.192",
        "192.0.2.1",
        "192.88.99.0",
        "192.88.99.255",
        "198.51.100.1",
        "203.0.113.1",
        "224.0.0.1",
        "239.255.255.255",
        "240.0.0.1",
        "255.255.255.255",
        "::",
        "::2",
        "::7f00:1",  # IPv4-compatible
        "::8.8.8.8",
        "::ffff:0:8.8.8.8",  # IPv4-translated
        "::ffff:0.0.0.0",
        "64:ff9b::224.0.0.1",
        "64:ff9b:0:1::1",
        "64:ff9b:1::8.8.8.8",  # RFC 8215, wherever the IPv4 address may stand in it
        "64:ff9b:1:ffff:ffff:ffff:ffff:ffff",
        "100::1",
        "100:0:0:1::1",
        "1fff:ffff::1",
        "2001::1",  # Teredo
        "2001:0:4136:e378:8000:63bf:3fff:fdd2",
        "2001:0:808:808::f7f7:f7f7",
        "2001:1::1",
        "2001:2::1",
        "2001:10::1",
        "2001:20::1",
        "2001:1ff:ffff::1",
        "2001:db8::1",
        "2002:808:808::1",  # 6to4
        "2002:7f00:1::1",
        "2002:a9fe:a9fe::1",
        "3fff::1",
        "3fff:fff:ffff::1",
        "4000::1",
        "5f00::1",
        "7fff::1",
        "8000::1",
        "fbff::1",
        "fe00::1",
        "ff02::1",
        "ff0e::1",
        "2606:4700::1%eth0",
        "::ffff:8.8.8.8%eth0",
    ],
)
def test_an_address_that_no_server_has_is_never_reached(address: str):
    assert verdict_of(ip_address(address)).reach is Reach.NEVER


@pytest.mark.parametrize(
    "address",
    [
        "169.254.169.254",
        "169.254.0.0",
        "169.254.255.255",
        "169.254.170.2",
        "100.100.100.200",
        "168.63.129.16",
        "fd00:ec2::254",
        "fd00:ec2::23",
        "fd20:ce::254",
        "fd00:c1::a9fe:a9fe",
        "fd00:42::42",
        "fd00:a9fe:a9fe::1",
        "fd00:100::100:200",
        "fe80::a9fe:a9fe",
        "febf::1",
        "fe80::1%1",
        "::ffff:169.254.169.254",
        "::ffff:100.100.100.200",
        "64:ff9b::a9fe:a9fe",
        "64:ff9b::168.63.129.16",
    ],
)
def test_a_metadata_service_is_never_reached_and_is_called_so(address: str):
    verdict = verdict_of(ip_address(address))

    assert verdict.reach is Reach.NEVER
    assert "metadata" in verdict.what


def test_what_a_later_python_calls_special_is_refused_too():
    class Later4(IPv4Address):
        is_global = False

    class Later6(IPv6Address):
        is_global = False

    assert verdict_of(Later4("8.8.8.8")).reach is Reach.NEVER
    assert verdict_of(Later6("2606:4700::1")).reach is Reach.NEVER


@pytest.mark.parametrize(
    ("name", "reach"),
    [
        ("localhost", Reach.PRIVATE),
        ("app.localhost", Reach.PRIVATE),
        ("localhost.localdomain", Reach.PRIVATE),
        ("localhost4", Reach.PRIVATE),
        ("localhost6", Reach.PRIVATE),
        ("ip6-localhost", Reach.PRIVATE),
        ("ip6-loopback", Reach.PRIVATE),
        ("metadata", Reach.NEVER),
        ("metadata.google.internal", Reach.NEVER),
        ("a.metadata.google.internal", Reach.NEVER),
        ("metadata.goog", Reach.NEVER),
        ("metadata.tencentyun.com", Reach.NEVER),
        ("instance-data", Reach.NEVER),
        ("instance-data.ec2.internal", Reach.NEVER),
        ("notlocalhost", Reach.PUBLIC),
        ("localhost.example.com", Reach.PUBLIC),
        ("metadata.example.com", Reach.PUBLIC),
        ("api.example.com", Reach.PUBLIC),
    ],
)
def test_names_of_this_machine_and_of_metadata_services_are_known(name: str, reach: Reach):
    assert verdict_of_name(name).reach is reach
