"""Some helper functions for PyTorch, including a progress bar mimicking xlua."""
import os
import sys
import time
import math

import torch
import torch.nn as nn
import torch.nn.init as init


def get_mean_and_std(dataset):
    dataloader = torch.utils.data.DataLoader(dataset, batch_size=1, shuffle=True, num_workers=2)
    mean, std = torch.zeros(3), torch.zeros(3)
    for inputs, targets in dataloader:
        for i in range(3):
            mean[i] += inputs[:, i, :, :].mean()
            std[i] += inputs[:, i, :, :].std()
    return mean.div_(len(dataset)), std.div_(len(dataset))


_, term_width = os.popen("stty size", "r").read().split()
term_width = int(term_width)
TOTAL_BAR_LENGTH = 65.0
last_time = time.time()
begin_time = last_time


def progress_bar(current, total, msg=None):
    global last_time, begin_time
    if current == 0:
        begin_time = time.time()
    cur_len = int(TOTAL_BAR_LENGTH * current / total)
    rest_len = int(TOTAL_BAR_LENGTH - cur_len) - 1
    sys.stdout.write(" [")
    for i in range(cur_len):
        sys.stdout.write("=")
    sys.stdout.write(">")
    for i in range(rest_len):
        sys.stdout.write(".")
    sys.stdout.write("]")
    cur_time = time.time()
    last_time = cur_time
    if msg:
        sys.stdout.write(" | " + msg)
    for i in range(term_width - int(TOTAL_BAR_LENGTH) - 3):
        sys.stdout.write(" ")
    sys.stdout.write("\r" if current < total - 1 else "\n")
    sys.stdout.flush()
