"""Exercise 5.3: a confusion matrix and a report. All answers by somebody who saw only the task."""

# %% right: blind - plain Python: a Counter of pairs, sums in loops
from collections import Counter


def plain(labels, C):
    numbers = [int(label) for label in (labels.tolist() if hasattr(labels, "tolist") else labels)]
    if numbers and not 0 <= min(numbers) <= max(numbers) < C:
        raise ValueError("a label is none of the classes")
    return numbers


def confusion_matrix(y_true, y_pred, num_classes):
    try:
        pairs = Counter(zip(plain(y_true, num_classes), plain(y_pred, num_classes), strict=True))
    except ValueError as error:
        raise ValueError(f"labels do not fit: {error}") from None
    rows = [[pairs[i, j] for j in range(num_classes)] for i in range(num_classes)]
    return np.array(rows, dtype="int64")


def classification_report(cm):
    table = [[int(entry) for entry in row] for row in cm]
    C = len(table)
    report = {name: [] for name in ("precision", "recall", "f1")}
    diagonal = 0
    for c in range(C):
        hit = table[c][c]
        diagonal += hit
        called = sum(table[i][c] for i in range(C))
        there = sum(table[c])
        p = hit / called if called else 0.0
        r = hit / there if there else 0.0
        report["precision"].append(p)
        report["recall"].append(r)
        report["f1"].append(2 * p * r / (p + r) if hit else 0.0)
    total = sum(map(sum, table))
    made = {name: np.array(values, dtype=float) for name, values in report.items()}
    made["accuracy"] = diagonal / total if total else 0.0
    made["macro_f1"] = sum(report["f1"]) / C
    return made


# %% right: blind - SciPy's sparse matrix adds up what meets; denominators of at least 1
from scipy import sparse


def confusion_matrix(y_true, y_pred, num_classes):
    lengths = {len(y_true), len(y_pred)}
    if len(lengths) > 1:
        raise ValueError("different lengths")
    places = np.stack([np.asarray(labels, dtype=np.int64) for labels in (y_true, y_pred)])
    if places.size and (places.min() < 0 or places.max() > num_classes - 1):
        raise ValueError("labels outside")
    ones = np.ones(lengths.pop(), dtype=np.int64)
    return sparse.coo_array((ones, tuple(places)), shape=(num_classes, num_classes)).toarray()


def classification_report(cm):
    cm = np.array(cm)
    TP = cm.diagonal()  # 0 wherever a denominator below is 0, so any denominator serves there
    columns, rows = cm.sum(0), cm.sum(1)
    FP, FN = columns - TP, rows - TP
    f1 = 2 * TP / (2 * TP + FP + FN).clip(min=1)
    report = dict(precision=TP / columns.clip(min=1), recall=TP / rows.clip(min=1), f1=f1)
    report.update(accuracy=float(TP.sum() / max(cm.sum(), 1)), macro_f1=float(np.mean(f1)))
    return report


# %% right: blind - torch: bincount of row * C + column; nan_to_num
def confusion_matrix(y_true, y_pred, num_classes):
    t, p = (torch.tensor(np.array(y).tolist(), dtype=torch.int64) for y in (y_true, y_pred))
    if len(t) != len(p) or any(not torch.equal(y, y.clamp(0, num_classes - 1)) for y in (t, p)):
        raise ValueError("the labels do not fit")
    return torch.bincount(t * num_classes + p, minlength=num_classes**2).view(num_classes, -1).numpy()


def classification_report(cm):
    M = torch.as_tensor(cm).double()
    truth, answers = M / M.sum(1, keepdim=True), M / M.sum(0)  # 0 / 0 is a silent NaN in torch
    recall, precision = truth.diag().nan_to_num(0.0), answers.diag().nan_to_num(0.0)
    f1 = (2 * precision * recall / (precision + recall)).nan_to_num(0.0)
    names = "precision", "recall", "f1"
    report = {name: values.numpy() for name, values in zip(names, (precision, recall, f1), strict=True)}
    accuracy = (M.trace() / M.sum()).nan_to_num(0.0)
    return report | {"accuracy": accuracy.item(), "macro_f1": f1.mean().item()}


