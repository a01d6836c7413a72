"""What the tests inside a booted Debian share: the package, the stand-in, the daemon, the mailboxes, and the count.

A test is a function that states facts, as in Tests/System/rig.py, and runs as root on a machine of its own, which is
thrown away afterwards:

    def story():
        machine.install()
        with fact("the service starts"):
            machine.systemctl("start", "tokenvigil")

    run(story)

Plain Python 3.11 and what is in a minimal Debian; there is no network but loopback."""

import contextlib
import json
import os
import pathlib
import re
import socket
import subprocess
import sys
import time
import traceback
import urllib.request

PACKAGES = pathlib.Path("/packages")
CONFIG = pathlib.Path("/etc/tokenvigil/tokenvigil.yaml")
SECRETS = pathlib.Path("/etc/tokenvigil/secrets")
STATUS = pathlib.Path("/run/tokenvigil/status.json")
TOKEN = "hr-onboarding"
SYSTEMD = int(re.search(r"systemd (\d+)", subprocess.check_output(["systemctl", "--version"], text=True))[1])


# MARK: facts


class Missed(AssertionError):
    """Something did not happen in time, or is not as it should be."""


passed = failed = skipped = 0


@contextlib.contextmanager
def fact(name):
    """Counts one fact: it holds if the block ends without an error. The test goes on in either case."""
    global passed, failed
    begun = time.monotonic()
    try:
        yield
    except (AssertionError, LookupError, TypeError, ValueError, OSError, subprocess.SubprocessError) as error:
        failed += 1
        place = traceback.extract_tb(error.__traceback__)
        line = next((one for one in reversed(place) if one.filename != __file__), place[-1])
        said = "".join(str(getattr(error, name, None) or "") for name in ("stdout", "stderr"))
        text = str(error) or line.line
        print(f"✘ {name}\n    line {line.lineno}: {type(error).__name__}: {text} {said}"[:6000], flush=True)
    else:
        passed += 1
        print(f"✔ {name} ({time.monotonic() - begun:.1f} s)", flush=True)


def skip(name, reason):
    global skipped
    skipped += 1
    print(f"➜ {name}: skipped, {reason}", flush=True)


def equal(found, expected, what="it"):
    if found != expected:
        raise Missed(f"{what} is {found!r}, expected {expected!r}")


def contains(text, *words):
    missing = [word for word in words if word.lower() not in text.lower()]
    if missing:
        raise Missed(f"{missing} not in: {text}")


def wait_for(what, look, within=30.0):
    """The first true value that `look` gives; it is asked again and again until the deadline."""
    deadline = time.monotonic() + within
    while True:
        value = look()
        if value:
            return value
        if time.monotonic() > deadline:
            raise Missed(f"{what}: not within {within:g} s")
        time.sleep(0.05)


def run(story):
    """Plays the test, looks for secrets where there must be none, and ends with the count."""
    global failed
    try:
        story()
        if TOKENS:
            search_for_secrets()
    except Exception as error:  # a broken test must show, and still be counted
        failed += 1
        print(f"✘ the test came to its end: {error!r}")
        traceback.print_exc(file=sys.stdout)
    if failed:
        units = ["-u", "tokenvigil*", "-u", "stand-in"]
        print(sh("journalctl", "--no-pager", "-o", "short-monotonic", "-n", "60", *units, check=False), flush=True)
    if passed + failed == 0:
        failed = 1
        print("✘ no fact was stated")
    print(f"{passed} passed, {failed} failed" + (f", {skipped} skipped" if skipped else ""), flush=True)
    sys.exit(1 if failed else 0)


# MARK: commands


def sh(*argv, check=True, stdin=None, within=180, **options):
    """Runs a command; its output, or an error that shows it."""
    result = subprocess.run(
        [str(word) for word in argv],
        input=stdin,
        stdin=subprocess.DEVNULL if stdin is None else None,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=within,
        **options,
    )
    if check and result.returncode:
        raise Missed(f"{' '.join(map(str, argv))} ended with {result.returncode}: {result.stdout}")
    return result.stdout


def code(*argv, **options):
    """The exit code of a command, and its output."""
    result = subprocess.run(
        [str(word) for word in argv], text=True, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT, timeout=60, **options
    )  # fmt: skip
    return result.returncode, result.stdout


def systemctl(*words, **options):
    return sh("systemctl", *words, **options)


def shown(name, unit="tokenvigil"):
    return sh("systemctl", "show", "--value", "--property", name, unit).strip()


