# Two nodes of a demo, with state folders of their own that are removed at the end. For scripts that have set
# `bin`, the folder of the programs, and `instances`, the names of those they start.
# shellcheck shell=bash disable=SC2034,SC2154

scratch=$(mktemp -d -t appshot-demo-XXXXXX)
here=$scratch/here
there=$scratch/there
mkdir -m 0700 "$here" "$there"
deadline_s=20

on() { # ROOT ARGUMENTS… : appshot with that node's state
  local root=$1
  shift
  APPSHOT_ROOT=$root "$bin/appshot" "$@"
}

finish() {
  local status=$?
  for root in "$here" "$there"; do
    on "$root" rm -f "${instances[@]}" >/dev/null 2>&1 || true
    on "$root" daemon stop >/dev/null 2>&1 || true
  done
  rm -rf "$scratch"
  [ "$status" = 0 ] || echo "demo: FAILED" >&2
  exit "$status"
}
trap finish EXIT

heading() { printf '\n== %s\n' "$*"; }
run() { # ROOT ARGUMENTS… : prints the command, then runs it
  printf '$ appshot %s\n' "${*:2}"
  on "$@"
}
die() { printf 'demo: %s\n' "$*" >&2; exit 1; }
