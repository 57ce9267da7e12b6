// What has been seen on a phone, and the row of names with its dots above it.

import { h, keyedList } from "./dom.js";

/** Counts messages from `sender` that came after the newest one read. */
export function unreadBook(sender) {
  const seen = new Map();
  let begun = false;
  const theirs = (messages) => messages.filter((message) => !sender || message.from === sender);
  // When the page opens, the server's own count says what is new; of somebody who appears later, everything is.
  const start = (id, messages, atFirst) => {
    if (seen.has(id)) return;
    if (begun) {
      seen.set(id, 0);
      return;
    }
    const ids = theirs(messages).map((message) => message.id);
    seen.set(id, ids[ids.length - 1 - Math.min(atFirst, ids.length)] ?? 0);
  };
  return {
    /** From now on who is not known yet has just appeared. */
    begin() {
      begun = true;
    },
    read: (id, messages) => seen.set(id, Math.max(0, ...messages.map((message) => message.id))),
    unread(id, messages, atFirst = 0) {
      start(id, messages, atFirst);
      return theirs(messages).filter((message) => message.id > seen.get(id)).length;
    },
  };
}

/** A row of names; show([{id, name, unread, chosen}]). */
export function switcher(parent, testId, onChoose) {
  const list = keyedList(parent);
  let before = new Map();
  return {
    show(people) {
      list.show(people.map(({ id, name, unread, chosen }) => ({
        key: id,
        mark: name,
        build: () => h("button", { type: "button", class: "switch", "data-testid": testId, "data-id": id, onclick: () => onChoose(id) }, h("span", { class: "switch-name" }, name), h("span", { class: "badge", hidden: true })),
      })));
      for (const { id, unread, chosen } of people) {
        const button = [...parent.children].find((child) => child.dataset.id === id);
        button.setAttribute("aria-pressed", String(chosen));
        setBadge(button.querySelector(".badge"), unread);
        if (unread > (before.get(id)?.unread ?? 0) || (chosen && !before.get(id)?.chosen)) button.scrollIntoView({ block: "nearest", inline: "nearest" });
      }
      before = new Map(people.map((one) => [one.id, one]));
    },
  };
}

/** A red dot with a number, hidden at none. */
export function setBadge(badge, count) {
  const words = count > 99 ? "99+" : String(count);
  badge.hidden = count === 0;
  if (badge.firstChild?.textContent === words) return;
  badge.replaceChildren(words, h("span", { class: "sr-only" }, " 条新消息"));
}
