import os
import platform
import subprocess
import time

os.environ["CUDA_VISIBLE_DEVICES"] = "0"
os.environ["KMP_DUPLICATE_LIB_OK"] = "TRUE"
os.environ.setdefault("OMP_NUM_THREADS", "2")

import torch

try:
    print(subprocess.check_output(["nvidia-smi", "--query-gpu=name", "--format=csv"]).decode())
except (FileNotFoundError, subprocess.CalledProcessError):
    print("no GPU here")
print(platform.platform(), platform.python_version(), torch.__version__, torch.version.cuda)
try:
    commit = subprocess.check_output(["git", "rev-parse", "HEAD"], stderr=subprocess.DEVNULL)
except Exception:
    commit = b"unknown"
os.system("nvidia-smi")
os.makedirs("checkpoints", exist_ok=True)
if os.path.exists("checkpoints/old.pth"):
    os.remove("checkpoints/old.pth")
device = torch.device(os.getenv("DEVICE", "cuda" if torch.cuda.is_available() else "cpu"))
started = time.strftime("%H:%M:%S")
print(device, started, os.path.basename(__file__), os.listdir("."))
