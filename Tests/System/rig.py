"""What the acceptance tests share: the stand-in, the daemon, the receivers, and the count at the end.

A test is a function that is given a `Stage`, an empty directory and all that is started in it, and states facts:

    def story(stage):
        daemon = stage.daemon(tokens=..., notifiers=...)
        with fact("a token is valid at first"):
            daemon.wait_for_state("hr", "valid")

    run(story)

`TOKENVIGIL` names the program under test; without it, it is the debug build of this tree."""

import asyncio
import contextlib
import http.server
import json
import os
import pathlib
import re
import shutil
import signal
import socket
import ssl
import subprocess
import sys
import tempfile
import threading
import time
import traceback
import urllib.error
import urllib.request

sys.dont_write_bytecode = True
PROJECT = pathlib.Path(__file__).resolve().parent.parent.parent
VENV = PROJECT / ".build/acceptance-venv"

# The receivers live in an environment of their own: this same test goes on there.
if pathlib.Path(sys.prefix).resolve() != VENV.resolve():
    if not (VENV / "bin/python3").exists():
        print("the receivers are not installed: run .ci/setup test\n0 passed, 1 failed")
        sys.exit(1)
    os.execv(VENV / "bin/python3", [str(VENV / "bin/python3"), *sys.argv])

import yaml  # noqa: E402

PROGRAM = str(pathlib.Path(os.environ.get("TOKENVIGIL", PROJECT / ".build/debug/tokenvigil")).resolve())
TOKEN = "hr-onboarding"
JOURNAL = "/run/systemd/journal/socket"
# After this the service manager would use force, in seconds.
UNIT = (PROJECT / "systemd/tokenvigil.service").read_text()
STOP_LIMIT = int(re.search(r"^TimeoutStopSec=(\d+)s?$", UNIT, re.M)[1]) - 2


def beside_a_journal():
    """Goes on beside a journal of its own, where there is none and that is possible; whether there is one now."""
    enter = PROJECT / "Tests/System/journald-only.sh"
    if not os.path.exists(JOURNAL) and os.geteuid() == 0 and "TOKENVIGIL_TEST_INSIDE" not in os.environ:
        if subprocess.run([enter, "true"], capture_output=True).returncode == 0:
            os.environ["TOKENVIGIL_TEST_INSIDE"] = "1"
            os.execv(enter, [str(enter), sys.executable, *sys.argv])
    return os.path.exists(JOURNAL)


# MARK: facts


class Missed(AssertionError):
    """Something did not happen in time, or is not as it should be."""


passed = failed = skipped = 0


@contextlib.contextmanager
def fact(name):
    """Counts one fact: it holds if the block ends without an error. The test goes on in either case."""
    global passed, failed
    try:
        yield
    except (AssertionError, KeyError, IndexError, TypeError, ValueError, OSError, subprocess.SubprocessError) as error:
        failed += 1
        print(f"✘ {name}")
        lines = traceback.extract_tb(error.__traceback__)
        place = next(
            (line for line in reversed(lines) if pathlib.Path(line.filename).name.startswith("test-")), lines[-1]
        )
        text = str(error) or f"{type(error).__name__}: {place.line}"
        print(
            f"    line {place.lineno}: {text if isinstance(error, AssertionError) else repr(error)}"[:4000], flush=True
        )
    else:
        passed += 1
        print(f"✔ {name}", flush=True)


def skip(name, reason):
    global skipped
    skipped += 1
    print(f"➜ {name}: skipped, {reason}", flush=True)


def note(text):
    """A measured number, for whoever reads the log."""
    print(f"  {text}", flush=True)


def equal(found, expected, what="it"):
    if found != expected:
        raise Missed(f"{what} is {found!r}, expected {expected!r}")


def contains(text, *words):
    """Every word occurs, in whatever case."""
    missing = [word for word in words if word.lower() not in text.lower()]
    if missing:
        raise Missed(f"{missing} not in: {text}")


def wait_for(what, look, within=20.0):
    """The first true value that `look` gives; it is asked again and again until the deadline."""
    deadline = time.monotonic() + within
    while True:
        value = look()
        if value:
            return value
        if time.monotonic() > deadline:
            raise Missed(f"{what}: not within {within:g} s")
        time.sleep(0.02)


