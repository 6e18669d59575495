// One hold: everything that is known of it, and the decision.

import type { Hold } from "../api";
import { ended, holds, place } from "../state";
import { texts } from "../texts";
import { Asked } from "./asked";
import { act, Theirs, useAsked, words } from "./common";
import { Decide } from "./decide";
import { Pieces } from "./pieces";
import { Countdown } from "./queue";

/** Who acts for whom: the person, the agents from the first to the one that asks, and its session. */
function Principals({ hold }: { hold: Hold }) {
  const all = [...hold.above].reverse().concat([{ agent: hold.agent, owner: hold.owner }]);
  return (
    <>
      {all.map((it, at) => {
        const isOther = at > 0 && all[at - 1]?.owner !== it.owner;
        return (
          <span key={it.agent}>
            {at === 0 ? `${it.owner} → ` : ""}
            {it.agent}
            {isOther ? ` (${it.owner})` : ""} →{" "}
          </span>
        );
      })}
      <code>{hold.session}</code>
    </>
  );
}

export function HoldView({ id }: { id: string }) {
  const hold = holds.value.get(id);
  return (
    <>
      <button
        type="button"
        class="back"
        onClick={() => {
          place.value = { view: "queue" };
        }}
      >
        ← {texts.back}
      </button>
      {hold ? <Open hold={hold} /> : <p role="status">{texts.gone} {ended.value?.id === id ? ended.value.outcome : ""}</p>}
    </>
  );
}

/** The ten acts of the same session before this one. */
function Before({ hold }: { hold: Hold }) {
  const query = new URLSearchParams({ kind: "decision", agent: hold.agent, session: hold.session, limit: "11" });
  const { answer } = useAsked<{ records: unknown[] }>(`records?${query}`);
  const before = (answer.value?.records ?? []).filter((record) => words(record, "body", "request_digest") !== hold.request).slice(0, 10);
  if (before.length === 0) {
    return null;
  }
  return (
    <>
      <h2>{texts.before}</h2>
      <Theirs lines={before.map((record) => `${words(record, "body", "verdict")}  ${act(record)}`)} />
    </>
  );
}

/** What was approved before, with what is not in the other struck out, and what is asked, with what is new marked. */
function Difference({ from, to }: { from: string; to: string }) {
  const [before, after] = [from.split(/(\s+)/), to.split(/(\s+)/)];
  const words = (list: string[], other: string[], tag: "ins" | "del") =>
    list.map((word, at) => (word.trim() === "" || other.includes(word) ? <span key={at}>{word}</span> : tag === "ins" ? <ins key={at}>{word}</ins> : <del key={at}>{word}</del>));
  return (
    <ul class="theirs">
      <li>
        <code>{words(before, after, "del")}</code>
      </li>
      <li>
        <code>{words(after, before, "ins")}</code>
      </li>
    </ul>
  );
}

function Open({ hold }: { hold: Hold }) {
  return (
    <article>
      <div>
      <h1>
        <span class={`level ${hold.level}`}>
          {hold.level} {hold.score}
        </span>{" "}
        {hold.agent} <small>({hold.owner})</small> <Countdown hold={hold} />
      </h1>
      <h2>{texts.asks}</h2>
      <Asked hold={hold} />
      {hold.nearest !== null && hold.nearest !== hold.asked ? (
        <>
          <h2>{texts.nearest}</h2>
          <Difference from={hold.nearest} to={hold.asked} />
        </>
      ) : null}
      {hold.nearest === hold.asked ? <p class="small">{texts.approvedBefore}</p> : null}
      {hold.asked_before ? (
        <>
          <h2>{texts.askedBefore}</h2>
          <Theirs lines={[hold.asked_before]} />
        </>
      ) : null}
      <h2>{texts.claims}</h2>
      {hold.intent || hold.task ? (
        <Theirs lines={[hold.intent, hold.task].filter((it) => it !== null)} />
      ) : (
        <p class="small">{texts.noClaims}</p>
      )}
      {hold.unknowns.length > 0 ? (
        <>
          <h2 class="warn">{texts.unknowns}</h2>
          <Theirs lines={hold.unknowns} mark="warn" />
        </>
      ) : null}
      <h2>{texts.effects}</h2>
      <Pieces hold={hold} />
      <h2>{texts.because}</h2>
      <Theirs lines={hold.reasons} />
      <dl>
        <dt>{texts.risk}</dt>
        <dd>
          <ul class="factors">
            {hold.factors.map((factor) => (
              <li key={factor.name}>
                <b>{factor.points > 0 ? `+${factor.points}` : factor.points}</b> {factor.name}: <code>{factor.why}</code>
              </li>
            ))}
          </ul>
        </dd>
        <dt>{texts.undo}</dt>
        <dd>{texts.undoing[hold.reversibility] ?? hold.reversibility}</dd>
        <dt>{texts.coverage}</dt>
        <dd>{hold.coverage}</dd>
        <dt>{texts.who}</dt>
        <dd>
          <Principals hold={hold} />, user {hold.uid}
        </dd>
        <dt>{texts.where}</dt>
        <dd>
          {hold.host} <code>{hold.cwd}</code>
        </dd>
        <dt>{texts.mustAgree}</dt>
        <dd>
          {hold.who}; {texts.agreed(hold.agreed)}
          {hold.handed.map((it, at) => (
            <p key={at}>{texts.handed(it.by, it.to, it.note)}</p>
          ))}
        </dd>
      </dl>
      <Before hold={hold} />
      </div>
      <Decide hold={hold} />
    </article>
  );
}
