"""URLs that want to lead a fetcher to where it must not go, made by rule: places, ways to write them, ways to hide."""

from collections.abc import Iterator
from ipaddress import IPv4Address, IPv6Address

PLACES = (
    *("127.0.0.1", "127.1.2.3", "127.255.255.254", "0.0.0.0", "169.254.169.254", "169.254.170.2", "10.0.0.1"),  # noqa: S104
    *("172.16.0.1", "172.31.255.255", "192.168.0.1", "100.64.0.1", "100.100.100.200", "192.0.0.192", "198.18.0.1"),
    *("192.0.2.1", "198.51.100.7", "203.0.113.9", "192.88.99.1", "224.0.0.1", "239.255.255.250", "240.0.0.1"),
    *("255.255.255.255", "168.63.129.16"),
)
IPV6 = (
    *("::", "::1", "fe80::1", "fe80::1%25lo", "fec0::1", "fc00::1", "fd00:ec2::254", "fd12:3456::1", "ff02::1"),
    *("2001:db8::1", "2001::1", "2001:20::1", "2002:7f00:1::", "3fff::1", "100::1", "64:ff9b:1::7f00:1", "4000::1"),
)
NAMES = ("metadata.test", "localhost.test", "wildcard.127.0.0.1.test", "mixed.test", "six.test", "zone.test")
"""Names whose server answers with forbidden addresses; see `TABLE`."""
TABLE = {
    "metadata.test": [["169.254.169.254"]],
    "localhost.test": [["127.0.0.1"]],
    "wildcard.127.0.0.1.test": [["127.0.0.1", "::1"]],
    "mixed.test": [["::ffff:127.0.0.1", "fe80::1%lo"]],
    "six.test": [["fd00:ec2::254", "::1"]],
    "zone.test": [["fe80::5054:ff:fe12:3456%2"]],
}
SCHEMES = (
    *("file:///etc/passwd", "ftp://{}/x", "gopher://{}:80/_GET", "dict://{}:11211/stats", "ldap://{}/", "ws://{}/"),
    *("javascript:alert(1)", "jar:http://{}!/x", "netdoc:///etc/passwd", "unix:///var/run/docker.sock", "/etc/hosts"),
    *("http+unix://%2Fvar%2Frun/x", "sftp://{}/", "tftp://{}/x", "smb://{}/c$", "view-source:http://{}/", "//{}/"),
    *("", "http:", "http://", "http:///x", "https:/x", "httpx://{}/", " http", "ht\ttp://{}/", "HTTP//{}", "?", "#"),
    *("data:image/png,x", "\\\\{}\\x"),
)
PORTS = (0, 1, 21, 22, 23, 25, 110, 143, 2375, 3306, 5432, 6379, 8080, 9200, 11211, 27017, 65535, 65536, 99999)


def forms(address: str) -> Iterator[str]:
    """Ways in which programs write, or read, an IPv4 address."""
    number = int(IPv4Address(address))
    a, b, c, d = (int(part) for part in address.split("."))
    yield address
    yield f"{address}."
    yield str(number)
    yield f"0x{number:x}"
    yield f"0X{number:08X}"
    yield f"0{number:o}"
    yield f"0x{a:x}.0x{b:x}.0x{c:x}.0x{d:x}"
    yield f"0{a:o}.0{b:o}.0{c:o}.0{d:o}"
    yield f"{a}.{(b << 16) | (c << 8) | d}"
    yield f"{a}.{b}.{(c << 8) | d}"
    yield f"0x{a:x}.{(b << 16) | (c << 8) | d}"
    yield f"{a:03}.{b:03}.{c:03}.{d:03}"
    yield f"{a + 256}.{b}.{c}.{d}"
    yield str(number + 2**32)
    yield "\u3002".join(address.split("."))
    yield "".join(chr(ord(each) + 0xFEE0) if each.isdigit() else each for each in address)
    yield "".join(f"%{ord(each):02x}" for each in address)
    for wrapped in (f"::ffff:{address}", f"::{address}", f"64:ff9b::{address}", f"::ffff:0:{address}"):
        yield f"[{wrapped}]"
        yield f"[{IPv6Address(wrapped).exploded}]"
    yield f"[::ffff:{number >> 16:x}:{number & 0xFFFF:x}]"
    yield f"[2002:{number >> 16:x}:{number & 0xFFFF:x}::1]"
    yield f"[2001:0:0:0:0:0:{(number >> 16) ^ 0xFFFF:x}:{(number & 0xFFFF) ^ 0xFFFF:x}]"
    yield f"[fe80::5efe:{address}]"


def hidden(host: str, port: int) -> Iterator[str]:
    """Ways to have a parser see another host than the one that is connected to."""
    yield f"http://{host}:{port}/latest/meta-data/"
    yield f"https://{host}:{port}/"
    yield f"hTTp://{host}:{port}/x.jpg"
    yield f"http://good.test@{host}:{port}/"
    yield f"http://good.test:80@{host}:{port}/"
    yield f"http://{host}:{port}\\@good.test/"
    yield f"http://good.test\\@{host}:{port}/"
    yield f"http://{host}:{port}#@good.test/"
    yield f"http://{host}:{port}?@good.test/"
    yield f"http://{host}:{port}/%0d%0aHost:%20good.test"
    yield f"http://good.test\r\nHost: {host}:{port}/"
    yield f"http://{host}:{port} .good.test/"
    yield f"http://{host}\t:{port}/"
    yield f"http://{host}:0{port}/"
    yield f"http://{host}:{port}/\x00.jpg"


def urls(port: int) -> Iterator[str]:
    """All of them. `port` is where something listens that must not be reached."""
    hosts = [form for place in PLACES for form in forms(place)]
    for host in hosts:
        yield f"http://{host}:{port}/latest/meta-data/"
        yield f"http://{host}/"
    for host in ("127.0.0.1", "2130706433", "0x7f.1", "[::ffff:127.0.0.1]", "[::1]", *NAMES, "LOCALHOST.test."):
        yield from hidden(host, port)
    for host in IPV6:
        yield f"http://[{host}]:{port}/"
        yield f"https://[{host}]/"
    for scheme in SCHEMES:
        yield scheme.format(f"127.0.0.1:{port}")
    for closed in PORTS:
        yield f"http://good.test:{closed}/"
