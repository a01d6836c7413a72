# shellcheck shell=bash
# Sourced by the test scripts. Each calls `check NAME COMMAND...` for every fact and `finish` at its end.
set -euo pipefail
project=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
passed=0 failed=0 skipped=0

# check NAME COMMAND... : the fact holds if the command succeeds; its output is shown only if it does not.
check() {
    local name=$1
    shift
    if "$@" >"$work/said" 2>&1 </dev/null; then
        passed=$((passed + 1))
        echo "✔ $name"
    else
        failed=$((failed + 1))
        echo "✘ $name"
        sed 's/^/    /' "$work/said"
    fi
}

skip() {
    skipped=$((skipped + 1))
    echo "➜ $1: skipped, $2"
}

# finish : the closing line that is counted.
finish() {
    if (( skipped )); then
        echo "$passed passed, $failed failed, $skipped skipped"
    else
        echo "$passed passed, $failed failed"
    fi
    exit $(( failed ? 1 : 0 ))
}
