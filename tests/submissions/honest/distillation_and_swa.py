import torch
import torch.nn as nn
import torch.nn.functional as F
import torch.nn.utils.prune as prune
from torch.nn.utils import parametrizations, weight_norm
from torch.optim.swa_utils import SWALR, AveragedModel, update_bn


def kd_loss(student, teacher, labels, T=4.0, alpha=0.9):
    soft = F.kl_div(F.log_softmax(student / T, 1), F.softmax(teacher / T, 1), reduction="batchmean") * T * T
    return alpha * soft + (1 - alpha) * F.cross_entropy(student, labels)


def fit(student, teacher, loader, epochs):
    teacher.eval()
    opt = torch.optim.SGD(student.parameters(), lr=0.1, momentum=0.9)
    swa_model = AveragedModel(student)
    swa = SWALR(opt, swa_lr=0.05)
    for epoch in range(epochs):
        student.train()
        for x, y in loader:
            with torch.no_grad():
                t = teacher(x)
            opt.zero_grad()
            kd_loss(student(x), t, y).backward()
            opt.step()
        if epoch > 3:
            swa_model.update_parameters(student)
            swa.step()
    update_bn(loader, swa_model)
    return swa_model


m = nn.Linear(8, 8)
prune.l1_unstructured(m, name="weight", amount=0.3)
prune.remove(m, "weight")
spectral = parametrizations.spectral_norm(nn.Linear(4, 4))
