// The decision on one hold: approve once, approve and remember, deny with a reason, ask the agent. Those that are the same go with it.

import { useSignal } from "@preact/signals";
import { useEffect } from "preact/hooks";
import { ask, type Candidate, type Hold } from "../api";
import { signAnswer, usable } from "../passkey";
import { forget, now, place, together, twins, who } from "../state";
import { texts } from "../texts";
import { CodeField, Theirs } from "./common";
import { HandOver } from "./handover";

/** How long something risky is on the screen before it can be approved, in milliseconds. */
const DWELL = 3000;

/** For how long a rule may last. */
const HOURS: Record<string, number> = { "1 h": 1, "8 h": 8, "7 d": 168 };

/** A rule as in a file: the candidate with an id, a reason and an end. */
function ruleOf(candidate: Candidate, until: string, reason: string): string {
  const id = `made.${Array.from(crypto.getRandomValues(new Uint8Array(4)), (it) => it.toString(16).padStart(2, "0")).join("")}`;
  const end = new Date(Date.now() + (HOURS[until] ?? 1) * 3_600_000).toISOString().replace(/\.\d+Z$/, "Z");
  return `[[rule]]\nid = "${id}"\nreason = ${JSON.stringify(reason)}\nexpires = ${end}\n${candidate.text}`;
}

