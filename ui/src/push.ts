// Notices on this device, also with no page open (Web Push).

import { ask } from "./api";

/** Whether this browser, at this address, can get notifications. */
export const canPush = "serviceWorker" in navigator && "PushManager" in globalThis;

function toText(bytes: ArrayBuffer | null): string {
  let text = "";
  new Uint8Array(bytes ?? new ArrayBuffer()).forEach((byte) => (text += String.fromCharCode(byte)));
  return btoa(text).replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");
}

/** The key by which push services know this gate; nothing where notices on devices are not set up. */
export async function pushKey(): Promise<string | null> {
  return (await ask<{ key: string | null }>("GET", "push")).key;
}

/** Tells this device from now on, or no more. Says what became of it. */
export async function setPush(key: string, on: boolean): Promise<string> {
  await navigator.serviceWorker.register("/sw.js");
  const worker = await navigator.serviceWorker.ready;
  if (on && (await Notification.requestPermission()) !== "granted") {
    throw new Error("this browser shows no notices from here; its settings say why");
  }
  const known = await worker.pushManager.getSubscription();
  const subscription = known ?? (on ? await worker.pushManager.subscribe({ userVisibleOnly: true, applicationServerKey: key }) : null);
  if (!subscription) {
    return "";
  }
  const given = { endpoint: subscription.endpoint, p256dh: toText(subscription.getKey("p256dh")), auth: toText(subscription.getKey("auth")) };
  const { what } = await ask<{ what: string }>("POST", "push", { ...given, on });
  if (!on) {
    await subscription.unsubscribe();
  }
  return what;
}
