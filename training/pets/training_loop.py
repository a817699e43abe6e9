"""The training loop of the small network; resumes from a checkpoint."""

import copy
import math
import os
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
import torch
from sklearn.linear_model import LogisticRegression
from torch import Tensor
from torch.nn.functional import cross_entropy, kl_div, log_softmax, mse_loss, softmax

from training.pets.augment import augmented
from training.pets.distillation import DistillationData
from training.pets.network import Network, Predictions
from training.pets.teacher import Numbers

CHECKPOINT = "network-{}.pt"
"""Named by the configuration: another configuration starts anew."""
PRINCIPAL = 128
"""Number of principal components of the teacher's features that the network predicts."""
_DISTILLATION_TEMPERATURE = 2.0
_TEACHER_WEIGHT = 0.7
"""Weight of the teacher's prediction in a crop's target; the rest is the photo's label. A crop may show no animal."""
_EMA_DECAY = 0.995


class TrainingConfig(NamedTuple):
    """Hyper-parameters of the training loop; the field names are those of the manifest's ``course``."""

    epochs: int = 450
    """Each uses one crop of every photo."""
    side: int = 112
    """Width and height of the pictures, pixels; smaller than in use, as crops show animals larger than photos do."""
    batch: int = 32
    rate: float = 1e-3
    decay: float = 0.05
    seed: int = 0


class Targets(NamedTuple):
    """The network's targets for each crop, shape (n_photos, n_crops, ...) each."""

    kinds: Tensor
    """Probabilities of cat and dog."""
    features: Tensor
    """Principal components of the teacher's features, scaled to unit variance."""
    classes: Tensor
    """The teacher's logits."""


def targets(data: DistillationData, seed: int = 0) -> Targets:
    """Compute the targets: labels, softened by a classifier on the teacher's features.

    Args:
        data: Crops, with or without a teacher's outputs.
        seed: Random seed of the classifier.
    """
    dogs = data.dogs.astype(np.float64)
    features = np.asarray(data.features, dtype=np.float32)
    principal = np.zeros((*dogs.shape, 0), np.float32)
    if features.shape[-1]:
        rows = features.reshape(-1, features.shape[-1])
        plain = np.isin(dogs.ravel(), (0.0, 1.0))
        head = LogisticRegression(C=0.02, max_iter=300, random_state=seed)
        head.fit(rows[plain], dogs.ravel()[plain] > 0.5)
        dogs = (1 - _TEACHER_WEIGHT) * dogs + _TEACHER_WEIGHT * head.predict_proba(rows)[:, 1].reshape(dogs.shape)
        principal = _principal(rows).reshape(*dogs.shape, -1)
    kinds = np.stack([1 - dogs, dogs], axis=-1).astype(np.float32)
    return Targets(torch.from_numpy(kinds), torch.from_numpy(principal), torch.from_numpy(np.array(data.logits)))


def _principal(rows: Numbers) -> Numbers:
    _, directions = np.linalg.eigh(np.cov(rows.T))
    components = (rows - rows.mean(axis=0)) @ directions[:, ::-1][:, :PRINCIPAL].astype(np.float32)
    scaled: Numbers = (components / np.sqrt((components**2).mean())).astype(np.float32)
    return scaled


