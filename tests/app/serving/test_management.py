"""The management port: liveness is that of the event loop that answers predictions."""

import asyncio
import socket
import time

import httpx
import pytest

from app.rest.routes import metrics_app
from app.serving.limits import ConnectionLimits
from app.serving.management import Management, ManagementApp
from app.telemetry import heartbeats
from app.telemetry.heartbeats import EventLoopHeartbeat
from app.telemetry.metrics import Registry
from tests.live.raw import send_and_read, statuses


@pytest.mark.anyio
async def test_the_management_port_is_not_live_while_the_event_loop_is_blocked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(heartbeats, "INTERVAL", 0.01)
    monkeypatch.setattr(heartbeats, "STALL_SECONDS", 0.5)
    event_loop = EventLoopHeartbeat(Registry())
    listening = socket.create_server(("127.0.0.1", 0))
    port = listening.getsockname()[1]
    application = ManagementApp(lambda: True, is_live=lambda: event_loop.is_live)
    management = Management(application, listening, ConnectionLimits())
    event_loop.start()
    management.start()

    def ask(path: bytes) -> list[int]:
        answer = send_and_read(port, b"GET " + path + b" HTTP/1.1\r\nHost: beer\r\nConnection: close\r\n\r\n")
        return statuses(answer)

    def ask_later() -> list[int]:
        time.sleep(1)
        return ask(b"/health/live") + ask(b"/health/ready")

    try:
        assert await asyncio.to_thread(ask, b"/health/live") == [200]
        asked = asyncio.create_task(asyncio.to_thread(ask_later))
        await asyncio.sleep(0.1)
        time.sleep(2)  # blocks the event loop
        assert await asked == [503, 503]
        await asyncio.sleep(0.1)
        assert await asyncio.to_thread(ask, b"/health/live") == [200]
    finally:
        event_loop.stop()
        await asyncio.to_thread(management.stop)


@pytest.mark.anyio
async def test_a_slash_at_the_end_leads_to_the_path_without() -> None:
    transport = httpx.ASGITransport(app=ManagementApp(lambda: True, metrics_app(Registry())))  # type: ignore[arg-type]
    async with httpx.AsyncClient(transport=transport, base_url="http://test") as client:
        for path in ("/health/live", "/health/ready", "/metrics"):
            answer = await client.get(f"{path}/", follow_redirects=True)
            assert (answer.status_code, str(answer.url)) == (200, f"http://test{path}")
        assert [(await client.get(path)).status_code for path in ("/", "/predict/", "/health/")] == [404, 404, 404]
