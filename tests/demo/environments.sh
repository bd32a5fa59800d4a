#!/usr/bin/env bash
# Shows two nginx of different versions, each installed in an environment of its own, both on port 80, on a
# host that has neither: environments.sh FOLDER-OF-PROGRAMS FOLDER-OF-PACKAGES (nginx_packages.sh fills it).
# Uses state folders of its own and removes them at the end.
set -euo pipefail

bin=$(readlink -f "$1")
packages=$(readlink -f "$2")
instances=(old new moved)
# shellcheck source=tests/demo/two_nodes.sh
. "$(dirname "$(readlink -f "$0")")/two_nodes.sh"

# Everything that an installation could have touched.
host_state() {
  { command -v nginx || echo none
    sha256sum /var/lib/dpkg/status
    find /etc/nginx /usr/share/nginx /usr/sbin/nginx /var/lib/nginx -printf '%p %s %C@\n' 2>/dev/null || true
  } | sha256sum
}

address_of() { # ROOT AID
  on "$1" inspect "$2" --json | python3 -c '
import json, sys
found = json.load(sys.stdin)
print((found[0] if isinstance(found, list) else found)["address"])'
}
page_of() { # ADDRESS : what port 80 answers, when it does
  python3 - "$1" "$deadline_s" <<'PYTHON'
import sys, time, urllib.request
end = time.monotonic() + float(sys.argv[2])
while True:
    try:
        answer = urllib.request.urlopen(f"http://{sys.argv[1]}:80/", timeout=5)
        print(f"{answer.headers['Server']}: {answer.read().decode().strip()}")
        break
    except OSError:
        if time.monotonic() > end:
            raise
PYTHON
}

before=$(host_state)
heading "Two versions of nginx are installed, each in an environment of its own, by Debian's own installer"
for name in old new; do
  version=$(cat "$packages/$name/version")
  run "$here" env create "nginx-$name"
  run "$here" env install -v "$packages/$name:/packages:ro" "nginx-$name" -- \
    sh -c "dpkg -i /packages/*.deb && echo 'this is $version' > /var/www/html/index.html" > "$scratch/$name.log" 2>&1 ||
    { cat "$scratch/$name.log" >&2; die "the installation has failed"; }
  on "$here" env exec "nginx-$name" -- dpkg-query -W nginx
done
run "$here" env ls
[ "$(host_state)" = "$before" ] || die "the host has changed"
echo "The host is as it was: its nginx is $(command -v nginx || echo none)."

heading "What the second installation has changed"
on "$here" env diff nginx-new > "$scratch/diff"
head -n 5 "$scratch/diff"
echo "… $(wc -l < "$scratch/diff") files and folders"

heading "Both run at the same time, each on port 80"
for name in old new; do
  run "$here" run -d --name "$name" --env "nginx-$name" -- nginx -g 'daemon off;'
done
for name in old new; do
  page=$(page_of "$(address_of "$here" "$name")")
  printf '%s: %s\n' "$name" "$page"
  case $page in *"this is $(cat "$packages/$name/version")") ;; *) die "that is another version" ;; esac
done
run "$here" ps

heading "One is exported, and runs on another node, where nothing was installed"
run "$here" env export nginx-old "$scratch/nginx.env"
ls -sh "$scratch/nginx.env"
run "$there" env import "$scratch/nginx.env"
run "$there" run -d --name moved --env nginx-old -- nginx -g 'daemon off;'
page=$(page_of "$(address_of "$there" moved)")
echo "$page"
case $page in *"this is $(cat "$packages/old/version")") ;; *) die "that is another version" ;; esac

heading "An environment that is removed leaves nothing"
run "$here" rm -f new
run "$here" env rm nginx-new
end=$((SECONDS + deadline_s))
while [ "$(find "$here/lib/layers" -mindepth 1 -maxdepth 1 | wc -l)" -gt 1 ]; do
  [ "$SECONDS" -lt "$end" ] || die "its files are still there"
  read -r -t 0.1 <> <(:) || true
done
run "$here" env ls
[ "$(host_state)" = "$before" ] || die "the host has changed"
echo "The host is as it was."
