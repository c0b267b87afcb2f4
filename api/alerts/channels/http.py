"""What every way out over HTTP shares: an open client, one deadline, no redirects, bounded answers."""

import asyncio
import threading
from collections.abc import Callable, Coroutine, Mapping
from concurrent.futures import Future
from types import TracebackType
from typing import Any, Self

import httpx

from api.alerts.service import Outcome

DEADLINE_S = 5.0
"""For a whole delivery, answer included: a receiver that drips its bytes is as dead as a silent one."""
MAX_ANSWER_BYTES = 64 * 1024
MAX_CONNECTIONS = 32
CLOSE_S = 2.0
REFUSALS = frozenset({400, 413, 415, 422})
"""Statuses that speak of this message; every other failure speaks of the channel."""

Judge = Callable[[int, bytes], Outcome]
"""From status and answer of a 2xx to what became of the message."""


class Line:
    """A thread whose event loop carries many deliveries at once; `submit` may be called from any thread."""

    def __init__(self) -> None:
        """Prepare; nothing runs before the context is entered."""
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="http-line", daemon=True)
        # No redirects: what we send goes to the address that was configured and to no other. No proxies or
        # netrc from the environment either.
        self._client = httpx.AsyncClient(
            timeout=DEADLINE_S,
            follow_redirects=False,
            trust_env=False,
            limits=httpx.Limits(max_connections=MAX_CONNECTIONS, max_keepalive_connections=MAX_CONNECTIONS),
        )

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, _kind: type[BaseException] | None, _error: BaseException | None, _trace: TracebackType | None
    ) -> None:
        self.submit(self._close()).result(CLOSE_S)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    def submit(self, delivery: Coroutine[Any, Any, Outcome]) -> Future[Outcome]:
        """Begin a delivery; the future ends by itself, after `DEADLINE_S` at the latest."""
        return asyncio.run_coroutine_threadsafe(delivery, self._loop)

    async def post(self, url: str, body: bytes, headers: Mapping[str, str], judge: Judge) -> Outcome:
        """Post a body and return what became of it; every failure of the other side is an outcome.

        An address that nobody can call is one too: `bad_address`.
        """
        if not is_address(url):
            return Outcome(succeeded=False, code="bad_address")
        try:
            async with asyncio.timeout(DEADLINE_S):
                return await self._post(url, body, headers, judge)
        except (TimeoutError, httpx.TimeoutException):
            return Outcome(succeeded=False, code="timeout")
        except httpx.ConnectError:
            return Outcome(succeeded=False, code="unreachable")
        except httpx.HTTPError:
            return Outcome(succeeded=False, code="broken_answer")

    async def _post(self, url: str, body: bytes, headers: Mapping[str, str], judge: Judge) -> Outcome:
        async with self._client.stream("POST", url, content=body, headers=headers) as response:
            if response.is_success:
                return judge(response.status_code, await _read(response))
            if 300 <= response.status_code < 400:
                return Outcome(succeeded=False, code="redirect_refused")
            is_channel = response.status_code not in REFUSALS
            return Outcome(succeeded=False, code=str(response.status_code), is_channel=is_channel)

    async def _close(self) -> Outcome:
        others = asyncio.all_tasks() - {asyncio.current_task()}
        for task in others:
            task.cancel()
        await asyncio.gather(*others, return_exceptions=True)
        await self._client.aclose()
        return Outcome(succeeded=True, code="closed")


def is_address(url: str) -> bool:
    """Say whether httpx can call this; a name that it cannot decipher (`xn--`) it finds out later."""
    try:
        return bool(httpx.URL(url).host)
    except (httpx.InvalidURL, UnicodeError):
        return False


async def _read(response: httpx.Response) -> bytes:
    """Return the answer as it came over the wire, at most `MAX_ANSWER_BYTES`; a longer one confirms nothing.

    Raw, not unpacked: a few compressed bytes must not become gigabytes here. Leaving before the end closes
    the connection.
    """
    answer = b""
    async for chunk in response.aiter_raw():
        answer += chunk
        if len(answer) > MAX_ANSWER_BYTES:
            return b""
    return answer
