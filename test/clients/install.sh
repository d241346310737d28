#!/usr/bin/env bash
# Installs pinned Python packages for tests against real clients and servers, each set in a virtual environment of its
# own outside the tree: `test/clients/install.sh tritonclient kserve` reads tritonclient.txt and kserve.txt beside this
# file. Nothing is done again for a set that is there already; without names it prints where the environments are.
set -euo pipefail
here="$(cd "$(dirname "$0")" && pwd)"
root="${XDG_CACHE_HOME:-$HOME/.cache}/flyball-test/python"

[ $# -gt 0 ] || { echo "$root"; exit 0; }

for name in "$@"; do
  requirements="$here/$name.txt"
  [ -f "$requirements" ] || { echo "install.sh: expected a set of test/clients/*.txt, got $name" >&2; exit 2; }
  place="$root/$name"
  wanted="$(python3 --version) $(sha256sum <"$requirements")"
  [ "$(cat "$place/installed" 2>/dev/null || true)" = "$wanted" ] && continue
  rm -rf "$place"
  python3 -m venv "$place"
  "$place/bin/pip" install --quiet --disable-pip-version-check --no-input --only-binary :all: --no-deps --no-compile -r "$requirements"
  # Last, so that what was broken off is begun again.
  echo "$wanted" >"$place/installed"
done
