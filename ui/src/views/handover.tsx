// Handing a hold to another reviewer.

import { useSignal } from "@preact/signals";
import { ask, type Hold } from "../api";
import { who } from "../state";
import { texts } from "../texts";
import { useAsked } from "./common";

interface Person {
  name: string;
  place: { role: string };
}

const ANSWERS = ["reviewer", "senior", "operator"];

export function HandOver({ hold }: { hold: Hold }) {
  const { answer } = useAsked<Person[]>("people");
  const to = useSignal("");
  const note = useSignal("");
  const said = useSignal("");
  const others = (answer.value ?? []).filter(
    (it) => it.name !== who.value?.name && it.name !== hold.owner && !hold.above.some((above) => above.owner === it.name) && ANSWERS.includes(it.place.role),
  );
  if (others.length === 0) {
    return null;
  }
  const give = async () => {
    try {
      const heard = await ask<{ what: string }>("POST", `holds/${hold.id}/hand-over`, {
        to: to.value,
        note: note.value.trim() === "" ? undefined : note.value.trim(),
      });
      said.value = heard.what;
    } catch (why) {
      said.value = (why as Error).message;
    }
  };
  return (
    <details>
      <summary>{texts.handOver}</summary>
      <label>
        {texts.handTo}{" "}
        <select
          id="hand-to"
          value={to.value}
          onChange={(event) => {
            to.value = event.currentTarget.value;
          }}
        >
          <option value="">–</option>
          {others.map((it) => (
            <option key={it.name} value={it.name}>
              {it.name} ({it.place.role})
            </option>
          ))}
        </select>
      </label>
      <label>
        {texts.handNote}
        <input
          value={note.value}
          maxLength={500}
          onInput={(event) => {
            note.value = event.currentTarget.value;
          }}
        />
      </label>
      <button id="hand-over" type="button" disabled={to.value === ""} onClick={() => void give()}>
        {texts.handOver}
      </button>
      <p role="status">{said.value}</p>
    </details>
  );
}
