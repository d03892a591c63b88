#!/usr/bin/env bash
# Runs the container and the Home Assistant app from a release, without a registry: the root file system of this machine stands in for the
# base image (namespaces and an overlay in memory, which leave nothing behind), read-only, with the capabilities that Docker gives. The
# broker is a real Mosquitto, the camera a folder of drawn pictures, the Supervisor a small server. Takes a minute; not part of `npm test`.
#   sudo test/deploy/container.sh [TARBALL|FOLDER|IMAGE]    default: release/roomkin-*-linux-ARCH.tar.xz of this machine
# An image (of `npm run container -- --image ARCH`) brings a root file system of its own.
# Checks: the start with variables and with a form, enrolment from photos, the health check, arrivals at the broker, what the processes
# may do, what is written, the end.
set -euo pipefail
repository=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
port=18894

outside() {
  ((EUID == 0)) || { echo 'run it with sudo' >&2 && exit 1; }
  local release=${1:-} found
  if [[ -z $release ]]; then
    found=("$repository"/release/roomkin-*-linux-"$(dpkg --print-architecture)".tar.xz)
    release=${found[0]}
  fi
  for program in mosquitto mosquitto_sub ffmpeg setpriv; do
    command -v $program >/dev/null || { echo "skipped: needs $program" && exit 0; }
  done
  [[ -e $release ]] || { echo "skipped: there is no $release: npm run release -- --quick" && exit 0; }
  unshare --mount --pid --ipc --uts --fork --propagation private --kill-child bash "$0" build "$release"
}

# Inside the namespaces: what a build does, then the checks with the copy as their root.
build() {
  local copy lib
  # shellcheck source=test/deploy/machine-copy.sh
  source "$repository/test/deploy/machine-copy.sh"
  copy_of_machine 3G
  mount -t tmpfs tmpfs "$copy/tmp"
  # What tests as root may have left on this machine.
  rm -rf "$copy/etc/roomkin" "$copy/var/lib/roomkin" "$copy/usr/lib/roomkin"
  lib=$copy/usr/lib/roomkin
  mkdir "$lib"
  if [[ $1 == *-container-*.tar.gz ]]; then
    mkdir "$copy/srv/image"
    mount -t tmpfs -o size=3G tmpfs "$copy/srv/image"
    tar -xzOf "$1" layer.tar | tar -x --numeric-owner -C "$copy/srv/image"
    cp -r "$copy/srv/image/usr/lib/roomkin/." "$lib"
  elif [[ -d $1 ]]; then
    cp -rL "$1/." "$lib"
  else
    tar -xJf "$1" --strip-components=1 -C "$lib"
  fi
  # The same line as in the Dockerfile of the app.
  chroot "$copy" userdel roomkin 2>/dev/null || true
  chroot "$copy" groupdel roomkin 2>/dev/null || true
  sed -n 's/^  && \(groupadd .*\) \\$/\1/p; s/^  && \(useradd .*roomkin\)$/\1/p' "$repository/deploy/home-assistant-app/Dockerfile" >"$copy/tmp/users"
  [[ $(wc -l <"$copy/tmp/users") == 2 ]]
  chroot "$copy" sh -e /tmp/users
  ln -sf /usr/lib/roomkin/deploy/container/roomkin "$copy/usr/local/bin/roomkin"
  mkdir -p "$copy/data" "$copy/config" "$copy/people" "$copy/srv/test" "$copy/var/lib/roomkin"
  for folder in data config people srv/test var/lib/roomkin; do mount -t tmpfs tmpfs "$copy/$folder"; done
  cp "$0" "$copy/srv/test/container.sh"
  chroot "$copy" bash /srv/test/container.sh services
  if [[ -d $copy/srv/image ]]; then
    for folder in data config people srv/test var/lib/roomkin proc tmp; do
      mkdir -p "$copy/srv/image/$folder"
      mount --bind "$copy/$folder" "$copy/srv/image/$folder"
    done
    mount --rbind "$copy/dev" "$copy/srv/image/dev"
    mount -o remount,ro "$copy/srv/image"
  fi
  mount -o remount,ro "$copy"
  chroot "$copy" bash /srv/test/container.sh checks
}

# What a container finds outside of itself: people and pictures, the broker, the Supervisor.
services() {
  cd /srv/test
  local node=/usr/lib/roomkin/node/node
  [[ -x $node ]] || node=node
  # The demo draws people, photos and frames into a folder that it removes at its end.
  /usr/lib/roomkin/bin/roomkin demo >demo.log 2>&1 &
  local demo=$!
  until grep -q arrived demo.log; do
    kill -0 $demo || { cat demo.log && exit 1; }
    sleep 0.2
  done
  cp -r /tmp/roomkin-demo-*/photos /tmp/roomkin-demo-*/frames .
  kill $demo
  wait $demo || true
  touch users password
  chmod 600 users
  mosquitto_passwd -b users app secret
  chown mosquitto users
  printf '%s\n' "listener $port 127.0.0.1" 'allow_anonymous false' 'password_file /srv/test/users' >mosquitto.conf
  mosquitto -d -c /srv/test/mosquitto.conf
  cat >supervisor.mjs <<END
import { createServer } from 'node:http';
createServer((request, response) => {
  const allowed = request.headers.authorization === 'Bearer the-token' && request.url === '/services/mqtt';
  const data = { host: '127.0.0.1', port: $port, username: 'app', password: 'secret', ssl: false, protocol: '3.1.1' };
  response.writeHead(allowed ? 200 : 403).end(JSON.stringify({ result: 'ok', data }));
}).listen(18895, '127.0.0.1');
END
  $node supervisor.mjs >/dev/null 2>&1 &
  mosquitto_sub -p $port -u app -P secret -t 'room/+/person' >events 2>&1 &
}

