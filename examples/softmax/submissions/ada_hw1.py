import math

import numpy as np


def softmax(scores):
    rows = []
    for row in scores:
        powers = [math.exp(one - max(row)) for one in row]
        rows.append([one / sum(powers) for one in powers])
    return np.array(rows)


def cross_entropy(scores, labels):
    total = 0.0
    for row, label in zip(scores, labels):
        top = max(row)
        total += math.log(sum(math.exp(one - top) for one in row)) + top - row[label]
    return total / len(labels)


def gradient(weights, x, labels):
    wanted = np.eye(weights.shape[1])[labels]
    return x.T @ (softmax(x @ weights) - wanted) / len(x)


def train(x, labels, classes, steps, rate):
    weights = np.zeros((x.shape[1], classes))
    for _ in range(steps):
        weights = weights - rate * gradient(weights, x, labels)
    return weights
