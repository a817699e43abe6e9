"""The remote predictor against a server in another process: equal answers, rejected models and calls, outages."""

import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest

from app.bundle.store import Bundle, highest, read_bundle
from app.errors import BundleError, ModelNotReady, Overloaded, TooLate
from app.remote import messages as module
from app.remote.connection import Connection
from app.remote.server import ModelServer
from app.runtime.onnx import OnnxPredictor
from app.telemetry.trace import Trace, enter
from tests.name_server import NameServer
from tests.server_process import ServerProcess

PATIENCE = 30.0
Launch = Callable[..., ServerProcess]
Connect = Callable[..., ModelServer]


@pytest.fixture
def launch() -> Iterator[Launch]:
    """Start servers; those still running at the end are killed."""
    started: list[ServerProcess] = []

    def launch(**options: object) -> ServerProcess:
        started.append(ServerProcess(**options))  # type: ignore[arg-type]
        return started[-1]

    yield launch
    for server in started:
        server.kill()


@pytest.fixture
def connect() -> Iterator[Connect]:
    """Connect to servers; the connections are closed at the end."""
    connected: list[ModelServer] = []

    def connect(server: ServerProcess, **more: object) -> ModelServer:
        connected.append(ModelServer(Connection(server.target, **more)))  # type: ignore[arg-type]
        return connected[-1]

    yield connect
    for server in connected:
        server.stop()


def rows(bundle: Bundle, count: int) -> dict[str, np.ndarray]:
    low, high = np.array([declared.trained_range for declared in bundle.manifest.inputs]).T
    values = np.random.default_rng(3).uniform(low, high, (count, len(low))).astype(np.float32)
    for column, declared in enumerate(bundle.manifest.inputs):
        if declared.optional:
            values[::3, column] = np.nan
    return {"features": values}


def first(bundle: Bundle, value: float) -> dict[str, np.ndarray]:
    inputs = rows(bundle, 1)
    inputs["features"][0, 0] = value
    return inputs


def until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.02)


@pytest.mark.parametrize("options", [{}, {"packed": False}, {"typed": True}, {"versions": False}])
@pytest.mark.parametrize("name", ["beer-ibu", "iris"])
def test_the_answers_equal_those_of_this_process_bit_for_bit(
    launch: Launch, connect: Connect, models: Path, options: dict[str, object], name: str
) -> None:
    bundle = read_bundle(highest(models, name))
    remote, local = connect(launch(**options)).open(bundle), OnnxPredictor(bundle)
    for count in 1, 200:
        received, expected = remote.predict(rows(bundle, count)), local.predict(rows(bundle, count))
        assert received.keys() == expected.keys()
        for output, array in expected.items():
            assert received[output].dtype == array.dtype and received[output].shape == array.shape
            assert received[output].tobytes() == array.tobytes()


def test_many_rows_are_split_into_calls_and_answered_in_order(
    launch: Launch, connect: Connect, bundle: Bundle, monkeypatch: pytest.MonkeyPatch
) -> None:
    server = launch()
    remote = connect(server).open(bundle)
    server.next_call()  # the golden rows
    monkeypatch.setattr(module, "MAX_CALL_BYTES", 100 * 6 * 4)
    inputs = rows(bundle, 250)
    answers = remote.predict(inputs)
    assert [server.next_call()["rows"] for _ in range(3)] == [100, 100, 50]
    assert (answers["ibu"] == OnnxPredictor(bundle).predict(inputs)["ibu"]).all()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"off": 0.5}, "golden rows: output ibu differs from what it was"),
        ({"datatype": "FP64"}, "the model server's output ibu is FP64"),
    ],
)
def test_a_server_with_another_model_is_rejected(
    launch: Launch, connect: Connect, bundle: Bundle, options: dict[str, object], message: str
) -> None:
    with pytest.raises(BundleError, match=message):
        connect(launch(**options)).open(bundle)


@pytest.mark.parametrize("count", [60_000, 300_000])
def test_a_list_of_models_that_is_too_long_is_an_error_and_a_long_one_is_not(
    launch: Launch, connect: Connect, count: int
) -> None:
    assert len(connect(launch(more_models=4000)).names) > 4000
    with pytest.raises(BundleError, match="model server .*: the response is too large"):
        connect(launch(more_models=count))


def test_a_wide_output_is_asked_for_in_parts_and_one_of_unknown_width_is_not(bundle: Bundle) -> None:
    inputs = rows(bundle, 1000)
    for width, parts in (1, 1), (1000, 5), (1_000_000, 1000), (-1, 1):
        outputs = tuple(each.model_copy(update={"shape": (-1, width)}) for each in bundle.manifest.outputs[:1])
        manifest = bundle.manifest.model_copy(update={"outputs": outputs})
        split = module.split(manifest, inputs)
        assert len(split) == parts
        assert module.joined(split)["features"].tobytes() == inputs["features"].tobytes()


