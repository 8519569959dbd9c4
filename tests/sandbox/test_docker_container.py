"""The container from outside, by `inspect`, and from inside, by code that runs in it."""

from __future__ import annotations

import dataclasses
import json
import os
import signal
import subprocess
import sys
import textwrap
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psutil
import pytest

from grader import wire
from grader.errors import GpuUnavailable, ImageMissing, SandboxError, UsageError
from grader.rubric.model import Limits
from grader.sandbox.base import Exit, Job
from grader.sandbox.docker import DockerSandbox, leftovers, resolve_gpus
from grader.sandbox.docker.inputs import Inputs
from grader.sandbox.docker.shares import Shares

pytestmark = pytest.mark.docker

LIMITS = Limits(seconds=60, memory_mib=512, cpus=1, pids=64, scratch_mib=32, output_kib=16)
Inside = Callable[..., Any]


@pytest.fixture
def job(tmp_path: Path) -> Job:
    return a_job(tmp_path)


def a_job(folder: Path) -> Job:
    for name in ("submission", "data"):
        (folder / name).mkdir(exist_ok=True)
        (folder / name / "hello.txt").write_text(name)
    folder.chmod(0o755)
    return Job("test", folder / "submission", (), LIMITS, folder / "data")


def run(sandbox: DockerSandbox, job: Job, code: str) -> tuple[str, Exit]:
    """Run Python code in a container. Returns its output, and how the container ended."""
    command = ("python", "-c", textwrap.dedent(code))
    with dataclasses.replace(sandbox, command=command).start(job, ()) as container:
        said = b""
        while piece := container.read(2**16):
            said += piece
        exit_ = container.stop()
        assert exit_.code is not None, f"{exit_.lost}: {container.stderr}"
        return said.decode() + container.stderr, exit_


