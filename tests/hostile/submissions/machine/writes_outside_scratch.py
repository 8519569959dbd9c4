"""Writes everywhere: a file in every folder, and over its inputs, the worker, torch and /etc."""
# on top of: honest
# must: N
import glob
import os

NOT_HERE = {"/tmp", "/dev/shm", "/proc", "/sys"}   # scratch, and what other cases try
TARGETS = ["/etc/passwd", "/etc/hosts", "/etc/hostname", "/etc/resolv.conf", "/etc/ld.so.preload",
           "/bin/sh", "/usr/bin/env", "/.dockerenv", "/opt/venv/bin/python", "/opt/venv/pyvenv.cfg",
           *glob.glob("/submission/**", recursive=True), *glob.glob("/data/**", recursive=True),
           *glob.glob("/opt/grader/**/*.py*", recursive=True),
           *glob.glob("/opt/venv/lib/python3*/site-packages/torch*/*.py")]
honest = layer_parameter_counts


def create(folder):
    os.close(os.open(os.path.join(folder, "mine"), os.O_WRONLY | os.O_CREAT, 0o600))


def append(path):
    os.close(os.open(path, os.O_WRONLY | os.O_APPEND))


CHANGES = {
    "append to": append, "truncate": lambda path: os.truncate(path, 0), "remove": os.unlink,
    "chmod": lambda path: os.chmod(path, 0o777), "touch": os.utime,
    "rename": lambda path: os.rename(path, path + ".old"),
    "link to": lambda path: os.link(path, path + ".link"),
}


def works(attempt, path):
    try:
        attempt(path)
    except OSError:
        return False
    return True


def folders():
    for folder, inner, _ in os.walk("/"):
        inner[:] = [name for name in inner if os.path.join(folder, name) not in NOT_HERE]
        yield folder


def layer_parameter_counts(model):
    found = [f"create in {folder}" for folder in folders() if works(create, folder)]
    found += [f"{name} {path}" for name, change in CHANGES.items() for path in TARGETS
              if works(change, path)]
    if found:
        raise RuntimeError(f"written: {len(found)}, {found[:20]}")
    return honest(model)
