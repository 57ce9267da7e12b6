// How one message looks: bubbles, voices, pictures, cards, separators. Builds elements and holds no state.

import { h, icon } from "./dom.js";
import { pieces, separator, spokenSeconds } from "./text.js";

const GAP_MS = 5 * 60_000;
const HUES = ["#4f8fd0", "#d98243", "#5aa469", "#9a73c4", "#c9606f", "#3f9c9c", "#b0893a"];

/** Adds to `items` what the messages need between them: times after a gap of five minutes. */
export function withTimes(messages, zone, now, itemsOf) {
  const items = [];
  let last = -Infinity;
  for (const message of messages) {
    const at = Date.parse(message.at);
    if (at - last > GAP_MS) {
      const words = separator(zone(at), zone(now));
      items.push({ key: `time-${message.id}`, mark: words, build: () => h("p", { class: "time" }, words) });
    }
    last = at;
    items.push(...itemsOf(message));
  }
  return items;
}

/** The face of a person: the first character of the name on a colour that stays with the name. */
export function personAvatar(name) {
  const hue = HUES[[...name].reduce((sum, letter) => sum + letter.codePointAt(0), 0) % HUES.length];
  const face = h("span", { class: "avatar", "aria-hidden": "true" }, [...name][0] ?? "");
  face.style.backgroundColor = hue;
  return face;
}

export const accountAvatar = () => h("span", { class: "avatar account", "aria-hidden": "true" }, icon("cap"));
export const robotAvatar = () => h("span", { class: "avatar robot", "aria-hidden": "true" }, icon("robot"));

/** Text with its links; `actions` has say(text) and call(number). */
export function rich(text, actions) {
  return pieces(text).map((piece) => {
    if (piece.kind === "phone") return h("button", { type: "button", class: "inline phone-number", onclick: () => actions.call(piece.text) }, piece.text);
    if (piece.kind === "say") return h("button", { type: "button", class: "inline", onclick: () => actions.say(piece.say) }, piece.text);
    if (piece.kind === "link") return h("a", { href: piece.href, target: "_blank", rel: "noopener noreferrer" }, piece.text);
    return piece.text;
  });
}

/** A row with avatar and bubble; side is "theirs" or "mine"; `reader` says whose words they are to who does not see the side. */
export function row({ side, avatar, body, testId, reader, id, extra = null, className = "", name = null }) {
  body.dataset.testid = testId;
  body.dataset.id = id;
  const line = h("div", { class: "line" }, h("span", { class: "sr-only" }, `${reader}：`), body, extra);
  return h("div", { class: `row ${side} ${className}` }, avatar, h("div", { class: "stack" }, name && h("span", { class: "sender", "aria-hidden": "true" }, name), line));
}

export const textBubble = (text, actions) => h("div", { class: "bubble" }, rich(text, actions));

/** A voice with its length, and below it what was recognised. */
export function voiceBubble(text) {
  const seconds = spokenSeconds(text);
  const sound = h("div", { class: "bubble voice" }, icon("waves"), h("span", {}, `${seconds}″`));
  sound.style.width = `${72 + seconds * 3}px`;
  return h("div", { class: "voice-stack" }, sound, text && h("div", { class: "transcript" }, h("span", { class: "sr-only" }, "转文字："), text));
}

export const pictureBubble = () => h("div", { class: "picture", role: "img", "aria-label": "一张照片" }, icon("picture", "0 0 150 110"));

export const notice = (text) => h("p", { class: "notice" }, text);

/** Text of a group robot: WeCom's small markdown (bold, quotes, headings, coloured words). */
export function robotText(text, actions) {
  return h("div", { class: "bubble markdown" }, text.split("\n").map((line) => {
    const quote = /^>\s?/.test(line);
    const heading = /^#{1,6}\s+/.test(line);
    const words = line.replace(/^>\s?/, "").replace(/^#{1,6}\s+/, "");
    return h("div", { class: quote ? "quote" : heading ? "heading" : "plain-line" }, words ? spans(words, actions) : h("br"));
  }));
}

function spans(words, actions) {
  const parts = words.split(/(\*\*[^*]+\*\*|<font color="\w+">[^<]*<\/font>|`[^`]+`)/g);
  return parts.map((part) => {
    const bold = /^\*\*([^*]+)\*\*$/.exec(part);
    if (bold) return h("strong", {}, bold[1]);
    const font = /^<font color="(\w+)">([^<]*)<\/font>$/.exec(part);
    if (font) return h("span", { class: `font-${font[1]}` }, font[2]);
    const code = /^`([^`]+)`$/.exec(part);
    if (code) return h("code", {}, code[1]);
    return rich(part.replace(/\[([^\]]+)\]\((https?:[^)\s]+)\)/g, '<a href="$2">$1</a>'), actions);
  });
}
