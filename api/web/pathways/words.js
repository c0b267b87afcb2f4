/** The codes of the server in words. */

export const KINDS = {
  accept: "Accept or decline",
  step: "Step",
  unaccepted: "Nobody accepted: it is yours still",
  next_contact: "Speak with her",
  no_next_contact: "No next contact is set",
  no_fixed_contact: "There is no fixed contact",
};
export const STATES = {
  open: "open",
  offered: "offered, not accepted yet",
  accepted: "accepted",
  busy: "being worked on",
  done: "done",
  refused_by_her: "she said no",
  paused: "she lets it rest",
  impossible: "cannot be done",
};
export const ACTS = {
  take: "Take",
  offer: "Offer to …",
  accept: "Accept",
  decline: "Decline …",
  withdraw: "Withdraw the offer",
  begin: "Begin",
  finish: "Done",
  give_up: "Cannot be done …",
  reopen: "Reopen",
  refuse: "She says no",
  pause: "She lets it rest",
  resume: "She takes it up again",
};
export const REASONS = {
  no_place: "No place",
  no_capacity: "No time or people",
  not_allowed: "Not allowed",
  not_needed: "Not needed",
  not_reached: "Not reached",
  other: "Another reason",
};
export const CHANNELS = {
  app: "Message in her app",
  phone: "Telephone",
  walk_in: "When she comes by",
  at_work: "At her work",
  trusted_person: "Through somebody she trusts",
};
export const OUTCOMES = {
  reached: "Spoken with her",
  no_answer: "No answer",
  not_safe: "She gave her sign",
  wrong_word: "Wrong code word",
};
export const RUNGS = { worker: "workers", deputy: "deputies", coordinator: "coordinator" };

/** What can be done with a step in a state; the server decides who may. */
export const POSSIBLE = {
  open: ["take", "offer", "give_up", "refuse", "pause"],
  offered: ["accept", "decline", "withdraw", "refuse", "pause"],
  accepted: ["begin", "finish", "offer", "give_up", "refuse", "pause"],
  busy: ["finish", "offer", "give_up", "refuse", "pause"],
  done: ["reopen"],
  refused_by_her: ["resume"],
  paused: ["resume", "refuse"],
  impossible: ["reopen"],
};

/** Say a moment by this computer's clocks, or that there is none. */
export function moment(iso) {
  if (!iso) return "no time set";
  const at = new Date(iso);
  return at.toLocaleString("en-GB", { weekday: "short", day: "numeric", month: "short", hour: "2-digit", minute: "2-digit" });
}
