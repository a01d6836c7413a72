#!/usr/bin/env python3
"""The hostile side, as a process of its own: so many listeners, each of which plays one row of the table, or one after the
other. What to play comes as JSON on the first line of its input; the ports go out as JSON. For each further line, what has
come so far is told."""

import json
import pathlib
import socket
import sys
import threading
import traceback

sys.dont_write_bytecode = True
sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))

import mutate  # noqa: E402
import rows_dns  # noqa: E402
import table  # noqa: E402
from rows_http1 import ok  # noqa: E402
from wire import Connection, Gone, server_context  # noqa: E402

LOOPBACK = "127.0.0.1"
RANDOM = "seed "


class Keys:
    """The certificates, by name."""

    def __init__(self, directory):
        self.directory = pathlib.Path(directory)

    def path(self, name):
        return str(self.directory / f"{name}.pem")

    def context(self, name, alpn, **settings):
        return server_context(self.path(name), self.path(name), alpn and list(alpn), **settings)


ALPN = {"https": ("http/1.1",), "h2": ("h2", "http/1.1")}


class Listener:
    """A port that plays its rows in turn, one for each connection."""

    def __init__(self, peer, rows):
        self.peer, self.rows, self.turn = peer, rows, 0
        self.records = [{"title": row.title, "connections": 0, "requests": 0, "secret": False} for row in rows]
        self.socket = socket.create_server((LOOPBACK, 0), backlog=128)
        self.port = self.socket.getsockname()[1]
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self):
        while True:
            raw, _ = self.socket.accept()
            turn, self.turn = self.turn, (self.turn + 1) % len(self.rows)
            threading.Thread(target=self.serve, args=(raw, self.rows[turn], self.records[turn]), daemon=True).start()

    def serve(self, raw, row, record):
        record["connections"] += 1
        connection = Connection(raw, record, self.peer.elsewhere.port if self.peer.elsewhere else 0)
        connection.is_single = len(self.rows) > 1
        if connection.is_single:
            # However long this one would go on: the next row has its turn.
            end = threading.Timer(15, connection.cut)
            end.daemon = True
            end.start()
        connection.keys = self.peer.keys
        connection.healthy = self.peer.healthy.port if self.peer.healthy else 0
        try:
            # A proxy that is spoken to by TLS, or a server.
            if row.by == "https" and row.transport != "raw":
                connection.tls(self.peer.keys.context("good", None))
            elif row.transport in ALPN and not row.by:
                connection.tls(self.peer.keys.context("good", ALPN[row.transport]))
            connection.play(row.script)
        except (Gone, OSError, EOFError):
            pass
        except Exception:
            # The row itself is wrong.
            record["broken"] = traceback.format_exc()
        finally:
            connection.close()


class NameServer:
    """Plays rows by the first label of the name that is asked for; what is no row's leads home."""

    def __init__(self, rows):
        self.rows = rows
        self.records = {label: {"title": row.title, "connections": 0, "secret": False} for label, row in rows.items()}
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.bind((LOOPBACK, 53))
        threading.Thread(target=self.serve, daemon=True).start()

    def serve(self):
        while True:
            data, asker = self.socket.recvfrom(4096)
            query = rows_dns.Query(data)
            label = query.labels[0].lower() if query.labels else ""
            if label in self.records:
                self.records[label]["connections"] += 1
            script = (
                self.rows[label].script
                if label in self.rows
                else {"hanging": rows_dns.silence}.get(label, rows_dns.here)
            )
            answers = script(query)
            for answer in [answers] if isinstance(answers, bytes) else answers or []:
                # Longer than any datagram is no answer at all.
                self.socket.sendto(answer[:65507], asker)


class Peer:
    """Everything that a plan asks for."""

    def __init__(self, plan):
        rows = {row.title: row for row in table.rows()}
        self.keys = Keys(plan["keys"])
        self.elsewhere = self.healthy = None

        def find(title):
            return mutate.row(title.partition(RANDOM)[2]) if RANDOM in title else rows[title]

        healthy = table.Row("healthy", ok(), transport="https")
        self.healthy = Listener(self, [healthy])
        self.elsewhere = Listener(self, [table.Row("elsewhere", ok())])
        self.listeners = {
            name: Listener(self, [find(title) for title in titles]) for name, titles in plan["listeners"].items()
        }
        self.names = (
            NameServer({label: rows[title] for label, title in plan["names"].items()}) if plan["names"] else None
        )
        self.home = Listener(self, [table.Row("home", ok())])

    def ports(self):
        return {name: listener.port for name, listener in self.listeners.items()} | {"home": self.home.port}

    def tally(self):
        found = {name: listener.records for name, listener in self.listeners.items()}
        if self.names:
            found |= {f"dns-{label}": [record] for label, record in self.names.records.items()}
        return found | {"elsewhere": self.elsewhere.records}


def main():
    peer = Peer(json.loads(sys.stdin.readline()))
    print(json.dumps(peer.ports()), flush=True)
    for _ in sys.stdin:
        print(json.dumps(peer.tally()), flush=True)


main()
