"""HTTP/2 over TLS, and where nobody has agreed to it."""

import struct

from frames import (
    ACK, ALTSVC, CONTINUATION, DATA, DEAD, END_HEADERS, END_STREAM, GOAWAY, GOOD, HEADERS, JSON, ORIGIN, PADDED, PING,
    PREFACE, PRIORITIZED, PRIORITY, PUSH, RST_STREAM, SETTINGS, WINDOW_UPDATE, begin, body, field, flood, frame, head, integer,
    no, ok, opening, reply, Requests, settings, step, steps,
)
from rows_http1 import no as no_by_http1
from table import Row
from wire import ask, forever, hold, rst, slowly

RST = step(rst)
HOLD = step(hold)


def number(value):
    return struct.pack(">I", value)


def silence(stream):
    return b""


def block(stream, *fields, data=DEAD):
    """An answer with a header block of the row's own."""
    return frame(HEADERS, END_HEADERS, stream, b"".join(fields)) + body(stream, data)


def goaway(last, code=0, more=b""):
    return frame(GOAWAY, 0, 0, number(last) + number(code) + more)


def status(value, name=None):
    return Row(f"status {name or value.decode('latin-1')!r}", reply(lambda s: head(s, value, JSON) + body(s)), "unclear")


STATUS = [
    *(status(value) for value in (b"000", b"099", b"-5", b"-401", b"+401", b"1000", b"4010", b"40", b"4", b"", b"abc")),
    *(status(value) for value in (b" 401", b"401 ", b"4.1", b"\x00\x00\x00", b"999", b"600", b"65937")),
    status(b"18446744073709552017", "of 2^64 + 401"),
    status(b"4" * 10_000, "of 10,000 digits"),
    Row("no status", reply(lambda s: block(s, JSON)), "unclear"),
    Row("two statuses", reply(lambda s: block(s, field(b":status", b"200"), field(b":status", b"401"), JSON)), "unclear"),
    Row("the status after the headers", reply(lambda s: block(s, JSON, field(b":status", b"401"))), "unclear"),
    Row("a pseudo-header nobody knows", reply(lambda s: block(s, field(b":status", b"401"), field(b":x", b"y"), JSON)), "unclear"),
    Row("a request's pseudo-header", reply(lambda s: block(s, field(b":status", b"401"), field(b":path", b"/"), JSON)), "unclear"),
    Row("100 and the end", reply(lambda s: head(s, b"100", end=True)), "unclear"),
    Row("103 and the end", reply(lambda s: head(s, b"103", end=True)), "unclear"),
    Row("103 before the answer", reply(lambda s: head(s, b"103") + ok(s)), "valid"),
    Row("101", reply(lambda s: head(s, b"101") + no(s)), "unclear"),
    Row("103 forever", flood(silence, lambda s: head(s, b"103", field(b"link", b"x"))), "unclear", heavy=True),
    Row("204 with a body", reply(lambda s: head(s, b"204") + body(s)), "unclear"),
    Row("304 with a body", reply(lambda s: head(s, b"304") + body(s)), "unclear"),
]

