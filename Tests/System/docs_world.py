"""A host on which the commands of the documentation mean what they say: /etc, /var and /run of its own, a network of its
own, a name of its own (srv1), and a Tallyfy at https://go.tallyfy.com that is the stand-in. All of it is a set of
namespaces over this machine, and vanishes with the test."""

import contextlib
import fcntl
import grp
import json
import os
import pathlib
import signal
import socket
import struct
import subprocess

import rig
from rig import TOKEN, wait_for

HOST = "srv1"
CONFIG = pathlib.Path("/etc/tokenvigil/tokenvigil.yaml")
SECRETS = pathlib.Path("/etc/tokenvigil/secrets")
STATUS = pathlib.Path("/run/tokenvigil/status.json")
PRIVATE = ("etc", "var", "run")
MARK = "TOKENVIGIL_TEST_WORLD"


def why_not():
    """Why there can be no such host here; nothing where there can."""
    if MARK in os.environ:
        return None
    if os.geteuid() != 0:
        return "only root can have namespaces of its own"
    if any(rig.PROJECT.is_relative_to(f"/{name}") for name in PRIVATE):
        return "this tree lies in a directory that would be hidden"
    result = subprocess.run([*UNSHARE, "mount", "-t", "tmpfs", "tmpfs", "/mnt"], capture_output=True, text=True)
    return result.stderr.strip() if result.returncode else None


UNSHARE = ["unshare", "--mount", "--net", "--uts", "--propagation", "private", "--"]


def enter(argv):
    """Goes on inside; returns there."""
    if MARK not in os.environ:
        os.environ[MARK] = "1"
        os.execvp(UNSHARE[0], [*UNSHARE, *argv])
    socket.sethostname(HOST)
    loopback_up()
    mount("-t", "tmpfs", "-o", "mode=0755", "tmpfs", "/mnt")
    if not any(pathlib.Path(path).is_relative_to("/tmp") for path in (rig.PROJECT, rig.PROGRAM)):
        mount("-t", "tmpfs", "-o", "mode=1777", "tmpfs", "/tmp")
    else:
        # What an earlier run has left in the folder of the first steps would be part of the story.
        os.makedirs("/tmp/vigil", exist_ok=True)
        mount("-t", "tmpfs", "tmpfs", "/tmp/vigil")
    for name in PRIVATE:
        pathlib.Path("/mnt", name).mkdir()
    subprocess.run(["cp", "-a", "/etc/.", "/mnt/etc"], check=True)
    for name in ("lib", "tmp", "log", "www/html", "lib/prometheus/node-exporter"):
        pathlib.Path("/mnt/var", name).mkdir(parents=True, exist_ok=True)
    for shared in filter(os.path.isdir, ("/run/systemd", "/run/log", "/var/log/journal")):
        pathlib.Path("/mnt" + shared).mkdir()
        mount("--rbind", shared, "/mnt" + shared)
    for name in PRIVATE:
        mount("--rbind", f"/mnt/{name}", f"/{name}")
    hosts = pathlib.Path("/etc/hosts")
    text = hosts.read_text() if hosts.exists() else ""
    hosts.unlink(missing_ok=True)
    hosts.write_text(f"127.0.0.1 localhost {HOST} go.tallyfy.com\n::1 localhost\n{text}")
    try:
        grp.getgrnam("tokenvigil")
    except KeyError:
        with open("/etc/group", "a") as groups:
            groups.write("tokenvigil:x:64123:\n")


def mount(*words):
    subprocess.run(["mount", *words], check=True)


def loopback_up():
    """What `ip link set lo up` does."""
    with socket.socket() as any_socket:
        SIOCSIFFLAGS, IFF_UP, IFF_RUNNING = 0x8914, 0x1, 0x40
        fcntl.ioctl(any_socket, SIOCSIFFLAGS, struct.pack("16sh14x", b"lo", IFF_UP | IFF_RUNNING))


