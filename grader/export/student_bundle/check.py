"""Check your homework at home, on Linux, macOS or Windows:

    python check.py FILE             check once
    python check.py FILE --watch     check again whenever you save
    python check.py --help           show all options

You need Python 3.11 or later. The first run installs PyTorch and the grader of this homework into
the folder .venv beside check.py, which takes some minutes. Later runs are fast.
"""

import hashlib
import os
import subprocess
import sys
import venv
from pathlib import Path

HERE = Path(__file__).resolve().parent
GRADING = HERE / "grading"
HOME = HERE / ".venv"


def main(words):
    # type: (list[str]) -> int
    if sys.version_info < (3, 11):  # noqa: UP036 - an old Python must say what is wrong
        print(
            "check.py: this is Python {}.{}, but Python 3.11 or later is needed. Install it and "
            "run check.py with it.".format(*sys.version_info[:2])
        )
        return 2
    if not words:
        print(__doc__)
        return 2
    if not ready():
        return 1
    # -P keeps the current folder off the path: a file in it may be called torch.py.
    command = [str(python()), "-P", "-m", "grader", "check", *words]
    command += ["--rubric", str(GRADING / "rubric.yaml")]
    if os.name == "posix":
        os.execv(command[0], command)
    try:
        return subprocess.run(command, check=False).returncode
    except KeyboardInterrupt:
        return 130


def ready():
    # type: () -> bool
    """Return True once .venv has what this homework pins; install that first if need be."""
    stamp, pinned = HOME / "grader-pinned", digest()
    if stamp.is_file() and stamp.read_text() == pinned and python().exists():
        return True
    say("First run: installing PyTorch and the grader into " + str(HOME))
    try:
        if not python().exists():
            venv.EnvBuilder(with_pip=True, symlinks=os.name == "posix").create(HOME)
        pip = [str(python()), "-m", "pip", "install", "--disable-pip-version-check"]
        # pip's output goes to stderr, since an editor may read the result from stdout as JSON.
        subprocess.run(
            [*pip, "-r", "requirements.txt"], cwd=GRADING, check=True, stdout=sys.stderr
        )
    except subprocess.CalledProcessError as error:
        if "ensurepip" in str(error.cmd):
            say("Python's venv is missing. On Debian and Ubuntu: sudo apt install python3-venv")
        say("The installation failed; see the message above. Run the command again to continue.")
        return False
    except OSError as error:
        say(f"The installation failed: {error}. Run the command again to continue.")
        return False
    stamp.write_text(pinned)
    return True


def digest():
    # type: () -> str
    """Return the digest of the requirements and of this Python; a new one means a new install."""
    pinned = hashlib.sha256((GRADING / "requirements.txt").read_bytes())
    pinned.update(sys.version.encode())
    return pinned.hexdigest()


def python():
    # type: () -> Path
    return HOME / ("bin/python" if os.name == "posix" else "Scripts/python.exe")


def say(text):
    # type: (str) -> None
    print(text, file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