def run(story):
    """Plays the test and ends with its count, whatever happens in it."""
    global failed
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(number, lambda number, _: sys.exit(128 + number))
    if not os.access(PROGRAM, os.X_OK):
        print(f"there is no program {PROGRAM}: build it, or say where it is with TOKENVIGIL\n0 passed, 1 failed")
        sys.exit(1)
    begun = time.monotonic()
    stage = Stage()
    try:
        story(stage)
    except Exception as error:  # a broken test must show, and still be counted
        failed += 1
        print(f"✘ the test came to its end: {error}")
        traceback.print_exc(file=sys.stdout)
        stage.show_logs()
    finally:
        stage.strike()
    if passed + failed + skipped == 0:
        failed += 1
        print("✘ no fact was stated")
    note(f"took {time.monotonic() - begun:.1f} s")
    print(f"{passed} passed, {failed} failed" + (f", {skipped} skipped" if skipped else ""), flush=True)
    sys.exit(1 if failed else 0)


class Task(threading.Thread):
    """Something that goes on beside the test; what goes wrong in it is raised at its end."""

    def __init__(self):
        super().__init__(daemon=True)
        self.over, self.error = threading.Event(), None

    def run(self):
        try:
            self.work()
        except Exception as error:
            self.error = error

    def finish(self, within=30):
        self.over.set()
        self.join(within)
        if self.error:
            raise self.error
        if self.is_alive():
            raise Missed(f"{type(self).__name__} has not come to its end within {within} s")


# MARK: processes


def environment(**more):
    """Nothing of the developer's own; no traces of a crash in megabytes."""
    base = {"PATH": os.environ.get("PATH", "/usr/bin:/bin"), "HOME": "/nonexistent", "LANG": "C.UTF-8"}
    return base | {"SWIFT_BACKTRACE": "enable=no", "NO_COLOR": "1"} | more


def crashed(result):
    """What of a finished program shows that it trapped, or nothing."""
    if result.returncode < 0 or result.returncode in range(129, 160):
        return f"it ended by a signal: {result.returncode}"
    text = result.stdout + result.stderr
    signs = ["Fatal error", "Stack dump", "*** Program crashed", "Illegal instruction", "Swift/", "Thread 0 crashed"]
    return next((f"{sign!r} in its output" for sign in signs if sign in text), None)


