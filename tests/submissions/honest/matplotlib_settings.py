import matplotlib
matplotlib.use("Agg")
import matplotlib.pyplot as plt
import matplotlib.ticker as ticker
import numpy as np
import seaborn as sns
from matplotlib import cm, rcParams
from sklearn.metrics import ConfusionMatrixDisplay, confusion_matrix

plt.rcParams["figure.figsize"] = (8, 6)
plt.rcParams.update({"font.size": 12})
matplotlib.rcParams["axes.grid"] = True
rcParams["savefig.dpi"] = 150
plt.style.use("ggplot")
sns.set_theme(style="whitegrid")


def imshow(img):
    img = img / 2 + 0.5
    npimg = img.numpy()
    plt.imshow(np.transpose(npimg, (1, 2, 0)))
    plt.show()


def plot_history(history, path="history.png"):
    fig, (ax1, ax2) = plt.subplots(1, 2, sharex=True)
    ax1.plot(history["train_loss"], label="train")
    ax1.plot(history["val_loss"], label="val", color=cm.viridis(0.3))
    ax2.plot(history["val_acc"])
    ax2.yaxis.set_major_formatter(ticker.PercentFormatter(1.0))
    for ax in (ax1, ax2):
        ax.set_xlabel("epoch")
    ax1.legend()
    fig.tight_layout()
    fig.savefig(path)
    plt.close(fig)


def plot_confusion(y_true, y_pred, classes):
    cm_ = confusion_matrix(y_true, y_pred, normalize="true")
    ConfusionMatrixDisplay(cm_, display_labels=classes).plot(xticks_rotation=45)
    plt.savefig("confusion.png")
