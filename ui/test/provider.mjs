// A provider of single sign-on for the tests: the certified one of the npm registry, with people of ours.

import Provider from "oidc-provider";

/** Starts it; `accounts` are names and their groups, and may change while it runs. */
export async function provide(port, redirect, accounts) {
  const warn = console.warn;
  console.warn = () => undefined;
  const provider = new Provider(`http://localhost:${port}`, {
    clients: [{ client_id: "gate", client_secret: "a-secret-of-the-gate", redirect_uris: [redirect] }],
    scopes: ["openid", "profile", "groups"],
    claims: { profile: ["preferred_username"], groups: ["groups"] },
    conformIdTokenClaims: false,
    findAccount: (_context, id) =>
      accounts[id] && {
        accountId: id,
        claims: () => ({ sub: `subject-of-${id}`, preferred_username: id, groups: accounts[id] }),
      },
  });
  const server = await new Promise((done) => {
    const listening = provider.listen(port, "127.0.0.1", () => done(listening));
  });
  console.warn = warn;
  return () => server.close();
}
