"""The three who are told: a webhook, a program, a mail server. Each comes and goes, and says what it took, and from
which run of the daemon: the run is part of what the configuration says."""

import dataclasses
import json

import rig
import relay

KINDS = {"INVALID": "token.invalidated", "RECOVERED": "token.recovered", "STILL": "token.reminder"}


@dataclasses.dataclass(frozen=True)
class Told:
    """One delivery that was taken."""

    at: float
    run: int
    alert: str
    kind: str
    incident: str
    tokens: frozenset
    summary: str


class Hook:
    """A webhook: away, failing, or silent."""

    troubles = ("away", 500, 503, 0)

    def __init__(self, stage, name):
        self.sink = stage.webhook()

    def settings(self, run):
        return {"type": "webhook", "url": f"{self.sink.url}/{run}"}

    def trouble(self, kind):
        if kind == "away":
            self.sink.close()
        else:
            self.sink.answers = [kind]

    def well(self):
        self.sink.answers = [204]
        if self.sink.server:
            self.sink.cut()
        else:
            self.sink.open()

    def count(self):
        return len(self.sink.requests)

    def told(self):
        for item in self.sink.received():
            data = item.document["data"]
            run = int(item.path.rpartition("/")[2])
            yield told(item.taken, run, item.id, item.kind, data)


class Pager:
    """A program: failing, or hanging for a while and then failing."""

    troubles = ("fails", "hangs")

    def __init__(self, stage, name):
        program, self.runs = rig.capture_command(stage, f"{name}-page")
        self.flags = {kind: stage.path(f"{name}-{kind}") for kind in self.troubles}
        fails, hangs = self.flags.values()
        self.script = stage.script(
            f"{name}-pager",
            f"""#!/bin/sh
test ! -e {hangs} || sleep 2
test ! -e {fails} -a ! -e {hangs} || exit 75
exec {program} "$@"
""",
        )

    def settings(self, run):
        return {"type": "command", "argv": [str(self.script), str(run)]}

    def trouble(self, kind):
        self.flags[kind].touch()

    def well(self):
        for flag in self.flags.values():
            flag.unlink(missing_ok=True)

    def count(self):
        return sum(1 for _ in self.runs.iterdir())

    def told(self):
        """Raises where a program was not given all of an alert."""
        for page in rig.captured(self.runs):
            environ = page["environ"]
            data = json.loads(page["stdin"])["data"]
            run = int(page["argv"][1])
            yield told(page["began"], run, environ["TOKENVIGIL_ALERT"], environ["TOKENVIGIL_KIND"], data)


class Mail:
    """A mail server behind a real msmtp: down, refusing for now, or silent."""

    troubles = ("down", "refuses", "stalls")

    def __init__(self, stage, name):
        self.relay = relay.Relay()
        stage.endings.append(self.relay.down)
        self.msmtp = relay.msmtp(stage, self.relay, f"{name}-sendmail")

    def settings(self, run):
        sender = f"tokenvigil+{run}@example.com"
        return {"type": "sendmail", "from": sender, "to": ["oncall@example.com"], "sendmail": str(self.msmtp)}

    def trouble(self, kind):
        if kind == "down":
            self.relay.down()
        elif kind == "refuses":
            self.relay.refusal = "451 later"
        else:
            self.relay.is_stalled = True

    def well(self):
        self.relay.refusal, self.relay.is_stalled = None, False
        if not self.relay.controller:
            self.relay.up()

    def count(self):
        return len(self.relay.envelopes)

    def told(self):
        """Raises where a mail is not whole."""
        for envelope in list(self.relay.envelopes):
            mail = relay.parsed(envelope)
            assert not [part.defects for part in mail.walk() if part.defects], mail
            assert envelope.content.rstrip().endswith(b"--"), "a mail without its end"
            sender = envelope.mail_from
            summary = mail["Subject"].removeprefix("[tokenvigil] ")
            yield Told(
                at=envelope.taken,
                run=int(sender[sender.index("+") + 1 : sender.index("@")]),
                alert=str(mail["Message-ID"]).strip("<>").rpartition("@")[0],
                kind=KINDS.get(summary.split()[0], summary.split()[0]),
                incident=str(mail["X-Tokenvigil-Incident"] or ""),
                tokens=frozenset(str(mail["X-Tokenvigil-Token"] or "").replace(",", " ").split()),
                summary=summary,
            )


def told(at, run, alert, kind, data):
    tokens = frozenset(token["name"] for token in data["tokens"])
    return Told(at, run, alert, kind, data["incident_id"] or "", tokens, data["summary"])


class Troubled(rig.Task):
    """A receiver is unwell now and then; never so often that an alert meets more than two of the short times."""

    # A delivery is tried again after 5 s, then after 30 s.
    APART = (8.0, 12.0)
    # One is longer than the first pause.
    LONG = 12.0

    def __init__(self, receiver, chance):
        super().__init__()
        self.receiver, self.chance, self.times = receiver, chance, 0

    def work(self):
        while not self.over.wait(self.chance.uniform(*self.APART) if self.times else self.chance.uniform(1, 6)):
            kind = self.chance.choice(self.receiver.troubles)
            length = self.chance.uniform(0.5, 2) if self.times else self.LONG
            self.times += 1
            self.receiver.trouble(kind)
            self.over.wait(length)
            self.receiver.well()
