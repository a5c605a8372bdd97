"""Exercise 5.1: splits class by class, a Normalizer, three loaders. All answers by somebody who saw only the task."""


# %% right: blind - training rounded up, validation down, the rest for the test; a collate_fn augments
def stratified_split(y, fractions, rng):
    if min(fractions) < 0 or not abs(sum(fractions) - 1) <= 1e-9:
        raise ValueError("the fractions must not be negative and must add up to 1")
    y = np.asarray(y)
    parts = [], [], []
    for label in np.unique(y):
        places = rng.permutation(np.flatnonzero(y == label))
        n = len(places)
        a = max(1, math.ceil(fractions[0] * n - 1e-9))
        b = min(n, a + math.floor(fractions[1] * n + 1e-9))
        for part, piece in zip(parts, np.split(places, [a, b]), strict=True):
            part.extend(piece.tolist())
    return tuple(np.array(part, dtype=np.int64) for part in parts)


class Normalizer:
    def scaled(self, X):
        X = np.asarray(X)
        return X / 255 if X.dtype == np.uint8 else X.astype(np.float64)

    def fit(self, X):
        pixels = self.scaled(X)
        self.mean = pixels.mean()
        self.std = pixels.std() if pixels.min() < pixels.max() else 1.0
        return self

    def transform(self, X):
        return torch.tensor((self.scaled(X) - self.mean) / self.std, dtype=torch.float32)


def make_loaders(X, y, splits, batch_size, generator, augment=None):
    labels = torch.tensor(np.asarray(y).astype(np.int64))

    def collate(pairs):
        images, targets = torch.utils.data.default_collate(pairs)
        return augment(images), targets

    loaders = {}
    for name, places in zip(("train", "val", "test"), splits, strict=True):
        where = torch.as_tensor(places).long()
        chosen = TensorDataset(X[where].float(), labels[where])
        if name != "train":
            loaders[name] = DataLoader(chosen, batch_size=batch_size)
        elif augment is None:
            loaders[name] = DataLoader(chosen, batch_size, shuffle=True, generator=generator)
        else:
            loaders[name] = DataLoader(chosen, batch_size, shuffle=True, generator=generator, collate_fn=collate)
    return loaders


# %% right: blind - largest remainders in plain lists; torch.std_mean; a dataset that is asked for whole batches
from torch.utils.data import BatchSampler, Dataset, RandomSampler, SequentialSampler


def shares(n, fractions):
    wanted = [fraction * n for fraction in fractions]
    counts = [int(w + 1e-9) for w in wanted]
    hungriest = sorted(range(3), key=lambda i: counts[i] - wanted[i])
    while sum(counts) < n:
        counts[hungriest.pop(0)] += 1
    if not counts[0]:
        donor = max((i for i in (1, 2) if counts[i]), key=lambda i: counts[i] - wanted[i])
        counts[donor] -= 1
        counts[0] += 1
    return counts


def stratified_split(y, fractions, rng):
    if any(fraction < 0 for fraction in fractions) or not math.isclose(sum(fractions), 1, rel_tol=0, abs_tol=1e-9):
        raise ValueError("fractions")
    members = {}
    for place, label in enumerate(y):
        members.setdefault(int(label), []).append(place)
    train, val, test = [], [], []
    for places in members.values():
        rng.shuffle(places)
        counts = shares(len(places), fractions)
        for part, count in zip((train, val, test), counts, strict=True):
            part += [places.pop() for _ in range(count)]
    return np.array(train, dtype="int64"), np.array(val, dtype="int64"), np.array(test, dtype="int64")


class Normalizer:
    def fit(self, X):
        std, mean = torch.std_mean(self.unit(X), correction=0)
        self.mean, self.std = mean.item(), std.item()
        if self.std < 1e-12:
            self.std = 1.0
        return self

    def transform(self, X):
        return self.unit(X).sub(self.mean).div(self.std).float()

    @staticmethod
    def unit(X):
        tensor = torch.as_tensor(X)
        return tensor.double().div(255) if tensor.dtype == torch.uint8 else tensor.double()


class Batches(Dataset):
    """Item `list of numbers` is a whole batch."""

    def __init__(self, X, y, places, change):
        self.X, self.y, self.places, self.change = X, y, np.asarray(places, dtype=int), change

    def __len__(self):
        return self.places.size

    def __getitem__(self, numbers):
        places = self.places[numbers]
        images = self.X[places].to(torch.float32)
        if self.change:
            images = self.change(images)
        return images, self.y[places]


def make_loaders(X, y, splits, batch_size, generator, augment=None):
    y = torch.as_tensor(np.array(y), dtype=torch.long)
    sets = [Batches(X, y, places, change) for places, change in zip(splits, (augment, None, None), strict=True)]
    orders = [RandomSampler(sets[0], generator=generator), SequentialSampler(sets[1]), SequentialSampler(sets[2])]
    made = [
        DataLoader(data_set, batch_size=None, sampler=BatchSampler(order, batch_size, drop_last=False))
        for data_set, order in zip(sets, orders, strict=True)
    ]
    return dict(zip(["train", "val", "test"], made, strict=True))


