#!/bin/bash
# The account and the directories come out as the service needs them, in a root directory of their own.
. "$(dirname "$0")/support.sh"

root=$work/root
mkdir -p "$root/etc" "$root/usr/lib/sysusers.d" "$root/usr/lib/tmpfiles.d"
echo 'root:x:0:0:root:/root:/bin/sh' >"$root/etc/passwd"
echo 'root:x:0:' >"$root/etc/group"
cp "$project/systemd/tokenvigil.sysusers" "$root/usr/lib/sysusers.d/tokenvigil.conf"
cp "$project/systemd/tokenvigil.tmpfiles" "$root/usr/lib/tmpfiles.d/tokenvigil.conf"

users() { systemd-sysusers --root="$root" && grep '^tokenvigil:.*:/var/lib/tokenvigil:.*nologin$' "$root/etc/passwd"; }
group() { grep '^tokenvigil:' "$root/etc/group"; }
directories() { [[ $(systemd-tmpfiles --root="$root" --create tokenvigil.conf 2>&1 | tee /dev/stderr) == "" ]]; }
secrets() {
    local group_id
    group_id=$(sed -n 's/^tokenvigil:[^:]*:\([0-9]*\):.*/\1/p' "$root/etc/group")
    stat -c '%a %u %g' "$root/etc/tokenvigil/secrets" | tee /dev/stderr | grep -qx "750 0 $group_id"
}
open_configuration() { [[ $(stat -c %a "$root/etc/tokenvigil" "$root/etc/tokenvigil/conf.d" | sort -u) == 755 ]]; }

if (( EUID == 0 )); then
    check "sysusers makes an account that nobody can log in to" users
    check "sysusers makes its group" group
    check "tmpfiles has nothing to complain about" directories
    check "secrets are for root and the group alone" secrets
    check "the configuration is open" open_configuration
else
    skip "accounts and directories" "needs root"
fi
finish
