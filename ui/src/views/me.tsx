// Oneself: another factor; and for operators, invitations.

import { useSignal } from "@preact/signals";
import { useEffect } from "preact/hooks";
import { ask } from "../api";
import { signChange, usable } from "../passkey";
import { canPush, pushKey, setPush } from "../push";
import { entry, who } from "../state";
import { texts } from "../texts";
import { CodeField, NewPassword } from "./common";

/** A proof for a change in words: a passkey's signature, or the code that was typed. */
async function prove(change: string, code: string): Promise<unknown> {
  const me = who.value;
  if (code === "" && usable && me && me.passkeys.length > 0) {
    return { passkey: (await signChange(change, me.passkeys)).said };
  }
  return { code };
}

export function Me() {
  const me = who.value;
  const code = useSignal("");
  const password = useSignal("");
  const problem = useSignal("");
  const link = useSignal("");
  const said = useSignal("");
  const key = useSignal<string | null>(null);
  useEffect(() => {
    if (canPush) {
      void pushKey()
        .then((it) => {
          key.value = it;
        })
        .catch(() => undefined);
    }
  }, []);
  if (!me) {
    return null;
  }
  const trying = async (what: () => Promise<void>) => {
    problem.value = "";
    try {
      await what();
    } catch (why) {
      problem.value = (why as Error).message;
    }
    code.value = "";
    password.value = "";
  };
  /** The code with the password of a person who has one: for changes that could let another person in. */
  const account = (proof: unknown) => ({ ...(proof as object), password: "code" in (proof as object) ? password.value || null : null });
  const another = () =>
    void trying(async () => {
      entry.value = { own: { name: me.name, proof: account(await prove("enrol", code.value.trim())) } };
    });
  const change = (event: SubmitEvent) => {
    event.preventDefault();
    const form = event.currentTarget as HTMLFormElement;
    const chosen = String(new FormData(form).get("new-password"));
    void trying(async () => {
      said.value = "";
      await ask("POST", "session/password", { password: chosen, proof: account({ code: code.value.trim() }) });
      said.value = texts.passwordChanged;
      form.reset();
    });
  };
  const invite = (event: SubmitEvent) => {
    event.preventDefault();
    const given = new FormData(event.currentTarget as HTMLFormElement);
    const word = (name: string) => String(given.get(name)).trim();
    const groups = word("groups").split(/\s+/).filter((it) => it !== "");
    void trying(async () => {
      const [name, role] = [word("name"), word("role")];
      const proof = await prove(`invite person ${name}\nrole ${role}\ngroups ${groups.join(" ")}`, code.value.trim());
      const { token } = await ask<{ token: string }>("POST", "invites", { name, role, groups, proof });
      link.value = `${location.origin}/#setup=${token}`;
    });
  };
  return (
    <div class="decide">
      <h1>
        {me.name}, {me.role}
      </h1>
      <CodeField label={me.passkeys.length > 0 && usable ? texts.codeOrPasskey : texts.code} code={code} />
      {me.factor === "totp" ? (
        <label>
          {texts.password}
          <input
            id="password"
            type="password"
            autocomplete="current-password"
            value={password.value}
            aria-describedby="none"
            onInput={(event) => {
              password.value = event.currentTarget.value;
            }}
          />
          <small id="none">{texts.passwordNone}</small>
        </label>
      ) : null}
      <button id="another" type="button" onClick={another}>
        {texts.another}
      </button>
      {key.value !== null
        ? [true, false].map((on) => (
            <button
              key={String(on)}
              id={on ? "push-on" : "push-off"}
              type="button"
              onClick={() =>
                void trying(async () => {
                  said.value = await setPush(key.value ?? "", on);
                })
              }
            >
              {on ? texts.pushOn : texts.pushOff}
            </button>
          ))
        : null}
      {me.factor === "totp" ? (
        <form onSubmit={change}>
          <NewPassword label={texts.passwordNew} name="new-password" />
          <button type="submit">{texts.passwordChange}</button>
        </form>
      ) : null}
      <p role="status">{said.value}</p>
      {me.role === "operator" ? (
        <form onSubmit={invite}>
          <h2>{texts.invite}</h2>
          <label>
            {texts.theirName}
            <input name="name" required autocomplete="off" />
          </label>
          <label>
            {texts.role}{" "}
            <select name="role">
              {["reviewer", "senior", "operator", "viewer", "auditor"].map((role) => (
                <option key={role}>{role}</option>
              ))}
            </select>
          </label>
          <label>
            {texts.groupsOf}
            <input name="groups" autocomplete="off" />
          </label>
          <button type="submit">{texts.inviteMake}</button>
        </form>
      ) : null}
      {link.value !== "" ? (
        <p role="status">
          {texts.inviteLink} <code id="link">{link.value}</code>
        </p>
      ) : null}
      <p role="alert">{problem.value}</p>
    </div>
  );
}
