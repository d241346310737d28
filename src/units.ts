/** Numbers as people read them: at most three significant digits, always with the unit. */

export function milliseconds(ms: number): string {
  if (ms < 1) return `${significant(ms)} ms`;
  if (ms < 1000) return `${significant(ms)} ms`;
  if (ms < 60_000) return `${(ms / 1000).toFixed(1)} s`;
  return age(ms);
}

export function seconds(ms: number): string {
  return `${(ms / 1000).toFixed(1)} s`;
}

export function age(ms: number): string {
  const s = Math.max(0, Math.round(ms / 1000));
  if (s < 60) return `${s} s`;
  if (s < 3600) return `${Math.floor(s / 60)} m`;
  if (s < 86_400) return `${Math.floor(s / 3600)} h`;
  return `${Math.floor(s / 86_400)} d`;
}

export function byteSize(bytes: number): string {
  const units = ['B', 'KiB', 'MiB', 'GiB', 'TiB'];
  let value = bytes;
  let unit = 0;
  while (value >= 1024 && unit < units.length - 1) {
    value /= 1024;
    unit++;
  }
  return `${unit === 0 ? value : significant(value)} ${units[unit]}`;
}

export function significant(value: number): string {
  if (value === 0) return '0';
  const magnitude = Math.floor(Math.log10(Math.abs(value)));
  return value
    .toFixed(Math.max(0, Math.min(3, 2 - magnitude)))
    .replace(/(\.\d*?)0+$/, '$1')
    .replace(/\.$/, '');
}

export function rate(perSecond: number): string {
  return perSecond >= 100 ? String(Math.round(perSecond)) : significant(perSecond);
}

/** 14:05:07 UTC: the zone is always printed. */
export function clockTime(unixMs: number): string {
  return `${new Date(unixMs).toISOString().slice(11, 19)} UTC`;
}

export function dateTime(unixMs: number): string {
  return `${new Date(unixMs).toISOString().slice(0, 16).replace('T', ' ')} UTC`;
}

/** sha256:4be1c0d2…: enough to tell two apart by eye. */
export function shortDigest(digest: string, ellipsis: string): string {
  const hex = digest.replace(/^sha256:/, '');
  return hex.length <= 12 ? digest : `sha256:${hex.slice(0, 8)}${ellipsis}`;
}
