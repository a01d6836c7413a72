#!/usr/bin/env python3
"""notify-listen.py [OPTION]... -- CMD [ARG]... : plays the service manager's notification socket for CMD.

Runs CMD with NOTIFY_SOCKET (and WATCHDOG_USEC, WATCHDOG_PID) and prints one line of JSON for each message:
{"t": seconds, "pid": sender, "main": sender is CMD, "fds": n, "fields": {...}}.

--abstract      an abstract socket instead of one in the file system
--watchdog SEC  SIGABRT to CMD when no WATCHDOG=1 came for SEC after READY=1 (exit 70)
--reload        SIGHUP once after READY=1; unless RELOADING=1 with MONOTONIC_USEC and then READY=1 follow, exit 71
--until LINE    once a message holds this line, SIGTERM to CMD
--timeout SEC   kill CMD after SEC (default 30; exit 124)

Exit code: CMD's, or 128+N when signal N ended it."""

import argparse
import array
import json
import os
import select
import signal
import socket
import struct
import subprocess
import sys
import tempfile
import time


def arguments():
    parser = argparse.ArgumentParser(usage=__doc__)
    parser.add_argument("--abstract", action="store_true")
    parser.add_argument("--watchdog", type=float)
    parser.add_argument("--reload", action="store_true")
    parser.add_argument("--until")
    parser.add_argument("--timeout", type=float, default=30)
    parser.add_argument("command", nargs=argparse.REMAINDER)
    options = parser.parse_args()
    options.command = options.command[1:] if options.command[:1] == ["--"] else options.command
    return options


def receive(listener):
    """One message: the sender's pid, how many descriptors came with it, its lines."""
    message, ancillary, _, _ = listener.recvmsg(65536, 4096)
    pid, descriptors = None, 0
    for _, kind, data in ancillary:
        if kind == socket.SCM_CREDENTIALS:
            pid = struct.unpack("3i", data[:12])[0]
        if kind == socket.SCM_RIGHTS:
            passed = array.array("i")
            passed.frombytes(data[: len(data) - len(data) % passed.itemsize])
            descriptors = len(passed)
            for descriptor in passed:
                os.close(descriptor)
    return pid, descriptors, message.decode("utf-8", "replace").splitlines()


def main():
    options = arguments()
    directory = tempfile.mkdtemp()
    name = f"@tokenvigil-{os.getpid()}" if options.abstract else directory + "/notify"
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_PASSCRED, 1)
    listener.bind("\0" + name[1:] if options.abstract else name)

    command, environment = options.command, dict(os.environ, NOTIFY_SOCKET=name)
    if options.watchdog:
        environment["WATCHDOG_USEC"] = str(int(options.watchdog * 1e6))
        # WATCHDOG_PID must be CMD's own: a shell sets it and becomes CMD.
        command = ["/bin/sh", "-c", 'export WATCHDOG_PID=$$; exec "$@"', "sh"] + command
    child = subprocess.Popen(command, env=environment)

    started = time.monotonic()
    last_sign, reload_state, code = None, "not sent", None
    try:
        while code is None:
            now = time.monotonic()
            if now - started > options.timeout:
                code = 124
            elif options.watchdog and last_sign and now - last_sign > options.watchdog:
                child.send_signal(signal.SIGABRT)
                child.wait()
                print('{"event": "watchdog"}', flush=True)
                code = 70
            elif select.select([listener], [], [], 0.05)[0]:
                pid, descriptors, lines = receive(listener)
                fields = dict(line.split("=", 1) for line in lines if "=" in line)
                record = {"t": round(time.monotonic() - started, 3), "pid": pid, "main": pid == child.pid}
                print(json.dumps(record | {"fds": descriptors, "fields": fields}), flush=True)
                if "READY" in fields:
                    last_sign = time.monotonic()
                    if options.reload and reload_state == "not sent":
                        reload_state = "sent"
                        child.send_signal(signal.SIGHUP)
                    elif reload_state == "begun":
                        reload_state = "complete"
                        child.terminate()
                if fields.get("WATCHDOG") == "1":
                    last_sign = time.monotonic()
                if "RELOADING" in fields and "MONOTONIC_USEC" in fields and reload_state == "sent":
                    reload_state = "begun"
                if options.until and options.until in lines:
                    child.terminate()
            elif child.poll() is not None:
                code = child.returncode if child.returncode >= 0 else 128 - child.returncode
    finally:
        if child.poll() is None:
            child.kill()
            child.wait()
        if not options.abstract:
            os.unlink(name)
        os.rmdir(directory)
    if options.reload and reload_state != "complete":
        print(f"no complete reload: {reload_state}", file=sys.stderr)
        code = 71
    sys.exit(code)


main()