def tokenvigil(*arguments, within=20, stdin=None, **variables):
    """Runs one command to its end."""
    return subprocess.run(
        [PROGRAM, *map(str, arguments)],
        env=environment(**variables),
        input=stdin,
        text=True,
        errors="replace",
        timeout=within,
        stdin=None if stdin is not None else subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def descendants(pid):
    """Process ids of the living children of `pid`, and of theirs."""
    found = []
    for task in pathlib.Path(f"/proc/{pid}/task").glob("*/children"):
        with contextlib.suppress(OSError):
            for child in task.read_text().split():
                found += [int(child), *descendants(int(child))]
    return found


def process_facts(pid):
    """The fields of /proc/PID/stat from the state on, or nothing."""
    with contextlib.suppress(OSError):
        return pathlib.Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()


def is_alive(pid):
    """Whether a process runs; a zombie does not."""
    facts = process_facts(pid)
    return bool(facts) and facts[0] not in "ZX"


class Offspring:
    """What was started by what the test started, to be ended if it outlives it."""

    def __init__(self):
        self.known = set()

    def note(self, pid):
        """Remembers the living descendants of `pid`, each with the time it was started: numbers are used again."""
        for child in descendants(pid):
            facts = process_facts(child)
            if facts:
                self.known.add((child, facts[19]))

    def end(self):
        for pid, started in self.known:
            facts = process_facts(pid)
            if facts and facts[19] == started:
                with contextlib.suppress(OSError):
                    os.kill(pid, signal.SIGKILL)


class TLSFront:
    """Speaks TLS, and hands on what it is told to a port of this host that does not."""

    def __init__(self, target, certificate, key, port=0):
        self.target = target
        self.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.context.load_cert_chain(certificate, key)
        self.loop = asyncio.new_event_loop()
        self.thread = threading.Thread(target=self.loop.run_forever, daemon=True)
        self.thread.start()
        start = asyncio.start_server(self.serve, "127.0.0.1", port, ssl=self.context)
        self.server = asyncio.run_coroutine_threadsafe(start, self.loop).result(10)
        self.port = self.server.sockets[0].getsockname()[1]

    async def serve(self, reader, writer):
        with contextlib.suppress(OSError, asyncio.CancelledError):
            back_reader, back_writer = await asyncio.open_connection("127.0.0.1", self.target)
            await asyncio.gather(self.pass_on(reader, back_writer), self.pass_on(back_reader, writer))

    @staticmethod
    async def pass_on(reader, writer):
        try:
            while data := await reader.read(65536):
                writer.write(data)
                await writer.drain()
        finally:
            writer.close()

    def close(self):
        self.loop.call_soon_threadsafe(self.loop.stop)
        self.thread.join(5)


class Stage:
    """A directory of its own, and everything that was started; `strike` ends and removes it all."""

    def __init__(self):
        self.directory = pathlib.Path(tempfile.mkdtemp(prefix="tokenvigil-test-"))
        self.processes = []
        self.offspring = Offspring()
        self.endings = []

    def path(self, name):
        return self.directory / name

    def write(self, name, text, mode=0o600):
        """Puts a file in place, whole at once."""
        path = self.path(name)
        path.parent.mkdir(parents=True, exist_ok=True)
        new = path.with_name(path.name + ".new")
        new.write_text(text)
        new.chmod(mode)
        new.rename(path)
        return path

    def script(self, name, text):
        return self.write(name, text, 0o755)

    def start(self, argv, log, env=None, **options):
        """Starts a process; its output goes to the file `log`."""
        with open(self.path(log), "ab") as output:
            process = subprocess.Popen(
                [str(word) for word in argv],
                stdin=subprocess.DEVNULL,
                stdout=options.pop("stdout", output),
                stderr=output,
                env=environment() if env is None else env,
                **options,
            )
        self.processes.append(process)
        return process

    def simulator(self, name="sim", *options):
        return Simulator(self, name, *options)

    def front(self, target, certificate, key, port=0):
        """TLS on a port of this host, in front of `target`."""
        front = TLSFront(target, certificate, key, port)
        self.endings.append(front.close)
        return front

    def daemon(self, **options):
        return Daemon(self, **options)

    def webhook(self, **options):
        sink = WebhookSink(**options)
        self.endings.append(sink.close)
        return sink

    def show_logs(self):
        for log in sorted(self.directory.glob("*.log")):
            text = log.read_text(errors="replace")
            print(f"    --- {log.name}\n" + "\n".join("    " + line for line in text.splitlines()[-30:]))

    def strike(self):
        running = [process for process in self.processes if process.poll() is None]
        for process in running:
            self.offspring.note(process.pid)
        for process in running:
            process.terminate()
        for process in self.processes:
            try:
                process.wait(5)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
        self.offspring.end()
        for end in self.endings:
            with contextlib.suppress(OSError):
                end()
        shutil.rmtree(self.directory, ignore_errors=True)


# MARK: the stand-in


class Simulator:
    """`tokenvigil simulate`: the API, and the control port that changes its world."""

    def __init__(self, stage, name, *options):
        self.stage = stage
        self.secret = stage.path(f"{name}-secret")
        self.port, self.control_port = free_port(), free_port()
        argv = [PROGRAM, "simulate", "--port", self.port, "--control-port", self.control_port, "--secret", self.secret]
        self.process = stage.start([*argv, *options], f"{name}.log")
        self.base_url = f"http://127.0.0.1:{self.port}/api"

        def answers():
            if self.process.poll() is not None:
                raise Missed(f"the stand-in ended: {stage.path(name + '.log').read_text()}")
            with contextlib.suppress(OSError):
                return self.secret.exists() and self.call("state", method="GET")

        state = wait_for("the stand-in answers", answers)
        self.user = state["users"][0]["id"]
        self.email = state["users"][0]["email"]
        self.organization = state["orgs"][0]["id"]
        self.call("config", rate_per_min=0)

    def call(self, name, method="POST", **body):
        """One call of the control port; raises when it is refused."""
        request = urllib.request.Request(
            f"http://127.0.0.1:{self.control_port}/_sim/{name}",
            method=method,
            data=json.dumps(body).encode() if method == "POST" else None,
        )
        try:
            with urllib.request.urlopen(request, timeout=10) as answer:
                return json.load(answer)
        except urllib.error.HTTPError as error:
            raise Missed(f"the stand-in refuses {name} {body}: {error.read().decode()}") from None

    def logout(self):
        return self.call("logout", user=self.user)

    def login(self):
        """A new token, not yet in any file."""
        return self.call("login", user=self.user)["token"]

    def replace_secret(self):
        """The owner logs in again, and the new token is put into the file."""
        token = self.login()
        self.stage.write(self.secret.name, token + "\n")
        return token

    def fault(self, kind, count=None, route=None, after=None, **params):
        body = {"kind": kind, "params": params, "count": count, "route": route, "after": after}
        return self.call("fault", **{key: value for key, value in body.items() if value not in (None, {})})

    def clear(self):
        return self.call("fault", method="DELETE")

    def requests(self):
        return self.call("requests", method="GET")["requests"]


# MARK: the daemon


def unlimited(provider):
    """A built-in provider as a configuration's own, without its ceilings: a test asks more in a minute than it allows."""
    shown = subprocess.run([PROGRAM, "provider", "show", provider], capture_output=True, text=True, check=True)
    providers = yaml.safe_load(shown.stdout)["providers"]
    providers[provider]["limits"] |= {"rate": "none", "failed_logins": "none"}
    return providers


class Daemon:
    """The daemon under test, its configuration and its files. It is started by `start`."""

    def __init__(self, stage, tokens, notifiers, name="daemon", **more):
        self.stage, self.name = stage, name
        self.config = stage.path(f"{name}.yaml")
        self.state = stage.path(f"{name}-state")
        self.status_file = stage.path(f"{name}-status.json")
        self.log = stage.path(f"{name}.log")
        self.process = None
        self.configuration = {
            "version": 1,
            "defaults": {"interval": "1s", "confirm": {"rejections": 3, "over": "2s"}} | more.pop("defaults", {}),
            "tokens": tokens,
            "notifiers": notifiers,
            "state": {"directory": str(self.state)},
            "status": {"file": str(self.status_file)},
        } | more
        self.write_configuration()

    def write_configuration(self):
        self.stage.write(self.config.name, yaml.safe_dump(self.configuration, sort_keys=False), 0o644)

    @property
    def argv(self):
        return [PROGRAM, "run", "--config", str(self.config), "--log-level", "debug"]

    def start(self, env=None, wrapper=(), **options):
        self.process = self.stage.start([*wrapper, *self.argv], self.log.name, env, **options)
        return self

    @property
    def pid(self):
        return self.process.pid

    def stop(self, within=STOP_LIMIT):
        """SIGTERM, and its exit code."""
        self.process.send_signal(signal.SIGTERM)
        try:
            return self.process.wait(within)
        except subprocess.TimeoutExpired:
            self.kill()
            raise Missed(
                f"the daemon has not ended {within} s after SIGTERM; the unit gives it {within + 2} s"
            ) from None

    def kill(self):
        self.stage.offspring.note(self.pid)
        self.process.kill()
        self.process.wait()

    def ask(self, *arguments, **options):
        """A command with this configuration."""
        return tokenvigil(*arguments, "--config", self.config, **options)

    def status(self):
        """The status file, or nothing before there is one."""
        with contextlib.suppress(FileNotFoundError):
            return json.loads(self.status_file.read_text())

    def token(self, name=TOKEN):
        return (self.status() or {}).get("tokens", {}).get(name, {})

    def wait_for_state(self, state, name=TOKEN, within=20):
        """The token's report, once it is in `state`; says what it was in otherwise."""

        def look():
            if self.process and self.process.poll() is not None:
                raise Missed(f"the daemon ended with {self.process.returncode}: {self.log.read_text()[-2000:]}")
            report = self.token(name)
            return report if report.get("state") == state else None

        try:
            return wait_for(f"{name} becomes {state}", look, within)
        except Missed as missed:
            report = self.token(name)
            raise Missed(f"{missed}; it is {report.get('state')}: {report.get('explanation')}") from None

    def wait_for_log(self, text, within=20):
        return wait_for(f"'{text}' in the log", lambda: text in self.log.read_text(errors="replace"), within)

    def outbox(self):
        """What waits or was given up, as `notify outbox --json` tells."""
        result = self.ask("notify", "outbox", "--json")
        equal(result.returncode, 0, "the exit code of notify outbox")
        return json.loads(result.stdout)


def tallyfy(simulator, **more):
    """A token of the stand-in, as it stands in the configuration."""
    return {
        "provider": "tallyfy",
        "base_url": simulator.base_url,
        "secret": {"file": str(simulator.secret)},
        "owner": "api-bot@example.com",
    } | more


# MARK: receivers


class WebhookSink:
    """A receiver of webhooks that keeps every request. `answers` are given in turn, the last one for ever.

    An answer is a status, or one with headers; 0 is none at all, until `cut` or the sender ends it."""

    def __init__(self, answers=(204,), port=0):
        self.requests = []
        self.answers = list(answers)
        self.port = port
        self.server = None
        self.connections = []
        self.open()

    def open(self):
        """Listens, at the port it had before."""
        sink = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def setup(self):
                super().setup()
                sink.connections.append(self.connection)

            def do_POST(self):
                body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
                answer = sink.answers.pop(0) if len(sink.answers) > 1 else sink.answers[0]
                status, headers = answer if isinstance(answer, tuple) else (answer, {})
                received = Received(self.path, dict(self.headers), body, status, time.monotonic())
                sink.requests.append(received)
                if not status:
                    self.rfile.read(1)
                    self.close_connection = True
                    return
                try:
                    self.send_response(status)
                    for name, value in headers.items():
                        self.send_header(name, value)
                    self.send_header("Content-Length", "0")
                    self.end_headers()
                except OSError:
                    received.status = 0  # the sender cannot know that it was taken
                    raise

            def log_message(self, *_):
                pass

        class Server(http.server.ThreadingHTTPServer):
            daemon_threads = True

            def handle_error(self, request, client_address):
                pass  # a daemon that is killed leaves broken connections

        self.server = Server(("127.0.0.1", self.port), Handler)
        self.port = self.server.server_port
        threading.Thread(target=self.server.serve_forever, args=(0.02,), daemon=True).start()

    def close(self):
        if self.server:
            self.server.shutdown()
            self.server.server_close()
            self.server = None
            self.cut()

    def cut(self):
        """Ends every connection."""
        connections, self.connections = self.connections, []
        for connection in connections:
            with contextlib.suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)

    @property
    def url(self):
        return f"http://127.0.0.1:{self.port}/hook"

    def received(self, kind=None, status=range(200, 300)):
        """What was taken, or with another `status` refused, of a kind such as `token.invalidated`."""
        return [item for item in list(self.requests) if item.status in status and kind in (None, item.kind)]

    def wait_for(self, kind, count=1, within=20):
        def look():
            found = self.received(kind)
            return found if len(found) >= count else None

        try:
            return wait_for(f"webhook {count} of {kind}", look, within)
        except Missed as missed:
            raise Missed(f"{missed}; there are {[(item.kind, item.status) for item in self.requests]}") from None


