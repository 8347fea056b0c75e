"""Proxies of the environment: which variable counts, who is exempt, which kinds there are, and what errors say."""

import sys

import pytest
from wires import graphql, http, scripted

from tensorone import ConfigurationError, ConnectionFailed, RetryPolicy, TensorOne, UnexpectedResponse
from tensorone._http.proxies import environment_proxy

SERVICE = "https://api.service.example/graphql"
PROXY = "http://proxy.example:3128"
EMPTY = graphql({"gpuTypes": []})


@pytest.fixture(params=["httpx", "aiohttp"], autouse=True)
def over(request, monkeypatch):
    """Over both transports, in an environment that names no proxy."""
    monkeypatch.setenv("TENSORONE_HTTP", request.param)
    for name in ("http_proxy", "https_proxy", "all_proxy", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)


@pytest.mark.parametrize(
    "host",
    ["localhost", "LOCALHOST", "localhost.", "api.localhost", "127.0.0.1", "127.8.9.1", "[::1]", "[::ffff:127.0.0.1]"],
)
@pytest.mark.parametrize("scheme", ["http", "https"])
def test_loopback_goes_through_no_proxy(host, scheme):
    """Whatever the variables say, even if they are wrong: nothing elsewhere could reach this machine's loopback."""
    environ = dict.fromkeys(["http_proxy", "HTTP_PROXY", "https_proxy", "ALL_PROXY"], "socks4://h:port")
    assert environment_proxy(f"{scheme}://{host}:8000/graphql", environ) is None


@pytest.mark.parametrize(
    ("environ", "variable"),
    [
        ({}, None),
        ({"https_proxy": PROXY, "HTTPS_PROXY": "http://other:1"}, "https_proxy"),
        ({"https_proxy": "", "HTTPS_PROXY": PROXY}, "HTTPS_PROXY"),
        ({"https_proxy": " ", "all_proxy": PROXY, "ALL_PROXY": "http://other:1"}, "all_proxy"),
        ({"http_proxy": PROXY}, None),
        ({"ALL_PROXY": PROXY, "REQUEST_METHOD": "GET"}, "ALL_PROXY"),
        ({"ALL_PROXY": "proxy.example:3128"}, "ALL_PROXY"),
    ],
)
def test_the_first_variable_that_is_not_empty_counts(environ, variable):
    """Lower case before upper case, the scheme's own before all_proxy; an address may lack its scheme."""
    proxy = environment_proxy(SERVICE, environ)
    assert (proxy and proxy.shown) == (variable and f"proxy.example:3128 ({variable})")


def test_a_variable_of_blanks_names_no_proxy(monkeypatch):
    """Not as one of the system's settings either, where those are the same variables."""
    monkeypatch.setenv("https_proxy", " ")
    assert environment_proxy(SERVICE) is None


def test_an_address_of_version_6_is_shown_in_brackets():
    """As it is written in a URL, so that its port can be told from it."""
    assert (
        environment_proxy(SERVICE, {"https_proxy": "http://[2001:db8::1]:9"}).shown == "[2001:db8::1]:9 (https_proxy)"
    )


@pytest.mark.parametrize(("environ", "used"), [({}, True), ({"REQUEST_METHOD": "GET"}, False)])
def test_upper_case_http_proxy_is_ignored_in_a_cgi_program(environ, used):
    """There it is a header that anyone may send."""
    proxy = environment_proxy("http://api.service.example/", {"HTTP_PROXY": PROXY} | environ)
    assert (proxy is not None) == used


