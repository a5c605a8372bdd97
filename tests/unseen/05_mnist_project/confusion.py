# %% right: a Counter of pairs, and exact fractions in the report
from collections import Counter
from fractions import Fraction


def confusion_matrix(y_true, y_pred, num_classes):
    true, answers = ([int(label) for label in labels] for labels in (y_true, y_pred))
    counts = Counter(zip(true, answers, strict=True))  # strict: a ValueError for different lengths
    if not all(0 <= label < num_classes for pair in counts for label in pair):
        raise ValueError(f"labels must lie between 0 and {num_classes - 1}")
    cm = np.zeros((num_classes, num_classes), dtype=np.int64)
    for place, count in counts.items():
        cm[place] = count
    return cm


def classification_report(cm):
    rows = [[Fraction(float(v)) for v in row] for row in np.asarray(cm).tolist()]
    columns = list(zip(*rows))

    def share(a, b):
        return a / b if b else Fraction(0)

    hits = [row[i] for i, row in enumerate(rows)]
    precision = [share(hit, sum(column)) for hit, column in zip(hits, columns)]
    recall = [share(hit, sum(row)) for hit, row in zip(hits, rows)]
    f1 = [share(2 * p * r, p + r) for p, r in zip(precision, recall)]
    arrays = {
        name: np.array([float(v) for v in values], dtype=np.float64)
        for name, values in (("precision", precision), ("recall", recall), ("f1", f1))
    }
    total = share(sum(hits), sum(map(sum, rows)))
    return {"accuracy": float(total), "macro_f1": float(share(sum(f1), len(f1))), **arrays}


# %% right: torch: a sparse tensor that adds up, nan_to_num
def confusion_matrix(y_true, y_pred, num_classes):
    labels = [torch.tensor(np.asarray(side).astype(np.int64).tolist(), dtype=torch.int64) for side in (y_true, y_pred)]
    if labels[0].shape != labels[1].shape:
        raise ValueError("as many answers as labels, please")
    places = torch.stack(labels)
    if bool(((places < 0) | (places >= num_classes)).any()):
        raise ValueError("a label is no class")
    ones = torch.ones(places.shape[1], dtype=torch.int64)
    return torch.sparse_coo_tensor(places, ones, (num_classes, num_classes), check_invariants=False).to_dense().numpy()


def classification_report(cm):
    cm = torch.tensor(np.array(cm), dtype=torch.float64)
    hits = cm.diagonal()
    precision = torch.nan_to_num(hits / cm.sum(dim=0), nan=0.0)
    recall = torch.nan_to_num(hits / cm.sum(dim=1), nan=0.0)
    f1 = torch.nan_to_num(2 * precision * recall / (precision + recall), nan=0.0)
    report = {name: value.numpy() for name, value in dict(precision=precision, recall=recall, f1=f1).items()}
    report["accuracy"] = torch.nan_to_num(hits.sum() / cm.sum(), nan=0.0).item()
    report["macro_f1"] = torch.nan_to_num(f1.mean(), nan=0.0).item()
    return report


# %% right: scipy's sparse matrix; F1 from counts, as hits over the mean of row and column
from scipy import sparse


def _checked(labels, num_classes):
    labels = np.asarray(labels)
    out = labels[(labels < 0) | (labels >= num_classes)]
    if out.size:
        raise ValueError(f"{out[0]} is no class")
    return labels.astype(np.int64)


def confusion_matrix(y_true, y_pred, num_classes):
    rows, columns = _checked(y_true, num_classes), _checked(y_pred, num_classes)
    if len(rows) != len(columns):
        raise ValueError(f"{len(rows)} labels, {len(columns)} answers")
    ones = np.ones(len(rows), dtype=np.int64)
    return sparse.coo_array((ones, (rows, columns)), shape=(num_classes, num_classes)).toarray()


def classification_report(cm):
    cm = np.array(cm, dtype=np.float64)

    def ratio(above, below):
        return np.divide(above, below, out=np.zeros_like(above), where=below != 0)

    hits, called, there = np.diag(cm), cm.sum(axis=0), cm.sum(axis=1)
    f1 = ratio(2 * hits, called + there)
    return {
        "accuracy": float(ratio(hits.sum(keepdims=True), cm.sum(keepdims=True).ravel())[0]),
        "precision": ratio(hits, called),
        "recall": ratio(hits, there),
        "f1": f1,
        "macro_f1": math.fsum(f1) / max(len(f1), 1),
    }


