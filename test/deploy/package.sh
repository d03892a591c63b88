#!/usr/bin/env bash
# Installs, sets up, upgrades, removes and purges the Debian package, with this machine's systemd as process 1 of a temporary copy of this
# machine (namespaces and an overlay in memory, which leave nothing behind), against a real Mosquitto. Takes two minutes; not part of
# `npm test`.
#   sudo test/deploy/package.sh [DEB]      default: release/roomkin_*_amd64.deb, which `npm run release -- --arch amd64` makes
# Checks: owners and modes, setup with a login, the daemon and its device at the broker, an upgrade, an upgrade whose version does not
# become ready, a removal, an installation with the kept configuration, a purge.
set -euo pipefail
repository=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
port=18893

# A package with another version; with a second argument its daemon ends at the start.
repack() { # repack DEB VERSION [broken]
  local folder
  folder=$(mktemp -d)
  dpkg-deb -R "$1" "$folder/p"
  sed -i "s/^Version: .*/Version: $2/" "$folder/p/DEBIAN/control"
  sed -i "s/\"version\": \".*\"/\"version\": \"$2\"/" "$folder/p/usr/lib/roomkin/package.json"
  if [[ ${3:-} == broken ]]; then
    echo 'throw new Error("this version is broken");' >>"$folder/p/usr/lib/roomkin/dist/daemon.js"
  fi
  dpkg-deb --root-owner-group -Znone -b "$folder/p" "$results/debs/roomkin_$2.deb" >/dev/null
  rm -rf "$folder"
}

# Outside: starts this script again inside new namespaces, then prints the results.
outside() {
  ((EUID == 0)) || { echo 'run it with sudo' >&2 && exit 1; }
  local deb=${1:-} found
  if [[ -z $deb ]]; then
    found=("$repository"/release/roomkin_*_amd64.deb)
    deb=${found[0]}
  fi
  if [[ ! -x /lib/systemd/systemd ]] || ! command -v mosquitto >/dev/null; then
    echo 'skipped: needs systemd and mosquitto'
    exit 0
  fi
  [[ -e $deb ]] || { echo "skipped: there is no $deb: npm run release -- --arch amd64 --quick" && exit 0; }
  results=$(mktemp -d)
  trap 'rm -rf "$results"' EXIT
  mkdir "$results/debs"
  cp "$deb" "$results/debs/roomkin_first.deb"
  repack "$deb" 90.1
  repack "$deb" 90.2 broken
  cp "$0" "$results/package.sh"
  timeout 900 unshare --mount --pid --cgroup --ipc --uts --fork --propagation private \
    bash "$0" boot "$results" >"$results/boot.log" 2>&1 || true
  cat "$results/checks.log" 2>/dev/null || cat "$results/boot.log"
  grep -q '^all checks passed$' "$results/checks.log"
}

# Inside the namespaces: builds the copy and becomes its systemd.
boot() {
  local results=$1 copy
  # shellcheck source=test/deploy/machine-copy.sh
  source "$repository/test/deploy/machine-copy.sh"
  copy_of_machine 4G
  # What tests as root may have left on this machine.
  rm -rf "$copy/etc/roomkin" "$copy/var/lib/roomkin" "$copy/opt/roomkin"
  mkdir -p "$copy/srv/results"
  mount --bind "$results" "$copy/srv/results"
  local units=$copy/run/systemd/system
  mkdir -p "$units/roomkin.service.d"
  # The rest of the unit is unchanged.
  printf '%s\n' '[Unit]' DefaultDependencies=no '[Service]' StandardOutput=append:/srv/results/daemon.log \
    StandardError=inherit >"$units/roomkin.service.d/test.conf"
  checks_at_boot "$units" 840 '/bin/bash /srv/results/package.sh checks'
  boot_copy
}

