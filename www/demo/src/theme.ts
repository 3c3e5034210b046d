// Dark or light: the system's choice until the button is pressed, then the user's, remembered where storage allows.

import { byId } from "./dom.js";

const KEY = "headwater-theme";

export function startTheme(): void {
  const button = byId("theme", HTMLButtonElement);
  const system = matchMedia("(prefers-color-scheme: dark)");
  const kept = remembered();
  if (kept) document.documentElement.dataset["theme"] = kept;

  const isDark = () => (document.documentElement.dataset["theme"] ?? (system.matches ? "dark" : "light")) === "dark";
  const label = () => {
    const other = isDark() ? "light" : "dark";
    button.setAttribute("aria-label", `Switch to ${other} colours`);
    button.title = `Switch to ${other} colours`;
    dispatchEvent(new Event("themechange"));
  };
  button.addEventListener("click", () => {
    const next = isDark() ? "light" : "dark";
    document.documentElement.dataset["theme"] = next;
    remember(next);
    label();
  });
  system.addEventListener("change", label);
  label();
}

function remembered(): string | null {
  try {
    const value = localStorage.getItem(KEY);
    return value === "dark" || value === "light" ? value : null;
  } catch {
    return null; // storage can be forbidden; the choice then lasts as long as the page
  }
}

function remember(value: string): void {
  try {
    localStorage.setItem(KEY, value);
  } catch {
    return; // as above
  }
}
