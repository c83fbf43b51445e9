"""HTTP to a provider of OpenID Connect: to listed hosts alone, verified, at addresses looked at."""

import ssl
from pathlib import Path

import httpx2
from anyio import to_thread

from cityloom.errors import PullError
from cityloom.sources.network import Network, shown
from cityloom.sources.urls import port_of


class CheckedTransport(httpx2.AsyncBaseTransport):
    """Connects to the addresses of hosts that ``[network]`` lists, as pulls do."""

    def __init__(self, network: Network, city: Path) -> None:
        """``city`` is the folder that the file of certificate authorities lies in."""
        self._network = network
        self._inner = httpx2.AsyncHTTPTransport(verify=_trusted(network, city), trust_env=False)

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        """Send a request to the first address of its host that may be connected to."""
        url, port = request.url, port_of(str(request.url))
        host = url.raw_host.decode("ascii")
        if url.scheme != "https" and not self._network.is_internal(host, port):
            raise PullError(f"{shown(str(url))} is not encrypted; nothing is sent there")
        address = (await to_thread.run_sync(self._network.addresses, host, port))[0]
        return await self._inner.handle_async_request(
            httpx2.Request(
                request.method,
                url.copy_with(host=address),
                headers=request.headers,
                stream=request.stream,
                extensions={**request.extensions, "sni_hostname": host},
            )
        )

    async def aclose(self) -> None:
        """Close all connections."""
        await self._inner.aclose()


def _trusted(network: Network, city: Path) -> ssl.SSLContext:
    context = ssl.create_default_context()
    if network.ca:
        try:
            context.load_verify_locations(city / network.ca)
        except (OSError, ssl.SSLError):
            raise PullError(f"ca of [network]: {network.ca} holds no certificate") from None
    return context
