// People sign in through a provider of single sign-on, in a real browser.

import assert from "node:assert/strict";
import { accessible, agent, BASE, browser, countersign, end, queued, SCREENSHOTS, step } from "./browser.mjs";
import { provide } from "./provider.mjs";

const accounts = { olivia: ["all", "sre"], gus: ["guests"], pat: ["sre"], patricia: [] };
const stop = await provide(Number(process.env.PROVIDER), `${BASE}v1/sign-on/callback`, accounts);

/** A browser of its own, before the sign-in page. */
async function stranger() {
  const context = await browser.newContext({ viewport: { width: 1280, height: 900 } });
  const page = await context.newPage();
  await page.goto(BASE);
  await page.waitForSelector("#sign-on");
  return page;
}

/** Somebody goes to the provider and signs in there. */
async function through(page, name) {
  await page.click("#sign-on");
  await page.waitForSelector("input[name=login]");
  await page.fill("input[name=login]", name);
  await page.fill("input[name=password]", "any");
  await page.click("button[type=submit]");
  await page.getByRole("button", { name: "Continue" }).click();
}

step("the provider is found");
for (let tries = 0; ; tries += 1) {
  const answer = await fetch(`${BASE}v1/sign-on/begin`, { redirect: "manual" });
  if (answer.headers.get("location")?.includes("code_challenge")) break;
  assert.ok(tries < 100, `the provider was not found: ${answer.headers.get("location")}`);
  await new Promise((done) => setTimeout(done, 300));
}

step("somebody of a group with a role is let in, with that role");
const olivia = await stranger();
await accessible(olivia, "signing in");
if (SCREENSHOTS) await olivia.screenshot({ path: `${SCREENSHOTS}/signon.png` });
let callback;
olivia.on("request", (request) => {
  if (request.url().includes("/v1/sign-on/callback")) callback = request.url();
});
await through(olivia, "olivia");
await olivia.waitForSelector(".calm");
await olivia.waitForSelector("text=olivia, senior");
const listed = await countersign("reviewer", "ls");
assert.match(listed.said, /olivia/);

step("they approve what asks for no more than a session");
const asked = agent(["mkdir", "by-olivia"]);
await queued(olivia, 1);
await olivia.click(".queue button");
await olivia.waitForSelector("#approve:not([disabled])");
await olivia.click("#approve");
assert.equal((await asked).status, 0);
await olivia.waitForSelector(".calm");

step("and not what asks for a signature, which they have not: no is open to them");
const signed = agent(["touch", "by-signature"]);
await queued(olivia, 1);
await olivia.click(".queue button");
await olivia.waitForSelector("text=This request needs a passkey or a code");
assert.ok(await olivia.isDisabled("#approve"));
await olivia.fill("#reason", "ask somebody with a key");
await olivia.click("#deny");
const no = await signed;
assert.equal(no.status, 126);
assert.match(no.said, /ask somebody with a key/);
await olivia.waitForSelector(".calm");

step("what is the very same is shown as one, and takes one answer");
const three = [1, 2, 3].map(() => agent(["mkdir", "-p", "same"]));
await olivia.waitForSelector("text=2 more");
await olivia.click(".queue button");
await olivia.waitForSelector("text=2 identical");
await accessible(olivia, "a hold with others");
await olivia.click("#approve");
assert.deepEqual((await Promise.all(three)).map((it) => it.status), [0, 0, 0]);
await olivia.waitForSelector(".calm");

step("a question reaches the agent, and stands beside its answer");
const first = agent(["mkdir", "-p", "why"]);
await queued(olivia, 1);
await olivia.click(".queue button");
await olivia.click("#ask");
await olivia.waitForSelector("text=Write your question");
await olivia.fill("#reason", "what for?");
await olivia.click("#ask");
const question = await first;
assert.equal(question.status, 126);
assert.match(question.said, /a reviewer asks: what for\?/);
await olivia.waitForSelector(".calm");
const answered = agent(["mkdir", "-p", "why"], "for the release of today");
await queued(olivia, 1);
await olivia.click(".queue button");
await olivia.waitForSelector("text=A reviewer asked about this before");
await olivia.waitForSelector("text=for the release of today");

step("a hold is handed over");
await olivia.click("summary");
await olivia.selectOption("#hand-to", "pat");
await olivia.click("#hand-over");
await olivia.waitForSelector("text=olivia handed this to pat");
if (SCREENSHOTS) await olivia.screenshot({ path: `${SCREENSHOTS}/handed.png`, fullPage: true });
await olivia.click("#approve");
assert.equal((await answered).status, 0);

step("a notice on the device is shown, and is text");
await olivia.context().grantPermissions(["notifications"], { origin: new URL(BASE).origin });
const tools = await olivia.context().newCDPSession(olivia);
const registered = new Promise((done) => {
  tools.on("ServiceWorker.workerRegistrationUpdated", ({ registrations }) => registrations[0] && done(registrations[0].registrationId));
});
await tools.send("ServiceWorker.enable");
await olivia.evaluate(() => navigator.serviceWorker.register("/sw.js").then(() => navigator.serviceWorker.ready).then(() => undefined));
const data = JSON.stringify({ title: "Somebody is asked for", body: "bot asks: mkdir <b>x</b>", tag: "hold_1", closed: false });
await tools.send("ServiceWorker.deliverPushMessage", { origin: new URL(BASE).origin, registrationId: await registered, data });
const notices = () =>
  olivia.evaluate(async () => {
    const shown = await (await navigator.serviceWorker.ready).getNotifications();
    return shown.map(({ title, body, tag }) => ({ title, body, tag }));
  });
let shown = [];
for (let tries = 0; shown.length === 0 && tries < 100; tries += 1) {
  await olivia.waitForTimeout(50);
  shown = await notices();
}
assert.deepEqual(shown, [{ title: "Somebody is asked for", body: "bot asks: mkdir <b>x</b>", tag: "hold_1" }]);

step("what brought them in serves once, and in no other browser");
const thief = await stranger();
for (const page of [thief, olivia]) {
  const answer = await page.request.get(callback, { maxRedirects: 0 });
  assert.equal(answer.headers()["location"], "/#sign-on=late", `${answer.status()} ${await answer.text()}`);
}
await thief.goto(callback);
await thief.waitForSelector("text=started in another browser");

step("somebody without a role is not let in, and whoever takes a name that is here is not either");
for (const name of ["gus", "pat"]) {
  const page = await stranger();
  await through(page, name);
  await page.waitForSelector("text=Sign-in refused");
  await page.context().close();
}

step("somebody who is here already is who the operator says, with the role that they have here");
const pat = await stranger();
await through(pat, "patricia");
await pat.waitForSelector("text=pat, operator");
await pat.context().close();

step("a role follows the provider; one that is taken away ends what is open");
accounts.olivia = ["all"];
const again = await stranger();
await through(again, "olivia");
await again.waitForSelector("text=olivia, viewer");
accounts.olivia = [];
const gone = await stranger();
await through(gone, "olivia");
await gone.waitForSelector("text=Sign-in refused");
await olivia.reload();
await olivia.waitForSelector("#sign-on");

stop();
await end();
