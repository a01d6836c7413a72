#!/bin/bash
# The Debian package can be made by an ordinary user, and all in it belongs to root.
. "$(dirname "$0")/support.sh"

if ! command -v dh >/dev/null || [[ ! -x ${TOKENVIGIL:=$project/.build/debug/tokenvigil} ]]; then
    skip "the package" "there is no debhelper, or no program: .ci/setup deb, make build"
    finish
fi
tree=$work/tree
mkdir -p "$tree/.build" "$work/tmp"
(cd "$project" && tar c --exclude=./.build --exclude=./.git .) | tar x -C "$tree"
cp "$TOKENVIGIL" "$tree/.build/tokenvigil"
# The licences of what is linked in; only they are read.
(cd "$project" && tar c .build/checkouts/*/LICENSE* .build/checkouts/*/NOTICE* 2>/dev/null) | tar x -C "$tree" || true
as_user=()
if (( $(id -u) == 0 )); then
    chown -R nobody "$work"
    as_user=(runuser -u nobody --)
fi
make_it() {
    (cd "$tree" && TMPDIR=$work/tmp COMPRESSION=-Znone "${as_user[@]}" packaging/make-deb .build/tokenvigil 0.0.1-1)
}
check "an ordinary user makes the package" make_it
roots() {
    local owners
    owners=$(dpkg-deb -c "$tree"/.build/deb/*.deb | awk '{print $2}' | sort -u)
    [[ $owners == root/root ]] || { echo "$owners"; return 1; }
}
check "all in it belongs to root" roots
finish
