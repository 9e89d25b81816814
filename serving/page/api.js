// The two requests of the page, and what a refusal means for the person in front of it.

/** A refused or failed request: `title`, `detail` (the server's own words), `retryAfter` in seconds or null. */
export class Refusal extends Error {
  constructor(title, detail, { status = 0, retryAfter = null, again = false } = {}) {
    super(detail);
    Object.assign(this, { title, detail, status, retryAfter, again });
  }
}

const TITLES = {
  413: "Too large",
  415: "Not a photograph we can read",
  422: "The photograph cannot be read",
  429: "The server is busy",
  503: "The server is not ready",
  504: "The answer took too long",
};

async function refusalOf(response) {
  const problem = await response.json().catch(() => ({}));
  const retryAfter = Number.parseFloat(response.headers.get("Retry-After"));
  const title = TITLES[response.status] ?? problem.title ?? `The server answered ${response.status}`;
  return new Refusal(title, problem.detail ?? "The server gave no reason. Its log has the request.", {
    status: response.status,
    retryAfter: Number.isFinite(retryAfter) ? Math.max(1, Math.ceil(retryAfter)) : null,
    again: [413, 429, 500, 502, 503, 504].includes(response.status), // 413: the page may make it smaller
  });
}

const KEY = "thaw-key"; // of this tab alone: sessionStorage forgets it when the tab is closed

const withKey = (options) => {
  const key = sessionStorage.getItem(KEY);
  return key ? { ...options, headers: { ...options.headers, Authorization: `Bearer ${key}` } } : options;
};

/** Sent with every request from now on. */
export const useKey = (key) => sessionStorage.setItem(KEY, key);

/** The key that was sent is none of the server's: it is forgotten. Without one: the server wants one. */
function keyRefusal() {
  const wasSent = sessionStorage.getItem(KEY) !== null;
  sessionStorage.removeItem(KEY);
  const title = wasSent ? "That key was not accepted" : "This server wants a key";
  return new Refusal(title, "The operator of this server can give you one. This tab keeps it until you close it.", { status: 401, again: true });
}

/** fetch, or a Refusal; `lost` is told where no answer comes at all. */
export async function request(url, options = {}, lost = "The server does not answer. Is it still running? Try again.") {
  let response;
  try {
    response = await fetch(url, withKey(options));
  } catch (error) {
    if (error.name === "AbortError") throw error;
    throw new Refusal("No answer", lost, { again: true });
  }
  if (response.status === 401) throw keyRefusal();
  if (!response.ok) throw await refusalOf(response);
  return response;
}

/** GET /models -> facts by name, of the version that answers when none is asked for. */
export async function loadModels() {
  const lost = "The server does not answer. Start it with `python -m serving`, then load this page again.";
  const { models } = await (await request("/models", {}, lost)).json();
  const defaults = models.filter((model) => model.default);
  const others = (name) => models.filter((model) => model.name === name && !model.default).map((model) => model.version);
  return new Map(defaults.map((model) => [
    model.name,
    { ...model, isContrast: model.seen_new_class === "yes", others: others(model.name) },
  ]));
}

/** Those that answer the question first, by depth; then the contrast. */
export const inOrder = (names, facts) => {
  const rank = (name) => [facts.get(name)?.isContrast ? 1 : 0, facts.get(name)?.depth ?? 9];
  return [...names].sort((a, b) => {
    const [first, second] = [rank(a), rank(b)];
    return first[0] - second[0] || first[1] - second[1] || a.localeCompare(b);
  });
};

/** POST /compare with the photograph as it is -> {json, elapsed (ms in the browser)}. */
export async function compare(photo, signal) {
  const large = photo.blob.size > 8e6 && !photo.shrunk;
  const lost = large
    ? `The connection closed before an answer; the file has ${(photo.blob.size / 1e6).toFixed(1)} MB. Let the page make it smaller, then send it again.`
    : "The server does not answer. Is it still running? Your photograph is kept here; send it again.";
  const started = performance.now();
  const headers = { "Content-Type": photo.blob.type || "application/octet-stream" };
  const response = await request("/compare?explain=cam", { method: "POST", body: photo.blob, headers, signal }, lost);
  const json = await response.json();
  return { json, elapsed: performance.now() - started };
}
