// The messages on one phone: threads by the other end, the newest at the bottom, a box to write in.

import { ask } from "./network.js";
import { moment, said, speaks, word } from "./words.js";

const MOST_SHOWN = 200;
const NEAR_PX = 48;
const MOBILE = /^1\d{10}$/;

export class Inbox {
  constructor(part, phone, complain, isShown) {
    this.part = part;
    this.phone = phone;
    this.number = phone.number;
    this.complain = complain;
    this.isShown = isShown;
    this.service = document.body.dataset.shortCode;
    this.threads = new Map([[this.service, []]]);
    this.unread = new Set();
    this.open = this.service;
    this.newest = null;
    this.drawn = {};
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
    part("thread").addEventListener("scroll", () => { if (this.isAtEnd()) this.seen(); });
  }

  // The texts that the buttons send are in the page's language too.
  drawQuick() {
    if (this.drawn.quick === speaks()) return;
    this.drawn.quick = speaks();
    const words = [...inLanguage(this.phone, "words"), ...inLanguage(this.phone, "more")];
    this.part("quick").setAttribute("aria-label", word("quick"));
    this.part("quick").replaceChildren(...words.map((text, index) => this.quickButton(text, index)));
  }

  quickButton(text, index) {
    const button = document.createElement("button");
    button.type = "button";
    button.dataset.quick = text;
    button.title = word(`tip.${index}`);
    const means = document.createElement("small");
    means.textContent = word(`means.${index}`);
    button.append(text, means);
    button.addEventListener("click", () => {
      this.turnTo(this.service);
      this.post(text).catch(this.complain);
    });
    return button;
  }

  async send(body) {
    if (!body.trim() || !this.part("compose-to").value.trim()) return;
    await this.post(body);
    this.part("compose-body").value = "";
  }

  async post(body) {
    const to = this.part("compose-to").value.trim();
    const sent = await ask(`/api/phones/${this.number}/texts`, { to, body });
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
    this.part("compose-to").value = peer;
    this.draw();
    this.toEnd();
  }

  showNewest() {
    if (this.newest) this.turnTo(this.newest.peer);
  }

  take(event, fresh) {
    if (!this.threads.has(event.peer)) this.threads.set(event.peer, []);
    this.threads.get(event.peer).push(event);
    if (!fresh) return;
    if (event.direction !== "out" && !this.threads.get(this.open).length) this.turnTo(event.peer);
    const inSight = event.peer === this.open && this.isShown() && this.isAtEnd();
    if (event.direction !== "out" && !inSight) {
      this.newest = event;
      this.unread.add(event.peer);
    }
    this.draw();
    if (inSight || (event.direction === "out" && event.peer === this.open)) this.toEnd();
  }

  isAtEnd() {
    const thread = this.part("thread");
    return thread.scrollHeight - thread.scrollTop - thread.clientHeight < NEAR_PX;
  }

  toEnd() {
    this.part("thread").scrollTop = this.part("thread").scrollHeight;
    this.seen();
  }

  seen() {
    if (!this.isShown() || !this.unread.delete(this.open)) return;
    if (this.newest?.peer === this.open) this.newest = null;
    this.draw();
  }

  draw() {
    this.drawQuick();
    this.drawPeers();
    this.drawThread();
    this.part("quick").hidden = this.open !== this.service;
    const notice = this.part("newest");
    notice.hidden = !this.newest;
    notice.textContent = this.newest
      ? word("newest", { peer: this.newest.peer }) + (this.newest.body ?? said(this.newest)) : "";
  }

  drawPeers() {
    const buttons = this.part("peers");
    for (const peer of this.threads.keys()) {
      const button = buttons.querySelector(`[data-peer="${CSS.escape(peer)}"]`) ?? this.peerButton(peer);
      const isUnread = this.unread.has(peer);
      button.textContent = isUnread ? `● ${peer}` : peer;
      button.title = isUnread ? word("unread") : "";
      button.classList.toggle("unread", isUnread);
      if (peer === this.open) button.setAttribute("aria-current", "true");
      else button.removeAttribute("aria-current");
    }
  }

  peerButton(peer) {
    const button = document.createElement("button");
    button.type = "button";
    button.dataset.peer = peer;
    button.addEventListener("click", () => this.turnTo(peer));
    this.part("peers").append(button);
    return button;
  }

  // Only what is new is added, so that a reader's place and selection stay.
  drawThread() {
    const thread = this.part("thread");
    const all = this.threads.get(this.open);
    const { peer, language, count } = this.drawn;
    const anew = peer !== this.open || language !== speaks() || count > all.length || !count;
    thread.dataset.peer = this.open;
    thread.setAttribute("aria-label", word("thread", { peer: this.open }));
    if (anew) thread.replaceChildren(...(all.length ? all.slice(-MOST_SHOWN).map(bubble) : [emptiness()]));
    else all.slice(count).forEach((event) => thread.append(bubble(event)));
    while (thread.children.length > MOST_SHOWN) thread.firstChild.remove();
    Object.assign(this.drawn, { peer: this.open, language: speaks(), count: all.length });
    if (anew && peer !== this.open) thread.scrollTop = thread.scrollHeight;
  }
}

// Both languages' lists of words: `words`, `words_en`.
function inLanguage(phone, name) {
  return phone[speaks() === "en" ? `${name}_en` : name] ?? [];
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
  if (event.direction === "out" && MOBILE.test(event.peer)) item.append(journey(event.id));
  return item;
}

// The way of one text on the operator's console, which asks its staff to sign in.
function journey(id) {
  const link = document.createElement("a");
  const console = document.querySelector('[data-role="console"]').href;
  link.href = new URL(`journey?id=${encodeURIComponent(id)}`, console);
  link.target = "_blank";
  link.rel = "noopener";
  link.textContent = word("journey");
  return link;
}

function emptiness() {
  const item = document.createElement("li");
  item.dataset.direction = "none";
  item.textContent = word("nothing");
  return item;
}

export function hour(at) {
  return moment(at, { hour: "2-digit", minute: "2-digit", second: "2-digit" });
}
