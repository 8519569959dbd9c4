import pandas as pd
import torch
from tabulate import tabulate
from torchinfo import summary
from torchvision.models import resnet18

pd.options.display.max_rows = 100
pd.set_option("display.width", 120)
model = resnet18()
rows = [{"layer": n, "type": type(m).__name__, "params": sum(p.numel() for p in m.parameters(recurse=False))}
        for n, m in model.named_modules()]
df = pd.DataFrame(rows)
df = df[df.params > 0].reset_index(drop=True)
df.columns = ["layer", "type", "params"]
print(df.to_string())
print(df.groupby("type")["params"].agg(["sum", "count"]))
print(df.query("params > 100000").head())
df.to_csv("layers.csv", index=False)
print(tabulate(df.values, headers=df.columns))
summary(model, input_size=(1, 3, 224, 224), verbose=0)