# Inside the copy, as a service of its systemd.
checks() {
  export DEBIAN_FRONTEND=noninteractive HOME=/root
  cd /srv/results
  expect() { # expect WHAT COMMAND...
    local what=$1
    shift
    if "$@" >>output.log 2>&1; then echo "ok   $what"; else
      echo "FAIL $what: $*"
      tail -n 40 output.log
      tail -n 20 daemon.log
      systemctl status --no-pager roomkin || true
      exit 1
    fi
  }
  is() { [[ $(systemctl show --value --property="$1" roomkin) == "$2" ]]; }
  owned() { [[ $(stat -c '%U:%G %a' "$1") == "$2" ]]; }
  # Where packages put files; other programs of this machine may write elsewhere meanwhile.
  files() {
    find /bin /etc /lib /opt /sbin /usr /var -xdev \( -path /var/cache -o -path /var/log -o -path /var/tmp -o -path /var/lib/dpkg \
      -o -path /var/lib/apt \) -prune -o -print | sort
  }
  install_deb() { apt-get install -y --no-install-recommends --allow-downgrades "./debs/roomkin_$1.deb"; }
  fails() { ! "$@"; }
  answers() { [[ $(runuser -u nobody -g roomkin -- roomkin status --json | grep -o '"version":"[^"]*"') == "\"version\":\"$1\"" ]]; }
  says() { tail -n 60 output.log | grep "$1" >/dev/null; }
  # The topics that the broker retains.
  retained() {
    cat >/tmp/retained.mjs <<'END'
import { createRequire } from 'node:module';
const { connectAsync } = createRequire('/srv/results/mqtt/x.js')('mqtt');
const client = await connectAsync(process.argv[2], { username: 'lab', password: 'secret' });
client.on('message', (topic, _payload, { retain }) => retain && console.log(topic));
await client.subscribeAsync(['room/#', 'homeassistant/#']);
setTimeout(() => client.end(), 1500);
END
    ./node /tmp/retained.mjs "mqtt://127.0.0.1:$port"
  }
  announced() { [[ $(retained | sort | tr '\n' ' ') == *homeassistant/device/roomkin/lab/config*room/lab/status* ]]; }
  nothing_retained() { [[ -z $(retained) ]]; }

  files >before
  touch password users
  chmod 600 password users
  echo secret >password
  mosquitto_passwd -b users lab secret
  chown mosquitto users
  printf '%s\n' "listener $port 127.0.0.1" 'allow_anonymous false' 'password_file /srv/results/users' >mosquitto.conf
  chmod 755 /srv/results
  mosquitto -d -c /srv/results/mosquitto.conf

  expect 'apt installs the package' install_deb first
  # The list of retained messages must work when the package is gone.
  cp -r /usr/lib/roomkin/node_modules mqtt-modules && mkdir mqtt && mv mqtt-modules mqtt/node_modules && cp /usr/lib/roomkin/node/node node
  first=$(roomkin --version)
  expect 'it says what comes next' says 'sudo roomkin setup'
  expect 'the service is not started' is ActiveState inactive
  expect 'the configuration is for root and the group' owned /etc/roomkin 'root:roomkin 750'
  expect 'the state is for the daemon' owned /var/lib/roomkin 'roomkin:roomkin 700'

  common=(setup --room lab --mqtt "mqtt://127.0.0.1:$port")
  echo wrong >wrong
  expect 'a wrong password is refused' fails roomkin "${common[@]}" --username lab --password-file wrong
  expect 'nothing was written' test ! -e /etc/roomkin/config.toml
  # The last part of setup is check, which misses a camera here.
  expect 'setup ends with the finding of check' fails roomkin "${common[@]}" --username lab --password-file password
  expect 'only the camera is missing' says '1 of [0-9]* checks failed: camera'
  expect 'the service is ready' is ActiveState active
  expect 'it starts with the machine' systemctl -q is-enabled roomkin
  expect 'configuration and password are private' owned /etc/roomkin/config.toml 'root:roomkin 640'
  expect 'so is the password' owned /etc/roomkin/mqtt-password 'root:roomkin 640'
  expect 'a plain user in the group may ask' answers "$first"
  expect 'the device is announced' announced
  expect 'a second setup asks before it replaces' fails roomkin "${common[@]}"

  cp -a /var/lib/roomkin/key key
  cp -a /etc/roomkin/config.toml config.toml
  kept() { cmp /var/lib/roomkin/key key && cmp /etc/roomkin/config.toml config.toml; }
  expect 'an upgrade starts the new version' install_deb 90.1
  expect 'the new version answers' answers 90.1
  expect 'everything is kept' kept
  expect 'no copy of the former version stays' test ! -e /usr/lib/roomkin.previous
  expect 'a version that does not become ready fails' fails install_deb 90.2
  expect 'the message names both versions' says 'version 90.1 runs again, with its state. Why 90.2 failed'
  expect 'the former version answers' answers 90.1
  expect 'everything is kept' kept
  expect 'a second try fails in the same way' fails dpkg --configure roomkin
  expect 'the former version answers again' answers 90.1
  expect 'the former package ends the upgrade' install_deb 90.1
  expect 'dpkg has the former version' test "$(dpkg-query -W -f '${db:Status-Status} ${Version}' roomkin)" = 'installed 90.1'
  expect 'the files are those of the package' dpkg -V roomkin
  expect 'it answers' answers 90.1

  expect 'a removal works' apt-get remove -y roomkin
  expect 'it keeps configuration and state' kept
  expect 'the broker retains nothing of the room' nothing_retained
  expect 'an installation with the kept configuration runs at once' install_deb first
  expect 'it answers' answers "$first"
  expect 'the device is announced again' announced
  expect 'a purge works' apt-get purge -y roomkin
  expect 'the broker retains nothing of the room' nothing_retained
  expect 'the user is gone' fails getent passwd roomkin
  files >after
  expect 'the list of files is that from before' diff before after
  echo 'all checks passed'
}

case ${1:-} in
  boot) boot "$2" ;;
  checks) checks ;;
  *) outside "$@" ;;
esac
