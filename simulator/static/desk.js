// The page as a whole: the row of phones, the delivery scenarios, fault injection, and the network's log.

import { Handset } from "./handset.js";
import { hour } from "./inbox.js";
import { ask, watch } from "./network.js";
import { muteButton } from "./voice.js";
import { switchLanguage, translate, word } from "./words.js";

const MOST_ACTIVITY = 80;
const handsets = new Map();
const role = (name) => document.querySelector(`[data-role="${name}"]`);
const activity = [];
let used = null;

function put(phone) {
  if (handsets.has(phone.number)) return handsets.get(phone.number);
  const handset = new Handset(phone);
  handsets.set(phone.number, handset);
  role("phones").append(handset.element);
  handset.element.addEventListener("focusin", () => { used = handset; });
  used ??= handset;
  const friend = document.createElement("option");
  friend.value = phone.number;
  friend.label = phone.zh;
  document.getElementById("friends").append(friend);
  return handset;
}

function happen(event, fresh) {
  if (event.kind === "callback") log(event, fresh);
  const known = handsets.get(event.phone);
  if (known) known.take(event, fresh);
  // A phone that another page or script added: load all its events.
  else if (fresh) refresh();
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

function showFaults(now) {
  document.querySelectorAll('[data-role="fault"]').forEach((form) => {
    const { kind, count } = now[form.dataset.api];
    const output = form.querySelector('[data-role="fault-now"]');
    output.textContent = kind === "none" ? word("none") : `${word(kind)} × ${count || "∞"}`;
    output.classList.toggle("bad", kind !== "none");
  });
}

function wireFaults() {
  document.querySelectorAll('[data-role="fault"]').forEach((form) => {
    form.addEventListener("submit", async (event) => {
      event.preventDefault();
      const kind = form.querySelector("select").value;
      const count = Number(form.querySelector("input").value);
      showFaults(await ask("/api/faults", { api: form.dataset.api, kind, count }));
    });
  });
  // A counted fault ends by itself: poll for its end.
  setInterval(() => { if (!document.hidden) ask("/api/faults").then(showFaults).catch(() => {}); }, 4000);
}

function wireDesk() {
  const showMute = muteButton(role("mute"));
  role("language").addEventListener("click", () => {
    switchLanguage();
    showMute();
    nameLanguage();
    handsets.forEach((handset) => handset.draw());
    drawActivity();
    ask("/api/faults").then(showFaults);
  });
  role("add-phone").addEventListener("submit", async (event) => {
    event.preventDefault();
    const answer = role("add-answer");
    try {
      const handset = put(await ask("/api/phones", { number: role("add-number").value }));
      answer.textContent = word("added");
      role("add-number").value = "";
      handset.element.scrollIntoView({ block: "nearest", inline: "center" });
    } catch (fault) {
      answer.textContent = fault.message;
    }
  });
  document.querySelectorAll('[data-role="friend"]').forEach((button) => {
    button.addEventListener("click", () => {
      used.show("messages");
      used.inbox.writeTo(button.dataset.friend);
      used.element.scrollIntoView({ block: "nearest", inline: "center" });
    });
  });
}

function nameLanguage() {
  role("language").textContent = document.documentElement.lang === "en" ? "中文" : "English";
}

async function start() {
  translate();
  nameLanguage();
  wireDesk();
  wireFaults();
  const { phones } = await ask("/api/phones");
  phones.forEach(put);
  showFaults(await ask("/api/faults"));
  setInterval(() => handsets.forEach((handset) => handset.tick()), 10000);
  let caughtUp = false;
  watch(happen, (reachable) => {
    role("offline").hidden = reachable;
    if (!reachable || caughtUp) return;
    caughtUp = true;
    // Drawn once after the history, not once for each of its events.
    setTimeout(() => {
      handsets.forEach((handset) => handset.draw());
      drawActivity();
      document.body.dataset.ready = "yes";
    });
  });
}

start();
