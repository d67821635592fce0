// The page as a whole: the row of phones, the delivery scenarios, fault injection, and the network's log.

import { Handset } from "./handset.js";
import { hour } from "./inbox.js";
import { ask, watch } from "./network.js";
import { drawSteps, follow } from "./steps.js";
import { drawClock, movedSeconds, refreshSoon, wireTrial } from "./trial.js";
import { muteButton } from "./voice.js";
import { switchLanguage, translate, word } from "./words.js";

const MOST_ACTIVITY = 80;
const handsets = new Map();
const role = (name) => document.querySelector(`[data-role="${name}"]`);
const activity = [];
let used = null;

function put(phone) {
  if (handsets.has(phone.number)) return handsets.get(phone.number);
  const handset = new Handset(phone, announce);
  handsets.set(phone.number, handset);
  role("phones").append(handset.element);
  handset.element.addEventListener("focusin", () => {
    used = handset;
    drawSteps(used.phone);
  });
  used ??= handset;
  const friend = document.createElement("option");
  friend.value = phone.number;
  friend.label = phone.zh;
  document.getElementById("friends").append(friend);
  return handset;
}

// Read out once by a screen reader, without a mark on the page.
function announce(text) {
  role("announcer").textContent = text;
}

function drop(number) {
  const handset = handsets.get(number);
  if (!handset) return;
  const next = handset.element.nextElementSibling ?? handset.element.previousElementSibling;
  const hadFocus = handset.element.contains(document.activeElement) || document.activeElement === document.body;
  handset.element.remove();
  handsets.delete(number);
  document.querySelector(`#friends option[value="${number}"]`)?.remove();
  if (used === handset) used = [...handsets.values()][0] ?? null;
  if (hadFocus) (next?.querySelector('[data-role="remove"]') ?? role("add-number")).focus();
}

function happen(event, fresh) {
  if (event.kind === "removed") {
    if (fresh) drop(event.phone);
    return;
  }
  follow(event);
  if (fresh) {
    drawSteps(used?.phone);
    if (event.kind !== "customer") refreshSoon();
  }
  if (event.kind === "callback") log(event, fresh);
  const known = handsets.get(event.phone);
  if (known) known.take(event, fresh);
  // A phone that another page or script added: load all its events.
  else if (fresh && event.kind !== "callback") refresh();
}

async function refresh() {
  const { phones } = await ask("/api/phones");
  for (const phone of phones) {
    if (handsets.has(phone.number)) continue;
    const handset = put(phone);
    const history = await ask(`/api/phones/${phone.number}/events`);
    history.events.forEach((event) => handset.take(event, false));
    handset.draw();
  }
}

function log(event, fresh) {
  activity.unshift(event);
  activity.length = Math.min(activity.length, MOST_ACTIVITY);
  if (fresh) drawActivity();
}

function drawActivity() {
  role("activity").replaceChildren(...activity.map((event) => {
    const item = document.createElement("li");
    const good = event.answer.startsWith("2");
    item.className = good ? "good" : "bad";
    const cells = [hour(event.at), event.phone, event.news, event.to && `→ ${event.to}`, event.door,
      `${word("answered")} ${event.answer}`, event.attempt > 1 ? word("attempt", { n: event.attempt }) : ""];
    item.append(...cells.filter(Boolean).map((text) => {
      const cell = document.createElement("span");
      cell.textContent = text;
      return cell;
    }));
    return item;
  }));
}

function showFaults(faults) {
  document.querySelectorAll('[data-role="fault"]').forEach((form) => {
    const { kind, count } = faults[form.dataset.api];
    const output = form.querySelector('[data-role="fault-now"]');
    const now = kind === "none" ? word("none") : `${word(kind)} × ${count || "∞"}`;
    output.textContent = word("faultNow", { kind: now });
    output.classList.toggle("bad", kind !== "none");
  });
}

function wireFaults() {
  document.querySelectorAll('[data-role="fault"]').forEach((form) => {
    form.addEventListener("submit", async (event) => {
      event.preventDefault();
      const kind = form.querySelector("select").value;
      const count = Number(form.querySelector("input").value);
      try {
        showFaults(await ask("/api/faults", { api: form.dataset.api, kind, count }));
      } catch (fault) {
        form.querySelector('[data-role="fault-now"]').textContent = fault.message;
      }
    });
  });
  // A counted fault ends by itself: poll for its end.
  setInterval(() => { if (!document.hidden) ask("/api/faults").then(showFaults).catch(() => {}); }, 4000);
}

function wireDesk() {
  document.querySelectorAll("[data-beside-hall]").forEach((link) => {
    link.href = new URL(`../${link.dataset.besideHall}`, role("hall").href);
  });
  const showMute = muteButton(role("mute"));
  role("language").addEventListener("click", () => {
    switchLanguage();
    showMute();
    nameLanguage();
    role("add-answer").textContent = "";
    handsets.forEach((handset) => {
      handset.complain({ message: "" });
      handset.draw();
    });
    drawSteps(used?.phone);
    drawClock();
    tick();
    drawActivity();
    ask("/api/faults").then(showFaults).catch(() => {});
  });
  role("add-phone").addEventListener("submit", async (event) => {
    event.preventDefault();
    const answer = role("add-answer");
    try {
      const handset = put(await ask("/api/phones", { number: role("add-number").value }));
      refreshSoon();
      answer.textContent = word("added");
      role("add-number").value = "";
      handset.element.scrollIntoView({ block: "nearest", inline: "center" });
    } catch (fault) {
      answer.textContent = fault.message;
    }
  });
  document.querySelectorAll('[data-role="friend"]').forEach((button) => {
    button.addEventListener("click", () => {
      if (!used) return;
      used.show("messages");
      used.inbox.writeTo(button.dataset.friend);
      used.element.scrollIntoView({ block: "nearest", inline: "center" });
    });
  });
}

function nameLanguage() {
  role("language").textContent = document.documentElement.lang === "en" ? "中文" : "English";
}

function tick() {
  drawClock();
  handsets.forEach((handset) => handset.tick(movedSeconds()));
}

async function start() {
  translate();
  nameLanguage();
  wireDesk();
  wireFaults();
  const { phones } = await ask("/api/phones");
  phones.forEach(put);
  showFaults(await ask("/api/faults"));
  setInterval(tick, 5000);
  let caughtUp = false;
  watch(happen, (reachable) => {
    role("offline").hidden = reachable;
    if (!reachable || caughtUp) return;
    caughtUp = true;
    // Drawn once after the history, not once for each of its events.
    setTimeout(() => {
      handsets.forEach((handset) => handset.draw());
      drawSteps(used?.phone);
      drawActivity();
      wireTrial().then(tick);
      document.body.dataset.ready = "yes";
    });
  });
}

start();
