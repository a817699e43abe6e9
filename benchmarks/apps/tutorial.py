"""A FastAPI + XGBoost app as most tutorials write it: a DataFrame of one row per request; no key, no logs.

Its booster has the size of ours and is trained at startup on random beers, so its predictions are meaningless.
"""

import numpy as np
import pandas as pd
import xgboost as xgb
from fastapi import FastAPI
from pydantic import BaseModel

TREES = 480
DEPTH = 3


class Beer(BaseModel):
    """A beer in the style of a tutorial."""

    abv: float
    target_og: float
    target_fg: float
    ebc: float | None = None
    srm: float | None = None
    ph: float | None = None


def _train() -> xgb.XGBRegressor:
    values = np.random.default_rng(0).normal(size=(300, 6))
    frame = pd.DataFrame(values, columns=list(Beer.model_fields))
    model = xgb.XGBRegressor(n_estimators=TREES, max_depth=DEPTH, n_jobs=1)
    model.fit(frame, values.sum(axis=1))
    return model


model = _train()
app = FastAPI()


@app.post("/predict")
async def predict(beer: Beer) -> dict[str, float]:
    """Predict one beer."""
    frame = pd.DataFrame([beer.model_dump()]).astype(float)
    return {"ibu": float(model.predict(frame)[0])}
