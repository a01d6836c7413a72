#!/bin/bash
# The catalog explains every kind of alert, and journalctl -x shows it.
. "$(dirname "$0")/support.sh"
catalog=$project/systemd/tokenvigil.catalog
kinds=(
    token.invalidated token.limited token.recovered token.reminder token.expiring token.blind token.sighted
    token.identity_changed token.replaced token.misconfigured provider.incident provider.recovered
    notifier.failing notifier.recovered test monitor.failed
)

mkdir -p "$work/root/usr/lib/systemd/catalog"
cp "$catalog" "$work/root/usr/lib/systemd/catalog/"
compiles() { [[ -z $(journalctl --root="$work/root" --update-catalog 2>&1) ]]; }
check "systemd compiles the catalog without a word" compiles

# The id in the line after "# KIND"; a random UUID without dashes.
id_of() { sed -n "/^# $1\$/{n;s/^-- \([0-9a-f]\{12\}4[0-9a-f]\{3\}[89ab][0-9a-f]\{15\}\)\$/\1/p}" "$catalog"; }
explained() {
    local id text
    id=$(id_of "$1")
    [[ $id =~ ^[0-9a-f]{32}$ ]] || { echo "no id, or more than one"; return 1; }
    text=$(journalctl --root="$work/root" --dump-catalog "$id")
    grep -q '^Subject: .' <<<"$text" && grep -q '^What to do' <<<"$text"
}
for kind in "${kinds[@]}"; do
    check "$kind has one entry, with what happened and what to do" explained "$kind"
done

counts() { [[ $(grep -c '^-- ' "$catalog") == "${#kinds[@]}" && -z $(grep '^-- ' "$catalog" | sort | uniq -d) ]]; }
check "there is no other entry, and no id twice" counts

shown() {
    cat >"$work/entry" <<ENTRY
MESSAGE=hr-onboarding is invalid
MESSAGE_ID=$(id_of token.invalidated)
TOKENVIGIL_TOKEN=hr-onboarding
TOKENVIGIL_REASON=revoked
ENTRY
    # /var/lib/systemd/catalog is where journalctl looks; in the private namespace it can be ours.
    # shellcheck disable=SC2016 # expanded by the inner shell
    "$project/Tests/System/journald-only.sh" bash -c '
        mount --bind "$1/root/var/lib/systemd/catalog" /var/lib/systemd/catalog
        logger --journald <"$1/entry" && journalctl --sync && journalctl -x --no-pager' sh "$work" >"$work/journal"
    cat "$work/journal"
    grep -q 'Subject: API token hr-onboarding has stopped working (revoked)' "$work/journal"
}
if (( EUID == 0 )) && [[ -d /var/lib/systemd/catalog ]]; then
    check "journalctl -x explains an alert in the journal" shown
else
    skip "journalctl -x explains an alert in the journal" "needs root"
fi
finish
