import torch

history = {"loss": [0.5, 0.4], "acc": [0.8, 0.9]}
for i in range(2):
    print(f"epoch {i}: loss {history["loss"][i]:.3f}, acc {history["acc"][i]:.1%}")
type Batch = tuple[torch.Tensor, torch.Tensor]
