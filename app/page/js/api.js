// Calls the service, and waits where waiting helps: for the server, the rate, or a key.

import { accepted, currentKey, keyEntered } from "./key.js";

/** @typedef {import("../api").components["schemas"]} Schemas */
/** @typedef {Schemas["Prediction"]} Prediction */
/** @typedef {{field: string, code: string, reason: string}} FieldProblem */
/** @typedef {"ready" | "away" | "key" | "limited" | "busy"} State */

const here = new URL(import.meta.url);

/** Address of the service: what comes before the page's files, so that a proxy's prefix counts. */
export const ROOT = new URL(here.pathname.slice(0, here.pathname.indexOf("/page/") + 1), here);

const LONGEST_WAIT = 60;
const AWAY_WAITS = [1, 2, 3, 5];

/** Why a call was not answered. */
export class Failure extends Error {
  /**
   * @param {State | "input" | "failed"} kind What helps: waiting (`away`, `limited`, `busy`), another key, other input.
   * @param {string} detail
   * @param {number} seconds Time to wait.
   * @param {FieldProblem[]} problems
   * @param {Record<string, any>} document The problem as sent.
   */
  constructor(kind, detail, seconds = 0, problems = [], document = {}) {
    super(detail);
    this.kind = kind;
    this.seconds = seconds;
    this.problems = problems;
    this.document = document;
  }
}

/** The server as the page sees it; says `change` when that changes. */
class Server extends EventTarget {
  /** @type {State} */
  state = "ready";
  /** Time at which the next try is made, milliseconds. */
  until = 0;
  tries = 0;

  /**
   * @param {State} state
   * @param {number} [until]
   */
  set(state, until = 0) {
    if (state === "ready") this.tries = 0;
    if (state === this.state && until === this.until) return;
    Object.assign(this, { state, until });
    this.dispatchEvent(new Event("change"));
  }

  /**
   * Waits until a call may be tried again.
   *
   * @param {Failure} failure
   */
  async wait(failure) {
    if (failure.kind === "key") {
      this.set("key");
      await keyEntered();
      return;
    }
    const seconds = failure.seconds || /** @type {number} */ (AWAY_WAITS[Math.min(this.tries, AWAY_WAITS.length - 1)]);
    this.tries += 1;
    const wait = Math.min(seconds, LONGEST_WAIT) * 1000;
    this.set(/** @type {State} */ (failure.kind), Date.now() + wait);
    await new Promise((resolve) => {
      setTimeout(resolve, wait);
      if (failure.kind === "away") addEventListener("online", resolve, { once: true });
    });
  }
}

export const server = new Server();

/**
 * Calls the service once.
 *
 * @template T
 * @param {string} path Path below the root, such as `predict`.
 * @param {unknown} [body] JSON to send, or a file's bytes; without it, the call is a GET.
 * @returns {Promise<T>}
 */
async function once(path, body) {
  const key = currentKey();
  if (!key) throw new Failure("key", "");
  const isFile = body instanceof Blob;
  /** @type {Response} */
  let response;
  try {
    response = await fetch(new URL(path, ROOT), {
      method: body === undefined ? "GET" : "POST",
      headers: {
        "X-API-Key": key,
        ...(body !== undefined && { "Content-Type": isFile ? "application/octet-stream" : "application/json" }),
      },
      ...(body !== undefined && { body: isFile ? body : JSON.stringify(body) }),
      credentials: "omit",
      redirect: "error",
    });
  } catch {
    throw new Failure("away", "");
  }
  if (response.ok) {
    /** @type {T} */
    let answer;
    try {
      answer = await response.json();
    } catch {
      throw new Failure("away", "");
    }
    if (body !== undefined) {
      accepted(); // a list may come from the browser's cache, which does not know the key
      server.set("ready");
    }
    return answer;
  }
  throw await failureOf(response);
}

/**
 * @param {Response} response
 * @returns {Promise<Failure>}
 */
async function failureOf(response) {
  /** @type {Record<string, any>} */
  const problem = await response.json().catch(() => ({}));
  const seconds = Number(response.headers.get("Retry-After")) || 0;
  const detail = String(problem["detail"] ?? response.statusText);
  const problems = Array.isArray(problem["errors"]) ? problem["errors"] : [];
  if (response.status === 401) return new Failure("key", detail);
  if (response.status === 429) return new Failure("limited", detail, Math.max(seconds, 1));
  if (response.status === 502 || response.status === 504 || (response.status === 503 && !problem["code"]))
    return new Failure("away", detail);
  if (response.status === 503 || response.status === 408) return new Failure("busy", detail, Math.max(seconds, 1));
  server.set("ready");
  return new Failure(response.status === 422 ? "input" : "failed", detail, 0, problems, problem);
}

/**
 * Calls the service, and tries again for as long as the server is away or busy, the rate is exceeded, or the key is
 * missing or wrong.
 *
 * @template T
 * @param {string} path
 * @param {unknown} [body]
 * @returns {Promise<T>}
 * @throws {Failure} If the input is invalid, or the call failed for good.
 */
export async function call(path, body) {
  for (;;) {
    try {
      return await once(path, body);
    } catch (error) {
      if (!(error instanceof Failure) || error.kind === "input" || error.kind === "failed") throw error;
      await server.wait(error);
    }
  }
}

/**
 * Asks while the user types: one request at a time, the newest question wins, after a moment of stillness.
 *
 * @template Q, A
 */
export class Live {
  /** @type {{question: Q} | undefined} */
  #next;
  #running = false;
  /** @type {number | undefined} */
  #timer;

  /**
   * @param {(question: Q) => Promise<A>} ask
   * @param {(answer: A, question: Q) => void} show
   * @param {(failure: Failure, question: Q) => void} fail
   */
  constructor(ask, show, fail) {
    this.ask = ask;
    this.show = show;
    this.fail = fail;
  }

  /**
   * Asks when nothing has changed for a moment.
   *
   * @param {Q} question
   * @param {number} still Milliseconds of stillness.
   */
  later(question, still = 150) {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => {
      this.#next = { question };
      void this.#run();
    }, still);
  }

  /** Drops the questions that have not been asked. */
  drop() {
    clearTimeout(this.#timer);
    this.#next = undefined;
  }

  async #run() {
    if (this.#running) return;
    this.#running = true;
    try {
      for (let next = this.#next; next; next = this.#next) {
        this.#next = undefined;
        const { question } = next;
        try {
          this.show(await this.ask(question), question);
        } catch (error) {
          if (!(error instanceof Failure)) throw error;
          if (error.kind !== "input" && error.kind !== "failed") {
            await server.wait(error);
            this.#next ??= next;
          } else if (!this.#next) this.fail(error, question);
        }
      }
    } finally {
      this.#running = false;
    }
  }
}

/** Asks once; for `Live`, which waits by itself. */
export { once as ask };
