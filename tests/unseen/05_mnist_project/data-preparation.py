# %% right: cuts are rounded up, class by class; 256 counts give mean and deviation; a Sampler of its own
import fractions as _exact


def stratified_split(y, fractions, rng):
    if min(fractions) < 0 or not abs(sum(fractions) - 1) <= 1e-9:
        raise ValueError("fractions must not be negative, and must add up to 1")
    y = np.asarray(y)
    shares = [_exact.Fraction(f).limit_denominator(10**8) for f in fractions]
    parts = [np.empty(0, dtype=np.int64)], [np.empty(0, dtype=np.int64)], [np.empty(0, dtype=np.int64)]
    for label in np.unique(y):
        places = rng.permutation(np.flatnonzero(y == label))
        first = max(1, math.ceil(shares[0] * len(places)))
        second = max(first, math.ceil((shares[0] + shares[1]) * len(places)))
        for part, piece in zip(parts, np.split(places, [first, second])):
            part.append(piece)
    return tuple(np.concatenate(part).astype(np.int64) for part in parts)


class Normalizer:
    def fit(self, X):
        X = np.asarray(X)
        if X.dtype == np.uint8:
            shades, counts = np.arange(256) / 255, np.bincount(X.ravel(), minlength=256)
        else:
            shades, counts = np.unique(X.astype(np.float64), return_counts=True)
        self._mean = np.average(shades, weights=counts)
        self._std = math.sqrt(np.average((shades - self._mean) ** 2, weights=counts))
        if np.count_nonzero(counts) == 1:
            self._std = 1.0
        return self

    def transform(self, X):
        X = np.asarray(X)
        scale = 255 if X.dtype == np.uint8 else 1
        return torch.tensor(((X.astype(np.float64) / scale - self._mean) / self._std).astype(np.float32))


class _Anew(torch.utils.data.Sampler):
    def __init__(self, places, generator):
        self.places, self.generator = places, generator

    def __len__(self):
        return len(self.places)

    def __iter__(self):
        for i in torch.randperm(len(self.places), generator=self.generator).tolist():
            yield int(self.places[i])


def make_loaders(X, y, splits, batch_size, generator, augment=None):
    samples = TensorDataset(X, torch.tensor(np.array(y), dtype=torch.int64))

    def batch_of(pairs):
        images, labels = torch.utils.data.default_collate(pairs)
        return (images if augment is None else augment(images)), labels

    train, val, test = splits
    return {
        "train": DataLoader(samples, batch_size, sampler=_Anew(train, generator), collate_fn=batch_of),
        "val": DataLoader(samples, batch_size, sampler=list(map(int, val))),
        "test": DataLoader(samples, batch_size, sampler=list(map(int, test))),
    }


# %% right: of all ways to round three numbers up or down the best is taken; StandardScaler; a DataLoader that is subclassed
import itertools

from sklearn import preprocessing


def _sizes(n, fractions):
    wanted = [round(n * f, 6) for f in fractions]
    choices = itertools.product(*[sorted({math.floor(w), math.ceil(w)}) for w in wanted])
    fitting = [c for c in choices if sum(c) == n and c[0] >= 1]
    return min(fitting, key=lambda c: max(abs(a - w) for a, w in zip(c, wanted)))


def stratified_split(y, fractions, rng):
    if any(f < 0 for f in fractions) or not math.isclose(math.fsum(fractions), 1, rel_tol=0, abs_tol=1e-9):
        raise ValueError("three fractions from 0 on, with the sum 1, are needed")
    heaps = {}
    for place, label in enumerate(np.asarray(y).tolist()):
        heaps.setdefault(label, []).append(place)
    parts = [], [], []
    for heap in heaps.values():
        rng.shuffle(heap)
        rest = iter(heap)
        for part, size in zip(parts, _sizes(len(heap), fractions)):
            part.extend(itertools.islice(rest, size))
    return [np.array(sorted(part), dtype=np.int64) for part in parts]


