/**
 * The live map. There are no tiles: whoever serves tiles learns where she is. A metric grid and a scale
 * bar stand in for streets, and everything drawn comes from `/api/map`, the stream and the tracks.
 */

import * as L from "/leaflet/leaflet-src.esm.js";
import { byId, make, say } from "./dom.js";
import { Grid } from "./grid.js";
import { ageOf } from "./server.js";
import { PARTIES, duration, length } from "./words.js";

const UNKNOWN_ACCURACY_M = 100; // disc of a fix that tells none: `Limits.unknown_accuracy_m`
const FIRST_VIEW = [52.1, 5.3]; // until there is something to show: the middle of the Netherlands
const PARTS = ["zones", "radii", "reach", "tracks", "discs", "marks"]; // drawn in this order, the last on top

const COLOURS = { wearer: "#ff9d5c", protected: "#5fd0ff", zone: "#ff5f6b", bound: "#8fd48a", buffer: "#ffd24a", ground: "#131b22" };

export class LiveMap {
  #desk;
  #map;
  #layers = {};
  #marks = new Map();
  #shownZones = "";
  #tracks = [];
  #fittedId = null;

  constructor(desk) {
    this.#desk = desk;
    this.#map = L.map("map", { attributionControl: false, maxZoom: 19, minZoom: 3, zoomSnap: 0.25, fadeAnimation: false });
    this.#map.setView(FIRST_VIEW, 8);
    L.control.scale({ imperial: false, maxWidth: 160, position: "bottomright" }).addTo(this.#map);
    new Grid((step_m) => say(byId("map-grid"), `Grid ${length(step_m)} · no streets: map tiles are off`)).addTo(this.#map);
    PARTS.forEach((part, index) => {
      this.#map.createPane(part).style.zIndex = String(410 + index * 10);
      this.#layers[part] = L.layerGroup([], { pane: part }).addTo(this.#map);
    });
    this.#map.getPane("marks").style.zIndex = "660"; // above Leaflet's tooltips (650): no name may hide a person
    this.#map.on("zoomend", () => this.#drawZones());
    byId("fit").addEventListener("click", () => this.fit());
  }

  /** Draw what the desk knows now; the chosen alert's order stands out. */
  show() {
    const chosenOrder = this.#desk.chosen?.order_id ?? null;
    const zones = JSON.stringify([chosenOrder, ...this.#desk.orders.keys(), this.#versions()]);
    if (zones !== this.#shownZones) {
      this.#shownZones = zones;
      this.#drawZones();
    }
    this.#drawMarks(chosenOrder);
    this.#drawRadii(chosenOrder);
    byId("fit").disabled = this.#extent() === null;
    // Once per chosen alert: after that the operator's own view is never moved away.
    if (this.#desk.orders.has(chosenOrder) && this.#fittedId !== this.#desk.chosenId) {
      this.#fittedId = this.#desk.chosenId;
      this.fit();
    }
  }

  /** Renew the ages in the labels. */
  tick() {
    this.#layers.reach.clearLayers();
    for (const [key, mark] of this.#marks) {
      const position = this.#desk.positions.get(key);
      if (!position) continue;
      const reach_m = reachOf(position, this.#desk.orders.get(position.order_id));
      labelMark(mark, position, reach_m);
      if (reach_m !== null && position.party === "wearer") this.#drawReach(position, reach_m);
    }
  }

  /** Draw how far he can have come since an old position: UNKNOWN is not where he was last seen. */
  #drawReach({ lat, lon, party }, reach_m) {
    const style = { color: COLOURS[party], weight: 1.5, dashArray: "2 8", fillOpacity: 0.05, interactive: false };
    L.circle([lat, lon], { ...style, pane: "reach", radius: reach_m, className: "reach" }).addTo(this.#layers.reach);
  }

  /** Take the chosen alert's tracks; an empty list removes them. */
  showTracks(tracks) {
    this.#tracks = tracks;
    this.#layers.tracks.clearLayers();
    for (const track of tracks) {
      const style = { pane: "tracks", color: COLOURS[track.party], weight: 2, opacity: 0.8 };
      track.line = L.polyline([], { ...style, className: `track ${track.party}` }).addTo(this.#layers.tracks);
      for (const point of track.points) this.#addPoint(track, point);
    }
  }

  /** Let the chosen alert's track grow with a position of the stream. */
  extendTrack(position) {
    const track = this.#tracks.find((one) => one.device_id === position.device_id);
    const last = track?.points.at(-1);
    if (!track || (last && Date.parse(last.fixed_at) >= Date.parse(position.fixed_at))) return;
    track.points.push(position);
    this.#addPoint(track, position);
  }

  #addPoint(track, { lat, lon }) {
    const dot = { pane: "tracks", color: COLOURS[track.party], radius: 2, weight: 1, fillOpacity: 1 };
    track.line.addLatLng([lat, lon]);
    L.circleMarker([lat, lon], dot).addTo(this.#layers.tracks);
  }

  /** Move so that the chosen alert's zones, people and the warning distance are all in sight. */
  fit() {
    const extent = this.#extent();
    if (extent) this.#map.fitBounds(extent, { padding: [48, 48], maxZoom: 17, animate: false });
  }

  #versions() {
    return [...this.#desk.orders.values()].map((order) => order.zones.map((zone) => `${zone.id}:${zone.version}`));
  }

  #drawZones() {
    this.#layers.zones.clearLayers();
    const chosenOrder = this.#desk.chosen?.order_id ?? null;
    for (const order of this.#desk.orders.values()) {
      for (const zone of order.zones) this.#drawZone(zone, order.order_id === chosenOrder);
    }
  }

  #drawZone(zone, isChosen) {
    const strength = isChosen ? 1 : 0.45;
    if (zone.purpose !== "exclusion") {
      this.#drawBound(zone, isChosen, strength);
      return;
    }
    const edge = { pane: "zones", color: COLOURS.zone, weight: 2, opacity: strength, fillOpacity: 0.16 * strength };
    const ring = { pane: "zones", color: COLOURS.buffer, opacity: 0.11 * strength, interactive: false };
    const group = this.#layers.zones;
    let area;
    if (zone.shape.type === "Circle") {
      const [lon, lat] = zone.shape.center;
      const outer = zone.shape.radius_m + zone.buffer_m;
      L.circle([lat, lon], {
        ...ring, radius: outer, stroke: true, weight: 1, opacity: 0.7 * strength,
        dashArray: "5 4", fillOpacity: 0.1 * strength, className: "buffer",
      }).addTo(group);
      area = L.circle([lat, lon], { ...edge, radius: zone.shape.radius_m, className: "zone" });
    } else {
      const shape = swapped(zone.shape);
      // A stroke twice as wide as the buffer is the set of points nearer than the buffer: no geometry needed.
      const weight = (2 * zone.buffer_m) / this.#metresPerPixel(L.polygon(shape).getBounds().getCenter().lat);
      L.polygon(shape, { ...ring, weight, fill: false, lineJoin: "round", className: "buffer" }).addTo(group);
      // The inner half of that stroke is not buffer: cover it before the area itself is drawn.
      L.polygon(shape, { ...ring, stroke: false, fillColor: COLOURS.ground, fillOpacity: 1 }).addTo(group);
      area = L.polygon(shape, { ...edge, className: "zone" });
    }
    const name = zone.visibility === "concealed" ? `${zone.name} (concealed from the wearer)` : zone.name;
    this.#nameArea(area.addTo(group), name, isChosen);
  }

  /** Where he must be is an outline only: a filled country would colour everything on the map. */
  #drawBound(zone, isChosen, opacity) {
    const line = { pane: "zones", color: COLOURS.bound, weight: 2, opacity, dashArray: "8 6", fill: false, className: "bound" };
    let area;
    if (zone.shape.type === "Circle") {
      const [lon, lat] = zone.shape.center;
      area = L.circle([lat, lon], { ...line, radius: zone.shape.radius_m });
    } else {
      area = L.polygon(swapped(zone.shape), line);
    }
    const name = zone.purpose === "territory" ? `${zone.name} (not to be left)` : `${zone.name} (to be in)`;
    this.#nameArea(area.addTo(this.#layers.zones), name, isChosen);
  }

  #nameArea(area, name, isChosen) {
    area.bindTooltip(make("span", {}, name), { permanent: isChosen, direction: "top", className: "zone-name" });
    if (isChosen) {
      const bounds = area.getBounds();
      area.openTooltip([bounds.getNorth(), bounds.getCenter().lng]); // at the edge: the middle is where people are
    }
  }

  #metresPerPixel(lat) {
    return (40075016.686 * Math.cos((lat * Math.PI) / 180)) / (256 * 2 ** this.#map.getZoom()); // Web Mercator
  }

  #drawMarks(chosenOrder) {
    for (const [key, mark] of this.#marks) {
      if (!this.#desk.positions.has(key)) {
        mark.remove();
        this.#marks.delete(key);
      }
    }
    this.#layers.discs.clearLayers();
    for (const [key, position] of this.#desk.positions) {
      const isChosen = position.order_id === chosenOrder;
      const at = [position.lat, position.lon];
      const color = COLOURS[position.party];
      L.circle(at, {
        pane: "discs", radius: position.accuracy_m ?? UNKNOWN_ACCURACY_M, color, weight: 1, fillOpacity: 0.15,
        dashArray: position.accuracy_m === null ? "3 4" : null, interactive: false,
        opacity: isChosen ? 0.9 : 0.4, className: `disc ${position.party}`,
      }).addTo(this.#layers.discs);
      if (!this.#marks.has(key)) this.#marks.set(key, newMark(at, position.party).addTo(this.#map));
      const mark = this.#marks.get(key);
      mark.setLatLng(at).setOpacity(isChosen || chosenOrder === null ? 1 : 0.55);
    }
    this.tick();
  }

  #drawRadii(chosenOrder) {
    const group = this.#layers.radii.clearLayers();
    const order = this.#desk.orders.get(chosenOrder);
    if (!order) return;
    const seen = this.#desk.positionsOf(chosenOrder);
    const hers = seen.filter((position) => position.party === "protected");
    for (const { lat, lon } of hers) {
      const line = { pane: "radii", fill: false, weight: 1.5, interactive: false };
      L.circle([lat, lon], { ...line, radius: order.warning_radius_m, color: COLOURS.buffer, dashArray: "2 6" }).addTo(group);
      L.circle([lat, lon], { ...line, radius: order.alert_radius_m, color: COLOURS.zone, dashArray: "9 5" }).addTo(group);
    }
    for (const wearer of seen.filter((position) => position.party === "wearer")) {
      for (const person of hers) this.#drawBetween(wearer, person, group);
    }
  }

  #drawBetween(wearer, person, group) {
    const ends = [[wearer.lat, wearer.lon], [person.lat, person.lon]];
    const apart_m = this.#map.distance(...ends);
    const line = L.polyline(ends, { pane: "radii", color: "#e9eff5", weight: 1, opacity: 0.75, dashArray: "1 5" });
    line.bindTooltip(make("span", {}, `${length(apart_m)} apart`), { permanent: true, direction: "center", className: "between" });
    line.addTo(group);
  }

  #extent() {
    const order = this.#desk.orders.get(this.#desk.chosen?.order_id);
    const bounds = L.latLngBounds([]);
    if (order) {
      for (const zone of order.zones) {
        if (zone.purpose !== "territory") bounds.extend(boundsOf(zone)); // a country would make all else a dot
      }
      for (const { lat, lon, party } of this.#desk.positionsOf(order.order_id)) {
        bounds.extend(L.latLng(lat, lon).toBounds(party === "protected" ? 2 * order.warning_radius_m : 1));
      }
    }
    return bounds.isValid() ? bounds : null;
  }
}

