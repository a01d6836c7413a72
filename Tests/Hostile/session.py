"""One daemon, a peer process that plays many behaviours at once against it, and a world beside it that is well: two tokens at
a healthy stand-in, one of which dies meanwhile, and a receiver that works."""

import datetime
import json
import pathlib
import re
import signal
import subprocess
import sys
import threading
import time

import rig
from rig import wait_for

HERE = pathlib.Path(__file__).resolve().parent
# How a behaviour meets the program: as the API of a token, as a webhook, as an Alertmanager, as the service that takes signs
# of life, or as what is between.
PROBE, WEBHOOK, ALERTMANAGER, HEARTBEAT, PROXY, NAME, NAMED_WEBHOOK = (
    "probe",
    "webhook",
    "alertmanager",
    "heartbeat",
    "proxy",
    "name",
    "named webhook",
)
MEGABYTES = 20
# Seconds by which the neighbour may be late, whose interval is one second.
LATE = 3.0
# Seconds after a log-out at a healthy API within which those who are well have been told.
TOLD = 15.0


def slug(text):
    return re.sub(r"[^a-z0-9]+", "-", text.lower()).strip("-")[:40]


class Item:
    """A row as it meets the program on one of the ways."""

    def __init__(self, front, row):
        self.front, self.row = front, row

    def __str__(self):
        return f"{self.front}: {self.row.title}"

    @property
    def scheme(self):
        return "http" if self.row.transport == "http" else "https"


class Memory(threading.Thread):
    """The resident set of a process while it is looked at, in megabytes, and the states its tokens are in."""

    def __init__(self, daemon):
        super().__init__(daemon=True)
        self.daemon_under_test, self.over = daemon, threading.Event()
        self.first, self.most, self.states = resident(daemon.pid), 0.0, {}

    def run(self):
        count = 0
        while not self.over.wait(0.05):
            self.most = max(self.most, resident(self.daemon_under_test.pid))
            count += 1
            if count % 5 == 0:
                self.look()

    def look(self):
        for name, report in ((self.daemon_under_test.status() or {}).get("tokens") or {}).items():
            self.states.setdefault(name, set()).add(report.get("state"))


def resident(pid):
    """VmRSS in megabytes; 0 where there is no such process."""
    try:
        found = re.search(r"^VmRSS:\s+(\d+) kB", pathlib.Path(f"/proc/{pid}/status").read_text(), re.M)
    except OSError:
        return 0.0
    return int(found[1]) / 1024 if found else 0.0


