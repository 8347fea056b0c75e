"""Where the service is, and how the key gets there without being seen."""

import pickle

import pytest
from wires import graphql, scripted

from tensorone import ConfigurationError, ConnectionFailed, InvalidArgument, RetryPolicy, TensorOne
from tensorone._http.config import DEFAULT_URL, Secret, service_address

EMPTY = graphql({"gpuTypes": []})
KEY = "k&e=y?#/+ %ü"


def test_a_missing_key_names_both_ways_to_give_it(monkeypatch):
    """The argument and the variable are both named."""
    monkeypatch.delenv("TENSORONE_API_KEY", raising=False)
    with pytest.raises(ConfigurationError, match=r"api_key=.*TENSORONE_API_KEY"):
        TensorOne()


def test_arguments_win_over_variables_and_variables_over_defaults(monkeypatch):
    """Key and address come from the environment unless they are given."""
    monkeypatch.setenv("TENSORONE_API_KEY", "from-env")
    monkeypatch.delenv("TENSORONE_API_URL", raising=False)
    assert service_address(None, None, auth="query", allow_insecure_http=False).key.reveal() == "from-env"
    assert service_address(None, None, auth="query", allow_insecure_http=False).url == DEFAULT_URL
    monkeypatch.setenv("TENSORONE_API_URL", "https://other.example/graphql")
    assert service_address("given", None, auth="query", allow_insecure_http=False).key.reveal() == "given"
    assert service_address("given", None, auth="query", allow_insecure_http=False).host == "other.example"


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"url": "api.tpu.one/graphql"}, "https://"),
        ({"url": "ftp://api.tpu.one/"}, "https://"),
        ({"url": "https://"}, "host"),
        ({"url": "https://h:notaport/"}, "cannot be read"),
        ({"url": 7}, "string"),
        ({"url": "https://user:pass@h/"}, "user"),
        ({"url": "https://h/?api_key=tpo_secret"}, "api_key"),
        ({"url": "http://api.tpu.one/graphql"}, "allow_insecure_http"),
        ({"url": "http://10.0.0.1/graphql"}, "clear text"),
        ({"auth": "cookie"}, "'query'"),
        ({"auth": "header", "api_key": "kéy"}, "header"),
        ({"api_key": " key "}, "blanks"),
        ({"api_key": "k\ney"}, "unprintable"),
        ({"api_key": 7}, "string"),
        ({"arguments": "strings"}, "'literals'"),
    ],
)
def test_a_setting_that_cannot_work_is_refused(settings, words):
    """The message says what to write instead, and repeats no secret."""
    with pytest.raises(ConfigurationError, match=words) as caught:
        TensorOne(**({"api_key": "key"} | settings))
    assert "tpo_secret" not in str(caught.value)


@pytest.mark.parametrize("name", ["timeout", "settle_time", "max_connections", "max_response_bytes"])
def test_a_number_out_of_range_is_named(name):
    """Each number is checked when the client is made."""
    with pytest.raises(InvalidArgument) as caught:
        TensorOne("key", **{name: -1})
    assert caught.value.field == name


@pytest.mark.parametrize(
    "url", ["http://localhost:1/", "http://127.0.0.9/", "http://[::1]/graphql", "http://a.localhost/"]
)
def test_plain_http_to_this_machine_is_fine(url):
    """Loopback needs no encryption."""
    assert repr(TensorOne("key", url=url)).startswith("<TensorOne ")


def test_plain_http_elsewhere_must_be_asked_for_by_name():
    """The key would cross the network in clear text."""
    assert TensorOne("key", url="http://10.0.0.1/graphql", allow_insecure_http=True)


async def test_the_key_goes_into_the_query_whatever_its_characters():
    """A key with characters that mean something in a URL arrives as it is."""
    async with scripted(EMPTY) as server, TensorOne(KEY, url=server.url + "?region=eu%20w") as client:
        await client.gpu_types.list()
    assert server.requests[0].line == ("POST /graphql?region=eu%20w&api_key=k%26e%3Dy%3F%23%2F%2B%20%25%C3%BC HTTP/1.1")
    assert "authorization" not in server.requests[0].headers


async def test_the_key_goes_into_a_header_if_asked():
    """The query then does not hold it."""
    async with scripted(EMPTY) as server, TensorOne("key", url=server.url, auth="header") as client:
        await client.gpu_types.list()
    assert server.requests[0].line == "POST /graphql HTTP/1.1"
    assert server.requests[0].headers["authorization"] == "Bearer key"


async def test_a_proxy_of_the_environment_is_used(monkeypatch):
    """The request for another host goes to the proxy, key and all; NO_PROXY exempts."""
    async with scripted(EMPTY) as proxy:
        monkeypatch.setenv("http_proxy", proxy.url.removesuffix("/graphql"))
        monkeypatch.setenv("no_proxy", "exempt.example")
        async with TensorOne("key", url="http://api.example/graphql", allow_insecure_http=True) as client:
            await client.gpu_types.list()
        assert proxy.requests[0].line == "POST http://api.example/graphql?api_key=key HTTP/1.1"
        async with scripted(EMPTY) as server:
            monkeypatch.setenv("no_proxy", "127.0.0.1")
            async with TensorOne("key", url=server.url) as client:
                await client.gpu_types.list()
            assert len(server.requests) == 1


async def test_a_tunnel_for_https_does_not_show_the_key(monkeypatch):
    """CONNECT names the host and nothing else."""
    async with scripted(b"HTTP/1.1 403 Forbidden\r\ncontent-length: 0\r\n\r\n") as proxy:
        monkeypatch.setenv("https_proxy", proxy.url.removesuffix("/graphql"))
        async with TensorOne("a-long-key", url="https://api.example/graphql", retry=RetryPolicy(attempts=1)) as client:
            with pytest.raises(ConnectionFailed, match="403"):
                await client.graphql.stop_cluster("abc")
    assert proxy.requests[0].line == "CONNECT api.example:443 HTTP/1.1"


@pytest.mark.parametrize("address", ["ftp://proxy", "http://h:port"])
def test_a_proxy_without_usable_address_is_a_configuration_error(monkeypatch, address):
    """The variable is at fault, and the message says so."""
    monkeypatch.setenv("https_proxy", address)
    with pytest.raises(ConfigurationError, match="proxy"):
        TensorOne("key")


def test_a_secret_shows_nowhere():
    """Neither repr nor pickle gives the key away."""
    target = service_address("tpo_secret", None, auth="query", allow_insecure_http=False)
    assert "tpo_secret" not in repr(target) + repr(target.key) + str(Secret("tpo_secret"))
    with pytest.raises(TypeError, match="TENSORONE_API_KEY"):
        pickle.dumps(target.key)
