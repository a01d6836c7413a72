"""How a fault that needs no library is played."""

import contextlib
import dataclasses
import os
import subprocess
import time
import typing

from rig import TOKEN, Missed
from scene import DIES_AFTER, LASTS, NEIGHBOUR, SIGNS, Scene

# Set where what is mounted is nobody else's.
INSIDE = "TOKENVIGIL_HOST_FAULTS_INSIDE"


class Unavailable(Exception):
    """It cannot be played here, and why."""


@dataclasses.dataclass(frozen=True)
class Limit:
    title: str
    perform: typing.Callable
    known: str = ""


def needs_root(what):
    if os.geteuid() != 0:
        raise Unavailable(f"{what} takes root")


@contextlib.contextmanager
def staged(stage, name):
    scene = Scene(stage, name)
    try:
        yield scene
    finally:
        scene.end()


def while_it_lasts(scene, begin, end):
    """What the table's rows go through, with a fault of another kind."""
    before, runs = len(scene.deaths()), scene.pages()
    with scene.readers():
        begin()
        try:
            time.sleep(DIES_AFTER)
            scene.simulator.logout()
            time.sleep(LASTS - DIES_AFTER)
        finally:
            end()
    over = time.time()
    scene.lives()
    scene.goes_on(over)
    scene.told(before, runs, repeats=False)
    scene.no_false_death()
    scene.is_quiet()
    scene.recovers()
    scene.no_false_death()
    scene.is_well()
    scene.stop()
    scene.is_sound()


def goes_on_or_says_why(scene, seconds=4):
    """Under a limit from the start: all of its work, or one sentence and an exit code."""
    with contextlib.suppress(subprocess.TimeoutExpired):
        code = scene.daemon.process.wait(seconds)
        text = scene.said()
        lines = [line for line in text.splitlines() if line.strip()]
        if code <= 0 or code >= 128 or not 1 <= len(lines) <= 4 or any(sign in text for sign in SIGNS):
            raise Missed(f"it ended with {code} and {len(lines)} lines: {text[-1500:]}")
        return
    for name in (TOKEN, NEIGHBOUR):
        scene.daemon.wait_for_state("valid", name)
    scene.simulator.logout()
    scene.told(0, 0, repeats=False)
    scene.no_false_death()
    scene.is_quiet()
    scene.stop()
