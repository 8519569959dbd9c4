"""Compiles the containers' seccomp profile for launchers that have no engine to do it."""

from __future__ import annotations

import errno
import json
import platform
import tempfile
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from grader.errors import UsageError

PROFILE = Path(__file__).parent.parent / "docker" / "seccomp.json"
# What the profile calls an architecture, by the kernel's name for it.
_ARCHITECTURES = {"x86_64": "amd64", "aarch64": "arm64"}


def compiled() -> bytes:
    """Return the profile as a program for this machine's kernel and processor.

    Raises:
        UsageError: libseccomp is missing, or the profile is for other processors.
    """
    try:
        import pyseccomp
    except (ImportError, OSError, RuntimeError) as error:
        raise UsageError(
            f"the seccomp filter cannot be compiled: {error}. Install libseccomp 2 (Debian: "
            "libseccomp2, Fedora and RHEL: libseccomp) and pyseccomp on this machine."
        ) from None
    processor = platform.machine()
    if processor not in _ARCHITECTURES:
        raise UsageError(
            f"{PROFILE} has no rules for {processor}, only for {' and '.join(_ARCHITECTURES)}"
        )
    rules = pyseccomp.SyscallFilter(pyseccomp.ERRNO(errno.EPERM))
    for rule in json.loads(PROFILE.read_text(encoding="utf-8"))["syscalls"]:
        wanted = rule.get("includes", {}).get("arches")
        if wanted is None or _ARCHITECTURES[processor] in wanted:
            _add(pyseccomp, rules, rule)
    with tempfile.TemporaryFile() as file:
        rules.export_bpf(file)
        file.seek(0)
        return file.read()


def _add(pyseccomp: Any, rules: Any, rule: Mapping[str, Any]) -> None:
    """Add one entry of the profile. Calls that libseccomp does not know stay denied."""
    action = pyseccomp.ALLOW
    if rule["action"] == "SCMP_ACT_ERRNO":
        action = pyseccomp.ERRNO(rule.get("errnoRet", errno.EPERM))
    arguments = list(_arguments(pyseccomp, rule.get("args", ())))
    for name in rule["names"]:
        try:
            number = pyseccomp.resolve_syscall(pyseccomp.Arch.NATIVE, name)
        except (OSError, ValueError):
            continue
        if number >= 0:
            rules.add_rule(action, number, *arguments)


def _arguments(pyseccomp: Any, arguments: Iterable[Mapping[str, Any]]) -> Iterable[Any]:
    for one in arguments:
        if one["op"] == "SCMP_CMP_EQ":
            yield pyseccomp.Arg(one["index"], pyseccomp.EQ, one["value"])
        elif one["op"] == "SCMP_CMP_MASKED_EQ":
            mask, result = one["value"], one.get("valueTwo", 0)
            yield pyseccomp.Arg(one["index"], pyseccomp.MASKED_EQ, mask, result)
        else:
            raise ValueError(f"{PROFILE}: the comparison {one['op']} is not known here")
