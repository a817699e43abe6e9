// The API key: from the address's fragment, kept for this tab, or on this device if the user wants so. It is sent in
// the header alone, and never becomes part of an address.

const NAME = "beer-model.key";

let worked = false;
/** @type {Set<() => void>} */
const waiting = new Set();

/** Takes the key from the address and removes it there. Returns the rest of the fragment's parameters. */
export function takeKeyFromAddress() {
  const parameters = new URLSearchParams(location.hash.slice(1));
  const key = parameters.get("key");
  parameters.delete("key");
  if (key) {
    setKey(key, localStorage.getItem(NAME) !== null);
    const rest = parameters.toString();
    history.replaceState(history.state, "", location.pathname + location.search + (rest ? `#${rest}` : ""));
  }
  return parameters;
}

/** Returns the key; empty if there is none. */
export const currentKey = () => sessionStorage.getItem(NAME) ?? localStorage.getItem(NAME) ?? "";

/** Whether the key is kept on this device. */
export const isKept = () => localStorage.getItem(NAME) !== null;

/** Whether the server has accepted this key. */
export const hasWorked = () => worked;

/** Notes that the server has accepted the key. */
export function accepted() {
  worked = true;
}

/**
 * Changes the key, and goes on with what waits for one.
 *
 * @param {string} key
 * @param {boolean} keep Whether to keep it on this device.
 */
export function setKey(key, keep) {
  forgetKey();
  (keep ? localStorage : sessionStorage).setItem(NAME, key.trim());
  for (const go of waiting) go();
  waiting.clear();
}

/** Forgets the key. */
export function forgetKey() {
  worked = false;
  sessionStorage.removeItem(NAME);
  localStorage.removeItem(NAME);
}

/** Resolves when a key has been entered. */
export const keyEntered = () => /** @type {Promise<void>} */ (new Promise((resolve) => waiting.add(resolve)));
