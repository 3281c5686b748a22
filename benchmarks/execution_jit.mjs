// The query of execution.py by graphql-jit, over the same data: read from stdin with the answer to give.
import { createRequire } from "node:module";
import { readFileSync } from "node:fs";

const { query, answer, modules } = JSON.parse(readFileSync(0, "utf8"));
const require = createRequire(`${modules}/`);
const { buildSchema, parse } = require("graphql");
const { compileQuery } = require("graphql-jit");

const schema = buildSchema(`
  scalar DateTime
  scalar Decimal
  enum Status { OPEN SHIPPED }
  type Money { amount: Decimal! currency: String! }
  type Line { sku: String! title: String quantity: Int! }
  type Order { id: ID! number: String status: Status! placedAt: DateTime! total: Money lines: [Line!]! }
  type Customer { id: ID! name: String email: String orders: [Order!]! }
  type Query { customers: [Customer!]! }
`);
const orders = new Map(answer.data.customers.map((one) => [one.id, one.orders.map(dated)]));
const customers = answer.data.customers.map(({ orders: _, ...rest }) => rest);

function dated(order) {
  return { ...order, placedAt: new Date(order.placedAt) };
}

// As Python does: an instant becomes text as it is answered, without fractions it does not have.
schema.getType("DateTime").serialize = (moment) => moment.toISOString().replace(".000Z", "Z");
schema.getType("Query").getFields().customers.resolve = async () => customers;
schema.getType("Customer").getFields().orders.resolve = async (one) => orders.get(one.id);

const compiled = compileQuery(schema, parse(query));
async function run() {
  return JSON.stringify(await compiled.query({}, {}, {}));
}

if ((await run()) !== JSON.stringify(answer)) throw new Error("not the same answer");
for (let i = 0; i < 200; i++) await run();
const turns = [];
for (let turn = 0; turn < 15; turn++) {
  const started = process.cpuUsage();
  for (let i = 0; i < 10; i++) await run();
  const used = process.cpuUsage(started);
  turns.push((used.user + used.system) / 1000 / 10);
}
turns.sort((a, b) => a - b);
console.log(JSON.stringify({ cpu_ms: turns[7], least: turns[0], most: turns[14] }));
