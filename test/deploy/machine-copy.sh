#!/usr/bin/env bash
# A temporary copy of this machine for the tests of the deployment: an overlay in memory, inside namespaces that the caller has made
# (unshare --mount --pid ...). It leaves nothing behind. Source it.

# copy_of_machine SIZE: sets $copy to the root of the copy, with /proc, /dev and an empty /run. SIZE is that of the memory.
copy_of_machine() {
  local base
  base=$(mktemp -d)
  mount -t tmpfs -o "size=$1" tmpfs "$base"
  mkdir "$base/upper" "$base/work" "$base/copy"
  copy=$base/copy
  mount -t overlay overlay -o "lowerdir=/,upperdir=$base/upper,workdir=$base/work" "$copy"
  mount -t proc proc "$copy/proc"
  mount --rbind /dev "$copy/dev"
  mount -t tmpfs tmpfs "$copy/run"
}

# checks_at_boot UNITS SECONDS COMMAND: writes the units with which the systemd of the copy runs COMMAND and switches off.
checks_at_boot() {
  printf '[Unit]\nWants=checks.service\nAllowIsolate=yes\n' >"$1/checks.target"
  # The default dependencies would start every service of this machine.
  printf '%s\n' '[Unit]' DefaultDependencies=no '[Service]' Type=oneshot "TimeoutStartSec=$2" "ExecStart=$3" \
    'ExecStopPost=/bin/systemctl poweroff -ff' StandardOutput=append:/srv/results/checks.log StandardError=inherit \
    >"$1/checks.service"
}

# boot_copy: becomes the systemd of the copy in $copy. Does not return.
boot_copy() {
  mount -t sysfs sysfs "$copy/sys"
  mount -t cgroup2 cgroup2 "$copy/sys/fs/cgroup"
  # Not chroot: the kernel refuses PrivateUsers= inside one.
  mkdir "$copy/machine"
  cd "$copy" || exit 1
  pivot_root . machine
  umount --lazy /machine
  exec chroot . env -i container=lxc PATH=/usr/local/bin:/usr/bin:/usr/sbin:/bin:/sbin \
    /lib/systemd/systemd --system --unit=checks.target --log-target=console --show-status=0
}
