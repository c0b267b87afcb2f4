"""GeoJSON as it may be sent: read or refused, never a fault of ours."""

from typing import Any

import marshmallow as ma
from hypothesis import given
from hypothesis import strategies as st

from api.kernel.geo import Point
from api.policing.schemas.geojson import read_area


@given(value=st.recursive(st.none() | st.booleans() | st.floats() | st.text(), st.lists))
def test_whatever_stands_for_coordinates_is_read_or_refused(value: Any) -> None:
    for kind in ("Polygon", "MultiPolygon"):
        try:
            area = read_area({"type": kind, "coordinates": value})
        except ma.ValidationError:
            continue
        assert all(isinstance(point, Point) for part in area for ring in part for point in ring)
