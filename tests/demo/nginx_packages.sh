#!/usr/bin/env bash
# Two versions of Debian's nginx for the demo of environments: nginx_packages.sh FOLDER. They come from
# different archives, as a rule the release's and that of its security updates; into FOLDER/old and
# FOLDER/new. What is there already stays.
set -euo pipefail

folder=$1
mapfile -t versions < <(apt-cache madison nginx | awk -F' *[|] *' '/Packages/ && !seen[$2]++ { print $2 }')
[ "${#versions[@]}" -gt 0 ] || { echo "demo: no archive of packages has an nginx" >&2; exit 1; }

take() { # NAME VERSION
  [ -e "$folder/$1/version" ] && return
  mkdir -p "$folder/$1"
  (cd "$folder/$1" && apt-get -qq -o APT::Sandbox::User=root download "nginx=$2" "nginx-common=$2")
  echo "$2" > "$folder/$1/version"
}
take old "${versions[-1]}"
take new "${versions[0]}"
