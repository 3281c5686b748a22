// The questions of queries-knownas.mjs by a caller who takes answers that are an hour old, so that what was
// fetched once in a run is young for all of it, however many peers take their turns between.
import * as live from './queries-knownas.mjs';

export { fold, plain } from './queries-knownas.mjs';

const aged = (query) => query.replace(/\(by: (\$\w+)\)/, '(by: $1, freshness: { maxAgeMs: 3600000 })');
export const QUERIES = Object.fromEntries(
  Object.entries(live.QUERIES).map(([name, asked]) => [name, { ...asked, query: aged(asked.query) }]),
);