class Normalizer:
    def __init__(self):
        self.scaler = preprocessing.StandardScaler()

    @staticmethod
    def _column(X):
        X = np.asarray(X)
        return (X.astype(np.float64) / (255 if X.dtype == np.uint8 else 1)).reshape(-1, 1)

    def fit(self, X):
        self.scaler.fit(self._column(X))
        return self

    def transform(self, X):
        column = self._column(X)
        done = self.scaler.transform(column) if len(column) else column
        return torch.from_numpy(done.reshape(np.shape(X))).to(torch.float32)


class _Changing(DataLoader):
    def __init__(self, *args, change=None, **options):
        self.__dict__["change"] = change
        super().__init__(*args, **options)

    def __iter__(self):
        for images, labels in super().__iter__():
            yield (self.change(images) if self.change else images), labels


def make_loaders(X, y, splits, batch_size, generator, augment=None):
    labels = torch.as_tensor(np.array(y).astype(np.int64))
    sets = [TensorDataset(X[torch.tensor(np.array(part))], labels[torch.tensor(np.array(part))]) for part in splits]
    train = _Changing(sets[0], batch_size, shuffle=True, generator=generator, change=augment)
    return dict(train=train, val=_Changing(sets[1], batch_size), test=_Changing(sets[2], batch_size))


# %% right: all classes at once by ranks in a random order, in torch; the Normalizer is a Module; whole batches by index
def stratified_split(y, fractions, rng):
    shares = torch.tensor([float(f) for f in fractions], dtype=torch.float64)
    if (shares < 0).any() or not (shares.sum() - 1).abs() <= 1e-9:
        raise ValueError("not three shares of one whole")
    order = torch.from_numpy(rng.permutation(len(y)))
    _, classes, sizes = torch.unique(
        torch.tensor(np.array(y).astype(np.int64))[order], return_inverse=True, return_counts=True
    )
    by_class = torch.argsort(classes, stable=True)
    starts = torch.cumsum(sizes, 0) - sizes
    rank = torch.empty_like(order)
    rank[by_class] = torch.arange(len(order)) - starts[classes[by_class]]
    cuts = torch.ceil(sizes[:, None] * torch.cumsum(shares, 0)[:2] - 1e-6).long().clamp(min=1)
    part = (rank[:, None] >= cuts[classes]).sum(dim=1)
    return tuple(order[part == i].numpy() for i in range(3))


class Normalizer(nn.Module):
    def __init__(self):
        super().__init__()
        self.register_buffer("shift", torch.zeros((), dtype=torch.float64))
        self.register_buffer("spread", torch.ones((), dtype=torch.float64))

    def fit(self, X):
        X = self._unit(X)
        self.shift = X.mean()
        self.spread = torch.ones_like(self.shift) if X.min() == X.max() else X.std(correction=0)
        return self

    def transform(self, X):
        return self(X)

    def forward(self, X):
        return self._unit(X).sub(self.shift).div(self.spread).float()

    @staticmethod
    def _unit(X):
        X = torch.tensor(np.array(X, order="C"))
        return X.double() / 255 if X.dtype == torch.uint8 else X.double()


class _Whole(torch.utils.data.Dataset):
    """Gives a whole batch for a list of numbers."""

    def __init__(self, X, y, places, change):
        self.X, self.y, self.places, self.change = X, y, torch.tensor(np.array(places, dtype=np.int64)), change

    def __len__(self):
        return len(self.places)

    def __getitem__(self, numbers):
        chosen = self.places[numbers]
        return self.change(self.X[chosen]), self.y[chosen]


def make_loaders(X, y, splits, batch_size, generator, augment=None):
    y = torch.tensor(np.array(y)).long()
    loaders = {}
    for name, places in zip(("train", "val", "test"), splits):
        train = name == "train"
        samples = _Whole(X, y, places, (train and augment) or (lambda batch: batch))
        if train and len(samples):
            order = torch.utils.data.RandomSampler(samples, generator=generator)
        else:
            order = torch.utils.data.SequentialSampler(samples)
        batches = torch.utils.data.BatchSampler(order, batch_size, drop_last=False)
        loaders[name] = DataLoader(samples, sampler=batches, batch_size=None)
    return loaders


