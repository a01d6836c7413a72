"""File systems that are full or read-only, and a log that nobody takes."""

import contextlib
import os
import sqlite3
import subprocess
import time

import rig
from bad_disk import fill
from rig import TOKEN, Missed
from scene import LASTS, NEIGHBOUR
from trial import INSIDE, Limit, Unavailable, goes_on_or_says_why, staged, while_it_lasts



def mounted(scene, where, options):
    if INSIDE not in os.environ:
        raise Unavailable("a mount namespace is not to be had")
    where.mkdir(exist_ok=True)
    subprocess.run(["mount", "-t", "tmpfs", "-o", options, "tmpfs", where], check=True, capture_output=True)
    scene.stage.endings.append(lambda: subprocess.run(["umount", "-l", where], capture_output=True))


def place_of(scene, which):
    return scene.daemon.state if which == "state" else scene.daemon.status_file.parent


def full(which, from_the_start=False):
    def perform(stage, name):
        with staged(stage, name) as scene:
            where = place_of(scene, which)
            mounted(scene, where, "size=1m,mode=700")
            if from_the_start:
                fill(where)
                scene.start()
                if which == "state":
                    goes_on_or_says_why(scene)
                    return
                time.sleep(LASTS)
                scene.lives()
                (where / "filler").unlink()
                for token in (TOKEN, NEIGHBOUR):
                    scene.daemon.wait_for_state("valid", token)
                scene.is_quiet()
                scene.stop()
                return
            scene.begin()
            while_it_lasts(scene, lambda: fill(where), lambda: (where / "filler").unlink())

    return perform


def without_inodes(which):
    def perform(stage, name):
        with staged(stage, name) as scene:
            where = place_of(scene, which)
            mounted(scene, where, "size=4m,mode=700,nr_inodes=40")
            scene.begin()

            def use_up():
                with contextlib.suppress(OSError):
                    for number in range(100):
                        (where / f"filler-{number}").touch()

            def remove():
                for entry in where.glob("filler-*"):
                    entry.unlink()

            while_it_lasts(scene, use_up, remove)

    return perform


def status_read_only(stage, name):
    with staged(stage, name) as scene:
        where = scene.daemon.status_file.parent
        mounted(scene, where, "size=1m,mode=700")
        scene.begin()

        def remount(how):
            # Busy while a file is being written.
            for _ in range(50):
                if subprocess.run(["mount", "-o", f"remount,{how}", where], capture_output=True).returncode == 0:
                    return
                time.sleep(0.05)
            raise Missed(f"it cannot be mounted {how}")

        while_it_lasts(scene, lambda: remount("ro"), lambda: remount("rw"))


def locked(stage, name):
    """Somebody else writes to the database, and takes his time."""
    with staged(stage, name) as scene:
        scene.begin()
        with contextlib.closing(sqlite3.connect(scene.daemon.state / "state.db", isolation_level=None)) as database:
            while_it_lasts(scene, lambda: database.execute("BEGIN IMMEDIATE"), lambda: database.execute("ROLLBACK"))


# MARK: the log


def log_to(redirection, hold=None):
    """Whoever takes the log does not take it, or there is nobody."""

    def perform(stage, name):
        with staged(stage, name) as scene:
            with hold(stage, name) if hold else contextlib.nullcontext("") as target:
                scene.begin(wrapper=["sh", "-c", f'exec "$@" {redirection.format(target)}', "sh"])
                time.sleep(1)
                scene.simulator.logout()
                scene.told(0, 0, repeats=False)
                scene.recovers()
                scene.no_false_death()
                scene.is_well()
                scene.stop()
                scene.is_sound()

    return perform


@contextlib.contextmanager
def full_pipe(stage, name):
    """A pipe with somebody who holds it open, never reads, and has let it fill."""
    pipe = stage.path(f"{name}.pipe")
    os.mkfifo(pipe)
    end = os.open(pipe, os.O_RDWR | os.O_NONBLOCK)
    with contextlib.suppress(BlockingIOError):
        while True:
            os.write(end, b"x" * 4096)
    try:
        yield pipe
    finally:
        os.close(end)


def reader_gone(stage, name):
    with staged(stage, name) as scene:
        ours, theirs = os.pipe()
        process = stage.start([rig.PROGRAM, "run", "--config", scene.daemon.config], scene.daemon.log.name)
        process.terminate()
        process.wait(10)
        argv = [rig.PROGRAM, "run", "--config", str(scene.daemon.config)]
        scene.daemon.process = subprocess.Popen(
            argv, stdin=subprocess.DEVNULL, stdout=theirs, stderr=theirs, env=rig.environment()
        )
        stage.processes.append(scene.daemon.process)
        os.close(theirs)
        for token in (TOKEN, NEIGHBOUR):
            scene.daemon.wait_for_state("valid", token)
        os.close(ours)
        scene.simulator.logout()
        scene.told(0, 0, repeats=False)
        scene.recovers()
        scene.no_false_death()
        scene.stop()
        scene.is_sound()


def rows():
    names = {"state": "the state directory", "status": "the status file's directory"}
    return [
        *[Limit(f"{words} full, under way", full(which)) for which, words in names.items()],
        *[Limit(f"{words} full from the start", full(which, True)) for which, words in names.items()],
        *[Limit(f"{words} without inodes, under way", without_inodes(which)) for which, words in names.items()],
        Limit("the status file's directory read-only, under way", status_read_only),
        Limit("a database that somebody else has locked, under way", locked),
        Limit("standard input, output and error closed", log_to("<&- >&- 2>&-")),
        Limit("a log on a full disk", log_to(">/dev/full 2>&1")),
        Limit("a log in a pipe that nobody reads", log_to(">{0} 2>&1", full_pipe)),
        Limit("a log whose reader has gone", reader_gone),
    ]
