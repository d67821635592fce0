// Requests to the network, and one long poll for the events of all phones.

import { speaks, word } from "./words.js";

export async function ask(path, body) {
  const options = body === undefined ? {} : {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify(body),
  };
  const answer = await fetch(path, options).catch(() => { throw new Error(word("unreachable")); });
  const content = await answer.json().catch(() => ({}));
  if (!answer.ok) throw new Error((speaks() === "zh" ? content.error_zh : content.error) || word("refused"));
  return content;
}

const rest = (ms) => new Promise((done) => { setTimeout(done, ms); });

// Calls `happen` with every event, oldest first, for ever; `reachable` gets true or false with each poll.
export async function watch(happen, reachable) {
  let last = 0;
  let fresh = false;
  for (;;) {
    try {
      const news = await ask(`/api/events?after=${last}&wait=${fresh ? 25 : 0}`);
      reachable(true);
      // The network has restarted with empty data: this page is out of date.
      if (news.reset) return location.reload();
      news.events.forEach((event) => happen(event, fresh));
      last = news.last;
      fresh = true;
    } catch {
      reachable(false);
      await rest(1500);
    }
  }
}
