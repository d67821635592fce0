// Counts the characters of a message while it is typed; the server's preview works without.
"use strict";
for (const field of document.querySelectorAll("[data-most]")) {
  const told = document.getElementById(`${field.id}-count`);
  const most = Number(field.dataset.most);
  const count = () => {
    const units = [...field.value].length;
    told.textContent = told.dataset.sentence.replace("#", String(units));
    told.classList.toggle("wrong", units > most);
  };
  field.addEventListener("input", count);
  count();
}
