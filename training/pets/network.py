"""The network: a small residual one, whose widths make it fit 4 MB at half precision."""

from typing import NamedTuple

import torch
from torch import Tensor, nn

WIDTHS = (32, 64, 128, 192)
"""Channels after each halving, ..."""
DEPTHS = (1, 2, 2, 1)
"""... and residual blocks at that size."""
STEM = 24
EMBEDDING = 320


class Said(NamedTuple):
    """What the network says of pictures."""

    kinds: Tensor
    """Logits of cat and dog, shape (n, 2)."""
    features: Tensor
    """Its guess at the teacher's principal features, shape (n, n_features)."""
    classes: Tensor
    """Its guess at the teacher's logits, shape (n, n_classes)."""


class Block(nn.Module):  # type: ignore[misc]  # PyTorch is not there where types are checked
    """Two convolutions beside a straight way through."""

    def __init__(self, channels: int) -> None:
        """Initialize the block.

        Args:
            channels: In and out.
        """
        super().__init__()
        self.ways = nn.Sequential(*_convolution(channels, channels, 1), nn.ReLU(), *_convolution(channels, channels, 1))

    def forward(self, maps: Tensor) -> Tensor:
        """Maps, shape (n, channels, height, width), to maps of that shape."""
        return torch.relu(maps + self.ways(maps))


class Network(nn.Module):  # type: ignore[misc]  # PyTorch is not there where types are checked
    """Pictures to cat or dog, and to what a teacher would say of them."""

    def __init__(self, features: int, classes: int) -> None:
        """Initialize the network.

        Args:
            features: How many of the teacher's principal features it guesses.
            classes: How many of its logits.
        """
        super().__init__()
        layers = [*_convolution(3, STEM, 2), nn.ReLU()]
        channels = STEM
        for width, depth in zip(WIDTHS, DEPTHS, strict=True):
            layers += [*_convolution(channels, width, 2), nn.ReLU(), *(Block(width) for _ in range(depth))]
            channels = width
        layers += [nn.Conv2d(channels, EMBEDDING, 1, bias=False), nn.BatchNorm2d(EMBEDDING), nn.ReLU()]
        self.trunk = nn.Sequential(*layers, nn.AdaptiveAvgPool2d(1), nn.Flatten())
        self.kinds = nn.Linear(EMBEDDING, 2)
        self.features = nn.Linear(EMBEDDING, features) if features else nn.Identity()
        self.classes = nn.Linear(EMBEDDING, classes) if classes else nn.Identity()

    @property
    def weights(self) -> int:
        """How many it has, without what is only there to learn by."""
        return sum(p.numel() for part in (self.trunk, self.kinds) for p in part.parameters())

    def forward(self, pictures: Tensor) -> Said:
        """Pictures, shape (n, 3, size, size), from -1 to 1.008, to what it says of them."""
        embedding = self.trunk(pictures)
        return Said(self.kinds(embedding), self.features(embedding), self.classes(embedding))


def _convolution(channels: int, width: int, stride: int) -> list[nn.Module]:
    return [nn.Conv2d(channels, width, 3, stride, 1, bias=False), nn.BatchNorm2d(width)]
