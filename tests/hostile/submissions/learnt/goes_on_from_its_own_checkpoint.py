"""Honest: trains in two stages, the second from the best checkpoint of the first."""
# on top of: honest
# must: N
# criteria: accuracy
# runs in: docker process


def train(model, train_loader, validation_loader, epochs):
    evaluate(model, validation_loader)
    optimizer = make_optimizer(model)
    warm_up = torch.optim.lr_scheduler.LambdaLR(optimizer, lambda step: min(1, step / 2))
    train_one_epoch(model, list(train_loader)[:1], optimizer)   # with a learning rate of 0
    best = 0.0
    for _ in range(max(1, epochs - 1)):
        warm_up.step()
        train_one_epoch(model, train_loader, optimizer)
        _, accuracy = evaluate(model, validation_loader)
        if accuracy > best:
            best = accuracy
            torch.save(model.state_dict(), "best.pth")
    second = build_model()
    second.load_state_dict(torch.load("best.pth"))
    optimizer = torch.optim.Adam(second.parameters(), lr=1e-4)
    train_one_epoch(second, train_loader, optimizer)
    evaluate(second, validation_loader)
    return second
