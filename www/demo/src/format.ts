// Numbers as people read them. Bytes are decimal: 1 MB is 1,000,000 bytes.

export function bytes(count: number): string {
  if (count < 1000) return `${count} B`;
  if (count < 1e6) return `${digits(count / 1e3)} kB`;
  return `${digits(count / 1e6)} MB`;
}

export function millis(value: number): string {
  if (value < 1) return value === 0 ? "0 ms" : "< 1 ms";
  if (value < 1000) return `${Math.round(value)} ms`;
  return `${digits(value / 1000)} s`;
}

export function macs(count: number): string {
  return count < 1e9 ? `${digits(count / 1e6)} M` : `${digits(count / 1e9)} G`;
}

export function percent(share: number): string {
  const value = share * 100;
  if (value > 0 && value < 1) return "< 1%";
  if (value > 99 && value < 100) return "> 99%";
  return `${Math.round(value)}%`;
}

export function times(factor: number): string {
  return factor < 10 ? factor.toFixed(1) : String(Math.round(factor));
}

function digits(value: number): string {
  return value < 10 ? value.toFixed(2) : value < 100 ? value.toFixed(1) : String(Math.round(value));
}

/** With a capital and a full stop, for messages that were written to stand inside a line. */
export function sentence(message: string): string {
  const text = message.trim();
  if (!text) return "Something went wrong, and it left no message.";
  // Addresses have no capitals.
  const capital = /^https?:/.test(text) ? text : text[0]!.toUpperCase() + text.slice(1);
  return /[.!?]$/.test(capital) ? capital : `${capital}.`;
}
