"""The way to a service, as `doctor` tells it."""

from __future__ import annotations

import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from tensorone import ConfigurationError
from tensorone._http.route import route


class Answering(BaseHTTPRequestHandler):
    """Says a date, or none, and notes what it was asked."""

    seen: list[str]
    date: str | None

    def do_HEAD(self):
        """As a GraphQL server answers what is no POST."""
        self.seen.append(f"{self.path} {self.headers}")
        self.send_response_only(405)
        if self.date is not None:
            self.send_header("Date", self.date or self.date_time_string())
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_):
        """Nothing."""


@pytest.fixture(params=["httpx", "aiohttp"])
def library(request, monkeypatch):
    """The library in use."""
    monkeypatch.setenv("TENSORONE_HTTP", request.param)
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY", "no_proxy", "NO_PROXY"):
        monkeypatch.delenv(name, raising=False)
    return request.param


async def _found(date):
    handler = type("Handler", (Answering,), {"seen": [], "date": date})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    threading.Thread(target=server.serve_forever, args=(0.01,)).start()
    try:
        place = f"127.0.0.1:{server.server_port}"
        return place, await route(f"http://{place}/graphql?k=secret"), handler.seen
    finally:
        server.shutdown()
        server.server_close()


async def test_what_sends_and_what_the_clock_says(library, monkeypatch):
    """One request without the key or a query; the difference of the clocks is that of its Date."""
    monkeypatch.setenv("TENSORONE_API_KEY", "tpo_not_sent_0123456789")
    place, found, seen = await _found("")
    assert (found.place, found.library, found.proxy) == (place, library, None)
    assert abs(found.clock_ahead) < 30
    (asked,) = seen
    assert "tpo_not_sent" not in asked
    assert "secret" not in asked
    _, early, _ = await _found("Thu, 01 Jan 1970 00:00:00 GMT")
    assert early.clock_ahead < -1e9


@pytest.mark.parametrize("date", [None, "tomorrow"])
async def test_a_server_that_tells_no_time(library, date):
    """Is one whose clock is not known."""
    assert (await _found(date))[1].clock_ahead is None


async def test_nobody_there(library, monkeypatch):
    """No time, and no error: what is wrong is said by what is asked next."""
    assert (await route("http://127.0.0.1:9/graphql")).clock_ahead is None
    monkeypatch.setattr("tensorone._http.route.LIMIT", 0.0)
    assert (await _found(""))[1].clock_ahead is None


async def test_a_proxy_is_named_without_its_password(monkeypatch):
    """By host, port and the variable; one that cannot be used is an error."""
    monkeypatch.setenv("https_proxy", "http://user:hush@127.0.0.1:9")
    found = await route("https://api.example/graphql")
    assert found.proxy == "127.0.0.1:9 (https_proxy)"
    assert "hush" not in repr(found)
    monkeypatch.setenv("https_proxy", "gopher://x")
    with pytest.raises(ConfigurationError, match="https_proxy"):
        await route("https://api.example/graphql")
