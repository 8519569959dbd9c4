"""Check your homework at home, on Linux, macOS or Windows:

    python check.py FILE             check once
    python check.py FILE --watch     check again whenever you save
    python check.py --help           show all options

You need Python 3.11 or later. The first run installs the packages of this homework and its grader
into the folder .venv beside check.py, which takes some minutes. Later runs are fast.
"""

import collections
import hashlib
import os
import re
import subprocess
import sys
import threading
import time
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
    say("First run: installing the packages of this homework into " + str(HOME))
    began = time.monotonic()
    try:
        if not python().exists():
            venv.EnvBuilder(with_pip=True, symlinks=os.name == "posix").create(HOME)
        code, last = install()
    except subprocess.CalledProcessError as error:
        if "ensurepip" in str(error.cmd):
            say("Python's venv is missing. On Debian and Ubuntu: sudo apt install python3-venv")
        say("The installation failed; see the message above. Run the command again to continue.")
        return False
    except OSError as error:
        say(f"The installation failed: {error}. Run the command again to continue.")
        return False
    if code:
        say("".join(last) + "The installation failed; see the message above. Run it again "
            "to continue.")
        return False
    say(f"Installed in {time.monotonic() - began:.0f} s.")
    stamp.write_text(pinned)
    return True


def install():
    # type: () -> tuple[int, collections.deque[str]]
    """Run pip behind a progress bar; return its exit code and the last lines that it printed."""
    pip = [str(python()), "-m", "pip", "install", "--disable-pip-version-check",
           "--no-input", "--progress-bar", "off", "-r", "requirements.txt"]
    process = subprocess.Popen(pip, cwd=str(GRADING), stdout=subprocess.PIPE,
                               stderr=subprocess.STDOUT, text=True, errors="replace")
    progress = Progress(HOME)
    last = collections.deque(maxlen=20)   # type: collections.deque[str]
    over = threading.Event()
    drawing = threading.Thread(target=progress.draw_until, args=(over,), daemon=True)
    drawing.start()
    try:
        for line in process.stdout or ():
            last.append(line)
            progress.read(line)
        return process.wait(), last
    except BaseException:
        process.kill()
        raise
    finally:
        over.set()
        drawing.join()


class Progress:
    """What pip has done so far, read from its output and from the folder that it fills.

    Each package counts twice: once when it is there to be installed, and once when it is installed.
    """

    def __init__(self, home):
        # type: (Path) -> None
        self.home = home
        self.wanted = set()   # type: set[str]
        self.fetched = 0
        self.text = "looking for packages"
        self.before = self._installed()

    def read(self, line):
        # type: (str) -> None
        word, _, rest = line.strip().partition(" ")
        if word in ("Collecting", "Processing"):
            self.wanted.add(rest)
        elif word in ("Downloading", "Using") and rest.split(" (")[0].endswith((".whl", ".tar.gz")):
            self.fetched += 1
            name = re.split(r"-\d", rest.replace("cached ", "").rsplit("/", 1)[-1])[0]
            size = re.search(r"\(([^)]+)\)", rest)
            self.text = name + (", " + size.group(1) if size else "")
        elif line.startswith("Installing collected packages"):
            self.wanted = set(rest.split(":", 1)[-1].replace(" ", "").split(","))
            self.fetched = len(self.wanted)
            self.text = f"installing {self.fetched} packages"

    def share(self):
        # type: () -> float
        """Return how much is done, between 0 and 1."""
        installed = min(self._installed() - self.before, len(self.wanted))
        fetched = min(self.fetched, len(self.wanted))
        return (fetched + installed) / max(1, 2 * len(self.wanted))

    def line(self, seconds):
        # type: (float) -> str
        done = round(30 * self.share())
        bar = "#" * done + "." * (30 - done)
        return f"[{bar}] {seconds:.0f} s, {self.text}"[:79]

    def draw_until(self, over):
        # type: (threading.Event) -> None
        """Redraw the bar each second in a terminal; print a line each 30 seconds elsewhere."""
        began, live = time.monotonic(), sys.stderr.isatty()
        while not over.wait(1 if live else 30):
            line = self.line(time.monotonic() - began)
            sys.stderr.write("\r" + line.ljust(79) if live else line + "\n")
            sys.stderr.flush()
        if live:
            sys.stderr.write("\r" + " " * 79 + "\r")

    def _installed(self):
        # type: () -> int
        return sum(1 for _ in self.home.glob("**/site-packages/*.dist-info"))


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
