#!/usr/bin/env bash
# Shows twenty databases made of one: PostgreSQL with rows in it, kept warm as a template, and clones of
# it, each with a port of its own. databases.sh FOLDER-OF-PROGRAMS; part of the demo.
set -euo pipefail

# shellcheck source=tests/demo/one_node.sh
source "$(dirname "$(readlink -f "$0")")/one_node.sh" "$1"
postgres=$(printf '%s\n' /usr/lib/postgresql/*/bin | tail -n 1)
data=/var/lib/appshot-demo
rows=200000
count=20

sql() { # PORT STATEMENT
  "$postgres/psql" -h 127.0.0.1 -p "$1" -U postgres -Atqc "$2" postgres
}
port_of() { "$bin/appshot" ports | awk -v aid="$1" '$2 == aid { print $1 }'; }
memory() { awk '/MemAvailable/ { print int($2 / 1024) }' /proc/meminfo; }
now_ms() { echo $(($(date +%s%N) / 1000000)); }

heading "PostgreSQL, installed into an environment of its own, with $rows rows"
run env create cluster
"$bin/appshot" env install cluster -- sh -c "
  install -d -o postgres -g postgres -m 700 $data &&
  exec setpriv --reuid=postgres --regid=postgres --clear-groups sh -c '
    $postgres/initdb -N -A trust -D $data >/dev/null && echo host all all all trust >> $data/pg_hba.conf'" >/dev/null
run run -d --name db --env cluster --user postgres -w / -p 0:5432 -- "$postgres/postgres" -D "$data" -k /tmp \
  -c listen_addresses='*' -c shared_buffers=128MB -c huge_pages=off
wait_until "PostgreSQL" sql "$(port_of db)" 'select 1'
sql "$(port_of db)" "create table facts as select n, md5(n::text) as what from generate_series(1, $rows) n;
                     create index on facts (n); analyze facts"

heading "A template of it, kept in memory; it runs on"
run template db --name golden --warm
run templates

heading "$count databases, each on a port of its own"
before=$(memory)
begin=$(now_ms)
run clone golden -n "$count" --name 'db-{n}' -p 0:5432
for number in $(seq "$count"); do
  sql "$(port_of "db-$number")" 'select count(*) from facts'
done | sort | uniq -c
took=$(($(now_ms) - begin))
echo "$took ms until all $count have counted their rows; $((before - $(memory))) MiB of memory for all of them"

heading "What is written into one nobody else sees"
sql "$(port_of db-7)" "delete from facts where n > 10; insert into facts values (0, 'only here')"
for aid in db-7 db-8 db; do
  echo "$aid: $(sql "$(port_of "$aid")" 'select count(*) from facts') rows," \
    "$(sql "$(port_of "$aid")" "select count(*) from facts where what = 'only here'") of them only there"
done
[ "$(sql "$(port_of db-7)" 'select count(*) from facts')" = 11 ] || die "db-7 has not what was written"
[ "$(sql "$(port_of db-8)" 'select count(*) from facts')" = "$rows" ] || die "db-8 has other rows"
[ "$(sql "$(port_of db)" 'select count(*) from facts')" = "$rows" ] || die "the original has other rows"

heading "Another of that one, as it runs"
run clone db-7 --name db-7-copy -p 0:5432
sql "$(port_of db-7-copy)" "select what from facts where n = 0"

heading "They are thrown away"
# shellcheck disable=SC2046
"$bin/appshot" rm -f $("$bin/appshot" ps -q) >/dev/null
run template-rm golden
run env rm cluster
run ps -a
