#!/bin/bash
# journald-only.sh CMD... : runs CMD with a real systemd-journald of its own, without systemd as PID 1.
#
# Private mount and PID namespaces over this machine's root file system; everything vanishes at the end.
# sd_journal_send, logger --journald and plain journalctl work. There are no units, hence no _SYSTEMD_UNIT.
# Needs root. Exit code: CMD's; 125 when the journal did not start.
set -u

if [[ ${JOURNALD_ONLY_STAGE-} != inner ]]; then
    (( $# )) || { echo "usage: $0 CMD..." >&2; exit 125; }
    JOURNALD_ONLY_STAGE=inner exec unshare --mount --propagation private --pid --fork --kill-child=KILL --mount-proc \
        -- "$BASH" "$0" "$@"
fi
unset JOURNALD_ONLY_STAGE

mount -t tmpfs -o mode=0755 tmpfs /run && mkdir -p /run/systemd/journal /run/log/journal
mount -t tmpfs -o mode=0755 tmpfs /etc/systemd # no host configuration, and a writable place for ours
printf '%s\n' '[Journal]' Storage=volatile ForwardToSyslog=no ForwardToWall=no ReadKMsg=no Audit=no \
    RateLimitIntervalSec=0 >/etc/systemd/journald.conf
if [[ ! -s /etc/machine-id ]]; then
    echo 0123456789abcdef0123456789abcdef >/run/machine-id
    touch /etc/machine-id
    mount --bind /run/machine-id /etc/machine-id
fi

/lib/systemd/systemd-journald </dev/null >/run/journald.log 2>&1 &
for _ in {1..500}; do
    [[ -S /run/systemd/journal/socket && -S /run/systemd/journal/stdout ]] && break
    sleep 0.01
done
[[ -S /run/systemd/journal/socket ]] || { cat /run/journald.log >&2; exit 125; }
"$@"
exit $?
