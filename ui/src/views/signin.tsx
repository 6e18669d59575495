// Signing in: with a passkey, or with a name and a code.

import { useSignal } from "@preact/signals";
import { ask } from "../api";
import { signChange, usable } from "../passkey";
import { begin, entry } from "../state";
import { texts } from "../texts";
import { useAsked, useTrying } from "./common";

/** What became of a sign-in with the provider, by the word in the address. */
const outcome = /^#sign-on=(late|away|refused)$/.exec(location.hash)?.[1] as keyof typeof texts.signOnOutcome | undefined;

export function SignIn() {
  const { busy, problem, trying } = useTrying();
  const recovering = useSignal(false);
  const { answer: offered } = useAsked<{ name: string | null }>("sign-on");
  const submit = (event: SubmitEvent) => {
    event.preventDefault();
    const given = new FormData(event.currentTarget as HTMLFormElement);
    const [name, code] = [String(given.get("name")).trim(), String(given.get("code")).trim()];
    const password = String(given.get("password") ?? "");
    void trying(async () => {
      if (recovering.value) {
        entry.value = { recovery: { name, code } };
      } else {
        await ask("POST", "session", { name, proof: { code, password: password || null } });
        await begin();
      }
    });
  };
  const withPasskey = () =>
    void trying(async () => {
      const { said, user } = await signChange("sign in", []);
      await ask("POST", "session", { name: user, proof: { passkey: said } });
      await begin();
    });
  return (
    <main class="signin">
      <h1>{texts.name}</h1>
      {usable && !recovering.value ? (
        <button id="passkey" type="button" class="yes" disabled={busy.value} onClick={withPasskey}>
          {texts.signInWithPasskey}
        </button>
      ) : null}
      {offered.value?.name && !recovering.value ? (
        <a id="sign-on" class="button" href="/v1/sign-on/begin">
          {texts.signOn(offered.value.name)}
        </a>
      ) : null}
      {outcome ? <p role="alert">{texts.signOnOutcome[outcome]}</p> : null}
      <form onSubmit={submit}>
        <label>
          {texts.yourName}
          <input name="name" required autocomplete="username" autofocus />
        </label>
        {recovering.value ? null : (
          <label>
            {texts.password}
            <input name="password" type="password" autocomplete="current-password" aria-describedby="none" />
            <small id="none">{texts.passwordNone}</small>
          </label>
        )}
        <label>
          {recovering.value ? texts.recoveryCode : texts.code}
          <input
            name="code"
            required
            inputMode={recovering.value ? "text" : "numeric"}
            pattern={recovering.value ? "[A-Za-z2-7 -]{16,24}" : "[0-9]{6}"}
            autocomplete={recovering.value ? "off" : "one-time-code"}
            aria-describedby="hint"
          />
        </label>
        <small id="hint">{recovering.value ? texts.recoveryHint : texts.codeHint}</small>
        <button type="submit" disabled={busy.value}>
          {recovering.value ? texts.go : texts.signIn}
        </button>
        <p role="alert">{problem.value}</p>
      </form>
      <button
        type="button"
        class="back"
        onClick={() => {
          recovering.value = !recovering.value;
        }}
      >
        {recovering.value ? texts.signIn : texts.lost}
      </button>
    </main>
  );
}