class TrainingLoop:
    """Trains a network; its checkpoint is one file, replaced atomically."""

    def __init__(self, data: DistillationData, aims: Targets, config: TrainingConfig) -> None:
        """Initialize the loop, from its checkpoint if there is one.

        Args:
            data: Crops; the checkpoint is in their folder.
            aims: Targets of the crops.
            config: Hyper-parameters.
        """
        torch.manual_seed(config.seed)
        self._data, self._targets, self._config = data, aims, config
        self._path = data.folder / CHECKPOINT.format("-".join(str(value) for value in config))
        self.network = Network(aims.features.shape[-1], aims.classes.shape[-1]).to(memory_format=torch.channels_last)
        self.average = copy.deepcopy(self.network)
        """The exponential moving average of the network's weights."""
        self._optimizer = torch.optim.AdamW(self.network.parameters(), lr=config.rate, weight_decay=config.decay)
        self.epoch = 0
        """Number of finished epochs."""
        if self._path.exists():
            self._restore(torch.load(self._path, weights_only=True))

    def _restore(self, saved: dict[str, Any]) -> None:
        self.network.load_state_dict(saved["network"])
        self.average.load_state_dict(saved["average"])
        self._optimizer.load_state_dict(saved["optimizer"])
        self.epoch = saved["epoch"]

    def save(self) -> None:
        """Write the checkpoint."""
        staged = self._path.with_name(f".{self._path.name}")
        with staged.open("wb") as file:
            torch.save(
                {
                    "network": self.network.state_dict(),
                    "average": self.average.state_dict(),
                    "optimizer": self._optimizer.state_dict(),
                    "epoch": self.epoch,
                },
                file,
            )
            file.flush()
            os.fsync(file.fileno())
        os.replace(staged, self._path)

    def run(self, report: Callable[[int, float], None], every: int = 10) -> None:
        """Train until the last epoch.

        Args:
            report: Receives the number of finished epochs and the last one's mean loss, after each checkpoint.
            every: Epochs between checkpoints.
        """
        while self.epoch < self._config.epochs:
            loss = self._epoch()
            self.epoch += 1
            if self.epoch % every == 0 or self.epoch == self._config.epochs:
                self.save()
                report(self.epoch, loss)

    def _epoch(self) -> float:
        rng = torch.Generator().manual_seed(self._config.seed * 1_000_003 + self.epoch)
        photos, crops = self._data.dogs.shape
        order = torch.randperm(photos, generator=rng)
        chosen = torch.randint(0, crops, (photos,), generator=rng)
        batches = list(zip(order.split(self._config.batch), chosen.split(self._config.batch), strict=True))
        losses = []
        self.network.train()
        for index, (rows, columns) in enumerate(batches):
            self._set_rate((self.epoch + index / len(batches)) / self._config.epochs)
            losses.append(self._step(rows, columns, rng))
        return sum(losses) / len(losses)

    def _step(self, rows: Tensor, columns: Tensor, rng: torch.Generator) -> float:
        pictures = torch.from_numpy(self._data.pictures[rows.numpy(), columns.numpy()])
        inputs = augmented(pictures.permute(0, 3, 1, 2).float() / 255, self._config.side, rng)
        inputs = (inputs * (255 / 127) - 1).contiguous(memory_format=torch.channels_last)
        with torch.autocast("cpu", torch.bfloat16):
            predictions = self.network(inputs)
        loss = _loss(predictions, Targets(*(values[rows, columns] for values in self._targets)))
        self._optimizer.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(self.network.parameters(), 5.0)
        self._optimizer.step()
        self._update_average()
        return float(loss.detach())

    def _update_average(self) -> None:
        with torch.no_grad():
            for mean, value in zip(self.average.state_dict().values(), self.network.state_dict().values(), strict=True):
                if mean.is_floating_point():
                    mean.lerp_(value, 1 - _EMA_DECAY)
                else:
                    mean.copy_(value)

    def _set_rate(self, done: float) -> None:
        share = min(1.0, done / 0.03) if done < 0.03 else 0.5 * (1 + math.cos(math.pi * (done - 0.03) / 0.97))
        for group in self._optimizer.param_groups:
            group["lr"] = self._config.rate * share


def _loss(predictions: Predictions, aims: Targets) -> Tensor:
    total: Tensor = cross_entropy(predictions.kinds.float(), aims.kinds)
    if aims.features.shape[-1]:
        total = total + 2 * mse_loss(predictions.features.float(), aims.features)
        softened = log_softmax(predictions.classes.float() / _DISTILLATION_TEMPERATURE, -1)
        total = total + kl_div(
            softened, softmax(aims.classes.float() / _DISTILLATION_TEMPERATURE, -1), reduction="batchmean"
        )
    return total
