#!/usr/bin/env bash
# Gradescope runs this once, as root, when it builds the image of an assignment.
set -euo pipefail
source="${AUTOGRADER:-/autograder}/source"
export DEBIAN_FRONTEND=noninteractive

python=""
for candidate in python3.13 python3.12 python3.11; do
  if command -v "$candidate" >/dev/null && "$candidate" -c "import ensurepip" 2>/dev/null; then
    python="$candidate"; break
  fi
done
if [ -z "$python" ]; then
  apt-get update
  for candidate in python3.13 python3.12 python3.11; do
    if apt-get install -y --no-install-recommends "$candidate" "$candidate-venv"; then
      python="$candidate"; break
    fi
  done
fi
if [ -z "$python" ]; then
  echo "setup.sh: no Python from 3.11 to 3.13 can be had here; choose a base image with a newer" \
       "distribution (Ubuntu 22.04 or later)" >&2
  exit 1
fi

"$python" -m venv "$source/venv"
pip=("$source/venv/bin/pip" install --no-cache-dir --disable-pip-version-check)
# torch first, from an index of wheels without CUDA where one was named when this was made.
torch_index="$(cat "$source/torch-index.txt")"
"${pip[@]}" ${torch_index:+--index-url "$torch_index"} -r "$source/torch.txt"
"${pip[@]}" -r "$source/requirements.txt"

# What students' code may read, and what it may not: it runs as a user of its own.
chmod -R a+rX "$source/venv" "$source/grader"
chmod -R go-rwx "$source/homework"
"$source/venv/bin/python" -m compileall -q "$source/grader"
