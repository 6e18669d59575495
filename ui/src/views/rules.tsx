// The rules in force: what each says, why, where it is written, until when; and those that were ended.

import { place } from "../state";
import { texts } from "../texts";
import { moment, Table, useAsked } from "./common";

interface Rule {
  id: string;
  verdict: "allow" | "ask" | "deny" | "block";
  place: string;
  reason: string | null;
  expires_ms: number | null;
  author: string | null;
  created_ms: number | null;
  request: string | null;
  text: string | null;
  removed: [number, string] | null;
}

interface Rules {
  rules: Rule[];
  policy: string;
  mode: "enforce" | "observe";
  refused: string | null;
}

/** The origin of a rule: a file, or the person who made it from an approval. */
function Origin({ rule }: { rule: Rule }) {
  if (rule.author === null) {
    return <code class="whole">{rule.place}</code>;
  }
  const { request } = rule;
  return (
    <>
      {texts.madeBy(rule.author, moment(rule.created_ms))}{" "}
      {request ? (
        <button
          type="button"
          onClick={() => {
            place.value = { view: "story", id: request };
          }}
        >
          {texts.why}
        </button>
      ) : null}
    </>
  );
}

function One({ rule }: { rule: Rule }) {
  return (
    <tr>
      <td>
        <code class="whole">{rule.id}</code>
        {rule.text ? (
          <details>
            <summary>{texts.ruleText}</summary>
            <pre class="theirs">{rule.text}</pre>
          </details>
        ) : null}
      </td>
      <td>
        <span class={`verdict ${rule.verdict}`}>{texts.says[rule.verdict] ?? rule.verdict}</span>
      </td>
      <td>{rule.reason}</td>
      <td>
        <Origin rule={rule} />
      </td>
      <td class="whole">{rule.removed ? texts.removedBy(rule.removed[1], moment(rule.removed[0])) : rule.expires_ms ? moment(rule.expires_ms) : texts.noEnd}</td>
    </tr>
  );
}

export function RulesView() {
  const { answer, problem } = useAsked<Rules>("rules");
  const found = answer.value;
  const [inForce, ended] = [found?.rules.filter((it) => !it.removed) ?? [], found?.rules.filter((it) => it.removed) ?? []];
  return (
    <>
      <h1>{texts.rules}</h1>
      <p role="alert">{problem.value}</p>
      {found?.mode === "observe" ? <p class="warn">{texts.observes}</p> : null}
      {found?.refused ? <p class="warn">{texts.refused(found.refused)}</p> : null}
      <p class="small">{texts.rulesHint}</p>
      {inForce.length > 0 ? (
        <Table label={texts.rules} columns={texts.ruleListColumns}>
          {inForce.map((it) => (
            <One key={it.id} rule={it} />
          ))}
        </Table>
      ) : null}
      {ended.length > 0 ? (
        <>
          <h2>{texts.endedRules}</h2>
          <Table label={texts.endedRules} columns={texts.ruleListColumns}>
            {ended.map((it, at) => (
              <One key={at} rule={it} />
            ))}
          </Table>
        </>
      ) : null}
    </>
  );
}
