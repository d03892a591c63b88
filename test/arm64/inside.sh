#!/usr/bin/env bash
# What test/arm64/run.sh does inside a root: from the installation to a forgotten person. $1: the suite.
set -euo pipefail
export DEBIAN_FRONTEND=noninteractive
cd /srv/roomkin
log=/tmp/inside.log
started=$SECONDS
expect() { # expect WHAT COMMAND...
  local what=$1 since=$SECONDS
  shift
  if "$@" >>"$log" 2>&1; then echo "ok   $what ($((SECONDS - since)) s)"; else
    echo "FAIL $what: $*"
    tail -n 40 "$log"
    exit 1
  fi
}
says() { tail -n 60 "$log" | grep "$1" >/dev/null; }
ends_with() { # ends_with CODE COMMAND...
  local wanted=$1 status=0
  shift
  "$@" || status=$?
  ((status == wanted))
}

apt_output=$(apt-get install -y --no-install-recommends ./roomkin.deb 2>&1) || {
  echo "FAIL apt installs the package"
  tail -n 20 <<<"$apt_output"
  exit 1
}
newly=$(sed -n 's/.* \([0-9]*\) newly installed.*/\1/p' <<<"$apt_output")
echo "ok   apt installs the package, $newly newly installed, $(du -sm /usr/lib/roomkin | cut -f1) MiB"
expect 'under 40 further packages' test "$newly" -lt 40
expect 'there is no compiler' test ! -e /usr/bin/gcc
expect 'it runs' roomkin --version

port=18897
printf '%s\n' "listener $port 127.0.0.1" 'allow_anonymous true' >/tmp/mosquitto.conf
mosquitto -d -c /tmp/mosquitto.conf
expect 'setup writes the configuration' roomkin setup --room lab --mqtt "mqtt://127.0.0.1:$port" --without-start
sed -i -e 's|^#source = .*|source = "replay"|' -e 's|^#input = .*|input = "/srv/roomkin/frames"|' -e 's|^#width = .*|width = 640|' \
  -e 's|^#height = .*|height = 480|' -e 's|^#framerate = .*|framerate = 0.2|' -e 's|^#stall_seconds = .*|stall_seconds = 120|' \
  -e 's|^#loop = .*|loop = true|' /etc/roomkin/config.toml
as_daemon() { runuser -u roomkin -- "$@"; }
node() { /usr/lib/roomkin/node/node "$@"; }

expect 'check ends' ends_with 0 as_daemon roomkin check
expect 'the models run with XNNPACK' says 'XNNPACK'
expect 'Ada and Grace are enrolled' as_daemon roomkin enrol --from photos
expect 'Ada is recognised on another picture' as_daemon roomkin identify pairs/ada-2.jpg
expect 'by her name' says 'Ada'
expect 'evaluate pairs' as_daemon roomkin evaluate pairs --images pairs --pairs pairs.txt
node embeddings.mjs /usr/lib/roomkin pairs/*.jpg >/tmp/arm64.json
expect 'the embeddings are those of x86-64' node embeddings.mjs --compare x86.json /tmp/arm64.json
tail -n 4 "$log"

# The daemon, with the frames of Ada as a camera.
cat >/tmp/listen.mjs <<'END'
import { createRequire } from 'node:module';
const { connectAsync } = createRequire('/usr/lib/roomkin/package.json')('mqtt');
const client = await connectAsync(process.argv[2]);
client.on('message', (topic, payload) => {
  console.log(topic, String(payload));
  if (/"ada"/.test(String(payload)) && /arrived/.test(String(payload))) process.exit(0);
});
await client.subscribeAsync('room/lab/person');
setTimeout(() => process.exit(1), 600_000);
END
node /tmp/listen.mjs "mqtt://127.0.0.1:$port" >/tmp/events.log 2>&1 &
listener=$!
sleep 5
install -d -o roomkin -g roomkin /run/roomkin
as_daemon env RUNTIME_DIRECTORY=/run/roomkin roomkin run >/tmp/daemon.log 2>&1 &
daemon=$!
expect 'Ada arrives' wait "$listener"
cat /tmp/events.log
answers() { as_daemon roomkin status --json | grep '"frames"' >/dev/null; }
expect 'the daemon answers' answers
awk '/VmHWM/ { printf "     peak memory of the daemon under this emulation: %d MiB\n", $2 / 1024 }' \
  "/proc/$(pgrep -f 'roomkin.js run' | tail -n 1)/status"
kill -TERM "$(pgrep -f 'roomkin.js run' | tail -n 1)"
wait "$daemon" || true
expect 'Grace is forgotten' as_daemon roomkin forget grace --yes
expect 'nobody else' as_daemon roomkin people
expect 'only Ada is left' says 'Ada'
expect 'the demo passes' timeout 3600 roomkin demo
echo "passed on $1 in $((SECONDS - started)) s"