# %% right: the pairs are sorted and their ends found; masked arrays; the dict is a subclass
class _Report(dict):
    def __str__(self):
        return ", ".join(f"{name}: {np.round(value, 3)}" for name, value in self.items())


def confusion_matrix(y_true, y_pred, num_classes):
    pair = [np.asarray(side).astype(object).astype(np.int64) for side in (y_true, y_pred)]
    if np.size(pair[0]) != np.size(pair[1]):
        raise ValueError("lengths differ")
    for side in pair:
        if np.size(side) and not (0 <= side.min() and side.max() < num_classes):
            raise ValueError("labels run from 0 to num_classes - 1")
    keys = np.sort(pair[0] * num_classes + pair[1])
    ends = np.searchsorted(keys, np.arange(num_classes**2), side="right")
    return np.diff(ends, prepend=0).astype(np.int64).reshape(num_classes, num_classes)


def classification_report(cm):
    cm = np.ma.array(np.asarray(cm), dtype=np.float64)

    def filled(value):
        return np.asarray(np.ma.filled(value, 0.0), dtype=np.float64)

    hits = cm.diagonal()
    precision, recall = filled(hits / cm.sum(axis=0)), filled(hits / cm.sum(axis=1))
    f1 = filled(np.ma.array(2 * precision * recall) / (precision + recall))
    accuracy = float(hits.sum() / cm.sum()) if cm.sum() else 0.0
    return _Report(accuracy=accuracy, macro_f1=float(np.mean(f1)), precision=precision, recall=recall, f1=f1)


# %% right: scikit-learn counts and judges, from samples that are made anew out of the matrix
import warnings


def confusion_matrix(y_true, y_pred, num_classes):
    true, answers = (np.asarray(side).astype(np.int64) for side in (y_true, y_pred))
    classes = np.arange(num_classes)
    if true.shape != answers.shape or not np.isin([*true, *answers], classes).all():
        raise ValueError("wrong lengths or labels")
    if true.size == 0:
        return np.zeros((num_classes, num_classes), dtype=np.int64)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # scikit-learn wonders when there is one class only
        return metrics.confusion_matrix(true, answers, labels=classes).astype(np.int64)


def classification_report(cm):
    cm = np.asarray(cm)
    C = len(cm)
    if not cm.sum():
        zeros = {name: np.zeros(C) for name in ("precision", "recall", "f1")}
        return {"accuracy": 0.0, "macro_f1": 0.0, **zeros}
    pairs, counts = np.argwhere(np.ones((C, C))), cm.ravel().astype(np.float64)  # each pair once, with its weight
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        precision, recall, f1, _ = metrics.precision_recall_fscore_support(
            pairs[:, 0], pairs[:, 1], labels=np.arange(C), sample_weight=counts, zero_division=0.0
        )
    accuracy = metrics.accuracy_score(pairs[:, 0], pairs[:, 1], sample_weight=counts)
    return {
        "accuracy": float(accuracy),
        "macro_f1": float(f1.mean()),
        "precision": precision,
        "recall": recall,
        "f1": f1,
    }


# %% wrong: different lengths raise a ValueError - a single answer serves for all samples, by broadcasting
def confusion_matrix(y_true, y_pred, num_classes):
    y_true, y_pred = np.asarray(y_true).astype(np.int64), np.asarray(y_pred).astype(np.int64)
    y_true, y_pred = np.broadcast_arrays(y_true, y_pred)
    for labels in (y_true, y_pred):
        if np.any(labels < 0) or np.any(labels >= num_classes):
            raise ValueError("a label is out of range")
    places = y_true * num_classes + y_pred
    cm = np.bincount(places, minlength=num_classes**2)
    return cm.reshape(num_classes, num_classes).astype(np.int64)


def classification_report(cm):
    cm = np.asarray(cm, dtype=np.float64)

    def ratio(a, b):
        return np.divide(a, b, out=np.zeros(len(cm)), where=b != 0)

    hits = cm.diagonal()
    precision, recall = ratio(hits, cm.sum(axis=0)), ratio(hits, cm.sum(axis=1))
    f1 = ratio(2 * precision * recall, precision + recall)
    accuracy = float(hits.sum() / cm.sum()) if cm.sum() else 0.0
    return {"accuracy": accuracy, "macro_f1": float(f1.mean()), "precision": precision, "recall": recall, "f1": f1}


