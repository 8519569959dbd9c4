"""A script writes into folders that its author's machine has and the upload has not."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from tests.worker.shimmed_script import run

WRITES = (
    "open('logs/run/train.log', 'w').write('x')",
    "Path('logs/train.log').write_text('x')",
    "Path('logs/train.log').touch()",
    "torch.save({'x': 1}, 'checkpoints/last.pt')",
    "torch.save(obj={'x': 1}, f='checkpoints/last.pt')",
    "np.save('arrays/x.npy', np.zeros(2))",
    "np.savetxt('arrays/x.txt', np.zeros(2))",
    "Image.new('RGB', (2, 2)).save('figures/x.png')",
    "plt.plot([1]); plt.savefig('figures/a/x.pdf')",
    "os.mkdir('runs/first')",
    "Path('x.txt').write_text('x'); os.replace('x.txt', 'moved/x.txt')",
    "Path('x.txt').write_text('x'); shutil.move('x.txt', 'moved/x.txt')",
    "open('../results/x.txt', 'w').close()",
)
HEAD = """
    import os, shutil, torch
    import numpy as np
    import matplotlib.pyplot as plt
    from pathlib import Path
    from PIL import Image
"""
ELSEWHERE = """
    import os, torch
    drive = "/content_of_nobody/drive/MyDrive/hw2"
    os.chdir(drive)
    os.makedirs(drive + "/checkpoints", exist_ok=True)
    os.makedirs(drive + "/checkpoints", exist_ok=True)
    torch.save({"x": 1}, f"{drive}/checkpoints/last.pt")
    assert torch.load(f"{drive}/checkpoints/last.pt") == {"x": 1}
    assert os.path.exists(drive) and os.listdir(drive + "/checkpoints") == ["last.pt"]
    with open("/home_of_nobody/me/log.txt", "w") as file:
        file.write("done")
    assert open("/home_of_nobody/me/log.txt").read() == "done"
    with open("here.txt", "w") as file:
        file.write("as ever")
    assert os.listdir(".").count("here.txt") == 1
"""


def test_missing_folders_are_made_by_whatever_writes(tmp_path: Path) -> None:
    folder = tmp_path / "session" / "hw2"
    folder.mkdir(parents=True)
    body = "\n".join(f"    {line}" for line in WRITES)
    assert run(folder, HEAD + body, view=False).notes == []
    made = {path.name for path in (*folder.rglob("*"), *tmp_path.glob("session/results/*"))}
    assert {"train.log", "last.pt", "x.npy", "x.png", "x.pdf", "first", "x.txt"} <= made


def test_what_is_written_elsewhere_is_found_there_again(tmp_path: Path) -> None:
    folder = tmp_path / "session" / "hw2"
    folder.mkdir(parents=True)
    notes = run(folder, ELSEWHERE, view=False).notes
    assert not Path("/content_of_nobody").exists() and not Path("/home_of_nobody").exists()
    assert any("outside of the upload" in note for note in notes)
    assert any("in its own folder" in note for note in notes)


@pytest.mark.parametrize("code", ["open('no/such.txt')", "os.listdir('no')", "os.rmdir('no')"])
def test_what_is_read_is_not_made_up(tmp_path: Path, code: str) -> None:
    script = f"""
        import os
        try:
            {code}
        except FileNotFoundError:
            print("missing")
    """
    assert run(tmp_path, script, view=False).out == "missing\n"


@pytest.mark.skipif(sys.platform != "linux", reason="other systems have other folders")
@pytest.mark.parametrize("code", [
    "os.mkdir('/etc/of_nobody')",
    "os.makedirs('/usr/lib/of_nobody/runs')",
    "open('/proc/self/of_nobody', 'w')",
    "os.open('/proc/self/of_nobody', os.O_CREAT | os.O_WRONLY)",
])  # fmt: skip
def test_nothing_is_made_up_in_the_folders_of_the_system(tmp_path: Path, code: str) -> None:
    script = f"""
        import os
        try:
            {code}
        except OSError:
            print("refused")
    """
    assert run(tmp_path, script, view=False).out == "refused\n"
    assert not Path("/etc/of_nobody").exists() and not Path("/usr/lib/of_nobody").exists()


@pytest.mark.skipif(sys.platform != "linux", reason="other systems have other folders")
@pytest.mark.parametrize("folder", ["/home/of_nobody", "/mnt/of_nobody", "/of_nobody"])
def test_folders_of_people_are_those_of_other_machines(tmp_path: Path, folder: str) -> None:
    script = f"""
        import os
        os.makedirs({folder!r} + "/runs", exist_ok=True)
        open({folder!r} + "/runs/x.txt", "w").write("x")
        print(open({folder!r} + "/runs/x.txt").read())
    """
    assert run(tmp_path, script, view=False).out == "x\n"
    assert not Path(folder).exists()