# %% right: a recursion over the classes, a table of 256 values, and an IterableDataset made of generators
def stratified_split(y, fractions, rng):
    total = sum(fractions)
    if not (-1e-9 <= total - 1 <= 1e-9 and all(f >= 0 for f in fractions)):
        raise ValueError("fractions: none below 0, together 1")
    y = np.asarray(y)

    def split(left):
        if not len(left):
            return [[], [], []]
        now = left[y[left] == y[left[0]]]
        later = split(left[y[left] != y[left[0]]])
        up = [math.ceil(np.round(len(now) * share, 7)) for share in np.cumsum(fractions)[:2]]
        a = max(up[0], 1)
        b = max(up[1], a)
        return [[*now[:a], *later[0]], [*now[a:b], *later[1]], [*now[b:], *later[2]]]

    return tuple(np.fromiter(part, dtype=np.int64, count=len(part)) for part in split(rng.permutation(y.size)))


class Normalizer:
    __slots__ = ("numbers", "table")

    def fit(self, X):
        X = np.asarray(X)
        if X.dtype == np.uint8:  # whole numbers: nothing is rounded before the last step
            n, s = X.size, int(X.sum(dtype=np.int64))
            q = int(np.square(X, dtype=np.int64).sum())
            mean, std = s / n / 255, math.sqrt(n * q - s * s) / n / 255
        else:
            mean = float(X.mean(dtype=np.float64))
            std = 0.0 if np.ptp(X) == 0 else float(X.std(dtype=np.float64))
        self.numbers = mean, std or 1.0
        self.table = np.float32((np.arange(256) / 255 - mean) / (std or 1.0))
        return self

    def transform(self, X):
        X = np.asarray(X)
        if X.dtype == np.uint8:
            return torch.from_numpy(self.table[X])
        mean, std = self.numbers
        return torch.from_numpy(np.array((X - np.float64(mean)) / std, dtype=np.float32))


class _Stream(torch.utils.data.IterableDataset):
    def __init__(self, start, length):
        self.start, self.length = start, length

    def __iter__(self):
        return self.start()

    def __len__(self):
        return self.length


