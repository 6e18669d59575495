// Signing in: a name and a code.

import { useSignal } from "@preact/signals";
import { ask } from "../api";
import { begin } from "../state";
import { texts } from "../texts";

export function SignIn() {
  const problem = useSignal("");
  const busy = useSignal(false);
  const submit = async (event: SubmitEvent) => {
    event.preventDefault();
    const given = new FormData(event.currentTarget as HTMLFormElement);
    busy.value = true;
    problem.value = "";
    try {
      await ask("POST", "session", { name: String(given.get("name")).trim(), code: String(given.get("code")).trim() });
      await begin();
    } catch (why) {
      problem.value = (why as Error).message;
    }
    busy.value = false;
  };
  return (
    <main class="signin">
      <h1>{texts.name}</h1>
      <form onSubmit={submit}>
        <label>
          {texts.yourName}
          <input name="name" required autocomplete="username" autofocus />
        </label>
        <label>
          {texts.code}
          <input
            name="code"
            required
            inputMode="numeric"
            pattern="[0-9]{6}"
            autocomplete="one-time-code"
            aria-describedby="hint"
          />
        </label>
        <small id="hint">{texts.codeHint}</small>
        <button type="submit" disabled={busy.value}>
          {texts.signIn}
        </button>
        <p role="alert">{problem.value}</p>
      </form>
    </main>
  );
}
