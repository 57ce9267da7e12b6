// The student's bottom bar: typing, voice, photo and scan, and the account's menu with its sub-menus.

import { byId, composer, h, icon, openSheet } from "./dom.js";

/** Wires the bar. `say`, `voice`, `image`, `click` and `scan` are called with what the student did. Returns {menu, fill}. */
export function wireBar({ say, voice, image, click, scan, overlay }) {
  const bar = byId("student-bar");
  const box = composer(byId("student-input"), byId("student-form"), say);
  const more = byId("more");
  let menuMark = null;

  const setMode = (mode) => {
    bar.dataset.mode = mode;
    byId("menu-toggle").setAttribute("aria-pressed", String(mode === "menu"));
    byId("menu-toggle").setAttribute("aria-label", mode === "menu" ? "切换到键盘" : "切换到菜单");
    byId("voice-toggle").setAttribute("aria-pressed", String(mode === "voice"));
    byId("voice-toggle").setAttribute("aria-label", mode === "voice" ? "切换到文字" : "切换到语音");
    setMore(false);
    closeMenus();
  };
  const setMore = (open) => {
    more.hidden = !open;
    byId("more-toggle").setAttribute("aria-expanded", String(open));
  };

  byId("menu-toggle").addEventListener("click", () => setMode(bar.dataset.mode === "menu" ? "keyboard" : "menu"));
  byId("voice-toggle").addEventListener("click", () => setMode(bar.dataset.mode === "voice" ? "keyboard" : "voice"));
  byId("more-toggle").addEventListener("click", () => setMore(more.hidden));
  byId("student-input").addEventListener("focus", () => setMore(false));
  byId("voice-hold").addEventListener("click", voiceSheet);
  byId("image-send").addEventListener("click", () => {
    setMore(false);
    image();
  });
  byId("scan-open").addEventListener("click", scanSheet);
  document.addEventListener("click", (event) => event.target.closest(".menu-item") || closeMenus());
  document.addEventListener("keydown", (event) => event.key === "Escape" && closeMenus());

  function closeMenus() {
    for (const button of byId("menubar").querySelectorAll("[aria-expanded=true]")) {
      button.setAttribute("aria-expanded", "false");
      button.parentElement.querySelector(".submenu").hidden = true;
    }
  }

  function choose(button) {
    closeMenus();
    if (button.url) window.open(button.url, "_blank", "noopener");
    else if (button.key) click(button.key);
  }

  function menuItem(button) {
    const subs = button.sub_button ?? [];
    if (!subs.length) return h("div", { class: "menu-item" }, h("button", { type: "button", class: "menu-button", "data-testid": "menu-button", onclick: () => choose(button) }, button.name));
    const submenu = h("div", { class: "submenu", hidden: true }, subs.map((sub) => h("button", { type: "button", class: "submenu-button", "data-testid": "submenu-button", onclick: () => choose(sub) }, sub.name)));
    const toggle = (event) => {
      const open = submenu.hidden;
      closeMenus();
      submenu.hidden = !open;
      event.currentTarget.setAttribute("aria-expanded", String(open));
    };
    return h("div", { class: "menu-item" }, h("button", { type: "button", class: "menu-button", "data-testid": "menu-button", "aria-expanded": "false", onclick: toggle }, h("span", { class: "menu-mark", "aria-hidden": "true" }), button.name), submenu);
  }

  function voiceSheet() {
    const words = h("textarea", { rows: "3", maxlength: "500", "data-testid": "voice-text", placeholder: "把要说的话打在这里，相当于微信识别出的文字", "aria-label": "语音识别出的文字" });
    const submit = (event) => {
      event.preventDefault();
      const text = words.value.trim();
      if (!text) return words.focus();
      close();
      return voice(text);
    };
    words.addEventListener("keydown", (event) => event.key === "Enter" && !event.shiftKey && !event.isComposing && submit(event));
    const close = openSheet(overlay, "说话", "voice-sheet", [
      h("form", { class: "voice-form", onsubmit: submit }, h("div", { class: "voice-words" }, icon("mic", "0 0 48 48"), words), h("div", { class: "voice-buttons" }, h("button", { type: "button", onclick: () => close() }, "取消"), h("button", { type: "submit", class: "primary", "data-testid": "voice-send" }, "发送语音"))),
    ]);
  }

  function scanSheet() {
    setMore(false);
    const scene = h("input", { "data-testid": "scan-scene", maxlength: "64", placeholder: "二维码里的参数", autocomplete: "off", "aria-label": "二维码里的参数" });
    const submit = (event) => {
      event.preventDefault();
      if (!scene.value.trim()) return;
      close();
      scan(scene.value.trim());
    };
    const close = openSheet(overlay, "扫一扫", "center", [
      h("form", { class: "dialog-form", onsubmit: submit }, h("p", { class: "dialog-title" }, "扫带参数的二维码"), scene, h("div", { class: "dialog-buttons" }, h("button", { type: "button", onclick: () => close() }, "取消"), h("button", { type: "submit", class: "primary", "data-testid": "scan-send" }, "扫一扫"))),
    ]);
  }

  return {
    menu(buttons) {
      const mark = JSON.stringify(buttons);
      if (mark === menuMark) return;
      menuMark = mark;
      byId("menubar").replaceChildren(...buttons.map(menuItem));
      bar.classList.toggle("no-menu", buttons.length === 0);
      if (!buttons.length && bar.dataset.mode === "menu") setMode("keyboard");
    },
    fill(text) {
      setMode("keyboard");
      box.fill(text);
    },
  };
}
