/** A square grid with a round step in metres, so that distances can be judged without streets. */

import * as L from "/leaflet/leaflet-src.esm.js";

const METRES_PER_DEGREE = 111320; // of latitude, mean; the grid guides the eye and measures nothing
const LINES_APART_PX = 70;

export const Grid = L.Layer.extend({
  initialize(onStep) {
    this._onStep = onStep;
    this._lines = L.layerGroup();
  },

  onAdd(map) {
    const pane = map.createPane("grid");
    pane.style.zIndex = "300";
    this._lines.addTo(map);
    map.on("moveend", this._draw, this);
    this._draw();
  },

  onRemove(map) {
    map.off("moveend", this._draw, this);
    this._lines.remove();
  },

  _draw() {
    const map = this._map;
    const seen = map.getBounds().pad(0.3);
    const middle = map.getCenter();
    const size = map.getSize();
    if (!size.x) return;
    const width_m = map.distance(map.containerPointToLatLng([0, size.y / 2]), map.containerPointToLatLng([size.x, size.y / 2]));
    const step_m = roundStep((width_m / size.x) * LINES_APART_PX);
    const step_lat = step_m / METRES_PER_DEGREE;
    // The width of a degree is taken at a whole degree of latitude: the lines stay put while one pans.
    const step_lon = step_lat / Math.cos((Math.round(middle.lat) * Math.PI) / 180);
    this._lines.clearLayers();
    this._onStep(step_m);
    for (let n = Math.ceil(seen.getSouth() / step_lat); n * step_lat < seen.getNorth(); n += 1) {
      this._line([[n * step_lat, seen.getWest()], [n * step_lat, seen.getEast()]], n % 5 === 0);
    }
    for (let n = Math.ceil(seen.getWest() / step_lon); n * step_lon < seen.getEast(); n += 1) {
      this._line([[seen.getSouth(), n * step_lon], [seen.getNorth(), n * step_lon]], n % 5 === 0);
    }
  },

  _line(ends, isStrong) {
    const style = { pane: "grid", interactive: false, weight: 1, color: isStrong ? "#3a4956" : "#25313b" };
    L.polyline(ends, { ...style, className: "grid" }).addTo(this._lines);
  },
});

/** Return 1, 2 or 5 times a power of ten, not below `metres`. */
function roundStep(metres) {
  const power = 10 ** Math.floor(Math.log10(metres));
  return [1, 2, 5, 10].map((factor) => factor * power).find((step) => step >= metres);
}
