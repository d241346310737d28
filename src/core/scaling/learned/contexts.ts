/** In which situation a set-point is asked for: where the load is going, and whether it is near the hour's peak. */

const ways = ['falling', 'steady', 'rising'] as const;
const places = ['far below the peak of an hour', 'near the peak of an hour'] as const;

export const contexts = ways.length * places.length;

/** A load that has moved by this much within two minutes is on its way somewhere. */
const moved = 0.1;
const near = 0.75;

/** `now`, `before`: means of 10 and of 120 s; `peak`: the highest requirement of an hour. All in units. */
export function contextOf(now: number, before: number, peak: number): number {
  const way = now < (1 - moved) * before ? 0 : now > (1 + moved) * before ? 2 : 1;
  const place = now >= near * peak ? 1 : 0;
  return way * places.length + place;
}

export function describeContext(context: number): string {
  return `${ways[Math.floor(context / places.length)]}, ${places[context % places.length]}`;
}
