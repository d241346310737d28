/**
 * What a verb has found, in the format that was asked for: aligned columns for people, JSON, NDJSON, YAML or bare names
 * for programs. The data is the control API's own, so its shape is versioned with the API.
 */
import { flag, stringOption, type OptionValues } from './declaration.ts';
import type { Terminal } from './terminal.ts';

export type Format = 'table' | 'json' | 'ndjson' | 'yaml' | 'name';

export interface Findings {
  readonly data: unknown;
  /** One object a line for NDJSON; `data` itself when absent. */
  readonly items?: readonly unknown[];
  readonly names: () => readonly string[];
  readonly table: () => string;
}

export function formatOf(values: OptionValues): Format {
  if (flag(values, 'json')) return 'json';
  return (stringOption(values, 'output') as Format | undefined) ?? 'table';
}

export async function print(terminal: Terminal, format: Format, findings: Findings): Promise<void> {
  switch (format) {
    case 'table':
      terminal.stdout.write(findings.table());
      return;
    case 'json':
      terminal.stdout.write(`${toJson(findings.data, 2)}\n`);
      return;
    case 'ndjson':
      for (const item of findings.items ?? [findings.data]) terminal.stdout.write(`${toJson(item)}\n`);
      return;
    case 'yaml': {
      const { stringify } = await import('yaml');
      terminal.stdout.write(stringify(findings.data));
      return;
    }
    case 'name':
      for (const name of findings.names()) terminal.stdout.write(`${name}\n`);
  }
}

/** 64-bit integers that a number cannot hold become strings: JSON readers would round them silently. */
export function toJson(value: unknown, indent?: number): string {
  return JSON.stringify(
    value,
    (_, each: unknown) => {
      if (typeof each !== 'bigint') return each;
      return Number.isSafeInteger(Number(each)) ? Number(each) : String(each);
    },
    indent,
  );
}

export interface Column<Row> {
  readonly header: string;
  readonly align?: 'left' | 'right';
  readonly cell: (row: Row) => string;
}

/** Two spaces between columns, none at the end of a line, so that `diff` and `awk` like it. */
export function table<Row>(columns: readonly Column<Row>[], rows: readonly Row[]): string {
  const cells = rows.map((row) => columns.map((column) => column.cell(row)));
  const widths = columns.map((column, index) =>
    Math.max(displayWidth(column.header), ...cells.map((row) => displayWidth(row[index] ?? ''))),
  );
  const line = (row: readonly string[]): string =>
    row
      .map((cell, index) => {
        const space = ' '.repeat((widths[index] ?? 0) - displayWidth(cell));
        return columns[index]?.align === 'right' ? space + cell : cell + space;
      })
      .join('  ')
      .trimEnd();
  return `${[line(columns.map((column) => column.header)), ...cells.map(line)].join('\n')}\n`;
}

/** Columns that a terminal gives to a text: escape codes take none, East Asian wide characters two. */
export function displayWidth(text: string): number {
  let width = 0;
  // eslint-disable-next-line no-control-regex -- the escape character is what is looked for
  for (const character of text.replaceAll(/\u001B\[[\d;]*m/g, '')) {
    const point = character.codePointAt(0) ?? 0;
    width +=
      point >= 0x11_00 && /[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Hangul}]/u.test(character)
        ? 2
        : 1;
  }
  return width;
}
