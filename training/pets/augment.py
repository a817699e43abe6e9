"""Augmentation during training: crop, flip, light, colour, blur, noise and hidden parts."""

import torch
from torch import Tensor
from torch.nn.functional import interpolate

_BLURRED, _NOISY, _HIDDEN, _GREY = 0.3, 0.2, 0.4, 0.1
"""Shares of the pictures."""
_STRONGEST_BLUR = 0.2
"""Smallest size, as a share of the side, that a picture is reduced to and enlarged from."""


def augmented(pictures: Tensor, side: int, rng: torch.Generator) -> Tensor:
    """Vary pictures as other cameras, lights and obstacles would.

    Args:
        pictures: Shape (n, 3, size, size), from 0 to 1.
        side: Width and height of the result, pixels.
        rng: Random generator.

    Returns:
        Shape (n, 3, side, side), from 0 to 1.
    """
    pictures = _cropped_and_flipped(pictures, side, rng)
    pictures = _recoloured(pictures, rng)
    for index in range(len(pictures)):
        chances = torch.rand(3, generator=rng)
        if chances[0] < _BLURRED:
            pictures[index] = _blurred(pictures[index], rng)
        if chances[1] < _NOISY:
            noise = torch.randn(pictures[index].shape, generator=rng)
            pictures[index] += noise * float(torch.rand((), generator=rng)) * 0.15
        if chances[2] < _HIDDEN:
            _hide(pictures[index], rng)
    return pictures.clamp_(0, 1)


def _cropped_and_flipped(pictures: Tensor, side: int, rng: torch.Generator) -> Tensor:
    spare = pictures.shape[-1] - side
    corners = torch.randint(0, spare + 1, (len(pictures), 2), generator=rng).tolist()
    flips = torch.rand(len(pictures), generator=rng).tolist()
    cut = [picture[:, y : y + side, x : x + side] for picture, (y, x) in zip(pictures, corners, strict=True)]
    return torch.stack([part.flip(-1) if flip < 0.5 else part for part, flip in zip(cut, flips, strict=True)])


def _recoloured(pictures: Tensor, rng: torch.Generator) -> Tensor:
    def between(low: float, high: float, *shape: int) -> Tensor:
        return torch.rand((len(pictures), *shape), generator=rng) * (high - low) + low

    pictures = pictures.clamp(min=1e-3) ** torch.exp(between(-0.5, 0.5, 1, 1, 1))
    grey = pictures.mean(1, keepdim=True)
    colour = between(0.3, 1.5, 1, 1, 1) * (between(0, 1, 1, 1, 1) > _GREY)
    pictures = grey + (pictures - grey) * colour
    middle = pictures.mean((1, 2, 3), keepdim=True)
    pictures = middle + (pictures - middle) * between(0.5, 1.4, 1, 1, 1)
    return pictures * between(0.45, 1.4, 1, 1, 1) * between(0.85, 1.15, 3, 1, 1)


def _blurred(picture: Tensor, rng: torch.Generator) -> Tensor:
    side = picture.shape[-1]
    coarse = round(side * (_STRONGEST_BLUR + (0.8 - _STRONGEST_BLUR) * float(torch.rand((), generator=rng))))
    small = interpolate(picture[None], (coarse, coarse), mode="bilinear", antialias=True)
    large: Tensor = interpolate(small, (side, side), mode="bilinear")
    return large[0]


def _hide(picture: Tensor, rng: torch.Generator) -> None:
    side = picture.shape[-1]
    height, width = (int(side * (0.15 + 0.35 * v)) for v in torch.rand(2, generator=rng).tolist())
    y = int(torch.randint(0, side - height, (), generator=rng))
    x = int(torch.randint(0, side - width, (), generator=rng))
    picture[:, y : y + height, x : x + width] = torch.rand((3, 1, 1), generator=rng)
