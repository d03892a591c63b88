#!/usr/bin/env bash
# Installs roomkin inside a Raspberry-Pi-OS-like arm64 root under emulation, as a Pi would: deploy/install, then the program,
# the doctor and the demo's models on arm64. Half an hour on two cores; not part of `npm test`.
#   test/deploy/pi-root.sh [ROOT]      ROOT is made if it is missing, and kept
# Needs root, and the tools beside this repository (ROOMKIN_SHARED, else ../shared); without them it says so and does nothing.
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
# No camera and no broker there: the doctor must say so, find the models well, and leave with 69.
inside sh -c 'roomkin check; test $? = 69' | tee "$checkout/check.txt"
grep -q '^ok   models' "$checkout/check.txt" || grep -q '^WARN models' "$checkout/check.txt"
# A second run upgrades and keeps the configuration.
inside sh -c 'echo "# mine" >>/etc/roomkin/config.toml'
inside deploy/install --no-start
inside grep -q '^# mine' /etc/roomkin/config.toml
inside deploy/install --uninstall --purge
inside sh -c 'test ! -e /opt/roomkin && test ! -e /etc/roomkin'
echo 'the installer works on arm64'
