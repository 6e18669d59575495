// What the gate says and hears.

export interface Factor {
  name: string;
  points: number;
  why: string;
}

/** One simple command of what is asked, and what it would do. */
export interface Piece {
  line: string;
  inside: string[];
  effects: { words: string; category: string; undo: string }[];
  unknowns: { text: string; why: string }[];
}

export interface Hold {
  id: string;
  request: string;
  agent: string;
  owner: string;
  above: { agent: string; owner: string }[];
  session: string;
  host: string;
  cwd: string | null;
  asked: string;
  tool: string | null;
  beside: string[];
  pieces: Piece[];
  flows: string[];
  unknowns: string[];
  reasons: string[];
  level: "low" | "medium" | "high" | "critical";
  score: number;
  factors: Factor[];
  reversibility: string;
  coverage: string;
  intent: string | null;
  task: string | null;
  uid: number;
  expires_at_ms: number;
  needed: number;
  who: string;
  agreed: string[];
  assurance: "session" | "totp" | "signature";
  policy: string;
  nearest: string | null;
  group: string | null;
  asked_before: string | null;
  handed: { by: string; to: string; note: string | null }[];
}

export interface Who {
  name: string;
  role: "auditor" | "viewer" | "reviewer" | "senior" | "operator";
  groups: string[];
  factor: "totp" | "ssh" | "passkey";
  passkeys: string[];
}

export interface Candidate {
  what: string;
  text: string;
  releases: string[];
  refuses: string[];
}

/** A problem (RFC 9457), in words. */
export class Problem extends Error {
  constructor(
    readonly status: number,
    detail: string,
  ) {
    super(detail);
  }
}

/** Asks the gate. */
export async function ask<T>(method: "GET" | "POST" | "DELETE", path: string, body?: unknown): Promise<T> {
  const init: RequestInit = { method, credentials: "same-origin" };
  if (method !== "GET") {
    init.headers = { "content-type": "application/json" };
    init.body = JSON.stringify(body ?? {});
  }
  const response = await fetch(`/v1/${path}`, init);
  if (response.status === 204) {
    return undefined as T;
  }
  const answer: unknown = await response.json().catch(() => ({}));
  if (!response.ok) {
    const detail = (answer as { detail?: unknown }).detail;
    throw new Problem(response.status, typeof detail === "string" ? detail : response.statusText);
  }
  return answer as T;
}
