"""Feeds are fetched from the open net, or from hosts that the operator names; names are looked up once."""

import pytest

from decisions.actions.feed_addresses import (
    FeedAddressForbidden,
    FeedAddressInvalid,
    FeedHostUnknown,
    is_public,
    read_address,
    resolve,
)


@pytest.mark.parametrize(
    ("url", "origin", "target"),
    [
        ("https://Shop.Example/items.csv?a=1&b=杯", ("https", "shop.example", 443), "/items.csv?a=1&b=%E6%9D%AF"),
        ("http://shop.example.:8080", ("http", "shop.example", 8080), "/"),
        ("https://bücher.example/a", ("https", "xn--bcher-kva.example", 443), "/a"),
        ("http://[2606:4700::1]/a%20b", ("http", "2606:4700::1", 80), "/a%20b"),
    ],
)
def test_address__that_can_be_fetched_from__is_taken_apart(url, origin, target):
    address = read_address(url)
    assert (address.origin, address.target) == (origin, target)


@pytest.mark.parametrize(
    "url",
    [
        "",
        "items.csv",
        "ftp://shop.example/items.csv",
        "file:///etc/passwd",
        "https:///items.csv",
        "https://user:secret@shop.example/",
        "https://shop.example:99999/",
        "https://shop.example/a b",
        "https://shop.example/\r\nX: y",
        "https://[::1/",
        "https://" + "a" * 70 + "ü.example/",
    ],
)
def test_address__that_is_none__is_refused(url):
    with pytest.raises(FeedAddressInvalid):
        read_address(url)


@pytest.mark.parametrize(
    "number",
    [
        "127.0.0.1",
        "127.8.9.1",
        "0.0.0.0",
        "10.1.2.3",
        "172.16.0.1",
        "192.168.1.1",
        "169.254.169.254",
        "100.64.0.1",
        "198.18.0.1",
        "224.0.1.1",
        "240.0.0.1",
        "255.255.255.255",
        "::",
        "::1",
        "::7f00:1",
        "::ffff:127.0.0.1",
        "::ffff:10.0.0.1",
        "64:ff9b::7f00:1",
        "64:ff9b::a9fe:a9fe",
        "2002:7f00:1::",
        "2002:a00:1::1",
        "fe80::1",
        "fe80::1%eth0",
        "fc00::1",
        "fd12::1",
        "fec0::1",
        "ff02::1",
        "2001:db8::1",
    ],
)
def test_public__number_of_insiders__is_not(number):
    assert not is_public(number)


@pytest.mark.parametrize("number", ["8.8.8.8", "1.1.1.1", "2606:4700::1111", "64:ff9b::808:808", "::ffff:8.8.8.8"])
def test_public__number_of_the_open_net__is(number):
    assert is_public(number)


@pytest.mark.parametrize(
    "host", ["localhost", "127.0.0.1", "[::1]", "2130706433", "0x7f.1", "[::ffff:169.254.169.254]", "10.0.0.7"]
)
def test_resolve__host_of_insiders__is_refused_however_it_is_written(host):
    with pytest.raises(FeedAddressForbidden, match="not in the open net"):
        resolve(read_address(f"http://{host}/items.csv"), allowed_hosts=("files.example",))


def test_resolve__host_that_the_operator_names__is_taken():
    assert "127.0.0.1" in resolve(read_address("http://LOCALHOST./a"), allowed_hosts=("Localhost",))
    assert resolve(read_address("http://10.0.0.7/a"), allowed_hosts=("10.0.0.7",)) == ("10.0.0.7",)


def test_resolve__public_number__is_taken_and_unknown_name_is_told():
    assert resolve(read_address("https://8.8.8.8/a"), allowed_hosts=()) == ("8.8.8.8",)
    with pytest.raises(FeedHostUnknown):
        resolve(read_address("https://nowhere.invalid/a"), allowed_hosts=())
