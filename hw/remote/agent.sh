# What runs on the device: plain sh, with coreutils and util-linux beside it.
# It is no file there: every call carries it as an argument (agent.h), so that a
# board needs no preparation and both sides are always of one version.
#
#   VERB WORK ARGUMENTS...
#
# WORK is the work folder; a leading ~/ is the user's home. Results go to
# standard output. A failure prints its reason to standard error and exits with
# one of these codes, which agent.h lists too; 255 is ssh's own.
E_FAILED=64 E_LOCKED=72 E_NOT_FOUND=73 E_NOT_EXECUTABLE=74
E_BAD_FORMAT=75 E_ARCHITECTURE=76 E_DIGEST=77 E_NO_RESULT=78

set -u
umask 022
export LC_ALL=C
verb=$1 work=$2
shift 2
case $work in "~/"*) work=$HOME/${work#"~/"} ;; esac
state=$work/.yoloq

fail() {
  code=$1
  shift
  echo "$*" >&2
  exit "$code"
}

# Paths that are not absolute lie in the work folder.
in_work() {
  case $1 in
    /*) printf %s "$1" ;;
    "~/"*) printf %s "$HOME/${1#"~/"}" ;;
    *) printf %s "$work/$1" ;;
  esac
}

# --- Files

# The SHA-256 of a file, "-" without one. What was computed is remembered by
# inode, size and times: a Pi takes seconds for a model.
digest_of() {
  [ -f "$1" ] || {
    echo -
    return
  }
  key=:$(stat -c '%d:%i:%s:%y:%z' -- "$1" | tr ' ' _)
  digest=$(grep -F -- "$key " "$state/digests" 2>/dev/null | tail -n 1)
  digest=${digest##* }
  if [ -z "$digest" ]; then
    digest=$(sha256sum <"$1") || exit $E_FAILED
    digest=${digest%% *}
    echo "$key $digest" >>"$state/digests"
  fi
  echo "$digest"
}

# DIGEST: bytes that an interrupted transfer has left, kilobytes free.
incoming() {
  size=$(stat -c %s -- "$state/incoming/$1" 2>/dev/null) || size=0
  free=$(df -Pk -- "$state" | tail -n 1 | tr -s ' ' | cut -d ' ' -f 4)
  echo "$size $free"
}

# DIGEST PATH MODE: checks what has arrived and puts it in its place.
place() {
  part=$state/incoming/$1 path=$(in_work "$2")
  arrived=$(sha256sum <"$part") || exit $E_FAILED
  if [ "${arrived%% *}" != "$1" ]; then
    rm -f -- "$part"
    fail $E_DIGEST "what arrived of $2 has the digest ${arrived%% *}, not $1"
  fi
  [ ! -d "$path" ] || fail $E_FAILED "$path is a folder"
  mkdir -p -- "$(dirname -- "$path")" && chmod "$3" "$part" &&
    mv -f -- "$part" "$path" || exit $E_FAILED
}

# --- Runs

# A run's folder: out, err (what the command wrote), result (how it ended), pid
# (its process group), busy (locked for as long as the supervisor lives).

is_active() { [ -e "$1/busy" ] && ! flock -n -s "$1/busy" true; }

# PROGRAM: refuses what cannot be executed here, with the reason.
check_program() {
  program=$1
  case $program in
    */*) ;;
    *)
      program=$(command -v -- "$1") || fail $E_NOT_FOUND "there is no program $1"
      # A word that the shell itself knows: a program of the same name is run.
      case $program in */*) ;; *) return ;; esac
      ;;
  esac
  [ -e "$program" ] || fail $E_NOT_FOUND "there is no program $1"
  [ -f "$program" ] && [ -x "$program" ] ||
    fail $E_NOT_EXECUTABLE "$1 may not be executed"
  [ -r "$program" ] || return 0
  bytes=$(od -An -v -tx1 -N20 -- "$program" | tr -d ' \n')
  case $bytes in
    2321*) return ;; # a script
    7f454c46*) ;;
    *) fail $E_BAD_FORMAT "$1 is neither a program (ELF) nor a script (#!)" ;;
  esac
  # ELF: byte 4 is the class (1: 32 bits, 2: 64 bits), bytes 18, 19 the machine.
  class=${bytes#????????} machine=${bytes#????????????????????????????????????}
  class=${class%"${class#??}"}
  here=$(uname -m)-$(getconf LONG_BIT)
  case $here in
    aarch64-64) wanted=02-b700 ;;
    aarch64-32 | arm*-32) wanted=01-2800 ;;
    x86_64-64) wanted=02-3e00 ;;
    *) return ;;
  esac
  case $class-$machine in
    "$wanted") return ;;
    02-b700) what="64-bit ARM (aarch64)" ;;
    01-2800) what="32-bit ARM" ;;
    02-3e00) what="x86-64" ;;
    *) what="another machine (class $class, machine $machine)" ;;
  esac
  fail $E_ARCHITECTURE "$1 is built for $what; here is ${here%-*} with a ${here#*-}-bit system"
}

# RUN LIMIT_S LOCK_DIRECTORY DIRECTORY COUNT NAME=VALUE... PROGRAM ARGUMENT...
# Starts the command so that it outlives the connection. Calling it again for
# the same run changes nothing: the caller may not have heard the answer.
start() {
  name=$1 run=$state/runs/$1 limit=$2 lock=$3 directory=$(in_work "$4") count=$5
  shift 5
  [ ! -e "$run/pid" ] || return 0
  while [ "$count" -gt 0 ]; do
    export "$1"
    shift
    count=$((count - 1))
  done
  mkdir -p -- "$directory" && cd "$directory" || exit $E_FAILED
  check_program "$1"
  mkdir -p -- "$run" && rm -f -- "$run"/* || exit $E_FAILED
  : >"$run/out" && : >"$run/err" || exit $E_FAILED
  # Room for the result, so that it can be written when the disk is full.
  printf '%-256s\n' "" >"$run/result.new" || exit $E_FAILED
  exec 9>"$run/busy"
  flock 9
  exec 5>>"$lock/active"
  flock -s 5
  printf 'run %s\n' "$run" >>"$lock/owner"
  mkfifo "$run/alive" "$run/hold" || exit $E_FAILED
  setsid sh -c "$loader" yoloq "$agent" "$loader" supervise "$work" "$name" "$limit" \
    "$@" </dev/null >"$run/log" 2>&1 &
  # Without a reader the command would not have begun yet: see supervise.
  while [ ! -e "$run/pid" ] && kill -0 $! 2>/dev/null; do sleep 0.02; done
}

oom_kills() { sed -n 's/^oom_kill //p' /proc/vmstat; }

# Sets `state_letter` and `wait_status` of a process; fails when it is gone.
read_stat() {
  line=$(cat "/proc/$1/stat" 2>/dev/null) || return 1
  # shellcheck disable=SC2086
  set -- ${line##*") "}
  state_letter=$1
  shift 49
  wait_status=$1
}

# PID: until it is a zombie, at most $2 tenths of a second.
await_zombie() {
  tenths=$2
  while read_stat "$1" && [ "$state_letter" != Z ]; do
    [ "$tenths" -gt 0 ] || return 1
    tenths=$((tenths - 1))
    sleep 0.1
  done
}

# RUN LIMIT_S PROGRAM ARGUMENT...: runs the command to its end.
supervise() {
  run=$state/runs/$1 limit=$2
  shift 2
  kills=$(oom_kills) timed_out=0 wait_status=
  exec 7<>"$run/hold"
  # shellcheck disable=SC2016
  begin='echo $$ >"$1/pid.new" && mv "$1/pid.new" "$1/pid"; shift; exec setsid "$@"'
  # The shell that starts the command turns at once into a `cat` that never
  # waits for it. So the command stays a zombie, whose wait status /proc tells
  # exactly, where $? makes one of exit code 137 and signal 9.
  # shellcheck disable=SC2016
  sh -c '
    run=$1 begin=$2
    shift 2
    sh -c "$begin" yoloq "$run" "$@" </dev/null >>"$run/out" 2>>"$run/err" 8>"$run/alive" &
    exec cat "$run/hold" >/dev/null 2>&1
  ' yoloq "$run" "$begin" "$@" 5>&- 7>&- 9>&- &
  # Ends when the command and all that it has started have closed their end:
  # no polling that would disturb what is measured.
  timeout "$limit" cat "$run/alive" >/dev/null 5>&- 7>&- 9>&-
  waited=$?
  pid=$(cat "$run/pid")
  if [ $waited = 124 ] && read_stat "$pid" && [ "$state_letter" != Z ]; then
    timed_out=1
    kill -TERM "-$pid"
    await_zombie "$pid" 50 || kill -KILL "-$pid"
  fi
  await_zombie "$pid" 864000
  kill -KILL "-$pid" 2>/dev/null
  # Of another user's process the kernel shows 0 in place of the status.
  [ -O "/proc/$pid" ] || wait_status=unknown
  printf '%s %s %s\n' "${wait_status:-unknown}" $timed_out \
    $(($(oom_kills) - kills)) 1<>"$run/result.new"
  mv "$run/result.new" "$run/result"
  exec 7>&-
}

# RUN OUT_BYTES ERR_BYTES: what the command writes, beyond what the caller has
# seen already, until the run has ended.
follow() {
  run=$state/runs/$1
  [ -e "$run/busy" ] || fail $E_NO_RESULT "there is no run $1"
  flock -s "$run/busy" true &
  waiter=$!
  tail -c "+$(($2 + 1))" -s 0.1 --pid=$waiter -f -- "$run/out" &
  tail -c "+$(($3 + 1))" -s 0.1 --pid=$waiter -f -- "$run/err" >&2 &
  wait $waiter
  wait
}

# RUN: its wait status, whether it was killed for the time limit, and how many
# processes of the device were killed for want of memory meanwhile.
result() {
  run=$state/runs/$1
  [ -e "$run/result" ] ||
    fail $E_NO_RESULT "the run $1 left no result: $(cat "$run/log" 2>/dev/null)"
  head -n 1 "$run/result"
}

# A run's folder: ends the run, should it still be under way.
stop() {
  if is_active "$1"; then
    kill -KILL "-$(cat "$1/pid")" 2>/dev/null
    flock -w 10 -s "$1/busy" true || fail $E_FAILED "the run $1 does not end"
  fi
}

# --- The lock
#
# LOCK_DIRECTORY/owner says who holds the device; its time of change, when they
# were last heard of. A run keeps `active` locked, however its holder fares.

boot_id() { cat /proc/sys/kernel/random/boot_id; }

open_lock() {
  lock=$1
  [ -d "$lock" ] || mkdir -m 0777 -- "$lock" 2>/dev/null
  exec 6>>"$lock/guard" || fail $E_FAILED "cannot write to $lock: does it belong to another user?"
  chmod a+w "$lock/guard" 2>/dev/null
  flock -w 10 6 || fail $E_FAILED "$lock/guard stays locked"
  touch "$lock/active"
}

owner_field() { sed -n "s/^$1 //p" "$lock/owner" | head -n 1; }

# Prints why the lock of another holds; nothing when it has lapsed.
why_held() {
  if ! flock -n "$lock/active" true; then
    echo "a run is under way"
  elif [ "$(owner_field boot)" != "$(boot_id)" ]; then
    :
  elif [ "$(owner_field token)" = "$1" ]; then
    : # The caller knows that its process has ended.
  else
    left=$(($(stat -c %Y "$lock/owner") + $(owner_field lease) - $(date +%s)))
    [ "$left" -le 0 ] || echo "it lapses in $left s"
  fi
}

# LOCK_DIRECTORY TOKEN LEASE_S GONE_TOKEN HOLDER: takes the lock, or extends it.
# GONE_TOKEN: of a holder that is known to have ended, or "-".
take_lock() {
  open_lock "$1"
  if [ -s "$lock/owner" ]; then
    if [ "$(owner_field token)" = "$2" ]; then
      touch "$lock/owner"
      return
    fi
    why=$(why_held "$4")
    if [ -n "$why" ]; then
      cat "$lock/owner"
      fail $E_LOCKED "$why"
    fi
    echo "stale $(owner_field holder)"
  fi
  printf '%s\n' "token $2" "lease $3" "boot $(boot_id)" "holder $5" \
    "since $(date '+%Y-%m-%d %H:%M:%S')" >"$lock/owner"
  chmod a+w "$lock/owner"
}

# LOCK_DIRECTORY TOKEN: gives it back. TOKEN "-": whoever holds it, ending the
# run that is under way.
drop_lock() {
  open_lock "$1"
  [ -s "$lock/owner" ] || return 0
  if [ "$2" = - ]; then
    cat "$lock/owner"
    sed -n 's/^run //p' "$lock/owner" | while read -r run; do stop "$run"; done
  elif [ "$(owner_field token)" != "$2" ]; then
    return 0
  fi
  : >"$lock/owner"
  # The holder of a run that was ended so still wants to know how it ended.
  [ "$2" != - ] || return 0
  # The others' results have been fetched, or nobody waits for them.
  for run in "$state"/runs/*; do
    is_active "$run" || rm -rf -- "$run"
  done
}

# --- What the doctor looks at

section() {
  echo "== $1"
  shift
  "$@" 2>/dev/null
  echo
}

read_text() { [ -n "$1" ] && tr -d '\0' <"$1"; }

# TEMPERATURE_PATH GOVERNOR_PATH CLOCK_PATH MAX_CLOCK_PATH THROTTLE_COMMAND...
facts() {
  section machine uname -m
  section bits getconf LONG_BIT
  section libc getconf GNU_LIBC_VERSION
  section model read_text /proc/device-tree/model
  section compatible read_text /proc/device-tree/compatible
  section cpuinfo cat /proc/cpuinfo
  section os cat /etc/os-release
  section temperature read_text "$1"
  section governor read_text "$2"
  section clock read_text "$3"
  section max_clock read_text "$4"
  shift 4
  [ $# = 0 ] || section throttle "$@"
  section meminfo cat /proc/meminfo
  section disk df -Pk -- "$work"
  section load cat /proc/loadavg
  section time date +%s
}

case $verb in
  prepare)
    mkdir -p -- "$state/runs" "$state/incoming" || exit $E_FAILED
    : >>"$state/digests" || exit $E_FAILED
    printf '%s\n' "$work"
    ;;
  digests) for file; do digest_of "$(in_work "$file")"; done ;;
  incoming) incoming "$1" ;;
  receive) cat >>"$state/incoming/$1" || exit $E_FAILED ;;
  place) place "$@" ;;
  send)
    path=$(in_work "$1")
    [ -f "$path" ] || fail $E_NOT_FOUND "there is no file $path"
    cat -- "$path" || exit $E_FAILED
    ;;
  start) start "$@" ;;
  supervise) supervise "$@" ;;
  follow) follow "$@" ;;
  result) result "$1" ;;
  stop) stop "$state/runs/$1" ;;
  lock) take_lock "$@" ;;
  unlock) drop_lock "$@" ;;
  facts) facts "$@" ;;
  clean)
    for run in "$state"/runs/*; do [ ! -d "$run" ] || stop "$run"; done
    # The state folder marks the work folder as ours.
    [ ! -d "$state" ] || rm -rf -- "$work" || exit $E_FAILED
    ;;
  *) fail $E_FAILED "unknown verb $verb" ;;
esac
