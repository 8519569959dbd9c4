"""Reads memory, environment and descriptors of every other process, and attaches to it."""
# on top of: honest
# must: N
import ctypes
import os

libc = ctypes.CDLL(None, use_errno=True)
ATTACH, SEIZE = 16, 0x4206
SHARED = id(None)   # a fork has the same addresses
honest = layer_parameter_counts


class Vector(ctypes.Structure):
    _fields_ = [("base", ctypes.c_void_p), ("length", ctypes.c_size_t)]


def opens(path):
    try:
        with open(path, "rb", buffering=0) as file:
            if path.endswith("/mem"):
                file.seek(SHARED)
            return len(file.read(64)) > 0
    except OSError:
        return False


def lists(path):
    try:
        return [os.readlink(os.path.join(path, name)) for name in os.listdir(path)]
    except OSError:
        return []


def peeks(pid):
    buffer = ctypes.create_string_buffer(64)
    mine = Vector(ctypes.addressof(buffer), 64)
    theirs = Vector(SHARED, 64)
    return libc.process_vm_readv(pid, ctypes.byref(mine), 1, ctypes.byref(theirs), 1, 0) > 0


def layer_parameter_counts(model):
    found = []
    for pid in [int(name) for name in os.listdir("/proc") if name.isdigit()]:
        if pid == os.getpid():
            continue
        for name in ("mem", "environ", "maps", "auxv"):
            found += [f"/proc/{pid}/{name}"] if opens(f"/proc/{pid}/{name}") else []
        found += [f"{pid} has {target}" for target in lists(f"/proc/{pid}/fd")]
        found += [f"process_vm_readv {pid}"] if peeks(pid) else []
        found += [f"seize {pid}"] if libc.ptrace(SEIZE, pid, None, None) == 0 else []
        found += [f"ptrace {pid}"] if libc.ptrace(ATTACH, pid, None, None) == 0 else []
    if found or not os.path.exists("/proc/1"):
        raise SystemExit(f"found {found}")
    return honest(model)
