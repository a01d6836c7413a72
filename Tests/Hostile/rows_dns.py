"""Name servers. Each row has a name of its own, asked for by its first label; a script is given a `Query` and gives the
datagrams that answer it: none, bytes, or a list. Behind every address that is this host's own, a healthy API listens."""

import dataclasses
import socket
import struct

from table import Row

A, CNAME, AAAA = 1, 5, 28


@dataclasses.dataclass
class Query:
    """What was asked."""

    data: bytes

    @property
    def end(self):
        """Where the question's name ends."""
        at = 12
        while self.data[at]:
            at += self.data[at] + 1
        return at + 1

    @property
    def labels(self):
        at, found = 12, []
        while self.data[at]:
            found.append(self.data[at + 1 : at + 1 + self.data[at]].decode("latin-1"))
            at += self.data[at] + 1
        return found

    @property
    def kind(self):
        return struct.unpack(">H", self.data[self.end : self.end + 2])[0]

    @property
    def question(self):
        return self.data[12 : self.end + 4]

    def reply(self, *records, flags=0x8180, count=None, question=None, number=None):
        head = (self.data[:2] if number is None else number) + struct.pack(">H", flags)
        return head + struct.pack(">HHHH", 1, len(records) if count is None else count, 0, 0) + (
            self.question if question is None else question
        ) + b"".join(records)


def record(kind, data, name=b"\xc0\x0c", ttl=1):
    return name + struct.pack(">HHIH", kind, 1, ttl, len(data)) + data


def encoded(name):
    return b"".join(bytes([len(label)]) + label.encode() for label in name.split(".")) + b"\0"


def addresses(*texts):
    """A usual answer: those of the kind that was asked for."""

    def answer(query):
        family = socket.AF_INET6 if query.kind == AAAA else socket.AF_INET
        fitting = [text for text in texts if (":" in text) == (query.kind == AAAA)]
        return query.reply(*[record(query.kind, socket.inet_pton(family, text)) for text in fitting])

    return answer


HOME = socket.inet_aton("127.0.0.1")
here = addresses("127.0.0.1")


def code(number):
    return lambda query: query.reply(flags=0x8180 | number)


def alias(*names):
    """A chain of names, the last of which leads nowhere."""

    def answer(query):
        chain = [b"\xc0\x0c", *map(encoded, names)]
        return query.reply(*[record(CNAME, chain[at + 1], chain[at]) for at in range(len(names))])

    return answer


def raw_a(data):
    return lambda query: query.reply(record(query.kind, data))


def dns(name, script, state="any"):
    return Row(name, script, state, by="dns")


def silence(query):
    return None


def truncated(query):
    return query.reply(flags=0x8380)


ROWS = [
    dns("a healthy answer", here, "valid"),
    dns("never an answer", silence, "unclear"),
    dns("never an answer for IPv6", lambda q: here(q) if q.kind == A else None),
    dns("no such name", code(3), "unclear"),
    dns("SERVFAIL", code(2), "unclear"),
    dns("FORMERR", code(1), "unclear"),
    dns("NOTIMP", code(4), "unclear"),
    dns("REFUSED", code(5), "unclear"),
    dns("a code nobody knows", code(15), "unclear"),
    dns("no address", lambda q: q.reply(), "unclear"),
    dns("no bytes", lambda q: b"", "unclear"),
    dns("three bytes", lambda q: q.data[:3], "unclear"),
    dns("the query itself", lambda q: q.data, "unclear"),
    dns("garbage", lambda q: q.data[:2] + bytes(range(256)), "unclear"),
    dns("NUL bytes", lambda q: b"\0" * 512, "unclear"),
    dns("60 kB", lambda q: q.reply(*[record(q.kind, HOME if q.kind == A else b"\0" * 15 + b"\1")] * 2100)),
    dns("another number", lambda q: q.reply(record(A, HOME), number=b"\xff\xff"), "any"),
    dns("another question", lambda q: q.reply(record(A, HOME), question=encoded("other.test") + q.question[-4:])),
    dns("the answer ten times", lambda q: [here(q)] * 10),
    dns("the answer after garbage", lambda q: [bytes(range(100)), here(q)]),
    dns("cut short, and nothing by TCP", truncated),
    dns("cut short amid a record", lambda q: q.reply(record(A, HOME))[:-3], "unclear"),
    dns("a count that is a lie", lambda q: q.reply(record(A, HOME), count=65535)),
    dns("a question that is a lie", lambda q: q.data[:2] + b"\x81\x80" + b"\xff" * 8 + q.question),
    dns("a name that points to itself", lambda q: q.reply(record(A, HOME, name=b"\xc0" + bytes([12 + len(q.question)])))),
    dns("a name that points behind the end", lambda q: q.reply(record(A, HOME, name=b"\xff\xff"))),
    dns("a label of 200 bytes", lambda q: q.reply(record(A, HOME, name=b"\xc8" + b"a" * 200 + b"\0"))),
    dns("an address of 3 bytes", raw_a(b"\x7f\0\0"), "unclear"),
    dns("an address of no bytes", raw_a(b""), "unclear"),
    dns("an address of 1,000 bytes", raw_a(b"\x7f" * 1000)),
    dns("text instead of an address", lambda q: q.reply(record(16, b"\x05hello")), "unclear"),
    dns("an alias for itself", lambda q: q.reply(record(CNAME, b"\xc0\x0c")), "unclear"),
    dns("two aliases in a circle", alias("a.hostile.test", "b.hostile.test", "a.hostile.test"), "unclear"),
    dns("fifty aliases", alias(*[f"n{number}.hostile.test" for number in range(50)]), "unclear"),
    dns("an alias for a name that hangs", alias("hanging.hostile.test"), "unclear"),
    dns("an alias with control characters", lambda q: q.reply(record(CNAME, b"\x04\x1b[2J\0"), record(q.kind, HOME, b"\x04\x1b[2J\0"))),
    dns("0.0.0.0", addresses("0.0.0.0")),
    dns("the broadcast address", addresses("255.255.255.255"), "unclear"),
    dns("a multicast address", addresses("224.0.0.1"), "unclear"),
    dns("the address of a cloud's secrets", addresses("169.254.169.254"), "unclear"),
    dns("an address without a way", addresses("192.0.2.1"), "unclear"),
    dns("::", addresses("::")),
    dns("::ffff:127.0.0.1", addresses("::ffff:127.0.0.1")),
    dns("a link-local address", addresses("fe80::1"), "unclear"),
    dns("a multicast address of IPv6", addresses("ff02::1"), "unclear"),
    dns("three hundred addresses that refuse", addresses(*[f"127.7.{n // 250}.{n % 250 + 1}" for n in range(300)]), "unclear"),
    dns("ten addresses that refuse, and one that is right", addresses(*[f"127.7.0.{n + 1}" for n in range(10)], "127.0.0.1")),
    dns("a time to live of 2^32 - 1", lambda q: q.reply(*[record(A, HOME, ttl=0xFFFFFFFF)] * (q.kind == A)), "valid"),
]
