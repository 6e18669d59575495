// What waits, the riskiest first.

import { signal } from "@preact/signals";
import type { Hold } from "../api";
import { matters, now, place, who } from "../state";
import { texts } from "../texts";
import { brief } from "./asked";

export const selected = signal<string | null>(null);

/** How many seconds a hold has left. */
export function left(hold: Hold): number {
  return Math.max(0, Math.round((hold.expires_at_ms - now.value) / 1000));
}

export function Countdown({ hold }: { hold: Hold }) {
  const seconds = left(hold);
  return <span class={seconds < 15 ? "soon" : ""}>{seconds > 0 ? texts.seconds(seconds) : texts.over}</span>;
}

/** So many are drawn; the rest is counted. */
const DRAWN = 200;

/** Maximum length of a request in the queue; the hold's own page shows all of it. */
const SHORT = 200;

const short = (text: string): string => (text.length > SHORT ? `${text.slice(0, SHORT)} …` : text);

export function Queue() {
  const all = matters.value;
  if (all.length === 0) {
    return <p class="calm">{texts.nothingWaits}</p>;
  }
  const current = all.some(({ hold }) => hold.id === selected.value) ? selected.value : all[0]?.hold.id;
  return (
    <>
      <h1>{texts.queue}</h1>
      <ol class="queue">
        {all.slice(0, DRAWN).map(({ hold, more }) => (
          <li key={hold.id} class={hold.id === current ? "current" : ""}>
            <button
              type="button"
              onClick={() => {
                place.value = { view: "hold", id: hold.id };
              }}
            >
              <span class={`level ${hold.level}`}>
                {hold.level} {hold.score}
              </span>
              <code class="asked">{short(brief(hold))}</code>
              <span class="small">
                {hold.agent} · {texts.needs(hold.who)} {texts.agreed(hold.agreed)} · <Countdown hold={hold} />
                {hold.handed.at(-1)?.to === who.value?.name ? ` · ${texts.yours}` : ""}
                {more > 0 ? ` · ${texts.more(more)}` : ""}
              </span>
            </button>
          </li>
        ))}
      </ol>
      {all.length > DRAWN ? <p>+ {all.length - DRAWN}</p> : null}
    </>
  );
}
