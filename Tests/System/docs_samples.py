"""What is sent to people and programs when a token dies, by every way there is: the samples of docs/notifiers.md."""

import email
import email.policy
import json

import rig
import yaml
from rig import TOKEN, wait_for

FORMATS = ("standard", "cloudevents", "alertmanager", "slack", "discord", "teams", "pagerduty", "ntfy")
HEADERS = ("From", "To", "Subject", "Auto-Submitted", "X-Tokenvigil-Token", "X-Tokenvigil-State")


def start(world, journal):
    """A daemon that tells of its token in every way."""
    world.put("oncall-url", f"{world.sink.url}/standard")
    world.put("pagerduty-key", "R01PAGERDUTYROUTINGKEY0000000001")
    # 24 bytes, in the form that Standard Webhooks gives to a key.
    world.put("oncall-key", "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")
    command, world.pages = rig.capture_command(world.stage)
    notifiers = {
        "oncall": {
            "type": "webhook",
            "url": {"file": "/etc/tokenvigil/secrets/oncall-url"},
            "signing_secret": {"file": "/etc/tokenvigil/secrets/oncall-key"},
        },
        "mail": {
            "type": "sendmail",
            "from": "tokenvigil@example.com",
            "to": ["oncall@example.com"],
            "sendmail": str(world.bin / "sendmail"),
        },
        "page": {"type": "command", "argv": [str(command)]},
    }
    if journal:
        notifiers["journal"] = {"type": "journald"}
    for name in FORMATS[1:]:
        notifiers[name] = {"type": "webhook", "format": name, "url": f"{world.sink.url}/{name}"}
    notifiers["pagerduty"]["routing_key"] = {"file": "/etc/tokenvigil/secrets/pagerduty-key"}
    world.start(
        yaml.safe_dump(
            {
                "version": 1,
                "defaults": {"interval": "1s", "confirm": {"rejections": 3, "over": "2s"}},
                "tokens": {
                    TOKEN: {
                        "provider": "tallyfy",
                        "secret": {"file": f"/etc/tokenvigil/secrets/{TOKEN}"},
                        "owner": "api-bot@example.com",
                        "used_by": [{"name": "Zapier new-hire flow", "owner": "hr-it@example.com"}],
                    }
                },
                "providers": rig.unlimited("tallyfy"),
                "notifiers": notifiers,
                "listen": 9718,
            }
        )
    )


def collect(world, journal):
    """The samples by their names, once the token has died."""
    world.become("valid")
    world.sink.requests.clear()
    for path in world.mails.glob("*.mail"):
        path.unlink()
    world.become("dead")
    samples = {}

    def told():
        # The recovery before it may still be on its way.
        mails = [path for path in world.mails.glob("*.mail") if b" INVALID " in path.read_bytes()]
        runs = rig.captured(world.pages, "token.invalidated")
        # What is for an ntfy topic goes to the address above it.
        deaths = [item for item in list(world.sink.requests) if b"INVALID hr" in item.body]
        posts = {item.path.rpartition("/")[2] or "ntfy": item for item in deaths}
        return (mails, runs, posts) if mails and runs and set(FORMATS) <= set(posts) else None

    mails, runs, posts = wait_for("everybody is told", told)
    for name, post in posts.items():
        samples[name] = json.dumps(post.document, indent=2, ensure_ascii=False)
    samples["headers"] = "".join(
        f"{name}: {posts['standard'].headers[name.lower()]}\n"
        for name in ("Content-Type", "User-Agent", "webhook-id", "webhook-timestamp", "webhook-signature")
    )
    letter = email.message_from_bytes(mails[-1].read_bytes(), policy=email.policy.default)
    samples["mail"] = (
        "".join(f"{name}: {letter[name]}\n" for name in HEADERS) + "\n" + letter.get_body(("plain",)).get_content()
    )
    samples["command"] = "".join(
        f"{name}={value}\n" for name, value in sorted(runs[-1]["environ"].items()) if name.startswith("TOKENVIGIL_")
    )
    if journal:
        said, _ = world.say("journalctl -t tokenvigil PRIORITY=2 -n 1 -o json")
        entry = json.loads(said)
        samples["journal"] = "".join(
            f"{name}={value}\n"
            for name, value in sorted(entry.items())
            if name.startswith(("TOKENVIGIL_", "PRIORITY", "MESSAGE_ID")) or name == "MESSAGE"
        )
    return samples
