import logging
import os
import sys
from datetime import datetime
from pathlib import Path

import torch
from torch.utils.tensorboard import SummaryWriter
from tqdm import tqdm, trange

LOG_DIR = Path("logs") / datetime.now().strftime("%Y%m%d-%H%M%S")
LOG_DIR.mkdir(parents=True, exist_ok=True)
logging.basicConfig(
    level=logging.INFO,
    format="%(asctime)s [%(levelname)s] %(message)s",
    handlers=[logging.FileHandler(LOG_DIR / "train.log"), logging.StreamHandler(sys.stdout)],
)
logger = logging.getLogger(__name__)
writer = SummaryWriter(log_dir=str(LOG_DIR))


def train(model, loader, optimizer, criterion, device, epochs=2):
    for epoch in trange(epochs, desc="epochs"):
        model.train()
        bar = tqdm(loader, leave=False)
        for step, (x, y) in enumerate(bar):
            x, y = x.to(device, non_blocking=True), y.to(device, non_blocking=True)
            optimizer.zero_grad(set_to_none=True)
            loss = criterion(model(x), y)
            loss.backward()
            optimizer.step()
            bar.set_postfix(loss=f"{loss.item():.3f}")
            writer.add_scalar("train/loss", loss.item(), epoch * len(loader) + step)
        logger.info("epoch %d done, lr %.4f", epoch, optimizer.param_groups[0]["lr"])
    writer.close()
    torch.save(model.state_dict(), os.path.join(str(LOG_DIR), "model.pt"))
