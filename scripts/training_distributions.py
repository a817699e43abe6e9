"""Write `app/bundle/committed_distributions.json`: how the training data of the committed bundles are distributed.

Usage: ``python scripts/training_distributions.py RECIPES STYLES``, for example ``../shared/data/punk_beers.json
../shared/data/punk_styles.csv``. The manifests of later bundles have their distributions themselves. A bundle whose
deciles are not those of the recipes is left out.
"""

import json
import sys
from pathlib import Path

import numpy as np
import onnxruntime as ort

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from app.bundle.distribution import COMMITTED, KEY  # noqa: E402
from app.bundle.manifest import MODEL  # noqa: E402
from app.bundle.store import models, read_bundle, versions  # noqa: E402
from training.beer.catalogue import SPECS  # noqa: E402
from training.beer.style import STYLE  # noqa: E402
from training.distribution import answers_of, distribution  # noqa: E402
from training.sources import add_styles, read_recipes  # noqa: E402
from training.spec_trainer import declared_inputs, prepare  # noqa: E402


def main(recipes: str, styles: str) -> None:
    """Write the file, and print what is in it."""
    dataset = read_recipes(recipes)
    entries = {}
    for name in sorted(SPECS.keys() & set(models(ROOT / "models"))):
        spec = SPECS[name]
        rows = prepare(spec, (add_styles(dataset, Path(styles)) if spec is STYLE else dataset).recipes).inputs
        for version in versions(ROOT / "models", name):
            bundle = read_bundle(ROOT / "models" / name / version)
            about = bundle.manifest
            same = [(one.name, one.deciles) for one in about.inputs] == [
                (one.name, one.deciles) for one in declared_inputs(spec, rows)
            ]
            print(name, version, f"{len(rows)} rows" if same else "left out: other deciles")
            if not same or KEY in about.metrics.values:
                continue
            session = ort.InferenceSession(bundle.files[MODEL])
            names = [output.name for output in about.outputs]
            values = session.run(names, {about.packed: np.ascontiguousarray(rows, np.float32)})
            entries[f"{name}/{version}"] = {
                "training_data_sha256": about.training_data.sha256,
                KEY: distribution(about.inputs, rows, answers_of(dict(zip(names, values, strict=True)))),
            }
    lines = (f"{json.dumps(name)}: {json.dumps(entry)}" for name, entry in entries.items())
    COMMITTED.write_text("{\n" + ",\n".join(lines) + "\n}\n", "utf-8")


if __name__ == "__main__":
    main(*sys.argv[1:])
