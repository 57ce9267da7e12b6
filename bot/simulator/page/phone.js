// The phone page: starts the two phones and the control column, and hands each new state to them.

import { follow } from "./api.js";
import { controlColumn } from "./control.js";
import { byId } from "./dom.js";
import { staffPhone } from "./staff.js";
import { studentPhone } from "./student.js";
import { zoneOf } from "./text.js";
import { setBadge } from "./unread.js";

const NARROW = matchMedia("(max-width: 819px)");
const TABS = ["student", "staff", "control"];

let refresh = () => Promise.resolve();
const newest = () => refresh();
const student = studentPhone({ refresh: newest, onChange: redrawEdges });
const staff = staffPhone({ refresh: newest, onChange: redrawEdges });
const control = controlColumn({ refresh: newest, currentStudent: () => student.current(), onPhrase: fillPhrase });

function fillPhrase(text) {
  if (NARROW.matches) showTab("student");
  student.fill(text);
}

function redrawEdges() {
  control.redraw();
  setBadge(byId("tab-student").querySelector(".badge"), student.unread());
  setBadge(byId("tab-staff").querySelector(".badge"), staff.unread());
}

function showTab(name) {
  document.body.dataset.tab = name;
  for (const tab of TABS) {
    const button = byId(`tab-${tab}`);
    button.setAttribute("aria-selected", String(tab === name));
    button.tabIndex = tab === name ? 0 : -1;
  }
  layout();
}

function layout() {
  const tab = document.body.dataset.tab;
  student.setVisible(!NARROW.matches || tab === "student");
  staff.setVisible(!NARROW.matches || tab === "staff");
  for (const name of TABS) {
    if (NARROW.matches) byId(`panel-${name}`).setAttribute("role", "tabpanel");
    else byId(`panel-${name}`).removeAttribute("role");
  }
  redrawEdges();
}

for (const tab of TABS) byId(`tab-${tab}`).addEventListener("click", () => showTab(tab));
document.querySelector(".tabs").addEventListener("keydown", (event) => {
  const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
  if (!step) return;
  const next = TABS[(TABS.indexOf(document.body.dataset.tab) + step + TABS.length) % TABS.length];
  showTab(next);
  byId(`tab-${next}`).focus();
});
NARROW.addEventListener("change", layout);

function onState(raw) {
  const state = { menu: { button: [] }, robots: [], faults: [], ...raw, zone: zoneOf(raw.now), clock: Date.parse(raw.now), received: performance.now() };
  student.render(state);
  staff.render(state);
  control.render(state);
  redrawEdges();
}

function onLink(up) {
  byId("link-state").textContent = up ? "" : "和服务器的连接断了，正在重试…";
  document.body.classList.toggle("offline", !up);
}

showTab("student");
({ refresh } = follow({ onState, onLink }));