# %% right: blind - sorts codes and measures the runs; a dict of functions for the report, errstate against warnings
class Codes:
    def __init__(self, base):
        self.base = base

    def checked(self, labels):
        labels = np.array([int(label) for label in labels], dtype=np.int64)
        if set(np.unique(labels)) - set(range(self.base)):
            raise ValueError("unknown class")
        return labels

    def matrix(self, true, called):
        codes = self.checked(true) * self.base + self.checked(called)
        flat = np.sort(codes)
        ends = np.searchsorted(flat, np.arange(self.base * self.base), side="right")
        return np.diff(ends, prepend=0).reshape(self.base, self.base).astype(np.int64)


def confusion_matrix(y_true, y_pred, num_classes):
    if len(y_true) != len(y_pred):
        raise ValueError("as many answers as samples, please")
    return Codes(num_classes).matrix(y_true, y_pred)


def classification_report(cm):
    M = np.asarray(cm) / 1.0
    identity = np.eye(len(M))
    with np.errstate(all="ignore"):
        precision = np.where(M.sum(axis=0) > 0, (M * identity / M.sum(axis=0)).sum(axis=0), 0)
        recall = np.where(M.sum(axis=1) > 0, (M.T * identity / M.sum(axis=1)).sum(axis=0), 0)
        # The harmonic mean; where one of the two is 0, its inverse is infinite, and the mean is 0.
        f1 = 2 / (1 / precision + 1 / recall)
    precision[np.isnan(precision)] = recall[np.isnan(recall)] = 0
    accuracy = np.einsum("ii", M) / M.sum() if M.any() else 0.0
    return {
        "f1": f1,
        "recall": recall,
        "precision": precision,
        "macro_f1": float(np.average(f1)),
        "accuracy": float(accuracy),
    }


# %% wrong: a label below 0 counts from the end, like an index
def confusion_matrix(y_true, y_pred, num_classes):
    y_true = np.asarray(y_true).astype(np.int64)
    y_pred = np.asarray(y_pred).astype(np.int64)
    if len(y_true) != len(y_pred):
        raise ValueError("different lengths")
    for labels in (y_true, y_pred):
        if len(labels) and (labels.max() >= num_classes):
            raise ValueError("a label is outside of 0 to C - 1")
    cm = np.zeros((num_classes, num_classes), dtype=np.int64)
    for i, j in zip(y_true, y_pred):
        cm[i, j] += 1
    return cm


def classification_report(cm):
    hits = np.diag(cm).astype(np.float64)
    called, there = cm.sum(axis=0), cm.sum(axis=1)
    precision = np.divide(hits, called, out=np.zeros(len(cm)), where=called > 0)
    recall = np.divide(hits, there, out=np.zeros(len(cm)), where=there > 0)
    both = precision + recall
    f1 = np.divide(2 * precision * recall, both, out=np.zeros(len(cm)), where=both > 0)
    return {
        "accuracy": float(hits.sum() / cm.sum()) if cm.sum() else 0.0,
        "macro_f1": float(f1.mean()),
        "precision": precision,
        "recall": recall,
        "f1": f1,
    }


# %% wrong: zip ends with the shorter list, and no one asks for the lengths
def confusion_matrix(y_true, y_pred, num_classes):
    y_true = np.asarray(y_true).astype(np.int64)
    y_pred = np.asarray(y_pred).astype(np.int64)
    for labels in (y_true, y_pred):
        if len(labels) and (labels.min() < 0 or labels.max() >= num_classes):
            raise ValueError("a label is outside of 0 to C - 1")
    cm = np.zeros((num_classes, num_classes), dtype=np.int64)
    for i, j in zip(y_true, y_pred):
        cm[i, j] += 1
    return cm


def classification_report(cm):
    hits = np.diag(cm).astype(np.float64)
    called, there = cm.sum(axis=0), cm.sum(axis=1)
    precision = np.divide(hits, called, out=np.zeros(len(cm)), where=called > 0)
    recall = np.divide(hits, there, out=np.zeros(len(cm)), where=there > 0)
    both = precision + recall
    f1 = np.divide(2 * precision * recall, both, out=np.zeros(len(cm)), where=both > 0)
    return {
        "accuracy": float(hits.sum() / cm.sum()) if cm.sum() else 0.0,
        "macro_f1": float(f1.mean()),
        "precision": precision,
        "recall": recall,
        "f1": f1,
    }


