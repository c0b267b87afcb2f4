/** What codes mean in plain English, and how numbers are said. A test compares the tables with the code's. */

export const KINDS = {
  sos: "SOS pressed",
  proximity_breach: "Closer than the alert distance",
  proximity_rf: "Ankle monitor heard nearby by radio",
  zone_breach: "Inside an exclusion zone",
  strap_tamper: "Strap cut or opened",
  case_open: "Device case opened",
  separation: "Wearer and tracker apart",
  jam_shield: "Signal jammed or shielded",
  power_off: "Device switched off",
  device_alarm: "Alarm of an unknown kind",
  proximity_warning: "Closer than the warning distance",
  zone_buffer: "In the buffer of a zone",
  zone_transit: "Crossed a zone between two positions",
  late_data_breach: "Earlier breach, told by late data",
  closing_fast: "Coming nearer fast",
  protected_approaches: "She comes near the wearer",
  boundary_loiter: "Again and again at the edge",
  external_sighting: "Seen where the device is not",
  inclusion_breach: "Not where he has to be",
  border_approach: "Near the border",
  pairing_lost: "Ankle monitor not heard by its tracker",
  implausible_position: "Position cannot be true",
  no_fix_motion: "Moving without a position",
  position_frozen: "Position does not change at all",
  battery_low: "Battery low",
  battery_critical: "Battery almost empty",
  protected_device_degraded: "Her device needs attention",
  status_conflict: "Register and reality disagree",
  condition_ended: "Over",
  lost_contact: "No contact with a device",
  system_degraded: "Monitoring impaired",
  zone_left: "Left the zone",
  proximity_left: "Left the warning distance",
  contact_restored: "Contact restored",
  system_restored: "Monitoring restored",
};

export const SEVERITIES = { 1: "Critical", 2: "High", 3: "Warning", 4: "Notice", 5: "Information" };

export const DOUBTS = {
  no_accuracy: "accuracy not reported",
  coarse: "coarse position",
  jump: "implausible jump",
  partner_stale: "the other position is old",
  partner_doubtful: "the other position is doubtful",
  disc_only: "only the accuracy disc reaches",
  between_fixes: "inferred between two positions",
};

export const STATES = { open: "Unanswered", acknowledged: "Taken", resolved: "Resolved" };

export const REASONS = {
  police_attended: "Police attended",
  wearer_left: "The wearer left",
  agreed_contact: "Agreed contact",
  technical_fault: "Technical fault",
  false_alarm: "False alarm",
  exercise_ended: "Exercise ended",
};

export const ENTRIES = {
  opened: "Opened",
  updated: "Update",
  raised: "Became more severe",
  acknowledged: "Acknowledged",
  resolved: "Resolved",
};

export const CHANNELS = {
  police_webhook: "Police",
  person_stream: "Protected person's app",
  web_push: "Her push message",
  device: "Device",
  sms: "Text to staff",
};

export const DELIVERIES = {
  pending: "waiting",
  sent: "sent",
  received: "received",
  failed: "failed",
  moved: "left to the former house",
};

export const PARTIES = { wearer: "Wearer", protected: "Protected person" };

/** Return the words for a code; an unknown code is shown as it is rather than hidden. */
export const worded = (table, code) => (Object.hasOwn(table, code) ? table[code] : String(code));

/** Return a length of time, e.g. `4 min 10 s`; null is unknown. */
export function duration(seconds) {
  if (seconds === null || !Number.isFinite(seconds)) return "unknown";
  const whole = Math.max(0, Math.floor(seconds));
  if (whole < 60) return `${whole} s`;
  if (whole < 600) return `${Math.floor(whole / 60)} min ${whole % 60} s`;
  if (whole < 3600) return `${Math.floor(whole / 60)} min`;
  if (whole < 86400) return `${Math.floor(whole / 3600)} h ${Math.floor((whole % 3600) / 60)} min`;
  return `${Math.floor(whole / 86400)} d ${Math.floor((whole % 86400) / 3600)} h`;
}

/** Return a length in metres or kilometres, not finer than a fix can tell. */
export function length(metres) {
  if (metres < 1000) return `${Math.round(metres)} m`;
  return metres < 10000 ? `${(metres / 1000).toFixed(2)} km` : `${(metres / 1000).toFixed(1)} km`;
}

const TO_A_ZONE = new Set(["zone_breach", "zone_buffer", "zone_transit", "zone_left", "late_data_breach"]);

/** Say an event's distance: to a zone's edge it is negative inside, between people never negative. */
export function distance(event) {
  if (!event || typeof event.distance_m !== "number") return null;
  if (!event.zone_id && !TO_A_ZONE.has(event.kind)) return `${length(event.distance_m)} apart`;
  if (event.distance_m <= 0) return `${length(-event.distance_m)} inside the edge`;
  return `${length(event.distance_m)} from the edge`;
}

const CLOCK = new Intl.DateTimeFormat("en-GB", { hour: "2-digit", minute: "2-digit", second: "2-digit" });
const DAY = new Intl.DateTimeFormat("en-GB", { day: "numeric", month: "short" });

/** Return local time of day, with the date when it is another day than `now`. */
export function time(iso, now) {
  const at = new Date(iso);
  if (at.toDateString() === new Date(now).toDateString()) return CLOCK.format(at);
  return `${DAY.format(at)}, ${CLOCK.format(at)}`;
}
