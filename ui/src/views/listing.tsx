// Rules, agents, people and health, as tables.

import { useSignal } from "@preact/signals";
import { useEffect } from "preact/hooks";
import { ask } from "../api";
import { texts } from "../texts";
import { Table } from "./common";

type Row = Record<string, unknown>;

const WHAT = {
  rules: { path: "rules", rows: (it: Row) => (it["rules"] as Row[]) ?? [], columns: ["id", "verdict", "reason", "place", "author"] },
  agents: { path: "agents", rows: (it: Row) => it as unknown as Row[], columns: ["name", "owner", "uid"] },
  people: { path: "people", rows: (it: Row) => it as unknown as Row[], columns: ["name", "place", "factor"] },
  health: { path: "status", rows: (it: Row) => Object.entries(it).map(([name, value]) => ({ name, value })), columns: ["name", "value"] },
} as const;

function cell(value: unknown): string {
  if (value === null || value === undefined) {
    return "";
  }
  if (Array.isArray(value)) {
    return value.map(cell).join(", ");
  }
  if (typeof value === "object") {
    return Object.values(value).map(cell).filter((it) => it !== "").join(", ");
  }
  return String(value);
}

export function Listing({ what }: { what: keyof typeof WHAT }) {
  const { path, rows, columns } = WHAT[what];
  const all = useSignal<readonly Row[]>([]);
  const problem = useSignal("");
  useEffect(() => {
    ask<Row>("GET", path)
      .then((answer) => {
        all.value = rows(answer);
      })
      .catch((why: Error) => {
        problem.value = why.message;
      });
  }, [what]);
  return (
    <>
      <h1>{texts[what]}</h1>
      <p role="alert">{problem.value}</p>
      <Table label={texts[what]} columns={columns}>
        {all.value.map((row, at) => (
          <tr key={at}>
            {columns.map((column) => (
              <td key={column}>{cell(row[column])}</td>
            ))}
          </tr>
        ))}
      </Table>
    </>
  );
}
