// Requests to the server, with the token from the page's address.

const STORAGE_KEY = "grader-mark-token";

const MARKER_KEY = "grader-mark-marker";

// The marker's name, if it is not the one that `grader mark` was started with.
export const ownName = () => sessionStorage.getItem(MARKER_KEY) ?? "";
export const chooseName = (name) => sessionStorage.setItem(MARKER_KEY, name);

export function takeToken() {
  const given = location.hash.slice(1);
  if (given && !given.startsWith("/")) {
    sessionStorage.setItem(STORAGE_KEY, given);
    history.replaceState(null, "", "#/");
  }
}

// Errors with a message for the marker: the server refuses a request, or does not answer.
export class Refused extends Error {}
export class Unreachable extends Error {}

export async function ask(path, method = "GET", body = undefined, keepalive = false) {
  let answer;
  try {
    answer = await fetch(`/api/${path}`, {
      method,
      keepalive,
      headers: { "X-Grader-Token": sessionStorage.getItem(STORAGE_KEY) ?? "", "X-Grader-Marker": encodeURIComponent(ownName()), "Content-Type": "application/json" },
      body: body === undefined ? undefined : JSON.stringify(body),
    });
  } catch {
    throw new Unreachable("The server does not answer. Is `grader mark` still running? Saved marks are safe.");
  }
  if (answer.status === 403) throw new Refused(await answer.text());
  const data = await answer.json();
  if (!answer.ok) throw new Refused(data.error);
  return data;
}