def main_pid():
    return int(shown("MainPID"))


def drop_in(name, text, unit="tokenvigil.service"):
    """A setting of the administrator's; for what a test cannot wait for."""
    path = pathlib.Path(f"/etc/systemd/system/{unit}.d/{name}.conf")
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    systemctl("daemon-reload")


def journal(*matches):
    """Entries of this boot, as dictionaries."""
    sh("journalctl", "--sync")
    lines = sh("journalctl", "--no-pager", "--all", "-o", "json", *matches).splitlines()
    return [json.loads(line) for line in lines if line.startswith("{")]


# MARK: the package


def apt(*words):
    """apt without a network: what it needs was downloaded when this root was made."""
    environment = os.environ | {"DEBIAN_FRONTEND": "noninteractive"}
    options = ["-o", "Acquire::Retries=0", "-o", "Dpkg::Use-Pty=0", "-o", "APT::Sandbox::User=root"]
    return sh("apt-get", "-y", "-qq", "--no-install-recommends", *options, *words, env=environment, within=300)


def package(which="current"):
    """The path of the package under test, or of the one before it."""
    found = sorted((PACKAGES / which).glob("tokenvigil_*.deb"))
    assert len(found) == 1, found
    return found[0]


def install(which="current"):
    return apt("install", str(package(which)))


# MARK: the stand-in


# Every secret that ever was: none may turn up anywhere but in its own file.
TOKENS = {}


def note_secret(name, secret):
    TOKENS[secret] = name


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class StandIn:
    """`tokenvigil simulate` as a service of another account, and the control port that changes its world."""

    def __init__(self):
        self.port, self.control_port = free_port(), free_port()
        self.base_url = f"http://127.0.0.1:{self.port}/api"
        directory = pathlib.Path("/run/stand-in")
        directory.mkdir(exist_ok=True)
        ports = ["--port", self.port, "--control-port", self.control_port, "--secret", directory / "secret"]
        sh("systemd-run", "--quiet", "--unit=stand-in", "/usr/bin/tokenvigil", "simulate", *ports)

        def answers():
            with contextlib.suppress(OSError):
                return (directory / "secret").exists() and self.call("state", method="GET")

        state = wait_for("the stand-in answers", answers)
        self.user = state["users"][0]["id"]
        self.token = (directory / "secret").read_text().strip()
        note_secret("the stand-in's first token", self.token)
        self.call("config", rate_per_min=0)

    def call(self, name, method="POST", **body):
        request = urllib.request.Request(
            f"http://127.0.0.1:{self.control_port}/_sim/{name}",
            method=method,
            data=json.dumps(body).encode() if method == "POST" else None,
        )
        with urllib.request.urlopen(request, timeout=10) as answer:
            return json.load(answer)

    def logout(self):
        return self.call("logout", user=self.user)

    def login(self):
        """A new token, not yet in any file."""
        token = self.call("login", user=self.user)["token"]
        note_secret("a later token of the stand-in", token)
        return token


# MARK: the daemon


def put_secret(token, name=TOKEN):
    """A secret in its file, with the rights it should have."""
    path = SECRETS / name
    new = path.with_name(f".{name}.new")
    new.write_text(token + "\n")
    new.chmod(0o640)
    sh("chgrp", "tokenvigil", new)
    new.rename(path)


def write_configuration(stand_in, notifiers=None, secret=None, more=""):
    """A configuration that looks every second, and confirms a death within two."""
    notifiers = notifiers if notifiers is not None else {"journal": {"type": "journald"}}
    text = {
        "version": 1,
        "defaults": {"interval": "1s", "confirm": {"rejections": 3, "over": "2s"}},
        "tokens": {
            TOKEN: {
                "provider": "tallyfy",
                "base_url": stand_in.base_url,
                "secret": secret or {"file": str(SECRETS / TOKEN)},
                "owner": "api-bot@example.com",
                "used_by": [{"name": "New-hire flow"}],
            }
        },
        "notifiers": notifiers,
    }
    # JSON is YAML.
    CONFIG.write_text(json.dumps(text, indent=2) + "\n" + more)


def mail_to(address="oncall@localhost", sender="tokenvigil@localhost"):
    return {"mail": {"type": "sendmail", "from": sender, "to": [address]}, "journal": {"type": "journald"}}


def status():
    return json.loads(STATUS.read_text())


