// What views share: words of agents, tables, times, and asking while a view is open.

import { type Signal, useSignal } from "@preact/signals";
import type { ComponentChildren } from "preact";
import { useEffect } from "preact/hooks";
import { ask } from "../api";
import { texts } from "../texts";

/** Words of an agent, or of what it asks for. They stand in a frame of their own, so that they cannot pass for ours. */
export function Theirs({ lines, mark }: { lines: readonly string[]; mark?: string | undefined }) {
  return (
    <ul class="theirs">
      {lines.map((line, at) => (
        <li key={at} class={mark}>
          <code>{line}</code>
        </li>
      ))}
    </ul>
  );
}

/** A table that scrolls by itself where it is too wide. */
export function Table({ label, columns, children }: { label: string; columns: readonly string[]; children: ComponentChildren }) {
  return (
    <div class="scroll" tabIndex={0} role="region" aria-label={label}>
      <table>
        <thead>
          <tr>
            {columns.map((column) => (
              <th key={column} scope="col">
                {column}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>{children}</tbody>
      </table>
    </div>
  );
}

/** The field for the digits of an authenticator. */
export function CodeField({ label, code }: { label: string; code: Signal<string> }) {
  return (
    <label>
      {label}
      <input
        id="code"
        value={code.value}
        inputMode="numeric"
        autocomplete="one-time-code"
        maxLength={6}
        onInput={(event) => {
          code.value = event.currentTarget.value;
        }}
      />
    </label>
  );
}

/** The form to choose a password. */
export function NewPassword({ label, name }: { label: string; name: string }) {
  return (
    <label>
      {label}
      <input name={name} type="password" required minLength={12} autocomplete="new-password" aria-describedby="password-hint" />
      <small id="password-hint">{texts.passwordHint}</small>
    </label>
  );
}

/** Something that may fail, one at a time: whether it goes on, and what went wrong. */
export function useTrying(): { busy: Signal<boolean>; problem: Signal<string>; trying: (what: () => Promise<void>) => Promise<void> } {
  const busy = useSignal(false);
  const problem = useSignal("");
  const trying = async (what: () => Promise<void>) => {
    busy.value = true;
    problem.value = "";
    try {
      await what();
    } catch (why) {
      problem.value = (why as Error).message;
    }
    busy.value = false;
  };
  return { busy, problem, trying };
}

/** A moment in the reader's own time zone. */
export const moment = (ms: unknown): string =>
  typeof ms === "number" ? new Date(ms).toLocaleString(undefined, { dateStyle: "short", timeStyle: "medium" }) : "";

/** Asks once a view opens, and again when `again` changes. */
export function useAsked<T>(path: string | null, again: unknown = path): { answer: Signal<T | null>; problem: Signal<string> } {
  const answer = useSignal<T | null>(null);
  const problem = useSignal("");
  useEffect(() => {
    if (path !== null) {
      ask<T>("GET", path)
        .then((it) => {
          answer.value = it;
        })
        .catch((why: Error) => {
          problem.value = why.message;
        });
    }
  }, [again]);
  return { answer, problem };
}

/** The part of a record, by a path of names. */
export function at(record: unknown, ...names: string[]): unknown {
  return names.reduce<unknown>((it, name) => (it !== null && typeof it === "object" ? (it as Record<string, unknown>)[name] : undefined), record);
}

/** The same, as words. */
export function words(record: unknown, ...names: string[]): string {
  const found = at(record, ...names);
  return typeof found === "string" ? found : found === undefined || found === null ? "" : JSON.stringify(found);
}

/** Characters that do not show as themselves: those of the daemon's `display::visible`. */
const DECEPTIVE =
  /[\u0000-\u0008\u000b-\u001f\u007f-\u00a0\u00ad\u034f\u061c\u115f\u1160\u1680\u17b4\u17b5\u180b-\u180f\u2000-\u200f\u2028-\u202f\u205f-\u206f\u2800\u3000\u3164\ufe00-\ufe0f\ufeff\uffa0\ufff0-\ufffb\ud800-\udfff\u{1d173}-\u{1d17a}\u{e0000}-\u{e0fff}]/gu;

/** A text as it came, with everything that would not show, or would deceive, written out. The gate does this for holds; the record has
 * what was said, and a tool's input what was in it. */
export function visible(text: string): string {
  const written = text.replace(DECEPTIVE, (it) => `⟨U+${(it.codePointAt(0) ?? 0).toString(16).toUpperCase().padStart(4, "0")}⟩`);
  return written.replaceAll("\n", "⏎").replaceAll("\t", "⇥");
}

/** A value as JSON, whose lines are ours. */
export const pretty = (value: unknown): string => (JSON.stringify(value, null, 2) ?? "").split("\n").map(visible).join("\n");

/** What was asked, as it is recorded, in a line: of a tool, on what. The story of the request has all of it. */
export function act(record: unknown): string {
  const argv = at(record, "body", "request", "act", "argv");
  if (Array.isArray(argv)) {
    return visible(argv.map(String).join(" "));
  }
  const tool = words(record, "body", "request", "act", "tool");
  const input = at(record, "body", "request", "act", "input") ?? {};
  const command = words(input, "command");
  if (command !== "" || tool === "") {
    return visible(command || words(record, "body", "request", "act"));
  }
  const on = ["file_path", "notebook_path", "path", "url"].map((name) => words(input, name)).find((it) => it !== "");
  const whole = `${tool} ${on ?? JSON.stringify(input)}`;
  return visible(whole.length > MOST_OF_A_CALL ? `${whole.slice(0, MOST_OF_A_CALL)} …` : whole);
}

/** Maximum length of a call in a list. */
const MOST_OF_A_CALL = 300;
