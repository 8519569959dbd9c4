"""ESE 546, Homework 2: residual networks.

Name:
Collaborators:
Hours spent on each problem:

Fill in the functions below; keep their names and their first arguments. You may hand in a script or
a notebook of your own instead. `grader check hw2.py` tells you what is right so far.
"""

import torch
from torch import nn

# Problem 1 (c) ------------------------------------------------------------------------


def layer_parameter_counts(model: nn.Module):
    """Count the trainable parameters of each layer.

    model: an nn.Module, such as torchvision's resnet18().
    Returns a dict: the layer's name, as in model.named_modules() -> number of elements (int).
    Layers without parameters may be left out. For resnet18() the values add up to 11,689,512.
    """
    raise NotImplementedError("layer_parameter_counts")


# Problem 1 (e) ------------------------------------------------------------------------


def group_parameters(model: nn.Module):
    """Separate the parameters of a network into three groups.

    model: an nn.Module; it need not be a ResNet-18.
    Returns a tuple of three lists of nn.Parameter, (batch_norm, biases, rest):
        (i)   the affine parameters of the batch-norm layers, weights and biases,
        (ii)  the biases of convolutional and fully connected layers,
        (iii) all the rest.
    Every parameter of the model is in exactly one of the lists, once.
    """
    raise NotImplementedError("group_parameters")


# Training -----------------------------------------------------------------------------


def build_model(num_classes=10):
    """Build the residual network that is trained.

    Returns an nn.Module that maps images, float32 (N, 3, H, W), to logits, float32
    (N, num_classes). The images may be as small as 8x8: begin with a 3x3 convolution of stride 1.
    """
    raise NotImplementedError("build_model")


def make_optimizer(model: nn.Module) -> torch.optim.Optimizer:
    """Make the optimizer: SGD with Nesterov momentum 0.9, and weight decay on group (iii) only.

    Returns a torch.optim.Optimizer that holds every trainable parameter exactly once.
    """
    raise NotImplementedError("make_optimizer")


def train_one_epoch(model: nn.Module, loader, optimizer):
    """Train for one pass over the loader, in train mode.

    loader: gives batches (images, labels): float32 (N, 3, H, W), normalised, and int64 (N,).
    Returns the mean training loss (float).
    """
    raise NotImplementedError("train_one_epoch")


def evaluate(model: nn.Module, loader):
    """Evaluate the network on all images of the loader, in eval mode and without gradients.

    Returns (loss, accuracy): mean cross-entropy per image and top-1 accuracy between 0 and 1.
    """
    raise NotImplementedError("evaluate")


def train(model: nn.Module, train_loader, validation_loader, epochs):
    """Train the model in place, with the optimizer of make_optimizer and a learning rate schedule.

    After each epoch the network is evaluated on the validation images.
    Returns one dict per epoch with "train_loss", "validation_loss" and "validation_accuracy".
    """
    raise NotImplementedError("train")
