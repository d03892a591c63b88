#!/usr/bin/env bash
# Tests the unit with this machine's systemd as process 1 of a temporary copy of this machine (namespaces and an overlay in memory,
# which leave nothing behind). The copy runs this checkout with a folder of pictures as a camera. Takes two minutes; not part of
# `npm test`.
#   sudo test/deploy/systemd-boot.sh
# Checks: the daemon reports ready, frames feed the watchdog, the recognition process has its sandbox, a paused daemon stays alive, a hung daemon is restarted, the kernel
# refuses a public address, a bad configuration is not tried again.
set -euo pipefail
repository=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
pictures=$repository/node_modules/@vladmandic/face-api/demo

# Outside: starts this script again inside new namespaces, then prints the results.
outside() {
  ((EUID == 0)) || { echo 'run it with sudo' >&2 && exit 1; }
  [[ -x /lib/systemd/systemd && -e $repository/dist/cli.js ]] || { echo 'skipped: needs systemd, and npm ci' && exit 0; }
  results=$(mktemp -d)
  trap 'rm -rf "$results"' EXIT
  timeout 300 unshare --mount --pid --cgroup --ipc --uts --fork --propagation private \
    bash "$0" boot "$results" >"$results/boot.log" 2>&1 || true
  cat "$results/checks.log" 2>/dev/null || cat "$results/boot.log"
  grep -q '^all checks passed$' "$results/checks.log"
}

# Inside the namespaces: builds the copy and becomes its systemd.
boot() {
  local results=$1 copy
  # shellcheck source=test/deploy/machine-copy.sh
  source "$repository/test/deploy/machine-copy.sh"
  copy_of_machine 50%
  mkdir -p "$copy/opt/roomkin/current" "$copy/srv/pictures" "$copy/srv/results" "$copy/etc/roomkin"
  mount --bind "$repository" "$copy/opt/roomkin/current"
  mount --bind "$results" "$copy/srv/results"
  cp "$pictures"/sample1.jpg "$copy/srv/pictures/"

  local units=$copy/etc/systemd/system
  chroot "$copy" useradd --system --user-group --no-create-home --home-dir /var/lib/roomkin roomkin
  # The rest of the unit is unchanged.
  sed 's/^\[Unit\]/[Unit]\nDefaultDependencies=no/; s/^WatchdogSec=.*/WatchdogSec=12/' \
    "$repository/deploy/systemd/roomkin.service" >"$units/roomkin.service"
  checks_at_boot "$units" 240 '/bin/bash /opt/roomkin/current/test/deploy/systemd-boot.sh checks'
  printf '%s\n' '[room]' 'id = "lab"' '[camera]' 'source = "replay"' 'input = "/srv/pictures"' 'loop = true' \
    'framerate = 2' '[mqtt]' 'url = "mqtt://192.0.2.1:1883"' '[service]' >"$copy/etc/roomkin/config.toml"
  boot_copy
}

# Inside the copy, as a service of its systemd.
checks() {
  roomkin() { /opt/roomkin/current/bin/roomkin "$@"; }
  shown() { systemctl show --value --property="$1" roomkin; }
  expect() { # expect WHAT COMMAND...
    local what=$1
    shift
    if "$@"; then echo "ok   $what"; else
      echo "FAIL $what"
      systemctl status --no-pager roomkin
      roomkin status
      exit 1
    fi
  }
  # Sends a datagram as a process of the service.
  refused() {
    # shellcheck disable=SC2016 # expands in the other shell
    bash -c 'echo $$ >/sys/fs/cgroup/system.slice/roomkin.service/cgroup.procs; echo x >"/dev/udp/$1/9"' - "$1" 2>&1 |
      grep -q 'not permitted'
  }
  private_is_open() { ! refused 127.0.0.1; }
  is() { [[ $(shown "$1") == "$2" ]]; }

  expect 'it starts and reports ready' systemctl start roomkin
  expect 'the status line is shown' grep -q 'room lab' <(shown StatusText)
  sleep 20
  expect 'frames feed the watchdog' is NRestarts 0
  expect 'the socket is for owner and group' test "$(stat -c %U:%a /run/roomkin/lab.sock)" = roomkin:660
  expect 'gallery and key are private' test "$(stat -c %a /var/lib/roomkin /var/lib/roomkin/key | xargs)" = '700 600'
  expect 'the models run with XNNPACK' grep -q '"delegate":"xnnpack"' <(roomkin status --json)
  filters() { sed -n 's/^Seccomp_filters:[[:space:]]*//p' "/proc/$1/status"; }
  engine() { # the child process of $1 that runs the models
    local pid
    for pid in $(<"/proc/$1/task/$1/children"); do
      if grep -q engine/child.js "/proc/$pid/cmdline"; then echo "$pid"; fi
    done
  }
  daemon=$(shown MainPID) child=$(engine "$(shown MainPID)")
  expect 'the recognition process has its sandbox' test "$(filters "$child")" -gt "$(filters "$daemon")"
  kill -STOP "$child"
  sleep 8
  expect 'a recognition process that hangs is replaced' test "$(engine "$daemon")" != "$child"
  expect 'the daemon goes on' is MainPID "$daemon"
  if refused 192.0.2.1; then echo 'ok   the kernel refuses a public address'; else
    echo 'note: this kernel does not filter by address (no BPF for control groups)'
  fi
  expect 'the kernel allows a private address' private_is_open
  roomkin pause
  sleep 20
  expect 'a paused daemon stays alive' is NRestarts 0
  expect 'its camera is off' grep -q '"state":"paused"' <(roomkin status --json)
  roomkin resume
  kill -STOP "$(shown MainPID)"
  sleep 25
  expect 'a hung daemon is restarted' is NRestarts 1
  expect 'it runs again' is ActiveState active
  expect 'it stops' systemctl stop roomkin
  expect 'it stops without an error' is Result success
  echo 'nonsense = 1' >>/etc/roomkin/config.toml
  systemctl start roomkin 2>/dev/null || true
  sleep 8
  expect 'a bad configuration ends with 78' is ExecMainStatus 78
  expect 'it is not tried again' is ActiveState failed
  echo 'all checks passed'
}

case ${1:-} in
  boot) boot "$2" ;;
  checks) checks ;;
  *) outside ;;
esac
