/**
 * An inference answer as people read it: labels with a small bar each, text as text, tensors by name, shape and their
 * first elements. Pure. What it does not know is printed as JSON rather than guessed at.
 */
import { displayWidth, toJson } from './output.ts';
import type { Symbols } from './terminal.ts';

const barWidth = 24;
const elementsShown = 12;

export function answerText(answer: unknown, symbols: Symbols, columns: number): string {
  const scores = labelled(answer);
  if (scores !== undefined) return bars(scores, symbols);
  if (isRecord(answer)) {
    if (typeof answer['text'] === 'string') {
      const { text, score } = answer;
      return `${text}${typeof score === 'number' ? `  ${score.toFixed(4)}` : ''}\n`;
    }
    if (Array.isArray(answer['outputs']))
      return answer['outputs'].map((each) => outputText(each, symbols, columns)).join('');
  }
  return typeof answer === 'string' ? `${answer}\n` : `${toJson(answer, 2)}\n`;
}

interface Score {
  readonly label: string;
  readonly score: number;
}

/** `[{label, score}, …]`, or `{"seven": 0.98, …}` as TorchServe answers. */
function labelled(answer: unknown): readonly Score[] | undefined {
  if (Array.isArray(answer)) {
    const scores = answer.map((each) => {
      if (!isRecord(each)) return undefined;
      const { label, score } = each;
      return typeof label === 'string' && typeof score === 'number' ? { label, score } : undefined;
    });
    return scores.length > 0 && scores.every((each) => each !== undefined) ? scores : undefined;
  }
  if (!isRecord(answer)) return undefined;
  const entries = Object.entries(answer);
  if (entries.length === 0 || !entries.every(([, value]) => typeof value === 'number')) return undefined;
  return entries.map(([label, score]) => ({ label, score: score as number })).sort((a, b) => b.score - a.score);
}

function bars(scores: readonly Score[], symbols: Symbols): string {
  const width = Math.max(...scores.map(({ label }) => displayWidth(label)));
  const most = Math.max(...scores.map(({ score }) => Math.abs(score)), 1e-9);
  // Probabilities are drawn against 1, anything else against the greatest.
  const full = most <= 1 ? 1 : most;
  return scores
    .map(({ label, score }) => {
      const bar = symbols.bar.repeat(Math.max(0, Math.round((score / full) * barWidth)));
      const space = ' '.repeat(width - displayWidth(label));
      return `${label}${space}  ${score.toFixed(4).padStart(7)}  ${bar}`.trimEnd();
    })
    .join('\n')
    .concat('\n');
}

function outputText(output: unknown, symbols: Symbols, columns: number): string {
  if (!isRecord(output)) return `${toJson(output)}\n`;
  const data: readonly unknown[] = Array.isArray(output['data']) ? output['data'].flat(Infinity) : [];
  const shape = Array.isArray(output['shape']) ? output['shape'].join(',') : '';
  const shown = data
    .slice(0, elementsShown)
    .map((each) => (typeof each === 'number' ? shortNumber(each) : toJson(each)));
  const more = data.length > elementsShown ? ` ${symbols.ellipsis} (${data.length} elements)` : '';
  const line = `${String(output['name'])}  ${String(output['datatype'])}[${shape}]  ${shown.join(' ')}${more}`;
  return `${line.length > columns && columns > 40 ? line.slice(0, columns - 1) + symbols.ellipsis.slice(0, 1) : line}\n`;
}

function shortNumber(value: number): string {
  return Number.isInteger(value) ? String(value) : String(Number(value.toPrecision(5)));
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
