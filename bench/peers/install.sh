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
  "${python:-python3}" -m venv "$root/$name"
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
# TorchServe's own requirement of PyTorch is met by bench/peers/torchserve/torch.py. It needs a Java runtime.
install torchserve --no-deps torchserve==0.12.0 onnxruntime==1.23.2 numpy==2.3.5 pillow==12.0.0 psutil==7.1.3 packaging==25.0 pyyaml==6.0.3 requests==2.32.5 urllib3==2.5.0 idna==3.11 certifi==2025.11.12 charset-normalizer==3.4.4 flatbuffers==25.9.23 coloredlogs==15.0.1 humanfriendly==10.0 protobuf==6.33.1 sympy==1.14.0 mpmath==1.3.0
if ! command -v java >/dev/null; then
  apt-get install -y -qq openjdk-17-jre-headless >/dev/null || echo 'no Java runtime for TorchServe' >&2
fi
# Its server brings no Python library: the system's own Python is the one whose library it finds.
if [ ! -x /usr/bin/python3 ] || ! ldconfig -p | grep -q libpython3; then
  apt-get install -y -qq python3-venv "libpython$(/usr/bin/python3 -c 'import sys; print("%d.%d" % sys.version_info[:2])')" >/dev/null ||
    echo 'no Python library for PyTriton' >&2
fi
# shellcheck disable=SC2086
python=/usr/bin/python3 install pytriton $runtime nvidia-pytriton==0.7.0
# shellcheck disable=SC2086
install ray $runtime 'ray[serve]==2.60.0' orjson==3.11.4
echo "$root"
