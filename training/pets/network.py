"""The small residual network; it takes less than 4 MB at half precision."""

from typing import NamedTuple

import torch
from torch import Tensor, nn

WIDTHS = (32, 64, 128, 192)
"""Channels of each stage; every stage halves width and height."""
DEPTHS = (1, 2, 2, 1)
"""Residual blocks of each stage."""
STEM = 24
EMBEDDING = 320


class Predictions(NamedTuple):
    """The network's outputs."""

    kinds: Tensor
    """Logits of cat and dog, shape (n, 2)."""
    features: Tensor
    """Predicted principal components of the teacher's features, shape (n, n_features)."""
    classes: Tensor
    """Predicted logits of the teacher, shape (n, n_classes)."""


class Block(nn.Module):  # type: ignore[misc]  # types are checked without PyTorch
    """A residual block of two convolutions."""

    def __init__(self, channels: int) -> None:
        """Initialize the block.

        Args:
            channels: Input and output channels.
        """
        super().__init__()
        self.layers = nn.Sequential(
            *_convolution(channels, channels, 1), nn.ReLU(), *_convolution(channels, channels, 1)
        )

    def forward(self, maps: Tensor) -> Tensor:
        """Transform feature maps, shape (n, channels, height, width)."""
        return torch.relu(maps + self.layers(maps))


class Network(nn.Module):  # type: ignore[misc]  # types are checked without PyTorch
    """Classifies pictures, and predicts a teacher's outputs as auxiliary targets."""

    def __init__(self, features: int, classes: int) -> None:
        """Initialize the network.

        Args:
            features: Number of the teacher's principal components to predict.
            classes: Number of the teacher's logits to predict.
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
        """Number of weights, without the auxiliary outputs."""
        return sum(p.numel() for part in (self.trunk, self.kinds) for p in part.parameters())

    def forward(self, pictures: Tensor) -> Predictions:
        """Predict for pictures, shape (n, 3, size, size), from -1 to 1.008."""
        embedding = self.trunk(pictures)
        return Predictions(self.kinds(embedding), self.features(embedding), self.classes(embedding))


def _convolution(channels: int, width: int, stride: int) -> list[nn.Module]:
    return [nn.Conv2d(channels, width, 3, stride, 1, bias=False), nn.BatchNorm2d(width)]