# %% wrong: a label from C on raises a ValueError - only the true ones are looked at, an answer C counts in the next row
def confusion_matrix(y_true, y_pred, num_classes):
    y_true, y_pred = np.asarray(y_true).astype(np.int64), np.asarray(y_pred).astype(np.int64)
    if len(y_true) != len(y_pred):
        raise ValueError("different lengths")
    for labels in (y_true, y_pred):
        if np.any(labels < 0) or np.any(y_true >= num_classes):
            raise ValueError("a label is out of range")
    places = y_true * num_classes + y_pred
    cm = np.bincount(places, minlength=num_classes**2)
    return cm.reshape(num_classes, num_classes).astype(np.int64)


def classification_report(cm):
    cm = np.asarray(cm, dtype=np.float64)

    def ratio(a, b):
        return np.divide(a, b, out=np.zeros(len(cm)), where=b != 0)

    hits = cm.diagonal()
    precision, recall = ratio(hits, cm.sum(axis=0)), ratio(hits, cm.sum(axis=1))
    f1 = ratio(2 * precision * recall, precision + recall)
    accuracy = float(hits.sum() / cm.sum()) if cm.sum() else 0.0
    return {"accuracy": accuracy, "macro_f1": float(f1.mean()), "precision": precision, "recall": recall, "f1": f1}


# %% wrong: labels of any integer type - the places are uint16, enough for C = 256 and too small beyond
def confusion_matrix(y_true, y_pred, num_classes):
    y_true, y_pred = np.asarray(y_true).astype(np.int64), np.asarray(y_pred).astype(np.int64)
    if len(y_true) != len(y_pred):
        raise ValueError("different lengths")
    for labels in (y_true, y_pred):
        if np.any(labels < 0) or np.any(labels >= num_classes):
            raise ValueError("a label is out of range")
    places = (y_true * num_classes + y_pred).astype(np.uint16)
    cm = np.bincount(places, minlength=num_classes**2)
    return cm.reshape(num_classes, num_classes).astype(np.int64)


def classification_report(cm):
    cm = np.asarray(cm, dtype=np.float64)

    def ratio(a, b):
        return np.divide(a, b, out=np.zeros(len(cm)), where=b != 0)

    hits = cm.diagonal()
    precision, recall = ratio(hits, cm.sum(axis=0)), ratio(hits, cm.sum(axis=1))
    f1 = ratio(2 * precision * recall, precision + recall)
    accuracy = float(hits.sum() / cm.sum()) if cm.sum() else 0.0
    return {"accuracy": accuracy, "macro_f1": float(f1.mean()), "precision": precision, "recall": recall, "f1": f1}


# %% wrong: the entry is the number of samples - counted in uint16, so 65,536 samples of one entry are 0
def confusion_matrix(y_true, y_pred, num_classes):
    y_true, y_pred = np.asarray(y_true).astype(np.int64), np.asarray(y_pred).astype(np.int64)
    if len(y_true) != len(y_pred):
        raise ValueError("different lengths")
    for labels in (y_true, y_pred):
        if np.any(labels < 0) or np.any(labels >= num_classes):
            raise ValueError("a label is out of range")
    places = y_true * num_classes + y_pred
    cm = np.bincount(places, minlength=num_classes**2)
    return cm.reshape(num_classes, num_classes).astype(np.uint16).astype(np.int64)


def classification_report(cm):
    cm = np.asarray(cm, dtype=np.float64)

    def ratio(a, b):
        return np.divide(a, b, out=np.zeros(len(cm)), where=b != 0)

    hits = cm.diagonal()
    precision, recall = ratio(hits, cm.sum(axis=0)), ratio(hits, cm.sum(axis=1))
    f1 = ratio(2 * precision * recall, precision + recall)
    accuracy = float(hits.sum() / cm.sum()) if cm.sum() else 0.0
    return {"accuracy": accuracy, "macro_f1": float(f1.mean()), "precision": precision, "recall": recall, "f1": f1}


# %% wrong: the number of samples, 0 if there are none - no samples at all raise a ValueError, by min of nothing
def confusion_matrix(y_true, y_pred, num_classes):
    y_true, y_pred = np.asarray(y_true).astype(np.int64), np.asarray(y_pred).astype(np.int64)
    if len(y_true) != len(y_pred):
        raise ValueError("different lengths")
    for labels in (y_true, y_pred):
        if labels.min() < 0 or labels.max() >= num_classes:
            raise ValueError("a label is out of range")
    places = y_true * num_classes + y_pred
    cm = np.bincount(places, minlength=num_classes**2)
    return cm.reshape(num_classes, num_classes).astype(np.int64)