def make_loaders(X, y, splits, batch_size, generator, augment=None):
    y = torch.tensor([int(label) for label in y], dtype=torch.int64)

    def batches(places, train):
        places = torch.tensor([int(place) for place in places], dtype=torch.int64)
        if train:
            places = places[torch.randperm(len(places), generator=generator)]
        for start in range(0, len(places), batch_size):
            chosen = places[start : start + batch_size]
            yield augment(X[chosen]) if train and augment is not None else X[chosen], y[chosen]

    def loader(places, train=False):
        stream = _Stream(lambda: batches(places, train), -(-len(places) // batch_size))
        return DataLoader(stream, batch_size=None)

    return {"train": loader(splits[0], True), "val": loader(splits[1]), "test": loader(splits[2])}


# %% right: the largest remainders get what is left, means of image chunks are merged, partial and Subset
import functools
from collections import Counter


def _apportion(n, fractions):
    exact = [n * f for f in fractions]
    sizes = [math.floor(e + 1e-7) for e in exact]
    owed = sorted(range(3), key=lambda i: exact[i] - sizes[i], reverse=True)
    if sizes[0] == 0:
        owed.remove(0)
        owed.insert(0, 0)
    for i in owed[: n - sum(sizes)]:
        sizes[i] += 1
    return sizes


def stratified_split(y, fractions, rng):
    array = np.array(fractions, dtype=np.float64)
    if not np.all(array >= 0) or not np.abs(array.sum() - 1) <= 1e-9:
        raise ValueError(f"fractions are {fractions}: they may not be negative and must have the sum 1")
    y = np.asarray(y)
    sizes = {label: _apportion(n, fractions) for label, n in Counter(y.tolist()).items()}
    part = np.empty(len(y), dtype=np.int8)
    for label, (a, b, c) in sizes.items():
        part[y == label] = rng.permutation(np.repeat([0, 1, 2], [a, b, c]))
    return tuple(np.flatnonzero(part == i).astype(np.int64) for i in range(3))


def _merge(one, two):
    (n, mean, squares), (m, other, more) = one, two
    gap, both = other - mean, n + m
    return both, mean + gap * m / both, squares + more + gap * gap * n * m / both


class Normalizer:
    def fit(self, X):
        chunks = [self._unit(X[i : i + 64]) for i in range(0, len(X), 64)]
        told = [(c.size, c.mean(), np.sum((c - c.mean()) ** 2)) for c in chunks]
        n, mean, squares = functools.reduce(_merge, told)
        flat = len({float(v) for c in chunks for v in (c.min(), c.max())}) == 1
        std = 1.0 if flat else math.sqrt(squares / n)
        self.transform = lambda X: torch.tensor((self._unit(X) - mean) / std, dtype=torch.float32)
        return self

    def transform(self, X):
        raise RuntimeError("Call fit first.")

    @staticmethod
    def _unit(X):
        X = np.asarray(X)
        return np.true_divide(X, 255.0, dtype=np.float64) if X.dtype == np.uint8 else X.astype(np.float64)


def _collate(augment, pairs):
    images = torch.stack([image for image, _ in pairs])
    labels = torch.stack([label for _, label in pairs])
    return augment(images), labels


def make_loaders(X, y, splits, batch_size, generator, augment=None):
    everything = TensorDataset(X, torch.from_numpy(np.array(y, dtype=np.int64)))
    subsets = [torch.utils.data.Subset(everything, [int(i) for i in part]) for part in splits]
    changes = functools.partial(_collate, augment or (lambda images: images)), None, None
    loaders = {}
    for name, subset, change in zip(["train", "val", "test"], subsets, changes, strict=True):
        shuffled = {"shuffle": True, "generator": generator} if name == "train" and len(subset) else {}
        loaders[name] = DataLoader(subset, batch_size=batch_size, collate_fn=change, **shuffled)
    return loaders


# %% wrong: three int64 arrays - an empty part (fraction 0, tiny classes) is float64
def stratified_split(y, fractions, rng):
    if min(fractions) < 0 or abs(sum(fractions) - 1) > 1e-9:
        raise ValueError("fractions must be from 0 on and add up to 1")
    parts = [], [], []
    for label in np.unique(y):
        places = rng.permutation(np.flatnonzero(y == label))
        n = len(places)
        first = max(1, math.ceil(round(n * fractions[0], 6)))
        second = max(first, math.ceil(round(n * (fractions[0] + fractions[1]), 6)))
        for part, piece in zip(parts, np.split(places, [first, second])):
            part.extend(piece)
    return tuple(np.array(part) for part in parts)


class Normalizer:
    def fit(self, X):
        X = self.unit(X)
        self.mean, self.std = X.mean(), X.std() if X.min() < X.max() else 1.0
        return self

    def transform(self, X):
        return torch.tensor((self.unit(X) - self.mean) / self.std, dtype=torch.float32)

    def unit(self, X):
        X = np.asarray(X)
        return X / 255 if X.dtype == np.uint8 else X.astype(np.float64)


def make_loaders(X, y, splits, batch_size, generator, augment=None):
    y = torch.as_tensor(y).long()
    sets = [TensorDataset(X[part], y[part]) for part in splits]

    def collate(pairs):
        images, labels = torch.utils.data.default_collate(pairs)
        return augment(images) if augment else images, labels

    return {
        "train": DataLoader(sets[0], batch_size, shuffle=True, generator=generator, collate_fn=collate),
        "val": DataLoader(sets[1], batch_size),
        "test": DataLoader(sets[2], batch_size),
    }


# %% wrong: each part gets its fraction of n, off by less than 1 - validation and test are both rounded up, training pays
def stratified_split(y, fractions, rng):
    if min(fractions) < 0 or abs(sum(fractions) - 1) > 1e-9:
        raise ValueError("fractions must be from 0 on and add up to 1")
    parts = [], [], []
    for label in np.unique(y):
        places = rng.permutation(np.flatnonzero(y == label))
        n = len(places)
        val, test = (math.ceil(round(n * share, 6)) for share in fractions[1:])
        first = max(1, n - val - test)
        second = max(first, n - test)
        for part, piece in zip(parts, np.split(places, [first, second])):
            part.extend(piece)
    return tuple(np.array(part, dtype=np.int64) for part in parts)


class Normalizer:
    def fit(self, X):
        X = self.unit(X)
        self.mean, self.std = X.mean(), X.std() if X.min() < X.max() else 1.0
        return self

    def transform(self, X):
        return torch.tensor((self.unit(X) - self.mean) / self.std, dtype=torch.float32)

    def unit(self, X):
        X = np.asarray(X)
        return X / 255 if X.dtype == np.uint8 else X.astype(np.float64)


def make_loaders(X, y, splits, batch_size, generator, augment=None):
    y = torch.as_tensor(y).long()
    sets = [TensorDataset(X[part], y[part]) for part in splits]

    def collate(pairs):
        images, labels = torch.utils.data.default_collate(pairs)
        return augment(images) if augment else images, labels

    return {
        "train": DataLoader(sets[0], batch_size, shuffle=True, generator=generator, collate_fn=collate),
        "val": DataLoader(sets[1], batch_size),
        "test": DataLoader(sets[2], batch_size),
    }


# %% wrong: a sum other than 1 (within 1e-9) raises - np.isclose lets 1.000005 through
def stratified_split(y, fractions, rng):
    if min(fractions) < 0 or not np.isclose(sum(fractions), 1):
        raise ValueError("fractions must be from 0 on and add up to 1")
    parts = [], [], []
    for label in np.unique(y):
        places = rng.permutation(np.flatnonzero(y == label))
        n = len(places)
        first = max(1, math.ceil(round(n * fractions[0], 6)))
        second = max(first, math.ceil(round(n * (fractions[0] + fractions[1]), 6)))
        for part, piece in zip(parts, np.split(places, [first, second])):
            part.extend(piece)
    return tuple(np.array(part, dtype=np.int64) for part in parts)


class Normalizer:
    def fit(self, X):
        X = self.unit(X)
        self.mean, self.std = X.mean(), X.std() if X.min() < X.max() else 1.0
        return self

    def transform(self, X):
        return torch.tensor((self.unit(X) - self.mean) / self.std, dtype=torch.float32)

    def unit(self, X):
        X = np.asarray(X)
        return X / 255 if X.dtype == np.uint8 else X.astype(np.float64)


def make_loaders(X, y, splits, batch_size, generator, augment=None):
    y = torch.as_tensor(y).long()
    sets = [TensorDataset(X[part], y[part]) for part in splits]

    def collate(pairs):
        images, labels = torch.utils.data.default_collate(pairs)
        return augment(images) if augment else images, labels

    return {
        "train": DataLoader(sets[0], batch_size, shuffle=True, generator=generator, collate_fn=collate),
        "val": DataLoader(sets[1], batch_size),
        "test": DataLoader(sets[2], batch_size),
    }


# %% wrong: X is uint8, floats are not divided - decided by the largest value, so nearly black uint8 images are not divided
def stratified_split(y, fractions, rng):
    if min(fractions) < 0 or abs(sum(fractions) - 1) > 1e-9:
        raise ValueError("fractions must be from 0 on and add up to 1")
    parts = [], [], []
    for label in np.unique(y):
        places = rng.permutation(np.flatnonzero(y == label))
        n = len(places)
        first = max(1, math.ceil(round(n * fractions[0], 6)))
        second = max(first, math.ceil(round(n * (fractions[0] + fractions[1]), 6)))
        for part, piece in zip(parts, np.split(places, [first, second])):
            part.extend(piece)
    return tuple(np.array(part, dtype=np.int64) for part in parts)


class Normalizer:
    def fit(self, X):
        X = self.unit(X)
        self.mean, self.std = X.mean(), X.std() if X.min() < X.max() else 1.0
        return self

    def transform(self, X):
        return torch.tensor((self.unit(X) - self.mean) / self.std, dtype=torch.float32)

    def unit(self, X):
        X = np.asarray(X)
        return X / 255 if X.max(initial=0) > 1 else X.astype(np.float64)


def make_loaders(X, y, splits, batch_size, generator, augment=None):
    y = torch.as_tensor(y).long()
    sets = [TensorDataset(X[part], y[part]) for part in splits]

    def collate(pairs):
        images, labels = torch.utils.data.default_collate(pairs)
        return augment(images) if augment else images, labels

    return {
        "train": DataLoader(sets[0], batch_size, shuffle=True, generator=generator, collate_fn=collate),
        "val": DataLoader(sets[1], batch_size),
        "test": DataLoader(sets[2], batch_size),
    }


# %% wrong: change no input - floats are normalized in place by transform
def stratified_split(y, fractions, rng):
    if min(fractions) < 0 or abs(sum(fractions) - 1) > 1e-9:
        raise ValueError("fractions must be from 0 on and add up to 1")
    parts = [], [], []
    for label in np.unique(y):
        places = rng.permutation(np.flatnonzero(y == label))
        n = len(places)
        first = max(1, math.ceil(round(n * fractions[0], 6)))
        second = max(first, math.ceil(round(n * (fractions[0] + fractions[1]), 6)))
        for part, piece in zip(parts, np.split(places, [first, second])):
            part.extend(piece)
    return tuple(np.array(part, dtype=np.int64) for part in parts)


class Normalizer:
    def fit(self, X):
        X = self.unit(X)
        self.mean, self.std = X.mean(), X.std() if X.min() < X.max() else 1.0
        return self

    def transform(self, X):
        X = self.unit(X)
        X -= self.mean
        X /= self.std
        return torch.tensor(X, dtype=torch.float32)

    def unit(self, X):
        X = np.asarray(X)
        return X / 255 if X.dtype == np.uint8 else X


def make_loaders(X, y, splits, batch_size, generator, augment=None):
    y = torch.as_tensor(y).long()
    sets = [TensorDataset(X[part], y[part]) for part in splits]

    def collate(pairs):
        images, labels = torch.utils.data.default_collate(pairs)
        return augment(images) if augment else images, labels

    return {
        "train": DataLoader(sets[0], batch_size, shuffle=True, generator=generator, collate_fn=collate),
        "val": DataLoader(sets[1], batch_size),
        "test": DataLoader(sets[2], batch_size),
    }


# %% wrong: leaves no sample out - a last training batch of a single sample is dropped (batch norm does not like it)
def stratified_split(y, fractions, rng):
    if min(fractions) < 0 or abs(sum(fractions) - 1) > 1e-9:
        raise ValueError("fractions must be from 0 on and add up to 1")
    parts = [], [], []
    for label in np.unique(y):
        places = rng.permutation(np.flatnonzero(y == label))
        n = len(places)
        first = max(1, math.ceil(round(n * fractions[0], 6)))
        second = max(first, math.ceil(round(n * (fractions[0] + fractions[1]), 6)))
        for part, piece in zip(parts, np.split(places, [first, second])):
            part.extend(piece)
    return tuple(np.array(part, dtype=np.int64) for part in parts)


class Normalizer:
    def fit(self, X):
        X = self.unit(X)
        self.mean, self.std = X.mean(), X.std() if X.min() < X.max() else 1.0
        return self

    def transform(self, X):
        return torch.tensor((self.unit(X) - self.mean) / self.std, dtype=torch.float32)

    def unit(self, X):
        X = np.asarray(X)
        return X / 255 if X.dtype == np.uint8 else X.astype(np.float64)


def make_loaders(X, y, splits, batch_size, generator, augment=None):
    y = torch.as_tensor(y).long()
    sets = [TensorDataset(X[part], y[part]) for part in splits]

    def collate(pairs):
        images, labels = torch.utils.data.default_collate(pairs)
        return augment(images) if augment else images, labels

    return {
        "train": DataLoader(
            sets[0],
            batch_size,
            shuffle=True,
            generator=generator,
            collate_fn=collate,
            drop_last=len(sets[0]) % batch_size == 1,
        ),
        "val": DataLoader(sets[1], batch_size),
        "test": DataLoader(sets[2], batch_size),
    }


# %% wrong: each batch goes through augment, a function of a batch - augment gets single images, one after the other
def stratified_split(y, fractions, rng):
    if min(fractions) < 0 or abs(sum(fractions) - 1) > 1e-9:
        raise ValueError("fractions must be from 0 on and add up to 1")
    parts = [], [], []
    for label in np.unique(y):
        places = rng.permutation(np.flatnonzero(y == label))
        n = len(places)
        first = max(1, math.ceil(round(n * fractions[0], 6)))
        second = max(first, math.ceil(round(n * (fractions[0] + fractions[1]), 6)))
        for part, piece in zip(parts, np.split(places, [first, second])):
            part.extend(piece)
    return tuple(np.array(part, dtype=np.int64) for part in parts)


class Normalizer:
    def fit(self, X):
        X = self.unit(X)
        self.mean, self.std = X.mean(), X.std() if X.min() < X.max() else 1.0
        return self

    def transform(self, X):
        return torch.tensor((self.unit(X) - self.mean) / self.std, dtype=torch.float32)

    def unit(self, X):
        X = np.asarray(X)
        return X / 255 if X.dtype == np.uint8 else X.astype(np.float64)


def make_loaders(X, y, splits, batch_size, generator, augment=None):
    y = torch.as_tensor(y).long()
    sets = [TensorDataset(X[part], y[part]) for part in splits]

    def collate(pairs):
        images, labels = torch.utils.data.default_collate(pairs)
        return torch.cat([augment(one[None]) for one in images]) if augment else images, labels

    return {
        "train": DataLoader(sets[0], batch_size, shuffle=True, generator=generator, collate_fn=collate),
        "val": DataLoader(sets[1], batch_size),
        "test": DataLoader(sets[2], batch_size),
    }


# %% wrong: the order is drawn from generator - drawn from a new one with the same first seed, whatever was drawn before
def stratified_split(y, fractions, rng):
    if min(fractions) < 0 or abs(sum(fractions) - 1) > 1e-9:
        raise ValueError("fractions must be from 0 on and add up to 1")
    parts = [], [], []
    for label in np.unique(y):
        places = rng.permutation(np.flatnonzero(y == label))
        n = len(places)
        first = max(1, math.ceil(round(n * fractions[0], 6)))
        second = max(first, math.ceil(round(n * (fractions[0] + fractions[1]), 6)))
        for part, piece in zip(parts, np.split(places, [first, second])):
            part.extend(piece)
    return tuple(np.array(part, dtype=np.int64) for part in parts)


class Normalizer:
    def fit(self, X):
        X = self.unit(X)
        self.mean, self.std = X.mean(), X.std() if X.min() < X.max() else 1.0
        return self

    def transform(self, X):
        return torch.tensor((self.unit(X) - self.mean) / self.std, dtype=torch.float32)

    def unit(self, X):
        X = np.asarray(X)
        return X / 255 if X.dtype == np.uint8 else X.astype(np.float64)


def make_loaders(X, y, splits, batch_size, generator, augment=None):
    y = torch.as_tensor(y).long()
    sets = [TensorDataset(X[part], y[part]) for part in splits]

    def collate(pairs):
        images, labels = torch.utils.data.default_collate(pairs)
        return augment(images) if augment else images, labels

    return {
        "train": DataLoader(
            sets[0],
            batch_size,
            shuffle=True,
            generator=torch.Generator().manual_seed(generator.initial_seed()),
            collate_fn=collate,
        ),
        "val": DataLoader(sets[1], batch_size),
        "test": DataLoader(sets[2], batch_size),
    }
