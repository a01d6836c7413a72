"""What is asked in the end: of the database that the daemons have left, and of what the receivers took."""

import collections
import contextlib
import itertools
import json
import shutil
import sqlite3

BEGINNINGS = {"token.invalidated", "token.identity_changed"}
# What is settled may wait so long, in seconds, for the kill that undoes it: the time of one write on a busy machine.
AT_ONCE = 5.0
# Healthy looks are written in batches, and a token is looked at every second: longest time of which nothing is known.
UNSEEN = 65.0


@contextlib.contextmanager
def opened(directory, copy):
    """A copy of the database, log and all, as a killed daemon left it."""
    shutil.rmtree(copy, ignore_errors=True)
    copy.mkdir()
    for path in directory.glob("state.db*"):
        with contextlib.suppress(FileNotFoundError):
            shutil.copy(path, copy)
    database = sqlite3.connect(copy / "state.db")
    database.row_factory = sqlite3.Row
    try:
        yield database
    finally:
        database.close()


def verdict(directory, copy):
    """What SQLite says of it: `ok`, or what is wrong; nothing where there is no database yet."""
    if not (directory / "state.db").exists():
        return None
    with opened(directory, copy) as database:
        found = database.execute("PRAGMA integrity_check").fetchall()
        found += database.execute("PRAGMA foreign_key_check").fetchall()
    words = [" ".join(map(str, row)) for row in found]
    return "ok" if words == ["ok"] else f"{words}"


OF_TOKEN = "JOIN token ON token.id = token_id"
TABLES = {
    "incidents": f"SELECT incident.*, token.name FROM incident {OF_TOKEN} ORDER BY opened_at",
    "transitions": f"SELECT transition.*, token.name FROM transition {OF_TOKEN} ORDER BY transition.id",
    "intervals": f"SELECT validity.*, token.name FROM validity {OF_TOKEN} ORDER BY start_at",
    "deliveries": "SELECT * FROM delivery",
    "alerts": "SELECT * FROM alert",
    "tokens": "SELECT * FROM token",
}


