#!/bin/bash
# make-rootfs.sh SUITE DIR [PACKAGE]... - a small Debian root with systemd for
# boot-systemd.sh. SUITE: bookworm (systemd 252) or trixie (systemd 257).
# Needs root, mmdebstrap, and the Debian archive. About 60-90 s, 250-350 MB.
# It keeps apt's lists and the packages that the tests install, so that inside
# apt needs no network: what tokenvigil depends on, Postfix and Exim.
# libbpf: systemd loads it at run time for SocketBindDeny=/RestrictNetworkInterfaces=
# (257 only; 252 in Debian is built without BPF_FRAMEWORK).
set -eu
suite=${1:?SUITE} dir=${2:?DIR}; shift 2
[[ ! -e $dir ]] || { echo "$dir exists" >&2; exit 1; }
include=systemd,systemd-sysv,dbus,libnss-systemd,python3,procps,util-linux,socat
[[ $suite == bookworm ]] || include+=,libbpf1
for p in "$@"; do include+=,$p; done
# The mirrors are this machine's own: the first two URIs of its apt sources (MIRROR, SECURITY_MIRROR override).
uris() { awk '/^URIs:/ {print $2} /^deb / {for (i = 2; i <= NF; i++) if ($i ~ /:\/\//) {print $i; break}}' /etc/apt/sources.list.d/*.sources /etc/apt/sources.list 2>/dev/null | awk '!seen[$0]++'; }
m=${MIRROR:-$(uris | grep -v security | head -n 1)} s=${SECURITY_MIRROR:-$(uris | grep security | head -n 1)}
[[ -n $m && -n $s ]] || { echo "no apt mirror found; set MIRROR and SECURITY_MIRROR" >&2; exit 1; }
# Nobody sees a root that is not finished.
made=$dir; dir=$dir.new; rm -rf "$dir"; mkdir -p "${dir%/*}"
mmdebstrap --quiet --variant=minbase --mode=root --include="$include" \
  --aptopt='Acquire::Languages "none"' --aptopt='Acquire::Check-Valid-Until "false"' \
  --dpkgopt='path-exclude=/usr/share/man/*' --dpkgopt='path-exclude=/usr/share/locale/*' \
  --dpkgopt='path-exclude=/usr/share/doc/*' --dpkgopt='path-include=/usr/share/doc/*/copyright' \
  --skip=cleanup/apt/lists,cleanup/apt/cache \
  --customize-hook='for mailer in postfix exim4-daemon-light; do
    chroot "$1" apt-get -qq -y --no-install-recommends --download-only install "$mailer" libcurl4 libssl3 libsqlite3-0 libstdc++6 libsystemd0 zlib1g ca-certificates || exit 1
  done' \
  "$suite" "$dir" "deb $m $suite main" "deb $m $suite-updates main" "deb $s $suite-security main"
# A fixed machine-id: no first-boot step, the same id in every run's journal.
echo 0123456789abcdef0123456789abcdef >"$dir/etc/machine-id"
echo 'vigiltest' >"$dir/etc/hostname"
# modules-load has nothing to do here and fails without /lib/modules on 257 in
# containers made without nspawn; a persistent journal is not wanted either.
ln -sf /dev/null "$dir/etc/systemd/system/systemd-modules-load.service"
# Timers of the distribution that only add noise to a test's journal.
for u in apt-daily.timer apt-daily-upgrade.timer dpkg-db-backup.timer e2scrub_all.timer fstrim.timer systemd-tmpfiles-clean.timer; do
  ln -sf /dev/null "$dir/etc/systemd/system/$u"
done
mv "$dir" "$made"
du -sh "$made" | cut -f1