FIELDS = [
    Row("a header in capitals", reply(lambda s: block(s, field(b":status", b"200"), field(b"X-UPPER", b"1"), data=GOOD))),
    Row("CR LF in a header", reply(lambda s: block(s, field(b":status", b"200"), JSON, field(b"x", b"a\r\nb: c"), data=GOOD))),
    Row("CR LF in a header's name", reply(lambda s: block(s, field(b":status", b"200"), field(b"a\r\nb", b"c"), data=GOOD))),
    Row("NUL in a header", reply(lambda s: block(s, field(b":status", b"200"), JSON, field(b"x", b"a\0b"), data=GOOD))),
    Row("a header without a name", reply(lambda s: block(s, field(b":status", b"200"), JSON, field(b"", b"a"), data=GOOD))),
    Row("a blank around a header", reply(lambda s: block(s, field(b":status", b"200"), field(b" x ", b" y "), JSON, data=GOOD))),
    Row("a header of HTTP/1.1", reply(lambda s: block(s, field(b":status", b"200"), field(b"connection", b"close"), JSON, data=GOOD))),
    Row("Transfer-Encoding", reply(lambda s: block(s, field(b":status", b"401"), field(b"transfer-encoding", b"chunked"), JSON)), "whatever"),
    Row("a length that is too large", reply(lambda s: block(s, field(b":status", b"401"), field(b"content-length", b"99"), JSON)), "unclear"),
    Row("a length that is too small", reply(lambda s: block(s, field(b":status", b"401"), field(b"content-length", b"4"), JSON)), "unclear"),
    Row("a negative length", reply(lambda s: block(s, field(b":status", b"401"), field(b"content-length", b"-1"), JSON)), "unclear"),
    Row("ten thousand headers", reply(lambda s: block_in_pieces(s, b"".join(field(b"x-%d" % n, b"y") for n in range(10_000))))),
    Row("a header of 10 kB", reply(lambda s: block(s, field(b":status", b"200"), JSON, field(b"x", b"a" * 10_000), data=GOOD))),
    Row("a header of a megabyte", reply(lambda s: block_in_pieces(s, field(b"x", b"a" * 1_000_000)))),
    Row("trailers", reply(lambda s: head(s, b"200", JSON) + body(s, GOOD, False) + frame(HEADERS, 5, s, field(b"x", b"y"))), "valid"),
    Row("trailers with a status", reply(lambda s: head(s, b"200", JSON) + body(s, GOOD, False) + head(s, b"401", end=True))),
    Row("trailers that do not end it", reply(lambda s: head(s, b"401", JSON) + body(s, DEAD, False) + frame(HEADERS, 4, s, field(b"x", b"y"))), "unclear"),
    Row("trailers without end", flood(lambda s: head(s, b"401", JSON) + body(s, DEAD, False), lambda s: frame(HEADERS, 4, s, field(b"x", b"y"))), "unclear", heavy=True),
    Row("two heads", reply(lambda s: head(s, b"401", JSON) + head(s, b"200", JSON) + body(s)), "unclear"),
]


def block_in_pieces(stream, more):
    """An accepted answer with more headers than fit into a frame."""
    whole = field(b":status", b"200") + JSON + more
    pieces = [whole[at : at + 16384] for at in range(0, len(whole), 16384)]
    frames = [frame(HEADERS if not at else CONTINUATION, 0, stream, piece) for at, piece in enumerate(pieces)]
    return b"".join(frames) + frame(CONTINUATION, END_HEADERS, stream) + body(stream, GOOD)


BIG = field(b"x-a", b"b" * 4000, 0x40)
HPACK = [
    Row("an HPACK bomb", reply(lambda s: block(s, field(b":status", b"200"), BIG + b"\xbe" * 12_000, data=GOOD))),
    Row("an HPACK bomb without end", flood(silence, lambda s: block(s, field(b":status", b"103"), BIG + b"\xbe" * 12_000)), "unclear", heavy=True),
    Row("an index of HPACK without end", reply(lambda s: block(s, b"\xff" * 10 + b"\x0f")), "unclear"),
    Row("an index of HPACK that is 0", reply(lambda s: block(s, b"\x80")), "unclear"),
    Row("an index of HPACK that is not there", reply(lambda s: block(s, integer(4000, 7, 0x80))), "unclear"),
    Row("a Huffman code that is none", reply(lambda s: block(s, b"\x48\x83\xff\xff\xff\xff")), "unclear"),
    Row("a string of HPACK longer than its block", reply(lambda s: block(s, b"\x00\x7f\xff\xff\xff\x07abc")), "unclear"),
    Row("a table of HPACK of 4 GB", reply(lambda s: block(s, b"\x3f\xff\xff\xff\xff\x0f", field(b":status", b"401"), JSON)), "unclear"),
    Row("a table of HPACK that changes amid a block", reply(lambda s: block(s, field(b":status", b"401"), b"\x20", JSON)), "unclear"),
    Row("a table of HPACK that changes a thousand times", reply(lambda s: block(s, b"\x20" * 1000, field(b":status", b"401"), JSON)), "whatever"),
    Row("a block of HPACK that is cut off", reply(lambda s: block(s, (field(b":status", b"401") + JSON)[:-3])), "unclear"),
    Row("a block of HPACK of random bytes", reply(lambda s: block(s, bytes(range(256)))), "unclear"),
]

