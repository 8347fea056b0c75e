"""Writes a schema as large services have them, with operations and answers for it; all of it is our own."""

from __future__ import annotations

TABLES = (
    "account", "address", "alert", "api_key", "audit_log", "backup", "bill", "budget", "bucket", "cluster", "client",
    "contact", "container", "coupon", "credit", "customer", "dataset", "deployment", "device", "disk", "domain",
    "endpoint", "event", "filter", "firewall", "gateway", "gpu", "group", "host", "image", "incident", "invoice", "ip",
    "job", "key", "label", "license", "list", "location", "log", "machine", "member", "metric", "model", "network",
    "notebook", "note", "operation", "order", "owner", "package", "partition", "payment", "permission", "plan",
    "port", "price", "project", "property", "quota", "range", "region", "release", "report", "request", "role", "route",
    "rule", "schedule", "secret", "server", "service", "session", "set", "snapshot", "subnet", "tag", "task", "team",
    "template", "ticket", "token", "type", "user", "volume", "webhook", "worker", "zone",
)  # fmt: skip

HEAD = """
scalar DateTime
scalar UUID
scalar numeric
scalar jsonb
scalar Upload
scalar Any
"Where a thing is in its life."
enum Status { ACTIVE DELETED None class mro _private_ true_ name value }
enum order_by { asc asc_nulls_first desc desc_nulls_last }
enum Optional { YES NO }
enum Field { id created_at type }
enum int { small large }
interface Node { id: UUID! }
interface Timestamped { created_at: DateTime! updated_at: DateTime @deprecated(reason: "It is never set.") }
input String_comparison_exp { _eq: String _in: [String!] _like: String _is_null: Boolean = false }
input uuid_comparison_exp { _eq: UUID _in: [UUID!] _is_null: Boolean }
input numeric_comparison_exp { _eq: numeric _gt: numeric _lt: numeric }
input Status_comparison_exp { _eq: Status = ACTIVE _in: [Status!] = [ACTIVE, None] }
input Page { first: Int! = 20 after: String order: order_by = desc fields: [Field!] = [id, type] size: int = small }
input Search { text: String! page: Page = {first: 10, order: asc, fields: [created_at]} deep: jsonb = {a: [1]} }
input FileInput { file: Upload! name: String }
type Money { amount: numeric! currency: String! }
"""


def schema() -> str:
    """A few thousand lines of it."""
    tables = "\n".join(map(_table, range(len(TABLES))))
    fields = "\n  ".join(_root_fields(name) for name in TABLES)
    mutations = "\n  ".join(_mutations(name) for name in TABLES)
    union = " | ".join(map(_type, TABLES[:30]))
    return f"""{HEAD}{tables}
union SearchResult = {union}
type Query {{
  {fields}
  node(id: UUID!): Node
  search(search: Search!, status: Status, optional: Optional, field: Field): [SearchResult!]!
}}
type Mutation {{
  {mutations}
  upload(file: FileInput!): Boolean
}}
type Subscription {{ tick: Int }}
"""


def _type(name: str) -> str:
    return "".join(part.capitalize() for part in name.split("_"))


def _table(index: int) -> str:
    name, others = TABLES[index], [TABLES[(index * 7 + step**2) % len(TABLES)] for step in (1, 3, 5)]
    kind = _type(name)
    links = "\n  ".join(f"{each}_{step}: {_type(each)}" for step, each in enumerate(others))
    filters = "\n  ".join(f"{each}_{step}: {each}_bool_exp" for step, each in enumerate(others))
    inserts = "\n  ".join(f"{each}_{step}: {each}_insert_input" for step, each in enumerate(others))
    return f'''
"""
A {name.replace("_", " ")} of the "{kind}" kind,
over two lines.
"""
type {kind} implements Node & Timestamped {{
  id: UUID!
  created_at: DateTime!
  updated_at: DateTime @deprecated(reason: "It is never set.")
  "What it is called."
  name: String
  type: String
  status: Status!
  price: Money
  labels: jsonb
  note: String
  {links}
  many(where: {name}_bool_exp, limit: Int = 10): [{kind}!]!
}}
enum {name}_column {{ id created_at name type status }}
input {name}_bool_exp {{
  _and: [{name}_bool_exp!]
  _or: [{name}_bool_exp!]
  _not: {name}_bool_exp
  id: uuid_comparison_exp
  name: String_comparison_exp
  status: Status_comparison_exp
  price: numeric_comparison_exp
  {filters}
}}
input {name}_order_by {{
  id: order_by
  name: order_by = asc
  order_by: order_by
  {name}_order_by: {name}_order_by
}}
input {name}_insert_input {{
  id: UUID
  name: String! = "new"
  type: String
  status: Status = ACTIVE
  labels: jsonb
  price: numeric
  token: String
  {inserts}
}}'''


def _root_fields(name: str) -> str:
    arguments = f"where: {name}_bool_exp, order_by: [{name}_order_by!], columns: [{name}_column!], limit: Int = 10"
    return f"{name}({arguments}): [{_type(name)}!]!"


def _mutations(name: str) -> str:
    return f"insert_{name}(objects: [{name}_insert_input!]!, dry: Boolean = false): [{_type(name)}!]"


def queries() -> str:
    """Operations on every third table, and on what all have in common."""
    used = TABLES[::3]
    return "\n".join(
        [
            *map(_operations, used),
            """
            query FindAll($search: Search!, $status: Status, $optional: Optional, $field: Field, $type: String) {
              search(search: $search, status: $status, optional: $optional, field: $field) {
                __typename
                ... on Account { ...AccountParts }
                ... on Client { id name many(limit: 2, where: {name: {_eq: $type}}) { id } }
                ... on Timestamped { created_at }
              }
            }
            query GetNode($id: UUID!) { node(id: $id) { id ... on Job { labels created_at } } }
            fragment Price on Money { amount currency }
            """,
        ]
    )


def _operations(name: str) -> str:
    kind = _type(name)
    return f"""
# Reads some of them.
query List{kind}Rows($where: {name}_bool_exp, $order_by: [{name}_order_by!], $columns: [{name}_column!], $limit: Int) {{
  {name}(where: $where, order_by: $order_by, columns: $columns, limit: $limit) {{ ...{kind}Parts }}
}}
mutation Add{kind}Rows($objects: [{name}_insert_input!]!, $dry: Boolean) {{
  insert_{name}(objects: $objects, dry: $dry) {{ ...{kind}Parts }}
}}
fragment {kind}Parts on {kind} {{ id created_at name type status labels price {{ ...Price }} }}
"""


ROW = {
    "id": "00000000-0000-0000-0000-000000000007",
    "created_at": "2026-01-02T03:04:05Z",
    "name": None,
    "type": "t",
    "status": "None",
    "labels": {"app.kubernetes.io/name": [1]},
    "price": {"amount": "9007199254740993.1", "currency": "USD"},
}

SETTINGS = """
secret = ["Account.name", "account_insert_input.token"]
[tool.ariadne-codegen.scalars]
UUID = { type = "uuid.UUID" }
numeric = { type = "decimal.Decimal" }
"""
