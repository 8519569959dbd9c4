"""Takes rights from a process on Linux for good, by Landlock, which needs no privileges for that."""

from __future__ import annotations

import ctypes
import os
import struct
import sys

_CREATE_RULESET, _ADD_RULE, _RESTRICT_SELF = 444, 445, 446   # system calls, on all architectures
_VERSION, _BENEATH_PATH, _NO_NEW_PRIVILEGES = 1, 1, 38
_READ = 1 << 2 | 1 << 3   # files and folders
_RIGHTS = {2: 14, 3: 15, 4: 15}   # how many a version knows; 16 from version 5 on
_TCP = 1 << 0 | 1 << 1   # bind and connect, from version 4 on


def keep_to_this_folder() -> bool:
    """Let this process write below its working folder only, start no program and use no TCP.

    Returns False if the kernel is too old (before 5.19), has it switched off, or is not Linux.
    Reading is not limited, since Python imports modules from many places when they are needed.
    """
    if sys.platform != "linux":
        return False
    libc = ctypes.CDLL(None, use_errno=True)
    libc.syscall.restype = ctypes.c_long
    libc.prctl(_NO_NEW_PRIVILEGES, 1, 0, 0, 0)
    version = libc.syscall(_CREATE_RULESET, None, ctypes.c_size_t(0), _VERSION)
    if version < 2:   # the first version lets nobody move a file to another folder
        return False
    rights = ((1 << _RIGHTS.get(version, 16)) - 1) & ~_READ
    handled = struct.pack("=QQ", rights, _TCP if version >= 4 else 0)
    rules = libc.syscall(_CREATE_RULESET, handled, ctypes.c_size_t(len(handled)), 0)
    here = os.open(".", os.O_PATH)
    libc.syscall(_ADD_RULE, rules, _BENEATH_PATH, struct.pack("=Qi", rights, here), 0)
    is_kept = libc.syscall(_RESTRICT_SELF, rules, 0) == 0
    os.close(rules)
    os.close(here)
    return is_kept
