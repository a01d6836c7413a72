"""One measurement: a contender, so many tokens, one interval, one protocol. Its row is a dictionary."""

import random
import time

import measure
import server

# Seconds beyond what a death takes by the rules after which it counts as missed.
GRACE = 60


def row(kind, count, interval, http2, window, wants_deaths):
    """Measures; whatever goes wrong stands in the row under "failure", beside what was found out until then."""
    found = dict(contender=kind.name, tokens=count, interval_s=interval, protocol="HTTP/2" if http2 else "HTTP/1.1",
                 wanted_rate=count / interval)
    open_things = []

    def opened(thing):
        open_things.append(thing)
        return thing

    try:
        nginx = opened(server.Nginx(http2))
        receiver = opened(server.Receiver())
        contender = opened(kind(nginx, receiver, count, interval))
        started = contender.start()
        found.update(wait_for_all(contender, nginx, count, interval, started))
        found.update(watch(contender, nginx, count, interval, window))
        found.update(contender.sizes())
        if wants_deaths and contender.has_alerts:
            found.update(deaths(contender, nginx, receiver, count, interval))
        contender.check()
        found.update(contender.stop())
    except (measure.Trouble, OSError, ValueError) as trouble:
        found["failure"] = str(trouble)
    finally:
        for thing in reversed(open_things):
            thing.close()
    return found


def wait_for_all(contender, nginx, count, interval, started):
    """Until every token has been asked for: time to the first and to the last of these probes."""
    limit = 4 * interval + 60

    def probed():
        contender.check()
        nginx.log.read()
        return len(nginx.log.firsts) >= count or time.time() - started > limit
    # Looking often would take the time that is measured.
    measure.until(probed, "every token is probed", limit + 60, pause=0.2 if count < 5000 else 1)
    firsts = nginx.log.firsts
    if not firsts:
        raise measure.Trouble(f"no probe within {limit} s")
    found = dict(first_ms=round((min(firsts.values()) - started) * 1000), unprobed=count - len(firsts))
    if not found["unprobed"]:
        found["all_ms"] = round((max(firsts.values()) - started) * 1000)
    return found


def watch(contender, nginx, count, interval, window):
    """While nothing changes."""
    # What a start leaves to do, such as controls and the first status file, is not what watching costs. The window is
    # a whole number of intervals, and begins between two rounds.
    time.sleep(0.7 * min(interval, 10))
    window = max(1, round(window / interval)) * interval
    disk, used, served, begin = contender.disk(), contender.cpu(), nginx.cpu(), time.time()
    time.sleep(window)
    used, served, end = contender.cpu() - used, nginx.cpu() - served, time.time()
    disk = {key: value - disk[key] if key == "written" else value for key, value in contender.disk().items()}
    contender.check()
    found = contender.memory()
    found.update(nginx.read().between(begin, end, count, interval))
    lasted, probes = end - begin, found["probes"]
    found.update(window_s=round(lasted, 1), rate=probes / lasted, load=used / lasted, server_load=served / lasted)
    if probes:
        found.update(cpu_per_1000=used / probes * 1000, server_cpu_per_1000=served / probes * 1000)
    if "written" in disk:
        found["disk_bytes_per_hour"] = disk["written"] / lasted * 3600
    if "renames" in disk:
        found["status_writes_per_hour"] = disk["renames"] / lasted * 3600
    return found


def deaths(contender, nginx, receiver, count, interval):
    """Logs some tokens out, spread over one interval, and waits for the alerts."""
    # Deaths that come together are told as one, and an alert names fifty tokens at most.
    chosen = random.Random(count).sample(range(count), min(50, max(1, count // 10)))
    moments = sorted(random.Random(count + 1).uniform(0, interval) for _ in chosen)
    begun, ends = time.monotonic(), {}
    for number, moment in zip(chosen, moments):
        time.sleep(max(0, begun + moment - time.monotonic()))
        ends[number] = nginx.log_out(number)
    # Three rejections over 30 s, or three rounds.
    limit = time.monotonic() + max(30, 2 * interval) + interval + GRACE
    while len(receiver.deaths) < len(chosen) and time.monotonic() < limit:
        contender.check()
        time.sleep(0.2)
    waits = [receiver.deaths[number] - ends[number] for number in chosen if number in receiver.deaths]
    found = dict(deaths=len(chosen), deaths_missed=len(chosen) - len(waits),
                 false_deaths=len([number for number in receiver.deaths if number not in ends]))
    if waits:
        found.update(detection_p50_s=measure.quantile(waits, 0.5), detection_p99_s=measure.quantile(waits, 0.99))
    return found
