// The people: what each may do, to which groups they belong, and what they prove themselves with.

import { place, who } from "../state";
import { texts } from "../texts";
import { moment, Table, useAsked } from "./common";

interface Person {
  name: string;
  factor: "totp" | "ssh" | "passkey";
  passkeys: number;
  place: { role: string; groups: string[] };
  created_ms: number;
}

/** The factors of a person, in words. */
function proofs(person: Person): string {
  const own = texts.factors[person.factor] ?? person.factor;
  return person.factor !== "passkey" && person.passkeys === 0 ? own : [person.factor === "passkey" ? "" : own, texts.passkeys(person.passkeys)].filter((it) => it !== "").join(", ");
}

export function People() {
  const { answer, problem } = useAsked<Person[]>("people");
  const all = answer.value ?? [];
  return (
    <>
      <h1>{texts.people}</h1>
      <p class="small">{texts.peopleHint}</p>
      {who.value?.role === "operator" ? (
        <button
          type="button"
          onClick={() => {
            place.value = { view: "me" };
          }}
        >
          {texts.invite}
        </button>
      ) : null}
      <p role="alert">{problem.value}</p>
      {all.length > 0 ? (
        <Table label={texts.people} columns={texts.personColumns}>
          {all.map((it) => (
            <tr key={it.name}>
              <td>
                <b>{it.name}</b>
              </td>
              <td>
                {it.place.role}
                <div class="small">{texts.roles[it.place.role] ?? ""}</div>
              </td>
              <td>{it.place.groups.map((group) => `@${group}`).join(" ")}</td>
              <td>{proofs(it)}</td>
              <td>{moment(it.created_ms)}</td>
            </tr>
          ))}
        </Table>
      ) : null}
    </>
  );
}
