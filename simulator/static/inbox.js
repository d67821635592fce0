// The messages on one phone: threads by the other end, the newest at the bottom, a box to write in.

import { ask } from "./network.js";
import { said, word } from "./words.js";

const MOST_SHOWN = 200;

export class Inbox {
  constructor(part, number, words, complain) {
    this.part = part;
    this.number = number;
    this.service = document.body.dataset.shortCode;
    this.threads = new Map([[this.service, []]]);
    this.unread = new Set();
    this.open = this.service;
    part("compose-to").value = this.service;
    part("compose").addEventListener("submit", (event) => {
      event.preventDefault();
      this.send(part("compose-body").value).catch(complain);
    });
    part("compose-body").addEventListener("keydown", (event) => {
      if (event.key === "Enter" && !event.shiftKey && !event.isComposing) {
        event.preventDefault();
        part("compose").requestSubmit();
      }
    });
    part("compose-to").addEventListener("change", () => this.turnTo(part("compose-to").value.trim()));
    words.forEach((text) => this.quickButton(text, complain));
  }

  quickButton(text, complain) {
    const button = document.createElement("button");
    button.type = "button";
    button.textContent = text;
    button.dataset.quick = text;
    button.addEventListener("click", () => {
      this.turnTo(this.service);
      this.send(text).catch(complain);
    });
    this.part("quick").append(button);
  }

  async send(body) {
    const to = this.part("compose-to").value.trim();
    if (!body.trim() || !to) return;
    const sent = await ask(`/api/phones/${this.number}/texts`, { to, body });
    this.part("compose-body").value = "";
    this.turnTo(sent.to);
  }

  writeTo(friend) {
    this.turnTo(friend);
    this.part("compose-body").focus();
  }

  turnTo(peer) {
    if (!peer) return;
    if (!this.threads.has(peer)) this.threads.set(peer, []);
    this.open = peer;
    this.unread.delete(peer);
    this.part("compose-to").value = peer;
    this.draw();
  }

  take(event, fresh) {
    if (!this.threads.has(event.peer)) this.threads.set(event.peer, []);
    this.threads.get(event.peer).push(event);
    if (event.peer !== this.open && fresh && event.direction !== "out") this.unread.add(event.peer);
    if (fresh) this.draw();
  }

  draw() {
    this.part("peers").replaceChildren(...[...this.threads.keys()].map((peer) => this.peerButton(peer)));
    const shown = this.threads.get(this.open).slice(-MOST_SHOWN);
    const thread = this.part("thread");
    thread.dataset.peer = this.open;
    thread.replaceChildren(...(shown.length ? shown.map(bubble) : [emptiness()]));
    thread.scrollTop = thread.scrollHeight;
    this.part("quick").hidden = this.open !== this.service;
  }

  peerButton(peer) {
    const button = document.createElement("button");
    button.type = "button";
    button.textContent = peer;
    button.dataset.peer = peer;
    button.classList.toggle("unread", this.unread.has(peer));
    if (peer === this.open) button.setAttribute("aria-current", "true");
    button.addEventListener("click", () => this.turnTo(peer));
    return button;
  }
}

function bubble(event) {
  const item = document.createElement("li");
  item.dataset.direction = event.direction ?? "note";
  const text = document.createElement("p");
  text.textContent = event.body ?? said(event);
  const time = document.createElement("small");
  const origin = event.kind === "note" ? word("network") : event.via === "screen" ? word("kept") : "";
  time.textContent = [origin, hour(event.at)].filter(Boolean).join(" · ");
  item.append(text, time);
  return item;
}

function emptiness() {
  const item = document.createElement("li");
  item.dataset.direction = "none";
  item.textContent = word("nothing");
  return item;
}

export function hour(at) {
  return new Date(at).toLocaleTimeString("zh-CN", { hour12: false, timeZone: "Asia/Shanghai" });
}
