// The agents: who answers for each, where it belongs, how far it is trusted, what it does now; and a button that stops it.

import { texts } from "../texts";
import { moment, Table, useAsked } from "./common";
import { Stops, useStopping } from "./stopping";
import { ago, useWork, type Session } from "./work";

interface Agent {
  name: string;
  owner: string;
  under: string | null;
  uid: number | null;
  place: { env: string | null; groups: string[]; trust: number };
  created_ms: number;
}

/** What an agent does now, of all its sessions. */
function Now({ sessions }: { sessions: readonly Session[] }) {
  const sum = (of: (it: Session) => number): number => sessions.reduce((all, it) => all + of(it), 0);
  const [running, waiting] = [sum((it) => it.running), sum((it) => it.waiting)];
  const last = Math.max(0, ...sessions.map((it) => it.last_ms));
  const words = [running > 0 ? texts.run(running) : "", waiting > 0 ? texts.wait(waiting) : "", last > 0 ? ago(last) : texts.notSeen];
  return <>{words.filter((it) => it !== "").join(" · ")}</>;
}

/** Whether a flag stops an agent as a whole: everything, it, or one on whose orders it acts. */
function isStopped(stops: readonly string[], agent: Agent, all: readonly Agent[]): boolean {
  const above = all.find((it) => it.name === agent.under);
  return stops.includes("stop") || stops.includes(`stop:${agent.name}`) || (above !== undefined && isStopped(stops, above, all));
}

export function Agents() {
  const { answer, problem } = useAsked<Agent[]>("agents");
  const { work } = useWork();
  const { mayStop, said, stop } = useStopping();
  const all = answer.value ?? [];
  const stops = work.value?.stops ?? [];
  return (
    <>
      <h1>{texts.agents}</h1>
      <p class="small">{texts.agentsHint}</p>
      <p role="status">{said.value}</p>
      <p role="alert">{problem.value}</p>
      <Stops stops={stops} />
      {all.length > 0 ? (
        <Table label={texts.agents} columns={texts.agentColumns}>
          {all.map((it) => (
            <tr key={it.name}>
              <td>
                <b>{it.name}</b>
                {it.under ? <div class="small">{texts.under(it.under)}</div> : null}
              </td>
              <td>{it.owner}</td>
              <td>
                {[it.place.env ?? "", ...it.place.groups.map((group) => `@${group}`)].filter((word) => word !== "").join(" ")}
                <div class="small">{texts.trust(it.place.trust)}</div>
              </td>
              <td>{it.uid === null ? <span class="small">{texts.noAccount}</span> : texts.account(it.uid)}</td>
              <td>{moment(it.created_ms)}</td>
              <td>
                {isStopped(stops, it, all) ? <span class="warn">{texts.stopped}</span> : <Now sessions={(work.value?.sessions ?? []).filter((session) => session.agent === it.name)} />}
              </td>
              <td>
                {mayStop && !isStopped(stops, it, all) ? (
                  <button type="button" class="no" aria-label={`${texts.stopAgent} ${it.name}`} onClick={() => void stop({ agent: it.name })}>
                    {texts.stopAgent}
                  </button>
                ) : null}
              </td>
            </tr>
          ))}
        </Table>
      ) : null}
    </>
  );
}
