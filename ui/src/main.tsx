// The reviewer's dashboard.

import "./style.css";
import { effect } from "@preact/signals";
import { render } from "preact";
import { ask } from "./api";
import { askToNotify, begin, connection, entry, holds, matters, notifies, place, type Place, signedOut, sound, who } from "./state";
import { texts } from "./texts";
import { Agents } from "./views/agents";
import { Enrol } from "./views/enrol";
import { Health } from "./views/health";
import { HoldView } from "./views/hold";
import { Me } from "./views/me";
import { People } from "./views/people";
import { Queue, selected } from "./views/queue";
import { Records, Story } from "./views/record";
import { Reports } from "./views/reports";
import { RulesView } from "./views/rules";
import { Sessions, Terminal } from "./views/sessions";
import { SignIn } from "./views/signin";

const TABS = ["queue", "sessions", "record", "reports", "rules", "agents", "people", "health"] as const;

function Page() {
  if (entry.value) {
    return <Enrol />;
  }
  if (who.value === undefined) {
    return <p role="status">{connection.value === "away" ? texts.away : texts.connecting}</p>;
  }
  if (who.value === null) {
    return <SignIn />;
  }
  const at = place.value;
  return (
    <>
      <header>
        <strong>{texts.name}</strong>
        <nav aria-label={texts.name}>
          {TABS.map((tab) => (
            <button
              type="button"
              key={tab}
              aria-current={at.view === tab ? "page" : undefined}
              onClick={() => {
                place.value = { view: tab };
              }}
            >
              {texts[tab]}
              {tab === "queue" && holds.value.size > 0 ? ` (${holds.value.size})` : ""}
            </button>
          ))}
        </nav>
        <span class="me">
          <button
            type="button"
            aria-current={at.view === "me" ? "page" : undefined}
            onClick={() => {
              place.value = { view: "me" };
            }}
          >
            {who.value.name}, {who.value.role}
          </button>
          <label>
            <input
              type="checkbox"
              checked={sound.value}
              onChange={(event) => {
                sound.value = event.currentTarget.checked;
              }}
            />
            {texts.sound}
          </label>
          {"Notification" in globalThis ? (
            <label>
              <input type="checkbox" checked={notifies.value} disabled={notifies.value} onChange={() => void askToNotify()} />
              {texts.notify}
            </label>
          ) : null}
          <button
            type="button"
            onClick={() => {
              void ask("DELETE", "session").finally(signedOut);
            }}
          >
            {texts.signOut}
          </button>
        </span>
      </header>
      {connection.value === "away" ? (
        <p class="away" role="alert">
          {texts.away}
        </p>
      ) : null}
      <main>
        <View at={at} />
      </main>
      <footer>{at.view === "queue" || at.view === "hold" ? texts.keys : ""}</footer>
    </>
  );
}

function View({ at }: { at: Place }) {
  switch (at.view) {
    case "queue":
      return <Queue />;
    case "hold":
      return <HoldView key={at.id} id={at.id} />;
    case "record":
      return <Records />;
    case "story":
      return <Story key={at.id} id={at.id} />;
    case "sessions":
      return <Sessions />;
    case "terminal":
      return <Terminal key={at.id} id={at.id} live={at.live} />;
    case "reports":
      return <Reports />;
    case "me":
      return <Me />;
    case "rules":
      return <RulesView />;
    case "agents":
      return <Agents />;
    case "people":
      return <People />;
    case "health":
      return <Health />;
  }
}

effect(() => {
  const waiting = holds.value.size;
  document.title = waiting > 0 ? `(${waiting}) ${texts.name}` : texts.name;
  // On the icon of the installed page.
  void navigator.setAppBadge?.(waiting).catch(() => undefined);
});

document.addEventListener("keydown", (event) => {
  const typing = event.target instanceof HTMLInputElement || event.target instanceof HTMLTextAreaElement;
  if (event.key === "Escape" && place.value.view === "hold") {
    place.value = { view: "queue" };
    event.preventDefault();
    return;
  }
  if (typing || event.ctrlKey || event.metaKey || event.altKey || !who.value) {
    return;
  }
  if (place.value.view === "queue") {
    const all = matters.value.map(({ hold }) => hold);
    const at = Math.max(0, all.findIndex((hold) => hold.id === selected.value));
    const move = { j: 1, ArrowDown: 1, k: -1, ArrowUp: -1 }[event.key];
    if (move !== undefined) {
      selected.value = all[Math.min(all.length - 1, Math.max(0, at + move))]?.id ?? null;
      event.preventDefault();
    }
    const hold = all[at];
    if (event.key === "Enter" && hold && !(event.target instanceof HTMLButtonElement)) {
      place.value = { view: "hold", id: hold.id };
      event.preventDefault();
    }
  } else if (place.value.view === "hold") {
    const button = { a: "approve", d: "deny" }[event.key];
    if (button) {
      document.getElementById(button)?.focus();
      event.preventDefault();
    }
  }
});

const root = document.getElementById("app");
if (root) {
  render(<Page />, root);
  void begin();
}
