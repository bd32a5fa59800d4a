#!/usr/bin/env bash
# Shows what appshot does with a program of two processes and four threads: demo.sh FOLDER-OF-PROGRAMS.
# Uses state folders of its own and removes them at the end.
set -euo pipefail

bin=$(readlink -f "$1")
instances=(counter)
# shellcheck source=tests/demo/two_nodes.sh
. "$(dirname "$(readlink -f "$0")")/two_nodes.sh"

# The parent's count is the last line's: the demo waits for it rather than for time to pass.
lines_of() { on "$1" logs counter 2>/dev/null | grep "^$2" || true; }
count_of() { lines_of "$1" parent | tail -n 1 | sed 's/.*counted to \([0-9]*\) and.*/\1/'; }
wait_until_count() { # ROOT N
  local end=$((SECONDS + deadline_s)) now
  while now=$(count_of "$1"); [ "${now:-0}" -lt "$2" ]; do
    [ "$SECONDS" -lt "$end" ] || die "it does not count on: ${now:-0}, not yet $2"
    read -r -t 0.1 <> <(:) || true
  done
}
show() { # ROOT : the last line of each process
  lines_of "$1" parent | tail -n 1
  lines_of "$1" child | tail -n 1
}
# pids and tids, without the counts.
identity() { lines_of "$1" "$2" | tail -n 1 | sed 's/: counted.*//'; }

heading "A program of two processes with two threads each, as an instance named counter"
run "$here" run -d --name counter -- "$bin/demo_counter"
wait_until_count "$here" 10
show "$here"
run "$here" ps
parent=$(identity "$here" parent)
child=$(identity "$here" child)

heading "A snapshot while it runs"
run "$here" snapshot counter --name demo
taken=$(count_of "$here")
run "$here" snapshots

heading "It counts on, as if nothing had happened"
wait_until_count "$here" $((taken + 10))
show "$here"

heading "Both its processes are killed"
before_kill=$(count_of "$here")
run "$here" kill -s KILL counter
end=$((SECONDS + deadline_s))
while [ -n "$(on "$here" ps -q)" ]; do
  [ "$SECONDS" -lt "$end" ] || die "it does not die"
  read -r -t 0.1 <> <(:) || true
done
run "$here" ps -a
run "$here" rm counter

heading "Restored: the same pids and threads, from where the snapshot was taken"
run "$here" restore demo
wait_until_count "$here" $((taken + 1))
first=$(lines_of "$here" parent | head -n 1 | sed 's/.*counted to \([0-9]*\) and.*/\1/')
show "$here"
[ "$(identity "$here" parent)" = "$parent" ] || die "the parent has other ids than before"
[ "$(identity "$here" child)" = "$child" ] || die "the child has other ids than before"
echo "the snapshot was taken at about $taken, it was killed at $before_kill, and went on at $first"
[ "$first" -le "$before_kill" ] || die "it did not go on from the snapshot"

heading "The snapshot as one file"
run "$here" export demo "$scratch/counter.appshot"
ls -l --human-readable "$scratch/counter.appshot" | awk '{print $5, "counter.appshot"}'
tar tvf "$scratch/counter.appshot"

heading "On another node (another daemon with its own state), from that file"
run "$there" import "$scratch/counter.appshot" --name demo
run "$there" verify demo
run "$there" restore demo
wait_until_count "$there" $((taken + 10))
show "$there"
[ "$(identity "$there" parent)" = "$parent" ] || die "the parent has other ids than before"
echo "both run at once, with the same pids:"
on "$here" ps
on "$there" ps

heading "The demo is over; nothing of it is left"
