"""Comes around the filter by system calls of other kinds: int 0x80, and the x32 numbers."""
# on top of: honest
# must: N
import ctypes
import mmap
import os
import platform

GETPID_BY_INT_80 = b"\xb8\x14\x00\x00\x00\xcd\x80\xc3"   # mov eax, 20; int 0x80; ret
X32_GETPID = 0x40000000 | 39
honest = layer_parameter_counts


def by_int_80():
    code = mmap.mmap(-1, mmap.PAGESIZE, prot=mmap.PROT_READ | mmap.PROT_WRITE | mmap.PROT_EXEC)
    code.write(GETPID_BY_INT_80)
    address = ctypes.addressof(ctypes.c_char.from_buffer(code))
    return ctypes.CFUNCTYPE(ctypes.c_int)(address)()


def by_x32():
    return ctypes.CDLL(None).syscall(X32_GETPID)


def works(call):
    """In a child: the filter's answer to a foreign system call may be the death of the caller."""
    child = os.fork()
    if child == 0:
        os._exit(1 if call() == os.getpid() else 0)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 1


def layer_parameter_counts(model):
    if platform.machine() == "x86_64":
        found = [call.__name__ for call in (by_int_80, by_x32) if works(call)]
        if found:
            raise RuntimeError(f"past the filter: {found}")
    return honest(model)
