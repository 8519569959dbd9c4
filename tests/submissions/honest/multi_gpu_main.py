import argparse
import json
import os

import torch
import torch.distributed as dist
import torch.multiprocessing as mp
import torch.nn as nn
from torch.nn.parallel import DataParallel, DistributedDataParallel as DDP
from torch.utils.data.distributed import DistributedSampler


def parse():
    p = argparse.ArgumentParser()
    p.add_argument("--world-size", default=1, type=int)
    p.add_argument("--rank", default=0, type=int)
    p.add_argument("--dist-backend", default="nccl", type=str)
    p.add_argument("--evaluate", action="store_true")
    args = p.parse_args()
    with open("args.json", "w") as f:
        json.dump(vars(args), f, indent=2)
    for key, value in sorted(vars(args).items()):
        print(f"{key:>20}: {value}")
    return args


def wrap(model, args):
    if args.world_size > 1:
        os.environ["MASTER_ADDR"] = "localhost"
        dist.init_process_group(backend=args.dist_backend, rank=args.rank, world_size=args.world_size)
        return DDP(model)
    if torch.cuda.device_count() > 1:
        model = DataParallel(model)
    return model


if __name__ == "__main__":
    mp.set_start_method("spawn", force=True)
    args = parse()
    net = wrap(nn.Linear(3, 3), args)
    net = net.module if hasattr(net, "module") else net
