// Composes our SDL with a subgraph that extends our entities, in both federation implementations.
// node compose.mjs SDL_FILE  ->  one JSON object: {apollo: {errors, supergraph}, guild: {errors, supergraph}}
import { readFileSync } from 'node:fs';
import { composeServices as composeApollo } from '@apollo/composition';
import { composeServices as composeGuild } from '@theguild/federation-composition';
import { parse } from 'graphql';

const LOYALTY = `
  extend schema @link(url: "https://specs.apollo.dev/federation/v2.7", import: ["@key"])
  type Query { tiers: [String!]! }
  type Customer @key(fields: "id") { id: ID! loyaltyTier: String }
  type Order @key(fields: "id") { id: ID! pointsEarned: Int }
`;
const services = [
  { name: 'knownas', typeDefs: parse(readFileSync(process.argv[2], 'utf8')), url: 'http://knownas.invalid/graphql' },
  { name: 'loyalty', typeDefs: parse(LOYALTY), url: 'http://loyalty.invalid/graphql' },
];
const report = (result) => ({
  errors: (result.errors ?? []).map((error) => error.message),
  supergraph: result.supergraphSdl ?? '',
});
process.stdout.write(
  JSON.stringify({ apollo: report(composeApollo(services)), guild: report(composeGuild(services)) }),
);
