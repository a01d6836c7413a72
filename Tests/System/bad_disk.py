"""Disks that are full or fail, for the state directory of a daemon."""

import shutil
import subprocess

from rig import PROJECT, environment

SHIM = PROJECT / "Tests/Crash/failing-disk.c"


def mount(stage, *arguments):
    subprocess.run(["mount", *map(str, arguments)], check=True, capture_output=True)
    target = str(arguments[-1])
    stage.endings.append(lambda: subprocess.run(["umount", "-l", target], capture_output=True))


def can_mount(stage):
    place = stage.path("trial")
    place.mkdir()
    result = subprocess.run(["mount", "-t", "tmpfs", "tmpfs", place], capture_output=True)
    subprocess.run(["umount", place], capture_output=True)
    return result.returncode == 0


def fill(directory):
    """Writes until nothing more fits."""
    with open(directory / "filler", "ab", buffering=0) as filler:
        for size in (65536, 4096, 512, 1):
            try:
                while True:
                    filler.write(b"x" * size)
            except OSError:
                pass


def compiler():
    return shutil.which("cc") or shutil.which("clang")


def failing(stage, directory, switch, writes=False):
    """The environment of a daemon for which, while the file `switch` is there, every second fsync in `directory` fails;
    with `writes` every second write as well."""
    shim = stage.path("failing-disk.so")
    if not shim.exists():
        subprocess.run([compiler(), "-shared", "-fPIC", "-O1", "-o", shim, SHIM, "-ldl"], check=True)
    variables = {"LD_PRELOAD": str(shim), "SHIM_BELOW": str(directory), "SHIM_WHILE": str(switch)}
    return environment(**variables, **({"SHIM_WRITES": "1"} if writes else {}))
