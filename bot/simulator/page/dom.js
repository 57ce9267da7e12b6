// Small tools for the page's elements: making them, keeping lists in step with data, scrolling, sheets and toasts.

const SVG = "http://www.w3.org/2000/svg";
const NEAR_END_PX = 48;
const TOAST_MS = 5000;

export const byId = (id) => document.getElementById(id);

/** An element; attributes named on… are listeners, null and false leave out, texts become text nodes (never markup). */
export function h(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (value === null || value === undefined || value === false) continue;
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else element.setAttribute(name, value === true ? "" : value);
  }
  element.append(...children.flat(Infinity).filter((child) => child !== null && child !== undefined && child !== false));
  return element;
}

/** One of the symbols of index.html. */
export function icon(name, box) {
  const svg = document.createElementNS(SVG, "svg");
  if (box) svg.setAttribute("viewBox", box);
  svg.setAttribute("aria-hidden", "true");
  const use = document.createElementNS(SVG, "use");
  use.setAttribute("href", `#i-${name}`);
  svg.append(use);
  return svg;
}

/** A list of elements that follows a list of {key, mark, build}: same key and mark keep their element, so nothing flickers. */
export function keyedList(parent) {
  let shown = new Map();
  return {
    show(items) {
      const next = new Map();
      for (const { key, mark, build } of items) {
        const old = shown.get(key);
        const kept = old && old.mark === mark ? old : { mark, element: build() };
        if (!old) kept.element.classList.add("fresh");
        next.set(key, kept);
      }
      for (const [key, { element }] of shown) if (next.get(key)?.element !== element) element.remove();
      let place = parent.firstChild;
      for (const { element } of next.values()) {
        if (element === place) place = place.nextSibling;
        else parent.insertBefore(element, place);
      }
      shown = next;
    },
    clear() {
      shown = new Map();
      parent.replaceChildren();
    },
  };
}

/** Keeps a scroller at its end while the reader is there, and offers a way back when the reader is above. */
export function stickToEnd(scroller, jump) {
  let atEnd = true;
  let missed = 0;
  let size = "";
  const sizeNow = () => `${scroller.clientWidth}x${scroller.clientHeight}`;
  const toEnd = () => {
    scroller.scrollTop = scroller.scrollHeight;
    atEnd = true;
    missed = 0;
    jump.hidden = true;
  };
  scroller.addEventListener("scroll", () => {
    // Scrolling that a new size of the box brings about is nobody's wish to read above.
    if (sizeNow() !== size) return;
    atEnd = scroller.scrollHeight - scroller.scrollTop - scroller.clientHeight < NEAR_END_PX;
    if (atEnd) {
      missed = 0;
      jump.hidden = true;
    }
  }, { passive: true });
  jump.addEventListener("click", toEnd);
  new ResizeObserver(() => {
    size = sizeNow();
    if (atEnd) toEnd();
  }).observe(scroller);
  return {
    toEnd,
    grew(count) {
      if (atEnd) return toEnd();
      if (count <= 0) return undefined;
      missed += count;
      jump.textContent = `${missed} 条新消息 ↓`;
      jump.hidden = false;
      return undefined;
    },
  };
}

/** A box that grows with its lines up to the height CSS allows; Enter sends, Shift+Enter breaks the line, an input method keeps its Enter. */
export function composer(box, form, onSend) {
  const fit = () => {
    box.style.height = "auto";
    box.style.height = `${box.scrollHeight}px`;
    form.classList.toggle("has-text", box.value.trim() !== "");
  };
  box.addEventListener("input", fit);
  box.addEventListener("keydown", (event) => {
    if (event.key !== "Enter" || event.shiftKey || event.isComposing || event.keyCode === 229) return;
    event.preventDefault();
    form.requestSubmit();
  });
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    const text = box.value.trim();
    if (!text) return;
    box.value = "";
    fit();
    box.focus({ preventScroll: true });
    onSend(text);
  });
  // A press on the button must not take the focus (and the phone's keyboard) away from the box.
  form.querySelector("[type=submit]").addEventListener("pointerdown", (event) => event.preventDefault());
  return {
    fill(text) {
      box.value = text;
      fit();
      box.focus({ preventScroll: true });
    },
  };
}

/** Opens a sheet inside a phone; everything else of that phone is inert until it closes. Returns a function that closes it. */
export function openSheet(overlay, label, className, content) {
  const before = document.activeElement;
  const others = [...overlay.parentElement.children].filter((element) => element !== overlay);
  const sheet = h("div", { class: `sheet ${className}`, role: "dialog", "aria-modal": "true", "aria-label": label }, ...content);
  const close = () => {
    overlay.hidden = true;
    overlay.replaceChildren();
    overlay.onclick = null;
    overlay.onkeydown = null;
    for (const element of others) element.inert = false;
    if (before?.isConnected) before.focus({ preventScroll: true });
  };
  overlay.replaceChildren(sheet);
  overlay.hidden = false;
  // With a body in braces: these must not return false, which would cancel the event.
  overlay.onclick = (event) => {
    if (event.target === overlay) close();
  };
  overlay.onkeydown = (event) => {
    if (event.key === "Escape") close();
  };
  for (const element of others) element.inert = true;
  (sheet.querySelector("textarea, input") ?? sheet.querySelector("button, a"))?.focus({ preventScroll: true });
  return close;
}

/** Says one sentence over the page for five seconds. */
export function toast(sentence) {
  const line = h("p", { class: "toast" }, sentence);
  byId("toasts").replaceChildren(line);
  setTimeout(() => line.remove(), TOAST_MS);
}
