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
  echo "setup.sh: this image has no Python 3.11, 3.12 or 3.13; choose a base image with a newer" \
       "distribution (Ubuntu 22.04 or later)" >&2
  exit 1
fi

"$python" -m venv "$source/venv"
pip=("$source/venv/bin/pip" install --no-cache-dir --disable-pip-version-check)
# torch first, from the index that `grader export autograder --torch-index` named, if any.
torch_index="$(cat "$source/torch-index.txt")"
"${pip[@]}" ${torch_index:+--index-url "$torch_index"} -r "$source/torch.txt"
"${pip[@]}" -r "$source/requirements.txt"

# Students' code runs as another user: it may read the grader and must not read the homework.
chmod -R a+rX "$source/venv" "$source/grader"
chmod -R go-rwx "$source/homework"
"$source/venv/bin/python" -m compileall -q "$source/grader"

# Programs that run as root for whoever starts them: the grader and Gradescope are root anyway.
find "${IMAGE_ROOT:-/}" -xdev -type f -perm /6000 -exec chmod ug-s {} +
