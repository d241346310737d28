/** The API's shapes for what was recorded of a deployment, second by second. */
import * as z from 'zod';
import { columnKinds, columns } from '../series/columns.ts';

/** Quotients of what is recorded, made when they are asked for. */
export const derivedColumns = {
  serviceMs: 'Milliseconds of a replica that one answer took: busyMs over completed.',
  utilisation: 'Share of the ready replicas’ time in which they were occupied.',
} as const;
export type DerivedColumn = keyof typeof derivedColumns;

export const seriesColumns = [...columns, ...(Object.keys(derivedColumns) as DerivedColumn[])];
export type SeriesColumn = (typeof seriesColumns)[number];

const meanings = [
  ...Object.entries(columnKinds).map(([name, { about }]) => `${name}: ${about}`),
  ...Object.entries(derivedColumns).map(([name, about]) => `${name}: ${about}`),
].join(' ');

const stepMsMax = 86_400_000;

export const seriesQuery = z.strictObject({
  from: z.coerce.number().int().min(0).optional().describe('Unix milliseconds; default an hour before `to`.'),
  to: z.coerce.number().int().min(0).optional().describe('Unix milliseconds; default now.'),
  stepMs: z.coerce
    .number()
    .int()
    .min(1000)
    .max(stepMsMax)
    .refine((ms) => ms % (ms < 60_000 ? 1000 : 60_000) === 0, {
      error: 'expected whole seconds below a minute, or whole minutes',
    })
    .optional()
    .describe('Whole seconds below a minute, whole minutes from a minute on; default so that at most 600 points come.'),
  columns: z
    .string()
    .max(1000)
    .transform((text) => text.split(','))
    .pipe(z.array(z.enum(seriesColumns as [SeriesColumn, ...SeriesColumn[]])))
    .optional()
    .describe(`With commas; default all. ${meanings}`),
});

export const seriesView = z.object({
  deployment: z.string(),
  from: z.int().describe('Of the first point; Unix milliseconds, a whole step.'),
  stepMs: z.int(),
  recordedSince: z.int().nullable().describe('The oldest moment that is kept at all, of any deployment.'),
  recordedMs: z
    .array(z.number())
    .describe('Milliseconds of each point that were recorded: 0 is time that nobody saw, and never idleness.'),
  columns: z
    .record(z.string(), z.array(z.number().nullable()))
    .describe('A number a point; null where nothing was recorded, or nothing is known. Counts are of the whole point.'),
});

export type SeriesQueryView = z.output<typeof seriesQuery>;
export type SeriesView = z.infer<typeof seriesView>;