# %% wrong: only the true labels are looked at, an answer too large slips into the next row
def confusion_matrix(y_true, y_pred, num_classes):
    y_true = np.asarray(y_true).astype(np.int64)
    y_pred = np.asarray(y_pred).astype(np.int64)
    if len(y_true) != len(y_pred):
        raise ValueError("different lengths")
    if len(y_true) and (y_true.min() < 0 or y_true.max() >= num_classes):
        raise ValueError("a label is outside of 0 to C - 1")
    counts = np.bincount(np.maximum(y_true * num_classes + y_pred, 0), minlength=num_classes**2)
    return counts[: num_classes**2].reshape(num_classes, num_classes)


def classification_report(cm):
    hits = np.diag(cm).astype(np.float64)
    called, there = cm.sum(axis=0), cm.sum(axis=1)
    precision = np.divide(hits, called, out=np.zeros(len(cm)), where=called > 0)
    recall = np.divide(hits, there, out=np.zeros(len(cm)), where=there > 0)
    both = precision + recall
    f1 = np.divide(2 * precision * recall, both, out=np.zeros(len(cm)), where=both > 0)
    return {
        "accuracy": float(hits.sum() / cm.sum()) if cm.sum() else 0.0,
        "macro_f1": float(f1.mean()),
        "precision": precision,
        "recall": recall,
        "f1": f1,
    }


# %% wrong: accuracy of no samples at all is NaN
def confusion_matrix(y_true, y_pred, num_classes):
    y_true = np.asarray(y_true).astype(np.int64)
    y_pred = np.asarray(y_pred).astype(np.int64)
    if len(y_true) != len(y_pred):
        raise ValueError("different lengths")
    for labels in (y_true, y_pred):
        if len(labels) and (labels.min() < 0 or labels.max() >= num_classes):
            raise ValueError("a label is outside of 0 to C - 1")
    cm = np.zeros((num_classes, num_classes), dtype=np.int64)
    for i, j in zip(y_true, y_pred):
        cm[i, j] += 1
    return cm


def classification_report(cm):
    hits = np.diag(cm).astype(np.float64)
    called, there = cm.sum(axis=0), cm.sum(axis=1)
    precision = np.divide(hits, called, out=np.zeros(len(cm)), where=called > 0)
    recall = np.divide(hits, there, out=np.zeros(len(cm)), where=there > 0)
    both = precision + recall
    f1 = np.divide(2 * precision * recall, both, out=np.zeros(len(cm)), where=both > 0)
    return {
        "accuracy": float(hits.sum() / cm.sum()) if cm.sum() else math.nan,
        "macro_f1": float(f1.mean()),
        "precision": precision,
        "recall": recall,
        "f1": f1,
    }


# %% wrong: rows are the answers, columns the truth
def confusion_matrix(y_true, y_pred, num_classes):
    y_true = np.asarray(y_true).astype(np.int64)
    y_pred = np.asarray(y_pred).astype(np.int64)
    if len(y_true) != len(y_pred):
        raise ValueError("different lengths")
    for labels in (y_true, y_pred):
        if len(labels) and (labels.min() < 0 or labels.max() >= num_classes):
            raise ValueError("a label is outside of 0 to C - 1")
    cm = np.zeros((num_classes, num_classes), dtype=np.int64)
    for i, j in zip(y_true, y_pred):
        cm[j, i] += 1
    return cm


def classification_report(cm):
    hits = np.diag(cm).astype(np.float64)
    called, there = cm.sum(axis=0), cm.sum(axis=1)
    precision = np.divide(hits, called, out=np.zeros(len(cm)), where=called > 0)
    recall = np.divide(hits, there, out=np.zeros(len(cm)), where=there > 0)
    both = precision + recall
    f1 = np.divide(2 * precision * recall, both, out=np.zeros(len(cm)), where=both > 0)
    return {
        "accuracy": float(hits.sum() / cm.sum()) if cm.sum() else 0.0,
        "macro_f1": float(f1.mean()),
        "precision": precision,
        "recall": recall,
        "f1": f1,
    }


# %% wrong: cm[y_true, y_pred] += 1 counts each place once
def confusion_matrix(y_true, y_pred, num_classes):
    y_true = np.asarray(y_true).astype(np.int64)
    y_pred = np.asarray(y_pred).astype(np.int64)
    if len(y_true) != len(y_pred):
        raise ValueError("different lengths")
    for labels in (y_true, y_pred):
        if len(labels) and (labels.min() < 0 or labels.max() >= num_classes):
            raise ValueError("a label is outside of 0 to C - 1")
    cm = np.zeros((num_classes, num_classes), dtype=np.int64)
    cm[y_true, y_pred] += 1
    return cm


