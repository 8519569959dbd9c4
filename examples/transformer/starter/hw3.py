"""Homework 3: attention. Fill in the functions; keep their names, and what they take first."""

import torch
from torch import nn


def causal_attention(queries, keys, values):
    """softmax(Q K^T / sqrt(d)) V, where no position attends to a later one.

    queries, keys, values: float tensors (batch, heads, length, d).
    Returns a float tensor of the same shape. `length` may be 1, and scores may be large.
    """
    raise NotImplementedError("causal_attention")


def build_model(vocabulary, length):
    """Build the transformer: embeddings of tokens and positions, blocks of attention, a last layer.

    vocabulary: how many tokens there are; length: how long an input can be.
    Returns an nn.Module that maps tokens, int64 (batch, up to length), to logits, float
    (batch, as many, vocabulary): the position's logits are for the token that comes next.
    """
    raise NotImplementedError("build_model")


def train(model: nn.Module, sequences: torch.Tensor, epochs: int):
    """Train the model in place to tell each token from those before it.

    sequences: int64 (N, length + 1).
    Returns a list: the mean loss (nats per token) of each epoch.
    """
    raise NotImplementedError("train")


if __name__ == "__main__":
    # Train on the digits counted up, over and over, and print a line for each epoch:
    #   epoch 1: loss 2.303
    raise NotImplementedError("the script")
