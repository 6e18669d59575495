// People enrol themselves in a real browser: the first from the link that the terminal shows, with a passkey (a virtual authenticator,
// as the browser's own tools have it); another from an invitation, with an authenticator app. Then they answer with them.

import assert from "node:assert/strict";
import { accessible, agent, BASE, code, countersign, end, page, people, queued, SCREENSHOTS, step } from "./browser.mjs";

/** A page whose computer has an authenticator of its own. */
async function withAuthenticator() {
  const opened = await page();
  const tools = await opened.context().newCDPSession(opened);
  await tools.send("WebAuthn.enable");
  await tools.send("WebAuthn.addVirtualAuthenticator", {
    options: { protocol: "ctap2", transport: "internal", hasResidentKey: true, hasUserVerification: true, isUserVerified: true },
  });
  return opened;
}

/** Sets up an authenticator app from the page, as its camera would. */
async function scan(page, name, password) {
  await page.waitForSelector(".qr");
  const uri = await page.textContent("#uri");
  people[name] = { secret: new URL(uri).searchParams.get("secret") };
  await page.fill("input[name=password]", password);
  await page.fill("input[name=code]", code(name));
  await page.getByRole("button", { name: "Use this app" }).click();
  await page.waitForSelector("#recovery");
  const codes = (await page.textContent("#recovery")).split("\n");
  await page.click("#kept");
  await page.waitForSelector("header");
  return codes;
}

step("the very first enrols from the link in the terminal, with a passkey");
const first = await countersign("reviewer", "invite", "--page", BASE);
assert.equal(first.status, 0, first.said);
const link = first.said.split("\n").find((line) => line.startsWith("http"));
const rita = await withAuthenticator();
await rita.goto(link);
await rita.waitForSelector("input[name=name]");
await accessible(rita, "the welcome");
await rita.fill("input[name=name]", "rita");
await rita.keyboard.press("Enter");
await rita.waitForSelector("#make");
await accessible(rita, "setting up");
if (SCREENSHOTS) await rita.screenshot({ path: `${SCREENSHOTS}/enrol.png`, fullPage: true });
await rita.click("#make");
await rita.waitForSelector("#recovery");
assert.equal((await rita.textContent("#recovery")).split("\n").length, 8);
await accessible(rita, "recovery codes");
await rita.click("#kept");
await rita.waitForSelector(".calm");

step("the link served once");
const late = await withAuthenticator();
await late.goto(link);
await late.fill("input[name=name]", "mallory");
await late.keyboard.press("Enter");
await late.waitForSelector("text=this enrolment link is no longer valid");
await late.context().close();

step("an operator invites another with their passkey, who uses an app");
await rita.getByRole("button", { name: "rita, operator" }).click();
await rita.fill("input[name=name]", "sam");
await rita.selectOption("select[name=role]", "senior");
await accessible(rita, "me");
await rita.getByRole("button", { name: "Make a link" }).click();
const invitation = await rita.textContent("#link");
const sam = await withAuthenticator();
await sam.goto(invitation);
await sam.keyboard.press("Tab");
await sam.getByRole("button", { name: "Go on" }).click();
const codes = await scan(sam, "sam", "wagon lamp orbit tea");

step("what is critical takes both: a signature and a code");
const critical = agent(["bash", "--norc"]);
await rita.getByRole("button", { name: "Queue" }).click();
await queued(rita, 1);
await rita.click(".queue button");
await rita.fill("#word", "approve");
await rita.waitForTimeout(3600);
await rita.click("#approve");
await rita.waitForSelector("text=Your approval counts: 1 of at least 2.");
await queued(sam, 1);
await sam.click(".queue button");
await sam.waitForSelector(".decide");
await sam.fill("#word", "approve");
await sam.fill("#code", code("sam"));
await sam.waitForTimeout(3600);
await sam.click("#approve");
assert.equal((await critical).status, 0);
await rita.keyboard.press("Escape");
await rita.waitForSelector(".calm");

