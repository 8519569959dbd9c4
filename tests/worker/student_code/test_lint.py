"""Reading what in a student's text speaks for a mistake: it is found, and nothing else is."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from textwrap import dedent

import pytest

from grader.worker.student_code import lint as reading
from grader.worker.student_code import sources
from grader.worker.student_code.lint import Spot


def files(tmp_path: Path, *texts: str) -> list[sources.Source]:
    for number, text in enumerate(texts):
        (tmp_path / f"hw{number}.py").write_text(dedent(text), encoding="utf-8")
    return sources.read(tmp_path)


def lines(spots: Sequence[Spot]) -> list[int]:
    return [spot.line for spot in spots]


def marked(text: str) -> list[int]:
    """The lines that a snippet marks with `# here`."""
    return [n for n, line in enumerate(dedent(text).split("\n"), 1) if "# here" in line]


# The mean over batches of each batch's own accuracy ----------------------------------------------

MEANS = {
    "added up, divided by the loader's length": """
        def evaluate(model, loader):
            acc = 0
            for x, y in loader:
                pred = model(x).argmax(1)
                acc += (pred == y).float().mean().item()  # here
            return acc / len(loader)
    """,
    "divided by the length in place": """
        total_acc = 0.0
        with torch.no_grad():
            for images, labels in test_loader:
                images, labels = images.to(device), labels.to(device)
                _, predicted = torch.max(net(images), 1)
                total_acc += torch.mean((predicted == labels).float())  # here
        total_acc /= len(test_loader)
        print(total_acc)
    """,
    "a list and numpy": """
        def test(net, dl):
            accs = []
            for batch in dl:
                x, y = batch
                accs.append((net(x).argmax(dim=1) == y).float().mean().item())  # here
            return np.mean(accs)
    """,
    "a list, its sum and its length": """
        val_accs = []
        for i, (x, y) in enumerate(tqdm(val_loader)):
            out = model(x)
            correct = (out.argmax(1) == y).sum().item()
            val_accs.append(correct / len(y))  # here
        print("val", 100 * sum(val_accs) / len(val_accs))
    """,
    "a list made a tensor": """
        class Trainer:
            def validate(self):
                self.model.eval()
                accuracies = []
                for data, target in self.val_loader:
                    output = self.model(data)
                    accuracies.append(output.argmax(1).eq(target).double().mean())  # here
                return torch.stack(accuracies).mean()
    """,
    "the share of each batch, counted by hand": """
        def run(model, data_loader):
            running_acc, n_batches = 0., 0
            for inputs, labels in data_loader:
                hits = torch.sum(model(inputs).argmax(1) == labels.data)
                acc = hits.double() / inputs.size(0)
                running_acc += acc  # here
                n_batches += 1
            return running_acc / n_batches
    """,
    "divided inside the loop": """
        for epoch in range(epochs):
            epoch_accuracy = 0
            for data, label in train_loader:
                output = model(data)
                acc = (output.argmax(dim=1) == label).float().mean()
                epoch_accuracy += acc / len(train_loader)  # here
            print(epoch_accuracy)
    """,
    "through a helper": """
        def accuracy(outputs, labels):
            preds = outputs.argmax(dim=1)
            return (preds == labels).float().mean()
        def evaluate(model, loader):
            total = 0
            for x, y in loader:
                total = total + accuracy(model(x), y).item()  # here
            return total / len(loader)
    """,
    "validation steps that return dictionaries": """
        def accuracy(outputs, labels):
            _, preds = torch.max(outputs, dim=1)
            return torch.tensor(torch.sum(preds == labels).item() / len(preds))
        class Base(nn.Module):
            def validation_step(self, batch):
                images, labels = batch
                out = self(images)
                loss = F.cross_entropy(out, labels)
                acc = accuracy(out, labels)
                return {'val_loss': loss, 'val_acc': acc}
            def validation_epoch_end(self, outputs):
                batch_losses = [x['val_loss'] for x in outputs]
                epoch_loss = torch.stack(batch_losses).mean()
                batch_accs = [x['val_acc'] for x in outputs]  # here
                epoch_acc = torch.stack(batch_accs).mean()
                return {'val_loss': epoch_loss.item(), 'val_acc': epoch_acc.item()}
    """,
    "the error, and the index of the last batch": """
        err = 0
        for batch_idx, (x, y) in enumerate(loader):
            err += 1 - (model(x).argmax(1) == y).float().mean().item()  # here
        print(err / (batch_idx + 1))
    """,
    "the batch size as written": """
        for phase in ['train', 'val']:
            running = 0.0
            for inputs, labels in dataloaders[phase]:
                preds = model(inputs).argmax(1)
                running += (preds == labels).sum().item() / batch_size  # here
            epoch_acc = running / len(dataloaders[phase])
    """,
    "a number of batches with a name": """
        def test_loop(dataloader, model, loss_fn):
            num_batches = len(dataloader)
            test_loss, correct = 0, 0
            for X, y in dataloader:
                pred = model(X)
                test_loss += loss_fn(pred, y).item()
                correct += (pred.argmax(1) == y).type(torch.float).mean().item()  # here
            test_loss /= num_batches
            correct /= num_batches
    """,
    "scikit-learn's accuracy of each batch": """
        scores = []
        for x, y in tqdm(test_dl, desc="test"):
            pred = net(x).argmax(1)
            scores.append(accuracy_score(y.cpu(), pred.cpu()))  # here
        print(np.mean(scores))
    """,
    "slices of one tensor": """
        acc = []
        for i in range(0, len(X), 128):
            xb, yb = X[i:i + 128], Y[i:i + 128]
            acc.append(np.mean(predict(xb) == yb))  # here
        print(np.array(acc).mean())
    """,
    "a comprehension": """
        def accuracy(out, yb): return (out.argmax(1) == yb).float().mean()
        def validate(model, valid_dl):
            accs = [accuracy(model(xb), yb) for xb, yb in valid_dl]  # here
            return sum(accs) / len(accs)
    """,
}
NO_MEANS = {
    "counts over the number of images": """
        def evaluate(model, loader):
            correct = total = 0
            for x, y in loader:
                correct += (model(x).argmax(1) == y).sum().item()
                total += y.size(0)
            return correct / total
    """,
    "the tutorial's counts over the size of the data set": """
        def test_loop(dataloader, model, loss_fn):
            size = len(dataloader.dataset)
            num_batches = len(dataloader)
            test_loss, correct = 0, 0
            for X, y in dataloader:
                pred = model(X)
                test_loss += loss_fn(pred, y).item()
                correct += (pred.argmax(1) == y).type(torch.float).sum().item()
            test_loss /= num_batches
            correct /= size
    """,
    "losses": """
        losses = []
        for x, y in loader:
            loss = F.cross_entropy(model(x), y)
            losses.append(loss.item())
            running_loss += loss.item()
        print(np.mean(losses), running_loss / len(loader))
    """,
    "weighted by the size of each batch": """
        def evaluate(model, loader):
            acc = n = 0
            for x, y in loader:
                batch_acc = (model(x).argmax(1) == y).float().mean().item()
                acc += batch_acc * len(y)
                n += len(y)
            return acc / n
    """,
    "each batch's share of the data set": """
        acc = 0
        for x, y in loader:
            acc += (model(x).argmax(1) == y).sum().item() / len(loader.dataset)
        print(acc)
    """,
    "folds": """
        scores = []
        for train_idx, val_idx in kf.split(X):
            model = fit(X[train_idx], Y[train_idx])
            y_val = Y[val_idx]
            scores.append((model(X[val_idx]).argmax(1) == y_val).float().mean().item())
        print(np.mean(scores))
    """,
    "folds by their number": """
        for fold in range(5):
            x_val, y_val = folds[fold]
            scores.append((models[fold](x_val).argmax(1) == y_val).float().mean().item())
        print(np.mean(scores))
    """,
    "how often one class is predicted": """
        share = 0
        for x, y in loader:
            share += (model(x).argmax(1) == 3).float().mean().item()
        print(share / len(loader))
    """,
    "epochs with all images at once": """
        accs = []
        for epoch in range(100):
            pred = model(X_train).argmax(1)
            accs.append((pred == y_train).float().mean().item())
        print(sum(accs) / len(accs))
    """,
    "accuracies of whole epochs": """
        history = []
        for epoch in range(10):
            acc = evaluate(model, loader)
            history.append(acc)
        print(np.mean(history))
    """,
    "printed every hundred batches": """
        recent = []
        for i, (x, y) in enumerate(loader):
            out = model(x)
            if i % 100 == 0:
                recent.append((out.argmax(1) == y).float().mean().item())
        print(np.mean(recent))
    """,
    "shown while it runs and never averaged": """
        for x, y in loader:
            out = model(x)
            acc = (out.argmax(1) == y).float().mean().item()
            accs.append(acc)
            pbar.set_postfix(acc=acc)
        plt.plot(accs)
    """,
    "a meter that knows the sizes": """
        for images, target in loader:
            output = model(images)
            acc1 = accuracy(output, target)
            top1.update(acc1, images.size(0))
        print(top1.avg)
    """,
    "all predictions put together first": """
        preds, labels = [], []
        for x, y in loader:
            preds.append(model(x).argmax(1))
            labels.append(y)
        acc = (torch.cat(preds) == torch.cat(labels)).float().mean()
    """,
    "a mean over networks": """
        scores = []
        for seed in seeds:
            model = build(seed)
            y = labels[seed]
            scores.append((model(images).argmax(1) == y).float().mean().item())
        print(np.mean(scores))
    """,
    "several data sets, each of them whole": """
        results = []
        for x, y in test_datasets:
            results.append((model(x).argmax(1) == y).float().mean().item())
        print(np.mean(results))
    """,
    "accuracy by class": """
        for x, y in loader:
            pred = model(x).argmax(1)
            for c in range(10):
                hit[c] += (pred[y == c] == c).sum().item()
                seen[c] += (y == c).sum().item()
        print([h / s for h, s in zip(hit, seen)], sum(hit) / len(hit))
    """,
    "gradients and norms": """
        norms = []
        for x, y in loader:
            loss_fn(model(x), y).backward()
            norms.append(torch.stack([p.grad.norm() for p in model.parameters()]).mean().item())
            share += (x > 0).float().mean()
        print(np.mean(norms), share / len(loader))
    """,
    "a helper for the whole loader": """
        def accuracy(model, loader):
            correct = 0
            for x, y in loader:
                correct += (model(x).argmax(1) == y).sum().item()
            return correct / len(loader.dataset)
        accs = []
        for loader in test_loaders:
            accs.append(accuracy(model, loader))
        print(np.mean(accs))
    """,
}


@pytest.mark.parametrize("title", MEANS)
def test_a_mean_of_the_batches_accuracies_is_found(tmp_path: Path, title: str) -> None:
    found = reading.means_of_batches(files(tmp_path, MEANS[title]))
    assert lines(found) == marked(MEANS[title])
    assert {spot.kind for spot in found} == {"mean_of_batches"}


@pytest.mark.parametrize("title", NO_MEANS)
def test_what_weighs_every_image_alike_is_no_mean_of_batches(tmp_path: Path, title: str) -> None:
    assert reading.means_of_batches(files(tmp_path, NO_MEANS[title])) == []


def test_a_helper_may_live_in_another_file(tmp_path: Path) -> None:
    helper = "def acc(out, y):\n    return (out.argmax(1) == y).float().mean()\n"
    loop = "s = 0\nfor x, y in loader:\n    s += acc(net(x), y)\nprint(s / len(loader))\n"
    (found,) = reading.means_of_batches(files(tmp_path, helper, loop))
    assert (found.file, found.line) == ("hw1.py", 3)


# A checkpoint that is chosen ---------------------------------------------------------------------

CHOICES = {
    "the best accuracy saved": """
        best_acc = 0
        for epoch in range(100):
            val_acc = validate(model, val_loader)
            if val_acc > best_acc:  # here
                best_acc = val_acc
                torch.save(model.state_dict(), 'best.pth')
    """,
    "a copy in memory": """
        def fit(model, dataloaders):
            best_model_wts = copy.deepcopy(model.state_dict())
            best_acc = 0.0
            for epoch in range(25):
                if phase == 'val' and epoch_acc > best_acc:  # here
                    best_acc = epoch_acc
                    best_model_wts = copy.deepcopy(model.state_dict())
    """,
    "the lowest loss, the other way round": """
        min_loss = float('inf')
        for t in range(9):
            loss = test(model)
            if min_loss >= loss:  # here
                print('saving')
                torch.save({'epoch': t, 'net': net.state_dict()}, path)
                min_loss = loss
    """,
    "attributes": """
        class Trainer:
            def step(self):
                err = self.test()
                if err < self.best_err - 1e-4:  # here
                    self.best_err = err
                    self.save('best.pt')
    """,
    "the maximum of all before": """
        accs = [0]
        for e in range(3):
            acc = evaluate()
            if acc > max(accs):  # here
                torch.save(model, 'model.pt')
            accs.append(acc)
    """,
    "a flag that goes into a function": """
        for epoch in range(args.start_epoch, args.epochs):
            acc1 = validate(val_loader, model, criterion, args)
            is_best = acc1 > best_acc1  # here
            best_acc1 = max(acc1, best_acc1)
            save_checkpoint({'state_dict': model.state_dict()}, is_best)
    """,
    "a flag and a condition": """
        better = val_loss < best_loss  # here
        if better:
            best_loss = val_loss
            torch.save(model.state_dict(), 'm.pth')
    """,
    "the early stopping that everybody copies": """
        class EarlyStopping:
            def __call__(self, val_loss, model):
                score = -val_loss
                if self.best_score is None:
                    self.best_score = score
                    self.save_checkpoint(val_loss, model)
                elif score < self.best_score + self.delta:  # here
                    self.counter += 1
                else:
                    self.best_score = score
                    self.save_checkpoint(val_loss, model)
    """,
    "a dictionary of the best": """
        if acc >= best['acc']:  # here
            best['acc'] = acc
            best['state'] = {k: v.clone() for k, v in model.state_dict().items()}
    """,
    "two at once": """
        if test_acc > top:  # here
            top, top_epoch = test_acc, epoch
            best_model = deepcopy(model)
    """,
    "a tensor's number": """
        if loss < best:  # here
            best = loss.item()
            torch.save(net.state_dict(), PATH)
    """,
}
NO_CHOICES = {
    "every tenth epoch": """
        if epoch % 10 == 0 and epoch > 0:
            torch.save(model.state_dict(), f'{epoch}.pth')
    """,
    "after the last epoch": """
        for epoch in range(epochs):
            train()
        torch.save(model.state_dict(), 'last.pth')
    """,
    "only printed": """
        if acc > best_acc:
            best_acc = acc
            print('new best', best_acc)
    """,
    "a threshold": """
        if acc > 0.9:
            torch.save(model.state_dict(), 'good.pth')
    """,
    "a target from the command line": """
        if acc > args.target:
            torch.save(model.state_dict(), 'good.pth')
            break
    """,
    "later epochs": """
        if epoch > last_saved:
            last_saved = epoch
            torch.save(model.state_dict(), 'x.pth')
    """,
    "once in ten minutes": """
        now = time.time()
        if now - last_time > 600:
            torch.save(model.state_dict(), 'x.pth')
            last_time = now
    """,
    "a figure of the best": """
        if acc > best_acc:
            best_acc = acc
            plt.savefig('best.png')
    """,
    "an argument": """
        if args.save_model:
            torch.save(model.state_dict(), 'mnist_cnn.pt')
    """,
    "whether the file is there": """
        if os.path.exists('weights.pth'):
            model.load_state_dict(torch.load('weights.pth'))
        elif len(losses) > 3:
            torch.save(model.state_dict(), 'weights.pth')
    """,
    "a learning rate that was cut": """
        if val_loss < best_loss:
            best_loss = val_loss
            patience = 0
        else:
            patience += 1
            for group in optimizer.param_groups:
                group['lr'] *= 0.1
    """,
    "the last epoch by its number": """
        if epoch == n_epochs - 1:
            torch.save(model.state_dict(), 'x.pth')
    """,
}


@pytest.mark.parametrize("title", CHOICES)
def test_a_checkpoint_that_is_chosen_is_found(tmp_path: Path, title: str) -> None:
    found = reading.chooses_checkpoint(files(tmp_path, CHOICES[title]))
    assert lines(found) == marked(CHOICES[title])


@pytest.mark.parametrize("title", NO_CHOICES)
def test_what_chooses_nothing_is_no_choice(tmp_path: Path, title: str) -> None:
    assert reading.chooses_checkpoint(files(tmp_path, NO_CHOICES[title])) == []


def test_a_choice_is_told_by_what_is_compared(tmp_path: Path) -> None:
    (found,) = reading.chooses_checkpoint(files(tmp_path, CHOICES["two at once"]))
    assert found.text == "test_acc > top"


# Normalisation -----------------------------------------------------------------------------------

GIVEN = "stats = ((0.5, 0.4, 0.3), (0.2, 0.2, 0.1))\nm = [0.4914, 0.4822, 0.4465]\nn = m * 2\n"
NORMALISATIONS = [
    ("transforms.Normalize((0.5, 0.4, 0.3), (0.2, 0.2, 0.1))", (0.5, 0.4, 0.3), (0.2, 0.2, 0.1)),
    ("T.Normalize(mean=[0.5], std=[1])", (0.5,), (1.0,)),
    ("Normalize([0.5] * 3, (0.5,) * 3)", (0.5,) * 3, (0.5,) * 3),
    ("v2.Normalize(*stats)", (0.5, 0.4, 0.3), (0.2, 0.2, 0.1)),
    ("transforms.Normalize(*stats, inplace=True)", (0.5, 0.4, 0.3), (0.2, 0.2, 0.1)),
    ("transforms.Normalize(m, std)", (0.4914, 0.4822, 0.4465), None),
    ("transforms.Normalize(train_mean, train_std)", None, None),
    ("transforms.Normalize([x / 255 for x in m], m)", None, (0.4914, 0.4822, 0.4465)),
    ("transforms.Normalize(0.1307, 0.3081)", (0.1307,), (0.3081,)),
    ("transforms.Normalize(std=m, mean=m)", (0.4914, 0.4822, 0.4465), (0.4914, 0.4822, 0.4465)),
    ("A.Normalize(n, ('a', 'b'))", None, None),
    ("torchvision.transforms.Normalize((-1.0,), (True,))", (-1.0,), None),
]
NO_NORMALISATIONS = [
    "F.normalize(x)", "transforms.ToTensor()", "normalize(m, m)", "Normalizer()", "x.normal_()",
    "nn.BatchNorm2d(3)", "(x - mean) / std", "Normalize", "'Normalize(m, m)'",
    "class Normalize: pass", "transforms.Compose([normalize])", "colors.normalize(m, m)",
]


@pytest.mark.parametrize(("line", "mean", "std"), NORMALISATIONS)
def test_a_normalisation_is_told_by_its_numbers(
    tmp_path: Path, line: str, mean: tuple[float, ...] | None, std: tuple[float, ...] | None
) -> None:
    (found,) = reading.normalisations(files(tmp_path, f"{GIVEN}t = {line}\n"))
    assert (found.mean, found.std, found.spot.line) == (mean, std, 4)


@pytest.mark.parametrize("line", NO_NORMALISATIONS)
def test_what_normalises_no_images_is_not_told(tmp_path: Path, line: str) -> None:
    assert reading.normalisations(files(tmp_path, f"{GIVEN}{line}\n")) == []


# What all of them have in common -----------------------------------------------------------------

READERS = [
    reading.means_of_batches, reading.chooses_checkpoint, reading.normalisations,
]


def test_a_place_in_a_notebook_is_told_by_its_cell(tmp_path: Path) -> None:
    text = "# %% [cell 1]\nimport torch\n# %% [cell 3]\nx = 1\nNormalize(m, m)\n"
    (found,) = reading.normalisations(files(tmp_path, text))
    assert (found.spot.line, found.spot.cell) == (5, 3)
    assert found.spot.place == "hw0.py, cell 3, line 2"


def test_a_place_in_a_file_is_told_by_its_line(tmp_path: Path) -> None:
    (found,) = reading.normalisations(files(tmp_path, "\nNormalize(m, m)"))
    spot = found.spot
    assert (spot.file, spot.line, spot.cell, spot.place, spot.within, spot.text) == (
        "hw0.py", 2, 0, "hw0.py, line 2", "", "Normalize(m, m)"
    )


@pytest.mark.parametrize("reader", READERS, ids=lambda reader: reader.__name__)
def test_a_file_that_does_not_parse_is_left_out(tmp_path: Path, reader: object) -> None:
    assert callable(reader)
    assert reader(files(tmp_path, "def broken(:\n", "x = 1\n")) == []


@pytest.mark.parametrize("reader", READERS, ids=lambda reader: reader.__name__)
@pytest.mark.parametrize(
    "text",
    [
        "x = " + "+".join(["1"] * 3000) + "\nfor a in loader:\n    s += x\ns /= len(loader)\n",
        "x" + ".f()" * 3000 + "\n",
        "for a in loader:\n    y = y\n    x = x + x\n    s += (x == y).mean()\nprint(s / len(a))\n",
        "m = m * 2\nNormalize(m, m)\nif a > b:\n    b = a\n",
        "async def f():\n    async for x, y in loader:\n        pass\nlambda: opt\n",
    ],
    ids=["sum", "chain", "circle", "itself", "async"],
)
def test_odd_text_breaks_no_reader(tmp_path: Path, reader: object, text: str) -> None:
    assert callable(reader)
    reader(files(tmp_path, text))


@pytest.mark.parametrize("reader", READERS, ids=lambda reader: reader.__name__)
def test_of_a_thousand_places_some_are_told(tmp_path: Path, reader: object) -> None:
    assert callable(reader)
    many = "".join(
        f"""
        Normalize(m, m)
        if acc > best{n}:
            best{n} = acc
            torch.save(model)
        for x, y in loader:
            s{n} += (net(x) == y).mean()
        print(s{n} / len(loader))
        """
        for n in range(60)
    )
    text = "import torch.nn.functional as F\n" + dedent(many)
    assert len(reader(files(tmp_path, text))) == 50
