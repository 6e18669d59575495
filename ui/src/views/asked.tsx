// What is asked, whole: a command as it would be typed, the input of a tool field by field, an edit as what goes and what comes.

import type { ComponentChildren } from "preact";
import { useMemo } from "preact/hooks";
import type { Hold } from "../api";
import { texts } from "../texts";
import { pretty, visible } from "./common";

/** The mark for a new line in a text that was made visible. */
const NEW_LINE = "⏎";

/** A text in lines, each with the mark at its end. */
const lines = (text: string): string[] => text.split(/(?<=⏎)/u);

function Lines({ text, tag: Tag = "span" }: { text: string; tag?: "span" | "ins" | "del" }) {
  return (
    <>
      {lines(text).map((line, at) => (
        <Tag key={at}>
          {line}
          {line.endsWith(NEW_LINE) ? "\n" : ""}
        </Tag>
      ))}
    </>
  );
}

/** The most lines on each side of which it is worked out what stayed. Of more, all goes and all comes. */
const MOST_COMPARED = 1000;

/** What goes, what stays and what comes, in order: the longest lines in common stay. */
export function changes(from: readonly string[], to: readonly string[]): { text: string; tag: "span" | "ins" | "del" }[] {
  if (from.length > MOST_COMPARED || to.length > MOST_COMPARED) {
    return [...from.map((text) => ({ text, tag: "del" }) as const), ...to.map((text) => ({ text, tag: "ins" }) as const)];
  }
  // How many lines the rests have in common, from each pair of places on.
  const common = Array.from({ length: from.length + 1 }, () => new Uint16Array(to.length + 1));
  const at = (one: number, other: number): number => common[one]?.[other] ?? 0;
  for (let one = from.length - 1; one >= 0; one -= 1) {
    const row = common[one];
    for (let other = to.length - 1; row && other >= 0; other -= 1) {
      row[other] = from[one] === to[other] ? at(one + 1, other + 1) + 1 : Math.max(at(one + 1, other), at(one, other + 1));
    }
  }
  const out: { text: string; tag: "span" | "ins" | "del" }[] = [];
  let [one, other] = [0, 0];
  while (one < from.length || other < to.length) {
    const [old, next] = [from[one] ?? "", to[other] ?? ""];
    if (one < from.length && other < to.length && old === next) {
      out.push({ text: old, tag: "span" });
      one += 1;
      other += 1;
    } else if (other >= to.length || (one < from.length && at(one + 1, other) >= at(one, other + 1))) {
      out.push({ text: old, tag: "del" });
      one += 1;
    } else {
      out.push({ text: next, tag: "ins" });
      other += 1;
    }
  }
  return out;
}

function Edit({ from, to }: { from: string; to: string }) {
  // Drawn again with any change of the page; computed once.
  const all = useMemo(() => changes(lines(from), lines(to)), [from, to]);
  return (
    <pre class="theirs edit" tabIndex={0}>
      {all.map(({ text, tag }, at) => (
        <Lines key={at} text={text.endsWith(NEW_LINE) ? text : `${text}\n`} tag={tag} />
      ))}
    </pre>
  );
}

/** The fields of a tool's input; nothing where they would not be the very text that was asked and is signed: what was masked was a part of
 * its form, a number is larger than ours are exact, a name would change its place. */
function input(hold: Hold): Record<string, unknown> | null {
  const start = `${hold.tool} `;
  if (hold.tool === null || !hold.asked.startsWith(start)) {
    return null;
  }
  try {
    const asked = hold.asked.slice(start.length);
    const found: unknown = JSON.parse(asked);
    const isExact = JSON.stringify(found) === asked;
    return isExact && found !== null && typeof found === "object" && !Array.isArray(found) ? (found as Record<string, unknown>) : null;
  } catch {
    return null;
  }
}

/** What is asked, in a line: of a tool, on what. The hold itself has all of it. */
export function brief(hold: Hold): string {
  const fields = input(hold);
  const on = ["file_path", "notebook_path", "path", "url"].map((name) => fields?.[name]).find((it) => typeof it === "string");
  return typeof on === "string" ? `${hold.tool} ${visible(on)}` : hold.asked;
}

/** A value, whose lines are its own where it is a text, and ours where it is not. */
function Value({ value }: { value: unknown }) {
  return (
    <pre class="theirs" tabIndex={0}>
      {typeof value === "string" ? <Lines text={visible(value)} /> : pretty(value)}
    </pre>
  );
}

function Field({ name, children }: { name: string; children: ComponentChildren }) {
  return (
    <>
      <h3>
        <code>{visible(name)}</code>
      </h3>
      {children}
    </>
  );
}

export function Asked({ hold }: { hold: Hold }) {
  const fields = input(hold);
  const isEdit = fields !== null && typeof fields["old_string"] === "string" && typeof fields["new_string"] === "string";
  return (
    <>
      {fields === null ? (
        <pre class="theirs" tabIndex={0}>
          <Lines text={hold.asked} />
        </pre>
      ) : (
        <div class="tool">
          <p>
            {texts.tool} <code>{hold.tool}</code>
          </p>
          {Object.entries(fields)
            .filter(([name]) => !(isEdit && name === "new_string"))
            .map(([name, value]) =>
              isEdit && name === "old_string" ? (
                <Field key={name} name="old_string → new_string">
                  <Edit from={visible(String(value))} to={visible(String(fields["new_string"]))} />
                </Field>
              ) : (
                <Field key={name} name={name}>
                  <Value value={value} />
                </Field>
              ),
            )}
        </div>
      )}
      {hold.beside.length > 0 ? (
        <ul class="theirs">
          {hold.beside.map((it) => (
            <li key={it}>
              {texts.with} <code>{it}</code>
            </li>
          ))}
        </ul>
      ) : null}
    </>
  );
}
