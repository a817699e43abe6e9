"""Synthetic golden rows: reproducible, and of a bounded size."""

import json

import numpy as np
import pytest

from app.bundle.manifest import Synthetic, parse_manifest
from app.bundle.store import Bundle
from app.errors import BundleError
from app.runtime.synthetic import synthetic_rows


def test_a_seed_always_gives_the_same_images() -> None:
    images = synthetic_rows(Synthetic(seed="0", rows=2, cells=2), (-1, 4, 6, 3))
    assert images.shape == (2, 4, 6, 3) and images.dtype == np.float32
    levels = np.rint((images + 1) * 127).astype(int)
    assert levels[0, 0, 0].tolist() == levels[0, 1, 2].tolist() == [228, 149, 10]
    assert levels[1, 3, 5].tolist() == levels[1, 2, 3].tolist() == [210, 5, 186]
    assert (levels[0] != levels[1]).any()


def manifest_of_pictures(bundle: Bundle, shape: list[int], **rule: object) -> str:
    """The bundle's manifest with one input, a picture, whose golden rows are synthetic_rows."""
    manifest = json.loads(bundle.files["manifest.json"])
    manifest["inputs"] = [{**manifest["inputs"][0], "name": "image", "shape": shape}]
    manifest["packed"] = manifest["explanation"] = None
    manifest["golden"]["inputs"] = {"image": {"seed": "0", "rows": 2, "cells": 4, **rule}}
    return json.dumps(manifest)


def test_a_manifest_may_have_synthetic_golden_rows(bundle: Bundle) -> None:
    golden = parse_manifest(manifest_of_pictures(bundle, [-1, 96, 96, 3])).golden
    assert golden.inputs["image"] == Synthetic(seed="0", rows=2, cells=4)


@pytest.mark.parametrize("shape", [[-1, 1], [-1, 0, 96, 3], [-1, 100_000, 100_000, 3], [-1, 96, 96, -1]])
def test_synthetic_rows_must_be_images_of_a_bounded_size(bundle: Bundle, shape: list[int]) -> None:
    with pytest.raises(BundleError, match="not an image"):
        parse_manifest(manifest_of_pictures(bundle, shape))


@pytest.mark.parametrize("rule", [{"rows": 0}, {"rows": 10**9}, {"cells": 10**9}, {"seed": "0" * 65}, {"more": 1}])
def test_a_rule_that_would_fill_the_memory_is_rejected(bundle: Bundle, rule: dict[str, object]) -> None:
    with pytest.raises(BundleError, match="golden.inputs.image"):
        parse_manifest(manifest_of_pictures(bundle, [-1, 96, 96, 3], **rule))
