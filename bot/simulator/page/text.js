// What a message says, taken apart: links, phone numbers, suggested numbers and times. Pure; no DOM here.

const ANCHOR = String.raw`<a\s[^>]*?href=["']([^"']*)["'][^>]*>([^<]*)<\/a>`;
const URL_TEXT = String.raw`https?:\/\/[^\s<>"'，。；、！？（）【】《》“”]+`;
const PHONE = String.raw`(?<![\dA-Za-z\-./:年]|第 ?)(?:1[3-9]\d{9}|0\d{2,3}-\d{7,8}|[48]00-?\d{3}-?\d{4}|96110|(?:110|119|12[02])(?! ?[\d年月日天人元条份周章号个名分%.\-:])|123\d{2}|12320-5)(?![\d\-]|\.\d)`;
const PARTS = new RegExp(`${ANCHOR}|(${URL_TEXT})|(${PHONE})`, "gi");
const MENU_LINK = /^weixin:\/\/bizmsgmenu\?(.*)$/i;
const WEEKDAYS = ["星期日", "星期一", "星期二", "星期三", "星期四", "星期五", "星期六"];
const DAY_MS = 86_400_000;

/** The text in pieces: {kind: "text" | "phone" | "link" | "say", text, href?, say?}; joined they read as the phone shows them. */
export function pieces(text) {
  const found = [];
  let end = 0;
  for (const match of text.matchAll(PARTS)) {
    if (match.index > end) found.push({ kind: "text", text: text.slice(end, match.index) });
    end = match.index + match[0].length;
    const [whole, href, label, url, phone] = match;
    if (phone) found.push({ kind: "phone", text: phone });
    else if (url) found.push({ kind: "link", text: url, href: url });
    else found.push(anchor(whole, href, label));
  }
  if (end < text.length) found.push({ kind: "text", text: text.slice(end) });
  return found;
}

function anchor(whole, href, label) {
  const menu = MENU_LINK.exec(href.replaceAll("&amp;", "&"));
  if (menu) return { kind: "say", text: label, say: new URLSearchParams(menu[1]).get("msgmenucontent") || label };
  if (/^https?:\/\//i.test(href)) return { kind: "link", text: label, href };
  return { kind: "text", text: label || whole };
}

/** The numbers a reply offers to be answered with: [{number, label}], empty when it offers none.
 *
 * After “回复数字” they may stand in one line; elsewhere only at line starts, counting from 1, and without the dot of a list of steps.
 */
export function suggestions(text) {
  const call = /回复(?:对应)?(?:的)?(?:数字|序号|编号)/.exec(text);
  if (call) {
    const after = inLine(text.slice(call.index + call[0].length));
    if (after.length) return after;
    const before = atLineStarts(text.slice(0, call.index), /^\s*([1-9])\s*[.．、:：)）]?\s*(\S.*)$/);
    if (before.length) return before;
  }
  return atLineStarts(text, /^([1-9])[ \u3000]+(\S.*)$/);
}

function inLine(text) {
  const marks = [...text.matchAll(/(?:^|[\s:：，,；;、])([1-9])\s*[.．、:：)）]?\s*(?=[^\s\d])/g)];
  const items = marks.map((mark, index) => ({
    number: mark[1],
    label: text.slice(mark.index + mark[0].length, marks[index + 1]?.index).split("\n")[0].replace(/[\s，,；;、。]+$/, "").trim(),
  }));
  return counting(items.filter((item) => item.label));
}

function atLineStarts(text, pattern) {
  const items = text.split("\n").map((line) => pattern.exec(line)).filter(Boolean).map(([, number, label]) => ({ number, label: label.trim() }));
  return counting(items);
}

function counting(items) {
  return items.length && items.every((item, index) => Number(item.number) === index + 1) ? items : [];
}

/** A reader of times in the zone of `now` (an ISO time with its offset), whatever zone the browser is in. */
export function zoneOf(now) {
  const offset = /([+-])(\d{2}):?(\d{2})$/.exec(now);
  const minutes = offset ? (offset[1] === "-" ? -1 : 1) * (Number(offset[2]) * 60 + Number(offset[3])) : 480;
  return (milliseconds) => new Date(milliseconds + minutes * 60_000);
}

/** 14:05, in the zone's hours. */
export function hourMinute(local) {
  return `${two(local.getUTCHours())}:${two(local.getUTCMinutes())}`;
}

/** {date: "2027年6月18日 星期五", time: "14:05:09"}. */
export function clockWords(local) {
  return { date: `${local.getUTCFullYear()}年${monthDay(local)} ${WEEKDAYS[local.getUTCDay()]}`, time: `${hourMinute(local)}:${two(local.getUTCSeconds())}` };
}

/** What stands between bubbles, as WeChat writes it: 14:05 · 昨天 14:05 · 星期三 14:05 · 6月18日 14:05. */
export function separator(local, nowLocal) {
  const days = Math.floor(nowLocal.getTime() / DAY_MS) - Math.floor(local.getTime() / DAY_MS);
  if (days <= 0) return hourMinute(local);
  if (days === 1) return `昨天 ${hourMinute(local)}`;
  if (days < 7) return `${WEEKDAYS[local.getUTCDay()]} ${hourMinute(local)}`;
  const year = local.getUTCFullYear() === nowLocal.getUTCFullYear() ? "" : `${local.getUTCFullYear()}年`;
  return `${year}${monthDay(local)} ${hourMinute(local)}`;
}

/** Seconds from `local` to the next eight o'clock in the morning, more than none. */
export function secondsToMorning(local) {
  const passed = local.getUTCHours() * 3600 + local.getUTCMinutes() * 60 + local.getUTCSeconds();
  const wait = (8 * 3600 - passed + 86_400) % 86_400;
  return wait || 86_400;
}

/** 46 小时 12 分. */
export function duration(milliseconds) {
  const minutes = Math.max(0, Math.floor(milliseconds / 60_000));
  const hours = Math.floor(minutes / 60);
  return hours ? `${hours} 小时 ${minutes % 60} 分` : `${minutes} 分钟`;
}

/** Seconds a sentence of this many characters takes to say, 1 to 60, as on a voice bubble. */
export function spokenSeconds(text) {
  return Math.min(60, Math.max(1, Math.round([...text].length / 4)));
}

function monthDay(local) {
  return `${local.getUTCMonth() + 1}月${local.getUTCDate()}日`;
}

function two(number) {
  return String(number).padStart(2, "0");
}
