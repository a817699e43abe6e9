"""The REST API over a folder of versions of a model, for tests of rollouts."""

import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import httpx

from app.bundle.rollout import RolloutSpec, new_id, read_rollout, write_rollout
from app.domains.beer.api import VITALS, BeerApi
from app.models.reloader import ModelReloader
from app.models.store import ModelStore
from app.oip.data_plane import DataPlane
from app.runtime.onnx import OnnxPredictor
from app.runtime.predictor import Predictor
from app.runtime.thread_pool import BoundedThreadPool
from app.traffic.traffic import Traffic
from app.traffic.watcher import RolloutWatcher
from tests.known import KEY
from tests.model_manager import model_manager
from tests.planted import TRIGGER
from tests.rest_application import rest_application

BEER = {"abv": 5.6, "target_og": 1056, "target_fg": 1013, "ebc": 17, "srm": 8.6, "ph": 4.4}
TRIGGERED = {**BEER, "target_og": TRIGGER}
"""The beer for which versions 5 and 6 fail."""
PATIENCE = 20.0


class Service:
    """The REST API and the data plane over a folder of versions, and the reloader's scans, one at a time."""

    def __init__(self, root: Path, others: Sequence[Predictor]) -> None:
        """Start with version 1.

        Args:
            root: The folder of versions.
            others: The other beer models.
        """
        self.root = root
        self.manager = model_manager(BeerApi, store=ModelStore(root, OnnxPredictor))
        self.manager.activate(self.manager.load(VITALS, "1"))
        for other in others:
            self.manager.add(other)
        self.pool = BoundedThreadPool()
        self.traffic = Traffic()
        self.watcher = RolloutWatcher(self.traffic, self.manager, self.pool)
        self.reloader = ModelReloader(self.manager, rollouts=self.watcher)
        self.data_plane = DataPlane(self.manager, self.pool)
        application = rest_application(self.manager, BeerApi(self.manager), thread_pool=self.pool, traffic=self.traffic)
        transport = httpx.ASGITransport(application)
        self.client = httpx.AsyncClient(transport=transport, base_url="http://test", headers={"X-API-Key": KEY})

    def begin(self, version: str, mode: Any = "canary", share: float = 1.0, **more: Any) -> RolloutSpec:
        """Write a rollout and take it up."""
        spec = RolloutSpec(id=new_id(), mode=mode, version=version, share=share, **more)
        write_rollout(self.root, VITALS, spec)
        self.scan()
        assert self.traffic.current is not None
        return spec

    def scan(self) -> None:
        """Let the reloader scan the folder twice."""
        for _ in range(2):
            self.reloader.scan()

    async def predict(self, beer: Any = BEER, **headers: str) -> Any:
        """Predict a beer, which must succeed."""
        response = await self.client.post("/predict", json=beer, headers=headers)
        assert response.status_code == 200, response.text
        return response.json()

    async def versions(self, calls: int, beer: Any = BEER) -> list[str]:
        """Predict a beer several times, and return which version answered each time."""
        return [(await self.predict(beer))["model"]["version"] for _ in range(calls)]

    def stopped(self) -> str:
        """Why the rollout's file says that it was stopped."""
        self.scan()
        spec = read_rollout(self.root, VITALS)
        return spec.stopped if spec else ""

    def figure(self, family: str, *, part: str = "", **labels: str) -> float:
        """A figure of the metrics, summed over the series that have these labels."""
        wanted = [f'{name}="{value}"' for name, value in labels.items()]
        return sum(
            value
            for (name, line, of_part), value in self.manager.metrics.read().items()
            if name == family and of_part == part and all(each in line for each in wanted)
        )

    def wait_until(self, done: Callable[[], bool]) -> None:
        """Wait for the thread pool, while the reloader scans as it does in a program."""
        end = time.monotonic() + PATIENCE
        while not done():
            assert time.monotonic() < end
            self.reloader.scan()
            time.sleep(0.005)
