"""A daemon with a token that dies, a neighbour that does not, two receivers and readers; and what must hold after a fault."""

import collections
import contextlib
import http.client
import json
import os
import re
import socket
import sqlite3
import threading
import time

import rig
from rig import TOKEN, Missed, tallyfy, wait_for

NEIGHBOUR = "crm-sync"
# How long a fault lasts, after which time the token is logged out, and what is allowed after its end, in seconds.
LASTS, DIES_AFTER = 3.0, 0.6
FRESH, TOLD, STOPPED = 10, 25, 10
# Lines of the log that say the same within one fault.
SAME_LINES = 6
SIGNS = ["Fatal error", "Stack dump", "Illegal instruction", "Program crashed"]


class Scene:
    """Everything for one fault; the daemon's files stay from one fault to the next."""

    def __init__(self, stage, name, **more):
        self.stage = stage
        self.simulator, self.other = stage.simulator(f"{name}-sim"), stage.simulator(f"{name}-other")
        self.sink = stage.webhook()
        self.runs = stage.path(f"{name}-page-runs")
        self.runs.mkdir()
        # Of the shell alone: under some limits there is no other process.
        script = stage.script(
            f"{name}-page", f'#!/bin/sh\nwhile read -r _; do :; done\necho "$TOKENVIGIL_KIND" >"{self.runs}/$$"\n'
        )
        self.port = rig.free_port()
        self.daemon = stage.daemon(
            name=name,
            tokens={TOKEN: tallyfy(self.simulator), NEIGHBOUR: tallyfy(self.other)},
            notifiers={
                "oncall": {"type": "webhook", "url": self.sink.url},
                "page": {"type": "command", "argv": [str(script)]},
            },
            defaults={"confirm": {"rejections": 2, "over": "1s"}, "timeout": "2s"},
            status={"file": str(stage.path(f"{name}-status/status.json"))},
            control={"socket": str(stage.path(f"{name}-control.sock"))},
            listen=self.port,
            **more,
        )
        self.daemon.status_file = stage.path(f"{name}-status/status.json")
        self.daemon.status_file.parent.mkdir()
        self.daemon.state.mkdir(mode=0o700)
        self.mark = 0
        # Whose the files are.
        self.user = None

    # MARK: the daemon

    def start(self, env=None, wrapper=()):
        self.mark = self.daemon.log.stat().st_size if self.daemon.log.exists() else 0
        argv = [*wrapper, rig.PROGRAM, "run", "--config", self.daemon.config]
        self.daemon.process = self.stage.start(argv, self.daemon.log.name, env)

    def begin(self, env=None, wrapper=()):
        """Started, and both tokens found well."""
        self.start(env, wrapper)
        for name in (TOKEN, NEIGHBOUR):
            self.daemon.wait_for_state("valid", name)

    def said(self):
        """What the daemon has logged since it was started, or since `hush`."""
        return self.daemon.log.read_bytes()[self.mark :].decode(errors="replace")

    def lives(self):
        code = self.daemon.process.poll()
        if code is not None:
            raise Missed(f"the daemon ended with {code}: {self.said()[-1500:]}")

    def stop(self):
        """SIGTERM ends it in time, and with an exit code."""
        self.lives()
        begun = time.monotonic()
        try:
            code = self.daemon.stop(STOPPED)
        except Missed as missed:
            raise Missed(f"{missed}: {self.said()[-1500:]}") from None
        if code < 0:
            raise Missed(f"SIGTERM, and it ended by signal {-code}: {self.said()[-1500:]}")
        return time.monotonic() - begun

    def end(self):
        if self.daemon.process and self.daemon.process.poll() is None:
            self.daemon.kill()

    # MARK: readers

    def page(self, within=2):
        """The page, by its port."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=within)
        with contextlib.closing(connection):
            connection.request("GET", "/status.json")
            return connection.getresponse().read() and True

    def control(self, within=2):
        """The control socket's answer."""
        connection = http.client.HTTPConnection("localhost", timeout=within)
        connection.sock = socket.socket(socket.AF_UNIX)
        connection.sock.settimeout(within)
        with contextlib.closing(connection.sock):
            connection.sock.connect(self.daemon.configuration["control"]["socket"])
            connection.request("GET", "/v1/status")
            return connection.getresponse().read() and True

    @contextlib.contextmanager
    def readers(self):
        """Somebody who reads page and control socket again and again."""
        over = threading.Event()

        def read():
            while not over.wait(0.25):
                for look in (self.page, self.control):
                    with contextlib.suppress(OSError, http.client.HTTPException):
                        look(0.5)

        thread = threading.Thread(target=read, daemon=True)
        thread.start()
        try:
            yield
        finally:
            over.set()
            thread.join(5)

    # MARK: what must hold

    def deaths(self, name=TOKEN):
        """The alerts that the webhook took, each as often as it was sent."""
        return [item for item in self.sink.received("token.invalidated") if name in json.dumps(item.document)]

    def pages(self):
        """How often the command was told a death."""
        return sum("token.invalidated" in run.read_text() for run in self.runs.iterdir())

    def goes_on(self, since):
        """The status is fresh, and page and control socket answer."""

        def is_fresh():
            self.lives()
            with contextlib.suppress(FileNotFoundError):
                return self.daemon.status_file.stat().st_mtime > since

        wait_for("a fresh status file after the fault", is_fresh, FRESH)
        for what, look in (("the page", self.page), ("the control socket", self.control)):

            def answers(look=look):
                self.lives()
                with contextlib.suppress(OSError, http.client.HTTPException):
                    return look()

            wait_for(f"{what} answers after the fault", answers, FRESH)

    def told(self, before, runs, repeats):
        """The death of the token was told by both notifiers, once."""

        def came():
            self.lives()
            return len(self.deaths()) > before and self.pages() > runs

        try:
            wait_for("the death is told by both", came, TOLD)
        except Missed as missed:
            told = len(self.deaths()) - before, self.pages() - runs
            state = self.daemon.token().get("explanation")
            raise Missed(f"{missed}; webhook {told[0]}, command {told[1]}; {state}; {self.said()[-1500:]}") from None
        time.sleep(0.3)
        found = self.deaths()[before:]
        ids = collections.Counter(item.id for item in found)
        if len(ids) != 1 or (len(found) > 1 and not repeats):
            raise Missed(f"the death was told by webhook {len(found)} times, as {dict(ids)}")
        ran = self.pages() - runs
        if ran != 1:
            raise Missed(f"the death was told by command {ran} times")

    def no_false_death(self):
        if self.deaths(NEIGHBOUR):
            raise Missed("a death of the neighbour was told, whose token is good")

    def is_quiet(self):
        """Each thing is said once, or a few times."""
        text = self.said()
        sign = next((sign for sign in SIGNS if sign in text), None)
        if sign:
            raise Missed(f"{sign!r} in the log: {text[-1500:]}")
        lines = collections.Counter(re.sub(r"[0-9a-f]*\d[0-9a-f]*", "#", line) for line in text.splitlines())
        for line, count in lines.most_common(1):
            if count > SAME_LINES:
                raise Missed(f"{count} times in the log: {line[:400]}")

    def recovers(self):
        """The owner logs in again, and all is well."""
        before = len(self.sink.received("token.recovered"))
        self.simulator.replace_secret()
        if self.user:
            os.chown(self.simulator.secret, self.user, self.user)
        self.sink.wait_for("token.recovered", before + 1, TOLD)
        for name in (TOKEN, NEIGHBOUR):
            self.daemon.wait_for_state("valid", name)

    def is_well(self):
        """The monitor has no problem left."""

        def look():
            self.lives()
            return (self.daemon.status() or {}).get("monitor", {}).get("healthy")

        try:
            wait_for("a healthy monitor", look, 45)
        except Missed as missed:
            problems = (self.daemon.status() or {}).get("monitor", {}).get("problems")
            raise Missed(f"{missed}: {problems}") from None

    def is_sound(self):
        database = sqlite3.connect(self.daemon.state / "state.db")
        with contextlib.closing(database):
            rig.equal(database.execute("PRAGMA integrity_check").fetchall(), [("ok",)], "the database")
