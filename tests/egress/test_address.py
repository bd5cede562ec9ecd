"""URLs and addresses: what is taken, what is refused."""

from __future__ import annotations

import ipaddress

import pytest

from egress.address import is_public, parse
from egress.errors import AddressRefused

PLAIN = [
    ("http://example.com", "http://example.com/"),
    ("https://example.com/", "https://example.com/"),
    ("HTTPS://EXAMPLE.com/Path", "https://example.com/Path"),
    ("http://example.com.", "http://example.com/"),
    ("http://example.com:80/", "http://example.com/"),
    ("http://example.com:8080/a", "http://example.com:8080/a"),
    ("https://example.com:443/a?b=c", "https://example.com/a?b=c"),
    ("https://example.com?b=c", "https://example.com/?b=c"),
    ("https://example.com/a#part", "https://example.com/a"),
    ("https://example.com#part", "https://example.com/"),
    ("https://sub.sub2.example.co.uk/x", "https://sub.sub2.example.co.uk/x"),
    ("https://xn--bcher-kva.example/", "https://xn--bcher-kva.example/"),
    ("https://bücher.example/", "https://xn--bcher-kva.example/"),
    ("https://BÜCHER.example/ö", "https://xn--bcher-kva.example/%C3%B6"),
    ("https://例え.jp/", "https://xn--r8jz45g.jp/"),
    ("https://example.com/a%20b", "https://example.com/a%20b"),
    ("https://example.com/a+b", "https://example.com/a+b"),
    ("https://example.com/@user", "https://example.com/@user"),
    ("https://example.com/?u=http://x@y", "https://example.com/?u=http://x@y"),
    ("https://example.com/a;b=c", "https://example.com/a;b=c"),
    ("https://example.com/~x/(1)", "https://example.com/~x/(1)"),
    ("https://example.com//double", "https://example.com//double"),
    ("https://93.184.216.34/", "https://93.184.216.34/"),
    ("https://93.184.216.34:8443/", "https://93.184.216.34:8443/"),
    ("https://[2606:4700::1111]/", "https://[2606:4700::1111]/"),
    ("https://[2606:4700:0:0::1111]:8443/x", "https://[2606:4700::1111]:8443/x"),
    ("https://a-b.example/", "https://a-b.example/"),
    ("https://a_b.example/", "https://a_b.example/"),
    ("https://1password.example/", "https://1password.example/"),
    ("https://intranet/page", "https://intranet/page"),
    ("https://example.com:/", "https://example.com/"),
]


@pytest.mark.parametrize(("url", "normal"), PLAIN)
def test_it_takes_the_forms_that_people_write(url: str, normal: str) -> None:
    assert parse(url).url == normal


@pytest.mark.parametrize(
    "url",
    [
        "",
        "example.com",
        "//example.com/",
        "ftp://example.com/",
        "file:///etc/passwd",
        "gopher://example.com/",
        "unix:///var/run/x.sock",
        "http:/example.com",
        "http:example.com",
        "http://",
        "http:///path",
        "http://?q",
        "http://user@example.com/",
        "http://user:pass@example.com/",
        "http://allowed.example@127.0.0.1/",
        "http://127.0.0.1\\@allowed.example/",
        "http://exa\tmple.com/",
        "http://exam\nple.com/",
        "http://example.com/a b",
        " http://example.com/",
        "http://example.com\x00/",
        "http://example.com\u200b/",
        "http://exa\u00admple.com:0/",
        "http://example.com:0/",
        "http://example.com:65536/",
        "http://example.com:99999999/",
        "http://example.com:80:80/",
        "http://example.com:-1/",
        "http://example.com:http/",
        "http://[::1/",
        "http://::1/",
        "http://[fe80::1%eth0]/",
        "http://[1.2.3.4]x/",
        "http://2130706433/",
        "http://0x7f000001/",
        "http://0x7f.1/",
        "http://017700000001/",
        "http://127.1/",
        "http://127.0.1/",
        "http://0177.0.0.1/",
        "http://127.0.0.1.5/",
        "http://example.1/",
        "http://exam..ple.com/",
        "http://.example.com/",
        "http://-example.com/",
        "http://exa%6dple.com/",
        "http://exa$mple.com/",
        "http://" + "a" * 64 + ".example/",
        "http://example.com/" + "a" * 5000,
    ],
)
def test_it_refuses_what_parsers_read_differently(url: str) -> None:
    with pytest.raises(AddressRefused):
        parse(url)


@pytest.mark.parametrize(
    "text",
    [
        "127.0.0.1", "127.255.255.254", "0.0.0.0", "10.0.0.1", "172.16.0.1", "172.31.255.255", "192.168.1.1",
        "169.254.169.254", "100.64.0.1", "192.0.0.8", "192.0.2.1", "192.88.99.1", "198.18.0.1", "198.51.100.1",
        "203.0.113.1", "224.0.0.1", "239.255.255.255", "240.0.0.1", "255.255.255.255",
        "::", "::1", "::7f00:1", "::ffff:127.0.0.1", "::ffff:a9fe:a9fe", "::ffff:8.8.8.8", "64:ff9b::7f00:1",
        "64:ff9b:1::1", "100::1", "2001::1", "2001:0:7f00:1::", "2001:db8::1", "2002:7f00:1::", "2002:a9fe:a9fe::1",
        "3fff::1", "5f00::1", "fc00::1", "fd12:3456::1", "fe80::1", "fec0::1", "ff02::1", "ff0e::1",
    ],
)  # fmt: skip
def test_it_calls_no_special_address_public(text: str) -> None:
    assert not is_public(ipaddress.ip_address(text))


@pytest.mark.parametrize("text", ["8.8.8.8", "93.184.216.34", "172.32.0.1", "2606:4700::1111", "2a00:1450:4001::1"])
def test_it_calls_ordinary_addresses_public(text: str) -> None:
    assert is_public(ipaddress.ip_address(text))


def test_it_resolves_a_redirect_like_any_other_url() -> None:
    target = parse("https://example.com/a/b")
    assert target.join("../c").url == "https://example.com/c"
    assert target.join("//other.example/x").url == "https://other.example/x"
    with pytest.raises(AddressRefused):
        target.join("file:///etc/passwd")
