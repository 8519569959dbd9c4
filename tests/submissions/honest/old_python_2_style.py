# -*- coding: latin-1 -*-
from __future__ import absolute_import
from __future__ import print_function
import os, sys, time
try:
    import cPickle as pickle
except ImportError:
    import pickle
import numpy as np
import torch

def load_batch(fpath, label_key = 'labels'):
    with open(fpath, 'rb') as f:
        if sys.version_info < (3,):
            d = pickle.load(f, encoding='latin1')
        else:
            d = pickle.load(f, encoding='bytes')
            d_decoded = {}
            for k, v in d.items():
                d_decoded[k.decode('utf8')] = v
            d = d_decoded
    return d['data'].reshape(-1, 3, 32, 32), d[label_key]

path = os.path.join('cifar-10-batches-py', 'data_batch_1')
if os.path.exists(path) :
    x, y = load_batch(path); print(x.shape, len(y))
t0 = time.clock() if hasattr(time, 'clock') else time.time()
