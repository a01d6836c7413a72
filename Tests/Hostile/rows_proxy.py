"""Proxies on the way: with HTTP and TLS to the proxy itself, and SOCKS 5. Each connection to one plays the next row."""

import select
import socket

from rows_http1 import DEAD, answer, no
from table import Row
from wire import deaf, drip, forever, half, hello, hold, rst

OPEN = b"HTTP/1.1 200 Connection established\r\n\r\n"


def wanted(connection):
    """Waits for CONNECT."""
    connection.until(b"\r\n\r\n")


def tunnel(connection):
    """What a proxy is for: bytes both ways, to a healthy API."""
    with socket.create_connection(("127.0.0.1", connection.healthy)) as far:
        near = connection.sock
        far.sendall(connection.buffer)
        while True:
            pending = getattr(near, "pending", int)()
            ready = [near] if pending else select.select([near, far], [], [], 60)[0]
            for source, sink in ((near, far), (far, near)):
                if source in ready:
                    data = source.recv(65536)
                    if not data:
                        return
                    sink.sendall(data)


def http(name, *script, **more):
    return Row(name, list(script), by="http", **more)


def refusal(code, *headers):
    return [wanted, answer(b"HTTP/1.1 %d No" % code, DEAD, *headers), hold]


HTTP = [
    http("a tunnel", wanted, OPEN, tunnel),
    http("100 and then a tunnel", wanted, b"HTTP/1.1 100 Continue\r\n\r\n" + OPEN, tunnel),
    http("a tunnel with a length", wanted, b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", tunnel),
    http("200 and garbage", wanted, OPEN + bytes(range(256)) * 16, hold),
    http("200 and a 401 in plain text", wanted, OPEN + no(), hold),
    http("200 and a page", wanted, answer(b"HTTP/1.1 200 OK", b"<html>log in</html>"), hold),
    http("200 and silence", wanted, OPEN, hold),
    http("200 and the end", wanted, OPEN),
    http("200 and RST", wanted, OPEN, 0.1, rst),
    http("200 with headers without end", wanted, b"HTTP/1.1 200 OK\r\n", forever(b"X-A: b\r\n"), heavy=True),
    http("200 with a body without end", wanted, b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", forever(b"1\r\nx\r\n"), heavy=True),
    http("407", *refusal(407, b'Proxy-Authenticate: Basic realm="x"')),
    http("407 to Negotiate", *refusal(407, b"Proxy-Authenticate: Negotiate", b"Proxy-Authenticate: NTLM")),
    http("407 with a body without end", wanted, b"HTTP/1.1 407 X\r\n\r\n", forever(b" "), heavy=True),
    http("401", *refusal(401)),
    http("403", *refusal(403)),
    http("204", wanted, b"HTTP/1.1 204 No Content\r\n\r\n", hold),
    http("302", *refusal(302, b"Location: http://127.0.0.1/")),
    http("502", *refusal(502)),
    http("503", *refusal(503, b"Retry-After: 99999999999999")),
    http("101", wanted, b"HTTP/1.1 101 X\r\nUpgrade: TLS/1.0\r\n\r\n", hold),
    http("100 forever", wanted, forever(b"HTTP/1.1 100 Continue\r\n\r\n"), heavy=True),
    *(http(f"status {code}", wanted, f"HTTP/1.1 {code} X\r\n\r\n".encode(), hold) for code in ("000", "099", "-1", "1000", "2000", "abc", "")),
    http("an answer of HTTP/0.9", wanted, b"hello", hold),
    http("a greeting", b"220 proxy.example.com\r\n", hold),
    http("200 before it is asked", OPEN, hold),
    http("silence", deaf),
    http("silence after CONNECT", wanted, hold),
    http("the end at once"),
    http("the end after CONNECT", wanted),
    http("RST", rst),
    http("RST after CONNECT", wanted, rst),
    http("half an end", wanted, half, hold),
    http("a status line now and then", wanted, drip(b"H")),
]

# The same through TLS to the proxy, and what only TLS can do wrong: "raw" rows get the bare connection.
HTTPS = [
    *(Row(row.name, row.script, heavy=row.heavy, by="https") for row in HTTP if not row.heavy),
    Row("silence amid the handshake", [hello, hold], by="https", transport="raw"),
    Row("an alert", [hello, b"\x15\x03\x03\0\x02\x02\x28"], by="https", transport="raw"),
    Row("plain text", [b"HTTP/1.1 400 Bad Request\r\n\r\n", hold], by="https", transport="raw"),
    Row("a certificate of a stranger", lambda c: (c.tls(c.keys.context("stranger", None)), c.play([wanted, OPEN, tunnel])), by="https", transport="raw"),
]


def socks(name, *script, **more):
    return Row(name, list(script), by="socks", **more)


def methods(connection):
    """The client's greeting: version, and the methods that it knows."""
    connection.read(connection.read(2)[1])


def target(connection):
    """Where the client wants to go."""
    kind = connection.read(4)[3]
    length = {1: 4, 4: 16}.get(kind) or connection.read(1)[0]
    connection.read(length + 2)


GRANTED = b"\x05\0\0\x01\x7f\0\0\x01\0\0"
SOCKS = [
    socks("a tunnel", methods, b"\x05\0", target, GRANTED, tunnel),
    socks("silence", deaf),
    socks("silence after the greeting", methods, hold),
    socks("silence after the target", methods, b"\x05\0", target, hold),
    *(socks(f"refusal {code}", methods, b"\x05\0", target, bytes([5, code, 0, 1, 0, 0, 0, 0, 0, 0])) for code in (1, 2, 3, 4, 5, 6, 7, 8, 255)),
    socks("no method", methods, b"\x05\xff", hold),
    socks("a method that was not offered", methods, b"\x05\x80", hold),
    socks("a login", methods, b"\x05\x02", hold),
    socks("GSSAPI", methods, b"\x05\x01", hold),
    socks("SOCKS 4", methods, b"\x04\x5a\0\0\0\0\0\0", hold),
    socks("text", methods, b"HTTP/1.1 400 Bad Request\r\n\r\n", hold),
    socks("a greeting", b"220 proxy.example.com\r\n", hold),
    socks("bytes without end", methods, forever(b"\x05\0"), heavy=True),
    socks("an address of a kind nobody knows", methods, b"\x05\0", target, b"\x05\0\0\x09\0\0\0\0\0\0", hold),
    socks("an address of 255 bytes that do not come", methods, b"\x05\0", target, b"\x05\0\0\x03\xff", hold),
    socks("granted, and garbage", methods, b"\x05\0", target, GRANTED + bytes(range(256)), hold),
    socks("granted, and a 401 in plain text", methods, b"\x05\0", target, GRANTED + no(), hold),
    socks("granted, and silence", methods, b"\x05\0", target, GRANTED, hold),
    socks("granted, and the end", methods, b"\x05\0", target, GRANTED),
    socks("the end", methods),
    socks("RST", methods, rst),
]

ROWS = [*HTTP, *HTTPS, *SOCKS]
