// The record: search, the story of one request, and whether it all holds.

import { useSignal } from "@preact/signals";
import { ask } from "../api";
import { place } from "../state";
import { texts } from "../texts";
import { act, at, moment, pretty, Table, useAsked, visible, words } from "./common";

interface Page {
  records: unknown[];
  next: number | null;
}

/** What happened, in a few words. */
function summary(record: unknown): string {
  const of = (...names: string[]) => words(record, "body", ...names);
  const all = (...parts: string[]) => parts.filter((it) => it.trim() !== "").join(" · ");
  switch (words(record, "kind")) {
    case "decision":
      return all(of("verdict"), `${of("level")} ${of("score")}`, act(record));
    case "answer":
      return all(of("said"), `${of("reviewer")} ${of("assurance")}`, of("state"), of("why"));
    case "permit":
      return all(of("state"), of("why"));
    case "outcome":
      return all(of("exit") && `exit ${of("exit")}`, of("signal") && `signal ${of("signal")}`, of("outcome"), of("millis") && `${of("millis")} ms`);
    default:
      return all(of("what"), of("state"), of("reviewer"), of("agent"), of("flag"), of("rule"), of("why"));
  }
}

export function Records() {
  const query = useSignal(new URLSearchParams({ limit: "50" }));
  const more = useSignal<unknown[]>([]);
  const next = useSignal<number | null | undefined>(undefined);
  const verified = useSignal("");
  const { answer, problem } = useAsked<Page>(`records?${query.value}`);
  const search = (event: SubmitEvent) => {
    event.preventDefault();
    const wanted = new URLSearchParams({ limit: "50" });
    new FormData(event.currentTarget as HTMLFormElement).forEach((value, name) => {
      if (String(value).trim() !== "") {
        wanted.set(name, String(value).trim());
      }
    });
    more.value = [];
    next.value = undefined;
    query.value = wanted;
  };
  const older = async () => {
    const before = next.value ?? answer.value?.next;
    const page = await ask<Page>("GET", `records?${query.value}&before=${before}`);
    more.value = [...more.value, ...page.records];
    next.value = page.next;
  };
  const verify = async () => {
    verified.value = texts.verifying;
    try {
      const found = await ask<{ holds: boolean; records: number; wrong: string | null; millis: number }>("POST", "records/verify");
      verified.value = found.holds ? texts.holds(found.records, found.millis) : texts.doesNotHold(found.wrong ?? "");
    } catch (why) {
      verified.value = (why as Error).message;
    }
  };
  const all = [...(answer.value?.records ?? []), ...more.value];
  const hasMore = next.value === undefined ? answer.value?.next : next.value;
  return (
    <>
      <h1>{texts.record}</h1>
      <form class="filter" onSubmit={search} role="search">
        <label>
          {texts.text}
          <input name="grep" />
        </label>
        <label>
          {texts.agent}
          <input name="agent" />
        </label>
        <label>
          {texts.kind}{" "}
          <select name="kind">
            {["", "decision", "answer", "permit", "outcome", "recording", "change", "access", "refusal", "start"].map((kind) => (
              <option key={kind}>{kind}</option>
            ))}
          </select>
        </label>
        <label>
          {texts.verdict}{" "}
          <select name="verdict">
            {["", "allow", "ask", "deny"].map((verdict) => (
              <option key={verdict}>{verdict}</option>
            ))}
          </select>
        </label>
        <button type="submit">{texts.search}</button>
        <button id="verify" type="button" onClick={() => void verify()}>
          {texts.verify}
        </button>
      </form>
      <p role="status">{verified.value}</p>
      <p role="alert">{problem.value}</p>
      <Table label={texts.record} columns={texts.recordColumns}>
        {all.map((record) => {
          const digest = words(record, "body", "request_digest");
          return (
            <tr key={words(record, "seq")}>
              <td>{words(record, "seq")}</td>
              <td>{moment(at(record, "at_ms"))}</td>
              <td>{words(record, "kind")}</td>
              <td>{words(record, "body", "request", "agent")}</td>
              <td>
                <code>{visible(summary(record))}</code>
              </td>
              <td>
                {digest !== "" ? (
                  <button
                    type="button"
                    class="back"
                    onClick={() => {
                      place.value = { view: "story", id: digest };
                    }}
                  >
                    {texts.why}
                  </button>
                ) : null}
              </td>
            </tr>
          );
        })}
      </Table>
      {hasMore ? (
        <button type="button" onClick={() => void older()}>
          {texts.older}
        </button>
      ) : null}
    </>
  );
}

/** The whole story of one request. */
export function Story({ id }: { id: string }) {
  const { answer, problem } = useAsked<unknown[]>(`requests/${encodeURIComponent(id)}`);
  return (
    <>
      <button
        type="button"
        class="back"
        onClick={() => {
          place.value = { view: "record" };
        }}
      >
        ← {texts.record}
      </button>
      <h1>{texts.story}</h1>
      <p>
        <code>{id}</code>
      </p>
      <p role="alert">{problem.value}</p>
      <ol class="story">
        {(answer.value ?? []).map((record) => (
          <li key={words(record, "seq")}>
            <b>
              {words(record, "kind")} {words(record, "seq")}
            </b>{" "}
            {moment(at(record, "at_ms"))}
            <pre class="theirs" tabIndex={0}>
              {pretty(at(record, "body"))}
            </pre>
          </li>
        ))}
      </ol>
    </>
  );
}
