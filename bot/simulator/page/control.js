// The control column: the emulated clock, the student's window, sentences to try, and faults of the platforms.

import { post, remove } from "./api.js";
import { byId, h, toast } from "./dom.js";
import { clockWords, duration, secondsToMorning } from "./text.js";

const PHRASES = ["档案怎么转", "户口要迁走吗", "团组织关系转到哪", "三方怎么签", "转人工", "我室友说不想活了", "东西都送人了，今晚天台见"];

// `times` null is until cleared; it counts down on the server, so it is no mark of which fault it is.
const FAULTS = [
  { name: "微信接口超时", note: "每次调用多等 6 秒", body: { host: "wechat", path: "", delay_s: 6 }, times: null },
  { name: "微信接口出错", note: "返回 500", body: { host: "wechat", path: "", http_status: 500 }, times: null },
  { name: "微信条数用完", note: "客服消息返回 45015", body: { host: "wechat", path: "message/custom/send", errcode: 45015 }, times: null },
  { name: "下一次回答丢失", note: "微信没收到回答，会再推送一次", body: { host: "callback", path: "wechat", drop: true }, times: 1 },
  { name: "客服消息回执丢失", note: "学生收到了，程序不知道", body: { host: "wechat", path: "message/custom/send", drop: true, after: true }, times: null },
  { name: "企业微信不可用", note: "连接全部断开", body: { host: "wecom", path: "", drop: true }, times: null },
  { name: "企业微信返回网页", note: "网关错误页代替 JSON", body: { host: "wecom", path: "", html: true }, times: null },
];

/** The control column. `onPhrase(text)` puts a sentence into the student's input; `refresh()` gets the newest state. */
export function controlColumn({ refresh, onPhrase, currentStudent }) {
  let state = null;

  byId("phrases").append(...PHRASES.map((text) => h("li", {}, h("button", { type: "button", class: "phrase", "data-testid": "phrase", onclick: () => onPhrase(text) }, text))));
  byId("fault-list").append(...FAULTS.map((fault, index) => h("button", { type: "button", class: "fault", role: "switch", "aria-checked": "false", "data-testid": "fault", "data-index": index, onclick: () => toggle(fault) }, h("span", { class: "fault-words" }, h("b", {}, fault.name), h("small", {}, fault.note)), h("span", { class: "knob", "aria-hidden": "true" }))));
  for (const button of byId("time-buttons").children) button.addEventListener("click", () => move(button));
  byId("faults-clear").addEventListener("click", () => attempt(() => remove("faults")));
  byId("expire-tokens").addEventListener("click", () => attempt(async () => {
    await post("expire-tokens");
    toast("已让所有令牌失效，下一次调用会收到 40001。");
  }));
  setInterval(tick, 1000);

  async function attempt(work) {
    try {
      await work();
      await refresh();
    } catch (error) {
      toast(error.message);
    }
  }

  async function move(button) {
    const { advance } = button.dataset;
    const body = advance === "reset" ? { reset: true } : { advance_s: advance === "morning" ? secondsToMorning(local()) : Number(advance) };
    button.disabled = true;
    await attempt(() => post("time", body));
    button.disabled = false;
    button.focus({ preventScroll: true });
  }

  // Only all faults can be cleared at once, so switching one off puts the others back.
  async function toggle(fault) {
    const active = FAULTS.filter((other) => isActive(other));
    if (!active.includes(fault)) return attempt(() => post("faults", { ...fault.body, times: fault.times }));
    return attempt(async () => {
      await remove("faults");
      for (const other of active) if (other !== fault) await post("faults", { ...other.body, times: other.times });
    });
  }

  const isActive = (fault) => (state?.faults ?? []).some((given) => Object.entries(fault.body).every(([key, value]) => given[key] === value));
  const local = () => state.zone(nowMs());
  const nowMs = () => state.clock + performance.now() - state.received;

  function tick() {
    if (!state) return;
    const { date, time } = clockWords(local());
    if (byId("clock-date").textContent !== date) byId("clock-date").textContent = date;
    byId("clock-time").textContent = time;
    for (const place of document.querySelectorAll(".status-time, .tab-time")) place.textContent = time.slice(0, 5);
    drawWindow();
  }

  function drawWindow() {
    const student = currentStudent();
    const closes = student?.window?.closes_at ? Date.parse(student.window.closes_at) : null;
    const left = closes === null ? 0 : closes - nowMs();
    byId("window").textContent = !student ? "" : left > 0 ? `${student.name}：还剩 ${duration(left)}，还可主动发 ${student.window.left} 条` : `${student.name}：窗口没有打开，要等学生先发一句`;
    byId("window").classList.toggle("open", left > 0 && student.window.left > 0);
  }

  return {
    render(next) {
      state = next;
      const count = state.faults?.length ?? 0;
      for (const button of byId("fault-list").children) button.setAttribute("aria-checked", String(isActive(FAULTS[Number(button.dataset.index)])));
      byId("fault-count").hidden = count === 0;
      byId("fault-count").textContent = `${count} 个打开`;
      tick();
    },
    redraw: drawWindow,
  };
}
