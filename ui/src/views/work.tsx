// Where agents work, live: what each session asked for last, what of it runs and what waits, and the buttons that stop it.

import { type Signal, useSignal } from "@preact/signals";
import { useEffect } from "preact/hooks";
import { now, place } from "../state";
import { texts } from "../texts";
import { moment, Table, visible } from "./common";
import { type Stopped, Stops } from "./stopping";

export interface Session {
  agent: string;
  session: string;
  since_ms: number;
  last_ms: number;
  last: string;
  verdict: "allow" | "ask" | "deny";
  requests: number;
  asked: number;
  denied: number;
  running: number;
  waiting: number;
  recording: string | null;
  stopped: string | null;
}

export interface Work {
  sessions: Session[];
  more: number;
  stops: string[];
}

/** After how long it is tried again to hear of it, in milliseconds. */
const AGAIN = 2000;

/** Where agents work, for as long as the view is open. */
export function useWork(): { work: Signal<Work | null>; problem: Signal<string> } {
  const work = useSignal<Work | null>(null);
  const problem = useSignal("");
  useEffect(() => {
    let source: EventSource | null = null;
    let again: ReturnType<typeof setTimeout> | undefined;
    const listen = () => {
      source = new EventSource("/v1/sessions/live");
      source.addEventListener("sessions", (event) => {
        problem.value = "";
        work.value = JSON.parse((event as MessageEvent<string>).data) as Work;
      });
      // A browser does not come back by itself where it was refused.
      const later = (why: string) => {
        problem.value = why;
        source?.close();
        clearTimeout(again);
        again = setTimeout(listen, AGAIN);
      };
      source.addEventListener("problem", (event) => {
        later(JSON.parse((event as MessageEvent<string>).data) as string);
      });
      source.onerror = () => {
        later(texts.notLive);
      };
    };
    listen();
    return () => {
      clearTimeout(again);
      source?.close();
    };
  }, []);
  return { work, problem };
}

/** How long ago something was, roughly; the moment itself where that is long. */
export function ago(ms: number): string {
  const seconds = Math.max(0, Math.round((now.value - ms) / 1000));
  return seconds < 90 ? texts.secondsAgo(seconds) : seconds < 5400 ? texts.minutesAgo(Math.round(seconds / 60)) : moment(ms);
}

function Now({ session }: { session: Session }) {
  const words = [
    session.stopped === null ? "" : texts.stopped,
    session.running > 0 ? texts.run(session.running) : "",
    session.waiting > 0 ? texts.wait(session.waiting) : "",
  ].filter((it) => it !== "");
  return <span class={session.stopped !== null || session.waiting > 0 ? "warn" : ""}>{words.join(" · ")}</span>;
}

export function Working({ work, mayStop, stop }: { work: Work; mayStop: boolean; stop: (what: Stopped) => Promise<void> }) {
  return (
    <>
      <Stops stops={work.stops} />
      {work.sessions.length === 0 ? <p class="calm">{texts.nobodyWorks}</p> : null}
      {work.sessions.length > 0 ? (
        <Table label={texts.sessions} columns={texts.workColumns}>
          {work.sessions.map((it) => (
            <tr key={`${it.agent} ${it.session}`}>
              <td>
                {it.agent}
                <br />
                <code class="small">{visible(it.session)}</code>
              </td>
              <td>
                <Now session={it} />
              </td>
              <td>
                <span class={`verdict ${it.verdict}`}>{texts.verdicts[it.verdict]}</span> <span class="small">{ago(it.last_ms)}</span>
                <br />
                <code class="brief">{visible(it.last)}</code>
              </td>
              <td class="small">
                {texts.counts(it.requests, it.asked, it.denied)}
                <br />
                {texts.since(moment(it.since_ms))}
              </td>
              <td>
                {it.recording ? (
                  <button
                    type="button"
                    onClick={() => {
                      place.value = { view: "terminal", id: it.recording ?? "", live: true };
                    }}
                  >
                    {texts.watch}
                  </button>
                ) : null}{" "}
                {mayStop && it.stopped === null ? (
                  <>
                    <button type="button" class="no" aria-label={`${texts.stopSession} ${it.session}`} onClick={() => void stop({ agent: it.agent, session: it.session })}>
                      {texts.stopSession}
                    </button>{" "}
                    <button type="button" class="no" aria-label={`${texts.stopAgent} ${it.agent}`} onClick={() => void stop({ agent: it.agent })}>
                      {texts.stopAgent}
                    </button>
                  </>
                ) : null}
              </td>
            </tr>
          ))}
        </Table>
      ) : null}
      {work.more > 0 ? <p class="small">{texts.moreSessions(work.more)}</p> : null}
    </>
  );
}