class Received:
    """One request of a webhook."""

    def __init__(self, path, headers, body, status, at):
        self.path, self.body, self.status, self.at, self.taken = path, body, status, at, time.time()
        self.headers = {name.lower(): value for name, value in headers.items()}
        self.document = json.loads(body)
        self.kind = self.document.get("type")
        self.id = self.headers.get("webhook-id")


def capture_command(stage, name="page"):
    """A program for a `command` notifier that keeps what it is given, one JSON file for each run, in a directory."""
    directory = stage.path(f"{name}-runs")
    directory.mkdir()
    script = stage.script(
        name,
        f"""#!{sys.executable}
import json, os, sys, time, uuid
# When this process was forked, and not only when the interpreter was ready.
ticks = int(open("/proc/self/stat").read().rpartition(")")[2].split()[19])
began = time.time() - time.clock_gettime(time.CLOCK_BOOTTIME) + ticks / os.sysconf("SC_CLK_TCK")
run = {{"began": began, "argv": sys.argv, "environ": dict(os.environ), "stdin": sys.stdin.read()}}
path = {str(directory)!r} + "/" + uuid.uuid4().hex
open(path + ".new", "w").write(json.dumps(run))
os.rename(path + ".new", path + ".json")
""",
    )
    return script, directory


def captured(directory, kind=None):
    """The runs that `capture_command` kept, oldest first."""
    files = sorted(directory.glob("*.json"), key=lambda path: path.stat().st_mtime_ns)
    runs = [json.loads(path.read_text()) for path in files]
    return [run for run in runs if kind in (None, run["environ"].get("TOKENVIGIL_KIND"))]