FLOODS = {
    "SETTINGS": lambda s: settings((3, 100)),
    "SETTINGS that are empty": lambda s: settings(),
    "acknowledgements": lambda s: settings(flags=ACK),
    "PING": lambda s: frame(PING, 0, 0, b"12345678"),
    "answers to no PING": lambda s: frame(PING, ACK, 0, b"12345678"),
    "PRIORITY": lambda s: frame(PRIORITY, 0, s, number(0) + b"\x01"),
    "PRIORITY of other streams": lambda s: b"".join(frame(PRIORITY, 0, n, number(0) + b"\x01") for n in range(1, 999, 2)),
    "RST_STREAM": lambda s: frame(RST_STREAM, 0, s, number(8)),
    "RST_STREAM of streams that are idle": lambda s: frame(RST_STREAM, 0, s + 1000, number(8)),
    "WINDOW_UPDATE": lambda s: frame(WINDOW_UPDATE, 0, s, number(1)),
    "frames that nobody knows": lambda s: frame(0xFA, 0, 0, b"x" * 100),
    "frames that nobody knows, empty": lambda s: frame(0xFA, 0, s),
    "ALTSVC": lambda s: frame(ALTSVC, 0, 0, struct.pack(">H", 9) + b"https://ah2=\":1\""),
    "ORIGIN": lambda s: frame(ORIGIN, 0, 0, struct.pack(">H", 9) + b"https://a"),
    "GOAWAY": lambda s: goaway(0x7FFFFFFF),
    "GOAWAY with 16 kB": lambda s: goaway(0x7FFFFFFF, 0, b"x" * 16_000),
    "bytes that are no frames": lambda s: b"\xff" * 100,
    "NUL bytes": lambda s: b"\0" * 9000,
}
AFTER_THE_HEAD = {
    "DATA": lambda s: frame(DATA, 0, s, b" " * 16384),
    "DATA of a byte": lambda s: frame(DATA, 0, s, b" "),
    "DATA that is empty": lambda s: frame(DATA, 0, s),
    "DATA of padding alone": lambda s: frame(DATA, PADDED, s, b"\xff" + b"\0" * 255),
    "DATA of another stream": lambda s: frame(DATA, 0, s + 2, b" " * 100),
}
WITHIN_THE_HEAD = {
    "CONTINUATION": lambda s: frame(CONTINUATION, 0, s, field(b"x-a", b"b" * 100)),
    "CONTINUATION that is empty": lambda s: frame(CONTINUATION, 0, s),
    "CONTINUATION of other streams": lambda s: frame(CONTINUATION, 0, s + 2, field(b"x-a", b"b")),
}
FLOODING = [
    *(Row(f"{name} without end", flood(silence, piece), "unclear", heavy=True) for name, piece in FLOODS.items()),
    *(Row(f"{name} without end, after the answer", flood(ok, piece), heavy=True) for name, piece in FLOODS.items()),
    *(
        Row(f"{name} without end", flood(lambda s: head(s, b"401", JSON), piece), "unclear", heavy=True)
        for name, piece in AFTER_THE_HEAD.items()
    ),
    *(
        Row(f"{name} without end", flood(lambda s: frame(HEADERS, 0, s, field(b":status", b"401") + JSON), piece), "unclear", heavy=True)
        for name, piece in WITHIN_THE_HEAD.items()
    ),
    Row("SETTINGS without end, before the request", lambda c: c.play([lambda c: c.read(24), forever(settings((3, 100)))]), "unclear", heavy=True),
    Row("PING without end, from the start", lambda c: c.play([settings(), forever(frame(PING, 0, 0, b"12345678"))]), "unclear", heavy=True),
    Row("streams that it opens itself, without end", flood(silence, lambda s: head(s + 1, b"200", end=True)), "unclear", heavy=True),
    Row("DATA now and then, forever", steps(lambda s: head(s, b"401", JSON), *[lambda s: body(s, b" ", False), 0.2] * 200), "unclear"),
]