checks() {
  cd /srv/test
  expect() { # expect WHAT COMMAND...
    local what=$1
    shift
    if "$@" >>output.log 2>&1; then echo "ok   $what"; else
      echo "FAIL $what: $*"
      tail -n 30 output.log
      tail -n 40 ./*.daemon.log
      exit 1
    fi
  }
  within() { # within SECONDS COMMAND...
    local end=$((SECONDS + $1))
    shift
    until "$@"; do
      ((SECONDS < end)) || return 1
      sleep 1
    done
  }
  fails() { ! "$@"; }
  local image=/
  if [[ -d /srv/image ]]; then image=/srv/image; fi
  # The capabilities that Docker leaves to root.
  local docker='-all,+chown,+dac_override,+fsetid,+fowner,+mknod,+net_raw,+setgid,+setuid,+setfcap,+setpcap,+net_bind_service,+sys_chroot,+kill,+audit_write'
  local path=/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin
  as_container() { # the user of the Containerfile, --cap-drop=all --security-opt=no-new-privileges
    chroot $image setpriv --reuid=roomkin --regid=roomkin --init-groups --bounding-set=-all --inh-caps=-all --no-new-privs env -i PATH=$path "$@"
  }
  as_app() { chroot $image setpriv --bounding-set="$docker" --inh-caps=-all env -i PATH=$path SUPERVISOR_TOKEN=the-token "$@"; }
  daemon() { pgrep -u roomkin -f 'bin/roomkin(.js)? run' | head -n 1; }
  line() { grep "^$1:" "/proc/$(daemon)/status" | cut -f 2; }
  harmless() {
    [[ $(line Uid) == 920 && $(line CapEff) == 0000000000000000 && $(line CapBnd) == 0000000000000000 && $(line NoNewPrivs) == 1 ]] &&
      fails grep -qa the-token "/proc/$(daemon)/environ"
  }
  written() { find $image -xdev -newer /srv/test/mark -type f; }
  ends() { kill "$(daemon)" && timeout 20 tail --pid="$1" -f /dev/null && wait "$1"; }

  expect 'the root file system is read-only' fails touch $image/usr/lib/roomkin/x
  cp -r photos/* /people
  chown -R roomkin:roomkin /var/lib/roomkin
  chmod 700 /var/lib/roomkin
  echo secret >/var/lib/roomkin/password
  chown roomkin /var/lib/roomkin/password
  touch mark
  local room=(ROOMKIN_ROOM=plain ROOMKIN_CAMERA=/srv/test/frames ROOMKIN_WIDTH=640 ROOMKIN_HEIGHT=480 ROOMKIN_LEAVE_AFTER_SECONDS=3
    "ROOMKIN_MQTT_URL=mqtt://127.0.0.1:$port" ROOMKIN_MQTT_USERNAME=app ROOMKIN_MQTT_PASSWORD_FILE=/var/lib/roomkin/password)
  expect 'a bad variable ends the start' fails as_container "${room[@]}" ROOMKIN_FRAMERATE=fast /usr/lib/roomkin/deploy/container/start
  as_container "${room[@]}" /usr/lib/roomkin/deploy/container/start >plain.daemon.log 2>&1 &
  local pid=$!
  expect 'container: healthy within 90 s' within 90 as_container roomkin status
  expect 'container: both people are enrolled' test "$(as_container roomkin people --json | grep -o '"templates"' | wc -l)" -ge 2
  expect 'container: somebody arrives by name' within 60 grep -q '"event_type":"arrived","person":"[a-z]' events
  expect 'container: no root, no capability' harmless
  expect 'container: nothing is written outside the volume' test -z "$(written)"
  expect 'container: it ends within 20 s, without an error' ends $pid
  expect 'container: a stopped daemon is unhealthy' fails as_container roomkin status

  : >events
  mkdir /config/people
  cp -r photos/* /config/people
  echo '{"room": "app", "camera": "", "strangers": true}' >/data/options.json
  chmod 600 /data/options.json
  local app=(ROOMKIN_STATE=/data/roomkin ROOMKIN_PEOPLE=/config/people ROOMKIN_SUPERVISOR=http://127.0.0.1:18895)
  expect 'app: a form without a camera ends the start' fails as_app "${app[@]}" /usr/lib/roomkin/deploy/container/start
  expect 'app: the sentence names the field' grep -q 'camera: is required' output.log
  echo '{"room": "app", "camera": "/srv/test/frames", "width": 640, "height": 480, "leave_after_seconds": 3, "strangers": true}' >/data/options.json
  as_app "${app[@]}" /usr/lib/roomkin/deploy/container/start >app.daemon.log 2>&1 &
  pid=$!
  # Docker runs the health check as root here.
  expect 'app: healthy within 90 s' within 90 as_app "${app[@]}" roomkin status
  expect 'app: somebody arrives by name' within 60 grep -q '"event_type":"arrived","person":"[a-z]' events
  expect 'app: no root, no capability, no token' harmless
  expect 'app: the files belong to the user' test -z "$(find /data/roomkin ! -user roomkin ! -name photos-seen)"
  expect 'app: the password is private' test "$(stat -c '%U %a' /data/roomkin/mqtt-password)" = 'roomkin 600'
  expect 'app: commands of root do not leave files of root' as_app "${app[@]}" roomkin people
  expect 'app: nothing is written outside the volume' test -z "$(written)"
  expect 'app: it ends within 20 s, without an error' ends $pid
  echo 'all checks passed'
}

case ${1:-} in
  build) build "$2" ;;
  services) services ;;
  checks) checks ;;
  *) outside "$@" ;;
esac
