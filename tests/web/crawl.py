"""Every address of a console that a reader can come to."""

import re
from collections.abc import Iterator
from html import unescape

from starlette.testclient import TestClient

_HREF = re.compile(r'(?:href|src)="(/[^"#]*)"')


def crawl(client: TestClient, start: str = "/", most: int = 600) -> Iterator[tuple[str, str]]:
    """Each address reachable by links from a start, with what it answers."""
    seen, pending = {start}, [start]
    while pending and len(seen) < most:
        address = pending.pop(0)
        answered = client.get(address)
        assert answered.status_code in (200, 403), (address, answered.status_code)
        yield address, answered.text
        for link in map(unescape, _HREF.findall(answered.text)):
            if link not in seen and not link.startswith("/static/") and "lang=" not in link:
                seen.add(link)
                pending.append(link)
