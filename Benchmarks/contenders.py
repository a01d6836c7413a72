"""Those who are measured. Each watches `count` tokens at the server, one probe per token and interval."""

import os
import pathlib
import re
import shutil
import signal
import subprocess
import tempfile
import threading
import time

import measure
import server

PROGRAM = os.environ.get("TOKENVIGIL", str(server.ROOT / ".build/release/tokenvigil"))
HEADERS = {"Accept": "application/json", "X-Tallyfy-Client": "APIClient"}


def write_secrets(directory, count):
    """One file for each token, a thousand in a directory."""
    for number in range(count):
        if number % 1000 == 0:
            (directory / f"{number // 1000}").mkdir(parents=True)
        path = directory / f"{number // 1000}/{number}"
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT, 0o600)
        os.write(descriptor, server.secret(number).encode() + b"\n")
        os.close(descriptor)
        yield number, path


class Daemon:
    """A program that is started once and watches until it is told to end."""

    has_alerts = True
    environment = {}

    def __init__(self, nginx, receiver, count, interval):
        self.nginx, self.receiver, self.count, self.interval = nginx, receiver, count, interval
        self.directory = server.scratch(f"bench-{self.name}-")
        self.process = None

    def start(self):
        """The time at which it began: writing a hundred thousand secrets before is none of its business."""
        argv = self.prepare()
        with open(self.directory / "log", "wb") as log:
            started = time.time()
            self.process = subprocess.Popen(argv, stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                env=os.environ | self.environment)
        return started

    def check(self):
        code = self.process.poll()
        if code is not None:
            raise measure.Trouble(f"it ended with {code}: " + server.last_line(self.directory / "log"))

    def cpu(self):
        return measure.cpu(self.process.pid)

    def memory(self):
        return measure.memory(self.process.pid)

    def stop(self):
        took = server.stop(self.process, 60)
        return dict(stop_ms=None if took is None else round(took * 1000), exit_code=self.process.returncode)

    def close(self):
        if self.process and self.process.poll() is None:
            self.process.kill()
            self.process.wait()
        shutil.rmtree(self.directory, ignore_errors=True)


class Tokenvigil(Daemon):
    """The state on the disk, the status file on a tmpfs, as under /var/lib and /run."""

    name = "tokenvigil"

    def prepare(self):
        beside = "/dev/shm" if os.access("/dev/shm", os.W_OK) else self.directory
        self.runtime = pathlib.Path(tempfile.mkdtemp(prefix="tokenvigil-bench-", dir=beside))
        self.renames = measure.Renames(self.runtime, "status.json")
        config = self.directory / "tokenvigil.yaml"
        with open(config, "w") as file:
            file.write(f"version: 1\ndefaults: {{interval: {self.interval}s, notify: [hook]}}\n{self.provider()}tokens:\n")
            for number, path in write_secrets(self.directory / "secrets", self.count):
                file.write(f"  {server.name(number)}: {{provider: tallyfy, owner: o{number}@example.test, "
                           f"secret: {{file: {path}}}}}\n")
            file.write(f"notifiers: {{hook: {{type: webhook, url: 'http://127.0.0.1:{self.receiver.port}/'}}}}\n"
                       f"state: {{directory: {self.directory}/state}}\nstatus: {{file: {self.runtime}/status.json}}\n")
        return [PROGRAM, "run", "--config", config, "--log-level", "error"]

    def provider(self):
        """The built-in description of Tallyfy, at this server and without the ceiling that the real one has."""
        text = (server.ROOT / "Sources/VigilConfiguration/Resources/tallyfy.yaml").read_text()
        for key, value in (("base_url", f"https://localhost:{self.nginx.port}"), ("rate", "none"),
                           ("failed_logins", "none"), ("advised_interval", "1s")):
            text, times = re.subn(rf"(?m)^( +{key}:) .*$", rf"\1 {value}", text)
            if times != 1:
                raise measure.Trouble(f"tallyfy.yaml has {times} lines with {key}")
        return text.rstrip("\n") + f"\n    ca_file: {self.nginx.certificate}\n"

    def disk(self):
        return dict(written=measure.written(self.process.pid), renames=self.renames.count())

    def sizes(self):
        status = self.runtime / "status.json"
        return dict(database_bytes=measure.size(self.directory / "state"),
                    status_bytes=status.stat().st_size if status.exists() else None)

    def close(self):
        super().close()
        if hasattr(self, "renames"):
            self.renames.close()
        if hasattr(self, "runtime"):
            shutil.rmtree(self.runtime, ignore_errors=True)


