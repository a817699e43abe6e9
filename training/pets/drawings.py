"""Drawings: synthetic pictures of neither cat nor dog, from dead leaves to streets and faces.

They stand for what clients send by mistake. Each kind varies at random in layout, colours, textures and sharpness.
"""

from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFilter

from training.pets.textures import grey_texture

Colour = tuple[int, int, int]
Pictures = NDArray[np.uint8]
_SKIN: tuple[tuple[Colour, Colour], ...] = (((60, 40, 30), (110, 75, 55)), ((190, 140, 110), (245, 205, 180)))
"""Ranges of colours: each component lies between the first and the second colour's."""
_SUPERSAMPLING = 2
_CHARACTERS = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.,;:-()"


def drawings(count: int, size: int, seed: int = 0) -> Pictures:
    """Draw pictures of all kinds in turn.

    Args:
        count: Number of pictures.
        size: Width and height, pixels.
        seed: Random seed.

    Returns:
        Shape (count, size, size, 3).
    """
    kinds = list(KINDS)
    pictures = [
        drawing(kinds[index % len(kinds)], size, np.random.default_rng([seed, index])) for index in range(count)
    ]
    return np.stack(pictures) if pictures else np.zeros((0, size, size, 3), np.uint8)


def drawing(kind: str, size: int, rng: np.random.Generator) -> Pictures:
    """Draw a picture.

    Args:
        kind: Name in `KINDS`.
        size: Width and height, pixels.
        rng: Random generator.

    Returns:
        Shape (size, size, 3).
    """
    image = KINDS[kind](size * _SUPERSAMPLING, rng).convert("RGB")
    if rng.random() < 0.3:
        image = image.filter(ImageFilter.GaussianBlur(size * rng.uniform(0.002, 0.02) * _SUPERSAMPLING))
    values = np.asarray(image.resize((size, size), Image.Resampling.BOX), dtype=np.float64)
    if rng.random() < 0.2:
        values = values.mean(axis=2, keepdims=True).repeat(3, axis=2)
    if rng.random() < 0.6:
        values = values + rng.normal(size=values.shape) * rng.uniform(0, 12)
    if rng.random() < 0.5:
        values = values * rng.uniform(0.4, 1.2) + rng.uniform(-20, 40)
    return values.clip(0, 255).astype(np.uint8)


def _colour(rng: np.random.Generator, low: Sequence[int] = (0, 0, 0), high: Sequence[int] = (255, 255, 255)) -> Colour:
    red, green, blue = (int(rng.integers(a, b + 1)) for a, b in zip(low, high, strict=True))
    return red, green, blue


def _near(colour: Colour, rng: np.random.Generator, spread: int = 30) -> Colour:
    red, green, blue = (int(np.clip(part + rng.integers(-spread, spread + 1), 0, 255)) for part in colour)
    return red, green, blue


def _gradient(size: int, first: Colour, last: Colour, angle: float) -> Image.Image:
    down, across = np.mgrid[:size, :size] / size
    share = down * np.cos(angle) + across * np.sin(angle)
    share = (share - share.min()) / np.ptp(share)
    values = np.array(first) + share[..., None] * (np.array(last) - np.array(first))
    return Image.fromarray(values.astype(np.uint8))


