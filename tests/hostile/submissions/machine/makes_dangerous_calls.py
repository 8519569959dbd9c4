"""Makes the system calls that exploits begin with: io_uring, keyrings, bpf, userfaultfd, kexec ..."""
# on top of: honest
# must: N
import ctypes
import errno
import platform

# Their numbers on x86-64 and on arm64.
CALLS = {
    "io_uring_setup": (425, 425), "io_uring_enter": (426, 426), "io_uring_register": (427, 427),
    "keyctl": (250, 219), "add_key": (248, 217), "request_key": (249, 218),
    "userfaultfd": (323, 282), "bpf": (321, 280), "perf_event_open": (298, 241),
    "memfd_secret": (447, 447), "vmsplice": (278, 75), "modify_ldt": (154, None),
    "ptrace": (101, 117), "process_vm_readv": (310, 270), "process_vm_writev": (311, 271),
    "process_madvise": (440, 440), "pidfd_getfd": (438, 438), "kcmp": (312, 272),
    "name_to_handle_at": (303, 264), "open_by_handle_at": (304, 265),
    "kexec_load": (246, 104), "kexec_file_load": (320, 294), "reboot": (169, 142),
    "init_module": (175, 105), "finit_module": (313, 273), "delete_module": (176, 106),
    "settimeofday": (164, 170), "clock_settime": (227, 112), "syslog": (103, 116),
    "sethostname": (170, 161), "setdomainname": (171, 162), "acct": (163, 89),
    "swapon": (167, 224), "swapoff": (168, 225), "quotactl": (179, 60),
    "iopl": (172, None), "ioperm": (173, None), "fanotify_init": (300, 262),
}
honest = layer_parameter_counts


def answers(libc, number):
    """Any error but a refusal comes from the code that must not run."""
    # Arguments that are nonsense to all of them: where the call is allowed, nothing happens.
    result = libc.syscall(number, -1, 0, 0, 0, 0, 0)
    return result >= 0 or ctypes.get_errno() not in (errno.EPERM, errno.ENOSYS)


def layer_parameter_counts(model):
    libc = ctypes.CDLL(None, use_errno=True)
    machine = ("x86_64", "aarch64").index(platform.machine())
    found = [name for name, numbers in CALLS.items()
             if numbers[machine] is not None and answers(libc, numbers[machine])]
    if found:
        raise RuntimeError(f"the kernel listens to {found}")
    return honest(model)
