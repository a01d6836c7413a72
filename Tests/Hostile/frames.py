"""HTTP/2 by hand, so that every rule of it can be broken: frames, headers, and the loop that waits for requests.

A script for HTTP/2 is made by one of
    reply(make)               `make(stream)` gives the bytes of each answer
    flood(make, piece)        the same, then `piece(stream)` without end
    opening(data)             bytes instead of the server's SETTINGS
or is a function of a `Connection`, as in wire.py."""

import struct
import time

from wire import PATIENCE, hold

DATA, HEADERS, PRIORITY, RST_STREAM, SETTINGS, PUSH, PING, GOAWAY, WINDOW_UPDATE, CONTINUATION = range(10)
ALTSVC, ORIGIN = 10, 12
END_STREAM, ACK, END_HEADERS, PADDED, PRIORITIZED = 1, 1, 4, 8, 32
PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"


def frame(kind, flags, stream, payload=b"", length=None):
    size = len(payload) if length is None else length
    return struct.pack(">I", size)[1:] + bytes([kind, flags]) + struct.pack(">I", stream) + payload


def integer(value, prefix, first=0):
    """An HPACK integer with a prefix of so many bits."""
    limit = (1 << prefix) - 1
    if value < limit:
        return bytes([first | value])
    out, value = [first | limit], value - limit
    while value >= 128:
        out.append(value % 128 | 128)
        value //= 128
    return bytes([*out, value])


def field(name, value, kind=0):
    """A header that refers to no table; with `kind` 0x40 it enters the dynamic one."""
    return bytes([kind]) + integer(len(name), 7) + name + integer(len(value), 7) + value


JSON = field(b"content-type", b"application/json")
GOOD = b'{"user_id":"u1"}'
DEAD = b'{"error":"dead"}'


def head(stream, status, *fields, end=False):
    """The head of an answer in one frame."""
    block = field(b":status", status) + b"".join(fields)
    return frame(HEADERS, END_HEADERS | (END_STREAM if end else 0), stream, block)


def body(stream, data=DEAD, end=True):
    return frame(DATA, END_STREAM if end else 0, stream, data)


def ok(stream):
    return head(stream, b"200", JSON) + body(stream, GOOD)


def no(stream):
    return head(stream, b"401", JSON) + body(stream, DEAD)


def settings(*pairs, flags=0):
    return frame(SETTINGS, flags, 0, b"".join(struct.pack(">HI", name, value) for name, value in pairs))


class Requests:
    """The streams on which a whole request has come; everything else that is owed is answered."""

    def __init__(self, connection, acknowledges=True):
        self.connection = connection
        self.acknowledges = acknowledges

    def __iter__(self):
        connection = self.connection
        while True:
            start = connection.read(9)
            length, kind, flags = int.from_bytes(start[:3], "big"), start[3], start[4]
            stream = int.from_bytes(start[5:], "big") & 0x7FFFFFFF
            payload = connection.read(length)
            if kind == SETTINGS and not flags & ACK and self.acknowledges:
                connection.send(settings(flags=ACK))
            elif kind == PING and not flags & ACK and self.acknowledges:
                connection.send(frame(PING, ACK, 0, payload))
            elif kind in (HEADERS, DATA) and flags & END_STREAM:
                connection.asked()
                yield stream


def begin(connection, opening=settings()):
    connection.read(len(PREFACE))
    connection.send(opening)


def reply(make, opening=settings(), acknowledges=True):
    def play(connection):
        begin(connection, opening)
        for stream in Requests(connection, acknowledges):
            connection.send(make(stream))

    return play


def flood(make, piece, opening=settings()):
    def play(connection):
        begin(connection, opening)
        for stream in Requests(connection):
            connection.send(make(stream))
            data = piece(stream)
            data *= max(1, 16384 // len(data))
            end = time.monotonic() + PATIENCE
            while time.monotonic() < end:
                connection.send(data)

    return play


def steps(*parts, opening=settings()):
    """For the first request: bytes made for its stream, seconds, or steps; then nothing more."""

    def play(connection):
        begin(connection, opening)
        for stream in Requests(connection):
            for part in parts:
                made = part(stream) if callable(part) and not hasattr(part, "is_step") else part
                connection.step(made)
            hold(connection)

    return play


def step(function):
    """Marks a step of wire.py, which is given the connection and not the stream."""

    def run(connection):
        function(connection)

    run.is_step = True
    return run


def opening(data):
    """Other bytes instead of SETTINGS, and then nothing but what they bring."""

    def play(connection):
        connection.read(len(PREFACE))
        connection.send(data)
        hold(connection)

    return play