/** Return the rings of a GeoJSON shape in Leaflet's order: latitude first. */
function swapped(shape) {
  const depth = shape.type === "MultiPolygon" ? 2 : 1;
  return L.GeoJSON.coordsToLatLngs(shape.coordinates, depth);
}

function boundsOf(zone) {
  if (zone.shape.type !== "Circle") return L.polygon(swapped(zone.shape)).getBounds();
  const [lon, lat] = zone.shape.center;
  return L.latLng(lat, lon).toBounds(2 * (zone.shape.radius_m + zone.buffer_m));
}

function newMark(at, party) {
  const letter = party === "wearer" ? "W" : "P";
  const shape = make("span", { class: `mark ${party}`, "aria-hidden": "true" }, letter);
  const label = make("span", { class: `mark-label ${party}` });
  const icon = L.divIcon({ html: make("div", {}, shape, label), className: "mark-at", iconSize: [26, 26] });
  const mark = L.marker(at, { icon, pane: "marks", keyboard: false, interactive: false });
  mark.label = label;
  mark.shape = shape;
  return mark;
}

/** Return how far somebody can have come since an old position, in metres; null while it is young enough. */
function reachOf({ fixed_at, accuracy_m }, order) {
  const age_s = ageOf(fixed_at);
  if (!order || age_s === null || age_s <= order.unknown_after_s) return null;
  return (accuracy_m ?? UNKNOWN_ACCURACY_M) + age_s * order.reach_speed_m_s;
}

function labelMark(mark, { party, fixed_at, accuracy_m }, reach_m) {
  const age_s = ageOf(fixed_at);
  const isOld = age_s === null || reach_m !== null;
  const accuracy = accuracy_m === null ? "accuracy unknown" : `± ${length(accuracy_m)}`;
  const known = isOld ? `UNKNOWN, seen ${duration(age_s)} ago` : `${duration(age_s)} ago · ${accuracy}`;
  const reach = reach_m !== null && party === "wearer" ? ` · can be ${length(reach_m)} from there` : "";
  say(mark.label, `${PARTIES[party]} · ${known}${reach}`);
  mark.label.classList.toggle("old", isOld);
  mark.shape.classList.toggle("old", isOld);
}
