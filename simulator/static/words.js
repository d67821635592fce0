// The page's sentences (texts.toml) in the chosen language: the browser's, or the switch's.

const WORDS = await (await fetch("words")).json();

const preferred = (navigator.languages ?? [navigator.language]).find((each) => /^(zh|en)\b/i.test(each));
let language = localStorage.getItem("language") ?? (/^en/i.test(preferred ?? "zh") ? "en" : "zh");

export function speaks() {
  return language;
}

// {short_code} and {hotline} are the service's own numbers, as the page has them.
export function word(key, detail = {}) {
  const pair = WORDS[key];
  if (!pair) return key;
  const { shortCode, hotline } = document.body.dataset;
  const facts = { short_code: shortCode, hotline, ...detail };
  return pair[language === "en" ? 1 : 0].replace(/\{(\w+)\}/g, (_, name) => facts[name] ?? "");
}

// Returns the part of a record that is in the chosen language: {zh, en} or {label_zh, label_en}.
export function said(record, prefix = "") {
  return record[prefix + language] ?? record[prefix + "zh"] ?? "";
}

export function translate(root = document) {
  root.querySelectorAll("[data-word]").forEach((e) => { e.textContent = word(e.dataset.word); });
  root.querySelectorAll("[data-placeholder]").forEach((e) => { e.placeholder = word(e.dataset.placeholder); });
  root.querySelectorAll("[data-label]").forEach((e) => { e.setAttribute("aria-label", word(e.dataset.label)); });
  root.querySelectorAll("[data-hint]").forEach((e) => { e.title = word(e.dataset.hint); });
  root.querySelectorAll("[data-title]").forEach((e) => {
    e.title = word(e.dataset.title);
    e.setAttribute("aria-label", e.title);
  });
  root.querySelectorAll("[data-only]").forEach((e) => { e.hidden = e.dataset.only !== language; });
}

// In China's time, as the service tells times: a day, a time, or both.
export function moment(at, parts) {
  return new Date(at).toLocaleString(language === "en" ? "en-GB" : "zh-CN", {
    timeZone: "Asia/Shanghai", hour12: false, ...parts,
  });
}

export const DAY = { month: "long", day: "numeric" };
export const MINUTE = { hour: "2-digit", minute: "2-digit" };

export function switchLanguage() {
  language = language === "en" ? "zh" : "en";
  localStorage.setItem("language", language);
  name();
  translate();
}

function name() {
  document.documentElement.lang = language === "en" ? "en" : "zh-CN";
  document.title = `${word("title")} · ${word("subtitle")}`;
}

name();