def certificate(stage):
    """A certificate for go.tallyfy.com that this host trusts, and its key."""
    certificate, key = stage.path("tallyfy.pem"), stage.path("tallyfy.key")
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2"]
        + ["-subj", "/CN=go.tallyfy.com", "-addext", "subjectAltName=DNS:go.tallyfy.com"]
        + ["-keyout", key, "-out", certificate],
        check=True,
        capture_output=True,
    )
    bundle = pathlib.Path("/etc/ssl/certs/ca-certificates.crt")
    bundle.parent.mkdir(parents=True, exist_ok=True)
    text = bundle.read_text() if bundle.exists() else ""
    bundle.unlink(missing_ok=True)
    bundle.write_text(text + certificate.read_text())
    return certificate, key


class World:
    """What a page finds on the host: commands on the PATH, a home, and `say`, which types a block."""

    def __init__(self, stage, name="new"):
        self.stage = stage
        self.bin, self.home, self.mails = (stage.path(f"{name}/{part}") for part in ("bin", "home", "mails"))
        for directory in (self.bin, self.home, self.mails):
            directory.mkdir(parents=True)
        (self.bin / "tokenvigil").symlink_to(rig.PROGRAM)
        self.script("sudo", '#!/bin/sh\nexec "$@"\n')
        self.script("sendmail", f'#!/bin/sh\nf=$(mktemp {self.mails}/XXXXXX) && cat >"$f" && mv "$f" "$f.mail"\n')
        self.terminals = []

    def script(self, name, text):
        path = self.bin / name
        path.write_text(text)
        path.chmod(0o755)
        return path

    @property
    def environment(self):
        path = f"{self.bin}:{os.environ.get('PATH', '/usr/bin:/bin')}"
        return rig.environment(PATH=path, HOME=str(self.home), TERM="dumb")

    def say(self, text, stdin="", within=30):
        """Types `text` into bash: what it said, and the exit codes that were not 0."""
        codes = self.stage.path("codes")
        codes.write_text("")
        result = subprocess.run(
            ["bash", "-o", "pipefail", "-c", f"trap 'echo $? >>{codes}' ERR\ncd\n{text}"],
            env=self.environment,
            input=stdin,
            text=True,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            timeout=within,
        )
        return result.stdout, [int(code) for code in codes.read_text().split()]

    def stay(self, text, log):
        """Types `text` into a terminal of its own, where it goes on."""
        process = self.stage.start(["bash", "-c", f"cd\n{text}"], log, self.environment, start_new_session=True)
        self.terminals.append(process)

    def end(self):
        """Closes the terminals, with all that runs in them."""
        for process in self.terminals:
            with contextlib.suppress(OSError):
                os.killpg(process.pid, signal.SIGTERM)
        for process in self.terminals:
            process.wait(10)


class Watched(World):
    """A host whose daemon watches a token of Tallyfy; the configuration is given to `start`."""

    def __init__(self, stage):
        super().__init__(stage, "watched")
        SECRETS.mkdir(parents=True, mode=0o750)
        (CONFIG.parent / "conf.d").mkdir()
        STATUS.parent.mkdir()
        files = certificate(stage)
        self.sim = stage.simulator("tallyfy")
        stage.front(self.sim.port, *files, port=443)
        self.sink = stage.webhook()
        self.put(TOKEN, self.sim.secret.read_text())

    def put(self, name, text):
        """A file among the secrets."""
        path = SECRETS / name
        path.write_text(text.rstrip("\n") + "\n")
        path.chmod(0o640)
        return str(path)

    def start(self, configuration):
        CONFIG.write_text(configuration)
        self.stage.start([rig.PROGRAM, "run"], "daemon.log", self.environment)
        wait_for("the daemon watches", lambda: self.state() == "valid", 30)

    def state(self):
        return json.loads(STATUS.read_text())["tokens"][TOKEN]["state"] if STATUS.exists() else None

    def become(self, state):
        """Brings the token to `state`: valid or dead."""
        if state == "dead" and self.state() != "invalid":
            self.sim.logout()
            wait_for("the token is dead", lambda: self.state() == "invalid", 30)
        elif state == "valid" and self.state() != "valid":
            self.put(TOKEN, self.sim.login())
            wait_for("the token is valid", lambda: self.state() == "valid", 30)