def classification_report(cm):
    hits = np.diag(cm).astype(np.float64)
    called, there = cm.sum(axis=0), cm.sum(axis=1)
    precision = np.divide(hits, called, out=np.zeros(len(cm)), where=called > 0)
    recall = np.divide(hits, there, out=np.zeros(len(cm)), where=there > 0)
    both = precision + recall
    f1 = np.divide(2 * precision * recall, both, out=np.zeros(len(cm)), where=both > 0)
    return {
        "accuracy": float(hits.sum() / cm.sum()) if cm.sum() else 0.0,
        "macro_f1": float(f1.mean()),
        "precision": precision,
        "recall": recall,
        "f1": f1,
    }


# %% wrong: row times C in the labels' own type, which overflows for uint8
def confusion_matrix(y_true, y_pred, num_classes):
    t, p = torch.as_tensor(y_true), torch.as_tensor(y_pred)
    if len(t) != len(p):
        raise ValueError("different lengths")
    if any(int(label) not in range(num_classes) for label in (*t, *p)):
        raise ValueError("a label is outside of 0 to C - 1")
    counts = torch.bincount(t * num_classes + p, minlength=num_classes**2)
    return counts.reshape(num_classes, num_classes).numpy()


def classification_report(cm):
    hits = np.diag(cm).astype(np.float64)
    called, there = cm.sum(axis=0), cm.sum(axis=1)
    precision = np.divide(hits, called, out=np.zeros(len(cm)), where=called > 0)
    recall = np.divide(hits, there, out=np.zeros(len(cm)), where=there > 0)
    both = precision + recall
    f1 = np.divide(2 * precision * recall, both, out=np.zeros(len(cm)), where=both > 0)
    return {
        "accuracy": float(hits.sum() / cm.sum()) if cm.sum() else 0.0,
        "macro_f1": float(f1.mean()),
        "precision": precision,
        "recall": recall,
        "f1": f1,
    }


# %% wrong: F1 weighted by the number of samples
def confusion_matrix(y_true, y_pred, num_classes):
    y_true = np.asarray(y_true).astype(np.int64)
    y_pred = np.asarray(y_pred).astype(np.int64)
    if len(y_true) != len(y_pred):
        raise ValueError("different lengths")
    for labels in (y_true, y_pred):
        if len(labels) and (labels.min() < 0 or labels.max() >= num_classes):
            raise ValueError("a label is outside of 0 to C - 1")
    cm = np.zeros((num_classes, num_classes), dtype=np.int64)
    for i, j in zip(y_true, y_pred):
        cm[i, j] += 1
    return cm


def classification_report(cm):
    hits = np.diag(cm).astype(np.float64)
    called, there = cm.sum(axis=0), cm.sum(axis=1)
    precision = np.divide(hits, called, out=np.zeros(len(cm)), where=called > 0)
    recall = np.divide(hits, there, out=np.zeros(len(cm)), where=there > 0)
    both = precision + recall
    f1 = np.divide(2 * precision * recall, both, out=np.zeros(len(cm)), where=both > 0)
    return {
        "accuracy": float(hits.sum() / cm.sum()) if cm.sum() else 0.0,
        "macro_f1": float((f1 * there).sum() / max(there.sum(), 1)),
        "precision": precision,
        "recall": recall,
        "f1": f1,
    }


# %% wrong: macro F1 leaves out the classes without samples
def confusion_matrix(y_true, y_pred, num_classes):
    y_true = np.asarray(y_true).astype(np.int64)
    y_pred = np.asarray(y_pred).astype(np.int64)
    if len(y_true) != len(y_pred):
        raise ValueError("different lengths")
    for labels in (y_true, y_pred):
        if len(labels) and (labels.min() < 0 or labels.max() >= num_classes):
            raise ValueError("a label is outside of 0 to C - 1")
    cm = np.zeros((num_classes, num_classes), dtype=np.int64)
    for i, j in zip(y_true, y_pred):
        cm[i, j] += 1
    return cm


