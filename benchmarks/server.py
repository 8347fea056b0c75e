"""A loopback server that costs almost nothing: canned answers over keep-alive, in its own process.

`GET /count` returns how many operations were answered since the last such request.
"""

from __future__ import annotations

import asyncio
import json
import re
import sys

RUNTIME = {
    "uptimeInSeconds": 33,
    "ports": [{"ip": "203.0.113.7", "isIpPublic": True, "privatePort": 22, "publicPort": 30022, "type": "tcp"}],
    "gpus": [{"id": "GPU-1", "gpuUtilPercent": 0, "memoryUtilPercent": 0}],
    "container": {"cpuPercent": 1, "memoryPercent": 2},
}


def cluster(number: int) -> dict[str, object]:
    """One cluster as the API returns it."""
    return {
        "id": f"c{number:013}",
        "desiredStatus": "RUNNING",
        "imageName": "tensorone/pytorch",
        "env": ["JUPYTER_PASSWORD=secret", "A=b"],
        "machineId": "hpvdausak8xb",
        "machine": {"clusterHostId": "hpvdausak8xb-64410065"},
        "name": f"cluster {number}",
        "runtime": RUNTIME,
    }


ALIAS = re.compile(rb"c[0-9]+: ?cluster\\?\(")


class Server(asyncio.Protocol):
    """One connection."""

    delay = 0.0
    listed = b""
    count = 0
    one = json.dumps({"data": {"cluster": cluster(1)}}).encode()
    rented = json.dumps({"data": {"clusterFindAndDeployOnDemand": cluster(1)}}).encode()

    def __init__(self) -> None:
        self.data = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = transport

    def data_received(self, data: bytes) -> None:
        self.data += data
        while (end := self.data.find(b"\r\n\r\n")) >= 0:
            head = self.data[:end].lower()
            at = head.find(b"content-length:")
            length = int(head[at + 15 :].split(b"\r\n", 1)[0]) if at >= 0 else 0
            if len(self.data) < end + 4 + length:
                return
            body, self.data = self.data[end + 4 : end + 4 + length], self.data[end + 4 + length :]
            content = self.answer(head, body)
            message = b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: %d\r\n\r\n" % len(content)
            if self.delay:
                asyncio.get_running_loop().call_later(self.delay, self.transport.write, message + content)
            else:
                self.transport.write(message + content)

    def answer(self, head: bytes, body: bytes) -> bytes:
        """The answer to what the document asks for."""
        if head.startswith(b"get /count"):
            count, Server.count = Server.count, 0
            return str(count).encode()
        Server.count += 1
        if b"ListClusters" in body:
            return self.listed
        if b"GetClusters" in body:
            aliases = len(ALIAS.findall(body))
            return json.dumps({"data": {f"c{number}": cluster(number) for number in range(aliases)}}).encode()
        if b"clusterFindAndDeployOnDemand" in body:
            return self.rented
        return self.one


async def main(listed: int, delay: float) -> None:
    """Serves until it is killed; prints its port."""
    Server.delay = delay
    Server.listed = json.dumps({"data": {"myself": {"clusters": [cluster(n) for n in range(listed)]}}}).encode()
    server = await asyncio.get_running_loop().create_server(Server, "127.0.0.1", 0, backlog=2048)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(main(int(sys.argv[1]), float(sys.argv[2])))