step("a hold that asks for a signature takes no code; a signature for one hold serves no other");
const signed = agent(["touch", "./signed"]);
await queued(sam, 1);
await sam.click(".queue button").catch(() => undefined);
await sam.waitForSelector("text=This hold needs a signature");
await rita.click(".queue button");
const asked = rita.waitForRequest((request) => request.url().endsWith("/answer"));
await rita.waitForSelector("#approve:not([disabled])");
await rita.click("#approve");
const used = (await asked).postDataJSON();
assert.ok(used.proof.passkey.signature, "no signature was sent");
await rita.waitForSelector(".calm");
assert.equal((await signed).status, 0, "approved by a signature");
const again = agent(["touch", "./signed"]);
await queued(rita, 1);
const [other] = await (await rita.request.get(`${BASE}v1/holds`)).json();
const replay = await rita.request.post(`${BASE}v1/holds/${other.id}/answer`, { data: used });
assert.equal(replay.status(), 409);
assert.match((await replay.json()).detail, /signed for something else/);

step("a page that hides something gets a signature for what it showed, and that counts for nothing");
await rita.evaluate(() => {
  const parse = JSON.parse;
  JSON.parse = (text) => parse(text, (name, value) => (name === "asked" ? "touch ./harmless" : value));
});
const hidden = agent(["touch", "./hidden"]);
await queued(rita, 2);
await rita.click(".queue li:first-child button");
await rita.waitForSelector("#approve:not([disabled])");
assert.match(await rita.textContent("article"), /harmless/);
await rita.click("#approve");
await rita.waitForSelector("text=signed for something else");
await rita.reload();
await queued(rita, 2);
for (const left of [1, 0]) {
  await rita.click(".queue li:first-child button");
  await rita.click("#deny");
  await queued(rita, left).catch(() => rita.waitForSelector(".calm"));
}
assert.deepEqual([(await again).status, (await hidden).status], [126, 126]);

step("somebody signs in with a passkey");
await rita.getByRole("button", { name: "Sign out" }).click();
await rita.waitForSelector("#passkey");
await rita.click("#passkey");
await rita.waitForSelector("header");

step("whoever lost their app sets up anew with a recovery code, and the old one serves no more");
await sam.getByRole("button", { name: "Sign out" }).click();
await sam.getByRole("button", { name: "I lost what I sign in with" }).click();
await accessible(sam, "recovery");
await sam.fill("input[name=name]", "sam");
await sam.fill("input[name=code]", codes[0]);
await sam.getByRole("button", { name: "Go on" }).click();
await scan(sam, "sam", "harbour nine violet");
const twice = await sam.request.post(`${BASE}v1/enrolment`, { data: { recovery: { name: "sam", code: codes[0] } } });
assert.equal(twice.status(), 409);

step("a code alone signs nobody in who has a password");
const next = code("sam");
const alone = await sam.request.post(`${BASE}v1/session`, { data: { name: "sam", proof: { code: next } } });
assert.equal(alone.status(), 401);
await sam.getByRole("button", { name: "Sign out" }).click();
await sam.fill("input[name=name]", "sam");
await sam.fill("input[name=password]", "harbour nine violet");
await sam.fill("input[name=code]", next);
await accessible(sam, "signing in with a password");
if (SCREENSHOTS) await sam.screenshot({ path: `${SCREENSHOTS}/signin.png` });
await sam.getByRole("button", { name: "Sign in", exact: true }).click();
await sam.waitForSelector("header");

step("they choose another password on their own page, and stay signed in");
await sam.getByRole("button", { name: "sam, senior" }).click();
await sam.fill("#password", "harbour nine violet");
await sam.fill("input[name=new-password]", "copper sky ninety");
await sam.fill("#code", code("sam"));
await accessible(sam, "changing the password");
await sam.getByRole("button", { name: "Change the password" }).click();
await sam.waitForSelector("text=Password changed");
await sam.reload();
await sam.waitForSelector("header");
await end();
