"""Reads the memory, environment, descriptors and root of process 1 and its like, and attaches."""
# on top of: honest
# must: N
import ctypes
import os
import platform
import signal

PRIVATE = ("environ", "maps", "smaps", "mem", "pagemap", "auxv", "stack", "syscall", "personality",
           "map_files", "fd", "fdinfo", "root", "cwd", "exe", "ns/mnt", "io")
ATTACH, SEIZE = 16, 0x4206
honest = layer_parameter_counts


def readable(path):
    try:
        if os.path.islink(path):
            return bool(os.readlink(path))
        if os.path.isdir(path):
            return bool(os.listdir(path))
        with open(path, "rb", buffering=0) as file:
            # Of memory, to have it open is enough: what is read depends on where.
            return path.endswith("mem") or bool(file.read(64))
    except OSError:
        return False


def writable(path):
    """Written to, not only opened: some of its files open for everybody and refuse what comes."""
    try:
        with open(path, "wb", buffering=0) as file:
            return file.write(b"1") > 0
    except OSError:
        return False


def others():
    """Every process and thread that is not this one."""
    for pid in filter(str.isdigit, os.listdir("/proc")):
        if int(pid) != os.getpid():
            yield f"/proc/{pid}"
            yield from (f"/proc/{pid}/task/{task}" for task in os.listdir(f"/proc/{pid}/task"))


def attached(pid):
    if platform.machine() != "x86_64":
        return []
    calls = {
        "ptrace attach": (101, ATTACH, pid, 0, 0), "ptrace seize": (101, SEIZE, pid, 0, 0),
        "process_vm_readv": (310, pid, 0, 0, 0, 0, 0),
        "pidfd_getfd": (438, os.pidfd_open(pid), 0, 0),
    }
    libc = ctypes.CDLL(None)
    return [f"{name} {pid}" for name, call in calls.items()
            if libc.syscall(*map(ctypes.c_long, call)) >= 0]


def layer_parameter_counts(model):
    found = [f"{process}/{name}" for process in others() for name in PRIVATE
             if readable(f"{process}/{name}")]
    found += [f"write {process}/{name}" for process in others() for name in os.listdir(process)
              if writable(f"{process}/{name}")]
    sibling = os.fork()
    if sibling == 0:
        signal.pause()
    found += [*attached(1), *attached(os.getppid()), *attached(sibling)]
    os.kill(sibling, 9)
    os.waitpid(sibling, 0)
    if found:
        raise RuntimeError(f"another process: {found[:20]}")
    return honest(model)
