/** What a batch costs, as a replica has measured it and left it in a file for the next one of its kind on this node. */
import { readFileSync } from 'node:fs';
import { rename, rm, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import type { CostPoint } from '../protocol/frames/messages.ts';
import { makeDirectory } from '../store/make-directory.ts';

/** Undefined where there is no such file, and for what no replica of ours has written. */
export function readCosts(path: string): CostPoint[] | undefined {
  let value: unknown;
  try {
    value = JSON.parse(readFileSync(path, 'utf8'));
  } catch {
    return undefined;
  }
  if (!Array.isArray(value) || value.length === 0) return undefined;
  const points = value as readonly Partial<Record<keyof CostPoint, unknown>>[];
  const isTime = (ms: unknown): boolean => Number.isFinite(ms) && Number(ms) >= 0;
  const sound = points.every(
    (point) =>
      Number.isInteger(point?.rows) &&
      Number(point.rows) >= 1 &&
      isTime(point.ms) &&
      (point.processorMs === undefined || isTime(point.processorMs)),
  );
  if (!sound) return undefined;
  return points.map(({ rows, ms, processorMs }) => {
    const point = { rows: Number(rows), ms: Number(ms) };
    return processorMs === undefined ? point : Object.assign(point, { processorMs: Number(processorMs) });
  });
}

/** Where it cannot be written, the next one measures again. */
export async function leaveCosts(path: string, curve: readonly CostPoint[]): Promise<void> {
  const temporary = `${path}.${process.pid}.new`;
  try {
    makeDirectory(dirname(path));
    await writeFile(temporary, JSON.stringify(curve));
    await rename(temporary, path);
  } catch {
    // Where its folder is none there is nothing to remove either.
    await rm(temporary, { force: true }).catch(() => {});
  }
}
