/** What the page knows: alerts, the last event of each, orders on the map, positions, the chosen alert. */

import { byRisk } from "./queue.js";

export class Desk {
  alerts = new Map();
  /** Last event by alert id; sightings in it are where the parties were when it was judged. */
  lastEvents = new Map();
  /** Orders of `/api/map` by id, with zones and radii. */
  orders = new Map();
  /** Newest position by `order_id/device_id`. */
  positions = new Map();
  chosenId = null;
  /** A resolved alert that is looked at again; it is in no queue. */
  closed = null;
  loaded = false;

  /** Unresolved alerts, the most dangerous first. */
  ranked() {
    return [...this.alerts.values()].sort(byRisk);
  }

  get chosen() {
    return this.alerts.get(this.chosenId) ?? (this.closed?.id === this.chosenId ? this.closed : null);
  }

  /** Take the whole queue, forgetting what is not in it. */
  replaceAlerts(list) {
    this.alerts = new Map(list.map((alert) => [alert.id, alert]));
    for (const id of this.lastEvents.keys()) if (!this.alerts.has(id)) this.lastEvents.delete(id);
    this.loaded = true;
  }

  /** Take one alert as the stream tells it; returns true when it was not in the queue before. */
  takeAlert(alert, event) {
    if (event) this.lastEvents.set(alert.id, event);
    if (alert.state === "resolved") {
      this.alerts.delete(alert.id);
      this.lastEvents.delete(alert.id);
      return false;
    }
    const isNew = !this.alerts.has(alert.id);
    this.alerts.set(alert.id, alert);
    return isNew;
  }

  replaceMap(orders) {
    this.orders = new Map(orders.map((order) => [order.order_id, order]));
    for (const [key, position] of this.positions) if (!this.orders.has(position.order_id)) this.positions.delete(key);
    for (const order of orders) {
      order.positions.forEach((position) => this.takePosition({ ...position, order_id: order.order_id }));
    }
  }

  /** Take a position unless a newer one is here already. */
  takePosition(position) {
    const key = `${position.order_id}/${position.device_id}`;
    const known = this.positions.get(key);
    if (!known || Date.parse(known.fixed_at) <= Date.parse(position.fixed_at)) {
      this.positions.set(key, { ...known, ...position });
    }
  }

  positionsOf(orderId) {
    return [...this.positions.values()].filter((position) => position.order_id === orderId);
  }

  /** Return how far apart an alert's parties were last seen, in metres, or null. */
  apart_m(alert) {
    const [wearer, person] = this.sightings(alert);
    return wearer && person ? distance_m(placeOf(wearer), placeOf(person)) : null;
  }

  /**
   * Return the newest position of each party of an alert: what the map has, else what the event saw.
   * @returns {{party: string, fixed_at: string, accuracy_m: number|null}[]} wearer first
   */
  sightings(alert) {
    const event = this.lastEvents.get(alert.id);
    const found = [];
    for (const party of ["wearer", "protected"]) {
      const seen = alert.order_id ? this.positionsOf(alert.order_id).filter((one) => one.party === party) : [];
      if (event?.[party]) seen.push(event[party]);
      seen.sort((a, b) => Date.parse(b.fixed_at) - Date.parse(a.fixed_at));
      if (seen.length) found.push({ ...seen[0], party });
    }
    return found;
  }
}

/** A position of the map has its place at the top, a sighting of an event in `point`. */
const placeOf = (seen) => seen.point ?? seen;

const EARTH_RADIUS_M = 6371009; // mean; at most 0.5 % off, and the page says "about"

/** Return the great-circle distance (haversine). */
function distance_m(a, b) {
  const [lat1, lat2, lon] = [a.lat, b.lat, b.lon - a.lon].map((degrees) => (degrees * Math.PI) / 180);
  const half = Math.sin((lat2 - lat1) / 2) ** 2 + Math.cos(lat1) * Math.cos(lat2) * Math.sin(lon / 2) ** 2;
  return 2 * EARTH_RADIUS_M * Math.asin(Math.sqrt(half));
}