@pytest.mark.parametrize(
    ("exempt", "url"),
    [
        ("*", SERVICE),
        ("other.example, *", SERVICE),
        ("api.service.example", SERVICE),
        ("API.Service.Example", SERVICE),
        ("service.example", SERVICE),
        (".service.example", SERVICE),
        ("*.service.example", SERVICE),
        ("example", SERVICE),
        ("service.example.", SERVICE),
        ("other.example,service.example", SERVICE),
        ("other.example service.example", SERVICE),
        (" , service.example ,", SERVICE),
        ("service.example:443", SERVICE),
        ("service.example:8443", "https://api.service.example:8443/"),
        (".service.example", "https://service.example/"),
        ("10.1.2.3", "https://10.1.2.3/"),
        ("10.1.2.3:443", "https://10.1.2.3/"),
        ("10.0.0.0/8", "https://10.1.2.3/"),
        ("10.1.2.0/255.255.255.0", "https://10.1.2.3/"),
        ("fd00::/8", "https://[fd12::1]/"),
        ("[fd00::]/8", "https://[fd12::1]/"),
        ("fd12::1", "https://[fd12:0::1]/"),
        ("[fd12::1]", "https://[fd12::1]/"),
        ("[fd12::1]:443", "https://[fd12::1]/"),
    ],
)
@pytest.mark.parametrize("variable", ["no_proxy", "NO_PROXY"])
def test_no_proxy_exempts(exempt, url, variable):
    """Domains with all below them, addresses, networks, ports, and everything; by commas or blanks, in any case."""
    assert environment_proxy(url, {"https_proxy": PROXY, variable: exempt}) is None


@pytest.mark.parametrize(
    ("exempt", "url"),
    [
        ("", SERVICE),
        ("vice.example", SERVICE),
        ("www.api.service.example", SERVICE),
        ("service.example:80", SERVICE),
        (".", SERVICE),
        (":443", SERVICE),
        ("10.0.0.0/8", SERVICE),
        ("10.0.0.0/8", "https://11.1.2.3/"),
        ("10.0.0.0/99", "https://10.1.2.3/"),
        ("2.3", "https://10.1.2.3/"),
        ("::/0", "https://10.1.2.3/"),
        ("fd00::/8:x", "https://[fd12::1]/"),
    ],
)
def test_no_proxy_exempts_nobody_else(exempt, url):
    """A name that only ends alike, another port, another network, and what cannot be read."""
    assert environment_proxy(url, {"https_proxy": PROXY, "no_proxy": exempt}) is not None


def test_lower_case_no_proxy_wins():
    """As for curl."""
    environ = {"https_proxy": PROXY, "no_proxy": "other.example", "NO_PROXY": "*"}
    assert environment_proxy(SERVICE, environ) is not None


@pytest.mark.parametrize("scheme", ["socks", "socks5", "socks5h"])
def test_a_socks_proxy_without_its_package_says_what_to_install(monkeypatch, scheme):
    """When the client is made; the variable and the place are named, the password is not."""
    monkeypatch.setenv("ALL_PROXY", f"{scheme}://user:hunter22@proxy.example:1080/")
    with pytest.raises(ConfigurationError, match=r"ALL_PROXY=socks\w*://proxy.example:1080 .*httpx\[socks\]") as caught:
        TensorOne("key")
    assert "hunter22" not in str(caught.value)


@pytest.mark.parametrize(("scheme", "used"), [("socks", "socks5"), ("socks5", "socks5"), ("socks5h", "socks5h")])
def test_a_socks_proxy_is_used_where_its_package_is_installed(monkeypatch, tmp_path, scheme, used):
    """Desktops write socks:// and mean version 5."""
    (tmp_path / "socksio.py").touch()
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setenv("ALL_PROXY", f"{scheme}://user:hunter22@proxy.example")
    proxy = environment_proxy(SERVICE)
    assert proxy.url == f"{used}://user:hunter22@proxy.example"
    assert proxy.shown == "proxy.example:1080 (ALL_PROXY)"
    assert "hunter22" not in repr(proxy)
    assert TensorOne("key")
    sys.modules.pop("socksio", None)  # the empty one, which httpx would take for the real one in later tests


