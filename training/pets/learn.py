"""Learning: the network from its lessons, epoch by epoch, going on where it was interrupted."""

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

from training.pets.disturb import disturbed
from training.pets.lessons import Lessons
from training.pets.network import Network, Said
from training.pets.teacher import Numbers

CHECKPOINT = "network-{}.pt"
"""By the course: another one begins anew."""
PRINCIPAL = 128
"""Of the teacher's features, those principal components that the network is to guess."""
_WARMTH = 2.0
_TRUST = 0.7
"""How far a view's target is what the teacher makes of it, not the photo's label: a view may show no animal."""
_KEPT = 0.995


class Course(NamedTuple):
    """How the network learns."""

    epochs: int = 450
    """Each takes one view of every photo."""
    side: int = 112
    """Pixels on a side while learning; smaller than in use, as views show animals larger than photos do."""
    batch: int = 32
    rate: float = 1e-3
    decay: float = 0.05
    seed: int = 0


class Targets(NamedTuple):
    """What the network is to say of each view, shapes (n_photos, n_views, ...)."""

    kinds: Tensor
    """Chances of cat and dog."""
    features: Tensor
    """Principal features of the teacher, at a spread of one."""
    classes: Tensor
    """The teacher's logits."""


def targets(lessons: Lessons, seed: int = 0) -> Targets:
    """What is to be learnt: labels, softened by what the teacher's features tell of each view.

    Args:
        lessons: With a teacher's answers or without.
        seed: Of the head's and the components' fitting.
    """
    dogs = lessons.dogs.astype(np.float64)
    features = np.asarray(lessons.features, dtype=np.float32)
    principal = np.zeros((*dogs.shape, 0), np.float32)
    if features.shape[-1]:
        rows = features.reshape(-1, features.shape[-1])
        plain = np.isin(dogs.ravel(), (0.0, 1.0))
        head = LogisticRegression(C=0.02, max_iter=300, random_state=seed)
        head.fit(rows[plain], dogs.ravel()[plain] > 0.5)
        dogs = (1 - _TRUST) * dogs + _TRUST * head.predict_proba(rows)[:, 1].reshape(dogs.shape)
        principal = _principal(rows).reshape(*dogs.shape, -1)
    kinds = np.stack([1 - dogs, dogs], axis=-1).astype(np.float32)
    return Targets(torch.from_numpy(kinds), torch.from_numpy(principal), torch.from_numpy(np.array(lessons.logits)))


def _principal(rows: Numbers) -> Numbers:
    middle = rows.mean(axis=0)
    spread = np.cov(rows.T)
    _, directions = np.linalg.eigh(spread)
    found = (rows - middle) @ directions[:, ::-1][:, :PRINCIPAL].astype(np.float32)
    scaled: Numbers = (found / np.sqrt((found**2).mean())).astype(np.float32)
    return scaled


class Learner:
    """A network that learns; its state lies in one file, written beside its place and moved there."""

    def __init__(self, lessons: Lessons, aims: Targets, course: Course) -> None:
        """Initialize the learner.

        Args:
            lessons: What is seen.
            aims: What is to be said.
            course: How to learn; the checkpoint beside the lessons is taken up where there is one.
        """
        torch.manual_seed(course.seed)
        self._lessons, self._aims, self._course = lessons, aims, course
        self._path = lessons.place / CHECKPOINT.format("-".join(str(value) for value in course))
        self.network = Network(aims.features.shape[-1], aims.classes.shape[-1]).to(memory_format=torch.channels_last)
        self.kept = copy.deepcopy(self.network)
        """The running mean of the network, which is steadier than what it is a mean of."""
        self._steps = torch.optim.AdamW(self.network.parameters(), lr=course.rate, weight_decay=course.decay)
        self.epoch = 0
        """Epochs done."""
        if self._path.exists():
            self._take_up(torch.load(self._path, weights_only=True))

    def _take_up(self, saved: dict[str, Any]) -> None:
        self.network.load_state_dict(saved["network"])
        self.kept.load_state_dict(saved["kept"])
        self._steps.load_state_dict(saved["steps"])
        self.epoch = saved["epoch"]

    def save(self) -> None:
        """Write the checkpoint."""
        staged = self._path.with_name(f".{self._path.name}")
        with staged.open("wb") as file:
            torch.save(
                {
                    "network": self.network.state_dict(),
                    "kept": self.kept.state_dict(),
                    "steps": self._steps.state_dict(),
                    "epoch": self.epoch,
                },
                file,
            )
            file.flush()
            os.fsync(file.fileno())
        os.replace(staged, self._path)

    def learn(self, say: Callable[[int, float], None], every: int = 10) -> None:
        """Learn until the course ends.

        Args:
            say: Told the epochs done and the mean loss of the last, each time after the checkpoint is written.
            every: Epochs between checkpoints.
        """
        while self.epoch < self._course.epochs:
            loss = self._epoch()
            self.epoch += 1
            if self.epoch % every == 0 or self.epoch == self._course.epochs:
                self.save()
                say(self.epoch, loss)

    def _epoch(self) -> float:
        draw = torch.Generator().manual_seed(self._course.seed * 1_000_003 + self.epoch)
        photos, views = self._lessons.dogs.shape
        order = torch.randperm(photos, generator=draw)
        chosen = torch.randint(0, views, (photos,), generator=draw)
        batches = list(zip(order.split(self._course.batch), chosen.split(self._course.batch), strict=True))
        losses = []
        self.network.train()
        for number, (rows, columns) in enumerate(batches):
            self._set_rate((self.epoch + number / len(batches)) / self._course.epochs)
            losses.append(self._step(rows, columns, draw))
        return sum(losses) / len(losses)

    def _step(self, rows: Tensor, columns: Tensor, draw: torch.Generator) -> float:
        pictures = torch.from_numpy(self._lessons.pictures[rows.numpy(), columns.numpy()])
        seen = disturbed(pictures.permute(0, 3, 1, 2).float() / 255, self._course.side, draw)
        seen = (seen * (255 / 127) - 1).contiguous(memory_format=torch.channels_last)
        with torch.autocast("cpu", torch.bfloat16):
            said = self.network(seen)
        loss = _loss(said, Targets(*(aim[rows, columns] for aim in self._aims)))
        self._steps.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(self.network.parameters(), 5.0)
        self._steps.step()
        self._keep()
        return float(loss.detach())

    def _keep(self) -> None:
        with torch.no_grad():
            for mean, value in zip(self.kept.state_dict().values(), self.network.state_dict().values(), strict=True):
                if mean.is_floating_point():
                    mean.lerp_(value, 1 - _KEPT)
                else:
                    mean.copy_(value)

    def _set_rate(self, done: float) -> None:
        share = min(1.0, done / 0.03) if done < 0.03 else 0.5 * (1 + math.cos(math.pi * (done - 0.03) / 0.97))
        for group in self._steps.param_groups:
            group["lr"] = self._course.rate * share


def _loss(said: Said, aims: Targets) -> Tensor:
    total: Tensor = cross_entropy(said.kinds.float(), aims.kinds)
    if aims.features.shape[-1]:
        total = total + 2 * mse_loss(said.features.float(), aims.features)
        warm = log_softmax(said.classes.float() / _WARMTH, -1)
        total = total + kl_div(warm, softmax(aims.classes.float() / _WARMTH, -1), reduction="batchmean")
    return total
