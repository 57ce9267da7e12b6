// The control API of the simulator: calls, and the news that something changed.

const ROOT = new URL("./control/", document.baseURI);
const POLL_MS = 1000;
const UNREACHABLE = "连不上服务器，请确认 make run 还在运行，然后重试。";

/** A refusal with the sentence to show. */
export class ApiError extends Error {}

export const post = (path, body = {}) => call("POST", path, body);
export const remove = (path) => call("DELETE", path);
export const getState = () => call("GET", "state");

async function call(method, path, body) {
  let response;
  try {
    response = await fetch(new URL(path, ROOT), {
      method,
      cache: "no-store",
      headers: body === undefined ? {} : { "Content-Type": "application/json" },
      body: body === undefined ? undefined : JSON.stringify(body),
    });
  } catch {
    throw new ApiError(UNREACHABLE);
  }
  const answer = await response.json().catch(() => null);
  if (!response.ok) throw new ApiError(answer?.error ?? `服务器出错了（${response.status}），请看终端里的日志。`);
  return answer;
}

/** Calls `onState` with each new state and `onLink` with whether the server can be reached. Returns {refresh}.
 *
 * News come by server-sent events; while those are down the state is asked for every second.
 */
export function follow({ onState, onLink }) {
  let version = -1;
  let running = null;
  let again = false;

  const fetchOnce = async () => {
    try {
      const state = await getState();
      version = state.version;
      onLink(true);
      onState(state);
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
      onLink(false);
    }
  };
  // Calls made during a fetch share one more fetch after it, so what they return has seen what they wanted to see.
  const refresh = () => {
    if (running) {
      again = true;
      return running;
    }
    running = (async () => {
      do {
        again = false;
        await fetchOnce();
      } while (again);
      running = null;
    })();
    return running;
  };

  const events = new EventSource(new URL("events", ROOT));
  events.addEventListener("message", (event) => {
    const news = parse(event.data);
    if (news === null || news.version !== version) refresh();
  });
  events.addEventListener("open", refresh);
  setInterval(() => {
    if (events.readyState !== EventSource.OPEN) refresh();
  }, POLL_MS);
  refresh();
  return { refresh };
}

function parse(data) {
  try {
    return JSON.parse(data);
  } catch {
    return null;
  }
}
