// The dashboard in a real browser, with real people's codes and a real agent. `testkit/tests/dashboard.rs` starts everything and
// runs this; it says what it does, and fails at the first thing that is not as it should be.

import assert from "node:assert/strict";
import { accessible, agent, BASE, code, end, hook, open, queued, SCREENSHOTS, step } from "./browser.mjs";

step("somebody signs in, and nothing waits");
const rita = await open("rita");
await rita.waitForSelector(".calm");

step("markup in every field that an agent controls is text, and its no comes with a reason");
const evil = `<img src=x onerror=alert(1)><script>alert(2)</script>\u202egnp.exe\u001b[31m`;
const denied = agent(["mkdir", `/tmp/${evil.replaceAll("/", "")}`], evil);
await queued(rita, 1);
assert.equal(await rita.title(), "(1) Countersign");
await rita.keyboard.press("Enter");
await rita.waitForSelector(".decide");
const shown = await rita.textContent("article");
assert.ok(shown.includes("<img src=x onerror=alert(1)>"), shown);
assert.equal(await rita.locator("article img, article script").count(), 0);
assert.ok(!/[\u0000-\u0008\u000b-\u001f\u202a-\u202e\u2066-\u2069]/.test(shown), "control or bidirectional characters");
await accessible(rita, "a hold");
await rita.keyboard.press("d");
assert.equal(await rita.evaluate(() => document.activeElement.id), "deny");
await rita.fill("#code", code("rita"));
await rita.fill("#reason", "use /tmp/build instead");
await rita.focus("#deny");
await rita.keyboard.press("Enter");
const no = await denied;
assert.equal(no.status, 126);
assert.match(no.said, /a reviewer said no: use \/tmp\/build instead/);
await rita.waitForSelector(".calm");

step("what is asked is laid out piece by piece, each with what it would do, and what is not known is marked in it");
const several = agent(["bash", "-c", 'mkdir -p build && rm -rf ./build/cache "$OUT" && curl -s https://example.com/x > x'], "make room, then fetch the new list");
await queued(rita, 1);
assert.match(await rita.locator(".queue li").first().textContent(), /needs \d reviewer/);
await rita.keyboard.press("Enter");
await rita.waitForSelector(".pieces");
const pieces = await rita.locator(".pieces > li").allTextContents();
assert.equal(pieces.length, 3, "the shell around them is no piece beside them");
assert.match(pieces[0], /^mkdir -p build/);
assert.match(pieces[1], /removes or empties \S+\/build\/cache, and all below it/);
assert.doesNotMatch(pieces[1], /example/);
assert.match(pieces[2], /writes \S+\/x .*connects to the host example.com/s);
assert.equal(await rita.textContent(".pieces mark"), '"$OUT"');
const [says, does] = await rita.evaluate(() => ["What the agent says of itself", "What it would do"].map((it) => [...document.querySelectorAll("article h2")].findIndex((h2) => h2.textContent === it)));
assert.ok(says >= 0 && does - says <= 2, "what it says stands beside what it would do");
assert.match(await rita.textContent(".decide"), /An approval lets exactly this run, once: these bytes/);
await accessible(rita, "a hold in pieces");
if (SCREENSHOTS) await rita.screenshot({ path: `${SCREENSHOTS}/hold.png`, fullPage: true });
// A no takes no more than the session.
await rita.keyboard.press("d");
await rita.keyboard.press("Enter");
assert.equal((await several).status, 126);
await rita.waitForSelector(".calm");

step("the input of a tool stands field by field, an edit as what goes and what comes, and nothing in it passes for ours");
const edit = hook("Edit", { file_path: "a.py", old_string: "def a():\n    return 1\n", new_string: "def a():\n    return 2 # \u202e<b>\u001b[2J⏎\n", replace_all: false });
await queued(rita, 1);
assert.equal(await rita.textContent(".queue .asked"), "Edit a.py");
await rita.keyboard.press("Enter");
await rita.waitForSelector(".edit");
assert.equal(await rita.textContent(".edit del"), "    return 1⏎\n");
assert.equal(await rita.textContent(".edit ins"), "    return 2 # ⟨U+202E⟩<b>⟨U+001B⟩[2J⟨U+23CE⟩⏎\n");
assert.equal(await rita.locator(".edit b").count(), 0);
assert.match(await rita.textContent(".tool"), /file_path.*a\.py.*replace_all.*false/s);
await accessible(rita, "an edit");
if (SCREENSHOTS) await rita.screenshot({ path: `${SCREENSHOTS}/edit.png` });
await rita.keyboard.press("d");
await rita.keyboard.press("Enter");
assert.match((await edit).said, /deny/);
await rita.waitForSelector(".calm");

