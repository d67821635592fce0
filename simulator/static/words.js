// The page's own words, in both languages; the choice is remembered by the browser.

const WORDS = {
  title: ["模拟网络", "The simulated network"],
  lead: ["发短信到 7500，拨打 10086，给朋友发短信，看回执如何弹出。", "Text 7500, dial 10086, text a friend, and watch the receipt flash up."],
  offline: ["模拟网络没有运行。页面会自动重新连接。", "The network is not running. The page keeps trying to reach it."],
  hall: ["网上营业厅", "Online service hall"],
  mute: ["声音：开", "Sound: on"],
  muted: ["声音：关", "Sound: off"],
  fates: ["短信的结果由朋友号码的尾号决定", "The friend's last digits decide the fate"],
  fatesHint: ["点击尾号，把例子号码填进刚用过的手机。这几部手机自己开机时总能收到。", "Click a tail to put an example number into the phone you used last. The phones here always receive while they are on."],
  others: ["其他", "others"],
  faults: ["通道故障", "Provider trouble"],
  faultsHint: ["让短信通道真的出错，看业务如何应对。次数 0 表示一直持续到关闭。", "Makes a provider fail for real. Zero times means until switched off."],
  none: ["正常", "works"],
  http_500: ["出错 500", "error 500"],
  http_503: ["不可用 503", "unavailable 503"],
  http_429: ["太忙 429", "too busy 429"],
  slow: ["很慢(5 秒)", "slow (5 s)"],
  cut_before: ["未收就断线", "cut before taking"],
  cut_after: ["收下后断线", "cut after taking"],
  times: ["次数", "times"],
  set: ["设定", "Set"],
  addPhone: ["添加一部手机", "Add a phone"],
  add: ["添加", "Add"],
  added: ["已添加", "added"],
  activity: ["网络向业务平台报告了什么", "What the network told the service"],
  activityHint: ["每一次状态回调和对方的回答；失败的会再试。", "Each callback and what the service answered; a failed one is tried again."],
  answered: ["回答", "answer"],
  attempt: ["第 {n} 次", "attempt {n}"],
  to: ["发给", "To"],
  write: ["短信内容", "Message"],
  send: ["发送", "Send"],
  messages: ["短信", "Messages"],
  phone: ["电话", "Phone"],
  say: ["说", "Say"],
  sayHint: ["对着话筒说…", "speak into the phone…"],
  withheld: ["隐藏号码", "hide number"],
  dial: ["拨号", "Dial"],
  hangup: ["挂断", "Hang up"],
  erase: ["删除", "Erase"],
  power: ["开机或关机", "Switch on or off"],
  flash: ["闪信", "Flash message"],
  close: ["关闭", "Dismiss"],
  isOff: ["已关机", "Switched off"],
  ringing: ["正在呼叫…", "calling…"],
  "in-progress": ["通话中", "in call"],
  listening: ["请按键或说话", "waiting for a key or words"],
  ended: ["通话结束", "call ended"],
  nothing: ["还没有短信", "no messages yet"],
  network: ["网络", "network"],
  kept: ["由闪信转存", "kept from the screen"],
  unheard: ["对方此刻没有在听", "nobody was listening just then"],
};

let language = localStorage.getItem("language") === "en" ? "en" : "zh";

export function speaks() {
  return language;
}

export function word(key, detail = {}) {
  const pair = WORDS[key];
  if (!pair) return key;
  const text = pair[language === "en" ? 1 : 0];
  return text.replace(/\{(\w+)\}/g, (_, name) => detail[name] ?? "");
}

// Returns the part of a record that is in the chosen language: {zh, en} or {label_zh, label_en}.
export function said(record, prefix = "") {
  return record[prefix + language] ?? record[prefix + "zh"] ?? "";
}

export function translate(root = document) {
  root.querySelectorAll("[data-word]").forEach((e) => { e.textContent = word(e.dataset.word); });
  root.querySelectorAll("[data-placeholder]").forEach((e) => { e.placeholder = word(e.dataset.placeholder); });
  root.querySelectorAll("[data-title]").forEach((e) => {
    e.title = word(e.dataset.title);
    e.setAttribute("aria-label", e.title);
  });
  root.querySelectorAll("[data-only]").forEach((e) => { e.hidden = e.dataset.only !== language; });
}

export function switchLanguage() {
  language = language === "en" ? "zh" : "en";
  localStorage.setItem("language", language);
  document.documentElement.lang = language === "en" ? "en" : "zh-CN";
  translate();
}

document.documentElement.lang = language === "en" ? "en" : "zh-CN";
