// What is asked of the daemon: a session, events, documents. Nothing else leaves this page.

export async function enter(token) {
  const answer = await fetch("/login", { method: "POST", body: token, headers: { "Content-Type": "text/plain" } });
  return answer.ok ? "" : (await answer.text()).trim();
}
export const leave = () => fetch("/logout", { method: "POST" });

export class Refused extends Error {}

export async function get(path) {
  const answer = await fetch(path);
  if (answer.status === 401) throw new Refused();
  if (answer.status === 404) return null;
  if (!answer.ok) throw new Error(`${path}: ${answer.status}`);
  return answer.json();
}

// Calls state(what, now), beat(ms) and lost(). Returns a function that ends it.
export function follow({ state, beat, lost }) {
  const source = new EventSource("/api/events");
  source.onmessage = (event) => {
    const told = JSON.parse(event.data);
    state(told.state, told.now_ms);
  };
  source.addEventListener("beat", (event) => beat(Number(event.data)));
  source.onerror = () => lost(source.readyState === EventSource.CLOSED);
  return () => source.close();
}
