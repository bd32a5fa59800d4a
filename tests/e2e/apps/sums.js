// The server of sums (servers.py) for Node.
const table = new Uint32Array(65536).map((_, i) => Number((BigInt(i) * 2654435761n) % 4294967296n));
require("net")
  .createServer((connection) => {
    let sum = 0, rest = "";
    connection.on("data", (data) => {
      const lines = (rest + data).split("\n");
      rest = lines.pop();
      for (const line of lines) {
        sum += Number(line.split(" ")[1]);
        connection.write(`${sum} ${table[sum % 65536]}\n`);
      }
    });
  })
  .listen(Number(process.argv[2]), "127.0.0.1");