# %% right: blind - the best of all nearby counts; pixels times a plus b; an iterable dataset
import itertools


def stratified_split(y, fractions, rng):
    total = math.fsum(fractions)
    if min(fractions) < 0 or not -1e-9 <= total - 1 <= 1e-9:
        raise ValueError(f"the fractions add up to {total}, or one is negative")

    def faults(counts):
        return counts[0] < 1, max(abs(c - f * n) for c, f in zip(counts, fractions, strict=True))

    labels, mark = np.array(y), np.full(len(y), 2)
    for label in set(labels.tolist()):
        (places,) = np.nonzero(labels == label)
        n = len(places)
        near = [range(int(f * n), min(n, int(f * n) + 1) + 1) for f in fractions[:2]]
        plans = [(a, b, n - a - b) for a, b in itertools.product(*near) if a + b <= n]
        plans += [(1, n - 1, 0)]
        mark[places] = rng.permutation(np.repeat([0, 1, 2], min(plans, key=faults)))
    return tuple(np.flatnonzero(mark == part).astype(np.int64) for part in range(3))


class Normalizer:
    def fit(self, X):
        X = np.asarray(X)
        self.unit = np.iinfo(np.uint8).max
        one = self.unit if X.dtype == np.uint8 else 1
        flat = np.ravel(X).astype(float)
        center = flat.mean()
        spread = math.sqrt(np.square(flat - center).mean()) if np.ptp(flat) > 0 else one
        self.mean, self.std = center / one, spread / one
        return self

    def transform(self, X):
        X = np.asarray(X)
        slope = 1 / (self.std * self.unit) if X.dtype == np.uint8 else 1 / self.std
        return torch.from_numpy(X * slope - self.mean / self.std).to(torch.float32)


