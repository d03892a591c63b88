#!/usr/bin/env bash
# Installs roomkin inside an emulated arm64 root like Raspberry Pi OS: deploy/install, then the program, `roomkin check` and the
# models on arm64. Takes half an hour on two cores; not part of `npm test`.
#   test/deploy/pi-root.sh [ROOT]      ROOT is created if it is missing, and stays
# Needs root, and the tools of ROOMKIN_SHARED or ../shared. Without the tools it prints a message and does nothing.
set -euo pipefail
repository=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
tools=${ROOMKIN_SHARED:-$repository/../shared}/tools/pi
root=${1:-${TMPDIR:-/tmp}/roomkin-pi-root}

if [[ ! -x $tools/pi-root.sh && ! -f $tools/pi-root.sh ]]; then
  echo "skipped: there is no $tools/pi-root.sh"
  exit 0
fi
[[ -e $root/usr/bin/node ]] || sh "$tools/pi-root.sh" "$root" build-essential,python3,libnode-dev

checkout=$(mktemp -d)
trap 'rm -rf "$checkout"' EXIT
git -C "$repository" archive HEAD | tar -C "$checkout" -xf -
inside() { PI_BIND=$checkout sh "$tools/pi-run.sh" "$root" "$@"; }

inside deploy/install --room lab --mqtt mqtt://127.0.0.1:1883 --no-start
inside roomkin --version
# shellcheck disable=SC2016 # expands inside
inside sh -c 'test "$(stat -c %U:%a /var/lib/roomkin)" = roomkin:700'
# There is no camera and no broker: `roomkin check` must report this, accept the models and exit with 69.
inside sh -c 'roomkin check; test $? = 69' | tee "$checkout/check.txt"
grep -q '^ok   models' "$checkout/check.txt" || grep -q '^WARN models' "$checkout/check.txt"
# A second run upgrades and keeps the configuration.
inside sh -c 'echo "# mine" >>/etc/roomkin/config.toml'
inside deploy/install --no-start
inside grep -q '^# mine' /etc/roomkin/config.toml
inside deploy/install --uninstall --purge
inside sh -c 'test ! -e /opt/roomkin && test ! -e /etc/roomkin'
echo 'the installer works on arm64'
