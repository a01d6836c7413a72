"""What can be seen of a process, of the server's log and of a directory from outside."""

import array
import ctypes
import math
import os
import struct
import time


class Trouble(Exception):
    """A measurement cannot be made; its row says why."""


def until(condition, what, limit, pause=0.05):
    """What `condition` gives as soon as it is something; Trouble after `limit` seconds."""
    deadline = time.monotonic() + limit
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > deadline:
            raise Trouble(f"gave up after {limit:.0f} s: {what}")
        time.sleep(pause)


def cpu(pid):
    """CPU seconds of a process and its ended threads, to the nanosecond: its CPU clock (clock_getcpuclockid(3))."""
    return time.clock_gettime((~pid << 3) | 2)


def children(pid):
    with open(f"/proc/{pid}/task/{pid}/children") as file:
        return [int(word) for word in file.read().split()]


def memory(pid):
    """MB: resident, of it anonymous, and the most that was ever resident."""
    names = {"VmRSS": "rss_mb", "RssAnon": "anon_mb", "VmHWM": "peak_mb"}
    found = {}
    with open(f"/proc/{pid}/status") as file:
        for line in file:
            key, _, value = line.partition(":")
            if key in names:
                found[names[key]] = int(value.split()[0]) / 1024
    return found


def written(pid):
    """Bytes that this process has caused to be written to a disk; what goes to a tmpfs is not among them."""
    with open(f"/proc/{pid}/io") as file:
        fields = dict(line.split(": ") for line in file)
    return int(fields["write_bytes"])


def size(directory):
    total = 0
    for folder, _, names in os.walk(directory):
        for name in names:
            try:
                total += os.lstat(os.path.join(folder, name)).st_size
            except FileNotFoundError:
                pass
    return total


def quantile(values, share):
    """The smallest value that at least this share of all values does not exceed."""
    ordered = sorted(values)
    return ordered[max(0, math.ceil(len(ordered) * share) - 1)] if ordered else None


class Renames:
    """Counts how often a file is put into a directory under a name: inotify(7)."""

    MOVED_TO, CLOSE_WRITE = 0x80, 0x08

    def __init__(self, directory, name):
        self.name = name.encode()
        libc = ctypes.CDLL(None, use_errno=True)
        self.descriptor = libc.inotify_init1(os.O_NONBLOCK | os.O_CLOEXEC)
        if self.descriptor < 0:
            raise Trouble("no inotify")
        libc.inotify_add_watch(self.descriptor, os.fsencode(directory), self.MOVED_TO | self.CLOSE_WRITE)

    def count(self):
        """How often since the last call."""
        seen = 0
        while True:
            try:
                data = os.read(self.descriptor, 1 << 16)
            except BlockingIOError:
                return seen
            while data:
                _, mask, _, length = struct.unpack_from("iIII", data)
                if data[16:16 + length].rstrip(b"\0") == self.name:
                    seen += 1
                data = data[16 + length:]

    def close(self):
        os.close(self.descriptor)


class AccessLog:
    """The server's log: which token was asked for when, with which answer, on which connection.

    A line is `TIME CONNECTION STATUS AUTHORIZATION`; the number of the token is the last eight digits. Requests without
    a token, the control, are counted apart.
    """

    def __init__(self, path):
        self.file = open(path, "rb")
        self.rest = b""
        self.times, self.tokens = array.array("d"), array.array("l")
        self.statuses, self.connections = array.array("h"), array.array("q")
        self.controls = 0
        self.firsts = {}

    def read(self):
        """Takes in what has been added."""
        while True:
            chunk = self.file.read(1 << 22)
            if not chunk:
                return self
            lines = (self.rest + chunk).split(b"\n")
            self.rest = lines.pop()
            for line in lines:
                self.take(line)

    def take(self, line):
        at, connection, status, authorization = line.split(b" ", 3)
        if authorization == b"-":
            self.controls += 1
            return
        at, token = float(at), int(authorization[-8:])
        self.times.append(at)
        self.tokens.append(token)
        self.statuses.append(int(status))
        self.connections.append(int(connection))
        if token not in self.firsts:
            self.firsts[token] = at

    def between(self, begin, end, tokens, interval):
        """What happened from `begin` to `end`: probes, connections, and how many came late.

        A probe is late when the one before it of the same token is more than 1.05 intervals ago; so is one that is
        overdue by so much at `end`, and did not come at all.
        """
        last = dict(self.firsts)
        late = probes = 0
        worst = 0.0
        connections = set()
        for at, token, connection in zip(self.times, self.tokens, self.connections):
            if at > end:
                break
            if at > begin:
                probes += 1
                connections.add(connection)
                gap = at - last[token]
                worst = max(worst, gap)
                late += gap > 1.05 * interval
            last[token] = at
        for token in range(tokens):
            gap = end - last[token] if token in last and last[token] <= end else end - begin
            worst = max(worst, gap)
            late += gap > 1.05 * interval
        return dict(probes=probes, late=late, worst_gap_s=round(worst, 3), connections=len(connections))

    def close(self):
        self.file.close()
