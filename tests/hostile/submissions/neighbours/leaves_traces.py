"""Leaves something in every place that the next student, or one at the same time, might look at."""
# on top of: honest
# must: N
import contextlib
import fcntl
import glob
import os
import signal
import socket
import struct
import time

import torch

MARK = "left-by-a-neighbour"
KEY, PORT = 0x67726164, 46371
SECONDS = 3.0   # in which somebody else may look
honest = layer_parameter_counts
kept = []       # what would go with its last reference


def files():
    """Where it may write and where it may not: caches, site-packages, inputs, other homes."""
    home = os.path.expanduser("~")
    for folder in ("/tmp", "/var/tmp", "/dev/shm", "/dev/mqueue", "/run", "/submission", "/data", "/",
                   home, f"{home}/.cache/torch/hub", f"{home}/.cache/huggingface", "/root/.cache",
                   "/tmp/.cache/torch/hub/checkpoints", "/tmp/.config/matplotlib", "/opt/grader",
                   *glob.glob("/opt/venv/lib/python3*/site-packages"), "/opt/venv/bin"):
        with contextlib.suppress(OSError):
            os.makedirs(folder, exist_ok=True)
            with open(os.path.join(folder, MARK), "w") as file:
                file.write(MARK)


def changed_inputs():
    for path in glob.glob("/data/*") + glob.glob("/submission/*"):
        with contextlib.suppress(OSError), open(path, "ab") as file:
            file.write(MARK.encode())


def locks():
    for path in (*glob.glob("/data/*"), torch.__file__):
        file = open(path, "rb")
        kept.append(file)
        with contextlib.suppress(OSError):
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        for command in (fcntl.F_SETLK, fcntl.F_OFD_SETLK):   # of the process, of the open file
            lock = struct.pack("hhqqi4x", fcntl.F_RDLCK, os.SEEK_SET, 4, 2, 0)
            with contextlib.suppress(OSError):
                fcntl.fcntl(file, command, lock)


def shared_objects(libc):
    """System V's, and POSIX's, which are files in /dev/shm and /dev/mqueue."""
    libc.shmget(KEY, 4096, 0o1666)
    libc.semget(KEY, 1, 0o1666)
    libc.msgget(KEY, 0o1666)
    libc.shm_open(f"/shm.{MARK}".encode(), os.O_CREAT | os.O_RDWR, 0o666)
    libc.sem_open(f"/{MARK}".encode(), os.O_CREAT, 0o666, 1)
    libc.mq_open(f"/mq.{MARK}".encode(), os.O_CREAT | os.O_RDWR, 0o666, None)


def keys(libc):
    for ring in (-3, -4, -5):   # the session's, the user's, and the user's session's
        libc.syscall(248, b"user", MARK.encode(), b"x", 1, ring)


def sockets():
    for family, address in ((socket.AF_UNIX, f"\0{MARK}"), (socket.AF_INET, ("127.0.0.1", PORT)),
                            (socket.AF_UNIX, f"/tmp/{MARK}.sock")):
        with contextlib.suppress(OSError):
            one = socket.socket(family)
            one.bind(address)
            one.listen()
            kept.append(one)


def daemon():
    """Twice forked, a session of its own, deaf to signals; its name is in its command line."""
    if os.fork() == 0:
        os.setsid()
        if os.fork() == 0:
            for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
                signal.signal(number, signal.SIG_IGN)
            os.execvp("sh", ["sh", "-c", f": {MARK}; sleep 60; :"])
        os._exit(0)
    os.wait()


def gpu_memory():
    if torch.cuda.is_available():
        kept.append(torch.full((2**20,), 1234.5, device="cuda"))


def layer_parameter_counts(model):
    import ctypes
    libc = ctypes.CDLL(None)
    for leave in (files, changed_inputs, sockets, daemon, locks, gpu_memory):
        leave()
    shared_objects(libc)
    keys(libc)
    time.sleep(SECONDS)
    return honest(model)
