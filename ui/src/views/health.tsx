// How things are: what protects, what does not, and what to do about it.

import { who } from "../state";
import { texts } from "../texts";
import { moment, Table, useAsked } from "./common";

interface Status {
  pid: number;
  uid: number;
  web_uid: number | null;
  version: string;
  policy: string;
  rules: number;
  mode: "enforce" | "observe";
  preset: string | null;
  refused: string | null;
  flags: string[];
  agents: number;
  reviewers: number;
  holds: number;
  broken_glass: number;
  broken_glass_overdue: number;
  records: number;
  certificate_until_s: number | null;
}

/** One thing that is looked at: whether it is as it should be, and what is to be done if not. */
interface Finding {
  what: string;
  is: string;
  tone: "good" | "care" | "bad";
  todo?: string;
}

/** What is worst comes first. */
const ORDER = { bad: 0, care: 1, good: 2 } as const;

const DAY_MS = 86_400_000;

function certificate(until_s: number | null): Finding {
  const { certificate: what } = texts.findings;
  if (until_s === null) {
    return { what, is: texts.noTls, tone: location.protocol === "https:" || ["localhost", "127.0.0.1"].includes(location.hostname) ? "good" : "care" };
  }
  const left = until_s * 1000 - Date.now();
  const tone = left < 3 * DAY_MS ? "bad" : left < 14 * DAY_MS ? "care" : "good";
  return { what, is: texts.goodUntil(moment(until_s * 1000)), tone, ...(tone === "good" ? {} : { todo: texts.renew }) };
}

function findings(it: Status): Finding[] {
  const me = who.value?.name ?? "YOU";
  const { findings: what } = texts;
  return [
    it.mode === "enforce"
      ? { what: what.mode, is: texts.enforces(it.rules, it.preset ?? "—"), tone: "good" }
      : { what: what.mode, is: texts.observes, tone: "bad", todo: "countersign policy use strict" },
    it.refused === null
      ? { what: what.policy, is: it.policy.slice(0, 16), tone: "good" }
      : { what: what.policy, is: texts.refused(it.refused), tone: "bad", todo: "countersign policy lint" },
    ...it.flags.map((flag): Finding => ({ what: what.flag, is: flag, tone: "care", todo: `countersign flag clear ${flag} --as ${me}` })),
    { what: what.record, is: texts.recordsSoFar(it.records), tone: "good" },
    { what: what.holds, is: String(it.holds), tone: "good" },
    it.broken_glass === 0
      ? { what: what.glass, is: texts.noGlass, tone: "good" }
      : { what: what.glass, is: texts.brokenGlass(it.broken_glass, it.broken_glass_overdue), tone: it.broken_glass_overdue > 0 ? "bad" : "care", todo: "countersign break-glass ls" },
    it.uid === 0
      ? { what: what.account, is: texts.isRoot, tone: "bad", todo: texts.ownAccounts }
      : { what: what.account, is: texts.account(it.uid), tone: "good" },
    it.web_uid === null
      ? { what: what.gate, is: texts.sameAccount, tone: "care", todo: texts.ownAccounts }
      : { what: what.gate, is: texts.account(it.web_uid), tone: "good" },
    certificate(it.certificate_until_s),
    { what: what.agents, is: String(it.agents), tone: it.agents === 0 ? "care" : "good" },
    { what: what.people, is: String(it.reviewers), tone: it.reviewers < 2 ? "care" : "good", ...(it.reviewers < 2 ? { todo: texts.onePerson } : {}) },
    { what: what.version, is: `${it.version} (${texts.process(it.pid)})`, tone: "good" },
  ];
}

export function Health() {
  const { answer, problem } = useAsked<Status>("status");
  return (
    <>
      <h1>{texts.health}</h1>
      <p role="alert">{problem.value}</p>
      {answer.value ? (
        <Table label={texts.health} columns={texts.healthColumns}>
          {findings(answer.value)
            .sort((one, other) => ORDER[one.tone] - ORDER[other.tone])
            .map((it) => (
            <tr key={`${it.what} ${it.is}`}>
              <td>
                <span class={`tone ${it.tone}`}>{texts.tones[it.tone]}</span>
              </td>
              <td>{it.what}</td>
              <td>{it.is}</td>
              <td>{it.todo && /^(countersign|sudo) /.test(it.todo) ? <code>{it.todo}</code> : it.todo}</td>
            </tr>
          ))}
        </Table>
      ) : null}
      <p class="small">{texts.doctorHint}</p>
    </>
  );
}
