#!/usr/bin/env bash
# An emulated board of the Raspberry Pi 3B+'s kind: 4 Cortex-A53 cores and 1 GB,
# a Debian arm64 kernel, an OpenSSH server on a free port of this machine alone.
# Everything but the time is as on a board.
#
#   bazel run //hw:emulated_pi -- [OPTION...] start|stop|status|console|build
#
#   start     boots it, unless it runs already; builds the image at first
#   stop      ends it and removes all that belongs to it but the image
#   status    says which instances run; exits with 3 when this one does not
#   console   shows what the guest's kernel and first process have printed
#   build     only makes the image
#
#   --instance=NAME    one of several boards; default: default
#   --disk_mb=NUMBER   size of its disk; default: 8192. The file is sparse.
#   --extra_disk=PATH  a file or a folder that the guest sees in /media,
#                      read-only: for models, which ssh would take minutes for
#   --while_pid=PID    ends the instance when that process has ended
#
# The image lies in ~/.cache/yoloq/emulated_pi/image-DIGEST, an instance in
# instances/NAME beside it. Takes no root.
set -euo pipefail
here=$(dirname "$(readlink -f "$0")")
# mke2fs is not on every user's path.
PATH=$PATH:/usr/sbin:/sbin

home=${HOME:-$(getent passwd "$(id -u)" | cut -d: -f6)}
cache=${XDG_CACHE_HOME:-$home/.cache}/yoloq/emulated_pi
instance=default disk_mb=8192 extra_disk="" while_pid=""
boot_seconds=120

fail() {
  echo "emulated_pi: $*" >&2
  exit 1
}

usage() {
  sed -n '2,/^set /{/^set /d;s/^# \{0,1\}//;p}' "$here/emulated_pi.sh"
}

number() {
  [[ ${2-} =~ ^[0-9]{1,7}$ ]] || fail "$1: '${2-}' is no number"
}

need() {
  command -v "$1" >/dev/null || fail "there is no $1; run tools/setup"
}

# --- The image

