#!/bin/bash
# The journal tests of VigilSystemd against a real journald, and what arrived there.
. "$(dirname "$0")/support.sh"
cd "$project"

# What `swift test` has built, called as it calls it: inside, /run is another one.
tests=$(echo .build/debug/*PackageTests.xctest)

unit_tests() {
    # shellcheck disable=SC2016 # expanded by the inner shell
    Tests/System/journald-only.sh bash -c '
        "$2" --testing-library swift-testing --filter VigilSystemdTests.JournalTests </dev/null
        journalctl --sync
        journalctl --no-pager -a -o json SYSLOG_IDENTIFIER=tokenvigil-tests >"$1/entries"' sh "$work" "$tests" >"$work/log" 2>&1
    cat "$work/log"
    grep -q 'Test run with .* passed' "$work/log" && ! grep -q 'values of any text.*skipped' "$work/log"
}
arrived() {
    cat "$work/entries"
    python3 - "$work/entries" <<'PYTHON'
import json, sys
entry = json.loads(open(sys.argv[1]).readline())
values = entry["TOKENVIGIL_TEST"]
first = values[0] if isinstance(values[0], str) else bytes(values[0]).decode()
assert entry["MESSAGE"] == "tokenvigil's own tests: a=b, grüße, 日本", entry["MESSAGE"]
assert first == "line one\nline two\n\nNOT_A_FIELD=x\0y", first
assert "NOT_A_FIELD" not in entry and not [key for key in entry if key.startswith("CODE_")], entry
PYTHON
}
if (( EUID == 0 )); then
    check "the unit tests pass with a journal" unit_tests
    check "every byte of the values arrived, and no field more" arrived
else
    skip "the unit tests with a journal" "needs root"
fi
finish
