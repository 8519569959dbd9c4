import gc
import tempfile
import warnings

import psutil
import torch
import torch.backends.cudnn as cudnn

warnings.filterwarnings("ignore", category=UserWarning)
cudnn.benchmark = True
torch.backends.cuda.matmul.allow_tf32 = True
torch.set_float32_matmul_precision("high")


def free_memory():
    gc.collect()
    if torch.cuda.is_available():
        torch.cuda.empty_cache()
        torch.cuda.reset_peak_memory_stats()


def run(model, loader, optimizer, criterion, scaler, device):
    model.train()
    for i, (x, y) in enumerate(loader):
        x, y = x.to(device, memory_format=torch.channels_last), y.to(device)
        optimizer.zero_grad()
        with torch.autocast(device_type=device.type, dtype=torch.bfloat16):
            loss = criterion(model(x), y)
        scaler.scale(loss).backward()
        scaler.unscale_(optimizer)
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        scaler.step(optimizer)
        scaler.update()
        if i % 50 == 0:
            print(i, loss.item(), psutil.Process().memory_info().rss / 2 ** 20, "MiB")
        del x, y, loss
    free_memory()


with tempfile.TemporaryDirectory() as folder:
    torch.save({"a": torch.ones(3)}, folder + "/a.pt")
