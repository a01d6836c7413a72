"""Behaviours by chance: the bytes of a good exchange, cut, delayed, repeated, reordered, flipped, with more put in between.
The seed alone decides what is played."""

import random

import frames
from rows_http1 import GOOD, LAST, chunk, chunked, ok
from table import Row
from wire import Gone, hold, rst

EXCHANGES = {
    "http": [
        ok(),
        ok(b"Connection: close"),
        chunked(chunk(GOOD[:5]), chunk(GOOD[5:]), LAST),
        b"HTTP/1.1 100 Continue\r\n\r\n" + ok(),
    ],
    "h2": [
        frames.ok,
        lambda s: frames.head(s, b"103") + frames.ok(s),
        lambda s: frames.settings((3, 100)) + frames.ok(s) + frames.frame(frames.PING, 0, 0, b"12345678"),
        lambda s: frames.head(s, b"200", frames.JSON) + frames.body(s, GOOD[:5], False) + frames.body(s, GOOD[5:]),
    ],
}
WORDS = [
    b"\r\n",
    b"\r\n\r\n",
    b"\0",
    b":",
    b" ",
    b"HTTP/1.1 ",
    b"Content-Length: 5\r\n",
    b"0\r\n\r\n",
    b"\xff" * 9,
    b"\0\0\0\x04\1\0\0\0\0",
]


def cut(dice, pieces):
    """A piece loses its end."""
    at = dice.randrange(len(pieces))
    pieces[at] = pieces[at][: dice.randrange(len(pieces[at]) + 1)]


def repeat(dice, pieces):
    at = dice.randrange(len(pieces))
    pieces[at:at] = [pieces[at]] * dice.choice([1, 1, 2, 50, 2000])


def reorder(dice, pieces):
    dice.shuffle(pieces)


def flip(dice, pieces):
    at = dice.randrange(len(pieces))
    data = bytearray(pieces[at])
    for _ in range(dice.choice([1, 1, 2, 8])):
        if data:
            data[dice.randrange(len(data))] ^= 1 << dice.randrange(8)
    pieces[at] = bytes(data)


def insert(dice, pieces):
    word = dice.choice([*WORDS, dice.randbytes(dice.choice([1, 10, 1000])), dice.choice(WORDS) * 10_000])
    pieces.insert(dice.randrange(len(pieces) + 1), word)


def drop(dice, pieces):
    if len(pieces) > 1:
        pieces.pop(dice.randrange(len(pieces)))


CHANGES = [cut, repeat, reorder, flip, flip, insert, insert, drop]


def split(dice, data):
    points = sorted(dice.randrange(len(data) + 1) for _ in range(dice.randrange(1, 6)))
    return [data[low:high] for low, high in zip([0, *points], [*points, len(data)]) if high > low]


def changed(seed, data):
    """The steps that play `data` as the seed has it. A stream's number may be in it, so it is made anew for each."""
    dice = random.Random(seed)
    pieces = split(dice, data)
    for _ in range(dice.randrange(1, 4)):
        dice.choice(CHANGES)(dice, pieces)
        pieces = [piece for piece in pieces if piece] or [b""]
    steps = []
    for piece in pieces:
        steps.append(piece)
        if dice.random() < 0.1:
            steps.append(dice.choice([0.01, 0.1, 0.5]))
    end = dice.choice(["stay", "stay", "close", "reset", "hold"])
    return steps, end


def row(seed):
    """The row of a seed."""
    dice = random.Random(f"{seed} row")
    transport = dice.choice(["http", "https", "h2", "h2"])
    made = dice.choice(EXCHANGES["h2" if transport == "h2" else "http"])
    early, with_start = dice.random() < 0.1, dice.random() < 0.2

    def play(connection):
        def answer(data):
            steps, end = changed(seed, data)
            for step in steps:
                connection.step(step)
            if end == "close":
                raise Gone
            if end == "reset":
                rst(connection)
            if end == "hold":
                hold(connection)

        if transport == "h2":
            connection.read(len(frames.PREFACE))
            if with_start:
                answer(frames.settings((3, 100)))
            else:
                connection.send(frames.settings())
            for stream in frames.Requests(connection):
                answer(made(stream))
        while True:
            if not early:
                connection.ask()
            answer(made)
            if early:
                connection.ask()

    return Row(f"seed {seed}", play, transport=transport)
