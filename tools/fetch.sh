# shellcheck shell=bash
# What tools/fetch_voc and tools/fetch_weights share; sourced by both.
#
# A list (tools/voc_archives.txt) holds "name bytes checksum address" a line;
# checksum is md5:..., sha256:... or "-", bytes may be "-". A file arrives as
# NAME.part, which the next run goes on with, and gets its name once its size
# and checksum are right.

fail() {
  echo "$program: $*" >&2
  exit 1
}

say() { echo "$program: $*"; }

# parse_flags USAGE ARGUMENTS...: sets output_dir, base_url and list; and keep,
# where the caller has such a variable.
parse_flags() {
  local usage=$1 argument
  shift
  for argument in "$@"; do
    case $argument in
      --output_dir=?*) output_dir=${argument#*=} ;;
      --base_url=?*) base_url=${argument#*=} ;;
      --list=?*) list=${argument#*=} ;;
      --help)
        echo "$usage"
        exit
        ;;
      *)
        if [[ $argument == --keep_archives && -n ${keep-} ]]; then
          keep=true
          continue
        fi
        echo "$program: unknown argument '$argument'" >&2
        echo "$usage" >&2
        exit 2
        ;;
    esac
  done
  [[ -r $list ]] || fail "$list: cannot be read"
  command -v curl >/dev/null || fail "there is no curl; run tools/setup"
  mkdir -p "$output_dir" || fail "$output_dir: cannot be created"
}

# for_each_file FUNCTION: calls FUNCTION name bytes checksum address for each
# line of the list.
for_each_file() {
  local name bytes checksum address rest number=0
  while read -r name bytes checksum address rest; do
    number=$((number + 1))
    [[ -z $name || $name == \#* ]] && continue
    [[ -n $address && -z $rest && $name != */* &&
      $bytes =~ ^([0-9]+|-)$ &&
      $checksum =~ ^(-|md5:[0-9a-f]{32}|sha256:[0-9a-f]{64})$ ]] ||
      fail "$list:$number: is not 'name bytes checksum address'"
    "$1" "$name" "$bytes" "$checksum" "$address"
  done <"$list"
}

bytes_of() { stat -c %s "$1" 2>/dev/null || echo 0; }

# digest_of md5|sha256 FILE
digest_of() {
  local line
  line=$("$1sum" "$2")
  echo "${line%% *}"
}

# The file's checksum as the list writes it; of the kind of $1.
checksum_of() {
  local kind=sha256
  [[ $1 == md5:* ]] && kind=md5
  echo "$kind:$(digest_of "$kind" "$2")"
}

# check FILE BYTES CHECKSUM: prints what is wrong, and fails, when something is.
check() {
  local actual
  actual=$(bytes_of "$1")
  if [[ $2 != - && $actual != "$2" ]]; then
    echo "it has $actual bytes instead of $2"
    return 1
  fi
  [[ $3 == - ]] && return
  actual=$(checksum_of "$3" "$1")
  if [[ $actual != "$3" ]]; then
    echo "its checksum is $actual instead of $3"
    return 1
  fi
}

# receive ADDRESS FILE: appends what is missing of the file. Keeps what came,
# whether or not the rest did.
receive() {
  local flags=(--fail --location --connect-timeout 30 --speed-limit 1000
    --speed-time 60 --retry 3 --output "$2")
  if [[ -t 2 ]]; then flags+=(--progress-bar); else flags+=(--silent --show-error); fi
  local status=0
  curl "${flags[@]}" --continue-at - "$1" || status=$?
  # 33: the server cannot send a part of a file.
  if ((status == 33)); then
    say "the server cannot resume; from the beginning"
    rm -f "$2"
    status=0
    curl "${flags[@]}" "$1" || status=$?
  fi
  return $status
}

# The checksum that an earlier run took on trust, or the list's.
expected_checksum() {
  local name=$1 checksum=$2 record="$output_dir/$1.checksum"
  if [[ $checksum == - && -s $record ]]; then
    checksum=$(<"$record")
    [[ $checksum =~ ^sha256:[0-9a-f]{64}$ ]] ||
      fail "$record: is no checksum; remove it to trust the next download"
  fi
  echo "$checksum"
}

# fetch NAME BYTES CHECKSUM ADDRESS: makes $output_dir/NAME, checked.
fetch() {
  local name=$1 bytes=$2 checksum address=$4 problem advice
  checksum=$(expected_checksum "$name" "$3") || exit
  [[ -n $base_url ]] && address=${base_url%/}/$name
  local file="$output_dir/$name" part="$output_dir/$name.part"
  if [[ -e $file ]]; then
    if problem=$(check "$file" "$bytes" "$checksum"); then
      say "$name: is here"
      return
    fi
    say "$name: $problem; fetched anew"
    rm -f "$file"
  fi

  # What cannot be a beginning of the file is no use; without a size nothing
  # says whether a part is one.
  if [[ $bytes == - ]] || (($(bytes_of "$part") > bytes)); then rm -f "$part"; fi
  if [[ $bytes == - ]] || (($(bytes_of "$part") < bytes)); then
    if (($(bytes_of "$part") > 0)); then
      say "$name: resumes at $(bytes_of "$part") of $bytes bytes"
    else
      say "$name: from $address"
    fi
    receive "$address" "$part" ||
      fail "$name: $address could not be fetched (above);" \
        "$(bytes_of "$part") bytes are here, and the next run resumes there." \
        "--base_url=URL names another place"
  fi
  if ! problem=$(check "$part" "$bytes" "$checksum"); then
    # A short file was cut off and can be resumed; any other is wrong.
    if [[ $bytes != - ]] && (($(bytes_of "$part") < bytes)); then
      fail "$name: $problem; run again to resume"
    fi
    rm -f "$part"
    advice="Run again, or with --base_url=URL from another place"
    [[ $3 == - ]] && advice+=", or remove $file.checksum to trust what comes"
    fail "$name: $problem; it was removed. $advice"
  fi
  if [[ $checksum == - ]]; then
    checksum=$(checksum_of - "$part")
    echo "$checksum" >"$output_dir/$name.checksum"
    say "$name: no checksum of it is published; trusted this once, and checked" \
      "from now on: $checksum"
  fi
  mv "$part" "$file"
}
