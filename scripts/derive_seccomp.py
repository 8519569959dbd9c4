#!/usr/bin/env python3
"""Makes grader/sandbox/docker/seccomp.json from the default profile of Docker.

    python scripts/derive_seccomp.py scripts/moby-20.10.24-seccomp.json > seccomp.json

docs/docker.md says where the upstream file comes from, what is removed, and why.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

Rule = dict[str, Any]

# No 32-bit sub-architectures: their socketcall() would evade the rules on socket()'s arguments, and
# students' code needs no 32-bit system call.
ARCHITECTURES = ("SCMP_ARCH_X86_64", "SCMP_ARCH_AARCH64")
ARCHES = {"amd64", "arm64"}

# System calls that the default profile allows, and that training does not need.
DENIED = {
    # another process's memory and state
    "ptrace", "process_vm_readv", "process_vm_writev", "process_madvise", "pidfd_getfd", "kcmp",
    # a second way to do I/O, which evades every filter on system calls
    "io_uring_setup", "io_uring_enter", "io_uring_register",
    # the kernel's keyrings, which are shared by everything of one uid
    "keyctl", "add_key", "request_key",
    # common in kernel exploits: stop the kernel in the middle of a copy, map the zero page
    "userfaultfd", "vmsplice", "memfd_secret", "modify_ldt", "remap_file_pages",
    # other roots, mounts and namespaces (most need a capability as well)
    "mount", "umount", "umount2", "unshare", "setns", "pivot_root", "chroot",
    "name_to_handle_at", "open_by_handle_at",
    # the kernel itself
    "bpf", "perf_event_open", "kexec_load", "kexec_file_load", "syslog", "acct",
    "swapon", "swapoff",
    # multiplexers, which hide the call that is made
    "socketcall", "ipc", "syscall",
}  # fmt: skip

# Address families that socket() may open: AF_UNIX for the workers of a DataLoader, AF_INET and
# AF_INET6 for the container's loopback interface. Not AF_NETLINK, AF_VSOCK, AF_PACKET, AF_ALG ...
FAMILIES = {"AF_UNIX": 1, "AF_INET": 2, "AF_INET6": 10}
SOCKETS = {"socket", "socketpair"}

# Allowed for the calling process only, which has the pid 0 here. All processes of a container have
# one user, who could otherwise set the limits of the worker's supervisor.
FOR_ITSELF = {"prlimit64"}


def derive(upstream: Rule) -> Rule:
    """Returns upstream's rules for a process without capabilities, less the denied calls."""
    rules = [narrow(rule) for rule in upstream["syscalls"] if applies(rule)]
    rules = [rule for rule in rules if rule["names"]]
    rules += [allow_where(SOCKETS, family, name) for name, family in FAMILIES.items()]
    rules += [allow_where(FOR_ITSELF, 0, "of the calling process")]
    return {
        "defaultAction": "SCMP_ACT_ERRNO",
        "archMap": [
            {"architecture": name, "subArchitectures": []} for name in ARCHITECTURES
        ],
        "syscalls": rules,
    }


def applies(rule: Rule) -> bool:
    """True for a rule about processes without capabilities on one of our architectures."""
    includes, excludes = rule.get("includes") or {}, rule.get("excludes") or {}
    wanted = set(includes.get("arches") or ARCHES)
    return not includes.get("caps") and bool(wanted & ARCHES - set(excludes.get("arches") or ()))


def narrow(rule: Rule) -> Rule:
    """Returns the rule without the denied calls, and without conditions that are always true."""
    narrowed: Rule = {
        "names": [name for name in rule["names"] if name not in DENIED | SOCKETS | FOR_ITSELF],
        "action": rule["action"],
    }
    if "errnoRet" in rule:
        narrowed["errnoRet"] = rule["errnoRet"]
    if rule.get("args"):
        narrowed["args"] = rule["args"]
    if arches := (rule.get("includes") or {}).get("arches"):
        narrowed["includes"] = {"arches": sorted(ARCHES & set(arches))}
    return narrowed


def allow_where(names: set[str], first: int, comment: str) -> Rule:
    """Returns a rule that allows `names` if their first argument is `first`."""
    return {
        "names": sorted(names),
        "action": "SCMP_ACT_ALLOW",
        "args": [{"index": 0, "value": first, "op": "SCMP_CMP_EQ"}],
        "comment": comment,
    }


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    profile = derive(json.loads(Path(sys.argv[1]).read_text()))
    print(json.dumps(profile, indent=1))
