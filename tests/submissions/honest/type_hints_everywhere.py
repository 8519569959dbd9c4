from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Final, Generic, Literal, NamedTuple, Protocol, TypeVar, overload

import torch
from torch import Tensor, nn

if TYPE_CHECKING:
    from torch.utils.data import DataLoader

T = TypeVar("T")
LR: Final = 0.1
Phase = Literal["train", "eval"]


class Batch(NamedTuple):
    images: Tensor
    labels: Tensor


class SupportsPredict(Protocol):
    def __call__(self, x: Tensor) -> Tensor: ...


class Box(Generic[T]):
    count: ClassVar[int] = 0

    def __init__(self, item: T) -> None:
        self.item = item
        Box.count += 1

    def get(self) -> "T":
        return self.item

    def __class_getitem__(cls, item):
        return super().__class_getitem__(item)


def run(model: "nn.Module", loader: "DataLoader[Any]", phase: "Phase" = "train") -> dict[str, float]:
    losses: list[float] = []
    for raw in loader:
        batch = Batch(*raw)
        losses.append(float(nn.functional.cross_entropy(model(batch.images), batch.labels)))
    return {"loss": sum(losses) / max(1, len(losses))}


def save(rows: Iterable[Mapping[str, Any]], path: str | Path, key: Callable[[Any], int] | None = None) -> None:
    Path(path).write_text("\n".join(map(str, rows)))
