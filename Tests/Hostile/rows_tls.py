"""TLS itself: versions, ciphers, certificates, handshakes that stop, records without sense. Asked by https."""

import select
import socket
import ssl
import subprocess
import time

from rows_http1 import no, ok
from table import Row
from wire import ask, deaf, drip, forever, half, hello, hold, rst, slowly


def secure(script, certificate="good", alpn=("http/1.1",), ciphers=None, group=None, **settings):
    """TLS with the settings of a row, and the script inside it."""

    def play(connection):
        context = connection.keys.context(certificate, alpn, **settings)
        if ciphers:
            context.set_ciphers(ciphers)
        if group:
            context.load_dh_params(connection.keys.path(group))
        connection.tls(context)
        connection.play(script)

    return play


OLD = {"ciphers": "ALL:@SECLEVEL=0"}
V10, V11, V12, V13 = (ssl.TLSVersion.TLSv1, ssl.TLSVersion.TLSv1_1, ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3)


def only(low, high=None, **more):
    return secure(ok(), minimum_version=low, maximum_version=high or low, **more)


VERSIONS = [
    Row("TLS 1.0 alone", only(V10, **OLD), "unclear", secret=False),
    Row("TLS 1.1 alone", only(V11, **OLD), "unclear", secret=False),
    Row("TLS 1.0 and 1.1", only(V10, V11, **OLD), "unclear", secret=False),
    Row("TLS 1.2 alone", only(V12), "valid"),
    Row("TLS 1.3 alone", only(V13), "valid"),
    Row("ciphers without a certificate alone", only(V12, ciphers="aNULL:@SECLEVEL=0"), "unclear", secret=False),
    Row("ciphers without encryption alone", only(V12, ciphers="eNULL:@SECLEVEL=0"), "unclear", secret=False),
    # Nobody needs it any more, and the server chooses what it costs.
    Row("a Diffie-Hellman group of 8,192 bits alone",
        only(V12, certificate="rsa", ciphers="DHE", group="dh"), "unclear", secret=False),
    Row("no ALPN", secure(ok(), alpn=None), "valid"),
    Row("an ALPN that nobody speaks", secure(ok(), alpn=("spdy/3", "x" * 255)), "valid"),
    Row("no session tickets", secure(ok(), num_tickets=0), "valid"),
    Row("two hundred session tickets", secure(ok(), num_tickets=200), "valid"),
]

CERTIFICATES = [
    Row("a certificate that is expired", secure(no(), "expired"), "unclear", secret=False),
    Row("a certificate for another name", secure(no(), "other"), "unclear", secret=False),
    Row("a certificate with a common name alone", secure(ok(), "common-name"), "unclear", secret=False),
    Row("a certificate that signed itself", secure(no(), "self-signed"), "unclear", secret=False),
    Row("a certificate of somebody else's authority", secure(no(), "stranger"), "unclear", secret=False),
    Row("a certificate that a server's certificate signed", secure(no(), "grandchild"), "unclear", secret=False),
    Row("a certificate for everything", secure(no(), "star"), "unclear", secret=False),
    Row("a certificate for clients", secure(no(), "client"), "unclear", secret=False),
    Row("a certificate with a thousand names", secure(ok(), "names"), "valid"),
    Row("a certificate with a NUL in its name", secure(no(), "nul"), "unclear", secret=False),
    Row("a server that asks for a certificate", secure(ok(), verify_mode=ssl.CERT_OPTIONAL)),
    Row("a server that needs a certificate", secure(no(), verify_mode=ssl.CERT_REQUIRED), "unclear"),
]


def flight(connection):
    """What a server answers to the client's first flight, as a list of records."""
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    server = connection.keys.context("good", ("http/1.1",)).wrap_bio(incoming, outgoing, server_side=True)
    while not outgoing.pending:
        incoming.write(connection.receive())
        try:
            server.do_handshake()
        except ssl.SSLWantReadError:
            pass
    data, records = outgoing.read(), []
    while data:
        size = 5 + int.from_bytes(data[3:5], "big")
        records.append(data[:size])
        data = data[size:]
    return records


