#!/usr/bin/env bash
# Shows what the client of a redis with 500 MB notices of a snapshot, of sleep and of wake: nothing
# but a pause. redis.sh FOLDER-OF-PROGRAMS; part of demo.sh.
set -euo pipefail

here=$(dirname "$(readlink -f "$0")")
# shellcheck source=tests/demo/one_node.sh
source "$here/one_node.sh" "$1"
client_program=$here/redis_client.py
client=
before_end() { [ -z "$client" ] || kill "$client" 2>/dev/null || true; }

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
