"""Whether what a page shows is still what the program says: alike but for times, ids, numbers and durations, and for
what the page leaves out with an ellipsis."""

import json
import re

from rig import Missed

VOLATILE = [
    (r"\x1b\[[0-9;]*m", ""),
    (r"\b(Mon|Tue|Wed|Thu|Fri|Sat|Sun)\w*,? (?=\d)", ""),
    (r"\b\d{8}T\d{9}Z", "<id>"),
    (r"\d{4}\\-\d\d\\-\d\d( \d\d\\:\d\d( UTC)?)?", "<time>"),
    (r"\b\d{1,2} (Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec)\w* \d{4}", "<date>"),
    (r"\b(Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec) \d\d\b", "<date>"),
    (r"\d{4}-\d\d-\d\d([T ]\d\d:\d\d(:\d\d([.]\d+)?)?)?( ?UTC|Z)?", "<time>"),
    (r"\b\d\d:\d\d(:\d\d([.]\d+)?)?( UTC)?", "<time>"),
    (r"k1:[0-9a-f]+", "<fingerprint>"),
    (r"eyJ[\w.-]+", "<token>"),
    (r"\b[0-9a-f]{8,}(-[0-9a-f]+)*\b", "<id>"),
    (r"\b(in|of|over|for|after|within|from)? ?\b\d+([.]\d+)? ?(ms|µs|s|min|h|d|days?|minutes?|hours?|seconds?)\b", " <span>"),
    (r"(?<![\w.])\d{4,}\b", "<number>"),
    (r"[─═-]{3,}", "---"),
    (r"\s+", " "),
]  # fmt: skip


def plain(text):
    """`text` without what differs from run to run."""
    for pattern, word in VOLATILE:
        text = re.sub(pattern, word, text)
    return text.strip()


def same_text(shown, said):
    """Every line that is shown is said, in this order; `…` stands for anything, alone on a line for any lines."""
    lines = [plain(line) for line in said.splitlines() if line.strip()]
    place, gap = 0, False
    for line in shown.splitlines():
        if not line.strip():
            continue
        if line.strip() == "…":
            gap = True
            continue
        pattern = ".*".join(re.escape(plain(part)) if part.strip() else "" for part in line.split("…"))
        pattern = re.compile(pattern.replace(r"\ .*", ".*").replace(r".*\ ", ".*"))
        end = len(lines) if gap else place + 1
        found = next((index for index in range(place, end) if index < len(lines) and pattern.fullmatch(lines[index])), None)
        if found is None:
            near = lines[place] if place < len(lines) else "nothing more"
            raise Missed(f"shown is {line!r}, said is {near!r} (compared as {plain(line)!r})")
        place, gap = found + 1, False


def same_document(shown, said, path="$"):
    """Every member that is shown is there, and like it; a list that is shown may leave elements out."""
    if isinstance(shown, dict) and isinstance(said, dict):
        for key, value in shown.items():
            if key == "…":
                continue
            if key not in said:
                raise Missed(f"{path}: no {key!r}, only {sorted(said)}")
            same_document(value, said[key], f"{path}.{key}")
    elif isinstance(shown, list) and isinstance(said, list):
        rest = list(said)
        for index, value in enumerate(shown):
            if value == "…":
                continue
            for candidate in rest:
                try:
                    same_document(value, candidate, f"{path}[{index}]")
                except Missed as missed:
                    error = missed
                else:
                    rest.remove(candidate)
                    break
            else:
                raise error if rest else Missed(f"{path}[{index}]: there are only {len(said)}")
    elif isinstance(shown, str) and isinstance(said, str):
        same_text(shown, said)
    elif isinstance(shown, (int, float)) and isinstance(said, (int, float)) and not isinstance(shown, bool):
        pass
    elif shown != said:
        raise Missed(f"{path}: shown is {json.dumps(shown)}, said is {json.dumps(said)}")
