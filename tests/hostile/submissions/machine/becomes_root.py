"""Becomes root: by asking, by capabilities, and by every setuid program on the file system."""
# on top of: honest
# must: N
import os
import stat
import subprocess

ASKS = {
    "setuid": lambda: os.setuid(0), "setresuid": lambda: os.setresuid(0, 0, 0),
    "setgid": lambda: os.setgid(0), "setgroups": lambda: os.setgroups([0]),
    "another user": lambda: os.setuid(1000), "chown": lambda: os.chown("/tmp", 0, 0),
}
honest = layer_parameter_counts


def works(attempt):
    try:
        attempt()
    except OSError:
        return False
    return True


def setuid_programs():
    for folder, folders, files in os.walk("/"):
        if folder == "/":
            folders[:] = [name for name in folders if name not in ("proc", "sys")]
        for name in files:
            path = os.path.join(folder, name)
            mode = os.lstat(path).st_mode
            if stat.S_ISREG(mode) and mode & (stat.S_ISUID | stat.S_ISGID):
                yield path


def status(pid):
    with open(f"/proc/{pid}/status") as file:
        return dict(line.split(maxsplit=1) for line in file if len(line.split()) > 1)


def runs_as_another(path):
    """Whose rights the program has, while it waits for input that never comes."""
    try:
        process = subprocess.Popen([path], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                   stderr=subprocess.STDOUT)
    except OSError:
        return False
    with process:
        said = status(process.pid)
        works(process.kill)
        process.communicate()
    return len({*said["Uid:"].split(), *said["Gid:"].split()}) > 1


def layer_parameter_counts(model):
    found = [name for name, attempt in ASKS.items() if works(attempt)]
    found += [path for path in setuid_programs() if runs_as_another(path)]
    mine = status("self")
    found += [f"{name} {mine[name]}" for name in mine if name.startswith("Cap")
              and int(mine[name], 16)]
    if "0" in (*mine["Uid:"].split(), *mine["Gid:"].split()) or mine["NoNewPrivs:"].strip() != "1":
        found.append("root already, or on the way there")
    if found:
        raise RuntimeError(f"more rights: {found}")
    return honest(model)
