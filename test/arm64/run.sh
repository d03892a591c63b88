#!/usr/bin/env bash
# Installs the arm64 package in roots of Debian Trixie and Bookworm and uses it there: on x86-64 under qemu-user as the processors of a
# Pi 3 (cortex-a53), 4 (cortex-a72) and 5 (cortex-a76), on an arm64 machine as it is. The people are those of the demo.
#   sudo test/arm64/run.sh [DEB]      default: release/roomkin_*_arm64.deb, which `npm run release -- --arch arm64` makes
#   ROOMKIN_ARM64_SUITES='trixie bookworm'   ROOMKIN_ARM64_CPUS='cortex-a53 cortex-a72 cortex-a76'
#   ROOMKIN_ARM64_ROOTS=DIR   keeps the roots for the next run; default: /var/tmp/roomkin-arm64
# A root takes 10 minutes to make, each processor 10 minutes on two cores. Needs root, mmdebstrap and, on x86-64, qemu-user-static.
set -euo pipefail
repository=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
roots=${ROOMKIN_ARM64_ROOTS:-/var/tmp/roomkin-arm64}
suites=${ROOMKIN_ARM64_SUITES:-trixie bookworm}
cpus=${ROOMKIN_ARM64_CPUS:-cortex-a53 cortex-a72 cortex-a76}

skip() {
  echo "skipped: $*"
  exit 0
}

make_root() { # make_root SUITE
  local mirror
  # shellcheck disable=SC2016 # a format of apt-get
  mirror=$(apt-get indextargets --format '$(REPO_URI)' 'Created-By: Packages' 'Origin: Debian' | head -n 1)
  [[ -n $mirror ]] || mirror=http://deb.debian.org/debian
  echo "deb [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] $mirror $1 main" |
    mmdebstrap --architectures=arm64 --variant=apt --include=mosquitto,procps \
      --aptopt='Acquire::Check-Valid-Until "false"' --aptopt='APT::Install-Recommends "false"' "$1" "$roots/$1.part" -
  mv "$roots/$1.part" "$roots/$1"
}

# Runs a command in a fresh copy of the root, whose changes are gone afterwards. $1: the root, $2: the processor.
inside() {
  local root=$1 cpu=$2
  shift 2
  # shellcheck disable=SC2016 # expands inside
  ROOT=$root WORK=$work CPU=$cpu unshare --mount --pid --fork --propagation private bash -euc '
    base=$(mktemp -d)
    mount -t tmpfs tmpfs "$base"
    mkdir "$base/upper" "$base/work" "$base/root"
    mount -t overlay overlay -o "lowerdir=$ROOT,upperdir=$base/upper,workdir=$base/work" "$base/root"
    cd "$base/root"
    mount -t proc proc proc
    mount --rbind /sys sys
    mount --rbind /dev dev
    mkdir -p srv/roomkin
    mount --bind "$WORK" srv/roomkin
    # Without this file the name of this machine would not resolve.
    cp /etc/hosts etc/hosts 2>/dev/null || true
    exec env -i ${CPU:+QEMU_CPU=$CPU} PATH=/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin HOME=/root LANG=C.UTF-8 \
      chroot . bash /srv/roomkin/inside.sh "$@"' inside "$@"
}

main() {
  ((EUID == 0)) || { echo 'run it with sudo' >&2 && exit 1; }
  local found=("$repository"/release/roomkin_*_arm64.deb)
  local deb=${1:-${found[0]}}
  [[ -e $deb ]] || skip "there is no $deb: npm run release -- --arch arm64 --quick"
  command -v mmdebstrap >/dev/null || skip 'needs mmdebstrap (and on x86-64 qemu-user-static, binfmt-support and arch-test)'
  # Without the plug-in the models would run here with other kernels than on arm64, and the embeddings would differ.
  [[ -e $repository/dist/cli.js && -e $repository/native/build/xnnpack-plugin.so ]] || skip 'needs npm ci'
  if [[ $(dpkg --print-architecture) == arm64 ]]; then
    cpus=native
  else
    command -v qemu-aarch64-static >/dev/null || skip 'needs qemu-user-static, binfmt-support and arch-test'
    [[ -e /proc/sys/fs/binfmt_misc/register ]] || mount -t binfmt_misc binfmt_misc /proc/sys/fs/binfmt_misc
    update-binfmts --enable qemu-aarch64
  fi
  work=$(mktemp -d)
  trap 'rm -rf "$work"' EXIT
  chmod 755 "$work"
  cp "$deb" "$work/roomkin.deb"
  cp "$repository/test/arm64/inside.sh" "$repository/test/arm64/embeddings.mjs" "$work/"
  node "$repository/test/arm64/pictures.mjs" "$repository" "$work"
  # shellcheck disable=SC2046 # names without spaces
  node "$work/embeddings.mjs" "$repository" $(cd "$work" && ls "$work"/pairs/*.jpg) >"$work/x86.json"
  mkdir -p "$roots"
  local suite cpu failed=0
  for suite in $suites; do
    [[ -d $roots/$suite ]] || make_root "$suite"
    for cpu in $cpus; do
      echo "--- $suite, $cpu"
      if inside "$roots/$suite" "${cpu/native/}" "$suite"; then echo "ok $suite, $cpu"; else
        failed=$((failed + 1))
        echo "not ok $suite, $cpu"
      fi
    done
  done
  ((failed == 0)) || exit 1
  echo 'all passed'
}

main "$@"