def changed(change, *after):
    """The server's first flight, changed: `change(records)` gives the bytes to send instead."""

    def play(connection):
        connection.send(change(flight(connection)))
        connection.play(list(after))

    return play


def flipped(number):
    def change(records):
        data = bytearray(b"".join(records))
        data[number % len(data)] ^= 1 << (number % 8)
        return bytes(data)

    return change


def joined(records):
    return b"".join(records)


def record(kind, data, version=b"\x03\x03", length=None):
    size = len(data) if length is None else length
    return bytes([kind]) + version + size.to_bytes(2, "big") + data


ALERT, HANDSHAKE, CIPHER, APPLICATION = 21, 22, 20, 23
HANDSHAKES = [
    *(
        Row(f"silence after {count} records of the handshake", changed(lambda r, n=count: joined(r[:n]), hold), "unclear", secret=False)
        for count in range(5)
    ),
    *(
        Row(f"the end after {count} records of the handshake", changed(lambda r, n=count: joined(r[:n])), "unclear", secret=False)
        for count in range(1, 5)
    ),
    Row("silence amid a record of the handshake", changed(lambda r: joined(r)[:30], hold), "unclear", secret=False),
    Row("RST amid a record of the handshake", changed(lambda r: joined(r)[:30], 0.1, rst), "unclear", secret=False),
    Row("records of the handshake twice", changed(lambda r: joined(r + r), hold), "unclear", secret=False),
    Row("records of the handshake backwards", changed(lambda r: joined(r[::-1]), hold), "unclear", secret=False),
    Row("a handshake without its second record", changed(lambda r: joined(r[:1] + r[2:]), hold), "unclear", secret=False),
    *(Row(f"a handshake with bit {n} flipped", changed(flipped(n), hold), "unclear", secret=False) for n in (6, 11, 45, 80, 150, 700, 1200)),
    Row("a handshake a byte each 20 ms", lambda c: c.play([slowly(joined(flight(c)), 1, 0.02), hold]), "unclear", secret=False),
    Row("silence at once", [deaf], "unclear", secret=False),
    Row("the end at once", [], "unclear", secret=False),
    Row("the end after the client's greeting", [hello], "unclear", secret=False),
    Row("RST after the client's greeting", [hello, rst], "unclear", secret=False),
    Row("half an end after the client's greeting", [hello, half, hold], "unclear", secret=False),
    Row("the client's own greeting back", lambda c: c.play([hello, c.buffer[:0], echo]), "unclear", secret=False),
    Row("an alert at once", [record(ALERT, b"\x02\x28")], "unclear", secret=False),
    Row("an alert after the greeting", [hello, record(ALERT, b"\x02\x28"), hold], "unclear", secret=False),
    Row("an alert nobody knows", [hello, record(ALERT, b"\x07\xff"), hold], "unclear", secret=False),
    Row("warnings without end", [hello, forever(record(ALERT, b"\x01\x5a"))], "unclear", secret=False, heavy=True),
    Row("empty records without end", [hello, forever(record(HANDSHAKE, b""))], "unclear", secret=False, heavy=True),
    Row("changes of cipher without end", [hello, forever(record(CIPHER, b"\x01"))], "unclear", secret=False, heavy=True),
    Row("a handshake message of 16 MB", [hello, record(HANDSHAKE, b"\x02\xff\xff\xff"), forever(record(HANDSHAKE, b"\0" * 16000))], "unclear", secret=False, heavy=True),
    Row("a record of 64 KiB", [hello, record(HANDSHAKE, b"\x02" * 65535)], "unclear", secret=False),
    Row("a record of a version nobody knows", [hello, record(HANDSHAKE, b"\x02\0\0\x01\0", b"\x09\x09"), hold], "unclear", secret=False),
    Row("data before the handshake", [hello, record(APPLICATION, no()), hold], "unclear", secret=False),
    Row("SSL 2", [hello, b"\x80\x0b\x04\0\x01\0\x02\0\0\0\0\0\0", hold], "unclear", secret=False),
    Row("a 400 in plain text", [hello, b"HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\nplain HTTP, please"], "unclear", secret=False),
    Row("a 401 in plain text", [hello, no(), hold], "unclear", secret=False),
    Row("a greeting in plain text", [b"220 mail.example.com ESMTP\r\n", hold], "unclear", secret=False),
    Row("random bytes", [hello, bytes(range(256)) * 64, hold], "unclear", secret=False),
    Row("NUL bytes without end", [hello, forever(b"\0" * 1000)], "unclear", secret=False, heavy=True),
    Row("a byte now and then", [hello, drip(b"\x16")], "unclear", secret=False),
]


