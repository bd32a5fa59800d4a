#!/usr/bin/env bash
# Shows what the client of a redis with 500 MB notices of a snapshot, of sleep and of wake: nothing
# but a pause. redis.sh FOLDER-OF-PROGRAMS; part of demo.sh.
set -euo pipefail

bin=$(readlink -f "$1")
client_program=$(dirname "$(readlink -f "$0")")/redis_client.py
scratch=$(mktemp -d -t appshot-demo-XXXXXX)
export APPSHOT_ROOT=$scratch/node
mkdir -m 0700 "$APPSHOT_ROOT"
client=
deadline_s=20

finish() {
  local status=$?
  [ -z "$client" ] || kill "$client" 2>/dev/null || true
  "$bin/appshot" rm -f db >/dev/null 2>&1 || true
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
lines() { wc -l < "$scratch/client.log"; }
has_lines() { [ "$(lines)" -ge "$1" ]; }
wait_for_more_answers() { wait_until "the client" has_lines $(($(lines) + 2)); }
ask() { redis-cli -h "$address" "$@"; }

heading "A redis with 500 MB in it, and a client that writes and reads all the time"
run run -d --name db -- redis-server --save '' --protected-mode no --enable-debug-command yes
address=$("$bin/appshot" inspect db --json | sed -n 's/.*"address": *"\([^"]*\)".*/\1/p' | head -n 1)
wait_until "redis" ask PING
ask DEBUG POPULATE 480000 key 1000 >/dev/null
ask INFO memory | grep '^used_memory_human'
python3 "$client_program" "$address" "$scratch/client.log" &
client=$!
wait_until "the client" has_lines 2

heading "A snapshot while it works"
run snapshot db --name first --progress plain 2>&1 | grep -v '/'
wait_for_more_answers
heading "Another: only what has changed is stored"
run snapshot db --name second --progress plain 2>&1 | grep -v '/'
wait_for_more_answers
run snapshots

heading "Asleep it needs no memory; woken it answers before its memory is there"
run sleep db
run ps -a
time run wake db
wait_for_more_answers

heading "What the client says"
kill -TERM "$client"
wait "$client" || die "the client had an error"
client=
tail -n 1 "$scratch/client.log"
tail -n 1 "$scratch/client.log" | grep -q 'no error' || die "the client had an error"
