# shellcheck shell=bash
# For demos on one node: sourced, with the folder of programs. Sets bin, scratch and APPSHOT_ROOT; the
# node and everything of the demo are gone when the script ends. Who has more to end defines before_end.
bin=$(readlink -f "$1")
scratch=$(mktemp -d -t appshot-demo-XXXXXX)
export APPSHOT_ROOT=$scratch/node
mkdir -m 0700 "$APPSHOT_ROOT"
deadline_s=60

before_end() { :; }
finish() {
  local status=$?
  before_end
  # shellcheck disable=SC2046
  "$bin/appshot" rm -f $("$bin/appshot" ps -qa) >/dev/null 2>&1 || true
  "$bin/appshot" daemon stop >/dev/null 2>&1 || true
  rm -rf "$scratch"
  exit "$status"
}
trap finish EXIT

heading() { printf '\n== %s\n' "$*"; }
run() {
  printf '$ appshot %s\n' "$*"
  "$bin/appshot" "$@"
}
die() { printf 'demo: %s\n' "$*" >&2; exit 1; }
wait_until() { # WHAT COMMAND…
  local end=$((SECONDS + deadline_s))
  until "${@:2}" >/dev/null 2>&1; do
    [ "$SECONDS" -lt "$end" ] || die "$1 is waited for in vain"
    read -r -t 0.1 <> <(:) || true
  done
}
