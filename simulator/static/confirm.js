// One modal question before an act that deletes something: Escape and the first button say no.

import { word } from "./words.js";

export function confirmed(title, means, yes, detail = {}) {
  const dialog = document.querySelector('[data-role="confirm"]');
  document.getElementById("confirm-title").textContent = word(title, detail);
  document.getElementById("confirm-means").textContent = word(means, detail);
  dialog.querySelector('[data-role="confirm-yes"]').textContent = word(yes);
  dialog.returnValue = "no";
  dialog.showModal();
  return new Promise((answer) => {
    dialog.addEventListener("close", () => answer(dialog.returnValue === "yes"), { once: true });
  });
}
