"""Which URLs and which addresses something may be sent to."""

from __future__ import annotations

import ipaddress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from queues.web_address import NEVER, Allowed, BadAddress, entry_of, is_public, permitted, plain_of, target_of

NOTHING = Allowed()
FORBIDDEN = [
    "127.0.0.1", "127.255.255.255", "10.0.0.1", "172.16.0.1", "172.31.255.255", "192.168.1.1", "0.0.0.0", "0.1.2.3",
    "100.64.0.1", "100.127.255.255", "169.254.169.254", "169.254.0.1", "192.0.0.1", "192.0.2.1", "192.88.99.1", "198.18.0.1",
    "198.19.255.255", "198.51.100.7", "203.0.113.9", "224.0.0.1", "224.0.1.1", "239.255.255.255", "240.0.0.1",
    "255.255.255.255", "168.63.129.16", "100.100.100.200", "192.0.0.192", "::1", "::", "fe80::1", "fec0::1", "fc00::1",
    "fd00:ec2::254", "fd20:ce::254", "ff02::1", "ff0e::1", "2001:db8::1", "2001::1", "2002:7f00:1::1", "2002:0808:0808::1",
    "3fff::1", "5f00::1", "100::1", "::ffff:127.0.0.1", "::ffff:10.0.0.1", "::ffff:169.254.169.254", "::127.0.0.1",
    "64:ff9b::7f00:1", "64:ff9b::a9fe:a9fe", "64:ff9b:1::1", "fe80::1%eth0", "2606:4700::1111%eth0",
]  # fmt: skip
OPEN = ["1.1.1.1", "8.8.8.8", "93.184.216.34", "100.63.255.255", "100.128.0.1", "172.32.0.1", "2606:4700::1111", "64:ff9b::808:808", "::ffff:8.8.8.8"]  # fmt: skip


@pytest.mark.parametrize("address", FORBIDDEN)
def test_what_is_not_public_is_refused(address: str) -> None:
    assert not permitted(ipaddress.ip_address(address), "a.example", NOTHING)


@pytest.mark.parametrize("address", OPEN)
def test_what_is_public_is_permitted(address: str) -> None:
    assert permitted(ipaddress.ip_address(address), "a.example", NOTHING)


@pytest.mark.parametrize(
    "address", ["169.254.169.254", "fd00:ec2::254", "::ffff:169.254.169.254", "64:ff9b::a9fe:a9fe", "0.0.0.0", "224.0.0.1", "fe80::1"]
)  # fmt: skip
def test_metadata_and_link_local_are_refused_whatever_is_allowed(address: str) -> None:
    everything = Allowed.of(["0.0.0.0/0", "::/0", "a.example", address])
    assert not permitted(ipaddress.ip_address(address), "a.example", everything)


def test_the_operator_allows_by_network_and_by_name() -> None:
    inside = ipaddress.ip_address("10.20.0.7")
    assert permitted(inside, "a.example", Allowed.of(["10.20.0.0/16"]))
    assert permitted(inside, "hooks.internal", Allowed.of(["hooks.internal"]))
    assert not permitted(inside, "other.internal", Allowed.of(["hooks.internal", "10.21.0.0/16"]))


@given(st.ip_addresses())
def test_an_address_that_python_knows_to_be_private_is_never_public(address: ipaddress.IPv4Address) -> None:
    assert not (is_public(address) and (address.is_private or address.is_multicast or address.is_loopback))


@given(st.ip_addresses(v=4))
def test_an_address_inside_another_is_judged_as_itself(address: ipaddress.IPv4Address) -> None:
    mapped = ipaddress.IPv6Address(b"\0" * 10 + b"\xff\xff" + address.packed)
    translated = ipaddress.IPv6Address(ipaddress.IPv6Address("64:ff9b::").packed[:12] + address.packed)
    assert plain_of(mapped) == plain_of(translated) == address
    assert permitted(mapped, "a", NOTHING) == permitted(translated, "a", NOTHING) == permitted(address, "a", NOTHING)


@given(st.sampled_from(NEVER), st.data())
def test_what_is_never_allowed_stays_so(network: ipaddress.IPv4Network, data: st.DataObject) -> None:
    number = data.draw(st.integers(0, network.num_addresses - 1))
    assert not permitted(network[number], "a", Allowed.of([str(network), "a"]))


@pytest.mark.parametrize(
    "url",
    [
        "http://a.example/", "ftp://a.example/", "a.example", "https://", "https://user:pw@a.example/", "https://a.example@b.example/",
        "https://a.example:22/", "https://a.example:80/", "https://a.example:0/", "https://a.example:99999/", "https://a.example/#x",
        "https://a.example/ x", "https://a.example\\@b.example/", "https://ä.example/", "https://127.0.0.1/", "https://[::1]/",
        "https://[::ffff:127.0.0.1]/", "https://127.1/", "https://2130706433/", "https://0x7f000001/", "https://0177.0.0.1/",
        "https://127.0.0.1./", "https://a.example/\n", "https://[fe80::1%25eth0]/", "https://[::1/", "https://-a.example/",
        "https://a..example/", "http://localhost:8000/", "https://169.254.169.254/latest/meta-data", "//a.example/",
        "https://a.example/" + "x" * 1000,
    ],
)  # fmt: skip
def test_a_url_that_will_not_do_is_refused_in_words(url: str) -> None:
    with pytest.raises(BadAddress, match=r"\."):
        target_of(url, NOTHING)


@pytest.mark.parametrize(
    ("url", "host", "port"),
    [
        ("https://A.example/hook?x=1", "a.example", 443),
        ("https://a.example:8443", "a.example", 8443),
        ("https://a.example:1024/", "a.example", 1024),
        ("https://xn--bcher-kva.example/", "xn--bcher-kva.example", 443),
        ("https://a.example./", "a.example", 443),
        ("https://[2606:4700::1111]/", "2606:4700::1111", 443),
        ("https://8.8.8.8/", "8.8.8.8", 443),
    ],
)
def test_a_url_that_will_do_is_taken_apart(url: str, host: str, port: int) -> None:
    target = target_of(url, NOTHING)
    assert (target.scheme, target.host, target.port) == ("https", host, port)


def test_plain_http_is_for_a_loopback_host_that_is_allowed() -> None:
    allowed = Allowed.of(["127.0.0.1", "10.0.0.0/8", "hooks.internal"])
    assert target_of("http://127.0.0.1:8000/", allowed).scheme == "http"
    assert target_of("http://localhost:8000/", allowed).scheme == "http"
    for url in ("http://10.0.0.1:8000/", "http://hooks.internal:8000/", "http://127.0.0.2:8000/", "http://[::1]:8000/"):
        with pytest.raises(BadAddress):
            target_of(url, allowed)
    assert target_of("https://10.0.0.1/", allowed).host == "10.0.0.1"


@given(st.text())
def test_any_text_is_a_target_or_refused(text: str) -> None:
    for url in (text, f"https://{text}/", f"https://a.example{text}"):
        try:
            target = target_of(url, NOTHING)
        except BadAddress:
            continue
        assert target.scheme == "https" and target.host and (target.port == 443 or target.port >= 1024)


@pytest.mark.parametrize("wrong", ["10.0.0.1/8", "a b", "http://a", "1.2.3", "", "a/b", "-x"])
def test_an_entry_that_is_neither_network_nor_name_is_refused(wrong: str) -> None:
    with pytest.raises(ValueError, match="neither"):
        entry_of(wrong)
