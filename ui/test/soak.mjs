// A page that is left open through thousands of holds: its memory, and whether it still answers. `testkit/examples/soak.rs` runs it
// and says when it is over.

import { readFileSync } from "node:fs";
import { browser, open } from "./browser.mjs";

const page = await open("rita");
const tools = await browser.newBrowserCDPSession();
const own = await page.context().newCDPSession(page);
await own.send("Performance.enable");

/** Memory of the page's process, in MB, and of its JavaScript. */
async function memory() {
  const { processInfo } = await tools.send("SystemInfo.getProcessInfo");
  const pages = processInfo.filter((it) => it.type === "renderer").map((it) => {
    const status = readFileSync(`/proc/${it.id}/status`, "utf8");
    // Its own: without the browser's program, which all pages share. The browser's task manager calls this the memory footprint.
    return Number(/RssAnon:\s+(\d+)/.exec(status)?.[1] ?? 0) / 1024;
  });
  const { metrics } = await own.send("Performance.getMetrics");
  const heap = (metrics.find((it) => it.name === "JSHeapUsedSize")?.value ?? 0) / 1e6;
  return { page: Math.round(Math.max(...pages)), heap: Math.round(heap) };
}

let worst = 0;
let most = { page: 0, heap: 0 };
process.stdin.resume();
let over = false;
process.stdin.on("end", () => (over = true));
console.log(JSON.stringify({ begin: await memory() }));
while (!over) {
  const before = performance.now();
  await page.evaluate(() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done))));
  worst = Math.max(worst, performance.now() - before);
  const now = await memory();
  most = { page: Math.max(most.page, now.page), heap: Math.max(most.heap, now.heap) };
  await new Promise((done) => setTimeout(done, 500));
}
const left = await page.evaluate(() => document.querySelectorAll(".queue li").length);
const clicked = performance.now();
await page.getByRole("button", { name: "Health" }).click();
await page.waitForSelector("tbody tr");
console.log(JSON.stringify({ most, end: await memory(), worstFrameMs: Math.round(worst), clickMs: Math.round(performance.now() - clicked), left }));
await browser.close();
process.exit(0);
