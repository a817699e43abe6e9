"""Disturbances: light, colour, blur, noise and what hides a part, laid over views each time they are learnt from."""

import torch
from torch import Tensor
from torch.nn.functional import interpolate

_BLURRED, _NOISY, _HIDDEN, _GREY = 0.3, 0.2, 0.4, 0.1
_COARSEST = 0.2


def disturbed(pictures: Tensor, side: int, draw: torch.Generator) -> Tensor:
    """Pictures as other cameras, lights and obstacles would give them.

    Args:
        pictures: Shape (n, 3, size, size), from 0 to 1.
        side: Pixels on a side of what is cut out of each.
        draw: Source of chance.

    Returns:
        Shape (n, 3, side, side), from 0 to 1.
    """
    pictures = _shifted(pictures, side, draw)
    pictures = _recoloured(pictures, draw)
    for number in range(len(pictures)):
        chances = torch.rand(3, generator=draw)
        if chances[0] < _BLURRED:
            pictures[number] = _blurred(pictures[number], draw)
        if chances[1] < _NOISY:
            noise = torch.randn(pictures[number].shape, generator=draw)
            pictures[number] += noise * float(torch.rand((), generator=draw)) * 0.15
        if chances[2] < _HIDDEN:
            _hide(pictures[number], draw)
    return pictures.clamp_(0, 1)


def _shifted(pictures: Tensor, side: int, draw: torch.Generator) -> Tensor:
    spare = pictures.shape[-1] - side
    corners = torch.randint(0, spare + 1, (len(pictures), 2), generator=draw).tolist()
    flips = torch.rand(len(pictures), generator=draw).tolist()
    cut = [picture[:, y : y + side, x : x + side] for picture, (y, x) in zip(pictures, corners, strict=True)]
    return torch.stack([part.flip(-1) if flip < 0.5 else part for part, flip in zip(cut, flips, strict=True)])


def _recoloured(pictures: Tensor, draw: torch.Generator) -> Tensor:
    def between(low: float, high: float, *shape: int) -> Tensor:
        return torch.rand((len(pictures), *shape), generator=draw) * (high - low) + low

    pictures = pictures.clamp(min=1e-3) ** torch.exp(between(-0.5, 0.5, 1, 1, 1))
    grey = pictures.mean(1, keepdim=True)
    colour = between(0.3, 1.5, 1, 1, 1) * (between(0, 1, 1, 1, 1) > _GREY)
    pictures = grey + (pictures - grey) * colour
    middle = pictures.mean((1, 2, 3), keepdim=True)
    pictures = middle + (pictures - middle) * between(0.5, 1.4, 1, 1, 1)
    return pictures * between(0.45, 1.4, 1, 1, 1) * between(0.85, 1.15, 3, 1, 1)


def _blurred(picture: Tensor, draw: torch.Generator) -> Tensor:
    side = picture.shape[-1]
    coarse = round(side * (_COARSEST + (0.8 - _COARSEST) * float(torch.rand((), generator=draw))))
    small = interpolate(picture[None], (coarse, coarse), mode="bilinear", antialias=True)
    large: Tensor = interpolate(small, (side, side), mode="bilinear")
    return large[0]


def _hide(picture: Tensor, draw: torch.Generator) -> None:
    side = picture.shape[-1]
    height, width = (int(side * (0.15 + 0.35 * v)) for v in torch.rand(2, generator=draw).tolist())
    y = int(torch.randint(0, side - height, (), generator=draw))
    x = int(torch.randint(0, side - width, (), generator=draw))
    picture[:, y : y + height, x : x + width] = torch.rand((3, 1, 1), generator=draw)
