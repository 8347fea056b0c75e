// The schema served by graphql-js under GraphQL Yoga; counts what is resolved.
//   node yoga_server.mjs SCHEMA.graphql [no-mutations]
import { readFileSync } from "node:fs";
import { createServer } from "node:http";
import { GraphQLSchema, buildSchema, defaultFieldResolver } from "graphql";
import { createYoga } from "graphql-yoga";

const executed = [];
const whole = buildSchema(readFileSync(process.argv[2], "utf8"));
const schema = process.argv.includes("no-mutations")
  ? new GraphQLSchema({ ...whole.toConfig(), mutation: undefined })
  : whole;
for (const type of Object.values(schema.getTypeMap())) {
  if (!type.getFields || type.name.startsWith("__") || type.constructor.name !== "GraphQLObjectType") continue;
  for (const field of Object.values(type.getFields())) {
    field.resolve = (source, args, context, info) => {
      executed.push(info.fieldName);
      return defaultFieldResolver(source ?? {}, args, context, info);
    };
  }
}
const yoga = createYoga({ schema, logging: false });
const server = createServer((request, response) => {
  if (request.url === "/executed") {
    response.setHeader("content-type", "application/json");
    response.end(JSON.stringify(executed.splice(0)));
  } else yoga(request, response);
});
server.listen(0, "127.0.0.1", () => console.log(server.address().port));
