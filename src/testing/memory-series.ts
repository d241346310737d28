/** Series in memory, for tests under a virtual clock. What was appended can be opened again: it is the log itself. */
import { toBlock, toMark, type Block, type Mark, type SeriesLog, type Track } from '../series/series-log.ts';

interface Segment {
  readonly marks: Mark[];
  readonly blocks: Map<string, Block[]>;
}

export function openMemorySeries(): SeriesLog {
  const tracks: Record<Track, Map<number, Segment>> = { fine: new Map(), coarse: new Map() };
  // As text and back: nothing may rest on an object that somebody still writes into.
  const copied = <Value>(values: readonly unknown[], read: (value: unknown) => Value | undefined): Value[] =>
    values.flatMap((value) => read(JSON.parse(JSON.stringify(value))) ?? []);
  return {
    segments: async (track) => [...tracks[track].keys()].toSorted((left, right) => left - right),
    bytes: async (track, at) => {
      const segment = tracks[track].get(at);
      return segment === undefined ? 0 : JSON.stringify([segment.marks, [...segment.blocks]]).length;
    },
    async append(track, at, marks, blocks) {
      let segment = tracks[track].get(at);
      if (segment === undefined) tracks[track].set(at, (segment = { marks: [], blocks: new Map() }));
      for (const [name, own] of blocks) {
        if (own.length === 0) continue;
        segment.blocks.set(name, [...(segment.blocks.get(name) ?? []), ...copied(own, toBlock)]);
      }
      segment.marks.push(...copied(marks, toMark));
    },
    read: async (track, at, name) => {
      const segment = tracks[track].get(at);
      const blocks = name === undefined ? [] : (segment?.blocks.get(name) ?? []);
      return { marks: [...(segment?.marks ?? [])], blocks: [...blocks] };
    },
    names: async (track, at) => [...(tracks[track].get(at)?.blocks.keys() ?? [])].toSorted(),
    async remove(track, at) {
      tracks[track].delete(at);
    },
    async [Symbol.asyncDispose]() {},
  };
}