def classification_report(cm):
    hits = np.diag(cm).astype(np.float64)
    called, there = cm.sum(axis=0), cm.sum(axis=1)
    precision = np.divide(hits, called, out=np.zeros(len(cm)), where=called > 0)
    recall = np.divide(hits, there, out=np.zeros(len(cm)), where=there > 0)
    both = precision + recall
    f1 = np.divide(2 * precision * recall, both, out=np.zeros(len(cm)), where=both > 0)
    return {
        "accuracy": float(hits.sum() / cm.sum()) if cm.sum() else 0.0,
        "macro_f1": float(f1[there > 0].mean()) if there.any() else 0.0,
        "precision": precision,
        "recall": recall,
        "f1": f1,
    }


# %% wrong: the F1 of mean precision and mean recall
def confusion_matrix(y_true, y_pred, num_classes):
    y_true = np.asarray(y_true).astype(np.int64)
    y_pred = np.asarray(y_pred).astype(np.int64)
    if len(y_true) != len(y_pred):
        raise ValueError("different lengths")
    for labels in (y_true, y_pred):
        if len(labels) and (labels.min() < 0 or labels.max() >= num_classes):
            raise ValueError("a label is outside of 0 to C - 1")
    cm = np.zeros((num_classes, num_classes), dtype=np.int64)
    for i, j in zip(y_true, y_pred):
        cm[i, j] += 1
    return cm


def classification_report(cm):
    hits = np.diag(cm).astype(np.float64)
    called, there = cm.sum(axis=0), cm.sum(axis=1)
    precision = np.divide(hits, called, out=np.zeros(len(cm)), where=called > 0)
    recall = np.divide(hits, there, out=np.zeros(len(cm)), where=there > 0)
    both = precision + recall
    f1 = np.divide(2 * precision * recall, both, out=np.zeros(len(cm)), where=both > 0)
    p, r = precision.mean(), recall.mean()
    return {
        "accuracy": float(hits.sum() / cm.sum()) if cm.sum() else 0.0,
        "macro_f1": float(2 * p * r / (p + r)) if p + r else 0.0,
        "precision": precision,
        "recall": recall,
        "f1": f1,
    }


# %% wrong: precision and recall exchanged
def confusion_matrix(y_true, y_pred, num_classes):
    y_true = np.asarray(y_true).astype(np.int64)
    y_pred = np.asarray(y_pred).astype(np.int64)
    if len(y_true) != len(y_pred):
        raise ValueError("different lengths")
    for labels in (y_true, y_pred):
        if len(labels) and (labels.min() < 0 or labels.max() >= num_classes):
            raise ValueError("a label is outside of 0 to C - 1")
    cm = np.zeros((num_classes, num_classes), dtype=np.int64)
    for i, j in zip(y_true, y_pred):
        cm[i, j] += 1
    return cm


def classification_report(cm):
    hits = np.diag(cm).astype(np.float64)
    called, there = cm.sum(axis=0), cm.sum(axis=1)
    precision = np.divide(hits, called, out=np.zeros(len(cm)), where=called > 0)
    recall = np.divide(hits, there, out=np.zeros(len(cm)), where=there > 0)
    both = precision + recall
    f1 = np.divide(2 * precision * recall, both, out=np.zeros(len(cm)), where=both > 0)
    return {
        "accuracy": float(hits.sum() / cm.sum()) if cm.sum() else 0.0,
        "macro_f1": float(f1.mean()),
        "precision": recall,
        "recall": precision,
        "f1": f1,
    }


# %% wrong: NaN where nothing can be divided
def confusion_matrix(y_true, y_pred, num_classes):
    y_true = np.asarray(y_true).astype(np.int64)
    y_pred = np.asarray(y_pred).astype(np.int64)
    if len(y_true) != len(y_pred):
        raise ValueError("different lengths")
    for labels in (y_true, y_pred):
        if len(labels) and (labels.min() < 0 or labels.max() >= num_classes):
            raise ValueError("a label is outside of 0 to C - 1")
    cm = np.zeros((num_classes, num_classes), dtype=np.int64)
    for i, j in zip(y_true, y_pred):
        cm[i, j] += 1
    return cm


def classification_report(cm):
    hits = np.diag(cm).astype(np.float64)
    called, there = cm.sum(axis=0), cm.sum(axis=1)
    precision = np.divide(hits, called, out=np.full(len(cm), np.nan), where=called > 0)
    recall = np.divide(hits, there, out=np.full(len(cm), np.nan), where=there > 0)
    both = precision + recall
    f1 = np.divide(2 * precision * recall, both, out=np.full(len(cm), np.nan), where=both > 0)
    return {
        "accuracy": float(hits.sum() / cm.sum()) if cm.sum() else 0.0,
        "macro_f1": float(np.nanmean(f1)),
        "precision": precision,
        "recall": recall,
        "f1": f1,
    }