FRAMES = [
    Row("DATA on stream 0", reply(lambda s: frame(DATA, END_STREAM, 0, DEAD)), "unclear"),
    Row("HEADERS on stream 0", reply(lambda s: head(0, b"401", JSON) + no(s)), "unclear"),
    Row("HEADERS on a stream of the server's", reply(lambda s: head(2, b"401", JSON, end=True) + no(s)), "unclear"),
    Row("HEADERS on a stream that nobody opened", reply(lambda s: head(s + 100, b"401", JSON, end=True) + no(s)), "unclear"),
    Row("DATA before HEADERS", reply(lambda s: body(s) + no(s)), "unclear"),
    Row("DATA alone", reply(body), "unclear"),
    Row("frames after the end", reply(lambda s: ok(s) + body(s) * 100 + head(s, b"401"))),
    Row("a frame of 16 MB", steps(lambda s: frame(DATA, 0, s, b"x" * 100_000, 0xFFFFFF), RST), "unclear"),
    Row("HEADERS of 16 MB", steps(lambda s: frame(HEADERS, 5, s, b"\0" * 100_000, 0xFFFFFF), HOLD), "unclear"),
    Row("SETTINGS of 5 bytes", reply(lambda s: frame(SETTINGS, 0, 0, b"12345") + no(s)), "unclear"),
    Row("SETTINGS on a stream", reply(lambda s: frame(SETTINGS, 0, s) + no(s)), "unclear"),
    Row("an acknowledgement with a body", reply(lambda s: frame(SETTINGS, ACK, 0, b"\0\3\0\0\0\1") + no(s)), "unclear"),
    Row("PING of 7 bytes", reply(lambda s: frame(PING, 0, 0, b"1234567") + no(s)), "unclear"),
    Row("PING on a stream", reply(lambda s: frame(PING, 0, s, b"12345678") + no(s)), "unclear"),
    Row("WINDOW_UPDATE of 0", reply(lambda s: frame(WINDOW_UPDATE, 0, 0, number(0)) + no(s)), "unclear"),
    Row("WINDOW_UPDATE of 0 for the stream", reply(lambda s: frame(WINDOW_UPDATE, 0, s, number(0)) + no(s)), "unclear"),
    Row("WINDOW_UPDATE over 2^31", reply(lambda s: frame(WINDOW_UPDATE, 0, 0, number(0x7FFFFFFF)) * 2 + no(s)), "unclear"),
    Row("WINDOW_UPDATE over 2^31 for the stream", reply(lambda s: frame(WINDOW_UPDATE, 0, s, number(0x7FFFFFFF)) * 2 + no(s)), "unclear"),
    Row("padding longer than its frame", reply(lambda s: frame(HEADERS, END_HEADERS | PADDED, s, b"\xc8" + field(b":status", b"401")) + body(s)), "unclear"),
    Row("padding", reply(lambda s: head(s, b"200", JSON) + frame(DATA, END_STREAM | PADDED, s, b"\x04" + GOOD + b"\0" * 4)), "valid"),
    Row("a stream that depends on itself", reply(lambda s: frame(HEADERS, END_HEADERS | PRIORITIZED, s, number(s) + b"\x10" + field(b":status", b"200") + JSON) + body(s, GOOD))),
    Row("CONTINUATION that nobody waits for", reply(lambda s: frame(CONTINUATION, END_HEADERS, s, field(b":status", b"401")) + no(s)), "unclear"),
    Row("another frame amid a header block", reply(lambda s: frame(HEADERS, 0, s, field(b":status", b"401")) + frame(PING, 0, 0, b"12345678") + frame(CONTINUATION, END_HEADERS, s, JSON) + body(s)), "unclear"),
    Row("a header block that does not end", reply(lambda s: frame(HEADERS, 0, s, field(b":status", b"401") + JSON)), "unclear"),
    Row("a promised push", reply(lambda s: frame(PUSH, END_HEADERS, s, number(2) + field(b":method", b"GET") + field(b":path", b"/")) + ok(s))),
    Row("a pushed answer", reply(lambda s: head(2, b"401", JSON) + body(2) + ok(s))),
    Row("GREASE", reply(lambda s: frame(0x2A, 0xFF, s, b"grease") + ok(s), settings((0x1A2A, 7)) + frame(0x4B, 0, 0)), "valid"),
    Row("a bit that is reserved", reply(lambda s: frame(HEADERS, END_HEADERS, s | 0x80000000, field(b":status", b"200") + JSON) + body(s, GOOD))),
]


def byte_by_byte(connection):
    begin(connection)
    for stream in Requests(connection):
        connection.step(slowly(ok(stream)))


def silent_once(connection):
    """The first connection falls silent after an answer; every other one is well."""
    is_first = connection.record["connections"] == 1
    begin(connection)
    for stream in Requests(connection, acknowledges=False):
        connection.send(ok(stream))
        if is_first:
            hold(connection)


