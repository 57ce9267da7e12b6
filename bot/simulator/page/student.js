// The student's phone: who is shown, the conversation, and sending. The bottom bar is in bar.js.

import { post } from "./api.js";
import { wireBar } from "./bar.js";
import { accountAvatar, notice, personAvatar, pictureBubble, row, textBubble, voiceBubble, withTimes } from "./bubbles.js";
import { byId, h, icon, keyedList, openSheet, stickToEnd, toast } from "./dom.js";
import { outgoing } from "./sending.js";
import { suggestions } from "./text.js";
import { switcher, unreadBook } from "./unread.js";

const FAULT_LINE = "该公众号提供的服务出现故障，请稍后再试";
const TYPING_AFTER_MS = 600;

/** The student's phone. `onChange()` is called when the phone itself changed what others show; `refresh()` gets the newest state. */
export function studentPhone({ refresh, onChange }) {
  const bubbles = byId("student-bubbles");
  const overlay = byId("student-overlay");
  const list = keyedList(bubbles);
  const scroll = stickToEnd(bubbles, byId("student-jump"));
  const book = unreadBook("account");
  const waiting = outgoing();
  const rounds = new Map();
  let state = null;
  let openid = sessionStorage.getItem("student");
  let shown = null;
  let count = 0;
  let visible = true;

  const student = () => state?.students.find((other) => other.openid === openid) ?? null;
  const say = (text) => send("text", text);
  const actions = { say, call: callSheet };
  const bar = wireBar({ say, voice: (text) => send("voice", text), image: () => send("image", ""), click: (key) => act("click", { key }), scan: (scene) => act("scan", { scene }), overlay });
  const switches = switcher(byId("student-switches"), "student-switch", choose);

  byId("follow-button").addEventListener("click", (event) => whileBusy(event.currentTarget, () => act("follow")));
  byId("profile-open").addEventListener("click", profileSheet);
  byId("student-add").addEventListener("click", addSheet);

  /** A round with the account: its errors are shown, the state is fresh when it ends, and the title says that an answer is on its way. */
  async function round(who, verb, body) {
    const target = `students/${encodeURIComponent(who)}/${verb}`;
    const timer = setTimeout(() => typing(who, 1), TYPING_AFTER_MS);
    let begun = false;
    const typing = (id, step) => {
      begun = begun || step > 0;
      rounds.set(id, (rounds.get(id) ?? 0) + step);
      draw();
    };
    try {
      await post(target, body);
      await refresh();
      return true;
    } catch (error) {
      toast(error.message);
      return false;
    } finally {
      clearTimeout(timer);
      if (begun) typing(who, -1);
    }
  }

  const act = (verb, body) => round(openid, verb, body);

  async function send(kind, text) {
    const messages = student()?.messages ?? [];
    const item = waiting.add(openid, { kind, text, after: Math.max(0, ...messages.map((message) => message.id)) });
    await deliver(item);
  }

  async function deliver(item) {
    item.failed = false;
    draw();
    scroll.toEnd();
    const done = await round(item.openid, item.kind, item.kind === "image" ? {} : { text: item.text });
    if (done) waiting.drop(item);
    item.failed = !done;
    draw();
  }

  function choose(id) {
    openid = id;
    sessionStorage.setItem("student", id);
    draw();
    scroll.toEnd();
    onChange();
  }

  function draw() {
    if (!state) return;
    if (!student()) openid = state.students[0]?.openid ?? null;
    const current = student();
    for (const each of state.students) book.unread(each.openid, each.messages, each.unread);
    book.begin();
    if (visible && current) book.read(current.openid, current.messages);
    switches.show(state.students.map((each) => ({ id: each.openid, name: each.name, unread: book.unread(each.openid, each.messages, each.unread), chosen: each.openid === openid })));
    const following = Boolean(current?.following);
    byId("student-chat").hidden = !following;
    byId("student-follow").hidden = following || !current;
    if (!current) return;
    const others = state.students.reduce((sum, each) => sum + (each.openid === openid ? 0 : book.unread(each.openid, each.messages, each.unread)), 0);
    bubbles.parentElement.querySelector(".nav-count").textContent = others || "";
    byId("student-title").textContent = rounds.get(openid) > 0 ? "对方正在输入…" : state.account.name;
    byId("follow-name").textContent = state.account.name;
    byId("follow-note").textContent = current.messages.length ? `${current.name}已取消关注，之前的消息还在。` : `${current.name}还没有关注这个公众号。`;
    bar.menu(state.menu?.button ?? []);
    if (following) drawMessages(current);
  }

  function drawMessages(current) {
    const switched = shown !== openid;
    if (switched) {
      list.clear();
      bubbles.classList.add("still");
      bubbles.setAttribute("aria-live", "off");
      shown = openid;
    }
    const pending = waiting.unseen(openid, current.messages);
    const failed = pending.filter((item) => item.failed);
    const under = (id) => failed.filter((item) => item.after === id).map((item) => pendingItem(item, current.name));
    const items = withTimes(current.messages, state.zone, state.clock, (message) => [...messageItems(message, current.name), ...under(message.id)]);
    items.push(...under(0), ...pending.filter((item) => !item.failed).map((item) => pendingItem(item, current.name)));
    const chips = pending.length > failed.length ? [] : offered(current.messages);
    if (chips.length) items.push({ key: `chips-${current.messages.at(-1).id}`, mark: "", build: () => chipRow(chips) });
    list.show(items);
    const theirs = current.messages.filter((message) => message.from === "account").length;
    if (switched) scroll.toEnd();
    else scroll.grew(theirs - count);
    count = theirs;
    if (switched) setTimeout(() => settle(), 150);
  }

  function settle() {
    bubbles.classList.remove("still");
    bubbles.setAttribute("aria-live", "polite");
  }

  function messageItems(message, name) {
    const mark = `${message.kind}|${message.text}`;
    if (message.from === "system" || message.kind === "event") return [{ key: `m-${message.id}`, mark, build: () => notice(message.text) }];
    if (message.from === "account") {
      const body = () => (message.kind === "image" ? pictureBubble() : textBubble(message.text, actions));
      return [{ key: `m-${message.id}`, mark, build: () => row({ side: "theirs", avatar: accountAvatar(), body: body(), testId: "bubble-account", reader: state.account.name, id: message.id }) }];
    }
    const items = [{ key: waiting.keyOf(openid, message), mark, build: () => ownRow(message, name, null) }];
    if (message.status === "failed" && !faultTold(message)) items.push({ key: `fault-${message.id}`, mark: "", build: () => notice(FAULT_LINE) });
    return items;
  }

  // The emulator may put the platform's own line into the conversation; it must not stand there twice.
  function faultTold(message) {
    return student().messages.some((other) => other.id > message.id && other.from === "system" && other.text.includes("服务出现故障"));
  }

  function pendingItem(item, name) {
    const extra = () => (item.failed
      ? h("button", { type: "button", class: "resend", "aria-label": "没有发出，重新发送", title: "重新发送", onclick: () => deliver(item) }, "!")
      : h("span", { class: "spinner", role: "img", "aria-label": "发送中" }));
    return { key: item.key, mark: String(item.failed), build: () => ownRow({ ...item, id: item.key }, name, extra()) };
  }

  function ownRow(message, name, extra) {
    const body = { voice: () => voiceBubble(message.text), image: pictureBubble }[message.kind] ?? (() => textBubble(message.text, actions));
    return row({ side: "mine", avatar: personAvatar(name), body: body(), testId: "bubble-student", reader: name, id: message.id, extra });
  }

  function offered(messages) {
    const last = messages.at(-1);
    return last?.from === "account" ? suggestions(last.text) : [];
  }

  function chipRow(chips) {
    return h("div", { class: "chips", role: "group", "aria-label": "可以回复的数字" }, chips.map(({ number, label }) =>
      h("button", { type: "button", class: "chip", "data-testid": "chip", onclick: () => say(number) }, h("b", {}, number), ` ${label}`)));
  }

  function callSheet(number) {
    const close = openSheet(overlay, `${number} 可能是一个电话号码`, "bottom", [
      h("p", { class: "sheet-title" }, `${number} 可能是一个电话号码，你可以`),
      h("a", { class: "sheet-item", href: `tel:${number}`, onclick: () => close() }, "呼叫"),
      h("button", { type: "button", class: "sheet-item", onclick: () => { navigator.clipboard?.writeText(number); close(); } }, "复制号码"),
      h("button", { type: "button", class: "sheet-item apart", onclick: () => close() }, "取消"),
    ]);
  }

  function profileSheet() {
    const close = openSheet(overlay, "公众号资料", "bottom", [
      h("div", { class: "profile" }, h("span", { class: "avatar account round", "aria-hidden": "true" }, icon("cap")), h("p", { class: "profile-name" }, state.account.name), h("p", { class: "profile-note" }, `${student().name}已关注`)),
      h("button", { type: "button", class: "sheet-item danger", "data-testid": "unfollow-button", onclick: () => { close(); act("unfollow"); } }, "取消关注"),
      h("button", { type: "button", class: "sheet-item apart", onclick: () => close() }, "返回"),
    ]);
  }

  function addSheet() {
    const name = h("input", { id: "student-name", "data-testid": "student-name", maxlength: "20", placeholder: "如：孙同学", autocomplete: "off", "aria-label": "新学生的名字" });
    const submit = async (event) => {
      event.preventDefault();
      if (!name.value.trim()) return;
      try {
        const made = await post("students", { name: name.value.trim() });
        close();
        await refresh();
        choose(made.openid);
      } catch (error) {
        toast(error.message);
      }
    };
    const close = openSheet(overlay, "添加一位学生", "center", [
      h("form", { class: "dialog-form", onsubmit: submit }, h("p", { class: "dialog-title" }, "添加一位学生"), name, h("div", { class: "dialog-buttons" }, h("button", { type: "button", onclick: () => close() }, "取消"), h("button", { type: "submit", class: "primary", "data-testid": "student-add-confirm" }, "添加"))),
    ]);
  }

  async function whileBusy(button, work) {
    button.disabled = true;
    await work();
    button.disabled = false;
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
    unread: () => (state ? state.students.reduce((sum, each) => sum + book.unread(each.openid, each.messages, each.unread), 0) : 0),
    current: student,
    fill: (text) => bar.fill(text),
  };
}
