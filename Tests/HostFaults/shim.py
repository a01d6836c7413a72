"""The preloaded library that makes calls fail, and the control block by which it is told which."""

import errno
import mmap
import pathlib
import shutil
import struct
import subprocess

from rig import environment

SOURCE = pathlib.Path(__file__).resolve().parent / "failing-host.c"
# The same as in failing-host.c.
HEAD = struct.Struct("=IiIIQQQQ64s4096s")
FILES, SOCKETS, PIPES, OTHERS = 1, 2, 4, 8


def compiler():
    return shutil.which("cc") or shutil.which("clang")


def build(stage):
    """The library, compiled once."""
    library = stage.path("failing-host.so")
    if not library.exists():
        command = [compiler(), "-shared", "-fPIC", "-O1", "-Wall", "-Werror", "-o", library, SOURCE, "-ldl"]
        subprocess.run(command, check=True)
    return library


class Control:
    """What fails in one daemon; it can be changed while that runs."""

    def __init__(self, stage, name):
        self.library, self.path = build(stage), stage.path(f"{name}.control")
        self.path.write_bytes(bytes(HEAD.size))
        with open(self.path, "r+b") as file:
            self.block = mmap.mmap(file.fileno(), HEAD.size)

    @property
    def environment(self):
        return environment(LD_PRELOAD=str(self.library), HOST_FAULT_CONTROL=str(self.path))

    def begin(self, fault, below):
        """`below` is a path, or nothing."""
        number = fault.error if isinstance(fault.error, int) else getattr(errno, fault.error)
        words = (number, fault.kinds, fault.every, fault.skip, fault.times, 0, 0)
        self.block[:] = HEAD.pack(0, *words, fault.call.encode(), str(below or "").encode())
        self.block[:4] = struct.pack("=I", 1)

    def end(self):
        """How many calls failed."""
        self.block[:4] = bytes(4)
        return HEAD.unpack(self.block[:])[7]
