"""A real SMTP server that keeps what it takes, and a real msmtp that brings it there."""

import asyncio
import email
import email.policy
import shutil
import time

import rig
from rig import wait_for

from aiosmtpd.controller import Controller  # noqa: E402  rig puts it in reach

STRICT = email.policy.strict + email.policy.SMTP


class Relay:
    """A real SMTP server that keeps what it takes; it can be down, refuse every recipient, or never answer."""

    def __init__(self):
        self.envelopes = []
        self.refusal = None
        self.is_stalled = False
        self.port = rig.free_port()
        self.controller = None
        self.up()

    async def handle_RCPT(self, server, session, envelope, address, options):
        while self.is_stalled:
            await asyncio.sleep(0.05)
        if self.refusal:
            return self.refusal
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server, session, envelope):
        envelope.taken = time.time()
        self.envelopes.append(envelope)
        return "250 queued"

    def up(self):
        self.controller = Controller(self, hostname="127.0.0.1", port=self.port)
        self.controller.start()

    def down(self):
        if self.controller:
            self.controller.stop()
            self.controller = None

    def messages(self, subject=""):
        return [message for message in map(parsed, list(self.envelopes)) if subject in message["Subject"]]

    def wait_for(self, subject, within=20):
        return wait_for(f"a mail '{subject}'", lambda: self.messages(subject), within)


def parsed(envelope):
    """The message, by a parser that raises at the first defect."""
    message = email.message_from_bytes(envelope.content, policy=STRICT)
    for name, value in message.items():
        assert not value.defects, f"{name}: {value.defects}"
    return message


def text(message, form="plain"):
    """One form of a mail's text."""
    return message.get_body((form,)).get_content()


def msmtp(stage, relay, name="sendmail"):
    """A `sendmail` as an administrator would write it, around the real msmtp."""
    text = f"account default\nhost 127.0.0.1\nport {relay.port}\ntimeout 10\n"
    settings = stage.write(f"{name}.msmtprc", text)
    return stage.script(name, f'#!/bin/sh\nexec {shutil.which("msmtp")} -C {settings} "$@"\n')
