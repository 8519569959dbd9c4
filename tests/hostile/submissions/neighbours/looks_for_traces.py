"""Looks for what `leaves_traces.py` leaves, in every place, for some seconds."""
# on top of: honest
# must: N
import contextlib
import fcntl
import glob
import os
import socket
import struct
import time

import torch

MARK = "left-by-a-neighbour"
KEY, PORT = 0x67726164, 46371
SECONDS = 3.0
honest = layer_parameter_counts


def files():
    for folder, folders, names in os.walk("/"):
        if folder == "/":
            folders[:] = [name for name in folders if name not in ("proc", "sys", "opt", "usr")]
        yield from (f"{folder}/{name}" for name in names if MARK in name)
    for place in ("/opt/venv/bin", "/opt/grader", *glob.glob("/opt/venv/lib/*/site-packages")):
        yield from glob.glob(f"{place}/*{MARK}*")


def changed_inputs():
    for path in glob.glob("/data/*") + glob.glob("/submission/*"):
        with open(path, "rb") as file:
            file.seek(max(0, os.path.getsize(path) - len(MARK)))
            if file.read() == MARK.encode():
                yield f"changed {path}"


def locks():
    for path in (*glob.glob("/data/*"), torch.__file__):
        with open(path, "rb") as file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                yield f"lock on {path}"
            asked = struct.pack("hhqqi4x", fcntl.F_WRLCK, os.SEEK_SET, 0, 0, 0)
            if struct.unpack("hhqqi4x", fcntl.fcntl(file, fcntl.F_GETLK, asked))[0] != fcntl.F_UNLCK:
                yield f"record lock on {path}"
    # The whole machine's, if they can be read at all.
    with contextlib.suppress(OSError), open("/proc/locks") as file:
        yield from (f"locks: {line.strip()}" for line in file)


def shared_objects():
    """POSIX's are found among the files."""
    for kind in ("shm", "sem", "msg"):
        with open(f"/proc/sysvipc/{kind}") as file:
            yield from (f"System V {kind}" for line in file if line.split()[0] == str(KEY))


def keys():
    with contextlib.suppress(OSError), open("/proc/keys") as file:
        yield from (f"key {line.strip()}" for line in file if MARK in line)


def sockets():
    with open("/proc/net/unix") as file:
        yield from (f"socket {line.split()[-1]}" for line in file if MARK in line)
    with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", PORT), 0.2):
        yield f"port {PORT}"


def daemon():
    for path in glob.glob("/proc/[0-9]*/cmdline"):
        with contextlib.suppress(OSError), open(path, "rb") as file:
            if MARK.encode() in file.read():
                yield f"process {path}"


def gpu_memory():
    """Fresh memory of the GPU, as it comes: all of it that is free but a little."""
    if torch.cuda.is_available():
        free, _ = torch.cuda.mem_get_info()
        if (torch.empty(int(free * 0.9) // 4, device="cuda") == 1234.5).any():
            yield "GPU memory"


def layer_parameter_counts(model):
    until = time.monotonic() + SECONDS
    found = list(gpu_memory())
    while not found:
        found = [trace for look in (files, changed_inputs, locks, shared_objects, keys, sockets,
                                    daemon) for trace in look()]
        if time.monotonic() > until:   # a busy machine gets one look, too
            break
        time.sleep(0.1)
    if found:
        raise RuntimeError(f"of a neighbour: {found}")
    return honest(model)
