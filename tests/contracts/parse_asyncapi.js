// Parses each file named and prints, as one JSON array, what the AsyncAPI project's own parser makes of it.
const { Parser, fromFile } = require("@asyncapi/parser");

async function parse(path) {
  const { document, diagnostics } = await fromFile(new Parser(), path).parse();
  return {
    addresses: document ? document.channels().all().map((channel) => channel.address()) : null,
    operations: document ? document.operations().all().map((operation) => operation.id()) : null,
    errors: diagnostics.filter((d) => d.severity < 2).map((d) => `${d.path.join("/")}: ${d.message}`),
  };
}

Promise.all(process.argv.slice(2).map(parse)).then((parsed) => console.log(JSON.stringify(parsed)));
