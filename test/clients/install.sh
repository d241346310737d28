#!/usr/bin/env bash
# Installs pinned Python packages for tests against real clients and servers, each set in a virtual environment of its
# own outside the tree, all at once: `test/clients/install.sh tritonclient kserve` reads tritonclient.txt and kserve.txt
# beside this file. Nothing is done again for a set that is there already; without names it prints where the environments
# are.
set -euo pipefail
here="$(cd "$(dirname "$0")" && pwd)"
root="${XDG_CACHE_HOME:-$HOME/.cache}/flyball-test/python"

[ $# -gt 0 ] || { echo "$root"; exit 0; }

missing=()
for name in "$@"; do
  requirements="$here/$name.txt"
  [ -f "$requirements" ] || { echo "install.sh: expected a set of test/clients/*.txt, got $name" >&2; exit 2; }
  wanted="$(python3 --version) $(sha256sum <"$requirements")"
  [ "$(cat "$root/$name/installed" 2>/dev/null || true)" = "$wanted" ] || missing+=("$name")
done
[ ${#missing[@]} -gt 0 ] || exit 0

# One pip for all of them: it is the slowest part of an environment.
pip="$root/.pip/bin/pip"
[ -x "$pip" ] || { rm -rf "$root/.pip"; python3 -m venv "$root/.pip"; }

install() {
  local requirements="$here/$1.txt" place="$root/$1"
  rm -rf "$place"
  python3 -m venv --without-pip "$place"
  "$pip" --python "$place/bin/python" install --quiet --disable-pip-version-check --no-input --only-binary :all: \
    --no-deps --no-compile -r "$requirements"
  # Last, so that what was broken off is begun again.
  echo "$(python3 --version) $(sha256sum <"$requirements")" >"$place/installed"
}

running=()
for name in "${missing[@]}"; do
  install "$name" &
  running+=($!)
done
status=0
for pid in "${running[@]}"; do wait "$pid" || status=1; done
exit $status
