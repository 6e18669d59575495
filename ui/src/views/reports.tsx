// Reports: what was asked and how fast it was answered, by day, person and rule; plots, and the numbers to take away.

import "uplot/dist/uPlot.min.css";
import { useSignal } from "@preact/signals";
import { useEffect, useRef } from "preact/hooks";
import type uPlot from "uplot";
import { texts } from "../texts";
import { Table, useAsked, visible } from "./common";

interface Day {
  day_ms: number;
  requests: number;
  allowed: number;
  asked: number;
  denied: number;
  answers: number;
  median_ms: number | null;
  average_score: number;
}

interface Figures {
  days: Day[];
  people: { name: string; answers: number; approved: number; busiest_day: number; median_ms: number | null; agreed: number; differed: number; canaries: number; canaries_approved: number }[];
  rules: { rule: string; asked: number; approved: number; denied: number }[];
  often: { asked: string; approved: number }[];
  alerts: string[];
}

/** Lines over days. */
function Plot({ label, days, span, most, lines }: { label: string; days: readonly Day[]; span: number; most?: number; lines: readonly { name: string; of: (day: Day) => number | null; colour: string }[] }) {
  const box = useRef<HTMLDivElement>(null);
  useEffect(() => {
    let plot: uPlot | undefined;
    let isGone = false;
    void import("uplot").then(({ default: Plot }) => {
      if (isGone || !box.current) {
        return;
      }
      const ink = getComputedStyle(document.documentElement).getPropertyValue("--faint") || "#888";
      plot = new Plot(
        {
          title: label,
          width: Math.min(box.current.clientWidth || 600, 900),
          height: 220,
          cursor: { drag: { x: false, y: false } },
          axes: [{ stroke: ink }, { stroke: ink }],
          scales: { x: { range: () => [Date.now() / 1000 - span * 86400, Date.now() / 1000] }, y: { range: (_plot, _low, high) => [0, most ?? Math.max(1, (high ?? 0) * 1.1)] } },
          series: [{}, ...lines.map(({ name, colour }) => ({ label: name, stroke: colour, width: 2, points: { show: true } }))],
        },
        [days.map((day) => day.day_ms / 1000), ...lines.map(({ of }) => days.map(of))],
        box.current,
      );
    });
    return () => {
      isGone = true;
      plot?.destroy();
    };
  }, [days]);
  return <div class="plot" role="img" aria-label={label} ref={box} />;
}

const seconds = (ms: number | null): string => (ms === null ? "" : `${(ms / 1000).toFixed(1)} s`);

export function Reports() {
  const days = useSignal(30);
  const { answer, problem } = useAsked<Figures>(`reports?days=${days.value}`);
  const link = useSignal("");
  const figures = answer.value;
  useEffect(() => {
    if (!figures) {
      return;
    }
    const columns = ["day", "requests", "allowed", "asked", "denied", "answers", "median_ms", "average_score"] as const;
    const rows = figures.days.map((day) => [new Date(day.day_ms).toISOString().slice(0, 10), day.requests, day.allowed, day.asked, day.denied, day.answers, day.median_ms ?? "", day.average_score].join(","));
    const url = URL.createObjectURL(new Blob([[columns.join(","), ...rows].join("\n") + "\n"], { type: "text/csv" }));
    link.value = url;
    return () => URL.revokeObjectURL(url);
  }, [figures]);
  return (
    <>
      <h1>{texts.reports}</h1>
      <label>
        {texts.days}{" "}
        <select
          value={days.value}
          onChange={(event) => {
            days.value = Number(event.currentTarget.value);
          }}
        >
          {[7, 30, 90, 365].map((count) => (
            <option key={count}>{count}</option>
          ))}
        </select>
      </label>{" "}
      <a href={link.value} download="countersign.csv">
        {texts.download}
      </a>
      <p role="alert">{problem.value}</p>
      {figures ? (
        <>
          {figures.alerts.map((alert) => (
            <p key={alert} class="warn" role="status">
              {alert}
            </p>
          ))}
          <Plot
            label={texts.plotRequests}
            days={figures.days} span={days.value}
            lines={[
              { name: texts.allowed, of: (day) => day.allowed, colour: "#2f8f57" },
              { name: texts.asked, of: (day) => day.asked, colour: "#b98500" },
              { name: texts.denied, of: (day) => day.denied, colour: "#c2304a" },
            ]}
          />
          <Plot label={texts.plotHit} most={100} days={figures.days} span={days.value} lines={[{ name: "%", of: (day) => (day.requests === 0 ? null : (100 * day.allowed) / day.requests), colour: "#2f8f57" }]} />
          <Plot label={texts.plotTime} days={figures.days} span={days.value} lines={[{ name: "s", of: (day) => (day.median_ms === null ? null : day.median_ms / 1000), colour: "#3a6ea5" }]} />
          <Plot label={texts.plotRisk} days={figures.days} span={days.value} lines={[{ name: texts.risk, of: (day) => day.average_score, colour: "#b4502a" }]} />
          <h2>{texts.people}</h2>
          <Table label={texts.people} columns={texts.peopleColumns}>
            {figures.people.map((it) => (
              <tr key={it.name}>
                <td>{it.name}</td>
                <td>{it.answers}</td>
                <td>{it.answers === 0 ? "" : `${Math.round((100 * it.approved) / it.answers)} %`}</td>
                <td>{it.busiest_day}</td>
                <td>{seconds(it.median_ms)}</td>
                <td>{it.agreed + it.differed === 0 ? "" : `${Math.round((100 * it.agreed) / (it.agreed + it.differed))} %`}</td>
                <td>{it.canaries === 0 ? "" : `${it.canaries_approved} / ${it.canaries}`}</td>
              </tr>
            ))}
          </Table>
          <h2>{texts.rules}</h2>
          <Table label={texts.rules} columns={texts.ruleColumns}>
            {figures.rules.map((it) => (
              <tr key={it.rule}>
                <td>{it.rule}</td>
                <td>{it.asked}</td>
                <td>{it.approved}</td>
                <td>{it.denied}</td>
              </tr>
            ))}
          </Table>
          {figures.often.length > 0 ? (
            <>
              <h2>{texts.often}</h2>
              <ul class="theirs">
                {figures.often.map((it) => (
                  <li key={it.asked}>
                    {it.approved} × <code>{visible(it.asked)}</code>
                  </li>
                ))}
              </ul>
            </>
          ) : null}
        </>
      ) : null}
    </>
  );
}
