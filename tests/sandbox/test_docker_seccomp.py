"""The checked-in seccomp profile denies everything that the design denies."""

from __future__ import annotations

import json
from typing import Any

import pytest

from grader.sandbox.docker.image import PROJECT
from scripts.derive_seccomp import ARCHITECTURES, DENIED, FAMILIES, derive

CHECKED_IN = PROJECT / "grader/sandbox/docker/seccomp.json"
UPSTREAM = PROJECT / "scripts/moby-20.10.24-seccomp.json"
# In the words of the design, and written out: a call that leaves the script's list is missed here.
NAMED = {
    "ptrace", "process_vm_readv", "process_vm_writev", "pidfd_getfd", "kcmp",
    "io_uring_setup", "io_uring_enter", "io_uring_register",
    "keyctl", "add_key", "request_key", "userfaultfd", "bpf", "perf_event_open",
    "mount", "umount", "umount2", "mount_setattr", "move_mount", "open_tree", "fsopen", "fsmount",
    "unshare", "setns", "pivot_root", "chroot", "name_to_handle_at", "open_by_handle_at",
    "kexec_load", "kexec_file_load", "init_module", "finit_module", "delete_module", "reboot",
    "syslog", "acct", "swapon", "swapoff", "sethostname", "clock_settime", "settimeofday",
    "iopl", "ioperm", "modify_ldt", "vmsplice", "memfd_secret", "socketcall", "ipc",
}  # fmt: skip
NEW_NAMESPACES = 0x7E020000


@pytest.fixture(scope="module")
def profile() -> dict[str, Any]:
    found: dict[str, Any] = json.loads(CHECKED_IN.read_text())
    return found


def allowed(profile: dict[str, Any], name: str) -> list[list[dict[str, Any]]]:
    """Return the conditions of each rule that allows this call; [] if no rule does."""
    return [
        rule.get("args", [])
        for rule in profile["syscalls"]
        if name in rule["names"] and rule["action"] == "SCMP_ACT_ALLOW"
    ]


def test_calls_without_a_rule_are_refused(profile: dict[str, Any]) -> None:
    assert profile["defaultAction"] == "SCMP_ACT_ERRNO"
    assert {rule["action"] for rule in profile["syscalls"]} <= {"SCMP_ACT_ALLOW", "SCMP_ACT_ERRNO"}
    assert [one for one in profile["archMap"] if one["subArchitectures"]] == []
    assert [one["architecture"] for one in profile["archMap"]] == list(ARCHITECTURES)


def test_no_rule_allows_what_the_design_denies(profile: dict[str, Any]) -> None:
    assert {name for name in NAMED | DENIED if allowed(profile, name)} == set()


def test_sockets_are_of_three_families_and_no_other(profile: dict[str, Any]) -> None:
    for name in ("socket", "socketpair"):
        conditions = allowed(profile, name)
        assert all(len(one) == 1 and one[0]["op"] == "SCMP_CMP_EQ" for one in conditions)
        assert {(one[0]["index"], one[0]["value"]) for one in conditions} == {
            (0, family) for family in FAMILIES.values()
        }
    assert sorted(FAMILIES.values()) == [1, 2, 10]


def test_clone_makes_no_namespace_and_clone3_whose_flags_cannot_be_seen_is_not_there(
    profile: dict[str, Any],
) -> None:
    (condition,) = allowed(profile, "clone")
    assert condition == [
        {"index": 0, "value": NEW_NAMESPACES, "op": "SCMP_CMP_MASKED_EQ"}   # and masked it is 0
    ]
    assert allowed(profile, "clone3") == []


def test_a_process_sets_limits_of_its_own_only(profile: dict[str, Any]) -> None:
    assert allowed(profile, "prlimit64") == [[{"index": 0, "value": 0, "op": "SCMP_CMP_EQ"}]]


def test_a_rule_for_those_with_a_capability_is_left_out() -> None:
    upstream = {"syscalls": [
        {"names": ["read", "ptrace"], "action": "SCMP_ACT_ALLOW", "args": [], "includes": {}},
        {"names": ["bpf"], "action": "SCMP_ACT_ALLOW", "includes": {"caps": ["CAP_BPF"]}},
        {"names": ["quotactl"], "action": "SCMP_ACT_ALLOW", "includes": {"caps": ["CAP_X"]}},
        {"names": ["s390"], "action": "SCMP_ACT_ALLOW", "includes": {"arches": ["s390x"]}},
    ]}  # fmt: skip
    derived = derive(upstream)
    assert allowed(derived, "read") == [[]]
    assert not any(allowed(derived, name) for name in ("ptrace", "bpf", "quotactl", "s390"))


def test_the_profile_is_what_the_script_makes_of_docker_s_default(profile: dict[str, Any]) -> None:
    assert derive(json.loads(UPSTREAM.read_text())) == profile
