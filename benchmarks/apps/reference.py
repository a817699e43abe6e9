"""The reference: FastAPI's usual route with our request model, the key as a dependency and a constant response."""

import json
import os
import secrets
from typing import Annotated, Any

from fastapi import Depends, FastAPI, HTTPException
from fastapi.security import APIKeyHeader

from app.domains.beer.schema import Beer

KEY_VARIABLE = "API_KEY"

ANSWER: dict[str, Any] = {
    "ibu": 50.2,
    "interval": {"lower": 25.1, "upper": 88.4, "coverage": 0.9},
    "model": {"name": "beer-ibu", "version": "1"},
    "warnings": [],
}
ANSWER_BYTES = json.dumps(ANSWER, separators=(",", ":")).encode()
_KEY = os.environ.get(KEY_VARIABLE, "")
_api_key = APIKeyHeader(name="X-API-Key")


async def _keyed(key: Annotated[str, Depends(_api_key)]) -> None:
    if not secrets.compare_digest(key.encode(), _KEY.encode()):
        raise HTTPException(401)


app = FastAPI()


@app.post("/predict", dependencies=[Depends(_keyed)])
async def predict(beer: Beer) -> Any:
    """Return a constant response."""
    return ANSWER
