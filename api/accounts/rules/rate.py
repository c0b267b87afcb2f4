"""How many calls a key may make: a token bucket."""

from dataclasses import dataclass

from api.accounts.model.keys import BURST, CALLS_PER_MINUTE


@dataclass(frozen=True, slots=True)
class Bucket:
    """What is left of a key's calls, as it was at `at_s` of a clock that never jumps."""

    left: float
    at_s: float


FULL = float(BURST)
_PER_S = CALLS_PER_MINUTE / 60


def take(bucket: Bucket, now_s: float) -> tuple[Bucket, float]:
    """Return the bucket after one call, and how many seconds to wait first: 0 when the call may be made.

    A call that may not be made costs nothing: whoever asks too often is let in as soon as others would be.
    """
    left = min(FULL, bucket.left + max(0.0, now_s - bucket.at_s) * _PER_S)
    if left < 1:
        return Bucket(left, now_s), (1 - left) / _PER_S
    return Bucket(left - 1, now_s), 0.0
