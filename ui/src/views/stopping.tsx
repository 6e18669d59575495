// Stopping a session, an agent, or everything: pressed twice, so that a slip stops nothing.

import { type Signal, useSignal } from "@preact/signals";
import { useRef } from "preact/hooks";
import { ask } from "../api";
import { who } from "../state";
import { texts } from "../texts";

/** What is stopped: everything where it says nothing. */
export interface Stopped {
  agent?: string;
  session?: string;
}

/** Whether the signed-in person may stop something, the result, and the stopping itself. */
export function useStopping(): { mayStop: boolean; said: Signal<string>; stop: (what: Stopped) => Promise<void> } {
  const said = useSignal("");
  const asked = useRef("");
  const mayStop = who.value !== null && who.value !== undefined && !["auditor", "viewer"].includes(who.value.role);
  const stop = async (what: Stopped) => {
    const words = JSON.stringify(what);
    if (asked.current !== words) {
      asked.current = words;
      said.value = texts.stopAgain(what.session ?? what.agent ?? texts.everything);
      return;
    }
    asked.current = "";
    try {
      said.value = (await ask<{ what: string }>("POST", "stop", what)).what;
    } catch (why) {
      said.value = (why as Error).message;
    }
  };
  return { mayStop, said, stop };
}

/** What is stopped, and how to resume it. */
export function Stops({ stops }: { stops: readonly string[] }) {
  return stops.length === 0 ? null : (
    <ul class="stops" role="status">
      {stops.map((flag) => (
        <li key={flag} class="warn">
          {texts.isStopped(flag === "stop" ? texts.everything : flag.slice("stop:".length))} <code>countersign flag clear {flag} --as {who.value?.name}</code>
        </li>
      ))}
    </ul>
  );
}
