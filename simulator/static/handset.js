// One handset on the page: its screen shows messages, a call, or a flash message over everything.

import { Calling } from "./calling.js";
import { confirmed } from "./confirm.js";
import { Inbox } from "./inbox.js";
import { ask } from "./network.js";
import { DAY, MINUTE, moment, said, translate, word } from "./words.js";

const MESSAGES = new Set(["text", "note"]);
const CALL = new Set(["call", "spoken", "listening", "call_note", "pressed", "said"]);
const HELD = new Set(["active", "ending"]);

export class Handset {
  constructor(phone, announce) {
    this.phone = phone;
    this.number = phone.number;
    this.announce = announce;
    this.customer = null;
    this.element = document.getElementById("phone").content.firstElementChild.cloneNode(true);
    this.element.dataset.phone = phone.number;
    const part = (role) => this.element.querySelector(`[data-role="${role}"]`);
    this.part = part;
    const complain = (fault) => this.complain(fault);
    this.inbox = new Inbox(part, phone, complain, () => this.isAt("messages"));
    this.calling = new Calling(part, this.number, complain, (view) => this.show(view));
    part("tab-messages").addEventListener("click", () => this.show("messages"));
    part("tab-calling").addEventListener("click", () => this.show("calling"));
    part("newest").addEventListener("click", () => {
      this.show("messages");
      this.inbox.showNewest();
    });
    part("power").addEventListener("click", () => this.ask("power", { on: !this.phone.on }));
    part("remove").addEventListener("click", () => this.remove());
    part("flash-dismiss").addEventListener("click", () => this.ask("flash/dismiss", {}));
    part("flash").addEventListener("keydown", (event) => {
      if (event.key !== "Escape") return;
      event.preventDefault();
      this.ask("flash/dismiss", {});
    });
    // Any action on the phone ends its last complaint.
    this.element.addEventListener("click", () => this.complain({ message: "" }), { capture: true });
    part("flash-body").id = `flash-${this.number}`;
    part("flash").setAttribute("aria-describedby", `flash-${this.number}`);
    translate(this.element);
    this.draw();
    this.tick(0);
  }

  ask(what, body) {
    return ask(`/api/phones/${this.number}/${what}`, body).catch((fault) => this.complain(fault));
  }

  async remove() {
    const detail = { number: this.number };
    if (await confirmed("removeAsk", "removeMeans", "remove", detail)) await this.ask("remove", {});
  }

  isAt(view) {
    return !this.part(view).hidden;
  }

  show(view) {
    for (const name of ["messages", "calling"]) {
      this.part(name).hidden = name !== view;
      this.part(`tab-${name}`).toggleAttribute("aria-current", name === view);
      if (name === view) this.part(`tab-${name}`).setAttribute("aria-current", "true");
    }
    if (view === "messages") this.inbox.draw();
  }

  take(event, fresh) {
    if (MESSAGES.has(event.kind)) this.inbox.take(event, fresh);
    if (CALL.has(event.kind)) this.calling.take(event, fresh);
    if (event.kind === "customer") this.customer = event;
    if (event.kind === "flash") this.phone.flash = event;
    if (event.kind === "flash_dismissed") this.phone.flash = null;
    if (event.kind === "power") this.phone.on = event.on;
    if (fresh && MESSAGES.has(event.kind) && event.direction !== "out") {
      this.announce(`${said(this.phone)}. ${word("newest", { peer: event.peer })}${event.body ?? said(event)}`);
    }
    if (fresh) this.draw(event.kind === "flash");
  }

  draw(takesFocus = false) {
    const { phone } = this;
    this.part("label").textContent = said(phone);
    this.part("number").textContent = phone.number.replace(/^(\d{3})(\d{4})/, "$1 $2 ");
    this.part("about").textContent = said(phone, "about_");
    this.part("operator").textContent = said(phone, "operator_");
    this.part("dark").hidden = phone.on;
    this.part("power").textContent = word(phone.on ? "powerOn" : "powerOff");
    this.drawCustomer();
    this.drawFlash(takesFocus);
    this.inbox.draw();
    this.calling.draw();
  }

  drawCustomer() {
    this.part("customer").hidden = !this.customer;
    if (!this.customer) return;
    const { state, mode, until, price, month_fen: fen } = this.customer;
    // An end at midnight is the end of the day before.
    const end = until && (state === "ending" ? moment(new Date(until) - 1000, DAY) : moment(until, { ...DAY, ...MINUTE }));
    const badge = this.part("state");
    badge.textContent = word(`state.${state}`, { until: end });
    badge.dataset.state = state;
    this.part("mode").textContent = HELD.has(state) ? word(`mode.${mode}`) : "";
    const charged = ["none", "pending"].includes(state) && !fen ? "" : word("spent", { yuan: (fen / 100).toFixed(2) });
    const cost = said(price) ? word("price", { price: said(price) }) : "";
    this.part("money").textContent = [cost, charged].filter(Boolean).join(" · ");
  }

  // A dialog of its screen alone: the other phones stay in use. It takes the focus as it arrives,
  // but not from a text that is being written elsewhere.
  drawFlash(takesFocus) {
    const { flash } = this.phone;
    const dialog = this.part("flash");
    const wasOpen = dialog.open;
    const active = document.activeElement;
    this.part("under").inert = Boolean(flash) || !this.phone.on;
    dialog.inert = !this.phone.on;
    if (!flash) {
      const hadFocus = dialog.contains(active);
      dialog.close();
      if (wasOpen && hadFocus) (this.before?.isConnected ? this.before : this.part("compose-body")).focus();
      return;
    }
    dialog.setAttribute("aria-label", word("flashFrom", { peer: flash.peer }));
    this.part("flash-body").textContent = flash.body;
    if (!wasOpen) {
      const writes = active?.value && active.matches("textarea, input") && !this.element.contains(active);
      if (!dialog.contains(active)) this.before = active === document.body ? null : active;
      dialog.show();
      // show() moves the focus into the dialog.
      if (takesFocus && !writes) this.part("flash-dismiss").focus();
      else (active === document.body ? document.activeElement.blur() : active?.focus());
    }
    if (dialog.dataset.message !== flash.id) {
      dialog.dataset.message = flash.id;
      // The restarted animation shows that a later flash has replaced this one.
      dialog.classList.remove("arrives");
      requestAnimationFrame(() => dialog.classList.add("arrives"));
      if (takesFocus && wasOpen) this.announce(`${word("flashFrom", { peer: flash.peer })}. ${flash.body}`);
    }
  }

  complain(fault) {
    this.part("complaint").textContent = fault.message;
    this.part("call-complaint").textContent = fault.message;
  }

  // The time on the screen is the service's, which may be ahead of the real one.
  tick(movedSeconds) {
    this.part("clock").textContent = moment(Date.now() + movedSeconds * 1000, MINUTE);
  }
}
