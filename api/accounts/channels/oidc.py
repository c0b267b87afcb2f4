"""The provider of OpenID Connect: where to send somebody, and what the answer proves."""

import json
import threading
from collections.abc import Mapping
from datetime import datetime
from typing import Any, cast

from authlib.integrations.base_client import OAuthError
from authlib.integrations.requests_client import OAuth2Session
from authlib.oidc.core import CodeIDToken
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import KeySet
from requests import RequestException

from api.accounts.model.oidc import BadToken, Journey, ProviderAway
from api.kernel import clock
from api.kernel.config import OidcSettings

DEADLINE_S = 5.0
KNOWN_FOR_S = 600.0
"""How long the provider's description is kept; its keys are read at each sign-in. Proposal."""
AWAY_FOR_S = 10.0
"""After a failure nobody waits for the provider again this long: each waiting holds one of the threads."""
LEEWAY_S = 60
"""How far the provider's clock may be off; proposal."""
ALGORITHMS = ["RS256", "RS384", "RS512", "PS256", "ES256", "ES384", "EdDSA"]
"""Signatures only: with HS256 a public key could be used as the secret, and `none` is no signature."""
_DISCOVERY = "/.well-known/openid-configuration"
_MAX_BYTES = 256 * 1024


class Provider:
    """One organisation's provider."""

    def __init__(self, settings: OidcSettings) -> None:
        """Prepare; nothing is asked before somebody signs in."""
        self._settings = settings
        self._lock = threading.Lock()
        self._described: dict[str, Any] = {}
        self._good_until_s = 0.0
        self._away_until_s = 0.0

    @property
    def settings(self) -> OidcSettings:
        """What the house has set."""
        return self._settings

    def address_of(self, journey: Journey) -> str:
        """Return where the browser is to go; raises ProviderAway."""
        with self._session() as session:
            address, _state = session.create_authorization_url(
                self._description(session)["authorization_endpoint"],
                state=journey.state,
                nonce=journey.nonce,
                code_verifier=journey.verifier,
            )
        return cast("str", address)

    def claims_of(self, code: str, journey: Journey, now: datetime) -> Mapping[str, Any]:
        """Exchange the code and return the claims of the token; raises ProviderAway and BadToken.

        The signature, issuer, audience, nonce, times and the binding to the access token have been found
        right; what the claims mean is for `rules.oidc`.
        """
        with self._session() as session:
            described = self._description(session)
            try:
                given = session.fetch_token(
                    described["token_endpoint"],
                    code=code,
                    code_verifier=journey.verifier,
                    timeout=DEADLINE_S,
                    allow_redirects=False,
                )
            except OAuthError as error:
                raise BadToken("the provider does not exchange the code") from error
            except (RequestException, ValueError) as error:
                raise self._away() from error
            keys = self._read(session, described["jwks_uri"])
        return self._judged(given, keys, journey, now)

    def _judged(
        self, given: Mapping[str, Any], keys: dict[str, Any], journey: Journey, now: datetime
    ) -> Mapping[str, Any]:
        text = given.get("id_token")
        if not isinstance(text, str):
            raise BadToken("the provider gave no token of identity")
        options = {
            "iss": {"essential": True, "value": self._settings.issuer},
            "aud": {"essential": True, "value": self._settings.client_id},
        }
        parameters = {
            "nonce": journey.nonce,
            "client_id": self._settings.client_id,
            "access_token": given.get("access_token"),
        }
        try:
            token = jwt.decode(text, KeySet.import_key_set(cast("Any", keys)), algorithms=ALGORITHMS)
            claims = CodeIDToken(token.claims, token.header, options, parameters)
            claims.validate(now=int(now.timestamp()), leeway=LEEWAY_S)
        except (JoseError, ValueError, TypeError, KeyError) as error:  # a token is whatever its sender wrote
            raise BadToken("the token of identity proves nothing") from error
        return cast("Mapping[str, Any]", claims)

    def _description(self, session: OAuth2Session) -> dict[str, Any]:
        with self._lock:
            if clock.monotonic_s() < self._good_until_s:
                return self._described
        found = self._read(session, self._settings.issuer.rstrip("/") + _DISCOVERY)
        wanted = ("authorization_endpoint", "token_endpoint", "jwks_uri")
        is_its = found.get("issuer") == self._settings.issuer  # OpenID Connect Discovery, section 4.3
        if not is_its or not all(isinstance(found.get(name), str) for name in wanted):
            raise self._away()
        with self._lock:
            self._described, self._good_until_s = found, clock.monotonic_s() + KNOWN_FOR_S
        return found

    def _read(self, session: OAuth2Session, address: str) -> dict[str, Any]:
        with self._lock:
            if clock.monotonic_s() < self._away_until_s:
                raise ProviderAway
        try:
            answer = session.get(
                address, withhold_token=True, timeout=DEADLINE_S, allow_redirects=False, stream=True
            )
            content = answer.raw.read(_MAX_BYTES, decode_content=True)
            found = json.loads(content) if answer.status_code == 200 else None
        except (RequestException, OSError, ValueError) as error:
            raise self._away() from error
        if not isinstance(found, dict):
            raise self._away()
        return found

    def _away(self) -> ProviderAway:
        with self._lock:
            self._away_until_s = clock.monotonic_s() + AWAY_FOR_S
        return ProviderAway()

    def _session(self) -> OAuth2Session:
        session = OAuth2Session(
            self._settings.client_id,
            self._settings.secret,
            scope="openid profile email",
            redirect_uri=self._settings.return_url,
            code_challenge_method="S256",
        )
        session.trust_env = False  # no proxies or netrc from the environment
        return session


def make_provider(settings: OidcSettings | None) -> Provider | None:
    """Return the house's provider; None when none is set."""
    return None if settings is None else Provider(settings)
