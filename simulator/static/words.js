// The page's own words, in both languages; the choice is remembered by the browser.

const WORDS = {
  title: ["模拟网络", "The simulated network"],
  lead: ["发短信到 {short_code}，拨打 {hotline}，给朋友发短信，看回执弹出。", "Text {short_code}, call {hotline}, text a friend, and watch the receipt appear."],
  offline: ["模拟网络没有运行。页面会自动重新连接。", "The simulated network is not running. This page will reconnect by itself."],
  hall: ["网上营业厅", "Online Services"],
  mute: ["声音：开", "Sound: on"],
  muted: ["声音：关", "Sound: off"],
  fates: ["朋友号码的末四位决定短信结果", "The number's last four digits decide the outcome"],
  fatesHint: ["点击尾号，示例号码会填入您刚用过的手机。本页手机开机时总能收到短信。", "Click an ending to put an example number into the phone you used last. Phones on this page always receive while they are on."],
  others: ["其他号码", "Others"],
  faults: ["通道故障", "Break a provider"],
  faultsHint: ["让短信通道真实出错，看系统如何应对。次数填 0 表示持续到改回“正常”。", "Make a provider really fail and see how the service copes. 0 times lasts until you set “works” again."],
  none: ["正常", "works"],
  http_500: ["出错 500", "error 500"],
  http_503: ["服务不可用 503", "unavailable 503"],
  http_429: ["请求过多 429", "too many requests 429"],
  slow: ["很慢（5 秒）", "slow (5 s)"],
  cut_before: ["收到前断线", "cut off before accepting"],
  cut_after: ["收到后断线", "cut off after accepting"],
  times: ["次数", "times"],
  set: ["应用", "Apply"],
  addPhone: ["添加一部手机", "Add a phone"],
  add: ["添加", "Add"],
  added: ["已添加", "added"],
  activity: ["网络回调记录", "Callbacks to the service"],
  activityHint: ["每次状态回调及业务平台的应答；失败的会重试。", "Each callback and the service's answer; a failed one is tried again."],
  answered: ["应答", "answer"],
  attempt: ["第 {n} 次", "attempt {n}"],
  to: ["发给", "To"],
  write: ["短信内容", "Message"],
  send: ["发送", "Send"],
  messages: ["短信", "Messages"],
  phone: ["通话", "Calls"],
  say: ["说", "Say"],
  sayHint: ["输入要说的话…", "type what to say…"],
  withheld: ["隐藏号码", "hide number"],
  dial: ["拨号", "Dial"],
  hangup: ["挂断", "Hang up"],
  erase: ["删除", "Delete"],
  power: ["开机或关机", "Switch on or off"],
  flash: ["闪信", "Flash message"],
  close: ["关闭", "Dismiss"],
  isOff: ["已关机", "Switched off"],
  ringing: ["正在呼叫…", "calling…"],
  "in-progress": ["通话中", "in call"],
  listening: ["请按键或说话", "press a key or speak"],
  ended: ["通话结束", "call ended"],
  nothing: ["暂无短信", "no messages yet"],
  network: ["网络", "network"],
  phones: ["手机", "Phones"],
  number: ["手机号码", "Mobile number"],
  twilioFault: ["Twilio 通道故障", "Twilio fault"],
  kannelFault: ["Kannel 通道故障", "Kannel fault"],
  kept: ["由闪信转存", "saved from a flash message"],
  unheard: ["正在播放语音，按键未被接收", "The line was still speaking; the key was not taken"],
};

let language = localStorage.getItem("language") === "en" ? "en" : "zh";

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
