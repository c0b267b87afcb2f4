"""What one process remembers of the calls of machines' keys; bounded, and lost at a restart."""

import threading
from collections import OrderedDict
from uuid import UUID

from api.accounts.model.keys import MAX_BUCKETS
from api.accounts.rules.rate import FULL, Bucket, take


class KeyRates:
    """The buckets of the keys used last."""

    def __init__(self) -> None:
        """Know of no key."""
        self._lock = threading.Lock()
        self._buckets: OrderedDict[UUID, Bucket] = OrderedDict()

    def wait_s(self, key_id: UUID, now_s: float) -> float:
        """Count one call; returns how many seconds to wait, 0 when it may be made now."""
        with self._lock:
            bucket = self._buckets.pop(key_id, None) or Bucket(FULL, now_s)
            self._buckets[key_id], wait = take(bucket, now_s)
            if len(self._buckets) > MAX_BUCKETS:
                self._buckets.popitem(last=False)
            return wait

    def __len__(self) -> int:
        return len(self._buckets)