# %% wrong: labels that do not fit are left out
def confusion_matrix(y_true, y_pred, num_classes):
    y_true = np.asarray(y_true).astype(np.int64)
    y_pred = np.asarray(y_pred).astype(np.int64)
    if len(y_true) != len(y_pred):
        raise ValueError("different lengths")
    fits = (y_true >= 0) & (y_true < num_classes) & (y_pred >= 0) & (y_pred < num_classes)
    y_true, y_pred = y_true[fits], y_pred[fits]
    cm = np.zeros((num_classes, num_classes), dtype=np.int64)
    for i, j in zip(y_true, y_pred):
        cm[i, j] += 1
    return cm


def classification_report(cm):
    hits = np.diag(cm).astype(np.float64)
    called, there = cm.sum(axis=0), cm.sum(axis=1)
    precision = np.divide(hits, called, out=np.zeros(len(cm)), where=called > 0)
    recall = np.divide(hits, there, out=np.zeros(len(cm)), where=there > 0)
    both = precision + recall
    f1 = np.divide(2 * precision * recall, both, out=np.zeros(len(cm)), where=both > 0)
    return {
        "accuracy": float(hits.sum() / cm.sum()) if cm.sum() else 0.0,
        "macro_f1": float(f1.mean()),
        "precision": precision,
        "recall": recall,
        "f1": f1,
    }


# %% wrong: the matrix as shares of each row
def confusion_matrix(y_true, y_pred, num_classes):
    y_true = np.asarray(y_true).astype(np.int64)
    y_pred = np.asarray(y_pred).astype(np.int64)
    if len(y_true) != len(y_pred):
        raise ValueError("different lengths")
    for labels in (y_true, y_pred):
        if len(labels) and (labels.min() < 0 or labels.max() >= num_classes):
            raise ValueError("a label is outside of 0 to C - 1")
    cm = np.zeros((num_classes, num_classes), dtype=np.int64)
    for i, j in zip(y_true, y_pred):
        cm[i, j] += 1
    return cm / np.maximum(cm.sum(axis=1, keepdims=True), 1)


def classification_report(cm):
    hits = np.diag(cm).astype(np.float64)
    called, there = cm.sum(axis=0), cm.sum(axis=1)
    precision = np.divide(hits, called, out=np.zeros(len(cm)), where=called > 0)
    recall = np.divide(hits, there, out=np.zeros(len(cm)), where=there > 0)
    both = precision + recall
    f1 = np.divide(2 * precision * recall, both, out=np.zeros(len(cm)), where=both > 0)
    return {
        "accuracy": float(hits.sum() / cm.sum()) if cm.sum() else 0.0,
        "macro_f1": float(f1.mean()),
        "precision": precision,
        "recall": recall,
        "f1": f1,
    }


# %% wrong: accuracy as the mean recall, which is balanced accuracy
def confusion_matrix(y_true, y_pred, num_classes):
    y_true = np.asarray(y_true).astype(np.int64)
    y_pred = np.asarray(y_pred).astype(np.int64)
    if len(y_true) != len(y_pred):
        raise ValueError("different lengths")
    for labels in (y_true, y_pred):
        if len(labels) and (labels.min() < 0 or labels.max() >= num_classes):
            raise ValueError("a label is outside of 0 to C - 1")
    cm = np.zeros((num_classes, num_classes), dtype=np.int64)
    for i, j in zip(y_true, y_pred):
        cm[i, j] += 1
    return cm


def classification_report(cm):
    hits = np.diag(cm).astype(np.float64)
    called, there = cm.sum(axis=0), cm.sum(axis=1)
    precision = np.divide(hits, called, out=np.zeros(len(cm)), where=called > 0)
    recall = np.divide(hits, there, out=np.zeros(len(cm)), where=there > 0)
    both = precision + recall
    f1 = np.divide(2 * precision * recall, both, out=np.zeros(len(cm)), where=both > 0)
    return {
        "accuracy": float(recall.mean()),
        "macro_f1": float(f1.mean()),
        "precision": precision,
        "recall": recall,
        "f1": f1,
    }
