# -*- coding: utf-8 -*-
import torch
import torch.nn.functional as F

λ = 5e-4      # weight decay
η = 0.1       # Lernrate
größe = 32
имя = "модель"


def verlust(ŷ, y):
    """Kreuzentropie über alle Bilder – naïve Fassung."""
    return F.cross_entropy(ŷ, y)


class Netz(torch.nn.Module):
    def __init__(self, übergänge=3):
        super().__init__()
        self.schicht_α = torch.nn.Linear(größe, 10)
        self.σ = torch.nn.Parameter(torch.ones(1))

    def forward(self, x):
        return self.schicht_α(x) * self.σ


netz = Netz()
μ = torch.zeros(größe)
print(имя, λ, η, verlust(netz(μ[None]), torch.tensor([1])).item(), "日本語", "😀")
