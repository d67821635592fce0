// The trial as a whole: the service's clock, the customers' states, and a start with empty data.

import { confirmed } from "./confirm.js";
import { ask } from "./network.js";
import { DAY, MINUTE, moment, word } from "./words.js";

const SOON_MS = 500;
const EVERY_MS = 10000;
const role = (name) => document.querySelector(`[data-role="${name}"]`);
let clock = null;
let timer = 0;

export function movedSeconds() {
  return clock?.moved_seconds ?? 0;
}

// Customers come back as events; the clock as the answer.
async function refresh() {
  clearTimeout(timer);
  timer = setTimeout(refreshShown, EVERY_MS);
  try {
    const service = await ask("/api/service");
    role("trial").hidden = role("staff").hidden = !service.clock;
    role("afresh").hidden = !service.can_start_afresh;
    clock = service.clock;
    role("trial-wrong").textContent = "";
  } catch (fault) {
    role("trial-wrong").textContent = fault.message;
  }
  drawClock();
}

function refreshShown() {
  if (document.hidden) timer = setTimeout(refreshShown, EVERY_MS);
  else refresh();
}

export function refreshSoon() {
  clearTimeout(timer);
  timer = setTimeout(refresh, SOON_MS);
}

export function drawClock() {
  if (!clock) return;
  const at = Date.now() + clock.moved_seconds * 1000;
  role("time").textContent = moment(at, { year: "numeric", ...DAY, ...MINUTE });
  role("time").dateTime = new Date(at).toISOString();
  const key = Math.abs(clock.moved_seconds) < 1 ? "clockReal" : clock.moved_seconds > 0 ? "clockMoved" : "clockBehind";
  role("moved").textContent = word(key, { moved: length(Math.abs(clock.moved_seconds)) });
  role("moved").classList.toggle("warn", key !== "clockReal");
}

function length(seconds) {
  const minutes = Math.round(seconds / 60);
  const parts = [["days", Math.floor(minutes / 1440)], ["hours", Math.floor(minutes / 60) % 24], ["minutes", minutes % 60]];
  return parts.filter(([, n]) => n).slice(0, 2).map(([unit, n]) => word(unit, { n })).join(" ");
}

export function wireTrial() {
  role("moves").addEventListener("click", async (event) => {
    const { move } = event.target.dataset;
    if (!move) return;
    try {
      ({ clock } = await ask("/api/clock", { move }));
      drawClock();
      refreshSoon();
    } catch (fault) {
      role("trial-wrong").textContent = fault.message;
    }
  });
  role("afresh").addEventListener("click", async () => {
    if (!await confirmed("afreshAsk", "afreshMeans", "afresh")) return;
    try {
      await ask("/api/afresh", {});
      role("trial-wrong").textContent = word("afreshGoing");
    } catch (fault) {
      role("trial-wrong").textContent = fault.message;
    }
  });
  document.addEventListener("visibilitychange", () => { if (!document.hidden) refresh(); });
  return refresh();
}
