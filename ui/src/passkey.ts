// Passkeys (Web Authentication): what they sign is the digest of words that say what is done.

import { ask, type Hold } from "./api";

function toText(bytes: ArrayBuffer): string {
  let text = "";
  new Uint8Array(bytes).forEach((byte) => (text += String.fromCharCode(byte)));
  return btoa(text).replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");
}

function toBytes(text: string): Uint8Array<ArrayBuffer> {
  const plain = atob(text.replaceAll("-", "+").replaceAll("_", "/"));
  return Uint8Array.from(plain, (it) => it.charCodeAt(0));
}

async function digest(text: string): Promise<Uint8Array<ArrayBuffer>> {
  return new Uint8Array(await crypto.subtle.digest("SHA-256", new TextEncoder().encode(text)));
}

async function hex(text: string): Promise<string> {
  return Array.from(await digest(text), (byte) => byte.toString(16).padStart(2, "0")).join("");
}

/** Canonical JSON (RFC 8785), of what has no fractions. */
export function canonical(value: unknown): string {
  if (Array.isArray(value)) {
    return `[${value.map(canonical).join(",")}]`;
  }
  if (value !== null && typeof value === "object") {
    const names = Object.keys(value).sort();
    return `{${names.map((name) => `${JSON.stringify(name)}:${canonical((value as Record<string, unknown>)[name])}`).join(",")}}`;
  }
  return JSON.stringify(value);
}

/** Whether this browser, at this address, can use passkeys at all. An address of numbers cannot. */
export const usable = "PublicKeyCredential" in globalThis && !/^[0-9.]+$|^\[/.test(location.hostname);

export interface PasskeySaid {
  credential: string;
  client_data: string;
  authenticator_data: string;
  signature: string;
  nonce?: string;
}

async function sign(text: string, credentials: readonly string[]): Promise<{ said: PasskeySaid; user: string }> {
  const given = (await navigator.credentials.get({
    publicKey: {
      challenge: await digest(text),
      rpId: location.hostname,
      allowCredentials: credentials.map((id) => ({ type: "public-key", id: toBytes(id) })),
      userVerification: "required",
    },
  })) as PublicKeyCredential;
  const response = given.response as AuthenticatorAssertionResponse;
  const said = {
    credential: toText(given.rawId),
    client_data: toText(response.clientDataJSON),
    authenticator_data: toText(response.authenticatorData),
    signature: toText(response.signature),
  };
  return { said, user: response.userHandle ? new TextDecoder().decode(response.userHandle) : "" };
}

/** The digest of a hold as it is shown: of what stays the same while it is open. */
async function shownDigest(hold: Hold): Promise<string> {
  const { agreed: _agreed, handed: _handed, ...shown } = hold;
  return hex(canonical(shown));
}

/** Signs an answer to a hold, as it is shown, and to others with it. */
export async function signAnswer(
  hold: Hold,
  also: readonly Hold[],
  said: string,
  credentials: readonly string[],
  rule: { text: string; reason: string } | undefined,
  reason: string | undefined,
): Promise<PasskeySaid> {
  const others = await Promise.all(also.map(async (it) => `also ${it.id} ${it.request} ${await shownDigest(it)}\n`));
  const text =
    `countersign answer v2\nanswer ${said}\nhold ${hold.id}\nrequest ${hold.request}\n` +
    `shown ${await shownDigest(hold)}\npolicy ${hold.policy}\n` +
    `rule ${rule ? `${await hex(rule.text)} ${await hex(rule.reason)}` : "none"}\nreason ${reason === undefined ? "none" : await hex(reason)}\n` +
    others.join("");
  return (await sign(text, credentials)).said;
}

/** Signs anything else: a change in words, with something fresh. */
export async function signChange(text: string, credentials: readonly string[]): Promise<{ said: PasskeySaid; user: string }> {
  const { nonce } = await ask<{ nonce: string }>("POST", "challenge");
  const { said, user } = await sign(`countersign change v2\n${text}\nnonce ${nonce}\n`, credentials);
  return { said: { ...said, nonce }, user };
}

/** Makes a passkey. */
export async function make(challenge: string, name: string): Promise<{ client_data: string; authenticator_data: string }> {
  const made = (await navigator.credentials.create({
    publicKey: {
      challenge: toBytes(challenge),
      rp: { id: location.hostname, name: "Countersign" },
      user: { id: new TextEncoder().encode(name), name, displayName: name },
      pubKeyCredParams: [
        { type: "public-key", alg: -8 },
        { type: "public-key", alg: -7 },
      ],
      authenticatorSelection: { residentKey: "required", userVerification: "required" },
      attestation: "none",
    },
  })) as PublicKeyCredential;
  const response = made.response as AuthenticatorAttestationResponse;
  return { client_data: toText(response.clientDataJSON), authenticator_data: toText(response.getAuthenticatorData()) };
}