def state(name=TOKEN):
    with contextlib.suppress(OSError, ValueError, KeyError):
        return status()["tokens"][name]["state"]


def wait_for_state(wanted, name=TOKEN, within=40):
    try:
        wait_for(f"{name} becomes {wanted}", lambda: state(name) == wanted, within)
    except Missed as missed:
        raise Missed(f"{missed}; it is {state(name)}") from None


# MARK: mail


def mailbox(user="oncall"):
    """The mails a user has, as texts."""
    path = pathlib.Path(f"/var/mail/{user}")
    if not path.exists():
        return []
    return [part for part in re.split(r"(?m)^From .*\n", path.read_text(errors="replace")) if part.strip()]


def wait_for_mail(subject, user="oncall", within=40, count=1):
    def found():
        mails = [mail for mail in mailbox(user) if re.search(rf"(?m)^Subject:.*{subject}", mail)]
        return len(mails) >= count and mails

    return wait_for(f"a mail '{subject}' for {user}", found, within)


def install_mailer(name):
    """A real mail system that delivers to this machine's own users, as Debian sets it up."""
    selections = {
        "postfix": "postfix postfix/main_mailer_type select Local only\npostfix postfix/mailname string localhost\n",
        "exim4-daemon-light": "exim4-config exim4/dc_eximconfig_configtype select local delivery only; not on a network\n"
        "exim4-config exim4/mailname string localhost\n",
    }[name]
    sh("debconf-set-selections", stdin=selections)
    apt("install", name)
    sh("useradd", "--create-home", "oncall")
    if name == "postfix":
        # No network interface but loopback, and no resolver to ask.
        sh("postconf", "-e", "inet_interfaces = loopback-only", "mydestination = localhost, $myhostname", "smtputf8_enable = no")
        systemctl("restart", "postfix")


# MARK: secrets


def pieces(secret, size=24):
    return {secret[start : start + size] for start in range(0, max(1, len(secret) - size), 8)} | {secret[-size:]}


def search_for_secrets():
    """Every file of the machine and every process: no piece of a secret but in the files made for it."""
    patterns = pathlib.Path("/root/.patterns")
    patterns.write_text("\n".join(sorted({piece for secret in TOKENS for piece in pieces(secret)})) + "\n")
    allowed = ["/etc/tokenvigil/secrets", "/etc/tokenvigil/credentials", "/run/stand-in", "/root/.patterns"]
    allowed += ["/run/credentials", "/proc", "/sys", "/packages", "/inside", "/out", "/dev"]
    with fact(f"no piece of {len(TOKENS)} secrets is in any file of the machine"):
        sh("journalctl", "--flush", check=False)
        sh("journalctl", "--sync")
        excluded = [word for path in allowed for word in ("-path", path, "-prune", "-o")]
        files = sh("find", "/", *excluded, "-type", "f", "-size", "-200M", "-print0").replace("\0", "\n").splitlines()
        assert len(files) > 3000, f"only {len(files)} files"
        found = []
        for begin in range(0, len(files), 500):
            result = subprocess.run(
                ["grep", "-laFf", str(patterns), "--", *files[begin : begin + 500]], capture_output=True, text=True
            )
            found += result.stdout.splitlines()
        equal(found, [], "the files with a secret")
    with fact("nor in the journal, whose long entries are packed"):
        entries = sh("journalctl", "--no-pager", "--all", "-o", "export")
        assert len(entries) > 10_000, len(entries)
        found = sorted({name for secret, name in TOKENS.items() for piece in pieces(secret) if piece in entries})
        equal(found, [], "the secrets in the journal")
    with fact("nor in the arguments or the environment of any process"):
        needles = [piece.encode() for secret in TOKENS for piece in pieces(secret)]
        found, seen = [], 0
        for process in pathlib.Path("/proc").glob("[0-9]*"):
            for name in ("cmdline", "environ"):
                with contextlib.suppress(OSError):
                    text = (process / name).read_bytes()
                    seen += 1
                    if int(process.name) != os.getpid() and any(needle in text for needle in needles):
                        found.append(str(process / name))
        assert seen > 10, seen
        equal(found, [], "the processes with a secret")
    with fact("and the search finds what is there"):
        planted = pathlib.Path("/var/log/planted")
        planted.write_text(f"xx{next(iter(TOKENS))}yy")
        equal(sh("grep", "-laFf", patterns, planted).strip(), str(planted))
        planted.unlink()
    patterns.unlink()
