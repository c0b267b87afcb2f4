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
  drill: "Test run of the whole chain",
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
  escalated: "Escalated",
  task_done: "Call noted",
  police_acknowledged: "Acknowledged by the police",
};

export const CHANNELS = {
  police_webhook: "Police",
  person_stream: "Protected person's app",
  web_push: "Protected person's push",
  device: "Device",
  sms: "Text to staff",
};

/** The same ways out inside a sentence: "tell the police by webhook". */
export const WAYS = {
  police_webhook: "webhook",
  person_stream: "app",
  web_push: "push",
  device: "device",
  sms: "SMS",
};

export const TARGETS = {
  protected_person: "the protected person",
  wearer: "the wearer",
  police: "the police",
  officer: "the officer on duty",
  standby: "the officer on standby",
  operator: "the control room",
};

export const TASKS = {
  call_police: "Call the police",
  call_officer: "Call the officer on duty",
  call_protected_person: "Call the protected person",
  call_wearer: "Call the wearer",
  call_standby: "Call the officer on standby",
};

/** What a step waits for. */
export const ANSWERS = {
  none: "nothing",
  received: "a receipt",
  police_ack: "the signed acknowledgement of the police",
  acknowledged: "somebody here to take the alert",
  done: "the outcome of a call",
};

export const RUNS = { waiting: "Waiting", answered: "Answered", unanswered: "Not answered", ended: "Ended with the alert" };

export const OUTCOMES = {
  reached: "Reached",
  no_answer: "No answer",
  voicemail: "Voicemail",
  refused: "Refused",
  wrong_number: "Wrong number",
  cancelled: "Cancelled with the alert",
};

/** The links of a test run, in the order of the chain. */
export const LINKS = {
  wearer_device_heard: "Wearer's device heard of late",
  wearer_device_reached: "Wearer's device answers a command",
  her_device_heard: "Protected person's device heard of late",
  her_device_reached: "Protected person's device answers a command",
  her_app: "Protected person's app",
  her_push: "Push to the protected person's phone",
  police: "Police",
  officer: "Officer on duty",
  standby: "Officer on standby",
  room: "Control room",
};

export const LINK_STATES = {
  ok: "Held",
  handed_over: "Handed over, without a receipt",
  waiting: "Waiting",
  failed: "Failed",
};

/** Why a link did not hold, or not yet; a number is an HTTP status, see `reason`. */
export const WHYS = {
  no_receipt: "no receipt came",
  not_heard: "nothing was heard of it",
  nobody: "there is nobody to tell",
  her_choice: "she has chosen not to hear of test runs",
  not_taken: "nobody took the alert",
  not_sent: "nothing was sent yet",
  not_open: "the app is closed",
  not_configured: "no receiver is set up",
  timeout: "no answer in time",
  unreachable: "no connection",
  broken_answer: "the answer broke off",
  redirect_refused: "the receiver pointed elsewhere",
  closed: "the line was closed",
  broker_away: "the broker does not answer",
  device_retired: "the device is retired",
  our_fault: "a fault of ours",
  accepted: "taken over",
  written: "shown to the app",
  no_number: "no telephone number is known",
  bad_number: "the telephone number cannot be true",
  sms_delivered: "delivered to the telephone",
  sms_undelivered: "not delivered to the telephone",
  gone: "the browser has taken its subscription back",
  bad_address: "its address cannot be called",
  unreadable: "where it goes cannot be deciphered",
  host_refused: "its push service is not one that we know",
  police_ack: "acknowledged by the police",
  police_error: "the machine of the police could not take it",
  expired: "too old to be sent",
  receipt_done: "carried out",
  receipt_refused: "the device refused",
  receipt_expired: "the device got it too late",
  receipt_unsupported: "the device cannot do it",
  receipt_unknown: "the device answered something unknown",
};

export const DELIVERIES = {
  pending: "waiting",
  sent: "sent",
  received: "received",
  failed: "failed",
  moved: "left to the former house",
};

export const ROLES = {
  operator: "Operator",
  supervisor: "Supervisor",
  case_worker: "Case worker",
  officer: "Officer",
  auditor: "Auditor",
};

/** What a key of another program may do. */
export const SCOPES = {
  "alerts:read": "read alerts",
  "orders:read": "read orders",
  "orders:write": "make and change orders",
  "devices:read": "read devices",
  "devices:write": "register and hand out devices",
  "health:read": "read the state of the monitoring",
};

/** Why the organisation's own sign-in did not work; the server names it behind the address's `#`. */
export const PROVIDER = {
  "provider-away": "Your organisation's sign-in does not answer. Sign in here with your password, or try again in a while.",
  "provider-broken": "Your organisation's sign-in was not completed. Begin again; if it happens twice, tell your administrator.",
  "provider-unknown": "Your organisation knows you, but no account here is open to you. A supervisor can link or open one.",
  "provider-no-role": "Your organisation gives you no role that fits your account here. Ask your administrator.",
  "provider-no-mfa": "Your organisation let you in without a second factor, which is needed here. Set one up there.",
};

export const PARTIES = { wearer: "Wearer", protected: "Protected person" };

/** Return the words for a code; an unknown code is shown as it is rather than hidden. */
export const worded = (table, code) => (Object.hasOwn(table, code) ? table[code] : String(code));

/** Return the words for why something failed; a number is what the receiver's server answered. */
export const reason = (code) => (/^\d{3}$/.test(code) ? `the receiver answered ${code}` : worded(WHYS, code));

/** Return `text` as it stands inside a sentence. */
export const inside = (text) => text.charAt(0).toLowerCase() + text.slice(1);

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
