// One handset on the page: its screen shows messages, a call, or a flash message over everything.

import { Calling } from "./calling.js";
import { Inbox } from "./inbox.js";
import { ask } from "./network.js";
import { said, translate } from "./words.js";

const MESSAGES = new Set(["text", "note"]);
const CALL = new Set(["call", "spoken", "listening", "call_note", "pressed", "said"]);

export class Handset {
  constructor(phone) {
    this.phone = phone;
    this.number = phone.number;
    this.element = document.getElementById("phone").content.firstElementChild.cloneNode(true);
    this.element.dataset.phone = phone.number;
    const part = (role) => this.element.querySelector(`[data-role="${role}"]`);
    this.part = part;
    const complain = (fault) => this.complain(fault);
    this.inbox = new Inbox(part, this.number, phone.words, complain);
    this.calling = new Calling(part, this.number, complain, (view) => this.show(view));
    part("tab-messages").addEventListener("click", () => this.show("messages"));
    part("tab-calling").addEventListener("click", () => this.show("calling"));
    part("power").addEventListener("click", () => this.ask("power", { on: !this.phone.on }));
    part("flash-dismiss").addEventListener("click", () => this.ask("flash/dismiss", {}));
    translate(this.element);
    this.draw();
    this.tick();
  }

  ask(what, body) {
    return ask(`/api/phones/${this.number}/${what}`, body).catch((fault) => this.complain(fault));
  }

  show(view) {
    for (const name of ["messages", "calling"]) {
      this.part(name).hidden = name !== view;
      this.part(`tab-${name}`).toggleAttribute("aria-current", name === view);
    }
    if (view === "messages") this.inbox.draw();
  }

  take(event, fresh) {
    if (MESSAGES.has(event.kind)) this.inbox.take(event, fresh);
    if (CALL.has(event.kind)) this.calling.take(event, fresh);
    if (event.kind === "flash") this.phone.flash = event;
    if (event.kind === "flash_dismissed") this.phone.flash = null;
    if (event.kind === "power") this.phone.on = event.on;
    if (fresh) this.draw();
  }

  draw() {
    const { phone } = this;
    this.part("label").textContent = said(phone);
    this.part("number").textContent = phone.number.replace(/^(\d{3})(\d{4})/, "$1 $2 ");
    this.part("about").textContent = said(phone, "about_");
    this.part("operator").textContent = said(phone, "operator_");
    this.part("dark").hidden = phone.on;
    this.part("power").setAttribute("aria-pressed", String(phone.on));
    const flash = this.part("flash");
    if (phone.flash && flash.dataset.message !== phone.flash.id) {
      flash.dataset.message = phone.flash.id;
      // The restarted animation shows that a later flash has replaced this one.
      flash.classList.remove("arrives");
      requestAnimationFrame(() => flash.classList.add("arrives"));
    }
    flash.hidden = !phone.flash;
    this.part("flash-body").textContent = phone.flash ? phone.flash.body : "";
    this.inbox.draw();
    this.calling.draw();
  }

  complain(fault) {
    const box = this.part("complaint");
    box.textContent = fault.message;
    box.hidden = false;
    clearTimeout(this.soon);
    this.soon = setTimeout(() => { box.hidden = true; }, 3500);
  }

  tick() {
    const now = new Date();
    this.part("clock").textContent = now.toLocaleTimeString("zh-CN", {
      hour: "2-digit", minute: "2-digit", hour12: false, timeZone: "Asia/Shanghai",
    });
  }
}