def containers(sandbox: DockerSandbox, label: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = sandbox.engine.api.containers(
        all=True, filters={"label": f"{leftovers.RUN}={label}"}
    )
    return found


@pytest.fixture
def inside(docker_sandbox: DockerSandbox, job: Job) -> Inside:
    """Runs Python code in a container and returns the JSON that it prints."""

    def look(code: str) -> Any:
        said, exit_ = run(docker_sandbox, job, code)
        assert exit_ == Exit(0), said
        return json.loads(said)

    return look


# From the outside


def test_the_container_is_created_with_every_lock_on(
    docker_sandbox: DockerSandbox, job: Job
) -> None:
    command = ("sleep", "60")
    with dataclasses.replace(docker_sandbox, command=command).start(job, ()) as container:
        seen = docker_sandbox.engine.api.inspect_container(container.name)
    config, host = seen["Config"], seen["HostConfig"]
    assert config["User"] == "10001:10001"
    assert config["OpenStdin"] and config["StdinOnce"]
    assert host["NetworkMode"] == "none"
    assert host["IpcMode"] == host["CgroupnsMode"] == "private"
    assert host["ReadonlyRootfs"]
    assert {"/proc/kcore", "/proc/keys", "/proc/locks", "/sys/firmware"} <= set(host["MaskedPaths"])
    assert "/proc/sys" in host["ReadonlyPaths"]
    assert host["CapDrop"] == ["ALL"] and not host["CapAdd"]
    assert not host["Privileged"]
    assert "no-new-privileges:true" in host["SecurityOpt"]
    assert any(option.startswith('seccomp={"') for option in map(squeezed, host["SecurityOpt"]))
    assert host["Memory"] == host["MemorySwap"] == LIMITS.memory_mib * 2**20
    assert host["NanoCpus"] == LIMITS.cpus * 1e9
    assert host["PidsLimit"] == LIMITS.pids
    assert host["LogConfig"]["Type"] == "none"
    assert not host["AutoRemove"]
    assert {mount["Destination"]: mount["RW"] for mount in seen["Mounts"]} == {
        "/submission": False,
        "/data": False,
    }


def test_a_container_has_little_of_the_processor_only_beside_one_whose_turn_has_come(
    docker_sandbox: DockerSandbox, job: Job
) -> None:
    def shares(name: str) -> int:
        host = docker_sandbox.engine.api.inspect_container(name)["HostConfig"]
        return int(host["CpuShares"])

    command = ("sleep", "60")
    sandbox = dataclasses.replace(docker_sandbox, command=command, shares=Shares())
    with sandbox.start(job, ()) as second:
        assert shares(second.name) == 1024, "the machine's other users would starve it"
        with sandbox.start(job, ()) as first:
            first.full_speed()
            assert (shares(first.name), shares(second.name)) == (1024, 32)
            assert second.held_back and not first.held_back
            with sandbox.start(job, ()) as third:
                assert shares(third.name) == 32
                third.full_speed()
                assert shares(third.name) == 1024
        assert shares(second.name) == 1024 and not second.held_back
        spent = second.processor_seconds()
        assert spent is not None and spent < 5


def squeezed(text: str) -> str:
    return "".join(text.split())


def test_containers_side_by_side_have_the_same_data_in_folders_of_their_own(
    docker_sandbox: DockerSandbox, job: Job
) -> None:
    def data_of(container: Any) -> Path:
        mounts = docker_sandbox.engine.api.inspect_container(container.name)["Mounts"]
        (source,) = (one["Source"] for one in mounts if one["Destination"] == "/data")
        return Path(source)

    here = dataclasses.replace(docker_sandbox, command=("sleep", "60"), inputs=Inputs())
    with here.start(job, ()) as one, here.start(job, ()) as two:
        first, second = data_of(one), data_of(two)
    assert first == job.data and second != first
    assert (second / "hello.txt").read_text() == "data"
    with here.start(job, ()) as three:
        assert data_of(three) in (first, second), "a copy was made that nobody needs"
    assert sorted(second.parent.glob("data*")) == sorted([first, second])


def test_leaving_the_context_removes_the_container(docker_sandbox: DockerSandbox, job: Job) -> None:
    with docker_sandbox.start(job, ()):
        assert len(containers(docker_sandbox, docker_sandbox.run)) == 1
    assert containers(docker_sandbox, docker_sandbox.run) == []


def test_an_exception_in_the_context_removes_the_container_and_goes_on(
    docker_sandbox: DockerSandbox, job: Job
) -> None:
    with pytest.raises(KeyboardInterrupt), docker_sandbox.start(job, ()):
        raise KeyboardInterrupt
    assert containers(docker_sandbox, docker_sandbox.run) == []


def test_a_gpu_request_without_the_nvidia_runtime_says_what_to_do(
    docker_sandbox: DockerSandbox, job: Job
) -> None:
    if resolve_gpus("auto", docker_sandbox.engine, docker_sandbox.image):
        pytest.skip("this engine has GPUs to lend")
    for attempt in (
        lambda: docker_sandbox.start(job, ("0",)).__enter__(),
        lambda: resolve_gpus("all", docker_sandbox.engine, docker_sandbox.image),
    ):
        with pytest.raises(GpuUnavailable, match=r"NVIDIA Container Toolkit.*--gpus none"):
            attempt()
    assert containers(docker_sandbox, docker_sandbox.run) == []


def test_an_image_that_is_not_there_is_the_harness_s_fault(
    docker_sandbox: DockerSandbox, job: Job
) -> None:
    without = dataclasses.replace(docker_sandbox, image="grader-worker:never-built")
    with pytest.raises(ImageMissing, match="grader image build"):
        without.start(job, ()).__enter__()


def test_a_runtime_is_passed_on_to_the_engine(docker_sandbox: DockerSandbox, job: Job) -> None:
    command = ("sleep", "60")
    named = dataclasses.replace(docker_sandbox, runtime="runc", command=command)
    with named.start(job, ()) as container:
        seen = docker_sandbox.engine.api.inspect_container(container.name)
    assert seen["HostConfig"]["Runtime"] == "runc"


def test_a_runtime_that_the_engine_does_not_have_is_refused_with_those_that_it_has(
    docker_sandbox: DockerSandbox,
) -> None:
    with pytest.raises(UsageError, match=r"--runtime nosuch: .*it has .*runc.*leave --runtime out"):
        dataclasses.replace(docker_sandbox, runtime="nosuch")


def test_a_containerd_shim_that_is_not_there_is_the_engine_s_own_error(
    docker_sandbox: DockerSandbox, job: Job
) -> None:
    shim = dataclasses.replace(docker_sandbox, runtime="io.containerd.nosuch.v1")
    with pytest.raises(SandboxError, match=r"io\.containerd\.nosuch\.v1"):
        shim.start(job, ()).__enter__()
    assert containers(docker_sandbox, docker_sandbox.run) == []


def test_a_folder_that_the_container_could_not_read_is_refused_by_name(
    docker_sandbox: DockerSandbox, job: Job
) -> None:
    job.submission.chmod(0o700)
    with pytest.raises(SandboxError, match=f"{job.submission}.*chmod"):
        docker_sandbox.start(job, ()).__enter__()


def test_a_killed_grader_leaves_nothing_running_and_the_next_one_removes_the_rest(
    docker_sandbox: DockerSandbox, job: Job
) -> None:
    code = """
        import sys, time
        from pathlib import Path
        from grader import wire
        from grader.sandbox.docker import DockerSandbox, connect
        from tests.sandbox.test_docker_container import a_job
        sandbox = DockerSandbox(connect(), sys.argv[1], run=sys.argv[2])
        with sandbox.start(a_job(Path(sys.argv[3])), ()) as worker:
            worker.write(wire.encode({"type": wire.START, "submission": worker.paths.submission,
                "data": None, "scratch": worker.paths.scratch, "output_bytes": 1000}))
            print(wire.read_frame(worker.read)[0]["type"], flush=True)
            time.sleep(600)
        """
    run_id = f"killed-{os.getpid()}"
    command = [sys.executable, "-c", textwrap.dedent(code)]
    grader = subprocess.Popen(
        [*command, docker_sandbox.image, run_id, str(job.submission.parent)],
        cwd=Path(__file__).parents[2],
        stdout=subprocess.PIPE,
    )
    with grader:
        assert grader.stdout and grader.stdout.readline() == b"ready\n"
        (mine,) = containers(docker_sandbox, run_id)
        assert mine["State"] == "running"
        assert docker_sandbox.reap_leftovers() == 0, "a living grader's container was taken away"
        grader.kill()
    deadline = time.monotonic() + 5
    while containers(docker_sandbox, run_id)[0]["State"] == "running":
        assert time.monotonic() < deadline, "the worker outlived its grader by five seconds"
        time.sleep(0.02)
    assert docker_sandbox.reap_leftovers() == 1
    assert containers(docker_sandbox, run_id) == []


def test_a_reused_pid_does_not_keep_a_dead_grader_s_container() -> None:
    mine = leftovers.labels("x")
    assert not leftovers._is_left(mine, "running", time.time())
    older = f"{os.getpid()}@{psutil.Process().create_time() - 60:.2f}"
    assert leftovers._is_left(mine | {"grader.owner": older}, "running", time.time())
    elsewhere = mine | {"grader.world": "another machine"}
    assert not leftovers._is_left(elsewhere, "running", 0)
    assert not leftovers._is_left(elsewhere, "exited", time.time())
    assert leftovers._is_left(elsewhere, "exited", 0)


# How it ended


def test_a_worker_that_ends_by_itself_is_not_said_to_be_killed(
    docker_sandbox: DockerSandbox, job: Job
) -> None:
    assert run(docker_sandbox, job, "raise SystemExit(7)")[1] == Exit(7)
    segfault = "import ctypes; ctypes.string_at(0)"
    assert run(docker_sandbox, job, segfault)[1] == Exit(-signal.SIGSEGV)


def test_out_of_memory_shows_even_when_only_a_child_was_killed(
    docker_sandbox: DockerSandbox, job: Job
) -> None:
    balloon = f"bytearray({2 * LIMITS.memory_mib} * 2**20)"
    assert run(docker_sandbox, job, balloon)[1] == Exit(-signal.SIGKILL, out_of_memory=True)
    child = f"""
        import os
        if (pid := os.fork()) == 0:
            {balloon}
        os.waitpid(pid, 0)
        """
    assert run(docker_sandbox, job, child)[1] == Exit(0, out_of_memory=True)


@pytest.mark.parametrize("what", ["killed", "removed"])
def test_a_container_that_somebody_else_ends_is_lost_and_not_the_student_s_fault(
    docker_sandbox: DockerSandbox, job: Job, what: str
) -> None:
    command = ("sleep", "60")
    with dataclasses.replace(docker_sandbox, command=command).start(job, ()) as container:
        if what == "killed":
            docker_sandbox.engine.api.kill(container.name)
        else:
            docker_sandbox.engine.api.remove_container(container.name, force=True)
        assert container.read(1) == b""
        exit_ = container.stop()
        assert exit_.code is None and what in (exit_.lost or "")
        assert container.stop() == exit_


def test_a_flood_that_nobody_reads_costs_no_memory_and_does_not_delay_the_stop(
    docker_sandbox: DockerSandbox, job: Job
) -> None:
    flood = ("python", "-c", "import os\nwhile True: os.write(1, b'x' * 65536)")
    with dataclasses.replace(docker_sandbox, command=flood).start(job, ()) as container:
        assert container.read(10) == b"x" * 10
        before = psutil.Process().memory_info().rss
        time.sleep(2)
        begun = time.monotonic()
        assert container.stop() == Exit(-signal.SIGKILL)
        assert time.monotonic() - begun < 5
        assert psutil.Process().memory_info().rss - before < 64 * 2**20


def test_a_write_that_the_worker_never_reads_fails_when_the_worker_is_stopped(
    docker_sandbox: DockerSandbox, job: Job
) -> None:
    failed: list[float] = []
    command = ("sleep", "60")
    with dataclasses.replace(docker_sandbox, command=command).start(job, ()) as container:

        def write() -> None:
            with pytest.raises(OSError):
                container.write(b"x" * 64 * 2**20)
            failed.append(time.monotonic())

        writer = threading.Thread(target=write)
        writer.start()
        time.sleep(1)
        assert not failed
        begun = time.monotonic()
        assert container.stop() == Exit(-signal.SIGKILL)
        writer.join(5)
        assert failed and failed[0] - begun < 5
        with pytest.raises(OSError):
            container.write(b"x")


def test_a_write_to_a_worker_that_has_ended_fails_at_once(
    docker_sandbox: DockerSandbox, job: Job
) -> None:
    with dataclasses.replace(docker_sandbox, command=("true",)).start(job, ()) as container:
        assert container.read(1) == b""
        begun = time.monotonic()
        with pytest.raises(OSError):
            container.write(b"x" * 64 * 2**20)
        assert time.monotonic() - begun < 1


# From the inside


def test_inside_there_is_no_network_but_loopback(inside: Inside) -> None:
    assert inside("import json, os; print(json.dumps(os.listdir('/sys/class/net')))") == ["lo"]
    assert inside("""
        import json, socket
        try: socket.create_connection(("192.0.2.1", 80), timeout=5)
        except OSError as error: print(json.dumps(error.strerror))
        """) == "Network is unreachable"
    assert inside("""
        import json, socket
        try: socket.getaddrinfo("example.org", 80)
        except OSError as error: print(json.dumps(type(error).__name__))
        """) == "gaierror"


def test_inside_the_user_is_unprivileged(inside: Inside) -> None:
    status = inside("""
        import json
        lines = open("/proc/self/status").read().splitlines()
        print(json.dumps(dict(line.split(":\\t", 1) for line in lines if ":\\t" in line)))
        """)
    assert status["Uid"].split() == ["10001"] * 4
    assert status["Gid"].split() == ["10001"] * 4
    assert status["Groups"].split() in ([], ["10001"])
    assert {status[name].strip("0") for name in ("CapEff", "CapPrm", "CapInh", "CapBnd")} == {""}
    assert status["NoNewPrivs"] == "1"
    assert status["Seccomp"] == "2"


def test_inside_only_scratch_and_shared_memory_can_be_written(inside: Inside) -> None:
    written = inside("""
        import json, os
        places = ["/", "/etc", "/opt/grader/grader", "/opt/venv", "/submission", "/data", "/tmp",
                  "/dev/shm", "/dev", "/run", "/var/tmp", "/home", "/sys/fs/cgroup", "/proc/sys"]
        def can_write(place):
            try: open(os.path.join(place, "x"), "w").close()
            except OSError: return False
            return True
        print(json.dumps([place for place in places if can_write(place)]))
        """)
    assert written == ["/tmp", "/dev/shm"]


def test_inside_the_inputs_can_be_read_and_programs_in_scratch_can_run(inside: Inside) -> None:
    assert inside("""
        import json, subprocess, os
        with open("/tmp/tool", "w") as file: file.write("#!/bin/sh\\necho ran")
        os.chmod("/tmp/tool", 0o755)
        print(json.dumps([open("/submission/hello.txt").read(), open("/data/hello.txt").read(),
              subprocess.run("/tmp/tool", capture_output=True, text=True).stdout]))
        """) == ["submission", "data", "ran\n"]


def test_inside_scratch_is_full_when_it_is_full(inside: Inside) -> None:
    assert inside("""
        import json
        def fill(path):
            try:
                with open(path, "wb", buffering=0) as file:
                    for n in range(10_000): file.write(bytes(2**20))
            except OSError: pass
            import os; return os.path.getsize(path) >> 20
        print(json.dumps([fill("/tmp/a"), fill("/tmp/b")]))
        """) == [LIMITS.scratch_mib, 0]


def test_inside_the_limits_on_processes_files_and_cores_hold(inside: Inside) -> None:
    seen = inside("""
        import json, resource, threading, time
        limits = {name: resource.getrlimit(getattr(resource, "RLIMIT_" + name))
                  for name in ("NOFILE", "CORE", "FSIZE")}
        started = 0
        try:
            for _ in range(200):
                threading.Thread(target=time.sleep, args=(1,), daemon=True).start()
                started += 1
        except RuntimeError: pass
        print(json.dumps(limits | {"threads": started}))
        """)
    assert seen["NOFILE"] == [4096, 4096]
    assert seen["CORE"] == [0, 0]
    assert seen["FSIZE"][0] == 128 * 2**20
    assert seen["threads"] == LIMITS.pids - 1


def test_inside_there_is_nothing_of_the_grader_but_the_worker(inside: Inside) -> None:
    assert inside("""
        import json, os
        found = {name for name in os.listdir("/opt/grader/grader") if name != "__pycache__"}
        print(json.dumps([sorted(found), sorted(os.environ)]))
        """) == [
        ["__init__.py", "packing.py", "stopwatch.py", "wire.py", "worker"],
        sorted(ENVIRONMENT),
    ]


ENVIRONMENT = {
    "HOME", "HOSTNAME", "LC_CTYPE", "MPLBACKEND", "NVIDIA_DRIVER_CAPABILITIES",
    "NVIDIA_VISIBLE_DEVICES", "OMP_NUM_THREADS", "PATH", "PIP_CERT", "PYTHONDONTWRITEBYTECODE",
    "PYTHONPATH",
}  # fmt: skip

# Numbers of system calls: the first is for x86-64, the second for arm64.
REFUSED = {
    "ptrace": (101, 117),
    "process_vm_readv": (310, 270),
    "process_vm_writev": (311, 271),
    "keyctl": (250, 219),
    "add_key": (248, 217),
    "request_key": (249, 218),
    "io_uring_setup": (425, 425),
    "io_uring_enter": (426, 426),
    "userfaultfd": (323, 282),
    "unshare": (272, 97),
    "setns": (308, 268),
    "mount": (165, 40),
    "umount2": (166, 39),
    "bpf": (321, 280),
    "perf_event_open": (298, 241),
    "kexec_load": (246, 104),
    "vmsplice": (278, 75),
    "memfd_secret": (447, 447),
    "open_by_handle_at": (304, 265),
}


def test_inside_the_kernel_refuses_what_training_does_not_need(inside: Inside) -> None:
    errors = inside(f"""
        import ctypes, errno, json, platform
        libc = ctypes.CDLL(None, use_errno=True)
        which = 0 if platform.machine() == "x86_64" else 1
        def call(numbers):
            # Arguments that would do nothing, and fail otherwise than by a refusal.
            if libc.syscall(numbers[which], -1, 0, 0, 0, 0, 0) >= 0: return "allowed"
            return errno.errorcode[ctypes.get_errno()]
        print(json.dumps({{name: call(n) for name, n in {REFUSED!r}.items()}}))
        """)
    assert {name: error for name, error in errors.items() if error not in ("EPERM", "ENOSYS")} == {}


def test_inside_only_harmless_families_of_sockets_open(inside: Inside) -> None:
    assert inside("""
        import json, socket
        def opens(family):
            try: socket.socket(family, socket.SOCK_DGRAM).close()
            except PermissionError: return False
            except OSError: return True   # the kernel's own refusal, not the profile's
            return True
        numbers = {"UNIX": 1, "INET": 2, "INET6": 10, "NETLINK": 16, "PACKET": 17, "ALG": 38,
                   "VSOCK": 40, "XDP": 44}
        print(json.dumps([name for name, number in numbers.items() if opens(number)]))
        """) == ["UNIX", "INET", "INET6"]


def test_inside_a_network_trains_with_the_workers_of_a_dataloader(
    docker_sandbox: DockerSandbox, job: Job
) -> None:
    roomy = dataclasses.replace(job, limits=Limits(memory_mib=4096, pids=256))
    said, exit_ = run(docker_sandbox, roomy, """
        import torch, torchvision
        from torch.utils.data import DataLoader, TensorDataset
        torch.manual_seed(0)
        data = TensorDataset(torch.randn(64, 3, 32, 32), torch.randint(10, (64,)))
        net = torchvision.models.resnet18(num_classes=10)
        optimizer = torch.optim.SGD(net.parameters(), lr=0.01)
        losses = []
        for images, labels in DataLoader(data, batch_size=16, shuffle=True, num_workers=2):
            loss = torch.nn.functional.cross_entropy(net(images), labels)
            optimizer.zero_grad(); loss.backward(); optimizer.step()
            losses.append(loss.item())
        torch.save(net.state_dict(), "/tmp/net.pt")
        print("batches", len(losses))
        """)
    assert exit_ == Exit(0), said
    assert "batches 4" in said


# The worker itself


def test_the_worker_gets_ready_and_ends_when_its_stdin_does(
    docker_sandbox: DockerSandbox, job: Job
) -> None:
    with docker_sandbox.start(job, ()) as worker:
        worker.write(wire.encode({
            "type": wire.START,
            "submission": worker.paths.submission,
            "data": worker.paths.data,
            "scratch": worker.paths.scratch,
            "output_bytes": 1000,
        }))
        frame = wire.read_frame(worker.read)
        assert frame is not None and frame[0]["type"] == wire.READY
        assert frame[0]["versions"]["torch"]
        worker._streams._socket.shutdown(1)
        assert worker.read(1) == b""
        assert worker.stop() == Exit(0)


def test_no_container_starts_after_the_run_is_over(
    docker_sandbox: DockerSandbox, job: Job
) -> None:
    """Nobody would remove a container that another thread starts after the run was stopped."""
    own = DockerSandbox(docker_sandbox.engine, docker_sandbox.image)
    own.close()
    with pytest.raises(SandboxError, match="the run is over"), own.start(job, ()):
        pass
    assert containers(own, own.run) == []
