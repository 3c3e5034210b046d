// Numbers as people read them, to three digits, never apart from their units. Bytes are decimal: 1 MB is 1,000,000 bytes.

export function bytes(count: number): string {
  if (count < 1000) return `${count}\u00a0B`;
  if (count < 999_500) return `${digits(count / 1e3)}\u00a0kB`;
  if (count < 999_500_000) return `${digits(count / 1e6)}\u00a0MB`;
  return `${digits(count / 1e9)}\u00a0GB`;
}

export function millis(value: number): string {
  if (value < 1) return value === 0 ? "0\u00a0ms" : "<\u00a01\u00a0ms";
  if (value < 999.5) return `${Math.round(value)}\u00a0ms`;
  return `${digits(value / 1000)}\u00a0s`;
}

export function macs(count: number): string {
  return count < 999_500_000 ? `${digits(count / 1e6)}\u00a0million` : `${digits(count / 1e9)}\u00a0billion`;
}

export function percent(share: number): string {
  const value = share * 100;
  if (value > 0 && value < 1) return "<\u00a01%";
  if (value > 99 && value < 100) return ">\u00a099%";
  return `${Math.round(value)}%`;
}

export function times(factor: number): string {
  return factor < 9.95 ? factor.toFixed(1) : String(Math.round(factor));
}

function digits(value: number): string {
  return value < 9.995 ? value.toFixed(2) : value < 99.95 ? value.toFixed(1) : String(Math.round(value));
}

/** With a capital and a full stop, for messages that were written to stand inside a line. */
export function sentence(message: string): string {
  const text = message.trim();
  if (!text) return "Something went wrong, and it left no message.";
  // Addresses have no capitals.
  const capital = /^https?:/.test(text) ? text : text[0]!.toUpperCase() + text.slice(1);
  return /[.!?]$/.test(capital) ? capital : `${capital}.`;
}

/** A report without the noise behind the third decimal: clocks are not that exact. */
export function rounded<T extends object>(report: T): T {
  const round = (value: unknown) =>
    typeof value === "number" && !Number.isInteger(value) ? Math.round(value * 1000) / 1000 : value;
  return Object.fromEntries(Object.entries(report).map(([key, value]) => [key, round(value)])) as T;
}

const MAKERS: Record<string, string> = { amd: "AMD", arm: "Arm", nvidia: "NVIDIA", intel: "Intel", apple: "Apple" };

/** A graphics adapter as people know it: browsers give its maker in small letters. */
export function adapterName(name: string): string {
  if (/swiftshader/i.test(name)) return "SwiftShader";
  if (/llvmpipe/i.test(name)) return "llvmpipe";
  const [maker = "", ...rest] = name.trim().split(/\s+/);
  if (!maker) return "A graphics adapter without a name";
  return [MAKERS[maker.toLowerCase()] ?? maker[0]!.toUpperCase() + maker.slice(1), ...rest].join(" ");
}
