// What the page knows: who is signed in, what waits, where we are.

import { computed, effect, signal } from "@preact/signals";
import { ask, type Hold, Problem, type Who } from "./api";
import { texts } from "./texts";

export type Place = { view: "queue" | "record" | "sessions" | "reports" | "rules" | "agents" | "people" | "health" | "me" } | { view: "hold"; id: string } | { view: "story"; id: string } | { view: "terminal"; id: string; live: boolean };

/** The authority to enrol a factor: a link, a recovery code, or a proof of their own. */
export type Entry = { invite: string } | { recovery: { name: string; code: string } } | { own: { name: string; proof: unknown } };

/** The enrolment of a factor. */
export const entry = signal<Entry | null>(
  location.hash.startsWith("#setup=") ? { invite: location.hash.slice("#setup=".length) } : null,
);

export const who = signal<Who | null | undefined>(undefined);
export const holds = signal<ReadonlyMap<string, Hold>>(new Map());
/** Nothing was heard yet, all is well, or the daemon is away. */
export const connection = signal<"connecting" | "up" | "away">("connecting");
export const place = signal<Place>({ view: "queue" });
export const now = signal(Date.now());
/** What became of the hold that is looked at. */
export const ended = signal<{ id: string; outcome: string } | null>(null);
export const sound = signal(false);

/** The riskiest first; of the same risk the newest. */
export const queue = computed(() =>
  [...holds.value.values()].sort((a, b) => b.score - a.score || b.id.localeCompare(a.id)),
);

/** The queue with what is the same matter shown as one: the first, and how many more there are. */
export const matters = computed(() => {
  const first = new Map<string, { hold: Hold; more: number }>();
  for (const hold of queue.value) {
    const key = hold.group ?? hold.id;
    const known = first.get(key);
    if (known) {
      known.more += 1;
    } else {
      first.set(key, { hold, more: 0 });
    }
  }
  return [...first.values()];
});

/** Takes holds off the page that were just answered: the news of it is on its way. */
export function forget(ids: readonly string[]): void {
  holds.value = new Map([...holds.value].filter(([id]) => !ids.includes(id)));
}

/** What two holds have in common that one look is enough for: everything but ids and times. The daemon looks itself. */
function common(hold: Hold): string {
  return JSON.stringify({ ...hold, id: "", request: "", expires_at_ms: 0, agreed: [], handed: [] });
}

/** Maximum number of further holds that one answer covers. */
const ALSO = 99;

/** When a hold was first drawn: what came a moment before a click was not seen. */
const drawnAt = new Map<string, number>();
const SEEN = 1000;

effect(() => {
  for (const id of drawnAt.keys()) {
    if (!holds.value.has(id)) {
      drawnAt.delete(id);
    }
  }
  for (const id of holds.value.keys()) {
    drawnAt.set(id, drawnAt.get(id) ?? Date.now());
  }
});

/** Those that are the very same as this one, and were there for a moment. */
export function twins(hold: Hold): Hold[] {
  const same = hold.group?.startsWith("same ") ? common(hold) : null;
  const isTwin = (it: Hold): boolean =>
    it.id !== hold.id && it.group === hold.group && now.value - (drawnAt.get(it.id) ?? now.value) >= SEEN && common(it) === same;
  return same === null ? [] : [...holds.value.values()].filter(isTwin).slice(0, ALSO);
}

/** Those that are shown as one with this one. */
export function together(hold: Hold): Hold[] {
  return [...holds.value.values()].filter((it) => it.id !== hold.id && it.agent === hold.agent && it.group !== null && it.group === hold.group).slice(0, ALSO);
}

setInterval(() => {
  now.value = Date.now();
}, 500);

let events: EventSource | null = null;

/** Looks who is signed in; then hears of holds as they come and go. */
export async function begin(): Promise<void> {
  try {
    who.value = await ask<Who>("GET", "session");
  } catch (problem) {
    who.value = problem instanceof Problem && problem.status === 401 ? null : who.value;
    if (who.value === undefined) {
      connection.value = "away";
      setTimeout(begin, 1000);
    }
    return;
  }
  listen();
}

interface Change {
  changed: Hold[];
  gone: { id: string; outcome: string }[];
}

/** Changes that are not drawn yet, and when something was drawn. */
let waiting: Change[] = [];
let drawn = 0;

/** Minimum interval between two redraws of the page, in milliseconds. */
const DRAW_EVERY = 100;

/** Takes what changed. */
function take(): void {
  const next = new Map(holds.value);
  let isNew = false;
  for (const { changed, gone } of waiting) {
    for (const { id, outcome } of gone) {
      next.delete(id);
      if (place.value.view === "hold" && place.value.id === id) {
        ended.value = { id, outcome };
      }
    }
    for (const hold of changed) {
      isNew ||= !next.has(hold.id);
      next.set(hold.id, hold);
    }
  }
  waiting = [];
  drawn = Date.now();
  holds.value = next;
  connection.value = "up";
  if (isNew && sound.value) {
    beep();
  }
  if (isNew && document.hidden) {
    notify(next.size);
  }
}

function listen(): void {
  events?.close();
  const source = new EventSource("/v1/events");
  events = source;
  source.addEventListener("holds", (event) => {
    const all = JSON.parse(event.data as string) as Hold[];
    waiting = [];
    holds.value = new Map(all.map((hold) => [hold.id, hold]));
    connection.value = "up";
  });
  source.addEventListener("change", (event) => {
    waiting.push(JSON.parse(event.data as string) as Change);
    // However many come at once, the page is drawn once; the first of a while at once.
    if (waiting.length === 1) {
      setTimeout(take, Math.max(0, drawn + DRAW_EVERY - Date.now()));
    }
  });
  source.addEventListener("away", () => {
    holds.value = new Map();
    connection.value = "away";
  });
  source.addEventListener("signed-out", () => {
    signedOut();
  });
  source.onerror = () => {
    connection.value = "away";
    // The browser tries again by itself, but not after a refusal.
    if (source.readyState === EventSource.CLOSED && events === source) {
      setTimeout(begin, 1000);
    }
  };
}

/** The session is over. */
export function signedOut(): void {
  events?.close();
  events = null;
  holds.value = new Map();
  who.value = null;
}

/** Whether the browser may tell of what waits while the page is in the background. */
export const notifies = signal("Notification" in globalThis && Notification.permission === "granted");

/** Asks the browser whether it may. */
export async function askToNotify(): Promise<void> {
  notifies.value = "Notification" in globalThis && (await Notification.requestPermission()) === "granted";
}

/** One notice for all that waits; nothing of what an agent wrote is in it. */
function notify(count: number): void {
  if (notifies.value) {
    new Notification(texts.name, { body: texts.waits(count), tag: "holds", icon: "/icon.svg" }).onclick = () => window.focus();
  }
}

function beep(): void {
  const audio = new AudioContext();
  const tone = audio.createOscillator();
  const volume = audio.createGain();
  volume.gain.value = 0.05;
  tone.connect(volume).connect(audio.destination);
  tone.start();
  tone.stop(audio.currentTime + 0.15);
  tone.onended = () => void audio.close();
}