def test_a_version_that_the_server_lacks_is_not_ready(launch: Launch, connect: Connect, bundle: Bundle) -> None:
    later = Bundle(bundle.folder, bundle.manifest.model_copy(update={"version": "77"}), bundle.files)
    with pytest.raises(ModelNotReady):
        connect(launch()).open(later)


def test_an_unreachable_server_is_named_in_time() -> None:
    began = time.monotonic()
    with pytest.raises(BundleError, match="model server 127.0.0.1:9: "):
        ModelServer(Connection("127.0.0.1:9", timeout=0.3))
    assert time.monotonic() - began < PATIENCE


def test_key_and_trace_are_sent(launch: Launch, connect: Connect, bundle: Bundle) -> None:
    server = launch(key="a-key-of-the-server")
    with pytest.raises(ModelNotReady):
        connect(server).open(bundle)
    remote = connect(server, key="a-key-of-the-server").open(bundle)
    server.next_call()
    parent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
    enter(Trace(parent))
    try:
        remote.predict(rows(bundle, 1))
    finally:
        enter(None)
    assert server.next_call()["trace"] == parent


def test_a_late_answer_is_too_late_by_the_callers_deadline_or_the_setting(
    launch: Launch, bundle: Bundle, monkeypatch: pytest.MonkeyPatch
) -> None:
    connection = Connection(launch(delay=1.0).target, timeout=10.0)
    remote = ModelServer(connection).open(bundle)
    with pytest.raises(TooLate):
        remote.predict(rows(bundle, 1), timeout=0.2)
    assert remote.ready and remote.predict(rows(bundle, 1))
    monkeypatch.setattr(connection, "timeout", 0.2)
    with pytest.raises(TooLate):
        remote.predict(rows(bundle, 1))


@pytest.mark.parametrize(("value", "error"), [(66, ModelNotReady), (67, Overloaded)])
def test_a_rejected_call_affects_no_other(
    launch: Launch, connect: Connect, bundle: Bundle, value: float, error: type[Exception]
) -> None:
    remote = connect(launch()).open(bundle)
    with pytest.raises(error):
        remote.predict(first(bundle, value))
    assert remote.ready and remote.predict(rows(bundle, 1))


def test_the_predictor_is_not_ready_while_its_server_is_down(launch: Launch, connect: Connect, bundle: Bundle) -> None:
    first_server = launch()
    server = connect(first_server, timeout=2.0)
    remote = server.open(bundle)
    server.start()
    before = remote.predict(rows(bundle, 20))
    first_server.kill()
    until(lambda: not remote.ready)
    with pytest.raises(ModelNotReady):
        remote.predict(rows(bundle, 20))
    launch(port=first_server.port)
    until(lambda: remote.ready)
    assert (remote.predict(rows(bundle, 20))["ibu"] == before["ibu"]).all()


def test_a_server_that_returns_with_another_model_stays_rejected(
    launch: Launch, connect: Connect, bundle: Bundle, caplog: pytest.LogCaptureFixture
) -> None:
    first_server = launch()
    server = connect(first_server, timeout=2.0)
    remote = server.open(bundle)
    first_server.kill()
    remote.check()
    assert not remote.ready
    other = launch(port=first_server.port, off=0.5)

    def rejected() -> bool:
        remote.check()
        return "golden rows: output ibu differs from what it was" in caplog.text

    until(rejected)
    assert not remote.ready
    other.kill()
    launch(port=other.port)

    def back() -> bool:
        remote.check()
        return remote.ready

    until(back)


def test_a_model_that_the_server_unloads_is_not_ready(launch: Launch, connect: Connect, bundle: Bundle) -> None:
    first_server = launch()
    remote = connect(first_server).open(bundle)
    first_server.kill()
    launch(port=first_server.port, not_ready=["beer-ibu"])
    remote.check()
    assert not remote.ready


def test_a_call_that_kills_the_server_fails_alone_and_in_time(launch: Launch, connect: Connect, bundle: Bundle) -> None:
    remote = connect(launch(), timeout=3.0).open(bundle)
    with pytest.raises((ModelNotReady, TooLate)):
        remote.predict(first(bundle, 68))


def test_a_server_that_returns_at_another_address_is_found_within_seconds(launch: Launch, bundle: Bundle) -> None:
    names = NameServer("127.0.0.2")
    before = launch(host=names.address)
    server = ModelServer(Connection(names.target(before.port)))
    try:
        remote = server.open(bundle)
        server.start()
        before.kill()
        until(lambda: not remote.ready)
        names.address = "127.0.0.3"
        launch(host=names.address, port=before.port)
        listening = time.monotonic()
        until(lambda: remote.ready)
        assert time.monotonic() - listening < 5  # gRPC alone looks a name up every 30 s
        remote.predict(rows(bundle, 1))
    finally:
        server.stop()
        names.close()
