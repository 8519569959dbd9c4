"""Maps a tebibyte that is promised and not there, makes files without a name, and uses both."""
# must: L memory_limit
import mmap
import os


def layer_parameter_counts(model):
    noreserve = 0x4000
    flags = mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS | noreserve
    area = mmap.mmap(-1, 2**40, flags=flags)
    for start in range(0, 2**40, 2**20):
        os.write(os.memfd_create("unnamed"), b"x" * 2**20)
        area[start : start + 2**20] = b"x" * 2**20
