"""When everybody's words reach us late, the worker says that it is behind, and when it has caught up."""

from datetime import timedelta

from api.geofence.rules.lag import LEAST_DEVICES
from api.kernel import clock
from tests.geofence.test_worker import Shift, add_scene, on_sqlite, shift  # noqa: F401 - fixtures
from tests.house import wait_until
from tests.scene import HOME, Scene, location, north_of


@on_sqlite
def test_a_lag_of_everybody_is_trouble_of_ours_and_its_end_is_told(shift: Shift) -> None:  # noqa: F811 - its fixture
    scenes = [add_scene(shift) for _ in range((LEAST_DEVICES + 1) // 2)]
    with shift.at_work():
        speak(shift, scenes, age_s=60)
        wait_until(lambda: shift.told()["system_degraded"] == 1)
        speak(shift, scenes, age_s=1)
        wait_until(lambda: shift.told()["system_restored"] == 1)


def speak(shift: Shift, scenes: list[Scene], age_s: float) -> None:  # noqa: F811 - a name, no fixture
    at = clock.now() - timedelta(seconds=age_s)
    for scene in scenes:
        shift.say(scene.phone, scene.phone_secret, location(HOME, at))
        shift.say(scene.ankle, scene.ankle_secret, location(north_of(HOME, 50_000), at))
