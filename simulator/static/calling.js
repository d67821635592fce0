// The call on one phone: keypad, spoken text, and speech input.

import { ask } from "./network.js";
import { hush, speak } from "./voice.js";
import { said, word } from "./words.js";

const KEYS = [["1", ""], ["2", "ABC"], ["3", "DEF"], ["4", "GHI"], ["5", "JKL"], ["6", "MNO"],
  ["7", "PQRS"], ["8", "TUV"], ["9", "WXYZ"], ["*", ""], ["0", "+"], ["#", ""]];

export class Calling {
  constructor(part, number, complain, show) {
    this.part = part;
    this.number = number;
    this.complain = complain;
    this.show = show;
    this.call = null;
    this.state = "";
    this.dialled = document.body.dataset.hotline;
    KEYS.forEach(([key, letters]) => this.keyButton(key, letters));
    part("dial").addEventListener("click", () => this.ask("call", {
      to: this.dialled, withheld: part("withheld").checked,
    }));
    // The keypad by keyboard: digits, star and hash, wherever in the call the focus is.
    part("calling").addEventListener("keydown", (event) => {
      if (event.target.matches("input") || event.ctrlKey || event.metaKey || event.altKey) return;
      if (/^[0-9*#]$/.test(event.key)) this.press(event.key);
      else if (event.key === "Backspace" && !this.call) this.erase();
      else return;
      event.preventDefault();
    });
    part("hangup").addEventListener("click", () => this.ask("call/hangup", {}));
    part("erase").addEventListener("click", () => this.erase());
    part("say").addEventListener("submit", (event) => {
      event.preventDefault();
      const box = part("say-words");
      if (box.value.trim()) this.give({ speech: box.value });
      box.value = "";
    });
    this.draw();
  }

  keyButton(key, letters) {
    const button = document.createElement("button");
    button.type = "button";
    button.dataset.role = `key-${key}`;
    const small = document.createElement("small");
    small.textContent = letters;
    small.setAttribute("aria-hidden", "true");
    button.append(key, small);
    button.addEventListener("click", () => this.press(key));
    this.part("keys").append(button);
  }

  erase() {
    this.dialled = this.dialled.slice(0, -1);
    this.draw();
  }

  press(key) {
    if (this.call) {
      this.give({ digits: key });
    } else {
      this.dialled = (this.dialled + key).slice(0, 15);
      this.draw();
    }
  }

  async give(what) {
    const answer = await this.ask("call/keys", what);
    if (answer && answer.heard === 0) this.complain(new Error(word("unheard")));
  }

  async ask(what, body) {
    try {
      return await ask(`/api/phones/${this.number}/${what}`, body);
    } catch (fault) {
      this.complain(fault);
      return null;
    }
  }

  take(event, fresh) {
    if (event.kind === "call") this.turn(event, fresh);
    else if (event.kind === "spoken") this.hear(event, fresh);
    else if (event.kind === "listening") this.state = "listening";
    else if (event.kind === "call_note") this.write("note", said(event));
    else if (event.kind === "pressed") this.gave(event.keys);
    else if (event.kind === "said") this.gave(`“${event.words}”`);
    this.draw();
  }

  turn(event, fresh) {
    this.state = event.state;
    if (event.state === "ringing") {
      this.call = event.call;
      this.dialled = event.to;
      this.part("spoken").replaceChildren();
      if (fresh) this.show("calling");
    }
    if (event.state === "ended") {
      this.call = null;
      this.part("spoken").querySelector(".now")?.classList.remove("now");
      if (fresh) hush();
    }
  }

  hear(event, fresh) {
    if (this.state !== "listening") this.state = "in-progress";
    const item = this.write("voice", event.text);
    item.lang = event.language;
    item.dataset.language = event.language;
    item.style.setProperty("--seconds", `${event.seconds}s`);
    this.part("spoken").querySelector(".now")?.classList.remove("now");
    item.classList.add("now");
    this.part("spoken").scrollTop = this.part("spoken").scrollHeight;
    if (fresh) speak(event.text, event.language);
  }

  gave(text) {
    hush();
    this.part("spoken").querySelector(".now")?.classList.remove("now");
    this.write("caller", text);
  }

  write(kind, text) {
    const item = document.createElement("li");
    item.className = kind;
    const words = document.createElement("p");
    words.textContent = text;
    item.append(words);
    this.part("spoken").append(item);
    this.part("spoken").scrollTop = this.part("spoken").scrollHeight;
    return item;
  }

  draw() {
    const talking = Boolean(this.call);
    this.part("dialled").textContent = this.dialled || " ";
    this.part("call-state").textContent = this.state ? word(this.state) : "";
    this.part("call-state").dataset.state = this.state;
    this.part("line").classList.toggle("talking", talking);
    const focused = document.activeElement;
    this.part("hangup").disabled = !talking;
    this.part("dial").disabled = false;
    // A button that goes out of use hands its focus to the one that is in use now.
    if (talking && focused === this.part("dial")) this.part("hangup").focus();
    if (!talking && (focused === this.part("hangup") || this.part("say").contains(focused))) this.part("dial").focus();
    this.part("dial").disabled = talking;
    this.part("key-*").setAttribute("aria-label", word("star"));
    this.part("key-#").setAttribute("aria-label", word("hash"));
    this.part("say").hidden = !talking;
    this.part("tab-calling").classList.toggle("talking", talking);
  }
}
