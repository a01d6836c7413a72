"""Limits of the system: open files, processes, memory, the size of a file; and control groups."""

import contextlib
import os
import pathlib
import re
import resource
import shutil
import subprocess
import time

import rig
from trial import Limit, Unavailable, goes_on_or_says_why, needs_root, staged, while_it_lasts

MEGABYTE = 1 << 20
GROUPS = pathlib.Path("/sys/fs/cgroup")


def limited(*limits):
    def perform(stage, name):
        with staged(stage, name) as scene:
            scene.start(wrapper=["prlimit", *limits, "--"])
            goes_on_or_says_why(scene)

    return perform


def as_somebody(stage, scene, uid):
    """Everything of the scene belongs to an ordinary user; what starts a program as him."""
    needs_root("a limit of processes")
    if not all(os.stat(place).st_mode & 0o001 for place in pathlib.Path(rig.PROGRAM).parents):
        raise Unavailable("nobody else can run the program here")
    stage.directory.chmod(0o777)
    scene.user = uid
    for place in (scene.daemon.state, scene.daemon.status_file.parent, scene.runs, scene.simulator.secret, scene.other.secret):
        os.chown(place, uid, uid)
    return ["setpriv", f"--reuid={uid}", f"--regid={uid}", "--clear-groups"]


def processes(count):
    def perform(stage, name):
        with staged(stage, name) as scene:
            enter = as_somebody(stage, scene, 54000 + count)
            scene.start(wrapper=[*enter, "prlimit", f"--nproc={count}", "--"])
            goes_on_or_says_why(scene)

    return perform


def lowered(kind, value, user=None):
    """A soft limit that is lowered under way and raised again; `value` is given the process id."""

    def perform(stage, name):
        with staged(stage, name) as scene:
            enter = as_somebody(stage, scene, user) if user else []
            scene.begin(wrapper=enter)
            pid = scene.daemon.pid
            old = resource.getrlimit(kind) if user else resource.prlimit(pid, kind)
            low = min(value(pid), old[1]) if old[1] != resource.RLIM_INFINITY else value(pid)

            def put(limit):
                if not user:
                    with contextlib.suppress(ProcessLookupError):
                        resource.prlimit(pid, kind, limit)
                    return
                # The limits of his process are his.
                text = ":".join("unlimited" if value == resource.RLIM_INFINITY else str(value) for value in limit)
                subprocess.run([*enter, "prlimit", f"--pid={pid}", f"--nproc={text}"], capture_output=True)

            while_it_lasts(scene, lambda: put((low, old[1])), lambda: put(old))

    return perform


def size_of(pid):
    """What a process has of its address space, in bytes."""
    return int(re.search(r"VmSize:\s+(\d+) kB", pathlib.Path(f"/proc/{pid}/status").read_text())[1]) * 1024


# MARK: control groups


@contextlib.contextmanager
def group(stage, controller, name):
    """A new control group; gives its directory and whether it is of the second version."""
    needs_root("a control group")
    second = (GROUPS / "cgroup.controllers").exists()
    root = GROUPS if second else GROUPS / controller
    if not root.is_dir():
        raise Unavailable("there are no control groups here")
    place = root / f"{stage.directory.name}-{name}"
    try:
        place.mkdir()
        if second and not (place / f"{controller}.max").exists():
            raise OSError(f"the controller {controller} is not delegated")
    except OSError as error:
        with contextlib.suppress(OSError):
            place.rmdir()
        raise Unavailable(f"a control group is not to be had: {error}") from None
    try:
        yield place, second
    finally:
        for _ in range(100):
            with contextlib.suppress(OSError):
                place.rmdir()
                break
            time.sleep(0.05)


def in_group(place):
    return ["sh", "-c", f'echo $$ >{place}/cgroup.procs && exec "$@"', "sh"]


def memory_of_the_unit(stage, name):
    """Under the ceiling of the unit all goes well."""
    most = re.search(r"^MemoryMax=(\d+)M", rig.UNIT, re.M)
    with staged(stage, name) as scene, group(stage, "memory", name) as (place, second):
        file = place / ("memory.max" if second else "memory.limit_in_bytes")
        file.write_text(str(int(most[1] if most else 256) * MEGABYTE))
        scene.start(wrapper=in_group(place))
        goes_on_or_says_why(scene)
        scene.end()


def killed_for_memory(stage, name):
    """The kernel ends it; the next one tells what died meanwhile, once."""
    with staged(stage, name) as scene, group(stage, "memory", name) as (place, second):
        file = place / ("memory.max" if second else "memory.limit_in_bytes")
        scene.begin()
        scene.stop()
        # It never has so little.
        file.write_text(str(2 * MEGABYTE))
        scene.start(wrapper=in_group(place))
        try:
            code = scene.daemon.process.wait(10)
        except subprocess.TimeoutExpired:
            scene.end()
            raise Unavailable("the kernel kills nobody for want of memory here") from None
        rig.equal(code, -9, "how it ended")
        scene.simulator.logout()
        scene.start()
        scene.told(0, 0, repeats=False)
        scene.no_false_death()
        scene.stop()
        scene.is_sound()


def no_more_processes(stage, name):
    """No thread and no process more than there are."""
    with staged(stage, name) as scene, group(stage, "pids", name) as (place, _):
        scene.begin(wrapper=in_group(place))
        most = place / "pids.max"
        while_it_lasts(scene, lambda: most.write_text("1"), lambda: most.write_text("max"))


def rows():
    if not shutil.which("prlimit"):
        return []
    return [
        *[Limit(f"{count} open files from the start", limited(f"--nofile={count}")) for count in (8, 24, 40, 64, 80, 128)],
        *[Limit(f"{count} processes of the user", processes(count)) for count in (1, 4, 8, 12, 16, 32)],
        *[Limit(f"{size} MB of address space from the start", limited(f"--as={size * MEGABYTE}")) for size in (64, 128, 4096)],
        *[Limit(f"files of {size} bytes at most from the start", limited(f"--fsize={size}")) for size in (4096, 65536)],
        Limit("no more open files, under way", lowered(resource.RLIMIT_NOFILE, lambda pid: 3)),
        Limit("some more open files, under way", lowered(resource.RLIMIT_NOFILE, lambda pid: 26)),
        Limit("no more processes of the user, under way", lowered(resource.RLIMIT_NPROC, lambda pid: 1, user=54990)),
        Limit(
            "no more address space, under way",
            lowered(resource.RLIMIT_AS, size_of),
            known="Swift ends a process that is given no memory; the next one goes on, as after a kill",
        ),
        Limit("files of 4096 bytes at most, under way", lowered(resource.RLIMIT_FSIZE, lambda pid: 4096)),
        Limit("files of no bytes, under way", lowered(resource.RLIMIT_FSIZE, lambda pid: 0)),
        Limit("the memory that the unit allows", memory_of_the_unit),
        Limit("killed by the kernel for want of memory", killed_for_memory),
        Limit("no more processes in the control group, under way", no_more_processes),
    ]
