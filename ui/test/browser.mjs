// What the tests in a browser share: people with their codes, an agent that asks, and browsers that are watched.

import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { createHmac } from "node:crypto";
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { chromium } from "playwright-core";

export const { BASE, SCREENSHOTS } = process.env;
const { COUNTERSIGN, PEOPLE, WORK } = process.env;
export const people = JSON.parse(PEOPLE ?? "{}");
const axe = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");

/** A code (RFC 6238) that was not used yet: three are good at any moment. */
export function code(name) {
  const person = people[name];
  const step = Math.floor(Date.now() / 30000) - 1 + (person.used = (person.used ?? -1) + 1);
  const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
  const bits = [...person.secret].map((c) => alphabet.indexOf(c).toString(2).padStart(5, "0")).join("");
  const key = Buffer.from(bits.match(/.{8}/g).map((byte) => parseInt(byte, 2)));
  const counter = Buffer.alloc(8);
  counter.writeBigUInt64BE(BigInt(step));
  const mac = createHmac("sha1", key).update(counter).digest();
  const at = mac[mac.length - 1] & 15;
  return String((mac.readUInt32BE(at) & 0x7fffffff) % 1000000).padStart(6, "0");
}

/** Runs our program; resolves with its exit status and words. */
export function countersign(...words) {
  const child = spawn(COUNTERSIGN, words, { cwd: WORK, stdio: ["ignore", "pipe", "pipe"] });
  let said = "";
  child.stdout.on("data", (data) => (said += data));
  child.stderr.on("data", (data) => (said += data));
  return new Promise((done) => child.on("close", (status) => done({ status, said })));
}

/** The agent asks; resolves with its exit status and words. */
export const agent = (words, intent) =>
  countersign("run", "--agent", "bot", ...(intent ? ["--intent", intent] : []), "--", ...words);

/** A call of a tool of Claude Code comes to our hook, its input as it is or as JSON; resolves with what that answers. */
export function hook(tool, input) {
  const child = spawn(COUNTERSIGN, ["hook", "claude-code", "--agent", "bot"], { cwd: WORK, stdio: ["pipe", "pipe", "inherit"] });
  let said = "";
  child.stdout.on("data", (data) => (said += data));
  const call = JSON.stringify({ session_id: "s", transcript_path: "/dev/null", cwd: WORK, hook_event_name: "PreToolUse", tool_name: tool });
  child.stdin.end(`${call.slice(0, -1)},"tool_input":${typeof input === "string" ? input : JSON.stringify(input)}}`);
  return new Promise((done) => child.on("close", (status) => done({ status, said })));
}

const arguments_ = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking", "--disable-component-update", "--disable-sync"];
export const browser = await chromium.launch({ executablePath: "/usr/bin/chromium", args: arguments_ });

/** A page in a browser of its own, watched for what must not happen. */
export async function page(size = { width: 1280, height: 900 }) {
  const context = await browser.newContext({ viewport: size });
  const page = await context.newPage();
  page.on("dialog", () => assert.fail("a dialog was opened"));
  page.on("pageerror", (why) => assert.fail(`the page failed: ${why.message}`));
  page.on("console", (line) => assert.doesNotMatch(line.text(), /Content Security Policy/));
  page.on("request", (request) => assert.ok(request.url().startsWith(BASE), `a request elsewhere: ${request.url()}`));
  return page;
}

/** Somebody signs in with a code. */
export async function open(name, size) {
  const opened = await page(size);
  await opened.goto(BASE);
  await opened.waitForSelector("input[name=name]");
  await accessible(opened, "sign in");
  await opened.focus("input[name=name]");
  await opened.keyboard.type(name);
  // Past the password, which people who were enrolled in the terminal do not have.
  await opened.keyboard.press("Tab");
  await opened.keyboard.press("Tab");
  await opened.keyboard.type(code(name));
  await opened.keyboard.press("Enter");
  await opened.waitForSelector("header");
  return opened;
}

/** Nothing serious for whoever uses a screen reader (axe-core). */
export async function accessible(page, where) {
  // The page's policy lets no script in; this one comes through the browser's own door for tests.
  await page.evaluate(`${axe}; undefined`);
  const found = await page.evaluate(async () => {
    // What fades in or out has other colours meanwhile.
    const ends = (it) => it.effect?.getComputedTiming().iterations !== Infinity;
    await Promise.all(document.getAnimations().filter(ends).map((it) => it.finished.catch(() => {})));
    const result = await globalThis.axe.run(document, { resultTypes: ["violations"] });
    return result.violations.filter((it) => ["serious", "critical"].includes(it.impact)).map((it) => `${it.id}: ${it.nodes[0]?.html}`);
  });
  assert.deepEqual(found, [], `for screen readers, ${where}`);
}

export const step = (what) => console.log(`- ${what}`);

/** So many holds are drawn. */
export const queued = (page, count) =>
  page.waitForFunction((count) => document.querySelectorAll(".queue li").length === count, count);

/** The end of a test: nothing that was started stays. */
export async function end() {
  await browser.close();
  console.log("all is as it should be");
  process.exit(0);
}