@pytest.mark.parametrize(
    "value",
    [
        "socks4://h:1",
        "socks4a://h",
        "ftp://h",
        "http://h:port",
        "http://",
        "http://user:hunter22@:80",
        "http://[",
        "http://user:hunter22@a..ü:1",
    ],
)
def test_a_proxy_that_cannot_be_used_is_named(monkeypatch, value):
    """With its variable, when the client is made, and without its password."""
    monkeypatch.setenv("HTTPS_PROXY", value)
    with pytest.raises(ConfigurationError, match="HTTPS_PROXY") as caught:
        TensorOne("key")
    assert "hunter22" not in str(caught.value)


def test_a_transport_that_was_given_has_proxies_of_its_own(monkeypatch):
    """The environment's are not even read."""
    monkeypatch.setenv("HTTPS_PROXY", "ftp://h")
    httpx = pytest.importorskip("httpx")
    assert TensorOne("key", transport=httpx.AsyncHTTPTransport())


def test_the_systems_settings_count_where_no_variable_does(monkeypatch):
    """As the standard library reads them on macOS and Windows; here it reads the variables."""
    monkeypatch.setenv("https_proxy", PROXY)
    assert environment_proxy(SERVICE, {}).shown == "proxy.example:3128 (the system's settings)"
    monkeypatch.setenv("no_proxy", "service.example")
    assert environment_proxy(SERVICE, {}) is None


async def test_a_failed_connection_names_the_way_it_took(monkeypatch):
    """Host and port, the proxy without its password, the cause, attempts and seconds."""
    monkeypatch.setenv("ALL_PROXY", "http://user:hunter22@127.0.0.1:9")
    async with TensorOne("key", url=SERVICE, retry=RetryPolicy(attempts=2, wait_initial=0)) as client:
        with pytest.raises(
            ConnectionFailed,
            match=r"api\.service\.example:443 through proxy 127\.0\.0\.1:9 \(ALL_PROXY\): connection refused;"
            r" 2 attempts in [0-9.e-]+ s",
        ) as caught:
            await client.clusters.list()
    assert "hunter22" not in repr(caught.value) + repr(caught.value.__cause__)


@pytest.mark.parametrize(("url", "place"), [("http://127.0.0.1:9/", "127.0.0.1:9"), ("http://[::1]:9/", "[::1]:9")])
async def test_without_a_proxy_it_names_host_and_port(url, place):
    """One attempt is one attempt."""
    async with TensorOne("key", url=url, retry=RetryPolicy(attempts=1)) as client:
        with pytest.raises(ConnectionFailed, match="1 attempt in ") as caught:
            await client.clusters.list()
    assert f"{place}: " in str(caught.value)
    assert "through" not in str(caught.value)


async def test_a_proxys_password_in_the_words_of_an_error_withholds_them(monkeypatch):
    """Whoever puts the address into an error."""
    monkeypatch.setenv("ALL_PROXY", "http://user:hunter22@127.0.0.1:9")
    client = TensorOne("key", url=SERVICE)
    errors = client._transport._errors
    assert errors.words(OSError("http://user:hunter22@proxy")) == "OSError (its words hold a secret)"
    assert errors.cause(OSError("http://user:hunter22@proxy")) is None
    assert errors.words(OSError("no")) == "OSError: no"


async def test_a_response_that_is_no_graphql_names_the_url_without_its_query():
    """The key stands in the query."""
    async with scripted(http(404, "<html>")) as server, TensorOne("a-long-key", url=f"{server.url}?a=b") as client:
        with pytest.raises(UnexpectedResponse) as caught:
            await client.clusters.list()
    assert f"{server.url}: HTTP 404" in str(caught.value)
    assert "a=b" not in str(caught.value)
    assert "a-long-key" not in str(caught.value)


async def test_aiohttp_leaves_proxies_to_httpx(monkeypatch):
    """Asked for by name or not, the proxy is used."""
    async with scripted(EMPTY) as proxy:
        monkeypatch.setenv("http_proxy", proxy.url.removesuffix("/graphql"))
        async with TensorOne("key", url="http://api.example/graphql", allow_insecure_http=True) as client:
            assert await client.gpu_types.list() == []
        assert proxy.requests[0].line.startswith("POST http://api.example/graphql")