class Session:
    """`play` gives what went wrong: the culprits where they are known, as pairs of an item, or None, and a sentence."""

    count = 0
    lock = threading.Lock()

    def __init__(self, stage, items, keys, most=12.0, meetings=2):
        with Session.lock:
            Session.count += 1
            self.name = f"s{Session.count}"
        self.stage, self.items, self.keys = stage, items, keys
        # At most so many seconds, and how often each behaviour is to be met.
        self.most, self.meetings = most, meetings
        self.fronts = {item.front for item in items}
        self.problems, self.seconds, self.grown = [], 0.0, 0.0
        self.labels = {}

    # MARK: what is set up

    def plan(self):
        listeners, names = {}, {}
        carousel = self.fronts & {HEARTBEAT, PROXY}
        if carousel:
            listeners["carousel"] = [item.row.title for item in self.items]
        for number, item in enumerate(self.items):
            if item.front in (NAME, NAMED_WEBHOOK):
                names[f"n{number}"] = item.row.title
            elif not carousel:
                listeners[f"n{number}"] = [item.row.title]
        return {"keys": str(self.keys), "listeners": listeners, "names": names}

    def start_peer(self):
        errors = open(self.stage.path(f"{self.name}-peer.log"), "ab")
        self.peer = subprocess.Popen(
            [sys.executable, HERE / "peer.py"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=errors, text=True
        )
        self.stage.processes.append(self.peer)
        self.peer.stdin.write(json.dumps(self.plan()) + "\n")
        self.peer.stdin.flush()
        self.ports = json.loads(self.peer.stdout.readline())

    def tally(self):
        """By listener, what each of its rows has seen."""
        self.peer.stdin.write("\n")
        self.peer.stdin.flush()
        return json.loads(self.peer.stdout.readline())

    def world(self):
        """The healthy part, and a configuration of nothing else."""
        self.simulator = self.stage.simulator(f"{self.name}-sim")
        self.sink = self.stage.webhook()
        second = self.simulator.call("users", email="mortal@example.com", org=self.simulator.organization)["id"]
        secret = self.stage.path(f"{self.name}-mortal")
        self.mortals = set()

        def log_in():
            made = self.simulator.call("login", user=second, org=self.simulator.organization)
            self.mortals.add(made["token_fp"])
            self.stage.write(secret.name, made["token"] + "\n")

        self.log_in, self.log_out = log_in, lambda: self.simulator.call("logout", user=second)
        self.log_in()
        tokens = {
            "neighbour": rig.tallyfy(self.simulator, provider="neighbours", notify=["well"]),
            "mortal": rig.tallyfy(self.simulator, provider="mortals", owner="mortal@example.com")
            | {"secret": {"file": str(secret)}},
        }
        tallyfy = rig.unlimited("tallyfy")["tallyfy"]
        self.daemon = self.stage.daemon(
            name=self.name,
            providers={"neighbours": json.loads(json.dumps(tallyfy)), "mortals": json.loads(json.dumps(tallyfy))},
            tokens=tokens,
            notifiers={"well": {"type": "webhook", "url": self.sink.url}},
            defaults={
                "timeout": "2s",
                "group_wait": "0s",
                "confirm": {"rejections": 2, "over": "1s"},
                "remind": [],
                "notify": ["well"],
            },
            control={"socket": str(self.stage.path(f"{self.name}.sock"))},
        )

    def provider(self):
        return {
            "probe": {"path": "/x"},
            "accepted": [{"status": 200, "json": {"/user_id": "present"}}],
            "rejected": [{"status": 401, "json": {"/error": "dead"}}],
            "identity": "/user_id",
            "limits": {"rate": "none", "failed_logins": "none"},
        }

    def hostile(self):
        """Adds every item to the configuration."""
        settings = self.daemon.configuration
        certificates = str(self.keys / "ca.crt")
        told = ["well"]
        for number, item in enumerate(self.items):
            name = f"n{number}"
            self.labels[name] = item
            if item.front == PROBE:
                self.token(name, f"{item.scheme}://{self.host(item)}:{self.ports[name]}", ca_file=certificates)
            elif item.front == NAME:
                self.token(name, f"http://{name}.hostile.test:{self.ports['home']}")
            elif item.front in (WEBHOOK, NAMED_WEBHOOK):
                host = (
                    f"127.0.0.1:{self.ports[name]}"
                    if item.front == WEBHOOK
                    else f"{name}.hostile.test:{self.ports['home']}"
                )
                settings["notifiers"][name] = {"type": "webhook", "url": f"{item.scheme}://{host}/hook"}
                settings["notifiers"][name] |= (
                    {"ca_file": certificates} if item.scheme == "https" else {"allow_plaintext": True}
                )
                told.append(name)
            elif item.front == ALERTMANAGER:
                settings["notifiers"][name] = {
                    "type": "alertmanager",
                    "urls": [f"{item.scheme}://127.0.0.1:{self.ports[name]}"],
                }
                settings["notifiers"][name] |= {"ca_file": certificates} if item.scheme == "https" else {}
                told.append(name)
        if HEARTBEAT in self.fronts:
            settings["heartbeat"] = {
                "url": f"{self.items[0].scheme}://127.0.0.1:{self.ports['carousel']}/beat",
                "every": "1s",
            }
        if PROXY in self.fronts:
            for number in range(3):
                self.token(f"through-{number}", "https://api.invalid", ca_file=certificates)
            settings["notifiers"]["through"] = {
                "type": "webhook",
                "url": "https://hook.invalid/hook",
                "ca_file": certificates,
            }
            settings["heartbeat"] = {"url": "https://beat.invalid/beat", "every": "1s"}
            told.append("through")
        settings["tokens"]["mortal"]["notify"] = told
        self.daemon.write_configuration()

    @staticmethod
    def host(item):
        """Certificates are shown for a name, everything else is asked for by its address."""
        return "localhost" if item.row.transport == "raw" else "127.0.0.1"

    def token(self, name, url, **more):
        settings = self.daemon.configuration
        settings["providers"][f"p-{name}"] = self.provider() | {
            "base_url": url,
            "allow_plaintext": url.startswith("http:"),
        }
        secret = self.stage.write(f"{self.name}-{name}-secret", f"thv-{self.name}-{name}-0123456789abcdef\n")
        settings["tokens"][name] = {
            "provider": f"p-{name}",
            "secret": {"file": str(secret)},
            "owner": f"{name}@example.com",
        } | more

    def environment(self):
        if PROXY not in self.fronts:
            return None
        scheme = {"http": "http", "https": "https", "socks": "socks5h"}[self.items[0].row.by]
        proxy = f"{scheme}://127.0.0.1:{self.ports['carousel']}"
        # The stand-in and the receiver that are well are not behind it.
        return rig.environment(https_proxy=proxy, HTTPS_PROXY=proxy, no_proxy="127.0.0.1", NO_PROXY="127.0.0.1")

    # MARK: what happens

    def play(self):
        begun = time.monotonic()
        try:
            self.start_peer()
            self.world()
            self.daemon.start(env=self.environment())
            for name in ("neighbour", "mortal"):
                self.daemon.wait_for_state("valid", name, 30)
            self.among_enemies()
            self.examine()
        except (rig.Missed, OSError, ValueError, KeyError) as error:
            code = self.daemon.process.poll() if getattr(self, "daemon", None) and self.daemon.process else None
            if rig.os.environ.get("SHOW_LOGS"):
                self.stage.show_logs()
            died = code is not None and not isinstance(error, rig.Missed)
            self.say(None, f"the daemon ended with {code}" if died or code in (132, -4, -6, -11) else str(error)[:500])
        finally:
            self.end()
        self.seconds = time.monotonic() - begun
        return self.problems

    def among_enemies(self):
        self.process = rig.process_facts(self.daemon.pid)[19]
        memory = Memory(self.daemon)
        memory.start()
        self.began = time.time()
        self.hostile()
        self.daemon.process.send_signal(signal.SIGHUP)
        command = self.probe_command() if self.fronts & {PROBE, NAME} else None
        wait_for("the new configuration", lambda: self.is_dead() or self.is_loaded(), 30)
        self.log_out()
        out = time.monotonic()
        end = time.monotonic() + self.most
        told = None
        while time.monotonic() < end and not self.is_dead():
            told = told or (time.monotonic() - out if self.sink.received("token.invalidated") else None)
            if told and self.all_met():
                break
            time.sleep(0.1)
        if not self.is_dead() and not told:
            told = self.still_told(out)
        if told and not self.is_dead():
            self.log_in()
            self.daemon.wait_for_state("valid", "mortal", 15)
        self.ended = time.time()
        self.neighbour_at = self.neighbour_requests()
        self.seen = self.tally()
        memory.over.set()
        memory.join()
        self.memory = memory
        if command:
            self.command_ended(command)

    def still_told(self, out):
        try:
            wait_for(
                "",
                lambda: self.is_dead() or self.sink.received("token.invalidated"),
                max(0.1, out + TOLD - time.monotonic()),
            )
            return True
        except rig.Missed:
            self.say(None, f"a log-out at a healthy API was not told within {TOLD:g} s")
            return None

    def is_dead(self):
        return self.daemon.process.poll() is not None

    def is_loaded(self):
        status = self.daemon.status() or {}
        return set(self.daemon.configuration["tokens"]) <= set(status.get("tokens", {}))

    def all_met(self):
        tally = self.tally()
        if any(record["connections"] < self.meetings for record in tally.get("carousel", [])):
            return False
        for number, item in enumerate(self.items):
            records = tally.get(f"dns-n{number}" if item.front in (NAME, NAMED_WEBHOOK) else f"n{number}", [])
            wanted = self.meetings if item.front in (PROBE, NAME) else 1
            if any(record["connections"] < wanted for record in records):
                return False
        return True

    def probe_command(self):
        """`tokenvigil probe` asks the same peers, beside the daemon."""
        argv = [rig.PROGRAM, "probe", "--json", "--config", self.daemon.config]
        return self.stage.start(argv, f"{self.name}-probe.log", env=rig.environment())

    def command_ended(self, command):
        try:
            code = command.wait(90)
        except subprocess.TimeoutExpired:
            command.kill()
            self.say(None, "`tokenvigil probe` has not ended within 90 s")
            return
        if code not in (0, 1, 2, 3):
            self.say(None, f"`tokenvigil probe` ended with {code}")

    def neighbour_requests(self):
        """When the healthy neighbour was asked, in seconds since 1970."""
        times = [self.began, self.ended]
        for request in self.simulator.requests():
            if request["token_fp"] and request["token_fp"] not in self.mortals:
                at = datetime.datetime.fromisoformat(request["at"].replace("Z", "+00:00")).timestamp()
                if at > self.began:
                    times.append(at)
        return sorted(times)

    # MARK: what must be true

    def say(self, item, text):
        self.problems.append((item, text))

    def examine(self):
        if self.is_dead():
            return self.say(None, f"the daemon ended with {self.daemon.process.returncode}")
        if rig.process_facts(self.daemon.pid)[19] != self.process:
            self.say(None, "it is another process")
        self.grown = self.memory.most - self.memory.first
        if self.grown > MEGABYTES:
            self.say(None, f"memory grew by {self.grown:.0f} MB, from {self.memory.first:.0f}")
        self.gap = max(later - sooner for sooner, later in zip(self.neighbour_at, self.neighbour_at[1:]))
        if self.gap > 1 + LATE:
            self.say(None, f"a healthy neighbour with an interval of 1 s was not asked for {self.gap:.1f} s")
        if self.seen["elsewhere"][0]["connections"]:
            self.say(None, "somebody was asked to whom a redirect led")
        self.examine_tokens()
        self.examine_peers()
        self.examine_end()

    def examine_tokens(self):
        dead = {
            token["name"]
            for alert in self.sink.received("token.invalidated")
            for token in alert.document["data"]["tokens"]
        }
        for name, states in self.memory.states.items():
            item = self.labels.get(name)
            expected = item.row.state if item else "valid"
            if name == "mortal" or (item and item.front not in (PROBE, NAME)):
                continue
            if item is None and name.startswith("through-"):
                expected = "any"
            if expected != "whatever" and ("invalid" in states or name in dead):
                self.say(item, f"a healthy token was called dead; its states were {sorted(states)}")
            # An API that accepts everything, as those that speak HTTP/2 here, is told apart from one that checks.
            elif expected == "valid" and not states & {"valid", "misconfigured"}:
                self.say(item, f"the token was never found valid, but {sorted(states)}")
            elif expected == "recovers" and not self.recovers(name):
                self.say(item, "the token has not become valid again")
            elif expected == "unclear" and "valid" in states:
                self.say(item, "the token was found valid")

    def recovers(self, name):
        try:
            wait_for("", lambda: self.daemon.token(name).get("state") in ("valid", "misconfigured"), 8)
            return self.seen[name][0]["connections"] > 1
        except rig.Missed:
            return False

    def examine_peers(self):
        for name, records in self.seen.items():
            for number, record in enumerate(records):
                item = self.items[number] if name == "carousel" else self.labels.get(name.removeprefix("dns-"))
                if record.get("broken"):
                    self.say(item, f"the row is wrong: {record['broken']}")
                if item and not item.row.secret and (record["secret"] or record["requests"]):
                    self.say(
                        item,
                        "it was told something, and even the token" if record["secret"] else "it was told something",
                    )
                if not record["connections"] and name != "elsewhere":
                    self.say(item, "it was never met")

    def examine_end(self):
        code = self.daemon.stop(within=rig.STOP_LIMIT)
        if code != 0:
            self.say(None, f"after SIGTERM it ended with {code}")

    def end(self):
        processes = [self.peer]
        if getattr(self, "simulator", None):
            processes.append(self.simulator.process)
        if getattr(self, "daemon", None) and self.daemon.process:
            processes.append(self.daemon.process)
        for process in processes:
            if process.poll() is None:
                process.kill()
            process.wait()
        if getattr(self, "sink", None) and self.sink.server:
            self.sink.close()
