// The staff's WeCom phone: application messages and cards of one member, or a group with its robot; and the reply.

import { post } from "./api.js";
import { accountAvatar, notice, personAvatar, robotAvatar, robotText, row, textBubble, withTimes } from "./bubbles.js";
import { byId, composer, h, icon, keyedList, openSheet, stickToEnd, toast } from "./dom.js";
import { switcher, unreadBook } from "./unread.js";

const ALERT_CODE = /(?<![A-Za-z0-9])[A-Z]\d{1,6}(?![A-Za-z0-9])/;

/** The staff's phone. `refresh()` gets the newest state, `onChange()` tells others that what was read changed. */
export function staffPhone({ refresh, onChange }) {
  const messages = byId("staff-messages");
  const overlay = byId("staff-overlay");
  const list = keyedList(messages);
  const scroll = stickToEnd(messages, byId("staff-jump"));
  const book = unreadBook("app");
  const pressing = new Set();
  let waiting = [];
  let state = null;
  let chosen = sessionStorage.getItem("staff");
  let byHand = chosen !== null;
  let shown = null;
  let count = 0;
  let visible = true;

  const box = composer(byId("staff-input"), byId("staff-form"), send);
  const switches = switcher(byId("staff-switches"), "staff-switch", (id) => {
    byHand = true;
    choose(id);
  });

  const chats = () => [
    ...state.staff.map((each) => ({ id: `staff-${each.userid}`, name: each.name, userid: each.userid, robot: false, messages: each.messages })),
    ...state.robots.map((each) => ({ id: `robot-${each.key}`, name: each.name, robot: true, messages: each.messages.map((message) => ({ ...message, from: "app", kind: "text" })) })),
  ];
  const current = () => chats().find((chat) => chat.id === chosen) ?? null;

  // Where something was said last; the first phone while all are empty.
  function latest(all) {
    const at = (chat) => Date.parse(chat.messages.at(-1)?.at ?? 0);
    return all.reduce((best, chat) => (best && at(best) >= at(chat) ? best : chat), null);
  }

  function choose(id) {
    chosen = id;
    if (byHand) sessionStorage.setItem("staff", id);
    draw();
    scroll.toEnd();
    onChange();
  }

  async function attempt(work) {
    try {
      await work();
      await refresh();
    } catch (error) {
      toast(error.message);
    }
  }

  async function send(text) {
    const chat = current();
    if (!chat || chat.robot) return;
    const item = { key: `wait-${performance.now()}`, chat: chat.id, text };
    waiting.push(item);
    draw();
    scroll.toEnd();
    await attempt(() => post(`staff/${encodeURIComponent(chat.userid)}/text`, { text }));
    waiting = waiting.filter((other) => other !== item);
    draw();
  }

  async function press(chat, message, key) {
    const id = `${chat.id}/${message.id}`;
    if (pressing.has(id)) return;
    pressing.add(id);
    draw();
    await attempt(() => post(`staff/${encodeURIComponent(chat.userid)}/press`, { message: message.id, key }));
    pressing.delete(id);
    draw();
  }

  function draw() {
    if (!state) return;
    const all = chats();
    for (const each of all) book.unread(each.id, each.messages);
    book.begin();
    if (!current()) chosen = latest(all)?.id ?? null;
    const news = all.find((chat) => chat.id !== chosen && book.unread(chat.id, chat.messages) > 0);
    // Until somebody chooses a phone by hand, one that rings takes the place of one that is empty.
    if (news && !byHand && current().messages.length === 0) chosen = news.id;
    const chat = current();
    if (visible && chat) book.read(chat.id, chat.messages);
    switches.show(all.map((each) => ({ id: each.id, name: each.name, unread: book.unread(each.id, each.messages), chosen: each.id === chosen })));
    byId("staff-phone").classList.toggle("group", Boolean(chat?.robot));
    byId("staff-title").replaceChildren(...title(chat));
    byId("staff-nav-icon").setAttribute("href", chat?.robot ? "#i-people" : "#i-person");
    byId("staff-form").hidden = !chat || chat.robot;
    byId("staff-note").hidden = !chat?.robot;
    drawMessages(chat);
    drawQuick(chat);
  }

  function title(chat) {
    if (!chat) return ["企业微信"];
    return chat.robot ? [chat.name] : [state.account.name, h("span", { class: "nav-sub" }, `${chat.name}的企业微信`)];
  }

  function drawMessages(chat) {
    if (!chat) return list.show([{ key: "none", mark: "", build: () => notice("还没有教职工。导入名单后，这里就是他们的手机。") }]);
    const switched = shown !== chat.id;
    if (switched) {
      list.clear();
      shown = chat.id;
      messages.classList.add("still");
      messages.setAttribute("aria-live", "off");
      setTimeout(() => {
        messages.classList.remove("still");
        messages.setAttribute("aria-live", "polite");
      }, 150);
    }
    const items = withTimes(chat.messages, state.zone, state.clock, (message) => [item(chat, message)]);
    const seen = new Set(chat.messages.map((message) => message.text));
    for (const wait of waiting.filter((other) => other.chat === chat.id && !seen.has(other.text))) {
      items.push({ key: wait.key, mark: "", build: () => mine(chat, { id: wait.key, text: wait.text }, h("span", { class: "spinner", role: "img", "aria-label": "发送中" })) });
    }
    if (!items.length) items.push({ key: "none", mark: "", build: () => notice(chat.robot ? "群里还没有消息" : "还没有消息") });
    list.show(items);
    const theirs = chat.messages.filter((message) => message.from === "app").length;
    if (switched) scroll.toEnd();
    else scroll.grew(theirs - count);
    count = theirs;
    return undefined;
  }

  function drawQuick(chat) {
    const card = chat?.messages.findLast?.((message) => message.kind === "card" && message.pressed === null);
    const code = card && ALERT_CODE.exec(`${card.title} ${card.text}`)?.[0];
    const quick = byId("staff-quick");
    const words = code && !chat.robot ? [`收到 ${code}`] : [];
    byId("staff-input").placeholder = code ? `如：收到 ${code}` : "";
    if (quick.dataset.words === words.join()) return;
    quick.dataset.words = words.join();
    quick.hidden = words.length === 0;
    quick.replaceChildren(...words.map((word) => h("button", { type: "button", class: "chip", onclick: () => box.fill(word) }, word)));
    scroll.grew(0);
  }

  const actions = { say: (text) => box.fill(text), call: callSheet };

  function item(chat, message) {
    if (message.from === "staff") return { key: `m-${message.id}`, mark: message.text, build: () => mine(chat, message, null) };
    const busy = pressing.has(`${chat.id}/${message.id}`);
    const mark = JSON.stringify([message.title, message.text, message.buttons, message.pressed, message.replaced_by, busy]);
    const who = chat.robot ? { avatar: robotAvatar(), reader: chat.name, name: "值班提醒机器人" } : { avatar: accountAvatar(), reader: state.account.name };
    const body = () => (chat.robot ? robotText(message.text, actions) : message.kind === "card" ? card(chat, message, busy) : textBubble(message.text, actions));
    return { key: `m-${message.id}`, mark, build: () => row({ side: "theirs", body: body(), testId: chat.robot ? "robot-message" : message.kind === "card" ? "card" : "staff-bubble-app", id: message.id, className: message.kind === "card" ? "wide" : "", ...who }) };
  }

  function mine(chat, message, extra) {
    return row({ side: "mine", avatar: personAvatar(chat.name), body: textBubble(message.text, actions), testId: "staff-bubble-own", reader: chat.name, id: message.id, extra });
  }

  function card(chat, message, busy) {
    const buttons = message.buttons ?? [];
    const done = message.pressed !== null && message.pressed !== undefined;
    const label = message.replaced_by ?? buttons.find((button) => button.key === message.pressed)?.text ?? "已处理";
    const choices = buttons.map((button) => h("button", { type: "button", class: button.primary ? "card-button primary" : "card-button", "data-testid": "card-button", "data-key": button.key, disabled: busy, onclick: () => press(chat, message, button.key) }, button.text));
    const foot = done || message.replaced_by ? h("p", { class: "card-done", "data-testid": "card-done" }, label) : buttons.length > 0 && h("div", { class: buttons.length > 3 ? "card-buttons column" : "card-buttons" }, choices);
    return h("article", { class: "card" }, h("p", { class: "card-source" }, h("span", { class: "avatar account mini", "aria-hidden": "true" }, icon("cap")), state.account.name), h("h3", { class: "card-title" }, message.title), message.text && h("div", { class: "card-text" }, textBubble(message.text, actions)), foot);
  }

  function callSheet(number) {
    const close = openSheet(overlay, `呼叫 ${number}`, "bottom", [
      h("p", { class: "sheet-title" }, number),
      h("a", { class: "sheet-item", href: `tel:${number}`, onclick: () => close() }, "呼叫"),
      h("button", { type: "button", class: "sheet-item", onclick: () => { navigator.clipboard?.writeText(number); close(); } }, "复制号码"),
      h("button", { type: "button", class: "sheet-item apart", onclick: () => close() }, "取消"),
    ]);
  }

  return {
    render(next) {
      state = next;
      draw();
    },
    setVisible(value) {
      visible = value;
      draw();
    },
    unread: () => (state ? chats().reduce((sum, chat) => sum + book.unread(chat.id, chat.messages), 0) : 0),
  };
}
