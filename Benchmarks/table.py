"""Puts the numbers of a run into Markdown."""

COSTS = ("Watching", [
    ("tokens", lambda r, o: f"{r['tokens']:,}"),
    ("every", lambda r, o: f"{r['interval_s']} s"),
    ("", lambda r, o: r["contender"]),
    ("HTTP", lambda r, o: r["protocol"][5:]),
    ("probes/s", lambda r, o: number(r.get("rate"))),
    ("late", lambda r, o: late(r)),
    ("worst gap, s", lambda r, o: number(r.get("worst_gap_s"))),
    ("CPU s per 1,000", lambda r, o: number(r.get("cpu_per_1000"))),
    ("× curl", lambda r, o: ratio(r, o, "curl")),
    ("× Monit", lambda r, o: ratio(r, o, "monit")),
    ("% of a core", lambda r, o: number(r.get("load"), 100)),
    ("nginx, % of a core", lambda r, o: number(r.get("server_load"), 100)),
    ("resident, MB", lambda r, o: number(r.get("rss_mb"))),
    ("anonymous, MB", lambda r, o: number(r.get("anon_mb"))),
    ("connections", lambda r, o: f"{r['connections']:,}" if "connections" in r else "-"),
])
STORY = ("From the start to the end", [
    ("tokens", lambda r, o: f"{r['tokens']:,}"),
    ("every", lambda r, o: f"{r['interval_s']} s"),
    ("", lambda r, o: r["contender"]),
    ("HTTP", lambda r, o: r["protocol"][5:]),
    ("first probe, ms", lambda r, o: number(r.get("first_ms"))),
    ("all probed, ms", lambda r, o: f"{r['all_ms']:,}" if "all_ms" in r else unprobed(r)),
    ("to the disk, kB/h", lambda r, o: number(r.get("disk_bytes_per_hour"), 0.001)),
    ("status file, writes/h", lambda r, o: number(r.get("status_writes_per_hour"))),
    ("status file, kB", lambda r, o: number(r.get("status_bytes"), 0.001)),
    ("database, kB", lambda r, o: number(r.get("database_bytes"), 0.001)),
    ("death told p50, s", lambda r, o: number(r.get("detection_p50_s"))),
    ("p99, s", lambda r, o: number(r.get("detection_p99_s"))),
    ("missed", lambda r, o: f"{r['deaths_missed']} of {r['deaths']}" if "deaths" in r else "-"),
    ("end, ms", lambda r, o: number(r.get("stop_ms"))),
])


def number(value, factor=1):
    """Three digits, or all before the point."""
    if value is None:
        return "-"
    value *= factor
    if value == 0:
        return "0"
    if abs(value) >= 100:
        return f"{value:,.0f}"
    text = f"{value:.3g}"
    return f"{value:.4f}".rstrip("0") if "e" in text else text


def late(row):
    if "late" not in row:
        return "-"
    if not row["late"]:
        return "0"
    return f"{row['late']:,} ({number(min(1, row['late'] / (row['probes'] or 1)), 100)} %)"


def unprobed(row):
    return f"{row['unprobed']:,} never" if "unprobed" in row else "-"


def ratio(row, others, contender):
    """How many times the processor time of `contender` for the same; Monit knows HTTP/1.1 alone."""
    protocol = "HTTP/1.1" if contender == "monit" else row["protocol"]
    beside = others.get((contender, row["tokens"], row["interval_s"], protocol), {}).get("cpu_per_1000")
    mine = row.get("cpu_per_1000")
    return "-" if row["contender"] == contender or not beside or mine is None else number(mine / beside)


def verdict(row):
    """Why a row is not what it should be."""
    if "failure" in row:
        return row["failure"]
    if row.get("unprobed"):
        return f"falls behind: {row['unprobed']:,} of {row['tokens']:,} tokens never probed"
    if row.get("rate", 0) < 0.98 * row["wanted_rate"]:
        return f"falls behind: {number(row['rate'])} of {number(row['wanted_rate'])} probes/s"
    return None


def table(title, columns, rows, others):
    lines = [f"### {title}", "", "| " + " | ".join(head for head, _ in columns) + " |", "|" + " --- |" * len(columns)]
    lines += ["| " + " | ".join(cell(row, others) for _, cell in columns) + " |" for row in rows]
    return lines + [""]


def render(run):
    """The tables of one run; `run` is what `--json` keeps."""
    rows = run["rows"]
    others = {(r["contender"], r["tokens"], r["interval_s"], r["protocol"]): r for r in rows}
    lines = ["Measured on " + ", ".join(f"{key} {value}" for key, value in run["machine"].items()) + ".", ""]
    lines += table(*COSTS, rows, others)
    lines += table(*STORY, [row for row in rows if row["contender"] != "curl"], others)
    remarks = [(row, verdict(row)) for row in rows]
    lines += [f"- {row['contender']}, {row['tokens']:,} tokens every {row['interval_s']} s, {row['protocol']}: {remark}"
              for row, remark in remarks if remark]
    return "\n".join(lines).rstrip() + "\n"


BEGIN, END = "<!-- made by: make bench -->", "<!-- end -->"


def put_into(path, text):
    """Replaces what stands between the marks in a document."""
    document = path.read_text()
    head, begin, rest = document.partition(BEGIN)
    _, end, tail = rest.partition(END)
    if not begin or not end:
        raise SystemExit(f"{path}: no line {BEGIN} and {END}")
    path.write_text(f"{head}{BEGIN}\n{text}{END}{tail}")
