// Where agents work, and terminals that were recorded: those that go on, live; those that ended, with the decisions on their time line.

import "asciinema-player/dist/bundle/asciinema-player.css";
import { useSignal } from "@preact/signals";
import { useEffect, useRef } from "preact/hooks";
import { place } from "../state";
import { texts } from "../texts";
import { moment, Table, useAsked, visible } from "./common";
import { useStopping } from "./stopping";
import { useWork, Working } from "./work";

interface Recording {
  recording: string;
  agent: string;
  session: string;
  request_digest: string;
  title: string;
  began_ms: number;
  state: "recording" | "ended" | "cut";
  millis: number;
  redacted: string | null;
}

export function Sessions() {
  const { work, problem: notLive } = useWork();
  const { mayStop, said, stop } = useStopping();
  // A terminal that began or ended is another list of terminals.
  const live = (work.value?.sessions ?? []).map((it) => it.recording ?? "").join(" ");
  const { answer, problem } = useAsked<Recording[]>("recordings", live);
  const ended = (answer.value ?? []).filter((it) => it.state !== "recording");
  return (
    <>
      <h1>{texts.sessions}</h1>
      {mayStop ? (
        <button id="stop" type="button" class="no" onClick={() => void stop({})}>
          {texts.stopAll}
        </button>
      ) : null}
      <p role="status">{said.value}</p>
      <p role="alert">{notLive.value || problem.value}</p>
      {work.value ? <Working work={work.value} mayStop={mayStop} stop={stop} /> : null}
      <h2>{texts.terminals}</h2>
      {ended.length === 0 ? <p class="small">{texts.noRecordings}</p> : null}
      {ended.length > 0 ? (
        <Table label={texts.terminals} columns={texts.sessionColumns}>
          {ended.map((it) => (
            <tr key={it.recording}>
              <td>{moment(it.began_ms)}</td>
              <td>{it.agent}</td>
              <td>
                <code>{visible(it.session)}</code>
              </td>
              <td>
                <code>{visible(it.title)}</code>
              </td>
              <td>{`${Math.round(it.millis / 1000)} s`}</td>
              <td>
                <button
                  type="button"
                  onClick={() => {
                    place.value = { view: "terminal", id: it.recording, live: false };
                  }}
                >
                  {texts.replay}
                </button>
              </td>
            </tr>
          ))}
        </Table>
      ) : null}
    </>
  );
}

/** One terminal, in the stock player. */
export function Terminal({ id, live }: { id: string; live: boolean }) {
  const box = useRef<HTMLDivElement>(null);
  const problem = useSignal("");
  const markers = useSignal<ReadonlyArray<readonly [number, string]>>([]);
  const player = useRef<{ seek: (to: number) => unknown; dispose: () => void } | null>(null);
  useEffect(() => {
    let isGone = false;
    const start = async () => {
      const { create } = await import("asciinema-player");
      const path = `/v1/recordings/${encodeURIComponent(id)}/${live ? "live" : "cast"}`;
      let source: unknown = { driver: "eventsource", url: path };
      if (!live) {
        const answer = await fetch(path, { credentials: "same-origin" });
        const text = await answer.text();
        if (!answer.ok) {
          throw new Error(String((JSON.parse(text) as { detail?: string }).detail ?? answer.statusText));
        }
        const events = text.split("\n").slice(1).filter((line) => line !== "").map((line) => JSON.parse(line) as [number, string, string]);
        markers.value = events.filter((it) => it[1] === "m").map((it) => [it[0], it[2]] as const);
        source = { data: text };
      }
      if (!isGone && box.current) {
        player.current = create(source as never, box.current, { fit: "width", idleTimeLimit: 2, autoPlay: live, terminalFontFamily: "monospace" });
      }
    };
    start().catch((why: Error) => {
      problem.value = why.message;
    });
    return () => {
      isGone = true;
      player.current?.dispose();
    };
  }, [id, live]);
  return (
    <>
      <button
        type="button"
        class="back"
        onClick={() => {
          place.value = { view: "sessions" };
        }}
      >
        ← {texts.sessions}
      </button>
      <h1>
        {live ? texts.live : texts.replay} <small>{id}</small>
      </h1>
      <p class="small">{live ? texts.liveHint : texts.replayHint}</p>
      <p role="alert">{problem.value}</p>
      <div class="terminal" ref={box} />
      {markers.value.length > 0 ? (
        <>
          <h2>{texts.decisions}</h2>
          <ol class="markers">
            {markers.value.map(([time, text], index) => (
              <li key={index}>
                <button type="button" class="back" onClick={() => void player.current?.seek(time)}>
                  {time.toFixed(1)} s
                </button>{" "}
                <code>{visible(text)}</code>
              </li>
            ))}
          </ol>
        </>
      ) : null}
    </>
  );
}
