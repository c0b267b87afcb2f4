"""The service's REST interface as used here: staff on the control host, a person on the app host."""

from collections.abc import Mapping
from types import TracebackType
from typing import Any, Self, cast

import httpx

TIMEOUT_S = 20.0


class ServiceError(Exception):
    """The service cannot be reached or refuses; the message says which call and why."""


class _Host:
    """One host with its session cookie."""

    def __init__(self, url: str) -> None:
        """Prepare a connection to `http://host:port`."""
        self.url = url.rstrip("/")
        self._http = httpx.Client(base_url=self.url, timeout=TIMEOUT_S)

    def __enter__(self) -> Self:
        """Use as a context: the connection is closed at its end."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close the connection."""
        self.close()

    def close(self) -> None:
        """Let go of the connection."""
        self._http.close()

    @property
    def cookies(self) -> dict[str, str]:
        """The session, for a stream's own connection."""
        return dict(self._http.cookies)

    def call(self, method: str, path: str, body: Mapping[str, Any] | None = None) -> Any:  # noqa: ANN401 - JSON
        """Return the JSON of an answer, None for an empty one; raises ServiceError."""
        try:
            answer = self._http.request(method, path, json=body)
        except httpx.HTTPError as error:
            raise ServiceError(f"{method} {self.url}{path}: {error}") from error
        if answer.is_error:
            raise ServiceError(f"{method} {self.url}{path}: {answer.status_code} {_reason(answer)}")
        return answer.json() if answer.content else None


def _reason(answer: httpx.Response) -> str:
    try:
        problem = answer.json()
    except ValueError:
        return answer.text[:200]
    if not isinstance(problem, dict):
        return str(problem)[:200]
    return f"{problem.get('message', '')} {problem.get('errors', '')}".strip()


class ControlClient(_Host):
    """A supervisor at the control host."""

    def sign_in(self, login: str, secret: str) -> None:
        """Begin a session."""
        self.call("POST", "/api/session", {"login": login, "secret": secret})

    def add(self, collection: str, body: Mapping[str, Any]) -> dict[str, Any]:
        """Create something under `/api/` and return it."""
        return cast("dict[str, Any]", self.call("POST", f"/api/{collection}", body))

    def unresolved(self) -> list[dict[str, Any]]:
        """Return the alerts that nobody has closed."""
        return cast("list[dict[str, Any]]", self.call("GET", "/api/alerts?state=unresolved"))

    def resolve(self, alert_id: str) -> None:
        """Close an exercise's alert."""
        body = {"reason": "exercise_ended", "note": "simulator"}
        self.call("POST", f"/api/alerts/{alert_id}/resolution", body)

    def health(self) -> dict[str, Any]:
        """Return the service's account of itself."""
        return cast("dict[str, Any]", self.call("GET", "/api/health"))


class PersonClient(_Host):
    """A protected person at the app host."""

    def sign_in(self, number: str, pin: str) -> None:
        """Begin a session."""
        self.call("POST", "/session", {"number": number, "pin": pin})