class Ledger:
    """The database, against what was taken.

    `told`: by notifier, what each took. `audience`: by token, who must be told. `kills`: by run, the wall time of the
    kill that ended it."""

    def __init__(self, directory, copy, told, audience, kills):
        self.told, self.audience, self.kills = told, audience, kills
        with opened(directory, copy) as database:
            for name, sql in TABLES.items():
                setattr(self, name, [dict(row) for row in database.execute(sql)])
        self.documents = {row["id"]: json.loads(row["document"]) for row in self.alerts}

    # MARK: what was lost

    def losses(self):
        """Every incident, end of an incident, and promised delivery of which a notifier was not told."""
        return self.untold() + self.unkept()

    def untold(self):
        """Incidents that somebody never heard of, and ends of such."""
        lost = []
        for incident in self.incidents:
            for notifier in self.audience[incident["name"]]:
                told = [
                    item
                    for item in self.told[notifier]
                    if item.incident == (incident["shared_id"] or incident["id"]) and incident["name"] in item.tokens
                ]
                # What was over before it could be told is told with its end.
                begins = [item for item in told if item.kind in BEGINNINGS or ", was " in item.summary]
                ends = [item for item in told if item.kind == "token.recovered"]
                if not begins:
                    lost.append((notifier, incident["id"], "its beginning"))
                if incident["closed_at"] and not ends:
                    lost.append((notifier, incident["id"], "its end"))
        return lost

    def unkept(self):
        """Alerts that the database calls delivered, or does not mention, and nobody took."""
        taken = {(notifier, item.alert) for notifier, items in self.told.items() for item in items}

        def was_taken(notifier, alert):
            return any((notifier, name) in taken for name in self.names(alert))

        lost = []
        promised = {(row["notifier"], row["alert_id"]): row for row in self.deliveries}
        for (notifier, alert), row in promised.items():
            if row["state"] != "delivered" or not was_taken(notifier, row["overtaken_by"] or alert):
                lost.append((notifier, alert, row["state"], row["last_error"]))
        for alert, document in self.documents.items():
            for token in {token["name"] for token in document["tokens"]}:
                for notifier in self.audience[token]:
                    if (notifier, alert) not in promised:
                        lost.append((notifier, alert, "no row"))
        return lost

    def names(self, alert):
        """What receivers call an alert: the first mail of an incident bears the incident's name."""
        document = self.documents.get(alert, {})
        opens = document.get("kind") in BEGINNINGS | {"notifier.failing", "provider.incident"}
        return {alert} | ({document["incident_id"]} if opens else set())

    def forgotten(self, shown):
        """Incidents that the status file has shown, and alerts that were taken, of which the database knows nothing."""
        known = {incident["id"] for incident in self.incidents}
        names = {name for alert in self.documents for name in self.names(alert)}
        taken = {item.alert for items in self.told.values() for item in items}
        return sorted(shown - known) + sorted(taken - names)

    # MARK: what was said twice

    def duplicates(self):
        """Alerts that a notifier took more than once: those with a kill between, and those without that excuse."""
        excused, inexcusable = [], []
        for notifier, items in self.told.items():
            takes = collections.defaultdict(list)
            for item in items:
                takes[item.alert].append(item)
            for alert, taken in takes.items():
                for first, second in itertools.pairwise(sorted(taken, key=lambda item: (item.run, item.at))):
                    (excused if first.run < second.run else inexcusable).append((notifier, alert, first))
        return excused, inexcusable

    def late_duplicates(self):
        """Those where the kill came long after the delivery: that should have been on disk."""
        excused, _ = self.duplicates()
        return [
            (notifier, alert, self.kills[first.run] - first.at)
            for notifier, alert, first in excused
            if self.kills[first.run] - first.at > AT_ONCE
        ]

    def repeated(self):
        """The same news of an incident under several ids; that a new secret is dead, too, is other news."""
        several = []
        for notifier, items in self.told.items():
            ids = collections.defaultdict(set)
            for item in items:
                is_first = ", its new secret too" not in item.summary
                if is_first and item.kind in BEGINNINGS | {"token.recovered"} and item.incident:
                    for token in item.tokens:
                        ids[item.kind, item.incident, token].add(item.alert)
            several += [(notifier, news, found) for news, found in ids.items() if len(found) > 1]
        return several

    # MARK: the history

    def overlaps(self):
        """Intervals of a token that overlap, and incidents that do."""
        found = []
        for former, latter in self.pairs(self.intervals):
            if not former["start_at"] <= former["end_at"] <= latter["start_at"]:
                found.append((former, latter))
        for former, latter in self.pairs(self.incidents):
            if not former["closed_at"] or former["closed_at"] > latter["opened_at"]:
                found.append((former, latter))
        return found

    def gaps(self):
        """Times of which nothing is known though no kill explains it, and the longest time that one explains."""
        found, longest = [], 0.0
        for former, latter in self.pairs(self.intervals):
            end, start = former["end_at"] / 1000, latter["start_at"] / 1000
            if start == end:
                continue
            kill = next((kill for kill in sorted(self.kills.values()) if end <= kill <= start), None)
            if kill is None or kill - end > UNSEEN:
                found.append((former, latter))
            longest = max(longest, start - end)
        return found, longest

    def breaks(self):
        """Changes of state that do not go on where the one before has ended, and beliefs that do not."""
        found = [
            (former, latter)
            for former, latter in self.pairs(self.transitions)
            if former["to_state"] != latter["from_state"] or former["at"] > latter["at"]
        ]
        last = {row["name"]: row["to_state"] for row in self.transitions}
        for row in self.tokens:
            state = json.loads(row["belief"])["state"]
            if last.get(row["name"], "pending") not in json.dumps(state):
                found.append((row["name"], state, last.get(row["name"])))
        return found

    @staticmethod
    def pairs(rows):
        """Each row of a token with the next."""
        by_token = collections.defaultdict(list)
        for row in rows:
            by_token[row["name"]].append(row)
        return [pair for rows in by_token.values() for pair in itertools.pairwise(rows)]