ENDS = [
    Row("a connection that falls silent, while new ones are well", silent_once, "recovers"),
    Row("RST_STREAM", reply(lambda s: frame(RST_STREAM, 0, s, number(11))), "unclear"),
    Row("RST_STREAM that is no error", reply(lambda s: frame(RST_STREAM, 0, s, number(0))), "unclear"),
    Row("RST_STREAM amid the body", reply(lambda s: head(s, b"401", JSON) + body(s, DEAD[:4], False) + frame(RST_STREAM, 0, s, number(2))), "unclear"),
    Row("RST_STREAM: use HTTP/1.1", reply(lambda s: frame(RST_STREAM, 0, s, number(13))), "unclear"),
    Row("RST_STREAM of 3 bytes", reply(lambda s: frame(RST_STREAM, 0, s, b"123") + no(s)), "unclear"),
    Row("GOAWAY at the start", opening(settings() + goaway(0)), "unclear"),
    Row("GOAWAY instead of SETTINGS", opening(goaway(0)), "unclear"),
    Row("GOAWAY after the request", reply(lambda s: goaway(0)), "unclear"),
    Row("GOAWAY after the head", reply(lambda s: head(s, b"401", JSON) + goaway(0, 11)), "unclear"),
    Row("GOAWAY and the answer all the same", reply(lambda s: goaway(s) + ok(s))),
    Row("GOAWAY after each answer", reply(lambda s: ok(s) + goaway(s)), "valid"),
    Row("GOAWAY that goes up again", reply(lambda s: goaway(1) + goaway(0x7FFFFFFF) + ok(s))),
    Row("GOAWAY: be calm", reply(lambda s: goaway(0, 11, b"too_many_pings")), "unclear"),
    Row("GOAWAY of 4 bytes", reply(lambda s: frame(GOAWAY, 0, 0, b"1234") + no(s)), "unclear"),
    Row("GOAWAY on a stream", reply(lambda s: frame(GOAWAY, 0, s, number(0) + number(0)) + no(s)), "unclear"),
    Row("RST amid the head", steps(lambda s: head(s, b"401", JSON)[:12], 0.1, RST), "unclear"),
    Row("RST amid the body", steps(lambda s: no(s)[:-4], 0.1, RST), "unclear"),
    Row("silence amid a frame", steps(lambda s: no(s)[:-4], HOLD), "unclear"),
    Row("silence after the request", steps(HOLD), "unclear"),
    Row("silence after the head", steps(lambda s: head(s, b"401", JSON), HOLD), "unclear"),
    Row("an answer byte by byte", byte_by_byte, "valid"),
]

OPENINGS = [
    Row("no SETTINGS", opening(b""), "unclear"),
    Row("an answer without SETTINGS", reply(no, b""), "unclear"),
    Row("SETTINGS that are never acknowledged", reply(ok, acknowledges=False)),
    Row("another frame before SETTINGS", reply(no, frame(PING, 0, 0, b"12345678") + settings()), "unclear"),
    Row("a preface of the server's", reply(no, PREFACE + settings()), "unclear"),
    Row("garbage", opening(b"\0" * 100_000), "unclear"),
    Row("text", opening(b"hello, world\r\n" * 100), "unclear"),
    Row("an answer of HTTP/1.1", opening(b"HTTP/1.1 400 Bad\r\nConnection: close\r\n\r\n"), "unclear"),
    Row("a 401 of HTTP/1.1", opening(no_by_http1()), "unclear"),
    Row("no more streams", reply(no, settings((3, 0))), "whatever"),
    Row("no more streams, from the first answer on", reply(lambda s: settings((3, 0)) + ok(s))),
    Row("a window of 0", reply(ok, settings((4, 0)))),
    Row("a window over 2^31", reply(no, settings((4, 0xFFFFFFFF))), "unclear"),
    Row("frames of a byte at most", reply(no, settings((5, 1))), "unclear"),
    Row("frames of 4 GB at most", reply(no, settings((5, 0xFFFFFFFF))), "unclear"),
    Row("push that is neither on nor off", reply(no, settings((2, 7))), "unclear"),
    Row("a server that allows push", reply(no, settings((2, 1))), "unclear"),
    Row("a header list of 0 at most", reply(ok, settings((6, 0)))),
    Row("a table of 4 GB", reply(ok, settings((1, 0xFFFFFFFF)))),
    Row("settings that change with every answer", reply(lambda s: settings((1, 0), (4, 1), (5, 16384)) + ok(s) + settings((1, 4096), (4, 65535)))),
    Row("a thousand settings", reply(ok, settings(*[(n % 65536, n) for n in range(0x100, 0x100 + 1000)]))),
]

ROWS = [*STATUS, *FIELDS, *HPACK, *FLOODING, *FRAMES, *ENDS, *OPENINGS]

# Frames where nobody has agreed to them; played by TCP, and by TLS without ALPN.
UNASKED = [
    Row("HTTP/2 at once", [settings(), hold], "unclear"),
    Row("HTTP/2 after the request", [ask, settings() + ok(1), hold], "unclear"),
    Row("SETTINGS of HTTP/2 without end", [forever(settings((3, 100)))], "unclear", heavy=True),
    Row("101 to HTTP/2, and its frames", [ask, b"HTTP/1.1 101 X\r\nConnection: Upgrade\r\nUpgrade: h2c\r\n\r\n" + settings() + ok(1), hold], "unclear"),
    Row("a GOAWAY of HTTP/2", [ask, goaway(0)], "unclear"),
]
