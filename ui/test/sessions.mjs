// Terminals in a real browser: one that goes on is watched live and stopped; one that ended is replayed with the decisions on its
// time line; the record is searched, told and verified; reports are drawn.

import assert from "node:assert/strict";
import { accessible, BASE, countersign, end, open, SCREENSHOTS, step } from "./browser.mjs";

const { SCRIPT } = process.env;
const rita = await open("rita");
const tab = async (name) => {
  await rita.getByRole("navigation").getByRole("button", { name }).click();
  await rita.waitForSelector(`h1:has-text("${name}")`);
};
const screen = (text) => rita.waitForFunction((text) => document.querySelector(".ap-term")?.textContent?.includes(text), text);

step("a terminal that goes on is watched live, and somebody comes into it at any moment");
const running = countersign("run", "--agent", "bot", "--session", "s1", "--record", "--", SCRIPT);
await tab("Sessions");
await rita.getByRole("button", { name: "Watch" }).click();
await screen("first-word");
await screen("tick-3");
await accessible(rita, "a live terminal");
if (SCREENSHOTS) await rita.screenshot({ path: `${SCREENSHOTS}/live.png` });

step("stopping its session ends it, and it gets nothing more");
await tab("Sessions");
await rita.waitForSelector("tbody tr:has-text('s1'):has-text('1 running')");
await accessible(rita, "sessions");
const stop = rita.getByRole("button", { name: "Stop session s1" });
await stop.click();
await rita.waitForSelector("text=Press once more");
await stop.click();
await rita.waitForSelector("text=1 acts that run are ended");
const stopped = await running;
assert.notEqual(stopped.status, 0, stopped.said);
assert.ok(!stopped.said.includes("last-word"), stopped.said);
const again = await countersign("run", "--agent", "bot", "--session", "s1", "--record", "--", SCRIPT);
assert.equal(again.status, 126);
assert.match(again.said, /people stopped this/);
await rita.waitForSelector("text=countersign flag clear stop:bot/s1 --as rita");
await rita.waitForSelector("tbody tr:has-text('s1'):has-text('stopped')");
assert.equal(await stop.count(), 0, "what is stopped is not stopped again");

step("a session without a terminal is there, too, as it works, with nothing pressed");
assert.equal((await countersign("run", "--agent", "bot", "--session", "s3", "--", "ls", "-l")).status, 0);
const quiet = rita.locator("tbody tr:has-text('s3')");
await quiet.waitFor();
assert.match(await quiet.textContent(), /allowed.*ls -l.*1 act, 0 asked, 0 denied/);
const held = countersign("run", "--agent", "bot", "--session", "s3", "--", "mkdir", "made");
await rita.waitForSelector("tbody tr:has-text('s3'):has-text('1 waiting')");
if (SCREENSHOTS) await rita.screenshot({ path: `${SCREENSHOTS}/sessions.png` });
await rita.getByRole("button", { name: "Stop session s3" }).click();
await rita.getByRole("button", { name: "Stop session s3" }).click();
assert.equal((await held).status, 126);
await rita.waitForSelector("tbody tr:has-text('s3'):has-text('stopped'):not(:has-text('waiting'))");

step("one that ended is replayed, with secrets masked and the decisions in it");
const short = countersign("run", "--agent", "bot", "--session", "s2", "--record", "--", SCRIPT, "short");
await rita.waitForTimeout(1000);
assert.equal((await countersign("run", "--agent", "bot", "--session", "s2", "--", "ls")).status, 0);
const other = await short;
assert.equal(other.status, 0, other.said);
const terminals = rita.getByRole("region", { name: "Recorded terminals" });
await terminals.locator("tr:has-text('s2')").getByRole("button", { name: "Replay" }).click();
await rita.waitForSelector(".ap-player");
await rita.locator(".ap-player").click();
await screen("short-word");
await rita.waitForSelector("text=Decisions in it");
assert.match(await rita.textContent(".markers"), /allow: ls/);
await accessible(rita, "a replay");
if (SCREENSHOTS) await rita.screenshot({ path: `${SCREENSHOTS}/replay.png` });

step("the record is searched, told and verified");
await tab("Record");
await rita.waitForSelector("tbody tr");
await rita.getByRole("button", { name: "Verify all of it" }).click();
await rita.waitForSelector("text=records hold");
await rita.fill("input[name=grep]", "short");
await rita.selectOption("select[name=kind]", "decision");
await rita.getByRole("button", { name: "Search", exact: true }).click();
await rita.waitForFunction(() => {
  const rows = [...document.querySelectorAll("tbody tr")];
  return rows.length === 1 && rows[0].textContent.includes("script.sh short");
});
await accessible(rita, "the record");
if (SCREENSHOTS) await rita.screenshot({ path: `${SCREENSHOTS}/record.png` });
await rita.locator("tbody button").first().click();
await rita.waitForSelector(".story li");
assert.match(await rita.textContent(".story"), /short/);
assert.ok((await rita.textContent(".story pre")).split("\n").length > 5, "a record stands in lines");
await accessible(rita, "a story");

step("reports are drawn, with the numbers to take away");
await tab("Reports");
await rita.waitForSelector(".plot canvas");
await accessible(rita, "reports");
if (SCREENSHOTS) await rita.screenshot({ path: `${SCREENSHOTS}/reports.png`, fullPage: true });
const [download] = await Promise.all([rita.waitForEvent("download"), rita.getByText("The numbers as CSV").click()]);
const stream = await download.createReadStream();
let numbers = "";
for await (const part of stream) numbers += part;
assert.match(numbers, /^day,requests,allowed,/);
assert.ok(numbers.split("\n").length >= 3, numbers);

step("a reviewer reads with secrets masked, and not what goes on; whoever is not signed in reads nothing");
const sam = await open("sam");
const [newest] = await (await sam.request.get(`${BASE}v1/recordings`)).json();
assert.equal((await sam.request.get(`${BASE}v1/recordings/${newest.recording}/cast`)).status(), 200);
assert.match(await (await sam.request.get(`${BASE}v1/recordings/${newest.recording}/live`)).text(), /only senior reviewers, operators and auditors/);
await sam.getByRole("button", { name: "Sign out" }).click();
await sam.waitForSelector("input[name=name]");
for (const path of ["records", "recordings", "sessions", "sessions/live", "reports", `recordings/${newest.recording}/cast`, `recordings/${newest.recording}/live`]) {
  assert.equal((await sam.request.get(`${BASE}v1/${path}`)).status(), 401, path);
}
await end();
