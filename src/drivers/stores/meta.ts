/** Small facts by a key: what has no table of its own. */
export const setMetaText =
  'INSERT INTO meta (key, value) VALUES (?1, ?2) ON CONFLICT (key) DO UPDATE SET value = excluded.value';
