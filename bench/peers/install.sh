#!/usr/bin/env bash
# Installs the Python servers that `npm run bench -- peers` compares with, at pinned versions, outside the tree.
# Each has an environment of its own, since their requirements contradict each other. Prints the folder.
set -euo pipefail
cd "$(dirname "$0")"
root="${FLYBALL_PEERS:-${XDG_CACHE_HOME:-$HOME/.cache}/flyball-peers}"
mkdir -p "$root"
install() { # name, then requirements
  local name=$1 mark
  shift
  mark=$(printf '%s\n' "$@" | sha256sum | cut -c1-16)
  [ "$(cat "$root/$name/.installed" 2>/dev/null)" = "$mark" ] && return 0
  rm -rf "${root:?}/$name"
  python3 -m venv "$root/$name"
  "$root/$name/bin/pip" install --quiet --disable-pip-version-check "$@" || { echo "$name could not be installed" >&2; return 0; }
  echo "$mark" > "$root/$name/.installed"
}
runtime='onnxruntime==1.23.2 numpy<2.4 pillow==12.0.0'
# shellcheck disable=SC2086
install fastapi $runtime fastapi==0.121.3 'uvicorn[standard]==0.38.0' orjson==3.11.4
# shellcheck disable=SC2086
install mlserver $runtime mlserver==1.7.1 uvloop==0.21.0
# shellcheck disable=SC2086
install litserve $runtime litserve==0.2.17
# shellcheck disable=SC2086
install bentoml $runtime bentoml==1.4.29
echo "$root"
