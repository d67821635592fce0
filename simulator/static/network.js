// Asks the network for things and listens to what happens: one long question for all phones at once.

export async function ask(path, body) {
  const options = body === undefined ? {} : {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify(body),
  };
  const answer = await fetch(path, options);
  const content = await answer.json();
  if (!answer.ok) throw new Error(content.error || answer.statusText);
  return content;
}

const rest = (ms) => new Promise((done) => { setTimeout(done, ms); });

// Calls `happen` with every event, oldest first, for ever; `reachable` hears whether the network runs.
export async function watch(happen, reachable) {
  let last = 0;
  let fresh = false;
  for (;;) {
    try {
      const news = await ask(`/api/events?after=${last}&wait=${fresh ? 25 : 0}`);
      reachable(true);
      // The network started over with empty data: what this page shows is no longer true.
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
