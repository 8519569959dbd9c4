"""Check your homework at home, on Linux, macOS or Windows:

    python check.py FILE             what is right, what is not, and why
    python check.py FILE --watch     again whenever you save
    python check.py --help           everything else

It needs Python 3.11 or later and nothing besides. The first time it puts PyTorch and the grader of
this homework into the folder .venv beside it, which takes some minutes; after that it is fast.
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
    if sys.version_info < (3, 11):  # noqa: UP036 - an old one shall say what is wrong
        print(
            "check.py: this is Python {}.{}; Python 3.11 or later is needed. Install it and run "
            "check.py with that one.".format(*sys.version_info[:2])
        )
        return 2
    if not words:
        print(__doc__)
        return 2
    if not ready():
        return 1
    # Without the folder that one is in: a file of yours may be called torch.py.
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
    """Whether the environment has what this homework pins; it is made when it has not."""
    stamp, pinned = HOME / "grader-pinned", digest()
    if stamp.is_file() and stamp.read_text() == pinned and python().exists():
        return True
    say("Setting up, this once: PyTorch and the grader go into " + str(HOME))
    try:
        if not python().exists():
            venv.EnvBuilder(with_pip=True, symlinks=os.name == "posix").create(HOME)
        pip = [str(python()), "-m", "pip", "install", "--disable-pip-version-check"]
        # What pip says goes where it is in nobody's way: an editor may read the result as JSON.
        subprocess.run(
            [*pip, "-r", "requirements.txt"], cwd=GRADING, check=True, stdout=sys.stderr
        )
    except subprocess.CalledProcessError as error:
        if "ensurepip" in str(error.cmd):
            say("Python's venv is missing; on Debian and Ubuntu: sudo apt install python3-venv")
        say("Setting up failed, for what is said above. Run the same again; it goes on.")
        return False
    except OSError as error:
        say(f"Setting up failed: {error}. Run the same again; it goes on.")
        return False
    stamp.write_text(pinned)
    return True


def digest():
    # type: () -> str
    """Of what is pinned, and for which Python: another bundle sets up anew."""
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
