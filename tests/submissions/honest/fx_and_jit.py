import torch
import torch.fx
import torch.jit
from torch import nn
from torch.fx import symbolic_trace


class Block(nn.Module):
    def __init__(self, c):
        super().__init__()
        self.conv = nn.Conv2d(c, c, 3, padding=1, bias=False)
        self.bn = nn.BatchNorm2d(c)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return torch.relu(x + self.bn(self.conv(x)))


model = nn.Sequential(nn.Conv2d(3, 8, 3), Block(8), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(8, 10))
traced = symbolic_trace(model)
for node in traced.graph.nodes:
    print(node.op, node.name, node.target)
scripted = torch.jit.script(model)
scripted.save("model_scripted.pt")
again = torch.jit.load("model_scripted.pt")
x = torch.randn(2, 3, 16, 16)
model.eval(), again.eval()
print((model(x) - again(x)).abs().max().item())
torch.onnx.export(model, x, "model.onnx", input_names=["image"], output_names=["logits"])