def echo(connection):
    connection.send(connection.buffer)
    hold(connection)


def plain(data):
    """Bytes below TLS."""

    def step(connection):
        socket.socket.sendall(connection.sock, data)

    return step


def farewell(connection):
    """close_notify, without waiting for the other one."""
    connection.sock.settimeout(0.2)
    try:
        connection.sock.unwrap()
    except OSError:
        pass


def by_openssl(words, *options, wait=0.3):
    """OpenSSL's own server on the other side, which is told things such as "R", renegotiate, on its terminal."""

    def play(connection):
        keys = connection.keys
        argv = ["openssl", "s_server", "-accept", "127.0.0.1:0", "-cert", keys.path("good"), "-key", keys.path("good"), *options]
        server = subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
        try:
            port = next(int(line.rpartition(b":")[2]) for line in server.stdout if line.startswith(b"ACCEPT"))
            with socket.create_connection(("127.0.0.1", port)) as near:
                relay(connection.raw, near, server.stdin, words, wait)
        finally:
            server.kill()
            server.communicate()

    return play


def relay(client, server, terminal, words, wait):
    """Bytes both ways; some moments after the first answer the words are typed."""
    typed = time.monotonic() + wait
    while True:
        ready, _, _ = select.select([client, server], [], [], 0.05)
        for source, sink in ((client, server), (server, client)):
            if source in ready:
                data = source.recv(65536)
                if not data:
                    return
                sink.sendall(data)
        if words and time.monotonic() > typed:
            terminal.write(words)
            terminal.flush()
            words = b""


ENDLESS = b"HTTP/1.1 401 X\r\nContent-Type: application/json\r\n\r\n"
AFTERWARDS = [
    Row("a farewell at once", secure([farewell]), "unclear", secret=True),
    Row("a farewell amid the answer", secure([ask, no()[:-4], farewell]), "unclear"),
    Row("bytes after the farewell", secure([ask, ok(), farewell, plain(b"more" * 1000)])),
    Row("records after the farewell", secure([ask, ok(), farewell, plain(record(APPLICATION, b"x" * 100) * 100)])),
    Row("plain text amid TLS", secure([ask, plain(no())]), "unclear"),
    Row("an answer without a farewell", secure([ask, ok(), rst])),
    Row("half an answer without a length, and no farewell", secure([ask, ENDLESS + b'{"error":"de', half, hold]), "unclear"),
    Row("an answer without a length, and no farewell", secure([ask, ENDLESS + b'{"error":"dead"}', half, hold]), "whatever"),
    Row("renegotiation", by_openssl(b"R\n", "-tls1_2"), "unclear"),
    Row("renegotiation, again and again", by_openssl(b"R\n" * 50, "-tls1_2"), "unclear"),
    Row("new keys", by_openssl(b"K\n" * 50, "-tls1_3"), "unclear"),
    Row("new keys for both", by_openssl(b"k\n" * 50 + b"K\n", "-tls1_3"), "unclear"),
    Row("a stapled answer that is none", by_openssl(b"", "-status"), "unclear"),
]

ROWS = [*VERSIONS, *CERTIFICATES, *HANDSHAKES, *AFTERWARDS]
