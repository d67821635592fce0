// Four steps of a first hour; each lights up with the event that shows it is done.

import { speaks, word } from "./words.js";

const HELD = new Set(["active", "ending", "suspended"]);
const MOBILE = /^1\d{10}$/;
const steps = document.querySelector('[data-role="steps"]');
const done = new Set();

// Derived from the network's events alone, so that a reload shows the same.
export function follow(event) {
  if (event.kind === "customer" && HELD.has(event.state)) done.add(1);
  if (event.kind === "text" && event.direction === "out" && MOBILE.test(event.peer)) done.add(2);
  // Only a subscriber gets flash messages.
  if (event.kind === "flash") done.add(1).add(3);
  if (event.kind === "customer" && done.has(1) && event.mode === "text") done.add(4);
}

export function drawSteps(phone) {
  const words = phone?.[speaks() === "en" ? "words_en" : "words"] ?? [];
  const [open, yes, regular] = words;
  steps.querySelectorAll("[data-step]").forEach((item) => {
    const number = Number(item.dataset.step);
    const isDone = done.has(number);
    item.classList.toggle("done", isDone);
    item.querySelector("i").textContent = isDone ? "✓" : number;
    item.querySelector('[data-role="done"]').textContent = isDone ? word("stepDone") : "";
    item.querySelector('[data-role="how"]').textContent = word(`step${number}Hint`, { open, yes, regular });
    if (number === Math.min(5, ...[1, 2, 3, 4].filter((each) => !done.has(each)))) item.setAttribute("aria-current", "step");
    else item.removeAttribute("aria-current");
  });
  document.querySelector('[data-role="steps-hint"]').textContent = word(done.size === 4 ? "allDone" : "stepsHint");
}
