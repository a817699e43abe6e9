"""The canary: a share of the calls, always the same callers, a bad version is rolled back, and nobody gets an error."""

import logging
from collections import Counter
from math import sqrt

import pytest

from app.bundle.pointer import activate
from app.bundle.rollout import end_rollout
from app.domains.beer.api import VITALS
from app.traffic.calls import Call, bucket
from tests.rollouts import BEER, TRIGGERED, Service

pytestmark = pytest.mark.anyio
N = 20
"""Runs within which a bad version must be stopped."""


async def test_wrong_by_20_ibu_is_rolled_back(service: Service, caplog: pytest.LogCaptureFixture) -> None:
    service.begin("3", max_difference=10.0, window=N)
    versions = await service.versions(2 * N)
    assert versions[:2] == ["3", "3"] and set(versions[N:]) == {"1"}
    assert "differ by 20" in service.stopped()
    assert service.figure("model_rollout_stopped_total", version="3", reason="difference") == 1
    assert [r for r in caplog.records if r.levelno == logging.ERROR and "canary is stopped" in r.getMessage()]
    assert service.traffic.current is None and service.manager.state(VITALS).rollout is None


async def test_slow_is_rolled_back(service: Service) -> None:
    service.begin("4", max_latency=0.02, window=N)
    assert set((await service.versions(2 * N))[N:]) == {"1"}
    assert "at most 0.02 s" in service.stopped()
    assert service.figure("model_rollout_stopped_total", version="4", reason="latency") == 1


@pytest.mark.parametrize("version", ["5", "6"])
async def test_nan_and_a_crash_are_rolled_back_at_the_first_call_and_the_active_version_answers_it(
    service: Service, version: str, caplog: pytest.LogCaptureFixture
) -> None:
    expected = await service.predict(TRIGGERED)
    service.begin(version)
    assert await service.versions(N) == [version] * N
    assert await service.predict(TRIGGERED, **{"X-Request-ID": "the-bad-one"}) == expected
    (message,) = [r.getMessage() for r in caplog.records if "fails as canary" in r.getMessage()]
    assert message.endswith("in request the-bad-one")
    assert await service.versions(2) == ["1", "1"]
    assert "1 of 20 runs failed" in service.stopped() or "1 of 21 runs failed" in service.stopped()
    assert service.figure("model_rollout_runs_total", version=version, result="failed") == 1
    assert service.figure("model_rollout_runs_total", version=version, result="ok") == N


async def test_as_many_errors_as_are_allowed_stop_nothing(service: Service) -> None:
    service.begin("5", max_errors=2, window=5)
    for _ in range(2):
        assert (await service.predict(TRIGGERED))["model"]["version"] == "1"
    assert await service.versions(5) == ["5"] * 5
    for _ in range(2):  # the first two are out of the window by now
        await service.predict(TRIGGERED)
    assert service.stopped() == ""
    await service.predict(TRIGGERED)
    assert "3 of 5 runs failed; at most 2" in service.stopped()


async def test_a_failure_in_one_item_of_a_call_is_answered_by_the_active_version(service: Service) -> None:
    batch = {"beers": [BEER, TRIGGERED]}
    expected = (await service.client.post("/predict/batch", json=batch)).json()
    service.begin("5")
    response = await service.client.post("/predict/batch", json=batch)
    assert response.status_code == 200 and response.json() == expected
    assert "runs failed" in service.stopped()


async def test_a_good_version_answers_until_it_is_promoted(service: Service) -> None:
    service.begin("2", max_difference=0.1, max_latency=0.5, window=N)
    assert set(await service.versions(2 * N)) == {"2"}
    activate(service.root, VITALS, "2")
    end_rollout(service.root, VITALS)
    service.scan()
    assert service.traffic.current is None and not service.manager.get(VITALS).observers
    assert await service.versions(2) == ["2", "2"]


async def test_stopping_by_hand_and_unloading_end_it(service: Service) -> None:
    service.begin("2")
    assert await service.versions(1) == ["2"]
    end_rollout(service.root, VITALS)
    service.scan()
    assert await service.versions(1) == ["1"] and service.figure("model_rollout_share_ratio", version="2") == 0
    service.begin("2")
    service.manager.deactivate(VITALS)
    service.scan()
    assert service.traffic.current is None
    assert (await service.client.post("/predict", json=BEER)).status_code == 503


async def test_callers_stay_on_one_side_by_header(service: Service) -> None:
    service.begin("2", share=0.5, sticky="header:x-user")
    sides = {}
    for user in range(40):
        answers = [(await service.predict(BEER, **{"X-User": f"user-{user}"}))["model"]["version"] for _ in range(3)]
        assert len(set(answers)) == 1
        sides[user] = answers[0]
    assert 8 <= Counter(sides.values())["2"] <= 32
    service.begin("2", share=0.8, sticky="header:x-user")
    for user, side in sides.items():
        if side == "2":  # a larger share takes nobody away
            assert (await service.predict(BEER, **{"X-User": f"user-{user}"}))["model"]["version"] == "2"


async def test_callers_stay_on_one_side_by_key(service: Service) -> None:
    service.begin("2", share=0.5, sticky="key")
    assert len(set(await service.versions(10))) == 1


async def test_an_explicit_version_and_other_models_are_left_alone(service: Service) -> None:
    service.begin("3", max_difference=10.0, window=1)
    for version in "1", "3":
        response = await service.client.post("/predict", json=BEER, headers={"X-Model-Version": version})
        assert response.json()["model"]["version"] == version
    assert service.stopped() == "" and service.figure("model_rollout_run_seconds_total") == 0
    styled = await service.predict({**BEER, "style": "American IPA"})
    assert styled["model"]["name"] != VITALS


async def test_the_open_protocol_says_which_version_answers_and_falls_back(service: Service) -> None:
    def body(gravity: float) -> dict[str, object]:
        values = {**BEER, "target_og": gravity}
        inputs = [{"name": n, "datatype": "FP32", "shape": [1, 1], "data": [v]} for n, v in values.items()]
        return {"inputs": inputs}

    service.begin("5")
    url = f"/v2/models/{VITALS}/infer"
    assert (await service.client.post(url, json=body(1056))).json()["model_version"] == "5"
    index = (await service.client.post("/v2/repository/index", json={})).json()
    states = {(each["name"], each["version"]): each for each in index}
    assert states[VITALS, "5"] == {
        "name": VITALS,
        "version": "5",
        "state": "READY",
        "reason": "canary, share 1",
    }
    failing = await service.client.post(url, json=body(TRIGGERED["target_og"]))
    assert failing.status_code == 200 and failing.json()["model_version"] == "1"
    service.scan()
    index = (await service.client.post("/v2/repository/index", json={})).json()
    (state,) = [each for each in index if (each["name"], each["version"]) == (VITALS, "5")]
    assert state["state"] == "UNAVAILABLE" and "canary, share 1, stopped: 1 of 2 runs failed" in state["reason"]


@pytest.mark.parametrize("share", [0.05, 0.5])
def test_shares_are_within_binomial_bounds(share: float) -> None:
    calls = 100_000
    salt = b"beer-ibu 2"
    by_identity = sum(bucket(salt, f"caller-{number}".encode()) < share for number in range(calls))

    class Drawn:
        sticky = ""
        salt = b"beer-ibu 2"

    canary = Drawn()
    canary.share = share  # type: ignore[attr-defined]
    drawn = sum(Call(b"", "", lambda name: None).is_picked(canary) for _ in range(calls))  # type: ignore[arg-type]
    for picked in by_identity, drawn:
        assert abs(picked - share * calls) < 4.5 * sqrt(calls * share * (1 - share))