# Changes with everything that the image is made from.
image_digest() {
  (cd "$here" && cat build_image guest/* ../../tools/arm64_packages) | sha256sum | cut -c1-12
}

# Prints the image's folder, after building it if need be.
image() {
  local folder work
  folder=$cache/image-$(image_digest)
  mkdir -p "$cache"
  exec 8>"$cache/image.lock"
  flock 8
  if [[ ! -s $folder/vmlinuz ]]; then
    need qemu-aarch64-static
    work=$(mktemp -d "$cache/building.XXXXXX")
    if ! "$here/build_image" "$work" >&2 8>&-; then
      rm -rf "$work"
      fail "the image could not be built (above)"
    fi
    # Images of other recipes, and what an interrupted build has left.
    find "$cache" -maxdepth 1 -type d \( -name 'image-*' -o -name 'building.*' \) \
      ! -path "$work" -exec rm -rf {} +
    chmod 755 "$work"
    mv "$work" "$folder"
  fi
  exec 8>&-
  echo "$folder"
}

# --- The instance

select_instance() {
  [[ $instance =~ ^[A-Za-z0-9_]+$ ]] || fail "--instance: '$instance' is not made of letters, digits and '_'"
  state=$cache/instances/$instance
}

is_running() {
  local pid
  pid=$(cat "$1/pid" 2>/dev/null) && [[ $pid =~ ^[0-9]+$ ]] &&
    tr '\0' ' ' <"/proc/$pid/cmdline" 2>/dev/null | grep -qF -- "-pidfile $1/pid "
}

# One start or stop at a time.
lock_instances() {
  mkdir -p "$cache/instances"
  exec 9>"$cache/instances.lock"
  flock 9
}

make_disks() {
  local files=$state/files size_mb
  ssh-keygen -q -t ed25519 -N '' -C yoloq-emulated-pi -f "$state/key"
  mkdir -p "$files/instance"
  ssh-keygen -q -t ed25519 -N '' -C emulated-pi -f "$files/instance/host_key"
  cut -d' ' -f1,2 "$files/instance/host_key.pub" >"$state/host_key.pub"
  cp "$state/key.pub" "$files/instance/"
  truncate -s "${disk_mb}M" "$state/disk"
  mke2fs -q -t ext4 -E lazy_itable_init=1,lazy_journal_init=1,nodiscard -d "$files" "$state/disk"
  rm -rf "$files"
  [[ -n $extra_disk ]] || return 0
  mkdir "$files"
  if [[ -d $extra_disk ]]; then
    cp -rL --reflink=auto "$extra_disk/." "$files/"
  else
    cp -L --reflink=auto "$extra_disk" "$files/"
  fi
  size_mb=$(du -sm "$files" | cut -f1)
  truncate -s "$((size_mb * 11 / 10 + 32))M" "$state/extra_disk"
  mke2fs -q -t ext4 -m 0 -O ^has_journal -E nodiscard -d "$files" "$state/extra_disk"
  rm -rf "$files"
}

# Starts qemu on the first port that is free of some drawn at random.
start_qemu() {
  local image=$1 port disks
  disks=(-drive "if=none,id=disk,file=$state/disk,format=raw,cache=unsafe" -device "virtio-blk-device,drive=disk")
  if [[ -e $state/extra_disk ]]; then
    # Devices take the first free slot from the top: the later one is vdb.
    disks=(-drive "if=none,id=extra,file=$state/extra_disk,format=raw,readonly=on" -device "virtio-blk-device,drive=extra" "${disks[@]}")
  fi
  for port in $(shuf -i 20000-29999 -n 20); do
    if qemu-system-aarch64 -M virt -cpu cortex-a53 -smp 4 -m 1024 -accel tcg,thread=multi \
      -nodefaults -display none -no-reboot -serial "file:$state/console" \
      -kernel "$image/vmlinuz" -initrd "$image/initrd" \
      -append "console=ttyAMA0 loglevel=4 panic=-1" \
      -netdev "user,id=net,hostfwd=tcp:127.0.0.1:$port-:22" -device virtio-net-device,netdev=net \
      "${disks[@]}" -pidfile "$state/pid" -daemonize 8>&- 9>&- 2>"$state/qemu_errors"; then
      echo "[127.0.0.1]:$port $(cat "$state/host_key.pub")" >"$state/known_hosts"
      echo "$port" >"$state/port.new"
      return
    fi
    grep -q 'host forwarding' "$state/qemu_errors" || break
  done
  cat "$state/qemu_errors" >&2
  return 1
}

# Runs a command in the guest.
guest() {
  ssh -F /dev/null -i "$state/key" -o IdentitiesOnly=yes -o BatchMode=yes \
    -o UserKnownHostsFile="$state/known_hosts" -o GlobalKnownHostsFile=/dev/null \
    -o StrictHostKeyChecking=yes -o LogLevel=ERROR -o ConnectTimeout=10 \
    -p "$(cat "$state/port.new")" pi@127.0.0.1 "$@"
}

# The banner costs the guest less than a login that comes too early.
has_banner() {
  [[ $(timeout 2 bash -c "exec 3<>/dev/tcp/127.0.0.1/$1 && head -c 4 <&3" 2>/dev/null) == SSH- ]]
}

await_login() {
  local deadline=$((SECONDS + boot_seconds))
  until has_banner "$(cat "$state/port.new")"; do
    is_running "$state" || return 1
    ((SECONDS < deadline)) || return 1
    sleep 0.2
  done
  guest true
}

remove_instance() {
  local pid
  if is_running "$state"; then
    pid=$(cat "$state/pid")
    kill "$pid"
    for _ in {1..50}; do
      [[ -d /proc/$pid ]] || break
      sleep 0.1
    done
    kill -9 "$pid" 2>/dev/null || true
  fi
  rm -rf "$state"
}

# What killed sessions or a restart of this machine have left. No other
# instance is starting meanwhile: starts take turns.
remove_stale() {
  local folder
  for folder in "$cache"/instances/*/; do
    [[ -d $folder ]] || continue
    is_running "${folder%/}" || rm -rf "$folder"
  done
}

start() {
  local folder begin=$SECONDS
  need qemu-system-aarch64
  need mke2fs
  need ssh
  folder=$(image)
  lock_instances
  if is_running "$state"; then
    echo "emulated_pi: $instance runs already, on port $(cat "$state/port")"
    return
  fi
  remove_stale
  mkdir -p "$state"
  chmod 700 "$state"
  trap 'remove_instance' EXIT
  make_disks
  start_qemu "$folder" || fail "qemu did not start (above)"
  if ! await_login; then
    tail -n 20 "$state/console" >&2 || true
    fail "no login within $boot_seconds s; the end of its console is above"
  fi
  mv "$state/port.new" "$state/port"
  trap - EXIT
  if [[ -n $while_pid ]]; then
    # Outside the caller's session and group, which may be killed as a whole.
    # shellcheck disable=SC2016
    setsid -f bash -c 'tail --pid="$1" -f /dev/null; exec "$2" --instance="$3" stop' \
      yoloq "$while_pid" "$here/emulated_pi.sh" "$instance" </dev/null >/dev/null 2>&1 8>&- 9>&-
  fi
  echo "emulated_pi: $instance answers on port $(cat "$state/port"), after $((SECONDS - begin)) s"
}

stop() {
  lock_instances
  if [[ -d $state ]]; then
    remove_instance
    echo "emulated_pi: $instance stopped"
  else
    echo "emulated_pi: $instance does not run"
  fi
}

status() {
  local folder name code=3
  for folder in "$cache"/instances/*/; do
    [[ -d $folder ]] || continue
    name=$(basename "$folder")
    if ! is_running "${folder%/}"; then
      echo "emulated_pi: $name is what an ended instance left; start or stop cleans it up"
    elif [[ -e $folder/port ]]; then
      echo "emulated_pi: $name runs, on port $(cat "$folder/port"), process $(cat "$folder/pid")"
      if [[ $name == "$instance" ]]; then code=0; fi
    else
      echo "emulated_pi: $name is starting"
    fi
  done
  ((code == 0)) || echo "emulated_pi: $instance does not run"
  return $code
}

verb=""
for word; do
  case $word in
    --instance=*) instance=${word#*=} ;;
    --disk_mb=*) disk_mb=${word#*=} && number --disk_mb "$disk_mb" ;;
    --extra_disk=*) extra_disk=${word#*=} ;;
    --while_pid=*) while_pid=${word#*=} && number --while_pid "$while_pid" ;;
    --help) usage && exit ;;
    -*) fail "unknown option '$word'; --help shows them" ;;
    *)
      [[ -z $verb ]] || fail "one verb only, not '$verb' and '$word'"
      verb=$word
      ;;
  esac
done
# Paths are the user's, not those of `bazel run`.
if [[ -n $extra_disk && $extra_disk != /* ]]; then extra_disk=${BUILD_WORKING_DIRECTORY:-$PWD}/$extra_disk; fi
[[ -z $extra_disk || -e $extra_disk ]] || fail "--extra_disk: there is no $extra_disk"
select_instance
case $verb in
  start) start ;;
  stop) stop ;;
  status) status ;;
  build) echo "emulated_pi: the image is $(image)" ;;
  console)
    [[ -e $state/console ]] || fail "$instance does not run"
    cat "$state/console"
    ;;
  "") usage >&2 && exit 2 ;;
  *) fail "unknown verb '$verb'; start, stop, status, console or build" ;;
esac