step("what our numbers cannot hold is not laid out as another");
const large = hook("mcp__bank__pay", '{"account":9007199254740993}');
await queued(rita, 1);
await rita.keyboard.press("Enter");
await rita.waitForSelector(".decide");
assert.match(await rita.textContent("article"), /9007199254740993/);
await rita.keyboard.press("d");
await rita.keyboard.press("Enter");
assert.match((await large).said, /deny/);
await rita.waitForSelector(".calm");

step("what a host's shell is told beside the command is shown, and not taken for nothing");
const beside = hook("Bash", { command: "ls", description: "look", dangerouslyDisableSandbox: true });
await queued(rita, 1);
await rita.keyboard.press("Enter");
await rita.waitForSelector("article >> text=dangerouslyDisableSandbox: true");
assert.match(await rita.textContent("article"), /the host would run it outside its sandbox/);
await rita.keyboard.press("d");
await rita.keyboard.press("Enter");
assert.match((await beside).said, /deny/);
await rita.waitForSelector(".calm");

step("what is critical takes time, a word, and two people");
const critical = agent(["bash", "--norc"]);
await queued(rita, 1);
await rita.keyboard.press("j");
await rita.keyboard.press("Enter");
await rita.waitForSelector(".level.critical");
const approve = rita.locator("#approve");
assert.ok(await approve.isDisabled(), "it was just opened");
await rita.fill("#code", code("rita"));
await rita.waitForTimeout(3600);
assert.ok(await approve.isDisabled(), "the word is missing");
await rita.fill("#word", "approve");
await approve.click();
await rita.waitForSelector("text=Your approval counts: 1 of at least 2.");
const sam = await open("sam", { width: 390, height: 844 });
await queued(sam, 1);
assert.match(await sam.textContent(".queue"), /rita agreed/);
await accessible(sam, "the queue on a phone");
await sam.click(".queue button");
await sam.waitForSelector(".decide");
const wide = await sam.evaluate(() => [document.scrollingElement.scrollWidth, innerWidth]);
assert.ok(wide[0] <= wide[1], `a phone scrolls sideways: ${wide}`);
if (SCREENSHOTS) await sam.screenshot({ path: `${SCREENSHOTS}/phone.png`, fullPage: true });
await sam.waitForTimeout(3600);
await sam.fill("#code", code("sam"));
await sam.fill("#word", "approve");
await sam.click("#approve");
assert.equal((await critical).status, 0);
await rita.waitForSelector("text=This hold is decided");
await rita.keyboard.press("Escape");
await rita.waitForSelector(".calm");

step("an approval becomes a rule, with its consequences shown");
const first = agent(["mkdir", "-p", "remembered"]);
await queued(sam, 1);
await sam.click(".queue button");
await sam.waitForSelector("fieldset");
await sam.locator("fieldset input[type=radio]").nth(1).check();
await sam.waitForSelector("text=It would still ask for:");
await sam.getByLabel("Why this rule").fill("a place to build");
await sam.fill("#code", code("sam"));
if (!(await sam.locator("#approve").isEnabled())) await sam.waitForTimeout(3600);
await sam.click("#approve");
const once = await first;
assert.equal(once.status, 0, once.said);
await sam.waitForSelector(".calm");
const again = await agent(["mkdir", "-p", "remembered"]);
assert.equal(again.status, 0, again.said);
assert.ok(!again.said.includes("held"), again.said);

step("lists, and many holds at once");
for (const tab of ["Rules", "Agents", "People", "Health"]) {
  await rita.getByRole("button", { name: tab, exact: true }).click();
  await rita.waitForSelector("tbody tr");
  await accessible(rita, tab);
}
await rita.getByRole("button", { name: "Queue" }).click();
const many = ["one", "two", "three"].map((name) => agent(["mkdir", `many-${name}`]));
many.push(agent(["rm", "-rf", "/srv/old-releases"], "make room on the disk"));
await queued(rita, 4);
assert.match(await rita.locator(".queue li").first().textContent(), /rm -rf/);
await accessible(rita, "the queue");
if (SCREENSHOTS) {
  await rita.screenshot({ path: `${SCREENSHOTS}/queue.png` });
  await rita.emulateMedia({ colorScheme: "dark" });
  await accessible(rita, "the queue in the dark");
  await rita.screenshot({ path: `${SCREENSHOTS}/queue-dark.png` });
}

step("signing out ends it, in the page and at the gate");
await sam.getByRole("button", { name: "Sign out" }).click();
await sam.waitForSelector("input[name=name]");
assert.equal((await sam.request.get(`${BASE}v1/holds`)).status(), 401);
await end();