def _textured(size: int, rng: np.random.Generator, first: Colour, last: Colour) -> Image.Image:
    """Colour a texture, drawn at half size."""
    grey = grey_texture(int(rng.integers(4)), size // 2, rng)
    values = np.array(first) + grey[..., None] * (np.array(last, float) - np.array(first))
    return Image.fromarray(values.clip(0, 255).astype(np.uint8)).resize((size, size), Image.Resampling.BILINEAR)


def _filling(size: int, rng: np.random.Generator, colour: Colour | None = None) -> Image.Image:
    """Fill a square with one colour, a gradient or a texture, near a colour if there is one."""
    first = colour or _colour(rng)
    last = _near(first, rng, 70) if rng.random() < 0.7 else _colour(rng)
    choice = rng.random()
    if choice < 0.2:
        return Image.new("RGB", (size, size), first)
    if choice < 0.5:
        return _gradient(size, first, last, rng.uniform(0, 2 * np.pi))
    return _textured(size, rng, first, last)


def _blob(size: int, rng: np.random.Generator, scale: float) -> list[tuple[float, float]]:
    """A closed curve around a random place: a smooth blob, an ellipse, or a polygon of few corners."""
    corners = int(rng.integers(3, 8)) if rng.random() < 0.4 else 40
    angles = np.sort(rng.uniform(0, 2 * np.pi, corners)) if corners < 40 else np.linspace(0, 2 * np.pi, corners)
    radius = np.full(corners, scale * size)
    if corners == 40:
        for wave in range(2, 6):
            radius *= 1 + rng.uniform(0, 0.25) * np.sin(wave * angles + rng.uniform(0, 2 * np.pi))
    stretch, turn = np.exp(rng.uniform(-0.7, 0.7)), rng.uniform(0, np.pi)
    x, y = radius * np.cos(angles) * stretch, radius * np.sin(angles) / stretch
    middle = rng.uniform(0, size, 2)
    points = np.stack([x * np.cos(turn) - y * np.sin(turn), x * np.sin(turn) + y * np.cos(turn)], axis=1) + middle
    return [(float(a), float(b)) for a, b in points]


def _paste(image: Image.Image, points: list[tuple[float, float]], filling: Image.Image) -> None:
    mask = Image.new("L", image.size)
    ImageDraw.Draw(mask).polygon(points, fill=255)
    image.paste(filling, (0, 0), mask)


def _texture(size: int, rng: np.random.Generator) -> Image.Image:
    return _textured(size, rng, _colour(rng), _colour(rng))


def _leaves(size: int, rng: np.random.Generator) -> Image.Image:
    """Shapes that hide one another, their sizes by a power law, as in photos (Lee, Mumford and Huang 2001)."""
    image = _filling(size, rng)
    palette = [_colour(rng) for _ in range(int(rng.integers(2, 7)))]
    fillings = [_filling(size, rng, colour) for colour in palette for _ in range(2)]
    for _ in range(int(rng.integers(20, 120))):
        scale = 0.02 / (1 - rng.random() * 0.95) ** 0.9
        _paste(image, _blob(size, rng, min(scale, 0.5)), fillings[int(rng.integers(len(fillings)))])
    return image


def _shapes(size: int, rng: np.random.Generator) -> Image.Image:
    """A few plain shapes on a plain ground: logos, icons, diagrams."""
    image = Image.new("RGB", (size, size), _colour(rng)) if rng.random() < 0.6 else _filling(size, rng)
    draw = ImageDraw.Draw(image)
    for _ in range(int(rng.integers(1, 10))):
        colour, width = _colour(rng), int(rng.integers(1, size // 25))
        left, top = rng.uniform(-0.1, 0.8, 2) * size
        right, bottom = left + rng.uniform(0.05, 0.6) * size, top + rng.uniform(0.05, 0.6) * size
        kind = int(rng.integers(5))
        if kind == 0:
            draw.ellipse((left, top, right, bottom), fill=colour)
        elif kind == 1:
            draw.rectangle((left, top, right, bottom), fill=colour)
        elif kind == 2:
            draw.line((left, top, right, bottom), fill=colour, width=width)
        elif kind == 3:
            start, end = sorted(rng.uniform(0, 360, 2).tolist())
            draw.arc((left, top, right, bottom), start, end, fill=colour, width=width)
        else:
            _paste(image, _blob(size, rng, rng.uniform(0.05, 0.4)), Image.new("RGB", (size, size), colour))
    return image


def _text(size: int, rng: np.random.Generator) -> Image.Image:
    """Lines of writing, dark on light or light on dark, sometimes with a picture or as a form."""
    light, dark = _colour(rng, (200, 200, 190)), _colour(rng, high=(90, 90, 90))
    if rng.random() < 0.3:
        light, dark = dark, light
    image = Image.new("RGB", (size, size), light)
    draw = ImageDraw.Draw(image)
    height = int(size * np.exp(rng.uniform(np.log(0.02), np.log(0.2))))
    left = rng.uniform(0, 0.15) * size
    top = rng.uniform(0, 0.1) * size
    while top < size:
        line = "".join(
            _CHARACTERS[int(rng.integers(len(_CHARACTERS)))] if rng.random() > 0.16 else " "
            for _ in range(int(rng.integers(3, 2 + int(2.2 * size / height))))
        )
        draw.text((left, top), line, fill=dark, font_size=height)
        top += height * rng.uniform(1.1, 1.6)
        if rng.random() < 0.06:
            box = (int(left), int(top), int(size * 0.8), int(top + size * 0.3))
            image.paste(_filling(size, rng).crop((0, 0, box[2] - box[0], box[3] - box[1])), box)
            top += size * 0.32
    return image.rotate(rng.normal() * 6, Image.Resampling.BICUBIC, fillcolor=light)


def _ridge(size: int, rng: np.random.Generator) -> NDArray[np.float64]:
    """The heights of a ridge from left to right, from -1 to 1: noise whose amplitude falls with frequency."""
    waves = np.fft.rfft(rng.normal(size=2 * size))
    waves[1:] /= np.arange(1, len(waves)) ** rng.uniform(0.8, 2.0)
    waves[0] = 0
    heights = np.fft.irfft(waves)[:size]
    return np.asarray(heights / np.abs(heights).max())


def _landscape(size: int, rng: np.random.Generator) -> Image.Image:
    """Sky, and ridges one before another, in the colours of sky, sand, grass, snow or night."""
    horizon = rng.uniform(0.15, 0.85)
    top, low = _colour(rng, (20, 60, 120), (150, 190, 255)), _colour(rng, (160, 130, 110), (255, 240, 240))
    image = _gradient(size, top, low, 0.0)
    if rng.random() < 0.5:
        clouds = Image.fromarray((grey_texture(0, size // 2, rng) * 255).astype(np.uint8)).resize((size, size))
        mask = clouds.point(lambda value: max(0, value - 128) * 1.8)
        image.paste(Image.new("RGB", (size, size), (245, 245, 250)), (0, 0), mask)
    ranges = (((30, 60, 10), (120, 160, 80)), ((120, 90, 50), (220, 190, 140)), ((60, 70, 90), (160, 170, 190)))
    count = int(rng.integers(1, 6))
    low_high = ranges[int(rng.integers(len(ranges)))]
    for index in range(count):
        base = (horizon + (1 - horizon) * index / count) * size
        heights = base + _ridge(size, rng) * rng.uniform(0.01, 0.2) * size
        points = [(float(x), float(y)) for x, y in enumerate(heights)]
        near = _colour(rng, *low_high)
        _paste(image, [*points, (size, size), (0, size)], _textured(size, rng, near, _near(near, rng, 50)))
    return image


def _house(image: Image.Image, box: tuple[int, int, int, int], rng: np.random.Generator) -> None:
    left, top, right, bottom = box
    wall = _colour(rng, (70, 60, 50), (235, 225, 210))
    size = image.width
    image.paste(_textured(size, rng, wall, _near(wall, rng, 25)).crop((0, 0, right - left, bottom - top)), box)
    draw = ImageDraw.Draw(image)
    columns, rows = int(rng.integers(1, 7)), int(rng.integers(1, 9))
    pane, frame = _colour(rng, (10, 15, 25), (150, 180, 210)), _near(wall, rng, 60)
    wide, high = (right - left) / columns, (bottom - top) / rows
    share_x, share_y = rng.uniform(0.3, 0.8), rng.uniform(0.3, 0.8)
    for row in range(rows):
        for column in range(columns):
            x, y = left + wide * (column + (1 - share_x) / 2), top + high * (row + (1 - share_y) / 2)
            draw.rectangle((x, y, x + wide * share_x, y + high * share_y), fill=_near(pane, rng, 20), outline=frame)
            if rng.random() < 0.3:
                draw.line((x + wide * share_x / 2, y, x + wide * share_x / 2, y + high * share_y), fill=frame)


def _street(size: int, rng: np.random.Generator) -> Image.Image:
    """Houses with windows along a road that narrows towards the horizon, with cars, people, trees and lamps."""
    image = _gradient(size, _colour(rng, (90, 120, 160), (190, 215, 255)), _colour(rng, (180, 180, 180)), 0.0)
    horizon = int(size * rng.uniform(0.4, 0.75))
    x = -rng.uniform(0, 0.2) * size
    while x < size:
        width = rng.uniform(0.1, 0.5) * size
        gap = abs(x + width / 2 - size / 2) / size
        top = int(horizon - size * rng.uniform(0.1, 0.35) * (0.5 + 1.6 * gap))
        box = (max(0, int(x)), max(0, top), min(size, int(x + width)), int(horizon + 0.15 * size * gap) + 2)
        if box[2] - box[0] > 4:
            _house(image, box, rng)
        x += width * rng.uniform(0.9, 1.3)
    road = _colour(rng, (60, 60, 60), (150, 150, 150))
    vanishing = size * rng.uniform(0.3, 0.7)
    edges = sorted(rng.uniform(-0.6, 1.6, 2) * size)
    ground = _near(road, rng, 40)
    filling = _textured(size, rng, ground, _near(ground, rng, 20))
    _paste(image, [(0, horizon), (size, horizon), (size, size), (0, size)], filling)
    _paste(
        image,
        [(vanishing, horizon), (edges[1], size), (edges[0], size)],
        _textured(size, rng, road, _near(road, rng, 15)),
    )
    draw = ImageDraw.Draw(image)
    for _ in range(int(rng.integers(0, 7))):
        near = rng.uniform(0.1, 1.0)
        base, middle = horizon + (size - horizon) * near * 0.9, rng.uniform(0, size)
        scale = size * 0.25 * (0.15 + near)
        kind = int(rng.integers(4))
        colour = _colour(rng)
        if kind == 0:  # a car
            long, high = scale * 1.6, scale * 0.5
            draw.rounded_rectangle((middle - long / 2, base - high, middle + long / 2, base), high / 4, fill=colour)
            draw.polygon(
                [
                    (middle - long * 0.3, base - high),
                    (middle - long * 0.2, base - high * 1.7),
                    (middle + long * 0.2, base - high * 1.7),
                    (middle + long * 0.32, base - high),
                ],
                fill=_colour(rng, (20, 30, 40), (140, 160, 180)),
            )
            for wheel in (-0.3, 0.3):
                x, r = middle + wheel * long, high * 0.35
                draw.ellipse((x - r, base - r, x + r, base + r), fill=(20, 20, 20))
        elif kind == 1:  # a person
            r = scale * 0.12
            draw.rectangle((middle - r * 1.2, base - scale, middle + r * 1.2, base - scale * 0.45), fill=colour)
            draw.rectangle((middle - r, base - scale * 0.45, middle + r, base), fill=_colour(rng, high=(90, 90, 120)))
            skin = _colour(rng, *_SKIN[int(rng.integers(2))])
            draw.ellipse((middle - r, base - scale - 2 * r, middle + r, base - scale), fill=skin)
        elif kind == 2:  # a tree
            draw.rectangle(
                (middle - scale * 0.06, base - scale, middle + scale * 0.06, base),
                fill=_colour(rng, (50, 35, 20), (100, 80, 60)),
            )
            for _ in range(12):
                x, y = middle + rng.normal() * scale * 0.25, base - scale * 1.3 + rng.normal() * scale * 0.25
                r = scale * rng.uniform(0.1, 0.3)
                draw.ellipse((x - r, y - r, x + r, y + r), fill=_colour(rng, (20, 60, 10), (110, 150, 60)))
        else:  # a lamp or a sign
            draw.line((middle, base, middle, base - scale * 1.8), fill=(50, 50, 55), width=max(1, int(scale * 0.05)))
            r = scale * 0.2
            draw.ellipse((middle - r, base - scale * 1.8 - r, middle + r, base - scale * 1.8 + r), fill=colour)
    return image


def _face(size: int, rng: np.random.Generator) -> Image.Image:
    """A head with hair, eyes, nose and mouth, and shoulders, before a ground."""
    image = _filling(size, rng)
    if rng.random() < 0.5:
        image = image.filter(ImageFilter.GaussianBlur(size * 0.03))
    draw = ImageDraw.Draw(image)
    unit = size * rng.uniform(0.14, 0.34)
    x, y = size * rng.uniform(0.35, 0.65), size * rng.uniform(0.32, 0.55)
    skin = _colour(rng, *_SKIN[int(rng.integers(2))])
    shade = _near((int(skin[0] * 0.8), int(skin[1] * 0.75), int(skin[2] * 0.7)), rng, 10)
    hair = _colour(rng, (10, 5, 5), (200, 160, 110)) if rng.random() < 0.9 else (220, 220, 220)
    clothes = _colour(rng)
    narrow = rng.uniform(0.68, 0.85)
    long = rng.uniform(0, 1.2)
    draw.ellipse((x - unit * 1.05, y - unit * 1.35, x + unit * 1.05, y + unit * (0.3 + long)), fill=hair)
    cloth = _textured(size, rng, clothes, _near(clothes, rng, 40))
    wide = unit * rng.uniform(1.6, 2.6)
    body = Image.new("L", image.size)
    ImageDraw.Draw(body).ellipse((x - wide, y + unit * 1.25, x + wide, y + unit * 6), fill=255)
    image.paste(cloth, (0, 0), body)
    draw.rectangle((x - unit * 0.35, y + unit * 0.6, x + unit * 0.35, y + unit * 1.5), fill=shade)
    head = Image.new("L", image.size)
    ImageDraw.Draw(head).ellipse((x - unit * narrow, y - unit, x + unit * narrow, y + unit * 1.1), fill=255)
    lit = _gradient(size, skin, shade, rng.uniform(0, 2 * np.pi))
    image.paste(lit, (0, 0), head.filter(ImageFilter.GaussianBlur(unit * 0.02)))
    for side in (-1, 1):
        eye, r = x + side * unit * narrow * 0.42, unit * rng.uniform(0.09, 0.13)
        draw.ellipse((eye - r * 1.6, y - r * 1.8, eye + r * 1.6, y + r * 0.2), fill=(240, 240, 240))
        draw.ellipse((eye - r * 0.7, y - r * 1.6, eye + r * 0.7, y), fill=_colour(rng, (10, 10, 10), (90, 110, 130)))
        draw.line((eye - r * 2, y - r * 3, eye + r * 2, y - r * 3.1), fill=hair, width=max(1, int(r * 0.6)))
    draw.line((x, y, x - unit * 0.08, y + unit * 0.35), fill=shade, width=max(1, int(unit * 0.05)))
    draw.line((x - unit * 0.08, y + unit * 0.35, x + unit * 0.1, y + unit * 0.37), fill=shade, width=2)
    mouth = (x - unit * 0.3, y + unit * 0.4, x + unit * 0.3, y + unit * 0.75)
    draw.chord(mouth, 15, 165, fill=_colour(rng, (120, 40, 40), (200, 100, 100)))
    fringe = rng.uniform(200, 240), rng.uniform(300, 340)
    draw.chord((x - unit * narrow * 1.05, y - unit * 1.1, x + unit * narrow * 1.05, y + unit * 0.6), *fringe, fill=hair)
    return image


def _thing(size: int, rng: np.random.Generator) -> Image.Image:
    """One or a few rounded bodies lit from one side, on a surface: fruit, cups, stones."""
    image = _filling(size, rng)
    edge = int(size * rng.uniform(0.3, 0.8))
    image.paste(_filling(size, rng).crop((0, 0, size, size - edge)), (0, edge))
    down, across = np.mgrid[:size, :size] / size
    values = np.asarray(image, dtype=np.float64).copy()
    for _ in range(int(rng.integers(1, 6))):
        middle, radius = rng.uniform(0.2, 0.8, 2), rng.uniform(0.08, 0.4)
        stretch = np.exp(rng.uniform(-0.4, 0.4))
        x, y = (across - middle[0]) / radius / stretch, (down - middle[1]) / radius * stretch
        inside = x**2 + y**2 < 1
        height = np.sqrt(np.clip(1 - x**2 - y**2, 0, None))
        light = rng.normal(size=3)
        light = light / np.linalg.norm(light) * np.sign(light[2])
        shade = 0.35 + 0.65 * np.clip(x * light[0] + y * light[1] + height * light[2], 0, None)
        surface = np.asarray(_filling(size, rng), dtype=np.float64) * shade[..., None]
        shine = np.clip(x * light[0] + y * light[1] + height * light[2], 0, 1) ** rng.uniform(8, 60)
        surface += 200 * rng.random() * shine[..., None]
        values[inside] = surface[inside]
    return Image.fromarray(values.clip(0, 255).astype(np.uint8))


def _plant(size: int, rng: np.random.Generator) -> Image.Image:
    """Leaves, blades or petals around stems, before a blurred ground."""
    green = _colour(rng, (20, 60, 10), (140, 180, 90))
    ground = _filling(size, rng, _near(green, rng, 60) if rng.random() < 0.7 else None)
    image = ground.filter(ImageFilter.GaussianBlur(size * rng.uniform(0.005, 0.05)))
    draw = ImageDraw.Draw(image)
    for _ in range(int(rng.integers(1, 9))):
        root = rng.uniform(-0.1, 1.1, 2) * size
        petals = int(rng.integers(1, 24))
        colour = _colour(rng) if rng.random() < 0.4 else green
        length, width = size * rng.uniform(0.08, 0.6), rng.uniform(0.05, 0.4)
        spread, start = rng.uniform(0.4, 2 * np.pi), rng.uniform(0, 2 * np.pi)
        for petal in range(petals):
            angle = start + spread * petal / petals + rng.normal() * 0.1
            along = np.array([np.cos(angle), np.sin(angle)]) * length * rng.uniform(0.7, 1.1)
            aside = np.array([-along[1], along[0]]) * width / 2
            points = [root, root + along * 0.35 + aside, root + along, root + along * 0.35 - aside]
            draw.polygon([(float(a), float(b)) for a, b in points], fill=_near(colour, rng, 35))
        if rng.random() < 0.5:
            r = length * rng.uniform(0.05, 0.3)
            draw.ellipse((root[0] - r, root[1] - r, root[0] + r, root[1] + r), fill=_colour(rng))
    return image


def _plain(size: int, rng: np.random.Generator) -> Image.Image:
    return _gradient(size, _colour(rng), _colour(rng), rng.uniform(0, 2 * np.pi))


KINDS: Mapping[str, Callable[[int, np.random.Generator], Image.Image]] = MappingProxyType(
    {
        "textures": _texture,
        "dead leaves": _leaves,
        "shapes": _shapes,
        "text": _text,
        "landscapes": _landscape,
        "streets": _street,
        "faces": _face,
        "rounded things": _thing,
        "plants": _plant,
        "gradients": _plain,
    }
)
"""The kinds of drawings by name; each function takes the size in pixels and a random generator."""
