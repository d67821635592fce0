// Speaks with the browser's own voices, if it has any; muting is remembered.

import { word } from "./words.js";

const mouth = window.speechSynthesis;
let muted = localStorage.getItem("muted") === "yes";

function tongue(language) {
  if (language.startsWith("cmn") || language === "zh") return "zh-CN";
  return language;
}

export function speak(text, language) {
  if (muted || !mouth || !window.SpeechSynthesisUtterance) return;
  const words = new SpeechSynthesisUtterance(text);
  words.lang = tongue(language);
  mouth.speak(words);
}

export function hush() {
  mouth?.cancel();
}

export function muteButton(button) {
  const show = () => {
    button.textContent = word(muted ? "muted" : "mute");
    button.setAttribute("aria-pressed", String(muted));
  };
  button.addEventListener("click", () => {
    muted = !muted;
    localStorage.setItem("muted", muted ? "yes" : "no");
    if (muted) hush();
    show();
  });
  show();
  return show;
}