export function Decide({ hold }: { hold: Hold }) {
  const me = who.value;
  const code = useSignal("");
  const word = useSignal("");
  const reason = useSignal("");
  const problem = useSignal("");
  const said = useSignal("");
  const busy = useSignal(false);
  const opened = useSignal(Date.now());
  const rules = useSignal<Candidate[]>([]);
  const rule = useSignal("");
  const ruleReason = useSignal("");
  const until = useSignal("8 h");
  const withOthers = useSignal(true);
  const makesRules = me?.role === "senior" || me?.role === "operator";
  useEffect(() => {
    if (makesRules) {
      void ask<{ candidates: Candidate[] }>("GET", `holds/${hold.id}/rules`)
        .then((answer) => {
          rules.value = answer.candidates;
        })
        .catch(() => undefined);
    }
  }, [hold.id]);
  if (!me || me.role === "auditor" || me.role === "viewer") {
    return <p>{texts.readsOnly}</p>;
  }
  const signs = usable && me.passkeys.length > 0;
  const codes = me.factor === "totp" && hold.assurance !== "signature";
  const isFree = hold.assurance === "session";
  // A reviewer who cannot approve here can still deny, or ask.
  const approves = signs || codes || isFree;
  const risky = hold.level === "high" || hold.level === "critical";
  const wait = risky ? Math.min(3, Math.max(0, Math.ceil((opened.value + DWELL - now.value) / 1000))) : 0;
  const wordMissing = hold.level === "critical" && word.value.trim().toLowerCase() !== texts.word;
  const [same, group] = [twins(hold), together(hold)];
  const answer = async (verdict: "approve" | "deny" | "ask") => {
    const digits = code.value.trim();
    const withCode = codes && (digits !== "" || !signs);
    const free = hold.assurance === "session" || verdict !== "approve";
    if (verdict === "ask" && reason.value.trim() === "") {
      problem.value = texts.needsQuestion;
      document.getElementById("reason")?.focus();
      return;
    }
    if (withCode && !(free && digits === "") && !/^[0-9]{6}$/.test(digits)) {
      problem.value = texts.needsCode;
      document.getElementById("code")?.focus();
      return;
    }
    busy.value = true;
    problem.value = "";
    const chosen = rules.value.find((it) => it.text === rule.value);
    const told = verdict !== "approve" && reason.value.trim() !== "" ? reason.value.trim() : undefined;
    const made =
      verdict === "approve" && chosen
        ? { text: ruleOf(chosen, until.value, ruleReason.value.trim()), reason: ruleReason.value.trim() }
        : undefined;
    const also = withOthers.value ? (verdict === "approve" ? same : group) : [];
    const body: Record<string, unknown> = { said: verdict, reason: told, rule: made, also: also.map((it) => it.id) };
    try {
      if (withCode && digits !== "") {
        body["proof"] = { code: digits };
      } else if (signs && !(free && !made)) {
        body["proof"] = { passkey: await signAnswer(hold, also, verdict, me.passkeys, made, told) };
      }
      const heard = await ask<{ state?: string; agreed?: number; needed?: number; also?: number; what?: string }>(
        "POST",
        `holds/${hold.id}/answer`,
        body,
      );
      code.value = "";
      if (heard.state === "open") {
        said.value = texts.counted(heard.agreed ?? 0, heard.needed ?? 0);
      } else {
        // Of several, some may have been decided meanwhile, or wait for others: the news tells which.
        forget(heard.also === also.length ? [hold, ...also].map((it) => it.id) : [hold.id]);
        place.value = { view: "queue" };
      }
    } catch (why) {
      problem.value = (why as Error).message;
    }
    busy.value = false;
  };
  return (
    <section class="decide" aria-label={texts.mustAgree}>
      {approves ? null : me.factor === "ssh" ? (
        <>
          <p>{texts.withKey}</p>
          <pre>countersign approve {hold.id} --as {me.name} --ssh-key FILE</pre>
        </>
      ) : (
        <p>{me.factor === "passkey" && me.passkeys.length === 0 ? texts.noFactor : texts.needsKey}</p>
      )}
      {codes ? <CodeField label={signs ? texts.codeOrPasskey : texts.code} code={code} /> : null}
      {rules.value.length > 0 ? (
        <fieldset>
          <legend>{texts.remember}</legend>
          {[{ what: texts.noRule as string, text: "" }, ...rules.value].map((it) => (
            <label key={it.text} class="choice">
              <input
                type="radio"
                name="rule"
                checked={rule.value === it.text}
                onChange={() => {
                  rule.value = it.text;
                }}
              />
              <span>{it.what}</span>
            </label>
          ))}
          {rules.value
            .filter((it) => it.text === rule.value)
            .map((it) => (
              <div key={it.text} class="small">
                {texts.wouldRun} <Theirs lines={it.releases} />
                {texts.wouldAsk} <Theirs lines={it.refuses} />
                <label>
                  {texts.until}{" "}
                  <select
                    value={until.value}
                    onChange={(event) => {
                      until.value = event.currentTarget.value;
                    }}
                  >
                    {Object.keys(HOURS).map((word) => (
                      <option key={word}>{word}</option>
                    ))}
                  </select>
                </label>
              </div>
            ))}
          {rule.value !== "" ? (
            <label>
              {texts.ruleReason}
              <input
                value={ruleReason.value}
                onInput={(event) => {
                  ruleReason.value = event.currentTarget.value;
                }}
              />
            </label>
          ) : null}
        </fieldset>
      ) : null}
      {hold.level === "critical" ? (
        <label>
          {texts.typeWord(texts.word)}
          <input
            id="word"
            value={word.value}
            autocomplete="off"
            onInput={(event) => {
              word.value = event.currentTarget.value;
            }}
          />
        </label>
      ) : null}
      <label>
        {texts.reason}
        <input
          id="reason"
          value={reason.value}
          maxLength={500}
          onInput={(event) => {
            reason.value = event.currentTarget.value;
          }}
        />
      </label>
      {group.length > 0 ? (
        <label class="choice">
          <input
            id="also"
            type="checkbox"
            checked={withOthers.value}
            onChange={(event) => {
              withOthers.value = event.currentTarget.checked;
            }}
          />
          <span>{texts.alsoThese(same.length, group.length)}</span>
        </label>
      ) : null}
      <p class="small">{texts.allows(hold.needed, withOthers.value ? same.length : 0, rule.value === "" ? "" : until.value)}</p>
      <div class="buttons">
        <button
          id="approve"
          type="button"
          class="yes"
          disabled={busy.value || wait > 0 || wordMissing || !approves}
          onClick={() => void answer("approve")}
        >
          {wait > 0 ? texts.dwell(wait) : signs && code.value === "" && !isFree ? texts.signed : texts.approve}
        </button>
        <button id="deny" type="button" class="no" disabled={busy.value} onClick={() => void answer("deny")}>
          {texts.deny}
        </button>
        <button id="ask" type="button" disabled={busy.value} onClick={() => void answer("ask")}>
          {texts.askAgent}
        </button>
      </div>
      <p role="alert">{problem.value}</p>
      <p role="status">{said.value}</p>
      <HandOver hold={hold} />
    </section>
  );
}