class Walk(torch.utils.data.IterableDataset):
    def __init__(self, images, labels, size, generator=None, augment=None):
        self.images, self.labels, self.size = images, labels, size
        self.generator, self.augment = generator, augment or (lambda batch: batch)

    def __len__(self):
        return -(-len(self.labels) // self.size)

    def __iter__(self):
        order = torch.arange(len(self.labels))
        if self.generator is not None:
            order = torch.randperm(len(order), generator=self.generator)
        for start in range(0, len(order), self.size):
            batch = order[start : start + self.size]
            yield self.augment(self.images[batch]), self.labels[batch]


def make_loaders(X, y, splits, batch_size, generator, augment=None):
    def loader(places, *extras):
        places = np.asarray(places, dtype=np.int64)
        targets = torch.from_numpy(np.asarray(y)[places].astype(np.int64))
        return DataLoader(Walk(X[places].float(), targets, batch_size, *extras), batch_size=None)

    train, val, test = splits
    return {"train": loader(train, generator, augment), "val": loader(val), "test": loader(test)}


# %% right: blind - scikit-learn splits each class and scales the pixels; a DataLoader subclass augments
from sklearn.preprocessing import StandardScaler


def stratified_split(y, fractions, rng):
    fractions = np.asarray(fractions, dtype=float)
    if (fractions < 0).any() or not np.isclose(fractions.sum(), 1, rtol=0, atol=1e-9):
        raise ValueError("bad fractions")

    def divide(places, size):
        if size in (0, len(places)):
            return places[:size], places[size:]
        seed = int(rng.integers(2**31))
        return model_selection.train_test_split(places, train_size=size, random_state=seed)

    everything = np.arange(len(y), dtype=np.int64)
    collected = [[everything[:0]] for _ in fractions]
    for label in np.unique(y):
        mine = everything[np.asarray(y) == label]
        later = min(len(mine) - 1, int((1 - fractions[0]) * len(mine) + 1e-8))
        rest, train = divide(mine, later)
        val, test = divide(rest, min(later, int(fractions[1] * len(mine) + 1e-8)))
        collected[0].append(train)
        collected[1].append(val)
        collected[2].append(test)
    return [np.concatenate(pieces) for pieces in collected]


class Normalizer:
    def column(self, X):
        values = np.asarray(X, dtype=np.float64).reshape(-1, 1)
        return values / (255 if str(X.dtype).endswith("uint8") else 1)

    def fit(self, X):
        self.scaler = StandardScaler().fit(self.column(X))
        return self

    def transform(self, X):
        return torch.FloatTensor(self.scaler.transform(self.column(X)).reshape(X.shape))


class AugmentingLoader(DataLoader):
    augment = None

    def __iter__(self):
        for images, labels in super().__iter__():
            yield (images if self.augment is None else self.augment(images)), labels


def make_loaders(X, y, splits, batch_size, generator, augment=None):
    everything = TensorDataset(X.float(), torch.LongTensor(np.asarray(y, dtype=np.int64)))
    train, val, test = (torch.utils.data.Subset(everything, list(map(int, places))) for places in splits)
    first = AugmentingLoader(train, batch_size, shuffle=True, generator=generator)
    first.augment = augment
    return {"train": first, "val": DataLoader(val, batch_size), "test": DataLoader(test, batch_size)}


# %% right: blind - ranks within the classes, all at once; a table of 256 values; places as dataset and batch sampler
def stratified_split(y, fractions, rng):
    edges = np.cumsum(fractions)
    if np.any(np.less(fractions, 0)) or not np.abs(edges[-1] - 1) <= 1e-9:
        raise ValueError("fractions must be at least 0 and sum to 1")
    _, kind, n = np.unique(y, return_inverse=True, return_counts=True)
    by_class = np.lexsort((rng.random(len(kind)), kind))
    rank = np.empty(len(kind), dtype=np.int64)
    rank[by_class] = np.arange(len(kind)) - np.repeat(np.cumsum(n) - n, n)
    first, second = np.ceil(np.multiply.outer(edges[:2], n) - 1e-9)
    first = first.clip(min=1)
    part = np.where(rank < first[kind], 0, np.where(rank < second[kind], 1, 2))
    order = np.argsort(part, kind="stable")
    return tuple(np.split(order.astype(np.int64), np.searchsorted(part[order], [1, 2])))


class Normalizer:
    def fit(self, X):
        X = np.asarray(X)
        levels, counts = np.unique(X, return_counts=True)
        levels = levels / 255 if X.dtype == np.uint8 else levels
        self.mean = np.average(levels, weights=counts)
        self.std = 1.0
        if len(levels) > 1:
            self.std = np.sqrt(np.average((levels - self.mean) ** 2, weights=counts))
        self.table = torch.tensor((np.linspace(0, 1, 256) - self.mean) / self.std).float()
        return self

    def transform(self, X):
        X = torch.as_tensor(X)
        if X.dtype == torch.uint8:
            return self.table[X.int()]
        return ((X.double() - self.mean) / self.std).float()


class Order(torch.utils.data.Sampler):
    def __init__(self, n, batch_size, generator):
        self.n, self.batch_size, self.generator = n, batch_size, generator

    def __len__(self):
        return math.ceil(self.n / self.batch_size)

    def __iter__(self):
        order = torch.randperm(self.n, generator=self.generator) if self.generator else torch.arange(self.n)
        return (piece.tolist() for piece in order.split(self.batch_size) if len(piece))


def make_loaders(X, y, splits, batch_size, generator, augment=None):
    targets = torch.tensor([int(label) for label in y])

    def fetch(places):
        return X[places].float(), targets[places]

    def fetch_moved(places):
        images, labels = fetch(places)
        return augment(images), labels

    loaders = {}
    for name, places in zip(("train", "val", "test"), splits, strict=True):
        training = name == "train"
        sampler = Order(len(places), batch_size, generator if training else None)
        gather = fetch_moved if training and augment else fetch
        loaders[name] = DataLoader([int(place) for place in places], batch_sampler=sampler, collate_fn=gather)
    return loaders


# %% wrong: rounded counts, so that a tiny class can be missing in the training part
def stratified_split(y, fractions, rng):
    if min(fractions) < 0 or abs(sum(fractions) - 1) > 1e-9:
        raise ValueError("fractions must be positive and sum to 1")
    train, val, test = [], [], []
    for label in np.unique(y):
        places = rng.permutation(np.flatnonzero(y == label))
        n = len(places)
        n_train, n_val = round(fractions[0] * n), round(fractions[1] * n)
        train.append(places[:n_train])
        val.append(places[n_train : n_train + n_val])
        test.append(places[n_train + n_val :])
    return np.concatenate(train), np.concatenate(val), np.concatenate(test)


class Normalizer:
    def fit(self, X):
        X = X / 255 if X.dtype == np.uint8 else X
        self.mean = X.mean()
        self.std = X.std() if X.max() > X.min() else 1.0
        return self

    def transform(self, X):
        X = X / 255 if X.dtype == np.uint8 else X
        return torch.tensor((X - self.mean) / self.std, dtype=torch.float32)


def make_loaders(X, y, splits, batch_size, generator, augment=None):
    y = torch.tensor(y, dtype=torch.int64)

    def collate(samples):
        images, labels = torch.utils.data.default_collate(samples)
        return (images if augment is None else augment(images)), labels

    train, val, test = (TensorDataset(X[places], y[places]) for places in splits)
    return {
        "train": DataLoader(train, batch_size, shuffle=True, generator=generator, collate_fn=collate),
        "val": DataLoader(val, batch_size),
        "test": DataLoader(test, batch_size),
    }


# %% wrong: the validation and test images are augmented, too
def stratified_split(y, fractions, rng):
    if min(fractions) < 0 or abs(sum(fractions) - 1) > 1e-9:
        raise ValueError("fractions must be positive and sum to 1")
    train, val, test = [], [], []
    for label in np.unique(y):
        places = rng.permutation(np.flatnonzero(y == label))
        n = len(places)
        n_train = max(1, math.ceil(fractions[0] * n - 1e-9))
        n_val = math.floor(fractions[1] * n + 1e-9)
        train.append(places[:n_train])
        val.append(places[n_train : n_train + n_val])
        test.append(places[n_train + n_val :])
    return np.concatenate(train), np.concatenate(val), np.concatenate(test)


class Normalizer:
    def fit(self, X):
        X = X / 255 if X.dtype == np.uint8 else X
        self.mean = X.mean()
        self.std = X.std() if X.max() > X.min() else 1.0
        return self

    def transform(self, X):
        X = X / 255 if X.dtype == np.uint8 else X
        return torch.tensor((X - self.mean) / self.std, dtype=torch.float32)


def make_loaders(X, y, splits, batch_size, generator, augment=None):
    y = torch.tensor(y, dtype=torch.int64)

    def collate(samples):
        images, labels = torch.utils.data.default_collate(samples)
        return (images if augment is None else augment(images)), labels

    train, val, test = (TensorDataset(X[places], y[places]) for places in splits)
    return {
        "train": DataLoader(train, batch_size, shuffle=True, generator=generator, collate_fn=collate),
        "val": DataLoader(val, batch_size, collate_fn=collate),
        "test": DataLoader(test, batch_size, collate_fn=collate),
    }


# %% wrong: pixels are recognized by a value above 1, not by their type
def stratified_split(y, fractions, rng):
    if min(fractions) < 0 or abs(sum(fractions) - 1) > 1e-9:
        raise ValueError("fractions must be positive and sum to 1")
    train, val, test = [], [], []
    for label in np.unique(y):
        places = rng.permutation(np.flatnonzero(y == label))
        n = len(places)
        n_train = max(1, math.ceil(fractions[0] * n - 1e-9))
        n_val = math.floor(fractions[1] * n + 1e-9)
        train.append(places[:n_train])
        val.append(places[n_train : n_train + n_val])
        test.append(places[n_train + n_val :])
    return np.concatenate(train), np.concatenate(val), np.concatenate(test)


class Normalizer:
    def fit(self, X):
        X = X / 255 if X.max() > 1 else X
        self.mean = X.mean()
        self.std = X.std() if X.max() > X.min() else 1.0
        return self

    def transform(self, X):
        X = X / 255 if X.max() > 1 else X
        return torch.tensor((X - self.mean) / self.std, dtype=torch.float32)


def make_loaders(X, y, splits, batch_size, generator, augment=None):
    y = torch.tensor(y, dtype=torch.int64)

    def collate(samples):
        images, labels = torch.utils.data.default_collate(samples)
        return (images if augment is None else augment(images)), labels

    train, val, test = (TensorDataset(X[places], y[places]) for places in splits)
    return {
        "train": DataLoader(train, batch_size, shuffle=True, generator=generator, collate_fn=collate),
        "val": DataLoader(val, batch_size),
        "test": DataLoader(test, batch_size),
    }


# %% wrong: augments the training images once, before the loader is made, the same in all epochs
def stratified_split(y, fractions, rng):
    if min(fractions) < 0 or abs(sum(fractions) - 1) > 1e-9:
        raise ValueError("fractions must be positive and sum to 1")
    train, val, test = [], [], []
    for label in np.unique(y):
        places = rng.permutation(np.flatnonzero(y == label))
        n = len(places)
        n_train = max(1, math.ceil(fractions[0] * n - 1e-9))
        n_val = math.floor(fractions[1] * n + 1e-9)
        train.append(places[:n_train])
        val.append(places[n_train : n_train + n_val])
        test.append(places[n_train + n_val :])
    return np.concatenate(train), np.concatenate(val), np.concatenate(test)


class Normalizer:
    def fit(self, X):
        X = X / 255 if X.dtype == np.uint8 else X
        self.mean = X.mean()
        self.std = X.std() if X.max() > X.min() else 1.0
        return self

    def transform(self, X):
        X = X / 255 if X.dtype == np.uint8 else X
        return torch.tensor((X - self.mean) / self.std, dtype=torch.float32)


def make_loaders(X, y, splits, batch_size, generator, augment=None):
    y = torch.tensor(y, dtype=torch.int64)

    if augment is not None:
        X = X.clone()
        X[splits[0]] = augment(X[splits[0]])
    train, val, test = (TensorDataset(X[places], y[places]) for places in splits)
    return {
        "train": DataLoader(train, batch_size, shuffle=True, generator=generator),
        "val": DataLoader(val, batch_size),
        "test": DataLoader(test, batch_size),
    }


# %% wrong: transform takes the mean and deviation of the images that it gets
def stratified_split(y, fractions, rng):
    if min(fractions) < 0 or abs(sum(fractions) - 1) > 1e-9:
        raise ValueError("fractions must be positive and sum to 1")
    train, val, test = [], [], []
    for label in np.unique(y):
        places = rng.permutation(np.flatnonzero(y == label))
        n = len(places)
        n_train = max(1, math.ceil(fractions[0] * n - 1e-9))
        n_val = math.floor(fractions[1] * n + 1e-9)
        train.append(places[:n_train])
        val.append(places[n_train : n_train + n_val])
        test.append(places[n_train + n_val :])
    return np.concatenate(train), np.concatenate(val), np.concatenate(test)


class Normalizer:
    def fit(self, X):
        X = X / 255 if X.dtype == np.uint8 else X
        self.mean = X.mean()
        self.std = X.std() if X.max() > X.min() else 1.0
        return self

    def transform(self, X):
        X = X / 255 if X.dtype == np.uint8 else X
        return torch.tensor((X - X.mean()) / max(X.std(), 1e-8), dtype=torch.float32)


def make_loaders(X, y, splits, batch_size, generator, augment=None):
    y = torch.tensor(y, dtype=torch.int64)

    def collate(samples):
        images, labels = torch.utils.data.default_collate(samples)
        return (images if augment is None else augment(images)), labels

    train, val, test = (TensorDataset(X[places], y[places]) for places in splits)
    return {
        "train": DataLoader(train, batch_size, shuffle=True, generator=generator, collate_fn=collate),
        "val": DataLoader(val, batch_size),
        "test": DataLoader(test, batch_size),
    }


# %% wrong: divides by 255 whatever comes
def stratified_split(y, fractions, rng):
    if min(fractions) < 0 or abs(sum(fractions) - 1) > 1e-9:
        raise ValueError("fractions must be positive and sum to 1")
    train, val, test = [], [], []
    for label in np.unique(y):
        places = rng.permutation(np.flatnonzero(y == label))
        n = len(places)
        n_train = max(1, math.ceil(fractions[0] * n - 1e-9))
        n_val = math.floor(fractions[1] * n + 1e-9)
        train.append(places[:n_train])
        val.append(places[n_train : n_train + n_val])
        test.append(places[n_train + n_val :])
    return np.concatenate(train), np.concatenate(val), np.concatenate(test)


class Normalizer:
    def fit(self, X):
        X = np.asarray(X) / 255
        self.mean = X.mean()
        self.std = X.std() if X.max() > X.min() else 1.0
        return self

    def transform(self, X):
        X = np.asarray(X) / 255
        return torch.tensor((X - self.mean) / self.std, dtype=torch.float32)


def make_loaders(X, y, splits, batch_size, generator, augment=None):
    y = torch.tensor(y, dtype=torch.int64)

    def collate(samples):
        images, labels = torch.utils.data.default_collate(samples)
        return (images if augment is None else augment(images)), labels

    train, val, test = (TensorDataset(X[places], y[places]) for places in splits)
    return {
        "train": DataLoader(train, batch_size, shuffle=True, generator=generator, collate_fn=collate),
        "val": DataLoader(val, batch_size),
        "test": DataLoader(test, batch_size),
    }


# %% wrong: torch.std with its N - 1
def stratified_split(y, fractions, rng):
    if min(fractions) < 0 or abs(sum(fractions) - 1) > 1e-9:
        raise ValueError("fractions must be positive and sum to 1")
    train, val, test = [], [], []
    for label in np.unique(y):
        places = rng.permutation(np.flatnonzero(y == label))
        n = len(places)
        n_train = max(1, math.ceil(fractions[0] * n - 1e-9))
        n_val = math.floor(fractions[1] * n + 1e-9)
        train.append(places[:n_train])
        val.append(places[n_train : n_train + n_val])
        test.append(places[n_train + n_val :])
    return np.concatenate(train), np.concatenate(val), np.concatenate(test)


class Normalizer:
    def fit(self, X):
        X = X / 255 if X.dtype == np.uint8 else X
        X = torch.as_tensor(X)
        self.mean = X.mean().item()
        self.std = X.std().item() or 1.0
        return self

    def transform(self, X):
        X = X / 255 if X.dtype == np.uint8 else X
        return torch.tensor((X - self.mean) / self.std, dtype=torch.float32)


def make_loaders(X, y, splits, batch_size, generator, augment=None):
    y = torch.tensor(y, dtype=torch.int64)

    def collate(samples):
        images, labels = torch.utils.data.default_collate(samples)
        return (images if augment is None else augment(images)), labels

    train, val, test = (TensorDataset(X[places], y[places]) for places in splits)
    return {
        "train": DataLoader(train, batch_size, shuffle=True, generator=generator, collate_fn=collate),
        "val": DataLoader(val, batch_size),
        "test": DataLoader(test, batch_size),
    }


# %% wrong: mean and deviation of each pixel
def stratified_split(y, fractions, rng):
    if min(fractions) < 0 or abs(sum(fractions) - 1) > 1e-9:
        raise ValueError("fractions must be positive and sum to 1")
    train, val, test = [], [], []
    for label in np.unique(y):
        places = rng.permutation(np.flatnonzero(y == label))
        n = len(places)
        n_train = max(1, math.ceil(fractions[0] * n - 1e-9))
        n_val = math.floor(fractions[1] * n + 1e-9)
        train.append(places[:n_train])
        val.append(places[n_train : n_train + n_val])
        test.append(places[n_train + n_val :])
    return np.concatenate(train), np.concatenate(val), np.concatenate(test)


class Normalizer:
    def fit(self, X):
        X = X / 255 if X.dtype == np.uint8 else X
        self.mean = X.mean(axis=0)
        self.std = np.where(X.std(axis=0) == 0, 1.0, X.std(axis=0))
        return self

    def transform(self, X):
        X = X / 255 if X.dtype == np.uint8 else X
        return torch.tensor((X - self.mean) / self.std, dtype=torch.float32)


def make_loaders(X, y, splits, batch_size, generator, augment=None):
    y = torch.tensor(y, dtype=torch.int64)

    def collate(samples):
        images, labels = torch.utils.data.default_collate(samples)
        return (images if augment is None else augment(images)), labels

    train, val, test = (TensorDataset(X[places], y[places]) for places in splits)
    return {
        "train": DataLoader(train, batch_size, shuffle=True, generator=generator, collate_fn=collate),
        "val": DataLoader(val, batch_size),
        "test": DataLoader(test, batch_size),
    }


# %% wrong: drops the last batch because it is smaller
def stratified_split(y, fractions, rng):
    if min(fractions) < 0 or abs(sum(fractions) - 1) > 1e-9:
        raise ValueError("fractions must be positive and sum to 1")
    train, val, test = [], [], []
    for label in np.unique(y):
        places = rng.permutation(np.flatnonzero(y == label))
        n = len(places)
        n_train = max(1, math.ceil(fractions[0] * n - 1e-9))
        n_val = math.floor(fractions[1] * n + 1e-9)
        train.append(places[:n_train])
        val.append(places[n_train : n_train + n_val])
        test.append(places[n_train + n_val :])
    return np.concatenate(train), np.concatenate(val), np.concatenate(test)


class Normalizer:
    def fit(self, X):
        X = X / 255 if X.dtype == np.uint8 else X
        self.mean = X.mean()
        self.std = X.std() if X.max() > X.min() else 1.0
        return self

    def transform(self, X):
        X = X / 255 if X.dtype == np.uint8 else X
        return torch.tensor((X - self.mean) / self.std, dtype=torch.float32)


def make_loaders(X, y, splits, batch_size, generator, augment=None):
    y = torch.tensor(y, dtype=torch.int64)

    def collate(samples):
        images, labels = torch.utils.data.default_collate(samples)
        return (images if augment is None else augment(images)), labels

    train, val, test = (TensorDataset(X[places], y[places]) for places in splits)
    return {
        "train": DataLoader(train, batch_size, shuffle=True, drop_last=True, generator=generator, collate_fn=collate),
        "val": DataLoader(val, batch_size),
        "test": DataLoader(test, batch_size),
    }


# %% wrong: labels as floats, like the images
def stratified_split(y, fractions, rng):
    if min(fractions) < 0 or abs(sum(fractions) - 1) > 1e-9:
        raise ValueError("fractions must be positive and sum to 1")
    train, val, test = [], [], []
    for label in np.unique(y):
        places = rng.permutation(np.flatnonzero(y == label))
        n = len(places)
        n_train = max(1, math.ceil(fractions[0] * n - 1e-9))
        n_val = math.floor(fractions[1] * n + 1e-9)
        train.append(places[:n_train])
        val.append(places[n_train : n_train + n_val])
        test.append(places[n_train + n_val :])
    return np.concatenate(train), np.concatenate(val), np.concatenate(test)


class Normalizer:
    def fit(self, X):
        X = X / 255 if X.dtype == np.uint8 else X
        self.mean = X.mean()
        self.std = X.std() if X.max() > X.min() else 1.0
        return self

    def transform(self, X):
        X = X / 255 if X.dtype == np.uint8 else X
        return torch.tensor((X - self.mean) / self.std, dtype=torch.float32)


def make_loaders(X, y, splits, batch_size, generator, augment=None):
    y = torch.tensor(y, dtype=torch.float32)

    def collate(samples):
        images, labels = torch.utils.data.default_collate(samples)
        return (images if augment is None else augment(images)), labels

    train, val, test = (TensorDataset(X[places], y[places]) for places in splits)
    return {
        "train": DataLoader(train, batch_size, shuffle=True, generator=generator, collate_fn=collate),
        "val": DataLoader(val, batch_size),
        "test": DataLoader(test, batch_size),
    }


# %% wrong: labels one-hot
def stratified_split(y, fractions, rng):
    if min(fractions) < 0 or abs(sum(fractions) - 1) > 1e-9:
        raise ValueError("fractions must be positive and sum to 1")
    train, val, test = [], [], []
    for label in np.unique(y):
        places = rng.permutation(np.flatnonzero(y == label))
        n = len(places)
        n_train = max(1, math.ceil(fractions[0] * n - 1e-9))
        n_val = math.floor(fractions[1] * n + 1e-9)
        train.append(places[:n_train])
        val.append(places[n_train : n_train + n_val])
        test.append(places[n_train + n_val :])
    return np.concatenate(train), np.concatenate(val), np.concatenate(test)


class Normalizer:
    def fit(self, X):
        X = X / 255 if X.dtype == np.uint8 else X
        self.mean = X.mean()
        self.std = X.std() if X.max() > X.min() else 1.0
        return self

    def transform(self, X):
        X = X / 255 if X.dtype == np.uint8 else X
        return torch.tensor((X - self.mean) / self.std, dtype=torch.float32)


def make_loaders(X, y, splits, batch_size, generator, augment=None):
    y = F.one_hot(torch.tensor(y, dtype=torch.int64))

    def collate(samples):
        images, labels = torch.utils.data.default_collate(samples)
        return (images if augment is None else augment(images)), labels

    train, val, test = (TensorDataset(X[places], y[places]) for places in splits)
    return {
        "train": DataLoader(train, batch_size, shuffle=True, generator=generator, collate_fn=collate),
        "val": DataLoader(val, batch_size),
        "test": DataLoader(test, batch_size),
    }


# %% wrong: all three loaders shuffle
def stratified_split(y, fractions, rng):
    if min(fractions) < 0 or abs(sum(fractions) - 1) > 1e-9:
        raise ValueError("fractions must be positive and sum to 1")
    train, val, test = [], [], []
    for label in np.unique(y):
        places = rng.permutation(np.flatnonzero(y == label))
        n = len(places)
        n_train = max(1, math.ceil(fractions[0] * n - 1e-9))
        n_val = math.floor(fractions[1] * n + 1e-9)
        train.append(places[:n_train])
        val.append(places[n_train : n_train + n_val])
        test.append(places[n_train + n_val :])
    return np.concatenate(train), np.concatenate(val), np.concatenate(test)


class Normalizer:
    def fit(self, X):
        X = X / 255 if X.dtype == np.uint8 else X
        self.mean = X.mean()
        self.std = X.std() if X.max() > X.min() else 1.0
        return self

    def transform(self, X):
        X = X / 255 if X.dtype == np.uint8 else X
        return torch.tensor((X - self.mean) / self.std, dtype=torch.float32)


def make_loaders(X, y, splits, batch_size, generator, augment=None):
    y = torch.tensor(y, dtype=torch.int64)

    def collate(samples):
        images, labels = torch.utils.data.default_collate(samples)
        return (images if augment is None else augment(images)), labels

    train, val, test = (TensorDataset(X[places], y[places]) for places in splits)
    return {
        "train": DataLoader(train, batch_size, shuffle=True, generator=generator, collate_fn=collate),
        "val": DataLoader(val, batch_size, shuffle=True, generator=torch.Generator().manual_seed(0)),
        "test": DataLoader(test, batch_size, shuffle=True, generator=torch.Generator().manual_seed(0)),
    }


# %% wrong: the training images are shuffled once, so all epochs have one order
def stratified_split(y, fractions, rng):
    if min(fractions) < 0 or abs(sum(fractions) - 1) > 1e-9:
        raise ValueError("fractions must be positive and sum to 1")
    train, val, test = [], [], []
    for label in np.unique(y):
        places = rng.permutation(np.flatnonzero(y == label))
        n = len(places)
        n_train = max(1, math.ceil(fractions[0] * n - 1e-9))
        n_val = math.floor(fractions[1] * n + 1e-9)
        train.append(places[:n_train])
        val.append(places[n_train : n_train + n_val])
        test.append(places[n_train + n_val :])
    return np.concatenate(train), np.concatenate(val), np.concatenate(test)


class Normalizer:
    def fit(self, X):
        X = X / 255 if X.dtype == np.uint8 else X
        self.mean = X.mean()
        self.std = X.std() if X.max() > X.min() else 1.0
        return self

    def transform(self, X):
        X = X / 255 if X.dtype == np.uint8 else X
        return torch.tensor((X - self.mean) / self.std, dtype=torch.float32)


def make_loaders(X, y, splits, batch_size, generator, augment=None):
    y = torch.tensor(y, dtype=torch.int64)

    def collate(samples):
        images, labels = torch.utils.data.default_collate(samples)
        return (images if augment is None else augment(images)), labels

    mixed = torch.as_tensor(splits[0])[torch.randperm(len(splits[0]), generator=generator)]
    splits = mixed, *splits[1:]
    train, val, test = (TensorDataset(X[places], y[places]) for places in splits)
    return {
        "train": DataLoader(train, batch_size, collate_fn=collate),
        "val": DataLoader(val, batch_size),
        "test": DataLoader(test, batch_size),
    }


# %% wrong: a mask in place of places, which sorts them
def stratified_split(y, fractions, rng):
    if min(fractions) < 0 or abs(sum(fractions) - 1) > 1e-9:
        raise ValueError("fractions must be positive and sum to 1")
    train, val, test = [], [], []
    for label in np.unique(y):
        places = rng.permutation(np.flatnonzero(y == label))
        n = len(places)
        n_train = max(1, math.ceil(fractions[0] * n - 1e-9))
        n_val = math.floor(fractions[1] * n + 1e-9)
        train.append(places[:n_train])
        val.append(places[n_train : n_train + n_val])
        test.append(places[n_train + n_val :])
    return np.concatenate(train), np.concatenate(val), np.concatenate(test)


class Normalizer:
    def fit(self, X):
        X = X / 255 if X.dtype == np.uint8 else X
        self.mean = X.mean()
        self.std = X.std() if X.max() > X.min() else 1.0
        return self

    def transform(self, X):
        X = X / 255 if X.dtype == np.uint8 else X
        return torch.tensor((X - self.mean) / self.std, dtype=torch.float32)


def make_loaders(X, y, splits, batch_size, generator, augment=None):
    y = torch.tensor(y, dtype=torch.int64)

    def collate(samples):
        images, labels = torch.utils.data.default_collate(samples)
        return (images if augment is None else augment(images)), labels

    masks = (torch.from_numpy(np.isin(np.arange(len(y)), places)) for places in splits)
    train, val, test = (TensorDataset(X[mask], y[mask]) for mask in masks)
    return {
        "train": DataLoader(train, batch_size, shuffle=True, generator=generator, collate_fn=collate),
        "val": DataLoader(val, batch_size),
        "test": DataLoader(test, batch_size),
    }


# %% wrong: one shuffle of everything, cut at the fractions: classes by luck
def stratified_split(y, fractions, rng):
    if min(fractions) < 0 or abs(sum(fractions) - 1) > 1e-9:
        raise ValueError("fractions must be positive and sum to 1")
    places = rng.permutation(len(y))
    n_train, n_val = round(fractions[0] * len(y)), round(fractions[1] * len(y))
    return places[:n_train], places[n_train : n_train + n_val], places[n_train + n_val :]


class Normalizer:
    def fit(self, X):
        X = X / 255 if X.dtype == np.uint8 else X
        self.mean = X.mean()
        self.std = X.std() if X.max() > X.min() else 1.0
        return self

    def transform(self, X):
        X = X / 255 if X.dtype == np.uint8 else X
        return torch.tensor((X - self.mean) / self.std, dtype=torch.float32)


def make_loaders(X, y, splits, batch_size, generator, augment=None):
    y = torch.tensor(y, dtype=torch.int64)

    def collate(samples):
        images, labels = torch.utils.data.default_collate(samples)
        return (images if augment is None else augment(images)), labels

    train, val, test = (TensorDataset(X[places], y[places]) for places in splits)
    return {
        "train": DataLoader(train, batch_size, shuffle=True, generator=generator, collate_fn=collate),
        "val": DataLoader(val, batch_size),
        "test": DataLoader(test, batch_size),
    }


# %% wrong: cuts off the cumulated fractions, and 0.7 + 0.2 is less than 0.9
def stratified_split(y, fractions, rng):
    if min(fractions) < 0 or abs(sum(fractions) - 1) > 1e-9:
        raise ValueError("fractions must be positive and sum to 1")
    train, val, test = [], [], []
    for label in np.unique(y):
        places = rng.permutation(np.flatnonzero(y == label))
        cuts = (np.cumsum(fractions)[:2] * len(places)).astype(int)
        for part, piece in zip((train, val, test), np.split(places, np.maximum(cuts, 1)), strict=True):
            part.append(piece)
    return tuple(np.concatenate(part) for part in (train, val, test))


class Normalizer:
    def fit(self, X):
        X = X / 255 if X.dtype == np.uint8 else X
        self.mean = X.mean()
        self.std = X.std() if X.max() > X.min() else 1.0
        return self

    def transform(self, X):
        X = X / 255 if X.dtype == np.uint8 else X
        return torch.tensor((X - self.mean) / self.std, dtype=torch.float32)


def make_loaders(X, y, splits, batch_size, generator, augment=None):
    y = torch.tensor(y, dtype=torch.int64)

    def collate(samples):
        images, labels = torch.utils.data.default_collate(samples)
        return (images if augment is None else augment(images)), labels

    train, val, test = (TensorDataset(X[places], y[places]) for places in splits)
    return {
        "train": DataLoader(train, batch_size, shuffle=True, generator=generator, collate_fn=collate),
        "val": DataLoader(val, batch_size),
        "test": DataLoader(test, batch_size),
    }


# %% wrong: brings the sum of the fractions to 1 itself
def stratified_split(y, fractions, rng):
    if min(fractions) < 0:
        raise ValueError("fractions must not be negative")
    fractions = np.array(fractions) / sum(fractions)
    train, val, test = [], [], []
    for label in np.unique(y):
        places = rng.permutation(np.flatnonzero(y == label))
        n = len(places)
        n_train = max(1, math.ceil(fractions[0] * n - 1e-9))
        n_val = math.floor(fractions[1] * n + 1e-9)
        train.append(places[:n_train])
        val.append(places[n_train : n_train + n_val])
        test.append(places[n_train + n_val :])
    return np.concatenate(train), np.concatenate(val), np.concatenate(test)


class Normalizer:
    def fit(self, X):
        X = X / 255 if X.dtype == np.uint8 else X
        self.mean = X.mean()
        self.std = X.std() if X.max() > X.min() else 1.0
        return self

    def transform(self, X):
        X = X / 255 if X.dtype == np.uint8 else X
        return torch.tensor((X - self.mean) / self.std, dtype=torch.float32)


def make_loaders(X, y, splits, batch_size, generator, augment=None):
    y = torch.tensor(y, dtype=torch.int64)

    def collate(samples):
        images, labels = torch.utils.data.default_collate(samples)
        return (images if augment is None else augment(images)), labels

    train, val, test = (TensorDataset(X[places], y[places]) for places in splits)
    return {
        "train": DataLoader(train, batch_size, shuffle=True, generator=generator, collate_fn=collate),
        "val": DataLoader(val, batch_size),
        "test": DataLoader(test, batch_size),
    }
