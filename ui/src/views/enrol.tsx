// Enrolment of a factor: from a link, with a recovery code, or a further one.

import { useSignal } from "@preact/signals";
import { useEffect } from "preact/hooks";
import { ask } from "../api";
import { make, usable } from "../passkey";
import { begin, entry } from "../state";
import { texts } from "../texts";
import { NewPassword, useTrying } from "./common";

interface Enrolment {
  ticket: string;
  name: string;
  role: string;
  totp_uri: string;
  qr: string[];
  challenge: string;
  takes_password: boolean;
}

/** A QR code, drawn as one path. */
function Qr({ rows }: { rows: readonly string[] }) {
  const size = rows.length + 8;
  const path = rows.flatMap((row, y) => [...row].map((it, x) => (it === "#" ? `M${x + 4} ${y + 4}h1v1h-1z` : ""))).join("");
  return (
    <svg class="qr" viewBox={`0 0 ${size} ${size}`} role="img" aria-label={texts.qr}>
      <rect width={size} height={size} fill="#fff" />
      <path d={path} fill="#000" />
    </svg>
  );
}

export function Enrol() {
  const way = entry.value;
  const { busy, problem, trying } = useTrying();
  const started = useSignal<Enrolment | null>(null);
  const recovery = useSignal<readonly string[] | null>(null);
  const start = (body: unknown) =>
    trying(async () => {
      started.value = await ask<Enrolment>("POST", "enrolment", body);
    });
  useEffect(() => {
    if (way && !("invite" in way)) {
      void start(way);
    }
  }, [way]);
  if (!way) {
    return null;
  }
  const finish = (factor: () => Promise<unknown>) =>
    void trying(async () => {
      const body = { ticket: started.value?.ticket, ...((await factor()) as object) };
      const { recovery: codes } = await ask<{ recovery: string[] }>("POST", "enrolment/finish", body);
      recovery.value = codes;
      if (codes.length === 0) {
        await leave();
      }
    });
  const leave = async () => {
    entry.value = null;
    history.replaceState(null, "", location.pathname);
    await begin();
  };
  const setUp = started.value;
  if (recovery.value && recovery.value.length > 0) {
    return (
      <main class="signin">
        <h1>{texts.recoveryTitle}</h1>
        <p>{texts.recoveryKeep}</p>
        <pre id="recovery" tabIndex={0}>
          {recovery.value.join("\n")}
        </pre>
        <button id="kept" type="button" class="yes" onClick={() => void leave()}>
          {texts.recoveryKept}
        </button>
      </main>
    );
  }
  if (!setUp) {
    return (
      <main class="signin">
        <h1>{texts.welcome}</h1>
        {"invite" in way ? (
          <form
            onSubmit={(event) => {
              event.preventDefault();
              const name = String(new FormData(event.currentTarget).get("name")).trim();
              void start({ invite: { token: way.invite, name: name || null } });
            }}
          >
            <label>
              {texts.yourName}
              <input name="name" autocomplete="username" autofocus aria-describedby="hint" />
            </label>
            <small id="hint">{texts.nameHint}</small>
            <button type="submit" disabled={busy.value}>
              {texts.go}
            </button>
          </form>
        ) : null}
        <p role="alert">{problem.value}</p>
      </main>
    );
  }
  return (
    <main class="signin">
      <h1>{texts.setUp(setUp.name, setUp.role)}</h1>
      {usable ? (
        <section>
          <h2>{texts.passkey}</h2>
          <p class="small">{texts.passkeyWhy}</p>
          <button
            id="make"
            type="button"
            class="yes"
            disabled={busy.value}
            onClick={() =>
              finish(async () => ({
                passkey: { ...(await make(setUp.challenge, setUp.name)), label: navigator.platform || texts.passkey },
              }))
            }
          >
            {texts.passkeyMake}
          </button>
        </section>
      ) : (
        <p class="small">{texts.passkeyNot}</p>
      )}
      <section>
        <h2>{texts.authenticator}</h2>
        <p class="small">{texts.authenticatorHow}</p>
        <Qr rows={setUp.qr} />
        <details>
          <summary>{texts.noCamera}</summary>
          <code id="uri">{setUp.totp_uri}</code>
        </details>
        <form
          onSubmit={(event) => {
            event.preventDefault();
            const given = new FormData(event.currentTarget);
            const code = String(given.get("code")).trim();
            const password = given.get("password");
            finish(async () => ({ code, password }));
          }}
        >
          {setUp.takes_password ? (
            <NewPassword label={texts.passwordChoose} name="password" />
          ) : null}
          <label>
            {texts.code}
            <input name="code" required inputMode="numeric" pattern="[0-9]{6}" autocomplete="one-time-code" />
          </label>
          <button type="submit" disabled={busy.value}>
            {texts.useAuthenticator}
          </button>
        </form>
      </section>
      <p role="alert">{problem.value}</p>
    </main>
  );
}
