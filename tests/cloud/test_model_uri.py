"""MODEL_URI: the program starts on bundles from a real object store, or reports the error and exits with code 3."""

import hashlib
import json
import threading
import urllib.error
import urllib.request
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from tests.cloud.store import Store
from tests.committed import VERSIONS, committed_models
from tests.known import BEER, KEY, REPOSITORY
from tests.live.program import Start
from tests.live.wire import request

pytest.importorskip("moto", reason="moto is not installed (requirements/cloud.txt); `tox -e function` installs it")

VERSION = VERSIONS["beer-ibu"]
MODEL = f"beer-ibu/{VERSION}/model.onnx"
DIGESTS = [hashlib.sha256(path.read_bytes()).hexdigest() for path in REPOSITORY.glob("models/*/*/SHA256SUMS")]


def settings(store: Store, bucket: str, **more: str) -> dict[str, str]:
    uri = {"MODEL_URI": f"s3://{bucket}/released/models/", "S3_ENDPOINT": store.endpoint}
    return {**store.environment, "API_KEY": KEY, "PORT": "0", **uri, **more}


@pytest.fixture
def bucket(store: Store, request: pytest.FixtureRequest) -> str:
    """A bucket with the released bundles."""
    name = "b" + hashlib.sha256(request.node.name.encode()).hexdigest()[:16]
    store.make_bucket(name)
    store.upload(committed_models(), name, "released/models")
    return name


both = pytest.mark.parametrize("store", ["moto", "s3rver"], indirect=True)
one = pytest.mark.parametrize("store", ["moto"], indirect=True)


@both
def test_the_program_serves_the_bundles_of_the_store_and_caches_them(
    start: Start, store: Store, bucket: str, tmp_path: Path
) -> None:
    program = start(**settings(store, bucket, MODEL_SHA256=",".join(DIGESTS), WORKERS="2"))
    headers = [("X-API-Key", KEY), ("Content-Type", "application/json")]
    answer = program.send(request("POST", "/predict", headers, json.dumps(BEER).encode())).json
    assert answer["model"] == {"name": "beer-ibu", "version": VERSION}
    files = {path: path.stat().st_ino for path in tmp_path.glob("model-cache/sha256/*/*")}
    assert len(files) >= 10
    assert program.stop() == 0
    again = start(**settings(store, bucket))
    assert again.send(request("POST", "/predict", headers, json.dumps(BEER).encode())).json == answer
    assert {path: path.stat().st_ino for path in tmp_path.glob("model-cache/sha256/*/*")} == files


@both
def test_a_file_altered_in_the_store_stops_the_start(start: Start, store: Store, bucket: str) -> None:
    store.client().put_object(Bucket=bucket, Key=f"released/models/{MODEL}", Body=b"another model")
    program = start(**settings(store, bucket))
    assert program.exit_code() == 3
    assert (
        f"Bundle: s3://{bucket}/released/models/beer-ibu/{VERSION}: model.onnx is not the file that was"
        in program.errors
    )


@one
def test_an_unapproved_release_stops_the_start(start: Start, store: Store, bucket: str) -> None:
    program = start(**settings(store, bucket, MODEL_SHA256="0" * 64))
    assert program.exit_code() == 3
    assert f"beer-ibu/{VERSION}: not an approved bundle: SHA256SUMS has the digest" in program.errors


def test_approved_digests_are_checked_for_a_local_path_as_well(start: Start) -> None:
    local = {"API_KEY": KEY, "PORT": "0", "MODEL_URI": str(committed_models())}
    assert start(**local, MODEL_SHA256=",".join(DIGESTS)).send(request("GET", "/health/ready")).status == 200
    program = start(**local, MODEL_SHA256="0" * 64)
    assert program.exit_code() == 3 and "not an approved bundle" in program.errors


@pytest.fixture
def cutting_proxy(moto: Store) -> Iterator[Store]:
    """A proxy to moto that closes the connection in the middle of every model."""

    class CuttingProxy(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            try:
                upstream = urllib.request.Request(f"{moto.endpoint}{self.path}", headers=dict(self.headers))
                with urllib.request.urlopen(upstream) as response:
                    status, headers, body = response.status, response.headers, response.read()
            except urllib.error.HTTPError as error:
                status, headers, body = error.code, error.headers, error.read()
            self.send_response(status)
            for name in ("ETag", "Last-Modified", "Content-Type"):
                if name in headers:
                    self.send_header(name, headers[name])
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body[: len(body) // 2] if "model.onnx" in self.path else body)
            self.close_connection = True

        def log_message(self, *_: object) -> None:
            """Log nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), CuttingProxy) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield Store(f"http://127.0.0.1:{server.server_port}", moto.key, moto.secret)
        server.shutdown()
        thread.join()


@one
def test_an_interrupted_download_stops_the_start_and_leaves_nothing(
    start: Start, store: Store, bucket: str, cutting_proxy: Store, tmp_path: Path
) -> None:
    program = start(**settings(cutting_proxy, bucket))
    assert program.exit_code() == 3
    assert f"Bundle: s3://{bucket}/released/models/{MODEL}: cannot be read: " in program.errors
    assert not [path for path in tmp_path.glob("model-cache/**/*") if path.is_file()]


@one
def test_an_unreachable_source_is_named_and_no_secret_is_shown(start: Start, store: Store, bucket: str) -> None:
    missing = start(**settings(store, "no-such-bucket"))
    assert missing.exit_code() == 3 and "s3://no-such-bucket/released/models/beer-ibu" in missing.errors
    unreachable = start(**settings(Store("http://127.0.0.1:1", "anybody", "the-secret-of-the-store"), bucket))
    assert unreachable.exit_code() == 3 and "cannot be read: Generic S3 error" in unreachable.errors
    assert (
        "the-secret-of-the-store" not in unreachable.errors and "Traceback" not in unreachable.errors + missing.errors
    )
    rejected = start(**settings(store, bucket, MODEL_URI="ftp://somewhere"))
    assert (
        rejected.exit_code() == 2
        and "must be a local path or s3://bucket/prefix" in rejected.errors
        and "MODEL_URI" in rejected.errors
    )
