"""The calls that fail, and with what: one row each. To add one, add a line."""

import dataclasses

from shim import FILES, OTHERS, PIPES, SOCKETS

# What getaddrinfo returns.
EAI_MEMORY = -10
# Open defects.
PROC = "libdispatch ends the process when it cannot read what its threads do below /proc, which it does now and then"
ASSERTION = "SwiftNIO asserts in a debug build that there is a connection when there was said to be one"
LOCKED = "each attempt to write to a database that cannot be locked takes 5 s, and SIGTERM has to wait for more than one"
WATCH = "swift-subprocess never hears of the end of a program for which it was given no descriptor to watch it by"
EVENTS = "SwiftNIO and libdispatch end the process when they cannot have what they wait for events with"


@dataclasses.dataclass(frozen=True)
class Fault:
    """One call that fails while the fault lasts."""

    call: str
    error: str | int
    # Descriptors that are meant, and a place: state, status, secret; or everything.
    kinds: int = 0
    place: str = ""
    # Each so-manieth call; calls that succeed first; failures in all, 0 without end.
    every: int = 1
    skip: int = 0
    times: int = 0
    # What was taken can be sent again, for the answer is lost on its way.
    repeats: bool = False
    # Whether SIGTERM must be obeyed while it lasts.
    ends: bool = True
    # An open defect: it is not played in a short run, and is never counted as passed.
    known: str = ""

    def __str__(self):
        kinds = {FILES: " of files", SOCKETS: " of sockets", PIPES: " of pipes", OTHERS: " of others"}.get(self.kinds, "")
        place = f" below the {self.place}" if self.place else ""
        often = f", each {self.every}." if self.every > 1 else ""
        often += f", after {self.skip} calls" if self.skip else ""
        often += f", {self.times} times" if self.times else ""
        return f"{self.call}{kinds}{place}: {self.error}{often}"


def of(call, *errors, **more):
    """A row for each error. Nothing is interrupted for ever."""
    return [Fault(call, error, **({"every": 2} if error == "EINTR" else {}) | more) for error in errors]


def under_way():
    """Those that begin when the daemon is up, and end again. What is not here it does only when it starts."""
    return [
        *of("open", "EMFILE", "ENFILE", "ENOMEM", "EIO", "EINTR"),
        *of("open", "EMFILE", "ENFILE", place="proc", known=PROC),
        *of("open", "EACCES", "ESTALE", "EIO", "ETIMEDOUT", place="secret"),
        *of("open", "EROFS", "ENOSPC", "EDQUOT", "EACCES", place="status"),
        *of("read", "EIO", "ESTALE", "EINTR", place="secret"),
        *of("read", "EIO", "EINTR", kinds=PIPES),
        *of("read", "EINTR", kinds=OTHERS),
        *of("read", "ECONNRESET", "EINTR", "ENOMEM", kinds=SOCKETS),
        *of("recv", "ECONNRESET", "ENOMEM", "ETIMEDOUT", "EINTR", "EIO", repeats=True),
        *of("write", "ENOSPC", "EDQUOT", "EIO", "EROFS", place="state"),
        *of("write", "EIO", place="state", every=2),
        *of("write", "ENOSPC", "EDQUOT", "EIO", "EINTR", place="status"),
        *of("write", "EPIPE", "ENOBUFS", "EINTR", kinds=SOCKETS),
        *of("write", "EINTR", kinds=OTHERS),
        *of("send", "EPIPE", "ENOBUFS", "ECONNRESET", "EINTR", "ENOMEM", "EPERM", repeats=True),
        *of("fsync", "EIO", "ENOSPC", "EDQUOT"),
        *of("rename", "EIO", "ENOSPC", "EROFS", "EACCES", "EDQUOT"),
        *of("unlink", "EIO", "EROFS", "EACCES", "EBUSY"),
        *of("socket", "EMFILE", "ENFILE", "ENOMEM", "ENOBUFS", "EACCES", "EAFNOSUPPORT"),
        *of("connect", "EADDRNOTAVAIL", "ENETUNREACH", "EPERM", "EAGAIN", "ENOMEM", "EINTR"),
        *of("accept", "EMFILE", "ENFILE", "ENOMEM", "ENOBUFS", "ECONNABORTED", "EINTR", "EPERM", "EPROTO"),
        *of("accept", "EAGAIN", known=ASSERTION),
        *of("setsockopt", "ENOMEM", "ENOBUFS", "EINVAL"),
        *of("epoll_ctl", "ENOMEM", "ENOSPC"),
        *of("epoll_wait", "EINTR"),
        *of("poll", "ENOMEM", "EINTR", repeats=True),
        *of("pipe", "EMFILE", "ENFILE"),
        *of("fcntl", "EINTR", "EAGAIN", "EIO", "ENOLCK", place="state", known=LOCKED),
        *of("fcntl", "EINVAL", "EPERM", kinds=SOCKETS),
        *of("spawn", "EAGAIN", "ENOMEM"),
        *of("memfd", "EMFILE", "ENOMEM"),
        *of("pidfd", "EMFILE", "ENFILE", "ENOMEM", known=WATCH),
        # Without a thread nothing can be done, and so nothing ended.
        *of("thread", "EAGAIN", ends=False),
    ]


def from_the_start():
    """Those that are there before the daemon: it goes on, or ends with a sentence and an exit code."""
    often = [
        *of("open", "EMFILE", "ENFILE", "ENOMEM", "EIO", "EACCES"),
        *of("read", "EIO", "ENOMEM", kinds=FILES),
        *of("fsync", "EIO"),
        *of("epoll_wait", "EINTR"),
        *of("poll", "ENOMEM"),
        *of("thread", "EAGAIN"),
    ]
    once = [
        *of("write", "ENOSPC", "EIO", place="state"),
        *of("write", "ENOSPC", "EIO", place="status"),
        *of("rename", "EROFS"),
        *of("unlink", "EACCES"),
        *of("ftruncate", "EIO"),
        *of("mkdir", "ENOSPC"),
        *of("socket", "EMFILE", "ENOBUFS", "EAFNOSUPPORT"),
        *of("socketpair", "EMFILE"),
        *of("connect", "ENETUNREACH"),
        *of("bind", "EADDRINUSE", "EACCES", "ENOMEM"),
        *of("listen", "EADDRINUSE"),
        *of("setsockopt", "ENOMEM"),
        *of("epoll_create", "EMFILE", "ENOMEM", known=EVENTS),
        *of("epoll_ctl", "ENOSPC", known=EVENTS),
        *of("epoll_ctl", "ENOSPC", skip=3, known=EVENTS),
        *of("eventfd", "EMFILE", "ENOMEM", known=EVENTS),
        *of("eventfd", "EMFILE", skip=3, known=EVENTS),
        *of("timerfd", "EMFILE", "ENOMEM", known=EVENTS),
        *of("pipe", "EMFILE"),
        *of("dup", "EMFILE"),
        *of("fcntl", "ENOLCK", place="state"),
        *of("getaddrinfo", EAI_MEMORY),
        *of("mmap", "ENOMEM"),
    ]
    return [*often, *once, *(dataclasses.replace(row, skip=skip) for row in often for skip in (3, 20))]