class Monit(Daemon):
    """Monit with one check for each token, which speaks after three failures, and a certificate file with one authority."""

    name = "monit"
    largest = 1000

    def prepare(self):
        tell = self.directory / "tell"
        tell.write_text("#!/bin/sh\nexec curl -s -m 10 -d "
            "'{\"type\":\"token.invalidated\",\"data\":{\"tokens\":[{\"name\":\"'\"$1\"'\"}]}}' "
            f"http://127.0.0.1:{self.receiver.port}/\n")
        tell.chmod(0o700)
        headers = ", ".join(f"{key}: {value}" for key, value in HEADERS.items())
        config = self.directory / "monitrc"
        with open(config, "w") as file:
            file.write(f"set daemon {self.interval}\nset log {self.directory}/monit.log\n"
                f"set pidfile {self.directory}/pid\nset idfile {self.directory}/id\n"
                f"set statefile {self.directory}/state\n"
                "set ssl options { verify: enable }\n")
            for number in range(self.count):
                file.write(f"check host {server.name(number)} with address localhost\n"
                    f"  if failed port {self.nginx.port} protocol https request \"/me\" with http headers "
                    f"[Authorization: Bearer {server.secret(number)}, {headers}] for 3 cycles "
                    f"then exec \"{tell} {server.name(number)}\"\n")
        config.chmod(0o600)
        # It reads the authorities anew for every probe: those of the system would take ten times as long.
        self.environment = {"SSL_CERT_FILE": str(self.nginx.certificate), "SSL_CERT_DIR": str(self.directory / "none")}
        return ["monit", "-I", "-c", config]

    def disk(self):
        return dict(written=measure.written(self.process.pid))

    def sizes(self):
        return {}


class Curl:
    """One multiplexed curl for each round, which asks for every token once: no state, no verdict, no alert."""

    name = "curl"
    has_alerts = False

    def __init__(self, nginx, receiver, count, interval):
        self.nginx, self.count, self.interval = nginx, count, interval
        self.directory = server.scratch("bench-curl-")
        self.used, self.peaks, self.failure = 0.0, {}, None
        self.ended = threading.Event()
        self.process = self.thread = None

    def start(self):
        config = self.directory / "config"
        with open(config, "w") as file:
            for number in range(self.count):
                file.write("next\n" if number else "")
                file.write(f'url = "https://localhost:{self.nginx.port}/me"\noutput = "/dev/null"\nno-progress-meter\n'
                    f'cacert = "{self.nginx.certificate}"\nheader = "Authorization: Bearer {server.secret(number)}"\n')
                file.writelines(f'header = "{key}: {value}"\n' for key, value in HEADERS.items())
        self.argv = ["curl", "-q", "--silent", "--parallel", "--parallel-max", "100", "--http2", "--config", config]
        self.thread = threading.Thread(target=self.run, daemon=True)
        started = time.time()
        self.thread.start()
        return started

    def run(self):
        due = time.monotonic()
        while not self.ended.wait(max(0.0, due - time.monotonic())):
            self.process = subprocess.Popen(self.argv, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
            while True:
                pid, status, usage = os.wait4(self.process.pid, os.WNOHANG)
                if pid:
                    break
                self.sample()
                time.sleep(0.005)
            self.process.returncode = os.waitstatus_to_exitcode(status)
            self.used += usage.ru_utime + usage.ru_stime
            self.peaks["rss_mb"] = max(self.peaks.get("rss_mb", 0), usage.ru_maxrss / 1024)
            if self.process.returncode not in (0, -signal.SIGTERM):
                self.failure = f"curl ended with {self.process.returncode}"
                return
            due = max(due + self.interval, time.monotonic())

    def sample(self):
        try:
            now = measure.memory(self.process.pid)
        except (OSError, ValueError):
            return
        self.peaks["anon_mb"] = max(self.peaks.get("anon_mb", 0), now.get("anon_mb", 0))

    def check(self):
        if self.failure:
            raise measure.Trouble(self.failure)

    def cpu(self):
        # Of rounds that are over, and of the one under way.
        try:
            return self.used + (measure.cpu(self.process.pid) if self.process and self.process.returncode is None else 0)
        except OSError:
            return self.used

    def memory(self):
        return dict(self.peaks)

    def disk(self):
        return {}

    def sizes(self):
        return {}

    def stop(self):
        self.ended.set()
        if self.process and self.process.returncode is None:
            try:
                os.kill(self.process.pid, signal.SIGTERM)
            except ProcessLookupError:
                pass
        if self.thread:
            self.thread.join(30)
        return {}

    def close(self):
        self.stop()
        shutil.rmtree(self.directory, ignore_errors=True)
