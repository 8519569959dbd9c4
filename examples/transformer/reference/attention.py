"""The reference solution: a small transformer that continues sequences of tokens.

After "Attention Is All You Need" (Vaswani et al., 2017, https://arxiv.org/abs/1706.03762), with the
norms in front of each block (Xiong et al., 2020, https://arxiv.org/abs/2002.04745).
"""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F
from torch import Tensor, nn


def causal_attention(queries: Tensor, keys: Tensor, values: Tensor) -> Tensor:
    """softmax(Q K^T / sqrt(d)) V, where no position attends to a later one.

    All three are float (batch, heads, length, d), and so is the result.
    """
    length, width = queries.shape[-2:]
    scores = queries @ keys.transpose(-2, -1) / math.sqrt(width)
    later = torch.ones(length, length, dtype=torch.bool).triu(diagonal=1)
    return scores.masked_fill(later, -math.inf).softmax(dim=-1) @ values


class Block(nn.Module):
    """Attention and a small network, each added to what comes in."""

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.before_attention, self.before_mlp = nn.LayerNorm(width), nn.LayerNorm(width)
        self.project_in, self.project_out = nn.Linear(width, 3 * width), nn.Linear(width, width)
        self.mlp = nn.Sequential(
            nn.Linear(width, 4 * width), nn.GELU(), nn.Linear(4 * width, width)
        )

    def forward(self, x: Tensor) -> Tensor:
        batch, length, width = x.shape
        projected = self.project_in(self.before_attention(x))
        split = projected.view(batch, length, 3, self.heads, width // self.heads)
        queries, keys, values = split.permute(2, 0, 3, 1, 4)
        mixed = causal_attention(queries, keys, values).transpose(1, 2)
        x = x + self.project_out(mixed.reshape(batch, length, width))
        return x + self.mlp(self.before_mlp(x))


class Transformer(nn.Module):
    """Logits, float (batch, length, vocabulary), for tokens, int64 (batch, length)."""

    def __init__(self, vocabulary: int, length: int, width: int = 32, heads: int = 2) -> None:
        super().__init__()
        self.tokens, self.positions = nn.Embedding(vocabulary, width), nn.Embedding(length, width)
        self.blocks = nn.Sequential(Block(width, heads), Block(width, heads))
        self.norm, self.head = nn.LayerNorm(width), nn.Linear(width, vocabulary)

    def forward(self, tokens: Tensor) -> Tensor:
        x = self.tokens(tokens) + self.positions.weight[: tokens.shape[1]]
        logits: Tensor = self.head(self.norm(self.blocks(x)))
        return logits


def build_model(vocabulary: int, length: int) -> nn.Module:
    """The network for `vocabulary` tokens and at most `length` of them."""
    return Transformer(vocabulary, length)


def train(model: nn.Module, sequences: Tensor, epochs: int) -> list[float]:
    """Train in place to tell each token from those before it; the mean loss of each epoch, nats.

    `sequences` is int64 (N, length + 1).
    """
    optimizer = torch.optim.AdamW(model.parameters(), lr=3e-3)
    losses = []
    model.train()
    for _ in range(epochs):
        total = 0.0
        for rows in torch.randperm(len(sequences)).split(64):
            batch = sequences[rows]
            logits = model(batch[:, :-1])
            loss = F.cross_entropy(logits.flatten(0, 1), batch[:, 1:].flatten())
            optimizer.zero_grad()
            loss.backward()  # type: ignore[no-untyped-call]
            optimizer.step()
            total += loss.item() * len(rows)
        losses.append(total / len(sequences))
    return losses


def main() -> None:
    """Count to ten, over and over, and say how well."""
    torch.manual_seed(0)
    starts = torch.arange(10).repeat(32)
    sequences = (starts[:, None] + torch.arange(9)) % 10
    for epoch, loss in enumerate(train(build_model(10, 8), sequences, 5), start=1):
        print(f"epoch {epoch}: loss {loss:.3f}")


if __name__ == "__main__":
    main()
