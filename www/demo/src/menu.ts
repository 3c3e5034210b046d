// A menu of buttons that opens beside the button that names it: in the browser's own popover, or where it has none
// (Safari before 17, Firefox before 125) as an element that is shown and hidden.

import { byId } from "./dom.js";

/** `onChoose` gets the attribute of the button that was pressed. */
export function startMenu(id: string, attribute: string, onChoose: (value: string) => void): void {
  const menu = byId(id);
  const opener = byId(`${id}-button`, HTMLButtonElement);
  const hasPopovers = "popover" in HTMLElement.prototype;
  const show = (open: boolean) => {
    opener.setAttribute("aria-expanded", String(open));
    if (!open) return;
    place(menu, opener);
    menu.querySelector<HTMLElement>("button:enabled")?.focus();
  };
  const close = () => {
    if (hasPopovers) return menu.hidePopover();
    menu.hidden = true;
    show(false);
  };
  if (hasPopovers) {
    menu.addEventListener("toggle", (event) => show((event as ToggleEvent).newState === "open"));
  } else {
    menu.hidden = true;
    opener.addEventListener("click", () => {
      menu.hidden = !menu.hidden;
      show(!menu.hidden);
    });
    document.addEventListener("pointerdown", (event) => {
      if (!menu.hidden && !menu.contains(event.target as Node) && !opener.contains(event.target as Node)) close();
    });
    menu.addEventListener("keydown", (event) => {
      if (event.key !== "Escape") return;
      close();
      opener.focus();
    });
  }
  menu.addEventListener("click", (event) => {
    const button = (event.target as Element).closest<HTMLElement>(`[${attribute}]`);
    if (!button) return;
    close();
    onChoose(button.getAttribute(attribute)!);
  });
  menu.addEventListener("keydown", (event) => {
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (!step) return;
    event.preventDefault();
    const buttons = [...menu.querySelectorAll<HTMLElement>("button:enabled")];
    const at = buttons.indexOf(document.activeElement as HTMLElement);
    buttons[(at + step + buttons.length) % buttons.length]?.focus();
  });
}

/** Above the button where there is room, else below, and inside the window. */
function place(menu: HTMLElement, opener: HTMLElement): void {
  const from = opener.getBoundingClientRect();
  const { offsetWidth: width, offsetHeight: height } = menu;
  const gap = 6;
  const left = Math.max(gap, Math.min(from.right - width, innerWidth - width - gap));
  const above = from.top - height - gap;
  menu.style.left = `${left}px`;
  menu.style.top = `${above >= gap ? above : Math.min(from.bottom + gap, innerHeight - height - gap)}px`;
}
