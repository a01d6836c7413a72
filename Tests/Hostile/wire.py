"""The near end of one connection, as a behaviour plays it, and the steps that behaviours are written in.

A behaviour's script is one of
    bytes           the answer to every request of the connection, which stays open
    a list          played once, then the connection is closed: bytes to send, seconds to wait, steps such as `ask`
    a function      of a `Connection`, for everything else
It ends by itself when the other side has gone."""

import socket
import ssl
import struct
import time

# A token's secret begins with this: wherever it arrives, it was sent.
MARK = b"thv-"
WITHOUT_TOKEN = (
    b'HTTP/1.1 401 Unauthorized\r\nContent-Type: application/json\r\nContent-Length: 16\r\n\r\n{"error":"none"}'
)
# Seconds after which a peer gives up; longer than any limit of the program under test.
PATIENCE = 60


class Gone(Exception):
    """The other side has left; that is how most behaviours end."""


class Connection:
    """A connection that was accepted."""

    def __init__(self, raw, record, elsewhere):
        self.raw = self.sock = raw
        self.record = record
        # The port of a listener that nobody has a reason to ask.
        self.elsewhere = elsewhere
        self.buffer = b""
        # Whether the connection ends before a second request, so that the next one plays the next row.
        self.is_single, self.answered = False, 0
        raw.settimeout(PATIENCE)
        raw.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def tls(self, context):
        """Goes on inside TLS."""
        self.sock = context.wrap_socket(self.raw, server_side=True)
        self.sock.settimeout(PATIENCE)

    def send(self, data):
        self.sock.sendall(data)

    def receive(self):
        data = self.sock.recv(65536)
        if not data:
            raise Gone
        if MARK in (self.buffer + data):
            self.record["secret"] = True
        return data

    def read(self, count):
        while len(self.buffer) < count:
            self.buffer += self.receive()
        data, self.buffer = self.buffer[:count], self.buffer[count:]
        return data

    def until(self, end):
        while end not in self.buffer:
            self.buffer += self.receive()
        data, _, self.buffer = self.buffer.partition(end)
        return data

    def ask(self):
        """Waits for one whole request of HTTP/1.1; its head. One for comparison, without the token, is answered as a sound
        API does, so that what is odd is the answer to the token."""
        while True:
            head = self.until(b"\r\n\r\n")
            for line in head.lower().split(b"\r\n"):
                if line.startswith(b"content-length:"):
                    self.read(int(line.partition(b":")[2]))
            self.asked()
            if not head.startswith(b"GET ") or b"authorization:" in head.lower():
                return head
            self.send(WITHOUT_TOKEN)

    def asked(self):
        """A whole request has come."""
        if self.is_single and self.answered:
            raise Gone
        self.answered += 1
        self.record["requests"] += 1

    def play(self, script):
        if callable(script):
            script(self)
        elif isinstance(script, bytes):
            while True:
                self.ask()
                self.send(script)
        else:
            for step in script:
                self.step(step)

    def step(self, step):
        if isinstance(step, bytes):
            self.send(step)
        elif isinstance(step, (int, float)):
            time.sleep(step)
        else:
            step(self)

    def reset(self):
        """Ends with RST instead of FIN."""
        self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        socket.close(self.sock.detach())

    def cut(self):
        """Ends it from another thread."""
        try:
            socket.socket.shutdown(self.sock, socket.SHUT_RDWR)
        except OSError:
            pass

    def close(self):
        try:
            self.sock.close()
            self.raw.close()
        except OSError:
            pass


# MARK: steps


def ask(connection):
    connection.ask()


def hello(connection):
    """Waits for the first bytes, whatever they are."""
    connection.buffer += connection.receive()


def hold(connection):
    """Reads and says nothing more, until the other side leaves. One of a series gives up after any time limit, for a
    connection of HTTP/2 outlives its requests."""
    if connection.is_single:
        connection.sock.settimeout(12)
    while True:
        connection.receive()


def deaf(connection):
    """Reads nothing and says nothing more."""
    time.sleep(PATIENCE)


def rst(connection):
    connection.reset()
    raise Gone


def half(connection):
    """Sends its FIN, and stays to listen."""
    # Below TLS, where there is TLS.
    socket.socket.shutdown(connection.sock, socket.SHUT_WR)


def again(script):
    """The same once more, as long as the other side asks."""

    def play(connection):
        while True:
            connection.play(script)

    return play


def forever(data):
    """The same bytes as fast as they are taken. A short piece is sent many at a time."""
    piece = data * max(1, 16384 // max(1, len(data)))

    def play(connection):
        end = time.monotonic() + PATIENCE
        while time.monotonic() < end:
            connection.send(piece)

    return play


def drip(data, every=0.2):
    """The same bytes slowly, without end."""

    def play(connection):
        while True:
            connection.send(data)
            time.sleep(every)

    return play


def slowly(data, size=1, every=0.002):
    """All of it in small pieces."""

    def play(connection):
        for at in range(0, len(data), size):
            connection.send(data[at : at + size])
            time.sleep(every)

    return play


def server_context(certificate, key, alpn=None, **settings):
    """TLS as a server offers it."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    if alpn:
        context.set_alpn_protocols(alpn)
    for name, value in settings.items():
        setattr(context, name, value)
    return context