def classification_report(cm):
    cm = np.asarray(cm, dtype=np.float64)

    def ratio(a, b):
        return np.divide(a, b, out=np.zeros(len(cm)), where=b != 0)

    hits = cm.diagonal()
    precision, recall = ratio(hits, cm.sum(axis=0)), ratio(hits, cm.sum(axis=1))
    f1 = ratio(2 * precision * recall, precision + recall)
    accuracy = float(hits.sum() / cm.sum()) if cm.sum() else 0.0
    return {"accuracy": accuracy, "macro_f1": float(f1.mean()), "precision": precision, "recall": recall, "f1": f1}


# %% wrong: accuracy is the share of all samples - it is the mean recall of the classes that occur
def confusion_matrix(y_true, y_pred, num_classes):
    y_true, y_pred = np.asarray(y_true).astype(np.int64), np.asarray(y_pred).astype(np.int64)
    if len(y_true) != len(y_pred):
        raise ValueError("different lengths")
    for labels in (y_true, y_pred):
        if np.any(labels < 0) or np.any(labels >= num_classes):
            raise ValueError("a label is out of range")
    places = y_true * num_classes + y_pred
    cm = np.bincount(places, minlength=num_classes**2)
    return cm.reshape(num_classes, num_classes).astype(np.int64)


def classification_report(cm):
    cm = np.asarray(cm, dtype=np.float64)

    def ratio(a, b):
        return np.divide(a, b, out=np.zeros(len(cm)), where=b != 0)

    hits = cm.diagonal()
    precision, recall = ratio(hits, cm.sum(axis=0)), ratio(hits, cm.sum(axis=1))
    f1 = ratio(2 * precision * recall, precision + recall)
    accuracy = float(recall[cm.sum(axis=1) > 0].mean()) if cm.sum() else 0.0
    return {"accuracy": accuracy, "macro_f1": float(f1.mean()), "precision": precision, "recall": recall, "f1": f1}


# %% wrong: float64 arrays - f1 is float32
def confusion_matrix(y_true, y_pred, num_classes):
    y_true, y_pred = np.asarray(y_true).astype(np.int64), np.asarray(y_pred).astype(np.int64)
    if len(y_true) != len(y_pred):
        raise ValueError("different lengths")
    for labels in (y_true, y_pred):
        if np.any(labels < 0) or np.any(labels >= num_classes):
            raise ValueError("a label is out of range")
    places = y_true * num_classes + y_pred
    cm = np.bincount(places, minlength=num_classes**2)
    return cm.reshape(num_classes, num_classes).astype(np.int64)


def classification_report(cm):
    cm = np.asarray(cm, dtype=np.float64)

    def ratio(a, b):
        return np.divide(a, b, out=np.zeros(len(cm)), where=b != 0)

    hits = cm.diagonal()
    precision, recall = ratio(hits, cm.sum(axis=0)), ratio(hits, cm.sum(axis=1))
    f1 = ratio(2 * precision * recall, precision + recall)
    accuracy = float(hits.sum() / cm.sum()) if cm.sum() else 0.0
    return {
        "accuracy": accuracy,
        "macro_f1": float(f1.mean()),
        "precision": precision,
        "recall": recall,
        "f1": f1.astype(np.float32),
    }


# %% wrong: float64 arrays (C,) - precision, recall and f1 are lists
def confusion_matrix(y_true, y_pred, num_classes):
    y_true, y_pred = np.asarray(y_true).astype(np.int64), np.asarray(y_pred).astype(np.int64)
    if len(y_true) != len(y_pred):
        raise ValueError("different lengths")
    for labels in (y_true, y_pred):
        if np.any(labels < 0) or np.any(labels >= num_classes):
            raise ValueError("a label is out of range")
    places = y_true * num_classes + y_pred
    cm = np.bincount(places, minlength=num_classes**2)
    return cm.reshape(num_classes, num_classes).astype(np.int64)


def classification_report(cm):
    cm = np.asarray(cm, dtype=np.float64)

    def ratio(a, b):
        return np.divide(a, b, out=np.zeros(len(cm)), where=b != 0)

    hits = cm.diagonal()
    precision, recall = ratio(hits, cm.sum(axis=0)), ratio(hits, cm.sum(axis=1))
    f1 = ratio(2 * precision * recall, precision + recall)
    accuracy = float(hits.sum() / cm.sum()) if cm.sum() else 0.0
    return {
        "accuracy": accuracy,
        "macro_f1": float(f1.mean()),
        "precision": precision.tolist(),
        "recall": recall.tolist(),
        "f1": f1.tolist(),
    }
